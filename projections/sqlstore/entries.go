package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"
)

// widths are how many rows one statement inserts: as many as fit, then fewer.
var widths = [...]int{64, 16, 4, 1}

// inserts has a statement for each of widths.
type inserts [len(widths)]*sql.Stmt

func insertEntry(rows int) string {
	const one = "(?,?,?,?,?,?,?,?)"
	return "INSERT INTO entry (revision, owner, before, kind, chain, sequence, actor, exhibit) VALUES " + one + strings.Repeat(","+one, rows-1)
}

func insertOwner(rows int) string {
	return "INSERT OR REPLACE INTO owner (no, revision) VALUES (?,?)" + strings.Repeat(",(?,?)", rows-1)
}

// entry is one row of the index of events.
type entry struct{ revision, owner, before, kind, chain, sequence, actor, exhibit int64 }

// maxOwners bounds how many are kept in memory.
const maxOwners = 1 << 17

// owners knows the last event of owners, -1 where there is none. What is in memory is only valid for the transactions
// that were committed.
type owners struct{ last map[int64]int64 }

func (o *owners) forget() { *o = owners{} }

func (o *owners) set(no, last int64) {
	if o.last == nil || len(o.last) >= maxOwners {
		o.last = make(map[int64]int64)
	}
	o.last[no] = last
}

// span is the last event of an owner before a batch, -1 for none, and in it.
type span struct{ before, last int64 }

// index appends an event to its owner's.
func (b *batch) index(e entry) (err error) {
	o, again := b.owners[e.owner]
	if e.before = o.last; !again {
		if o.before, err = b.lastOf(e.owner); err != nil {
			return err
		}
		e.before = o.before
	}
	o.last = e.revision
	b.owners[e.owner] = o
	b.entries = append(b.entries, e)
	return nil
}

// lastOf is the last event of an owner before this batch.
func (b *batch) lastOf(owner int64) (last int64, err error) {
	if last, ok := b.store.owners.last[owner]; ok {
		return last, nil
	}
	err = b.store.write.findOwner.QueryRowContext(context.Background(), owner).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		return -1, nil
	}
	return last, err
}

// insert writes the rows of entry and owner.
func (b *batch) insert() error {
	st := &b.store.write
	err := insertRows(b.entries, &st.entries, func(args []any, e entry) []any {
		b.added(e.revision)
		return append(args, e.revision, e.owner, e.before, e.kind, e.chain, e.sequence, e.actor, e.exhibit)
	})
	if err != nil {
		return err
	}
	nos := slices.Sorted(maps.Keys(b.owners))
	return insertRows(nos, &st.owners, func(args []any, no int64) []any {
		o := b.owners[no]
		if o.before >= 0 {
			b.sum += o.last - o.before
		} else {
			b.added(o.last)
		}
		b.store.owners.set(no, o.last)
		return append(args, no, o.last)
	})
}

// insertRows runs the widest statement that the rest of the rows fills.
func insertRows[T any](rows []T, statements *inserts, appendArgs func([]any, T) []any) error {
	var args []any
	for i, width := range widths {
		for len(rows) >= width {
			args = args[:0]
			for _, row := range rows[:width] {
				args = appendArgs(args, row)
			}
			if _, err := statements[i].ExecContext(context.Background(), args...); err != nil {
				return err
			}
			rows = rows[width:]
		}
	}
	return nil
}
