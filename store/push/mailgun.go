package push

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"harvester/store/export"
)

func mailgun() Service {
	type record struct {
		Address string   `json:"address"`
		Code    string   `json:"code,omitempty"`
		Error   string   `json:"error,omitempty"`
		Tags    []string `json:"tags,omitempty"`
		Created string   `json:"created_at"`
	}
	return Service{
		Name:     "mailgun",
		For:      "Mailgun, bounces, complaints and unsubscribes of one sending domain",
		Settings: "list: the sending domain; key: an API key; url: https://api.eu.mailgun.net for domains in the EU.",
		Removal:  "DELETE, one at a time.",
		Evidence: "documentation.mailgun.com, api-reference, bounces; 1,000 addresses a call",
		Loses:    []string{"when an entry expires", "operator's decisions become bounces"},
		URL:      "https://api.mailgun.net",
		Batch:    1000, Rate: 5,
		profile: "ndjson", needs: []string{"list", "key"},
		list: func(k export.Kind) string {
			switch k {
			case export.Complaint:
				return "complaints"
			case export.Unsubscribe:
				return "unsubscribes"
			case export.SoftBounce, export.HardBounce, export.Manual:
			}
			return "bounces"
		},
		authorize: func(r *http.Request, s *Settings, _ []byte) { r.SetBasicAuth("api", s.Key) },
		add: func(ctx context.Context, c *conn, list string, items []Item) ([]string, error) {
			records := make([]record, len(items))
			for i := range items {
				records[i] = record{Address: items[i].Name, Created: items[i].Since.UTC().Format(time.RFC1123Z)}
				switch list {
				case "bounces":
					code := items[i].ReplyCode
					if code < 500 || code > 599 { // a final failure, whatever the last reply was
						code = 550
					}
					records[i].Code, records[i].Error = strconv.Itoa(code), items[i].Why()
				case "unsubscribes":
					records[i].Tags = []string{"*"}
				}
			}
			_, err := c.json(ctx, http.MethodPost, "/v3/"+escape(c.s.List)+"/"+list, records)
			return nil, err
		},
		remove: each(func(ctx context.Context, c *conn, list string, i *Item) error {
			return c.delete(ctx, "/v3/"+escape(c.s.List)+"/"+list+"/"+escape(i.Name))
		}),
	}
}
