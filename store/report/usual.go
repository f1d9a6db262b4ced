package report

import (
	"slices"

	"harvester/parse/bounce"
	"harvester/store/query"
)

// Range is within what a number lies on most days: the lowest and the highest
// of the days before but for one at each end, and their mean.
type Range struct {
	Low  int     `json:"low"`
	High int     `json:"high"`
	Mean float64 `json:"mean"`
}

// usualLeast is how many days make something usual.
const usualLeast = 4

// Usual is the range of the days before; false while they are too few.
func Usual(before []int) (Range, bool) {
	if len(before) < usualLeast {
		return Range{}, false
	}
	v := slices.Sorted(slices.Values(before))
	r := Range{Low: v[1], High: v[len(v)-2]}
	for _, n := range v {
		r.Mean += float64(n)
	}
	r.Mean /= float64(len(v))
	return r, true
}

// Above tells that a number is more than usual by more than chance explains.
func (r Range) Above(n int) bool { return n > r.High && rise(n, r.Mean) != OK }

// ByClass sums the failures of a day of one class.
func ByClass(d *query.Day, c bounce.Class) int { return byClass(d, c) }
