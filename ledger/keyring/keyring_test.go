package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func testMaster(t testing.TB, fill byte) Master {
	t.Helper()
	m, err := NewMaster(bytes.Repeat([]byte{fill}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func openTest(t testing.TB, path string) *Keyring {
	t.Helper()
	k, err := Open(context.Background(), path, testMaster(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestWrongMasterIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	openTest(t, path).Close()
	if _, err := Open(context.Background(), path, testMaster(t, 2)); !errors.Is(err, ErrWrongMaster) {
		t.Fatalf("got %v, want ErrWrongMaster", err)
	}
	openTest(t, path)
}

func TestArgumentsOutOfBounds(t *testing.T) {
	ctx := context.Background()
	k := openTest(t, filepath.Join(t.TempDir(), "k.db"))
	long := strings.Repeat("x", maxName+1)
	for _, bad := range [][2]string{{"", "a"}, {"a", ""}, {long, "a"}, {"a", long}} {
		for name, call := range map[string]func(context.Context, string, string) (ID, error){"exhibit": k.ExhibitKey, "subject": k.SubjectKey} {
			if _, err := call(ctx, bad[0], bad[1]); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s key of a %d- and a %d-byte id: got %v, want ErrInvalid", name, len(bad[0]), len(bad[1]), err)
			}
		}
		if _, err := k.Pseudonym(ctx, bad[0], bad[1]); !errors.Is(err, ErrInvalid) {
			t.Errorf("pseudonym: got %v, want ErrInvalid", err)
		}
	}
	id := must[ID](t)(k.SubjectKey(ctx, "case", "someone"))
	if _, err := k.SealOpening(id, uuid.New(), "f", make([]byte, MaxOpening+1)); !errors.Is(err, ErrInvalid) {
		t.Errorf("long plaintext: got %v, want ErrInvalid", err)
	}
	if _, err := k.SealOpening("k00000000000000000000000000000000", uuid.New(), "f", nil); !errors.Is(err, ErrNoKey) {
		t.Errorf("unknown key: got %v, want ErrNoKey", err)
	}
	if _, _, err := k.BlobIdentity(ctx, id); !errors.Is(err, ErrNoKey) {
		t.Errorf("blob identity of a subject: got %v, want ErrNoKey", err)
	}
}

func TestOpeningRoundTrip(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "k.db")
	k, other := openTest(t, path), openTest(t, path)
	rapid.Check(t, func(rt *rapid.T) {
		caseID := rapid.SampledFrom([]string{"c1", "c2"}).Draw(rt, "case")
		get, owner := k.SubjectKey, rapid.StringN(1, 8, -1).Draw(rt, "owner")
		if rapid.Bool().Draw(rt, "exhibit") {
			get = k.ExhibitKey
		}
		id, err := get(ctx, caseID, owner)
		if err != nil || !strings.HasPrefix(string(id), "k") {
			rt.Fatalf("key %q: %v", id, err)
		}
		event := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "event"))
		field := rapid.StringN(0, 16, MaxField).Draw(rt, "field")
		plain := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(rt, "plain")
		sealed, err := k.SealOpening(id, event, field, plain)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := other.OpenOpening(id, event, field, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			rt.Fatalf("opened %x, %v; want %x", got, err, plain)
		}
		event2 := event
		event2[rapid.IntRange(0, 15).Draw(rt, "at")] ^= 1
		changed := bytes.Clone(sealed)
		changed[rapid.IntRange(0, len(sealed)-1).Draw(rt, "byte")] ^= byte(1 << rapid.IntRange(0, 7).Draw(rt, "bit"))
		otherID, err := k.SubjectKey(ctx, caseID, owner+"'")
		if err != nil {
			rt.Fatal(err)
		}
		for name, open := range map[string]func() ([]byte, error){
			"other event": func() ([]byte, error) { return k.OpenOpening(id, event2, field, sealed) },
			"other field": func() ([]byte, error) { return k.OpenOpening(id, event, field+"x", sealed) },
			"other key":   func() ([]byte, error) { return k.OpenOpening(otherID, event, field, sealed) },
			"one bit":     func() ([]byte, error) { return k.OpenOpening(id, event, field, changed) },
			"cut short":   func() ([]byte, error) { return k.OpenOpening(id, event, field, sealed[:len(sealed)-1]) },
			"empty":       func() ([]byte, error) { return k.OpenOpening(id, event, field, nil) },
		} {
			if got, err := open(); !errors.Is(err, ErrSealed) || got != nil {
				rt.Fatalf("%s: got %x, %v; want ErrSealed", name, got, err)
			}
		}
	})
}

func TestGetOrCreateIsStableAcrossProcesses(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "k.db")
	const rings, owners = 3, 40
	var wg sync.WaitGroup
	var ids [rings][owners]ID
	var pseudonyms [rings][owners]string
	for r := range rings {
		k := openTest(t, path)
		for o := range owners {
			wg.Go(func() {
				caseID, owner := fmt.Sprint("case", o%4), fmt.Sprint("person", o)
				id, err := k.SubjectKey(ctx, caseID, owner)
				p, err2 := k.Pseudonym(ctx, caseID, owner)
				if err != nil || err2 != nil {
					t.Error(err, err2)
				}
				ids[r][o], pseudonyms[r][o] = id, p
			})
		}
	}
	wg.Wait()
	if ids[0] != ids[1] || ids[1] != ids[2] || pseudonyms[0] != pseudonyms[1] || pseudonyms[1] != pseudonyms[2] {
		t.Fatal("processes disagree on keys or pseudonyms")
	}
	seen := map[ID]bool{}
	for _, id := range ids[0] {
		seen[id] = true
	}
	if len(seen) != owners {
		t.Fatalf("%d keys for %d owners", len(seen), owners)
	}
}

