package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/caseledger/caseledger/api/devissuer"
	"github.com/caseledger/caseledger/ledger"
)

// The people of the demonstration. They are invented.
var (
	demoOfficer    = demoUser("PC 1234", "officer", "force-01")
	demoProsecutor = demoUser("A. Prosecutor", "prosecutor", "cps-london-north")
	demoDefence    = demoUser("S. Solicitor", "defence", "firm-demo")
	demoClerk      = demoUser("C. Clerk", "clerk", "court-demo")
)

const (
	demoCourt = "court-demo"
	demoFirm  = "firm-demo"
)

// scenario takes one case from its opening to its closing, as the people concerned would, over HTTP.
type scenario struct {
	urn                          string
	evidence                     fs.FS
	files                        []string
	officer, prosecutor, defence *client
	progress                     func(done, total int, what string)
	leaveOpen                    bool // do not close the case

	caseID    string
	defendant string
	exhibits  []string // exhibit ids, in the order of files
	derived   string
	step      int
}

func newScenario(base string, issuer *devissuer.Issuer, urn string, evidence fs.FS) (*scenario, error) {
	s := &scenario{urn: urn, evidence: evidence, progress: func(int, int, string) {}}
	for _, p := range []struct {
		user ledger.User
		to   **client
	}{{demoOfficer, &s.officer}, {demoProsecutor, &s.prosecutor}, {demoDefence, &s.defence}} {
		c, err := newClient(base, issuer, p.user)
		if err != nil {
			return nil, err
		}
		*p.to = c
	}
	err := fs.WalkDir(evidence, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			s.files = append(s.files, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("evidence folder: %w", err)
	}
	return s, nil
}

// object is a JSON object.
type object = map[string]any

// run does the whole job. Each step stands on the ones before it.
func (s *scenario) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.open, s.people, s.upload, s.view, s.redact, s.serve, s.close} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("case %s: %w", s.urn, err)
		}
	}
	return nil
}

func (s *scenario) total() int { return 2*len(s.files) + 6 }

func (s *scenario) done(what string) {
	s.step++
	s.progress(s.step, s.total(), what)
}

func (s *scenario) path(parts ...string) string {
	return "/api/v1/cases/" + s.caseID + strings.Join(parts, "")
}

func (s *scenario) open(ctx context.Context) error {
	a, err := s.officer.post(ctx, "/api/v1/cases", object{
		"urn": s.urn, "area": "london-north", "force": "01", "stage": "pre-charge", "note": "Demonstration case.",
	})
	s.caseID = a.Case
	s.done("case opened")
	return err
}

func (s *scenario) people(ctx context.Context) error {
	d, err := s.officer.post(ctx, s.path("/defendants"), object{"name": "D. Defendant", "dateOfBirth": "1990-01-01"})
	if err != nil {
		return err
	}
	s.defendant = d.ID
	hearing := time.Now().UTC().AddDate(0, 0, 14).Truncate(24 * time.Hour).Add(10 * time.Hour)
	for _, act := range []struct {
		path string
		body object
	}{
		{"/persons", object{"roles": []string{"witness"}, "name": "A. Witness", "child": false, "vulnerable": false}},
		{"/persons", object{"roles": []string{"victim"}, "name": "V. Victim", "child": true, "vulnerable": true}},
		{"/grants", object{"organisation": "cps-london-north", "permissions": []string{"view", "download", "share"}}},
		{"/hearings", object{"court": demoCourt, "type": "first", "at": hearing.Format("2006-01-02T15:04:05.000000Z")}},
		{"/representations", object{"defendant": s.defendant, "organisation": demoFirm}},
	} {
		if _, err := s.officer.post(ctx, s.path(act.path), act.body); err != nil {
			return err
		}
	}
	s.done("people, court and firm added")
	return nil
}

