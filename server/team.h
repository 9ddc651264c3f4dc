/* Threads that share one piece of work at a time, for relud_train. They wait for it awake, but not for long. */
#ifndef SERVER_TEAM_H
#define SERVER_TEAM_H

#include <relud/train.h>

struct team;

/* `parts` threads in all, the caller's among them. NULL when the system has none. */
struct team *team_new(size_t parts);
void team_free(struct team *team);
/* As relud_train wants it; lives as long as the team. */
struct relud_team team_hook(struct team *team);

#endif
