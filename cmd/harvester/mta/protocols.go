package mta

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// What a mail server is told to do with a suppressed recipient (access(5)), and
// with mail for him (transport(5)).
const (
	refuse    = "550 5.7.1 suppressed by harvester: "
	undeliver = "error:5.7.1 suppressed by harvester: "
)

var errLong = errors.New("a request is too long")

// line is the next line, which holds until more is read.
func (c *client) line() ([]byte, error) {
	b, err := c.in.ReadSlice('\n')
	return bytes.TrimRight(b, "\r\n"), err
}

// policy answers a request of the policy delegation protocol: lines of
// name=value up to an empty one.
func (c *client) policy() error {
	var recipient string
	atRcpt := false
	for read := 0; ; {
		line, err := c.line()
		if err != nil {
			return err
		}
		if read += len(line) + 1; read > maxRequest {
			return errLong
		}
		if len(line) == 0 {
			break
		}
		switch name, value, _ := bytes.Cut(line, []byte("=")); string(name) {
		case "recipient":
			recipient = string(value)
		case "protocol_state":
			atRcpt = string(value) == "RCPT"
		}
	}
	why := ""
	if atRcpt { // at other moments there is no recipient, or the first one of several
		why = c.why(recipient)
	}
	if why == "" {
		c.out = append(c.out, "action=DUNNO\n\n"...)
	} else {
		c.out = append(append(append(c.out, "action="+refuse...), why...), "\n\n"...)
	}
	return nil
}

// socketmap answers a netstring that holds the name of a map and a key. The
// map "transport" answers as a transport table, any other as an access table.
func (c *client) socketmap() error {
	length, err := c.in.ReadSlice(':')
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(length[:len(length)-1]))
	if err != nil || n < 0 || n >= maxRequest {
		return fmt.Errorf("%w: %q", errLong, length)
	}
	b, err := c.in.Peek(n + 1)
	if err != nil {
		return err
	}
	if b[n] != ',' {
		return errors.New("a netstring has no end")
	}
	name, key, _ := strings.Cut(string(b[:n]), " ")
	if _, err := c.in.Discard(n + 1); err != nil {
		return err
	}
	why := c.why(key)
	head := "OK " + refuse
	switch {
	case why == "":
		head = "NOTFOUND "
	case name == "transport":
		head = "OK " + undeliver
	}
	c.out = append(strconv.AppendInt(c.out, int64(len(head)+len(why)), 10), ':')
	c.out = append(append(append(c.out, head...), why...), ',')
	return nil
}

// tcpTable answers a line "get KEY", with %XX for what is not printable.
func (c *client) tcpTable() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	command, encoded, _ := strings.Cut(string(line), " ")
	key, err := url.PathUnescape(encoded)
	why := ""
	if command == "get" && err == nil {
		why = c.why(key)
	}
	if why == "" {
		c.out = append(c.out, "500 not%20found\n"...)
	} else {
		c.out = append(append(append(c.out, "200 "...), strings.ReplaceAll(refuse+why, " ", "%20")...), '\n')
	}
	return nil
}
