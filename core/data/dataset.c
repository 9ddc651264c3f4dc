/* Reads the rows of a training data set. Grey values (bytes) and float32 are used in place, in the
 * file's text, where their layout allows it. All other numbers are converted to float32. */
#include "core/data/dataset.h"

#include "core/data/csv_scan.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct relud_dataset *data;
    const struct relud_dataset_options *options;
    struct rows_source source;
    struct raw_targets targets;
    struct rows_source labels; /* the labels file; its text is NULL without one */
};

static void *take(struct reading *reading, size_t count, size_t size)
{
    void *memory = arena_take_array(&reading->data->memory->arena, count, size);
    if (!memory)
        relud_fail(reading->source.error, RELUD_NO_MEMORY, "%s: out of memory",
                   reading->source.path);
    return memory;
}

/* ---- images, and rows of numbers ---- */

/* Finds the image size: from a shape [rows][height][width], or from [rows][features] if features is
 * a square number. Squares smaller than 8 x 8 are hardly meant as images. */
static void set_image(struct relud_dataset *data, size_t rank, const size_t *shape)
{
    size_t side = (size_t)(sqrt((double)data->features) + 0.5);
    if (rank == 3)
        data->height = shape[1], data->width = shape[2];
    else if (rank == 2 && side >= 8 && side * side == data->features)
        data->height = data->width = side;
}

static bool take_shape(struct reading *reading, size_t rank, const size_t *shape, size_t count)
{
    struct relud_dataset *data = reading->data;
    if (rank < 2)
        return rows_fail(&reading->source, "one dimension, where rows of features are wanted");
    data->rows = shape[0];
    data->features = count / shape[0];
    set_image(data, rank, shape);
    return true;
}

static bool read_idx(struct reading *reading)
{
    struct idx idx;
    if (!idx_open(&reading->source, &idx) || !take_shape(reading, idx.rank, idx.shape, idx.count))
        return false;
    if (idx.type == IDX_UNSIGNED_BYTE) {
        reading->data->bytes = idx.elements;
        return true;
    }
    float *values = take(reading, idx.count, sizeof *values);
    if (values)
        idx_values(&idx, values);
    reading->data->values = values;
    return values != NULL;
}

/* Turns uint8 values that could not be used in place (Fortran order) back into bytes, a quarter of
 * the memory. */
static bool keep_bytes(struct reading *reading, size_t count)
{
    unsigned char *bytes = take(reading, count, 1);
    for (size_t i = 0; bytes && i < count; i++)
        bytes[i] = (unsigned char)reading->data->values[i];
    reading->data->bytes = bytes;
    reading->data->values = NULL;
    return bytes != NULL;
}

static bool read_npy(struct reading *reading)
{
    struct relud_npy npy;
    struct relud_error inner;
    if (!relud_npy_open(reading->source.text, reading->source.len, &npy, &inner))
        return rows_fail(&reading->source, "%s", inner.text);
    if (!take_shape(reading, npy.rank, npy.shape, npy.count))
        return false;
    bool is_in_place = !npy.is_fortran && !npy.is_big_endian;
    if (npy.dtype == RELUD_UINT8 && is_in_place) {
        reading->data->bytes = npy.elements;
        return true;
    }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (npy.dtype == RELUD_FP32 && is_in_place && (uintptr_t)npy.elements % sizeof(float) == 0) {
        reading->data->values = npy.elements;
        return true;
    }
#endif
    float *values = take(reading, npy.count, sizeof *values);
    if (values)
        relud_npy_values(&npy, values);
    reading->data->values = values;
    return values && (npy.dtype != RELUD_UINT8 || keep_bytes(reading, npy.count));
}

/* If a model imputes, NaNs are left to check_features, which knows the features. */
static bool check_finite(struct reading *reading)
{
    const struct relud_dataset *data = reading->data;
    bool may_miss = relud_has_imputed(reading->options->feature);
    for (size_t i = 0; data->values && i < data->rows * data->features; i++)
        if (!isfinite(data->values[i]) && !(may_miss && isnan(data->values[i])))
            return rows_fail(&reading->source, "row %zu, column %zu is not finite",
                             i / data->features, i % data->features);
    return true;
}

static bool check_features(struct reading *reading)
{
    const struct relud_dataset *data = reading->data;
    const struct raw_targets *targets = &reading->targets;
    const struct relud_features *feature = reading->options->feature;
    bool may_miss = relud_has_imputed(feature);
    if (feature && !rows_check(&reading->source, "feature", data->bytes, data->values, 0,
                               data->rows, data->features, feature))
        return false;
    for (size_t i = 0; may_miss && targets->numbers && i < targets->rows * targets->columns; i++)
        if (isnan(targets->numbers[i]))
            return rows_fail(targets->source, "row %zu: the target is not finite",
                             i / targets->columns);
    return true;
}

