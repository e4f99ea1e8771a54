"""Which company a mail is from: proper names that stand where such mail puts its employer.

Every place where a phrase of the vocabulary ends is a guess with a weight; guesses of one name add up a little, and
the sender's own domain speaks for a name that it contains. No guess is made from the domain alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.classify.domains import organisational_domain
from shared.classify.facts.company_words import (
    COMPANY_PHRASES,
    COMPANY_VERBS,
    DEPARTMENTS,
    NAME_ENDS,
    NAME_STOPS,
    NOT_COMPANIES,
    SENDER_NOISE,
)
from shared.classify.facts.reading import Part, Phrases, Reading
from shared.classify.facts.role_words import POSTS, ROLE_NOUNS, TITLE_HEADS
from shared.hosts import HIRING_SYSTEMS, WEBMAIL, belongs_to
from shared.names import CJK, company_key, is_legal_form, plain, word_set

WINDOW = 120
"""Characters looked at behind a phrase: the longest name that is believed, and then some."""

NAME_WORDS = 8
"""Longest company name, in words."""

ENOUGH = 3
"""Weight below which a guess is not a fact."""

SURE = 4
"""Weight of a phrase that is followed by an employer nearly always."""

DOMAIN_SPEAKS = 4
"""What it adds to a name that the sender's own domain is called so."""

_EMPLOYS = {"at": 5, "with": 4, "bei": 5, "chez": 5, "presso": 5, "bij": 5, "en": 3, "na": 3, "no": 3, "em": 3}
"""Small words and their weight where a role stands before them in the sentence: "Analyst (R1234) at Acme". In Spanish
and Portuguese what follows may also be a town."""

_IN_SUBJECT = {"from": 2, "at": 2, "bei": 2, "chez": 2, "presso": 2, "bij": 2, "na": 2, "with": 1, "interview with": 1}
"""What a subject adds to small words: it names the employer, though "with" may name a person."""

_PHRASES = Phrases(COMPANY_PHRASES)
_VERBS = Phrases(COMPANY_VERBS)
_WORD = re.compile(r"\S{1,80}")
_OPENING = "\"'“‘«(*_"
_CLOSING = "\"'”’»)*_"
_ABBREVIATIONS = frozenset(
    {"inc.", "co.", "corp.", "ltd.", "l.p.", "s.a.", "s.p.a.", "st.", "u.s.", "plc.", "bros.", "dr."}
)
_LINKS = frozenset(
    {"&", "and", "of", "de", "du", "des", "la", "von", "und", "et", "y", "+", "für", "for", "the", "'n'"}
)
_CLAUSES = word_set("and or has have is was for at in to on we with but as of regarding your")
_INITIALS = re.compile(r"(?:[A-Z]\.){1,4}")
_CLOCK_OR_ORDINAL = re.compile(r"\d+(?:am|pm|h|st|nd|rd|th|min|k)?", re.IGNORECASE)
_COMMON_PARTS = word_set(
    "solutions technologies technology systems labs software consulting bank university institute motors"
)
"""Last words of names that hasty writers leave small: "Tech solutions"."""

_TEAM_LEADS = ("the ", "your ", "ihr ", "dein ", "euer ", "das ", "het ", "je ", "jouw ", "l'équipe ", "votre équipe ")
_LEADS = (*_TEAM_LEADS, "that ")
"""What stands before a name of which a sentence then says something."""

_RANK = re.compile(r"(?:head|director|vp|chief|manager) of ")
_GREETINGS = frozenset({"best", "kind", "warm", "warmly", "many"})
_COPYRIGHT = re.compile(r"(?:©|\(c\)|copyright)\s?(?:20\d\d\s?)?(?:[-–]\s?20\d\d\s)?", re.IGNORECASE)
_SIGNATURE_BREAK = re.compile(r"\s?[,|•·]\s?|\s[-–—]\s")
_SUBJECT_BREAK = re.compile(r" ?[|•·»›] ?| [-–—@~] |: ")
_ASIDE = re.compile(r"\(([^()]{2,40})\)$")
_SUBJECT_GENERIC = re.compile(
    r"application|applying|interview|offer|assessment|update|position|next step|invitation|thank|candida|bewerbung|"
    r"received|confirm|status|schedul|opportunit|hiring|career|job|role|colloquio|entrevista|sollicitatie|challenge|"
    r"\btest|évaluation|evaluación|avaliação|valutazione|entretien|gespräch|gesprek|cas pratique|prova|prueba|contract|"
    r"contrat|availab|disponib|verfügbar|beschikb|oferta|proposta|angebot|zusage|termin",
    re.IGNORECASE,
)
_SUBJECT_APPLIED = re.compile(r"appl(?:ication|ying|ied)|received|candida|bewerbung|sollicitatie|thank", re.IGNORECASE)
_NO_NAME = re.compile(
    r"\b(?:assessment|interview|round|challenge|screen|panel|offer|design|coding|technical|virtual|final|program|review|study|"
    r"letter|test|time|day|step|steps|reminder|invitation|confirmation|update|details|schedule|onsite|remote|workshop|"
    r"webinar|exercise|programming|\w{0,12}gespräch|entretien|entrevista|colloquio|gesprek|relocation|compensation|conversion|take-home|confidential|register|membership|referral)\b",
    re.IGNORECASE,
)
"""Words of a subject that say what kind of step it is about: "Interview confirmed - Final Round"."""

