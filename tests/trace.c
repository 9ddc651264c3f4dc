// Preloaded into a program that is built with -finstrument-functions: writes each function that is entered into the mapped file that
// TRACE names, from the first one on. All processes and threads of the program write into the same file: tests/trace reads it.
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PLACES = 1 << 20 };

struct trace {
    _Atomic uint64_t count; // entries so far; those beyond PLACES are counted only
    uint64_t entered
        [PLACES]; // address of the function, from the program's beginning; 0 while it is being written
};

static struct trace *trace;
static uintptr_t program;

__attribute__((no_instrument_function)) static int first_object(struct dl_phdr_info *info,
                                                                size_t size, void *unused)
{
    (void)size, (void)unused;
    program = info->dlpi_addr;
    return 1; // the program itself comes first
}

__attribute__((constructor, no_instrument_function)) static void map_file(void)
{
    const char *path = getenv("TRACE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    dl_iterate_phdr(first_object, NULL);
    void *map = ftruncate(file, sizeof *trace)
                    ? MAP_FAILED
                    : mmap(NULL, sizeof *trace, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    trace = map == MAP_FAILED ? NULL : map;
    close(file);
}

__attribute__((no_instrument_function)) void __cyg_profile_func_enter(void *function, void *caller)
{
    (void)caller;
    uint64_t place = trace ? atomic_fetch_add(&trace->count, 1) : PLACES;
    if (place < PLACES)
        trace->entered[place] = (uintptr_t)function - program;
}

__attribute__((no_instrument_function)) void __cyg_profile_func_exit(void *function, void *caller)
{
    (void)function, (void)caller;
}
