/* A function that runs on a stack of its own. It can pause at any depth of calls and continue
 * later, on the same thread. */
#ifndef SERVER_BASE_FIBER_H
#define SERVER_BASE_FIBER_H

#include <stdbool.h>

struct fiber;

struct fiber *fiber_new(void);        /* NULL if memory runs out */
void fiber_free(struct fiber *fiber); /* not while its function is paused; NULL is fine */

/* Calls function(user) on the fiber's stack. If a function is paused there, continues that one
 * instead and ignores the arguments. Returns true when the function has returned, false when it has
 * paused. */
bool fiber_run(struct fiber *fiber, void (*function)(void *user), void *user);
/* Only inside the function: pauses it. fiber_run returns false, and its next call continues from
 * here. */
void fiber_pause(struct fiber *fiber);

#endif
