/* Whole trainings over small data: the best epoch, patience, resuming, divergence, what is known of the model afterwards. */
#include "tests/unit/files.h"
#include "tests/unit/worlds.h"

#include <math.h>

/* What a training said. */
struct heard {
    size_t calls, ended, restored, stop_after; /* stop_after: so many calls; 0: never */
    struct relud_epoch last, best;
};

static bool hear(void *user, const struct relud_progress *at)
{
    struct heard *heard = user;
    if (at->ended) {
        heard->restored += at->is_restored;
        heard->ended++;
        heard->last = *at->ended;
        if (at->ended->is_best)
            heard->best = *at->ended;
    } else {
        ck_assert(at->row > 0 && at->row <= at->rows && at->epoch <= at->epochs);
    }
    return ++heard->calls != heard->stop_after;
}

static relud_model *train(const struct relud_train_config *config, const struct world *world,
                          struct heard *heard)
{
    struct relud_error error;
    relud_model *model = relud_train(config, &world->data, NULL, NULL, hear, heard, &error);
    ck_assert_msg(model && error.code == RELUD_OK, "%s", error.text);
    return model;
}

static void refuses(const struct relud_train_config *config, const struct world *world,
                    const char *words)
{
    struct relud_error error = {0};
    ck_assert_ptr_null(relud_train(config, &world->data, NULL, NULL, NULL, NULL, &error));
    ck_assert_msg(strstr(error.text, words), "'%s'; '%s' is wanted", error.text, words);
}

/* The answers of the model to the world's rows: malloc's. */
static float *answers(relud_model *model, const struct world *world)
{
    struct relud_error error;
    relud_scratch *scratch = relud_scratch_new(model, 64, &error);
    float *y = malloc(ROWS * relud_model_info(model)->outputs * sizeof *y);
    relud_predict(scratch, world->values, ROWS, y);
    relud_scratch_free(scratch);
    return y;
}

START_TEST(classes_are_learned_and_the_model_knows_how)
{
    static struct world world;
    make_world(&world, false);
    struct relud_train_config config = config_of(24, 3);
    struct heard heard = {0};
    relud_model *model = train(&config, &world, &heard);
    const struct relud_model_info *info = relud_model_info(model);
    const struct relud_training *training = info->training;
    ck_assert_uint_eq(heard.ended, 40);
    ck_assert_double_ge(heard.best.validation_accuracy, 0.85);
    ck_assert_uint_eq(training->rows, 160);
    ck_assert_uint_eq(training->validation_rows, 40);
    ck_assert_uint_eq(training->epochs, 40);
    ck_assert_uint_eq(training->best_epoch, heard.best.epoch);
    ck_assert_double_eq(training->validation_accuracy, heard.best.validation_accuracy);
    ck_assert_str_eq(training->recipe, "a test");
    ck_assert_str_eq(info->labels[2], "blue");
    ck_assert_uint_eq(training->features, FEATURES);
    for (size_t f = 0; f < FEATURES; f++) {
        ck_assert_float_eq_tol(training->mean[f], (float)f * 10, 1);
        ck_assert_float_eq_tol(training->std[f], 3, 0.5f);
        ck_assert(training->min[f] < training->mean[f] && training->mean[f] < training->max[f]);
        float rows = 0;
        for (size_t b = 0; b < training->bins; b++)
            rows += training->histogram[f * training->bins + b];
        ck_assert_float_eq(rows, 160);
    }
    float *y = answers(model, &world);
    size_t right = 0;
    for (size_t r = 0; r < ROWS; r++) {
        size_t best = 0;
        for (size_t n = 1; n < 3; n++)
            best = y[r * 3 + n] > y[r * 3 + best] ? n : best;
        right += best == world.classes[r];
    }
    ck_assert_uint_ge(right, 180);
    free(y);
    relud_model_release(model);
}
END_TEST

START_TEST(numbers_are_learned)
{
    static struct world world;
    make_world(&world, true);
    struct relud_train_config config = config_of(32, 1);
    config.lr = 0.01;
    config.epochs = 150;
    struct heard heard = {0};
    relud_model *model = train(&config, &world, &heard);
    ck_assert(isnan(heard.last.accuracy) && isnan(heard.last.validation_accuracy));
    float *y = answers(model, &world), error = 0, spread = 0;
    for (size_t r = 0; r < ROWS; r++) {
        error += (y[r] - world.targets[r]) * (y[r] - world.targets[r]);
        spread += world.targets[r] * world.targets[r];
    }
    ck_assert_float_lt(error, spread / 10);
    ck_assert_uint_eq(relud_model_info(model)->task, RELUD_TASK_REGRESSION);
    free(y);
    relud_model_release(model);
}
END_TEST