/* ---- tables ---- */

static const char *const *copy_names(struct reading *reading, char *const *name, size_t count)
{
    const char **copy = take(reading, count, sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        if (!(copy[i] = arena_copy_text(&reading->data->memory->arena, name[i], strlen(name[i])))) {
            relud_fail(reading->source.error, RELUD_NO_MEMORY, "out of memory");
            return NULL;
        }
    return copy;
}

static bool keep_names(struct reading *reading, const struct csv *csv)
{
    struct relud_dataset *data = reading->data;
    size_t bytes = 0;
    for (size_t i = 0; i < csv->features; i++)
        bytes += strlen(csv->name[i]);
    if (csv->targets) {
        data->target_name = copy_names(reading, csv->target_name, csv->targets);
        data->target_columns = csv->targets;
        if (!data->target_name)
            return false;
    }
    return bytes > CSV_NAMES_BYTES_MAX ||
           (data->name = copy_names(reading, csv->name, csv->features));
}

/* Makes each doubled quote of a quoted cell one quote, in the text itself. */
static void unquote(struct reading *reading, struct csv_cell *cell)
{
    if (!cell->is_quoted || !memchr(cell->at, '"', cell->len))
        return;
    char *words = reading->data->memory->text[0] + (cell->at - reading->source.text);
    size_t len = csv_unquote(cell, words);
    memset(words + len, '"', cell->len - len); /* keeps the text's length and its number of lines */
    *cell = (struct csv_cell){words, len, false};
}

/* Takes ownership of what csv_open allocated. The target cells point into the text. */
static bool keep_csv(struct reading *reading, struct csv *csv)
{
    struct relud_dataset *data = reading->data;
    void **table = data->memory->table;
    data->values = table[0] = csv->values;
    data->means = table[1] = csv->means;
    table[2] = csv->target;
    data->is_boolean = table[3] = csv_take_booleans(csv);
    data->rows = csv->rows;
    data->features = csv->features;
    memcpy(data->note, csv->note, sizeof data->note);
    if (!csv->feature)
        set_image(data, 2, NULL);
    reading->targets = (struct raw_targets){
        &reading->source, csv->rows, csv->targets, NULL, csv->target, &reading->options->table};
    bool is_kept = !csv->name || keep_names(reading, csv);
    for (size_t i = 0; i < csv->rows * csv->targets; i++)
        unquote(reading, &csv->target[i]);
    csv->values = csv->means = NULL;
    csv->target = NULL;
    csv_close(csv);
    return is_kept;
}

/* Looks through the table for words, then reads it. */
static bool read_with_words(struct reading *reading, struct csv_options *wanted, struct csv *csv)
{
    const struct relud_dataset_options *options = reading->options;
    struct csv_scan scan = {
        .categorical = options->categorical,
        .numeric = options->numeric,
        .keep = options->keep,
        .arena = &reading->data->memory->arena,
        .takes_unknown = options->takes_unknown,
        .fills = options->fill_missing,
        .fills_everywhere = !options->fills_gaps_only,
    };
    wanted->scan = &scan;
    bool is_scanned = csv_open(&reading->source, wanted, csv);
    csv_scan_close(&scan);
    csv_close(csv);
    wanted->scan = NULL;
    const struct relud_features features = {
        .at = scan.feature, .len = scan.features, .has_words = true, .has_imputed = true};
    wanted->feature = &features;
    wanted->refusal = scan.refusal;
    bool is_read = is_scanned && csv_open(&reading->source, wanted, csv);
    wanted->feature = NULL;
    if (!is_read)
        return false;
    csv->feature = scan.feature;
    for (size_t f = 0; csv->gaps && f < csv->features; f++)
        csv->gaps[f] += scan.missing[f];
    return true;
}

/* Reads a table that is to be learned. */
static bool learn_csv(struct reading *reading, struct csv_options *wanted, struct csv *csv)
{
    const struct relud_dataset_options *options = reading->options;
    bool is_told =
        (options->categorical && *options->categorical) || (options->numeric && *options->numeric);
    bool is_read = !is_told && csv_open(&reading->source, wanted, csv);
    if (!is_read && options->has_words && (is_told || csv->has_text))
        is_read = read_with_words(reading, wanted, csv);
    if (is_read && options->leaves_out &&
        !csv_leave_out(&reading->source, csv, options->keep, wanted->refusal)) {
        csv_close(csv);
        return false;
    }
    if (is_read)
        csv_note_columns(csv);
    return is_read;
}

/* Keeps what the features are, if some of them are words. */
static bool keep_features(struct reading *reading, const struct csv *csv)
{
    struct relud_features *features = take(reading, 1, sizeof *features);
    if (!features)
        return false;
    *features = (struct relud_features){.at = csv->feature, .len = csv->features};
    for (size_t f = 0; f < csv->features; f++) {
        features->has_words |= csv->feature[f].words != NULL;
        features->has_imputed |= csv->feature[f].is_imputed;
    }
    reading->data->feature = features->has_words ? features : NULL;
    return true;
}

static bool read_csv(struct reading *reading)
{
    const struct relud_dataset_options *options = reading->options;
    const struct relud_dataset *like = options->like;
    struct csv_options wanted = {
        .table = options->table,
        .features = like ? like->features : 0,
        .name = like ? like->name : NULL,
        .target = options->labels_path ? NULL
                  : options->target    ? options->target
                                       : "",
        .target_name = like && !options->labels_path ? like->target_name : NULL,
        .targets = like ? like->target_columns : 0,
        .drop = options->drop,
        .has_booleans = options->has_booleans,
        .keeps_names = true,
        .feature = options->feature ? options->feature
                   : like           ? like->feature
                                    : NULL,
        .fill_missing = like ? like->means != NULL : options->fill_missing,
        .fills_gaps_only = options->fills_gaps_only,
        .is_learned = !like && options->has_words,
        .fill = like ? like->means : NULL,
    };
    struct csv csv = {0};
    bool is_read =
        like ? csv_open(&reading->source, &wanted, &csv) : learn_csv(reading, &wanted, &csv);
    if (!is_read)
        return false;
    if (like)
        csv_note_columns(&csv);
    else if (csv.feature && !keep_features(reading, &csv)) {
        csv_close(&csv);
        return false;
    }
    return keep_csv(reading, &csv);
}

/* ---- targets outside a text table ---- */

/* Moves one column of an array of numbers into the targets. The other columns become the
 * features. */
static bool split_column(struct reading *reading)
{
    struct relud_dataset *data = reading->data;
    const char *word = reading->options->target;
    char *end = NULL;
    size_t column = word ? strtoul(word, &end, 10) : data->features;
    if (word && (*word < '1' || *word > '9' || *end || column > data->features))
        return rows_fail(&reading->source,
                         "target '%s' is no column from 1 to %zu (and there are no names)", word,
                         data->features);
    if (data->features < 2)
        return rows_fail(&reading->source, "no column is left for the features");
    size_t features = data->features - 1;
    float *values = take(reading, data->rows * features, sizeof *values);
    float *numbers = take(reading, data->rows, sizeof *numbers);
    if (!values || !numbers)
        return false;
    for (size_t r = 0; r < data->rows; r++)
        for (size_t c = 0, f = 0; c <= features; c++) {
            size_t at = r * data->features + c;
            float value = data->bytes ? (float)data->bytes[at] : data->values[at];
            if (c + 1 == column)
                numbers[r] = value;
            else
                values[r * features + f++] = value;
        }
    data->values = values;
    data->bytes = NULL;
    data->features = features;
    data->height = data->width = 0;
    set_image(data, 2, NULL);
    reading->targets = (struct raw_targets){
        .source = &reading->source, .rows = data->rows, .columns = 1, .numbers = numbers};
    return true;
}

/* Reads the targets from the labels file. Other readers take an array of rank 1 as one row; here it
 * has one label for each row of the data. */
static bool read_labels(struct reading *reading)
{
    const char *path = reading->options->labels_path;
    const struct relud_rows_options options = {.table = reading->options->table};
    struct rows_source *source = &reading->labels;
    struct relud_rows rows;
    char *text = rows_text(path, &source->len, source->error);
    if (!text)
        return false;
    reading->data->memory->text[1] = text;
    source->path = path;
    source->text = text;
    if (!rows_parse(source, &options, &rows))
        return false;
    if (rows.rows == 1 && rows.features == reading->data->rows)
        rows.rows = rows.features, rows.features = 1;
    float *numbers = take(reading, rows.rows * rows.features, sizeof *numbers);
    if (numbers)
        memcpy(numbers, rows.values, rows.rows * rows.features * sizeof *numbers);
    reading->targets = (struct raw_targets){
        .source = source, .rows = rows.rows, .columns = rows.features, .numbers = numbers};
    relud_rows_free(&rows);
    if (numbers && reading->targets.rows != reading->data->rows)
        return rows_fail(&reading->source, "%zu rows, but %s has %zu labels", reading->data->rows,
                         path, reading->targets.rows);
    return numbers != NULL;
}

/* ---- all of it ---- */

/* Only tables as text have columns that can be named, and words. */
static bool check_array(const struct reading *reading)
{
    const struct relud_dataset_options *options = reading->options;
    const struct rows_source *source = &reading->source;
    bool is_asked = (options->drop && *options->drop) || (options->keep && *options->keep);
    if (is_asked && !options->like)
        return rows_fail(source, "--drop and --keep need a table as text, such as CSV");
    return rows_may_be_numbers(source, options->feature) &&
           rows_may_be_numbers(source, options->like ? options->like->feature : NULL);
}

static bool read_rows(struct reading *reading)
{
    static const struct relud_rows_options plain;
    const struct rows_source *source = &reading->source;
    struct relud_rows rows;
    if (idx_is(source->text, source->len))
        return check_array(reading) && read_idx(reading) && check_finite(reading);
    if (npy_is(source->text, source->len))
        return check_array(reading) && read_npy(reading) && check_finite(reading);
    char first = source->text[strspn(source->text, " \t\r\n")];
    if (first != '{' && first != '[' && !memchr(source->text, '\0', source->len) &&
        !rows_kind(source->text, source->len))
        return read_csv(reading);
    if (!check_array(reading) || !rows_parse(source, &plain, &rows))
        return false;
    float *values = take(reading, rows.rows * rows.features, sizeof *values);
    if (values)
        memcpy(values, rows.values, rows.rows * rows.features * sizeof *values);
    reading->data->values = values;
    reading->data->rows = rows.rows;
    reading->data->features = rows.features;
    relud_rows_free(&rows);
    return values != NULL;
}

/* Frees the files' texts, except the data file's text if rows are used in place. */
static void free_unneeded(struct relud_dataset *data, size_t text_len)
{
    struct relud_dataset_memory *memory = data->memory;
    uintptr_t begin = (uintptr_t)memory->text[0], at = (uintptr_t)data->values;
    bool is_needed = data->bytes || (at >= begin && at < begin + text_len);
    for (size_t i = is_needed; i < 2; i++) {
        free(memory->text[i]);
        memory->text[i] = NULL;
    }
    free(memory->table[2]);
    memory->table[2] = NULL;
}

/* A uint32_t can count the rows of any data set: a row takes at least one byte of the file, and the
 * shortest header of an array takes 12. */
_Static_assert(ROWS_BYTES_MAX - 12 <= UINT32_MAX, "rows are counted in 32 bits");

static bool read_all(struct reading *reading, const char *path)
{
    struct relud_dataset *data = reading->data;
    char *text = rows_text(path, &reading->source.len, reading->source.error);
    if (!text)
        return false;
    data->memory->text[0] = text;
    reading->source.text = text;
    if (!read_rows(reading))
        return false;
    if (reading->options->labels_path ? !read_labels(reading)
                                      : !reading->targets.columns && !split_column(reading))
        return false;
    const struct relud_dataset *like = reading->options->like;
    bool is_last =
        like && !like->memory && !reading->options->target && !reading->options->labels_path;
    if (like && like->features != data->features)
        return rows_fail(&reading->source, "%zu features%s, where %s %zu", data->features,
                         is_last ? " before the last column, which is the target" : "",
                         like->memory ? "the training rows have" : "the model takes",
                         like->features);
    if (!check_features(reading) ||
        !dataset_take_targets(data, &reading->targets, reading->options))
        return false;
    free_unneeded(data, reading->source.len);
    return true;
}

bool relud_dataset_read(const char *path, const struct relud_dataset_options *options,
                        struct relud_dataset *data, struct relud_error *error)
{
    struct reading reading = {
        .data = data,
        .options = options,
        .source = {.path = strcmp(path, "-") == 0 ? "standard input" : path, .error = error},
        .labels = {.error = error},
    };
    *data = (struct relud_dataset){.memory = calloc(1, sizeof *data->memory)};
    bool is_read = data->memory ? read_all(&reading, path)
                                : relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    if (!is_read)
        relud_dataset_free(data);
    return is_read;
}

void relud_dataset_free(struct relud_dataset *data)
{
    if (data->memory) {
        arena_reset(&data->memory->arena);
        free(data->memory->text[0]);
        free(data->memory->text[1]);
        for (size_t i = 0; i < 4; i++)
            free(data->memory->table[i]);
        free(data->memory);
    }
    *data = (struct relud_dataset){0};
}
