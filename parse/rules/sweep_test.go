package rules

import (
	"strings"
	"testing"

	"harvester/parse/bounce"
)

// accusers are endings that accuse the sender, the path or the mail, in the
// languages of the pack.
var accusers = []string{
	"(IP 192.0.2.7 has been blocked for sending spam)",
	"your IP 192.0.2.7 is listed at bl.example.org",
	"SPF check failed for example.org",
	"the DKIM signature of example.org does not verify",
	"rejected by the DMARC policy of example.org",
	"no PTR record for 192.0.2.7",
	"message rejected as spam",
	"a virus was found in the message",
	"too many connections from 192.0.2.7",
	"sender address rejected",
	"your account has been suspended for spamming",
	"message size exceeds the limit",
	"Ihre IP-Adresse 192.0.2.7 steht auf einer Sperrliste",
	"die SPF-Prüfung schlug fehl",
	"votre adresse IP 192.0.2.7 figure sur une liste noire",
	"le message a été considéré comme spam",
	"su dirección IP 192.0.2.7 está en una lista negra",
	"il vostro indirizzo IP 192.0.2.7 è in una lista nera",
	"seu endereço IP 192.0.2.7 está em uma lista negra",
	"uw IP-adres 192.0.2.7 staat op een zwarte lijst",
	"din IP-adress 192.0.2.7 finns på en svartlista",
	"din IP-adresse 192.0.2.7 er på en sortliste",
	"IP-osoitteesi 192.0.2.7 on estolistalla",
	"adres IP 192.0.2.7 znajduje się na czarnej liście",
	"vaše IP adresa 192.0.2.7 je na černé listině",
	"ваш IP-адрес 192.0.2.7 находится в чёрном списке",
	"ваша IP-адреса 192.0.2.7 у чорному списку",
	"IP adresiniz 192.0.2.7 kara listede",
	"az Ön IP-címe 192.0.2.7 feketelistán van",
	"adresa IP 192.0.2.7 este pe o listă neagră",
	"送信元IPアドレス 192.0.2.7 はブラックリストに登録されています",
	"您的IP地址 192.0.2.7 已被列入黑名单",
	"발신 IP 192.0.2.7 가 블랙리스트에 등록되어 있습니다",
	"слишком много писем",
	"迷惑メールと判定されました",
}

// Whatever the pack takes for the recipient's fault, it is not once the reply
// accuses us as well: in front or behind, in any language.
func TestAccuserWinsInAnyOrder(t *testing.T) {
	s := Builtin()
	rules, texts := 0, 0
	for i := range s.rules {
		r := &s.rules[i]
		if r.Reason.Fault() != bounce.FaultRecipient {
			continue
		}
		rules++
		failed := ""
		for _, example := range r.Examples {
			for _, accuser := range accusers {
				for _, text := range [...]string{
					example + " " + accuser, example + "; " + accuser, example + ": " + accuser,
					front(example, accuser),
				} {
					texts++
					q := s.exampleQuery(r, text)
					if a := s.Classify(q); a.Reason.Fault() == bounce.FaultRecipient {
						failed = text + " => " + a.Reason.String() + " by " + a.Rule
					}
				}
			}
		}
		if failed != "" {
			t.Errorf("%s keeps the recipient guilty: %s", r.ID, failed)
		}
	}
	if rules < 60 {
		t.Errorf("only %d rules accuse the recipient", rules)
	}
	t.Logf("%d texts of %d rules", texts, rules)
}

// front puts an accuser before the words of a reply, behind its codes.
func front(example, accuser string) string {
	codes := 0
	for codes < len(example) && strings.IndexByte("0123456789. #-", example[codes]) >= 0 {
		codes++
	}
	return example[:codes] + accuser + ". " + example[codes:]
}
