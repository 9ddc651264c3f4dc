#include "core/format/training_json.h"

#include "core/base/atomic_file.h"
#include "core/json/write.h"
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* ---- writing ---- */

static void put_measures(FILE *file, const char *key, size_t rows, double loss, double accuracy)
{
    if (rows == 0)
        return;
    fprintf(file, ",\n  \"%s\": {\"rows\": %zu", key, rows);
    put_number_member(file, "loss", loss);
    if (isfinite(accuracy))
        put_number_member(file, "accuracy", accuracy);
    fputs("}", file);
}

static void put_array(FILE *file, const char *key, const float *values, size_t count)
{
    fprintf(file, "%s\"%s\": [", strcmp(key, "mean") == 0 ? "" : ",\n   ", key);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? "," : "", file);
        put_number(file, values[i]);
    }
    fputs("]", file);
}

static void put_texts(FILE *file, const char *key, const char *const *texts, size_t count)
{
    fprintf(file, "\"%s\": [", key);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", file);
        put_string(file, texts[i]);
    }
    fputs("]", file);
}

void training_put(FILE *file, const struct relud_training *training)
{
    fprintf(file, "{\"epochs\": %zu, \"best_epoch\": %zu", training->epochs, training->best_epoch);
    if (training->recipe) {
        fputs(",\n  \"recipe\": ", file);
        put_string(file, training->recipe);
    }
    if (training->target) {
        fputs(",\n  ", file);
        put_texts(file, "targets", training->target, training->target_columns);
    }
    put_measures(file, "train", training->rows, training->loss, training->accuracy);
    put_measures(file, "validation", training->validation_rows, training->validation_loss,
                 training->validation_accuracy);
    put_measures(file, "test", training->test_rows, training->test_loss, training->test_accuracy);
    if (training->features) {
        fputs(",\n  \"features\": {", file);
        if (training->feature) {
            put_texts(file, "names", training->feature, training->features);
            fputs(",\n   ", file);
        }
        put_array(file, "mean", training->mean, training->features);
        put_array(file, "std", training->std, training->features);
        put_array(file, "min", training->min, training->features);
        put_array(file, "max", training->max, training->features);
        fprintf(file, ",\n   \"bins\": %zu", training->bins);
        put_array(file, "histogram", training->histogram, training->features * training->bins);
        fputs("}", file);
    }
    fputs("}", file);
}

/* ---- reading ---- */

struct reader {
    const char *name;
    struct arena *arena;
    struct relud_error *error;
};

static bool fail(const struct reader *reader, const char *member, const char *why)
{
    return relud_fail(reader->error, RELUD_BAD_MODEL, "%s: training.%s %s", reader->name, member,
                      why);
}

static bool get_whole(const struct reader *reader, const json_node *object, const char *key,
                      size_t *value)
{
    const json_node *node = json_member(object, key);
    return !node || json_whole(node, value) || fail(reader, key, "must be a whole number from 0");
}

/* An absent member becomes NaN; so do null, true and false. */
static bool get_number(const struct reader *reader, const json_node *object, const char *key,
                       double *value)
{
    const json_node *node = json_member(object, key);
    *value = NAN;
    if (node && json_kind_of(node) == JSON_NUMBER)
        *value = json_number_of(node);
    return !node || json_kind_of(node) == JSON_NUMBER || json_kind_of(node) == JSON_OTHER ||
           fail(reader, key, "must be a number");
}

static bool get_measures(const struct reader *reader, const json_node *root, const char *key,
                         size_t *rows, double *loss, double *accuracy)
{
    const json_node *node = json_member(root, key);
    *loss = *accuracy = NAN;
    if (!node)
        return true;
    if (json_kind_of(node) != JSON_OBJECT)
        return fail(reader, key, "must be an object");
    return get_whole(reader, node, "rows", rows) && get_number(reader, node, "loss", loss) &&
           get_number(reader, node, "accuracy", accuracy);
}

/* Reads an array of *count finite numbers, none below `least`. If *count is 0, any length is right,
 * and *count gets it. */
