#include "core/train/train_input.h"

#include "core/format/training_json.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* ---- statistics of the features ---- */

static float value_of(const struct relud_dataset *data, size_t row, size_t feature)
{
    size_t at = row * data->features + feature;
    return data->bytes ? (float)data->bytes[at] : data->values[at];
}

/* Sums are in double, in the order of the rows. The second pass subtracts the mean first, so that
 * nothing cancels. */
static void measure(struct train_input *input, const struct relud_dataset *data,
                    const uint32_t *row, size_t count, double *sum)
{
    size_t features = input->features;
    memset(sum, 0, features * sizeof *sum);
    for (size_t i = 0; i < count; i++)
        for (size_t f = 0; f < features; f++) {
            float x = value_of(data, row[i], f);
            sum[f] += (double)x;
            input->min[f] = i == 0 || x < input->min[f] ? x : input->min[f];
            input->max[f] = i == 0 || x > input->max[f] ? x : input->max[f];
        }
    for (size_t f = 0; f < features; f++)
        input->mean[f] = (float)(sum[f] / (double)count);
    memset(sum, 0, features * sizeof *sum);
    for (size_t i = 0; i < count; i++)
        for (size_t f = 0; f < features; f++) {
            double away = (double)value_of(data, row[i], f) - (double)input->mean[f];
            sum[f] += away * away;
        }
    for (size_t f = 0; f < features; f++) {
        input->std[f] = (float)sqrt(sum[f] / (double)count);
        if (!isfinite(input->std[f]))
            input->std[f] = FLT_MAX;
        bool is_constant = input->min[f] == input->max[f] || input->std[f] == 0;
        input->divisor[f] = is_constant ? 1 : input->std[f];
    }
}

/* Counts in integers and converts at the end: a float cannot count beyond 2^24. */
static void count_bins(struct train_input *input, const struct relud_dataset *data,
                       const uint32_t *row, size_t count, uint32_t *count_of)
{
    for (size_t i = 0; i < count; i++)
        for (size_t f = 0; f < input->features; f++) {
            double low = (double)input->min[f], span = (double)input->max[f] - low;
            double part = span > 0 ? ((double)value_of(data, row[i], f) - low) / span : 0;
            size_t bin = (size_t)(part * (double)input->bins);
            count_of[f * input->bins + (bin < input->bins ? bin : input->bins - 1)]++;
        }
    for (size_t i = 0; i < input->features * input->bins; i++)
        input->histogram[i] = (float)count_of[i];
}

size_t train_input_width(const struct relud_dataset *data)
{
    size_t width = 0;
    for (size_t f = 0; f < data->features; f++) {
        const struct relud_words *words = relud_words_of(data->feature, f);
        width += words ? words->count : 1;
    }
    return width;
}

/* Finds the places of the features in an input. */
static bool find_places(struct train_input *input, struct arena *arena,
                        const struct relud_dataset *data)
{
    input->feature = data->feature;
    input->width = train_input_width(data);
    input->place_mean = input->mean;
    input->place_divisor = input->divisor;
    if (!data->feature)
        return true;
    input->first = arena_take_array(arena, input->features + 1, sizeof *input->first);
    input->place_mean = arena_take_array(arena, input->width, sizeof(float));
    input->place_divisor = arena_take_array(arena, input->width, sizeof(float));
    if (!input->first || !input->place_mean || !input->place_divisor)
        return false;
    for (size_t f = 0; f < input->features; f++) {
        const struct relud_words *words = relud_words_of(data->feature, f);
        size_t first = input->first[f], end = first + (words ? words->count : 1);
        input->first[f + 1] = end;
        for (size_t i = first; i < end; i++) {
            input->place_mean[i] = words ? 0 : input->mean[f];
            input->place_divisor[i] = words ? 1 : input->divisor[f];
        }
    }
    return true;
}

bool train_input_init(struct train_input *input, struct arena *arena,
                      const struct relud_train_config *config, const struct relud_dataset *data,
                      const uint32_t *row, size_t count, const struct train_loops *loops,
                      struct relud_error *error)
{
    size_t features = data->features;
    float **arrays[] = {&input->mean, &input->std, &input->divisor, &input->min, &input->max};
    *input = (struct train_input){.loops = loops,
                                  .features = features,
                                  .scale = config->scale != 0 ? config->scale : 1,
                                  .shift = config->shift,
                                  .is_standardized = config->standardize,
                                  .bins = TRAINING_BINS};
    double *sum = arena_take_array(arena, features, sizeof *sum);
    uint32_t *counts = features <= TRAINING_FEATURES_MAX
                           ? arena_take_array(arena, features * TRAINING_BINS, sizeof *counts)
                           : NULL;
    bool is_whole = sum && (counts || features > TRAINING_FEATURES_MAX);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        is_whole &= (*arrays[i] = arena_take_array(arena, features, sizeof(float))) != NULL;
    if (features <= TRAINING_FEATURES_MAX)
        is_whole &= (input->histogram =
                         arena_take_array(arena, features * TRAINING_BINS, sizeof(float))) != NULL;
    if (!is_whole)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory for %zu features", features);
    measure(input, data, row, count, sum);
    if (input->histogram)
        count_bins(input, data, row, count, counts);
    return find_places(input, arena, data) ||
           relud_fail(error, RELUD_NO_MEMORY, "out of memory for %zu features", features);
}

/* ---- rows ---- */

/* Copies an image of [height][width] elements, `size` bytes each, moved by (dy, dx). A number of
 * only zero bits is 0. */
static void move(const char *from, size_t size, size_t height, size_t width, int dy, int dx,
                 char *to)
{
    size_t line = width * size, away = (size_t)(dx < 0 ? -dx : dx) * size;
    for (size_t y = 0; y < height; y++, to += line) {
        long source = (long)y - dy;
        if (source < 0 || source >= (long)height || away >= line) {
            memset(to, 0, line);
            continue;
        }
        const char *at = from + (size_t)source * line;
        memcpy(dx > 0 ? to + away : to, dx > 0 ? at : at + away, line - away);
        memset(dx > 0 ? to : to + line - away, 0, away);
    }
}

/* Writes each number to its place, and 1 to that of a word that is known. */
static void encode(const struct train_input *input, const float *from, float *x)
{
    memset(x, 0, input->width * sizeof *x);
    for (size_t f = 0; f < input->features; f++) {
        const struct relud_words *words = relud_words_of(input->feature, f);
        if (!words)
            x[input->first[f]] = from[f];
        else if ((size_t)from[f] < words->count)
            x[input->first[f] + (size_t)from[f]] = 1;
    }
}

void train_input_row(const struct train_input *input, const struct relud_dataset *data, size_t row,
                     int dy, int dx, float *moved, float *x)
{
    size_t features = input->features, size = data->bytes ? 1 : sizeof(float);
    const char *from = data->bytes ? (const char *)(data->bytes + row * features)
                                   : (const char *)(data->values + row * features);
    float scale = input->is_standardized ? 1 : input->scale;
    float shift = input->is_standardized ? 0 : input->shift;
    if (dy || dx) {
        move(from, size, data->height, data->width, dy, dx, (char *)moved);
        from = (const char *)moved;
    }
    if (input->first)
        encode(input, (const float *)(const void *)from, x);
    else if (data->bytes)
        input->loops->bytes((const unsigned char *)from, scale, shift, x, features);
    else
        input->loops->floats((const float *)(const void *)from, scale, shift, x, features);
    if (input->is_standardized)
        input->loops->standardize(x, input->place_mean, input->place_divisor, x, input->width);
}
