/* libFuzzer on files of rows: IDX, npy, npz, tables and JSON, as rows to predict and as rows to learn from. */
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <relud/relud.h>

static void check_dataset(const struct relud_dataset *data)
{
    FUZZ_ASSERT(data->rows > 0 && data->features > 0);
    FUZZ_ASSERT((data->bytes != NULL) != (data->values != NULL));
    FUZZ_ASSERT((data->classes != NULL) != (data->targets != NULL));
    for (size_t i = 0; data->values && i < data->rows * data->features; i++)
        FUZZ_ASSERT(isfinite(data->values[i]));
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
                                            .table = {.header = (bytes[0] >> 2 & 3) % 3,
                                                      .decimal = bytes[0] & 1 ? ',' : 0,
                                                      .missing = bytes[0] & 2 ? "-,?" : NULL}};
    read_rows(path, &(struct relud_rows_options){.table = options.table});
    read_rows(path,
              &(struct relud_rows_options){.features = 2, .name = names, .table = options.table});
    if (bytes[0] >> 7)
        options.labels_path = path;
    if (relud_dataset_read(path, &options, &data, &error)) {
        check_dataset(&data);
        relud_dataset_free(&data);
    }
    close(fd);
    return 0;
}
