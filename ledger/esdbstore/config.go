package esdbstore

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// discoverAttempts is small: a connection that cannot be made fails soon, and the next call tries again.
const discoverAttempts = 3

func (c Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}

// parse refuses what cannot work or would give a password away.
func (c Config) parse() (*esdb.Configuration, error) {
	if c.Stream == "" || strings.HasPrefix(c.Stream, "$") {
		return nil, fmt.Errorf("event store: stream %q: name the ledger's own stream, ledger-<origin>", c.Stream)
	}
	conf, err := esdb.ParseConnectionString(c.URL)
	if err != nil {
		// The parser's own words may quote the connection string, and with it a password.
		return nil, errors.New("event store: the connection string cannot be read; its form is esdb://[user:password@]host:port?tls=true" +
			" (special characters of a password percent-encoded, files must exist)")
	}
	if c.Address != "" {
		conf.Address, conf.GossipSeeds, conf.DnsDiscover = c.Address, nil, false
	}
	if (c.Username == "") != (c.Password == "") {
		return nil, errors.New("event store: give a user and a password, or neither")
	}
	if c.Username != "" {
		conf.Username, conf.Password = c.Username, c.Password
	}
	if conf.Username != "" && conf.DisableTLS && !isLocal(conf) {
		return nil, errors.New("event store: credentials would cross the network in clear: use tls=true")
	}
	conf.MaxDiscoverAttempts = discoverAttempts
	conf.DiscoveryInterval = int(100 * time.Millisecond / time.Millisecond)
	log := c.logger()
	conf.Logger = func(level esdb.LogLevel, format string, args ...any) {
		log.Debug("event store client", "level", level, "says", fmt.Sprintf(format, args...))
	}
	return conf, nil
}

// isLocal says whether all traffic stays on this machine.
func isLocal(conf *esdb.Configuration) bool {
	if len(conf.GossipSeeds) > 0 || conf.DnsDiscover {
		return false
	}
	if strings.HasPrefix(conf.Address, "unix:") {
		return true
	}
	host, _, err := net.SplitHostPort(conf.Address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
