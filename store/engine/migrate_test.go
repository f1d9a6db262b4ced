package engine

import (
	"fmt"
	"path"
	"strings"
	"testing"
)

// The steps are numbered one after the other: two that were made side by side
// under one number would be carried out in the order of their names, and a
// database that saw one of them alone would never see it again.
func TestMigrationsAreNumbered(t *testing.T) {
	for i, name := range migrations(migrationFiles) {
		if want := fmt.Sprintf("%04d_", i+1); !strings.HasPrefix(path.Base(name), want) {
			t.Errorf("step %d is %s: number it %s", i+1, path.Base(name), want)
		}
	}
}