_BRACKETED = re.compile(r"[【\[「『〔]([^【\[「『〔】\]」』〕\n]{2,40})[】\]」』〕]")
_THE = re.compile(r"(?:the|our client,?|der|die|das|la|le|el|il|het) ")
_NOISE = tuple(SENDER_NOISE)
_JOINT = re.compile(r" (?:at|@|-|\|) ")
_ADDRESS = re.compile(r"\S@\S")
_VIA = re.compile(r"^(.{2,60}?)\s(?:via|through|über|par|vía)\s\S", re.IGNORECASE)
_PERSON_OF = re.compile(
    r"^.{2,40}?(?:\s(?:from|at|of|@|von|bei|chez|de chez|-|–|—)\s|\s?[|,(/]\s?)(.{2,60}?)\)?$", re.IGNORECASE
)

_CJK_NOISE = re.compile(
    r"(?:20\d\d届?|\d\d届|校园招聘|校招|社会招聘|社招|招聘团队|招聘|人才|春招|秋招|官方|内推|实习生?|通知|邀请|HR|新卒採用|中途採用|採用担当|採用|"
    r"人事部|人事|選考|結果){1,6}$"
)
_CJK_NOTICE = re.compile(r"返信|重要|通知|知らせ|提醒|确认|確認|案内|自动|自動|面试|面接|笔试|测评|邮件|メール")
_CJK_CAMPUS = re.compile(r"^([\u4e00-\u9fff]{2,12}?)(?:20\d\d|校园招聘|校招|社招)")
_CJK_INVITES = re.compile(r"(?<![\u4e00-\u9fffA-Za-z])([\u4e00-\u9fffA-Za-z]{2,16}?)(?:诚挚地?|诚)?邀请(?:您|你)")
_CJK_LEGAL = re.compile(r"([\u4e00-\u9fffA-Za-z0-9()]{2,24}?(?:有限责任公司|有限公司|集团))")
_LATIN_NAME = r"((?:[A-Z&][A-Za-z0-9À-ÿ&.'’-]*+ ?){1,6}+)"
_LATIN_IN_CJK = re.compile(
    r"(?<![和与跟])"
    + _LATIN_NAME
    + r"(?:的(?:兴趣|关注|申请|职位|岗位|面试|招聘|职缺)|公司|招聘|人力|校招|集团|株式会社|"
    r"の(?:選考|採用|面接|求人)|へのご?応募|にご?応募|採用|でのご?面接|人事)"
)
"""A name in Latin letters inside a Chinese or Japanese sentence, by the words that follow it."""

_LATIN_AFTER_CJK = re.compile(r"(?:加入|获得|来自|我是)\s?" + _LATIN_NAME)
_CJK_LEAD = re.compile(r"^.{0,12}(?:投递|应聘|申请|加入|关注|参加|来自|欢迎|我是|このたびは|この度は)了?")
_CJK_PRONOUNS = ("我们", "我司", "现", "兹", "特", "本公司", "本岗", "该", "此", "贵", "您", "请", "感谢", "诚")
_JA_LEGAL = re.compile(
    r"((?:株式会社|合同会社)[\u30a0-\u30ff\u4e00-\u9fffA-Za-z0-9]{1,20}|[\u30a0-\u30ff\u4e00-\u9fffA-Za-z0-9]{1,20}株式会社)"
)
_CJK_FIRM = ("集团", "公司", "科技", "汽车", "银行", "证券", "网络", "电子", "软件", "智能", "集團")
_CJK_SHORT_NAME = 10


@dataclass(frozen=True, slots=True)
class Guess:
    """One reading of a name, how surely it is one, and the words that it was read from."""

    value: str
    weight: int
    quote: str


