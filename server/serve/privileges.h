/* Reduces what a running server may do to what it needs. Each of Linux's means is used if the
 * kernel has it. */
#ifndef SERVER_SERVE_PRIVILEGES_H
#define SERVER_SERVE_PRIVILEGES_H

#include <relud/error.h>
#include <stdbool.h>

/* Keeps the process's memory out of core dumps and away from debuggers of other users. */
void privileges_hide_memory(void);

/* Confines the process. It may still read files, write to what is open, answer connections and
 * start threads. It may not write, make, change or execute files, start or signal other processes,
 * connect, open listening sockets, or gain rights. Every other system call fails
 * (server/serve/syscalls.h).
 *
 * Call this before our own threads start: Landlock may confine only the calling thread and later
 * ones, while seccomp confines all. `how`[64] gets what enforces this; "" if the kernel has
 * neither. */
void privileges_confine(char how[64]);

#endif
