package dialect

import (
	"strings"

	"harvester/parse/notice"
	"harvester/parse/view"
)

// Exchange2007 is the notice of Exchange 2007 to 2019 and the older Exchange
// Online, in any language: structure tells it, since the text is in the
// language of the sender and the replies are in English
// (https://learn.microsoft.com/exchange/mail-flow/non-delivery-reports-and-bounce-messages).
func exchange2007() Dialect {
	return Dialect{
		Name: "exchange",
		Marks: []Mark{
			{"x-ms-exchange-message-is-ndr:"},
			{"delivery has failed to these recipients or"},
			{"diagnostic information for administrators:"},
			{"diagnoseinformationen fur administratoren:"},
			{"informations de diagnostic pour les administrateurs"},
			{"informazioni di diagnostica per gli amministratori"},
			{"diagnostisk information for administratorer"},
			{"diagnostische gegevens voor beheerders"},
			{"informacoes de diagnostico para administradores"},
			{"informacion de diagnostico para los administradores"},
			{"informacion de diagnostico para administradores"},
			{"generating server:"},
			{"diagnosticeringsoplysninger til administratorer"},
			{"diagnostikinformation for administratorer"},
			{"diagnoseinformasjon for administratorer"},
			{"diagnostiikkatiedot jarjestelmanvalvojille"},
			{"informacje diagnostyczne dla administratorow"},
			{"diagnosticke informace pro spravce"},
			{"diagnosztikai informacio"},
			{"informatii de diagnosticare pentru administratori"},
			{"диагностические сведения для администраторов"},
			{"диагностична информация"},
			{"діагностичні відомості для адміністраторів"},
			{"yoneticiler icin tanilama bilgileri"},
			{"διαγνωστικες πληροφοριες για διαχειριστες"},
			{"管理者向けの診断情報"},
			{"供管理员使用的诊断信息"},
			{"用于管理员的诊断信息"},
			{"管理员的诊断信息"},
			{"系統管理員的診斷資訊"},
			{"관리자를 위한 진단 정보"},
			{"관리자용 진단 정보"},
			{"delivery is delayed to these recipients or"},
			{"rejected your message to the following e"},
		},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			n := &notice.Notice{Kind: notice.KindOf(m, head), Returned: returned}
			ls := notice.Lines(head)
			n.Failures = administrators(ls)
			switch people := friendly(ls); {
			case len(n.Failures) == 0:
				n.Failures = people
			case len(n.Failures) == 1 && len(people) == 1:
				// The part for people names whom the sender wrote to, the other
				// one may name where that address led.
				n.Failures[0].Address = people[0].Address
			}
			return n
		},
	}
}

// administrators reads the section for administrators: an address alone on its
// line, then the reply, of which the last attempt's stands first; or both on
// one line.
func administrators(ls []string) []notice.Failure {
	var out []notice.Failure
	for i := 0; i < len(ls); i++ {
		t := strings.TrimSpace(ls[i])
		if !strings.Contains(t, "@") {
			continue
		}
		if a, at := notice.ScanAddress(t); at > 0 && notice.CodeAt(t[at:]) > 0 && strings.HasPrefix(t[at:], " ") {
			reply, end := notice.Block(ls, i, nil)
			reply = strings.TrimSpace(reply[at:])
			out = append(out, notice.Failure{Address: a, Reply: unhash(reply), Remote: exchangeRemote(reply)})
			i = end
			continue
		}
		a, ok := notice.BareAddress(t)
		if !ok {
			continue
		}
		j := notice.SkipBlank(ls, i+1)
		reply := ""
		for ; j < len(ls) && ls[j] != ""; j++ {
			if _, next := notice.BareAddress(ls[j]); next && strings.Contains(ls[j], "@") {
				break
			}
			reply = notice.AppendLine(reply, ls[j])
		}
		if notice.CodeAt(reply) < 0 && !strings.Contains(reply, "#") {
			continue
		}
		out = append(out, notice.Failure{Address: a, Reply: unhash(reply), Remote: exchangeRemote(reply)})
		i = j - 1
	}
	return out
}

// unhash drops the marks that Exchange sets around a reply:
// `#550 5.1.1 RESOLVER… ##`, `host #<host #5.7.1 smtp;530 5.7.1 …> #SMTP#`.
func unhash(reply string) string {
	reply = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(reply), "##"))
	reply = strings.TrimSpace(strings.TrimSuffix(reply, "#SMTP#"))
	return strings.TrimPrefix(reply, "#")
}

func exchangeRemote(reply string) string {
	if host, _, ok := strings.Cut(reply, " #"); ok && strings.Contains(host, ".") && !strings.ContainsAny(host, " <") {
		return host
	}
	for _, intro := range [...]string{"Remote Server at ", "Remote server at "} {
		if _, rest, ok := strings.Cut(reply, intro); ok {
			return notice.HostWord(rest)
		}
	}
	return ""
}

// friendly reads the part for people, where nothing else names the recipient:
// `Display Name (addr)<mailto:addr>` or `addr<mailto:addr>` under the heading,
// and the explanation below it.
func friendly(ls []string) []notice.Failure {
	var out []notice.Failure
	for i, l := range ls {
		t := strings.TrimSpace(l)
		at := strings.Index(t, "<mailto:")
		a := ""
		if at >= 0 {
			a, _ = notice.BareAddress(t[at+len("<mailto:"):])
		} else if b, ok := notice.BareAddress(t); ok && strings.Contains(t, "@") {
			a = b
		} else if open := strings.LastIndex(t, " ("); open > 0 && strings.HasSuffix(t, ")") {
			a, _ = notice.BareAddress(t[open+2 : len(t)-1])
		}
		if a == "" || i > 40 {
			continue
		}
		reply, _ := notice.Block(ls, notice.SkipBlank(ls, i+1), nil)
		out = append(out, notice.Failure{Address: a, Reply: reply})
	}
	return out
}
