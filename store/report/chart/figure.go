package chart

import (
	"html/template"

	"harvester/parse/count"
)

// Figure is the drawing with its legend, what it shows in words, and the table
// behind it.
func (s *Stacked) Figure() template.HTML {
	var d drawing
	d.put(`<figure class="figure"><figcaption id="`, s.ID, `-label"><span class="what">`)
	d.text(s.Label)
	d.put(`</span>`, string(s.Legend()), `</figcaption>`, string(s.SVG()), string(s.Table()), `</figure>`)
	return template.HTML(d.String()) //nolint:gosec // every text was escaped
}

// Legend names the colours.
func (s *Stacked) Legend() template.HTML {
	var d drawing
	d.put(`<span class="legend">`)
	for _, k := range s.Series {
		d.put(`<span><svg class="swatch" width="10" height="10" aria-hidden="true" focusable="false"><rect class="`, k.Class, `" width="10" height="10"/></svg>`)
		d.text(k.Label)
		d.put(`</span>`)
	}
	if len(s.Marks) > 0 {
		d.put(`<span><svg class="swatch" width="14" height="6" aria-hidden="true" focusable="false"><rect class="mark" width="14" height="6" rx="2"/></svg>incident</span>`)
	}
	d.put(`</span>`)
	return template.HTML(d.String()) //nolint:gosec // every text was escaped
}

// Table is the same in numbers, the latest first, folded away; a program that
// reads the page aloud finds it behind the drawing.
func (s *Stacked) Table() template.HTML {
	var d drawing
	d.put(`<details class="behind"><summary>The same as a table</summary><table><thead><tr><th scope="col">`)
	d.text(s.Unit)
	d.put(`</th>`)
	for _, k := range s.Series {
		d.put(`<th scope="col" class="n">`)
		d.text(k.Label)
		d.put(`</th>`)
	}
	d.put(`<th scope="col" class="n">all</th></tr></thead><tbody>`)
	for i := len(s.Columns) - 1; i >= 0; i-- {
		c := &s.Columns[i]
		d.put(`<tr><th scope="row">`)
		d.link(c.Name, c.Link)
		d.put(`</th>`)
		for _, n := range c.Values {
			d.put(`<td class="n">`, count.Number(n), `</td>`)
		}
		d.put(`<td class="n">`, count.Number(sum(c.Values)), `</td></tr>`)
	}
	d.put(`</tbody></table>`)
	if len(s.Marks) > 0 {
		d.put(`<ul>`)
		for _, m := range s.Marks {
			d.put(`<li>`)
			d.link(m.Text, m.Link)
			d.put(`</li>`)
		}
		d.put(`</ul>`)
	}
	d.put(`</details>`)
	return template.HTML(d.String()) //nolint:gosec // every text was escaped
}

// link writes a text, as a link where there is one. A link is a path of our own
// pages.
func (d *drawing) link(text, to string) {
	if len(to) < 2 || to[0] != '/' || to[1] == '/' || to[1] == '\\' {
		d.text(text)
		return
	}
	d.put(`<a href="`)
	d.text(to)
	d.put(`">`)
	d.text(text)
	d.put(`</a>`)
}
