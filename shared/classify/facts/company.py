"""Which company a mail is from: proper names that stand where such mail puts its employer.

Every place where a phrase of the vocabulary ends is a guess with a weight; guesses of one name add up a little, and
the sender's own domain speaks for a name that it contains. No guess is made from the domain alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from shared.classify.facts import company_cjk, sender_name
from shared.classify.facts.company_cjk import BRACKETED, NOTICE, PRONOUNS
from shared.classify.facts.company_words import (
    COMPANY_PHRASES,
    COMPANY_VERBS,
    DEPARTMENTS,
    NOT_COMPANIES,
    SENDER_NOISE,
)
from shared.classify.facts.proper_names import CLOSING, OPENING, WINDOW, name_before, read_name
from shared.classify.facts.reading import Guess, Part, Phrases, Reading
from shared.classify.facts.role_words import POSTS, ROLE_NOUNS, TITLE_HEADS
from shared.names import CJK, company_key, plain, word_set

ENOUGH = 3
"""Weight below which a guess is not a fact."""

DOMAIN_SPEAKS = 4
"""What it adds to a name that the sender's own domain is called so."""

_EMPLOYS = {"at": 5, "with": 4, "bei": 5, "chez": 5, "presso": 5, "bij": 5, "en": 3, "na": 3, "no": 3, "em": 3}
"""Small words and their weight where a role stands before them in the sentence: "Analyst (R1234) at Acme". In Spanish
and Portuguese what follows may also be a town."""

_IN_SUBJECT = {"from": 2, "at": 2, "bei": 2, "chez": 2, "presso": 2, "bij": 2, "na": 2, "with": 1, "interview with": 1}
"""What a subject adds to small words: it names the employer, though "with" may name a person."""

_PHRASES = Phrases(COMPANY_PHRASES)
_VERBS = Phrases(COMPANY_VERBS)

_TEAM_LEADS = ("the ", "your ", "ihr ", "dein ", "euer ", "das ", "het ", "je ", "jouw ", "l'équipe ", "votre équipe ")
_LEADS = (*_TEAM_LEADS, "that ")
"""What stands before a name of which a sentence then says something."""

_RANK = re.compile(r"(?:head|director|vp|chief|manager) of ")
_COPYRIGHT = re.compile(r"(?:©|\(c\)|copyright)\s?(?:20\d\d\s?)?(?:[-–]\s?20\d\d\s)?", re.IGNORECASE)
_SIGNATURE_BREAK = re.compile(r"\s?[,|•·]\s?|\s[-–—]\s")
_SUBJECT_BREAK = re.compile(r" ?[|•·»›] ?| [-–—@~] |: ")
_ASIDE = re.compile(r"\(([^()]{2,40})\)$")
_SUBJECT_GENERIC = re.compile(
    r"application|applying|interview|offer|assessment|update|position|next step|invitation|thank|candida|bewerbung|"
    r"received|confirm|status|schedul|opportunit|hiring|career|job|role|colloquio|entrevista|sollicitatie|challenge|"
    r"\btest|évaluation|evaluación|avaliação|valutazione|entretien|gespräch|gesprek|cas pratique|prova|prueba|contract|"
    r"contrat|availab|congrat|welcome|call\b|postpon|disponib|verfügbar|beschikb|oferta|proposta|angebot|zusage|termin",
    re.IGNORECASE,
)
_ANNOUNCES = word_set("at to with from join joining of by bei chez presso bij")
_DOCUMENT = re.compile(
    r"(?:contract|contrat|vertrag|internship|carta (?:de )?(?:oferta|proposta)|lettera|aanbiedingsbrief|rückmeldung) ",
    re.IGNORECASE,
)
"""What a subject may name before the company: "Contract Acme"."""

_NO_NAME = re.compile(
    r"\b(?:assessment|interview|round|challenge|screen|panel|offer|design|coding|technical|virtual|final|program|review|"
    r"study|letter|test|time|day|step|steps|reminder|invitation|confirmation|update|details|schedule|onsite|remote|"
    r"workshop|webinar|exercise|programming|relocation|compensation|conversion|take-home|confidential|register|"
    r"membership|referral|\w{0,12}gespräch|entretien|entrevista|colloquio|gesprek)\b",
    re.IGNORECASE,
)
"""Words of a subject that say what kind of step it is about: "Interview confirmed - Final Round"."""

_THE = re.compile(r"(?:the|our client,?|der|die|das|la|le|el|il|het) ")


def find(reading: Reading, address: str) -> Guess | None:
    """The employer that the mail names, or None. `address` is From:'s, whose domain may speak for a name."""
    label = sender_name.own_label(address).replace("-", "").replace("_", "")
    guesses = [*sender_name.guesses(reading.sender, address, label)]
    guesses += _in_subject(reading.subject)
    for part in (reading.subject, reading.body):
        guesses += _named(part)
        guesses += _as_subject_of(part)
        if label:
            guesses += _mentions(part, label)
        if CJK.search(part.text):
            guesses += company_cjk.guesses(part)
    person = sender_name.person(reading.sender, address)
    return _best([guess for guess in guesses if plain(guess.value) != person], label)


