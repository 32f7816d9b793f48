package keyring

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// ID names a key for ever, also after its destruction: "k" and 32 random lower-case hex digits.
type ID = predicate.KeyID

var idForm = regexp.MustCompile(`^k[0-9a-f]{32}$`)

func valid(id ID) bool { return idForm.MatchString(string(id)) }

func newID() ID {
	var b [16]byte
	rand.Read(b[:])
	return ID("k" + hex.EncodeToString(b[:]))
}

const (
	cacheEntries = 64 << 10
	maxName      = 1024 // bytes in a case id, exhibit id or subject
	backTimeout  = 30 * time.Second
)

// Keyring is safe for concurrent use. Several processes may have the same file open; one that destroys a key tells
// the others through the ledger, see Forget.
type Keyring struct {
	db     *sql.DB
	stmts  statements
	master Master
	queue  creations

	names *lru[name, named]      // owner → key id or pseudonym
	keys  *lru[ID, ownerKey]     // exhibit and subject keys
	cases *lru[string, caseKeys] // by case id

	ledgerMu sync.RWMutex
	ledger   ledgerKeys

	goneMu sync.RWMutex
	gone   map[ID]struct{} // destroyed while this process runs, or said to be by Forget
	closed atomic.Bool
}

// name is a cache key: what a case's owner (exhibit id or subject, in clear, in memory only) is called.
type name struct{ kind, caseID, owner string }

// named is a key id or a pseudonym, and the case key it rests on.
type named struct {
	value   string
	caseKey ID
}

// ownerKey is an exhibit or subject key, already extracted (RFC 5869) so that sealing needs only the expansion.
type ownerKey struct {
	prk     [KeySize]byte
	caseID  string
	caseKey ID
	exhibit bool
}

// caseKeys are what a case key is expanded into.
type caseKeys struct {
	id                           ID
	wrap, tag, pseudonym, digest [KeySize]byte
}

// ledgerKeys are what the identity key is expanded into.
type ledgerKeys struct{ eventID, digest [KeySize]byte }

// Open opens the keyring file at path, mode 0600, and creates it and its tables if absent. Another master than the
// one it was created with gives ErrWrongMaster.
func Open(ctx context.Context, path string, m Master) (*Keyring, error) {
	db, err := openDB(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open keyring %s: %w", path, err)
	}
	k := &Keyring{
		db: db, master: m,
		names: newLRU[name, named](cacheEntries),
		keys:  newLRU[ID, ownerKey](cacheEntries),
		cases: newLRU[string, caseKeys](cacheEntries),
		gone:  make(map[ID]struct{}),
	}
	if err := k.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open keyring %s: %w", path, err), db.Close())
	}
	return k, nil
}

func (k *Keyring) start(ctx context.Context) error {
	var err error
	if k.stmts, err = prepare(ctx, k.db); err != nil {
		return err
	}
	// A crash between a destruction and the emptying of the log leaves wrapped bytes in it. Another process that
	// is using the file will empty it later, so ErrResidue is no reason to refuse.
	if err := k.emptyLog(ctx); err != nil && !errors.Is(err, ErrResidue) {
		return err
	}
	return k.loadIdentity(ctx)
}

// Close overwrites the cached keys and closes the file. Later calls return ErrClosed; EventID returns uuid.Nil.
func (k *Keyring) Close() error {
	if k.closed.Swap(true) {
		return nil
	}
	k.names.dropIf(func(*name, *named) bool { return true })
	k.keys.dropIf(func(*ID, *ownerKey) bool { return true })
	k.cases.dropIf(func(*string, *caseKeys) bool { return true })
	k.ledgerMu.Lock()
	k.ledger = ledgerKeys{}
	k.ledgerMu.Unlock()
	return errors.Join(k.stmts.close(), k.db.Close())
}

// usable tells why a key may not be used by this process, whatever the file says.
func (k *Keyring) usable(ids ...ID) error {
	if k.closed.Load() {
		return ErrClosed
	}
	k.goneMu.RLock()
	defer k.goneMu.RUnlock()
	for _, id := range ids {
		if _, gone := k.gone[id]; gone {
			return fmt.Errorf("key %s: %w", id, ErrDestroyed)
		}
	}
	return nil
}

func checkNames(names ...string) error {
	for _, n := range names {
		if n == "" || len(n) > maxName {
			return fmt.Errorf("a case, exhibit or subject id of %d bytes, want 1 to %d: %w", len(n), maxName, ErrInvalid)
		}
	}
	return nil
}
