#include "server/api/rows_check.h"

#include "server/batch/nonfinite.h"
#include "server/batch/prediction.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PLACE_BYTES = RELUD_JSON_DEPTH_MAX * 22 + 80 };

void rows_check_place(char *place, size_t size, const char *name, const size_t *shape, size_t rank,
                      size_t index)
{
    size_t span = 1, len = (size_t)snprintf(place, size, "%s", name);
    for (size_t d = 0; d < rank; d++)
        span *= shape[d];
    for (size_t d = 0; d < rank && len < size; d++) {
        span /= shape[d];
        len += (size_t)snprintf(place + len, size - len, "[%zu]", index / span);
        index %= span;
    }
}

static bool fail_place(struct request *request, const char *name, const size_t *shape, size_t rank,
                       size_t bad, const char *why)
{
    char place[PLACE_BYTES];
    rows_check_place(place, sizeof place, name, shape, rank, bad);
    request_fail(request, 400, "%s %s", place, why);
    return false;
}

bool rows_check_finite(struct request *request, const char *name, const float *values,
                       const size_t *shape, size_t rank, size_t count)
{
    size_t bad = nonfinite_find_watched(request, values, count);
    return bad == count || fail_place(request, name, shape, rank, bad, "is not finite");
}

/* Answers 400: the number `bad` of rows of the model is wrong. */
static bool fail_input(struct request *request, const struct served_model *served, const char *name,
                       const size_t *shape, size_t rank, size_t bad, const char *why)
{
    const struct relud_model_info *info = served->info;
    const char *const *column = relud_model_feature_names(served->model);
    size_t feature = bad % info->features;
    char text[320];
    if (!name) {
        const struct relud_tensor_info *input = info->input;
        while (feature >= input->first + input->width)
            input++;
        const size_t own[] = {SIZE_MAX / input->width, input->width};
        return fail_place(request, input->name, own, 2,
                          bad / info->features * input->width + feature - input->first, why);
    }
    snprintf(text, sizeof text, column ? "%s: column \"%.60s\"" : "%s", why,
             column ? column[feature] : "");
    return fail_place(request, name, shape, rank, bad, text);
}

/* Returns the first number that is neither finite nor a missing value that the model imputes; or
 * count. */
static size_t find_nonfinite(struct request *request, const struct served_model *served,
                             const float *values, size_t count)
{
    enum { LOOKS = 4096 };
    size_t features = served->info->features, at = 0;
    for (size_t looks = 1;; looks++, at++) {
        at += nonfinite_find_watched(request, values + at, count - at);
        if (at == count || (looks % LOOKS == 0 && !long_work_go_on(request)))
            return count;
        if (!isnan(values[at]) || !relud_is_imputed(served->info->feature, at % features))
            return at;
    }
}

/* Returns the first number that should be an index of a table and is none; or count. Looks at those
 * features only. */
static size_t find_no_index(struct request *request, const struct served_model *served,
                            const float *values, size_t count)
{
    enum { LOOKS = 16384 };
    const struct relud_features *feature = served->info->feature;
    size_t looks = 0;
    for (size_t row = 0; row < count; row += feature->len) {
        for (size_t i = 0; i < served->indices; i++) {
            size_t f = served->index_feature[i];
            float value = values[row + f];
            bool is_index =
                value >= 0 && value < (float)feature->at[f].indices && value == floorf(value);
            if (!is_index && !(isnan(value) && feature->at[f].is_imputed))
                return row + f;
        }
        looks += served->indices;
        if (looks > LOOKS && (looks = 0, !long_work_go_on(request)))
            break;
    }
    return count;
}

bool rows_check_input(struct request *request, const struct served_model *served, const char *name,
                      const float *values, const size_t *shape, size_t rank, size_t count,
                      bool is_finite)
{
    const struct relud_features *feature = served->info->feature;
    size_t bad = is_finite ? count : find_nonfinite(request, served, values, count);
    if (bad < count) {
        prediction_count_nonfinite(request, served, NONFINITE_INPUT);
        return fail_input(request, served, name, shape, rank, bad,
                          isnan(values[bad]) && relud_has_imputed(feature)
                              ? "is missing, and the model does not impute it"
                              : "is not finite");
    }
    if (served->indices == 0 || (bad = find_no_index(request, served, values, count)) == count)
        return true;
    char number[RELUD_FLOAT_TEXT_MAX], why[120];
    int len = (int)relud_float_to_text(values[bad], number);
    if (feature->at[bad % feature->len].is_boolean)
        snprintf(why, sizeof why, "is %.*s; true or false is wanted, or 1 or 0", len, number);
    else
        snprintf(why, sizeof why, "is %.*s; an index is wanted, a whole number from 0 to %zu", len,
                 number, feature->at[bad % feature->len].indices - 1);
    return fail_input(request, served, name, shape, rank, bad, why);
}

bool rows_check_array(struct request *request, const struct served_model *served, const char *name,
                      const struct relud_json_array *array)
{
    bool is_text = request->media_in == MEDIA_JSON || request->media_in == MEDIA_CSV;
    return rows_check_input(request, served, name, array->values, array->shape, array->rank,
                            array->count, is_text && !array->has_missing);
}

bool rows_check_wants_numbers(const struct served_model *served, struct relud_error *error)
{
    enum { SHOWN = 5 };
    const struct relud_features *feature = served->info->feature;
    const char *const *name = relud_model_feature_names(served->model);
    char columns[200] = "";
    size_t len = 0, found = 0;
    if (!feature || !feature->has_words)
        return true;
    for (size_t f = 0; f < feature->len; f++) {
        if (!feature->at[f].words || found++ >= SHOWN || len >= sizeof columns)
            continue;
        const char *comma = len ? ", " : "";
        len += (size_t)(name ? snprintf(columns + len, sizeof columns - len, "%s\"%.30s\"", comma,
                                        name[f])
                             : snprintf(columns + len, sizeof columns - len, "%s%zu", comma, f));
    }
    return relud_fail(error, RELUD_BAD_INPUT,
                      "model '%.60s' wants words in column%s %s%s, which numbers cannot say; send "
                      "JSON or CSV",
                      served->name, found == 1 ? "" : "s", columns,
                      found > SHOWN ? " and more" : "");
}
