/* libFuzzer on files of rows: IDX, npy, npz, tables and JSON, as rows to predict and as rows to learn from; and on tables in
 * memory, which are the same in pieces. */
#include "tests/fuzz/fuzz.h"

#include "core/base/words.h"
#include <math.h>
#include <relud/relud.h>

static void check_dataset(const struct relud_dataset *data)
{
    FUZZ_ASSERT(data->rows > 0 && data->features > 0);
    FUZZ_ASSERT((data->bytes != NULL) != (data->values != NULL));
    FUZZ_ASSERT(!data->feature || data->feature->len == data->features);
    FUZZ_ASSERT((data->classes != NULL) != (data->targets != NULL));
    for (size_t i = 0; data->values && i < data->rows * data->features; i++)
        FUZZ_ASSERT(isfinite(data->values[i]));
    for (size_t i = 0; data->feature && i < data->rows * data->features; i++) {
        const struct relud_words *words = relud_words_of(data->feature, i % data->features);
        FUZZ_ASSERT(!words || (data->values[i] >= 0 && data->values[i] <= (float)words->count));
    }
    for (size_t r = 0; data->classes && r < data->rows; r++)
        FUZZ_ASSERT(data->classes[r] < data->labels);
    for (size_t i = 0; data->targets && i < data->rows * data->outputs; i++)
        FUZZ_ASSERT(isfinite(data->targets[i]));
}

static void read_rows(const char *path, const struct relud_rows_options *options)
{
    struct relud_rows rows;
    struct relud_error error = {0};
    bool is_read = relud_rows_read_with(path, options, &rows, &error);
    FUZZ_ASSERT(is_read || error.text[0]);
    FUZZ_ASSERT(is_read == (rows.values != NULL));
    for (size_t i = 0; is_read && i < rows.rows * rows.features; i++)
        FUZZ_ASSERT(isfinite(rows.values[i]));
    FUZZ_ASSERT(!is_read || !options->features || rows.features == options->features);
    relud_rows_free(&rows);
}

/* Reads the table `bytes` at a time. */
static bool read_table(const char *text, size_t len, size_t bytes,
                       const struct relud_rows_options *options, struct relud_rows *rows,
                       struct relud_error *error)
{
    relud_table_reader *reader = relud_table_open(text, len, options);
    bool is_right;
    FUZZ_ASSERT(reader);
    *rows = (struct relud_rows){0};
    do
        is_right = relud_table_read(reader, bytes, rows, error);
    while (is_right && rows->rows == 0);
    relud_table_close(reader);
    return is_right;
}

static bool goes_on(void *user)
{
    return user == NULL;
}

/* As a server reads it: with a limit and a watch. */
static void check_table(const char *text, size_t len, size_t bytes,
                        const struct relud_rows_options *wanted)
{
    static const struct relud_watch watch = {.go_on = goes_on};
    struct relud_rows_options served = *wanted, *options = &served;
    served.most = len / 4 + 1;
    served.watch = &watch;
    struct relud_rows rows, again;
    struct relud_error error = {0}, other = {0};
    bool is_read = read_table(text, len, len + 1, options, &rows, &error);
    FUZZ_ASSERT(read_table(text, len, bytes, options, &again, &other) == is_read);
    FUZZ_ASSERT(is_read || (error.text[0] && strcmp(error.text, other.text) == 0));
    FUZZ_ASSERT(!is_read || (rows.rows == again.rows && rows.features == again.features &&
                             memcmp(rows.values, again.values,
                                    rows.rows * rows.features * sizeof *rows.values) == 0));
    if (!is_read)
        return;
    relud_rows_free(&rows);
    relud_rows_free(&again);
}

/* Reads for a model of a number that may be a boolean or an id, and a word; either may be missing. */
static void read_words(const char *path, const char *text, size_t len, struct relud_table table,
                       size_t indices)
{
    static const char *const names[] = {"a", "b"}, *const categories[] = {"x", "y \"z\"", "7",
                                                                          "NA"};
    static struct arena arena;
    static struct relud_words words;
    struct relud_error error;
    FUZZ_ASSERT(words.count || words_make(&words, &arena, categories, 4, &error));
    words.missing = 1;
    const struct relud_feature at[] = {
        {.indices = indices, .is_imputed = true, .is_boolean = indices == 0},
        {.words = &words, .is_imputed = true}};
    const struct relud_features features = {.at = at,
                                            .len = 2,
                                            .has_words = true,
                                            .has_indices = indices > 0,
                                            .has_imputed = true,
                                            .has_booleans = indices == 0};
    const struct relud_rows_options options = {
        .features = 2, .name = names, .feature = &features, .table = table};
    struct relud_rows rows;
    bool is_read = relud_rows_read_with(path, &options, &rows, &error);
    for (size_t i = 0; is_read && i < rows.rows; i++) {
        float id = rows.values[2 * i], word = rows.values[2 * i + 1];
        FUZZ_ASSERT(isnan(id) || (isfinite(id) && (!indices || (id >= 0 && id < (float)indices))));
        FUZZ_ASSERT(word >= 0 && word < 4 && word == floorf(word));
    }
    relud_rows_free(&rows);
    check_table(text, len, 1 + len / 5, &options);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    static const char *const targets[] = {NULL, "1", "a,2", "label"};
    static const char *const names[] = {"a", "b"};
    if (len < 1)
        return 0;
    char path[64];
    int fd = fuzz_file(bytes + 1, len - 1, path);
    struct relud_dataset data;
    struct relud_error error = {0};
    struct relud_dataset_options options = {.target = targets[bytes[0] & 3],
                                            .units = bytes[0] >> 2 & 3,
                                            .drop = len & 2 ? "b,2" : NULL,
                                            .keep = len & 4 ? "a" : NULL,
                                            .leaves_out = len & 1,
                                            .has_booleans = len & 1,
                                            .task = (enum relud_task)((bytes[0] >> 4 & 3) % 3),
                                            .fill_missing = bytes[0] >> 6 & 1,
                                            .fills_gaps_only = len & 8,
                                            .has_words = len & 16,
                                            .categorical = len & 32 ? "a" : NULL,
                                            .numeric = len & 64 ? "b,1" : NULL,
                                            .takes_unknown = len & 8,
                                            .table = {.header = (bytes[0] >> 2 & 3) % 3,
                                                      .decimal = bytes[0] & 1 ? ',' : 0,
                                                      .missing = bytes[0] & 2 ? "-,?" : NULL}};
    read_rows(path, &(struct relud_rows_options){.table = options.table});
    read_rows(path,
              &(struct relud_rows_options){.features = 2, .name = names, .table = options.table});
    char *text = fuzz_copy(bytes + 1, len - 1, 0);
    read_words(path, text, len - 1, options.table, bytes[0] >> 6 & 1 ? 3 : 0);
    check_table(text, len - 1, 1, &(struct relud_rows_options){.table = options.table});
    free(text);
    if (bytes[0] >> 7)
        options.labels_path = path;
    if (relud_dataset_read(path, &options, &data, &error)) {
        check_dataset(&data);
        relud_dataset_free(&data);
    }
    close(fd);
    return 0;
}
