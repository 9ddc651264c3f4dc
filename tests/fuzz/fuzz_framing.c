/* libFuzzer on the framing of requests: header lines in, and what it lets pass must be framed in one way only. */
#include "tests/fuzz/fuzz.h"

#include "server/http/framing.h"
#include <strings.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    char *text = fuzz_copy(bytes, len, 0);
    struct framing framing = {0};
    framing_line(&framing, "GET", "/", "HTTP/1.1", false);
    size_t lengths = 0, codings = 0, hosts = 0;
    for (char *at = text, *end = text + len; at < end;) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        char *colon = memchr(at, ':', (size_t)(stop - at));
        char *value = colon ? colon + 1 : stop;
        size_t name_len = (size_t)((colon ? colon : stop) - at);
        framing_header(&framing, at, name_len, value, (size_t)(stop - value));
        lengths += name_len == 14 && strncasecmp(at, "Content-Length", 14) == 0;
        codings += name_len == 17 && strncasecmp(at, "Transfer-Encoding", 17) == 0;
        hosts += name_len == 4 && strncasecmp(at, "Host", 4) == 0;
        at = stop + 1;
    }
    const char *refusal = framing_verdict(&framing);
    if (!refusal) {
        FUZZ_ASSERT(hosts == 1 && lengths + codings <= 1);
        FUZZ_ASSERT((framing_body_length(&framing) == FRAMING_LENGTH_UNKNOWN) == (codings == 1));
    }
    free(text);
    return 0;
}
