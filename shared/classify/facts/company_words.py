"""The words by which a mail names its employer, in the languages that Hearback reads. Tables only.

A phrase is lower case; its weight says how surely what stands beside it is the employer's name: 5 alone is enough,
3 is just enough, 2 needs something that agrees.
"""

from __future__ import annotations

from shared.names import word_set

COMPANY_PHRASES: tuple[tuple[str, int], ...] = (
    # English
    ("role at ", 5),
    ("role with ", 5),
    ("position at ", 5),
    ("position with ", 5),
    ("opening at ", 5),
    ("opportunity at ", 5),
    ("opportunity with ", 5),
    ("opportunities at ", 5),
    ("opportunities with ", 5),
    ("job at ", 5),
    ("internship at ", 5),
    ("internship with ", 5),
    ("vacancy at ", 5),
    ("career at ", 5),
    ("career with ", 5),
    ("careers at ", 5),
    ("applying to ", 4),
    ("applying at ", 4),
    ("applying with ", 4),
    ("applied to ", 4),
    ("applied at ", 4),
    ("applied with ", 4),
    ("apply to ", 3),
    ("application to ", 4),
    ("application at ", 4),
    ("application with ", 4),
    ("application received at ", 4),
    ("application was sent to ", 5),
    ("candidacy with ", 4),
    ("candidacy at ", 4),
    ("interest in joining ", 5),
    ("interest in working at ", 5),
    ("interest in working for ", 5),
    ("interest in working with ", 4),
    ("interest in employment with ", 5),
    ("interest in employment at ", 5),
    ("interest in ", 3),
    ("interest in a career at ", 5),
    ("interest in a career with ", 5),
    ("interest in exploring a career with ", 5),
    ("interest in exploring opportunities with ", 5),
    ("interest in exploring opportunities at ", 5),
    ("interest in becoming a part of ", 5),
    ("interest in becoming part of ", 5),
    ("interest in becoming a member of ", 4),
    ("interested in joining ", 5),
    ("interested in working at ", 5),
    ("interested in working for ", 5),
    ("consider employment with ", 5),
    ("consider a career with ", 5),
    ("considering a career with ", 5),
    ("considering a career at ", 5),
    ("considering employment with ", 5),
    ("considering employment opportunities with ", 5),
    ("considering opportunities at ", 5),
    ("considering us at ", 5),
    ("to explore opportunities at ", 5),
    ("to consider ", 2),
    ("you have chosen ", 2),
    ("speaking with us at ", 5),
    ("part of ", 2),
    ("representing ", 3),
    ("were sent to ", 4),
    ("was submitted to ", 4),
    ("powered by ", -9),
    ("sent by ", 1),
    ("via ", -3),
    ("through ", -3),
    ("using ", -3),
    ("employment with ", 5),
    ("employment at ", 5),
    ("considering ", 2),
    ("choosing ", 2),
    ("to join ", 3),
    ("joining ", 3),
    ("welcome to ", 4),
    ("offer from ", 5),
    ("offer at ", 4),
    ("offer with ", 4),
    ("update from ", 4),
    ("letter from ", 4),
    ("message from ", 3),
    ("news from ", 3),
    ("greetings from ", 4),
    ("hello from ", 4),
    ("invitation from ", 4),
    ("invitation to interview with ", 4),
    ("interview with ", 2),
    ("interviewing with ", 3),
    ("interviewing at ", 4),
    ("interview at ", 4),
    ("interviews at ", 4),
    ("assessment for ", 2),
    ("recruiter at ", 5),
    ("recruiter for ", 4),
    ("recruiting at ", 5),
    ("recruitment at ", 5),
    ("talent acquisition at ", 5),
    ("hiring team at ", 5),
    ("recruiting team at ", 5),
    ("talent team at ", 5),
    ("people team at ", 5),
    ("team at ", 4),
    ("engineer at ", 3),
    ("manager at ", 3),
    ("here at ", 4),
    ("behalf of ", 5),
    ("we at ", 4),
    ("us at ", 4),
    ("work at ", 4),
    ("work for ", 3),
    ("working at ", 4),
    ("working for ", 3),
    ("life at ", 4),
    ("from everyone at ", 5),
    ("all of us at ", 5),
    ("company: ", 5),
    ("company name: ", 5),
    ("employer: ", 5),
    ("organisation: ", 4),
    ("organization: ", 4),
    ("client: ", 2),
    ("at ", 2),
    ("with ", 1),
    ("from ", 1),
    # German
    ("bei der firma ", 5),
    ("bewerbung bei der ", 5),
    ("bewerbung bei ", 5),
    ("interesse an der ", 2),
    ("interesse an einer mitarbeit bei ", 5),
    ("interesse an ", 3),
    ("im namen der ", 4),
    ("im namen von ", 4),
    ("bei der ", 4),
    ("bei uns, der ", 4),
    ("bei ", 4),
    ("ihr team der ", 5),
    ("ihr team von ", 5),
    ("unternehmen: ", 5),
    ("arbeitgeber: ", 5),
    # French
    ("candidature chez ", 5),
    ("candidature auprès de ", 5),
    ("au sein de la société ", 5),
    ("au sein du groupe ", 5),
    ("au sein de ", 4),
    ("auprès de ", 3),
    ("chez ", 4),
    ("rejoindre ", 3),
    ("intérêt pour ", 3),
    ("l'équipe ", 2),
    ("entreprise : ", 5),
    ("entreprise: ", 5),
    # Spanish
    ("candidatura en ", 5),
    ("candidatura a ", 3),
    ("interés en ", 3),
    ("interés por ", 3),
    ("trabajar en ", 4),
    ("formar parte de ", 4),
    ("en ", 1),
    ("unirte a ", 4),
    ("en nombre de ", 4),
    ("el equipo de ", 3),
    ("empresa: ", 5),
    # Portuguese
    ("candidatura na ", 5),
    ("candidatura no ", 5),
    ("candidatura à ", 4),
    ("interesse na ", 3),
    ("interesse em trabalhar na ", 5),
    ("fazer parte da ", 4),
    ("na ", 1),
    ("no ", 1),
    ("em ", 1),
    ("trabalhar na ", 4),
    ("equipe da ", 4),
    ("equipa da ", 4),
    ("em nome da ", 4),
    # Italian
    ("candidatura presso ", 5),
    ("candidatura in ", 4),
    ("interesse per ", 3),
    ("interesse in ", 3),
    ("presso ", 4),
    ("lavorare in ", 4),
    ("a nome di ", 4),
    ("azienda: ", 5),
    # Dutch
    ("sollicitatie bij ", 5),
    ("interesse in een functie bij ", 5),
    ("werken bij ", 4),
    ("namens ", 4),
    ("bij ", 4),
    ("bedrijf: ", 5),
    # Chinese and Japanese labels
    ("公司:", 5),
    ("公司名称:", 5),
    ("会社名:", 5),
    ("企業名:", 5),
)
"""What stands before the name of a company."""

