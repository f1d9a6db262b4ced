# Every task of the project. Tools are called by version, nothing is installed.
GO      ?= go
GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X main.version=$(VERSION)

.PHONY: build test race bench lint fuzz goldens

build: ## a static binary, ./harvester
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o harvester ./cmd/harvester

test:
	$(GO) test ./...

race:
	$(GO) test -race ./...

bench: ## messages, bytes and allocations per second and message, on one core
	$(GO) test -run '^$$' -bench . -benchmem -cpu 1 ./parse/... ./store/... ./cmd/...

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) run $(GOLANGCI) run ./...

FUZZTIME ?= 60s
fuzz: ## each fuzz target for FUZZTIME
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg 2>/dev/null | grep '^Fuzz'); do \
	    echo "== $$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

goldens: ## write the golden files anew; read the diff before you commit it
	$(GO) test ./... -update
