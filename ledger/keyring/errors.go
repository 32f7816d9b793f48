package keyring

import (
	"errors"

	"github.com/caseledger/caseledger/ledger"
)

// Errors that callers tell apart. All are wrapped with the operation and the id concerned; none holds a secret.
var (
	// ErrDestroyed: the key was destroyed, and what it sealed cannot be read again.
	ErrDestroyed = ledger.ErrKeyDestroyed
	// ErrNoKey: no key of that id is in this keyring.
	ErrNoKey = ledger.ErrKeyMissing
	// ErrSealed: the sealed bytes were changed, or belong to another event, field or key.
	ErrSealed = errors.New("sealed bytes do not belong to this key, event and field, or were changed")
	// ErrPassphrase: the passphrase does not open the master key file.
	ErrPassphrase = errors.New("wrong passphrase for the master key file")
	// ErrMasterFile: the file is not a master key file, or is damaged.
	ErrMasterFile = errors.New("not a master key file, or damaged: restore it from its backup")
	// ErrWrongMaster: the wrapped bytes were not made by this master key.
	ErrWrongMaster = errors.New("wrapped under another master key, or changed: use the master key this keyring was created with")
	// ErrInvalid: an argument is empty, too long or of the wrong form.
	ErrInvalid = errors.New("invalid argument")
	// ErrResidue: the key is destroyed, but another process holds the write-ahead log open; destroy it again.
	ErrResidue = errors.New("key destroyed, but the write-ahead log is in use and still holds its wrapped bytes: call again")
	// ErrClosed: the keyring was closed.
	ErrClosed = errors.New("keyring is closed")
)
