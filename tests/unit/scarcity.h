/* A function run again and again with one call failing, the first, the second, …, until it needs no more. */
#ifndef TESTS_UNIT_SCARCITY_H
#define TESTS_UNIT_SCARCITY_H

#include "tests/unit/suite.h"

#include "tests/scarce.h"
#include <relud/error.h>

/* `run` says whether it did what it is for, and in *why why not; it must leave nothing behind either way. Each failure must
 * come with a line of text, and with `code` when that is not RELUD_OK; without any failing call it must succeed. */
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
