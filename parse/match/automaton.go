package match

import (
	"bytes"
	"cmp"
	"slices"
)

// Automaton finds every occurrence of a set of literals in one pass (Aho and
// Corasick, 1975). Its nodes are numbered breadth first, so that the children
// of a node stand side by side: a node costs 25 bytes and no map, and ten
// thousand literals are built in milliseconds. The nodes near the root, where
// a text spends its time, have a table of all their steps. It is safe for
// concurrent use.
type Automaton struct {
	root  [256]uint32 // children of the root by byte; 0 where there is none
	class [256]uint8  // bytes that no literal holds are one class, which keeps the table small
	width int         // classes, the length of a row of table
	table []uint32    // complete steps of the first nodes: 2*node, +1 where a literal ends there
	label []byte      // byte that leads to the node
	first []uint32    // first child of the node; its last is before first[node+1]
	fail  []uint32    // longest proper suffix that is a node
	found []uint32    // nearest suffix, itself included, that ends a literal; 0 for none
	next  []uint32    // nearest proper suffix that ends a literal; 0 for none
	ends  []uint32    // position in order of the node's literals, noEnd for none
	stop  []uint32    // position after the last of them
	order []int       // literals in sorted order; equal ones stand together
	lits  []string
}

// tabled is how many nodes have a row in the table, of 200 to 500 bytes each:
// more of them push each other out of the processor's cache.
const tabled = 1024

const noEnd = ^uint32(0)

// New builds an automaton for literals, which must be folded like the text.
// Empty literals never match. Equal literals are each reported.
func New(literals []string) *Automaton {
	a := &Automaton{lits: literals, order: make([]int, 0, len(literals))}
	size := 1
	for i, l := range literals {
		if l != "" {
			a.order = append(a.order, i)
			size += len(l)
		}
	}
	slices.SortFunc(a.order, func(x, y int) int {
		return cmp.Or(cmp.Compare(literals[x], literals[y]), cmp.Compare(x, y))
	})
	a.build(size)
	a.link()
	return a
}

// build numbers the nodes of the trie of the sorted literals breadth first.
func (a *Automaton) build(size int) {
	type span struct{ lo, hi, depth int }
	a.label = make([]byte, 1, size)
	a.first = make([]uint32, 0, size+1)
	a.ends = make([]uint32, 0, size)
	a.stop = make([]uint32, 0, size)
	queue := make([]span, 1, size)
	queue[0] = span{0, len(a.order), 0}
	for n := 0; n < len(queue); n++ {
		s := queue[n]
		a.first = append(a.first, uint32(len(queue)))
		end, lo := noEnd, s.lo
		for lo < s.hi && len(a.lits[a.order[lo]]) == s.depth {
			if end == noEnd {
				end = uint32(lo)
			}
			lo++
		}
		a.ends, a.stop = append(a.ends, end), append(a.stop, uint32(lo))
		for lo < s.hi {
			c := a.lits[a.order[lo]][s.depth]
			hi := lo + 1
			for hi < s.hi && a.lits[a.order[hi]][s.depth] == c {
				hi++
			}
			if n == 0 {
				a.root[c] = uint32(len(queue))
			}
			a.label = append(a.label, c)
			queue = append(queue, span{lo, hi, s.depth + 1})
			lo = hi
		}
	}
	a.first = append(a.first, uint32(len(queue)))
}

func (a *Automaton) link() {
	a.fail = make([]uint32, len(a.label))
	a.next = make([]uint32, len(a.label))
	a.found = make([]uint32, len(a.label))
	for n := range len(a.label) {
		for kid := a.first[n]; kid < a.first[n+1]; kid++ {
			f := uint32(0)
			if n != 0 {
				f = a.step(a.fail[n], a.label[kid])
			}
			a.fail[kid] = f
			a.next[kid] = a.found[f]
			if a.found[kid] = kid; a.ends[kid] == noEnd {
				a.found[kid] = a.found[f]
			}
		}
	}
	a.classify()
	table := make([]uint32, min(tabled, len(a.label))*a.width)
	for c := range 256 {
		for n := range len(table) / a.width {
			to := a.step(uint32(n), byte(c))
			entry := to << 1
			if a.found[to] != 0 {
				entry |= 1
			}
			table[n*a.width+int(a.class[c])] = entry
		}
	}
	a.table = table
}

// classify numbers the bytes that stand in literals; all others are class 0.
func (a *Automaton) classify() {
	var used [256]bool
	for _, c := range a.label[1:] {
		used[c] = true
	}
	a.width = 1
	for c, u := range used {
		if u && a.width < 256 { // text is folded: bytes that UTF-8 never holds leave room
			a.class[c] = uint8(a.width)
			a.width++
		}
	}
}

func (a *Automaton) step(n uint32, c byte) uint32 {
	for n != 0 {
		if at := int(n) * a.width; at < len(a.table) {
			return a.table[at+int(a.class[c])] >> 1
		}
		lo, hi := a.first[n], a.first[n+1]
		switch hi - lo {
		case 0:
		case 1:
			if a.label[lo] == c {
				return lo
			}
		default:
			if i := bytes.IndexByte(a.label[lo:hi], c); i >= 0 {
				return lo + uint32(i)
			}
		}
		n = a.fail[n]
	}
	return a.root[c]
}

// Scan calls found for each literal in folded, with its index in the list that
// New was given and the offset after its last byte, in order of that offset;
// of literals that end at one place the longest comes first.
func (a *Automaton) Scan(folded []byte, found func(literal, end int)) {
	n := uint32(0)
	for i, c := range folded {
		if at := int(n) * a.width; at < len(a.table) {
			entry := a.table[at+int(a.class[c])]
			if n = entry >> 1; entry&1 == 0 {
				continue // most bytes end nothing: found need not be fetched
			}
		} else {
			n = a.step(n, c)
		}
		for m := a.found[n]; m != 0; m = a.next[m] {
			for k := a.ends[m]; k < a.stop[m]; k++ {
				found(a.order[k], i+1)
			}
		}
	}
}
