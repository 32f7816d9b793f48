// Package keyring keeps the keys that make personal data and evidence readable, and destroys them.
//
// A master key (a passphrase-protected file, or a KMS behind [Master]) wraps one key per case. A case key wraps
// one random 32-byte key per exhibit and one per data subject in that case. One more key, the identity key, is
// wrapped by the master and belongs to the whole ledger: it derives event ids and ledger-wide digests.
//
//	master ── identity key ── event ids, digests without a case
//	   └──── case key ── HKDF ── wrapping key ── exhibit key ── openings about it, and its age identity
//	             │                        └──── subject key ── openings about that person
//	             └────── HKDF ── subject tags, pseudonyms, digests
//
// An exhibit or subject key K never encrypts anything itself. A field is sealed under
// HKDF-SHA-256(K, salt = none, info = event id || field name) with AES-256-GCM, the 16 bytes of the event id as
// associated data. A sealed opening is
//
//	0x01 || nonce (12 bytes) || ciphertext || tag (16 bytes)
//
// and a wrapped key has the same shape, its associated data being "caseledger-keyring/v1", kind, id, case and
// owner, each preceded by its length (8 bytes, big-endian).
//
// # What destruction means
//
// The keys live in one append-only SQLite table. Destroying overwrites the wrapped bytes in place with zeros,
// marks the row, and then empties the write-ahead log, so that no file of the keyring holds the bytes when
// [Keyring.Destroy] returns. The row stays as a tombstone: the same exhibit or subject never silently gets a new
// key. Copies of the files made earlier still hold the wrapped bytes, and [Keyring.Replay] destroys them again
// after a restore. What lies below the file system (journals, snapshots, flash cells) is out of reach; there the
// bytes are still encrypted under the case key and the master.
//
// Key bytes in memory are overwritten when they leave a cache, are destroyed, or on Close. Go may have copied
// them before (stack growth, registers, swap), the expanded cipher and HMAC states and the strings inside an age
// identity cannot be overwritten, and SQLite's page cache may hold wrapped bytes until a page is reused.
//
// # Bounds
//
// Whoever holds the keyring file alone learns case and exhibit ids and how many people a case has. Whoever holds
// the file and the master can read every opening and blob whose key is not destroyed, and can test whether a
// given person took part in a case until that case's key is destroyed: pseudonyms belong to the case, not to the
// person's key.
package keyring