START_TEST(a_saved_model_answers_and_knows_the_same)
{
    static struct world world;
    make_world(&world, false);
    struct relud_train_config config = config_of(10, 3);
    config.layer[0].activation = relud_activation_find("prelu");
    config.layer[0].params = relud_activation_defaults(config.layer[0].activation);
    config.layer[0].has_slope_per_unit = true;
    config.epochs = 3;
    struct heard heard = {0};
    struct relud_error error;
    relud_model *model = train(&config, &world, &heard);
    const char *dir = new_directory();
    ck_assert_msg(relud_model_save(model, dir, "colours", &error), "%s", error.text);
    relud_model *loaded = relud_model_load(dir, NULL, &error);
    ck_assert_msg(loaded != NULL, "%s", error.text);
    float *a = answers(model, &world), *b = answers(loaded, &world);
    ck_assert_mem_eq(a, b, ROWS * 3 * sizeof *a);
    const struct relud_training *told = relud_model_info(loaded)->training;
    ck_assert_uint_eq(told->best_epoch, relud_model_info(model)->training->best_epoch);
    ck_assert_double_eq_tol(told->validation_loss,
                            relud_model_info(model)->training->validation_loss, 1e-6);
    ck_assert_mem_eq(told->std, relud_model_info(model)->training->std, FEATURES * sizeof(float));
    ck_assert(isnan(told->test_loss));
    free(a), free(b);
    relud_model_release(model);
    relud_model_release(loaded);
    remove_directory(dir);
}
END_TEST

START_TEST(patience_ends_and_the_best_is_kept)
{
    static struct world world;
    make_world(&world, false);
    struct relud_train_config config = config_of(24, 3);
    config.epochs = 500;
    config.patience = 5;
    struct heard heard = {0};
    relud_model *model = train(&config, &world, &heard);
    ck_assert_uint_lt(heard.ended, 500);
    ck_assert_uint_eq(heard.ended, heard.best.epoch + 5);
    ck_assert_uint_eq(relud_model_info(model)->training->best_epoch, heard.best.epoch);
    /* Resumed after its end it ends at once, with the same bits. */
    const char *dir = new_directory();
    char path[128];
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    config.checkpoint = path; /* written at the end, as patience stops it */
    relud_model_release(train(&config, &world, &(struct heard){0}));
    config.is_resumed = true;
    struct heard resumed = {0};
    relud_model_release(train(&config, &world, &resumed));
    ck_assert_uint_eq(resumed.ended, heard.ended);
    config.checkpoint = NULL;
    config.is_resumed = false;
    remove_directory(dir);
    /* The parameters are those of the best epoch: a training that ends there gives the same. */
    config.epochs = heard.best.epoch;
    config.patience = 0;
    struct heard again = {0};
    relud_model *shorter = train(&config, &world, &again);
    float *a = answers(model, &world), *b = answers(shorter, &world);
    ck_assert_mem_eq(a, b, ROWS * 3 * sizeof *a);
    free(a), free(b);
    relud_model_release(model);
    relud_model_release(shorter);
}
END_TEST