def _best(guesses: Iterable[Guess], label: str) -> Guess | None:
    """The name with the highest weight: its strongest guess, a little for others like it, and the domain's word."""
    names: dict[str, list[Guess]] = {}
    for guess in guesses:
        key = company_key(guess.value)
        if key and key not in NOT_COMPANIES and key not in DEPARTMENTS and not key.isdigit():
            names.setdefault(key, []).append(guess)
    best: Guess | None = None
    for key, same in names.items():
        weight = _weight(key, same, label)
        if weight >= ENOUGH and (best is None or weight > best.weight):
            strongest = max(same, key=lambda guess: guess.weight)
            best = Guess(strongest.value, weight, strongest.quote)
    return best


def _weight(key: str, same: Sequence[Guess], label: str) -> int:
    """The strongest guess of a name, a little for others like it, and the word of the sender's domain."""
    weight = max(guess.weight for guess in same)
    weight += min(len({guess.quote for guess in same if guess.weight > 0}) - 1, 2)
    joined = key.replace(" ", "")
    if label and (joined == label or _begins(joined, label) or _begins(label, joined)):
        return weight + DOMAIN_SPEAKS
    # "Product Manager" is a title, unless the domain is called so.
    return weight - 3 if key.rpartition(" ")[2] in TITLE_HEADS or _RANK.match(key) else weight


def _begins(short: str, long: str) -> bool:
    """Whether a name and a domain begin alike: "Square" and squareup.com, "Habitat for Humanity" and habitat.org."""
    return len(short) > 2 and long.startswith(short)  # noqa: PLR2004 - two letters begin too many names


# --- Reading a name ---------------------------------------------------------------------------------------------------


# --- Where names stand ------------------------------------------------------------------------------------------------


def _named(part: Part) -> Iterator[Guess]:
    """Names behind a phrase of the vocabulary."""
    for phrase, stated, at in _PHRASES.within(part):
        weight = stated
        the = _THE.match(part.text, at, at + 12)
        name, end = read_name(part.text, the.end() if the else at, sure=stated > 2)  # noqa: PLR2004 - more than "at"
        if not name:
            continue
        follows = part.lower[end : end + 24].split(" ")
        after = follows[1].rstrip(".,!?;:") if len(follows) > 1 and not follows[0] else ""
        if after in ROLE_NOUNS:
            continue  # "interest in Product Manager position": a title.
        if (the or after == "team") and DEPARTMENTS.issuperset(plain(name).split()):
            continue  # "interest in the Engineering team"
        if the and after not in ("team", "family", "group", "community"):
            weight -= 1
        if phrase in _EMPLOYS and _about_a_role(part, at):
            weight = max(weight, _EMPLOYS[phrase])
        elif phrase == "at" and part.text[at - 3 : at - 1] == "At" and part.text[end : end + 1] == ",":
            weight = 4  # "At Acme, we ..."
        if phrase == "from" and part.text[: at - 6].split(" ")[-1][:1].isupper():
            weight += 2  # "I am Jo Roe from Acme"
        if part.where == "subject":
            weight += _IN_SUBJECT.get(phrase, 0)
        yield Guess(name, weight, part.quote(at - len(phrase) - 1, end))


def _about_a_role(part: Part, at: int) -> bool:
    """Whether the words before text[at] in the same sentence speak of a role: "Engineer II (R1234) in Berlin at"."""
    left = part.lower[max(at - WINDOW, 0) : at]
    left = left[max(left.rfind(". "), left.rfind("\n"), left.rfind("! "), left.rfind("? ")) + 1 :]
    words = {word.strip(".,;:()\"'") for word in left.split()}
    return bool(words & ROLE_NOUNS or words & TITLE_HEADS or words & POSTS)


def _as_subject_of(part: Part) -> Iterator[Guess]:
    """Names before a verb of the vocabulary, and before "team": "Acme has received", "The Acme Recruiting Team"."""
    for verb, weight, behind in _VERBS.within(part, limit=24):
        name, start = name_before(part.text, behind - len(verb) - 1)
        if not name or DEPARTMENTS.issuperset(plain(name).split()):
            continue
        before = part.lower[:start]
        opens = not start or part.text[start - 1] == "\n" or before.endswith(_LEADS) or before[-2:-1] in tuple(".!?,:")
        if name.startswith("The ") and "team" in verb:
            name, opens = name[4:], True
        if not opens:
            continue
        yield Guess(
            name, weight + (verb.startswith("team") and before.endswith(_TEAM_LEADS)), part.quote(start, behind)
        )
    yield from _signed(part)


