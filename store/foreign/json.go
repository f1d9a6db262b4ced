package foreign

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"harvester/parse/table"
)

// jsonRows are the objects of a file: one a line, or in an array, or in an
// object around an array, as interfaces answer and our own profiles batch them.
type jsonRows struct {
	lines *bufio.Reader // nil: the file is one document, whose objects are all in queue
	line  int
	queue []object

	names []string // of the object before, which are mostly those of the next
	head  head
}

type object struct {
	raw  json.RawMessage
	line int
}

const (
	mostDocument = 256 << 20 // bytes of a document that is not one object a line
	mostLine     = 64 << 20  // bytes of a line
)

func openJSON(in io.ReadSeeker) (*jsonRows, error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(in, 256<<10)
	first, err := r.ReadBytes('\n')
	for err == nil && len(bytes.TrimSpace(first)) == 0 {
		first, err = r.ReadBytes('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if json.Valid(first) {
		r.Reset(in)
		return &jsonRows{lines: r}, nil
	}
	all, err := io.ReadAll(io.LimitReader(in, mostDocument+1))
	if err != nil {
		return nil, err
	}
	if len(all) > mostDocument {
		return nil, fmt.Errorf("it is one JSON document of more than %d MB: write one object a line (jq -c '.[]')", mostDocument>>20)
	}
	j := &jsonRows{}
	for d := json.NewDecoder(bytes.NewReader(all)); ; {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return j, nil
		}
		at := int(d.InputOffset())
		if err != nil {
			var syntax *json.SyntaxError
			if errors.As(err, &syntax) {
				at = min(int(syntax.Offset), len(all))
			}
			return nil, fmt.Errorf("line %d: it is no JSON: %w", 1+bytes.Count(all[:at], []byte("\n")), err)
		}
		j.unpack(raw, 1+bytes.Count(all[:at-len(raw)], []byte("\n")))
	}
}

// next is the next object, as the row of a table with its keys for columns.
func (j *jsonRows) next() (head, []string, int, error) {
	for len(j.queue) == 0 {
		if j.lines == nil {
			return nil, nil, 0, io.EOF
		}
		text, err := j.lines.ReadBytes('\n')
		if len(text) > 0 {
			j.line++
		}
		switch {
		case len(text) > mostLine:
			return nil, nil, j.line, fmt.Errorf("line %d is longer than %d MB", j.line, mostLine>>20)
		case len(bytes.TrimSpace(text)) > 0 && !json.Valid(text):
			return nil, nil, j.line, &table.RowError{Line: j.line, Err: errors.New("it is no JSON")}
		case len(bytes.TrimSpace(text)) > 0:
			j.unpack(text, j.line)
		case err != nil:
			return nil, nil, 0, err
		}
	}
	o := j.queue[0]
	j.queue = j.queue[1:]
	cells := map[string]string{}
	d := json.NewDecoder(bytes.NewReader(o.raw))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		return nil, nil, o.line, &table.RowError{Line: o.line, Err: errors.New("it is no JSON object")}
	}
	flatten(cells, "", v)
	names := slices.Sorted(maps.Keys(cells))
	if !slices.Equal(names, j.names) {
		j.names, j.head = names, headOf(names)
	}
	row := make([]string, len(names))
	for i, n := range names {
		row[i] = cells[n]
	}
	return j.head, row, o.line, nil
}

// unpack queues the objects of a value, and of a list within it.
func (j *jsonRows) unpack(raw json.RawMessage, line int) {
	inner := raw
	var around map[string]json.RawMessage
	if json.Unmarshal(raw, &around) == nil {
		for name, v := range around {
			if lists[strings.ToLower(name)] {
				inner = v
			}
		}
	}
	var list []json.RawMessage
	if json.Unmarshal(inner, &list) != nil {
		j.queue = append(j.queue, object{raw, line})
		return
	}
	offset := bytes.Index(raw, inner)
	for _, v := range list {
		// Found again, to tell its line: what is equal stands in order.
		if at := bytes.Index(raw[max(offset, 0):], v); at >= 0 {
			line += bytes.Count(raw[max(offset, 0):offset+at], []byte("\n"))
			offset += at
		}
		j.queue = append(j.queue, object{v, line})
	}
}

// lists are the keys behind which interfaces answer their lists: those of SES,
// Postmark, Mailchimp, SparkPost, Mailgun and Brevo.
var lists = map[string]bool{"suppresseddestinationsummaries": true, "suppressions": true, "members": true, "results": true, "items": true, "contacts": true}

// flatten notes the values of an object, those of objects within it behind a dot.
func flatten(to map[string]string, prefix string, v map[string]any) {
	for name, value := range v {
		name = prefix + strings.ToLower(name)
		switch x := value.(type) {
		case map[string]any:
			flatten(to, name+".", x)
		case nil, []any:
		default:
			to[name] = fmt.Sprint(x)
		}
	}
}
