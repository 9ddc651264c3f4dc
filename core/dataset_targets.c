/* What rows are to give: numbers, or classes with labels. Classes that are whole numbers from 0 to below the number of
 * units are themselves; others are the distinct values in order, numbers by size and texts by their bytes. */
#include "core/dataset.h"

#include "core/json_string.h"
#include <math.h>
#include <relud/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES_MAX = 65536, LABEL_BYTES_MAX = 1024, LABELS_BYTES_MAX = 1 << 20 };

/* Whole numbers from this on are not told apart in float32: as classes they are texts. */
#define EXACT_MAX 0x1p24f

struct taking {
    struct relud_dataset *data;
    const struct raw_targets *raw;
    const struct relud_dataset_options *options;
    struct arena *arena;
    const float *numbers; /* [rows][columns], where every target is one */
    size_t label_bytes;
};

static bool no_memory(const struct taking *taking)
{
    return relud_fail(taking->raw->source->error, RELUD_NO_MEMORY, "%.90s: out of memory",
                      taking->raw->source->path);
}

/* "line 7" of a table, "row 6" of anything else: what people can look up. */
static const char *place_of(const struct taking *taking, size_t row, char place[40])
{
    const struct raw_targets *raw = taking->raw;
    const char *at = raw->cells ? raw->cells[row * raw->columns].at : NULL;
    if (at >= raw->source->text && at <= raw->source->text + raw->source->len)
        snprintf(place, 40, "line %zu", csv_line(raw->source, &raw->cells[row * raw->columns]));
    else
        snprintf(place, 40, "row %zu", row);
    return place;
}

/* The targets as numbers, unless one of them is none; that is an error only where they must be. */
static bool read_numbers(struct taking *taking, bool must_be)
{
    const struct raw_targets *raw = taking->raw;
    size_t count = raw->rows * raw->columns;
    char place[40];
    taking->numbers = raw->numbers;
    if (!raw->cells)
        return true;
    float *numbers = arena_take_array(taking->arena, count, sizeof *numbers);
    if (!numbers)
        return no_memory(taking);
    for (size_t i = 0; i < count; i++)
        if (!csv_number(&raw->cells[i], &numbers[i]) || !isfinite(numbers[i]) ||
            (!must_be && fabsf(numbers[i]) >= EXACT_MAX))
            return !must_be || rows_fail(raw->source, "%s: target '%.*s' is not a number",
                                         place_of(taking, i / raw->columns, place),
                                         (int)(raw->cells[i].len < 30 ? raw->cells[i].len : 30),
                                         raw->cells[i].at);
    taking->numbers = numbers;
    return true;
}

static bool take_numbers(struct taking *taking)
{
    struct relud_dataset *data = taking->data;
    if (!read_numbers(taking, true))
        return false;
    data->outputs = taking->raw->columns;
    data->targets = taking->numbers;
    if (data->outputs != taking->options->units)
        return rows_fail(taking->raw->source,
                         "%zu targets a row, where the last layer has %zu units", data->outputs,
                         taking->options->units);
    return true;
}

