#include "server/batch/body_reader.h"

enum {
    PIECE_BYTES = 48 * 1024, /* of JSON: about 50 microseconds of work */
    PIECE_FLOATS = 16 * 1024,
};

float *body_reader_rows(struct request *request, size_t count)
{
    struct turn *turn = &request->service->turn;
    float *rows;
    enum turn_verdict verdict = turn_rows(turn, &request->job, count, &rows);
    if (verdict == TURN_NEVER)
        request_fail(request, 413, "the body may hold %zu numbers; at most %zu are taken at once",
                     count, turn->rows_cap);
    if (verdict == TURN_TAKEN && long_work_is_inside(request))
        turn_hold(turn, &request->job); /* other requests may ask for rows during a pause */
    return rows;
}

static bool fail_ended(struct relud_error *error)
{
    return relud_fail(error, RELUD_IO, "the request has ended");
}

bool body_reader_json(struct request *request, const char *body, size_t len, const char *key,
                      struct relud_json_array *array, char *rest, size_t rest_capacity,
                      struct relud_error *error)
{
    const struct relud_watch watch = long_work_watch(request);
    struct relud_json_pause pieces = {.bytes = PIECE_BYTES, .watch = &watch};
    return relud_json_read_piece(body, len, key, array,
                                 long_work_is_inside(request) ? &pieces : NULL, rest, rest_capacity,
                                 error);
}

static bool take_rows(struct request *request, struct relud_json_array *array,
                      const struct relud_rows *rows, struct relud_error *error)
{
    if (rows->note[0])
        return relud_fail(error, RELUD_BAD_INPUT, "the body has more columns than the model: %s",
                          rows->note);
    if (rows->features == 0 ||
        rows->rows > array->capacity / rows->features) /* every number takes two bytes of text */
        return relud_fail(error, RELUD_TOO_LARGE, "the body has too many numbers");
    array->rank = 2;
    array->shape[0] = rows->rows;
    array->shape[1] = rows->features;
    array->count = rows->rows * rows->features;
    return body_reader_elements(request, RELUD_FP32, (const char *)rows->values, array->count,
                                array->values) ||
           fail_ended(error);
}

/* Reads a piece at a time until the rows are complete. */
static bool read_table(struct request *request, relud_table_reader *table, struct relud_rows *rows,
                       struct relud_error *error)
{
    size_t piece = long_work_is_inside(request) ? PIECE_BYTES : SIZE_MAX;
    if (!table)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    while (rows->rows == 0) {
        if (!relud_table_read(table, piece, rows, error))
            return false;
        if (rows->rows == 0 && !long_work_go_on(request))
            return fail_ended(error);
    }
    return true;
}

bool body_reader_table(struct request *request, const char *body, size_t len,
                       const struct relud_rows_options *options, struct relud_json_array *array,
                       struct relud_error *error)
{
    struct relud_rows rows = {.rows = 0};
    struct relud_rows_options limited = *options;
    const struct relud_watch watch = long_work_watch(request);
    limited.most = array->capacity;
    limited.watch = long_work_is_inside(request) ? &watch : NULL;
    relud_table_reader *table = relud_table_open(body, len, &limited);
    bool is_right = read_table(request, table, &rows, error);
    array->is_present = true;
    if (is_right) {
        is_right = take_rows(request, array, &rows, error);
        relud_rows_free(&rows);
    }
    relud_table_close(table);
    return is_right;
}

bool body_reader_elements(struct request *request, enum relud_dtype dtype, const char *bytes,
                          size_t count, float *values)
{
    size_t each = relud_dtype_bytes(dtype);
    for (size_t at = 0, some; at < count; at += some) {
        some = count - at < PIECE_FLOATS ? count - at : PIECE_FLOATS;
        relud_dtype_read(dtype, bytes + at * each, some, values + at);
        if (!long_work_go_on(request))
            return false;
    }
    return true;
}
