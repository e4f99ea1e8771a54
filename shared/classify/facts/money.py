"""What an offer pays: the salary and its period, and the words about bonus and equity."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.classify.facts.reading import Part
from shared.model import Salary, Signal
from shared.names import word_set

AMOUNTS = 24
"""How many amounts of one mail are looked at."""

NEAR = 70
"""Characters around an amount whose words say what it is for."""

YEARLY = 15_000
"""A salary of so much without a period is a year's: it is above what is paid a month, below what is paid a year."""

BOUNDS = (5.0, 1e9)
"""Smallest hourly wage and largest yearly salary (in yen or rupees) that are believed."""

_SYMBOLS = {
    "us$": "USD",
    "usd": "USD",
    "$": "USD",
    "ca$": "CAD",
    "c$": "CAD",
    "cad": "CAD",
    "au$": "AUD",
    "a$": "AUD",
    "aud": "AUD",
    "nz$": "NZD",
    "nzd": "NZD",
    "s$": "SGD",
    "sgd": "SGD",
    "hk$": "HKD",
    "hkd": "HKD",
    "mx$": "MXN",
    "mxn": "MXN",
    "r$": "BRL",
    "brl": "BRL",
    "€": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "£": "GBP",
    "gbp": "GBP",
    "¥": "JPY",
    "jpy": "JPY",
    "円": "JPY",
    "cny": "CNY",
    "rmb": "CNY",
    "元": "CNY",
    "人民币": "CNY",
    "₹": "INR",
    "inr": "INR",
    "rs.": "INR",
    "rs": "INR",
    "chf": "CHF",
    "sek": "SEK",
    "nok": "NOK",
    "dkk": "DKK",
    "pln": "PLN",
    "zł": "PLN",
    "czk": "CZK",
    "huf": "HUF",
    "ils": "ILS",
    "₪": "ILS",
    "zar": "ZAR",
    "krw": "KRW",
    "₩": "KRW",
    "php": "PHP",
    "₱": "PHP",
    "aed": "AED",
}
"""Signs and codes of currencies; a bare $ is the US dollar unless the mail says whose it is."""

_DOLLARS = {"canad": "CAD", "austral": "AUD", " cad": "CAD", " aud": "AUD", "singapore": "SGD", "new zealand": "NZD"}
_INDIAN = word_set("lpa lakh lakhs lac lacs crore crores cr")
_TEN_THOUSANDS = ("万", "萬")
_CURRENCY = "|".join(sorted((re.escape(sign) for sign in _SYMBOLS), key=len, reverse=True))
_NUMBER = r"\d{1,3}(?:[,.'’ ]\d{2,3}){1,3}(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,2})?"
_SCALE = r"k|thousand|tsd\.?|mil|million|mn|m|lakhs?|lacs?|lpa|crores?|cr|万|萬"
_AMOUNT = re.compile(
    rf"(?<![A-Za-z0-9_.,])(?=[\d$€£¥₹₪₩₱A-Za-z])(?:(?P<before>{_CURRENCY})\s?)?(?P<number>{_NUMBER})"
    rf"(?:\s?(?P<scale>{_SCALE})(?![a-zà-ÿ]))?(?:\s?(?P<behind>{_CURRENCY})(?![a-zà-ÿ]))?",
    re.IGNORECASE,
)
_TO = re.compile(r"\s?(?:-|–|—|~|至|から)\s?|\s(?:to|and|bis|à|a|y|e)\s", re.IGNORECASE)

_PERIODS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "hour",
        re.compile(
            r"per hour|hourly|an hour|/ ?h(?:ou)?r?\b|pro stunde|/ ?std|de l'heure|por hora|all'ora|"
            r"per uur|時給|每小时|时薪"
        ),
    ),
    (
        "day",
        re.compile(
            r"per day|daily rate|per diem|/ ?day|pro tag|tagessatz|par jour|por d[ií]a|al giorno|per dag|日給|日薪"
        ),
    ),
    ("week", re.compile(r"per week|weekly|a week|/ ?w(?:ee)?k\b|pro woche|par semaine|por semana|per week")),
    (
        "month",
        re.compile(
            r"per month|monatsgehalt|monthly|a month|/ ?mo(?:nth)?\b|p\.m\.|pro monat|monatlich|par mois|mensuel|"
            r"al mes|mensual|por mês|mensal|mensais|al mese|mensil|per maand|月薪|月給|每月|/月"
        ),
    ),
    (
        "year",
        re.compile(
            r"per year|per annum|annual|annually|yearly|a year|p\.? ?a\.|/ ?y(?:ea)?r\b|lpa\b|pro jahr|jährlich|jahres|"
            r"par an|annuel|al año|anual|por ano|all'anno|annu[io]|per jaar|年薪|年収|年俸|每年|/年"
        ),
    ),
)
"""Words beside an amount that say for how long it is paid, shortest period first: "annual" stands in other phrases."""

