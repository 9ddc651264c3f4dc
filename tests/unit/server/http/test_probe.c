/* The turn stands on this: a handler that has a whole request and no answer yet is called again at the next run. */
#include "tests/unit/suite.h"

#include "server/http/daemon.h"

START_TEST(this_libmicrohttpd_calls_again)
{
    ck_assert(http_calls_again());
}
END_TEST

RUN_SUITE("http_probe", this_libmicrohttpd_calls_again)