def find(reading: Reading, address: str) -> Guess | None:
    """The employer that the mail names, or None. `address` is From:'s, whose domain may speak for a name."""
    local, _, domain = address.partition("@")
    label = own_label(address).replace("-", "").replace("_", "")
    guesses = [*_from_sender(reading.sender, local, domain, label)]
    guesses += _in_subject(reading.subject)
    for part in (reading.subject, reading.body):
        guesses += _named(part)
        guesses += _as_subject_of(part)
        if label:
            guesses += _mentions(part, label)
        if CJK.search(part.text):
            guesses += _cjk(part)
    return _best(guesses, label)


def own_label(address: str) -> str:
    """The name that a sender's domain is called by: "stripe" of a@careers.stripe.com; Workday's tenant before the @.

    Empty for hosts that serve many employers or anybody.
    """
    local, _, domain = address.rpartition("@")
    owner = organisational_domain(domain)
    if owner == "myworkday.com":
        return local.split(".")[0]
    if "." not in owner or belongs_to(domain, HIRING_SYSTEMS) or belongs_to(domain, WEBMAIL):
        return ""
    label = owner.split(".")[0]
    return "" if label in NOT_COMPANIES else label


def _best(guesses: Iterable[Guess], label: str) -> Guess | None:
    """The name with the highest weight: its strongest guess, a little for others like it, and the domain's word."""
    names: dict[str, list[Guess]] = {}
    for guess in guesses:
        key = company_key(guess.value)
        if key and key not in NOT_COMPANIES and key not in DEPARTMENTS and not key.isdigit():
            names.setdefault(key, []).append(guess)
    ranked = [
        (_weight(key, same, label), key, max(same, key=lambda guess: guess.weight)) for key, same in names.items()
    ]
    weight, key, best = max(ranked, key=lambda row: row[0], default=(0, "", None))
    if best is None or weight < ENOUGH:
        return None
    # A domain or a subject may say less than the name: "Acme" of acme.com, where a phrase names Acme Health Partners.
    longer = [row[2] for row in ranked if row[1].startswith(key + " ") and row[2].weight >= SURE]
    chosen = longer[0] if longer and best.weight <= longer[0].weight else best
    return Guess(chosen.value, weight, chosen.quote)


def _weight(key: str, same: Sequence[Guess], label: str) -> int:
    """The strongest guess of a name, a little for others like it, and the word of the sender's domain."""
    weight = max(guess.weight for guess in same)
    weight += min(len({guess.quote for guess in same if guess.weight > 0}) - 1, 2)
    joined = key.replace(" ", "")
    if label and (joined == label or _begins(joined, label) or _begins(label, joined)):
        return weight + DOMAIN_SPEAKS
    # "Product Manager" is a title, unless the domain is called so.
    return weight - 3 if key.split()[-1] in TITLE_HEADS or _RANK.match(key) else weight


def _begins(short: str, long: str) -> bool:
    """Whether a name and a domain begin alike: "Square" and squareup.com, "Habitat for Humanity" and habitat.org."""
    return len(short) > 2 and long.startswith(short)  # noqa: PLR2004 - two letters begin too many names


# --- Reading a name ---------------------------------------------------------------------------------------------------


def read_name(text: str, start: int, *, sure: bool = False) -> tuple[str, int]:
    """The proper name that begins at text[start], and the index behind it; "" when none does.

    `sure` where the words before it announce a name: then "New", "Next" or "Best" may begin it ("Best Buy").
    """
    words: list[str] = []
    held: list[str] = []
    end = start
    for match in _WORD.finditer(text, start, min(start + WINDOW, len(text))):
        if len(words) >= NAME_WORDS or (words and "\n" in text[end : match.start()]):
            break
        raw = match.group()
        word = raw if words else raw.lstrip(_OPENING)
        if not word or word[0] in "[<{(-–—|/:@":
            break
        bare, closed = _bare(text, match.end(), word)
        ahead = text[match.end() : match.end() + 2]
        opens = sure and not closed and ahead[:1] == " " and ahead[1:].isupper()
        if not bare or bare.lower() in (NAME_ENDS if words or opens else NAME_STOPS):
            break
        continues = bool(words) and (bare in _COMMON_PARTS or (bare.isdigit() and len(bare) < 4))  # noqa: PLR2004 - "Forever 21"; four digits are a year
        if _proper(bare) or continues or (sure and not words and _legal_follows(text, match.end())):
            words += [*held, bare]
            held = []
            end = match.start() + raw.find(bare) + len(bare)
            if len(words) > 1 and is_legal_form(bare) and not _legal_follows(text, match.end()):
                break
        elif words and bare.lower() in _LINKS and not closed and (not held or held == ["of"]):
            held.append(bare)
            continue
        else:
            break
        if closed and not (word[-1] in ",." and _legal_follows(text, match.end())):
            break
    if words == ["The"]:
        return "", start
    return " ".join(words), end


