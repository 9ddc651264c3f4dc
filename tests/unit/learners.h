/* Learners of small nets for the tests of training: built from a line of words, given numbers. */
#ifndef TESTS_LEARNERS_H
#define TESTS_LEARNERS_H

#include "core/train/learner.h"
#include "tests/unit/suite.h"
#include <stdio.h>

struct test_learner {
    struct arena arena;
    struct relud_train_config config;
    size_t features;
    struct learner learner;
    struct optimizer optimizer;
    struct target *target; /* [batch] */
    double *loss;
    bool *is_right;
};

/* loss: "cross_entropy", …; widths: "9,17,4"; activation of the hidden layers: "relu",
 * "prelu:channels". test->config's other settings are kept. */
static inline void test_learner_open(struct test_learner *test, const char *loss,
                                     const char *widths, const char *activation)
{
    struct relud_train_config *config = &test->config;
    struct relud_error error = {0};
    char name[40], *end;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(activation, ":"), activation);
    test->features = strtoul(widths, &end, 10);
    config->task =
        strcmp(loss, "squared_error") == 0 ? RELUD_TASK_REGRESSION : RELUD_TASK_CLASSIFICATION;
    for (config->layers = 0; *end; config->layers++) {
        struct relud_train_layer *layer = &config->layer[config->layers];
        layer->units = strtoul(end + 1, &end, 10);
        if (!*end)
            continue;
        layer->activation = relud_activation_find(name);
        ck_assert_msg(layer->activation != NULL, "%s", name);
        layer->params = relud_activation_defaults(layer->activation);
        layer->has_slope_per_unit = strchr(activation, ':') != NULL;
    }
    ck_assert_msg(learner_init(&test->learner, &test->arena, test->features, config, &error), "%s",
                  error.text);
    optimizer_init(&test->optimizer, config, test->learner.loops);
    test->target = calloc(config->batch, sizeof *test->target);
    test->loss = calloc(config->batch, sizeof *test->loss);
    test->is_right = calloc(config->batch, sizeof *test->is_right);
}

static inline void test_learner_close(struct test_learner *test)
{
    arena_reset(&test->arena);
    free(test->target), free(test->loss), free(test->is_right);
}

/* Makes one step over rows x[rows][features], in `parts` shares, one after the other. Returns the
 * mean loss. */
static inline double test_learner_step(struct test_learner *test, const float *x, size_t rows,
                                       uint64_t step, double lr, size_t parts)
{
    struct learner_batch batch = {.rows = rows,
                                  .step = step,
                                  .target = test->target,
                                  .loss = test->loss,
                                  .is_right = test->is_right,
                                  .is_training = true};
    double sum = 0;
    memcpy(test->learner.layer[0].x, x, rows * test->features * sizeof *x);
    for (size_t p = 0; p < parts; p++)
        learner_rows(&test->learner, &batch, rows * p / parts, rows * (p + 1) / parts, NULL);
    optimizer_begin(&test->optimizer, lr);
    for (size_t p = 0; p < parts; p++)
        learner_weights(&test->learner, &test->optimizer, rows, p, parts);
    for (size_t r = 0; r < rows; r++)
        sum += test->loss[r];
    return sum / (double)rows;
}

/* TEST_GRADIENTS: the optimizer's first state, which is the gradient after one step of SGD with
 * momentum. */
enum test_what { TEST_PARAMETERS, TEST_GRADIENTS };

/* Copies a layer's weight[outputs][inputs], bias[outputs] and slopes, one after the other, to
 * `out`. Returns their end. */
static inline float *test_learner_get(const struct test_learner *test, size_t index,
                                      enum test_what what, float *out)
{
    const struct learner_layer *layer = &test->learner.layer[index];
    struct linear view = layer->forward;
    bool is_state = what == TEST_GRADIENTS;
    size_t weights = layer->inputs * layer->outputs;
    view.weight = is_state ? layer->weight.state[0] : layer->weight.at;
    view.bias = is_state ? layer->bias.state[0] : layer->bias.at;
    linear_unpack(&view, out, out + weights);
    out += weights + layer->outputs;
    if (layer->slopes.len)
        memcpy(out, is_state ? layer->slopes.state[0] : layer->slopes.at,
               layer->slopes.len * sizeof *out);
    return out + layer->slopes.len;
}

/* Sets a layer from `in`, in the same order. Returns the end of what it took. */
static inline const float *test_learner_set(struct test_learner *test, size_t index,
                                            const float *in)
{
    struct learner_layer *layer = &test->learner.layer[index];
    size_t weights = layer->inputs * layer->outputs;
    learner_set_layer(&test->learner, index, in, in + weights);
    in += weights + layer->outputs;
    if (layer->slopes.len)
        memcpy(layer->slopes.at, in, layer->slopes.len * sizeof *in);
    return in + layer->slopes.len;
}

static inline size_t test_learner_parameters(const struct test_learner *test)
{
    size_t count = 0;
    for (size_t i = 0; i < test->learner.layers; i++) {
        const struct learner_layer *layer = &test->learner.layer[i];
        count += (layer->inputs + 1) * layer->outputs + layer->slopes.len;
    }
    return count;
}

/* Copies all layers' parameters or gradients. The caller frees the result. */
static inline float *test_learner_all(const struct test_learner *test, enum test_what what)
{
    float *all = malloc(test_learner_parameters(test) * sizeof *all), *at = all;
    for (size_t i = 0; i < test->learner.layers; i++)
        at = test_learner_get(test, i, what, at);
    return all;
}

#endif
