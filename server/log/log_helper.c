#include "server/log/log_helper.h"

#include "server/base/user.h"
#include "server/log/log.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK_BYTES = 64 * 1024, PIPE_BYTES = 1 << 20 };

/* ---- the process ---- */

/* The bytes read from one pipe that are not written yet: the beginning of a line. */
struct input {
    size_t len;
    char bytes[CHUNK_BYTES];
};

/* The whole state of the helper process. The process allocates no memory: the program that forked
 * it may have had threads, which may have held malloc's locks. */
struct helper {
    const char *path;
    _Atomic uint64_t *dropped;
    size_t inputs, open_inputs;
    struct pollfd *poll_fd; /* [inputs + 1]; the last one is the control socket */
    struct input *input;    /* [inputs] */
    int out;
    bool is_regular;
    bool is_torn;   /* the file ends with an incomplete line */
    bool is_within; /* part of a line is written, and its rest is to follow */
    /* The file was reopened in the middle of a line: do not write the line's rest to the new
     * one. */
    bool is_skipping;
    bool is_alone; /* the service has ended */
};

/* A FIFO without a reader cannot be opened only for writing (ENXIO), so it is opened for reading as
 * well. */
static int open_file(const char *path)
{
    enum { FLAGS = O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };
    if (strcmp(path, "-") == 0)
        return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    int fd = open(path, O_WRONLY | O_CREAT | FLAGS, 0640);
    return fd < 0 && errno == ENXIO ? open(path, O_RDWR | FLAGS) : fd;
}

static void take_output(struct helper *helper, int fd)
{
    struct stat about;
    helper->out = fd;
    helper->is_regular = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    helper->is_torn = false;
    helper->is_skipping = helper->is_within;
}

static void reopen(struct helper *helper)
{
    if (strcmp(helper->path, "-") == 0)
        return;
    int fd = open_file(helper->path);
    if (fd < 0) {
        log_error("--access-log %s: %s: the old file stays", helper->path, strerror(errno));
        return;
    }
    close(helper->out);
    take_output(helper, fd);
}

static void hear_control(struct helper *helper)
{
    struct pollfd *control = &helper->poll_fd[helper->inputs];
    char asked[64];
    ssize_t got = read(control->fd, asked, sizeof asked);
    if (got > 0)
        reopen(helper);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
        helper->is_alone = true;
        control->fd = -1;
    }
}

/* Waits until the output takes more bytes. Returns false if the service has ended and the output
 * has taken nothing for a second. */
static bool wait_output(struct helper *helper)
{
    enum { TICK_MS = 100, TICKS_ALONE = 10 };
    for (int ticks = 0; !helper->is_alone || ticks < TICKS_ALONE; ticks += helper->is_alone) {
        struct pollfd poll_fd[] = {{.fd = helper->out, .events = POLLOUT},
                                   {.fd = helper->poll_fd[helper->inputs].fd, .events = POLLIN}};
        int found = poll(poll_fd, 2, TICK_MS);
        if (found > 0 && poll_fd[0].revents)
            return true;
        if (found > 0 && poll_fd[1].revents)
            hear_control(helper);
    }
    return false;
}

static size_t count_lines(const char *bytes, size_t len)
{
    size_t lines = 0;
    for (size_t i = 0; i < len; i++)
        lines += bytes[i] == '\n';
    return lines;
}

/* How many of the bytes to write in one call. A regular file takes all. Other outputs get whole
 * lines of at most PIPE_BUF bytes together, because such a write is never torn. */
static size_t next_piece(const struct helper *helper, const char *bytes, size_t len)
{
    if (helper->is_regular || len <= LOG_HELPER_LINE_MAX)
        return len;
    const char *end = memrchr(bytes, '\n', LOG_HELPER_LINE_MAX);
    return end ? (size_t)(end + 1 - bytes) : LOG_HELPER_LINE_MAX;
}

/* Writes the first of bytes[len] in one call. Returns how many bytes are done with, 0 if the output
 * takes no more. */
