package ledgertest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/esdbserver"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// markers are strings that must be found nowhere, each with where it was put.
type markers map[string]string

// new makes a marker of ten characters, short enough for every field.
func (m markers) new(where string) string {
	var b [8]byte
	rand.Read(b[:])
	text := "Q" + strings.ToUpper(hex.EncodeToString(b[:]))[:9]
	m[text] = where
	return text
}

// forms are the ways in which a marker could lie in a file.
func forms(marker string) [][]byte {
	out := [][]byte{[]byte(marker), []byte(hex.EncodeToString([]byte(marker))), []byte(strings.ToUpper(hex.EncodeToString([]byte(marker))))}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			text := enc.EncodeToString([]byte(strings.Repeat("\x00", shift) + marker))
			first := (shift*8 + 5) / 6 // characters before it hold other bits
			last := (shift + len(marker)) * 8 / 6
			out = append(out, []byte(text[first:last]))
		}
	}
	var little, big []byte
	for _, u := range utf16.Encode([]rune(marker)) {
		little, big = append(little, byte(u), byte(u>>8)), append(big, byte(u>>8), byte(u))
	}
	return append(out, little, big)
}

// absent reports every marker that the data holds in any form.
func (m markers) absent(t *testing.T, where string, data []byte) {
	t.Helper()
	for marker, origin := range m {
		for i, f := range forms(marker) {
			if bytes.Contains(data, f) {
				t.Errorf("%s holds the %s (form %d)", where, origin, i)
			}
		}
	}
}

// absentBelow searches names and bytes of all files.
func (m markers) absentBelow(t *testing.T, dir string) {
	t.Helper()
	files := 0
	for path, data := range contents(t, dir) {
		m.absent(t, "the name "+path, []byte(path))
		m.absent(t, path, data)
		files++
	}
	if files < 10 {
		t.Errorf("only %d files below %s were searched", files, dir)
	}
}

func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, dir)] = data
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestForms(t *testing.T) {
	m := markers{}
	marker := m.new("test")
	for shift := range 7 {
		text := strings.Repeat("a", shift) + marker + strings.Repeat("z", shift)
		found := 0
		for _, data := range []string{text, base64.StdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)), hex.EncodeToString([]byte(text))} {
			for _, f := range forms(marker) {
				if strings.Contains(data, string(f)) {
					found++
					break
				}
			}
		}
		if found != 4 {
			t.Errorf("shifted by %d only %d of 4 forms are recognised", shift, found)
		}
	}
}

// everything does one act of each kind, with a marker in everything that a person or a client gives.
type everything struct {
	t     *testing.T
	l     *ledger.Ledger
	m     markers
	kinds map[string]bool

	caseID                  predicate.UUID
	defendant, witness      predicate.UUID
	plain, unused, redacted predicate.Item
}

func (e *everything) user(name string, role identifier.Role, org identifier.Org) ledger.User {
	return ledger.User{
		Subject: name + e.m.new("subject of "+name), Name: "Jane " + e.m.new("name of "+name), Role: role, Organisation: org,
		Session: "s-" + e.m.new("session of "+name),
	}
}

// fields gives a marker to each field that the kind has.
func (e *everything) fields(kind string) []ledger.Field {
	t, _ := predicate.Lookup(kind)
	var out []ledger.Field
	for _, f := range t.Fields {
		marker := e.m.new(f.Name + " of " + kind)
		switch f.Name {
		case "actorName", "actorId", "session":
		case "identifiers":
			out = append(out, ledger.Field{Name: f.Name, Value: []string{"PNC " + marker, "x" + e.m.new("second identifier")}})
		default:
			if f.Max >= 100 {
				marker = "Jane's " + marker + " at home"
			}
			out = append(out, ledger.Field{Name: f.Name, Value: marker})
		}
	}
	return out
}

func (e *everything) act(by ledger.User, body predicate.Body) ledger.Act {
	kind := body.Kind()
	e.kinds[kind] = true
	return ledger.Act{
		User: by, Case: e.caseID, Policy: "test", Body: body, Fields: e.fields(kind),
		IdempotencyKey: "key " + e.m.new("idempotency key of "+kind), Request: []byte(e.m.new("request of " + kind)),
	}
}

func (e *everything) do(by ledger.User, body predicate.Body) ledger.Recorded {
	e.t.Helper()
	r, err := e.l.Record(context.Background(), e.act(by, body))
	if err != nil {
		e.t.Fatalf("%s: %v", body.Kind(), err)
	}
	return r
}

