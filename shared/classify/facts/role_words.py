"""The words by which a mail names the role it is about, in the languages that Hearback reads. Tables only.

A phrase is lower case; its weight says how surely what stands beside it is a title, as in `company_words`.
"""

from __future__ import annotations

from shared.names import plain, word_set

ROLE_PHRASES: tuple[tuple[str, int], ...] = (
    # English
    ("position of ", 5),
    ("role of ", 5),
    ("post of ", 5),
    ("job of ", 4),
    ("job title: ", 6),
    ("job title - ", 5),
    ("position title: ", 6),
    ("position: ", 6),
    ("position - ", 4),
    ("position as ", 5),
    ("role: ", 6),
    ("vacancy: ", 6),
    ("job: ", 5),
    ("opening: ", 4),
    ("applied for: ", 5),
    ("application for the position of ", 6),
    ("application for ", 4),
    ("application to ", 2),
    ("applying for ", 4),
    ("applying to ", 2),
    ("applied for ", 4),
    ("applied to ", 2),
    ("apply for ", 3),
    ("interview for ", 4),
    ("interviewing for ", 4),
    ("assessment for ", 4),
    ("candidate for ", 4),
    ("candidacy for ", 4),
    ("considered for ", 4),
    ("selected for ", 3),
    ("shortlisted for ", 4),
    ("interest in ", 3),
    ("hiring for ", 3),
    ("recruiting for ", 3),
    ("hiring a ", 3),
    ("hiring an ", 3),
    ("looking for a ", 3),
    ("looking for an ", 3),
    ("opportunity as ", 4),
    ("employment as ", 4),
    ("join us as ", 4),
    ("join our team as ", 4),
    ("as our new ", 4),
    ("as our next ", 4),
    ("as a ", 3),
    ("as an ", 3),
    ("offer for ", 3),
    ("feedback for ", 2),
    ("update: ", 2),
    ("for the position ", 5),
    ("the position ", 3),
    ("for the role ", 4),
    ("qualifications for ", 4),
    ("background for ", 4),
    ("submission for ", 4),
    ("submission to ", 3),
    ("to be a ", 3),
    ("to be an ", 3),
    ("for ", 2),
    ("application from ", 3),
    ("answers for ", 3),
    ("process for ", 4),
    ("about ", 3),
    ("as ", 3),
    # German
    ("als ", 3),
    ("die position ", 5),
    ("der position ", 5),
    ("die stelle ", 5),
    ("der stelle ", 5),
    ("bewerbung als ", 5),
    ("bewerbung für die position ", 5),
    ("bewerbung für die stelle ", 5),
    ("bewerbung auf die stelle ", 5),
    ("bewerbung um die stelle ", 5),
    ("bewerbung: ", 4),
    ("bewerbung ", 3),
    ("position als ", 5),
    ("position des ", 4),
    ("position der ", 4),
    ("stelle als ", 5),
    ("stelle: ", 5),
    ("gespräch als ", 4),
    ("tätigkeit als ", 5),
    ("ausschreibung ", 3),
    ("rolle als ", 5),
    # French
    ("candidature au poste de ", 6),
    ("candidature au poste d'", 6),
    ("candidature pour le poste de ", 6),
    ("candidature en tant que ", 6),
    ("poste de ", 5),
    ("poste d'", 5),
    ("offre de ", 3),
    ("poste : ", 5),
    ("poste: ", 5),
    ("en tant que ", 4),
    # Spanish
    ("candidatura para ", 5),
    ("postulación para ", 5),
    ("proceso de selección de ", 3),
    ("como ", 3),
    ("puesto de ", 5),
    ("posición de ", 5),
    ("vacante de ", 5),
    ("vacante: ", 5),
    ("puesto: ", 5),
    ("oferta de ", 3),
    ("cargo de ", 4),
    # Portuguese
    ("vaga de ", 5),
    ("vaga para ", 4),
    ("posição de ", 5),
    ("cargo: ", 5),
    ("vaga: ", 5),
    ("função de ", 4),
    # Italian
    ("candidatura per ", 5),
    ("come ", 3),
    ("posizione di ", 5),
    ("ruolo di ", 5),
    ("posizione: ", 5),
    ("ruolo: ", 5),
    ("profilo di ", 3),
    # Dutch
    ("functie van ", 5),
    ("de functie ", 3),
    ("functie: ", 5),
    ("functie als ", 5),
    ("vacature voor ", 4),
    ("vacature ", 4),
    ("vacature: ", 5),
    ("sollicitatie als ", 5),
    ("sollicitatie voor ", 4),
    # Chinese and Japanese labels
    ("职位名称:", 6),
    ("应聘岗位:", 6),
    ("应聘职位:", 6),
    ("意向岗位:", 6),
    ("投递职位:", 6),
    ("投递岗位:", 6),
    ("申请职位:", 6),
    ("岗位名称:", 6),
    ("面试岗位:", 6),
    ("面试职位:", 6),
    ("岗位:", 5),
    ("职位:", 5),
    ("職種:", 6),
    ("募集職種:", 6),
    ("応募職種:", 6),
    ("ポジション:", 6),
)
"""What stands before a title. "The ... role" is read from behind: ROLE_NOUNS."""

ROLE_NOUNS = word_set(
    """
    internship job opening opportunities opportunity position positions post posting role roles vacancy
    """
)
"""What stands behind the title in English: "the Data Analyst position"."""

