"""What French, Spanish, Portuguese and Italian mail says, signal by signal."""

from shared.model import Signal

STRONG = {
    Signal.REJECTION: """
        # French
        (ne|pas) (pouvons|pourrons|pouvons malheureusement|sommes|sommes malheureusement|pourrons malheureusement|donnerons|donnons|donner) (pas|) (donner|donner une|en mesure de donner|retenir|de|une|y donner|poursuivre|accéder) __ (suite|candidature|favorable|positive|dossier|poste|processus|proposer)
        pas __ (suite favorable|suite positive|retenue|retenu|retenir|été retenue|donner suite|poursuivre|de suite)
        (candidature|dossier|profil) __ (pas|non) __ (retenue|retenu|sélectionné|sélectionnée|aboutir|abouti|suite)
        (refus|rejet|rejetée|refusée) (de|candidature|de votre|suite)
        candidature __ (rejetée|refusée|écartée)
        (regret|regrettons|désolés|désolé|désolée|navrés) (de|d|) (vous|devoir) (informer|annoncer|vous)
        (avons|a|ont|été) (retenu|choisi|sélectionné|privilégié|opté pour) (un autre|une autre|d autres|un|des|le profil) (candidat|candidate|candidats|candidature|candidatures|profil|profils|d)
        (d autres|autres|autre) (candidats|candidatures|profils|candidat|candidature|profil) __ (correspond|correspondent|proches|adéquation|davantage|mieux|plus)
        (poursuivre|continuer|avancer|choisi) __ (d autres|autres|un autre|une autre) (candidats|profils|candidat|personne|candidate|candidatures)
        (réponse|retour|issue|suite) (négative|défavorable)
        # Spanish
        (no|ni) (has|ha|hemos|podemos|podremos|vamos a|vas a|va a|continuaremos|continuaras|continuarás|continuará|seguiremos|seguirás|seguirá|continuar|avanzaremos|avanzar|avanzarás|fue|fuiste|ha sido|has sido|resultó|resultaste) __ (seleccionado|seleccionada|proceso|candidatura|solicitud|adelante|avanzar|oferta|puesto|elegido|elegida|postulación|perfil|ofrecerte|ofrecerle|vacante)
        (continuar|seguir|avanzar|seguido|proseguir|quedado|quedarnos|decantado|optado|seguiremos|continuaremos) (con|por|adelante con) (otros|otro|otra|otras|el proceso de otros|un candidato|una candidata|un perfil) (candidatos|perfiles|candidatas|candidaturas|candidato|candidata|persona|perfil|personas)
        (otros|otras|otro|otra) (candidatos|perfiles|candidaturas|candidato|perfil|persona) (que|cuyo|cuya|con|más|cuyos|más alineado)
        (hemos|han|ha) (elegido|escogido|seleccionado|decidido) __ (otro|otra|otros|no continuar|no seguir|no avanzar|descartar|no proceder)
        (decidido|optado por) (no|descartar)
        (lamentamos|lamento|sentimos|siento|lamentablemente|desafortunadamente) (informarte|informarle|comunicarte|comunicarle|tener|decirte|que|no|en|su|tu|hemos|debemos|decirle)
        (candidatura|solicitud|postulación) __ (descartada|rechazada|no ha|desestimada|no fue|no avanzará)
        (descartado|descartada|descartar|desestimado) (tu|su|del|para|en)
        no (encaja|cumple|se ajusta|coincide|se adapta) __ (perfil|puesto|requisitos|necesidades|buscamos|vacante)
        # Portuguese
        não (foi|foste|fomos|será|iremos|vamos|podemos|poderemos|avançaremos|seguiremos|seguirá|daremos|conseguimos|prosseguiremos|avançar|seguir|continuar|avançará) __ (selecionado|selecionada|processo|candidatura|aprovado|aprovada|avançar|seguir|seguimento|oferecer|vaga|próxima|escolhido|continuidade|perfil|etapa|prosseguir)
        (seguir|avançar|continuar|prosseguir|optámos|optamos|seguimos|decidimos) (com|por|avançar com|seguir com|prosseguir com|continuar com) (outros|outro|outra|um outro) (candidatos|candidato|perfis|perfil|candidata|pessoa|profissional|profissionais)
        (outros|outro|outra) (candidatos|candidato|perfis|perfil|candidata|profissionais) (que|cujo|cuja|com|mais|cujos|cujas)
        (lamentamos|lamento|infelizmente|lamentavelmente|pena) (informar|informá|comunicar|não|a sua|que|sua|o seu|ter|decidimos|desta|neste|seu|dizer|optámos|você)
        (candidatura|inscrição) __ (recusada|rejeitada|não foi|não foi selecionada|não seguirá|não avançou)
        (resposta|retorno) negativ(a|o)
        não (corresponde|se enquadra|atende|cumpre|tem) __ (perfil|requisitos|vaga|procuramos|necessidades)
        # Italian
        (non) (è|sei|siamo|possiamo|potremo|procederemo|proseguiremo|proseguire|procedere|abbiamo|hai|ha|le|ti|verrà) __ (selezionato|selezionata|selezione|candidatura|procedere|proseguire|offrire|offrirle|offrirti|avanti|posizione|esito|seguito|superato|idonea|accolta|buon fine|accettata|idoneo|scelto|scelta)
        (proseguire|procedere|continuare|andare avanti|scelto|optato|preferito|deciso) (con|per|di proseguire con|di procedere con|) (altri|un altro|un altra|altre|altro|un candidato|una candidata|di procedere con altri) (candidati|candidato|candidata|profili|profilo|candidature|persona|il cui)
        (altri|altro|un altro|altre) (candidati|candidato|profili|profilo|candidature) (che|il|più|con|la|i|maggiormente|le)
        (ci dispiace|mi dispiace|siamo spiacenti|spiacenti|purtroppo|duole|rammarico|spiace) (informarla|informarti|comunicarle|comunicarti|di|dover|doverla|non|che|la|la sua|la tua|dirle|dirti|abbiamo|doverti|per|doverle|informare)
        (candidatura|domanda) __ (respinta|rifiutata|scartata|non è)
        esito (negativo|non positivo)
        non (corrisponde|in linea|pienamente|rispecchia|allineato|del tutto) __ (profilo|requisiti|ricerca|ricerchiamo|posizione|cercando|esigenze)
        (continuons|continuerons|poursuivons|poursuivrons|avons continue) (le processus|la suite|) avec d autres
        (pas|ne sera pas|n est pas) pour cette fois
        (prefere|preferons|avons prefere|donne la preference) (a|) (un|une|d autres) (autre|profil|candidat|candidature)
        ne (la|le|les|) retenons
        no (ha sido|fue|has sido|pasa|pasas|accede|avanza|sigue) (el|la|a la|al|en el|en la|) (escogido|escogida|elegido|fase|siguiente|etapa|proceso|seleccion)
        no (vamos a|) (continuar|seguir|avanzar) con (tu|su)
        (escolhemos|escolheram|selecionamos|optamos por) (outra|outro|uma outra|um outro) (pessoa|candidato|candidata|perfil|profissional)
        nao (passa|passou|avanca|segue|foi o|foi a) __ (fase|etapa|escolhido|escolhida)
        (seguimos|continuamos|avancamos) o processo com outros
        non (andremo|andiamo|proseguiremo|accede|passa|rientra) (avanti|oltre|alla|tra|nella|con) (con|fase|la|i|le|gli|successiva|finale|finali|tua|sua)
        (proseguiamo|continuiamo|procediamo) __ con altri
    """,
    Signal.OFFER: """
        # French
        (plaisir|heureux|ravis|ravi|ravie|heureuse|souhaitons|enchantés) (de|d) (vous|te) (proposer|offrir|faire|confirmer|transmettre|adresser) __ (poste|offre|contrat|embauche|promesse|emploi|stage|recrutement)
        (proposition|offre|promesse|lettre) (d|de) (embauche|engagement|emploi|contrat|contrat de travail|unilatérale)
        (votre|le|ton|du|un) contrat (de travail|d alternance|de stage|à durée) (ci|à|en|joint|signé|est|pour|et|vous|dès|accompagné|indéterminée)
        (rémunération|salaire) (brute|brut|annuelle|annuel|fixe|de|sera|proposée|mensuel|mensuelle)
        (vous|te) (embaucher|recruter|proposer le poste|proposons le poste|offrir le poste|offrons le poste)
        (proposons|offrons|proposer|offrir) (le|un|ce) (poste|contrat|cdi|cdd|stage)
        (prise de poste|date d entrée|date de début|date d embauche)
        # Spanish
        (oferta|carta) (de|laboral|formal|de trabajo|de empleo|económica) (trabajo|empleo|oferta|laboral|contratación|para|por|que|en|formal|adjunta|trabajo para|incorporación)
        (ofrecerte|ofrecerle|ofrecemos|ofrecer|hacerte|hacerle|extenderte|extenderle|presentarte|presentarle) (el|un|una|formalmente|la|este) (puesto|empleo|oferta|contrato|posición|cargo|trabajo|plaza|vacante|el puesto)
        (contrato) (de trabajo|laboral|indefinido|adjunto|para|de prácticas|firmado)
        (salario|sueldo|retribución|remuneración) (bruto|bruta|anual|de|será|base|mensual)
        (has sido|ha sido|fuiste|fue) (seleccionado|seleccionada|elegido|elegida) para (el|ocupar|la|incorporarte|incorporarse|cubrir) (puesto|cargo|posición|plaza|vacante|a|el puesto)
        (fecha de incorporación|fecha de inicio|te incorporas|incorporación al|contratarte|contratarlo|contratarle)
        # Portuguese
        (proposta|carta|oferta) (de|formal|salarial|de trabalho|de emprego) (trabalho|emprego|oferta|proposta|contratação|contrato|para|em|anexa|admissão|estágio)
        (oferecer|apresentar|fazer|propor|oferecemos|oferecer lhe|enviar) (lhe|te|) (a|uma|o|a vaga|formalmente a|esta) (vaga|proposta|posição|lugar|cargo|oferta|função|posto)
        contrato de (trabalho|estágio) (em|anexo|segue|para|está|assinado|sem|e|encontra)
        (salário|remuneração|vencimento) (bruto|bruta|anual|mensal|de|será|base|inicial)
        (você foi|foi|foste) (aprovado|aprovada|selecionado|selecionada|escolhido|escolhida) (para a vaga|para o cargo|para a posição|para integrar|para ocupar|no processo|para o lugar|para a função|para trabalhar)
        (data de início|data de admissão|contratar|contratá|contratação)
        # Italian
        (proposta|lettera|offerta) (di|formale|d|contrattuale|economica) (assunzione|lavoro|impiego|contratto|impegno|ingaggio|per|offerta|collaborazione)
        (offrirle|offrirti|proporle|proporti|offriamo|offrire|proponiamo|formularle|farti|farle|inviarle|inviarti) (la|il|un|una|formalmente|questa|l) (posizione|ruolo|contratto|posto|proposta|offerta|stage|impiego|assunzione|lavoro)
        contratto di (lavoro|assunzione|stage|apprendistato) (in|allegato|per|a|da|firmato|è|e|che)
        (retribuzione|stipendio|ral) (annua|lorda|lordo|di|sarà|annuo|mensile|prevista|pari)
        (è stato|è stata|sei stato|sei stata) (scelto|scelta|selezionato|selezionata|assunto|assunta) per (la|il|ricoprire|questa|entrare)
        (data di inizio|data di assunzione|assumerti|assumerla)
        (embauche|embaucher|recrutons|promesse d embauche) (a compter|en tant|comme|en qualite|a partir|pour le|en cdi)
        (confirmons|confirme) votre (embauche|recrutement|engagement)
        (t|vous|te) embaucher
        contrat de travail (ci|joint|a signer|en piece|en annexe)
        (carta oferta|carta proposta|lettera di assunzione|lettera di impegno)
        contratto di (lavoro|stage|assunzione)
        (contrato|contratto) (de trabajo|de trabalho|di lavoro)
        (assumerti|assumerla|te contratar|contratarte)
    """,
    Signal.INTERVIEW_INVITATION: """
        # French
        (entretien|entrevue|interview) (téléphonique|d embauche|avec|le|de|en|vidéo|physique|pour|prévu|à|confirmé|visio|technique|est|individuel|aura|du|se|dans|individuel|chez)
        (convier|inviter|invitons|convions|invité|invitée|proposer|proposons|invitation|rencontrer|convoquer|convoquons|convocation|fixer|planifier|programmer|organiser) __ (entretien|entrevue|échange|rencontre|rendez vous|appel|visioconférence)
        (souhaitons|souhaiterions|aimerions|souhaite|souhaiterais|aimerais|voudrions|serions) __ (vous|te) (rencontrer|recevoir|connaître|inviter|convier|proposer un entretien|parler|appeler|échanger)
        (échanger|discuter|échange) (avec vous|avec toi|téléphonique|par téléphone|de vive voix|en visio|de votre|sur le poste|autour|de 30|par)
        (choisir|sélectionner|réserver) (un|votre|le) (créneau|horaire)
        créneau
        prochaine étape __ (entretien|échange|appel|rencontre)
        # Spanish
        entrevista (de|con|el|telefónica|personal|por|para|presencial|virtual|online|técnica|en|programada|confirmada|será|está|laboral|mañana|tendrá|grupal|final)
        (invitarte|invitarle|invitamos|invitar|convocarte|convocarle|citarte|citarle|invitación|concertar|agendar|programar|coordinar|realizarte|tener|mantener|realizar|agendada|convocamos) __ (entrevista|llamada|reunión|videollamada|charla|conversación)
        (gustaría|encantaría|queremos|quisiéramos|nos gustaria|querríamos) __ (conocerte|conocerle|conocerlo|hablar|charlar|conversar|entrevistarte|entrevistarle|verte|llamarte)
        (elegir|elige|elija|selecciona|seleccione|reserva|reservar|escoge) (un|el|tu|su) (horario|hueco|día|turno|cita|momento|hora)
        siguiente (paso|fase|etapa) __ (entrevista|llamada|charla|videollamada)
        # Portuguese
        entrevista (de|com|no|na|em|por|online|técnica|presencial|telefónica|telefônica|para|será|está|foi|agendada|marcada|virtual|amanhã|inicial|final|individual|dia)
        (convidar|convidamos|convidá|convite|agendar|marcar|gostaríamos|gostaria|convidado|convidada|marcamos|realizar) __ (entrevista|conversa|reunião|chamada|videochamada|bate papo|ligação)
        (gostaríamos|gostaria|queremos|adoraríamos|gostávamos) __ (conhecer|conhecê|falar|conversar|convidar|entrevistar|conhecer te)
        (escolher|escolha|selecione|selecionar|reserve|marque) (um|o|uma|o melhor|o seu) (horário|data|hora|dia)
        próxim(a|o) (etapa|fase|passo) __ (entrevista|conversa|chamada)
        # Italian
        colloquio (con|di|telefonico|conoscitivo|il|in|per|online|tecnico|presso|video|è|a|individuale|via|fissato|su|si|confermato|domani|di lavoro|finale)
        (invitarla|invitarti|invitiamo|invito|fissare|programmare|organizzare|proporle|proporti|convocarla|convocarti|convocazione|fissato|invitare) __ (colloquio|chiamata|incontro|videochiamata|call|intervista|telefonata)
        (vorremmo|piacerebbe|desideriamo|vorrei|saremmo|lieti di) __ (conoscerla|conoscerti|incontrarla|incontrarti|sentirla|sentirti|parlare|parlarle|fare due chiacchiere|approfondire)
        (scegliere|scegli|scelga|selezionare|prenotare|prenota) (un|il|uno|la|l|lo) (orario|slot|data|giorno|appuntamento|momento)
        prossimo (step|passo|passaggio) __ (colloquio|chiamata|incontro|call)
        (esperamos|esperamos por|la aspettiamo|ti aspettiamo|le esperamos|te esperamos|vous attendons) __ (entrevista|colloquio|entretien)
    """,
    Signal.AVAILABILITY_REQUEST: """
        (vos|tes|votre) (disponibilités|disponibilité)
        (quand|quelles sont vos|à quel moment) (seriez|êtes|es) (vous|tu) (disponible|libre)
        (seriez|êtes|es|serais) (vous|tu) (disponible|libre)
        (tu|su|sus|tus) (disponibilidad|disponibilidades)
        (cuándo|qué día|qué horario|qué días|a qué hora) __ (disponible|viene|vendría|conviene|podrías|podría|puedes|puede)
        (a sua|sua|tua|suas|a tua) (disponibilidade|disponibilidades)
        (quando|que dia|qual horário|quais horários|qual o melhor) __ (disponível|pode|poderia|horário|podes)
        (la sua|la tua|sua|tua|le sue|le tue|vostra) (disponibilità|disponibilita)
        (quando|quali giorni|in quali|che giorni) __ (disponibile|libero|libera|potrebbe|potresti)
    """,
    Signal.INTERVIEW_UPDATE: """
        (reporter|reporté|décaler|décalé|annuler|annulé|déplacer|déplacé|report|annulation|reprogrammer|avancé) __ (entretien|rendez vous|échange|appel|rencontre)
        (entretien|rendez vous|échange) __ (reporté|décalé|annulé|déplacé|reporter|décaler|avancé|aura finalement)
        (reprogramar|reprogramada|aplazar|posponer|cancelar|mover|cambiar|cancelada|aplazada|pospuesta|cambio) __ (entrevista|reunión|cita|llamada)
        (entrevista|reunión|cita|llamada) __ (reprogramada|aplazada|cancelada|pospuesta|cambiada|reprogramar|ha cambiado|trasladada)
        (reagendar|remarcar|adiar|cancelar|reagendada|remarcada|alterar|alteração|mudar) __ (entrevista|reunião|conversa|chamada)
        (entrevista|reunião|conversa|chamada) __ (reagendada|remarcada|adiada|cancelada|alterada|antecipada|transferida)
        (spostare|rimandare|riprogrammare|posticipare|annullare|rinviare|spostamento|anticipare) __ (colloquio|incontro|appuntamento|chiamata|call)
        (colloquio|incontro|appuntamento|chiamata|call) __ (spostato|rimandato|rinviato|annullato|posticipato|spostata|riprogrammato|anticipato|rinviata|annullata)
    """,
    Signal.ASSESSMENT: """
        (test|évaluation|exercice|cas pratique|étude de cas|questionnaire|mise en situation) (en ligne|technique|de personnalité|de|à réaliser|d aptitude|pratique|est|à|avant)
        (passer|réaliser|effectuer|compléter|faire) (un|le|ce|une|cette|notre|l) (test|évaluation|exercice|cas pratique|étude de cas|questionnaire|entretien vidéo différé)
        (prueba|test|evaluación|caso práctico|reto|ejercicio|examen) (técnica|técnico|online|en línea|psicotécnica|psicotécnico|de código|práctica|de|antes|a realizar|para)
        (realizar|completar|hacer|resolver|completa|realiza|complete|realice) (la|una|el|un|esta|este|nuestra|nuestro) (siguiente|) (prueba|test|evaluación|caso|reto|ejercicio|examen)
        (teste|desafio|avaliação|prova|exercício|case) (técnico|técnica|online|prático|prática|de|a|para|até|comportamental|psicotécnicos)
        (realizar|completar|fazer|resolver|complete|realize|responder) (o|a|um|uma|este|esta|nosso|ao) (teste|desafio|avaliação|prova|exercício|case)
        (test|prova|valutazione|esercizio|caso|questionario) (online|tecnico|tecnica|attitudinale|pratica|pratico|di|da svolgere|entro|on line)
        (svolgere|completare|effettuare|fare|sostenere|compilare|completi|completa) (il|la|un|una|questo|questa|l|lo) (test|prova|valutazione|esercizio|caso|questionario|esercitazione)
    """,
    Signal.ACKNOWLEDGEMENT: """
        (merci|remercions|remercie|remercier) (de|pour|d|beaucoup pour|infiniment pour) (votre|ta|avoir|l intérêt|postuler|l envoi de votre|la) (candidature|postulé|intérêt|postulation|que vous|cv)
        (bien|avons|) (reçu|réceptionné|enregistré) (votre|ta) (candidature|cv|dossier|demande|postulation)
        (votre|ta) candidature __ (reçue|enregistrée|parvenue|transmise|bien été|prise en compte|envoyée|cours d examen|cours d étude|cours de traitement|examinée|étudiée)
        (accusons|accuse|accusé) (réception|de réception)
        (étudier|examiner|étudierons|examinerons|étudions|analyser|examinons|étude) (attentivement|avec attention|avec soin|de|) (votre|ta|votre candidature|l adéquation|les) (candidature|dossier|profil|cv|candidatures)
        (gracias|agradecemos) (por|mucho por|) (tu|su|haber|enviar|enviarnos|haberte|postularte|haberse|aplicar|inscribirte|presentar|postular|el envío de|la|el) (candidatura|solicitud|interés|postulación|aplicado|postulado|cv|inscrito|currículum|tu|su|a|aplicación|en|envío)
        (hemos|se ha|ha sido|fue) (recibido|registrado|recibida) (correctamente|con éxito|) (tu|su|la|) (candidatura|solicitud|postulación|cv|currículum|aplicación)
        (candidatura|solicitud|postulación|inscripción|aplicación|currículum) __ (recibida|recibido|enviada|registrada|en revisión|en proceso|siendo revisada|siendo evaluada|con éxito|correctamente)
        (revisaremos|revisar|revisará|revisando|estudiaremos|analizaremos|evaluaremos|estudiará|analizará|valoraremos|evaluando|evaluará) (tu|su|cuidadosamente|con|atentamente|todas|detenidamente|la|el) (candidatura|perfil|solicitud|cv|tu|atención|detenidamente|currículum|postulación|su)
        (acuse|confirmamos la|confirmación de) (de recibo|recepción|recepción de)
        (obrigado|obrigada|agradecemos|agradeço) (pela|por|pelo|desde já a|a|o|o seu|muito) (sua|tua|se|seu|teu|candidatura|ter|interesse|envio|candidatar|inscrição|pela|sua candidatura)
        (recebemos|foi recebida|recepcionámos|confirmamos|recebida) (a|com sucesso|o|) (sua|tua|receção|recebimento|seu|recepção|a sua|) (candidatura|currículo|inscrição|cv|da|de|a sua|a)
        (candidatura|inscrição|currículo) __ (recebida|enviada|registada|registrada|em análise|submetida|analisada|concluída|recebido|sucesso|sendo avaliada)
        (analisar|analisaremos|analisará|avaliar|avaliaremos|avaliará|analisando|análise) (a|o|cuidadosamente|com|os|do|da|as|atentamente|) (sua|seu|tua|teu|atenção|perfil|candidatura|candidaturas|currículos|currículo|a)
        (grazie|ringraziamo|ringrazio|ringraziarla|ringraziarti) (per|la|ti per|per aver|molto per|) (la|aver|l|il|averci|esserti|essersi|per|di) (tua|sua|candidatura|interesse|inviato|candidato|candidata|per|candidatura|invio|esserti|aver|inviata|candidatura)
        (abbiamo|è stata|è stato) (ricevuto|ricevuta|registrata|acquisito|inviata|acquisita|trasmessa) (correttamente|con successo|) (la|il|) (tua|sua|) (candidatura|domanda|cv|curriculum)
        (candidatura|domanda|curriculum) __ (ricevuta|inviata|registrata|in fase di valutazione|fase di analisi|acquisita|correttamente|con successo|al vaglio|valutata|ricevuto)
        (valuteremo|esamineremo|valutare|analizzerà|valuterà|esaminerà|analizzeremo|esaminando|valutando) (la|il|attentamente|con|le|i|con attenzione) (tua|sua|tuo|suo|la|il|attenzione|candidature|cv|profilo|curriculum)
        (confermiamo|conferma di) (la ricezione|ricezione|l avvenuta ricezione|il ricevimento|avvenuta ricezione)
        accuse (bonne|) reception
        (bonne|) reception de votre (cv|candidature|dossier)
        (abbiamo ricevuto|recibimos|recebemos) tutto
    """,
    Signal.ON_HOLD: """
        (recrutement|poste|processus) __ (suspendu|gelé|en pause|en attente|mis en pause)
        (gel|pause) des (embauches|recrutements)
        (proceso|vacante|posición|búsqueda|contratación|contrataciones|selección) __ (pausa|suspendido|suspendida|congelada|congelado|en espera|detenido|paralizado|congeladas)
        (processo|vaga|contratação|recrutamento|contratações|posição) __ (suspenso|suspensa|pausa|congelada|congelado|em espera|pausado|suspensas|congeladas)
        (selezione|posizione|ricerca|assunzioni) __ (sospesa|sospeso|congelata|in pausa|in stand by|in attesa|sospese|bloccate)
    """,
    Signal.POSITION_CLOSED: """
        (poste|offre) __ (pourvu|pourvue|plus disponible|fermé|fermée|plus ouvert|supprimé|annulé|clôturée)
        (puesto|vacante|posición|oferta|plaza) __ (cubierto|cubierta|cerrada|cerrado|cancelada|ya no está|cancelado)
        (vaga|posição|função) __ (preenchida|encerrada|cancelada|fechada|já não está|não está mais)
        (posizione|ricerca|ruolo|offerta) __ (coperta|chiusa|annullata|già coperto|non è più|coperto|cancellata)
    """,
    Signal.INFO_REQUEST: """
        (envoyer|transmettre|fournir|faire parvenir|communiquer|joindre) __ (documents|justificatifs|diplômes|références|prétentions|pièces|cv à jour|lettre de motivation|portfolio|titre de séjour)
        (documents|pièces|informations) (manquants|manquantes|complémentaires)
        (enviarnos|envíanos|envíenos|enviar|adjuntar|facilitarnos|remitir|remitirnos) __ (documentos|documentación|referencias|certificados|expectativas salariales|título|portfolio|pretensiones)
        (documentación|información) (adicional|pendiente|faltante)
        (enviar|envie|enviar nos|fornecer|anexar|remeter) __ (documentos|documentação|referências|certificados|pretensão salarial|diploma|portfólio|comprovante|comprovativo)
        (documentos|informações) (adicionais|pendentes|em falta|complementares)
        (inviarci|inviare|inviaci|fornire|trasmettere|allegare|mandarci) __ (documenti|documentazione|referenze|certificati|diploma|portfolio|carta d identità|permesso)
        (documenti|informazioni) (mancanti|aggiuntivi|aggiuntive|integrative)
    """,
    Signal.INCOMPLETE_APPLICATION: """
        (complétez|finalisez|terminer|finaliser|compléter|complète) (votre|ta) (candidature|profil)
        candidature (incomplète|est incomplète|non finalisée|n est pas)
        (completa|completar|finaliza|finalizar|termina|complete) (tu|su) (candidatura|solicitud|inscripción|postulación)
        (solicitud|candidatura|inscripción|postulación) (incompleta|está incompleta|sin terminar|no está completa)
        (complete|concluir|finalize|termine|completar|conclua|finalizar) (a|) (sua|tua) (candidatura|inscrição)
        (candidatura|inscrição) (incompleta|está incompleta|por concluir|não foi concluída)
        (completa|completare|concludi|completi|finalizza) (la|) (tua|sua) (candidatura|domanda)
        (candidatura|domanda) (incompleta|è incompleta|non è stata completata|non completata)
    """,
    Signal.WITHDRAWAL_CONFIRMED: """
        (retrait de|retiré|retirer) (votre|ta|votre candidature)
        (retirado|retirada|retiro de|retirar) (tu|su|la) (candidatura|solicitud|postulación)
        (candidatura|inscrição) __ (retirada|cancelada a seu pedido)
        (ritirato|ritirata|ritiro della|ritirare) (la|tua|sua) (candidatura|tua|sua)
    """,
    Signal.RECRUITER_OUTREACH: """
        (votre|ton) (profil|parcours|expérience) __ (attiré|retenu mon attention|intéresse|interpellé|correspond|a retenu)
        (je suis|nous sommes) (recruteur|recruteuse|chasseur de têtes|consultant en recrutement|consultante en recrutement|chargée de recrutement|à la recherche)
        (à l écoute|ouvert|ouverte) (du marché|d opportunités|de nouvelles|à de nouvelles|à une|aux opportunités)
        (recherche|recherchons|cherche) (pour mon client|un|une|pour l un de|pour notre client)
        (he|hemos) (visto|encontrado) tu (perfil|linkedin|experiencia)
        tu (perfil|experiencia) __ (interesante|llamado|encaja|llamó)
        (soy|somos) (reclutador|reclutadora|headhunter|recruiter|consultora|consultor)
        (abierto|abierta|interesado|interesada|interesaría) (a nuevas|a nuevos|en nuevas|a escuchar|en explorar|a una|en una|conocer)
        (buscamos|busco|buscando) (a|un|una|para mi cliente|para nuestro cliente)
        (vi|encontrei|encontrámos|vimos) o seu (perfil|linkedin)
        (seu|teu) (perfil|percurso) __ (interessante|chamou|enquadra|atenção)
        (sou|somos) (recrutador|recrutadora|headhunter|recruiter|consultora)
        (aberto|aberta) a (novas|novos|uma|ouvir|novos desafios)
        (procuramos|procuro|estamos à procura) (um|uma|de um|de uma|para o nosso)
        (ho|abbiamo) (visto|trovato|notato) il (tuo|suo) (profilo|cv|linkedin)
        (tuo|suo) profilo __ (interessante|colpito|linea|attenzione)
        (sono|siamo) (un|una|) (recruiter|headhunter|selezionatore|selezionatrice|head hunter)
        (aperto|aperta|interessato|interessata) (a nuove|a nuove opportunità|a valutare|ad ascoltare|a una)
        (cerchiamo|ricerco|ricerchiamo|cerco) (un|una|per un nostro|per conto)
    """,
    Signal.JOB_ALERT: """
        (nouvelles|nouveaux|dernières) (offres|emplois|postes|jobs) (d|pour|à|correspondant|de|qui)
        (alerte|alertes) (emploi|job|emplois)
        (offres|emplois) (pour vous|qui correspondent|correspondant|recommandés|recommandées|similaires)
        (promo|soldes|remise|réduction|code promo|offre spéciale|jusqu à|profitez|newsletter|lettre d information|webinaire|salon de l emploi|se désinscrire|désabonner|vente flash|désinscription)
        (nuevas|nuevos|últimas) (ofertas|empleos|vacantes) (de|para|en|que|recomendadas|disponibles)
        (alerta|alertas) de (empleo|trabajo|ofertas)
        (ofertas|empleos|vacantes) (para ti|que te|recomendadas|que coinciden|que podrían|similares)
        (descuento|rebajas|oferta especial|código promocional|boletín|cupón|date de baja|darse de baja|feria de empleo|solo hoy|seminario web|darte de baja|envío gratis)
        (novas|novos|últimas) (vagas|oportunidades|empregos|ofertas) (de|para|em|que|na)
        alerta de (emprego|vagas|vaga|empregos)
        (vagas|empregos) (para você|para si|que combinam|recomendadas|semelhantes|que correspondem|compatíveis)
        (desconto|promoção|cupom|código promocional|boletim|cancelar inscrição|cancelar a subscrição|feira de emprego|só hoje|saldos|frete grátis)
        (nuove|nuovi|ultime) (offerte|posizioni|annunci|opportunità) (di|per|a|in|che|da)
        (alert|avviso) (lavoro|di lavoro|offerte)
        (offerte|annunci) (per te|che corrispondono|consigliati|consigliate|simili|in linea|di lavoro per)
        (sconto|saldi|promozione|codice sconto|coupon|disiscriviti|annulla iscrizione|cancella iscrizione|fiera del lavoro|solo oggi|spedizione gratuita)
    """,
    Signal.VERIFICATION_CODE: """
        code de (vérification|confirmation|sécurité|validation)
        (confirmez|vérifiez|activez|confirmer|activer|vérifier) (votre|ton|) (adresse|compte|e mail|email|inscription)
        (réinitialiser|réinitialisation|réinitialisez) (votre|de votre|du|de) (mot de passe|mot)
        código de (verificación|confirmación|seguridad|acceso|verificação|confirmação|segurança|acesso|validação)
        (confirma|verifica|activa|confirme|verifique|ative|active) (tu|su|o seu|seu|a sua|teu|o teu) (correo|cuenta|email|e mail|conta|dirección)
        (restablecer|restablece|redefinir|repor|recuperar|redefina) (tu|su|a|la|sua) (contraseña|senha|palavra|sua|palavra passe)
        codice di (verifica|conferma|sicurezza|accesso)
        (conferma|verifica|attiva|confermi|verifichi) (il tuo|la tua|il suo|la sua|l|tuo) (indirizzo|account|email|e mail|iscrizione)
        (reimposta|reimpostare|ripristina|reimpostazione) (la|della) (password|tua)
    """,
    Signal.OTHER: """
        (votre|ta) (commande|facture|colis|livraison|réservation|abonnement)
        (logement|appartement|location|prêt|crédit|bourse|université|inscription scolaire|assurance|carte bancaire|dossier de location|rendez vous médical|master|licence)
        (tu|su) (pedido|factura|paquete|envío|reserva|suscripción|compra)
        (alquiler|piso|préstamo|hipoteca|beca|matrícula|seguro|tarjeta de crédito|máster|cita médica|universidad)
        (sua|seu|a tua) (encomenda|fatura|pedido|compra|reserva|assinatura|entrega)
        (aluguel|arrendamento|apartamento|empréstimo|bolsa|matrícula|seguro|cartão de crédito|mestrado|consulta médica|universidade)
        (tuo|suo|il tuo) (ordine|acquisto|abbonamento|pacco|bonifico)
        (fattura|affitto|appartamento|prestito|mutuo|borsa di studio|assicurazione|carta di credito|visita medica|università|prenotazione|spedizione)
    """,
    Signal.DELIVERY_FAILURE: """
        (message|courriel) (non distribué|non remis|n a pas pu être)
        (mensaje|correo) (no entregado|no se ha podido entregar|no se pudo entregar)
        (mensagem|email) (não entregue|não pôde ser entregue)
        (messaggio|email) (non recapitato|non consegnato)
    """,
}

