package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
)

// files returns the bytes of everything in the keyring's folder.
func files(t testing.TB, dir string) (all []byte) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, must[[]byte](t)(os.ReadFile(filepath.Join(dir, e.Name())))...)
	}
	return all
}

// rawBytes returns the stored secrets of a key, as they stand in the file.
func rawBytes(t testing.TB, k *Keyring, id ID) [][]byte {
	t.Helper()
	r := must[row](t)(one(context.Background(), k.stmts.byID, string(id)))
	if len(r.secret) == 0 {
		return [][]byte{r.wrapped}
	}
	return [][]byte{r.wrapped, r.secret}
}

// leftover looks for any 16-byte piece of the secrets anywhere in the files.
func leftover(t testing.TB, dir string, secrets [][]byte) bool {
	t.Helper()
	pieces := make(map[[16]byte]bool)
	for _, s := range secrets {
		for ; len(s) >= 16; s = s[16:] {
			pieces[[16]byte(s)] = true
		}
	}
	for all := files(t, dir); len(all) >= 16; all = all[1:] {
		if pieces[[16]byte(all)] {
			return true
		}
	}
	return false
}

func TestDestroyLeavesNothingInTheFiles(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	k, other := openTest(t, filepath.Join(dir, "k.db")), openTest(t, filepath.Join(dir, "k.db"))
	var ids []ID
	for i := range 800 { // enough for many pages, splits and automatic checkpoints
		get := k.SubjectKey
		if i%5 == 0 {
			get = k.ExhibitKey
		}
		if i%7 == 0 {
			get = other.SubjectKey
		}
		ids = append(ids, must[ID](t)(get(ctx, fmt.Sprint("case", rand.IntN(30)), fmt.Sprint("owner", i))))
	}
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	var secrets [][]byte
	for i, id := range ids[:200] {
		mine := rawBytes(t, k, id)
		if i%40 == 0 && !leftover(t, dir, mine) {
			t.Fatal("the test cannot see a key that is there")
		}
		if err := k.Destroy(ctx, id); err != nil {
			t.Fatal(err)
		}
		must[ID](t)(k.ExhibitKey(ctx, "late", string(id)))
		if secrets = append(secrets, mine...); i%40 == 0 {
			if err := k.Destroy(ctx, id); err != nil { // the creation has filled the log again
				t.Fatal(err)
			}
			if leftover(t, dir, secrets) {
				t.Fatalf("after %d destructions bytes of a destroyed key are still in the files", i+1)
			}
		}
	}
	if leftover(t, dir, secrets) {
		t.Fatal("bytes of a destroyed key are still in the files")
	}
}

func TestDestroyCaseLeavesNothingInTheFiles(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	k := openTest(t, filepath.Join(dir, "k.db"))
	e := must[ID](t)(k.ExhibitKey(ctx, "c", "e"))
	s := must[ID](t)(k.SubjectKey(ctx, "c", "s"))
	keep := must[ID](t)(k.SubjectKey(ctx, "other", "s"))
	before := must[string](t)(k.Pseudonym(ctx, "c", "s"))
	info := must[[]Info](t)(k.Keys(ctx, "c"))
	secrets := append(append(rawBytes(t, k, info[0].ID), rawBytes(t, k, e)...), rawBytes(t, k, s)...)
	ids := must[[]ID](t)(k.DestroyCase(ctx, "c"))
	if len(ids) != 3 {
		t.Fatalf("destroyed %v", ids)
	}
	if leftover(t, dir, secrets) {
		t.Fatal("bytes of a destroyed case are still there")
	}
	if p, err := k.Pseudonym(ctx, "c", "s"); !errors.Is(err, ErrDestroyed) {
		t.Fatalf("pseudonym %q (was %q), %v", p, before, err)
	}
	for name, err := range map[string]error{
		"exhibit":   errOf(k.ExhibitKey(ctx, "c", "e2")),
		"digest":    errOf(k.Digest(ctx, "c", "l", "v")),
		"old key":   errOf(k.SealOpening(e, uuid.New(), "f", nil)),
		"subject":   errOf(k.SubjectKey(ctx, "c", "s")),
		"cased key": errOf(k.SealOpening(info[0].ID, uuid.New(), "f", nil)),
	} {
		if !errors.Is(err, ErrDestroyed) && !(name == "cased key" && errors.Is(err, ErrNoKey)) {
			t.Errorf("%s: got %v, want ErrDestroyed", name, err)
		}
	}
	if _, err := k.SealOpening(keep, uuid.New(), "f", nil); err != nil {
		t.Errorf("another case: %v", err)
	}
	if again := must[[]ID](t)(k.DestroyCase(ctx, "c")); len(again) != 0 {
		t.Errorf("destroyed twice: %v", again)
	}
	if _, err := k.DestroyCase(ctx, "nowhere"); !errors.Is(err, ErrNoKey) {
		t.Errorf("unknown case: %v", err)
	}
}

