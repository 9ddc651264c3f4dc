/* What units are said to have done, against a net whose units are known by hand, and how often a served one is looked at. */
#include "tests/unit/files.h"

#include "server/base/clock.h"
#include "server/metrics/unit_watch.h"

enum { FEATURES = 2, UNITS = 3 };

/* x → relu(x0, x1, -1) → sigmoid of (x0, 100, 0 of the first layer's third). */
static relud_model *known_model(void)
{
    static const char json[] =
        "{\"format\":\"relud-model/1\",\"name\":\"known\",\"input\":{\"features\":2},\"layers\":["
        "{\"weight\":\"w\",\"bias\":\"b\",\"activation\":\"relu\"},"
        "{\"weight\":\"v\",\"bias\":\"c\",\"activation\":\"sigmoid\"}]}";
    static const float data[] = {1, 0,   0,  1, 0, 0,          /* w[3][2] */
                                 0, 0,   -1,                   /* b */
                                 1, 0,   0,  0, 0, 0, 0, 0, 1, /* v[3][3] */
                                 0, 100, 0};                   /* c */
    char dir[64];
    strcpy(dir, new_directory());
    write_file(dir, "model.json", json, strlen(json));
    write_tensors(dir,
                  "{\"w\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]},"
                  "\"b\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[24,36]},"
                  "\"v\":{\"dtype\":\"F32\",\"shape\":[3,3],\"data_offsets\":[36,72]},"
                  "\"c\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[72,84]}}",
                  data, sizeof data);
    struct relud_error error;
    relud_model *model = relud_model_load(dir, NULL, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    remove_directory(dir);
    return model;
}

static void add_row(relud_health *health, relud_scratch *scratch, float x0, float x1)
{
    const float x[FEATURES] = {x0, x1};
    float y[UNITS], first[UNITS], second[UNITS], *layers[] = {first, second};
    relud_predict_layers(scratch, x, 1, y, layers);
    relud_health_add(health, layers, 1);
}

START_TEST(F21_units_are_counted_one_by_one)
{
    relud_model *model = known_model();
    relud_scratch *scratch = relud_scratch_new(model, 1, NULL);
    relud_health *one = relud_health_new(model, NULL), *other = relud_health_new(model, NULL);
    ck_assert_uint_eq(relud_health_rows(one), 0);
    ck_assert(relud_health_layer(one, 0).dead == 0 &&
              isnan(relud_health_layer(one, 0).zero_ratio) &&
              isnan(relud_health_unit(one, 0, 0).nonzero_ratio) &&
              isnan(relud_health_unit(one, 0, 0).saturated_ratio));
    add_row(one, scratch, 1, -1);
    add_row(one, scratch, 2, -1);
    add_row(other, scratch, -1, -1);
    add_row(other, scratch, 50, 3);
    relud_health_merge(one, other);
    ck_assert_uint_eq(relud_health_rows(one), 4);
    ck_assert_double_eq(relud_health_unit(one, 0, 0).nonzero_ratio, 0.75);
    ck_assert_double_eq(relud_health_unit(one, 0, 1).nonzero_ratio, 0.25);
    ck_assert_double_eq(relud_health_unit(one, 0, 2).nonzero_ratio, 0);
    ck_assert_double_eq(relud_health_layer(one, 0).zero_ratio, 1 - 4. / 12);
    ck_assert_uint_eq(relud_health_layer(one, 0).dead, 1);
    ck_assert_uint_eq(relud_health_layer(one, 0).saturated, 0);              /* relu has no ends */
    ck_assert_double_eq(relud_health_unit(one, 1, 0).saturated_ratio, 0.25); /* of 50 */
    ck_assert_double_eq(relud_health_unit(one, 1, 1).saturated_ratio, 1);
    ck_assert_double_eq(relud_health_unit(one, 1, 2).saturated_ratio, 0); /* 0.5, always */
    ck_assert_uint_eq(relud_health_layer(one, 1).saturated, 1);
    ck_assert_uint_eq(relud_health_layer(one, 1).dead, 0);
    relud_health_free(one);
    relud_health_free(other);
    relud_scratch_free(scratch);
    relud_model_release(model);
}
END_TEST

START_TEST(a_look_is_taken_now_and_then)
{
    relud_model *model = known_model();
    relud_scratch *scratch = relud_scratch_new(model, 1, NULL);
    struct unit_watch *unit_watch = unit_watch_new(model, 2, NULL);
    const float x[FEATURES] = {1, 1};
    int64_t now_ns = clock_ns();
    for (int i = 0; i < 1000; i++)
        unit_watch_look(unit_watch, 0, scratch, x, now_ns);
    relud_health *seen = unit_watch_read(unit_watch, NULL);
    ck_assert_uint_eq(relud_health_rows(seen), 1);
    relud_health_free(seen);
    unit_watch_look(unit_watch, 1, scratch, x, now_ns); /* each worker looks for itself */
    unit_watch_look(unit_watch, 0, scratch, x, clock_ns() + (int64_t)3600 * 1000000000);
    seen = unit_watch_read(unit_watch, NULL);
    ck_assert_uint_eq(relud_health_rows(seen), 3);
    ck_assert_uint_eq(relud_health_layer(seen, 0).dead, 1);
    relud_health_free(seen);
    unit_watch_free(unit_watch);
    relud_scratch_free(scratch);
    relud_model_release(model);
}
END_TEST

RUN_SUITE("health", F21_units_are_counted_one_by_one, a_look_is_taken_now_and_then)
