package notice

import (
	"strings"
	"sync"

	"harvester/parse/match"
	"harvester/parse/view"
)

// Bounds of what a notice says of its own accord.
const (
	remarkHead = 2 << 10 // bytes of the text
	remarks    = 16
)

// Remarks are the plain statements in the first lines of a notice. Left out is
// what a line quotes of the returned mail, and what only considers a cause:
// "the address may not exist, or the mailbox is full".
func Remarks(m *view.Mail, subject string) []string {
	head, _ := CutReturned(m.Text)
	head = head[:min(len(head), remarkHead)]
	var out []string
	for _, l := range Lines(head) {
		l = strings.TrimSpace(l)
		if ofSubject(l) || subject != "" && strings.Contains(l, subject) {
			continue
		}
		for said := range strings.SplitSeq(l, ". ") {
			if len(out) < remarks && len(said) > 6 && !considers(said) {
				out = append(out, said)
			}
		}
	}
	return out
}

// ofSubject tells whether a line repeats the subject of the returned mail.
func ofSubject(line string) bool {
	k, _, ok := strings.Cut(line, ":")
	return ok && len(k) < 40 && subjects[strings.TrimSpace(Fold(k))]
}

// subjects label the subject of the returned mail, folded.
var subjects = map[string]bool{
	"subject": true, "betreff": true, "objet": true, "sujet": true, "asunto": true, "oggetto": true, "assunto": true, "onderwerp": true, "temat": true, "predmet": true, "amne": true, "emne": true, "aihe": true, "targy": true, "konu": true, "subiect": true,
	"тема": true, "θεμα": true, "主题": true, "主旨": true, "件名": true, "제목": true,
}

// hedges are words of sentences that name causes without claiming one.
var hedges = sync.OnceValue(func() *match.Automaton {
	words := strings.Split("| may | might | maybe |possib|perhaps| if | or |could |can be |please |check |verify |likely|usually|common|such as|"+
		"möglicherweise|vielleicht| falls | wenn |bitte | oder |peut-être| si | ou |veuillez|quizá|puede | o |por favor|forse|talvez|pode |misschien| of |może | lub |"+
		"возможно| или |если |可能|或|如果|请|請|場合|かもしれ|または|아마|또는|경우", "|")
	for i, w := range words {
		words[i] = Fold(w)
		if strings.HasPrefix(w, " ") {
			words[i] = " " + words[i]
		}
	}
	return match.New(words)
})

// considers tells whether a sentence names causes without claiming one.
func considers(said string) bool {
	found := false
	hedges().Scan(append([]byte{' '}, match.Extend(nil, said+" ")...), func(int, int) { found = true })
	return found
}
