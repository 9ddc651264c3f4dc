#include "server/serve/privileges.h"

#include "server/log/log.h"
#include "server/serve/syscalls.h"
#include <errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void privileges_hide_memory(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* A process that stays root keeps only one capability: to read the files of others. */
static void drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &header, data) != 0)
        return;
    const unsigned kept = 1u << CAP_DAC_READ_SEARCH;
    data[0] = (struct __user_cap_data_struct){.effective = data[0].effective & kept,
                                              .permitted = data[0].permitted & kept};
    data[1] = (struct __user_cap_data_struct){0};
    syscall(SYS_capset, &header, data);
}

/* ---- Landlock ---- */

/* The version of Landlock's interface; 0 if the kernel has none. */
static int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? (int)version : 0;
}

/* Confines all threads if the kernel can. Otherwise it confines the calling thread and those that
 * it starts later. */
static bool restrict_self(int ruleset, int version)
{
    enum { ALL_THREADS = 1 << 3 };
    return (version >= 8 && syscall(SYS_landlock_restrict_self, ruleset, ALL_THREADS) == 0) ||
           syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}

/* Forbids to change or run files; to bind and connect by TCP; to reach abstract sockets of other
 * processes, and to signal them. A ruleset without rules allows nothing of what it handles. Some
 * values are written here because linux/landlock.h may be older than the kernel. */
static bool landlock_apply(int version)
{
    enum { REFER = 1 << 13, TRUNCATE = 1 << 14, IOCTL_DEVICE = 1 << 15 };
    enum { BIND_AND_CONNECT_TCP = 3, SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3 };
    struct {
        uint64_t fs, net, scoped;
    } handled = {.fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                       LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                       LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                       LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                       LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                       LANDLOCK_ACCESS_FS_MAKE_SYM};
    handled.fs |= version >= 2 ? REFER : 0;
    handled.fs |= version >= 3 ? TRUNCATE : 0;
    handled.net = version >= 4 ? BIND_AND_CONNECT_TCP : 0;
    handled.fs |= version >= 5 ? IOCTL_DEVICE : 0;
    handled.scoped = version >= 6 ? SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS : 0;
    size_t size = version >= 6   ? sizeof handled
                  : version >= 4 ? sizeof handled - sizeof handled.scoped
                                 : sizeof handled.fs;
    long ruleset = syscall(SYS_landlock_create_ruleset, &handled, size, 0);
    if (ruleset < 0)
        return false;
    bool is_applied =
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && restrict_self((int)ruleset, version);
    close((int)ruleset);
    return is_applied;
}

/* Capabilities and Landlock belong to each thread, and OpenBLAS has started threads before main().
 * Its fork handler ends them; it starts new ones later, from a thread that is confined by then. */
static void end_older_threads(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

void privileges_confine(char how[64])
{
    end_older_threads();
    drop_capabilities();
    int version = landlock_version();
    bool has_landlock = version && landlock_apply(version),
         has_seccomp = syscalls_allow_serving(log_level() >= LOG_LEVEL_DEBUG);
    how[0] = '\0';
    if (has_landlock)
        snprintf(how, 64, "Landlock %d%s", version, has_seccomp ? " and seccomp" : "");
    else if (has_seccomp)
        snprintf(how, 64, "seccomp");
}
