# Names of commands, nothing more. `make demo` and `make test` install what is missing.
TARGET := $(or $(CARGO_TARGET_DIR),target)
CARGO := cargo
export PROBITY_BIN = $(abspath $(TARGET))/debug

.PHONY: demo demo-tpm test lint docs fuzz bench soak freeze reproduce static clean \
  eif eif-reproduce eif-compare test-image

demo:
	@.ci/install
	$(CARGO) build -q -p parent -p simulator -p verify-cli
	@tests/demo

demo-tpm:
	@.ci/install
	$(CARGO) build -q -p parent -p tpm-host -p worker -p verify-cli
	@tests/demo-tpm

test: lint docs
	$(CARGO) build -q --workspace --bins
	$(CARGO) test -q --workspace
	tests/crosscheck/run
	tests/image/run --if-possible

eif: ; @eif/build
eif-reproduce: ; @eif/reproduce
eif-compare: ; @eif/compare-aws
test-image: ; @tests/image/run

lint:
	@.ci/install
	$(CARGO) fmt --check
	$(CARGO) clippy -q --workspace --all-targets -- -D warnings

docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc -q --workspace --no-deps

fuzz: ; tests/fuzz/run $(or $(SECONDS),60)

bench:
	@.ci/install
	$(CARGO) build -q --release -p parent -p simulator -p verify-cli
	cd benches/peers && $(CARGO) build -q --release --target-dir target
	cd benches/peers-nitro && $(CARGO) build -q --release --target-dir target
	ulimit -n 16384 && $(CARGO) bench -q -p benches

soak:
	@.ci/install
	$(CARGO) build -q --release -p parent -p simulator -p verify-cli
	$(CARGO) run -q --release -p benches --bin soak

freeze:
	PROBITY_FREEZE=1 $(CARGO) test -q -p tests -- vectors frozen
	$(CARGO) run -q -p attestation-fixtures --bin forger -- manifest >$(TARGET)/manifest.json
	mv $(TARGET)/manifest.json attestation-fixtures/data/manifest.json

reproduce: ; tests/reproduce
static: ; shared/verify-cli/build-static
clean: ; $(CARGO) clean
