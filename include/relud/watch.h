/* Long work, for a caller who has other things to do meanwhile. */
#ifndef RELUD_WATCH_H
#define RELUD_WATCH_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A function that takes one calls go_on(user), in the thread that called it, after each piece of
 * work of about 50 microseconds. What go_on does, and for how long, is the caller's affair; the
 * answers have the same bits. If go_on returns false the work ends, the function returns false,
 * and what it was to write is not whole. A watch that is NULL is never asked. */
struct relud_watch {
    bool (*go_on)(void *user);
    void *user;
};

#ifdef __cplusplus
}
#endif

#endif
