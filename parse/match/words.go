package match

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
)

// Words finds every occurrence of a set of literals that begins where a word
// or number does: not with a letter before the literal's first letter, nor with
// a digit before its first digit. Only ASCII has such letters, since many
// scripts put no blank between words.
//
// It is a trie in which a node stands for all bytes up to where literals part
// (Morrison, 1968), walked once from each beginning of a word. Most words begin
// no literal, as their first two bytes tell, and those that do need two or three
// nodes, where an automaton looks up each byte. The work is linear in the text,
// times the length of the longest literal at worst. It is safe for concurrent
// use.
type Words struct {
	starts [256]start
	pairs  []uint32    // by the classes of two bytes: the node of what begins with them, 0 for none
	width  int         // of a row of pairs
	single [256]uint32 // the literal that is one byte alone, as in stretch
	nodes  []stretch
	wide   []uint32 // rows of wideRow nodes, by the byte that leads to them, of the nodes that many others follow
	firsts []byte   // of each node, its first byte
	text   []byte   // the bytes of all nodes
	next   []uint32 // of each literal, the equal one behind it: literal+1, 0 for none
}

// start is what a byte is for the beginning of literals.
type start struct {
	class uint16 // 1 and up where one of the first two bytes of a literal is it
	kind  uint8  // of which no literal begins behind another of its kind, 0 for others
	alone bool   // a literal is this byte alone
}

// stretch is a node: some bytes, and what may follow them.
type stretch struct {
	head   uint64 // the first eight of its bytes, in the order of memory
	beyond uint64 // the first bytes of the nodes that follow, where they are up to eight; else its row of wide
	text   uint32 // where all of its bytes are
	kids   uint32 // first of the nodes that follow, side by side
	found  uint32 // 2*(literal+1) that ends with its bytes, +1 where it has equals; 0 for none
	length uint16
	parts  uint16 // how many nodes follow
}

// wideRow is the length of a row of wide: a to z and the blank, which lead to
// nearly all nodes.
const wideRow = 27

// longestStretch is what a node's length can say.
const longestStretch = 1<<16 - 1

// Found is an occurrence: the literal's index in the list that NewWords was
// given, and where it begins and ends.
type Found struct{ Literal, Start, End int32 }

// NewWords builds the trie of literals, which must be folded like the text.
// Empty literals never match. Equal literals are each reported.
func NewWords(literals []string) *Words {
	order := make([]int, 0, len(literals))
	w := &Words{width: 1, next: make([]uint32, len(literals))}
	for c := range w.starts {
		w.starts[c].kind = kinds[c]
	}
	for i, l := range literals {
		if l == "" {
			continue
		}
		order = append(order, i)
		for k := range min(len(l), 2) {
			if c := &w.starts[l[k]].class; *c == 0 {
				*c = uint16(w.width)
				w.width++
			}
		}
	}
	slices.SortFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(literals[x], literals[y]), cmp.Compare(x, y))
	})
	w.pairs = make([]uint32, w.width*w.width)
	w.nodes, w.firsts = make([]stretch, 1, 2*len(order)+1), make([]byte, 1, 2*len(order)+1)
	b := trie{Words: w, literals: literals}
	for lo := 0; lo < len(order); {
		l := literals[order[lo]]
		hi := lo + 1
		for hi < len(order) && literals[order[hi]][0] == l[0] && (len(l) == 1) == (len(literals[order[hi]]) == 1) && (len(l) == 1 || literals[order[hi]][1] == l[1]) {
			hi++
		}
		if len(l) == 1 {
			w.single[l[0]] = b.equal(order[lo:hi])
			w.starts[l[0]].alone = true
		} else {
			n := b.add(1)
			b.fill(n, order[lo:hi], 0, 2)
			*w.pair(l[0], l[1]) = uint32(n)
		}
		lo = hi
	}
	return w
}

// pair is the node of what begins with two bytes.
func (w *Words) pair(a, b byte) *uint32 {
	return &w.pairs[int(w.starts[a].class)*w.width+int(w.starts[b].class)]
}

// trie builds one.
type trie struct {
	*Words
	literals []string
}

// add makes n nodes, side by side, and returns the first.
func (b *trie) add(n int) int {
	first := len(b.nodes)
	b.nodes, b.firsts = append(b.nodes, make([]stretch, n)...), append(b.firsts, make([]byte, n)...)
	return first
}

// equal chains literals that are equal.
func (b *trie) equal(order []int) uint32 {
	for i := 1; i < len(order); i++ {
		b.next[order[i-1]] = uint32(order[i]) + 1
	}
	first := 2 * (uint32(order[0]) + 1)
	if len(order) > 1 {
		first++
	}
	return first
}

