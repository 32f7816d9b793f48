package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/caseledger/caseledger/api/devissuer"
	"github.com/caseledger/caseledger/ledger"
)

// errRefused is an answer that is a problem document.
var errRefused = errors.New("the server refused")

// client speaks to the API as one signed-in person.
type client struct {
	base, token string
	http        *http.Client
}

// answer has the members of answers that the demonstration goes on with.
type answer struct {
	Case           string `json:"case"`
	Exhibit        string `json:"exhibit"`
	ID             string `json:"id"`
	View           string `json:"view"`
	Content        string `json:"content"`
	Proposal       string `json:"proposal"`
	LogIndex       string `json:"logIndex"`
	Detail         string `json:"detail"`
	Type           string `json:"type"`
	Text           string `json:"text"`
	SHA256         string `json:"sha256"`
	InclusionProof struct {
		TreeSize string `json:"treeSize"`
	} `json:"inclusionProof"`
}

func newClient(base string, issuer *devissuer.Issuer, u ledger.User) (*client, error) {
	token, err := issuer.Mint(u, tokenLife)
	if err != nil {
		return nil, fmt.Errorf("sign in %s: %w", u.Role, err)
	}
	return &client{base: base, token: token, http: &http.Client{Timeout: time.Hour}}, nil
}

// post sends JSON.
func (c *client) post(ctx context.Context, path string, body any) (answer, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return answer{}, err
	}
	return c.send(ctx, http.MethodPost, path, bytes.NewReader(data), http.Header{"Content-Type": {"application/json"}})
}

// put sends content; names go in headers, since no personal data stands in an address.
func (c *client) put(ctx context.Context, path string, content io.Reader, headers map[string]string) (answer, error) {
	h := http.Header{"Content-Type": {"application/octet-stream"}}
	for k, v := range headers {
		h.Set(k, url.PathEscape(v))
	}
	return c.send(ctx, http.MethodPost, path, content, h)
}

func (c *client) get(ctx context.Context, path string) (answer, error) {
	return c.send(ctx, http.MethodGet, path, nil, nil)
}

func (c *client) send(ctx context.Context, method, path string, body io.Reader, h http.Header) (answer, error) {
	resp, err := c.do(ctx, method, path, body, h)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close() // read to the end
	var a answer
	data, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return a, fmt.Errorf("%s %s: %w", method, path, err)
	}
	err = json.Unmarshal(data, &a)
	if resp.StatusCode/100 != 2 {
		return a, fmt.Errorf("%w: %s %s: %d %s", errRefused, method, path, resp.StatusCode, a.Detail)
	}
	if err != nil {
		return a, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return a, nil
}

func (c *client) do(ctx context.Context, method, path string, body io.Reader, h http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if h != nil {
		req.Header = h
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return resp, nil
}

// read fetches content under a view and counts its bytes.
func (c *client) read(ctx context.Context, path string) (int64, error) {
	resp, err := c.do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close() // read to the end
	if resp.StatusCode/100 != 2 {
		return 0, fmt.Errorf("%w: GET %s: %d", errRefused, path, resp.StatusCode)
	}
	return io.Copy(io.Discard, resp.Body)
}
