#include "core/format/safetensors_write.h"

#include <stdlib.h>
#include <string.h>

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
