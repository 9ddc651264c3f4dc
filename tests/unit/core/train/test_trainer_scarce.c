/* Trainings with each piece of memory and each call of the files refused once: there is no model and a reason, or a model. */
#include "tests/unit/files.h"
#include "tests/unit/scarcity.h"
#include "tests/unit/worlds.h"

struct training {
    struct relud_train_config config;
    const struct relud_dataset *data, *validation, *test;
};

/* In the middle of the second epoch. */
static bool stop(void *user, const struct relud_progress *at)
{
    (void)user;
    return at->epoch < 2;
}

static bool trains(void *with, struct relud_error *error)
{
    const struct training *training = with;
    bool is_stopped = training->config.checkpoint && !training->config.is_resumed;
    relud_model *model = relud_train(&training->config, training->data, training->validation,
                                     training->test, is_stopped ? stop : NULL, NULL, error);
    /* Two epochs may leave a net that is worse than the baseline. */
    bool is_trained = model && (error->code == RELUD_OK || error->code == RELUD_NOT_LEARNED);
    relud_model_release(model);
    if (is_stopped)
        unlink(training->config.checkpoint);
    return is_trained;
}

START_TEST(no_memory_is_an_error_in_every_kind_of_training)
{
    static struct world world;
    make_world(&world, false);
    world.data.name = (const char *const[]){"a", "b", "c", "d", "e", "f"};
    struct training training = {config_of(5, 3), &world.data, NULL, NULL};
    training.config.epochs = 2;
    training.config.description = "d";
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, trains, &training);
    training.config.name = "n";
    training.config.standardize = false;
    training.config.scale = 2, training.config.shift = 1;
    training.config.validation_share = 0;
    training.validation = training.test = &world.data;
    training.config.dropout = 0.1;
    training.config.optimizer = RELUD_OPTIMIZER_ADAM;
    training.config.layer[0].activation = relud_activation_find("prelu");
    training.config.layer[0].params =
        relud_activation_defaults(training.config.layer[0].activation);
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, trains, &training);

    make_world(&world, true);
    training.config = config_of(5, 1);
    training.config.epochs = 2;
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, trains, &training);
}
END_TEST

START_TEST(images_are_moved_without_memory_too)
{
    enum { IMAGES = 24, SIDE = 4 };
    static unsigned char pixels[IMAGES * SIDE * SIDE];
    static uint32_t classes[IMAGES];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * 37);
    for (size_t i = 0; i < IMAGES; i++)
        classes[i] = (uint32_t)(i % 3);
    const struct relud_dataset data = {.rows = IMAGES,
                                       .features = SIDE * SIDE,
                                       .bytes = pixels,
                                       .height = SIDE,
                                       .width = SIDE,
                                       .classes = classes,
                                       .labels = 3,
                                       .label = (const char *const[]){"a", "b", "c"}};
    struct training training = {config_of(5, 3), &data, NULL, NULL};
    training.config.epochs = 2;
    training.config.augment_shift = 2;
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, trains, &training);
}
END_TEST

START_TEST(checkpoints_are_written_whole_or_not)
{
    static struct world world;
    char path[128];
    const char *dir = new_directory();
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    make_world(&world, false);
    struct training training = {config_of(5, 3), &world.data, NULL, NULL};
    training.config.epochs = 2;
    training.config.checkpoint = path;
    scarce_each(SCARCE_FILES, RELUD_OK, trains, &training);
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, trains, &training);
    struct relud_error error = {0};
    relud_model *model = relud_train(&training.config, &world.data, NULL, NULL, stop, NULL, &error);
    ck_assert_msg(model && !error.code, "%s", error.text);
    relud_model_release(model);
    training.config.is_resumed = true;
    ck_assert_msg(trains(&training, &error), "%s", error.text);
    scarce_each(SCARCE_FILES, RELUD_OK, trains, &training);
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, trains, &training);
    remove_directory(dir);
}
END_TEST

