package export

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"harvester/parse/count"
	"io"
	"iter"
	"math"
)

// A constant database, https://cr.yp.to/cdb/cdb.txt: a head of 256 pointers to
// hash tables, then the records, then the tables. All numbers are 32 bits,
// little-endian, so that a file can't outgrow 4 GB.
const (
	cdbTables = 256
	cdbHead   = cdbTables * 8 // bytes: position and slots of each table
)

// errCDBFull says that a list is too long for a cdb.
var errCDBFull = errors.New("a cdb holds at most 4 GB: narrow the export with reasons, domains or stream, or use the profile exim")

// appendCDB appends a record.
func appendCDB(b []byte, key, data string) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(key)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	return append(append(b, key...), data...)
}

func cdbHash(key []byte) uint32 {
	h := uint32(5381)
	for _, c := range key {
		h = h<<5 + h ^ uint32(c)
	}
	return h
}

// cdbSlot points to a record; at is 0 in an empty slot.
type cdbSlot struct{ hash, at uint32 }

// cdbIndex notes where the records stand, by the table that will name them.
type cdbIndex struct {
	at      uint64 // where the next record begins
	records uint64
	tables  [cdbTables][]cdbSlot
}

func newCDBIndex() *cdbIndex { return &cdbIndex{at: cdbHead} }

// add notes the records in b, which are written next.
func (x *cdbIndex) add(b []byte) error {
	for len(b) > 0 {
		key, data := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
		if err := x.note(cdbHash(b[8:8+key]), uint64(key)+uint64(data)); err != nil {
			return err
		}
		b = b[8+key+data:]
	}
	return nil
}

// note takes in a record with size bytes of key and data.
func (x *cdbIndex) note(hash uint32, size uint64) error {
	next := x.at + 8 + size
	if next+16*(x.records+1) > math.MaxUint32 { // each record takes two slots
		return errCDBFull
	}
	t := &x.tables[hash%cdbTables]
	*t = append(*t, cdbSlot{hash, uint32(x.at)})
	x.at, x.records = next, x.records+1
	return nil
}

// end writes the tables and returns the head, which stands before the records.
func (x *cdbIndex) end(w io.Writer) (head []byte, err error) {
	at := uint32(x.at)
	var slots []cdbSlot
	var b []byte
	for _, t := range x.tables {
		n := uint32(2 * len(t)) // half empty, as cdbmake leaves them
		head = binary.LittleEndian.AppendUint32(head, at)
		head = binary.LittleEndian.AppendUint32(head, n)
		at += 8 * n
		slots = append(slots[:0], make([]cdbSlot, n)...)
		for _, s := range t {
			i := s.hash / cdbTables % n
			for slots[i].at != 0 {
				i = (i + 1) % n
			}
			slots[i] = s
		}
		b = b[:0]
		for _, s := range slots {
			b = binary.LittleEndian.AppendUint32(b, s.hash)
			b = binary.LittleEndian.AppendUint32(b, s.at)
		}
		if _, err := w.Write(b); err != nil {
			return nil, err
		}
	}
	return head, nil
}

// readCDB yields the key of each record, and fails where a look-up of the key
// would not find the record. The tables must stand after the records and in
// their order, as every known writer lays them.
func readCDB(r io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		var head [cdbHead]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			yield("", fmt.Errorf("its head is too short: %w", err))
			return
		}
		x := newCDBIndex()
		end := uint64(binary.LittleEndian.Uint32(head[:]))
		for x.at < end {
			key, err := x.read(in, end)
			if err != nil {
				yield("", fmt.Errorf("record at byte %d: %w", x.at, err))
				return
			}
			if !yield(string(key), nil) {
				return
			}
		}
		if err := x.verify(in, head[:]); err != nil {
			yield("", err)
		}
	}
}

// read takes the next record in and returns its key, which is valid until the
// next read.
func (x *cdbIndex) read(in *bufio.Reader, end uint64) ([]byte, error) {
	b, err := in.Peek(8)
	if err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	key, data := int(binary.LittleEndian.Uint32(b)), int(binary.LittleEndian.Uint32(b[4:]))
	if x.at+8+uint64(key)+uint64(data) > end {
		return nil, errors.New("reaches into the tables")
	}
	b, err = in.Peek(8 + key + data) // a row of ours is far shorter than the buffer
	if err != nil {
		return nil, err
	}
	if err := x.note(cdbHash(b[8:8+key]), uint64(key)+uint64(data)); err != nil {
		return nil, err
	}
	_, err = in.Discard(8 + key + data)
	return b[8 : 8+key], err
}

// verify compares the tables with the records that were read.
func (x *cdbIndex) verify(in io.Reader, head []byte) error {
	at := x.at
	var b []byte
	for i, t := range x.tables {
		if uint64(binary.LittleEndian.Uint32(head[8*i:])) != at {
			return fmt.Errorf("table %d does not follow on what stands before it", i)
		}
		n := binary.LittleEndian.Uint32(head[8*i+4:])
		if uint64(n) != 2*uint64(len(t)) {
			return fmt.Errorf("table %d has %s for %s", i, count.Of(n, "slot"), count.Of(len(t), "record"))
		}
		at += 8 * uint64(n)
		b = append(b[:0], make([]byte, 8*n)...)
		if _, err := io.ReadFull(in, b); err != nil {
			return fmt.Errorf("table %d: %w", i, err)
		}
		for _, s := range t {
			if !cdbFinds(b, s) {
				return fmt.Errorf("the record at byte %d is not found by its key", s.at)
			}
		}
	}
	if n, err := io.Copy(io.Discard, in); n > 0 || err != nil {
		return errors.Join(fmt.Errorf("%d bytes stand after the tables", n), err)
	}
	return nil
}

// cdbFinds looks a record up in a table as every reader does: from the slot of
// its hash on, until an empty one.
func cdbFinds(table []byte, want cdbSlot) bool {
	n := uint32(len(table) / 8)
	for i := range n {
		slot := table[(want.hash/cdbTables+i)%n*8:]
		switch at := binary.LittleEndian.Uint32(slot[4:]); at {
		case 0:
			return false
		case want.at:
			return binary.LittleEndian.Uint32(slot) == want.hash
		}
	}
	return false
}
