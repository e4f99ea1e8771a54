"""How a letter becomes a mail's subject, text and HTML: Jinja2 templates that the person may edit.

A template may print fields, filter them, and ask whether a field is empty. It has no loops, calls, attributes or
arithmetic: what it costs to render is bounded by its length, whoever wrote it.
"""

# ruff: noqa: PLC0415 - jinja2 costs the other routes nothing: it is imported when a letter is made

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal

from shared.errors import NotFound, Rejected
from shared.lines import header_line
from shared.model import Template
from shared.ports import Snapshot, Store, Transaction
from shared.schema import TEMPLATES
from shared.sending.letter import HTML_CHARACTERS, SUBJECT_CHARACTERS, TEXT_CHARACTERS, body_text

if TYPE_CHECKING:
    import jinja2
    from jinja2 import nodes
    from jinja2.sandbox import SandboxedEnvironment
    from markupsafe import Markup

Kind = Literal["application", "follow_up"]

KINDS: tuple[Kind, ...] = ("application", "follow_up")
"""What letters are for; each has its template."""

TEMPLATE_CHARACTERS = 10_000
"""A letterhead and a signature with some mark-up."""

DEPTH = 10
"""Conditions within conditions; Python's own parser gives up at a hundred."""

NODES = frozenset(
    {
        "Template",
        "Output",
        "TemplateData",
        "Name",
        "Filter",
        "If",
        "Not",
        "And",
        "Or",
        "CondExpr",
        "Const",
    }
)
"""What may stand in a template, by Jinja2's own names."""

FILTERS = ("default", "lower", "paragraphs", "title", "trim", "upper")

AS_PARAGRAPHS = (
    '<div style="font-family: sans-serif; font-size: 14px; line-height: 1.5">\n{{ letter | paragraphs }}\n</div>'
)

DEFAULTS: dict[Kind, Template] = {
    "application": Template(
        subject="{% if role %}Application: {{ role }}{% else %}Application{% endif %}",
        text="{{ letter }}",
        html=AS_PARAGRAPHS,
    ),
    "follow_up": Template(subject="", text="{{ letter }}", html=AS_PARAGRAPHS),
}
"""What holds until the person has written their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What a template may print."""

    letter: str
    company: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a mail says."""

    subject: str
    text: str
    html: str


def get(uid: str, kind: Kind, *, store: Store) -> Template:
    """The person's template, or the one that everybody starts with."""
    return chosen(store.get(TEMPLATES.key(uid, kind)), kind)


def chosen(found: Snapshot[Template] | None, kind: Kind) -> Template:
    """What has been read of the person's template, or the one that everybody starts with."""
    return found.value if found is not None else DEFAULTS[kind]


def put(uid: str, kind: str, template: Template, *, store: Store) -> Template:
    """Keep a template. Raises Rejected, naming the part that is no template; NotFound for another kind."""
    known = next((each for each in KINDS if each == kind), None)
    if known is None:
        raise NotFound(f"templates: there are {' and '.join(KINDS)}")
    if known == "follow_up" and template.subject:
        raise Rejected("subject: a follow-up has that of its thread")
    render(template, Fields(letter="A letter.", company="Acme", role="Engineer"))

    def work(tx: Transaction) -> Template:
        tx.put(TEMPLATES.key(uid, known), template)
        return template

    return store.transact(work)


def render(template: Template, fields: Fields) -> Rendered:
    """The mail that the template makes of the fields. Raises Rejected, naming the part."""
    if not template.text.strip():
        raise Rejected("text: must not be empty")
    subject = _rendered("subject", template.subject, fields, SUBJECT_CHARACTERS, html=False)
    text = _rendered("text", template.text, fields, TEXT_CHARACTERS, html=False)
    html = _rendered("html", template.html, fields, HTML_CHARACTERS, html=True)
    return Rendered(
        subject=header_line("subject", subject.strip(), SUBJECT_CHARACTERS),
        text=body_text("text", text, TEXT_CHARACTERS),
        html=body_text("html", html, HTML_CHARACTERS),
    )


def _rendered(part: str, source: str, fields: Fields, most: int, *, html: bool) -> str:
    try:
        pieces = _compiled(source, html=html).generate(asdict(fields))
        return _joined(pieces, most)
    except Rejected as e:
        raise Rejected(f"{part}: {e}") from e


@lru_cache(maxsize=256)
def _compiled(source: str, *, html: bool) -> jinja2.Template:
    """The template, once it has been found harmless. Compiling costs many times what rendering does."""
    import jinja2

    if len(source) > TEMPLATE_CHARACTERS:
        raise Rejected(f"more than {TEMPLATE_CHARACTERS} characters")
    environment = _environment(html=html)
    try:
        # Checked before it is compiled: the compiler works out constants, however large.
        _check(environment.parse(source), depth=0)
        return environment.from_string(source)
    except jinja2.TemplateSyntaxError as e:
        raise Rejected(f"line {e.lineno}: {e.message}") from e
    except RecursionError as e:
        raise Rejected("nested too deeply") from e


def _joined(pieces: Iterable[str], most: int) -> str:
    """The template's output, given up as soon as it is too long."""
    found, length = [], 0
    for piece in pieces:
        length += len(piece)
        if length > most:
            raise Rejected(f"more than {most} characters")
        found.append(piece)
    return "".join(found)


def _check(node: nodes.Node, *, depth: int) -> None:
    from jinja2 import nodes

    name = type(node).__name__
    if name not in NODES:
        raise Rejected(f"line {node.lineno}: a template has fields, filters and conditions only")
    if isinstance(node, nodes.Name) and node.name not in Fields.__dataclass_fields__:
        raise Rejected(f"line {node.lineno}: no such field: {node.name[:40]}")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise Rejected(f"line {node.lineno}: no such filter: {node.name[:40]}")
    if depth > 2 * DEPTH:
        raise Rejected("nested too deeply")
    for child in node.iter_child_nodes():
        _check(child, depth=depth + 1)


@cache
def _environment(*, html: bool) -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(autoescape=html, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.globals.clear()
    environment.filters["paragraphs"] = _paragraphs
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    return environment


def _paragraphs(text: str) -> Markup:
    """Text as HTML: an empty line ends a paragraph, a line end within one stays."""
    from markupsafe import Markup, escape

    paragraphs = [each.strip("\n") for each in text.split("\n\n")]
    marked = (Markup("<br>\n").join(escape(each).split("\n")) for each in paragraphs if each)
    return Markup("\n").join(Markup("<p>{}</p>").format(each) for each in marked)
