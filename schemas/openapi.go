package schemas

import (
	_ "embed"
	"encoding/json"
	"sync"

	"gopkg.in/yaml.v3"
)

//go:embed openapi.yaml
var openAPI []byte

// openAPIJSON is made at first use. The file is part of the program and checked by a test, so it cannot fail there.
var openAPIJSON = sync.OnceValue(func() []byte {
	var v any
	if err := yaml.Unmarshal(openAPI, &v); err != nil {
		return nil
	}
	out, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return out
})

// OpenAPIJSON is the description of the HTTP API (OpenAPI 3.1) in JSON. It must not be changed by the caller.
func OpenAPIJSON() []byte { return openAPIJSON() }
