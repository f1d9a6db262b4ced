package count

import "testing"

func TestOf(t *testing.T) {
	for _, tt := range []struct {
		n           int
		thing, want string
	}{
		{1, "failure", "1 failure"}, {0, "failure", "0 failures"}, {2, "failure", "2 failures"}, {4812, "failure", "4,812 failures"},
		{1, "address", "1 address"}, {3, "address", "3 addresses"}, {2, "mailbox", "2 mailboxes"}, {2, "reply", "2 replies"}, {2, "entry", "2 entries"},
		{2, "day", "2 days"}, {2, "failing job", "2 failing jobs"}, {2, "mail of ours", "2 mails of ours"}, {1, "mail of ours", "1 mail of ours"},
		{2, "reply without a meaning", "2 replies without a meaning"}, {2, "notice that nobody could read", "2 notices that nobody could read"},
		{1234567, "batch", "1,234,567 batches"}, {-1000, "day", "-1,000 days"},
	} {
		if got := Of(tt.n, tt.thing); got != tt.want {
			t.Errorf("Of(%d, %q) = %q, want %q", tt.n, tt.thing, got, tt.want)
		}
	}
	if Verb(1, "is", "are") != "is" || Verb(0, "is", "are") != "are" {
		t.Error("verbs")
	}
}
