package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/verifier"
)

// profileVariable makes a server write a CPU profile of its whole run to the file that it names.
const profileVariable = "CASELEDGER_CPU_PROFILE"

// startProfile begins a profile if one is asked for, and returns what ends it.
func startProfile() (stop func() error, err error) {
	path := os.Getenv(profileVariable)
	if path == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", node.ErrUsage, profileVariable, err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// publicKeys are the event signer's SubjectPublicKeyInfo and the log's Ed25519 key of a trust folder.
func publicKeys(t *verifier.Trust) (spki []byte, logKey []byte, err error) {
	for name, data := range t.Files() {
		if strings.HasPrefix(name, "event-signers/") {
			if block, _ := pem.Decode(data); block != nil {
				spki = block.Bytes
			}
		}
	}
	logs := t.Root().Tlogs
	_, key, err := logs[len(logs)-1].Key()
	if err != nil || spki == nil {
		return nil, nil, fmt.Errorf("trust folder: %w", err)
	}
	return spki, key, nil
}
