/* Gradients against central differences and PyTorch, steps against PyTorch's optimizers, the same bits however the work is
 * shared. */
#include "tests/unit/activation_twin.h"
#include "tests/unit/learners.h"
#include "tests/unit/suite.h"

#include <relud/relud.h>

/* ---- the slow, obvious twin: the loss of a batch in double precision ---- */

enum { TWIN_WIDTH = 64 };

struct twin {
    const struct test_learner *test;
    double *parameter; /* as test_learner_all orders them */
    const float *x;
    size_t rows;
};

static void twin_activate(const char *name, const double *slopes, size_t slopes_len, double *v,
                          size_t width)
{
    double most = -INFINITY, sum = 0;
    bool is_softmax = strcmp(name, "softmax") == 0, is_log = strcmp(name, "log_softmax") == 0;
    for (size_t n = 0; n < width; n++)
        most = fmax(most, v[n]);
    for (size_t n = 0; n < width; n++)
        sum += exp(v[n] - most);
    for (size_t n = 0; n < width; n++)
        if (is_softmax || is_log)
            v[n] = is_log ? v[n] - most - log(sum) : exp(v[n] - most) / sum;
        else if (slopes_len)
            v[n] = v[n] > 0 ? v[n] : v[n] * slopes[slopes_len > 1 ? n : 0];
        else
            v[n] = activation_twin(name, v[n]);
}

static double twin_row_loss(const struct loss *loss, const double *y, const struct target *target)
{
    double sum = 0;
    if (loss->kind == LOSS_BINARY_CROSS_ENTROPY)
        return log1p(exp(target->class ? -y[0] : y[0]));
    for (size_t n = 0; n < loss->outputs; n++)
        sum += loss->kind == LOSS_CROSS_ENTROPY
                   ? exp(y[n] - y[target->class])
                   : (y[n] - (double)target->numbers[n]) * (y[n] - (double)target->numbers[n]);
    return loss->kind == LOSS_CROSS_ENTROPY ? log(sum) : sum / (double)loss->outputs;
}

static double twin_loss(const struct twin *twin)
{
    double sum = 0;
    for (size_t r = 0; r < twin->rows; r++) {
        double v[TWIN_WIDTH], next[TWIN_WIDTH];
        const double *p = twin->parameter;
        for (size_t k = 0; k < twin->test->features; k++)
            v[k] = (double)twin->x[r * twin->test->features + k];
        for (size_t i = 0; i < twin->test->learner.layers; i++) {
            const struct learner_layer *layer = &twin->test->learner.layer[i];
            const double *bias = p + layer->inputs * layer->outputs,
                         *slopes = bias + layer->outputs;
            for (size_t n = 0; n < layer->outputs; n++) {
                next[n] = bias[n];
                for (size_t k = 0; k < layer->inputs; k++)
                    next[n] += p[n * layer->inputs + k] * v[k];
            }
            twin_activate(relud_activation_info(layer->activation)->name, slopes, layer->slopes.len,
                          next, layer->outputs);
            memcpy(v, next, sizeof v);
            p = slopes + layer->slopes.len;
        }
        sum += twin_row_loss(&twin->test->learner.loss, v, &twin->test->target[r]);
    }
    return sum / (double)twin->rows;
}

/* ---- gradients ---- */

