# Needs Go, make and git; what needs more says so. Targets that build tools of others put them into bin/.

export GOTOOLCHAIN ?= local
export CGO_ENABLED := 0

DATA     ?= ./data
LISTEN   ?= 127.0.0.1:8080
EVIDENCE ?= cmd/caseledger/testdata/evidence
OUT      ?= ./out
FUZZTIME ?= 30s
ROUNDS   ?= 200
TIMEOUT  ?= 15m

GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.8.0
COSIGN        := github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3

install = GOBIN=$(CURDIR)/bin go install

.DEFAULT_GOAL := help
.PHONY: help build run test race fuzz fuzz-long bench demo lint vuln cosign sigstore trillian crash upload-4g compose-check clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

build: ## build bin/caseledger and bin/caseledger-verify
	go build -trimpath -o bin/ ./cmd/caseledger ./cmd/caseledger-verify

run: build ## serve on LISTEN from the ledger in DATA, made with demonstration cases if there is none
	bin/caseledger run --data $(DATA) --listen $(LISTEN)

test: ## run all tests
	go test -timeout $(TIMEOUT) ./...

race: export CGO_ENABLED := 1
race: ## run the tests in short form under the race detector (needs a C compiler)
	go test -race -short -timeout 30m ./...

fuzz: ## run each fuzz target for FUZZTIME
	.ci/fuzz $(FUZZTIME)

fuzz-long: ## run each fuzz target for ten minutes
	.ci/fuzz 10m

bench: build ## measure receipts per second, and this machine's own limits
	bin/caseledger bench

demo: build ## make a ledger of the files in EVIDENCE, and court bags in OUT
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && bin/caseledger demo --data "$$folder/data" --evidence $(EVIDENCE) --out $(OUT)

lint: bin/golangci-lint ## gofmt, go vet, and the linters of .golangci.yml
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); test -z "$$unformatted" || { echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	bin/golangci-lint run ./...
	cd interop && go vet ./... && ../bin/golangci-lint run ./...

vuln: bin/govulncheck ## look for known vulnerabilities (says so where their database is out of reach)
	.ci/vuln

cosign: bin/cosign ## verify every event of the bags in OUT with stock cosign, offline (run make demo first)
	@for bag in $(OUT)/*/bagit.txt; do test -f "$$bag" || { echo "no bag in $(OUT): run make demo"; exit 1; }; interop/cosign.sh "$${bag%/bagit.txt}" $(OUT)/trust || exit 1; done

sigstore: ## verify every event of the bags in OUT with sigstore-go, offline (run make demo first)
	@for bag in $(OUT)/*/bagit.txt; do test -f "$$bag" || { echo "no bag in $(OUT): run make demo"; exit 1; }; (bag=$$(realpath "$${bag%/bagit.txt}") && cd interop && BAG=$$bag go test -count=1 -run TestSigstoreGoAcceptsBag -v .) || exit 1; done

trillian: ## run the tree's tests on Trillian's own servers and PostgreSQL (needs PostgreSQL)
	interop/trillian-postgres.sh bash -c 'cd interop && go test -count=1 -run TestPreorderedLog ./...'
	interop/trillian-postgres.sh go test -count=1 -timeout $(TIMEOUT) ./ledger/trillianlog/...

crash: ## kill the server -9 under load, ROUNDS times, and check all that it had acknowledged
	go test ./cmd/caseledger -count=1 -run TestCrash -timeout 2h -crash.rounds=$(ROUNDS)

upload-4g: ## upload 4 GiB in constant memory
	go test ./cmd/caseledger -count=1 -v -run TestUploadConstantMemory -timeout 30m -upload.bytes=4294967296

compose-check: ## read docker-compose.yml with the Compose project's own parser, and check what it promises
	cd interop && go test -count=1 -run 'TestCompose|TestDockerfile' ./...

clean: ## remove what make has built
	rm -rf bin $(OUT)

bin/golangci-lint:
	$(install) $(GOLANGCI_LINT)

bin/govulncheck:
	$(install) $(GOVULNCHECK)

bin/cosign:
	$(install) $(COSIGN)
