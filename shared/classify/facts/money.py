"""What an offer pays: the salary and its period, and the words about bonus and equity."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.classify.facts.reading import Part
from shared.model import Salary, Signal

AMOUNTS = 24
"""How many amounts of one mail are looked at."""

NEAR = 70
"""Characters around an amount whose words say what it is for."""

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

_CURRENCY = "|".join(sorted((re.escape(sign) for sign in _SYMBOLS), key=len, reverse=True))
_NUMBER = r"\d{1,3}(?:[,.'’ ]\d{2,3}){1,3}(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,2})?"
_SCALE = r"k|thousand|tsd\.?|mil|million|mn|m|lakhs?|lacs?|lpa|crores?|cr|万|萬"
_SUFFIX = rf"(?:\s?(?P<{{0}}>{_SCALE})(?![a-zà-ÿ]))?"
_AMOUNT = re.compile(
    rf"(?<![\w.,])(?=[\w$€£¥₹₪₩₱])(?:(?P<before>{_CURRENCY})\s?)?(?P<low>(?:{_NUMBER})){_SUFFIX.format('s1')}"
    rf"\s?(?P<mid>(?:{_CURRENCY})(?![a-zà-ÿ]))?"
    rf"(?:\s?(?:-|–|—|to|and|bis|à|a|~|至|から)\s?(?:{_CURRENCY})?\s?(?P<high>(?:{_NUMBER})){_SUFFIX.format('s2')})?"
    rf"\s?(?P<after>(?:{_CURRENCY})(?![a-zà-ÿ]))?",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")

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
    r"bonus|sign[- ]?on|signing|relocation|equity|stock|\brsus?\b|options|shares|grant|stipend|allowance|budget|"
    r"funding|raised|revenue|valuation|gift|401|insurance|reimburse|benefit|prämie|prime|bono|bônus|premio|"
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
_PERCENT = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?\s?%")
_SENTENCE = re.compile(r"[.!?;\n](?=\s|$)|。")


@dataclass(frozen=True, slots=True)
class Pay:
    """A salary and the words that it was read from."""

    salary: Salary
    quote: str


def pay(body: Part, signal: Signal) -> Pay | None:
    """The pay that a mail states. Outside of an offer only an amount whose own words speak of pay counts."""
    best: tuple[int, re.Match[str], tuple[float, float], str] | None = None
    amounts = 0
    for match in _AMOUNT.finditer(body.text):
        sign = (match["before"] or match["mid"] or match["after"] or "").lower()
        scale = (match["s1"] or match["s2"] or "").lower()
        if not sign and not scale:
            continue
        amounts += 1
        if amounts > AMOUNTS:
            break
        bounds = _bounds(match)
        if bounds is None:
            continue
        score = _score(body, match, signal)
        if not sign and scale not in ("lpa", "lakh", "lakhs", "lac", "lacs", "万", "萬"):
            score -= 3
        if score > 0 and (best is None or score > best[0]):
            best = (score, match, bounds, sign)
    bonus, equity = (_phrase(body, _BONUS), _phrase(body, _EQUITY)) if signal is Signal.OFFER or best else ("", "")
    if best is None:
        return None
    _, match, (low, high), sign = best
    return Pay(
        Salary(
            minimum=low,
            maximum=high,
            currency=_currency(sign, (match["s1"] or match["s2"] or "").lower(), body),
            period=_period(body, match, high),
            bonus=bonus,
            equity=equity,
        ),
        body.quote(match.start(), match.end()),
    )


def _bounds(match: re.Match[str]) -> tuple[float, float] | None:
    low = _number(match["low"])
    high = _number(match["high"]) if match["high"] else low
    first = _scaled(match["s1"] or (match["s2"] if match["high"] else ""))
    second = _scaled(match["s2"] or match["s1"])
    low, high = low * first, high * second
    high = max(low, high)
    return (low, high) if BOUNDS[0] <= low and high <= BOUNDS[1] else None


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
    return 1e4 if word in ("万", "萬") else 1.0


def _score(body: Part, match: re.Match[str], signal: Signal) -> int:
    """How surely an amount is the pay: by the words of its own sentence, nearest ones first."""
    left = body.lower[max(match.start() - NEAR, 0) : match.start()]
    right = body.lower[match.end() : match.end() + NEAR]
    for cut in _SENTENCE.finditer(left):
        left = left[cut.end() :] if cut.end() < len(left) else ""
        break
    stop = _SENTENCE.search(right)
    right = right[: stop.start()] if stop else right
    score = 2 if signal is Signal.OFFER else 0
    paid = _last(_PAY, left)
    other = _last(_NOT_PAY, left)
    if paid >= 0 or _PAY.match(right.lstrip()) or _PAY.search(right[:24]):
        score += 3
    if other > paid:
        score -= 4
    # "$25,000 signing bonus": what the amount is for stands right behind it.
    behind = re.split(r"[,;]|\b(?:with|plus|and|per|base|a year|includes)\b", right, maxsplit=1)[0]
    if _NOT_PAY.search(behind[:30]):
        score -= 5
    if any(pattern.search(right[:24]) for _, pattern in _PERIODS):
        score += 2
    return score


def _last(pattern: re.Pattern[str], text: str) -> int:
    place = -1
    for match in pattern.finditer(text):
        place = match.start()
    return place


def _currency(sign: str, scale: str, body: Part) -> str:
    if not sign:
        if scale in ("万", "萬"):
            return "JPY" if re.search(r"[\u3040-\u30ff]", body.text) else "CNY"
        return "INR" if scale.startswith(("l", "c")) else ""
    code = _SYMBOLS[sign]
    if sign == "$":
        for name, other in (
            ("canad", "CAD"),
            ("austral", "AUD"),
            (" cad", "CAD"),
            (" aud", "AUD"),
            ("singapore", "SGD"),
        ):
            if name in body.lower:
                return other
    if sign == "¥" and re.search(r"人民币|元|月薪|年薪|薪资", body.text):
        return "CNY"
    return code


def _period(body: Part, match: re.Match[str], amount: float) -> str:
    around = body.lower[match.end() : match.end() + 40]
    before = body.lower[max(match.start() - 60, 0) : match.start()]
    for text in (around, before):
        for period, pattern in _PERIODS:
            if pattern.search(text):
                return period
    if (match["s1"] or match["s2"] or "").lower() == "lpa":
        return "year"
    # A salary without a period: five digits and more are paid by the year wherever this is written.
    return "year" if amount >= 15_000 else ""  # noqa: PLR2004 - above every monthly, below every yearly full-time salary in dollars


def _phrase(body: Part, pattern: re.Pattern[str]) -> str:
    """The words about a bonus or equity with the amount beside them, within their sentence."""
    found = pattern.search(body.text)
    if not found:
        return ""
    left = body.text[max(found.start() - 30, 0) : found.start()]
    amounts = [*_AMOUNT.finditer(left), *_PERCENT.finditer(left)]
    amounts = [m for m in amounts if "%" in m.group() or m["before"] or m["mid"] or m["after"]]
    close = [
        m
        for m in amounts
        if not re.search(r"[.;,!?\n]|\b(?:with|and|plus|base|salary)\b", left[m.end() :], re.IGNORECASE)
    ]
    start = found.start() - len(left) + close[-1].start() if close else found.start()
    end = found.end()
    right = re.match(r"\s(?:of|worth|up to|von|de)\s(?:up to\s)?", body.text[end : end + 20])
    if right:
        amount = _AMOUNT.match(body.text, end + right.end()) or _PERCENT.match(body.text, end + right.end())
        end = amount.end() if amount else end
    return body.text[start:end].strip()[:120]
