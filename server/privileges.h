/* What a running server may still do, and as whom: no more than it needs. Linux's own means, each used where the kernel has it. */
#ifndef SERVER_PRIVILEGES_H
#define SERVER_PRIVILEGES_H

#include <relud/error.h>
#include <stdbool.h>

/* Becomes that user for good, with its groups: "NAME" or "UID", or either with ":GROUP" behind it. Only root can. False and *error
 * otherwise, with everything as it was or the process in no state to go on. */
bool privileges_become(const char *user, struct relud_error *error);

/* What is in memory reaches no core dump and no debugger of another user. */
void privileges_hide_memory(void);

/* From here on the process writes, makes, changes and executes no file, starts no other process, opens no connection and no
 * listening socket, and gains no right. Threads that run already are bound by seccomp only, those to come by Landlock, too. Says in
 * `how`[64] what enforces it; "" where the kernel has neither. */
void privileges_confine(char how[64]);

#endif
