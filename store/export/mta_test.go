package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/store/export/mtatest"
)

func runWith(t *testing.T, stdin, bin string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		t.Fatalf("%s: %v\n%s", bin, err, errs.String())
	}
	return string(out)
}

// rows are the addresses of a written table, by the profile's own reader.
func rows(t *testing.T, to Target) (out []string) {
	t.Helper()
	f, err := os.Open(to.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, err := range to.Profile.form.read(f) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, name)
	}
	return out
}

// dotAtoms are the names that a mail server takes in general, and writes no
// otherwise when it looks for them: the others it may refuse in its own words.
func dotAtoms(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(a string) bool {
		at := strings.LastIndexByte(a, '@')
		local, domain := a[:at], a[at+1:]
		return strings.ContainsAny(local, `;:[],"\ `) || strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") ||
			len(local) > 64 || strings.ContainsAny(domain, "[_") || strings.HasSuffix(domain, ".") || !strings.Contains(domain, ".") || len(a) > 254 ||
			slices.ContainsFunc(strings.Split(domain, "."), func(label string) bool { return len(label) > 63 })
	})
}

// Postfix finds every address that was written, in any case, and no other.
func TestPostmapFindsEveryRow(t *testing.T) {
	postmap := mtatest.Program(t, "HARVESTER_POSTMAP", "postmap")
	conf := t.TempDir()
	if err := os.WriteFile(filepath.Join(conf, "main.cf"), []byte("compatibility_level = 3.6\nmail_owner = daemon\nsetgid_group = mail\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, profile := range []string{"postfix-access", "postfix-transport"} {
		to := target(t, profile, t.TempDir())
		mustWrite(t, nasty(), to)
		asked := append(rows(t, to), "JANE.DOE@EXAMPLE.COM", "karl@bücher.example", "nobody@example.com", "doe@example.com")
		got := runWith(t, strings.Join(asked, "\n")+"\n", postmap, "-c", conf, "-q", "-", "texthash:"+to.Path)
		for _, a := range asked[:len(asked)-2] {
			if !strings.Contains("\n"+got, "\n"+a+"\t") {
				t.Errorf("%s: postmap does not find %q", profile, a)
			}
		}
		for _, a := range asked[len(asked)-2:] {
			if strings.Contains("\n"+got, "\n"+a+"\t") {
				t.Errorf("%s: postmap finds %q, which is not on the list", profile, a)
			}
		}
		line := strings.NewReplacer("/var/lib/harvester/export/postfix-access", to.Path, "jane@", "jane.doe@", "example.net", "example.com").Replace(manual(t, "then `postfix reload`. It works when"))
		if said := runWith(t, "", postmap, append([]string{"-c", conf}, strings.Fields(line)[1:]...)...); !strings.Contains(said, "suppressed by harvester") {
			t.Errorf("%s: %q", line, said)
		}
		version := runWith(t, "", strings.TrimSuffix(postmap, "postmap")+"postconf", "-c", conf, "-h", "mail_version")
		renew(t, profile, "Postfix", strings.TrimSpace(version))
	}
}

// Exim with the lines of the manual refuses every address that was written when
// a client names it, and no other. -bh plays an SMTP session without delivering anything.
func TestEximRefusesEveryRow(t *testing.T) {
	exim := mtatest.Program(t, "HARVESTER_EXIM", "exim4", "exim")
	for profile, search := range map[string]string{"exim": "lsearch", "exim-cdb": "cdb"} {
		t.Run(profile, func(t *testing.T) { eximRefuses(t, exim, profile, search) })
	}
}

func eximRefuses(t *testing.T, exim, profile, search string) {
	// Exim gives up root's rights, so t.TempDir, which is private, won't do.
	dir, err := os.MkdirTemp("", "exim")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	to := target(t, profile, dir)
	mustWrite(t, nasty(), to)
	if err := errors.Join(os.Chmod(dir, 0o777), os.Chmod(to.Path, 0o644)); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "exim.conf")
	deny := strings.ReplaceAll(manual(t, "At the beginning of the ACL that `acl_smtp_rcpt` names:"), "cdb;/var/lib/harvester/export/suppressed.cdb", search+";"+to.Path)
	// The same file for mail that is handed in locally: a redirect router.
	text := fmt.Sprintf(`primary_hostname = mail.example.org
smtputf8_advertise_hosts = *
log_file_path = %[1]s/%%slog
spool_directory = %[1]s
acl_smtp_rcpt = rcpt
begin acl
rcpt:
%[4]s
  accept
begin routers
suppressed:
  driver = redirect
  allow_fail
  data = ${lookup{${lc:$local_part@$domain}}%[3]s{%[2]s}{:fail: suppressed}fail}
others:
  driver = accept
  transport = dump
begin transports
dump:
  driver = appendfile
  file = /dev/null
`, dir, to.Path, search, deny)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	asked := append(dotAtoms(rows(t, to)), "JANE.DOE@EXAMPLE.COM", "nobody@example.com", "doe@example.com")
	session := "EHLO client.example.org\r\nMAIL FROM:<news@example.org> SMTPUTF8\r\n"
	for _, a := range asked {
		session += "RCPT TO:<" + a + ">\r\n"
	}
	got := runWith(t, session+"QUIT\r\n", exim, "-C", conf, "-bh", "192.0.2.9")
	var answers []string
	for _, line := range strings.Split(got, "\n") {
		if line = strings.TrimRight(line, "\r"); strings.HasPrefix(line, "550 ") || strings.HasPrefix(line, "501 ") || line == "250 Accepted" {
			answers = append(answers, line)
		}
	}
	if len(answers) != len(asked) {
		t.Fatalf("%d answers to %d recipients:\n%s", len(answers), len(asked), got)
	}
	// exim -bt has no SMTPUTF8 and takes no domain in Unicode.
	local := slices.DeleteFunc(slices.Clone(asked), func(a string) bool { return !isASCII(a[strings.LastIndexByte(a, '@'):]) })
	routed := strings.ToLower("\n" + runWith(t, "", exim, append([]string{"-C", conf, "-bt", "--"}, local...)...))
	for i, a := range asked {
		want, route := "550 suppressed", " is undeliverable: suppressed"
		if i >= len(asked)-2 {
			want, route = "250 Accepted", "\n  router = others, transport = dump"
		}
		if answers[i] != want {
			t.Errorf("%s: %s, want %s", a, answers[i], want)
		}
		if slices.Contains(local, a) && !strings.Contains(routed, strings.ToLower("\n"+a+route)) {
			t.Errorf("exim -bt %s: want %q in\n%s", a, route, routed)
		}
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(runWith(t, "", exim, "-bV"), "Exim version "), " ")
	renew(t, profile, "Exim", version)
}