static void check_gradients(const char *loss, const char *widths, const char *activation)
{
    enum { ROWS = 7 };
    struct test_learner test = {.config = {.batch = ROWS, .momentum = 0.5, .seed = 11}};
    float x[ROWS * TWIN_WIDTH], targets[ROWS * TWIN_WIDTH];
    uint64_t state = 5;
    test_learner_open(&test, loss, widths, activation);
    size_t outputs = test.learner.loss.outputs, count = test_learner_parameters(&test);
    for (size_t i = 0; i < ROWS * test.features; i++)
        x[i] = random_normal(&state);
    for (size_t i = 0; i < ROWS * outputs; i++)
        targets[i] = random_normal(&state);
    for (size_t r = 0; r < ROWS; r++)
        test.target[r] = (struct target){
            (uint32_t)(random_next(&state) % (outputs < 2 ? 2 : outputs)), targets + r * outputs};
    float *before = test_learner_all(&test, TEST_PARAMETERS);
    double got = test_learner_step(&test, x, ROWS, 0, 0, 1);
    size_t smooth = 0;
    float *gradient = test_learner_all(&test, TEST_GRADIENTS);
    double *parameter = malloc(count * sizeof *parameter);
    for (size_t i = 0; i < count; i++)
        parameter[i] = (double)before[i];
    struct twin twin = {&test, parameter, x, ROWS};
    double wanted = twin_loss(&twin), greatest = 0;
    ck_assert_msg(fabs(got - wanted) < 1e-5 * fmax(1, fabs(wanted)), "%s %s: loss %g, not %g", loss,
                  activation, got, wanted);
    for (size_t i = 0; i < count; i++)
        greatest = fmax(greatest, fabs((double)gradient[i]));
    for (size_t i = 0; i < count; i++) {
        const double step = 1e-6, at = parameter[i];
        parameter[i] = at + step;
        double right = twin_loss(&twin);
        parameter[i] = at - step;
        double left = twin_loss(&twin);
        parameter[i] = at;
        double slope = (right - left) / (2 * step), bend = fabs(right - 2 * wanted + left) / step;
        /* A kink within the step makes the quotient something between both slopes. */
        smooth += bend < 1e-5;
        if (bend < 1e-5 &&
            fabs((double)gradient[i] - slope) > 1e-3 * fabs(slope) + 1e-6 * greatest + 1e-8)
            ck_abort_msg("%s %s: gradient %zu is %.9g, not %.9g", loss, activation, i,
                         (double)gradient[i], slope);
    }
    ck_assert_uint_ge(smooth * 10, count * 8);
    free(before), free(gradient), free(parameter);
    test_learner_close(&test);
}

START_TEST(gradients_are_central_differences)
{
    const struct relud_activation *activation;
    for (size_t a = 0; (activation = relud_activation_at(a)); a++) {
        const char *name = relud_activation_info(activation)->name;
        check_gradients("cross_entropy", "5,6,9,4", name);
        check_gradients("binary_cross_entropy", "3,8,1", name);
        check_gradients("squared_error", "6,7,3", name);
    }
    check_gradients("cross_entropy", "5,6,9,4", "prelu:channels");
    check_gradients("squared_error", "20,33,18,2", "silu");
}
END_TEST

/* ---- PyTorch's numbers ---- */

struct fixture {
    FILE *lines;
    struct relud_rows rows;
    const float *at;
};

static struct fixture fixture_open(const char *name)
{
    struct fixture fixture;
    struct relud_error error;
    char path[128];
    snprintf(path, sizeof path, "tests/data/train/%s.npy", name);
    ck_assert_msg(relud_rows_read(path, 0, &fixture.rows, &error), "%s", error.text);
    snprintf(path, sizeof path, "tests/data/train/%s.txt", name);
    ck_assert_ptr_nonnull(fixture.lines = fopen(path, "r"));
    fixture.at = fixture.rows.values;
    return fixture;
}

static void fixture_close(struct fixture *fixture)
{
    ck_assert_ptr_eq(fixture->at, fixture->rows.values + fixture->rows.features);
    fclose(fixture->lines);
    relud_rows_free(&fixture->rows);
}

/* The parameters into the learner; then `batches` of rows in *x and of targets in *targets. */
static void fixture_fill(struct fixture *fixture, struct test_learner *test, size_t batches,
                         const float **x, const float **targets)
{
    bool is_class = test->learner.loss.kind != LOSS_SQUARED_ERROR;
    size_t rows = batches * test->config.batch;
    for (size_t i = 0; i < test->learner.layers; i++)
        fixture->at = test_learner_set(test, i, fixture->at);
    *x = fixture->at;
    fixture->at += rows * test->features;
    *targets = fixture->at;
    fixture->at += rows * (is_class ? 1 : test->learner.loss.outputs);
}

