package imap

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"harvester/harvest"
)

// room says that a folder's quota (RFC 9208) leaves no room for another message.
// Where the server doesn't tell there is room: a refusal shows when it comes.
func (s *session) room(ctx context.Context, target string) error {
	if !s.has(ctx, imap.CapQuota) {
		return nil
	}
	var roots []imapclient.QuotaData
	err := s.do(ctx, "asking for the quota of folder "+target, func() (err error) {
		roots, err = s.client.GetQuotaRoot(target).Wait()
		return err
	})
	if err != nil {
		s.Log.Debug("the quota can't be told", "mailbox", s.Name, "folder", target, "err", err)
		return nil
	}
	for _, root := range roots {
		for _, kind := range slices.Sorted(maps.Keys(root.Resources)) {
			if r := root.Resources[kind]; r.Usage >= r.Limit && r.Limit > 0 {
				return &harvest.Fault{Mailbox: s.Name, Step: "looking at folder " + target, Kind: harvest.ErrQuota,
					Err:  fmt.Errorf("its quota is used up: %d of %d (%s)", r.Usage, r.Limit, kind),
					Hint: "make room there, or choose another folder"}
			}
		}
	}
	return nil
}
