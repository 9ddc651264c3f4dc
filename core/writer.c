#include "core/writer.h"

#include "core/json_string.h"
#include <errno.h>
#include <math.h>
#include <relud/text.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool writer_open(struct writer *writer, const char *path, struct relud_error *error)
{
    *writer = (struct writer){.path = path, .error = error};
    int len = snprintf(writer->part, sizeof writer->part, "%s.part", path);
    if (len < 0 || (size_t)len >= sizeof writer->part)
        return relud_fail(error, RELUD_IO, "%.100s…: the path is too long", path);
    writer->file = fopen(writer->part, "wb");
    return writer->file || relud_fail(error, RELUD_IO, "%s: %s", writer->part, strerror(errno));
}

/* On the disk before it has its name: a reader sees all of it or nothing. */
bool writer_close(struct writer *writer, bool is_right)
{
    bool is_written =
        !ferror(writer->file) && fflush(writer->file) == 0 && fsync(fileno(writer->file)) == 0;
    int why = errno;
    is_written = fclose(writer->file) == 0 && is_written;
    if (is_right && is_written && rename(writer->part, writer->path) == 0)
        return true;
    if (is_right)
        relud_fail(writer->error, RELUD_IO, "%s: %s", writer->path,
                   strerror(is_written ? errno : why));
    unlink(writer->part);
    return false;
}

/* In pieces, so that it needs no memory. */
void put_string(FILE *file, const char *text)
{
    enum { PIECE = 128 };
    char json[6 * PIECE + 2];
    fputc('"', file);
    for (size_t left = strlen(text), some; left; text += some, left -= some) {
        some = json_string_cut(text, left, PIECE);
        some = some ? some : left < PIECE ? left : PIECE; /* no UTF-8: replaced */
        size_t len = relud_json_string(text, some, json);
        fwrite(json + 1, 1, len - 2, file);
    }
    fputc('"', file);
}

void put_number(FILE *file, float value)
{
    char text[RELUD_FLOAT_TEXT_MAX] = "";
    if (isfinite(value))
        fwrite(text, 1, relud_float_to_text(value, text), file);
    else
        fputs("null", file);
}

void put_number_member(FILE *file, const char *key, double value)
{
    fprintf(file, ", \"%s\": ", key);
    put_number(file, (float)value);
}

static size_t count_of(const struct tensor_entry *entry)
{
    return entry->shape[0] * (entry->rank == 2 ? entry->shape[1] : 1);
}

static bool put_header(FILE *file, const char *metadata, const struct tensor_entry *entry,
                       size_t entries)
{
    char *header = NULL;
    size_t len = 0, at = 0;
    FILE *text = open_memstream(&header, &len);
    if (!text)
        return false;
    fprintf(text, "{\"__metadata__\":{%s}", metadata);
    for (size_t i = 0; i < entries; i++) {
        size_t bytes = count_of(&entry[i]) * (strcmp(entry[i].type, "F64") == 0 ? 8 : 4);
        fprintf(text, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%zu", entry[i].name, entry[i].type,
                entry[i].shape[0]);
        if (entry[i].rank == 2)
            fprintf(text, ",%zu", entry[i].shape[1]);
        fprintf(text, "],\"data_offsets\":[%zu,%zu]}", at, at + bytes);
        at += bytes;
    }
    fputs("}", text);
    fflush(text);
    for (; len % 8; fflush(text))
        fputc(' ', text);
    bool is_right = fclose(text) == 0 && header;
    for (size_t i = 0; is_right && i < 8; i++)
        fputc((int)(len >> (8 * i) & 255), file);
    if (is_right)
        fwrite(header, 1, len, file);
    free(header);
    return is_right;
}

bool put_safetensors(FILE *file, const char *metadata, const struct tensor_entry *entry,
                     size_t entries, bool (*put)(FILE *file, size_t index, const void *what),
                     const void *what)
{
    bool is_right = put_header(file, metadata, entry, entries);
    for (size_t i = 0; is_right && i < entries; i++)
        is_right = put(file, i, what);
    return is_right;
}