COMPANY_VERBS = (
    # What a sentence says of its subject when the subject is the employer; the weight is that of the name before it.
    ("has received ", 4),
    ("have received ", 3),
    ("received your ", 4),
    ("has reviewed ", 3),
    ("has decided ", 4),
    ("has chosen ", 3),
    ("has selected ", 3),
    ("has invited ", 2),
    ("has filled ", 4),
    ("is excited ", 2),
    ("is pleased ", 3),
    ("is delighted ", 3),
    ("is committed ", 4),
    ("is proud ", 4),
    ("is hiring ", 4),
    ("is looking ", 3),
    ("is an equal ", 6),
    ("is an eoe", 6),
    ("is growing ", 3),
    ("would like to invite ", 2),
    ("would like to thank ", 3),
    ("thanks you ", 4),
    ("appreciates your ", 4),
    ("appreciates the ", 3),
    ("regrets ", 3),
    ("invites you ", 4),
    ("careers page ", 3),
    ("careers site ", 3),
    ("recruiting team ", 4),
    ("recruitment team ", 4),
    ("hiring team ", 4),
    ("talent team ", 4),
    ("talent acquisition team ", 4),
    ("people team ", 4),
    ("family ", 1),
    ("team ", 2),
    ("team. ", 2),
    ("team, ", 2),
    ("team! ", 2),
)