_PAY = re.compile(
    r"salary|compensation|\bbase\b|\bpay\b|\bpays\b|wage|remuneration|\bctc\b|\bote\b|package|earn|\brate\b|gehalt|vergütung|"
    r"entgelt|salaire|rémunération|sueldo|salario|salário|remuneração|retribuzione|stipendio|\bral\b|salaris|loon|薪|"
    r"年収|年俸|月給|時給|工资|给与|給与"
)
_NOT_PAY = re.compile(
    r"bonus|sign[- ]?on|signing|relocation(?: package)?|equity|stock|\brsus?\b|options|shares|grant|stipend|allowance|"
    r"budget|funding|raised|revenue|valuation|gift|401|insurance|reimburse|benefit|prämie|prime|bono|bônus|premio|"
    r"series [a-e]\b"
)
_BONUS = re.compile(
    r"(?:(?:sign[- ]?(?:on|ing)|annual|performance|target|yearly|quarterly|relocation|retention|discretionary)\s){0,2}"
    r"bonus|bonuszahlung|jahresbonus|prime de|bônus|奖金|賞与|签字费",
    re.IGNORECASE,
)
_EQUITY = re.compile(
    r"\d[\d,]{0,12}\s(?:rsus?|restricted stock units|shares|stock options|options)\b"
    r"|\d{1,2}(?:\.\d{1,4})?\s?%\s(?:of\s)?(?:equity|the company|shares)"
    r"|equity(?:\s(?:grant|package|stake|award|compensation))?(?:\sof\s\S{1,20})?|\brsus?\b|restricted stock units"
    r"|stock options?|virtuelle anteile|\bvsop\b|stock-options|股权|期权|ストックオプション",
    re.IGNORECASE,
)
_NEXT = re.compile(r"[,;]|\b(?:with|plus|and|per|base|a year|includes)\b")
_APART = re.compile(r"[.;,!?\n]|\b(?:with|and|plus|base|salary)\b", re.IGNORECASE)
_OF = re.compile(r"\s(?:of|worth|up to|von|de)\s(?:up to\s)?")
_PERCENT = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?\s?%")
_SENTENCE = re.compile(r"[.!?;\n](?=\s|$)|。")


@dataclass(frozen=True, slots=True)
class Pay:
    """A salary and the words that it was read from."""

    salary: Salary
    quote: str


@dataclass(frozen=True, slots=True)
class _Amount:
    """Money in a text: one figure, or the two ends of a range."""

    start: int
    end: int
    low: float
    high: float
    sign: str
    """Currency sign or code as written, lower case; empty when there is none."""
    scale: str
    """"k", "LPA", 万 and the like, lower case."""


def pay(body: Part, signal: Signal) -> Pay | None:
    """The pay that a mail states. Outside of an offer only an amount whose own words speak of pay counts."""
    scored = [(_score(body, amount, signal), -amount.start, amount) for amount in _amounts(body.text)]
    score, _, best = max(scored, key=lambda row: row[:2], default=(0, 0, None))
    if best is None or score <= 0:
        return None
    salary = Salary(
        minimum=best.low,
        maximum=best.high,
        currency=_currency(best, body),
        period=_period(best, body),
        bonus=_phrase(body, _BONUS),
        equity=_phrase(body, _EQUITY),
    )
    return Pay(salary, body.quote(best.start, best.end))


def _amounts(text: str) -> list[_Amount]:
    """The first AMOUNTS of money in a text: figures with a currency or a scale, within BOUNDS."""
    found: list[_Amount] = []
    behind = 0
    for match in _AMOUNT.finditer(text):
        if match.start() < behind:
            continue
        amount = _ranged(match, text)
        behind = amount.end
        if (amount.sign or amount.scale) and BOUNDS[0] <= amount.low and amount.high <= BOUNDS[1]:
            found.append(amount)
            if len(found) >= AMOUNTS:
                break
    return found


def _ranged(match: re.Match[str], text: str) -> _Amount:
    """The amount of a match, or the range that it begins: "$120,000 - $140,000", "12-15 LPA"."""
    sign, scale = (match["before"] or match["behind"] or "").lower(), (match["scale"] or "").lower()
    low = _number(match["number"]) * _scaled(scale)
    dash = _TO.match(text, match.end())
    upper = _AMOUNT.match(text, dash.end()) if dash else None
    if upper:
        other = (upper["scale"] or "").lower()
        high = _number(upper["number"]) * _scaled(other or scale)
        # The scale of "$120-140k" and "12-15 LPA" is written once, behind.
        low = low if scale else low * _scaled(other)
        if high >= low:
            named = sign or (upper["before"] or upper["behind"] or "").lower()
            return _Amount(match.start(), upper.end(), low, high, named, scale or other)
        low = _number(match["number"]) * _scaled(scale)
    return _Amount(match.start(), match.end(), low, low, sign, scale)


