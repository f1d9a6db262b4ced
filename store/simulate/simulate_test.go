package simulate

import (
	"context"
	"testing"
)

func TestScenarios(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Load(name)
			if err != nil {
				t.Fatal(err)
			}
			if testing.Short() && s.Recipients > 10000 {
				t.Skip("large: run without -short")
			}
			r, err := Run(context.Background(), s, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range r.Failures {
				t.Error(f)
			}
			if t.Failed() {
				for _, d := range r.Days {
					if d.Mailed+d.Failed > 0 {
						t.Logf("%+v", d)
					}
				}
				for _, in := range r.Incidents {
					t.Logf("incident %s: %d, %d receivers", in.ID, in.Count, len(in.Receivers))
				}
			}
		})
	}
}

func TestUnknownScenario(t *testing.T) {
	if _, err := Load("nonsense"); err == nil {
		t.Error("no error")
	}
}
