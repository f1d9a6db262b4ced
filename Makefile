# Every task of the project. Tools are called by version, nothing is installed.
GO      ?= go
GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
NFPM     = github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
# 1.2.3 at a tag, 1.2.3+4.gabcdef four commits later: in order for dpkg and rpm.
VERSION ?= $(shell { git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null || git describe --always --dirty --exclude '*' 2>/dev/null | sed "s/^/0.0.0-$$(git rev-list --count HEAD)-g/" || echo dev; } \
	| sed -E 's/^v//; s/-([0-9]+)-g/+\1.g/; s/-dirty$$/.dirty/')
LDFLAGS  = -s -w -X main.version=$(VERSION)

.PHONY: checkers servers build package test race bench bench-harvest bench-history bench-pages compare crash engines fleet fleet-rate cuts histories lint fuzz goldens notices licences proof-figures

build: ## a static binary, ./harvester
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o harvester ./cmd/harvester

ARCHES   = amd64 arm64
STAGE    = dist/stage
package: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
package: ## dist/*.deb and *.rpm for amd64 and arm64, the same bytes each time
	rm -rf dist && mkdir -p $(STAGE)/man $(STAGE)/completion
	for arch in $(ARCHES); do \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(STAGE)/$$arch/harvester ./cmd/harvester || exit 1; \
	done
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(STAGE)/harvester ./cmd/harvester
	$(STAGE)/harvester config example | sed 's|^#rules_dir = .*|rules_dir = "/etc/harvester/rules"|' > $(STAGE)/harvester.toml
	$(STAGE)/harvester man $(STAGE)/man
	gzip -9n $(STAGE)/man/man?/*
	$(STAGE)/harvester completion bash > $(STAGE)/completion/harvester.bash
	$(STAGE)/harvester completion zsh > $(STAGE)/completion/_harvester
	$(STAGE)/harvester completion fish > $(STAGE)/completion/harvester.fish
	for arch in $(ARCHES); do for kind in deb rpm; do \
	  ARCH=$$arch STAGE=$(STAGE) VERSION=$(VERSION) $(GO) run $(NFPM) package -f cmd/harvester/dist/nfpm.yaml -p $$kind -t dist/ || exit 1; \
	done; done
	rm -rf $(STAGE)
	cd dist && sha256sum *.deb *.rpm > SHA256SUMS

test:
	$(GO) test ./...

race:
	$(GO) test -race ./...

bench: ## messages, bytes and allocations per second and message, on one core
	$(GO) test -run '^$$' -bench . -skip '^BenchmarkHarvest$$' -benchmem -cpu 1 ./parse/... ./store/... ./cmd/...

bench-harvest: ## the whole pipeline on 20,000 mails of a real server (Dovecot)
	$(GO) test -run '^$$' -bench 'Harvest$$' -benchtime 3x -timeout 30m -v ./cmd/harvester

crash: ## kill the program 200 times while it harvests 2,000 mails from Dovecot, with a file and with PostgreSQL
	HARVESTER_REQUIRE_DOVECOT=1 HARVESTER_REQUIRE_POSTGRES=1 HARVESTER_CRASHES=200 $(GO) test -count 1 -run '^TestCrash(OnPostgres)?$$' -timeout 60m -v ./cmd/harvester

fleet: ## three workers, PostgreSQL and Dovecot, 60 mailboxes, 30,000 mails, killed, stopped and cut off all the time: takes an hour or more
	HARVESTER_REQUIRE_DOVECOT=1 HARVESTER_REQUIRE_POSTGRES=1 HARVESTER_FLEET=1 $(GO) test -count 1 -run '^TestFleet$$' -timeout 6h -v ./cmd/harvester

engines: ## all tests of the store and all simulations on PostgreSQL, as on SQLite
	HARVESTER_REQUIRE_POSTGRES=1 HARVESTER_ENGINES=1 $(GO) test -count 1 -timeout 60m -v -run '^TestOnPostgres$$' ./store ./store/simulate

MAILS ?= 10000
fleet-rate: ## what workers and the leader bring on PostgreSQL, as ratios, with MAILS mails, and a history of PAST events beside a file: takes minutes
	HARVESTER_REQUIRE_POSTGRES=1 HARVESTER_FLEET_RATE=$(MAILS) $(GO) test -count 1 -run '^TestFleetRates$$' -timeout 60m -v ./cmd/harvester
	HARVESTER_REQUIRE_POSTGRES=1 HARVESTER_FLEET_RATE=1 $(GO) test -count 1 -run '^TestFleetRateOfHistory$$' -timeout 120m -v ./store -args -events $(PAST)

bench-history: ## decisions over a million events: takes minutes
	$(GO) test ./store -run '^$$' -bench History -benchtime 1x -timeout 60m -args -events 1000000

PAST ?= 1000000
bench-pages: ## the pages on a year of a million events, beside plain selects; PAST=10000000 takes some 8 GB
	$(GO) test ./cmd/harvester/web -run '^$$' -bench Pages -benchtime 10x -timeout 120m -args -events $(PAST)

BASE ?= debefd4
compare: ## this tree against commit BASE, in the same minute; FULL=1 for a million events, ROWS=list for one work
	@base=$$(mktemp -d) && trap 'rm -rf "$$base"' EXIT && git archive $(BASE) | tar -x -C "$$base" && \
	  $(GO) test ./cmd/harvester/compare -count 1 -timeout 4h -run '^TestCompare$$' -v -args -base "$$base" $(if $(FULL),-full) $(if $(ROWS),-rows '$(ROWS)') $(if $(ROUNDS),-rounds $(ROUNDS))

cuts: ## break more than 1,000 connections to Dovecot at random bytes
	HARVESTER_REQUIRE_DOVECOT=1 HARVESTER_CUTS=1400 $(GO) test -count 1 -run '^TestRandomCuts$$' -timeout 60m -v ./harvest/imap

servers: ## every mail server that Debian has, unpacked and started by hand, with each disposition and fault; needs root
	dir=$$(mktemp -d) && chmod 755 $$dir && trap "rm -rf $$dir" EXIT && .ci/servers $$dir && \
	  HARVESTER_SERVERS=$$dir HARVESTER_MAILS=300 HARVESTER_REQUIRE_DOVECOT=1 $(GO) test -count 1 -run '^TestServers(Faults)?$$' -timeout 60m -v ./cmd/harvester

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) run $(GOLANGCI) run ./...

histories: ## full = previous + delta, a thousand random histories for each export profile
	HARVESTER_HISTORIES=1000 $(GO) test -count=1 -timeout 60m -run FullIsPreviousPlusDelta ./store/export

notices: ## run mail programs of Debian, unpacked, and read what they say when mail fails: needs root and the network
	fixtures/notices.sh

FUZZTIME ?= 60s
fuzz: ## each fuzz target for FUZZTIME
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg 2>/dev/null | grep '^Fuzz'); do \
	    echo "== $$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

licences: ## the licences of what is linked, from the module cache
	$(GO) test -count=1 ./cmd/harvester/notices -update

goldens: ## write the golden files anew; read the diff before you commit it
	$(GO) test ./... -update

proof-figures: ## how much of our own signed mail verifies when it comes back, and the mutations
	HARVESTER_FIGURES=1 $(GO) test -count=1 -v -run 'TestReturnedMails|TestMutations' ./parse/dkim | grep verify\\\|changed

checkers: ## what other SPF, DKIM and DMARC checkers find in the zones of diagnose's tests, into docs/checkers.md; needs root and the network
	schedule/diagnose/checkers/compare.sh
