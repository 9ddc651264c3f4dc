/* Writes a state dict as a model directory: its own bytes, and the model.json of its layers. */
#include "core/format/state_dict.h"

#include "core/base/atomic_file.h"
#include "core/format/layer_put.h"
#include "core/json/write.h"
#include <relud/model.h>

static bool put_tensors(const struct model_source *source, const char *path,
                        struct relud_error *error)
{
    struct atomic_file writer;
    if (!atomic_file_open(&writer, path, error))
        return false;
    fwrite(source->file[0].bytes, 1, source->file[0].len, writer.file);
    return atomic_file_close(&writer, true);
}

static bool put_json(const struct model_json *json, const char *path, const char *name,
                     struct relud_error *error)
{
    struct atomic_file writer;
    if (!atomic_file_open(&writer, path, error))
        return false;
    fputs("{\"format\": \"relud-model/1\",\n", writer.file);
    if (name) {
        fputs(" \"name\": ", writer.file);
        put_string(writer.file, name);
        fputs(",\n", writer.file);
    }
    fputs(" \"layers\": [", writer.file);
    for (size_t i = 0; i < json->layers; i++) {
        fputs(i ? ",\n  " : "\n  ", writer.file);
        layer_put(writer.file, &json->layer[i]);
    }
    fputs("]}\n", writer.file);
    return atomic_file_close(&writer, true);
}

bool relud_state_dict_save(const char *path, const struct relud_model_options *options,
                           const char *dir, const char *name, struct relud_error *error)
{
    char files[2][MODEL_PATH_BYTES];
    struct arena arena = {0};
    struct model_source source = {.arena = &arena, .error = error};
    struct loading *loading = state_dict_open(&source, path, options);
    bool is_saved = loading && model_files_name(files, dir, error) &&
                    model_files_make_dir(dir, error) && put_tensors(&source, files[0], error) &&
                    put_json(&loading->json, files[1], name, error);
    model_source_close(&source);
    arena_reset(&arena);
    return is_saved;
}
