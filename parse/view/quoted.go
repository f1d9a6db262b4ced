package view

import "bytes"

// unquote takes a prefix off that at least 80 % of the first lines share, as
// list servers, help desks and James put before what they return.
func unquote(b []byte) []byte {
	for _, prefix := range []string{"> ", "| ", ">", "    ", "  "} {
		lines, with := 0, 0
		for line := range bytes.Lines(b) {
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			if lines++; bytes.HasPrefix(line, []byte(prefix)) {
				with++
			}
			if lines == 50 {
				break
			}
		}
		if lines < 3 || with*5 < lines*4 {
			continue
		}
		var out bytes.Buffer
		for line := range bytes.Lines(b) {
			if rest, ok := bytes.CutPrefix(line, []byte(prefix)); ok {
				line = rest
			} else if len(bytes.TrimSpace(line)) > 0 && string(bytes.TrimSpace(line)) == string(bytes.TrimSpace([]byte(prefix))) {
				line = []byte("\n")
			}
			out.Write(line)
		}
		return out.Bytes()
	}
	return b
}
