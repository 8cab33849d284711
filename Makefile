# `make help` lists what there is to do. Everything here works on a bare Debian or Ubuntu that has a Swift toolchain.

PREFIX  ?= /usr/local
SECONDS ?= 60
FILTER  ?=
SEEDS   ?= 10000
FIRST   ?= 0
ROUNDS  ?= 200
RUNS    ?= 1
TOOLS   := kbroker kproduce kconsume kadmin
SOURCES := Package.swift Sources Tests

# What a tool does not use is left out, function by function, and so is the regular expression library, which is imported
# unasked. Both are memory: of a program that waits, the code that was touched is nearly all there is.
RELEASE := -c release --static-swift-stdlib -Xswiftc -use-ld=lld \
    -Xswiftc -Xfrontend -Xswiftc -function-sections \
    -Xswiftc -Xfrontend -Xswiftc -disable-implicit-string-processing-module-import

.DEFAULT_GOAL := build
.PHONY: build demo run test simulate interop history bench soak fuzz lint format docs install clean help

build: ## release build; executables in bin/
	@scripts/setup
	swift build $(RELEASE)
	@mkdir -p bin
	@for tool in $(TOOLS); do ln -f .build/release/$$tool bin/$$tool 2>/dev/null || cp -f .build/release/$$tool bin/; done

demo: build ## starts a broker, sends real lines through it with every codec, compares, cleans up
	@scripts/demo

run: build ## a broker in the foreground: 127.0.0.1:9092, data in ./data
	@exec bin/kbroker

test: ## unit and house tests (FILTER=name for some of them)
	@scripts/setup
	swift test $(if $(FILTER),--filter '$(FILTER)')

simulate: ## logs that lose power and coordinators that crash, from seeds (SEEDS=10000, FIRST=0; OF=log|coordinators, SEED=n replays one, BUGS=n finds planted ones)
	@scripts/setup
	@OF='$(OF)' SEED='$(SEED)' WHOLE='$(WHOLE)' BUGS='$(BUGS)' Tests/Simulation/run $(SEEDS) $(FIRST)

interop: build ## kcat, confluent-kafka, kafka-python, aiokafka and bad input against bin/kbroker
	@scripts/setup interop
	.venv/bin/pytest Tests/Interop Tests/History $(if $(FILTER),-k '$(FILTER)')

history: build ## random clients of a broker that is killed, and whether what they saw is possible (SECONDS=60, SEED, RUNS)
	@scripts/setup interop
	@.venv/bin/python Tests/History/run $(SECONDS) $(if $(SEED),--seed $(SEED)) --runs $(RUNS)

bench: build ## figures of this machine, as one table
	@scripts/setup interop
	@bench/run

soak: build ## kills the broker under load, with and without flush.messages=1, and compares (ROUNDS=200 each)
	@scripts/setup interop
	@.venv/bin/python Tests/Soak/soak $(ROUNDS)

fuzz: ## libFuzzer on everything that decodes (SECONDS=60)
	@scripts/setup
	@Tests/Fuzz/run $(SECONDS)

lint: ## the format that .swift-format describes, without a finding
	swift format lint --strict --parallel --recursive $(SOURCES)

format: ## writes that format
	swift format format --in-place --parallel --recursive $(SOURCES)

docs: ## writes docs/protocol.md anew from the code
	@scripts/setup
	KAFKA_WRITE_DOCS=1 swift test --filter 'ProtocolDocumentTests'

install: build ## copies the executables, without their symbols, to PREFIX/bin
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -s -m 755 $(TOOLS:%=bin/%) '$(DESTDIR)$(PREFIX)/bin/'

clean: ## removes what was built
	rm -rf .build .build-* bin .venv .venv-streams

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18
