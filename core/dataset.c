/* Rows for training. Grey values and float32 stay as they lie in the file's memory; everything else becomes float32. */
#include "core/dataset.h"

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
    struct rows_source labels; /* of another file, or text is NULL */
};

static void *take(struct reading *reading, size_t count, size_t size)
{
    void *memory = arena_take_array(&reading->data->memory->arena, count, size);
    if (!memory)
        relud_fail(reading->source.error, RELUD_NO_MEMORY, "%.90s: out of memory",
                   reading->source.path);
    return memory;
}

/* ---- images, and rows of numbers ---- */

/* [rows][height][width], or [rows][features] that are a square: smaller ones than 8 x 8 are hardly meant. */
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

static bool read_npy(struct reading *reading)
{
    struct relud_npy npy;
    struct relud_error inner;
    if (!relud_npy_open(reading->source.text, reading->source.len, &npy, &inner))
        return rows_fail(&reading->source, "%s", inner.text);
    if (!take_shape(reading, npy.rank, npy.shape, npy.count))
        return false;
    if (relud_npy_dtype(&npy) == RELUD_UINT8) {
        reading->data->bytes = npy.elements;
        return true;
    }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (relud_npy_dtype(&npy) == RELUD_FP32 && (uintptr_t)npy.elements % sizeof(float) == 0) {
        reading->data->values = npy.elements;
        return true;
    }
#endif
    float *values = take(reading, npy.count, sizeof *values);
    if (values)
        relud_npy_values(&npy, values);
    reading->data->values = values;
    return values != NULL;
}

static bool check_finite(struct reading *reading)
{
    const struct relud_dataset *data = reading->data;
    for (size_t i = 0; data->values && i < data->rows * data->features; i++)
        if (!isfinite(data->values[i]))
            return rows_fail(&reading->source, "row %zu, column %zu is not finite",
                             i / data->features, i % data->features);
    return true;
}

/* ---- tables ---- */

static bool keep_names(struct reading *reading, const struct csv *csv)
{
    enum { NAMES_BYTES_MAX = 1 << 20 }; /* as many as model.json will take; more are not kept */
    const char **name = take(reading, csv->features, sizeof *name);
    size_t bytes = 0;
    for (size_t i = 0; i < csv->features; i++)
        bytes += csv->name[i].len;
    if (bytes > NAMES_BYTES_MAX)
        return true;
    for (size_t i = 0; name && i < csv->features; i++)
        if (!(name[i] = arena_copy_text(&reading->data->memory->arena, csv->name[i].at,
                                        csv->name[i].len)))
            return relud_fail(reading->source.error, RELUD_NO_MEMORY, "out of memory");
    reading->data->name = name;
    return name != NULL;
}

/* A table whose columns have other names is another table. */
static bool check_names(const struct reading *reading, const struct csv *csv)
{
    const struct relud_dataset *like = reading->options->like;
    for (size_t i = 0; csv->name && like && like->name && i < csv->features; i++) {
        const struct csv_cell *name = &csv->name[i];
        if (i >= like->features || strlen(like->name[i]) != name->len ||
            memcmp(like->name[i], name->at, name->len) != 0)
            return rows_fail(&reading->source,
                             "feature %zu is called '%.*s', where the training rows have '%.30s'",
                             i + 1, (int)(name->len < 30 ? name->len : 30), name->at,
                             i < like->features ? like->name[i] : "none");
    }
    return true;
}

/* A quoted cell's doubled quotes are one. */
static bool unquote(struct reading *reading, struct csv_cell *cell)
{
    const char *text = reading->source.text;
    if (cell->at == text || cell->at[-1] != '"' || !memchr(cell->at, '"', cell->len))
        return true;
    char *words = take(reading, cell->len, 1);
    size_t len = 0;
    for (size_t i = 0; words && i < cell->len; i++) {
        words[len++] = cell->at[i];
        i += cell->at[i] == '"';
    }
    *cell = (struct csv_cell){words, len};
    return words != NULL;
}

