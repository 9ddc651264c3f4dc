/* Turns raw targets into numbers (regression) or classes with labels (classification). With n
 * classes, if every target is a whole number from 0 to n - 1, it is its own class. Otherwise the
 * classes are the distinct targets in ascending order: numbers by value, texts by their bytes. */
#include "core/data/dataset.h"

#include "core/base/json_string.h"
#include <math.h>
#include <relud/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLASSES_MAX = 65536,
    LABEL_BYTES_MAX = 1024,
    LABELS_BYTES_MAX = 1 << 20,
    FEW_MAX = 20 /* so many different whole numbers may be classes */
};

/* float32 cannot tell all whole numbers from here on apart, so as classes they are texts. */
#define EXACT_MAX 0x1p24f

struct taking {
    struct relud_dataset *data;
    const struct raw_targets *raw;
    const struct relud_dataset_options *options;
    struct arena *arena;
    const float *numbers; /* [rows][columns]; NULL if some target is not a number */
    size_t label_bytes;
};

static bool no_memory(const struct taking *taking)
{
    return relud_fail(taking->raw->source->error, RELUD_NO_MEMORY, "%s: out of memory",
                      taking->raw->source->path);
}

/* The row's place as users look it up: "line 7" for a text table, "row 6" for anything else. */
static const char *place_of(const struct taking *taking, size_t row, char place[40])
{
    const struct raw_targets *raw = taking->raw;
    if (raw->cells)
        snprintf(place, 40, "line %zu", csv_line(raw->source, raw->cells[row * raw->columns].at));
    else
        snprintf(place, 40, "row %zu", row);
    return place;
}

/* True for cells such as 007, which stay texts: as a number, 007 would equal 7. */
static bool is_padded(const struct csv_cell *cell)
{
    return cell->len > 1 && cell->at[0] == '0' && cell->at[1] >= '0' && cell->at[1] <= '9';
}

/* Reads the targets as numbers. If one of them is not a number, this fails with must_be; without
 * it, numbers stays NULL. */
static bool read_numbers(struct taking *taking, bool must_be)
{
    const struct raw_targets *raw = taking->raw;
    size_t count = raw->rows * raw->columns;
    char place[40], shown[CSV_SHOWN_MAX];
    taking->numbers = raw->numbers;
    if (!raw->cells)
        return true;
    float *numbers = arena_take_array(taking->arena, count, sizeof *numbers);
    if (!numbers)
        return no_memory(taking);
    for (size_t i = 0; i < count; i++)
        if (!csv_number(&raw->cells[i], raw->table, &numbers[i]) || !isfinite(numbers[i]) ||
            (!must_be && (fabsf(numbers[i]) >= EXACT_MAX || is_padded(&raw->cells[i]))))
            return !must_be || rows_fail(raw->source, "%s: target '%s' is not a number%s",
                                         place_of(taking, i / raw->columns, place),
                                         csv_shown(raw->cells[i].at, raw->cells[i].len, shown),
                                         csv_number(&raw->cells[i], raw->table, &numbers[i])
                                             ? ""
                                             : csv_hint(&raw->cells[i], raw->table));
    taking->numbers = numbers;
    return true;
}

