package sqlstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/projections/sqlstore"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// scratch gives each round of a property test a folder of its own.
func scratch(t *testing.T) func() string {
	dir, n := t.TempDir(), 0
	return func() string {
		n++
		sub := filepath.Join(dir, strconv.Itoa(n))
		if err := os.Mkdir(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		return sub
	}
}

// Any events in any batches, with the file closed and opened again, or replaced by an earlier copy, in between: the rows
// are those of a rebuild from zero.
func TestRowsDoNotDependOnBatchesNorOnCrashes(t *testing.T) {
	folder := scratch(t)
	rapid.Check(t, func(t *rapid.T) {
		ctx, dir := context.Background(), folder()
		all := drawJournal(t, 30)
		path := filepath.Join(dir, "live.db")
		s, copies := open(t, path), 0
		copyTo := func() string { copies++; return filepath.Join(dir, "copy"+strconv.Itoa(copies)) }
		for next := int64(0); next < int64(len(all)); next = position(t, s) {
			n := rapid.Int64Range(1, min(9, int64(len(all))-next)).Draw(t, "batch")
			apply(t, s, all[next:next+n])
			switch rapid.SampledFrom([]string{"go on", "go on", "go on", "go on", "go on", "reopen", "crash", "crash without WAL"}).Draw(t, "then") {
			case "reopen":
				closed(t, s)
				s = open(t, path)
			case "crash":
				path = crash(t, s, path, copyTo(), "", "-wal")
				s = open(t, path)
			case "crash without WAL":
				path = crash(t, s, path, copyTo(), "")
				s = open(t, path)
				if position(t, s) > next+n {
					t.Fatal("a position ahead of what was applied")
				}
			}
			if position(t, s) == 0 && next > 0 && rapid.Bool().Draw(t, "catch up") {
				if _, err := sqlstore.CatchUp(ctx, all, s); err != nil {
					t.Fatal(err)
				}
			}
		}
		defer closed(t, s)
		again := filepath.Join(dir, "again.db")
		if n, err := sqlstore.Rebuild(ctx, all, again); err != nil || n != int64(len(all)) {
			t.Fatal(n, err)
		}
		rebuilt := open(t, again)
		defer closed(t, rebuilt)
		if a, b := digestOf(t, s), digestOf(t, rebuilt); a != b {
			t.Fatalf("live %s, rebuilt %s", a, b)
		}
		compareWithFolds(t, s, all)
	})
}

// crash copies the files as they are and leaves the store behind.
func crash(t fataler, s *sqlstore.Store, from, to string, suffixes ...string) string {
	for _, suffix := range suffixes {
		data, err := os.ReadFile(from + suffix)
		if err == nil {
			err = os.WriteFile(to+suffix, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	closed(t, s)
	return to
}

// compareWithFolds holds every row against the fold of the whole case in memory.
func compareWithFolds(t *rapid.T, s *sqlstore.Store, all journal) {
	ctx := context.Background()
	for n := 1; n <= 3; n++ {
		var want projections.State
		var revisions []int64
		want.Case.ID = id(n)
		for _, r := range all {
			if want.Apply(r.Revision, &r.Event) {
				revisions = append(revisions, r.Revision)
			}
		}
		got, err := s.Revisions(ctx, string(id(n)))
		if err != nil || !slices.Equal(got, revisions) {
			t.Fatal(got, revisions, err)
		}
		var have projections.State
		have.Case, err = s.Case(ctx, id(n))
		if errors.Is(err, sqlstore.ErrNotFound) {
			have.Case.ID, err = id(n), nil
		}
		errs := []error{err}
		have.Exhibits, err = s.Exhibits(ctx, id(n))
		errs = append(errs, err)
		have.People, err = s.People(ctx, id(n))
		errs = append(errs, err)
		have.Grants, err = s.Grants(ctx, id(n))
		if err := errors.Join(append(errs, err)...); err != nil {
			t.Fatal(err)
		}
		if a, b := text(t, have), text(t, want); a != b {
			t.Fatalf("case %d:\nkept   %s\nfolded %s", n, a, b)
		}
	}
}

func text(t fataler, s projections.State) string {
	b, err := canonical.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestApplyRefusesWhatDoesNotContinue(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "r.db"))
	defer closed(t, s)
	upload := func(revision int64) projections.Record {
		return one(revision, id(1), "force-01", &predicate.CaseClosedV1{})
	}
	apply(t, s, journal{upload(0), upload(1)})
	before := digestOf(t, s)
	for name, batch := range map[string]journal{
		"the last event again": {upload(1)}, "from the beginning": {upload(0)}, "a gap before": {upload(3)},
		"a gap within": {upload(2), upload(4)}, "one event twice": {upload(2), upload(2)}, "backwards": {upload(3), upload(2)},
	} {
		if err := s.Apply(context.Background(), batch); !errors.Is(err, projections.ErrPosition) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if digestOf(t, s) != before {
		t.Error("a refused batch left something behind")
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Apply(stopped, journal{upload(2)}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	apply(t, s, journal{upload(2)})
	if err := s.Reset(context.Background()); err != nil || position(t, s) != 0 {
		t.Fatal(err)
	}
	apply(t, s, journal{upload(0), upload(1)})
	if digestOf(t, s) != before {
		t.Error("after a reset the same events make other rows")
	}
}
