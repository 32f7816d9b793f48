package esdbserver

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
)

// ErrConfig marks a configuration that Start refuses.
var ErrConfig = errors.New("esdbserver: configuration")

// DefaultProtectedPrefix is the prefix of streams that nobody may shorten.
const DefaultProtectedPrefix = "ledger-"

// Config says where the store lives and who may speak to it. Dir and Listen are required.
type Config struct {
	// Dir is the folder of the store. It is created with mode 0700 if absent and holds events.db with its WAL.
	Dir string
	// Listen is "unix:/path/to.sock" or "host:port". The folder of a socket must be private (mode 0700; it is
	// created if absent), a stale socket is replaced. An address off the loopback needs TLS and User.
	Listen string
	// TLSCert and TLSKey are PEM files: both or neither.
	TLSCert, TLSKey string
	// User and Password turn on basic authentication: both or neither. Anonymous callers may then read and append to
	// ordinary streams only; protected and system streams, $all, stream metadata and deletion need the credentials.
	// The official Go client sends none over an insecure connection: on a socket, put an "authorization" header
	// into the outgoing context of each call.
	User, Password string
	// ProtectedPrefix names the streams (default "ledger-") that refuse Delete, Tombstone and any metadata that
	// would hide events ($tb, $maxAge, $maxCount), whoever asks.
	ProtectedPrefix string
	// Logger receives start, stop and storage failures; nil discards them. No event content is ever logged.
	Logger *slog.Logger
}

// check refuses what would be unsafe or cannot work, and fills in defaults.
func (c *Config) check() error {
	if c.Dir == "" {
		return fmt.Errorf("%w: Dir is empty: name the folder of the store", ErrConfig)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return fmt.Errorf("%w: Dir %q: %w", ErrConfig, c.Dir, err)
	}
	c.Dir = dir
	if c.ProtectedPrefix == "" {
		c.ProtectedPrefix = DefaultProtectedPrefix
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return fmt.Errorf("%w: give TLSCert and TLSKey, or neither", ErrConfig)
	}
	if (c.User == "") != (c.Password == "") || strings.Contains(c.User, ":") {
		return fmt.Errorf("%w: give User (without a colon) and Password, or neither", ErrConfig)
	}
	return c.checkListen()
}

func (c *Config) checkListen() error {
	if path, ok := strings.CutPrefix(c.Listen, "unix:"); ok {
		// 104 bytes is the shortest limit among the systems that have such sockets.
		if !filepath.IsAbs(path) || len(path) > 103 {
			return fmt.Errorf("%w: Listen %q: a socket needs an absolute path of at most 103 bytes", ErrConfig, c.Listen)
		}
		if c.TLSCert != "" {
			return fmt.Errorf("%w: TLS over a unix socket is not offered: leave TLSCert empty or listen on a port", ErrConfig)
		}
		return nil
	}
	addr, err := net.ResolveTCPAddr("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("%w: Listen %q: %w", ErrConfig, c.Listen, err)
	}
	if addr.IP.IsLoopback() {
		return nil
	}
	if c.TLSCert == "" || c.User == "" {
		return fmt.Errorf("%w: Listen %q is not a loopback address: set TLSCert, TLSKey, User and Password", ErrConfig, c.Listen)
	}
	return nil
}
