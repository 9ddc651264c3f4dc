/* GET /openapi.json: server/openapi.json, in which marks stand where the models that are served have something to say. */
#include "server/api_admin.h"

#include <string.h>

__asm__(".pushsection .rodata\n"
        "openapi_begin: .incbin \"server/openapi.json\"\n"
        "openapi_end:\n"
        ".popsection\n");
extern const char openapi_begin[], openapi_end[];

/* Writes "enum": [...] of what `text_of` gives for each entry, each text once. */
static void write_enum(struct text *out, const struct catalog *catalog,
                       const char *(*text_of)(const struct entry *))
{
    const char *comma = "\"enum\": [";
    for (size_t i = 0; i < catalog->items; i++) {
        const struct entry *entry = catalog->item[i].entry;
        bool is_known = !entry;
        for (size_t k = 0; k < i && !is_known; k++)
            is_known = catalog->item[k].entry &&
                       strcmp(text_of(catalog->item[k].entry), text_of(entry)) == 0;
        if (is_known)
            continue;
        text_put(out, comma);
        text_json(out, text_of(entry));
        comma = ", ";
    }
    text_put(out, "]");
}

static const char *name_of(const struct entry *entry)
{
    return entry->name;
}

static const char *version_of(const struct entry *entry)
{
    return entry->version;
}

static const char *input_of(const struct entry *entry)
{
    return entry->info->input_name;
}

/* A row's length, where all models agree about it. */
static void write_row(struct text *out, const struct catalog *catalog)
{
    size_t features = catalog->first->info->features;
    for (size_t i = 0; i < catalog->items; i++)
        if (catalog->item[i].entry && catalog->item[i].entry->info->features != features) {
            text_put(out, "\"minItems\": 1");
            return;
        }
    text_print(out, "\"minItems\": %zu, \"maxItems\": %zu", features, features);
}

static void write_mark(struct text *out, const struct catalog *catalog, const char *mark,
                       size_t len)
{
    if (!catalog->ready) /* nothing is known */
        text_put_n(out, mark, len);
    else if (strncmp(mark, "\"x-relud-row\"", 13) == 0)
        write_row(out, catalog);
    else if (strncmp(mark, "\"x-relud-models\"", 16) == 0)
        write_enum(out, catalog, name_of);
    else if (strncmp(mark, "\"x-relud-versions\"", 18) == 0)
        write_enum(out, catalog, version_of);
    else
        write_enum(out, catalog, input_of);
}

bool openapi_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    static const char begin_mark[] = "\"x-relud-", end_mark[] = "true";
    const struct catalog *catalog = exchange->service->turn.catalog;
    struct text *out = &exchange->out;
    const char *at = openapi_begin;
    for (const char *mark;
         (mark = memmem(at, (size_t)(openapi_end - at), begin_mark, sizeof begin_mark - 1));) {
        const char *end = memmem(mark, (size_t)(openapi_end - mark), end_mark, sizeof end_mark - 1);
        end += sizeof end_mark - 1;
        text_put_n(out, at, (size_t)(mark - at));
        write_mark(out, catalog, mark, (size_t)(end - mark));
        at = end;
    }
    text_put_n(out, at, (size_t)(openapi_end - at));
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
    return true;
}
