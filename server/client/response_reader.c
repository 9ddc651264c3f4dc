#include "server/client/response_reader.h"

#include "server/base/fnv.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void response_reader_reset(struct response_reader *answer)
{
    answer->state = ANSWER_HEAD;
    answer->code = 0;
    answer->is_last = false;
    answer->left = 0;
    answer->mark = FNV_BEGIN;
    answer->head_len = 0;
}

/* The value of a field in a head that ends with an empty line; NULL when it is not there. */
static const char *find_field(const char *head, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = strchr(head, '\n'); line; line = strchr(line, '\n')) {
        line++;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1 + strspn(line + len + 1, " \t");
    }
    return NULL;
}

static bool is_word_in(const char *value, const char *word)
{
    size_t end = strcspn(value, "\r\n"), len = strlen(word);
    for (size_t i = 0; i + len <= end; i++)
        if (strncasecmp(value + i, word, len) == 0)
            return true;
    return false;
}

static void read_head(struct response_reader *answer)
{
    const char *head = answer->head;
    bool is_old = strncmp(head, "HTTP/1.0 ", 9) == 0;
    answer->code = 0;
    if ((is_old || strncmp(head, "HTTP/1.1 ", 9) == 0) && strspn(head + 9, "0123456789") == 3)
        answer->code = (unsigned)atoi(head + 9);
    if (answer->code < 100) {
        answer->state = ANSWER_BROKEN;
        return;
    }
    answer->head_len = 0;
    if (answer->code < 200) /* 100 Continue: the answer itself is still to come */
        return;
    const char *connection = find_field(head, "Connection");
    answer->is_last = connection ? is_word_in(connection, "close") : is_old;
    const char *coding = find_field(head, "Transfer-Encoding"),
               *length = find_field(head, "Content-Length");
    if (answer->is_head || answer->code == 204 || answer->code == 304) {
        answer->state = ANSWER_DONE;
    } else if (coding && is_word_in(coding, "chunked")) {
        answer->state = ANSWER_SIZE;
    } else if (length) {
        answer->left = strtoull(length, NULL, 10);
        answer->state = answer->left ? ANSWER_BODY : ANSWER_DONE;
    } else {
        answer->is_last = true;
        answer->state = ANSWER_TO_CLOSE;
    }
}

/* Copies up to and with `end`; true when it was found. *taken counts the bytes. */
static bool take_until(struct response_reader *answer, const char *end, const char *bytes,
                       size_t len, size_t *taken)
{
    size_t end_len = strlen(end), room = ANSWER_HEAD_MAX - 1 - answer->head_len;
    size_t before = answer->head_len, more = len < room ? len : room;
    memcpy(answer->head + before, bytes, more);
    size_t from = before < end_len ? 0 : before - end_len + 1;
    const char *found = memmem(answer->head + from, before + more - from, end, end_len);
    if (!found) {
        answer->head_len = before + more;
        *taken = more;
        if (more < len)
            answer->state = ANSWER_BROKEN; /* the head is too long */
        return false;
    }
    answer->head_len = (size_t)(found - answer->head) + end_len;
    answer->head[answer->head_len] = '\0';
    *taken = answer->head_len - before;
    return true;
}

static void read_chunk_size(struct response_reader *answer)
{
    char *end;
    answer->left = strtoull(answer->head, &end, 16);
    answer->head_len = 0;
    if (end == answer->head)
        answer->state = ANSWER_BROKEN;
    else if (answer->left == 0)
        answer->state = ANSWER_TRAILER;
    else {
        answer->left += 2; /* CR LF */
        answer->state = ANSWER_CHUNK;
    }
}

/* One step; returns the bytes it took. */
static size_t step(struct response_reader *answer, const char *bytes, size_t len)
{
    size_t taken = len;
    switch (answer->state) {
    case ANSWER_HEAD:
        if (take_until(answer, "\r\n\r\n", bytes, len, &taken))
            read_head(answer);
        break;
    case ANSWER_SIZE:
        if (take_until(answer, "\r\n", bytes, len, &taken))
            read_chunk_size(answer);
        break;
    case ANSWER_TRAILER:
        if (take_until(answer, "\r\n", bytes, len, &taken)) {
            if (answer->head_len == 2)
                answer->state = ANSWER_DONE;
            answer->head_len = 0;
        }
        break;
    case ANSWER_BODY:
    case ANSWER_CHUNK:
        taken = len < answer->left ? len : (size_t)answer->left;
        answer->mark = fnv_add(answer->mark, bytes, taken);
        answer->left -= taken;
        if (answer->left == 0)
            answer->state = answer->state == ANSWER_BODY ? ANSWER_DONE : ANSWER_SIZE;
        break;
    case ANSWER_TO_CLOSE:
        answer->mark = fnv_add(answer->mark, bytes, len);
        break;
    default:
        break;
    }
    return taken;
}

size_t response_reader_take(struct response_reader *answer, const char *bytes, size_t len)
{
    size_t taken = 0;
    while (taken < len && answer->state != ANSWER_DONE && answer->state != ANSWER_BROKEN)
        taken += step(answer, bytes + taken, len - taken);
    return taken;
}
