# SPDX-License-Identifier: MIT OR Apache-2.0
# The commands of the project: `make help` lists them. Each installs the Debian packages it is missing when root, and
# prints the line that does when not.

.DEFAULT_GOAL := build
.PHONY: help build run test test-vm check bench audit static clean

# Where rustup puts cargo; a shell that has not read its profile yet does not know.
export PATH := $(PATH):$(HOME)/.cargo/bin

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

build: ## target/release/ebpf-run
	@scripts/setup build
	cargo build --release --locked

run: ## examples/quickstart.yaml until Ctrl-C (root)
	@[ $$(id -u) = 0 ] || echo 'not root: this only builds, and prints the line that runs it' >&2
	@$(MAKE) --no-print-directory build
	@scripts/run examples/quickstart.yaml

test: ## format, lints, tests on this kernel, tests on four kernels in VMs
	@scripts/setup build test
	@scripts/test

test-vm: ## the VM tests alone; KERNEL=6.1 for one kernel of 5.10, 6.1, 6.12, sid
	@scripts/setup build test
	@scripts/test-vm $(addprefix --kernel ,$(KERNEL))

check: test ## everything that CI runs: the same as test

bench: ## what an event costs, beside a C program; time to ready; a burst of opens; changes (root)
	@scripts/setup build bench
	cargo build --release --locked
	benches/run
	benches/start
	benches/opens
	benches/check
	benches/reload
	benches/many

audit: ## licences, advisories, sources and duplicates of all dependencies; CHECKS='bans licenses sources' needs no network
	@cargo deny --version >/dev/null 2>&1 || { echo 'cargo-deny is not there: cargo install --locked cargo-deny' >&2; exit 1; }
	cargo deny check $(CHECKS)

static: ## a binary without any library, for any Linux, and the licences that go with it
	@scripts/setup build
	@scripts/static

clean: ## forget what was built; the kernels of the VM tests stay in the cache
	cargo clean
