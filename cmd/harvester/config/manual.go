package config

import (
	"fmt"
	"regexp"
	"strings"
)

// Manual is harvester.toml(5) in roff (man(7)), made from Example: each
// paragraph of comments describes the keys and the table below it.
func Manual(source string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH \"HARVESTER.TOML\" \"5\" \"\" \"%s\" \"Harvester\"\n", roff(source))
	b.WriteString(`.SH NAME
harvester.toml \- the configuration of harvester
.SH DESCRIPTION
harvester reads the first of \-\-config, $HARVESTER_CONFIG, ./harvester.toml (not
under systemd), $XDG_CONFIG_HOME/harvester/harvester.toml and
/etc/harvester/harvester.toml. The file is written in TOML.
`)
	intro, rest, _ := strings.Cut(Example, "\n\n")
	_, intro, _ = strings.Cut(intro, "\n#\n") // the title has its place above
	b.WriteString(text(groups(intro)[0].prose))
	for paragraph := range strings.SplitSeq(rest, "\n\n") {
		for _, g := range groups(paragraph) {
			g.write(&b)
		}
	}
	b.WriteString(".SH FILES\n/etc/harvester/harvester.toml\n.SH SEE ALSO\nharvester(1), harvester\\-config\\-check(1)\n")
	return b.String()
}

// toldOf finds the header of a table that stands in an example alone.
var toldOf = regexp.MustCompile(`(?m)^  (\[[^\]]+\]+)$`)

// group is comments and the lines they describe: the header of a table, keys
// with their defaults, or both.
type group struct {
	prose    string   // without the hashes
	table    string   // "[store]"
	settings []string // "path = ..."
}

func groups(paragraph string) []group {
	var all []group
	g := &group{}
	for line := range strings.SplitSeq(strings.TrimSpace(paragraph), "\n") {
		line, hash := strings.CutPrefix(line, "#")
		comment := hash && (line == "" || strings.HasPrefix(line, " "))
		if comment && (g.table != "" || len(g.settings) > 0) {
			all = append(all, *g)
			g = &group{}
		}
		switch {
		case comment:
			g.prose += strings.TrimPrefix(line, " ") + "\n"
		case strings.HasPrefix(line, "["):
			g.table = line
		default:
			g.settings = append(g.settings, line)
		}
	}
	return append(all, *g)
}

func (g *group) write(b *strings.Builder) {
	if g.table == "" && len(g.settings) == 0 {
		b.WriteString(".PP\n")
		if m := toldOf.FindStringSubmatch(g.prose); m != nil {
			g.table = m[1]
		}
	}
	if g.table != "" {
		b.WriteString(".SH " + roff(g.table) + "\n" + text(g.prose))
	}
	for i, s := range g.settings {
		b.WriteString(map[bool]string{true: ".TP\n", false: ".TQ\n"}[i == 0] + "\\fB" + roff(s) + "\\fR\n")
	}
	if g.table == "" {
		b.WriteString(text(g.prose))
	}
}

// text sets prose; what is indented stays as it is.
func text(prose string) string {
	var b strings.Builder
	asIs := false
	for line := range strings.Lines(prose) {
		if indented := strings.HasPrefix(line, "  "); indented != asIs {
			asIs = indented
			b.WriteString(map[bool]string{true: ".nf\n", false: ".fi\n"}[asIs])
		}
		if line == "\n" {
			line = ".sp\n"
		} else {
			line = roff(line)
		}
		b.WriteString(line)
	}
	if asIs {
		b.WriteString(".fi\n")
	}
	return b.String()
}

// roff keeps the characters of a line from meaning something to roff.
func roff(line string) string {
	line = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `"`, `\(dq`, `'`, `\(aq`).Replace(line)
	if strings.HasPrefix(line, ".") {
		line = `\&` + line
	}
	return line
}
