"""What German and Dutch mail says, signal by signal."""

from shared.model import Signal

STRONG = {
    Signal.REJECTION: """
        # The decision.
        (nicht|nicht mehr|nicht weiter) (berücksichtigen|berücksichtigt|weiterverfolgen|in betracht|einbeziehen|in die engere)
        (keine|nicht|leider) (zusage|positive rückmeldung|positive antwort|positive nachricht)
        (gegen|nicht für) (ihre bewerbung|eine zusammenarbeit|sie entschieden|dich entschieden|ihre kandidatur)
        für (einen anderen|eine andere|andere|einen weiteren|jemand anderen|jemanden anderen|einen mitbewerber|mitbewerber|einen internen|eine interne) (kandidaten|kandidatin|kandidat|bewerber|bewerberin|bewerbern|bewerbung|person|entschieden|_ entschieden)
        (andere|anderen) (kandidaten|bewerber|bewerberinnen|kandidatinnen|profile) __ (entschieden|besser|eher|näher|vorzug|gegeben|passen|passt|entsprechen)
        anders entschieden
        (nicht|keine|keinen) __ (engere|engeren) (auswahl|wahl|kreis)
        (nicht|kein) (zum|zu einem|in das) (gespräch|vorstellungsgespräch|interview) einladen
        (bewerbung|bewerbungsverfahren|kandidatur) (nicht|leider nicht) (erfolgreich|weiter|berücksichtigt)
        (absagen|absage) (müssen|zu erteilen|erteilen|zu ihrer|auf ihre|zu deiner|ihrer bewerbung|für die)
        absage
        (bedauern|leid tut|tut uns leid) __ mitteilen
        leider __ mitteilen
        (leider|bedauerlicherweise) __ nicht (anbieten|weiter|mehr|einladen|möglich|fortsetzen|fortführen|aufnehmen|entsprechen|zusagen|berücksichtigen|mit ihnen|mit dir|bieten|geklappt|gereicht)
        (kein|keine|keinen|keiner) (passende|geeignete|passenden|passendes) (stelle|position|aufgabe|übereinstimmung)
        (stelle|position|wahl) __ (anderweitig|intern|mit einem anderen|auf einen anderen|auf eine andere)
        (vorzug|zuschlag) (gegeben|geben|erhalten)
        (ihre|deine) (unterlagen|bewerbungsunterlagen) __ (zurück|löschen|vernichten)
        (nicht|nicht vollständig|nicht ausreichend) __ (anforderungsprofil|anforderungen|vorstellungen) (entspricht|entsprechen|überein|erfüllen)
        profil __ nicht (passt|entspricht|übereinstimmt)
        nicht (weiter verfolgen|weiterverfolgen|fortzusetzen|fortzuführen|weiterzuführen)
        # Dutch
        (niet|niet meer) (geselecteerd|verder|uitgekozen|door|voortzetten|voort te zetten|uitnodigen|uit te nodigen|aanbieden|doorgaan|gehaald|gekozen|gelukt|in aanmerking|geslaagd)
        (gaan|gaat|kunnen|willen) __ niet (verder|met je verder|met u verder|door)
        (afgewezen|afwijzing|afwijzen|afgevallen|valt helaas af|viel af)
        (andere|ander|anderen|iemand anders|een andere|een ander) (kandidaten|kandidaat|profielen|sollicitanten|sollicitant|gekozen|hebben|is|hebben gekozen|heeft gekozen|aangenomen)
        (iemand anders|een ander|anderen|een andere kandidaat|andere kandidaten|iemand met meer ervaring) (gekozen|verder|aangenomen|verder te gaan|door|gevallen)
        (verder|door) (te gaan|gaan|) met (andere|anderen|een andere|een ander|iemand anders)
        (helaas|tot onze spijt|spijt) __ (niet|geen|meedelen|mededelen|laten weten|afwijzen)
        geen (match|passende functie|plek voor|goed nieuws|functie aanbieden|geschikte)
        (keuze|keus) __ (op een ander|niet op|op iemand anders)
        (sluit|sluiten|voldoet|past) __ (niet|onvoldoende) (aan|bij|past|genoeg)
        niet (uit te nodigen|uitnodigen)
        (sagen|sage) (wir|ich|ihnen|dir) __ ab
        (gehen|machen) (wir|mit) __ (anderen|einer anderen) (person|kandidaten|bewerbern|kandidatin) weiter
        (wahl|entscheidung) (fiel|fällt|ist) __ (mitbewerber|mitbewerberin|andere|anderen|jemand)
        nicht gereicht
        (valt|vallen|viel) __ af
    """,
    Signal.OFFER: """
        (vertragsangebot|stellenangebot|jobangebot|arbeitsangebot) (unterbreiten|machen|anbei|zukommen|für|als|von|erhalten|zu unterbreiten)
        (ihr|dein|unser) (vertragsangebot|jobangebot|arbeitsvertrag|stellenangebot|angebot für die position|angebot als)
        (den|ihren|deinen|der|ein|einen) (arbeitsvertrag|anstellungsvertrag|arbeitsvertrages|vertragsentwurf|dienstvertrag) __ (anbei|senden|anhang|finden|erhalten|unterschrieben|unterschreiben|unterzeichnet|zurück|zusenden|beigefügt|zu)
        (anbei|beigefügt|anhang|beiliegend) __ (arbeitsvertrag|anstellungsvertrag|vertragsangebot|vertragsentwurf|vertragsunterlagen)
        (stelle|position|job|praktikumsplatz|platz) __ (anbieten|anzubieten|anbieten zu können|angeboten)
        (ein|das|unser) angebot (unterbreiten|machen|zu unterbreiten|zu machen)
        (freuen|freude|gerne|gern) __ (ein angebot|angebot|einstellen|einzustellen)
        (sie|dich) (einstellen|einzustellen)
        (für sie|für dich) entschieden
        (zusage|wunschkandidat|wunschkandidatin)
        (bruttojahresgehalt|jahresgehalt|bruttogehalt|bruttomonatsgehalt|monatsgehalt|gehalt|vergütung) (beträgt|von|in höhe|liegt|wird)
        (eintrittsdatum|arbeitsbeginn|vertragsbeginn|beginn des arbeitsverhältnisses)
        (arbeidsovereenkomst|arbeidscontract|contract) __ (bijlage|ondertekening|ondertekend|getekend|tekenen|aanbieden|teken|retour|bijgevoegd|tweevoud)
        (bijlage|bijgevoegd|hierbij|bijgaand) __ (arbeidsovereenkomst|contract|arbeidscontract|aanbod|aanbieding)
        (functie|baan|stageplek|contract|plek) __ (aan te bieden|aanbieden|aan te kunnen bieden|te kunnen aanbieden|bieden wij)
        (bieden|bied) (je|u|wij u|we je|jou) (graag|) (de|een) (functie|baan|vast contract|contract|stageplek|jaarcontract|positie)
        (een|ons|dit|volgende) (aanbod|voorstel) (doen|voor|te doen|is geldig|bevestigen|voor de functie)
        (doen|deden) (wij|we) (u|je) (een|het) (aanbod|voorstel|volgende voorstel)
        (bent|ben) (je|) (aangenomen|erbij)
        je aan te nemen
        in dienst (nemen|te nemen|treden)
        (jaarsalaris|maandsalaris|salaris) (bedraagt|is|wordt|van)
        (voor jou|voor u) (gekozen|te kiezen)
        indiensttreding
        (praktikumsvertrag|ausbildungsvertrag|werkvertrag)
        (bieten|biete) (wir|ich|dir|ihnen) __ (stelle|position|praktikumsplatz|ausbildungsplatz|platz|vertrag|anstellung|festanstellung|job)
        wir bieten (dir|ihnen) (den|die|eine|einen) (job|stelle|position|praktikumsplatz|platz|vertrag)
        (einstellungszusage|unsere zusage)
    """,
    Signal.INTERVIEW_INVITATION: """
        (einladung|eingeladen|einladen|einzuladen|lade|laden) __ (vorstellungsgespräch|bewerbungsgespräch|gespräch|interview|telefoninterview|videointerview|kennenlernen|videocall|kennenlerngespräch|telefonat|call|probearbeiten|zweitgespräch|probetag|videogespräch)
        (vorstellungsgespräch|bewerbungsgespräch|telefoninterview|kennenlerngespräch|videointerview|zweitgespräch|interview|erstgespräch) __ (einladen|einzuladen|eingeladen|vereinbaren|statt|bestätigen|bestätigt|findet|terminiert|anbieten|führen)
        (vorstellungsgespräch|bewerbungsgespräch|kennenlerngespräch|telefoninterview|erstgespräch|zweitgespräch) (am|um|mit|für|bei|via|per|im|ist|zur|als|bestätigung)
        (persönlich|näher|besser|gerne|gern|online|telefonisch|virtuell) kennenlernen
        kennenlernen (und|würden|möchten|dürfen)
        (termin|termine|terminvorschlag|terminvorschläge) (für|zum|zu) (ein|das|unser|ihr|dein|einen|das erste|) __ (gespräch|interview|vorstellungsgespräch|telefonat|kennenlernen|call)
        terminvorschlag
        (termin|zeitfenster|slot) (auswählen|aussuchen|buchen|wählen|reservieren)
        (nächster|nächsten|ersten|weiterer) (schritt|runde) __ (gespräch|videocall|interview|telefonat|kennenlernen|call|video call)
        (erstes|ersten|kurzes|persönliches|telefonisches|weiteres|zweites) (gespräch|kennenlernen|telefonat|interview|telefongespräch|telefoninterview|videogespräch)
        (freuen|freue) (uns|mich) (auf|darauf) (das gespräch|unser gespräch|ein gespräch|das persönliche|sie persönlich|dich kennenzulernen|sie kennenzulernen|den austausch)
        (sie|dich) __ kennenzulernen
        (uitnodigen|uit te nodigen|uitnodiging|uitgenodigd|nodigen) __ (gesprek|sollicitatiegesprek|kennismaking|interview|kennismakingsgesprek|vervolggesprek)
        (sollicitatiegesprek|kennismakingsgesprek|vervolggesprek|eindgesprek|telefonisch interview|eerste gesprek|tweede gesprek) (op|om|met|bij|is|vindt|via|voor|over|staat)
        (gesprek|interview|afspraak) (staat gepland|is bevestigd|vindt plaats|op|bevestigd|via|met)
        (graag|willen|zouden) __ (kennismaken|kennis|leren kennen|spreken|ontmoeten|in gesprek|bellen)
        (kies|plan|boek) (een|hier) (moment|tijdstip|afspraak|een)
        (volgende|vervolg) (stap|ronde) __ gesprek
        op gesprek
        (telefoninterview|vorstellungsgesprach|interview|gesprach) __ (eingetragen|gebucht|reserviert|geplant)
        (verwachten|verwacht) (wij|we|je|u) __ (gesprek|sollicitatiegesprek|kantoor)
        (sollicitatiegesprek|kennismakingsgesprek)
    """,
    Signal.AVAILABILITY_REQUEST: """
        (wann|welcher termin|welche termine|welche zeiten|welcher tag) (passt|passen|würde|hätten|haben|hast|sind|bist|wäre|könnten|kannst) (es|ihnen|dir|sie|du|)
        (teilen|nennen|nenne|schicken|schick|senden|gib|geben) (sie|) (uns|mir|bitte) __ (verfügbarkeit|verfügbarkeiten|termine|terminvorschläge|zeiten|zeitfenster)
        (ihre|deine) (verfügbarkeit|verfügbarkeiten|terminwünsche)
        (je|uw|jouw) (beschikbaarheid|beschikbare tijden)
        (wanneer|welke dag|welk moment) (schikt|komt|kun|kunt|zou|ben|bent|past|je beschikbaar|u beschikbaar)
    """,
    Signal.INTERVIEW_UPDATE: """
        (termin|gespräch|interview|vorstellungsgespräch|gesprächstermin|telefonat) __ (verschieben|verschoben|verlegen|verlegt|absagen|abgesagt|verschiebung|nicht stattfinden|ändern|geändert|entfällt|vorverlegt)
        (terminverschiebung|terminänderung|neuer termin|ersatztermin|terminabsage)
        (gesprek|afspraak|interview) __ (verzetten|verplaatsen|verplaatst|verzet|uitgesteld|uitstellen|annuleren|geannuleerd|gaat niet door|gewijzigd)
    """,
    Signal.ASSESSMENT: """
        (online|eignungs|kompetenz|persönlichkeits|fach|leistungs|einstellungs)(test|assessment) (bearbeiten|absolvieren|durchführen|teilnehmen|für|bis|unter|steht|als)
        (onlinetest|eignungstest|einstellungstest|persönlichkeitstest|assessment|testaufgabe|fallstudie|probeaufgabe|programmieraufgabe|coding challenge|online test|online assessment|arbeitsprobe|case study) (bearbeiten|absolvieren|durchführen|lösen|teilnehmen|bis|für|zu|innerhalb|finden|als|im|steht|von|einladen|zum|zur)
        (einladung|lade|laden|bitten) __ (onlinetest|eignungstest|einstellungstest|online test|online assessment|assessment|testaufgabe|fallstudie|coding challenge|assessment center)
        (aufgabe|test|testaufgabe|fallstudie) (lösen|bearbeiten|bearbeitet|einreichen)
        (online|capaciteiten|programmeer) (test|assessment|opdracht)
        (test|assessment|opdracht|case) (maken|te maken|voltooien|te voltooien|verloopt|duurt)
        (capaciteitentest|programmeeropdracht|persoonlijkheidstest)
        (maak|voltooi|vul) (de|het|deze) (test|online|assessment|opdracht|case)
        (programmieraufgabe|testaufgabe|probeaufgabe)
        (schick|schicken|senden) (uns|sie uns) (die|deine|ihre) (losung|ausarbeitung|ergebnisse)
    """,
    Signal.ACKNOWLEDGEMENT: """
        (vielen dank|herzlichen dank|danke|besten dank|bedanken uns|dank) (für|) (ihre|deine|die zusendung ihrer|das zusenden ihrer|die übersendung ihrer|die zusendung deiner) (online|) (bewerbung|bewerbungsunterlagen|unterlagen|initiativbewerbung)
        (bewerbung|bewerbungsunterlagen|unterlagen) __ (erhalten|eingegangen|angekommen|eingetroffen|empfangen|übermittelt|eingereicht)
        (eingangsbestätigung|bewerbungseingang|empfangsbestätigung)
        (eingang|erhalt) (ihrer|deiner) (bewerbung|unterlagen|bewerbungsunterlagen)
        (prüfen|sichten|prüfung|sichtung|durchsehen|bearbeitung|prüfe) (wir|der|ihre|deine|aller|nun|jetzt|ihrer|deiner) __ (unterlagen|bewerbung|bewerbungsunterlagen|profil)
        (unterlagen|bewerbung|bewerbungsunterlagen) __ (prüfen|sichten|geprüft|gesichtet|bearbeitet|bearbeiten|weitergeleitet|ansehen|anschauen|durchsehen)
        (etwas|um etwas|um ein wenig|ein wenig|um ein bisschen) geduld
        (melden|kommen) (wir|uns) (uns|) __ (bei ihnen|bei dir|auf sie zu|auf dich zu)
        (auswahlverfahren|auswahlprozess|bewerbungsverfahren|verfahren|auswahl|entscheidung) __ (noch nicht abgeschlossen|noch nicht beendet|läuft noch|dauert noch|noch nicht gefallen|noch nicht entschieden)
        (bewerbung|unterlagen) (liegt|liegen|ist|sind) (weiterhin|noch|derzeit|aktuell|) __ (vor|im rennen|im verfahren|in prüfung|in bearbeitung)
        beworben (hast|haben)
        (bedankt|dank|dank je wel|dank u|danken) (voor|u voor|je voor) (je|uw|jouw|het) (sollicitatie|sollicitatiebrief|open sollicitatie|reactie op|interesse|belangstelling)
        (sollicitatie|cv|gegevens|documenten|sollicitatiebrief|reactie) __ (ontvangen|binnengekomen|aangekomen|verstuurd|verzonden|geregistreerd|binnen|in behandeling|beoordeeld|bekeken|ontvangst)
        (ontvangst|ontvangstbevestiging) (van|voor|sollicitatie)
        (ontvangstbevestiging|gesolliciteerd)
        (bekijken|beoordelen|bekijkt|beoordeelt|lezen) (je|uw|deze|alle) __ (sollicitatie|cv|profiel|sollicitaties)
        goed (bij ons|) (aangekomen|ontvangen|binnengekomen)
    """,
    Signal.INFO_REQUEST: """
        (senden|reichen|schicken|laden|übermitteln|schick|reiche) (sie|) (uns|) (bitte|) __ (unterlagen|zeugnisse|nachweis|nachweise|lebenslauf|dokumente|gehaltsvorstellung|arbeitserlaubnis|anschreiben) __ (nach|zu|hoch|ein|bis)
        (fehlen|fehlende|fehlt|benötigen wir|brauchen wir) __ (unterlagen|zeugnisse|dokumente|angaben|lebenslauf|nachweis|informationen|gehaltsvorstellung)
        (ihre|deine) (gehaltsvorstellung|gehaltsvorstellungen|kündigungsfrist)
        (ontbrekende|aanvullende) (documenten|informatie|gegevens)
        (stuur|sturen|toesturen|upload) __ (diploma|referenties|documenten|cv|salariswens)
    """,
    Signal.INCOMPLETE_APPLICATION: """
        (bewerbung|bewerbungsformular) __ (unvollständig|noch nicht abgeschlossen|nicht abgeschlossen|nicht abgeschickt|vervollständigen|abschließen|fertigstellen|noch nicht vollständig)
        (vervollständigen|vervollständige) (sie|) (ihre|deine) (bewerbung|angaben|profil)
        sollicitatie __ (niet compleet|niet afgerond|nog niet compleet|af te ronden|onvolledig)
        (rond|maak) je sollicitatie af
    """,
    Signal.ON_HOLD: """
        (stelle|position|verfahren|besetzung|auswahlverfahren|einstellungsstopp|stellenbesetzung) __ (pausiert|zurückgestellt|ausgesetzt|auf eis|vorerst gestoppt|vorübergehend)
        einstellungsstopp
        (auf eis gelegt|zurückgestellt|vorerst pausiert)
        (procedure|vacature|functie) __ (on hold|stopgezet|bevroren|gepauzeerd)
        vacaturestop
    """,
    Signal.POSITION_CLOSED: """
        (stelle|position|vakanz|ausschreibung) __ (bereits|schon|inzwischen|mittlerweile|zwischenzeitlich) (besetzt|vergeben|geschlossen)
        (stelle|position|vakanz|ausschreibung) __ (nicht mehr|nicht länger) (verfügbar|besetzt|ausgeschrieben|vakant|offen|aktuell)
        (stelle|position|vakanz) __ (gestrichen|zurückgezogen|entfällt|wegfall|nicht besetzt)
        nicht (mehr|) (neu|) (zu besetzen|nachbesetzt)
        (vacature|functie) __ (vervuld|ingetrokken|gesloten|niet meer beschikbaar)
    """,
    Signal.WITHDRAWAL_CONFIRMED: """
        (bewerbung|kandidatur) __ (zurückgezogen|zurückziehen|zurückgenommen)
        (rückzug|rücknahme) (ihrer|deiner) bewerbung
        sollicitatie __ ingetrokken
    """,
    Signal.RECRUITER_OUTREACH: """
        (bin|ich bin|wir sind) __ (auf ihr|auf dein|auf dein) (profil|linkedin|xing) (gestoßen|aufmerksam)
        (ihr|dein) (profil|lebenslauf|hintergrund|werdegang) __ (aufgefallen|interessant|spannend|gefallen|passt|beeindruckt)
        (ich bin|wir sind|als) (recruiter|recruiterin|personalberater|personalberaterin|headhunter|personalvermittler)
        (im auftrag|für meinen|für unseren) (eines|meines|unseres|kunden|mandanten)
        offen für (neue|eine neue|einen wechsel|neues|ein gespräch|den austausch)
        (interesse|lust) an (einer neuen|neuen|einem|einer|einem wechsel) (herausforderung|herausforderungen|austausch|position|wechsel|aufgabe)
        spannende (position|stelle|vakanz|herausforderung|möglichkeit|rolle|aufgabe)
        suche ich (eine|einen|derzeit|aktuell)
        suche __ (engineer|entwickler|developer|entwicklerin)
        (je|jouw|uw) profiel __ (tegen|op|interessant|aanspreekt|viel)
        (sta|staat) (je|u) open voor
        (ik ben|als) (recruiter|headhunter)
        (zoek|zoeken) __ (opdrachtgever|klant)
    """,
    Signal.JOB_ALERT: """
        (neue|passende|aktuelle|weitere|ähnliche|empfohlene) (jobs|stellen|stellenangebote|stellenanzeigen|jobangebote) (für|im|in|bei|passend|zu|aus|entdecken|gefunden|die)
        (jobs|stellenangebote|stellen) (für dich|für sie|in deiner nähe|in ihrer nähe|die zu|passend)
        (jobalarm|job alarm|jobnewsletter|jobagent|suchauftrag|jobmail)
        (newsletter|gutschein|rabatt|angebote der woche|nur noch heute|jetzt sparen|jetzt shoppen|gutscheincode|jetzt anmelden|schnäppchen|ausverkauf|aktionscode)
        (profil|profilbesuche) __ (angesehen|besucht|aufgerufen)
        (im browser (ansehen|anzeigen|öffnen)|webansicht)
        (messe|jobmesse|karrieremesse|karrieretag|webinar)
        (nieuwe|aanbevolen|passende) (vacatures|banen|jobs) (voor|die|in|bij)
        (jobalert|vacaturealert|nieuwsbrief|uitverkoop|korting|kortingscode|banenbeurs|uitschrijven|afmelden)
    """,
    Signal.VERIFICATION_CODE: """
        (bestätigungscode|sicherheitscode|verifizierungscode|einmalcode|anmeldecode|zugangscode|einmalpasswort)
        (bestätigen|bestätige|verifizieren) (sie|) (ihre|deine|die) (e mail|email|registrierung|anmeldung|adresse|mailadresse)
        passwort (zurücksetzen|ändern|vergessen|zurückzusetzen)
        (konto|benutzerkonto|account|bewerberkonto) (wurde|erfolgreich|aktivieren) (erstellt|angelegt|eingerichtet|aktiviert|)
        (verificatiecode|bevestigingscode|beveiligingscode|inlogcode)
        (bevestig|verifieer) (je|uw) (e mailadres|e mail|account|emailadres)
        wachtwoord (herstellen|opnieuw|wijzigen|vergeten)
    """,
    Signal.OTHER: """
        (mietvertrag|wohnungsbewerbung|besichtigungstermin|wohnungsbesichtigung|mietanfrage|wohnung)
        (kredit|kreditkarte|darlehen|kontoauszug|rechnung|mahnung|lieferung|bestellung|paket|sendung|versandt|versandbestätigung|zahlungseingang|überweisung)
        (studienplatz|zulassungsbescheid|immatrikulation|studiengang|stipendium|prüfungsamt)
        (vereinsmitgliedschaft|mitgliedsantrag|versicherung|schadensmeldung|buchungsbestätigung|arzttermin|zahnarzt|hotelbuchung|flug)
        (geburtstag|grillen|abendessen|kaffee trinken|wochenende)
        (bestelling|factuur|pakket|verzonden|verzending|bezichtiging|woning|huurwoning|kredietaanvraag|verzekering|polis|tandarts|huisarts|studiefinanciering|aanmelding|verjaardag)
    """,
    Signal.DELIVERY_FAILURE: """
        (unzustellbar|nicht zugestellt|konnte nicht zugestellt|zustellung fehlgeschlagen|adresse nicht gefunden)
    """,
}