/* Stopped after any number of calls and gone on with, Adam and dropout and all: the bits of one run. */
START_TEST(resumed_trainings_give_the_bits_of_one_run)
{
    static struct world world;
    make_world(&world, false);
    struct relud_train_config config = config_of(12, 3);
    config.optimizer = RELUD_OPTIMIZER_ADAM;
    config.lr = 0.01;
    config.dropout = 0.1;
    config.schedule = RELUD_SCHEDULE_COSINE;
    config.epochs = 6;
    struct heard heard = {0};
    relud_model *whole = train(&config, &world, &heard);
    float *wanted = answers(whole, &world);
    const char *dir = new_directory();
    char path[128];
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    config.checkpoint = path;
    size_t calls = heard.calls;
    for (size_t stop = 12; stop < calls; stop += 7) {
        struct heard first = {.stop_after = stop}, second = {0};
        config.is_resumed = false;
        relud_model_release(train(&config, &world, &first));
        config.is_resumed = true;
        relud_model *model = train(&config, &world, &second);
        ck_assert_uint_eq(second.restored, first.ended);
        ck_assert_uint_eq(second.ended, 6);
        float *got = answers(model, &world);
        ck_assert_msg(memcmp(got, wanted, ROWS * 3 * sizeof *got) == 0, "stopped after %zu", stop);
        free(got);
        relud_model_release(model);
    }
    struct relud_error error;
    config.recipe = "another";
    refuses(&config, &world, "made with other settings or data");
    config.recipe = "a test";
    world.classes[5] = (world.classes[5] + 1) % 3; /* other targets */
    refuses(&config, &world, "made with other settings or data");
    world.classes[5] = (world.classes[5] + 2) % 3;
    world.values[0] += 1000; /* other data */
    refuses(&config, &world, "made with other settings or data");
    /* A torn or changed checkpoint is refused or gone on with, never worse. */
    char bytes[65536];
    FILE *file = fopen(path, "rb");
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    world.values[0] -= 1000;
    for (size_t cut = 0; cut < len; cut += 97) {
        write_file(dir, "model.safetensors", bytes, cut);
        ck_assert_ptr_null(relud_train(&config, &world.data, NULL, NULL, NULL, NULL, &error));
    }
    for (size_t at = 0; at < len; at += 61) {
        bytes[at] ^= 0x55;
        write_file(dir, "model.safetensors", bytes, len);
        relud_model_release(relud_train(&config, &world.data, NULL, NULL, NULL, NULL, &error));
        bytes[at] ^= 0x55;
    }
    free(wanted);
    relud_model_release(whole);
    remove_directory(dir);
}
END_TEST

START_TEST(a_loss_that_is_no_number_keeps_the_last_good_epoch)
{
    static struct world world;
    make_world(&world, true);
    struct relud_train_config config = config_of(32, 1);
    config.standardize = false;
    config.lr = 10;
    struct relud_error error = {0};
    ck_assert_ptr_null(relud_train(&config, &world.data, NULL, NULL, NULL, NULL, &error));
    ck_assert_int_eq(error.code, RELUD_NOT_FINITE);
    ck_assert_ptr_nonnull(strstr(error.text, "epoch 1, batch "));
    ck_assert_ptr_nonnull(strstr(error.text, "--standardize the features: feature 6 goes from 4"));
    /* A rate that rises from step to step breaks later. */
    config.lr = 1e5;
    config.warmup_epochs = 1e7;
    config.epochs = 400;
    config.momentum = 0;
    struct heard heard = {0};
    relud_model *model = relud_train(&config, &world.data, NULL, NULL, hear, &heard, &error);
    ck_assert_ptr_nonnull(model);
    ck_assert_msg(error.code == RELUD_NOT_FINITE || error.code == RELUD_NOT_LEARNED, "%s",
                  error.text);
    ck_assert_ptr_nonnull(strstr(error.text, "it has diverged"));
    ck_assert_uint_lt(heard.ended, 400);
    float *y = answers(model, &world);
    for (size_t r = 0; r < ROWS; r++)
        ck_assert(isfinite(y[r]));
    free(y);
    relud_model_release(model);
}
END_TEST

/* A rate at which the loss explodes without leaving float32, and a scale at which it does. */
START_TEST(a_loss_that_is_far_too_high_has_diverged)
{
    static struct world world;
    make_world(&world, false);
    struct relud_train_config config = config_of(50, 3);
    struct relud_error error = {0};
    struct heard heard = {0};
    config.lr = 6;
    config.momentum = 0;
    relud_model *model = relud_train(&config, &world.data, NULL, NULL, hear, &heard, &error);
    ck_assert_ptr_nonnull(model);
    ck_assert_uint_eq(heard.ended, 1);
    ck_assert_int_eq(error.code, RELUD_NOT_LEARNED);
    ck_assert_ptr_nonnull(strstr(error.text, "epoch 2: the loss is "));
    ck_assert_ptr_nonnull(strstr(error.text, "it has diverged; try a lower --lr than 6; the net is "
                                             "worse than always the most frequent class: its loss "
                                             "on 40 validation rows is "));
    relud_model_release(model);
    /* The rate rises from step to step: some good epochs come first. */
    config.warmup_epochs = 2000;
    config.lr = 500;
    config.epochs = 1000;
    config.validation_share = 0;
    heard = (struct heard){0};
    model = relud_train(&config, &world.data, NULL, NULL, hear, &heard, &error);
    ck_assert_ptr_nonnull(model);
    ck_assert_ptr_nonnull(strstr(error.text, "it has diverged"));
    ck_assert_int_eq(error.code, RELUD_NOT_FINITE);
    const struct relud_training *training = relud_model_info(model)->training;
    ck_assert_uint_eq(training->best_epoch, heard.best.epoch);
    ck_assert_double_lt(training->loss, 1.1); /* not that of the epochs right before */
    relud_model_release(model);
}
END_TEST

