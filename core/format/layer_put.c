#include "core/format/layer_put.h"

#include "core/json/write.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* ---- layers ---- */

static void put_activation(FILE *file, const struct model_layer *layer)
{
    const struct relud_activation_info *info = relud_activation_info(layer->activation);
    fputs(", \"activation\": ", file);
    if (info->parameters == 0) {
        put_string(file, info->name);
        return;
    }
    fprintf(file, "{\"type\": \"%s\"", info->name);
    for (size_t i = 0; i < info->parameters; i++) {
        const struct relud_parameter_info *parameter = &info->parameter[i];
        fprintf(file, ", \"%s\": ", parameter->name);
        if (parameter->kind == RELUD_PARAMETER_WEIGHT)
            put_string(file, layer->slopes);
        else if (parameter->kind == RELUD_PARAMETER_CHOICE)
            put_string(file, parameter->choices[(size_t)layer->params.values[i]]);
        else
            put_number(file, layer->params.values[i]);
    }
    fputs("}", file);
}

void layer_put(FILE *file, const struct model_layer *layer)
{
    static const char *const types[] = {[LAYER_LINEAR] = "linear",
                                        [LAYER_BATCH_NORM] = "batch_norm",
                                        [LAYER_LAYER_NORM] = "layer_norm",
                                        [LAYER_DROPOUT] = "dropout"};
    const char *const keys[] = {"weight", "bias", "running_mean", "running_var"};
    const char *const names[] = {layer->weight, layer->bias, layer->mean, layer->variance};
    bool is_linear = layer->type == LAYER_LINEAR;
    fputs("{", file);
    if (!is_linear) {
        fprintf(file, "\"type\": \"%s\", \"eps\": ", types[layer->type]);
        put_number(file, (float)layer->eps);
    }
    for (size_t i = 0, count = !is_linear; i < 4; i++)
        if (names[i]) {
            fprintf(file, "%s\"%s\": ", count++ ? ", " : "", keys[i]);
            put_string(file, names[i]);
        }
    if (layer->activation)
        put_activation(file, layer);
    fputs("}", file);
}

/* ---- files ---- */

bool model_files_name(char path[2][MODEL_PATH_BYTES], const char *dir, struct relud_error *error)
{
    static const char *const files[] = {"model.safetensors", "model.json"};
    struct stat about;
    for (size_t i = 0; i < 2; i++) {
        if (!model_path_join(path[i], dir, files[i], error))
            return false;
        if (stat(path[i], &about) == 0)
            return relud_fail(error, RELUD_IO, "%s: already exists", path[i]);
    }
    return true;
}

bool model_files_make_dir(const char *dir, struct relud_error *error)
{
    struct stat about;
    if (mkdir(dir, 0777) == 0)
        return true;
    if (errno != EEXIST || stat(dir, &about) != 0)
        return relud_fail(error, RELUD_IO, "%s: %s", dir, strerror(errno));
    if (!S_ISDIR(about.st_mode))
        return relud_fail(error, RELUD_IO, "%s: is there, and no directory", dir);
    return true;
}