// fill makes node n that of the sorted literals of order, which share all bytes
// before end and go apart from its bytes, which begin at depth.
func (b *trie) fill(n int, order []int, depth, end int) {
	first, last := b.literals[order[0]], b.literals[order[len(order)-1]]
	for end < len(first) && end < len(last) && first[end] == last[end] && end-depth < longestStretch {
		end++
	}
	x := stretch{text: uint32(len(b.text)), length: uint16(end - depth)}
	b.text = append(b.text, first[depth:end]...)
	b.firsts[n] = first[depth]
	var head [8]byte
	copy(head[:], first[depth:end])
	x.head = binary.LittleEndian.Uint64(head[:])
	same := 0
	for same < len(order) && len(b.literals[order[same]]) == end {
		same++
	}
	if same > 0 {
		x.found = b.equal(order[:same])
		order = order[same:]
	}
	var ends []int
	for lo := 0; lo < len(order); lo = ends[len(ends)-1] {
		hi := lo + 1
		for hi < len(order) && b.literals[order[hi]][end] == b.literals[order[lo]][end] {
			hi++
		}
		ends = append(ends, hi)
	}
	x.parts = uint16(len(ends))
	x.kids = uint32(b.add(len(ends)))
	lo := 0
	for i, hi := range ends {
		b.fill(int(x.kids)+i, order[lo:hi], end, end+1)
		if len(ends) <= 8 {
			x.beyond |= uint64(b.literals[order[lo]][end]) << (8 * i)
		}
		lo = hi
	}
	if len(ends) > 8 {
		x.beyond = uint64(len(b.wide))
		b.wide = append(b.wide, make([]uint32, wideRow)...)
		for kid := x.kids; kid < x.kids+uint32(x.parts); kid++ {
			if at := wideAt(b.firsts[kid]); at < wideRow {
				b.wide[int(x.beyond)+at] = kid
			}
		}
	}
	b.nodes[n] = x
}

// Find appends each literal in folded to found: in order of their beginnings,
// shorter ones first.
func (w *Words) Find(found []Found, folded []byte) []Found {
	pairs := w.pairs
	for i := 0; i < len(folded); i++ {
		at := w.starts[folded[i]]
		if at.alone {
			found = w.add(found, w.single[folded[i]], i, i+1)
		}
		if at.class != 0 && i+1 < len(folded) {
			if n := pairs[int(at.class)*w.width+int(w.starts[folded[i+1]].class)]; n != 0 {
				found = w.walk(found, n, folded, i)
			}
		}
		if at.kind != 0 { // nothing begins within a word
			for i+1 < len(folded) && w.starts[folded[i+1]].kind == at.kind {
				i++
			}
		}
	}
	return found
}

// walk appends the literals that begin at start, of those below node n.
func (w *Words) walk(found []Found, n uint32, folded []byte, start int) []Found {
	for at := start; ; {
		x := &w.nodes[n]
		length := int(x.length)
		end := at + length
		if at+8 <= len(folded) && length <= 8 {
			if differ := binary.LittleEndian.Uint64(folded[at:]) ^ x.head; bits.TrailingZeros64(differ) < 8*length {
				return found
			}
		} else if end > len(folded) || !bytes.Equal(folded[at:end], w.text[x.text:x.text+uint32(length)]) {
			return found
		}
		if x.found != 0 {
			found = w.add(found, x.found, start, end)
		}
		if at = end; at == len(folded) || x.parts == 0 {
			return found
		}
		switch c := folded[at]; {
		case x.parts <= 8:
			// The lowest byte that is zero is the one that fits; those behind it may lie.
			differ := x.beyond ^ uint64(c)*0x0101010101010101
			zero := (differ - 0x0101010101010101) & ^differ & 0x8080808080808080
			kid := uint32(bits.TrailingZeros64(zero)) / 8
			if kid >= uint32(x.parts) {
				return found
			}
			n = x.kids + kid
		case wideAt(c) < wideRow:
			if n = w.wide[int(x.beyond)+wideAt(c)]; n == 0 {
				return found
			}
		default:
			kid := bytes.IndexByte(w.firsts[x.kids:x.kids+uint32(x.parts)], c)
			if kid < 0 {
				return found
			}
			n = x.kids + uint32(kid)
		}
	}
}

// wideAt is the place of a byte in a row of wide, wideRow and more for none.
func wideAt(c byte) int {
	if c == ' ' {
		return wideRow - 1
	}
	if c -= 'a'; c < wideRow-1 {
		return int(c)
	}
	return wideRow
}

// add appends a literal and its equals.
func (w *Words) add(found []Found, literal uint32, start, end int) []Found {
	l := literal >> 1
	found = append(found, Found{int32(l - 1), int32(start), int32(end)})
	if literal&1 != 0 {
		for l = w.next[l-1]; l != 0; l = w.next[l-1] {
			found = append(found, Found{int32(l - 1), int32(start), int32(end)})
		}
	}
	return found
}

const (
	letterKind = 1
	digitKind  = 2
)

// kinds is what a byte is for the beginning of words.
var kinds = func() (t [256]uint8) {
	for c := 'a'; c <= 'z'; c++ {
		t[c] = letterKind
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = digitKind
	}
	return t
}()
