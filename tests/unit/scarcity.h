/* Runs a function again and again while one call fails: the first, the second, …, until it makes no
 * more. */
#ifndef TESTS_UNIT_SCARCITY_H
#define TESTS_UNIT_SCARCITY_H

#include "tests/unit/suite.h"

#include "tests/scarce.h"
#include <relud/error.h>

/* `run` returns true if it succeeded, else it sets *why. It must leave nothing behind in either
 * case. Each failure must have a text, and `code` unless that is RELUD_OK. At least one failing
 * call must make `run` fail; without a failing call it must succeed. */
static inline void scarce_each(enum scarce what, enum relud_code code,
                               bool (*run)(void *with, struct relud_error *why), void *with)
{
    bool is_reached = true, is_ever = false;
    for (long nth = 1; is_reached; nth++) {
        struct relud_error why = {0};
        ck_assert_int_lt(nth, 100000);
        scarce_begin(what, nth);
        bool is_made = run(with, &why);
        is_reached = scarce_end();
        is_ever |= !is_made;
        if (!is_reached && !is_made)
            ck_abort_msg("nothing failed, and it says '%s'", why.text);
        if (!is_made && (!why.text[0] || strstr(why.text, "Success") || (code && why.code != code)))
            ck_abort_msg("call %ld fails: code %d, '%s'", nth, (int)why.code, why.text);
    }
    ck_assert(is_ever);
}

#endif
