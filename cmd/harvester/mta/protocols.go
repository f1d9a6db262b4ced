package mta

import (
	"errors"
	"fmt"
	"io"
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

func (c *client) line() (string, error) {
	b, err := c.in.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// policy answers a request of the policy delegation protocol: lines of
// name=value up to an empty one.
func (c *client) policy() (string, error) {
	var recipient, state string
	for read := 0; ; {
		line, err := c.line()
		if err != nil {
			return "", err
		}
		if read += len(line) + 1; read > maxRequest {
			return "", errLong
		}
		if line == "" {
			break
		}
		switch name, value, _ := strings.Cut(line, "="); name {
		case "recipient":
			recipient = value
		case "protocol_state":
			state = value
		}
	}
	// At other moments there is no recipient, or the first one of several.
	if state == "RCPT" {
		if why := c.why(recipient); why != "" {
			return "action=" + refuse + why + "\n\n", nil
		}
	}
	return "action=DUNNO\n\n", nil
}

// socketmap answers a netstring that holds the name of a map and a key. The
// map "transport" answers as a transport table, any other as an access table.
func (c *client) socketmap() (string, error) {
	length, err := c.in.ReadSlice(':')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(string(length[:len(length)-1]))
	if err != nil || n < 0 || n > maxRequest {
		return "", fmt.Errorf("%w: %q", errLong, length)
	}
	b := make([]byte, n+1)
	if _, err := io.ReadFull(c.in, b); err != nil {
		return "", err
	}
	if b[n] != ',' {
		return "", errors.New("a netstring has no end")
	}
	name, key, _ := strings.Cut(string(b[:n]), " ")
	answer := "NOTFOUND "
	if why := c.why(key); why != "" {
		answer = "OK " + refuse + why
		if name == "transport" {
			answer = "OK " + undeliver + why
		}
	}
	return strconv.Itoa(len(answer)) + ":" + answer + ",", nil
}

// tcpTable answers a line "get KEY", with %XX for what is not printable.
func (c *client) tcpTable() (string, error) {
	line, err := c.line()
	if err != nil {
		return "", err
	}
	command, encoded, _ := strings.Cut(line, " ")
	key, err := url.PathUnescape(encoded)
	if command == "get" && err == nil {
		if why := c.why(key); why != "" {
			return "200 " + strings.ReplaceAll(refuse+why, " ", "%20") + "\n", nil
		}
	}
	return "500 not%20found\n", nil
}
