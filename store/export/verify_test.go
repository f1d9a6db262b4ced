package export

import (
	"context"
	"os"
	"strings"
	"testing"
)

func TestVerify(t *testing.T) {
	ctx := context.Background()
	for _, profile := range []string{"csv", "sparkpost", "postmark", "hashed", "postfix-access", "exim-cdb", "postal"} {
		t.Run(profile, func(t *testing.T) {
			db := openDB(t)
			fail(t, db, "jane.doe@example.com", "fred@example.net", "karl@bücher.example", "#x@example.com")
			to := target(t, profile, t.TempDir())
			to.Profile.MaxRows = 2 // several parts
			check := func(want ...string) {
				t.Helper()
				got, err := Verify(ctx, db, to)
				if err != nil || len(got) != len(want) {
					t.Fatalf("%q, %v; want %q", got, err, want)
				}
				for i := range want {
					if !strings.Contains(got[i], want[i]) {
						t.Errorf("%q, want %q", got[i], want[i])
					}
				}
			}
			check("has no manifest")
			if _, err := Publish(ctx, db, to); err != nil {
				t.Fatal(err)
			}
			check()
			fail(t, db, "new@example.com")
			check("export again")
			if _, err := Publish(ctx, db, to); err != nil {
				t.Fatal(err)
			}
			second := partPath(to.Path, 1)
			if err := os.Rename(second, second+".away"); err != nil {
				t.Fatal(err)
			}
			check("is missing")
			if err := os.WriteFile(second, []byte(to.Profile.form.header), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Verify(ctx, db, to)
			if err != nil || len(got) < 2 || !strings.Contains(got[0], "was changed after it was written") {
				t.Errorf("%q, %v", got, err)
			}
			to.Profile.Name = "other"
			check("not other")
		})
	}
}
