#include "server/base/fiber.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* The sanitizers keep track of each thread's stack, so they must be told when it changes. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

enum { STACK_BYTES = 1 << 20 }; /* address space; only touched pages take memory */

struct fiber {
    ucontext_t inside, outside; /* the saved contexts of the fiber and of fiber_run's caller */
    char *stack;                /* an inaccessible page of `guard` bytes, then [STACK_BYTES] */
    size_t guard;
    void (*function)(void *user); /* NULL: no function is running or paused */
    void *user;
#if defined(__SANITIZE_ADDRESS__)
    const void *outer;
    size_t outer_bytes;
    void *kept[2];
#elif defined(__SANITIZE_THREAD__)
    void *tsan[2];
#endif
};

enum { OUT, IN };

/* Tells the sanitizer that the stack is about to change. has_changed is called afterwards on the
 * other stack. */
static void will_change(struct fiber *fiber, int to)
{
#if defined(__SANITIZE_ADDRESS__)
    bool is_over = to == OUT && !fiber->function;
    __sanitizer_start_switch_fiber(is_over ? NULL : &fiber->kept[1 - to],
                                   to == IN ? fiber->stack + fiber->guard : fiber->outer,
                                   to == IN ? STACK_BYTES : fiber->outer_bytes);
#elif defined(__SANITIZE_THREAD__)
    if (to == IN)
        fiber->tsan[OUT] = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber->tsan[to], 0);
#else
    (void)fiber, (void)to;
#endif
}

static void has_changed(struct fiber *fiber, int to)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fiber->kept[to], to == IN ? &fiber->outer : NULL,
                                    to == IN ? &fiber->outer_bytes : NULL);
#else
    (void)fiber, (void)to;
#endif
}

struct fiber *fiber_new(void)
{
    struct fiber *fiber = calloc(1, sizeof *fiber);
    if (!fiber)
        return NULL;
    fiber->guard = (size_t)sysconf(_SC_PAGESIZE);
    fiber->stack = mmap(NULL, fiber->guard + STACK_BYTES, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (fiber->stack == MAP_FAILED) {
        free(fiber);
        return NULL;
    }
    if (mprotect(fiber->stack + fiber->guard, STACK_BYTES, PROT_READ | PROT_WRITE) != 0) {
        munmap(fiber->stack, fiber->guard + STACK_BYTES);
        free(fiber);
        return NULL;
    }
#if defined(__SANITIZE_THREAD__)
    fiber->tsan[IN] = __tsan_create_fiber(0);
#endif
    return fiber;
}

void fiber_free(struct fiber *fiber)
{
    if (!fiber)
        return;
#if defined(__SANITIZE_THREAD__)
    __tsan_destroy_fiber(fiber->tsan[IN]);
#endif
    munmap(fiber->stack, fiber->guard + STACK_BYTES);
    free(fiber);
}

/* makecontext passes only ints, so the address comes in two halves. */
static void begin(unsigned high, unsigned low)
{
    struct fiber *fiber = (struct fiber *)(((uintptr_t)high << 16 << 16) | (uintptr_t)low);
    has_changed(fiber, IN);
    fiber->function(fiber->user);
    fiber->function = NULL;
    will_change(fiber, OUT);
    setcontext(&fiber->outside);
}

bool fiber_run(struct fiber *fiber, void (*function)(void *user), void *user)
{
    if (!fiber->function) {
        uintptr_t at = (uintptr_t)fiber;
        fiber->function = function;
        fiber->user = user;
        getcontext(&fiber->inside);
        fiber->inside.uc_stack.ss_sp = fiber->stack + fiber->guard;
        fiber->inside.uc_stack.ss_size = STACK_BYTES;
        fiber->inside.uc_link = NULL;
        makecontext(&fiber->inside, (void (*)(void))begin, 2, (unsigned)(at >> 16 >> 16),
                    (unsigned)at);
    }
    will_change(fiber, IN);
    swapcontext(&fiber->outside, &fiber->inside);
    has_changed(fiber, OUT);
    return !fiber->function;
}

void fiber_pause(struct fiber *fiber)
{
    will_change(fiber, OUT);
    swapcontext(&fiber->inside, &fiber->outside);
    has_changed(fiber, IN);
}
