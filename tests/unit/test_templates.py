"""Templates of letters: what a person may write into one, and that nothing in it costs more than its length."""

from __future__ import annotations

import pytest

from shared.errors import NotFound, Rejected
from shared.model import Template
from shared.sending import templates
from shared.sending.letter import HTML_CHARACTERS, TEXT_CHARACTERS
from shared.sending.templates import DEFAULTS, Fields, render
from tests.support.hostile import STRINGS
from tests.support.made import made_services

FIELDS = Fields(letter="Dear Acme,\n\nI write <b>code</b> & tests.\nAda", company="Acme & Sons", role="Engineer")


@pytest.fixture
def store():
    with made_services() as world:
        yield world.store


def rendered(*, fields=FIELDS, **parts):
    return render(Template(**{"subject": "Hello", "text": "{{ letter }}", "html": "", **parts}), fields)


def test_the_template_that_everybody_starts_with():
    said = render(DEFAULTS["application"], FIELDS)

    assert said.subject == "Application: Engineer"
    assert said.text == FIELDS.letter
    assert "<p>Dear Acme,</p>\n<p>I write &lt;b&gt;code&lt;/b&gt; &amp; tests.<br>\nAda</p>" in said.html
    assert render(DEFAULTS["application"], Fields(letter="x")).subject == "Application"


def test_what_is_printed_into_html_is_escaped_and_into_text_it_is_not():
    said = rendered(text="{{ letter }} for {{ company }}", html="<i>{{ letter }}</i> {{ company | upper }}")

    assert said.text.endswith("for Acme & Sons")
    assert "<i>Dear Acme" in said.html
    assert "&lt;b&gt;code&lt;/b&gt;" in said.html
    assert said.html.endswith("ACME &amp; SONS")


def test_a_condition_asks_whether_a_field_is_empty():
    text = "{% if role and not company %}a{% elif role %}{{ role | lower }}{% else %}c{% endif %}"

    assert rendered(text=text).text == "engineer"
    assert rendered(text=text, fields=Fields(letter="x")).text == "c"


def test_a_hostile_letter_stays_text_in_every_part():
    for each in STRINGS:
        try:
            said = render(DEFAULTS["application"], Fields(letter=each, company=each[:100], role="x"))
        except Rejected:
            continue
        assert said.text == each.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        inside = said.html.removeprefix(DEFAULTS["application"].html.partition("{{")[0]).removesuffix("</div>")
        assert set(inside.replace("<p>", "").replace("</p>", "").replace("<br>", "")) & set("<>") == set()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ letter", "line 1"),
        ("a\n{{ nobody }}", "line 2: no such field: nobody"),
        ("{{ letter | safe }}", "no such filter: safe"),
        ("{{ letter | attr('x') }}", "no such filter: attr"),
        ("{{ letter.__class__ }}", "fields, filters and conditions only"),
        ("{{ letter['x'] }}", "fields, filters and conditions only"),
        ("{{ letter.format(1) }}", "fields, filters and conditions only"),
        ("{{ 'a' * 10**10 }}", "fields, filters and conditions only"),
        ("{{ 9**9**9 }}", "fields, filters and conditions only"),
        ("{% for x in letter %}{% endfor %}", "fields, filters and conditions only"),
        ("{% set x = letter %}", "fields, filters and conditions only"),
        ("{% macro m() %}{% endmacro %}", "fields, filters and conditions only"),
        ("{% include 'x' %}", "fields, filters and conditions only"),
        ("{% import 'x' as y %}", "fields, filters and conditions only"),
        ("{% extends 'x' %}", "fields, filters and conditions only"),
        ("{% filter upper %}x{% endfilter %}", "fields, filters and conditions only"),
        ("{{ range(10) }}", "fields, filters and conditions only"),
        ("{{ cycler }}", "no such field"),
        ("{{ self }}", "no such field"),
        ("{{ [letter] }}", "fields, filters and conditions only"),
        ("{{ " + "(" * 3_000 + "letter" + ")" * 3_000 + " }}", ""),
        ("{{ " + "not " * 2_000 + "letter }}", ""),
        ("{% if letter %}" * 200 + "{% endif %}" * 200, "nested too deeply"),
        ("x" * (templates.TEMPLATE_CHARACTERS + 1), "characters"),
        ("{{ letter }}" * 800, ""),
    ],
    ids=lambda text: text[:30],
)
@pytest.mark.parametrize("part", ["subject", "text", "html"])
def test_a_template_can_do_nothing_but_print_fields(part, source, words):
    letter = Fields(letter="x" * 1_000, company="Acme", role="Engineer")
    with pytest.raises(Rejected, match=rf"^{part}: .*{words}"):
        rendered(**{part: source}, fields=letter)


def test_what_is_too_long_is_given_up(store):
    long = Fields(letter="x" * 5_000, company="Acme")
    with pytest.raises(Rejected, match=f"text: more than {TEXT_CHARACTERS}"):
        rendered(text="{{ letter }}" * 5, fields=long)
    with pytest.raises(Rejected, match=f"html: more than {HTML_CHARACTERS}"):
        rendered(html="{{ letter }}" * 13, fields=long)


@pytest.mark.parametrize("subject", ["a{{ letter }}", "{% if role %}\n{% endif %}x\ny"])
def test_a_subject_is_one_line(subject):
    with pytest.raises(Rejected, match="subject: contains the control character"):
        rendered(subject=subject)


def test_a_persons_template_is_kept_and_used(store):
    assert templates.get("ada", "application", store=store) == DEFAULTS["application"]
    mine = Template(subject="{{ role }}, please", text="{{ letter }}\n-- \nAda", html="")
    assert templates.put("ada", "application", mine, store=store) == mine

    assert templates.get("ada", "application", store=store) == mine
    assert templates.get("bob", "application", store=store) == DEFAULTS["application"]
    assert templates.get("ada", "follow_up", store=store) == DEFAULTS["follow_up"]


def test_a_template_that_is_none_is_not_kept(store):
    with pytest.raises(Rejected, match="html: line 1"):
        templates.put("ada", "application", Template(subject="a", text="b", html="{{ x"), store=store)
    with pytest.raises(Rejected, match="text: must not be empty"):
        templates.put("ada", "application", Template(subject="a", text=" ", html=""), store=store)
    with pytest.raises(NotFound, match="application and follow_up"):
        templates.put("ada", "other", DEFAULTS["application"], store=store)
    with pytest.raises(Rejected, match="subject: a follow-up has that of its thread"):
        templates.put("ada", "follow_up", DEFAULTS["application"], store=store)
    assert templates.get("ada", "application", store=store) == DEFAULTS["application"]