static void set_targets(struct test_learner *test, const float *targets, size_t batch)
{
    bool is_class = test->learner.loss.kind != LOSS_SQUARED_ERROR;
    size_t width = is_class ? 1 : test->learner.loss.outputs;
    targets += batch * test->config.batch * width;
    for (size_t r = 0; r < test->config.batch; r++)
        test->target[r] =
            (struct target){(uint32_t)(is_class ? targets[r] : 0), targets + r * width};
}

START_TEST(gradients_of_fifty_nets_are_pytorchs)
{
    struct fixture fixture = fixture_open("gradients");
    char loss[32], widths[64], activation[32];
    size_t batch, nets = 0;
    for (; fscanf(fixture.lines, "%31s %63s %31s %zu", loss, widths, activation, &batch) == 4;
         nets++) {
        struct test_learner test = {.config = {.batch = batch, .momentum = 0.5}};
        const float *x, *targets;
        test_learner_open(&test, loss, widths, activation);
        fixture_fill(&fixture, &test, 1, &x, &targets);
        set_targets(&test, targets, 0);
        double got = test_learner_step(&test, x, batch, 0, 0, 1), wanted = (double)*fixture.at++;
        ck_assert_msg(fabs(got - wanted) <= 1e-5 * fmax(1, fabs(wanted)),
                      "net %zu: loss %g, not %g", nets, got, wanted);
        size_t count = test_learner_parameters(&test);
        float *gradient = test_learner_all(&test, TEST_GRADIENTS), greatest = 0;
        for (size_t i = 0; i < count; i++)
            greatest = fmaxf(greatest, fabsf(fixture.at[i]));
        for (size_t i = 0; i < count; i++)
            if (fabsf(gradient[i] - fixture.at[i]) >
                1e-3f * fabsf(fixture.at[i]) + 1e-6f * greatest)
                ck_abort_msg("net %zu (%s %s): gradient %zu is %.9g, not %.9g", nets, loss,
                             activation, i, (double)gradient[i], (double)fixture.at[i]);
        fixture.at += count;
        free(gradient);
        test_learner_close(&test);
    }
    ck_assert_uint_eq(nets, 50);
    fixture_close(&fixture);
}
END_TEST

START_TEST(ten_steps_are_pytorchs)
{
    struct fixture fixture = fixture_open("steps");
    char loss[32], widths[64], activation[32], optimizer[8];
    size_t batch, nets = 0;
    double lr, momentum, decay;
    int nesterov;
    for (; fscanf(fixture.lines, "%31s %63s %31s %zu %7s %lf %lf %lf %d", loss, widths, activation,
                  &batch, optimizer, &lr, &momentum, &decay, &nesterov) == 9;
         nets++) {
        struct test_learner test = {.config = {.batch = batch,
                                               .optimizer = strcmp(optimizer, "adam") == 0,
                                               .momentum = momentum,
                                               .weight_decay = decay,
                                               .nesterov = nesterov}};
        const float *x, *targets;
        test_learner_open(&test, loss, widths, activation);
        fixture_fill(&fixture, &test, 10, &x, &targets);
        for (size_t step = 0; step < 10; step++) {
            set_targets(&test, targets, step);
            test_learner_step(&test, x + step * batch * test.features, batch, step, lr, 1);
        }
        size_t count = test_learner_parameters(&test);
        float *parameter = test_learner_all(&test, TEST_PARAMETERS);
        for (size_t i = 0; i < count; i++)
            if (fabsf(parameter[i] - fixture.at[i]) > 1e-5f)
                ck_abort_msg("net %zu (%s): parameter %zu is %.9g, not %.9g", nets, optimizer, i,
                             (double)parameter[i], (double)fixture.at[i]);
        fixture.at += count;
        free(parameter);
        test_learner_close(&test);
    }
    ck_assert_uint_eq(nets, 12);
    fixture_close(&fixture);
}
END_TEST