static size_t write_piece(struct helper *helper, const char *bytes, size_t len)
{
    for (;;) {
        if (!helper->is_regular && !wait_output(helper))
            return 0;
        /* The file was reopened while we waited: pass over the line's rest. */
        if (helper->is_skipping)
            return (size_t)((const char *)memchr(bytes, '\n', len) + 1 - bytes);
        const char *piece = helper->is_torn ? "\n" : bytes;
        ssize_t written =
            write(helper->out, piece, helper->is_torn ? 1 : next_piece(helper, bytes, len));
        if (written > 0 && !helper->is_torn)
            return (size_t)written;
        if (written > 0)
            helper->is_torn = false;
        else if (written == 0 || (errno != EINTR && (errno != EAGAIN || helper->is_regular)))
            return 0;
    }
}

/* Writes bytes[len], which are whole lines. Counts the lines that it cannot write as dropped. */
static void write_lines(struct helper *helper, const char *bytes, size_t len)
{
    while (len) {
        size_t written = write_piece(helper, bytes, len);
        if (written == 0)
            break;
        helper->is_within = bytes[written - 1] != '\n';
        helper->is_skipping = false;
        bytes += written;
        len -= written;
    }
    *helper->dropped += count_lines(bytes, len);
    helper->is_torn |= helper->is_within; /* the rest of that line is lost */
    helper->is_within = false;
}

static void take_input(struct helper *helper, size_t i)
{
    struct input *input = &helper->input[i];
    struct pollfd *from = &helper->poll_fd[i];
    ssize_t got = read(from->fd, input->bytes + input->len, CHUNK_BYTES - input->len);
    if (got <= 0) {
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            return;
        from->fd = -1;
        helper->open_inputs--;
        return;
    }
    input->len += (size_t)got;
    const char *end = memrchr(input->bytes, '\n', input->len);
    size_t whole = end ? (size_t)(end + 1 - input->bytes) : 0;
    write_lines(helper, input->bytes, whole);
    input->len -= whole;
    memmove(input->bytes, input->bytes + whole, input->len);
    /* 64 KB without a line's end did not come from our workers. */
    if (input->len == CHUNK_BYTES)
        input->len = 0;
}

/* Sleeps 10 ms, so that lines gather in the pipes and a worker's write need not wake this process
 * each time. */
static void gather(const struct helper *helper)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    if (!helper->is_alone)
        nanosleep(&pause, NULL);
}

static void run(struct helper *helper)
{
    while (helper->open_inputs) {
        if (poll(helper->poll_fd, helper->inputs + 1, -1) < 0)
            continue;
        for (size_t i = 0; i < helper->inputs; i++)
            if (helper->poll_fd[i].fd >= 0 && helper->poll_fd[i].revents)
                take_input(helper, i);
        /* Last, because lines that were written before the request belong to the old file. */
        if (helper->poll_fd[helper->inputs].fd >= 0 && helper->poll_fd[helper->inputs].revents)
            hear_control(helper);
        gather(helper);
    }
}

static bool is_own(const struct helper *helper, int fd)
{
    bool is_found = fd == helper->out;
    for (size_t i = 0; i <= helper->inputs; i++)
        is_found |= fd == helper->poll_fd[i].fd;
    return is_found;
}

/* Closes all descriptors but the helper's own. A connection that this process held open would never
 * end for its client. */
static void close_others(const struct helper *helper)
{
    int most = helper->out;
    for (size_t i = 0; i <= helper->inputs; i++)
        most = helper->poll_fd[i].fd > most ? helper->poll_fd[i].fd : most;
    for (int fd = STDERR_FILENO + 1; fd < most; fd++)
        if (!is_own(helper, fd))
            close(fd);
    syscall(SYS_close_range, (unsigned)most + 1, ~0u, 0);
}

/* Ignores the signals that end or reload the service: the helper ends when its pipes are closed and
 * empty. */
static void set_signals(void)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE, SIGXFSZ};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &ignore, NULL);
}

/* ---- the service's side ---- */

static size_t input_bytes(size_t inputs)
{
    return inputs * (sizeof(struct input) + sizeof(struct pollfd)) + sizeof(struct pollfd);
}

/* Opens the pipes and the control socket. The helper's ends go to poll_fd. Each pipe gets 1 MB,
 * room for about a second of lines. */
