package web

import (
	"html/template"
	"net/url"
	"time"
)

// What the templates call to hand more than one value on.

type tabOf struct {
	Link, Text string
	Here       bool
}

func tab(nav, name, link, text string) tabOf { return tabOf{link, text, nav == name} }

// daySwitch is between 14 and 90 days.
type daySwitch struct {
	Query template.URL
	Long  bool
}

func daysOf(query template.URL, long bool) daySwitch { return daySwitch{query, long} }

// queryOf is the query of a page behind a number.
func queryOf(what, name string) template.URL {
	if what == "" {
		return ""
	}
	return template.URL(url.Values{"name": {name}}.Encode()) //nolint:gosec // encoded
}

// deedOf is a form that acts: the usual act first.
type deedOf struct {
	Subject, ID, Field, Back string
	Acts                     []string
}

func deed(subject, id, field, back string, acts ...string) deedOf {
	return deedOf{subject, id, field, back, acts}
}

type choiceOf struct {
	Name, Chosen string
	Words        []string
}

func choice(name, chosen string, words []string) choiceOf { return choiceOf{name, chosen, words} }

// fields are a query as the fields of a form.
func fields(query template.URL) map[string]string {
	out := map[string]string{}
	q, err := url.ParseQuery(string(query))
	if err != nil {
		return out
	}
	for name := range q {
		out[name] = q.Get(name)
	}
	return out
}

func took(from, to time.Time) string {
	if to.IsZero() {
		return ""
	}
	return to.Sub(from).Round(time.Millisecond * 10).String()
}
