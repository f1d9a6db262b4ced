package fleet

import (
	"cmp"
	"slices"
	"strings"
)

// Leader is the lease of who judges.
const Leader = "leader"

// Alarms is the lease of who looks for troubles: not the leader, who may be one.
const Alarms = "alarms"

// OfMailbox is the lease of a mailbox.
func OfMailbox(name string) string { return "mailbox " + name }

// OfExport is the lease of a file.
func OfExport(name string) string { return "export " + name }

// OfLog is the lease of a log of what was sent.
func OfLog(name string) string { return "log " + name }

// class is what leases are spread evenly within.
func class(lease string) string {
	kind, _, _ := strings.Cut(lease, " ")
	return kind
}

// candidate is a living worker and the leases that it can hold.
type candidate struct {
	id    string
	wants []string
}

// assign distributes all leases that anybody wants. owners are those of now, by
// lease. It depends on nothing else, so that all workers come to the same.
func assign(workers []candidate, owners map[string]string) map[string]string {
	wanted := map[string][]string{} // lease to who wants it
	for _, w := range workers {
		for _, l := range w.wants {
			wanted[l] = append(wanted[l], w.id)
		}
	}
	classes := map[string][]string{}
	able := map[string]map[string]bool{} // class to who wants any of it
	for l, by := range wanted {
		c := class(l)
		classes[c] = append(classes[c], l)
		if able[c] == nil {
			able[c] = map[string]bool{}
		}
		for _, id := range by {
			able[c][id] = true
		}
	}
	to := map[string]string{}
	for c, leases := range classes {
		slices.Sort(leases)
		share := (len(leases) + len(able[c]) - 1) / len(able[c])
		has := map[string]int{}
		var rest []string
		for _, l := range leases {
			if id := owners[l]; slices.Contains(wanted[l], id) && has[id] < share {
				to[l] = id
				has[id]++
				continue
			}
			rest = append(rest, l)
		}
		// What few can hold comes first, so that the others make up for it.
		slices.SortStableFunc(rest, func(a, b string) int { return cmp.Compare(len(wanted[a]), len(wanted[b])) })
		for _, l := range rest {
			id := slices.MinFunc(wanted[l], func(a, b string) int {
				return cmp.Or(cmp.Compare(has[a], has[b]), cmp.Compare(other(a, owners[l]), other(b, owners[l])), cmp.Compare(a, b))
			})
			to[l] = id
			has[id]++
		}
	}
	return to
}

// other is 0 for the same and 1 for another.
func other(a, b string) int {
	if a == b {
		return 0
	}
	return 1
}