DEPARTMENTS = word_set(
    """
    acquisition admissions analytics backend business campus content creative customer data design development
    dream editorial engineering finance frontend global growth hiring hr infrastructure interview it leadership
    legal management marketing mobile operations our payments people platform product recruiting recruitment
    research sales science security software success support talent technical university
    """
)
"""Teams that are parts of a company and not its name: "the Engineering team"."""

SENDER_NOISE = (
    "talent acquisition team",
    "talent acquisition",
    "talent team",
    "talent partner",
    "hiring team",
    "hiring manager",
    "recruiting team",
    "recruitment team",
    "recruiting",
    "recruitment",
    "recruiter",
    "careers team",
    "careers",
    "career",
    "jobs",
    "job alerts",
    "human resources",
    "people team",
    "people operations",
    "people ops",
    "people & culture",
    "people and culture",
    "people",
    "talent",
    "hr team",
    "hr",
    "hiring",
    "scheduling",
    "interview team",
    "candidate experience",
    "university recruiting",
    "campus recruiting",
    "campus",
    "no-reply",
    "no reply",
    "noreply",
    "do not reply",
    "donotreply",
    "notifications",
    "notification",
    "workday",
    "team",
    "karriere",
    "bewerbermanagement",
    "personalabteilung",
    "recrutement",
    "carrières",
    "ressources humaines",
    "selección",
    "recursos humanos",
    "seleção",
    "risorse umane",
    "selezione",
    "werving",
    "採用担当",
    "採用チーム",
    "採用",
    "人事部",
    "人事",
    "招聘团队",
    "招聘官方",
    "招聘",
)
"""What employers put around their name in From:, longest first where one holds another."""

NOT_COMPANIES = frozenset(
    {
        "google calendar",
        "google forms",
        "google hangouts",
        "google meet",
        "human resources",
        "linkedin jobs",
        "microsoft teams",
    }
) | word_set(
    # Hiring systems, boards and test vendors: they carry the mail and are not the employer.
    """
    ashby avature bamboohr breezy calendly codesignal codility docusign eightfold glassdoor goodtime greenhouse
    hackerrank hirevue icims indeed jazzhr jobvite lever linkedin monster myworkday otta personio pinpoint
    recruitee rippling skype smartrecruiters softgarden successfactors taleo teamtailor teams webex wellfound
    workable workday zoom ziprecruiter dice hired seek xing stepstone naukri coderpad karat testgorilla shl
    mettl hellosign goodhire
    """,
    # Words that are capitalised behind "at" or "with" and name no company.
    """
    aest am applicant applicants application april august best bst candidate careers cdt cest cet company cst ct
    dear december edt equity est et eu february firstname friday gmt he hello hi hiring home hr i if ihnen
    interview ist it january job jst july june kind lastname level madam march may mdt midnight monday mst mt
    name noon nous november october offer online our pdt phone please pm position pst pt recruiting recruitment
    regards remote role rsus saturday september she sincerely sir sunday talent team thank thanks that the they
    this thursday tuesday uk uns unserem unserer us usa utc video vous we wednesday work you your
    """,
)
"""Names, in comparable form, that are never read as the employer's."""

NAME_ENDS = word_set(
    """
    application applications are at bedankt but by candidate careers cheers dear from gracias grazie hello hi
    hiring however i i'm i've if ihr ihre interview interviews it it's its job jobs merci nous obrigada obrigado
    offer opportunities opportunity our please position positions recruiting recruitment regards role sie
    sincerely status talent team thank thanks that these this to unfortunately update updates vielen votre was
    we we'll we're we've were wir with you you're your
    """
)
"""Capitalised words that begin another part of the sentence: a name ends before them."""

NAME_STOPS = NAME_ENDS | word_set(
    """
    action after and as aw best bewerbermanagement bewerbung candidatura candidature complete confirmation
    congratulations einladung exciting follow following for friday fw fwd human id important in invitation is
    karriere kind monday new next on online re register reminder required review saturday schedule sign
    sollicitatie sunday thursday tuesday urgent warm warmly wednesday welcome wg when while
    """
)
"""Capitalised words that a name does not begin with, unless a phrase announces it ("applying to Best Buy")."""
