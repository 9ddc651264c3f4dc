/* Allows the system calls that serving needs, and no others, by a seccomp filter for all
 * threads. */
#ifndef SERVER_SERVE_SYSCALLS_H
#define SERVER_SERVE_SYSCALLS_H

#include <stdbool.h>

/* Installs the filter; it cannot be removed. Every other call then fails with EPERM, or with ENOSYS
 * if glibc replaces it by an allowed one; the process is not ended. With is_logged the kernel's log
 * names the refused calls. Returns false if the kernel has no seccomp or the filter could not be
 * installed. */
bool syscalls_allow_serving(bool is_logged);

#endif
