"""HTML of a mail into the text that a person sees: one pass, linear, no parser to fool.

The standard library's HTMLParser is quadratic: 40 KB of "<a " take eight seconds. This scanner only ever moves forward.

What becomes of things: script, style, title, comments and hidden elements go. Blocks and <br> end a line, cells are
separated by a space. A quotation (blockquote with type=cite or a class that says quote) gets "> " before each line, as
in plain text. A link is written behind its words, `View the role <https://jobs.example/1>`, once for each address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from shared.classify.charsets import clean

HTML_CHARACTERS = 250_000
"""How much HTML is read. Gmail shows 102 KB of a message and then cuts, so what stands behind is seen by few."""

LINK_CHARACTERS = 1_000
"""The longest link kept whole; a longer one (tracking) loses its query."""

LINKS = 200
"""How many links are written out; a digest of 50 jobs has about 150."""

_QUOTE_BEGINS = "\ue000"
_QUOTE_ENDS = "\ue001"
# Private-use signs, taken out of the input first; a line that holds only one of them begins or ends a quotation.

_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:_-]{0,40})")
_NO_TAG = re.compile(r"(?:<(?![a-zA-Z!?/])[^<]*)+")
_QUOTE_OR_END = re.compile(r"[>\"']")
_ENTITY = re.compile(
    r"&(?:#([0-9]{1,7})(?![0-9])|#[xX]([0-9a-fA-F]{1,6})(?![0-9a-fA-F])|([A-Za-z][A-Za-z0-9]{1,31}))(;?)"
)
_HREF = re.compile(r"\bhref\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"]{1,200})\"|'([^']{1,200})')", re.IGNORECASE)
_HIDDEN = re.compile(r"display:none|visibility:hidden|max-height:0(?![.\d]*[1-9])|opacity:0(?![.\d]*[1-9])")
_HIDDEN_ATTRIBUTE = re.compile(r"(?:^|\s)hidden(?=[\s=/]|$)")
_BLANK_LINES = re.compile(r"\n{3,}")

_RAW = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "iframe", "noframes", "xmp", "noembed")
}
"""Elements whose content is no markup, or nothing to read; only their own end tag ends them."""

_NEVER_HIDDEN = set(re.findall(r"\w+", "area base body br col embed head hr html img input link meta param source wbr"))
"""Elements without content, and the two that hold the whole mail."""

_LINE = set(
    re.findall(
        r"\w+",
        "address article aside blockquote body br center dd div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6 "
        "header hr html main nav ol option pre section table tbody tfoot thead tr ul",
    )
)
"""Elements that stand on lines of their own."""

_AT_START = dict.fromkeys(_LINE, "\n") | {"p": "\n\n", "li": "\n- ", "td": " ", "th": " "}
_AT_END = dict.fromkeys(_LINE, "\n") | {"p": "\n\n", "li": "\n"}
_IMPLIED_END = {
    "p": _LINE | {"p", "li", "td", "th"},
    "li": {"li", "ul", "ol"},
    "td": {"td", "th", "tr", "table", "tbody"},
    "th": {"td", "th", "tr", "table", "tbody"},
    "tr": {"tr", "table", "tbody"},
}
"""Elements that end without an end tag, and the tags that end them. A hidden one must not hide the rest of a mail."""


def html_to_text(html: str) -> str:
    """The visible text of `html`, which `clean` has been through. Total and linear."""
    return _Scanner(html[:HTML_CHARACTERS].replace(_QUOTE_BEGINS, "").replace(_QUOTE_ENDS, "")).text()


class _Scanner:
    """One pass over one HTML text."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._out: list[str] = []
        self._quotes: list[bool] = []
        """For each open blockquote, whether it is a quotation of an earlier mail."""
        self._preformatted = False
        self._link = ""
        self._link_from = 0
        self._links: set[str] = set()
        self._hidden = ""
        """Name of the hidden element that we are in, empty in the open."""
        self._hidden_depth = 0

    def text(self) -> str:
        html = self._html
        at = 0
        while at < len(html):
            open_at = html.find("<", at)
            if open_at < 0:
                self._words(html[at:])
                break
            if open_at > at:
                self._words(html[at:open_at])
            at = self._markup(open_at)
        self._end_link()
        return _lines("".join(self._out))

    def _words(self, text: str) -> None:
        if self._hidden:
            return
        if "&" in text:
            text = _unescape(text)
        self._out.append(text if self._preformatted else text.replace("\n", " "))

    def _markup(self, at: int) -> int:
        """Read the markup that begins at `at`; returns where the text goes on."""
        html = self._html
        tag = _TAG.match(html, at)
        if tag is None:
            return self._no_tag(at)
        end = _tag_end(html, tag.end())
        if end < 0:
            # A browser shows nothing of an unfinished tag, and so of all that follows it.
            return len(html)
        name = tag[1].lower()
        if html[at + 1] == "/":
            self._end(name)
            return end + 1
        self._start(name, html[tag.end() : end])
        if name in _RAW:
            close = _RAW[name].search(html, end)
            return close.start() if close else len(html)
        return end + 1

    def _no_tag(self, at: int) -> int:
        html = self._html
        if html.startswith("<!--", at):
            end = html.find("-->", at + 2)
            return end + 3 if end >= 0 else len(html)
        if html[at + 1 : at + 2] in {"!", "?", "/"}:
            end = html.find(">", at)
            return end + 1 if end >= 0 else len(html)
        # A "<" that begins no tag is text, and so is what follows up to the next one that does.
        plain = _NO_TAG.match(html, at)
        end = plain.end() if plain else at + 1
        self._words(html[at:end])
        return end

    def _start(self, name: str, attributes: str) -> None:
        if self._hidden:
            if name in _IMPLIED_END.get(self._hidden, ()):
                self._hidden = ""
            else:
                self._hidden_depth += name == self._hidden
                return
        if attributes and name not in _NEVER_HIDDEN and _is_hidden(attributes):
            self._hidden, self._hidden_depth = name, 1
            return
        self._out.append(_AT_START.get(name, ""))
        self._preformatted |= name == "pre"
        if name == "a":
            self._begin_link(attributes)
        elif name == "blockquote":
            low = attributes.lower()
            self._quotes.append("cite" in low or "quote" in low)
            if self._quotes[-1]:
                self._out.append(f"{_QUOTE_BEGINS}\n")
        elif name == "img" and self._link:
            alt = _ALT.search(attributes)
            self._words((alt[1] or alt[2]) if alt else "")

    def _end(self, name: str) -> None:
        if self._hidden:
            self._hidden_depth -= name == self._hidden
            if self._hidden_depth == 0 or (name != self._hidden and name in _IMPLIED_END.get(self._hidden, ())):
                self._hidden = ""
            return
        self._preformatted &= name != "pre"
        if name == "a":
            self._end_link()
        elif name == "blockquote" and self._quotes and self._quotes.pop():
            self._out.append(f"\n{_QUOTE_ENDS}")
        self._out.append(_AT_END.get(name, ""))

    def _begin_link(self, attributes: str) -> None:
        self._end_link()
        href = _HREF.search(attributes)
        if href is None or len(self._links) >= LINKS:
            return
        self._link = _link(href[1] or href[2] or href[3] or "")
        self._link_from = len(self._out)

    def _end_link(self) -> None:
        link, self._link = self._link, ""
        if not link or link in self._links:
            return
        label = "".join(self._out[self._link_from :]).strip()
        if label:
            self._links.add(link)
            if link not in label:
                self._out.append(f" <{link}>")