STEP_NOUNS = word_set(
    """
    application assessment challenge exam exercise internship interview offer screen test
    """
)
"""What may stand behind a title instead: "the Backend Engineer coding test", "your Data Analyst application"."""

POSTS = word_set(
    """
    bewerbung candidatura candidature cargo functie oferta posición position posizione posição poste puesto
    ruolo sollicitatie stelle vacante vacature vaga
    """
)
"""Words for a post in the other languages, after which "en", "na" or "bei" names the employer."""

ROLE_BOUNDARIES = word_set(
    """
    a about an and are as been both called current exciting exclusive extend following for full-time has have in
    is it named new of offer on open our permanent potential regarding that the this to was with you your
    """
)
"""Lower-case words before a title, seen from behind, at which it begins."""

ROLE_ENDS = word_set(
    """
    about after and application are as assessment at au auprès based because befindet before bei bewerbung bij
    but by candidate chez em en from gespräch haben has hat have here i if in interview into is ist job located
    na no oder offer on opening openings opportunities opportunity or our per please position positions post
    posting presso process program programme ref reference regarding req requisition role roles since sind
    starting team that through to und under vacancies vacancy via was we were when which while who with within
    wurde wurden you your zu
    """
)
"""Lower-case words behind a title at which it ends."""

ROLE_LINKS = word_set(
    """
    & - / and da de del della der des di do du e et for für in la le of the to und van y –
    """
)
"""Lower-case words that may stand inside a title when a capital follows: "Head of Data"."""

_HEADS = word_set(
    # English
    """
    accountant actuary administrator adviser advisor advocate agent ambassador analyst animator apprentice
    architect artist assistant associate attorney auditor barista broker buyer cashier ceo cfo chef clerk co-op
    coach consultant controller coo cook coordinator copywriter counsel cto designer developer devops director
    driver economist editor electrician engineer engineering evangelist executive fellow founder generalist head
    illustrator installer instructor intern internship internships interpreter journalist lawyer lead lecturer
    librarian machinist manager marketer master mechanic member nurse officer operator owner paralegal partner
    pharmacist photographer physician planner postdoc practitioner president producer professor programmer qa
    receptionist recruiter representative researcher salesperson scientist sde sdet specialist sre statistician
    strategist supervisor swe teacher technician tester therapist trader trainee trainer translator tutor
    underwriter videographer vp welder worker writer
    """,
    # German
    """
    assistent assistentin berater beraterin entwickler entwicklerin fachinformatiker ingenieur ingenieurin
    kauffrau kaufmann leiter leiterin mitarbeiter mitarbeiterin praktikant praktikantin praktikum produktmanager
    projektleiter projektmanager referent referentin sachbearbeiter sachbearbeiterin softwareentwickler
    softwareentwicklerin softwareingenieur werkstudent werkstudentin
    """,
    # French, Spanish, Portuguese, Italian, Dutch
    """
    adviseur alternant analista analyste becario chargé chargée comptable concepteur consulente consultante
    consultor consultora coordenador desarrollador desarrolladora desenvolvedor desenvolvedora directeur
    directora directrice diseñador diseñadora développeur développeuse engenheira engenheiro especialista
    estagiário gerente impiegato ingegnere ingeniera ingeniero ingénieur ingénieure jefe medewerker ontwikkelaar
    progettista projectleider responsabile responsable stagiair stagiaire sviluppatore sviluppatrice technicien
    tirocinante técnico
    """,
)
ROLE_LEADS = word_set(
    """
    absage als ausschreibung avaliação bewerbung candidatura candidature cargo colloquio como contratação
    convocation cv de di einladung entretien entrevista evaluación evaluation für gesprek gespräch het la las oferta
    offre para per position posizione poste posto postulación pour procedure proceso processo puesto reclutamento
    recrutamento rolle selección selezione sollicitatie sollicitatieprocedure stelle su sua tu tua update vacante
    vacature vaga voor vorstellungsgespräch zu zum zur zusage
    """
)
"""Words that lead to a title in a subject and are not in it: "Vacante QA Tester", "Absage UX Designer"."""

ENGLISH_LEADS = word_set("application assessment case interview invitation offer test update")
"""The same in English, where they may begin a title too ("Interview Coordinator"): only before "for" and "as"."""

TITLE_HEADS = _HEADS | {plain(head) for head in _HEADS}
"""Head words of job titles, with and without accents: one makes a doubtful phrase a title, and none is a company."""

CJK_TITLE_ENDS = tuple(
    sorted(
        word_set(
            """
            工程师 经理 专员 助理 主管 总监 设计师 分析师 顾问 实习生 运营 开发 产品 策划 培训生 管培生 研究员 架构师
            会计 编辑 教师 销售 工程師 エンジニア デザイナー マネージャー ディレクター
            アナリスト コンサルタント 開発者 営業 プログラマー 研究職 総合職 事務 担当者 職
            """
        )
    )
)
"""How titles end in Chinese and Japanese."""

GENERIC_ROLES = word_set(
    """
    above advertised amazing another any application available best candidate career current different dream
    each employment equal every exciting exclusive fantastic final first following full future great hiring
    internal interview job many more multiple new next no one online open opening opportunity other our part
    particular perfect phone position potential program relevant right role round same several similar some
    specific status suitable team technical this time title two update various virtual what which your
    """
)
"""Words that stand before "role" and are no title by themselves."""
