package match

import (
	"bytes"
	"cmp"
	"slices"
)

// Automaton finds every occurrence of a set of literals in one pass (Aho and
// Corasick, 1975). The children of a node stand side by side: a node costs 17
// bytes and no map, and ten thousand literals are built in milliseconds. The
// nodes near the root, where a text spends its time, are numbered breadth
// first and have a table of all their steps; those behind them depth first, so
// that a literal goes on in the memory that was just read. It is safe for
// concurrent use.
type Automaton struct {
	nodes []node   // the root first
	label []byte   // byte that leads to the node
	table []uint32 // rows of 256 complete steps for the first nodes: 2*node, +1 where a literal ends there
	next  []uint32 // of each literal, the one that ends at the same place and comes after it: literal+1, 0 for none
}

// node is a beginning of a literal.
type node struct {
	first uint32 // child; its siblings follow it
	fail  uint32 // longest proper suffix that is a node
	found uint32 // literal+1 of the nearest suffix, itself included, that is one
	kids  uint16
	label byte // of the first child, which mostly is the only one
}

const (
	tabled    = 1024 // nodes with a row: more of them push each other out of the processor's cache
	rowLength = 256
)

// New builds an automaton for literals, which must be folded like the text.
// Empty literals never match. Equal literals are each reported.
func New(literals []string) *Automaton { return (&Automaton{}).build(literals, tabled) }

// build makes the automaton, with a table of rows nodes.
func (a *Automaton) build(literals []string, rows int) *Automaton {
	order := make([]int, 0, len(literals))
	size := 1
	for i, l := range literals {
		if l != "" {
			order = append(order, i)
			size += len(l)
		}
	}
	slices.SortFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(literals[x], literals[y]), cmp.Compare(x, y))
	})
	a.next = make([]uint32, len(literals))
	a.grow(literals, order, size, rows)
	a.link(rows)
	return a
}

// branch is a node of the trie: the sorted literals that begin with it.
type branch struct {
	node          uint32
	lo, hi, depth int
}

// grow builds the trie of the sorted literals.
func (a *Automaton) grow(literals []string, order []int, size, rows int) {
	a.label = make([]byte, 1, size)
	a.nodes = make([]node, 1, size)
	todo := []branch{{hi: len(order)}}
	for len(todo) > 0 && len(a.nodes) < rows { // breadth first
		todo = append(todo[1:], a.children(todo[0], literals, order)...)
	}
	slices.Reverse(todo)
	for len(todo) > 0 {
		b := todo[len(todo)-1]
		kids := a.children(b, literals, order)
		slices.Reverse(kids)
		todo = append(todo[:len(todo)-1], kids...)
	}
}

// children gives a node its literals, and its children their numbers.
func (a *Automaton) children(b branch, literals []string, order []int) (kids []branch) {
	x := &a.nodes[b.node]
	for b.lo < b.hi && len(literals[order[b.lo]]) == b.depth {
		if literal := uint32(order[b.lo]); x.found == 0 {
			x.found = literal + 1
		} else {
			a.next[order[b.lo-1]] = literal + 1
		}
		b.lo++
	}
	x.first = uint32(len(a.nodes))
	for b.lo < b.hi {
		c := literals[order[b.lo]][b.depth]
		hi := b.lo + 1
		for hi < b.hi && literals[order[hi]][b.depth] == c {
			hi++
		}
		kids = append(kids, branch{uint32(len(a.label)), b.lo, hi, b.depth + 1})
		a.label = append(a.label, c)
		b.lo = hi
	}
	if x.kids = uint16(len(kids)); len(kids) > 0 {
		x.label = a.label[x.first]
	}
	a.nodes = append(a.nodes, make([]node, len(kids))...)
	return kids
}

// link gives each node its suffixes, and the first ones their rows: a row is
// that of the node's suffix but for the children.
func (a *Automaton) link(rows int) {
	a.table = make([]uint32, 0, min(rows, len(a.nodes))*rowLength)
	queue := make([]uint32, 1, len(a.nodes)) // breadth first: a suffix is shorter than what it ends
	for i := 0; i < len(queue); i++ {
		n := queue[i]
		x := &a.nodes[n]
		for kid := x.first; kid < x.first+uint32(x.kids); kid++ {
			queue = append(queue, kid)
			f := uint32(0)
			if n != 0 {
				f = a.step(x.fail, a.label[kid])
			}
			k := &a.nodes[kid]
			k.fail = f
			if k.found == 0 {
				k.found = a.nodes[f].found
				continue
			}
			last := k.found - 1
			for a.next[last] != 0 { // equal literals
				last = a.next[last] - 1
			}
			a.next[last] = a.nodes[f].found
		}
		if len(a.table) < cap(a.table) {
			row := a.row(n)
			a.table = append(a.table, row[:]...)
		}
	}
}

func (a *Automaton) row(n uint32) (row [rowLength]uint32) {
	from := &a.nodes[n]
	if n != 0 {
		copy(row[:], a.table[from.fail*rowLength:])
	}
	for kid := from.first; kid < from.first+uint32(from.kids); kid++ {
		c := a.label[kid]
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
		for at := a.nodes[n].found; at != 0; at = a.next[at-1] {
			found(int(at-1), i)
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
