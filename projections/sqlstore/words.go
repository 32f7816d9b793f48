package sqlstore

import (
	"context"
	"database/sql"
	"errors"
)

// maxWords bounds how many words are kept in memory.
const maxWords = 1 << 17

// words gives numbers to texts: 1, 2, 3 … in the order in which the journal first names them. What is in memory is only
// valid for the transactions that were committed.
type words struct {
	last int64 // the greatest number given; 0 before the first is looked up or given
	of   map[string]int64
}

func (w *words) forget() { *w = words{} }

// word finds the number of a text, or gives it one.
func (b *batch) word(text string) (int64, error) {
	w := &b.store.words
	if no, ok := w.of[text]; ok {
		return no, nil
	}
	no, err := b.findWord(text)
	if err != nil {
		return 0, err
	}
	if w.of == nil || len(w.of) >= maxWords {
		w.of = make(map[string]int64)
	}
	w.of[text] = no
	return no, nil
}

func (b *batch) findWord(text string) (no int64, err error) {
	ctx, w, st := context.Background(), &b.store.words, &b.store.write
	if err := st.findWord.QueryRowContext(ctx, text).Scan(&no); !errors.Is(err, sql.ErrNoRows) {
		return no, err
	}
	if w.last == 0 {
		if err := st.lastWord.QueryRowContext(ctx).Scan(&w.last); err != nil {
			return 0, err
		}
	}
	if _, err := st.addWord.ExecContext(ctx, w.last+1, text, b.revision); err != nil {
		return 0, err
	}
	w.last++
	b.added(b.revision)
	return w.last, nil
}