/* Takes over what csv_open made; the cells of the targets point into the text. */
static bool keep_csv(struct reading *reading, struct csv *csv)
{
    struct relud_dataset *data = reading->data;
    void **table = data->memory->table;
    data->values = table[0] = csv->values;
    data->means = table[1] = csv->means;
    table[2] = csv->target;
    data->rows = csv->rows;
    data->features = csv->features;
    set_image(data, 2, NULL);
    reading->targets =
        (struct raw_targets){&reading->source, csv->rows, csv->targets, NULL, csv->target};
    bool is_kept = check_names(reading, csv) && (!csv->name || keep_names(reading, csv));
    for (size_t i = 0; is_kept && i < csv->rows * csv->targets; i++)
        is_kept = unquote(reading, &csv->target[i]);
    csv->values = csv->means = NULL;
    csv->target = NULL;
    csv_close(csv);
    return is_kept;
}

static bool read_csv(struct reading *reading)
{
    const struct relud_dataset_options *options = reading->options;
    struct csv_options wanted = {
        .target = options->labels_path ? NULL
                  : options->target    ? options->target
                                       : "",
        .fill_missing = options->fill_missing,
        .fill = options->like ? options->like->means : NULL,
        .fill_len = options->like ? options->like->features : 0,
    };
    struct csv csv;
    if (options->like && options->like->means)
        wanted.fill_missing = true;
    if (!csv_open(&reading->source, &wanted, &csv))
        return false;
    return keep_csv(reading, &csv);
}

/* ---- targets that are no cells ---- */

/* A column of numbers becomes the target; the features close up. */
static bool split_column(struct reading *reading)
{
    struct relud_dataset *data = reading->data;
    const char *word = reading->options->target;
    char *end = NULL;
    size_t column = word ? strtoul(word, &end, 10) : data->features;
    if (word && (*word < '1' || *word > '9' || *end || column > data->features))
        return rows_fail(&reading->source,
                         "target '%.60s' is no column from 1 to %zu (and there are no names)", word,
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
    reading->targets = (struct raw_targets){&reading->source, data->rows, 1, numbers, NULL};
    return true;
}

/* Another file's rows. A vector in .npy is a row to other readers; here it is a number a row. */
static bool read_labels(struct reading *reading)
{
    const char *path = reading->options->labels_path;
    struct rows_source *source = &reading->labels;
    struct relud_rows rows;
    char *text = rows_text(path, &source->len, source->error);
    if (!text)
        return false;
    reading->data->memory->text[1] = text;
    source->path = path;
    source->text = text;
    if (!rows_parse(source, &rows))
        return false;
    if (rows.rows == 1 && rows.features == reading->data->rows)
        rows = (struct relud_rows){rows.values, rows.features, 1};
    float *numbers = take(reading, rows.rows * rows.features, sizeof *numbers);
    if (numbers)
        memcpy(numbers, rows.values, rows.rows * rows.features * sizeof *numbers);
    reading->targets = (struct raw_targets){source, rows.rows, rows.features, numbers, NULL};
    relud_rows_free(&rows);
    if (numbers && reading->targets.rows != reading->data->rows)
        return rows_fail(&reading->source, "%zu rows, but %.80s has %zu labels",
                         reading->data->rows, path, reading->targets.rows);
    return numbers != NULL;
}

/* ---- all of it ---- */

static bool read_rows(struct reading *reading)
{
    const struct rows_source *source = &reading->source;
    struct relud_rows rows;
    if (idx_is(source->text, source->len))
        return read_idx(reading) && check_finite(reading);
    if (npy_is(source->text, source->len))
        return read_npy(reading) && check_finite(reading);
    char first = source->text[strspn(source->text, " \t\r\n")];
    if (first != '{' && first != '[' && !memchr(source->text, '\0', source->len))
        return read_csv(reading);
    if (!rows_parse(source, &rows))
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

/* A file's text, when nothing points into it any more: rows may lie in it as they are. */
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
    if (data->rows > UINT32_MAX)
        return rows_fail(&reading->source, "%zu rows are too many", data->rows);
    const struct relud_dataset *like = reading->options->like;
    if (like && like->features != data->features)
        return rows_fail(&reading->source, "%zu features, where the training rows have %zu",
                         data->features, like->features);
    if (!dataset_take_targets(data, &reading->targets, reading->options))
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
        for (size_t i = 0; i < 3; i++)
            free(data->memory->table[i]);
        free(data->memory);
    }
    *data = (struct relud_dataset){0};
}
