package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// conn is a keep-alive HTTP/1.1 connection that spends as little as it can: the load generator shares the processors
// with what it measures.
type conn struct {
	c    net.Conn
	r    *bufio.Reader
	body []byte
}

// callTimeout bounds one request and its answer.
const callTimeout = 30 * time.Second

var errAnswer = errors.New("unusable answer")

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, r: bufio.NewReaderSize(c, 16<<10)}, nil
}

func (c *conn) close() error { return c.c.Close() }

// call sends a whole request and returns status and body; the body is valid until the next call.
func (c *conn) call(request []byte) (status int, body []byte, err error) {
	if err := c.c.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return 0, nil, err
	}
	if _, err := c.c.Write(request); err != nil {
		return 0, nil, err
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, fmt.Errorf("%w: status line", errAnswer)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, fmt.Errorf("%w: status line", errAnswer)
	}
	length, err := c.headers()
	if err != nil {
		return 0, nil, err
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.r, c.body)
	return status, c.body, err
}

// headers reads up to the empty line and returns the length of the body.
func (c *conn) headers() (int, error) {
	length := -1
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			if length < 0 {
				return 0, fmt.Errorf("%w: no length", errAnswer)
			}
			return length, nil
		}
		const name = "content-length: "
		if len(line) > len(name) && strings.EqualFold(string(line[:len(name)]), name) {
			if length, err = strconv.Atoi(strings.TrimSpace(string(line[len(name):]))); err != nil {
				return 0, fmt.Errorf("%w: length", errAnswer)
			}
		}
	}
}

// post builds the bytes of a request once, so that nothing is formatted while measuring.
func post(host, path, token, body string) []byte {
	return []byte("POST " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + token +
		"\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
}
