/* Jobs of a net whose answers tell whose rows they were made of, for tests of the turn. */
#ifndef TESTS_UNIT_ECHO_H
#define TESTS_UNIT_ECHO_H

#include "tests/unit/models.h"

#include "tests/service.h"

enum { FEATURES = 16, OUTPUTS = 3 };

/* A net that answers a row's first three numbers, so that an answer tells whose rows it was made of. */
static inline void open_echo(struct test_service *test)
{
    const char *dir = new_directory();
    static const char json[] =
        "{\"format\":\"relud-model/1\",\"name\":\"echo\",\"input\":{\"features\":16},"
        "\"layers\":[{\"weight\":\"w\",\"activation\":\"relu\"},{\"weight\":\"v\"}]}";
    float weight[FEATURES * FEATURES + OUTPUTS * FEATURES] = {0};
    for (size_t n = 0; n < FEATURES; n++)
        weight[n * FEATURES + n] = 1;
    for (size_t n = 0; n < OUTPUTS; n++)
        weight[FEATURES * FEATURES + n * FEATURES + n] = 1;
    write_file(dir, "model.json", json, strlen(json));
    write_tensors(dir,
                  "{\"w\":{\"dtype\":\"F32\",\"shape\":[16,16],\"data_offsets\":[0,1024]},"
                  "\"v\":{\"dtype\":\"F32\",\"shape\":[3,16],\"data_offsets\":[1024,1216]}}",
                  weight, sizeof weight);
    test_service_open(test, dir, NULL);
    remove_directory(dir);
}

static inline float *rows_of(struct turn *turn, const struct turn_job *job, size_t count)
{
    float *rows;
    enum turn_verdict verdict = turn_rows(turn, job, count, &rows);
    ck_assert((verdict == TURN_TAKEN) == (rows != NULL) && verdict != TURN_NEVER);
    return rows;
}

struct submission {
    struct turn_job job;
    unsigned number; /* what its rows say */
    bool is_taken;
    int64_t deadline_ns; /* 0: none */
};

/* Row r of request n is (n, r, n + r, 0, …). */
static inline bool submit(struct test_service *test, struct submission *submission, unsigned number,
                          size_t rows, bool is_layered)
{
    struct turn *turn = &test->service.turn;
    float *x = rows_of(turn, &submission->job, rows * FEATURES);
    if (!x)
        return false;
    for (size_t r = 0; r < rows; r++) {
        float *row = x + r * FEATURES;
        memset(row, 0, FEATURES * sizeof *row);
        row[0] = (float)number;
        row[1] = (float)r;
        row[2] = (float)(number + r);
    }
    submission->number = number;
    submission->job.deadline_ns = submission->deadline_ns;
    return turn_submit(turn, &submission->job, test->served, rows, is_layered) == TURN_TAKEN;
}

static inline bool is_answered(const struct submission *submission)
{
    const struct turn_job *job = &submission->job;
    for (size_t r = 0; r < job->rows; r++) {
        const float *y = job->y + r * OUTPUTS;
        if (y[0] != (float)submission->number || y[1] != (float)r ||
            y[2] != (float)(submission->number + r))
            return false;
    }
    return job->is_done && job->rows_done == job->rows;
}

/* So many rows that they take longer than TURN_LONG_NS, and several pieces. */
static inline size_t many_rows(const struct test_service *test)
{
    return (size_t)(4 * TURN_LONG_NS / test->served->info->row_ns) + 2000;
}

#endif
