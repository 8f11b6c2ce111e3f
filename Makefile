# `make` alone explains the targets.

VERSION   ?=
COMMIT    ?= $(shell git --no-optional-locks describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null)
BIN       ?= bin/klamm
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
DIST      ?= dist
FUZZTIME  ?= 30s

.DEFAULT_GOAL := help
.PHONY: help build demo test race check fmt docs vuln fuzz bench release clean

help: ## Explain the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build bin/klamm
	CGO_ENABLED=0 go build -trimpath -buildvcs=false \
		-ldflags '-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)' -o '$(BIN)' ./cmd/klamm

demo: build ## Mirror between two embedded clusters and compare both sides
	bin/klamm demo

test: ## Run all tests, those on real Kafka included (needs java and mvn)
	go run ./test/kafka/cmd/with-kafka -- go test -timeout 15m ./...
	@$(MAKE) --no-print-directory race

race: ## Run the tests that need no broker with the race detector (needs a C compiler)
	@if command -v cc >/dev/null; then \
		echo 'go test -race ./sdk/... ./core/... ./plugins/...'; \
		go test -race ./sdk/... ./core/... ./plugins/...; \
	else \
		echo 'race detector: no C compiler, left out'; \
	fi

check: ## Format, vet, staticcheck, dependency direction, documents and examples
	@unformatted=$$(go tool gofumpt -l .); if [ -n "$$unformatted" ]; then \
		echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go tool staticcheck ./...
	go test ./docs/... ./test/architecture/...

fmt: ## Format all Go files
	go tool gofumpt -l -w .

docs: ## Write docs/reference from the code
	go run ./docs/generate

vuln: ## Look for known vulnerabilities (needs the network)
	go tool govulncheck ./...

fuzz: ## Run every fuzzer for FUZZTIME (30s)
	@go test -list '^Fuzz' ./... | \
	awk '/^Fuzz/ { name[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, name[i]; n = 0 }' | \
	while read -r package name; do \
		echo "$$package $$name"; \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$package" || exit 1; \
	done

bench: build ## Measure against a tuned loop, MirrorMaker 2 and the floor (an hour; needs java and mvn)
	go run ./test/bench -write docs/benchmarks.md

release: export VERSION := $(VERSION)
release: export COMMIT := $(COMMIT)
release: export PLATFORMS := $(PLATFORMS)
release: export DIST := $(DIST)
release: ## Write archives and their SHA256SUMS to DIST (dist): make release VERSION=v1.2.3
	@sh deploy/release.sh

clean: ## Remove what was built
	rm -rf bin dist
	go clean -testcache
