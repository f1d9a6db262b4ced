package mime

import "testing"

func TestParamOfBrokenContentTypes(t *testing.T) {
	tests := []struct{ value, typ, name, want string }{
		{`multipart/report; boundary="a b"; report-type=delivery-status`, "multipart/report", "boundary", "a b"},
		{`multipart/report; report-type=delivery-status; boundary=a/b=c:d?e(f)g`, "multipart/report", "boundary", "a/b=c:d?e(f)g"},
		{`multipart/report; boundary="abc; report-type=delivery-status`, "multipart/report", "boundary", "abc"},
		{`multipart/report;; boundary=abc;`, "multipart/report", "boundary", "abc"},
		{`multipart/report boundary="abc"`, "multipart/report", "boundary", "abc"},
		{`multipart/report (a comment); boundary = "abc"`, "multipart/report", "boundary", "abc"},
		{`multipart/report; x="a; boundary=no"; boundary=abc`, "multipart/report", "boundary", "abc"},
		{`multipart/report; boundary=abc; boundary=def`, "multipart/report", "boundary", "abc"},
		{`multipart/report; boundary="a\"b"`, "multipart/report", "boundary", `a"b`},
		{`Text/Plain; charset=`, "text/plain", "charset", ""},
		{`text/plain; charset="utf-8;"`, "text/plain", "charset", "utf-8;"},
		{`text; charset=x`, "text/plain", "charset", "x"},
		{`"text/plain"; charset=x`, "text/plain", "charset", "x"},
		{`garbage`, "", "charset", ""},
		{`application/pdf; name*=utf-8'de'%C3%A4.pdf`, "application/pdf", "name", "ä.pdf"},
		{`application/pdf; name*0="long "; name*1="name.pdf"`, "application/pdf", "name", "long name.pdf"},
		{`application/pdf; name*0*=iso-8859-1''%E4; name*1*=%F6`, "application/pdf", "name", "äö"},
	}
	for _, tt := range tests {
		if got := mediaType(tt.value); got != tt.typ {
			t.Errorf("mediaType(%q) = %q, want %q", tt.value, got, tt.typ)
		}
		if got := param(tt.value, tt.name); got != tt.want {
			t.Errorf("param(%q, %q) = %q, want %q", tt.value, tt.name, got, tt.want)
		}
	}
}
