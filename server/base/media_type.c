#include "server/base/media_type.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const media_types[MEDIA_KINDS] = {MEDIA_JSON_TYPE, MEDIA_FLOATS_TYPE, MEDIA_NPY_TYPE,
                                              MEDIA_CSV_TYPE};

/* A piece of a header's value, at[len]; no NUL ends it. */
struct piece {
    const char *at;
    size_t len;
};

static bool is_word(struct piece piece, const char *word)
{
    return piece.len == strlen(word) && strncasecmp(piece.at, word, piece.len) == 0;
}

static bool is_json(struct piece type)
{
    return type.len >= 5 && (strncasecmp(type.at + type.len - 5, "/json", 5) == 0 ||
                             strncasecmp(type.at + type.len - 5, "+json", 5) == 0);
}

bool media_of(const char *content_type, enum media *media)
{
    *media = MEDIA_JSON;
    if (!content_type)
        return true;
    struct piece type = {content_type, strcspn(content_type, "; \t")};
    if (is_word(type, MEDIA_FLOATS_TYPE))
        *media = MEDIA_FLOATS;
    else if (is_word(type, MEDIA_NPY_TYPE))
        *media = MEDIA_NPY;
    else if (is_word(type, MEDIA_CSV_TYPE))
        *media = MEDIA_CSV;
    else
        return is_json(type) || is_word(type, "text/plain") ||
               is_word(type, "application/x-www-form-urlencoded");
    return true;
}

/* ---- Accept ---- */

/* The piece up to the next `stop`, without blanks around it. *at moves past the `stop`. */
static struct piece next_piece(const char **at, const char *end, char stop)
{
    const char *found = memchr(*at, stop, (size_t)(end - *at));
    struct piece piece = {*at, (size_t)((found ? found : end) - *at)};
    *at = found ? found + 1 : end;
    while (piece.len && (*piece.at == ' ' || *piece.at == '\t'))
        piece.at++, piece.len--;
    while (piece.len && (piece.at[piece.len - 1] == ' ' || piece.at[piece.len - 1] == '\t'))
        piece.len--;
    return piece;
}

/* How closely a range of Accept matches the type: 3 names it, 2 names its type with any subtype, 1
 * matches anything, 0 does not match. Any JSON type counts as naming application/json. */
static int closeness(struct piece range, const char *type)
{
    size_t kind = strcspn(type, "/;") + 1;
    struct piece plain = {type, strcspn(type, ";")};
    if (range.len == plain.len && strncasecmp(range.at, plain.at, plain.len) == 0)
        return 3;
    if (is_json(range) && strcmp(type, MEDIA_JSON_TYPE) == 0)
        return 3;
    if (range.len == kind + 1 && strncasecmp(range.at, type, kind) == 0 && range.at[kind] == '*')
        return 2;
    return is_word(range, "*/*") || is_word(range, "*");
}

/* The weight (q) that `accept` gives to the type: the weight of the range that matches most
 * closely. */
static double weight(const char *accept, const char *type, int *closest_range)
{
    const char *end = accept + strlen(accept);
    double best = 0;
    int closest = 0;
    for (const char *at = accept; at < end;) {
        struct piece item = next_piece(&at, end, ',');
        const char *inside = item.at, *item_end = item.at + item.len;
        struct piece range = next_piece(&inside, item_end, ';');
        int close = closeness(range, type);
        if (close == 0 || close < closest)
            continue;
        double q = 1;
        while (inside < item_end) {
            struct piece parameter = next_piece(&inside, item_end, ';');
            if (parameter.len > 2 && (*parameter.at | 0x20) == 'q' && parameter.at[1] == '=')
                q = parameter.at[2] == '1' ? 1 : strtod(parameter.at + 2, NULL);
        }
        best = close > closest || q > best ? q : best;
        closest = close;
    }
    *closest_range = closest;
    return best;
}

int media_csv_header(const char *content_type)
{
    const char *end = content_type + strlen(content_type);
    for (const char *at = content_type; at < end;) {
        struct piece parameter = next_piece(&at, end, ';');
        if (is_word(parameter, "header=present") || is_word(parameter, "header=absent"))
            return parameter.len == strlen("header=present") ? 1 : -1;
    }
    return 0;
}

size_t media_choose(const char *accept, const char *const *types, size_t count)
{
    if (!accept || strcmp(accept, "*/*") == 0)
        return 0;
    size_t chosen = count;
    double most = 0;
    int closest = 0;
    for (size_t i = 0; i < count; i++) {
        int close;
        double q = weight(accept, types[i], &close);
        if (q > most || (q > 0 && q == most && close > closest)) {
            most = q;
            closest = close;
            chosen = i;
        }
    }
    return chosen;
}
