// Package schemas holds the published JSON Schemas (2020-12) of all events, one file for each kind and version, and
// checks predicates against them.
//
// A published file never changes: events carry the SHA-256 of the file that they were checked against in their "schema"
// slot. The files describe the predicate of a statement: the slots common to all events and the body of the kind. In
// them every string has an enum or a pattern, every object is closed and every array is bounded, so nothing that a person
// typed can stand in an event in the clear. What may stand there as a salted digest is listed under "x-sd-fields".
//
// A predicate made in this program is checked by code compiled from the same files (some microseconds); a value from
// elsewhere by a general JSON Schema library. Both accept the same values.
//
// Packages that a court runs use the subpackages only: this root carries the JSON Schema library.
package schemas

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// Base is the address below which the schema files are published: Base + file name is a file's $id.
const Base = "https://caseledger.dev/schemas/"

var (
	// ErrInvalid marks a predicate that does not fit its schema.
	ErrInvalid = errors.New("does not fit its schema")
	// ErrUnknown marks a kind of event for which there is no schema.
	ErrUnknown = errors.New("no schema for this kind of event")
)

//go:embed *.schema.json
var embedded embed.FS

// schema is one file with what is made from it.
type schema struct {
	file    []byte
	digest  predicate.Hex32
	body    bodyTypes
	inside  check                              // for *predicate.Predicate
	outside func() (*jsonschema.Schema, error) // for any other value; compiled at first use
}

// catalogue is made at first use: kind of event → schema.
var catalogue = sync.OnceValues(func() (map[string]schema, error) {
	all := map[string]schema{}
	for t := range predicate.Kinds {
		s, err := load(t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.SchemaFile(), err)
		}
		all[t.Kind] = s
	}
	return all, nil
})

func load(t predicate.Type) (schema, error) {
	file, err := embedded.ReadFile(t.SchemaFile())
	if err != nil {
		return schema{}, err
	}
	inside, err := compile(file, t)
	if err != nil {
		return schema{}, err
	}
	sum := sha256.Sum256(file)
	return schema{
		file: file, digest: predicate.Hex32(hex.EncodeToString(sum[:])), body: bodyTypesOf(t), inside: inside,
		outside: sync.OnceValues(func() (*jsonschema.Schema, error) { return compileOutside(t.SchemaFile(), file) }),
	}, nil
}

func find(kind string) (schema, error) {
	all, err := catalogue()
	if err != nil {
		return schema{}, fmt.Errorf("embedded schemas: %w", err)
	}
	s, ok := all[kind]
	if !ok {
		return schema{}, ErrUnknown
	}
	return s, nil
}

// Validate checks the predicate of an event of the given kind. v is a *predicate.Predicate, or any other value that
// stands for a predicate's JSON in the way of canonical.Value, such as what canonical.Unmarshal decodes into an any. The
// error wraps ErrInvalid or ErrUnknown and names the JSON pointer and the rule that is broken, never a value.
func Validate(kind string, v any) error {
	s, err := find(kind)
	if err != nil {
		return err
	}
	p, ok := v.(*predicate.Predicate)
	if !ok {
		return s.validateOutside(kind, v)
	}
	if p == nil {
		return invalid(kind, "", ruleType)
	}
	if !s.body.include(p.Body) {
		return invalid(kind, "/body", ruleKind)
	}
	if f := s.inside(valueOf(p)); f != nil {
		return invalid(kind, f.pointer(), f.rule)
	}
	return nil
}

func (s schema) validateOutside(kind string, v any) error {
	compiled, err := s.outside()
	if err != nil {
		return fmt.Errorf("embedded schema of %s: %w", kind, err)
	}
	value, err := canonical.Value(v)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", kind, ErrInvalid, err)
	}
	return outsideError(kind, compiled.Validate(value))
}

func invalid(kind, pointer, rule string) error {
	return fmt.Errorf("%s: %w: the value at %q breaks the rule %q", kind, ErrInvalid, pointer, rule)
}

// Digest is the SHA-256 of the schema file of a kind of event, for the "schema" slot; false for an unknown kind.
func Digest(kind string) (predicate.Hex32, bool) {
	s, err := find(kind)
	return s.digest, err == nil
}

// File is the schema file of a kind of event; false for an unknown kind.
func File(kind string) ([]byte, bool) {
	s, err := find(kind)
	return bytes.Clone(s.file), err == nil
}

// Files lists all schema files by name, in the order of names.
func Files() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		all, err := catalogue()
		if err != nil {
			return
		}
		for _, kind := range slices.Sorted(maps.Keys(all)) {
			t, _ := predicate.Lookup(kind)
			if !yield(t.SchemaFile(), bytes.Clone(all[kind].file)) {
				return
			}
		}
	}
}