def _tag_end(html: str, at: int) -> int:
    """Where the ">" of a tag is, quoted attribute values skipped; -1 when the tag never ends."""
    start = at
    while True:
        found = _QUOTE_OR_END.search(html, at)
        if found is None:
            return -1
        at = found.start()
        if found[0] == ">":
            return at
        # A quotation mark opens a value only behind "=".
        value_end = html.find(found[0], at + 1) if html[start:at].rstrip().endswith("=") else -1
        at = start = max(value_end, at) + 1


def _is_hidden(attributes: str) -> bool:
    low = attributes.lower()
    if "style" in low and _HIDDEN.search(low.replace(" ", "")):
        return True
    return "hidden" in low and _HIDDEN_ATTRIBUTE.search(low) is not None


def _link(href: str) -> str:
    """The address of a link to the web, in one word without angle brackets; empty for every other kind."""
    href = "".join(_unescape(href, attribute=True).split()).replace("<", "%3C").replace(">", "%3E")
    if not href[:8].lower().startswith(("http://", "https://")):
        return ""
    if len(href) > LINK_CHARACTERS:
        href = href.partition("?")[0].partition("#")[0]
    return clean(href) if len(href) <= LINK_CHARACTERS else ""


def _unescape(text: str, *, attribute: bool = False) -> str:
    """Character references replaced; inside an attribute only those with a semicolon, as in "?a=1&copy=2"."""
    names = _entities()

    def replaced(entity: re.Match[str]) -> str:
        decimal, hexadecimal, name, semicolon = entity.groups()
        if name:
            known = names.get(name + semicolon) if semicolon or not attribute else None
            return known or (entity[0] if attribute else _prefixed(name) + semicolon)
        code = int(decimal) if decimal else int(hexadecimal, 16)
        if 128 <= code < 160:  # noqa: PLR2004 - windows-1252, which is what writers of &#150; mean
            return bytes((code,)).decode("cp1252", "replace")
        if code < 32 or code > 0x10FFFF or 0xD800 <= code < 0xE000:  # noqa: PLR2004 - no characters
            return " "
        return chr(code)

    return _ENTITY.sub(replaced, text)


def _prefixed(name: str) -> str:
    """HTML lets old names go without a semicolon, so "&nbspHello" begins with a space."""
    names = _entities()
    known = next((end for end in range(min(len(name), 6), 1, -1) if name[:end] in names), 0)
    return names[name[:known]] + name[known:] if known else f"&{name}"


@cache
def _entities() -> Mapping[str, str]:
    # 2,231 names take 5 ms to load, and plain mail needs none of them.
    from html.entities import html5  # noqa: PLC0415 - loaded by the first text that needs it

    return html5


def _lines(text: str) -> str:
    """Each line's spaces collapsed and its quotation marked, at most one blank line in a row."""
    lines: list[str] = []
    depth = 0
    for line in clean(text).split("\n"):
        words = " ".join(line.split())
        if words == _QUOTE_BEGINS:
            depth += 1
        elif words == _QUOTE_ENDS:
            depth -= 1
        elif depth > 0:
            lines.append(f"> {words}")
        else:
            lines.append(words)
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()
