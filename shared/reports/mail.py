"""A report as a mail: a text, and a page whose bars are coloured cells, so that it needs no image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from html import escape

from shared import schedule
from shared.model import FEWEST_FOR_A_RATE, Preferences, Report, Share, Stage
from shared.notifications.words import countdown, reply_day

FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
INK, PALE, RULE, AROUND = "#1c2733", "#5b6875", "#e3e8ed", "#f4f6f8"
"""The colours of text, side notes, lines, and what lies around the page."""

BAR, REST, TRACK = "#2f6f9f", "#b9d3e6", "#eff3f6"
"""The colours of what was answered, of what was not, and of what a bar leaves empty."""

WIDTH = 600
"""Pixels: what mail programs give a mail; narrower screens shrink it."""

FULL = 100
"""Percent."""

STEPS = {
    Stage.APPLIED: "Applied",
    Stage.SCREENING: "Screening or assessment",
    Stage.INTERVIEW: "Interview",
    Stage.OFFER: "Offer",
}
"""What the funnel calls its steps."""


def page(report: Report, preferences: Preferences) -> tuple[list[str], str]:
    """The report's text, line by line, and its page."""
    zone = schedule.zone_of(preferences)
    last = (report.until - timedelta(minutes=1)).astimezone(zone)
    span = f"{report.since.astimezone(zone):%-d %b %Y} to {last:%-d %b %Y}"
    word = "week" if report.kind == "weekly" else "month"
    title = f"Your {word}"
    sections = [
        (f"In the {word}", _in_the_period(report), _beside),
        ("So far", _so_far(report), _beside),
        ("Coming up", _ahead(report, preferences), _below),
        ("Offers", _offers(report, preferences), _below),
    ]
    text = [f"{title}: {span}", ""]
    for head, rows, _ in sections:
        if rows:
            text += [head.upper(), *(f"  {name}: {value}" for name, value in rows), ""]
    text += ["HOW FAR YOUR APPLICATIONS CAME", *(f"  {bar.name}: {bar.value}" for bar in _funnel(report)), ""]
    for head, shares in (("ANSWERS BY COMPANY", report.by_company), ("ANSWERS BY SOURCE", report.by_source)):
        if shares:
            text += [head, *(f"  {share.name}: {_answered(share)}" for share in shares), ""]
    body = [
        f'<h1 style="margin:0;font-size:22px;color:{INK}">{title}</h1>',
        f'<p style="margin:2px 0 0;color:{PALE}">{span}</p>',
        *(_section(head, table(rows)) for head, rows, table in sections if rows),
        _section("How far your applications came", _bars(_funnel(report))),
    ]
    for head, shares in (("Answers by company", report.by_company), ("Answers by source", report.by_source)):
        if shares:
            body += [_section(head, f"{_LEGEND}\n{_bars(_answers(shares))}")]
    return text[:-1], _document(f"{title}: {span}", "\n".join(body))


def _in_the_period(report: Report) -> list[tuple[str, str]]:
    return [
        ("Applications sent", str(report.applications)),
        ("First answers", str(report.replies)),
        ("Interviews held", str(report.interviews_held)),
        ("Offers", str(report.offers)),
        ("Rejections", str(report.rejections)),
    ]


def _so_far(report: Report) -> list[tuple[str, str]]:
    """Of all applications: what one week has too few of to mean anything."""
    hint = f" (a rate from {FEWEST_FOR_A_RATE} on)" if report.total.rate is None else ""
    rows = [("Answered", _answered(report.total) + hint)]
    if report.average_days is not None and report.median_days is not None:
        rows += [("Median wait", _days(report.median_days)), ("Average wait", _days(report.average_days))]
    return [*rows, ("Still waiting", str(report.waiting))]


def _days(days: float) -> str:
    rounded = f"{days:.1f}"
    return f"{rounded} {'day' if rounded == '1.0' else 'days'}"


def _ahead(report: Report, preferences: Preferences) -> list[tuple[str, str]]:
    zone = schedule.zone_of(preferences)
    return [(_what(each.role, each.company), _when(each.start, zone)) for each in report.ahead]


def _when(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%a %-d %b, %H:%M}"


def _offers(report: Report, preferences: Preferences) -> list[tuple[str, str]]:
    """Each with its clock: the day by which it wants an answer, and how far that is."""
    rows = []
    for each in report.open_offers:
        left = schedule.days_left(each.reply_by, preferences, report.created_at)
        until = "no day named" if left is None else f"by {reply_day(each.reply_by)}, {countdown(left)}"
        rows.append((_what(each.role, each.company), until))
    return rows