struct checked {
    const char *setting;
    void (*change)(struct relud_train_config *config, struct relud_dataset *others);
    const char *words;
};

static void no_layers(struct relud_train_config *config, struct relud_dataset *others)
{
    (void)others;
    config->layers = 0;
}
static void many_layers(struct relud_train_config *config, struct relud_dataset *others)
{
    (void)others;
    config->layers = RELUD_TRAIN_LAYERS_MAX + 1;
}
static void no_epochs(struct relud_train_config *config, struct relud_dataset *others)
{
    (void)others;
    config->epochs = 0;
}
static void no_steps(struct relud_train_config *config, struct relud_dataset *others)
{
    (void)others;
    config->schedule = RELUD_SCHEDULE_STEP;
}
static void no_units(struct relud_train_config *config, struct relud_dataset *others)
{
    (void)others;
    config->layer[0].units = 0;
}
static void a_regression(struct relud_train_config *config, struct relud_dataset *others)
{
    (void)others;
    config->task = RELUD_TASK_REGRESSION;
}
static void more_features(struct relud_train_config *config, struct relud_dataset *others)
{
    (void)config;
    others->features++;
}
static void more_labels(struct relud_train_config *config, struct relud_dataset *others)
{
    (void)config;
    others->labels++;
}
static void more_outputs(struct relud_train_config *config, struct relud_dataset *others)
{
    (void)config;
    others->outputs++;
}

START_TEST(settings_are_checked_against_the_data)
{
    static const struct checked cases[] = {
        {"layers", no_layers, "must be at least 1"},
        {"layers", many_layers, "must be at least 1"},
        {"epochs", no_epochs, "must be at least 1"},
        {"step_epochs", no_steps, "must be at least 1"},
        {"units", no_units, "layer 0 has no units"},
        {"task", a_regression, "the last layer's 3 units do not fit the targets"},
        {"features", more_features, "the validation rows are of another shape"},
        {"labels", more_labels, "the validation rows are of another shape"},
        {"outputs", more_outputs, "the validation rows are of another shape"},
    };
    static struct world world;
    make_world(&world, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_train_config config = config_of(5, 3);
        struct relud_dataset others = world.data;
        struct relud_error error = {0};
        cases[i].change(&config, &others);
        config.validation_share = 0;
        ck_assert_ptr_null(relud_train(&config, &world.data, &others, NULL, NULL, NULL, &error));
        ck_assert_msg(strstr(error.text, cases[i].words) != NULL, "%s: '%s'", cases[i].setting,
                      error.text);
        if (others.features != world.data.features) {
            ck_assert_ptr_null(
                relud_train(&config, &world.data, NULL, &others, NULL, NULL, &error));
            ck_assert_ptr_nonnull(strstr(error.text, "the test rows are of another shape"));
        }
    }
    /* numbers: as many as there are units */
    make_world(&world, true);
    struct relud_train_config config = config_of(5, 2);
    struct relud_error error = {0};
    config.task = RELUD_TASK_REGRESSION;
    ck_assert_ptr_null(relud_train(&config, &world.data, NULL, NULL, NULL, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "2 units do not fit the targets"));
    /* images that are moved by less than their size */
    static const struct {
        size_t height, width, shift;
    } images[] = {{2, 3, 2}, {3, 2, 2}, {0, 0, 1}};
    for (size_t i = 0; i < 3; i++) {
        config = config_of(5, 1);
        config.augment_shift = images[i].shift;
        world.data.height = images[i].height, world.data.width = images[i].width;
        ck_assert_ptr_null(relud_train(&config, &world.data, NULL, NULL, NULL, NULL, &error));
        ck_assert_ptr_nonnull(strstr(error.text, "no images that can be moved by"));
    }
}
END_TEST

RUN_SUITE("trainer_scarce", no_memory_is_an_error_in_every_kind_of_training,
          images_are_moved_without_memory_too, checkpoints_are_written_whole_or_not,
          settings_are_checked_against_the_data)
