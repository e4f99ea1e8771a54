"""What English mail says, signal by signal. The grammar of a line is explained in `phrases`."""

from shared.model import Signal

STRONG = {
    Signal.DELIVERY_FAILURE: """
        delivery status notification
        (undelivered|undeliverable|returned) mail
        undeliverable
        mail delivery (failed|failure|subsystem|system)
        delivery has failed to these recipients
        (message|mail|email) (was not|could not be|was unable to be|can not be) delivered
        (message|mail|email) not delivered
        your message to _ could not be delivered
        recipient address rejected
        recipient address (could not|was not|not) be found
        address not found
        the email account that you tried to reach
        user unknown
        mailbox (unavailable|is full|full|not found|does not exist)
    """,
    Signal.VERIFICATION_CODE: """
        (verification|security|confirmation|access|login|authentication|one time|activation) (code|passcode|pin|password)
        (passcode|otp|code) is
        your (code|otp|passcode)
        (sign in|login|log in|magic) link
        verify your (email|e mail|account|identity|address|device|phone|new)
        confirm your (email|e mail) address
        activate your (account|candidate account|profile)
        (reset|change|forgot) your password
        password (reset|change)
        two (factor|step) (authentication|verification)
        new (sign in|login|device)
        # Accounts on a career site are made before an application and say nothing about one.
        (account|profile) (has been|was) (created|activated)
        your (candidate|career|careers|talent) (account|profile|home) (is|has)
    """,
    Signal.JOB_ALERT: """
        job (alert|alerts|digest|recommendations|matches|newsletter|picks)
        (new|more|latest|top|hot|similar|recommended|suggested|featured) (jobs|job openings|vacancies|job listings|job postings|roles) (for|matching|in|near|that|this|from|posted|you|of|around|based)
        (jobs|roles|vacancies|openings) (you may|you might|matching|for you|similar|near you|based on|tailored|picked|we think|recommended|posted)
        (jobs|roles|positions) that match
        match your (job search|job alert|search|saved search|criteria|preferences)
        based on your (search|saved search|job search|preferences|recent|activity|interests|alert)
        recommended (for you|jobs)
        your (job search|saved search|search alert|career) (update|digest|summary|alert)
        (viewed|looked at|is viewing|are viewing) your profile
        profile (views|viewers|was viewed)
        appeared in _ (search|searches)
        people you may know
        (connection|connections|invitation to connect)
        top job picks
        actively (hiring|recruiting) (companies|employers|now)
        hiring now
        unsubscribe from (job alerts|these alerts|this alert|alerts)
        (manage|edit|update) (your|my|this) (job alert|job alerts|alert|alerts)
        # Bulk marketing moves no application either; it stands here so that it isn't taken for anything else.
        newsletter
        webinar
        (shop|buy|order|save) (now|today)
        (limited|exclusive|special) (time|) offer
        (promo|discount|coupon|voucher) code
        (percent|off) (everything|all|your next|sitewide|selected)
        flash sale
        early bird
        register (now|today) (for|to)
        view (this email |) in (your|) browser
        view (this|) (email|message) in (your|) browser
        career fair
        virtual (event|fair|open day)
        open (day|house)
        interview (tips|techniques|questions|skills|advice|guide|coach)
        (ace|nail|crack) your (next|) interview
        new (episode|post|article|features|product)
        this week in
        weekly (digest|roundup|update|newsletter|highlights)
        talent (community|network|pool) (update|news|newsletter|event)
    """,
    Signal.RECRUITER_OUTREACH: """
        came across your (profile|resume|cv|background|github|linkedin|work|portfolio|name|details)
        (found|saw|noticed|viewed|discovered|seen|reviewing|reviewed|looking at|stumbled upon|stumbled across) your (profile|linkedin|github|portfolio|background)
        (found|saw|discovered) your (resume|cv) on
        your (profile|background|resume|cv|experience|github|linkedin) (caught|stood out|stands out|looks like|seems like|came up|popped up|looked|is a great|would be a great|would be a good|looks interesting|is impressive)
        impressed (by|with) your (profile|background|linkedin|github|work at)
        (thought|thinking) of you for
        you (would|could|might) be a (great|good|strong|perfect|excellent) (fit|match|candidate|addition)
        (would|are) you (be|) (open|interested) (to|in) (exploring|discussing|hearing|learning|chatting|a quick|a brief|a new|a conversation|new|a chat|this|the role|connecting|having|talking|considering|other)
        open to (new|exploring|hearing|other) (opportunities|roles|about|positions|challenges)
        are you (currently|actively|passively|still) (looking|searching|exploring|open|in the market|interested)
        (exploring|considering) new (opportunities|roles|challenges)
        on behalf of (my|our|a|one of my|one of our) (client|clients|customer)
        (my|our) client (is|are|has|have|in|based|who|a)
        (i|we) (am|are) (a|an|the|currently|) (recruiting|recruiter|headhunter|headhunting|sourcing|talent partner|technical recruiter|talent sourcer|executive search|talent acquisition)
        (i|we) (am|are) (currently|) (hiring|recruiting|looking|searching) for (a|an|experienced|someone|talented|senior|strong|developers|engineers)
        i represent
        reaching out (regarding|about|because|as|to see|on behalf|with|to you|directly)
        (exciting|amazing|fantastic|great|potential|excellent|new|unique|confidential|exclusive|interesting) (job|career|) (opportunity|role|opening|position) (that|which|at|with|in|for|as|i|might|you|and)
        (have|has|working on) (a|an|some|several|multiple) _ (role|roles|opportunity|opportunities|position|positions|opening|openings) (that|which|i|we|you|with|at|in)
        might (be of interest|interest you|be interested|be a good fit|be a great fit)
        (forward|pass) this (on|along|email|message|) to (someone|a friend|anyone|colleagues)
        know (someone|anyone|somebody) who
        (send|share|forward) (me|us) (your|an|a copy of your) (updated|latest|current|most recent|) (resume|cv)
        inmail
    """,
    Signal.REJECTION: """
        # The decision in so many words.
        not (be|been|able to|) (moving|move|going|go|proceeding|proceed|progressing|progress|continuing|continue|advancing|advance|carrying|carry) (you|it|this|your application|your candidacy|your profile|things|any|) (forward|further|ahead|on) (with|to|in|at|on|for|as|after|beyond|)
        not (be|been|able to|to|) (proceeding|proceed|progressing|progress|continuing|continue|advancing|advance|pursuing|pursue|considering|consider|continue to consider) (with|) (you|your|any further with)
        not (be|been|) (moving|taking|bringing|putting|inviting|selecting|shortlisting|hiring|offering) (you|your)
        not be (moving|progressing|advancing|proceeding|going|continuing) (to|on|onto|past|beyond|into)
        not to (move|proceed|progress|pursue|continue|advance|go|take|offer|hire|select|extend|invite|shortlist|consider|make) (forward|further|ahead|you|your|with|an|on|it|things)
        (move|moving|moved|proceed|proceeding|progress|progressing|go|going|gone|went|continue|continuing|advance|advancing|work|working) (forward|ahead|on|further|) with (other|another|a different|different|someone|candidates|applicants|those|the other|a candidate|an applicant|some other|an internal|internal|an alternative|alternative|more|a more|a stronger|stronger)
        (pursue|pursuing|selected|select|selecting|chosen|chose|choose|hired|hire|appointed|appoint|offered _ to|favor of|favour of|prioritize|consider|considering) (other|another|a different|different|someone else|somebody else|an internal|a more|more|alternative|an alternative) _ (candidate|candidates|applicant|applicants|person|applications|profiles|individual|individuals)
        (offer|offered|offering) (the|this) (role|position|job) to (another|someone|a different|an internal|other)
        (have|has|was|were|are|is) not (been|) (selected|successful|shortlisted|chosen|accepted|retained|progressed|among|approved) (for|to|in|on|at|this|as|the|by|after)
        (you|your application|your candidacy|your profile|you were|application) (have|has|was|were|is|are) not (been|) (selected|successful|shortlisted|chosen|accepted|retained)
        not been (selected|successful|shortlisted|chosen)
        not selected
        (have|has|been|was|were) unsuccessful
        unsuccessful (on this occasion|this time|at this time|in|for|candidate|candidates|applicant|applicants|application)
        application (is|was|has been|status) (now|) (rejected|declined|unsuccessful|denied|turned down|not successful|not selected)
        (reject|decline|turn down) your (application|candidacy)
        no longer (under|being|in|be|a) (consideration|considered|candidate|in consideration|be considered)
        not be (considered|considering|taken|shortlisted|selected|included|progressed|progressing) (for|you|your|further|forward|in|to|any)
        not (be|) (considering|considered) (you|your|further|for)
        (unable|not able|can not|could not|not in a position|not possible) (to|) (offer|extend|progress|advance|consider|make) (you|your|an offer|a position|employment|a role|this|further|it|any)
        (unable|not able|not in a position) to (move|proceed|take|go|bring|continue|carry) (forward|further|ahead|you|your|with|on)
        can not (move|proceed|take|go|bring|continue|offer|invite) (forward|further|ahead|you|your|with) (with|forward|further|your|you|an|a|to|)
        not be (extending|offering|making|able to offer|able to extend) (you|an|a|the|this)
        decided against
        (a|another|different) (different|another) direction
        in (another|a different) direction
        # Comparison with the others, which employers write only to those who lost.
        candidates (who|whose|that|with) _ (more|better|closer|closest|most|closely|best|stronger|strongest) (closely|) (match|matches|matched|align|aligns|aligned|fit|fits|suited|meet|meets|suit|suits|reflect|experience|qualified|relevant|resemble)
        (skills|experience|qualifications|background|backgrounds|profile|profiles|expertise|skill set) (is|are|were|was|) (more|better|most|closer|stronger) (closely|) (match|matches|matched|matching|align|aligns|aligned|fit|fits|suited|meet|meets|relevant)
        (other|more|stronger|another) (candidates|applicants|candidate|applicant) (who|whose|that|with|more|better|were|was|at this|for this|in the|whom|are|have|had|for the)
        (qualifications|experience|background|skills|profile) (do|does|did|is|are) not (meet|match|align|fit|currently|quite|fully|closely|a match|what)
        not (a|the|quite the|an exact|the best|the right|a good|a strong|quite a|exactly the) (right|best|ideal|good|strong|exact|) (fit|match) (for|at|with|to|right|this|in|and|we)
        you (are|were) not (a|the) (right|) (fit|match)
        did not (make it|make the|progress|pass|get selected|qualify|advance|succeed|meet)
        not (make|made) it (to|past|through)
        not _ (meet|meeting|met) (our|the) (requirements|needs|criteria|current)
        (not|nor) (be|) (successful|selected|shortlisted) (on this occasion|this time|at this time|for this|in this|for the|in securing|in your application)
        not be (making|extending) (you|) an offer
        rescind
        (withdraw|withdrawing|rescind|rescinding|rescinded|revoke|revoking|revoked) (our|the|your|this|an) (conditional|job|employment|) offer
        offer (has been|is|was|of employment|of employment has been|of employment is|) (withdrawn|rescinded|revoked)
        (went|go|going|gone) (another|a different) way
        ended up (hiring|choosing|picking|going with|giving the job to|giving the role to)
        not (be|) (taking|take) (things|this|it) any (further|more)
        (would|do) not (feel|see|believe) (this|there|it) is (a|the right|the best|enough) (fit|match|overlap)
        regretfully (inform|informing|must|have|decline|unable|we)
        (disappointing|bad|unfortunate|tough|difficult) news
        not the (news|outcome|answer|response|result) (you|that)
        decline to (move|proceed)
        filled (the|this) (position|role) (with|internally)
        not (have|having) a (suitable|current|position|role|match) _ (for you|position|role|opening|vacancy)
        no (suitable|current|matching|appropriate) (position|role|vacancy|opening|opportunity) (for you|available|that matches)
        (will|would|have to|must|need to|are|am) _ (pass|passing) on your (application|candidacy|profile)
        end (our|the|your) (process|candidacy|application) (here|at this)
        (conclude|concluded|ending|closing|close|closed) your (application|candidacy)
        not _ (an interview|interview you)
    """,
    Signal.ON_HOLD: """
        (position|role|search|process|recruitment|hiring|opening|requisition|vacancy|recruiting|application|applications) _ (on hold|paused|suspended|frozen|on pause|postponed|delayed indefinitely)
        (put|place|placed|putting|placing|pause|pausing) _ (role|position|search|process|hiring|recruitment|opening|requisition|recruiting) _ (on hold|on pause|for now|until|temporarily)
        hiring freeze
        (paused|pausing|pause|froze|frozen|suspended|suspending|halted) (all|our|the|its|) (external|active|) (hiring|recruitment|recruiting|search|process)
        (freeze|pause) (on|in|to) (all|our|) _ (hiring|recruitment|recruiting)
        (temporarily|currently) (on hold|paused)
        put on hold
        on hold (for|until|while|at|due|because)
    """,
    Signal.POSITION_CLOSED: """
        (position|role|job|vacancy|opening|requisition|posting|opportunity|post) _ (been|is|was|are|were) (now|already|since|recently|) (filled|closed|cancelled|canceled|eliminated|withdrawn|removed|discontinued|taken down|no longer available|no longer open|no longer active)
        (position|role|job|vacancy|opening|requisition|posting) (is|are|) no longer (available|open|active|accepting|being filled|exists)
        no longer (hiring|recruiting|looking to fill|looking to hire|filling|accepting applications)
        (decided|chosen) not to fill
        (closed|closing|cancelled|canceled|cancelling|canceling|filled|close|cancel|eliminated) (the|this|that|our search for|our) (position|role|requisition|search|opening|vacancy|job|posting)
        (not|no longer) be (filling|hiring for|recruiting for) (this|the)
        requisition _ (cancelled|canceled|closed)
    """,
    Signal.OFFER: """
        (pleased|delighted|happy|thrilled|excited|glad|proud|honored|honoured|like|pleasure|want|wish) to (formally|officially|now|verbally|be able to|be|) (offer|offering) (you|to you)
        (pleased|delighted|happy|thrilled|excited|glad|proud|honored|honoured|like|pleasure|want|wish) to (formally|officially|now|verbally|be|) (extend|extending|make|making|present|presenting|confirm|send|provide|give|share) _ (offer|offer letter|employment contract|contract of employment)
        (formally|officially|hereby) (offer|offering|extend) (you|an)
        (we|i) (offer|are offering) you (the|a|this) (position|role|job|post)
        (offer|offering) you (the|a) _ (position|role|job|post|internship|employment|contract)
        (offer|offering|offered) (you|) employment
        (offer|letter|contract) of employment
        (formal|official|written|verbal|conditional|unconditional|revised|updated|full time) (job|employment|) offer
        (job|employment|internship|your) offer (letter|from|details|package|for|is|of|with|includes|at|document|has)
        offer letter
        (like|want|love) (you|) to (join|come and join) us as
        (would|will) like to make you an offer
        (extend|extending|make|making|made|extended) (you|to you|) (an|a|this|the|our) (formal|official|verbal|written|conditional|employment|job|revised|updated|) offer
        (your|this) offer (includes|consists|expires|is valid|is contingent|remains|package)
        (accept|accepting|decline|sign|countersign|signing) (this|the|our|your) (offer|job offer|employment offer|offer letter)
        (starting|base|annual|gross) (base|) salary (will be|is|of|would be)
        signing bonus
        sign on bonus
        (selected|chosen) (you|) for the (position|role|job) of
        you have been selected for the _ (position|role|job)
        (you|you have) got the job
    """,
    Signal.WITHDRAWAL_CONFIRMED: """
        application (has been|was|is|successfully|have been) (now|successfully|) withdrawn
        (withdrawn|withdrew|withdraw|withdrawing|removed) (from|your application|your candidacy|yourself)
        (your|the|confirm|confirming|received|regarding your|of) (application|) withdrawal
        you have (successfully|) withdrawn
        withdrawal (of|request|confirmation|confirmed|has been)
    """,
    Signal.ASSESSMENT: """
        (complete|take|start|begin|finish|attempt|undertake|do|submit) (the|a|an|our|your|this|following|) _ (assessment|assessments|coding challenge|coding test|take home|case study|skills test|aptitude test|technical test|online test|written test|personality test|technical exercise|coding exercise|coding assignment|technical challenge|work sample|questionnaire|hackerrank|codility|codesignal|video interview|challenge)
        invited _ (assessment|test|challenge|hackerrank|codility|codesignal|hirevue|hackathon)
        invite you to (take|complete|participate in|do|undertake|attempt|start|sit) _ (assessment|test|challenge|exercise|assignment|questionnaire|examination|exam)
        (coding|programming|technical|skills|aptitude|cognitive|behavioral|behavioural|psychometric|online|virtual|pre employment|game based|logical|written|hiring|candidate|talent|numerical) (challenge|test|tests|assessment|assessments|exam|examination|evaluation)
        take home (assignment|test|project|challenge|task|exercise|assessment|exam|coding|interview)
        (assessment|test|challenge|exam) (invitation|invite|link|deadline|instructions|reminder|expires|window|details)
        (hackerrank|codility|codesignal|testgorilla|hirevue|coderbyte|mettl|shl|pymetrics|karat|coderpad|codility|codevue|vervoe|criteria corp|plum|arctic shores|byteboard|qualified io|devskiller|imocha|sparkhire|spark hire) (com|io|link|test|challenge|assessment|invitation|interview|account|platform|questions)
        (on|via|through|by|using|from) (hackerrank|codility|codesignal|testgorilla|hirevue|coderbyte|mettl|pymetrics|vervoe|imocha)
        (one way|pre recorded|recorded|asynchronous|on demand|on demand video|self recorded|ai|automated|digital) (video|) (interview|assessment|screening|screen)
        record (your|short|some|a) _ (answers|responses|video|videos)
        (take|complete|pass|finish) (the|a|our|this|your|an) _ quiz
        (homework|case|test) (assignment|study|task) (for|attached|below|is|to)
        (sample|trial|test) (task|project|assignment)
    """,
    Signal.INTERVIEW_UPDATE: """
        (reschedule|rescheduled|rescheduling|postpone|postponed|postponing|cancel|cancelled|canceled|canceling|cancelling|move|moved|moving|push|pushed|change|changed|shift|shifted) (your|the|our|this|tomorrow|today|) _ (interview|call|meeting|phone screen|conversation|chat|appointment|time slot|onsite)
        (interview|call|meeting|conversation|phone screen|chat|appointment|onsite|screening) _ (rescheduled|moved|cancelled|canceled|postponed|changed|pushed|shifted|brought forward|been updated)
        (interview|meeting|call) (reschedule|rescheduled|cancellation|cancelled|canceled|update|change|postponed)
        (new|updated|revised|changed|different) (interview|meeting) (time|date|details|schedule|slot|invitation)
        new (time|date|slot) (for|of) (your|the|our) (interview|call|meeting|conversation)
        (canceled|cancelled|updated) (event|invitation)
        (canceled|cancelled|called off|moved|rescheduled) (your|the|) interview
        change (to|in) your (schedule|interview schedule)
        interview __ (has been|have been|had to be|is being|needs to be|must be) (rescheduled|moved|postponed|changed|cancelled|canceled|called off|brought forward|put off)
        (reschedule|postpone|put off|rescheduling|postponing) (your|our|the) _ (session|loop|panel|interview|visit|round|slot)
        (interview|call|meeting) (is|has been|was|will be) (cancelled|canceled|called off|postponed|moved|rescheduled)
        interview (will not|can not) (take place|go ahead)
        (can|could|may|shall) we (push|move|shift|postpone) (our|the|your) _ (call|chat|interview|meeting|conversation)
        (need|have|had|like|ask|able|possible) to (reschedule|postpone|rebook)
        (please|kindly|could you|can you|could we|can we) (reschedule|rebook)
        (change|changes) (to|of|in) (your|the|our) _ (interview|meeting|call)
        instead of the (original|originally|previously|previous)
        (no longer|not be) able to (make|attend|join) (our|the) (interview|call|meeting|originally)
    """,
    Signal.INTERVIEW_INVITATION: """
        invite you (to|for) _ (interview|interviews|call|conversation|chat|meeting|phone screen|screening|onsite|video call|discussion|first round|second round|final round|next round|next stage|office)
        (inviting|invited) (you|) (to|for) (an|a|our|the|your) _ (interview|call|conversation|phone screen|chat|meeting|onsite)
        invite you to (interview|meet|come|speak|talk|chat|join us for|visit|our office|attend)
        (schedule|set up|setup|arrange|book|organise|organize|scheduling|arranging|coordinate|plan|have|do|hop on|jump on|get on|conduct|setting up|booking) (a|an|your|the|our|this|you for) _ (interview|interviews|call|phone screen|phone call|video call|chat|conversation|intro|introduction|meeting|screening|onsite|zoom|discussion|time to)
        interview (invitation|invite|confirmed|confirmation|scheduled|request|reminder|details|itinerary|agenda|schedule|panel|slot|slots|availability|with you|opportunity|logistics|scheduling|loop|for the)
        (your|the|our|upcoming|an) interview (is|has been|on|with|at|tomorrow|today|scheduled|confirmed|will be|will take|for)
        your (upcoming|scheduled|first|second|final|next|virtual|onsite|technical|video|phone|zoom) (round|) (interview|phone screen)
        (upcoming|first|second|third|final|technical|phone|video|virtual|onsite|on site|panel|face to face|in person|initial|preliminary|telephone|telephonic|zoom|behavioral|behavioural|hr|managerial|group|screening) (round|stage|) (interview|interviews)
        interview you (for|on|at|in|this|next|and|with|about)
        (phone|recruiter|video|initial|telephone|intro) (screen|screening|screening call)
        (intro|introductory|exploratory|discovery|initial|first|quick|short|brief|30 minute|15 minute|20 minute|45 minute|30 min) (call|chat|conversation|discussion|phone call|video call|meeting) (with|to|about|this|next|for|and|where|so|in|on)
        (select|choose|pick|book|find|grab|schedule|propose|suggest) (a|your|any|an|one of the|one) (preferred|convenient|suitable|) (time|slot|time slot|date|timeslot|appointment|interview slot) (that|slot|on|from|which|here|using|via|for|with|to|below|in|works|and|through)
        (calendly|goodtime|cal|savvycal|chilipiper) (com|io)
        (would|will|to|just|really) (love|like|want|keen|excited|hoping|hope|eager|happy|wanted) to (chat|speak|talk|meet|connect|get to know|learn more about|discuss|have you) (with|to|you|your|about|further|over|more|soon|on|in|for|and)
        (move|moving|advance|advancing|progress|progressing|take|taking|bring) you (forward|on|ahead|through|onto|) (to|into) (the|our|an|a) _ (stage|round|step|interview|interviews|phase)
        (selected|shortlisted|chosen|qualified|successful|progressed|advanced|moved) (you|) (for|to) (an|the|a|our|interview|further) _ (interview|round|interviews|stage|discussion|step)
        (moving|move|proceed|proceeding|moved|progressing|excited to move) (forward|ahead|) with your (application|candidacy|profile)
        (look|looking) forward to (meeting|speaking|interviewing|chatting|talking|our conversation|our call|our interview|seeing you|our meeting|connecting)
        next (step|stage|round) (is|will be|would be|in|of) (a|an|our|the) _ (interview|call|conversation|chat|meeting|phone screen|discussion)
        you will (be|) (meeting|meet|interviewing|speaking|speak|interview|talking|chatting) with
        (speak|meet|chat|talk|interview) with (our|the) (hiring|team|recruiter|recruiting|talent|engineering|head|ceo|cto|founder|co founder|director|vp|manager)
        (zoom|google meet|teams|meet|webex|microsoft teams) (link|meeting|call|invite|details|video)
        (zoom us|meet google com|teams microsoft com)
        (join|joining) (the|via|us on|by|on|link|url|zoom|google|microsoft) _ (zoom|google meet|teams|meeting|link|call|meet)
        (arrive|report) (at|to) (our|the|reception|security|visitor) _ (office|reception|building|desk|center|centre|headquarters|lobby)
        calendar (invite|invitation) (has|sent|will|for|with|to|is|attached)
    """,
    Signal.AVAILABILITY_REQUEST: """
        (share|provide|send|confirm|indicate|give|reply with|respond with|let me know|let us know|know|submit|advise|tell us|email|enter|update) (me|us|with|) (your|some|a few|of your|about your|on your|what your) (general|current|) (availability|availabilities|available|times|time slots|slots|dates)
        (your|of|an) availability (for|over|this|next|in|on|to|is|and|between|from|below|by|during|so|at|link)
        (when|what time|what times|what day|what days|which times|which day|what dates|are there times) (are|would|works|work|is|will|do|suit|suits|might) (you|best|for|be|well) (be|available|free|you|work|works|convenient|for|good|)
        (are|would) you (be|) (available|free) (for|on|this|next|to|tomorrow|at|in|any|sometime|between|monday|tuesday|wednesday|thursday|friday|early|later|over)
        (times|time|slots|days|dates|time slots) (that|which) (work|works|suit|suits|would work|are convenient|is convenient|you are)
        (do|does|would|will) (any|either|one) of (these|the following|those) (times|slots|dates|options|work)
        (does|would|will) _ (work|suit|be convenient) (for|with) you
    """,
    Signal.INCOMPLETE_APPLICATION: """
        (complete|finish|continue|resume|finalize|finalise|submit|completing|finishing) your (job|online|) (application|profile|candidate profile|candidate questionnaire|submission) (for|now|to|before|by|today|in|at|here|as|with|and|so|process)
        application (is|remains|was|appears|still|appears to be|seems) (still|currently|) (incomplete|not complete|not yet complete|unfinished|not finished|in progress|in draft|pending completion|missing|not yet submitted|not submitted)
        incomplete (job|) application
        (started|began|begun|saved) (your|an|a) (job|draft|) application
        not (yet|) (finished|completed|submitted) (your|the|an) (job|online|) application
        (draft|unfinished|unsubmitted|abandoned|pending) application
        almost (there|done|finished)
        (finish|complete) (what you started|applying)
        you (left|abandoned) _ application
        (still|left) (to complete|to do|need to complete)
    """,
    Signal.INFO_REQUEST: """
        (provide|send|submit|upload|share|supply|forward|attach|return|email|resubmit|complete|fill out|fill in) (us|me|with|the|your|a|an|copies|copy|some|following|any|all|two|three|) _ (documents|document|references|transcript|transcripts|portfolio|id|identification|passport|certificates|certificate|work permit|right to work|visa status|salary expectations|salary expectation|current ctc|expected ctc|notice period|work samples|writing sample|reference|referees|details below|information below|form|cover letter|updated resume|updated cv|pan card|aadhaar|ssn|missing information|diploma|degree)
        (need|require|requires|needs|requesting|missing|request) (some|additional|more|further|the following|a few|from you|any|) (additional|more|further|) (information|documents|documentation|details|paperwork) (from|to|before|about|in|so|regarding|for|we|you)
        (additional|further|more|missing|supplementary) (information|documents|documentation|details) (is|are|required|needed|request|requested|about)
        (answer|complete|respond to) (the|these|a few|some|our|following) _ (questions|screening questions|prescreening questions|questionnaire|form)
        (what|confirm|clarify|share|specify|know) (is|are|) (your|the) (salary|compensation|current|expected|notice|earliest|visa|work authorization) (expectations|expectation|requirements|salary|ctc|period|start|status|package|location)
        (require|need) sponsorship
        (authorized|authorised|eligible) to work in
        (reference|background) check (form|authorization|consent|link|request)
        (still|are you) interested in (this|the|our|being|pursuing)
        confirm (your|that you are|whether you are|you are) (continued|still|) (interest|interested)
    """,
    Signal.ACKNOWLEDGEMENT: """
        (thank you|thanks|thank) (so much|very much|again|a lot|kindly|) for (applying|your application|your recent application|submitting|sending us|sending in|sending|your submission|completing your application|taking the time to apply|taking time to apply|the application|your job application|uploading|your online application)
        (have|has|had|we|successfully|just|already) (successfully|) (received|got) (your|the|a copy of your) (job|online|recent|) (application|resume|cv|materials|submission|profile|details|candidature|candidacy)
        (application|resume|cv|submission|candidature) (for|to|as|with|at) __ (has been|was|have been) (successfully|) (received|submitted|sent|confirmed|delivered|logged|recorded|forwarded)
        (application|resume|cv|submission) (has been|was|is|have been) (successfully|now|) (received|submitted|sent|confirmed|delivered|logged|recorded|complete|completed|forwarded|in)
        application (received|confirmation|submitted|receipt|acknowledgement|acknowledgment|confirmed|sent)
        (application|applications|profile|resume|cv) (for|to|as|with) __ (is|are) (currently|now|still|) (under review|being reviewed|in review|under consideration|being considered|being processed|with our)
        (application|profile|resume|candidacy|cv|qualifications|submission|details) (is|are|remains) (currently|now|still|) (under review|being reviewed|in review|under consideration|being considered|being processed|with our|being evaluated|being assessed)
        (successfully|have) (applied|submitted your|submitted an) (to|for|application|your)
        (confirm|acknowledge|confirming|acknowledging|confirms|acknowledges|confirmation of|acknowledgement of|acknowledged) (the|) (safe|) (receipt|reception|submission) of (your|the)
        (confirm|confirms|confirming|let you know) (that|) (we|you|your) (have|application) (received|applied|has been)
        (got|have|received|in receipt of) your (application|resume|cv)
        (will|are|is|be|shall|to) (carefully|now|currently|thoroughly|) (review|reviewing|reviewed|reviews|evaluate|assess|consider|considering|look at|go through|going through|look over) (your|all|the|each|every) (application|qualifications|resume|cv|profile|background|materials|experience|information|applications|submission|skills|details|candidacy|credentials)
        (our|the|a) (recruitment|recruiting|hiring|talent|hr|people|talent acquisition|recruiters|recruiter|team) _ (will|is|are) (now|carefully|currently|) (review|reviewing|be reviewing)
        your application was sent to
        you (applied|have applied|just applied|recently applied) (to|for|at)
        (reviewing|review) your application
        indeed application
        application (status|update) (received|under review|submitted|in review)
    """,
    Signal.OTHER: """
        # "Application", "offer", "interview" and "assessment" outside of hiring.
        (rental|lease|loan|credit|credit card|card|mortgage|visa|passport|membership|adoption|scholarship|admission|admissions|grant|insurance|permit|benefits|financial aid|graduate|undergraduate|college|university|school|volunteer|volunteering|vendor|account|tax|citizenship|license|licence|mba|phd|degree|housing|apartment|tenancy|building permit|planning|patent|startup|accelerator|fellowship program|conference) (application|applications)
        application (for|to) (a|an|the|your|our|join|adopt|rent|unit|) _ (apartment|unit|loan|card|credit card|mortgage|membership|admission|program|semester|scholarship|grant|visa|passport|license|insurance|account|lease|rental|financing|board|conference)
        (msc|mba|bsc|phd|bachelor|master|doctoral|undergraduate|postgraduate) (programme|program|course|degree|studies|school)
        (conditional|dependent|contingent) on your (final|) (grades|exam results|results|marks)
        (admissions|leasing|enrollment|enrolment|registrar) (committee|office|team|decision|decisions|department)
        (fall|spring|summer|autumn) (semester|admission|term|enrollment)
        (your|an) order (has|number|is|confirmation|was|of|on|will)
        (has|have|was|been) (shipped|dispatched|delivered)
        (track|tracking) (your|number|the) (order|package|parcel|shipment|delivery)
        (out for|estimated) delivery
        (your|payment|e) (receipt|invoice|statement) (for|from|is|of|attached|number|ready)
        (payment|transaction|transfer|deposit|purchase|refund) (of|received|confirmation|successful|was|has been|declined|failed|alert|notification)
        (bank|account|credit card|monthly|billing) (statement|balance|alert)
        (booking|reservation|flight|hotel|itinerary|appointment) (confirmed|confirmation|reference|number)
        (pull request|merge request|build failed|commit|issue|deployment|pipeline)
        (happy birthday|see you tonight|love you|miss you|family dinner|mom and dad)
        (insurance|property|tax|health|claims|damage|risk|needs) assessment
        (mock|customer|user|podcast|media|press|radio|exit|research) (interview|interviews)
        (interview|guest) (on|for) (our|my|the) (podcast|show|channel|blog|magazine|newspaper|programme|program)
        (thesis|dissertation|doctoral) (defence|defense|committee|proposal|supervisor)
        (subscription|membership|plan|trial) (has|is|will|expires|expiring|renewal|renewed|cancelled|confirmed)
        offer (on|for) your (property|home|house|car)
        (interest|mortgage|apr) rate
        (board|sprint|team|planning|staff|all hands|standup|project) (meeting|sync|planning|retro|retrospective|review|update)
    """,
}

