/* Small data to learn from, and settings that learn it. */
#ifndef TESTS_UNIT_WORLDS_H
#define TESTS_UNIT_WORLDS_H

#include "tests/unit/suite.h"
#include <relud/relud.h>

enum { ROWS = 200, FEATURES = 6 };

/* Three classes, or a number, of six features; deterministic. */
struct world {
    float values[ROWS * FEATURES], targets[ROWS];
    uint32_t classes[ROWS];
    struct relud_dataset data;
};

static inline void make_world(struct world *world, bool is_regression)
{
    static const char *const label[] = {"red", "green", "blue"};
    uint64_t state = 3;
    for (size_t r = 0; r < ROWS; r++) {
        float *x = world->values + r * FEATURES;
        for (size_t f = 0; f < FEATURES; f++)
            x[f] = 3 * random_normal(&state) + (float)f * 10;
        float a = x[0] - (x[1] - 10), b = x[2] - 20 + x[3] - 30;
        world->classes[r] = a > 1 ? 0 : b > 0 ? 1 : 2;
        world->targets[r] = 0.3f * a - 0.1f * b + 0.05f * a * b;
    }
    world->data =
        (struct relud_dataset){.rows = ROWS, .features = FEATURES, .values = world->values};
    if (is_regression) {
        world->data.outputs = 1;
        world->data.targets = world->targets;
    } else {
        world->data.labels = 3;
        world->data.label = label;
        world->data.classes = world->classes;
    }
}

static inline struct relud_train_config config_of(size_t hidden, size_t outputs)
{
    const struct relud_activation *relu = relud_activation_find("relu");
    return (struct relud_train_config){
        .layers = 2,
        .layer = {{.units = hidden, .activation = relu}, {.units = outputs}},
        .task = outputs == 1 ? RELUD_TASK_REGRESSION : RELUD_TASK_CLASSIFICATION,
        .standardize = true,
        .epochs = 40,
        .batch = 16,
        .lr = 0.05,
        .momentum = 0.9,
        .validation_share = 0.2,
        .seed = 7,
        .recipe = "a test",
    };
}

#endif