def _bare(text: str, behind: int, word: str) -> tuple[str, bool]:
    """A word without the signs around it, and whether they close the name."""
    if word.lower() in _ABBREVIATIONS or _INITIALS.fullmatch(word):
        return word, False
    bare = word.rstrip(".,;:!?…" + _CLOSING)
    if bare.endswith(("'s", "’s")) and bare == word:
        # "Acme's team" is Acme's; "McDonald's" keeps its own before a stop, a capital or the next clause.
        follows = text[behind : behind + 24].split(maxsplit=1)[:1]
        if follows and follows[0].islower() and follows[0].strip(",.") not in _CLAUSES:
            return bare[:-2], True
    for sign in "。,、;:!?()":
        if sign in bare and CJK.search(bare):
            return bare[: bare.find(sign)], True
    return bare, bare != word


def _proper(word: str) -> bool:
    """Capitalised near its beginning ("eBay", "AT&T"), in a script without case, or a domain ("monday.com")."""
    if _CLOCK_OR_ORDINAL.fullmatch(word):
        return False
    if any(letter.isupper() for letter in word[:3]):
        return True
    if word.isalnum() and any(sign.isdigit() for sign in word) and any(sign.isalpha() for sign in word):
        return True
    return bool(CJK.match(word)) or word.endswith((".com", ".io", ".ai"))


def _legal_follows(text: str, at: int) -> bool:
    """Whether a legal form comes next: ", Inc.", "& Co. KG", "Ltd"."""
    follows = text[at : at + 12].split(maxsplit=2)
    follows = follows[1:] if follows[:1] == ["&"] else follows
    return bool(follows) and text[at : at + 1] == " " and is_legal_form(follows[0])


def _name_before(text: str, end: int) -> tuple[str, int]:
    """The proper name that ends before text[end] and begins its sentence or follows "the", and where it begins."""
    left = max(end - WINDOW, 0)
    start = end
    count = 0
    for match in reversed(list(_WORD.finditer(text, left, end))):
        word = match.group()
        bare = word.strip(_OPENING + _CLOSING)
        if "\n" in text[match.end() : start] or count >= NAME_WORDS or bare.lower() in NAME_ENDS | _GREETINGS:
            break
        stops = word[-1] in ".!?;:," and word.lower() not in _ABBREVIATIONS and not _INITIALS.fullmatch(word)
        if stops and count and not (word[-1] == "," and count == 1 and _legal_follows(text, match.end())):
            break
        if not _proper(bare) and not (count and bare in _LINKS):
            break
        start = match.start()
        count += 1
    while count and text[start:end].split(maxsplit=1)[0] in _LINKS:
        start += len(text[start:end].split(maxsplit=1)[0]) + 1
        count -= 1
    if not count:
        return "", end
    name, _ = read_name(text[:end], start, sure=True)
    return name, start


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
        name, start = _name_before(part.text, behind - len(verb) - 1)
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
        signed = len(pieces) == 2 and (pieces[0].lower() in SENDER_NOISE or _is_name(pieces[0]))  # noqa: PLR2004 - "Jo Roe, Acme"
        for piece in pieces:
            bare = strip_noise(piece.removeprefix("The ").removeprefix("Your ").removeprefix("the "))
            if bare.startswith(_CJK_PRONOUNS):
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
    for pattern, weight in ((_ASIDE, 2), (_BRACKETED, 3)):
        for match in pattern.finditer(subject.text):
            aside = match.group(1)
            name, end = read_name(aside, 0)
            if name and end == len(aside) and not _NO_NAME.search(aside) and not _CJK_NOTICE.search(aside):
                yield Guess(name, weight, subject.quote(match.start(), match.end()))


def _in_piece(piece: str, others: str, subject: str, *, first: bool) -> Iterator[Guess]:
    """The name that a subject's piece is, or begins with; `others` is the rest of the subject."""
    bare = strip_noise(piece)
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
        bare = word.lower.strip(_OPENING + _CLOSING + ".,;:!?'’")
        if not bare or not label.startswith(bare[:3]) or bare[0] not in label[:1]:
            continue
        name, end = read_name(part.text, word.start)
        joined = company_key(name).replace(" ", "")
        if joined == label:
            yield Guess(name, 3, part.quote(word.start, end))
            return
        if bare.removesuffix("'s").removesuffix("’s") == label:
            start = part.lower.find(label, word.start)
            longer = joined.startswith(label) and not TITLE_HEADS.intersection(plain(name).split())
            capital = part.text[start].isupper()
            yield Guess(
                part.text[start : start + len(label)],
                3 if capital and not longer else 2,
                part.quote(start, start + len(label)),
            )
            if longer:
                yield Guess(name, 3, part.quote(start, end))
            return
        if index > 600:  # noqa: PLR2004 - a name that a mail does not use in its first page is not its sender's
            return