/* ---- the same bits ---- */

/* Thirty steps on rows with many zeros; what has been learned. */
static float *learn(enum relud_isa isa, size_t parts, enum relud_optimizer optimizer, size_t *count)
{
    enum { ROWS = 50, STEPS = 30 };
    struct test_learner test = {.config = {.batch = ROWS,
                                           .optimizer = optimizer,
                                           .momentum = 0.9,
                                           .weight_decay = 1e-3,
                                           .nesterov = true,
                                           .dropout = 0.2,
                                           .seed = 3,
                                           .isa = isa}};
    uint64_t state = 9;
    test_learner_open(&test, "cross_entropy", "150,70,20,4", "prelu:channels");
    float *x = malloc(ROWS * test.features * sizeof *x);
    for (uint64_t step = 0; step < STEPS; step++) {
        size_t rows = step % 5 == 4 ? 23 : ROWS; /* the last batch of an epoch */
        for (size_t i = 0; i < rows * test.features; i++)
            x[i] = i % 150 < 110 && random_next(&state) % 4 ? 0 : random_normal(&state);
        for (size_t r = 0; r < rows; r++)
            test.target[r].class = (uint32_t)(random_next(&state) % 4);
        test_learner_step(&test, x, rows, step, 0.01, parts);
    }
    *count = test_learner_parameters(&test);
    float *parameter = test_learner_all(&test, TEST_PARAMETERS);
    free(x);
    test_learner_close(&test);
    return parameter;
}

START_TEST(the_same_bits_for_any_share_and_instruction_set)
{
    static const size_t parts[] = {1, 2, 3, 7};
    for (int optimizer = 0; optimizer < 2; optimizer++) {
        size_t count;
        float *wanted = learn(RELUD_ISA_SCALAR, 1, (enum relud_optimizer)optimizer, &count);
        for (size_t i = 0; i < count; i++)
            ck_assert(isfinite(wanted[i]));
        for (enum relud_isa isa = RELUD_ISA_SCALAR; isa <= relud_isa_best(); isa++)
            for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
                float *got = learn(isa, parts[p], (enum relud_optimizer)optimizer, &count);
                ck_assert_msg(memcmp(got, wanted, count * sizeof *got) == 0,
                              "%s in %zu parts learns something else", relud_isa_name(isa),
                              parts[p]);
                free(got);
            }
        free(wanted);
    }
}
END_TEST

/* ---- what is drawn ---- */

static double deviation_of(const char *activation, enum relud_init init, size_t layer)
{
    struct test_learner test = {.config = {.batch = 4, .seed = 21, .init = init}};
    test_learner_open(&test, "cross_entropy", "300,200,100", activation);
    const struct learner_layer *at = &test.learner.layer[layer];
    size_t weights = at->inputs * at->outputs;
    float *values = malloc((weights + at->outputs + at->slopes.len) * sizeof *values);
    double sum = 0, squares = 0;
    test_learner_get(&test, layer, TEST_PARAMETERS, values);
    for (size_t i = 0; i < weights; i++)
        sum += (double)values[i], squares += (double)values[i] * (double)values[i];
    ck_assert_double_eq_tol(sum / (double)weights, 0, 0.002);
    for (size_t n = 0; n < at->outputs; n++)
        ck_assert_float_eq(values[weights + n], 0);
    free(values);
    test_learner_close(&test);
    return sqrt(squares / (double)weights);
}