/* What a net must beat: the mean, or the classes' shares. */
START_TEST(a_net_that_is_worse_than_the_mean_is_told)
{
    static struct world world;
    make_world(&world, true);
    for (size_t r = 0; r < ROWS; r++) { /* nothing can be learned */
        uint64_t state = r;
        world.targets[r] = 1e6F + 1e3F * random_normal(&state);
    }
    struct relud_train_config config = config_of(64, 1);
    struct relud_error error = {0};
    struct heard heard = {0};
    config.epochs = 200;
    config.patience = 0;
    config.validation_share = 0.5;
    relud_model *model = relud_train(&config, &world.data, NULL, NULL, hear, &heard, &error);
    ck_assert_ptr_nonnull(model);
    ck_assert_int_eq(error.code, RELUD_NOT_LEARNED);
    ck_assert_msg(strstr(error.text, "the net is worse than the targets' mean: its loss on 100 "
                                     "validation rows is ") != NULL,
                  "%s", error.text);
    ck_assert_double_gt(heard.last.validation_loss, 1e5); /* in the targets' units */
    relud_model_release(model);
    /* Dead units and features of all sizes; the rows to train on are what there is. */
    make_world(&world, false);
    world.data.name = (const char *const[]){"a", "b", "c", "d", "e", "far"};
    for (size_t r = 0; r < ROWS; r++)
        world.values[r * FEATURES + 5] *= 1e4F;
    config = config_of(4, 3);
    config.standardize = false;
    config.validation_share = 0;
    config.epochs = 3;
    config.lr = 1e-5;
    model = relud_train(&config, &world.data, NULL, NULL, hear, &heard, &error);
    ck_assert_ptr_nonnull(model);
    ck_assert_int_eq(error.code, RELUD_NOT_LEARNED);
    ck_assert_ptr_nonnull(strstr(error.text, "on 200 training rows"));
    ck_assert_ptr_nonnull(
        strstr(error.text, "--standardize the features: feature 'far' goes from"));
    relud_model_release(model);
}
END_TEST

/* Targets of any size and place are learned alike, because they are standardized; the model answers
 * in their units, and so does its loss. */
START_TEST(targets_of_any_size_are_learned)
{
    static const struct {
        float size, place;
    } cases[] = {{1, 0}, {1e-6F, 0}, {1e9F, 0}, {1, 1000}, {3e5F, -4e6F}};
    double share[5];
    for (size_t i = 0; i < 5; i++) {
        static struct world world;
        make_world(&world, true);
        for (size_t r = 0; r < ROWS; r++)
            world.targets[r] = world.targets[r] * cases[i].size + cases[i].place;
        struct relud_train_config config = config_of(32, 1);
        config.validation_share = 0;
        config.lr = 0.01;
        struct relud_error error = {0};
        relud_model *model =
            relud_train(&config, &world.data, NULL, &world.data, NULL, NULL, &error);
        ck_assert_msg(model && !error.code, "%s", error.text);
        float *y = answers(model, &world);
        double mean = 0, spread = 0, loss = 0;
        for (size_t r = 0; r < ROWS; r++)
            mean += (double)world.targets[r] / ROWS;
        for (size_t r = 0; r < ROWS; r++) {
            spread += pow((double)world.targets[r] - mean, 2) / ROWS;
            loss += pow((double)world.targets[r] - (double)y[r], 2) / ROWS;
        }
        /* What was told of the rows is what the folded net answers, but for rounding. */
        ck_assert_double_eq_tol(relud_model_info(model)->training->test_loss / loss, 1, 1e-3);
        share[i] = loss / spread;
        ck_assert_double_lt(share[i], 0.1);
        ck_assert_double_eq_tol(share[i] / share[0], 1, 0.05);
        free(y);
        relud_model_release(model);
    }
}
END_TEST