def _number(text: str) -> float:
    """The number in "180,000", "65.000", "12,00,000", "1'200.50": a last mark before one or two digits is a point."""
    digits = re.sub(r"[ '’]", "", text)
    mark = max(digits.rfind(","), digits.rfind("."))
    if mark >= 0 and len(digits) - mark - 1 <= 2:  # noqa: PLR2004 - cents have two digits, thousands three
        return float(re.sub(r"[.,]", "", digits[:mark]) + "." + digits[mark + 1 :])
    return float(re.sub(r"[.,]", "", digits))


def _scaled(suffix: str | None) -> float:
    word = (suffix or "").lower().rstrip(".")
    if word in ("k", "thousand", "tsd", "mil"):
        return 1e3
    if word in ("m", "mn", "million"):
        return 1e6
    if word.startswith(("lakh", "lac", "lpa")):
        return 1e5
    if word.startswith("cr"):
        return 1e7
    return 1e4 if word in _TEN_THOUSANDS else 1.0


def _score(body: Part, amount: _Amount, signal: Signal) -> int:
    """How surely an amount is the pay: by the words of its own sentence, nearest ones first."""
    left = body.lower[max(amount.start - NEAR, 0) : amount.start]
    left = left[_last(_SENTENCE, left) + 1 :]
    right = body.lower[amount.end : amount.end + NEAR]
    stop = _SENTENCE.search(right)
    right = right[: stop.start()] if stop else right
    score = 2 if signal is Signal.OFFER else 0
    if _PAY.search(left) or _PAY.search(right[:24]):
        score += 3
    # "salary of $180,000 with a signing bonus of $25,000": the words of the amount's own clause say what it is.
    clause = left[_last(_NEXT, left) + 1 :]
    if -1 < _last(_NOT_PAY, clause) >= _last(_PAY, clause):
        score -= 6
    # "$25,000 signing bonus": what the amount is for stands right behind it.
    if _NOT_PAY.search(_NEXT.split(right, maxsplit=1)[0][:30]):
        score -= 6
    if any(pattern.search(right[:24]) for _, pattern in _PERIODS):
        score += 2
    return score if amount.sign or amount.scale in _INDIAN or amount.scale in _TEN_THOUSANDS else score - 3


def _last(pattern: re.Pattern[str], text: str) -> int:
    """Where the last match of `pattern` ends, -1 when there is none."""
    return max((match.end() - 1 for match in pattern.finditer(text)), default=-1)


def _currency(amount: _Amount, body: Part) -> str:
    if not amount.sign:
        if amount.scale in _TEN_THOUSANDS:
            return "JPY" if re.search(r"[\u3040-\u30ff]", body.text) else "CNY"
        return "INR" if amount.scale in _INDIAN else ""
    if amount.sign == "$":
        # A bare dollar is another country's where the mail says so.
        return next((code for name, code in _DOLLARS.items() if name in body.lower), "USD")
    if amount.sign == "¥" and re.search(r"人民币|元|月薪|年薪|薪资", body.text):
        return "CNY"
    return _SYMBOLS[amount.sign]


def _period(amount: _Amount, body: Part) -> str:
    behind = body.lower[amount.end : amount.end + 40]
    before = body.lower[max(amount.start - 60, 0) : amount.start]
    for text in (behind, before):
        for period, pattern in _PERIODS:
            if pattern.search(text):
                return period
    return "year" if amount.scale == "lpa" or amount.high >= YEARLY else ""


def _phrase(body: Part, pattern: re.Pattern[str]) -> str:
    """The words about a bonus or equity with the amount beside them, within their sentence."""
    found = pattern.search(body.text)
    if not found:
        return ""
    left = body.text[max(found.start() - 30, 0) : found.start()]
    stated = [*_AMOUNT.finditer(left), *_PERCENT.finditer(left)]
    money = [match for match in stated if "%" in match.group() or match["before"] or match["behind"]]
    close = [match for match in money if not _APART.search(left[match.end() :])]
    start = found.start() - len(left) + close[-1].start() if close else found.start()
    end = found.end()
    of = _OF.match(body.text, end)
    if of:
        amount = _AMOUNT.match(body.text, of.end()) or _PERCENT.match(body.text, of.end())
        end = amount.end() if amount else end
    return body.text[start:end].strip()[:120]
