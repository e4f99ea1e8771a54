"""Which domains serve many employers, or anybody, and so say nothing about which employer wrote.

A hiring system's domain says "this is hiring mail"; a webmail host says nothing at all. Neither is ever an employer.
"""

from __future__ import annotations

from shared.names import word_set

HIRING_SYSTEMS = word_set(
    # Applicant tracking systems, by the domains that their mail and their posting pages use.
    """
    adp.com applytojob.com ashbyhq.com avature.net bamboohr.co.uk bamboohr.com breezy-mail.com breezy.hr breezyhr.com
    bullhorn.com bullhornmail.com candidates.workablemail.com cardinalrefer.com comeet-notifications.com comeet.co
    comeet.com cornerstoneondemand.com dayforcehcm.com dover.com eightfold.ai eqrecruiters.com freshteam.com gem.com
    goodtime.io greenhouse-mail.io greenhouse.io hire.lever.co hireology.com hrmdirect.com icims.com jazz.co jazzhr.com
    jobscore.com jobvite.com join.com lever.co manatal.com modernloop.io mokahr.com myworkday.com myworkdayjobs.com
    myworkdaysite.com oraclecloud.com otp.workday.com pageuppeople.com paylocity.com personio.com personio.de
    phenom.com phenompeople.com pinpointhq.com recruitee.com recruiterflow.com rippling-ats.com rippling.com sapsf.com
    smartrecruiters.com smartrecruitersmail.com softgarden.com softgarden.de softgarden.io successfactors.com
    successfactors.eu taleo.net teamtailor-mail.com teamtailor.com trakstar.com ultipro.com welcomekit.co workable.com
    workablemail.com workday.com workdaymail.com zohorecruit.com
    """,
    # Tests, schedulers and signatures that employers hire.
    """
    calendly.com codesignal.com codility.com coderpad.io docusign.com docusign.net hackerearth.com hackerrank.com
    hackerrankforwork.com hellosign.com hirevue.com karat.com karat.io mettl.com pymetrics.com shl.com testgorilla.com
    vervoe.com willo.video
    """,
    # Boards that carry other firms' jobs.
    """
    51job.com angel.co dice.com glassdoor.com hired.com indeed.com indeedapply.com indeedemail.com jobs.lever.co
    liepin.com linkedin.com monster.com naukri.com nowcoder.com otta.com seek.com seek.com.au stepstone.de
    totaljobs.com welcometothejungle.com wellfound.com xing.com zhaopin.com zhipin.com ziprecruiter.com
    """,
)
"""Domains of hiring systems, job boards, test and signature services: each carries mail of many employers."""

WEBMAIL = word_set(
    """
    126.com 163.com aliyun.com aol.com att.net bk.ru bol.com.br btinternet.com comcast.net daum.net fastmail.com
    foxmail.com free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com hanmail.net hey.com
    hotmail.co.uk hotmail.com hotmail.de hotmail.fr icloud.com inbox.ru kpnmail.nl laposte.net libero.it list.ru
    live.co.uk live.com mac.com mail.com mail.ru mailbox.org me.com msn.com naver.com orange.fr outlook.com outlook.de
    outlook.fr pm.me posteo.de proton.me protonmail.com qq.com rambler.ru rediffmail.com rocketmail.com sfr.fr
    sina.com sohu.com t-online.de terra.com.br tuta.io tutanota.com uol.com.br verizon.net virgilio.it wanadoo.fr
    web.de yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.it yandex.com
    yandex.ru ymail.com ziggo.nl zoho.com zohomail.com
    """
)
"""Hosts where anybody has an address."""


def belongs_to(domain: str, hosts: frozenset[str]) -> bool:
    """Whether `domain`, or a domain above it, is one of `hosts`."""
    labels = domain.lower().split(".")[-8:]
    return any(".".join(labels[start:]) in hosts for start in range(len(labels) - 1))