def _what(role: str, company: str) -> str:
    return " at ".join(filter(None, (role, company))) or "An application"


@dataclass(frozen=True, slots=True)
class _Bar:
    """A line with a bar under it: how much of it is filled, and how much more is there, both in percent."""

    name: str
    value: str
    filled: int
    more: int = 0


def _funnel(report: Report) -> list[_Bar]:
    most = max(1, *(report.funnel.get(stage, 0) for stage in STEPS))
    return [
        _Bar(name, str(report.funnel.get(stage, 0)), FULL * report.funnel.get(stage, 0) // most)
        for stage, name in STEPS.items()
    ]


def _answers(shares: Sequence[Share]) -> list[_Bar]:
    """As long as there are applications, and as full as they were answered."""
    most = max(share.applications for share in shares)
    return [
        _Bar(share.name, _answered(share), filled, FULL * share.applications // most - filled)
        for share in shares
        for filled in [FULL * share.answered // most]
    ]


def _answered(share: Share) -> str:
    said = f"{share.answered} of {share.applications}"
    return said if share.rate is None else f"{said} ({share.rate:.0%})"


# --- HTML -------------------------------------------------------------------------------------------------------------


def _section(head: str, content: str) -> str:
    return f'<h2 style="margin:28px 0 8px;font-size:16px;color:{INK}">{escape(head)}</h2>\n{content}'


_LEGEND = f'<p style="margin:0;color:{PALE};font-size:13px">Dark: answered. Light: no answer so far.</p>'

_PLAIN = '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'


_ANYWHERE = "word-break:break-word;overflow-wrap:anywhere"
"""A name as long as the page is broken; the first of the two is what older mail programs know."""


_CELL = f"padding:6px 0;border-bottom:1px solid {RULE}"


def _beside(rows: Sequence[tuple[str, str]]) -> str:
    """Short names, each with its figure at the other edge."""
    lines = (
        f'<tr><td style="{_CELL};color:{PALE};padding-right:12px">{escape(name)}</td>'
        f'<td align="right" style="{_CELL};color:{INK};white-space:nowrap">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"{_PLAIN}>{''.join(lines)}</table>"


def _below(rows: Sequence[tuple[str, str]]) -> str:
    """Names of any length, each with what there is to say below it: side by side a phone has no room for both."""
    lines = (
        f'<tr><td style="{_CELL};color:{INK};{_ANYWHERE}">{escape(name)}<br>'
        f'<span style="color:{PALE}">{escape(value)}</span></td></tr>'
        for name, value in rows
    )
    return f"{_PLAIN}>{''.join(lines)}</table>"


def _bars(bars: Sequence[_Bar]) -> str:
    """Each line with its bar: cells of a table, coloured."""
    return "\n".join(
        f'{_PLAIN}><tr><td valign="top" style="padding:8px 12px 3px 0;color:{INK};{_ANYWHERE}">{escape(bar.name)}</td>'
        f'<td valign="top" align="right" style="padding:8px 0 3px;color:{PALE};white-space:nowrap">'
        f"{escape(bar.value)}</td></tr>"
        f"</table>{_cells(bar)}"
        for bar in bars
    )


def _cells(bar: _Bar) -> str:
    widths = ((bar.filled, BAR), (bar.more, REST), (FULL - bar.filled - bar.more, TRACK))
    cells = (
        f'<td width="{width}%" bgcolor="{colour}" style="background-color:{colour};font-size:0">&nbsp;</td>'
        for width, colour in widths
        if width
    )
    return f'{_PLAIN} height="10" style="height:10px;table-layout:fixed"><tr>{"".join(cells)}</tr></table>'


def _document(title: str, body: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title></head>\n"
        f'<body style="margin:0;padding:0;background-color:{AROUND}">{_PLAIN} bgcolor="{AROUND}">'
        '<tr><td align="center">\n'
        f'{_PLAIN} bgcolor="#ffffff" style="max-width:{WIDTH}px;background-color:#ffffff">'
        f'<tr><td style="padding:24px;{FONT};font-size:15px;line-height:1.45">\n{body}\n'
        f'<p style="margin:28px 0 0;color:{PALE};font-size:13px">Hearback wrote this because you have asked for it; '
        "your preferences say how often.</p>\n"
        "</td></tr></table></td></tr></table></body></html>\n"
    )