CORROBORATING = {
    Signal.REJECTION: """
        (malheureusement|regret|hélas|regrettons)
        (bonne chance|bonne continuation|plein succès|plein de succès|beaucoup de succès|pleine réussite|bonne réussite|vos recherches|votre recherche)
        (après|suite à) (un|une) (examen|étude|analyse) (attentif|attentive|approfondi|approfondie)
        (grand nombre|nombreuses) (de|candidatures)
        (lamentablemente|lamentamos|desafortunadamente|por desgracia|sentimos)
        (mucha suerte|mucho éxito|éxitos|suerte) (en|con|y)
        (gran|elevado) (número|cantidad|volumen) de
        (tras|después de) (una|un|revisar|analizar|estudiar|valorar|evaluar)
        (infelizmente|lamentamos|lamentavelmente)
        (boa sorte|muito sucesso|sucesso|felicidades) (na|em|nos|para|no|profissional)
        (grande|elevado) (número|quantidade|volume) de
        (após|depois de) (uma|analisar|avaliar|cuidadosa|análise)
        (purtroppo|spiacenti|dispiace|rammarico)
        (in bocca al lupo|buona fortuna|ogni successo|i migliori auguri|auguriamo|auguro)
        (numerose|elevato numero|alto numero) (candidature|di)
        (dopo|a seguito di) (un|una|attenta|aver|un attenta)
    """,
    Signal.OFFER: """
        (félicitations|bienvenue|felicidades|enhorabuena|bienvenido|bienvenida|parabéns|bem vindo|bem vinda|congratulazioni|complimenti|benvenuto|benvenuta)
        (salaire|salario|salário|stipendio|retribuzione|remuneração|sueldo|rémunération)
        (signer|signé|firmar|firmado|assinar|assinado|firmare|firmato|firmata|assinada)
    """,
    Signal.INTERVIEW_INVITATION: "(entretien|entrevista|colloquio|visio|videollamada|videochamada|videochiamata|zoom|google meet|teams)",
    Signal.ACKNOWLEDGEMENT: "(candidature|candidatura|postulación|solicitud|automatique|automático|automática|automatico|automatica|curriculum)",
    Signal.JOB_ALERT: "(se désabonner|cancelar suscripción|descadastrar|cancellati|voir dans le navigateur|postulez|candidate se|candidati ora)",
}

