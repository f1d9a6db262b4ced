package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"harvester/parse/count"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// How a request is tried again. A target that asks for a longer pause is left
// alone until the next run.
const (
	tries        = 6
	firstPause   = time.Second     // doubled with each try
	longestPause = 5 * time.Minute // between two tries
	answerLimit  = 4 << 20         // bytes
	saidLimit    = 300             // bytes of an answer that an error quotes
)

// Refusal is an answer by which the target does not take a request, and would
// not take it a second time.
type Refusal struct {
	Status int
	Said   string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("the answer is %d %s: %q", r.Status, http.StatusText(r.Status), r.Said)
}

// content tells that the target does not like what was sent, rather than who
// sent it or where to.
func (r *Refusal) content() bool {
	return r.Status == http.StatusBadRequest || r.Status == http.StatusRequestEntityTooLarge || r.Status == http.StatusUnprocessableEntity
}

// conn is one run's conversation with a target: one request after the other,
// none sooner than the rate allows.
type conn struct {
	s    *Settings
	next time.Time // when the next request may leave
	n    int       // requests so far
}

// request is what is sent; its path lies below the target's URL.
type request struct {
	method, path string
	contentType  string
	header       http.Header
	body         []byte
}

// json sends v as the body and returns the answer's.
func (c *conn) json(ctx context.Context, method, path string, v any) ([]byte, error) {
	body, err := marshal(v)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, request{method: method, path: path, contentType: "application/json", body: body})
}

// delete asks for one thing to be taken away; one that is gone is fine.
func (c *conn) delete(ctx context.Context, path string) error {
	_, err := c.send(ctx, request{method: http.MethodDelete, path: path})
	var no *Refusal
	if errors.As(err, &no) && no.Status == http.StatusNotFound {
		return nil
	}
	return err
}

// send sends a request until it is answered for good. Its errors name the
// target's host and nothing else of its URL, which may hold a key.
func (c *conn) send(ctx context.Context, r request) ([]byte, error) {
	u, err := url.Parse(c.s.URL + r.path)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("the url is no http or https address")
	}
	pause := firstPause
	for try := 1; ; try++ {
		body, wait, err := c.once(ctx, u, r)
		if wait < 0 {
			if err != nil {
				err = fmt.Errorf("%s %s: %w", r.method, u.Host, err)
			}
			return body, err
		}
		wait = max(wait, pause)
		if try == tries || wait > longestPause {
			return nil, fmt.Errorf("%s %s: %w (given up after %s; the next run goes on from here)", r.method, u.Host, err, count.Of(try, "try"))
		}
		if err := c.sleep(ctx, wait); err != nil {
			return nil, err
		}
		pause *= 2
	}
}

// once sends a request once. A wait that is not negative asks for another try
// after so long a time.
func (c *conn) once(ctx context.Context, u *url.URL, r request) (said []byte, wait time.Duration, err error) {
	if err := c.pace(ctx); err != nil {
		return nil, -1, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.s.timeout())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, -1, errors.New("the request can't be made: is the method one of HTTP's?")
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "harvester")
	if c.s.Service.authorize != nil {
		c.s.Service.authorize(req, c.s, r.body)
	}
	res, err := c.s.client().Do(req)
	var secret *url.Error
	if errors.As(err, &secret) {
		err = secret.Err // without the URL
	}
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	said, err = io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return nil, 0, fmt.Errorf("reading the answer: %w", err)
	}
	if res.StatusCode/100 == 2 {
		return said, -1, nil
	}
	quote := strings.TrimSpace(string(said[:min(len(said), saidLimit)]))
	no := &Refusal{res.StatusCode, strings.ToValidUTF8(quote, "")}
	switch {
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode == http.StatusRequestTimeout, res.StatusCode >= 500:
		return nil, retryAfter(res.Header.Get("Retry-After"), c.s.now()), no
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		return nil, -1, fmt.Errorf("%w (is the key right, and may it change suppressions?)", no)
	}
	return nil, -1, no
}

// retryAfter reads a Retry-After: seconds or a date (RFC 9110 §10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// pace waits for the turn of the next request.
func (c *conn) pace(ctx context.Context) error {
	now := c.s.now()
	if wait := c.next.Sub(now); wait > 0 {
		if err := c.sleep(ctx, wait); err != nil {
			return err
		}
		now = c.next
	}
	c.next = now.Add(time.Duration(float64(time.Second) / c.s.rate()))
	c.n++
	return ctx.Err()
}

func (c *conn) sleep(ctx context.Context, d time.Duration) error {
	if c.s.Sleep != nil {
		return c.s.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
