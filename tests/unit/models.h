/* Model directories with one layer, made for one test: model.json as given, tensors with the
 * numbers in `data`. */
#ifndef TESTS_UNIT_MODELS_H
#define TESTS_UNIT_MODELS_H

#include "tests/unit/files.h"
#include <relud/relud.h>
#include <stdint.h>

#define HEAD  "{\"format\":\"relud-model/1\",\"name\":\"m\","
#define MODEL HEAD "\"layers\":[{\"weight\":\"w\",\"bias\":\"b\"}]}"
#define TENSORS                                                                                    \
    "{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"                           \
    "\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}"

static const float data[] = {1, 2, 3, 4, 5, 6, 0.5f, -0.5f};

static inline relud_model *load_model(const char *json, const char *header, const void *bytes,
                                      size_t len, struct relud_error *error)
{
    const char *dir = new_directory();
    write_file(dir, "model.json", json, strlen(json));
    write_tensors(dir, header, bytes, len);
    relud_model *model = relud_model_load(dir, NULL, error);
    remove_directory(dir);
    return model;
}

/* Loads the model and checks that it answers `wanted` for one row x. */
static inline void answers(const char *json, const char *header, const void *bytes, size_t len,
                           const float *x, const float *wanted)
{
    struct relud_error error;
    relud_model *model = load_model(json, header, bytes, len, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    relud_scratch *scratch = relud_scratch_new(model, 4, &error);
    float y[4];
    relud_predict(scratch, x, 1, y);
    for (size_t i = 0; i < relud_model_info(model)->outputs; i++)
        ck_assert_float_eq(y[i], wanted[i]);
    relud_scratch_free(scratch);
    relud_model_release(model);
}

/* Lets the model take its rows for so costly, and itself for so large. */
static inline void set_cost(const relud_model *model, double row_ns, size_t bytes)
{
    struct relud_model_info *info = (struct relud_model_info *)(uintptr_t)relud_model_info(model);
    info->row_ns = row_ns;
    info->bytes = bytes;
}

#endif