func errOf[T any](_ T, err error) error { return err }

func TestDestroyedKeyIsNeverMadeAgain(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "k.db")
	k := openTest(t, path)
	s := must[ID](t)(k.SubjectKey(ctx, "c", "ann"))
	e := must[ID](t)(k.ExhibitKey(ctx, "c", "JS/1"))
	event := uuid.New()
	sealed := must[[]byte](t)(k.SealOpening(s, event, "f", []byte("x")))
	for _, id := range []ID{s, e, s} {
		if err := k.Destroy(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Destroy(ctx, newID()); !errors.Is(err, ErrNoKey) {
		t.Errorf("unknown id: %v", err)
	}
	for _, k := range []*Keyring{k, openTest(t, path)} {
		_, _, blobErr := k.BlobIdentity(ctx, e)
		for name, err := range map[string]error{
			"subject": errOf(k.SubjectKey(ctx, "c", "ann")),
			"exhibit": errOf(k.ExhibitKey(ctx, "c", "JS/1")),
			"open":    errOf(k.OpenOpening(s, event, "f", sealed)),
			"seal":    errOf(k.SealOpening(s, event, "f", nil)),
			"blob":    blobErr,
		} {
			if !errors.Is(err, ErrDestroyed) {
				t.Errorf("%s: got %v, want ErrDestroyed", name, err)
			}
		}
		must[ID](t)(k.SubjectKey(ctx, "c", "bob"))
		for _, i := range must[[]Info](t)(k.Keys(ctx, "c")) {
			want := Info{ID: i.ID, Kind: i.Kind, Destroyed: i.ID == s || i.ID == e}
			if i.Kind == kindExhibit {
				want.Owner = "JS/1"
			}
			if i != want {
				t.Errorf("listed %+v, want %+v", i, want)
			}
		}
		caseKey := must[[]Info](t)(k.Keys(ctx, "c"))[0]
		if err := k.Destroy(ctx, caseKey.ID); caseKey.Kind != "case" || !errors.Is(err, ErrInvalid) {
			t.Errorf("a case key destroyed alone: %v", err)
		}
	}
}

func TestReplayAfterRestoringYesterdaysCopy(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	path := filepath.Join(dir, "k.db")
	k := openTest(t, path)
	s := must[ID](t)(k.SubjectKey(ctx, "c", "ann"))
	must[ID](t)(k.SubjectKey(ctx, "gone", "ann"))
	stays := must[ID](t)(k.SubjectKey(ctx, "c", "bob"))
	event := uuid.New()
	sealed := must[[]byte](t)(k.SealOpening(s, event, "f", []byte("x")))
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	yesterday := must[[]byte](t)(os.ReadFile(path))

	k = openTest(t, path)
	young := must[ID](t)(k.SubjectKey(ctx, "c", "eve"))
	destroyed := append(must[[]ID](t)(k.DestroyCase(ctx, "gone")), s, young)
	if err := errors.Join(k.Destroy(ctx, s), k.Destroy(ctx, young), k.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, yesterday, 0o600); err != nil {
		t.Fatal(err)
	}
	k = openTest(t, path)
	if _, err := k.OpenOpening(s, event, "f", sealed); err != nil {
		t.Fatalf("the restored copy should open it before replay: %v", err)
	}
	secrets := rawBytes(t, k, s)
	if n, err := k.Replay(ctx, destroyed); n != 3 || err != nil {
		t.Fatalf("replay: %d, %v; want the subject, and the case with its subject", n, err)
	}
	if n, err := k.Replay(ctx, destroyed); n != 0 || err != nil {
		t.Fatalf("second replay: %d, %v", n, err)
	}
	if leftover(t, dir, secrets) {
		t.Fatal("restored bytes are still there")
	}
	for name, err := range map[string]error{
		"restored": errOf(k.OpenOpening(s, event, "f", sealed)),
		"unknown":  errOf(k.OpenOpening(young, event, "f", sealed)),
		"case":     errOf(k.SubjectKey(ctx, "gone", "new")),
	} {
		if !errors.Is(err, ErrDestroyed) {
			t.Errorf("%s: got %v, want ErrDestroyed", name, err)
		}
	}
	if _, err := k.SealOpening(stays, event, "f", nil); err != nil {
		t.Error(err)
	}
	if _, err := k.Replay(ctx, []ID{"k1"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("malformed id: %v", err)
	}
}

func TestForgetInAnotherProcess(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "k.db")
	here, there := openTest(t, path), openTest(t, path)
	use := func(id ID) error { return errOf(there.SealOpening(id, uuid.New(), "f", nil)) }
	s := must[ID](t)(there.SubjectKey(ctx, "c", "ann"))
	if err := errors.Join(here.Destroy(ctx, s), use(s)); err != nil {
		t.Fatalf("a cached key serves until Forget: %v", err)
	}
	there.Forget(s)
	if err := use(s); !errors.Is(err, ErrDestroyed) {
		t.Errorf("after Forget: %v", err)
	}

	early := must[ID](t)(there.SubjectKey(ctx, "c", "bob"))
	there.Forget(early) // the event is seen before the other process has destroyed anything
	if err := use(early); !errors.Is(err, ErrDestroyed) {
		t.Errorf("Forget before Destroy: %v", err)
	}
	if _, err := there.SubjectKey(ctx, "c", "bob"); !errors.Is(err, ErrDestroyed) {
		t.Errorf("Forget before Destroy, by owner: %v", err)
	}

	must[string](t)(there.Pseudonym(ctx, "c", "ann"))
	there.Forget(must[[]Info](t)(there.Keys(ctx, "c"))[0].ID)
	if _, err := there.Pseudonym(ctx, "c", "ann"); !errors.Is(err, ErrDestroyed) {
		t.Errorf("Forget of a case key: %v", err)
	}
}

// hooked is a master that lets a test act while a key is being loaded.
type hooked struct {
	Master
	onUnwrap func()
}

func (h *hooked) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	h.onUnwrap()
	return h.Master.Unwrap(ctx, wrapped, aad)
}

