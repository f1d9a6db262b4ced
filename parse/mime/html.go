package mime

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxToken is the longest tag or stretch of text that is read, in bytes;
// behind a longer one reading ends. Pictures within the page stay below it.
const maxToken = 1 << 20

// HTMLText turns HTML into text: a line break where a block or <br> stands, a
// TAB between table cells, entities decoded once, blanks folded outside <pre>.
// What is never shown is left out. An address that stands only in a mailto
// link follows the words of the link in the way of Outlook:
// `words<mailto:user@example.org>`.
func HTMLText(s string) string {
	w := htmlWriter{}
	w.out.Grow(len(s) / 2)
	z := html.NewTokenizer(strings.NewReader(s))
	z.SetMaxBuf(maxToken)
	for {
		switch z.Next() {
		case html.ErrorToken:
			w.endLink()
			return strings.TrimRight(w.out.String(), "\n\t ") + "\n"
		case html.TextToken:
			if w.hidden == 0 {
				w.text(visible(string(z.Text())))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, attrs := z.TagName()
			tag := atom.Lookup(name)
			w.start(tag)
			if tag == atom.A && attrs {
				w.link = mailto(z)
				w.linkAt = w.out.Len()
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			w.end(atom.Lookup(name))
		}
	}
}

type htmlWriter struct {
	out    strings.Builder
	hidden atom.Atom // the element whose content is not shown
	pre    bool
	blank  bool   // a blank is due before the next word
	last   byte   // last byte written
	link   string // target of the open mailto link
	linkAt int
}

func (w *htmlWriter) start(tag atom.Atom) {
	switch tag {
	case atom.Style, atom.Script, atom.Title, atom.Template, atom.Noscript:
		if w.hidden == 0 {
			w.hidden = tag
		}
	case atom.Td, atom.Th:
		if w.last != 0 && w.last != '\n' {
			w.put('\t')
		}
	case atom.Br:
		w.put('\n')
	default:
		w.block(tag)
	}
	if tag == atom.Pre {
		w.pre = true
	}
}

func (w *htmlWriter) end(tag atom.Atom) {
	if w.hidden != 0 {
		if tag == w.hidden || tag == atom.Body || tag == atom.Html {
			w.hidden = 0
		}
		return
	}
	switch tag {
	case atom.A:
		w.endLink()
	case atom.Pre:
		w.pre = false
		w.block(tag)
	default:
		w.block(tag)
	}
}

// block begins a new line where tag is a block.
func (w *htmlWriter) block(tag atom.Atom) {
	switch tag {
	case atom.P, atom.Div, atom.Tr, atom.Table, atom.Tbody, atom.Li, atom.Ul, atom.Ol, atom.Dl, atom.Dt, atom.Dd,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Hr, atom.Pre, atom.Blockquote, atom.Center,
		atom.Section, atom.Article, atom.Header, atom.Footer, atom.Form, atom.Body, atom.Head, atom.Html, atom.Address:
		if w.last != '\n' && w.last != 0 {
			w.put('\n')
		}
	}
	if tag == atom.P && w.last == '\n' && !strings.HasSuffix(w.out.String(), "\n\n") {
		w.put('\n')
	}
}

func (w *htmlWriter) put(c byte) {
	w.blank = false
	w.out.WriteByte(c)
	w.last = c
}

func (w *htmlWriter) text(s string) {
	if s == "" {
		return
	}
	if w.pre {
		w.out.WriteString(toLF([]byte(s)))
		w.last = s[len(s)-1]
		return
	}
	for len(s) > 0 {
		n := strings.IndexAny(s, " \t\r\n\f\x00")
		if n == 0 {
			w.blank = true
			s = s[1:]
			continue
		}
		if n < 0 {
			n = len(s)
		}
		if w.blank && w.last != 0 && w.last != '\n' && w.last != '\t' {
			w.out.WriteByte(' ')
		}
		w.blank = false
		w.out.WriteString(s[:n])
		w.last = s[n-1]
		s = s[n:]
	}
}

// endLink writes the target of a mailto link whose words do not name it.
func (w *htmlWriter) endLink() {
	if w.link != "" && !containsFold(w.out.String()[w.linkAt:], w.link) {
		w.text("<mailto:" + w.link + ">")
	}
	w.link = ""
}

func mailto(z *html.Tokenizer) string {
	for {
		key, value, more := z.TagAttr()
		if string(key) == "href" {
			v := strings.TrimSpace(string(value))
			if len(v) < 8 || !strings.EqualFold(v[:7], "mailto:") {
				return ""
			}
			v, _, _ = strings.Cut(v[7:], "?")
			addr, _ := Address(string(percentDecode(v)))
			return addr
		}
		if !more {
			return ""
		}
	}
}

func containsFold(s, sub string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(sub))
}
