/* Loads a model from a path: chooses the reader by what lies there. */
#include "core/format/file_kind.h"
#include "core/format/model_dir.h"
#include "core/format/state_dict.h"
#include "core/net/model.h"
#include "core/onnx/onnx.h"
#include <sys/stat.h>

static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && !S_ISDIR(about.st_mode);
}

struct wanted {
    const char *path;
    struct relud_model_options options;
};

static bool read_path(struct model_source *source, const void *what)
{
    const struct wanted *wanted = what;
    if (!is_file(wanted->path))
        return model_dir_read(source, wanted->path);
    switch (file_kind_of(wanted->path)) {
    case FILE_SAFETENSORS:
        return state_dict_read(source, wanted->path, &wanted->options);
    case FILE_OTHER:
        return file_kind_refuse(wanted->path, source->error);
    default:
        return onnx_read(source, wanted->path);
    }
}

bool relud_model_refuse(const char *path, struct relud_error *error)
{
    return file_kind_refuse(path, error);
}

relud_model *relud_model_load(const char *path, const struct relud_model_options *options,
                              struct relud_error *error)
{
    struct wanted wanted = {.path = path};
    if (options)
        wanted.options = *options;
    return model_new(path, options, read_path, &wanted, error);
}
