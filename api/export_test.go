package api

import (
	"maps"
	"regexp"
	"slices"
)

// Routes lists method and path of all routes as OpenAPI writes them.
func (s *Server) Routes() []string {
	var out []string
	for _, r := range s.echo.Routes() {
		out = append(out, r.Method+" "+regexp.MustCompile(`:([a-z]+)`).ReplaceAllString(r.Path, "{$1}"))
	}
	return out
}

// Problem is status and title of a code.
func Problem(code string) (int, string) { return problemKinds[code].status, problemKinds[code].title }

// ProblemCodes lists all codes, sorted.
func ProblemCodes() []string { return slices.Sorted(maps.Keys(problemKinds)) }

// DecodeJSON is decodeJSON.
func DecodeJSON(data []byte, v any) error { return decodeJSON(data, v) }

// AppendString is appendString.
func AppendString(dst []byte, s string) []byte { return appendString(dst, s) }

// QuickReason is the short way to read the body of a view.
func QuickReason(data []byte) (string, bool) {
	var a accessBody
	ok := a.decode(data)
	return a.Reason, ok
}

// SlowReason is the general way.
func SlowReason(data []byte) (string, error) {
	var a accessBody
	err := decodeJSON(data, &a)
	return a.Reason, err
}
