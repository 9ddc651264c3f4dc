/* A library for LD_PRELOAD that tries the ways out of a running server (tests/tries.h). It tries
 * them in a worker that waits for work for the first time, and in a thread that has run since
 * before main(). Each writes `WHERE: N refused, M passed: FIRST` to the descriptor
 * RELUD_TRIES_FD. */
#include "tests/tries.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

static sem_t is_confined;
static int report_fd = -1;

static void say(const char *where, const struct tries *tries)
{
    char line[256];
    int len = snprintf(line, sizeof line, "%s: %u refused, %u passed: %s\n", where, tries->refused,
                       tries->passed, tries->first);
    (void)!write(report_fd, line, (size_t)len);
}

static int find_listener(void)
{
    for (int fd = 3; fd < 64; fd++) {
        int is_listening = 0;
        socklen_t len = sizeof is_listening;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &len) == 0 && is_listening)
            return fd;
    }
    return -1;
}

static void *run_older(void *at)
{
    struct tries tries = {0};
    while (sem_wait(&is_confined) != 0)
        ;
    tries_all(&tries, find_listener());
    say("an older thread", &tries);
    return at;
}

__attribute__((constructor)) static void begin(void)
{
    pthread_t thread;
    const char *fd = getenv("RELUD_TRIES_FD");
    report_fd = fd ? atoi(fd) : -1;
    sem_init(&is_confined, 0, 0);
    pthread_create(&thread, NULL, run_older, NULL);
    pthread_detach(thread);
}

int ppoll(struct pollfd *fds, nfds_t len, const struct timespec *wait, const sigset_t *mask)
{
    static atomic_flag is_tried = ATOMIC_FLAG_INIT;
    int (*next)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
    *(void **)&next = dlsym(RTLD_NEXT, "ppoll");
    if (!atomic_flag_test_and_set(&is_tried)) {
        struct tries tries = {0};
        tries_all(&tries, -1);
        say("a worker", &tries);
        sem_post(&is_confined);
    }
    return next(fds, len, wait, mask);
}
