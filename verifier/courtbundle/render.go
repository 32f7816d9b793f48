package courtbundle

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// rendered are the three forms of a report.
type rendered struct{ json, csv, html []byte }

// files maps the forms to their file names.
func (r rendered) files() map[string][]byte {
	return map[string][]byte{reportFile + "json": r.json, reportFile + "csv": r.csv, reportFile + "html": r.html}
}

// render makes a report of a version, false if this program does not know the version. Every version that was ever
// published stays here, so that an old bag can be checked for as long as it is kept.
func render(version string, entries []projections.Entry) (r rendered, known bool, err error) {
	switch version {
	case "caseledger.report/v1":
		r, err = renderV1(projections.Fold(entries))
		return r, true, err
	}
	return rendered{}, false, nil
}

// renderV1 writes version 1.
func renderV1(report projections.Report) (r rendered, err error) {
	n := number(report)
	var errs [3]error
	var html bytes.Buffer
	each(len(errs), func(i int) {
		switch i {
		case 0:
			errs[i] = htmlV1(&html, report, n)
		case 1:
			r.json, errs[i] = canonical.Marshal(report)
		case 2:
			r.csv, errs[i] = csvV1(report, n)
		}
	})
	if err := errors.Join(errs[:]...); err != nil {
		return r, fmt.Errorf("write report: %w", err)
	}
	r.html = html.Bytes()
	return r, nil
}

// numbers maps the index of an event in the log to its running number in the bag.
type numbers map[int64]int

// number follows from the report alone: its lines and withheld events are all events of the bag.
func number(r projections.Report) numbers {
	var all []int64
	for _, l := range r.Lines() {
		all = append(all, l.Index)
	}
	for _, w := range r.Withheld {
		all = append(all, w.Index)
	}
	slices.Sort(all)
	n := make(numbers, len(all))
	for i, index := range slices.Compact(all) {
		n[index] = i + 1
	}
	return n
}

// of is the number as file names write it.
func (n numbers) of(index int64) string { return fmt.Sprintf("%06d", n[index]) }

//go:embed report_v1.html.tmpl
var pageV1 string

// view is what the page is made of.
type view struct {
	projections.Report
	n numbers
}

// Number is the running number of an event.
func (v view) Number(index int64) string { return v.n.of(index) }

func htmlV1(w io.Writer, r projections.Report, n numbers) error {
	page, err := template.New("report").Funcs(template.FuncMap{
		"when":  when,
		"field": field,
		"label": label,
		"chain": chainName,
		"words": func(s any) string { return strings.ReplaceAll(fmt.Sprint(s), "-", " ") },
		"shown": shownFields,
		"table": func(v view, caption string, lines []projections.Line) any {
			return struct {
				View    view
				Caption string
				Lines   []projections.Line
			}{v, caption, lines}
		},
	}).Parse(pageV1)
	if err != nil {
		return err
	}
	return page.Execute(w, view{r, n})
}

// when is a time as people read it, always in UTC.
func when(t predicate.Time) string { return t.Std().Format("2 January 2006, 15:04:05") + " UTC" }

// field is a revealed field in words.
func field(o projections.Opened) string {
	if !o.Revealed {
		return "not revealed in this pack"
	}
	return o.Text()
}

// label turns a field's name into words: actorId → actor id.
func label(name string) string {
	var b strings.Builder
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte(' ')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// chainName says what a chain holds.
func chainName(c predicate.ChainID) string {
	switch _, firm := c.Firm(); {
	case c.Main():
		return "Main record of the case"
	case c.Sensitive():
		return "Record of sensitive unused material"
	case c.Judicial():
		return "Record of judicial acts"
	case firm:
		return "Record of a defence firm's own access"
	}
	return "Other record"
}

// shownField is a revealed field of a line.
type shownField struct{ Label, Text string }

// shownFields are the revealed fields of a line in the order of their names, without technical ones.
func shownFields(l projections.Line) []shownField {
	var out []shownField
	for name, o := range l.Fields {
		if o.Revealed && name != "actorKey" && name != "session" {
			out = append(out, shownField{label(name), o.Text()})
		}
	}
	slices.SortFunc(out, func(a, b shownField) int { return strings.Compare(a.Label, b.Label) })
	return out
}
