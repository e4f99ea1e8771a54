"""What an offer pays."""

import pytest

from shared.classify.facts import money
from shared.classify.facts.reading import Part
from shared.model import Signal


def read(text, signal=Signal.OFFER):
    paid = money.pay(Part.of("body", text), signal)
    return paid.salary if paid else None


@pytest.mark.parametrize(
    ("text", "low", "high", "currency", "period"),
    [
        ("Your starting salary will be $180,000 with a signing bonus of $25,000.", 180_000, 180_000, "USD", "year"),
        ("a base salary of $175K and equity of 0.5%", 175_000, 175_000, "USD", "year"),
        ("a salary between $120,000 and $140,000", 120_000, 140_000, "USD", "year"),
        ("$120-140k base", 120_000, 140_000, "USD", "year"),
        ("£45k - £55k per annum", 45_000, 55_000, "GBP", "year"),
        ("CAD 95,000 per year", 95_000, 95_000, "CAD", "year"),
        ("$52.50 per hour", 52.5, 52.5, "USD", "hour"),
        ("your pay is $4,000 a month", 4_000, 4_000, "USD", "month"),
        ("Jahresgehalt von 65.000 € brutto", 65_000, 65_000, "EUR", "year"),
        ("ein Bruttomonatsgehalt von 4.500 EUR", 4_500, 4_500, "EUR", "month"),
        ("CHF 110'000 im Jahr, pro Jahr", 110_000, 110_000, "CHF", "year"),
        ("45 000 € par an", 45_000, 45_000, "EUR", "year"),
        ("un salario de 38.000 € al año", 38_000, 38_000, "EUR", "year"),
        ("salário de R$ 9.500,00 por mês", 9_500, 9_500, "BRL", "month"),
        ("una retribuzione di 42.000 euro annui", 42_000, 42_000, "EUR", "year"),
        ("12-15 LPA", 1_200_000, 1_500_000, "INR", "year"),
        ("CTC of 12,00,000 INR", 1_200_000, 1_200_000, "INR", "year"),
        ("月薪 20,000元", 20_000, 20_000, "CNY", "month"),
        ("年収600万円", 6_000_000, 6_000_000, "JPY", "year"),
        ("15,000 RSUs and USD 245,000 base", 245_000, 245_000, "USD", "year"),
        ("$25,000 signing bonus and base salary $170,000", 170_000, 170_000, "USD", "year"),
        ("a salary of $100,000 in Canada", 100_000, 100_000, "CAD", "year"),
    ],
)
def test_the_salary_is_read_in_full_units(text, low, high, currency, period):
    salary = read(text)
    assert (salary.minimum, salary.maximum, salary.currency, salary.period) == (low, high, currency, period)


@pytest.mark.parametrize(
    "text",
    [
        "You won a $500 gift card",
        "We raised $40 million in funding",
        "a signing bonus of $10,000",
        "a relocation package of $8,000",
        "Call 555-0134",
        "on March 5, 2026",
        "",
    ],
)
def test_money_that_is_no_pay_is_no_salary(text):
    assert read(text) is None


def test_outside_of_an_offer_only_pay_in_its_own_words_counts():
    assert read("Win $5,000 today", Signal.JOB_ALERT) is None
    assert read("The role pays $150/hr", Signal.RECRUITER_OUTREACH).minimum == 150


@pytest.mark.parametrize(
    ("text", "bonus", "equity"),
    [
        ("salary $180,000 with a signing bonus of $25,000", "signing bonus of $25,000", ""),
        ("$25,000 signing bonus and base salary $170,000", "$25,000 signing bonus", ""),
        ("15% annual bonus, $150,000 base", "15% annual bonus", ""),
        ("base salary of $140,000 and equity grant of 0.1%", "", "equity grant of 0.1%"),
        ("salary of $245,000 and 15,000 RSUs", "", "15,000 RSUs"),
        ("salary of $100,000", "", ""),
    ],
)
def test_bonus_and_equity_keep_their_words(text, bonus, equity):
    salary = read(text)
    assert (salary.bonus, salary.equity) == (bonus, equity)


def test_the_quote_is_the_sentence_around_the_amount():
    paid = money.pay(Part.of("body", "Dear Dana,\nyour base salary is $175,000 a year.\nBest"), Signal.OFFER)
    assert paid is not None
    assert paid.quote == "your base salary is $175,000 a year."
