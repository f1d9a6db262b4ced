package pop3

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"

	"harvester/harvest"
	"harvester/harvest/wire"
)

// client is one connection in the protocol of RFC 1939. One goroutine owns it.
type client struct {
	end  *wire.Endpoint
	conn *wire.Guard
	r    *bufio.Reader

	pipelining bool
}

// refusal is an -ERR.
type refusal struct{ words string }

func (r *refusal) Error() string { return "-ERR " + r.words }

// readSize is also the longest line that is read whole. RFC 2449 §4 allows 512
// octets; listings of generous servers stay far below this.
const readSize = 64 << 10

var errLongLine = errors.New("the server sends a line without end")

// do runs one exchange: within ctx, with the server's silence limited. Its
// error is a fault that carries the server's words.
func (c *client) do(ctx context.Context, step string, exchange func() error) error {
	if err := ctx.Err(); err != nil {
		return &harvest.Fault{Mailbox: c.end.Mailbox, Step: step, Err: err}
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	c.conn.Expect(true)
	err := exchange()
	c.conn.Expect(false)
	stop()
	if err == nil {
		return nil
	}
	f := &harvest.Fault{Mailbox: c.end.Mailbox, Step: step, Err: err}
	var said *refusal
	switch {
	case context.Cause(ctx) != nil:
		f.Err = context.Cause(ctx)
	case errors.As(err, &said):
		f.Words = "-ERR " + said.words
		f.After = wire.BackoffTime(f.Words)
	case wire.IsTimeout(err):
		f.Hint = "the server fell silent for " + c.end.Timeout.String()
	}
	return f
}

func (c *client) send(line string) error {
	_, err := io.WriteString(c.conn, line+"\r\n")
	return err
}

// line reads one line without its end. It is valid until the next read.
func (c *client) line() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, errLongLine
	case errors.Is(err, io.EOF):
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

// status reads the first line of an answer and returns the text after +OK.
func (c *client) status() (string, error) {
	line, err := c.line()
	if err != nil {
		return "", err
	}
	text := string(line)
	switch {
	case strings.HasPrefix(text, "+OK"):
		return strings.TrimSpace(text[len("+OK"):]), nil
	case strings.HasPrefix(text, "-ERR"):
		return "", &refusal{strings.TrimSpace(text[len("-ERR"):])}
	}
	return "", fmt.Errorf("the server answered neither +OK nor -ERR: %.80q", text)
}

func (c *client) command(line string) (string, error) {
	if err := c.send(line); err != nil {
		return "", err
	}
	return c.status()
}

// lines runs a command with an answer of many lines and yields each.
func (c *client) lines(command string, each func(line string) error) error {
	if _, err := c.command(command); err != nil {
		return err
	}
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		if string(line) == "." {
			return nil
		}
		if err := each(string(bytes.TrimPrefix(line, []byte(".")))); err != nil {
			return err
		}
	}
}

// numbered runs UIDL or LIST and gives its values by message number.
func (c *client) numbered(command string) (map[int]string, error) {
	values := map[int]string{}
	err := c.lines(command, func(line string) error {
		number, value, _ := strings.Cut(line, " ")
		n, err := strconv.Atoi(number)
		if err != nil || value == "" {
			return fmt.Errorf("the server's answer to %s has the line %.80q", command, line)
		}
		values[n] = strings.TrimSpace(value)
		return nil
	})
	return values, err
}

// body reads the lines of a RETR into w, with their dots restored (RFC 1939
// §3). The end is only ever the line with the dot: a lost connection is an
// error, not a shorter message.
func (c *client) body(w io.Writer) error {
	atStart := true
	for {
		piece, err := c.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if atStart && len(piece) > 0 && piece[0] == '.' {
			if rest := bytes.TrimRight(piece[1:], "\r\n"); len(rest) == 0 {
				return nil
			}
			piece = piece[1:]
		}
		atStart = err == nil
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
}

// capabilities are those of RFC 2449; none where the server has no CAPA.
func (c *client) capabilities() (map[string][]string, error) {
	caps := map[string][]string{}
	err := c.lines("CAPA", func(line string) error {
		if words := strings.Fields(strings.ToUpper(line)); len(words) > 0 {
			caps[words[0]] = words[1:]
		}
		return nil
	})
	var said *refusal
	if errors.As(err, &said) {
		return caps, nil
	}
	return caps, err
}

// authenticate runs a SASL exchange (RFC 5034).
func (c *client) authenticate(exchange sasl.Client) error {
	mechanism, initial, err := exchange.Start()
	if err != nil {
		return err
	}
	if err := c.send("AUTH " + mechanism); err != nil {
		return err
	}
	for first := true; ; first = false {
		line, err := c.line()
		if err != nil {
			return err
		}
		text := string(line)
		challenge, asked := strings.CutPrefix(text, "+ ")
		if text == "+" {
			challenge, asked = "", true
		}
		switch {
		case strings.HasPrefix(text, "+OK"):
			return nil
		case !asked:
			return &refusal{strings.TrimSpace(strings.TrimPrefix(text, "-ERR"))}
		}
		answer := initial
		if !first {
			decoded, err := base64.StdEncoding.DecodeString(challenge)
			if err != nil {
				return fmt.Errorf("decoding the server's challenge: %w", err)
			}
			if answer, err = exchange.Next(decoded); err != nil {
				return err
			}
		}
		if err := c.send(base64.StdEncoding.EncodeToString(answer)); err != nil {
			return err
		}
	}
}