func TestForgetWhileTheKeyIsBeingLoaded(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "k.db")
	k := openTest(t, path)
	id := must[ID](t)(k.SubjectKey(ctx, "c", "ann"))
	caseKey := must[[]Info](t)(k.Keys(ctx, "c"))[0].ID
	for name, forgotten := range map[string]ID{"subject": id, "case": caseKey} {
		h := &hooked{testMaster(t, 1), func() {}}
		late := must[*Keyring](t)(Open(ctx, path, h))
		h.onUnwrap = func() { late.Forget(forgotten) }
		for range 2 {
			if _, err := late.SealOpening(id, uuid.New(), "f", nil); !errors.Is(err, ErrDestroyed) {
				t.Errorf("%s: got %v, want ErrDestroyed", name, err)
			}
		}
		if len(late.keys.items)+len(late.names.items) != 0 {
			t.Errorf("%s: a forgotten key is cached", name)
		}
		if err := late.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestNoSubjectInTheFile(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	k := openTest(t, filepath.Join(dir, "k.db"))
	const marker = "marker.person@example.test"
	must[ID](t)(k.SubjectKey(ctx, "c", marker))
	p := must[string](t)(k.Pseudonym(ctx, "c", marker))
	must[string](t)(k.Digest(ctx, "c", "l", marker))
	if all := files(t, dir); bytes.Contains(all, []byte(marker)) || bytes.Contains(all, []byte(p)) {
		t.Fatal("a subject or pseudonym is in the file")
	}
}
