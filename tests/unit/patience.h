/* A watch that says no at a question of a number, and from there on. */
#ifndef TESTS_UNIT_PATIENCE_H
#define TESTS_UNIT_PATIENCE_H

#include <relud/watch.h>
#include <stddef.h>

/* Zeros: it never says no. */
struct patience {
    size_t asked, no; /* no: the number of the first question that it answers so, counted from 1 */
};

static inline bool is_patient(void *user)
{
    struct patience *patience = user;
    patience->asked++;
    return !patience->no || patience->asked < patience->no;
}

static inline struct relud_watch watch_of(struct patience *patience)
{
    return (struct relud_watch){.go_on = is_patient, .user = patience};
}

#endif
