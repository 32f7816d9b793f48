package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
)

// Digest is SHA-256, in hex, over the rows of all tables in the order of their keys, position included, and the number of
// rows. Two stores that applied the same events have the same digest, however the events came in batches.
func (s *Store) Digest(ctx context.Context) (digest string, rows int64, err error) {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return "", 0, failed("compute the digest", err)
	}
	defer tx.Rollback() // it only read
	h := sha256.New()
	for _, t := range append([]table{{"position", "next, total, sum", "id"}}, tables...) {
		fmt.Fprintf(h, "%s(%s)\n", t.name, t.columns)
		n, err := hashTable(ctx, tx, h, t)
		if err != nil {
			return "", 0, failed("compute the digest of "+t.name, err)
		}
		rows += n
	}
	return hex.EncodeToString(h.Sum(nil)), rows - 1, nil
}

func hashTable(ctx context.Context, tx *sql.Tx, h hash.Hash, t table) (n int64, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT "+t.columns+" FROM "+t.name+" ORDER BY "+t.key)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	var buf []byte
	for ; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return 0, err
		}
		buf = buf[:0]
		for _, v := range values {
			if buf, err = appendValue(buf, v); err != nil {
				return 0, err
			}
		}
		h.Write(buf)
	}
	return n, rows.Err()
}

// appendValue writes a value so that no two rows look alike: type, length, bytes.
func appendValue(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case int64:
		return binary.BigEndian.AppendUint64(append(dst, 'i'), uint64(v)), nil
	case []byte:
		return append(binary.BigEndian.AppendUint64(append(dst, 'b'), uint64(len(v))), v...), nil
	case string:
		return append(binary.BigEndian.AppendUint64(append(dst, 't'), uint64(len(v))), v...), nil
	}
	return nil, fmt.Errorf("%w: a column holds a %T", ErrCorrupt, v)
}
