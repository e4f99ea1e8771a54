"""A ready letter to an employer: what the person may send, in the language that they choose."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import NotFound
from shared.ports import Store
from shared.schema import APPLICATIONS, USERS


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpDraft:
    """What the person may send: nothing of it leaves by itself."""

    subject: str
    text: str
    thread_id: str
    """Gmail's thread that it belongs to; empty when no mail was ever exchanged."""
    in_reply_to: str
    """RFC 5322 Message-ID of the last mail there."""


def draft(uid: str, application_id: str, *, thanks: bool = False, language: str = "", store: Store) -> FollowUpDraft:
    """A ready letter for an application, in `language` or the person's own. Raises NotFound."""
    try:
        found = store.get(APPLICATIONS.key(uid, application_id))
    except ValueError as e:
        raise NotFound("applications: there is nothing by that id") from e
    if found is None:
        raise NotFound("applications: there is nothing by that id")
    user = store.get(USERS.key(uid))
    spoken = language or (user.value.preferences.language if user is not None else "")
    held, words = found.value, _LETTERS.get(spoken, _LETTERS["en"])
    head, body = (words.thanks_subject, words.thanks) if thanks else (words.asks_subject, words.asks)
    named = {"role": held.role or words.role, "company": held.company or words.company}
    return FollowUpDraft(
        subject=head.format(**named),
        text=f"{words.hello}\n\n{body.format(**named)}\n\n{words.regards}\n",
        thread_id=held.thread_ids[-1] if held.thread_ids else "",
        in_reply_to=held.message_ids[-1] if held.message_ids else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letters:
    """The letters of one language."""

    role: str
    company: str
    """What a role and an employer are called whose names nobody knows."""
    hello: str
    regards: str
    asks_subject: str
    asks: str
    thanks_subject: str
    thanks: str


_LETTERS = {
    "en": _Letters(
        role="advertised position",
        company="your company",
        hello="Hello,",
        regards="Kind regards",
        asks_subject="Following up on my application: {role}",
        asks="I applied to {company} ({role}) and would like to ask how things stand. I am still very interested, and"
        " glad to send anything else that helps your decision.",
        thanks_subject="Thank you for the interview: {role}",
        thanks="thank you for the time you took to talk with me ({role}). I enjoyed learning more about {company}, and"
        " I look forward to hearing from you.",
    ),
    "de": _Letters(
        role="ausgeschriebene Stelle",
        company="Ihrem Unternehmen",
        hello="Guten Tag,",
        regards="Freundliche Grüße",
        asks_subject="Nachfrage zu meiner Bewerbung: {role}",
        asks="ich habe mich bei {company} beworben ({role}) und möchte mich nach dem Stand erkundigen. Mein Interesse"
        " ist unverändert groß; gern sende ich Ihnen weitere Unterlagen.",
        thanks_subject="Danke für das Gespräch: {role}",
        thanks="vielen Dank für das Gespräch und Ihre Zeit ({role}). Ich habe gern mehr von {company} erfahren und"
        " freue mich, von Ihnen zu hören.",
    ),
    "fr": _Letters(
        role="poste proposé",
        company="votre entreprise",
        hello="Bonjour,",
        regards="Cordialement",
        asks_subject="Suivi de ma candidature : {role}",
        asks="j'ai postulé auprès de {company} ({role}) et je me permets de vous demander où en est ma candidature. Le"
        " poste m'intéresse toujours vivement.",
        thanks_subject="Merci pour notre entretien : {role}",
        thanks="merci pour le temps que vous m'avez accordé ({role}). J'ai aimé en apprendre davantage sur {company}"
        " et je reste à votre disposition.",
    ),
    "es": _Letters(
        role="puesto ofrecido",
        company="su empresa",
        hello="Buenos días:",
        regards="Un cordial saludo",
        asks_subject="Seguimiento de mi candidatura: {role}",
        asks="Me presenté a {company} ({role}) y quisiera saber en qué punto está el proceso. El puesto me sigue"
        " interesando mucho y puedo enviarles lo que necesiten.",
        thanks_subject="Gracias por la entrevista: {role}",
        thanks="Gracias por el tiempo que me dedicaron ({role}). Me gustó conocer mejor {company} y quedo a la espera"
        " de sus noticias.",
    ),
}
"""By language; whoever speaks another one gets the English, which employers read everywhere."""
