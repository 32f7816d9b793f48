package esdbserver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc/credentials"
)

// listen opens the address of the configuration, which has been checked.
func listen(cfg Config) (net.Listener, error) {
	path, isSocket := strings.CutPrefix(cfg.Listen, "unix:")
	if !isSocket {
		ln, err := net.Listen("tcp", cfg.Listen)
		if err != nil {
			return nil, fmt.Errorf("esdbserver: listen: %w", err)
		}
		return ln, nil
	}
	if err := preparePath(path); err != nil {
		return nil, err
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("esdbserver: listen: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, fmt.Errorf("esdbserver: make the socket private: %w", err)
	}
	return ln, nil
}

// preparePath makes sure that only we can reach the socket, and clears away one that nobody serves any more.
func preparePath(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("esdbserver: create the folder of the socket: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("esdbserver: look at the folder of the socket: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w: the folder %s of the socket is open to others: chmod 700 it, or name another", ErrConfig, dir)
	}
	old, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("esdbserver: look at the socket: %w", err)
	case old.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%w: %s exists and is no socket: remove it, or name another", ErrConfig, path)
	}
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		conn.Close()
		return fmt.Errorf("%w: the socket %s is served by another process", ErrConfig, path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("esdbserver: remove a stale socket: %w", err)
	}
	return nil
}

func transport(cfg Config) (credentials.TransportCredentials, error) {
	cert, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("%w: load the certificate: %w", ErrConfig, err)
	}
	return credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}), nil
}

// connectionString names host and port as the official clients parse them. A client of a socket sets the address of
// its configuration to Server.Address afterwards. The retries outlast a short absence of the server.
func connectionString(cfg Config, addr net.Addr) string {
	q := url.Values{"tls": {"false"}, "maxDiscoverAttempts": {"100"}, "discoveryInterval": {"100"}}
	host := "localhost:2113"
	if cfg.TLSCert != "" {
		q.Set("tls", "true")
		q.Set("tlsCAFile", cfg.TLSCert)
	}
	if _, ok := addr.(*net.TCPAddr); ok {
		host = addr.String()
	}
	return "esdb://" + host + "?" + q.Encode()
}