CORROBORATING = {
    Signal.REJECTION: """
        (regret|sorry|regrets|sad|saddened) to (inform|tell|advise|let you know|say|notify|share|announce|report)
        (regret|sorry) that
        unfortunately
        (not|never) an easy (decision|choice)
        (difficult|tough|hard) (decision|choice|choices|decisions)
        after (careful|much|thorough|thoughtful|due|extensive|further|long|full|a thorough|a careful|closely|carefully|reviewing|considering) (consideration|review|deliberation|thought|evaluation|reviewing|considering|all|the)
        (other|many|several|highly|strong|stronger|more) (qualified|) (candidates|applicants)
        (highly|very|extremely|incredibly) competitive
        (large|high|overwhelming|significant|great) (number|volume) of (applications|applicants|candidates|strong|highly|qualified|exceptional|responses)
        (keep|retain|hold|have|kept|keeping) (your|you) (resume|cv|details|application|information|profile|data|contact|) (in|on|for) (file|record|our|mind|touch|future|consideration)
        (wish|wishing) you (all|every|the|much|a lot|continued|good|success|well|luck) (the|of|) (best|success|luck|in|with|very best|for|future|happiness)
        (best|good) (of luck|luck|wishes) (in|with|for|on) (your|the|finding|all|future)
        (job|employment|career) search
        (future|other|upcoming|new|similar) (openings|opportunities|roles|positions|vacancies|endeavors|endeavours|postings)
        (encourage|invite|welcome|hope) you (to|will) (apply|continue|keep|reapply|check|visit|consider|monitor|stay)
        (apply|reapply) (again|in the future|for other|for future|to other|to future)
        at this time
        on this occasion
        (this|news|decision|outcome) (may|might|is|can) _ (disappointing|disappointment|disappoint)
        (impressed|enjoyed) _ however
        (consider|considered) (you|) for (future|other)
        (your|the) (time|interest) and (effort|interest|time|energy)
        feedback
    """,
    Signal.ON_HOLD: """
        (restructuring|reorganization|reorganisation|budget|headcount) (of|and|changes|freeze|cuts|constraints|we|the|has|review)
        (business|hiring|organizational) (priorities|needs) (have|has) (changed|shifted)
    """,
    Signal.POSITION_CLOSED: """
        (due|owing) to (restructuring|a change|changes|budget|business|internal|organizational|a reorganization)
        (filled|hired) internally
        internal candidate
    """,
    Signal.OFFER: """
        congratulations
        (compensation|benefits|salary|remuneration) (package|details|breakdown|structure)
        (your|proposed|anticipated|expected|tentative) (start|joining) date
        (contingent|conditional) (upon|on)
        (welcome|join|joining) (aboard|to the team|our team|the team|us as|us)
        (equity|stock|rsu) (grant|options|award|package)
        (employment|work|labor) (contract|agreement)
        (background check|drug test|reference check)
        (please|kindly) (review and sign|sign and return|countersign|review the attached)
        (annual|base|monthly|gross) (salary|compensation)
        onboarding
        docusign
    """,
    Signal.ASSESSMENT: """
        (you have|within|in the next|valid for) (24|48|72|96|two|three|five|seven|7|5|3|10) (hours|days|business days|working days|calendar days)
        timed
        (minutes|hours) to complete
        (test|assessment|challenge) (will|should|takes|consists|link|platform)
        next (step|stage|phase)
    """,
    Signal.INTERVIEW_INVITATION: """
        next (step|steps|stage|round|phase)
        (excited|pleased|delighted|happy|glad|thrilled) to (move|invite|inform|let you know|tell|progress|advance)
        (hiring|engineering|recruiting) (manager|team|lead)
        (discuss|talk about|learn more about) (the|your|this) (role|position|opportunity|background|experience)
        (shortlisted|short listed)
        (impressed|liked) (by|with|your)
        (30|45|60|90|15|20) (minute|minutes|min|mins)
        google meet
        zoom
        microsoft teams
        (video|phone) call
    """,
    Signal.ACKNOWLEDGEMENT: """
        (thank you|thanks) for (your|the|expressing your|showing your|expressing|showing) (interest|patience)
        (be in touch|get back to you|contact you|reach out|get in touch|hear from us|touch base|update you|notify you|keep you posted|keep you updated)
        (automated|automatic|automatically|auto generated) (message|email|response|confirmation|reply|generated|mail)
        (track|check|view|monitor) (your|the) (application|status)
        do not reply
        (under|in) (review|consideration)
        (review|screening|selection|recruitment|hiring) process
        application
    """,
    Signal.RECRUITER_OUTREACH: """
        competitive (compensation|salary|package|pay|rate)
        (recruiter|recruiting|staffing|talent partner|headhunter|sourcer)
        (great|good|perfect|strong|excellent) (fit|match)
        (remote|hybrid|onsite|contract|w2|c2c|full time|permanent)
        (rate|pay|salary) (range|is|up to)
        (your|linkedin) (background|profile|experience)
        (quick|brief|short) (call|chat|conversation)
    """,
    Signal.JOB_ALERT: """
        unsubscribe
        (manage|update|change|edit) (your|my|email|notification) (notifications|preferences|subscription|settings|email)
        (apply|view|see|browse|learn|read) (now|job|jobs|more|all)
        you (are receiving|received) this (email|message)
        (free|sale|discount|deal|deals|offer)
        new jobs
    """,
    Signal.INCOMPLETE_APPLICATION: """
        (incomplete|unfinished|draft)
        reminder
        (deadline|before it expires|closes)
    """,
    Signal.INFO_REQUEST: """
        action required
        (as soon as possible|at your earliest convenience|by end of day|asap)
        (missing|required|additional)
        (documents|documentation|references)
    """,
    Signal.VERIFICATION_CODE: """
        (expires|valid) (in|for) (5|10|15|20|30|60|24) (minutes|minute|hours|mins)
        (did not|not) (request|make) this
        (ignore|disregard) this (email|message)
    """,
}

