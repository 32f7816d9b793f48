package courtbundle

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/caseledger/caseledger/projections"
)

var csvHeadV1 = []string{
	"entry", "recorded_utc", "claimed_utc", "act", "description", "exhibit", "sha256", "person", "role", "organisation",
	"from", "to", "record", "sequence", "log_number", "event_id", "signed_by_person",
}

// csvV1 has one row for each event, in the order of the log (RFC 4180).
func csvV1(r projections.Report, n numbers) ([]byte, error) {
	type row struct {
		index int64
		cells []string
	}
	byNumber := make([]row, len(n)+1)
	for _, l := range r.Lines() {
		byNumber[n[l.Index]] = row{l.Index, lineCells(l)}
	}
	for _, w := range r.Withheld {
		cells := make([]string, len(csvHeadV1))
		cells[4], cells[12], cells[13] = "Entry that this pack counts but does not show", string(w.Chain), strconv.FormatInt(w.Sequence, 10)
		byNumber[n[w.Index]] = row{w.Index, cells}
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	if err := w.Write(csvHeadV1); err != nil {
		return nil, err
	}
	for _, r := range byNumber[1:] {
		r.cells[0], r.cells[14] = n.of(r.index), strconv.FormatInt(r.index, 10)
		for i, c := range r.cells {
			r.cells[i] = harmless(c)
		}
		if err := w.Write(r.cells); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

func lineCells(l projections.Line) []string {
	ref, sha := "", ""
	if l.Item != nil {
		ref, sha = string(l.Item.Ref), string(l.Item.SHA256)
	}
	return []string{
		"", l.RecordedAt.String(), l.OccurredAt.String(), l.Kind, l.Sentence, ref, sha, person(&l.Who), string(l.Who.Role),
		string(l.Who.Organisation), party(l.From), party(l.To), string(l.Chain), strconv.FormatInt(l.Sequence, 10), "",
		string(l.EventID), signed(l.Signed),
	}
}

func signed(s projections.ActorSignature) string {
	if s.Present {
		return "yes"
	}
	return "no"
}

func person(p *projections.Party) string {
	if p.Name.Revealed {
		return p.Name.Text()
	}
	return string(p.Pseudonym)
}

func party(p *projections.Party) string {
	if p == nil {
		return ""
	}
	parts := []string{person(p), string(p.Organisation)}
	if parts[0] == "" {
		parts[0] = string(p.Person)
	}
	return strings.Trim(strings.Join(parts, ", "), ", ")
}

// harmless keeps a spreadsheet from taking a cell for a formula (OWASP, CSV injection).
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n|", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
