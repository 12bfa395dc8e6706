# ekshume: the commands of a newcomer, thin over CMake presets.
#   make demo   install what is missing, build, investigate the node in tests/data
#   make test   install what is missing, build, run every test
#   make lint   style, layers, documents, clang-tidy; `make analyze` adds its slow analyzer
#   make image  build/ekshume-image.tar: a container image, for `ctr image import`, `podman load`, `docker load`
#   make test-slow   only the sweeps over generated filesystems, which need root
.DEFAULT_GOAL := all
.PHONY: all demo test test-slow lint analyze format fuzz bench install image deps clean

EKSHUME := build/release/src/cli/ekshume
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

all: deps
	cmake --preset release
	cmake --build --preset release --parallel $(JOBS)

demo: all
	rm -rf build/demo-case
	$(EKSHUME) investigate tests/data/demo-node.img.zst --case build/demo-case || test $$? -eq 1

# ctest with preset $(1) and options $(2); then the sentences of those tests that could not run here.
run_tests = ctest --preset $(1) --parallel $(JOBS) $(2); status=$$?; \
  sed -n 's/^skipped: /not run here: /p' build/$(1)/Testing/Temporary/LastTest.log | sort -u; exit $$status

# The sanitized build runs unit tests, damage tests and fuzz corpora; the release build runs the real
# program against the truth of kernel and runtimes.
test: deps
	cmake --preset asan
	cmake --build --preset asan --parallel $(JOBS)
	cmake --preset release
	cmake --build --preset release --parallel $(JOBS)
	@$(call run_tests,asan)
	@$(call run_tests,release)

test-slow: all
	@$(call run_tests,release,--label-regex slow)

lint: deps
	tools/check-layers
	tools/check-fuzz-targets
	tools/check-limits-and-diagnostics
	tools/check-docs
	tools/make-rule-docs check
	git ls-files 'src/*.h' 'src/*.cc' 'fuzz/*.cc' 'bench/*.cc' | xargs clang-format-19 --dry-run --Werror
	cmake --preset tidy > /dev/null
	cmake --build --preset tidy --target event_columns > /dev/null
	tools/check-tidy --no-analyzer -j $(JOBS) build/tidy

# clang-tidy's analyzer follows the paths through all code, which takes four times as long as all its other checks.
analyze: deps
	cmake --preset tidy > /dev/null
	cmake --build --preset tidy --target event_columns > /dev/null
	tools/check-tidy -j $(JOBS) build/tidy

format:
	git ls-files 'src/*.h' 'src/*.cc' 'fuzz/*.cc' 'bench/*.cc' | xargs clang-format-19 -i

fuzz: deps
	cmake --preset fuzz
	cmake --build --preset fuzz --parallel $(JOBS)
	tools/run-fuzzers build/fuzz/fuzz $(FUZZ_SECONDS)

bench: all
	bench/ratios
	bench/events
	bench/rules

install: all
	cmake --install build/release --strip

IMAGE_NAME ?= ekshume:latest
image: all
	rm -rf build/image-root
	cmake --install build/release --prefix build/image-root --strip > /dev/null
	tools/make-image --name $(IMAGE_NAME) build/image-root build/ekshume-image.tar

deps:
	tools/install-dependencies

clean:
	rm -rf build