/* ---- classes ---- */

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int compare_cells(const void *a, const void *b)
{
    const struct csv_cell *x = a, *y = b;
    int order = memcmp(x->at, y->at, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Sorted copies without doubles, of floats or cells; NULL and *error without memory. */
static void *distinct(struct taking *taking, const void *values, size_t size,
                      int (*compare)(const void *, const void *), size_t *count)
{
    char *sorted = malloc(taking->raw->rows * size + 1), *kept = sorted;
    if (!sorted) {
        no_memory(taking);
        return NULL;
    }
    memcpy(sorted, values, taking->raw->rows * size);
    qsort(sorted, taking->raw->rows, size, compare);
    for (size_t r = 1; r < taking->raw->rows; r++)
        if (compare(kept, sorted + r * size) != 0)
            memcpy(kept += size, sorted + r * size, size);
    *count = (size_t)(kept - sorted) / size + 1;
    return sorted;
}

static size_t classes_wanted(const struct relud_dataset_options *options)
{
    return options->units == 1 ? 2 : options->units;
}

static bool add_label(struct taking *taking, const char **label, const char *text, size_t len)
{
    label[taking->data->labels] = arena_copy_text(taking->arena, text, len);
    return label[taking->data->labels++] || no_memory(taking);
}

/* Labels stand in model.json, so they are short and UTF-8. */
static bool add_cell_label(struct taking *taking, const char **label, const struct csv_cell *cell)
{
    size_t good = 0, step = 1;
    while (step && good < cell->len && good <= LABEL_BYTES_MAX)
        good += step = utf8_len(cell->at + good, cell->len - good);
    if (good > LABEL_BYTES_MAX || taking->label_bytes > LABELS_BYTES_MAX)
        return rows_fail(taking->raw->source,
                         "labels of more than %d bytes, or %d in all: '%.20s…' is too long",
                         LABEL_BYTES_MAX, LABELS_BYTES_MAX, cell->at);
    if (good < cell->len)
        return rows_fail(taking->raw->source, "a label is not UTF-8 (save the file as that)");
    taking->label_bytes += cell->len;
    return add_label(taking, label, cell->at, cell->len);
}

static bool add_number_label(struct taking *taking, const char **label, float value)
{
    char text[RELUD_FLOAT_TEXT_MAX];
    return add_label(taking, label, text, relud_float_to_text(value + 0.0f, text));
}

/* Whole numbers from 0 to below the classes that are wanted. */
static bool are_indices(const struct taking *taking, size_t wanted)
{
    for (size_t r = 0; taking->numbers && r < taking->raw->rows; r++) {
        float value = taking->numbers[r];
        if (!(value >= 0 && value < (float)wanted) || value != floorf(value))
            return false;
    }
    return taking->numbers != NULL;
}

static bool fail_count(const struct taking *taking, size_t found, size_t wanted)
{
    const struct raw_targets *raw = taking->raw;
    char place[40];
    for (size_t r = 0; taking->numbers && r < raw->rows; r++)
        if (found > wanted && taking->numbers[r] >= (float)wanted)
            return rows_fail(raw->source,
                             "%s: label %g is out of range: the last layer tells %zu classes apart",
                             place_of(taking, r, place), (double)taking->numbers[r], wanted);
    return rows_fail(raw->source,
                     "the target has %zu classes, where the last layer tells %zu apart", found,
                     wanted);
}

/* The labels of new data: the distinct values, where they are as many as wanted. */
static bool find_labels(struct taking *taking, size_t wanted)
{
    struct relud_dataset *data = taking->data;
    size_t count = 0;
    void *all =
        taking->numbers
            ? distinct(taking, taking->numbers, sizeof(float), compare_floats, &count)
            : distinct(taking, taking->raw->cells, sizeof(struct csv_cell), compare_cells, &count);
    if (!all)
        return false;
    bool is_index = are_indices(taking, wanted);
    bool is_right = true;
    if (count == 1)
        is_right = rows_fail(taking->raw->source, "the target has one class only");
    else if (wanted > CLASSES_MAX)
        is_right = rows_fail(taking->raw->source, "more than %d classes", CLASSES_MAX);
    else if (!is_index && count != wanted)
        is_right = fail_count(taking, count, wanted);
    const char **label = is_right ? arena_take_array(taking->arena, wanted, sizeof *label) : NULL;
    if (is_right && !label)
        is_right = no_memory(taking);
    for (size_t i = 0; is_right && label && i < wanted; i++) {
        const struct csv_cell *cell = (const struct csv_cell *)all + i;
        if (is_index)
            is_right = add_number_label(taking, label, (float)i);
        else if (taking->numbers)
            is_right = add_number_label(taking, label, ((const float *)all)[i]);
        else
            is_right = add_cell_label(taking, label, cell);
    }
    free(all);
    data->label = label;
    data->has_number_labels = taking->numbers != NULL;
    return is_right;
}

/* Which label a row has; data->labels when it has none of them. `guess`: try this one first. */
static size_t class_of(const struct taking *taking, size_t row, size_t guess)
{
    const struct relud_dataset *data = taking->data;
    char number[RELUD_FLOAT_TEXT_MAX];
    const char *words = number;
    size_t len;
    if (taking->numbers) {
        float value = taking->numbers[row] + 0.0f; /* -0 is 0 */
        guess = value >= 0 && value < (float)data->labels ? (size_t)value : guess;
        len = relud_float_to_text(value, number);
    } else {
        words = taking->raw->cells[row].at;
        len = taking->raw->cells[row].len;
    }
    for (size_t i = 0; i < data->labels; i++) {
        size_t at = (guess + i) % data->labels;
        if (strlen(data->label[at]) == len && memcmp(data->label[at], words, len) == 0)
            return at;
    }
    return data->labels;
}

static bool take_classes(struct taking *taking)
{
    struct relud_dataset *data = taking->data;
    const struct relud_dataset *like = taking->options->like;
    const struct raw_targets *raw = taking->raw;
    if (raw->columns != 1)
        return rows_fail(raw->source, "%zu targets a row, where one class is wanted", raw->columns);
    if (like) {
        data->labels = like->labels;
        data->label = like->label;
        data->has_number_labels = like->has_number_labels;
        if (!data->has_number_labels && raw->cells)
            taking->numbers = NULL; /* "1" is not "1.0" then */
    } else if (!find_labels(taking, classes_wanted(taking->options))) {
        return false;
    }
    uint32_t *classes = arena_take_array(taking->arena, raw->rows, sizeof *classes);
    if (!classes)
        return no_memory(taking);
    for (size_t r = 0; r < raw->rows; r++) {
        size_t class = class_of(taking, r, r ? classes[r - 1] : 0);
        char place[40];
        if (class == data->labels)
            return rows_fail(raw->source, "%s: a label that the training rows do not have",
                             place_of(taking, r, place));
        classes[r] = (uint32_t) class;
    }
    data->classes = classes;
    return true;
}

/* ---- which of both ---- */

static bool has_two_values(const struct taking *taking)
{
    float first = taking->numbers[0], other = first;
    for (size_t r = 1; r < taking->raw->rows; r++) {
        float value = taking->numbers[r];
        if (value != first && other != first && value != other)
            return false;
        if (value != first)
            other = value;
    }
    return true;
}

bool dataset_take_targets(struct relud_dataset *data, const struct raw_targets *raw,
                          const struct relud_dataset_options *options)
{
    struct taking taking = {data, raw, options, &data->memory->arena, NULL, 0};
    enum relud_task task = options->task;
    if (options->like)
        task = options->like->outputs ? RELUD_TASK_REGRESSION : RELUD_TASK_CLASSIFICATION;
    if (task != RELUD_TASK_REGRESSION && raw->columns == 1 && !read_numbers(&taking, false))
        return false;
    if (task == RELUD_TASK_NONE)
        task =
            raw->columns == 1 && (options->units > 1 || !taking.numbers || has_two_values(&taking))
                ? RELUD_TASK_CLASSIFICATION
                : RELUD_TASK_REGRESSION;
    return task == RELUD_TASK_REGRESSION ? take_numbers(&taking) : take_classes(&taking);
}
