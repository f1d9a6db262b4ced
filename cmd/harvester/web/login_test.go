package web

import (
	"net/http"
	"testing"
	"time"
)

// Who has signed out is out, with the cookie kept elsewhere, too; others stay in.
func TestSigningOutEndsTheSession(t *testing.T) {
	c := start(t, nil)
	cookie := func() string { return cookieName + "=" + newSession(token).seal(time.Now().Unix()+100) }
	mine, other := cookie(), cookie()
	if mine == other {
		t.Fatal("two sessions of one cookie")
	}
	c.want(http.StatusOK, "", "GET", "/", "", "Authorization", "", "Cookie", mine)
	c.want(http.StatusSeeOther, "", "POST", "/logout", "", "Authorization", "", "Cookie", mine)
	c.want(http.StatusSeeOther, "", "GET", "/", "", "Authorization", "", "Cookie", mine)
	c.want(http.StatusOK, "", "GET", "/", "", "Authorization", "", "Cookie", other)
}

// After some wrong tokens none is looked at for a while, each time for longer; a
// right one makes all good.
func TestWrongTokensWait(t *testing.T) {
	var tries tries
	now := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	for range fewWrong {
		if d := tries.wait(now); d != 0 {
			t.Fatal(d)
		}
	}
	for n, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute} {
		if d := tries.wait(now); d != want {
			t.Errorf("%d: %s, want %s", n, d, want)
		}
		now = now.Add(want)
		if d := tries.wait(now); d != 0 {
			t.Errorf("%d: still %s", n, d)
		}
	}
	tries.right()
	if d := tries.wait(now); d != 0 {
		t.Error(d)
	}

	c := start(t, nil)
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	answered := make(chan int, 2*fewWrong)
	for range cap(answered) {
		go func() { answered <- c.ask("POST", "/login", "token=wrong", form...).Status }()
	}
	got := map[int]int{}
	for range cap(answered) {
		got[<-answered]++
	}
	if got[http.StatusForbidden] == 0 || got[http.StatusTooManyRequests] == 0 {
		t.Errorf("answers by status: %v", got)
	}
}
