/* Mends heads before libmicrohttpd 0.9.75 reads them.
 *
 * Blanks after a field's value do not belong to it (RFC 9110 §5.5). The library counts them as part
 * of Content-Length and Transfer-Encoding and refuses the request before it calls us. So in these
 * two lines the blanks are moved before the value, where the library skips them. The number of
 * bytes and everything else stay the same.
 *
 * A NUL belongs in no head (RFC 9110 §5.5), but the library takes one for the end of the method,
 * the target or a value. It becomes another byte that belongs nowhere, so the request is refused.
 *
 * Only lines of a head are examined. A head that began within the bytes of an earlier request's
 * last read is left alone up to its first whole line. */
#include "server/http/http_private.h"

#include "server/net/stream.h"
#include <string.h>
#include <strings.h>

/* A valid line of these two fields is never longer. */
enum { LINE_MAX_BYTES = 1024 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Mends a line, given without its line end. */
static void move_blanks(char *line, size_t len)
{
    static const char *const names[] = {"Content-Length:", "Transfer-Encoding:"};
    size_t blanks = 0;
    while (blanks < len && is_blank(line[len - 1 - blanks]))
        blanks++;
    for (size_t i = 0; blanks && i < sizeof names / sizeof *names; i++) {
        size_t name = strlen(names[i]);
        if (len < name + blanks || strncasecmp(line, names[i], name) != 0)
            continue;
        memmove(line + name + blanks, line + name, len - name - blanks);
        memset(line + name, ' ', blanks);
    }
}

static void replace_nuls(char *at, const char *end)
{
    while ((at = memchr(at, '\0', (size_t)(end - at))))
        *at++ = '\1';
}

void http_mend_head(int fd, char *bytes, size_t len)
{
    size_t pending = stream_head(fd); /* bytes of the unfinished line, in front of bytes */
    if (pending == STREAM_NO_HEAD)
        return;
    char *end = bytes + len, *line = pending <= LINE_MAX_BYTES ? bytes - pending : NULL;
    char *at = bytes;
    for (char *newline; (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1) {
        replace_nuls(at, newline);
        size_t line_len = line ? (size_t)(newline - line) : 1;
        line_len -= line && line_len && newline[-1] == '\r';
        if (line_len == 0) {
            stream_set_head(fd, STREAM_NO_HEAD);
            return;
        }
        if (line)
            move_blanks(line, line_len);
        line = newline + 1;
    }
    replace_nuls(at, end);
    pending = line ? (size_t)(end - line) : LINE_MAX_BYTES + 1;
    stream_set_head(fd, pending <= LINE_MAX_BYTES ? pending : LINE_MAX_BYTES + 1);
}
