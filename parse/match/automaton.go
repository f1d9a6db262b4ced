package match

import (
	"bytes"
	"cmp"
	"slices"
)

// Automaton finds every occurrence of a set of literals in one pass (Aho and
// Corasick, 1975). Its nodes are numbered breadth first, so that the children
// of a node stand side by side: a node costs 17 bytes and no map, and ten
// thousand literals are built in milliseconds. The nodes near the root, where
// a text spends its time, have a table of all their steps. It is safe for
// concurrent use.
type Automaton struct {
	kind  [256]uint8 // what a byte is for the beginning of words: 0 for all where literals may begin anywhere
	nodes []node     // the roots, then breadth first
	label []byte     // byte that leads to the node
	table []uint32   // rows of 256 complete steps for the first nodes: 2*node, +1 where a literal ends there
	ends  []end      // the first stands for none
	order []int      // literals in sorted order; equal ones stand together
	lits  []string
}

// node is a beginning of a literal.
type node struct {
	first uint32 // child; its siblings follow it
	fail  uint32 // longest proper suffix that is a node
	found uint32 // place in ends of the nearest suffix, itself included, that ends a literal
	kids  uint16
	label byte // of the first child, which mostly is the only one
}

// end is the literals that end at a node.
type end struct {
	next   uint32 // the nearest proper suffix that ends a literal; 0 for none
	lo, hi uint32 // places in order
}

// A text begins at the first root, and goes back to one of them when nothing
// fits: to the second behind a letter and to the third behind a digit, where
// no word begins. Where words don't matter it is always the first.
const (
	roots     = 3
	isLetter  = 1
	isDigit   = 2
	tabled    = 1024 // nodes with a row: more of them push each other out of the processor's cache
	rowLength = 256
)

// New builds an automaton for literals, which must be folded like the text.
// Empty literals never match. Equal literals are each reported.
func New(literals []string) *Automaton { return build(&Automaton{}, literals) }

// NewWords builds an automaton that finds literals only from the beginning of
// a word or number on: not with a letter before their first letter, nor with a
// digit before their first digit. Only ASCII has such letters, since many
// scripts put no blank between words.
func NewWords(literals []string) *Automaton {
	a := &Automaton{}
	for c := 'a'; c <= 'z'; c++ {
		a.kind[c] = isLetter
	}
	for c := '0'; c <= '9'; c++ {
		a.kind[c] = isDigit
	}
	return build(a, literals)
}

func build(a *Automaton, literals []string) *Automaton {
	a.lits, a.order = literals, make([]int, 0, len(literals))
	size := roots
	for i, l := range literals {
		if l != "" {
			a.order = append(a.order, i)
			size += len(l)
		}
	}
	slices.SortFunc(a.order, func(x, y int) int {
		return cmp.Or(cmp.Compare(literals[x], literals[y]), cmp.Compare(x, y))
	})
	a.grow(size)
	a.link()
	return a
}

// grow numbers the nodes of the trie of the sorted literals breadth first.
func (a *Automaton) grow(size int) {
	type span struct{ lo, hi, depth int }
	a.label = make([]byte, roots, size)
	a.nodes = make([]node, 0, size)
	a.ends = make([]end, 1, len(a.order)+1)
	queue := make([]span, roots, size)
	queue[0].hi = len(a.order)
	for n := 0; n < len(queue); n++ {
		s := queue[n]
		x := node{first: uint32(len(queue))}
		lo := s.lo
		for lo < s.hi && len(a.lits[a.order[lo]]) == s.depth {
			lo++
		}
		if lo > s.lo {
			x.found = uint32(len(a.ends))
			a.ends = append(a.ends, end{lo: uint32(s.lo), hi: uint32(lo)})
		}
		for lo < s.hi {
			c := a.lits[a.order[lo]][s.depth]
			hi := lo + 1
			for hi < s.hi && a.lits[a.order[hi]][s.depth] == c {
				hi++
			}
			if x.kids++; x.kids == 1 {
				x.label = c
			}
			a.label = append(a.label, c)
			queue = append(queue, span{lo, hi, s.depth + 1})
			lo = hi
		}
		a.nodes = append(a.nodes, x)
	}
}

// link gives each node its suffixes, and the first ones their rows: a row is
// that of the node's suffix but for the children.
func (a *Automaton) link() {
	a.table = make([]uint32, 0, min(tabled, len(a.nodes))*rowLength)
	for n := range uint32(len(a.nodes)) {
		x := &a.nodes[n]
		for kid := x.first; kid < x.first+uint32(x.kids); kid++ {
			f := uint32(a.kind[a.label[kid]])
			if n >= roots {
				f = a.step(x.fail, a.label[kid])
			}
			k := &a.nodes[kid]
			k.fail = f
			if k.found == 0 {
				k.found = a.nodes[f].found
			} else {
				a.ends[k.found].next = a.nodes[f].found
			}
		}
		if len(a.table) < cap(a.table) {
			row := a.row(n)
			a.table = append(a.table, row[:]...)
		}
	}
}

func (a *Automaton) row(n uint32) (row [rowLength]uint32) {
	from := &a.nodes[n]
	if n >= roots {
		copy(row[:], a.table[from.fail*rowLength:])
	} else {
		from = &a.nodes[0]
		for c := range row {
			row[c] = uint32(a.kind[c]) << 1
		}
	}
	for kid := from.first; kid < from.first+uint32(from.kids); kid++ {
		c := a.label[kid]
		if n > 0 && n < roots && uint32(a.kind[c]) == n {
			continue // within a word
		}
		row[c] = kid << 1
		if a.nodes[kid].found != 0 {
			row[c] |= 1
		}
	}
	return row
}

// step returns where c leads to from n.
func (a *Automaton) step(n uint32, c byte) uint32 {
	for {
		if at := int(n)*rowLength + int(c); at < len(a.table) {
			return a.table[at] >> 1
		}
		x := &a.nodes[n]
		if x.kids > 0 && x.label == c {
			return x.first
		}
		if x.kids > 1 {
			if i := bytes.IndexByte(a.label[x.first:x.first+uint32(x.kids)], c); i >= 0 {
				return x.first + uint32(i)
			}
		}
		n = x.fail
	}
}

// Scan calls found for each literal in folded, with its index in the list that
// New was given and the offset after its last byte, in order of that offset;
// of literals that end at one place the longest comes first.
func (a *Automaton) Scan(folded []byte, found func(literal, end int)) {
	for n, i := uint32(0), 0; ; {
		if n, i = a.advance(n, folded, i); n == 0 {
			return
		}
		for at := a.nodes[n].found; at != 0; {
			e := &a.ends[at]
			for _, literal := range a.order[e.lo:e.hi] {
				found(literal, i)
			}
			at = e.next
		}
	}
}

// advance goes on from n with folded[i:] until a literal ends, and returns the
// node and the offset behind it; 0 when none does any more.
func (a *Automaton) advance(n uint32, folded []byte, i int) (node uint32, end int) {
	table, nodes := a.table, a.nodes
	for ; i < len(folded); i++ {
		c := folded[i]
		if at := int(n)*rowLength + int(c); at < len(table) {
			step := table[at]
			if n = step >> 1; step&1 != 0 {
				return n, i + 1 // most bytes end nothing: the node need not be fetched
			}
			continue
		}
		if x := &nodes[n]; x.label == c && x.kids > 0 { // a literal goes on, without a call
			n = x.first
		} else {
			n = a.step(n, c)
		}
		if nodes[n].found != 0 {
			return n, i + 1
		}
	}
	return 0, i
}
