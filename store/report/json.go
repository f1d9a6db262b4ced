package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes the report as one object (docs/report.schema.json).
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