static bool take_numbers(struct taking *taking)
{
    struct relud_dataset *data = taking->data;
    const struct relud_dataset *like = taking->options->like;
    if (!read_numbers(taking, true))
        return false;
    data->outputs = taking->raw->columns;
    data->targets = taking->numbers;
    if (taking->options->units && data->outputs != taking->options->units)
        return rows_fail(taking->raw->source,
                         like && !like->memory
                             ? "%zu targets a row, where the model answers with %zu numbers"
                             : "%zu targets a row, where the last layer has %zu units",
                         data->outputs, taking->options->units);
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

/* The distinct values in sorted order, of floats or cells; *count says how many. The caller frees
 * them. NULL and *error without memory. */
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

/* How many classes the last layer tells apart; 0: as many as there are. */
static size_t classes_wanted(const struct relud_dataset_options *options)
{
    return options->units == 1 ? 2 : options->units;
}

static bool add_label(struct taking *taking, const char **label, const char *text, size_t len)
{
    label[taking->data->labels] = arena_copy_text(taking->arena, text, len);
    return label[taking->data->labels++] || no_memory(taking);
}

/* Labels are written to model.json, so they must be short and UTF-8. */
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

/* True if every target is a whole number from 0 to wanted - 1. */
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

/* Makes the labels of a new data set: 0 to wanted - 1 if the targets are such indices, otherwise
 * the distinct values, which must then be exactly `wanted`. With 0, as many as there are. */
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
    wanted = wanted ? wanted : count;
    bool is_index = are_indices(taking, wanted);
    bool is_right = true;
    if (count == 1)
        is_right = rows_fail(taking->raw->source, "the target has one class only");
    else if (wanted > CLASSES_MAX)
        is_right = rows_fail(taking->raw->source, "more than %d classes", CLASSES_MAX);
    else if (!is_index && count != wanted)
        is_right = fail_count(taking, count, wanted);
    const char **label = is_right ? arena_take_array(taking->arena, wanted, sizeof *label) : NULL;
    if (is_right && !label) {
        no_memory(taking);
        is_right = false;
    }
    for (size_t i = 0; is_right && i < wanted; i++) {
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

/* The index of the row's label, or data->labels if it is not among them. The search starts at
 * `guess`. */
static size_t class_of(const struct taking *taking, size_t row, size_t guess)
{
    const struct relud_dataset *data = taking->data;
    char number[RELUD_FLOAT_TEXT_MAX];
    const char *words = number;
    size_t len;
    if (taking->numbers) {
        float value = taking->numbers[row] + 0.0f; /* makes -0 a 0 */
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

static bool fail_label(const struct taking *taking, size_t row)
{
    const struct raw_targets *raw = taking->raw;
    const struct relud_dataset_options *options = taking->options;
    char place[40], shown[CSV_SHOWN_MAX], number[32];
    place_of(taking, row, place);
    if (options->like->memory)
        return rows_fail(raw->source, "%s: a label that the training rows do not have", place);
    snprintf(number, sizeof number, "%g", raw->numbers ? (double)raw->numbers[row] : 0);
    const char *label =
        raw->cells ? csv_shown(raw->cells[row].at, raw->cells[row].len, shown) : number;
    if (options->labels_path)
        return rows_fail(raw->source, "%s: '%s' is none of the model's %zu classes", place, label,
                         taking->data->labels);
    const char *column = taking->data->target_name ? taking->data->target_name[0] : options->target;
    const char *before = column ? "column '" : "the last column", *behind = column ? "'" : "";
    return rows_fail(raw->source, "%s, %s%s%s: '%s' is none of the model's %zu classes", place,
                     before, column ? column : "", behind, label, taking->data->labels);
}

/* True if some label of `like` is a number. */
static bool has_number(const struct relud_dataset *like)
{
    float value;
    for (size_t i = 0; i < like->labels; i++) {
        size_t len = strlen(like->label[i]);
        if (len && relud_text_to_float(like->label[i], len, &value) == len)
            return true;
    }
    return false;
}

/* The target as a label's place, or data->labels if it is none. */
static size_t index_of(const struct relud_dataset *data, float target)
{
    bool is_place = target >= 0 && target < (float)data->labels && target == floorf(target);
    return is_place ? (size_t)target : data->labels;
}

static bool take_classes(struct taking *taking)
{
    struct relud_dataset *data = taking->data;
    const struct relud_dataset *like = taking->options->like;
    const struct raw_targets *raw = taking->raw;
    bool is_index = false;
    if (raw->columns != 1)
        return rows_fail(raw->source, "%zu targets a row, where one class is wanted", raw->columns);
    if (like) {
        data->labels = like->labels;
        data->label = like->label;
        data->has_number_labels = like->has_number_labels;
        is_index = taking->options->takes_indices && taking->numbers && !has_number(like);
        if (!data->has_number_labels && raw->cells && !is_index)
            taking->numbers = NULL; /* labels are texts: "1" differs from "1.0" */
    } else if (!find_labels(taking, classes_wanted(taking->options))) {
        return false;
    }
    uint32_t *classes = arena_take_array(taking->arena, raw->rows, sizeof *classes);
    if (!classes)
        return no_memory(taking);
    for (size_t r = 0; r < raw->rows; r++) {
        size_t class = is_index ? index_of(data, taking->numbers[r])
                                : class_of(taking, r, r ? classes[r - 1] : 0);
        if (class == data->labels)
            return fail_label(taking, r);
        classes[r] = (uint32_t) class;
    }
    data->classes = classes;
    return true;
}

/* ---- regression or classification ---- */

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

/* True if the targets are whole numbers and there are so few that they may be classes. */
static bool are_few(const struct taking *taking)
{
    float seen[FEW_MAX];
    size_t count = 0;
    for (size_t r = 0; r < taking->raw->rows; r++) {
        float value = taking->numbers[r];
        size_t i = 0;
        while (i < count && seen[i] != value)
            i++;
        if (value != floorf(value) || i == FEW_MAX)
            return false;
        if (i == count)
            seen[count++] = value;
    }
    return true;
}

/* Finds the task by the targets. False and *error if they may be classes as well as numbers. */
static bool find_task(const struct taking *taking, enum relud_task *task)
{
    const struct raw_targets *raw = taking->raw;
    size_t units = taking->options->units;
    bool is_class = raw->columns == 1 && (units > 1 || !taking->numbers || has_two_values(taking));
    *task = is_class ? RELUD_TASK_CLASSIFICATION : RELUD_TASK_REGRESSION;
    if (units || is_class || raw->columns > 1 || !taking->numbers || !are_few(taking))
        return true;
    return rows_fail(raw->source,
                     "the targets are at most %d different whole numbers: --task classification or "
                     "--task regression says what they are",
                     FEW_MAX);
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
    if (task == RELUD_TASK_NONE && !find_task(&taking, &task))
        return false;
    return task == RELUD_TASK_REGRESSION ? take_numbers(&taking) : take_classes(&taking);
}
