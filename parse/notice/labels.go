package notice

import (
	"strings"
	"sync"
)

// Labels stand before the failed address, without their colon.
var Labels = folded(
	"recipient", "recipients", "failed recipient", "failed recipients", "failed recipient(s)", "failed address", "recipient address", "recipient address(es)", "rcpt to",
	"addressed to", "intended recipient", "intended recipients", "undeliverable address", "invalid receiver address", "error-for", "failed to", "delivery to",
	"user", "email address", "e-mail address", "mailbox", "address", "unknown to address", "undelivered to", "destination", "destination mailbox", "destination mailbox(es)", "destination address", "destination addresses", "envelope recipient", "envelope recipients",
	"original recipient", "final recipient", "original-recipient", "final-recipient", "x-failed-recipients", "bounced address", "not delivered to", "unable to deliver to",
	"empfanger", "empfangeradresse", "destinataire", "destinatario", "destinatarios", "destinatari", "ontvanger", "mottagare", "modtager", "adresat", "odbiorca", "получатель", "адрес получателя", "收件人", "宛先", "送信先", "宛先アドレス", "수신자", "받는 사람", "收件人地址",
	"empfanger-adresse", "adresse des empfangers", "empfanger der nachricht", "adresse du destinataire", "adresse destinataire", "direccion del destinatario", "direccion de destino", "endereco do destinatario", "endereco de destino", "indirizzo destinatario", "indirizzo del destinatario",
	"adres ontvanger", "adres van de ontvanger", "geadresseerde", "mottagaradress", "modtageradresse", "mottaker", "mottakeradresse", "vastaanottaja", "vastaanottajan osoite", "adres odbiorcy", "prijemce", "adresa prijemce", "prijemca", "adresa prijemcu", "cimzett", "cimzett cime", "destinatar", "adresa destinatarului",
	"адресат", "одержувач", "отримувач", "адреса одержувача", "адреса отримувача", "получател", "alici", "alici adresi", "παραλήπτης", "διεύθυνση παραλήπτη", "primatelj", "prejemnik", "gavejas", "sanemejs", "saaja", "受信者", "受信者アドレス", "宛先メールアドレス", "送信先アドレス", "收件者", "收件者地址", "收件者信箱", "수신자 주소", "수신인", "받는사람", "nguoi nhan", "dia chi nguoi nhan", "penerima", "alamat penerima", "ผู้รับ", "المستلم", "عنوان المستلم", "הנמען", "נמען", "כתובת הנמען",
	"addressee", "addressees", "undeliverable to", "message recipients", "message recipient", "undelivered recipient", "deliver to", "mail to", "receiver", "sent to", "to address",
)

// Senders are labels of header lines whose address is not the failed one.
var Senders = folded(
	"from", "sender", "sender address", "source mailbox", "source address", "sender email", "sender e-mail", "from address", "originator", "originating address", "sent by", "sent from", "absenderadresse", "adresse de l'expediteur", "indirizzo mittente", "direccion del remitente", "endereco do remetente", "adres nadawcy", "адрес отправителя", "发件人地址", "送信元",
	"envelope sender", "original sender", "reply-to", "return-path", "mail from", "envelope from", "envelope-from", "cc", "message-id", "message id", "orginal message id", "original message id", "message token", "in-reply-to", "references",
	"von", "absender", "de", "expediteur", "remitente", "mittente", "da", "remetente", "van", "afzender",
	"fran", "avsandare", "fra", "afsender", "od", "nadawca", "от", "отправитель", "发件人", "寄件者", "差出人", "送信者", "보낸 사람",
)

// folded makes a set of words as they are looked up.
func folded(words ...string) func() map[string]bool {
	return sync.OnceValue(func() map[string]bool {
		set := make(map[string]bool, len(words))
		for _, w := range words {
			set[Fold(w)] = true
		}
		return set
	})
}

// Directions are labels of the recipient in a header or a session, which
// notices quote for other reasons, too.
var Directions = folded(
	"to", "rcpt to", "out: rcpt to", "in: rcpt to", "an", "a", "para", "per", "pour", "naar", "aan", "till", "til", "do", "komu", "kime", "кому", "收件人", "宛先", "받는 사람", "για", "προς",
)

// Contact tells whether prose names an address for questions, not for a
// recipient (RFC 2142).
func Contact(addr string) bool {
	local, _, _ := strings.Cut(strings.ToLower(addr), "@")
	switch local {
	case "abuse", "postmaster", "hostmaster", "noc", "delist", "unblock", "removeme":
		return true
	}
	// Of mailing lists: who runs them, not the lists.
	return strings.HasSuffix(local, "-owner") || strings.HasSuffix(local, "-request") || strings.HasPrefix(local, "owner-")
}

// ofSender tells whether a line names the sender, as in a table of labels.
func ofSender(line string) bool {
	k, _, ok := strings.Cut(line, ":")
	return ok && len(k) < 40 && Senders()[AsLabel(k)]
}

// AsLabel is what stands before an address as labels are looked up.
func AsLabel(s string) string { return strings.Trim(Fold(s), " *-•=:.") }
