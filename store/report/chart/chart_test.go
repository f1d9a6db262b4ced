package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func sample() *Stacked {
	s := &Stacked{ID: "trend", Label: "failures a day", Unit: "day", Thing: "failure", Series: Classes}
	for i := range 14 {
		s.Columns = append(s.Columns, Column{Name: "2026-03-" + strconv.Itoa(i+1), Tick: strconv.Itoa(i + 1), Group: "Mar", Values: []int{i, 2 * i, 40 - i}})
	}
	s.Columns[13].Open = true
	s.Marks = []Mark{{From: 2, To: 5, Text: "SPF", Link: "/incident?id=spf"}, {From: 4, To: 20, Text: "PTR", Open: true}, {From: 30, To: 40, Text: "later"}}
	return s
}

// wellFormed fails unless s is XML, and returns the texts in it.
func wellFormed(t *testing.T, s string) (text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader("<x>" + s + "</x>"))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
		switch e := tok.(type) {
		case xml.CharData:
			text += string(e) + "\n"
		case xml.StartElement:
			if !slices.Contains([]string{"x", "figure", "figcaption", "span", "div", "svg", "g", "rect", "line", "text", "title", "details", "summary", "table",
				"thead", "tbody", "tr", "th", "td", "ul", "li", "a"}, e.Name.Local) {
				t.Errorf("element %s", e.Name.Local)
			}
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" || strings.Contains(a.Value, "javascript:") || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "/") {
					t.Errorf("%s has %s=%q", e.Name.Local, a.Name.Local, a.Value)
				}
			}
		}
	}
}

