package facts

import (
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"

	"harvester/fixtures"
	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/envelope"
	"harvester/store/engine"
)

// sameTimes makes equal times equal values.
func sameTimes(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			sameTimes(v.Elem())
		}
	case reflect.Struct:
		if at, ok := v.Addr().Interface().(*time.Time); ok {
			if !at.IsZero() {
				*at = time.UnixMilli(at.UnixMilli()).UTC()
			}
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				sameTimes(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Len() == 0 && !v.IsNil() { // none is none
			v.SetZero()
		}
		for i := range v.Len() {
			sameTimes(v.Index(i))
		}
	}
}

func through(t *testing.T, a Arrival) Arrival {
	t.Helper()
	body, err := encodeArrival(&a)
	if err != nil {
		t.Fatal(err)
	}
	var out Arrival
	if err := decodeArrival(body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// What the sample mail says is the same after it was handed in.
func TestArrivalKeepsAll(t *testing.T) {
	n := 0
	err := fs.WalkDir(fixtures.FS, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".eml") {
			return err
		}
		raw, err := fixtures.FS.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		it := Item{Result: parse.Parse(raw, nil), Disposition: harvest.Move, Target: "Done",
			Message: harvest.Message{Locator: harvest.Locator{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 3, UID: 7}, Raw: raw, Received: time.Unix(1700000000, 0)}}
		engine.Clean(&it.Result)
		got := through(t, Arrival{Batch: Batch{Items: []Item{it}}}).Batch.Items[0]
		want := it
		want.Message.Hash = got.Message.Hash // it is worked out when it is missing
		want.Message.Size = int64(len(raw))
		want.Message.Raw = got.Message.Raw
		if kept := got.Message.Raw != nil; kept != puzzling(&it.Result) || kept && len(got.Message.Raw) != min(len(raw), RawCap) {
			t.Errorf("%s: %d bytes are kept", path, len(got.Message.Raw))
		}
		sameTimes(reflect.ValueOf(&got).Elem())
		sameTimes(reflect.ValueOf(&want).Elem())
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v\n%+v", path, got, want)
		}
		return nil
	})
	if err != nil || n < 500 {
		t.Fatal(n, err)
	}
}

// Every field that a batch has comes through, whatever a mail writes there.
func TestArrivalKeepsEveryField(t *testing.T) {
	far := parse.Time{Time: time.Date(91234, 5, 6, 7, 8, 9, 0, time.UTC)}
	var it Item
	every(reflect.ValueOf(&it.Result).Elem())
	it.Result.Date, it.Result.Arrival, it.Result.Received = far, far, far
	it.Result.Sent = &envelope.Sent{Recipient: "a@example.net", Signed: true, Day: 9, Key: 2}
	it.Result.Provenance.Signature = &parse.Signature{Domain: "d", Selector: "s", Mail: "m", Recipients: []string{"r"}, From: far, To: far, Problem: "p"}
	it.Message = harvest.Message{Locator: harvest.Locator{Mailbox: "m", Folder: "f", UIDValidity: 1, UID: 2, Name: "n"}, Size: 5, Hash: [32]byte{1}, Received: far.Time,
		Truncated: true, Gone: true, Again: true, Poison: errors.New("refused")}
	it.Disposition, it.Target = harvest.Delete, "t"
	a := Arrival{
		Batch:   Batch{Items: []Item{it}, Copies: []Copy{{Message: it.Message, Copy: parse.Copy{Mail: it.Result.Original, Recipients: []string{"b@example.net"}, Date: far}}}},
		Settled: []harvest.Settlement{{Locator: it.Message.Locator, Disposition: harvest.Move, Target: "t"}},
		Sent:    []Sent{{MessageID: "i", Recipient: "r", Stream: "s", Sender: "x", At: far.Time}},
	}
	got := through(t, a)
	for i := range got.Sent {
		sameTimes(reflect.ValueOf(&got.Sent[i]).Elem())
	}
	sameTimes(reflect.ValueOf(&got).Elem())
	sameTimes(reflect.ValueOf(&a).Elem())
	if !reflect.DeepEqual(got, a) {
		t.Errorf("\n%+v\n%+v", got, a)
	}
	for _, fault := range [][]byte{nil, []byte("x"), {0x28, 0xb5, 0x2f, 0xfd}} {
		if err := decodeArrival(fault, &Arrival{}); err == nil {
			t.Errorf("%x is read", fault)
		}
	}
}

// every gives a value to every field.
func every(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			v.Set(reflect.ValueOf(time.UnixMilli(1700000000000).UTC()))
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				every(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			every(v.Index(i))
		}
	case reflect.String:
		v.SetString("x\u00e9\n\"")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(3)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Float64:
		v.SetFloat(0.5)
	}
}