CONDITIONAL = """
    (si|en caso de que|en cas de|se|caso|qualora|nel caso|dans le cas|em caso de) (votre|vous|nous|ton|tu|su|usted|encajas|eres|el|la|a|o|il|lei|a sua|la sua|la tua|il suo|il tuo|fueras|resultas|no|non|dovesse|seu|for|haja|houver|hubiera|hay|ti|le|não|cumples|se|seleccionado|selecionado|sei|tuo|sua|vos|riteniamo|sarà)
    (seuls|seules|solo|únicamente|apenas|somente|solamente|soltanto|sólo) __ (candidats|candidatos|candidati|candidatures|retenus|perfiles|profili)
    sans (réponse|nouvelles|retour) de notre part
"""

NEGATION = """
    (ne|pas|n|sans|malheureusement|regret|no|sin|lamentablemente|ni|não|nao|sem|infelizmente|non|senza|purtroppo|jamais)
"""

PAST = """
    (merci|remercions|gracias|agradecemos|obrigado|obrigada|grazie|ringraziamo) __ (entretien|échange|test|entrevista|llamada|prueba|conversa|teste|colloquio|incontro|prova)
    (suite à|après|tras|después de|após|depois da|dopo|a seguito) (notre|votre|nos|la|tu|su|a|il|del|al|nostro|sua) _ (entretien|entretiens|échange|échanges|entrevista|entrevistas|colloquio|colloqui|test|prueba|prova)
"""
