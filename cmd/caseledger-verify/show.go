package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/caseledger/caseledger/verifier/courtbundle"
)

// show prints a result.
func show(w io.Writer, r *courtbundle.Result, asJSON bool) error {
	if asJSON {
		data, err := r.JSON()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", data)
		return err
	}
	var b strings.Builder
	headline(&b, r)
	about(&b, r)
	failures(&b, r)
	open(&b, r)
	_, err := io.WriteString(w, b.String())
	return err
}

func headline(b *strings.Builder, r *courtbundle.Result) {
	switch r.Verdict {
	case courtbundle.Verified:
		b.WriteString("VERIFIED\nEverything that this program checks is in order.\n")
	case courtbundle.NotVerified:
		b.WriteString("NOT VERIFIED\nDo not rely on this until the sentences below are explained.\n")
	case courtbundle.Consistent:
		b.WriteString("CONSISTENT WITH ITSELF, KEYS NOT CHECKED\nThe parts fit together, but anyone can make such a pack with keys of their own. It is verified only if what stands here\n" +
			"is the same as what the ledger's operator tells you by another way:\n")
		fmt.Fprintf(b, "  log:         %s\n", r.Trust.Origin)
		if r.Trust.Fingerprint != "" {
			fmt.Fprintf(b, "  fingerprint: %s\nThen run again with --fingerprint and the operator's own words, or with --trust.\n", r.Trust.Fingerprint)
		} else {
			fmt.Fprintf(b, "  signed by:   %s\nA single event brings no key files: run again with --trust.\n", strings.Join(r.Trust.Signers, ", "))
		}
	}
}

// about says what was checked, from authenticated values only.
func about(b *strings.Builder, r *courtbundle.Result) {
	s := r.Summary
	if s.Case == "" {
		return
	}
	b.WriteString("\n")
	if s.Kind != "" {
		fmt.Fprintf(b, "One event (%s) of case %s, number %d in the log %s, recorded %s by the ledger's clock.\n", s.Kind, s.Case, s.Index, r.Trust.Origin, s.ExportedAt)
		return
	}
	name := string(s.URN)
	if name == "" {
		name = "(reference not revealed)"
	}
	fmt.Fprintf(b, "Case:      %s (id %s)\n", name, s.Case)
	fmt.Fprintf(b, "Log:       %s\n", r.Trust.Origin)
	fmt.Fprintf(b, "Events:    %d", s.Events)
	if s.Withheld > 0 {
		fmt.Fprintf(b, ", of which %d are counted and not shown", s.Withheld)
	}
	fmt.Fprintf(b, "\nExhibits:  %d, with %d files of evidence\n", s.Exhibits, s.Files)
	if s.Recipient.Organisation != "" {
		fmt.Fprintf(b, "Made for:  %s of %s, %s by the ledger's clock\n", s.Recipient.Role, s.Recipient.Organisation, s.ExportedAt)
	}
	list(b, "Not included: the pack has no file of exhibit", s.NotIncluded)
	list(b, "Erased by law, so that no file exists, of exhibit", s.Erased)
	if s.Between > 0 {
		fmt.Fprintf(b, "While the pack was being made, %d more events were recorded; they are not in it.\n", s.Between)
	}
}

func list(b *strings.Builder, what string, names []string) {
	if len(names) > 0 {
		slices.Sort(names)
		fmt.Fprintf(b, "%s %s\n", what, strings.Join(names, ", "))
	}
}

func failures(b *strings.Builder, r *courtbundle.Result) {
	failed := r.Failures()
	if len(failed) > 0 {
		b.WriteString("\nWhat is wrong:\n")
	}
	for _, c := range failed {
		fmt.Fprintf(b, "- %s (%s)\n", c.Sentence, strings.ReplaceAll(string(c.ID), "-", " "))
	}
}

func open(b *strings.Builder, r *courtbundle.Result) {
	if len(r.NotChecked) == 0 {
		return
	}
	b.WriteString("\nNot checked:\n")
	for _, c := range r.Checks {
		if c.Result == courtbundle.NotChecked {
			fmt.Fprintf(b, "- %s (%s)\n", c.Sentence, strings.ReplaceAll(string(c.ID), "-", " "))
		}
	}
	if r.Verdict == courtbundle.Verified {
		b.WriteString("\nThis shows what the ledger recorded and that it was not changed since. It cannot show what was never recorded.\n")
	}
}
