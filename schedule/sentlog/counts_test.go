package sentlog

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestCounts(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"CSV":        {"\ufeffdate,stream,sent\n2026-11-24,news,1200\n2026-11-24,news,300\n 2026-11-25 , shop,7\n", "2026-11-24 news 1500, 2026-11-25 shop 7"},
		"semicolons": {"Sent;Date\r\n5;2026-11-24\r\n", "2026-11-24  5"},
		"JSON lines": {"{\"date\":\"2026-11-24\",\"stream\":\"news\",\"sent\":12}\n\n{\"date\":\"2026-11-25\",\"sent\":\"3\"}\n", "2026-11-24 news 12, 2026-11-25  3"},
		"SES": {`{"SendDataPoints":[{"Timestamp":"2026-11-24T23:45:00+00:00","DeliveryAttempts":10,"Bounces":1,"Complaints":0,"Rejects":0},
			{"Timestamp":"2026-11-24T00:00:00Z","DeliveryAttempts":5},{"Timestamp":"2026-11-25T00:15:00Z","DeliveryAttempts":1}]}`, "2026-11-24  15, 2026-11-25  1"},
		"SendGrid":  {`[{"date":"2026-11-24","stats":[{"metrics":{"requests":20,"delivered":18}}]}]`, "2026-11-24  20"},
		"Postmark":  {`{"Days":[{"Date":"2026-11-24","Sent":140}],"Sent":140}`, "2026-11-24  140"},
		"Mailgun":   {`{"stats":[{"time":"Tue, 24 Nov 2026 00:00:00 UTC","accepted":{"incoming":0,"outgoing":9,"total":9}}]}`, "2026-11-24  9"},
		"SparkPost": {`{"results":[{"count_targeted":34,"count_delivered":30,"ts":"2026-11-24T12:00:00Z"}]}`, "2026-11-24  34"},

		"broken rows": {"date,sent\nyesterday,1\n2026-11-24,-3\n2026-11-24,1\n2026-11-24\n", `line 2: "yesterday" is no date: write it as 2026-11-25
line 3: "-3" is no number of recipients
line 5: wrong number of fields`},
		"no header":    {"2026-11-24,news,12\n", `line 1: the header "2026-11-24,news,12" names no date and sent: write "date,stream,sent"`},
		"broken lines": {"{\"date\":\"2026-11-24\",\"sent\":1}\n{\"date\":\"2026-11-24\",\"sent\":1.5}\n{\n", "line 2: \"1.5\" is no number of recipients\nline 3: unexpected end of JSON input"},
		"else":         {`{"data":[]}`, errService.Error()},
		"nothing":      {" \n", "reading counts: the file is empty"},
		"SparkPost without counts": {`{"results":[{"ts":"2026-11-24T12:00:00Z","count_clicked":1}]}`,
			"reading counts of SparkPost: 2026-11-24T12:00:00Z has neither count_targeted nor count_sent"},
	} {
		out, err := Counts(strings.NewReader(tt.in))
		var got []string
		for _, c := range out {
			got = append(got, fmt.Sprintf("%s %s %d", c.Day.Format("2006-01-02"), c.Stream, c.Sent))
		}
		text := strings.Join(got, ", ")
		if err != nil {
			text = err.Error()
		}
		if text != tt.want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, text, tt.want)
		}
	}
}

func TestDecompress(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("a line\n")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{packed.String(), "a line\n"} {
		r, err := Decompress(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		if out, err := io.ReadAll(r); err != nil || string(out) != "a line\n" {
			t.Errorf("%q %v", out, err)
		}
	}
	if _, err := Decompress(strings.NewReader("\xfd7zXZ\x00")); err == nil || !strings.Contains(err.Error(), "xzcat") {
		t.Errorf("xz: %v", err)
	}
	if r, err := Decompress(strings.NewReader("x")); err != nil {
		t.Error(err)
	} else if b, _ := io.ReadAll(r); string(b) != "x" {
		t.Errorf("%q", b)
	}
}
