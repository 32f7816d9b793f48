package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/caseledger/caseledger/cmd/caseledger/bench"
	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
)

type benchCmd struct {
	Rounds  int           `default:"3" help:"Rounds; medians are shown."`
	Span    time.Duration `default:"4s" help:"Length of one measurement."`
	Cases   int           `default:"1000" help:"Cases to spread the views over."`
	Callers []int         `default:"1,16,64,256" help:"Numbers of callers."`
	Loads   []string      `default:"many cases,one hot case,actor-signed" help:"Loads to measure."`
	Profile string        `help:"Write a CPU profile of the server to this file." type:"path" hidden:""`
	Dir     string        `help:"Folder on the disk to measure (default: a temporary one)." type:"path"`
}

// Help is shown by --help.
func (benchCmd) Help() string {
	return `Posts views of 1.5 KB with a signed token to a server process of its own. Every receipt's inclusion proof is verified by the caller.

Example:
  caseledger bench --rounds 3 --span 4s`
}

// Run sets up a ledger, starts a server process and measures.
func (c *benchCmd) Run(ctx context.Context, s streams) error {
	dir, err := os.MkdirTemp(c.Dir, "caseledger-bench-")
	if err != nil {
		return fmt.Errorf("%w: %w", node.ErrUsage, err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	data := filepath.Join(dir, "data")
	if err := initDemo(ctx, data); err != nil {
		return err
	}
	child, addr, err := c.startServer(ctx, data)
	if err != nil {
		return err
	}
	err = c.measure(ctx, s, dir, data, addr, child.Process.Pid)
	return errors.Join(err, child.Process.Signal(syscall.SIGTERM), ignoreExit(child.Wait()))
}

func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// startServer runs this program as a server in a process of its own and waits until it says where it listens.
func (c *benchCmd) startServer(ctx context.Context, data string) (*exec.Cmd, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	child := exec.CommandContext(ctx, self, "serve", "--data", data, "--listen", "127.0.0.1:0")
	if c.Profile != "" {
		child.Env = append(os.Environ(), profileVariable+"="+c.Profile)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := child.Start(); err != nil {
		return nil, "", fmt.Errorf("start server: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_, addr, ok := strings.Cut(strings.TrimSpace(line), "http://")
	if err != nil || !ok {
		return nil, "", errors.Join(fmt.Errorf("the server did not start: %w", err), child.Process.Kill())
	}
	return child, addr, nil
}

func (c *benchCmd) measure(ctx context.Context, s streams, dir, data, addr string, pid int) error {
	n, err := node.OpenIssuer(node.Config{Data: data})
	if err != nil {
		return err
	}
	officer, err := newClient("http://"+addr, n, demoOfficer)
	if err != nil {
		return err
	}
	say(s.err, "Preparing %d cases …", c.Cases)
	paths, err := prepareCases(ctx, officer, c.Cases)
	if err != nil {
		return err
	}
	trust, err := node.LoadTrust(data)
	if err != nil {
		return err
	}
	spki, logKey, err := publicKeys(trust)
	if err != nil {
		return err
	}
	kinds, err := c.kinds(addr, officer.token, trust.Origin(), paths)
	if err != nil {
		return err
	}
	return bench.Run(ctx, bench.Config{
		Addr: addr, PID: pid, Dir: dir, SPKI: spki, LogKey: logKey, Token: officer.token, Rounds: c.Rounds, Span: c.Span,
		Callers: c.Callers, Kinds: kinds, Out: s.out,
	})
}

// viewPath is the address of views of one exhibit.
type viewPath struct{ path, caseID, exhibit string }

// prepareCases opens cases with one exhibit each.
func prepareCases(ctx context.Context, c *client, n int) ([]viewPath, error) {
	paths := make([]viewPath, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i := range n {
		g.Go(func() error {
			a, err := c.post(ctx, "/api/v1/cases", object{"urn": fmt.Sprintf("01BB%05d26", i)})
			if err != nil {
				return err
			}
			e, err := c.put(ctx, "/api/v1/cases/"+a.Case+"/exhibits?ref=JS%2F1", bytes.NewReader([]byte("benchmark")), nil)
			if err != nil {
				return err
			}
			paths[i] = viewPath{"/api/v1/cases/" + a.Case + "/exhibits/" + e.Exhibit + "/views", a.Case, e.Exhibit}
			return nil
		})
	}
	return paths, g.Wait()
}

// kinds are: views over many cases, views of one case, and views that carry the actor's own signature.
func (c *benchCmd) kinds(addr, token, origin string, paths []viewPath) ([]bench.Kind, error) {
	body, err := json.Marshal(object{"reason": strings.Repeat("Reviewing the footage for the charging decision. ", 30)})
	if err != nil {
		return nil, err
	}
	many := bench.Kind{Name: "many cases"}
	signed := bench.Kind{Name: "actor-signed"}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		many.Requests = append(many.Requests, bench.Request(addr, p.path, token, string(body)))
		proof, err := signIntent(key, origin, p)
		if err != nil {
			return nil, err
		}
		with, err := json.Marshal(object{"reason": strings.Repeat("Reviewing the footage. ", 25), "actorProof": proof})
		if err != nil {
			return nil, err
		}
		signed.Requests = append(signed.Requests, bench.Request(addr, p.path, token, string(with)))
	}
	all := []bench.Kind{many, {Name: "one hot case", Requests: many.Requests[:1]}, signed}
	return slices.DeleteFunc(all, func(k bench.Kind) bool { return !slices.Contains(c.Loads, k.Name) }), nil
}

// signIntent signs as an actor's device would.
func signIntent(key *ecdsa.PrivateKey, origin string, p viewPath) (object, error) {
	nonce := make([]byte, 16)
	rand.Read(nonce) // never fails since Go 1.24
	text, err := canonical.Marshal(&predicate.Intent{
		Act: "evidence.viewed", Case: predicate.UUID(p.caseID), Domain: predicate.IntentDomain, Exhibit: p.exhibit,
		Nonce: hex.EncodeToString(nonce), Origin: predicate.Origin(origin), Time: predicate.At(time.Now()),
	})
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(text)
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	b64 := base64.StdEncoding.EncodeToString
	return object{"intent": b64(text), "scheme": string(predicate.ProofP256), "signature": b64(sig), "key": b64(spki)}, nil
}