func (e *everything) upload(by ledger.User, ref string, body func(predicate.UUID, predicate.Content) predicate.Body) ledger.Recorded {
	e.t.Helper()
	exhibit := newID()
	r, err := e.l.Upload(context.Background(), e.caseID, exhibit, strings.NewReader("a text with "+e.m.new("content of "+ref)),
		func(b ledger.StoredBlob) (ledger.Act, error) {
			return e.act(by, body(exhibit, ledger.ContentOf(b, "text/plain"))), nil
		})
	if err != nil {
		e.t.Fatal(err)
	}
	return r
}

func (e *everything) evidence(by ledger.User, ref identifier.ExhibitRef, schedule predicate.Schedule) predicate.Item {
	return itemOf(e.upload(by, string(ref), func(id predicate.UUID, c predicate.Content) predicate.Body {
		return &predicate.EvidenceUploadedV1{Exhibit: id, Ref: ref, Handling: "standard", Schedule: schedule, Content: c}
	}))
}

func (e *everything) run() {
	pc, sgt := e.user("pc", "officer", "force-01"), e.user("sgt", "officer", "force-01")
	solicitor, clerk := e.user("solicitor", "defence", "firm-a"), e.user("clerk", "clerk", "court-demo")
	e.caseID, e.defendant, e.witness = newID(), newID(), newID()
	representation, grant := newID(), newID()
	e.do(pc, &predicate.CaseOpenedV1{URN: "01AB1234526", Stage: "pre-charge"})
	e.do(pc, &predicate.CaseLinkedV1{Linked: newID(), Relation: "related"})
	e.do(pc, &predicate.DefendantAddedV1{Defendant: e.defendant})
	e.do(pc, &predicate.PersonAddedV1{Person: e.witness, Roles: []predicate.SubjectRole{"witness"}})
	e.do(pc, &predicate.RepresentationStartedV1{Defendant: e.defendant, Organisation: "firm-a", Representation: representation})
	e.do(pc, &predicate.HearingListedV1{At: predicate.At(e.l.Now()), Court: "court-demo", Hearing: newID(), Type: "first"})
	e.plain, e.unused = e.evidence(pc, "JS/1", "used"), e.evidence(pc, "JS/2", "mg6c")
	bound := itemOf(e.upload(pc, "JS/3", func(id predicate.UUID, c predicate.Content) predicate.Body {
		return &predicate.EvidenceUploadedV1{Exhibit: id, Ref: "JS/3", Handling: "undertaking", Schedule: "used", Content: c}
	}))
	proposed := e.upload(pc, "JS/1A", func(id predicate.UUID, c predicate.Content) predicate.Body {
		return &predicate.RedactionProposedV1{Content: c, Exhibit: id, Handling: "standard", Parent: e.plain, Ref: "JS/1A", Schedule: "used"}
	})
	e.redacted = itemOf(proposed)
	e.do(sgt, &predicate.RedactionApprovedV1{Item: e.redacted, Parent: e.plain, Proposal: idOf(proposed)})
	e.do(pc, &predicate.AccessGrantedV1{Grant: grant, Organisation: "cps-london-north", Permissions: []predicate.Permission{"view"}})
	e.do(pc, &predicate.AccessRevokedV1{Grant: grant, Reason: "withdrawn"})
	e.do(pc, &predicate.EvidenceSharedV1{Item: e.redacted, Organisation: "cps-london-north", Permissions: []predicate.Permission{"view"}})
	text := predicate.Hex32(strings.Repeat("0a", 32))
	e.do(pc, &predicate.EvidenceServedV1{Defendant: e.defendant, Item: bound, Organisation: "firm-a", SentAt: predicate.At(e.l.Now()), Undertaking: text})
	e.do(solicitor, &predicate.UndertakingAcceptedV1{Item: bound, Text: text})
	e.do(pc, &predicate.UnusedDisclosedV1{Defendant: e.defendant, Item: e.unused, Organisation: "firm-a", Restriction: "CPIA_s17", SentAt: predicate.At(e.l.Now())})
	view := e.do(solicitor, &predicate.EvidenceViewedV1{Item: bound})
	e.read(solicitor, view, bound)
	e.do(solicitor, &predicate.EvidenceDownloadedV1{Item: bound})
	e.do(clerk, &predicate.CaseOutcomeV1{Defendant: e.defendant, Outcome: "convicted"})
	e.do(pc, &predicate.RepresentationEndedV1{Reason: "case-ended", Representation: representation})
	e.deny(solicitor)
	e.destroy(pc, sgt)
	e.do(pc, &predicate.CaseClosedV1{Reason: "concluded"})
	e.do(pc, &predicate.CaseReopenedV1{Reason: "appeal"})
	e.bag(pc)
}