# --- The sender's display name ----------------------------------------------------------------------------------------


def strip_noise(name: str) -> str:
    """A sender's name without "Hiring Team", "Careers", "- Workday" and the like."""
    bare = name.strip(" \"'")
    for _ in range(4):
        lowered = bare.lower()
        ending = (
            next((noise for noise in SENDER_NOISE if _ends_with(lowered, noise)), "")
            if lowered.endswith(_NOISE)
            else ""
        )
        leading = (
            next((noise for noise in SENDER_NOISE if lowered.startswith(noise)), "") if _JOINT.search(lowered) else ""
        )
        if ending:
            bare = bare[: -len(ending)]
        elif leading and lowered.startswith((leading + " at ", leading + " @ ", leading + " - ", leading + " | ")):
            bare = bare[len(leading) + 3 :]
        else:
            break
        bare = bare.strip(" -–—|,:·•/@\"'(_")
    return bare


def _ends_with(name: str, noise: str) -> bool:
    """Whether the name ends with the noise as a word of its own and is more than it; Han and Kana need no space."""
    return name.endswith(noise) and len(name) > len(noise) and not (noise.isascii() and name[-len(noise) - 1].isalnum())


def sender_company(name: str) -> str:
    """The company that a display name states ("Acme Careers", "Jane from Acme", "Acme via Lever"), or ""."""
    whole = name[:WINDOW].strip(" \"'")
    shown = _CJK_NOISE.sub("", whole).strip() or whole
    via = _VIA.match(shown)
    bare = strip_noise(via.group(1) if via else shown)
    if bare != whole:
        return bare if _is_name(bare) else ""
    of = _PERSON_OF.match(whole)
    bare = strip_noise(of.group(1)) if of else ""
    return bare if _is_name(bare) else ""


def _is_name(bare: str) -> bool:
    key = plain(bare)
    return (
        bool(key) and key not in NOT_COMPANIES and key not in DEPARTMENTS and not TITLE_HEADS.intersection(key.split())
    )


def _from_sender(sender: Part, local: str, domain: str, label: str) -> Iterator[Guess]:
    if not sender.text or _ADDRESS.search(sender.text):
        return
    quote = sender.text[:WINDOW]
    stated = sender_company(sender.text)
    if stated:
        yield Guess(stated, 4, quote)
    elif label and company_key(sender.text).replace(" ", "") == label:
        yield Guess(quote, 4, quote)
    elif belongs_to(domain, HIRING_SYSTEMS) and re.search(r"reply|notif|jobs|career|^hr$|recruit|talent", local):
        yield Guess(quote, 3, quote)  # An automatic address of a hiring system is shown under its customer's name.
    else:
        yield Guess(quote, 1, quote)


# --- Chinese and Japanese ---------------------------------------------------------------------------------------------


def _cjk(part: Part) -> Iterator[Guess]:
    head = part.text[:2_000]
    for match in _BRACKETED.finditer(head[:400]):
        bare = _CJK_NOISE.sub("", match.group(1)).strip()
        if len(bare) > 1 and not _CJK_NOTICE.search(bare) and CJK.search(match.group(1)):
            yield Guess(bare, 4, part.quote(match.start(), match.end()))
    for pattern, weight in (
        (_CJK_INVITES, 6),
        (_CJK_CAMPUS, 3),
        (_CJK_LEGAL, 4),
        (_JA_LEGAL, 5),
        (_LATIN_IN_CJK, 4),
        (_LATIN_AFTER_CJK, 4),
    ):
        found = pattern.search(head)
        name = _CJK_LEAD.sub("", _CJK_NOISE.sub("", found.group(1))) if found else ""
        if found and name and not name.startswith(_CJK_PRONOUNS):
            yield Guess(name, weight, part.quote(found.start(), found.end()))
    if part.where == "subject":
        first = re.split(r"[-–—:]", head, maxsplit=1)[0].strip()
        if first.endswith(_CJK_FIRM) and 1 < len(first) <= _CJK_SHORT_NAME and "【" not in first:
            yield Guess(first, 5, first)