START_TEST(weights_are_drawn_as_wide_as_asked)
{
    static const struct {
        const char *activation;
        enum relud_init init;
        size_t layer;
        double wanted;
    } cases[] = {
        {"relu", RELUD_INIT_AUTO, 0, 0.081650},   /* sqrt(2 / 300) */
        {"relu", RELUD_INIT_AUTO, 1, 0.081650},   /* before the answer: sqrt(2 / 300) */
        {"tanh", RELUD_INIT_AUTO, 0, 0.063246},   /* sqrt(2 / 500) */
        {"selu", RELUD_INIT_AUTO, 0, 0.057735},   /* sqrt(1 / 300) */
        {"relu", RELUD_INIT_XAVIER, 0, 0.063246}, /* */
        {"relu", RELUD_INIT_LECUN, 1, 0.070711},  /* sqrt(1 / 200) */
        {"prelu", RELUD_INIT_HE, 0, 0.079212},    /* sqrt(2 / 1.0625 / 300) */
        {"relu6", RELUD_INIT_AUTO, 0, 0.081650},  /* */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_double_eq_tol(deviation_of(cases[i].activation, cases[i].init, cases[i].layer),
                                cases[i].wanted, 0.001);
}
END_TEST

START_TEST(dropout_leaves_out_its_share_and_keeps_the_mean)
{
    struct test_learner test = {.config = {.batch = 64, .dropout = 0.3, .seed = 4}};
    test_learner_open(&test, "squared_error", "8,500,1", "sigmoid");
    float x[64 * 8] = {0}, zero[1] = {0};
    for (size_t r = 0; r < 64; r++)
        test.target[r].numbers = zero;
    test_learner_step(&test, x, 64, 0, 0, 2);
    size_t dropped = 0;
    const float *y = test.learner.layer[0].y; /* sigmoid(0) = 1/2, or 0, or 1/2 / 0.7 */
    for (size_t i = 0; i < 64 * 500; i++) {
        dropped += y[i] == 0;
        if (y[i] != 0 && fabsf(y[i] - 0.5f / 0.7f) > 1e-6f)
            ck_abort_msg("an answer of %g", (double)y[i]);
    }
    ck_assert_double_eq_tol((double)dropped / (64 * 500), 0.3, 0.01);
    test_learner_close(&test);
}
END_TEST

/* ---- learning rates ---- */

START_TEST(rates_follow_their_schedule)
{
    struct relud_train_config config = {.lr = 0.8};
    ck_assert_double_eq(optimizer_rate(&config, 999, 1000, 100), 0.8);
    config.schedule = RELUD_SCHEDULE_COSINE; /* torch.optim.lr_scheduler.CosineAnnealingLR */
    for (size_t step = 0; step <= 1000; step++)
        ck_assert_double_eq_tol(optimizer_rate(&config, step, 1000, 100),
                                0.4 * (1 + cos(M_PI * (double)step / 1000)), 1e-14);
    config.schedule = RELUD_SCHEDULE_STEP; /* StepLR */
    config.step_epochs = 3;
    config.step_factor = 0.5;
    ck_assert_double_eq(optimizer_rate(&config, 299, 1000, 100), 0.8);
    ck_assert_double_eq(optimizer_rate(&config, 300, 1000, 100), 0.4);
    ck_assert_double_eq(optimizer_rate(&config, 999, 1000, 100), 0.1);
    config.warmup_epochs = 0.5;
    double before = 0;
    for (size_t step = 0; step < 50; step++) {
        double rate = optimizer_rate(&config, step, 1000, 100);
        ck_assert(rate > before && rate < 0.8);
        before = rate;
    }
    ck_assert_double_eq(optimizer_rate(&config, 50, 1000, 100), 0.8);
}
END_TEST

RUN_SUITE("learner", gradients_are_central_differences, gradients_of_fifty_nets_are_pytorchs,
          ten_steps_are_pytorchs, the_same_bits_for_any_share_and_instruction_set,
          weights_are_drawn_as_wide_as_asked, dropout_leaves_out_its_share_and_keeps_the_mean,
          rates_follow_their_schedule)
