package export

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"harvester/store/export/mtatest"
	"harvester/store/query"
)

// cdbGet looks a key up as https://cr.yp.to/cdb/cdb.txt says, by nothing but
// the bytes of the file.
func cdbGet(file []byte, key string) (data string, found bool) {
	number := func(at uint32) uint32 { return binary.LittleEndian.Uint32(file[at:]) }
	h := uint32(5381)
	for i := range len(key) {
		h = (h<<5 + h) ^ uint32(key[i])
	}
	table, slots := number(h%256*8), number(h%256*8+4)
	for i := range slots {
		slot := table + (h/256+i)%slots*8
		at := number(slot + 4)
		if at == 0 {
			return "", false
		}
		if number(slot) != h {
			continue
		}
		k := at + 8
		d := k + number(at)
		if string(file[k:d]) == key {
			return string(file[d : d+number(at+4)]), true
		}
	}
	return "", false
}

// A long list, so that tables wrap and collide: each key is found with its
// reason, in both spellings of its domain, and no other is.
func TestCDBFindsEveryKey(t *testing.T) {
	var list []query.Suppression
	for i := range 20_000 {
		list = append(list, hard(fmt.Sprintf("user%05d@example.com", i)))
	}
	list = append(list, hard("zoe@bücher.example"))
	to := target(t, "exim-cdb", t.TempDir())
	mustWrite(t, list, to)
	file, err := os.ReadFile(to.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if data, ok := cdbGet(file, e.Key); !ok || data != "user_unknown 5.1.1" {
			t.Fatalf("%s: %q, %v", e.Key, data, ok)
		}
		if _, ok := cdbGet(file, "no"+e.Key); ok {
			t.Fatalf("no%s is found", e.Key)
		}
	}
	if _, ok := cdbGet(file, "zoe@bücher.example"); !ok {
		t.Error("the domain in Unicode is not found")
	}
}

// A file past 4 GB would wrap its positions and lose addresses.
func TestCDBHoldsFourGigabytes(t *testing.T) {
	x := newCDBIndex()
	x.at = math.MaxUint32 - 16 - 8 - 100
	if err := x.note(1, 101); !errors.Is(err, errCDBFull) || !strings.Contains(err.Error(), "use the profile exim") {
		t.Errorf("one byte too many: %v", err)
	}
	if err := x.note(1, 100); err != nil {
		t.Errorf("the last byte that fits: %v", err)
	}
	if err := x.note(1, 0); !errors.Is(err, errCDBFull) {
		t.Errorf("a second record: %v", err)
	}
}

// Whatever byte of a file is lost or turned, the reader does not take it for
// the file that was written.
func TestCDBReaderSeesDamage(t *testing.T) {
	to := target(t, "exim-cdb", t.TempDir())
	mustWrite(t, []query.Suppression{hard("a@example.com"), hard("b@example.com"), hard("c@example.com")}, to)
	file, err := os.ReadFile(to.Path)
	if err != nil {
		t.Fatal(err)
	}
	read := func(file []byte) (*tally, error) {
		got := new(tally)
		for name, err := range readCDB(bytes.NewReader(file)) {
			if err != nil {
				return got, err
			}
			got.add(name)
		}
		return got, nil
	}
	want, err := read(file)
	if err != nil || want.n != 3 {
		t.Fatalf("%d addresses, %v", want.n, err)
	}
	for n := range file {
		if got, err := read(file[:n]); err == nil {
			t.Fatalf("cut at byte %d: %d addresses", n, got.n)
		}
	}
	if _, err := read(append(bytes.Clone(file), 0)); err == nil {
		t.Error("a byte too many is not seen")
	}
	reason := len("user_unknown 5.1.1")
	for n := range file {
		bad := bytes.Clone(file)
		bad[n] ^= 0x40
		if got, err := read(bad); err == nil && got.equal(want) && !inReason(file, n, reason) && !inEmptySlot(file, n) {
			t.Errorf("byte %d turned is not seen", n)
		}
	}
}

// inReason tells whether byte n is one of a text, which no look-up hangs on.
func inReason(file []byte, n, size int) bool {
	at := cdbHead
	for range 3 {
		at += 8 + len("a@example.com")
		if n >= at && n < at+size {
			return true
		}
		at += size
	}
	return false
}

// inEmptySlot tells whether byte n is one of a slot that points to nothing.
func inEmptySlot(file []byte, n int) bool {
	tables := int(binary.LittleEndian.Uint32(file))
	if n < tables {
		return false
	}
	slot := tables + (n-tables)/8*8
	return bytes.Equal(file[slot:slot+8], make([]byte, 8))
}

// Another program reads the file and, from what it dumped, makes the same one.
func TestCDBToolReadsTheFile(t *testing.T) {
	tool := mtatest.Program(t, "HARVESTER_CDB", "cdb")
	dir := t.TempDir()
	to := target(t, "exim-cdb", dir)
	mustWrite(t, nasty(), to)
	dump := runWith(t, "", tool, "-d", to.Path)
	if n := strings.Count(dump, "->"); n == 0 || !strings.Contains(dump, "+20,18:jane.doe@example.com->user_unknown 5.1.1\n") {
		t.Fatalf("%d records:\n%s", n, dump)
	}
	again := to.Path + ".again"
	if out := runWith(t, dump, tool, "-c", again); out != "" {
		t.Fatal(out)
	}
	ours, err1 := os.ReadFile(to.Path)
	theirs, err2 := os.ReadFile(again)
	if err := errors.Join(err1, err2); err != nil || !bytes.Equal(ours, theirs) {
		t.Errorf("cdb makes %d bytes of it, we made %d (%v)", len(theirs), len(ours), err)
	}
}