def _signed(part: Part) -> Iterator[Guess]:
    """Names in a signature: "Acme Talent Acquisition", "Jo Roe | Team Lead | Acme", "© 2026 Acme"."""
    if part.where == "subject":
        return
    for raw in part.text[-1_000:].split("\n")[-12:]:
        line = raw.strip()
        owner = _COPYRIGHT.search(line)
        if owner:
            name, _ = read_name(line, owner.end(), sure=True)
            yield Guess(name, 4, line[:WINDOW])
        pieces = [piece.strip(" .-–—*()") for piece in _SIGNATURE_BREAK.split(line)[:5]]
        titled = any(TITLE_HEADS.intersection(plain(piece).split()) for piece in pieces[:-1])
        signed = len(pieces) == 2 and (pieces[0].lower() in SENDER_NOISE or sender_name.is_name(pieces[0]))  # noqa: PLR2004 - "Jo Roe, Acme"
        for piece in pieces:
            bare = sender_name.strip_noise(piece.removeprefix("The ").removeprefix("Your ").removeprefix("the "))
            if bare.startswith(PRONOUNS):
                continue
            name, end = read_name(bare, 0, sure=True)
            if not name or end != len(bare) or DEPARTMENTS.issuperset(plain(name).split()):
                continue
            if bare != piece:
                yield Guess(name, 4, line[:WINDOW])
            elif piece is pieces[-1] and (titled or signed):
                sure = titled or pieces[0].lower() in SENDER_NOISE or bool(CJK.search(part.text))
                yield Guess(name, 3 if sure else 2, line[:WINDOW])


def _in_subject(subject: Part) -> Iterator[Guess]:
    """Names in a subject: "Application received - Acme", "Acme Application Update", "[Acme] Next steps"."""
    pieces = [piece.strip() for piece in _SUBJECT_BREAK.split(subject.text)[:6] if piece.strip()]
    for index in sorted({0, len(pieces) - 1}) if pieces else ():
        others = " ".join(pieces[:index] + pieces[index + 1 :])
        yield from _in_piece(pieces[index], others, subject.text, first=index == 0)
    for pattern, weight in ((_ASIDE, 2), (BRACKETED, 3)):
        for match in pattern.finditer(subject.text):
            aside = match.group(1)
            name, end = read_name(aside, 0)
            # "[EXTERNAL]" and "[CODE]" are tags.
            tag = aside.isascii() and aside.isupper()
            if name and end == len(aside) and not tag and not _NO_NAME.search(aside) and not NOTICE.search(aside):
                yield Guess(name, weight, subject.quote(match.start(), match.end()))


def _in_piece(piece: str, others: str, subject: str, *, first: bool) -> Iterator[Guess]:
    """The name that a subject's piece is, or begins with; `others` is the rest of the subject."""
    headed = _DOCUMENT.match(piece)
    bare = sender_name.strip_noise(piece[headed.end() :] if headed else piece)
    name, end = read_name(bare, 0)
    rest = bare[end:].strip(" .!")
    if not name or _NO_NAME.search(name if rest else piece):
        return
    if rest:
        if first and _SUBJECT_GENERIC.match(rest):
            yield Guess(name, 2, subject)  # "Acme Application Update"
    elif bare != piece:
        yield Guess(name, 3, subject)  # "Acme Careers"
    elif others:
        # "Confirming: your application" begins with a label; "Application received - Acme" ends with a name.
        label = first and " " not in piece
        yield Guess(name, 2 if label or not _SUBJECT_GENERIC.search(others) else 3, subject)


def _mentions(part: Part, label: str) -> Iterator[Guess]:
    """The sender's own domain written as a name: "Stripe" from stripe.com, "Example Corp" from example-corp.com."""
    for index, word in enumerate(part.words):
        bare = word.lower.strip(OPENING + CLOSING + ".,;:!?'’")
        if not bare or not label.startswith(bare[:3]) or bare[0] not in label[:1]:
            continue
        name, end = read_name(part.text, word.start)
        joined = company_key(name).replace(" ", "")
        if joined == label:
            yield Guess(name, 3, part.quote(word.start, end))
            return
        if bare.removesuffix("'s").removesuffix("’s") == label:
            start = part.lower.find(label, word.start)
            end_of_label = start + len(label)
            if not part.text[start].isupper() and (not index or part.words[index - 1].lower not in _ANNOUNCES):
                continue  # A firm may be called like a word of the language: "a target", "linear".
            longer = joined.startswith(label) and not TITLE_HEADS.intersection(plain(name).split())
            yield Guess(part.text[start:end_of_label], 2 if longer else 3, part.quote(start, end_of_label))
            if longer:
                yield Guess(name, 3, part.quote(start, end))
            return
        if index > 600:  # noqa: PLR2004 - a name that a mail does not use in its first page is not its sender's
            return
