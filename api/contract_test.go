package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/caseledger/caseledger/api"
	"github.com/caseledger/caseledger/schemas"
)

var description = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(schemas.OpenAPIJSON())
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

func openAPI(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := description()
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	return doc
}

// checkContract demands that an answer is one that openapi.yaml describes.
func checkContract(t testing.TB, req *http.Request, a answer) {
	t.Helper()
	if a.status == 0 {
		return
	}
	op := operation(openAPI(t), req)
	if op == nil {
		if a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed {
			t.Errorf("%s %s is not described and answers %s", req.Method, req.URL.EscapedPath(), a)
		}
		return
	}
	is := op.Responses.Status(a.status)
	if is == nil {
		is = op.Responses.Default()
	}
	if is == nil {
		t.Errorf("%s %s: status %d is not described", req.Method, req.URL.EscapedPath(), a.status)
		return
	}
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	content := is.Value.Content.Get(media)
	switch {
	case len(is.Value.Content) == 0 || req.Method == http.MethodHead:
	case content == nil:
		t.Errorf("%s %s: %d with %s is not described", req.Method, req.URL.EscapedPath(), a.status, media)
	case strings.HasSuffix(media, "json") && content.Schema != nil && len(is.Value.Content) == 1 && is.Value.Content["*/*"] == nil:
		var v any
		if err := json.Unmarshal(a.body, &v); err != nil {
			t.Errorf("%s %s: %v", req.Method, req.URL.EscapedPath(), err)
		} else if err := content.Schema.Value.VisitJSON(v, openapi3.EnableJSONSchema2020()); err != nil {
			t.Errorf("%s %s answers %s, which is not as described: %v", req.Method, req.URL.EscapedPath(), a, err)
		}
	}
}

func operation(doc *openapi3.T, req *http.Request) *openapi3.Operation {
	for path, item := range doc.Paths.Map() {
		pattern := "^" + regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(path, "[^/]+") + "$"
		if regexp.MustCompile(pattern).MatchString(req.URL.EscapedPath()) {
			return item.GetOperation(req.Method)
		}
	}
	return nil
}

// Every route is described and everything described is a route.
func TestDescriptionAndRoutesAreTheSame(t *testing.T) {
	t.Parallel()
	var described []string
	for path, item := range openAPI(t).Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(described)
	routes := newServer(t, newWorld(t).node).Routes()
	slices.Sort(routes)
	if !slices.Equal(described, routes) {
		t.Errorf("described %q\nroutes    %q", described, routes)
	}
}

// docs/problems.md and the description list exactly the problems that there are.
func TestProblemsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/problems.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([0-9]{3}) \\| ([^|]+) \\| [^|]+ \\|$").FindAllStringSubmatch(string(text), -1) {
		documented[m[1]] = true
		status, title := api.Problem(m[1])
		if strconv.Itoa(status) != m[2] || title != m[3] {
			t.Errorf("%s is %d %q and documented as %s %q", m[1], status, title, m[2], m[3])
		}
	}
	var listed []string
	for _, v := range openAPI(t).Components.Schemas["Problem"].Value.Properties["code"].Value.Enum {
		listed = append(listed, v.(string))
	}
	if codes := api.ProblemCodes(); !slices.Equal(codes, listed) || len(documented) != len(codes) {
		t.Errorf("problems %q\ndescribed %q\ndocumented %d", codes, listed, len(documented))
	}
}
