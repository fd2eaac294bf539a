# Plimsoll's verbs. `make` alone lists them. Needs Go, Node and a C compiler; works with GNU make 3.81 and later.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN      := build/bin
TOOLS    := build/cache/tools
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS  := -X plimsoll/app.version=$(VERSION)
BUILD    := go build -trimpath -buildvcs=false
FUZZTIME ?= 60s
RUNS     ?= 5
IMAGES   ?= bench/small:1 bench/mid:1
VULNDB   ?=
LINTER   := $(TOOLS)/golangci-lint-v2.15.0

# Folders named testdata are left out of ./..., also where they hold Go packages.
PACKAGES ?= ./... $(addprefix ./,$(addsuffix ...,$(sort $(dir $(wildcard testdata/*/*.go)))))

# Go keeps its caches in the home folder. Without one they go beside the other things that can be made again.
ifeq ($(HOME),)
export HOME := $(CURDIR)/build/cache/home
endif

.PHONY: help
help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## build the program into build/bin/plimsoll
	$(BUILD) -ldflags '$(LDFLAGS)' -o $(BIN)/plimsoll .

.PHONY: static
static: ## build a Linux program that needs no library, into build/bin/plimsoll-static
	GOOS=linux $(BUILD) -tags netgo,osusergo -ldflags '$(LDFLAGS) -extldflags "-static"' -o $(BIN)/plimsoll-static .
	@go run ./build/static $(BIN)/plimsoll-static

.PHONY: run
run: build $(BIN)/sample/oci-layout ## assess a bundled sample image with the advisories that the program brings
	$(BIN)/plimsoll scan image --oci-layout $(BIN)/sample --data $(BIN)/sample-data

$(BIN)/sample/oci-layout: $(wildcard testdata/sample/*.go testdata/sample/images/*.go testdata/sample/*/*.go)
	@rm -rf $(BIN)/sample
	go run ./testdata/sample $(BIN)/sample

.PHONY: test
test: ## run every test that this machine can run; PLIMSOLL_SETUP=1 installs what is missing, PLIMSOLL_REQUIRE names groups that must run
	@if [ "$$PLIMSOLL_SETUP" = 1 ] || [ "$$CI" = true ]; then build/dev-deps.sh; fi
	@go run ./build/testrun $(PACKAGES)

.PHONY: check
check: check-format check-vet check-lint check-licenses check-modules check-scripts check-paths ## check all that CI checks besides tests

.PHONY: check-format check-vet check-lint check-licenses check-modules check-scripts check-paths
check-format:
	@unformatted=$$(find . -name '*.go' -not -path './build/cache/*' -not -path '*/node_modules/*' -exec gofmt -l {} +); \
	if [ -n "$$unformatted" ]; then echo "not formatted (gofmt -w):"; echo "$$unformatted"; exit 1; fi

check-vet:
	go vet $(PACKAGES)
	GOOS=darwin CGO_ENABLED=0 go vet $(PACKAGES)
	GOOS=windows CGO_ENABLED=0 go vet $(PACKAGES)

check-lint: $(LINTER)
	$(LINTER) run $(PACKAGES)

check-licenses:
	@go run ./build/licenses

check-modules:
	go mod tidy -diff

check-scripts:
	@for script in .ci/run $$(find . -name '*.sh' -not -path './build/cache/*' -not -path '*/node_modules/*'); do bash -n "$$script" || exit 1; done

check-paths:
	@build/check-paths.sh

$(LINTER):
	@mkdir -p $(TOOLS)
	GOBIN=$(CURDIR)/$(TOOLS) GOFLAGS=-buildvcs=false go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	@mv $(TOOLS)/golangci-lint $@

.PHONY: bench
bench: build ## measure the program against the peers on PATH (IMAGES, RUNS, VULNDB), then run the Go benchmarks
	@go run ./build/bench -program $(BIN)/plimsoll -runs $(RUNS) -vulndb '$(VULNDB)' $(IMAGES)
	go test -run '^$$' -bench . -benchmem $$(grep -rl --include='*_test.go' '^func Benchmark' app backend build scanners storage testdata 2>/dev/null | xargs -n1 dirname | sort -u | sed 's|^|./|')

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (60s)
	@build/fuzz.sh $(FUZZTIME) $(PACKAGES)

.PHONY: clean
clean: ## remove all that was built
	@chmod -R u+w build/cache 2>/dev/null || true # Go keeps modules read-only
	rm -rf $(BIN) build/cache