static bool open_pipes(struct log_helper *helper, struct pollfd *poll_fd)
{
    for (size_t i = 0; i < helper->pipes; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
            return false;
        fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
        poll_fd[i] = (struct pollfd){.fd = ends[0], .events = POLLIN};
        helper->pipe[i] = ends[1];
    }
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return false;
    poll_fd[helper->pipes] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    helper->control = ends[1];
    return true;
}

static void close_ours(struct log_helper *helper)
{
    for (size_t i = 0; i < helper->pipes; i++)
        if (helper->pipe[i] >= 0)
            close(helper->pipe[i]);
    if (helper->control >= 0)
        close(helper->control);
    free(helper->pipe);
    *helper = (struct log_helper){.control = -1};
}

/* Allocates the memory of both sides, with every descriptor set to -1. */
static bool make_room(struct log_helper *helper, struct helper *its, struct relud_error *error)
{
    void *memory = mmap(NULL, input_bytes(its->inputs), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    its->dropped = log_share_dropped();
    helper->pipe = malloc(helper->pipes * sizeof *helper->pipe);
    if (!helper->pipe || !its->dropped || memory == MAP_FAILED) {
        free(helper->pipe);
        *helper = (struct log_helper){.control = -1};
        if (memory != MAP_FAILED)
            munmap(memory, input_bytes(its->inputs));
        relud_fail(error, RELUD_NO_MEMORY, "--access-log: out of memory");
        return false;
    }
    memset(helper->pipe, 0xff, helper->pipes * sizeof *helper->pipe); /* -1 each */
    its->input = memory;
    its->poll_fd = (struct pollfd *)(void *)((char *)memory + its->inputs * sizeof(struct input));
    for (size_t i = 0; i <= its->inputs; i++)
        its->poll_fd[i].fd = -1;
    return true;
}

/* Runs as the helper process, from the fork to its end. */
static _Noreturn void be_helper(struct helper *helper, int fd, const char *user)
{
    struct relud_error ignored; /* the service fails in the same way and reports it */
    take_output(helper, fd);
    prctl(PR_SET_NAME, "relud-log");
    set_signals();
    close_others(helper);
    if (!*user || user_become(user, &ignored))
        run(helper);
    _exit(0);
}

bool log_helper_start(struct log_helper *helper, const char *path, const char *user, size_t pipes,
                      struct relud_error *error)
{
    struct helper its = {.path = path, .inputs = pipes, .open_inputs = pipes, .out = -1};
    *helper = (struct log_helper){.pipes = pipes, .control = -1};
    if (!make_room(helper, &its, error))
        return false;
    pid_t pid = -1;
    int fd = open_file(path);
    if (fd >= 0 && open_pipes(helper, its.poll_fd)) {
        /* The helper's exit status is of no interest, so it leaves no zombie. */
        const struct sigaction none = {.sa_handler = SIG_IGN};
        sigaction(SIGCHLD, &none, NULL);
        /* _Fork runs no fork handlers: OpenBLAS's would end its threads. */
        pid = _Fork();
    }
    if (pid == 0)
        be_helper(&its, fd, user);
    if (pid < 0) {
        relud_fail(error, RELUD_IO, "--access-log %s: %s", path, strerror(errno));
        close_ours(helper);
    }
    for (size_t i = 0; i <= pipes; i++)
        if (its.poll_fd[i].fd >= 0)
            close(its.poll_fd[i].fd);
    if (fd >= 0)
        close(fd);
    munmap(its.input, input_bytes(pipes));
    return pid > 0;
}

void log_helper_reopen(const struct log_helper *helper)
{
    if (helper->pipe && write(helper->control, "r", 1) != 1)
        log_debug("the access log is being opened again already");
}

void log_helper_stop(struct log_helper *helper, int ms)
{
    if (!helper->pipe)
        return;
    for (size_t i = 0; i < helper->pipes; i++) {
        close(helper->pipe[i]);
        helper->pipe[i] = -1;
    }
    struct pollfd its_end = {.fd = helper->control, .events = POLLIN};
    poll(&its_end, 1, ms);
    close_ours(helper);
}