func (s *scenario) upload(ctx context.Context) error {
	for i, name := range s.files {
		f, err := s.evidence.Open(name)
		if err != nil {
			return fmt.Errorf("evidence: %w", err)
		}
		handling := "standard"
		if i == 0 {
			handling = "undertaking"
		}
		q := url.Values{"ref": {"JS/" + strconv.Itoa(i+1)}, "handling": {handling}}
		a, err := s.officer.put(ctx, s.path("/exhibits?", q.Encode()), f, map[string]string{"Caseledger-Filename": name})
		f.Close() //nolint:errcheck // read only
		if err != nil {
			return fmt.Errorf("upload %s: %w", name, err)
		}
		s.exhibits = append(s.exhibits, a.Exhibit)
		s.done("uploaded " + name)
	}
	return nil
}

// see records a view and fetches the content under it.
func (s *scenario) see(ctx context.Context, c *client, exhibit, reason string) error {
	v, err := c.post(ctx, s.path("/exhibits/", exhibit, "/views"), object{"reason": reason})
	if err != nil {
		return err
	}
	_, err = c.read(ctx, v.Content)
	return err
}

func (s *scenario) view(ctx context.Context) error {
	for i, exhibit := range s.exhibits {
		if err := s.see(ctx, s.prosecutor, exhibit, "Charging decision."); err != nil {
			return err
		}
		s.done("viewed " + s.files[i])
	}
	return nil
}

// redact uploads a derived exhibit of the first one and has it approved by a second person.
func (s *scenario) redact(ctx context.Context) error {
	if len(s.exhibits) == 0 {
		s.done("nothing to redact")
		return nil
	}
	q := url.Values{"ref": {"JS/1/R"}, "tool": {"demo-redactor"}, "toolVersion": {"1.0"}}
	text := "Redacted edition of JS/1 (demonstration): personal details of the witness were removed.\n"
	a, err := s.officer.put(ctx, s.path("/exhibits/", s.exhibits[0], "/redactions?", q.Encode()), strings.NewReader(text),
		map[string]string{"Caseledger-Filename": "JS-1-redacted.txt", "Caseledger-Instructions": "Remove the address of the witness."})
	if err != nil {
		return err
	}
	s.derived = a.Exhibit
	_, err = s.prosecutor.post(ctx, s.path("/exhibits/", s.derived, "/approvals"), object{})
	s.done("redacted, and approved by a second person")
	return err
}

// serve serves the redaction, and the first exhibit under an undertaking, on the defence, who accept, view and keep it.
func (s *scenario) serve(ctx context.Context) error {
	if len(s.exhibits) == 0 {
		s.done("nothing to serve")
		return nil
	}
	for _, exhibit := range []string{s.derived, s.exhibits[0]} {
		body := object{"organisation": demoFirm, "defendant": s.defendant}
		if _, err := s.prosecutor.post(ctx, s.path("/exhibits/", exhibit, "/services"), body); err != nil {
			return err
		}
	}
	u, err := s.defence.get(ctx, "/api/v1/undertaking")
	if err != nil {
		return err
	}
	for _, exhibit := range []string{s.derived, s.exhibits[0]} {
		if _, err := s.defence.post(ctx, s.path("/exhibits/", exhibit, "/undertakings"), object{"text": u.SHA256}); err != nil {
			return err
		}
		if err := s.see(ctx, s.defence, exhibit, "Preparing the defence."); err != nil {
			return err
		}
	}
	s.done("served on the defence and viewed there")
	return nil
}

func (s *scenario) close(ctx context.Context) error {
	if s.leaveOpen {
		s.done("case left open")
		return nil
	}
	if _, err := s.prosecutor.post(ctx, s.path("/outcomes"), object{"outcome": "convicted", "defendant": s.defendant}); err != nil {
		return err
	}
	_, err := s.officer.post(ctx, s.path("/closure"), object{"reason": "concluded"})
	s.done("case closed")
	return err
}

// showProgress writes one line that renews itself on a terminal, and nothing into a pipe.
func showProgress(w io.Writer) func(done, total int, what string) {
	if !isTerminal(w) {
		return func(int, int, string) {}
	}
	return func(done, total int, what string) {
		fmt.Fprintf(w, "\r\x1b[K%3d %% %s", 100*done/max(total, 1), what)
		if done >= total {
			fmt.Fprintln(w)
		}
	}
}