CONDITIONAL = """
    if (you|your|we|there|the|any|this|our|an|selected|shortlisted|successful|chosen|interested|it|and|not|suitable|considered|a|extended)
    should (you|your|we|there|the|an|any) _ (be|match|meet|fit|wish|need|decide|have|seem|align|qualify|find|require|become|arise|not)
    (in the event|in case|provided|assuming|whether|unless|only if)
    (only|those|shortlisted|selected|successful|suitable|qualified) (the|) (shortlisted|selected|successful|suitable|qualified|candidates|applicants|individuals) _ (will|would|be|may|who|selected|chosen|whose|are)
    (may|might|could) (also|) (be|) (contact|contacted|invite|invited|ask|asked|reach|require|required|include|schedule)
    (candidates|applicants) (who are|selected|whose) __ (contacted|invited|notified|considered)
    when (we|you|a) _ (decide|select|open|find)
"""
"""Openings of a sentence that says what would happen, not what has."""

NEGATION = """
    (not|never|unable|no|without|neither|nor|cannot|unfortunately|regret|sorry|instead of|rather than|decline|declined|rescind|rescinding|rescinded|withdraw|withdrawing|withdrawn|revoke|revoked)
"""
"""Words that turn the phrase that follows them: "unable to offer you the position" is no offer."""

PAST = """
    (thank|thanks|appreciate|appreciated|grateful|enjoyed|pleasure|great|nice|good) __ (completing|taking the time to|taking time to|interviewing|interview|meeting|speaking|attending|participating|coming|talking|finishing|submitting your|your interview|the interview|final round|conversation|time you took|assessment|assignment|challenge|exercise)
    (after|following|since) (your|our|the|reviewing|completing|several|a number of) _ (interview|interviews|conversation|assessment|test|call|exercise|submission|meeting)
    (reviewed|reviewing|looked at|assessed|evaluated) your _ (assessment|test|solution|exercise|submission|challenge|assignment|interview)
"""
"""Thanks for what is over, and what came after it: "thank you for completing our coding test" sets no test."""
