package ledger

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// cleanupTime bounds the removal of content whose event was refused, after the caller has gone.
const cleanupTime = 10 * time.Second

// notArrived stands for content before it has arrived.
const notArrived = "b00000000000000000000000000000000"

// Upload stores content under a new exhibit's key while it streams in, and then records the act that build makes of what
// arrived. build is also called before, with no content, so that an act that is refused anyhow is refused before anything is
// read; what it returns then is not recorded. If storing or recording fails the content is removed again, unless it cannot be
// known whether the act was recorded (ErrUnavailable).
func (l *Ledger) Upload(ctx context.Context, caseID, exhibit predicate.UUID, r io.Reader, build func(StoredBlob) (Act, error)) (Recorded, error) {
	if err := l.ready(); err != nil {
		return Recorded{}, err
	}
	intended, err := build(StoredBlob{ID: notArrived})
	if err != nil {
		return Recorded{}, err
	}
	if err := l.allowed(ctx, intended); err != nil {
		return Recorded{}, err
	}
	key, err := l.cfg.Keyring.ExhibitKey(ctx, string(caseID), string(exhibit))
	if err != nil {
		return Recorded{}, fmt.Errorf("key of the new exhibit: %w", err)
	}
	_, recipient, err := l.cfg.Keyring.BlobIdentity(ctx, key)
	if err != nil {
		return Recorded{}, fmt.Errorf("key of the new exhibit: %w", err)
	}
	blob, err := l.cfg.Vault.Put(ctx, r, recipient, l.cfg.MaxContent)
	if err != nil {
		return Recorded{}, fmt.Errorf("store content: %w", err)
	}
	act, err := build(blob)
	if err != nil {
		return Recorded{}, errors.Join(err, l.discard(blob.ID))
	}
	rec, err := l.Record(ctx, act)
	if err != nil && !errors.Is(err, ErrUnavailable) {
		return Recorded{}, errors.Join(err, l.discard(blob.ID))
	}
	if err == nil && rec.Replayed && !stores(rec.Event.Predicate.Body, blob.ID) {
		err = l.discard(blob.ID) // the first attempt's content is the exhibit's
	}
	return rec, err
}

// stores reports whether a blob is the content of the exhibit that an event made.
func stores(body predicate.Body, blob string) bool {
	switch b := body.(type) {
	case *predicate.EvidenceUploadedV1:
		return string(b.Content.Blob) == blob
	case *predicate.RedactionProposedV1:
		return string(b.Content.Blob) == blob
	}
	return false
}

func (l *Ledger) discard(blobID string) error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
	defer cancel()
	if err := l.cfg.Vault.Delete(ctx, blobID); err != nil {
		return fmt.Errorf("remove content that belongs to no exhibit: %w", err)
	}
	return nil
}

// ContentOf describes stored content for an event.
func ContentOf(b StoredBlob, media predicate.MediaType) predicate.Content {
	return predicate.Content{
		Blob: predicate.BlobID(b.ID), MediaType: media, SHA256: predicate.Hex32(hex.EncodeToString(b.SHA256[:])), Size: b.Size,
	}
}