/* Each of two targets is standardized by itself; an activation at the end leaves targets as they
 * are. */
START_TEST(targets_are_folded_where_nothing_follows)
{
    static struct world world;
    static float both[ROWS * 2];
    make_world(&world, true);
    for (size_t r = 0; r < ROWS; r++) {
        both[2 * r] = world.targets[r] * 1e4F + 5e4F;
        both[2 * r + 1] = 0.25F; /* constant */
    }
    world.data.outputs = 2;
    world.data.targets = both;
    struct relud_train_config config = config_of(24, 2);
    config.task = RELUD_TASK_REGRESSION;
    config.lr = 0.01;
    struct heard heard = {0};
    relud_model *model = train(&config, &world, &heard);
    float *y = answers(model, &world);
    for (size_t r = 0; r < ROWS; r++)
        ck_assert_float_eq_tol(y[2 * r + 1], 0.25F, 0.2F);
    free(y);
    relud_model_release(model);
    make_world(&world, true);
    for (size_t r = 0; r < ROWS; r++)
        world.targets[r] = 0.5F + 0.4F * tanhf(world.targets[r]);
    config = config_of(24, 1);
    config.layer[1].activation = relud_activation_find("sigmoid");
    heard = (struct heard){0};
    model = train(&config, &world, &heard);
    y = answers(model, &world);
    for (size_t r = 0; r < ROWS; r++)
        ck_assert(y[r] > 0 && y[r] < 1);
    free(y);
    relud_model_release(model);
}
END_TEST

/* A first layer whose biases are driven far down gives nothing but zeros. */
START_TEST(dead_units_are_counted)
{
    static struct world world;
    make_world(&world, false);
    struct relud_train_config config = config_of(50, 3);
    struct heard heard = {0};
    config.lr = 5;
    config.epochs = 5;
    config.momentum = 0;
    relud_model_release(train(&config, &world, &heard));
    ck_assert_uint_gt(heard.last.layer[0].dead, 10);
    ck_assert_double_gt(heard.last.layer[0].zero_ratio, 0.5);
    ck_assert_uint_eq(heard.last.layer[1].dead, 0); /* no ReLU */
    config.lr = 0.01;
    heard = (struct heard){0};
    relud_model_release(train(&config, &world, &heard));
    ck_assert_uint_eq(heard.last.layer[0].dead, 0);
}
END_TEST

START_TEST(settings_that_do_not_fit_the_data_are_refused)
{
    static struct world world;
    make_world(&world, false);
    struct relud_train_config config = config_of(5, 4);
    refuses(&config, &world, "4 units do not fit the targets");
    config = config_of(5, 3);
    config.layer[1].activation = relud_activation_find("softmax");
    refuses(&config, &world, "no activation");
    config = config_of(5, 3);
    config.augment_shift = 1;
    refuses(&config, &world, "no images");
    config = config_of(5, 3);
    config.validation_share = 0.9999;
    refuses(&config, &world, "no rows are left");
    config.validation_share = 0.001;
    refuses(&config, &world, "is no row");
    config = config_of(5, 3);
    config.batch = 0;
    refuses(&config, &world, "must be at least 1");
    config = config_of(5, 3);
    config.isa = RELUD_ISA_AVX512;
    if (relud_isa_best() < RELUD_ISA_AVX512) {
        refuses(&config, &world, "this CPU has no avx512");
    }
    config = config_of(5, 3);
    world.classes[7] = 3;
    refuses(&config, &world, "row 7: class 3 of 3");
}
END_TEST

RUN_SUITE("trainer", classes_are_learned_and_the_model_knows_how, numbers_are_learned,
          a_saved_model_answers_and_knows_the_same, patience_ends_and_the_best_is_kept,
          resumed_trainings_give_the_bits_of_one_run,
          a_loss_that_is_no_number_keeps_the_last_good_epoch,
          a_loss_that_is_far_too_high_has_diverged, a_net_that_is_worse_than_the_mean_is_told,
          targets_of_any_size_are_learned, targets_are_folded_where_nothing_follows,
          dead_units_are_counted, settings_that_do_not_fit_the_data_are_refused)
