#include "server/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- as whom ---- */

static bool read_number(const char *text, unsigned *number)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    *number = (unsigned)value;
    return *text >= '0' && *text <= '9' && !*end && !errno && value < UINT32_MAX;
}

static bool find_user(const char *name, uid_t *uid, gid_t *gid, struct relud_error *error)
{
    const struct passwd *entry = getpwnam(name);
    if (!entry && read_number(name, uid)) {
        *gid = *uid;
        entry = getpwuid(*uid);
    } else if (!entry) {
        return relud_fail(error, RELUD_BAD_INPUT, "--user %.60s: there is no such user", name);
    }
    if (entry) {
        *uid = entry->pw_uid;
        *gid = entry->pw_gid;
    }
    return true;
}

static bool find_group(const char *name, gid_t *gid, struct relud_error *error)
{
    const struct group *entry = getgrnam(name);
    if (entry)
        *gid = entry->gr_gid;
    return entry || read_number(name, gid) ||
           relud_fail(error, RELUD_BAD_INPUT, "--user: there is no group '%.60s'", name);
}

bool privileges_become(const char *user, struct relud_error *error)
{
    char name[128];
    uid_t uid = 0;
    gid_t gid = 0;
    snprintf(name, sizeof name, "%s", user);
    char *colon = strchr(name, ':');
    if (colon)
        *colon = '\0';
    if (!find_user(name, &uid, &gid, error) || (colon && !find_group(colon + 1, &gid, error)))
        return false;
    if (uid == 0)
        return relud_fail(error, RELUD_BAD_INPUT, "--user %.60s: that is root", user);
    if (geteuid() == uid)
        return true;
    const struct passwd *entry = colon ? NULL : getpwuid(uid);
    bool has_groups = entry ? initgroups(entry->pw_name, gid) == 0 : setgroups(0, NULL) == 0;
    if (!has_groups || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
        return relud_fail(error, RELUD_IO, "--user %.60s: %s: only root can become another user",
                          user, strerror(errno));
    return setuid(0) != 0 ||
           relud_fail(error, RELUD_IO, "--user %.60s: root's rights remain", user);
}

void privileges_hide_memory(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Root who stays root may still read what belongs to others, and nothing else that others may not. */
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

/* The version of Landlock's interface; 0 where there is none. */
static int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? (int)version : 0;
}

/* Every way to change what lies in a file system, or to run it; a ruleset without a rule allows none of what it handles. The values are the
 * kernel's (linux/landlock.h), where that header may be older than the kernel. */
static bool landlock_apply(int version)
{
    enum { REFER = 1 << 13, TRUNCATE = 1 << 14, BIND_AND_CONNECT_TCP = 3 };
    struct {
        uint64_t fs, net;
    } handled = {.fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                       LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                       LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                       LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                       LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                       LANDLOCK_ACCESS_FS_MAKE_SYM};
    if (version >= 2)
        handled.fs |= REFER;
    if (version >= 3)
        handled.fs |= TRUNCATE;
    if (version >= 4)
        handled.net = BIND_AND_CONNECT_TCP;
    size_t size = version >= 4 ? sizeof handled : sizeof handled.fs;
    long ruleset = syscall(SYS_landlock_create_ruleset, &handled, size, 0);
    if (ruleset < 0)
        return false;
    bool is_applied = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                      syscall(SYS_landlock_restrict_self, (int)ruleset, 0) == 0;
    close((int)ruleset);
    return is_applied;
}

/* ---- seccomp ---- */

/* What no server of nets has any business with. Where Landlock is, it forbids much of it once more. */
static const char *const forbidden[] = {
    /* other programs and processes */
    "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev",
    "process_madvise", "pidfd_getfd", "kcmp", "setns", "unshare",
    /* sockets of its own */
    "bind", "listen", "connect",
    /* names and contents of files */
    "creat", "truncate", "ftruncate", "fallocate", "rename", "renameat", "renameat2", "link",
    "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "mknod",
    "mknodat", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat",
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "utime",
    "utimes", "utimensat", "futimesat", "copy_file_range", "open_by_handle_at", "memfd_create",
    "memfd_secret",
    /* rights */
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid",
    "setgroups", "capset", "keyctl", "add_key", "request_key",
    /* the machine */
    "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsmount",
    "fsconfig", "fspick", "mount_setattr", "swapon", "swapoff", "reboot", "kexec_load",
    "kexec_file_load", "init_module", "finit_module", "delete_module", "bpf", "perf_event_open",
    "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "quotactl", "acct",
    "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "sethostname", "setdomainname",
    "ioperm", "iopl", "modify_ldt", "syslog", "personality"};

static bool forbid(scmp_filter_ctx filter, const char *name, int error, unsigned count,
                   const struct scmp_arg_cmp *arguments)
{
    int number = seccomp_syscall_resolve_name(name);
    return number == __NR_SCMP_ERROR || /* too new for this libseccomp */
           seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((unsigned)error), number, count,
                                  arguments) >= 0;
}

/* open and openat for anything but reading; `at` is the position of the flags. */
static bool forbid_writing(scmp_filter_ctx filter, const char *name, unsigned at)
{
    const struct scmp_arg_cmp cases[] = {
        {at, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_WRONLY},
        {at, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDWR},
        {at, SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT},
        {at, SCMP_CMP_MASKED_EQ, O_TRUNC, O_TRUNC},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!forbid(filter, name, EACCES, 1, &cases[i]))
            return false;
    return true;
}

static bool fill(scmp_filter_ctx filter)
{
    /* The supervisor is told of our end by a socket of AF_UNIX; clone makes threads. What takes its flags in memory cannot be
     * looked at: told that there is no such call, glibc takes the one that can. */
    const struct scmp_arg_cmp no_local = {0, SCMP_CMP_NE, AF_UNIX, 0},
                              no_thread = {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0};
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        if (!forbid(filter, forbidden[i], EPERM, 0, NULL))
            return false;
    return forbid(filter, "socket", EPERM, 1, &no_local) &&
           forbid(filter, "clone", EPERM, 1, &no_thread) &&
           forbid(filter, "clone3", ENOSYS, 0, NULL) &&
           forbid(filter, "openat2", ENOSYS, 0, NULL) && forbid_writing(filter, "open", 1) &&
           forbid_writing(filter, "openat", 2);
}

/* For all threads, those of OpenBLAS that run since before main() among them. */
static bool seccomp_apply(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return false;
    bool is_applied = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) >= 0 && fill(filter) &&
                      seccomp_load(filter) >= 0;
    seccomp_release(filter);
    return is_applied;
}

void privileges_confine(char how[64])
{
    drop_capabilities();
    int version = landlock_version();
    bool has_landlock = version && landlock_apply(version), has_seccomp = seccomp_apply();
    how[0] = '\0';
    if (has_landlock)
        snprintf(how, 64, "Landlock %d%s", version, has_seccomp ? " and seccomp" : "");
    else if (has_seccomp)
        snprintf(how, 64, "seccomp");
}