func (e *everything) read(by ledger.User, view ledger.Recorded, item predicate.Item) {
	blob, _, err := e.l.Content(context.Background(), by, e.caseID, idOf(view), item.Exhibit)
	if err != nil {
		e.t.Fatal(err)
	}
	if text, err := io.ReadAll(blob); err != nil || !strings.HasPrefix(string(text), "a text with Q") {
		e.t.Fatalf("content: %v", err)
	}
	blob.Close() // read only
}

func (e *everything) deny(by ledger.User) {
	e.kinds["access.denied"] = true
	for range 3 {
		err := e.l.Deny(context.Background(), ledger.Denial{User: by, Act: "view", Target: "/cases/" + e.m.new("target of a denial"), Policy: "test"})
		if err != nil {
			e.t.Fatal(err)
		}
	}
}

func (e *everything) destroy(one, other ledger.User) {
	e.t.Helper()
	doomed := e.evidence(one, "JS/9", "used")
	p := e.do(one, &predicate.KeyDestructionProposedV1{Authority: "court-order", Exhibit: doomed.Exhibit, Scope: "exhibit"})
	_, err := e.l.DestroyKeys(context.Background(), e.act(other, &predicate.KeyDestroyedV1{
		Authority: "court-order", Exhibit: doomed.Exhibit, Scope: "exhibit", Proposal: idOf(p),
	}))
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *everything) bag(by ledger.User) {
	h, _ := e.l.Integrated()
	root := predicate.Hex32(hex.EncodeToString(h.Root[:]))
	e.do(by, &predicate.BagExportedV1{
		Checkpoint: predicate.TreeHead{Origin: ledgertest.Origin, Root: root, Size: h.Size}, Contents: root,
		Heads:     []predicate.Head{{Chain: predicate.ChainID(e.caseID) + "/main", Count: 1, Link: root}},
		Recipient: predicate.Recipient{Organisation: "court-demo", Role: "clerk"},
	})
}

// buffer is what was logged.
type buffer struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data.Write(p)
}

// TestNothingPersonalIsStored: of everything that people and clients give, nothing is found in any store, nor in the log.
func TestNothingPersonalIsStored(t *testing.T) {
	dir, logged, m := t.TempDir(), &buffer{}, markers{}
	ledgertest.Init(t, filepath.Join(dir, "a"))
	server, err := esdbserver.Start(context.Background(), esdbserver.Config{Dir: filepath.Join(dir, "events"), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close() // the test is over
	n, err := node.Open(context.Background(), node.Config{Data: filepath.Join(dir, "a"), EventStore: server.ConnectionString(),
		Logger: slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	e := &everything{t: t, l: n.Ledger, m: m, kinds: map[string]bool{}}
	e.run()
	for kind := range predicate.Kinds {
		if !e.kinds[kind.Kind] {
			t.Errorf("there was no %s", kind.Kind)
		}
	}
	ledgertest.CheckLedger(t, n)
	m.absentBelow(t, dir) // with write-ahead logs full
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	m.absentBelow(t, dir)
	m.absent(t, "the log", logged.data.Bytes())
	if events := m.absentFromStream(t, server); events < 25 {
		t.Errorf("the official client read %d events only", events)
	}
}

// absentFromStream reads everything through the official client.
func (m markers) absentFromStream(t *testing.T, server *esdbserver.Server) (events int) {
	t.Helper()
	conf, err := esdb.ParseConnectionString(server.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	conf.Logger = esdb.NoopLogging()
	client, err := esdb.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close() // read only
	stream, err := client.ReadAll(context.Background(), esdb.ReadAllOptions{}, 10000)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for {
		e, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			t.Fatal(err)
		}
		events++
		m.absent(t, "data of "+e.Event.EventType, e.Event.Data)
		m.absent(t, "metadata of "+e.Event.EventType, e.Event.UserMetadata)
		m.absent(t, "stream or type of "+e.Event.EventType, []byte(e.Event.StreamID+" "+e.Event.EventType+" "+e.Event.EventID.String()))
		var payload []byte
		if c, ok := bytes.CutPrefix(e.Event.Data, []byte(`{"payload":"`)); ok {
			text, _, _ := bytes.Cut(c, []byte(`"`))
			payload, err = base64.StdEncoding.DecodeString(string(text))
			if err != nil {
				t.Fatal(err)
			}
		}
		m.absent(t, "statement of "+e.Event.EventType, payload)
	}
}
