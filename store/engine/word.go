package engine

import (
	"fmt"
	"strings"
)

// Word is a word of ours as the text of a statement has it: 'bounce'. Words
// come from the types that define them, never from outside. (As an argument
// they would hide from the planner which partial index serves.)
func Word(w fmt.Stringer) string { return "'" + w.String() + "'" }

// Words are several of them, as they stand behind IN: ('bounce', 'complaint').
func Words(list ...fmt.Stringer) string {
	quoted := make([]string, len(list))
	for i, w := range list {
		quoted[i] = Word(w)
	}
	return "(" + strings.Join(quoted, ", ") + ")"
}
