package esdbserver_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/metadata"

	"github.com/caseledger/caseledger/ledger/esdbserver"
)

func TestRefusedConfigurations(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "run", "file")
	if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	cert, key := certificate(t)
	for name, cfg := range map[string]esdbserver.Config{
		"no folder":                {Listen: "127.0.0.1:0"},
		"no address":               {Dir: dir},
		"relative socket":          {Dir: dir, Listen: "unix:s"},
		"long socket":              {Dir: dir, Listen: "unix:/" + string(make([]byte, 110))},
		"socket in an open folder": {Dir: dir, Listen: "unix:" + open + "/s"},
		"socket is a file":         {Dir: dir, Listen: "unix:" + file},
		"all interfaces":           {Dir: dir, Listen: ":0"},
		"network without TLS":      {Dir: dir, Listen: "0.0.0.0:0", User: "u", Password: "p"},
		"network without a user":   {Dir: dir, Listen: "0.0.0.0:0", TLSCert: cert, TLSKey: key},
		"certificate without key":  {Dir: dir, Listen: "127.0.0.1:0", TLSCert: cert},
		"key as certificate":       {Dir: dir, Listen: "127.0.0.1:0", TLSCert: key, TLSKey: key},
		"user without password":    {Dir: dir, Listen: "127.0.0.1:0", User: "u"},
	} {
		s, err := esdbserver.Start(context.Background(), cfg)
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, esdbserver.ErrConfig) {
			t.Errorf("%s: got %v, want ErrConfig", name, err)
		}
	}
}

func TestSocketIsPrivate(t *testing.T) {
	cfg := config(t)
	path := cfg.Listen[len("unix:"):]
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	ln.Close() // what a killed server leaves behind
	s := start(t, cfg)
	for path, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700, cfg.Dir: 0o700} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	if other, err := esdbserver.Start(context.Background(), cfg); !errors.Is(err, esdbserver.ErrStore) {
		t.Errorf("a second server on the same folder: %v", err)
		other.Close()
	}
	elsewhere := cfg
	elsewhere.Dir = filepath.Join(t.TempDir(), "other")
	if other, err := esdbserver.Start(context.Background(), elsewhere); !errors.Is(err, esdbserver.ErrConfig) {
		t.Errorf("a second server on the same socket: %v", err)
		other.Close()
	}
	mustAppend(t, dial(t, s), "s", esdb.Any{}, newEvents(1, 1)...)
}

// TestAccess runs over TLS, where the official client sends credentials.
func TestAccess(t *testing.T) {
	cfg := config(t)
	cfg.Listen, cfg.User, cfg.Password = "127.0.0.1:0", "ledger", "correct horse"
	cfg.TLSCert, cfg.TLSKey = certificate(t)
	client := dial(t, start(t, cfg))
	ctx := context.Background()
	good := &esdb.Credentials{Login: cfg.User, Password: cfg.Password}
	append1 := func(stream string, c *esdb.Credentials) error {
		_, err := client.AppendToStream(ctx, stream, esdb.AppendToStreamOptions{Authenticated: c}, newEvents(1, 10)...)
		return err
	}
	read := func(stream string, c *esdb.Credentials) error {
		_, err := collect(client.ReadStream(ctx, stream, esdb.ReadStreamOptions{Authenticated: c}, 1))
		return err
	}
	readAll := func(c *esdb.Credentials) error {
		_, err := collect(client.ReadAll(ctx, esdb.ReadAllOptions{Authenticated: c}, 1))
		return err
	}
	remove := func(stream string, c *esdb.Credentials) error {
		_, err := client.DeleteStream(ctx, stream, esdb.DeleteStreamOptions{Authenticated: c, ExpectedRevision: esdb.Any{}})
		return err
	}
	subscribe := func(stream string) error {
		_, err := client.SubscribeToStream(ctx, stream, esdb.SubscribeToStreamOptions{})
		return err
	}
	ok, no, wrong := esdb.ErrorCode(-1), esdb.ErrorCodeAccessDenied, esdb.ErrorCodeUnauthenticated
	for _, c := range []struct {
		what string
		err  error
		want esdb.ErrorCode
	}{
		{"anonymous append", append1("plain", nil), ok},
		{"anonymous read", read("plain", nil), ok},
		{"anonymous append to a protected stream", append1("ledger-a", nil), no},
		{"anonymous read of a protected stream", read("ledger-a", nil), no},
		{"anonymous read of its metadata", read("$$ledger-a", nil), no},
		{"anonymous subscription to it", subscribe("ledger-a"), no},
		{"anonymous read of $all", readAll(nil), no},
		{"anonymous metadata", append1("$$plain", nil), no},
		{"anonymous delete", remove("plain", nil), no},
		{"anonymous system stream", append1("$x", nil), no},
		{"append to a protected stream", append1("ledger-a", good), ok},
		{"read of a protected stream", read("ledger-a", good), ok},
		{"read of $all", readAll(good), ok},
		{"delete of a protected stream", remove("ledger-a", good), no},
		{"delete", remove("plain", good), ok},
		{"wrong password", append1("plain", &esdb.Credentials{Login: cfg.User, Password: "x"}), wrong},
		{"wrong user", read("plain", &esdb.Credentials{Login: "x", Password: cfg.Password}), wrong},
		{"wrong password for $all", readAll(&esdb.Credentials{Login: cfg.User, Password: cfg.Password + "x"}), wrong},
	} {
		wantCode(t, c.what, c.err, c.want)
	}
}

// TestAccessOnSocket: over an insecure connection the client sends no credentials of its own, but a header of the
// caller's.
func TestAccessOnSocket(t *testing.T) {
	cfg := config(t)
	cfg.User, cfg.Password = "u", "p"
	client := dial(t, start(t, cfg))
	_, err := appendTo(client, "ledger-a", esdb.Any{}, newEvents(1, 10)...)
	wantCode(t, "no header", err, esdb.ErrorCodeAccessDenied)
	for header, want := range map[string]esdb.ErrorCode{
		"Basic " + base64.StdEncoding.EncodeToString([]byte("u:p")):  -1,
		"basic " + base64.StdEncoding.EncodeToString([]byte("u:p")):  -1,
		"Basic " + base64.StdEncoding.EncodeToString([]byte("u:")):   esdb.ErrorCodeUnauthenticated,
		"Bearer " + base64.StdEncoding.EncodeToString([]byte("u:p")): esdb.ErrorCodeUnauthenticated,
		"Basic %": esdb.ErrorCodeUnauthenticated, "": esdb.ErrorCodeUnauthenticated,
	} {
		ctx := metadata.AppendToOutgoingContext(context.Background(), "authorization", header)
		_, err := client.AppendToStream(ctx, "ledger-a", esdb.AppendToStreamOptions{}, newEvents(1, 10)...)
		wantCode(t, header, err, want)
	}
}

// certificate makes a self-signed one for the loopback address.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	err = errors.Join(
		os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}
