# `make` alone lists what can be done. All but build, lint, unit and one need root: tests and demo live in network namespaces of their own.
PROTO ?= ospf
KEEP ?=
# One of resolve, storm, balance, failover, failover6, operations, suppress, restarts; empty: all.
FIGURE ?=
export KEEP
# Where scripts/setup.sh puts a Node of its own when the machine's is too old.
export PATH := $(or $(FPM2AFI_CACHE),/var/cache/fpm2afi)/node/bin:$(PATH)

.PHONY: help setup build lint format unit one test demo demo-stop lab pictures fuzz node-matrix frr-matrix against-linux faults mpls-interop kernel-matrix docs-test dashboard-test bench deb deb-test units-test clean

help:
	@echo 'make setup              packages, npm modules, build, and a current FRR in a root folder of its own'
	@echo 'make build              compile the TypeScript sources into dist/'
	@echo 'make lint               eslint and prettier --check'
	@echo 'make format             prettier --write'
	@echo 'make unit               unit tests only: no root, no FRR, about a minute'
	@echo 'make one TEST=PATTERN   the tests with PATTERN in their paths, such as test/unit/fib/times.test.ts, unit/fib or times'
	@echo '                        ONLY=words for the tests with these words in their names'
	@echo 'make test               setup, lint, unit, slow and integration tests'
	@echo 'make demo PROTO=ospf    FRR programs the software vASIC; checks in out/demo-ospf.json'
	@echo '                        PROTO may be ospf, isis, bgp, ospf6, ecmp or mpls'
	@echo '                        KEEP=1 leaves it running for you to look around'
	@echo 'make demo-stop          end a demo left running by KEEP=1'
	@echo 'make fuzz               hostile bytes for the FPM codec, hostile histories for the FIB, graphs and packets for both engines of'
	@echo '                        softvasic; FRAMES=N, HISTORIES=N, GRAPHS=N, SEED=N; out/fuzz.json'
	@echo 'make node-matrix        the unit tests under Node 22 and 24; NODES="22 24 26"'
	@echo 'make frr-matrix         FRR 8.4, 10.3 and the newest, both FPM modules, against zebra itself; out/frr-matrix.json'
	@echo 'make against-linux      our router and plain Linux side by side: the same commands and frames; out/against-linux.json'
	@echo '                        SEED=N repeats a run; STEPS=N events and FRAMES=N frames at least'
	@echo 'make faults             changes and faults mixed on real zebra: connections, links, kills, kernel; all compared and probed; out/faults.json'
	@echo '                        SEED="1 2 3", STEPS=N a seed, KINDS="afi-late kill-zebra" takes these faults only'
	@echo 'make kernel-matrix      the kernel engine in the kernels of Debian 11, 12 and 13, in virtual machines; out/kernels.json'
	@echo 'make vrf-devices        ports that follow VRF devices, in a virtual machine whose kernel has such; ten minutes'
	@echo 'make mpls-interop       our router beside the Linux kernel with MPLS, in a small virtual machine; out/mpls-interop.json'
	@echo 'make docs-test          every command of README.md and docs/ does and prints what they say; WRITE=1 corrects them; out/docs.json'
	@echo 'make dashboard-test     the Grafana dashboard and the alerts before a real Prometheus and a real router; out/dashboard.json'
	@echo 'make lab                measure failover, load balancing, resolution and more; figures in out/forwarding.json'
	@echo '                        FIGURE=failover measures that one only'
	@echo 'make pictures           docs/pictures: web view, top, graph and dashboard; ONLY="top graph" makes these'
	@echo 'make bench              measure time and memory; table and out/bench.json. BENCH=--quick for 100,000 routes only'
	@echo 'make deb                packages for Debian 12 and 13 in out/deb'
	@echo 'make deb-test           install, run, remove and purge them on fresh Debians; out/deb-test.json'
	@echo 'make units-test         systemd boots them beside FRR: order, hardening, reload, restarts, watchdog; out/units.json'
	@echo 'make clean              remove dist/ and out/ (not the FRR root folder)'

setup:
	@scripts/setup.sh

build:
	npm run build

lint:
	npm run lint

format:
	npm run format

# Neither root nor FRR: npm modules and a build only.
node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund

unit: node_modules/.package-lock.json
	@npm run --silent build
	@npx --no-install jest --selectProjects unit

one: node_modules/.package-lock.json
	@scripts/one.sh "$(TEST)" "$(ONLY)"

test: setup
	@scripts/test.sh

demo: setup
	@node dist/demo/main.js "$(PROTO)"

demo-stop:
	@node dist/demo/stop.js

fuzz: setup
	@node dist/test/fuzz/main.js $(if $(SEED),--seed $(SEED)) $(if $(FRAMES),--frames $(FRAMES)) $(if $(HISTORIES),--histories $(HISTORIES)) $(if $(GRAPHS),--graphs $(GRAPHS))

node-matrix: setup
	@scripts/node-matrix.sh $(or $(NODES),22 24)

# ARGS='--suite trixie --module fpm --family ipv4' takes a part of it.
frr-matrix:
	@scripts/setup.sh --suite bookworm --suite trixie
	@node dist/test/compat/main.js $(ARGS)

against-linux: setup
	@node dist/test/against-linux/main.js $(if $(SEED),--seed $(SEED)) $(if $(STEPS),--steps $(STEPS)) $(if $(FRAMES),--frames $(FRAMES))

faults: setup
	@node dist/test/faults/main.js $(foreach one,$(SEED),--seed $(one)) $(if $(STEPS),--steps $(STEPS)) $(foreach one,$(KINDS),--kind $(one))

# A virtual machine of Debian packages, kept beside the FRR root folder.
mpls-interop: setup
	@scripts/mpls-machine.sh
	@node dist/test/interop/main.js

# softvasic's BPF program in the kernels of other Debian releases.
kernel-matrix: setup
	@node dist/test/kernels/main.js

# The machine of mpls-interop with the files of this one.
vrf-devices: setup
	@scripts/mpls-machine.sh
	@scripts/in-machine.sh node node_modules/jest/bin/jest.js --ci --selectProjects machine

docs-test: setup
	@node dist/test/docs/main.js

# Prometheus of Debian's package, kept beside the FRR root folder.
dashboard-test: setup
	@scripts/prometheus.sh
	@node dist/test/dashboard/main.js

lab: setup
	@node dist/test/bench/figures/main.js "$(FIGURE)"

# Needs a Chromium: apt-get install chromium-headless-shell, or FPM2AFI_BROWSER=PROGRAM.
pictures: setup
	@scripts/prometheus.sh
	@node dist/test/tools/pictures.js $(ONLY)

# BENCH: options of test/bench/main.ts.
BENCH ?=

bench: setup
	@node dist/test/bench/main.js $(BENCH)

# Needs no root, but what `make setup` installs.
deb: node_modules/.package-lock.json
	@scripts/build-deb.sh

# SUITES=bookworm tries that one only.
deb-test:
	@scripts/test-deb.sh $(SUITES)

# SUITES=bookworm takes Debian 12's systemd and FRR.
units-test: setup
	@scripts/units-machine.sh $(or $(SUITES),trixie)
	@node dist/test/units/main.js $(or $(SUITES),trixie)

clean:
	rm -rf dist out
