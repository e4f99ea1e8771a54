"""Names of companies and titles of roles, compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.names import company_key, narrowed_role, other_work, plain, roles_disagree, same_company, same_role, title


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Acme Corp.", "acme"),
        ("ACME, Inc.", "acme"),
        ("Acme GmbH & Co. KG", "acme"),
        ("Acme S.p.A.", "acme"),
        ("Acme Pte. Ltd.", "acme"),
        ("The Acme Company", "acme company"),
        ("Acme Technologies", "acme technologies"),
        ("Nestlé S.A.", "nestle"),
        ("Coca-Cola", "coca cola"),
        ("McDonald's", "mcdonalds"),
        ("Johnson & Johnson", "johnson and johnson"),
        ("AT&T", "at&t"),
        ("U.S. Bank", "us bank"),
        ("Amazon Web Services (AWS)", "amazon web services"),
        ("株式会社ミナト", "ミナト"),
        ("星河科技有限公司", "星河科技"),
        ("ガンダム", "ガンダム"),  # the mark of ガ is a letter's own
        ("Яндекс", "яндекс"),
        ("Inc", "inc"),
        ("", ""),
        ("   ", ""),
    ],
)
def test_a_name_is_compared_without_its_legal_form(name, key):
    assert company_key(name) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme", "Acme Technologies"),
        ("Acme Group", "Acme"),
        ("Meta", "Meta Platforms, Inc."),
        ("Booking", "Booking.com"),
        ("ACME", "acme gmbh"),
        ("Hewlett-Packard", "Hewlett Packard"),
    ],
)
def test_one_generic_word_is_left_out_in_speech(one, other):
    assert same_company(one, other)
    assert same_company(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme Technologies", "Acme Solutions"),
        ("Stripe", "Stripe Partners"),
        ("Meta", "Metabase"),
        ("X", "Xing"),
        ("Acme", ""),
        ("", ""),
        ("京东", "京东方"),
    ],
)
def test_other_words_make_another_company(one, other):
    assert not same_company(one, other)
    assert not same_company(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Data Engineer", "data engineer"),
        ("Produktmanager (m/w/d)", "Produktmanager"),
        ("Sr. Data Engineer", "Senior Data Engineer"),
        ("SWE", "Software Engineer"),
        ("Front-End Developer", "Frontend Developer"),
        ("Vice President of Sales", "VP Sales"),
        ("Data Engineer (Remote)", "Data Engineer"),
        ("Software Engineer 2", "Software Engineer II"),
    ],
)
def test_one_title_may_be_written_in_several_ways(one, other):
    assert same_role(one, other)
    assert not roles_disagree(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Data Engineer", "Senior Data Engineer"),
        ("Data Engineer", "Data Analyst"),
        ("Data Engineer Intern", "Data Engineer"),
        ("Software Engineer II", "Software Engineer III"),
        ("Product Manager", "Associate Product Manager"),
        ("Engineering Manager", "Director of Engineering"),
        ("产品经理", "数据分析师"),
    ],
)
def test_another_grade_or_other_work_disagrees(one, other):
    assert roles_disagree(one, other)
    assert roles_disagree(other, one)
    assert not same_role(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Engineer", "Platform Engineer"),
        ("Backend Developer", "Backend Engineer"),
        ("Data Engineer", ""),
        ("AI产品经理", "产品经理"),
        ("Data Engineer, Payments", "Data Engineer"),
    ],
)
def test_a_title_that_says_less_does_not_disagree(one, other):
    assert not roles_disagree(one, other)
    assert not roles_disagree(other, one)


def test_a_grade_is_no_other_work():
    assert not other_work("Data Engineer", "Senior Data Engineer")
    assert other_work("Data Engineer", "Data Analyst")


def test_a_title_is_narrowed_by_words_and_only_if_enough_are_shared():
    assert narrowed_role("Data Engineer", "Data Engineer, Payments")
    assert narrowed_role("Data Engineer, Payments", "Data Engineer")
    assert not narrowed_role("Engineer", "Platform Engineer")
    assert not narrowed_role("Data Engineer", "Senior Data Engineer, Payments")
    assert not narrowed_role("Data Engineer, Payments", "Data Engineer, Search")


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_two_names_compare_the_same_both_ways(one, other):
    assert same_company(one, other) == same_company(other, one)
    assert same_role(one, other) == same_role(other, one)
    assert roles_disagree(one, other) == roles_disagree(other, one)
    assert narrowed_role(one, other) == narrowed_role(other, one)
    assert not (same_role(one, other) and roles_disagree(one, other))


@given(st.text(max_size=60))
def test_a_comparable_form_is_its_own(text):
    assert plain(plain(text)) == plain(text)


@given(st.text(max_size=300))
def test_any_text_has_a_comparable_form_of_plain_words(text):
    assert plain(text) == " ".join(plain(text).split())
    assert company_key(text) == " ".join(company_key(text).split())
    assert bool(title(text).words) or not title(text).grade
