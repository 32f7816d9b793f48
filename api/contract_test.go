package api_test

import (
	"net/http"
	"testing"
)

func checkContract(t testing.TB, req *http.Request, a answer) {}
