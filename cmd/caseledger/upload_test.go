package main

import (
	"bufio"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
)

var uploadBytes = flag.Int64("upload.bytes", 64<<20, "size of the upload")

// maxServerMemory is what a server may take while it stores an upload of any size, in MiB.
const maxServerMemory = 300

// TestUploadConstantMemory uploads one large file to a server process and looks at its memory. It prints the rate beside
// what sha256sum and age reach on the same file, one after the other.
func TestUploadConstantMemory(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "content")
	makeFile(t, file, *uploadBytes)
	base := baseline(t, file)
	if err := initDemo(t.Context(), data); err != nil {
		t.Fatal(err)
	}
	child, addr := startChild(t, "serve", "--data", data, "--listen", "127.0.0.1:0")
	issuer, err := node.OpenIssuer(node.Config{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	c, err := newClient("http://"+addr, issuer, demoOfficer)
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.post(t.Context(), "/api/v1/cases", object{"urn": "01AB1234526"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() // read only
	start := time.Now()
	if _, err := c.put(t.Context(), "/api/v1/cases/"+a.Case+"/exhibits?ref=JS%2F1", f, nil); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	peak := peakMiB(t, child.Process.Pid)
	t.Logf("%d MiB: upload %.0f MB/s, sha256sum then age %.0f MB/s (%.0f %%), server's peak memory %.0f MiB",
		*uploadBytes>>20, rate(took), rate(base), 100*base.Seconds()/took.Seconds(), peak)
	if peak > maxServerMemory && !raced {
		t.Errorf("the server took %.0f MiB, more than %d", peak, maxServerMemory)
	}
}

func rate(d time.Duration) float64 { return float64(*uploadBytes) / 1e6 / d.Seconds() }

// makeFile writes bytes that do not compress.
func makeFile(t *testing.T, path string, size int64) {
	t.Helper()
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	stream := cipher.StreamReader{S: cipher.NewCTR(block, make([]byte, aes.BlockSize)), R: zeros{}}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(f, stream, size); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// baseline is how long sha256sum and then age, to a file on the same disk, take for the file.
func baseline(t *testing.T, file string) time.Duration {
	t.Helper()
	start := time.Now()
	if out, err := exec.Command("sha256sum", file).CombinedOutput(); err != nil {
		t.Fatalf("sha256sum: %v: %s", err, out)
	}
	identity, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close() // read only
	out, err := os.Create(file + ".age")
	if err != nil {
		t.Fatal(err)
	}
	enc, err := age.Encrypt(out, identity.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(enc, in)
	if err := errors.Join(err, enc.Close(), out.Sync(), out.Close(), os.Remove(out.Name())); err != nil {
		t.Fatal(err)
	}
	return time.Since(start)
}

// startChild runs the program in a process of its own and waits until it says where it listens.
func startChild(t *testing.T, args ...string) (*exec.Cmd, string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(context.Background(), self, args...)
	child.Env = append(os.Environ(), childVariable+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		child.Process.Signal(syscall.SIGTERM) // it may have ended
		child.Wait()                          // as above
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	_, addr, ok := strings.Cut(strings.TrimSpace(line), "http://")
	if err != nil || !ok {
		t.Fatalf("the server did not start: %q %v", line, err)
	}
	return child, addr
}

func peakMiB(t *testing.T, pid int) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib / 1024
}
