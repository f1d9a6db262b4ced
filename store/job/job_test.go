package job

import "testing"

// A name is written as the log, the report and JSON show it, and read back.
func TestName(t *testing.T) {
	for name, want := range map[Name]string{
		Harvest.Of("bounces"): "harvest bounces", Report.Alone(): "report", Report.Of("week"): "report week", Export.Of("a b"): "export a b",
	} {
		var back Name
		if err := back.UnmarshalText([]byte(want)); err != nil || back != name || name.String() != want {
			t.Errorf("%+v: %q, read back as %+v (%v)", name, name, back, err)
		}
	}
	var none Name
	if none.UnmarshalText(nil) == nil {
		t.Error("nothing names a job")
	}
}