CORROBORATING = {
    Signal.REJECTION: """
        (leider|bedauern|bedauerlicherweise|schade|helaas|spijt)
        (veel succes|alle goeds) (met|in|bij)
        (alles gute|viel erfolg|viel glück|beruflichen|zukünftigen|weiteren) (für|bei|auf|weg|zukunft|werdegang|lebensweg|erfolg|suche)
        (sorgfältiger|eingehender|reiflicher|genauer|intensiver) (prüfung|überlegung|abwägung|durchsicht)
        (nicht leicht|nicht einfach|schwer) (gefallen|gemacht)
        (keine|nicht) (wertung|bewertung) (ihrer|deiner)
        (hohe|große|vielzahl|große anzahl) (zahl|anzahl|von bewerbungen|qualifizierter)
    """,
    Signal.OFFER: "(herzlichen glückwunsch|glückwunsch|gratulieren|willkommen im team|willkommen an bord|gehalt|unterschrift|unterschrieben)",
    Signal.INTERVIEW_INVITATION: "(microsoft teams|zoom|google meet|uhr|kalendereinladung|videokonferenz|termin|gespräch)",
    Signal.ACKNOWLEDGEMENT: "(bewerbung|automatisch|automatisch generiert|interesse|rückmeldung)",
    Signal.JOB_ALERT: "(abmelden|abbestellen|newsletter abbestellen|jetzt bewerben|jetzt ansehen)",
}

CONDITIONAL = """
    (wenn|falls|sofern|sollte|sollten|sobald) (ihr|ihre|sie|wir|dein|deine|du|es|ihnen|dir|unsere|die|das)
    (als|indien|mocht|wanneer) (je|jouw|uw|u|er)
    (nur|ausschließlich|alleen) (bewerber|kandidaten|bewerberinnen)
"""

NEGATION = """
    (nicht|kein|keine|keinen|keiner|ohne|leider|bedauern|weder|niet|geen|helaas|zonder)
"""

PAST = """
    (danke|vielen dank|herzlichen dank|bedankt|dank|dank u) __ (gespräch|interview|vorstellungsgespräch|test|teilnahme|gesprek|kennismaking|opdracht)
    (nach|na) (unserem|ihrem|deinem|dem|den|ons|het|uw|je) _ (gespräch|gesprächen|interview|test|gesprek|gesprekken)
"""
