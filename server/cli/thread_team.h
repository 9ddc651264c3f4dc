/* Threads that share one piece of work at a time, for relud_train. They spin for a short time
 * before they sleep. */
#ifndef SERVER_CLI_THREAD_TEAM_H
#define SERVER_CLI_THREAD_TEAM_H

#include <relud/train.h>

struct thread_team;

/* How many parts so much work is worth: `wanted`, or one for each CPU that is allowed if it is 0;
 * but no more than there are pieces, and than a gigabyte has room for if each takes so many floats.
 * At least 1. */
size_t thread_team_parts(size_t wanted, size_t pieces, size_t floats);

/* Makes a team of `parts` threads, including the caller's. NULL when a thread could not be
 * started. */
struct thread_team *thread_team_new(size_t parts);
void thread_team_free(struct thread_team *team);
/* The team in the form that relud_train takes. It lives as long as the team. */
struct relud_team thread_team_hook(struct thread_team *team);

#endif
