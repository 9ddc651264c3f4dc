#include "core/net/model_source.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)8 << 30)

struct relud_file *model_source_file(struct model_source *source, const char *path)
{
    if (source->files == MODEL_FILES_MAX) {
        relud_fail(source->error, RELUD_TOO_LARGE, "%s: a model of more than %d files", path,
                   MODEL_FILES_MAX);
        return NULL;
    }
    struct relud_file *file = &source->file[source->files];
    if (!relud_file_read(path, FILE_BYTES_MAX, file, source->error))
        return NULL;
    source->files++;
    return file;
}

struct relud_tensor_info *model_source_inputs(struct model_source *source, size_t count)
{
    struct relud_tensor_info *input = arena_take_array(source->arena, count, sizeof *input);
    source->info.inputs = count;
    source->info.input = input;
    if (!input)
        relud_fail(source->error, RELUD_NO_MEMORY, "out of memory for %zu inputs", count);
    return input;
}

bool model_source_features(struct model_source *source)
{
    size_t features = source->info.features;
    if (!source->feature)
        source->feature = arena_take_array(source->arena, features, sizeof *source->feature);
    return source->feature ||
           relud_fail(source->error, RELUD_NO_MEMORY, "out of memory for %zu features", features);
}

bool model_source_note(struct model_source *source, const char *format, ...)
{
    char text[RELUD_ERROR_TEXT_MAX];
    size_t *notes = &source->info.notes;
    if (*notes == MODEL_NOTES_MAX - 1)
        format = "there is more to be noted than these";
    else if (*notes == MODEL_NOTES_MAX)
        return true;
    va_list args;
    va_start(args, format);
    relud_vline(text, sizeof text, format, args);
    va_end(args);
    source->note[*notes] = arena_copy_text(source->arena, text, strlen(text));
    return source->note[(*notes)++] || relud_fail(source->error, RELUD_NO_MEMORY, "out of memory");
}

void model_source_close(struct model_source *source)
{
    for (size_t i = 0; i < source->files; i++)
        relud_file_free(&source->file[i]);
    arena_reset(&source->temporary);
}

bool model_path_join(char path[MODEL_PATH_BYTES], const char *dir, const char *file,
                     struct relud_error *error)
{
    int len = snprintf(path, MODEL_PATH_BYTES, "%s/%s", dir, file);
    return len < MODEL_PATH_BYTES || relud_fail(error, RELUD_IO, "%s: the path is too long", dir);
}
