package api

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/gabriel-vasile/mimetype"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// content serves an exhibit's bytes under a recorded view or download by the same person.
func content(c *call) error {
	t, err := c.findExhibit()
	if err != nil {
		return err
	}
	view := predicate.UUID(c.QueryParam("view"))
	blob, e, err := c.s.cfg.Ledger.Content(c.ctx(), c.user, t.caseID, view, t.exhibit.ID)
	if err != nil {
		if t.secret && errors.Is(err, ledger.ErrViewRequired) {
			return hidden{unknownExhibit()}
		}
		return unreadable(err)
	}
	defer blob.Close()
	kept := false
	if v, ok := c.s.cfg.Ledger.View(c.ctx(), view); ok {
		kept = v.Download
	}
	contentHeaders(c.Response().Header(), e, kept)
	out := &leaving{Blob: blob, control: http.NewResponseController(c.Response()), patience: c.s.cfg.Patience}
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, out)
	if out.err != nil {
		c.s.cfg.Logger.Error("content could not be read to its end; the connection was cut", "case", string(t.caseID), "error", out.err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// unreadable tells a failure of the content's store from one of the log.
func unreadable(err error) error {
	var refused *casefile.Refusal
	for _, known := range []error{ledger.ErrViewRequired, ledger.ErrUnavailable, ledger.ErrStopped, ledger.ErrKeyDestroyed, ledger.ErrDiverged} {
		if errors.Is(err, known) {
			return err
		}
	}
	if errors.As(err, &refused) {
		return err
	}
	return errors.Join(fail(codeContentUnreadable, "the stored content is damaged or missing: tell the operator, who can restore it from a backup"), err)
}

// contentHeaders let a browser show content without running it, keeping it, or lending it to other sites.
func contentHeaders(h http.Header, e *casefile.Exhibit, kept bool) {
	how := "inline"
	if kept {
		how = "attachment"
	}
	h.Set("Content-Type", string(e.Content.MediaType))
	h.Set("Content-Disposition", how+`; filename="`+e.Ref.FileStem()+extension(e.Content.MediaType)+`"`)
	h.Set("ETag", `"`+string(e.Content.SHA256)+`"`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
}

// extension of a file of this media type, "" where none is usual.
func extension(media predicate.MediaType) string {
	if known := mimetype.Lookup(string(media)); known != nil {
		return known.Extension()
	}
	return ""
}

// leaving is content on its way out: it remembers a failure to read, and lets a slow client take its time.
type leaving struct {
	ledger.Blob
	control  *http.ResponseController
	patience time.Duration
	renewed  time.Time
	err      error
}

func (l *leaving) Read(p []byte) (int, error) {
	if now := time.Now(); now.Sub(l.renewed) > l.patience/8 {
		l.renewed = now
		l.control.SetWriteDeadline(now.Add(l.patience)) //nolint:errcheck // not every connection has deadlines
	}
	n, err := l.Blob.Read(p)
	if err != nil && err != io.EOF {
		l.err = err
	}
	return n, err
}

func (l *leaving) Seek(offset int64, whence int) (int64, error) {
	n, err := l.Blob.Seek(offset, whence)
	if err != nil {
		l.err = err
	}
	return n, err
}
