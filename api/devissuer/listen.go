package devissuer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// ErrListen: a server that trusts the development issuer must not be reachable from elsewhere.
var ErrListen = errors.New("a server that trusts the development issuer listens on a loopback address only")

// CheckListen refuses an address to listen on that is not on this machine alone: it must be host:port with a loopback IP
// address or "localhost", or the path of a unix socket as "unix:PATH". A name is never looked up.
func CheckListen(addr string) error {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok && path != "" {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%w: the address is not host:port", ErrListen)
	}
	if host == "localhost" {
		return nil
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Unmap().IsLoopback() {
		return fmt.Errorf("%w: use 127.0.0.1 or [::1], or name an identity provider", ErrListen)
	}
	return nil
}
