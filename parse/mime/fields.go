package mime

import "bytes"

// ReadHeader reads the header block that data begins with, as far as limit
// bytes. Lines above the first field are dropped; a body need not follow.
func ReadHeader(data []byte, limit int) Header {
	r := reader{lim: Limits{HeaderBytes: limit}.orDefault()}
	data = bytes.TrimLeft(data, "\r\n")
	h, _ := r.header(r.envelope(data))
	return h
}

// Fields reads every field of data, also behind blank lines.
func Fields(data []byte) Header {
	n := bytes.Count(data, []byte{'\n'}) + 1
	return parseFields(data, min(n, 1000))
}

// FieldName returns the name of the field that line begins with, "" when line
// is no field.
func FieldName(line string) string {
	if len(line) > 300 {
		line = line[:300]
	}
	n, ok := fieldName([]byte(line))
	if !ok {
		return ""
	}
	return line[:n]
}