static bool get_array(const struct reader *reader, const json_node *object, const char *key,
                      float least, size_t *count, const float **values)
{
    const json_node *node = json_member(object, key);
    size_t found = node && json_kind_of(node) == JSON_ARRAY ? json_count(node) : 0, i = 0;
    if (found == 0 || (*count && found != *count))
        return fail(reader, key, "must be an array of as many numbers as there are features");
    float *array = arena_take_array(reader->arena, found, sizeof *array);
    if (!array)
        return relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
    for (const json_node *at = json_first(node); at; at = json_next(at), i++) {
        if (json_kind_of(at) != JSON_NUMBER)
            return fail(reader, key, "must be an array of numbers");
        array[i] = (float)json_number_of(at);
        if (!isfinite(array[i]) || array[i] < least)
            return fail(reader, key,
                        least == 0 ? "must be finite numbers from 0" : "must be finite numbers");
    }
    *count = found;
    *values = array;
    return true;
}

/* Reads an array of strings, [*count]; NULL if the member is not there. */
static bool get_texts(const struct reader *reader, const json_node *object, const char *key,
                      const char *const **texts, size_t *count)
{
    const json_node *node = json_member(object, key);
    size_t found = node ? json_count(node) : 0, i = 0;
    *count = found;
    if (!node)
        return true;
    if (json_kind_of(node) != JSON_ARRAY)
        return fail(reader, key, "must be an array of strings");
    const char **text = arena_take_array(reader->arena, found + 1, sizeof *text);
    if (!text)
        return relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
    for (const json_node *at = json_first(node); at; at = json_next(at), i++) {
        if (json_kind_of(at) != JSON_TEXT)
            return fail(reader, key, "must be an array of strings");
        text[i] = arena_copy_text(reader->arena, json_text_of(at), strlen(json_text_of(at)));
        if (!text[i])
            return relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
    }
    *texts = text;
    return true;
}

static bool get_names(const struct reader *reader, const json_node *object,
                      struct relud_training *training)
{
    size_t count;
    if (!get_texts(reader, object, "names", &training->feature, &count))
        return false;
    return !training->feature || count == training->features ||
           fail(reader, "names", "must be an array of as many strings as there are features");
}

static bool get_features(const struct reader *reader, const json_node *root,
                         struct relud_training *training)
{
    const json_node *node = json_member(root, "features");
    if (!node)
        return true;
    if (json_kind_of(node) != JSON_OBJECT)
        return fail(reader, "features", "must be an object");
    if (!get_array(reader, node, "mean", -FLT_MAX, &training->features, &training->mean) ||
        !get_array(reader, node, "std", 0, &training->features, &training->std) ||
        !get_array(reader, node, "min", -FLT_MAX, &training->features, &training->min) ||
        !get_array(reader, node, "max", -FLT_MAX, &training->features, &training->max) ||
        !get_names(reader, node, training) || !get_whole(reader, node, "bins", &training->bins))
        return false;
    size_t most = SIZE_MAX / training->features;
    size_t count = training->bins < most ? training->bins * training->features : 0;
    return training->bins == 0 ||
           (count ? get_array(reader, node, "histogram", 0, &count, &training->histogram)
                  : fail(reader, "bins", "are too many"));
}

bool training_read(const json_node *node, struct relud_training **training, const char *name,
                   struct arena *arena, struct relud_error *error)
{
    struct reader reader = {name, arena, error};
    *training = NULL;
    if (!node)
        return true;
    if (json_kind_of(node) != JSON_OBJECT)
        return relud_fail(error, RELUD_BAD_MODEL, "%s: training must be an object", name);
    struct relud_training *all = arena_take(arena, sizeof *all);
    if (!all)
        return relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", name);
    const json_node *recipe = json_member(node, "recipe");
    if (recipe && json_kind_of(recipe) != JSON_TEXT)
        return fail(&reader, "recipe", "must be a string");
    if (recipe &&
        !(all->recipe = arena_copy_text(arena, json_text_of(recipe), strlen(json_text_of(recipe)))))
        return relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", name);
    *training = all;
    return get_whole(&reader, node, "epochs", &all->epochs) &&
           get_whole(&reader, node, "best_epoch", &all->best_epoch) &&
           get_measures(&reader, node, "train", &all->rows, &all->loss, &all->accuracy) &&
           get_measures(&reader, node, "validation", &all->validation_rows, &all->validation_loss,
                        &all->validation_accuracy) &&
           get_measures(&reader, node, "test", &all->test_rows, &all->test_loss,
                        &all->test_accuracy) &&
           get_texts(&reader, node, "targets", &all->target, &all->target_columns) &&
           get_features(&reader, node, all);
}
