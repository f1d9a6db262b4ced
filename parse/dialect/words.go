package dialect

import (
	"strings"
	"sync"

	"harvester/parse/match"
)

// What a line can say of the fate of a mail.
type word uint16

const (
	wordDelay word = 1 << iota
	wordFailure
	wordFinal    // overrides a delay: nobody will try again
	wordList     // heads a list of addresses
	wordContact  // names somebody to ask
	wordMail     // is about mail, not about a parcel or a payment
	wordGreeting // ends a letter
	wordGoesOn   // promises more attempts: no heading stands against it
	wordGivenUp  // says that there will be none
)

// words are stems in the languages of the notices seen, folded. Delay words are
// looked at before failure words, since every delay notice says what will
// happen when delivery fails in the end.
var words = map[word][]string{
	wordGoesOn: {
		"will be retried", "will be attempted again", "will be tried again", "will retry for", "will keep trying", "will continue trying", "will continue to try", "will continue to be attempted", "continue to be attempted until", "delivery attempts will continue", "attempts to deliver will continue", "attempts to deliver the message will continue",
		"still being retried", "still trying to deliver", "is still in the queue", "is kept in the queue", "more day(s)", "more hour(s)", "for up to another", "no need to resend", "do not need to resend", "do not need to re-send", "don't need to resend", "this is only a temporary failure", "this is a warning message only", "warning message only", "this is a warning only", "this is a temporary error",
		"wird weiterhin versucht", "werden weiterhin versuchen", "wird erneut versucht", "weitere zustellversuche folgen", "nouvelle tentative sera", "nouvelles tentatives seront", "sera retente", "se seguira tratando", "se seguira intentando", "se volvera a intentar", "seguira tratando de entregar", "verranno effettuati ulteriori tentativi", "ulteriori tentativi di consegna saranno", "sara effettuato un nuovo tentativo", "continuara tentando", "sera feita uma nova tentativa", "wordt opnieuw geprobeerd", "zal opnieuw worden geprobeerd",
		"попытки доставки будут продолжены", "будут продолжены", "再送を試み", "将继续尝试", "將繼續嘗試", "会继续尝试", "다시 시도합니다", "재시도합니다",
	},
	wordGivenUp: {
		"will not be retried", "not be retried", "will not try again", "not going to try again", "no longer be attempted", "no further attempts", "no more attempts", "have given up", "has given up", "i've given up", "we've given up", "was given up", "been given up", "retry timeout exceeded", "will be deleted from the queue", "kein weiterer versuch", "keine weiteren zustellversuche", "non verra ritentato", "definitivement abandonne",
	},
	wordDelay: {
		"delivery warning", "transient (non-fatal)", "will be attempted again", "no need to resend", "has been delayed", "is delayed", "was delayed", "being delayed", "delayed mail", "delivery delayed", "delivery is delayed", "delayed delivery", "delay in message delivery", "delays in delivering",
		"not yet been delivered", "hasn't been delivered yet", "has not been delivered yet", "not been delivered yet", "could not be delivered yet", "still being retried", "will be retried", "will keep trying",
		"will continue to be attempted", "will continue to try", "will retry for", "still undelivered after", "delivery incomplete", "temporary failure", "temporary problem", "temporarily deferred", "warning message only", "this is a warning only",
		"delivery attempts will continue", "no action is required on your part", "message is delayed", "could not send message for past", "warning: could not send", "you do not need to resend", "retrying delivery", "attempts to deliver will continue",
		"verzogert", "verzogerung", "wird weiterhin versucht", "noch nicht zugestellt", "en attente de remise", "retarde", "retardee", "n'a pas encore ete remis", "a ete retarde", "se ha retrasado", "se retraso", "retrasado", "todavia no se ha entregado",
		"ritardo nel recapito", "ritardato", "non e stato ancora recapitato", "vertraagd", "nog niet bezorgd", "atrasada", "atrasado", "ainda nao foi entregue", "forsenad", "forsinket", "viivastynyt", "opoznion", "opozniona", "zpozdeno", "задержан", "задерживается", "еще не доставлено",
		"遅延", "配信が遅れ", "再送", "延迟", "延遲", "지연", "geciktirildi", "gecikti",
	},
	wordFinal: {
		"given up", "giving up", "gave up", "permanent error", "permanent failure", "permanently failed", "failed permanently", "permanent fatal error", "will not be retried", "will not try again", "not be retried", "deleted from queue", "deleted from the queue",
		"been in the queue too long", "has expired", "retry timeout exceeded", "no longer be attempted", "could not be delivered for", "returned to sender", "couldn't be delivered", "could not be delivered to", "nicht zugestellt werden konnte", "endgultig", "dauerhaft", "definitivement", "permanentemente", "definitivamente",
	},
	wordFailure: {
		"could not be delivered", "couldn't be delivered", "cannot be delivered", "non-delivery", "not deliverable", "user not known", "not a known user", "is not known here", "is not registered", "is not recognized", "name is not recognised", "can't be delivered", "can not be delivered", "not be delivered", "wasn't delivered", "was not delivered", "were not delivered", "not delivered", "unable to deliver", "unable to be delivered", "not able to deliver", "could not deliver", "couldn't deliver", "cannot deliver", "can't deliver",
		"undeliverable", "undelivered", "undeliverd", "delivery failed", "delivery failure", "delivery has failed", "failed to deliver", "failed delivery", "failure to deliver", "failure delivering", "failed delivering", "failed to reach", "could not reach", "failure notice", "delivery error", "delivery problem", "failed recipient", "failed address",
		"permanent error", "permanent failure", "permanent fatal error", "fatal error", "returned mail", "returned to sender", "returned to you", "mail is being returned", "rejected", "rejecting", "refused", "bounced", "bounce", "did not reach", "could not be reached", "couldn't be reached", "not reached", "could not be sent", "couldn't be sent", "cannot be sent", "not be sent to", "not sent to",
		"does not exist", "doesn't exist", "unknown user", "user unknown", "no such user", "no such recipient", "no such mailbox", "no such account", "no such address", "no such host", "no such domain", "no mailbox", "mailbox unknown", "recipient unknown", "address unknown", "account unknown", "host unknown", "domain unknown", "unknown mailbox", "unknown recipient", "unknown address", "unknown account", "unknown host", "unknown domain", "is unknown", "invalid address", "invalid mailbox", "invalid user", "bad address", "bad recipient", "unrouteable", "unroutable",
		"account closed", "account disabled", "account suspended", "account inactive", "account is disabled", "account is inactive", "account has been", "mailbox disabled", "mailbox is disabled", "mailbox inactive", "mailbox is inactive", "mailbox closed", "mailbox suspended", "user disabled", "user inactive", "exceeded storage", "exceeded quota", "exceeded its quota", "quota has been exceeded", "out of storage", "no space left", "relay denied", "access denied", "relaying denied", "was not found", "wasn't found", "not found", "mailbox full", "is full", "mailbox is full", "over quota", "quota exceeded", "too large", "too big", "without success", "unsuccessful", "was closed", "been closed", "was deleted", "been deleted", "has left", "error was", "could not connect", "mailbox unavailable", "error occurred while", "error while sending", "problem delivering", "error delivering", "following address", "following recipient", "blocked", "was not relayed", "not accepted", "not allowed", "was not accepted", "could not complete", "failed:", ": failed", "(failed)", "nondeliverable", "non-deliverable", "no longer", "not listed in", "is not valid", "is not defined", "invalid recipient", "expired", "delivery status notification (failure)",
		"unzustellbar", "nicht zugestellt", "nicht zustellbar", "ist voll", "voll ist", "nicht ausliefern", "nicht ausgeliefert", "nicht zustellen", "konnte nicht", "konnten nicht", "fehlgeschlagen", "zuruckgesandt", "zuruckgeschickt", "nicht angenommen", "zu gross", "fehler bei der", "zustellung", "existiert nicht", "unbekannt", "abgelehnt", "abgewiesen", "zuruckgewiesen", "non remis", "echec de la remise", "echec de livraison", "n'a pas pu etre", "n'a pu etre", "n'ont pas pu etre", "impossible de", "introuvable", "n'existe pas", "rejete", "non distribue", "adresse d au moins", "est pleine", "n'a pas ete distribue", "n'a pas ete remis", "n'a pas ete delivre", "echec d'acheminement", "erreur de livraison", "erreur de distribution",
		"no se puede entregar", "no se pudo entregar", "no se ha podido", "no ha podido", "no pudo ser", "error al entregar", "no entregado", "no existe", "rechazado", "no se encontro", "esta lleno", "esta llena", "no se ha encontrado", "devuelto", "no fue entregado", "no fue aceptado", "dada de baja", "dado de baja", "error de entrega", "fallo de entrega", "fallo en la entrega", "errore di consegna", "mancata consegna", "non recapitabile", "recapito non riuscito", "impossibile", "non e stato possibile", "non consegnato", "e piena", "non e stato recapitato", "non e stato consegnato", "non recapitato", "non e stato accettato", "rifiutato", "non esiste", "mancato recapito", "inesistente", "respinto", "errore", "nao entregue", "nao foi entregue", "erro na entrega", "erro de entrega", "falha ao entregar", "nao pode ser entregue", "falha na entrega", "nao foi possivel", "nao pode ser", "nao pôde", "nao existe", "rejeitada", "devolvida",
		"onbestelbaar", "niet worden bezorgd", "niet afgeleverd", "kon niet", "niet bezorgd", "mislukt", "bestaat niet", "bezorgfout", "niet worden afgeleverd", "leveransfel", "leveringsfejl", "leveringsfeil", "inte levereras", "inte leverereras", "ikke leveres", "finns inte", "findes ikke", "finnes ikke", "toimitusvirhe", "ei voitu", "ei onnistunut", "olevererbart", "gick inte att leverera", "kunde inte", "kan ikke leveres", "kunne ikke", "ikke leveret", "ikke levert", "ei voitu toimittaa", "ei voida", "toimitus epaonnistui", "niedostarczalne", "nie mozna dostarczyc", "nie dostarczono", "nie zostala dostarczona", "nie mogla", "nie istnieje", "blad dostarczania", "blad doreczenia", "przepelnion", "przekroczon", "nie doreczono", "nie udalo sie", "niedostarczona", "niedostarczony", "chyba doruceni", "chyba dorucenia", "nepodarilo dorucit", "nepodarilo se dorucit", "nebola dorucena", "neexistuje", "kezbesitesi hiba", "eroare de livrare", "nu a fost livrat", "nu exista", "teslimat hatasi", "iletilemedi", "bulunamadi", "σφαλμα παραδοσης", "δεν υπαρχει", "neuspjela isporuka", "nije isporucena", "nije moguce isporuciti", "ni bilo mogoce dostaviti", "nepavyko pristatyti", "nepristatytas", "neizdevas piegadat", "ei onnestunud", "не беше доставено", "не може да бъде доставено", "nedorucitelne", "nedoruceno", "nebyla dorucena", "nenalezen", "nebylo mozne", "nemohla byt", "kezbesithetetlen", "nem sikerult", "nem kezbesitheto", "teslim edilemedi", "gonderilemedi", "nu a putut fi", "nelivrat", "ανεπιδοτο", "δεν ηταν δυνατη", "αδυνατη", "δεν παραδοθηκε",
		"не доставлено", "переполнен", "не было доставлено", "не доставлена", "ошибка доставки", "не было отправлено", "помилка доставки", "не було доставлено", "не існує", "не вдалось", "не удается доставить", "не может быть доставлено", "не удалось доставить", "недоставлен", "не доставлен", "не найден", "не существует", "отклонено", "возвращено", "не вдалося", "неможливо", "לא ניתן", "נכשל", "تعذر", "فشل", "لم يتم تسليم",
		"配信不能", "配信できません", "送信できません", "届きません", "届けることが", "送信に失敗", "配信に失敗", "配送できません", "エラーメール", "送達できません", "存在しません", "見つかりません", "宛先", "拒否", "退信", "拒收", "退件", "被拒絕", "無法寄送", "いっぱい", "满", "滿", "가득", "未能投递", "投递错误", "無法投遞", "未能投遞", "无法发送", "配送エラー", "配信エラー", "送信エラー", "配送に失敗", "전송 오류", "배송 실패", "배달되지 않", "gui thu that bai", "khong ton tai", "khong the chuyen", "ไม่สามารถส่ง", "ส่งไม่สำเร็จ", "tidak terkirim", "tidak ditemukan", "gagal mengirim", "无法投递", "无法送达", "無法送達", "無法傳遞", "无法传递", "投递失败", "投遞失敗", "投递失敗", "信箱已满", "信箱已滿", "실패", "发送失败", "未能送达", "被退回", "被拒", "不存在", "传送失败", "寄送失敗", "退回", "배달 불가", "배달되지", "전달되지", "전송되지", "발송 실패", "전송 실패", "전달 실패", "존재하지", "반송", "배달하지 못", "전달하지 못", "전송하지 못", "발송하지 못", "khong the gui", "khong gui duoc", "gui that bai", "tidak dapat", "gagal dikirim", "gagal",
	},
	wordList: {
		"following", "recipient", "addresses", "address", "delivered to", "intended", "users", "failed to", "sent to", "mailbox", "empfanger", "adresse", "destinataire", "destinatario", "destinatari", "destinatarios", "geadresseerde", "ontvanger", "mottagare", "modtager", "mottaker", "vastaanottaja", "adresat", "odbiorc", "prijemc", "cimzett", "alici", "получател", "адресат", "宛先", "收件人", "受信者", "수신자", "받는 사람", "παραληπτ",
	},
	wordGreeting: {
		"regards", "sincerely", "yours faithfully", "yours truly", "best wishes", "many thanks", "mit freundlichen", "freundliche gru", "viele gru", "cordialement", "salutations", "saludos", "atentamente", "cordiali saluti", "distinti saluti", "atenciosamente", "met vriendelijke groet", "med vanlig halsning", "med venlig hilsen", "vennlig hilsen", "ystavallisin terveisin", "z powazaniem", "s pozdravem", "s pozdravom", "udvozlettel", "cu stima", "с уважением", "з повагою", "saygilarimla", "敬具", "此致", "敬上",
	},
	wordContact: {
		"contact", "question", "helpdesk", "help desk", "service desk", "support", "administrator", "for help", "need help", "assistance", "replies to", "reply to", "please ask", "send an email to", "send an e-mail to", "send a mail to", "reported to", "a copy of this", "on behalf of", "complain", "write to", "please use", "use the new address", "new address", "forward this",
		"kontakt", "wenden sie sich", "ruckfragen", "fragen an", "bei fragen", "hilfe", "contacte", "pour toute question", "assistenza", "domande", "preguntas", "escriba a", "scrivere a", "signalez", "melden sie sich", "пишите", "consulte", "duvida", "vragen", "pytan", "pomoc", "sporsmal", "fragor", "kysymy", "dotaz", "yardim",
		"обратитесь", "обращайтесь", "свяжитесь", "вопрос", "お問い合わせ", "連絡", "如有", "请发邮件至", "請發郵件至", "联系", "聯絡", "聯繫", "咨询", "문의",
	},
	wordMail: {
		"message", "mail", "bounce", "undeliver", "smtp", "nachricht", "courriel", "correo", "mensaje", "messagg", "mensage", "bericht", "meddeland", "besked", "melding", "viesti", "sahkoposti", "wiadomos", "poczt", "zprav", "sprav", "posta", "uzenet", "level", "mesaj", "ileti",
		"письм", "сообщен", "почт", "повідомлен", "лист", "μηνυμα", "メール", "メッセージ", "邮件", "郵件", "信件", "退信", "邮箱", "信箱", "메일", "메시지", "thu cua", "hop thu", "gui thu", "pesan", "surat", "رسال", "بريد", "הודע", "דואר", "จดหมาย", "อีเมล", "poruk", "sporocil", "laisk", "vestul", "kiri", "съобщ", "писмо",
	},
}

type wordTable struct {
	automaton *match.Automaton
	meaning   []word
}

var wordIndex = sync.OnceValue(func() *wordTable {
	t := &wordTable{}
	var literals []string
	at := map[string]int{}
	for _, w := range [...]word{wordDelay, wordFailure, wordFinal, wordList, wordContact, wordMail, wordGreeting, wordGoesOn, wordGivenUp} {
		for _, s := range words[w] {
			s = strings.TrimSpace(fold(s))
			i, ok := at[s]
			if !ok {
				i = len(literals)
				at[s] = i
				literals = append(literals, s)
				t.meaning = append(t.meaning, 0)
			}
			t.meaning[i] |= w
		}
	}
	t.automaton = match.New(literals)
	return t
})

// says returns which words stand in s.
func says(s string) word {
	t := wordIndex()
	var got word
	var buf [2 << 10]byte // most of what is asked fits, so that nothing is allocated
	t.automaton.Scan(match.Fold(buf[:0], s), func(literal, _ int) { got |= t.meaning[literal] })
	return got
}

// Failing tells whether s speaks of a failed delivery.
func Failing(s string) bool { return says(s)&wordFailure != 0 }