func TestConcurrentFirstOpen(t *testing.T) {
	for range 5 {
		path := filepath.Join(t.TempDir(), "k.db")
		var wg sync.WaitGroup
		var ids [6]uuid.UUID
		for i := range ids {
			wg.Go(func() {
				k, err := Open(context.Background(), path, testMaster(t, 1))
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = k.EventID("x")
				if err := k.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatal("two identity keys")
			}
		}
	}
}

func TestClosed(t *testing.T) {
	ctx := context.Background()
	k := openTest(t, filepath.Join(t.TempDir(), "k.db"))
	id := must[ID](t)(k.ExhibitKey(ctx, "c", "e"))
	if err := errors.Join(k.Close(), k.Close()); err != nil {
		t.Fatal(err)
	}
	_, err1 := k.ExhibitKey(ctx, "c", "e")
	_, err2 := k.SealOpening(id, uuid.New(), "f", nil)
	_, err3 := k.Digest(ctx, "", "l", "v")
	_, err4 := k.Pseudonym(ctx, "c", "s")
	for i, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("call %d: got %v, want ErrClosed", i+1, err)
		}
	}
	if k.EventID("x") != uuid.Nil {
		t.Error("an event id from wiped keys")
	}
}

func TestEvictionWipesAndReloads(t *testing.T) {
	ctx := context.Background()
	k := openTest(t, filepath.Join(t.TempDir(), "k.db"))
	k.keys, k.names = newLRU[ID, ownerKey](2), newLRU[name, named](2)
	event := uuid.New()
	first := must[ID](t)(k.SubjectKey(ctx, "c", "p0"))
	evicted := k.keys.items[first]
	sealed := must[[]byte](t)(k.SealOpening(first, event, "f", []byte("text")))
	for i := range 5 {
		must[ID](t)(k.SubjectKey(ctx, "c", fmt.Sprint("p", i)))
	}
	if _, ok := k.keys.items[first]; ok || len(k.keys.items) != 2 {
		t.Fatal("the cache is not bounded")
	}
	if evicted.value != (ownerKey{}) {
		t.Fatal("an evicted key was not overwritten")
	}
	if got, err := k.OpenOpening(first, event, "f", sealed); err != nil || string(got) != "text" {
		t.Fatalf("after eviction: %q, %v", got, err)
	}
}
