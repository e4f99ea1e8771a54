"""Which mail may be opened at all: the query that asks Gmail for hiring mail, and the look at headers and snippet."""

from __future__ import annotations

from shared.classify.signals import OPENED, hiring_probability
from shared.hosts import HIRING_SYSTEMS, belongs_to
from shared.model import Mail

FLOOR = OPENED
"""How probable it must be that a mail is about an application. Low: a private mail that is opened and found to be
private leaves nothing behind, an invitation that stays closed costs an interview."""

SYSTEM_FLOOR = 0.02
"""The same for mail of hiring systems and job boards, which is nobody's private letter: all but plain advertising."""

_BULK_SENDERS = ("jobalerts-noreply@", "messaging-digest-noreply@", "invitations@linkedin.com", "alert@indeed.com")
"""Addresses from which boards send what nobody waits for, and nothing else."""

_QUERY_WORDS = (
    # English, by the words that all kinds of employers' mail share.
    """
    application applications applied applying apply applicant candidate candidates candidacy interview interviews
    interviewing recruiter recruiting recruitment hiring position role job career careers vacancy opening
    opportunity resume cv qualifications selected offer compensation assessment challenge exercise test availability
    available schedule scheduling reschedule calendly forward "next steps" "your profile" "your interest"
    "time slot" "phone screen" "start date" unfortunately consideration submission submitted talent hire onsite
    employment slots background openings "take home" bonus client calendar intern recruit
    """,
    # German and Dutch.
    """
    bewerbung stelle unterlagen vorstellungsgespräch gespräch termin einladung angebot vertragsangebot
    arbeitsvertrag vertrag gehalt absage rückmeldung verfügbarkeit telefonat telefoninterview kennenlernen auswahl
    testaufgabe aufgabe eingangsbestätigung videocall profil zusage eignungstest auswahlverfahren terminfindung
    sollicitatie functie gesprek salaris vacature opdracht afspraak kandidaat beschikbaarheid contract aanbod
    kandidaten
    """,
    # French, Spanish, Portuguese, Italian.
    """
    candidature candidat poste entretien contrat offre recrutement disponibilités dossier embauche salaire échange
    candidatura entrevista vacante puesto oferta perfil proceso proposta selección postulación disponibilidad prueba
    contrato vaga processo disponibilidade salário teste colloquio posizione offerta selezione profilo disponibilità
    contratto candidato solicitud evaluación contratación postulé emploi créneau stage inscrição candidaturas
    candidats currículum aplicación contratar assunzione ruolo slot
    """,
    # Chinese and Japanese.
    """
    面试 简历 应聘 申请 投递 录用 笔试 测评 测试 岗位 职位 候选人 招聘 入职 网申 入选 面接 応募 選考 採用 内定 面談
    履歴書 書類 入社 求人 適性検査 日程 候補 課題 エントリー 求职 聘用 录取
    """,
)  # fmt: skip

_QUERY_SENDERS = (
    "greenhouse.io", "greenhouse-mail.io", "lever.co", "ashbyhq.com", "myworkday.com", "workday.com",
    "smartrecruiters.com", "icims.com", "workablemail.com", "teamtailor-mail.com", "hackerrank.com", "docusign.net",
)  # fmt: skip
"""The senders that write without any of the words: "Your interview loop" from a scheduler, a contract to sign."""

HIRING_QUERY = "{" + " ".join(" ".join(_QUERY_WORDS).split() + [f"from:{sender}" for sender in _QUERY_SENDERS]) + "}"
"""One Gmail `q` for messages.list: any of these words or senders. Wide on purpose: what it misses nobody sees, what it
finds too much costs one look at headers. Under Gmail's practical limit of some 2,000 characters.
"""


def plausible(mail: Mail) -> bool:
    """Whether the body of a mail may be fetched: its headers and snippet look like hiring (`text` is not looked at)."""
    # What we have written ourselves speaks of interviews and offers, too, and is no news.
    if mail.from_address.startswith(_BULK_SENDERS) or "x-hearback-notification" in mail.headers:
        return False
    of_system = belongs_to(mail.from_address.rpartition("@")[2], HIRING_SYSTEMS)
    return hiring_probability(mail) >= (SYSTEM_FLOOR if of_system else FLOOR)