func TestFigure(t *testing.T) {
	text := wellFormed(t, string(sample().Figure()))
	for _, want := range []string{"failures a day", "hard", "blocked", "soft", "incident", "2026-03-14: 66 failures (hard 13, blocked 26, soft 27)", "PTR", "\n80\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// The bars of a column stand one on the other, and together are as high as
// their sum.
func TestBarsAreStacked(t *testing.T) {
	s := &Stacked{ID: "x", Unit: "day", Thing: "failure", Series: Classes, Columns: []Column{{Name: "a", Values: []int{10, 20, 50}}}}
	rect := regexp.MustCompile(`<rect class="c-[a-z]+" x="([^"]+)" width="([^"]+)" y="([^"]+)" height="([^"]+)"`)
	lower, whole := 0.0, 0.0
	for i, m := range rect.FindAllStringSubmatch(string(s.SVG()), -1) {
		y, _ := strconv.ParseFloat(m[3], 64)
		h, _ := strconv.ParseFloat(m[4], 64)
		if i > 0 && math.Abs(lower-(y+h)) > 0.2 {
			t.Errorf("bar %d ends at %g, the one below begins at %g", i, y+h, lower)
		}
		lower, whole = y, whole+h
	}
	if math.Abs(whole-plotHigh) > 0.5 { // 80 is the highest line
		t.Errorf("80 of 80 are %g high, want %d", whole, plotHigh)
	}
}

func TestScale(t *testing.T) {
	for most, want := range map[int][]int{0: {0}, 1: {0, 1}, 3: {0, 1, 2, 3}, 4: {0, 1, 2, 3, 4}, 7: {0, 2, 4, 6, 8}, 66: {0, 20, 40, 60, 80}, 4812: {0, 2000, 4000, 6000}} {
		if got := scale(most); !slices.Equal(got, want) {
			t.Errorf("scale(%d) = %v, want %v", most, got, want)
		}
	}
	if got := scale(math.MaxInt32); len(got) > 6 {
		t.Errorf("%d lines", len(got))
	}
}

// Marks that overlap lie in lanes of their own.
func TestMarks(t *testing.T) {
	row, used := sample().lay()
	if !slices.Equal(row, []int{0, 1, -1}) || used != 2 {
		t.Errorf("%v, %d lanes", row, used)
	}
}

func TestNothing(t *testing.T) {
	for _, s := range []*Stacked{{ID: "x"}, {ID: "x", Series: Classes, Columns: []Column{{Name: "a", Values: []int{0, 0, 0}}}}} {
		wellFormed(t, string(s.Figure()))
		if !s.Empty() {
			t.Error("it is not empty")
		}
	}
}

// Names that attack HTML, SVG, CSS or a link stay text.
func TestHostileTexts(t *testing.T) {
	for _, evil := range []string{`<script>alert(1)</script>`, `"><svg onload=alert(1)>`, `</title></svg><img src=x onerror=alert(1)>`, `'; } * { display: none } /*`, "\x00\u202e]]>"} {
		s := sample()
		s.Label, s.Unit, s.Thing = evil, evil, evil
		s.Columns[0].Name, s.Columns[0].Tick, s.Columns[0].Group, s.Columns[0].Link = evil, evil, evil, "javascript:alert(1)"
		s.Columns[1].Link = "//evil.example/" + evil
		s.Marks[0].Text, s.Marks[0].Link = evil, "/incident?id="+evil
		got := string(s.Figure())
		if strings.ContainsRune(evil, 0) {
			got = strings.ReplaceAll(got, "\x00", "")
		}
		wellFormed(t, got)
	}
}

// sees is a colour as an eye that lacks a kind of cone sees it: matrices of
// Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
var sees = map[string][3][3]float64{
	"all":          {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

func linear(hex string) (c [3]float64) {
	v, _ := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	for i := range c {
		x := float64(v>>(16-8*i)&255) / 255
		if c[i] = x / 12.92; x > 0.04045 {
			c[i] = math.Pow((x+0.055)/1.055, 2.4)
		}
	}
	return c
}

func luminance(c [3]float64) float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] }

// lab is CIE L*a*b* under D65.
func lab(c [3]float64) (l [3]float64) {
	f := func(v float64) float64 {
		if v > 0.008856 {
			return math.Cbrt(v)
		}
		return 7.787*v + 16.0/116
	}
	x := f((0.4124*c[0] + 0.3576*c[1] + 0.1805*c[2]) / 0.9505)
	y := f(luminance(c))
	z := f((0.0193*c[0] + 0.1192*c[1] + 0.9505*c[2]) / 1.089)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// The colours of the bars can be told from each other by every eye, and from
// what they stand on, in light and dark.
func TestColours(t *testing.T) {
	light, dark, _ := strings.Cut(CSS, "@media")
	dark, _, _ = strings.Cut(dark, ".figure")
	variable := regexp.MustCompile(`--([a-z]+): (#[0-9a-f]+)`)
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		c := map[string][3]float64{}
		for _, m := range variable.FindAllStringSubmatch(css, -1) {
			if len(m[2]) == 4 {
				m[2] = "#" + strings.Repeat(m[2][1:2], 2) + strings.Repeat(m[2][2:3], 2) + strings.Repeat(m[2][3:4], 2)
			}
			c[m[1]] = linear(m[2])
		}
		for _, name := range []string{"hard", "block", "soft", "mark"} {
			a, b := luminance(c[name])+0.05, luminance(c["part"])+0.05
			if r := max(a, b) / min(a, b); r < 3 { // WCAG 2.2, 1.4.11
				t.Errorf("%s: %s stands out by %.1f, want 3", scheme, name, r)
			}
		}
		for eye, m := range sees {
			seen := func(name string) [3]float64 {
				var out [3]float64
				for i := range out {
					for k := range 3 {
						out[i] += m[i][k] * c[name][k]
					}
					out[i] = min(1, max(0, out[i]))
				}
				return lab(out)
			}
			for _, pair := range [][2]string{{"hard", "block"}, {"block", "soft"}, {"hard", "soft"}} {
				a, b := seen(pair[0]), seen(pair[1])
				d := math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
				if d < 25 { // 2 is the least that eyes tell side by side
					t.Errorf("%s, %s: %s and %s differ by %.0f, want 25", scheme, eye, pair[0], pair[1], d)
				}
			}
		}
	}
}
