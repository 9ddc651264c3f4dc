/* Trainings over rows with words and gaps, held to the bits of the same training over rows that were encoded by hand. */
#include "tests/unit/files.h"
#include "tests/unit/scarcity.h"
#include "tests/unit/suite.h"

#include "core/base/words.h"
#include <math.h>
#include <relud/relud.h>

enum { PEOPLE = 90, COLUMNS = 4, ENCODED = 8 };

static const char *const cities[] = {"Bern", "New York", "Rome"}, *const plans[] = {"free", "paid"};
static const char *const labels[] = {"no", "yes"};
static const char *const names[] = {"age", "city", "plan", ""};

/* A number, two words and a number; and the same with a number for each category. */
static struct people {
    float values[PEOPLE * COLUMNS], encoded[PEOPLE * ENCODED], means[COLUMNS];
    uint32_t classes[PEOPLE];
    struct relud_words city, plan;
    struct relud_feature at[COLUMNS];
    struct relud_features features;
    struct relud_dataset data, plain;
} people;
static struct arena arena;

static void setup(void)
{
    struct relud_error error;
    uint64_t state = 4;
    struct people *p = &people;
    *p = (struct people){0};
    ck_assert(words_make(&p->city, &arena, cities, 3, &error) &&
              words_make(&p->plan, &arena, plans, 2, &error));
    p->city.takes_unknown = true;
    p->plan.missing = 1;
    p->at[1].words = &p->city;
    p->at[2] = (struct relud_feature){.words = &p->plan, .is_imputed = true};
    p->features = (struct relud_features){
        .at = p->at, .len = COLUMNS, .has_words = true, .has_imputed = true};
    p->means[0] = 0.25F;
    p->means[1] = p->means[2] = p->means[3] = NAN;
    for (size_t r = 0; r < PEOPLE; r++) {
        float *x = &p->values[r * COLUMNS], *z = &p->encoded[r * ENCODED];
        x[0] = z[0] = random_normal(&state);
        x[3] = z[6] = random_normal(&state);
        size_t city = random_below(&state, 4), plan = random_below(&state, 2);
        x[1] = (float)city; /* 3: a word that is not known */
        x[2] = (float)plan;
        if (city < 3)
            z[1 + city] = 1;
        z[4 + plan] = 1;
        z[7] = -x[0];
        p->classes[r] = city == 2 || x[0] + x[3] > 0 ? 1 : 0;
    }
    p->data = (struct relud_dataset){.rows = PEOPLE,
                                     .features = COLUMNS,
                                     .values = p->values,
                                     .classes = p->classes,
                                     .labels = 2,
                                     .label = labels,
                                     .name = names,
                                     .means = p->means,
                                     .feature = &p->features};
    p->plain = p->data;
    p->plain.name = NULL;
    p->plain.means = NULL;
    p->plain.feature = NULL;
}

static void teardown(void)
{
    arena_reset(&arena);
}

static struct relud_train_config config(void)
{
    struct relud_train_config config = {.layers = 2,
                                        .task = RELUD_TASK_CLASSIFICATION,
                                        .epochs = 12,
                                        .batch = 16,
                                        .lr = 0.05,
                                        .momentum = 0.9,
                                        .seed = 3,
                                        .name = "people"};
    config.layer[0].units = 9;
    config.layer[0].activation = relud_activation_find("relu");
    config.layer[1].units = 1;
    return config;
}

static void predict(relud_model *model, const float *x, float y[PEOPLE])
{
    struct relud_error error;
    relud_scratch *scratch = relud_scratch_new(model, 7, &error);
    ck_assert_ptr_nonnull(scratch);
    relud_predict(scratch, x, PEOPLE, y);
    relud_scratch_free(scratch);
}

START_TEST(words_are_learned_as_numbers_for_each_category_are)
{
    struct relud_error error;
    struct relud_train_config wanted = config();
    float with_words[PEOPLE], by_hand[PEOPLE], saved[PEOPLE], x[PEOPLE * 7];
    for (size_t r = 0; r < PEOPLE; r++)
        memcpy(x + r * 7, people.encoded + r * ENCODED, 7 * sizeof *x);
    people.plain.features = 7;
    people.plain.values = x;
    relud_model *model = relud_train(&wanted, &people.data, NULL, NULL, NULL, NULL, &error);
    ck_assert_msg(model && error.code == RELUD_OK, "%s", error.text);
    relud_model *plain = relud_train(&wanted, &people.plain, NULL, NULL, NULL, NULL, &error);
    ck_assert_msg(plain && error.code == RELUD_OK, "%s", error.text);
    predict(model, people.values, with_words);
    predict(plain, x, by_hand);
    ck_assert_mem_eq(with_words, by_hand, sizeof by_hand);
    ck_assert_double_eq(relud_model_info(model)->training->loss,
                        relud_model_info(plain)->training->loss);
    const char *dir = new_directory();
    ck_assert_msg(relud_model_save(model, dir, "people", &error), "%s", error.text);
    relud_model *again = relud_model_load(dir, NULL, &error);
    ck_assert_msg(again != NULL, "%s", error.text);
    predict(again, people.values, saved);
    ck_assert_mem_eq(saved, with_words, sizeof saved);
    const struct relud_model_info *info = relud_model_info(again);
    ck_assert_uint_eq(info->inputs, COLUMNS);
    ck_assert_str_eq(info->input[1].name, "city");
    ck_assert_str_eq(info->input[3].name, "column 4");
    ck_assert(relud_words_of(info->feature, 1)->takes_unknown);
    ck_assert_uint_eq(relud_words_of(info->feature, 2)->missing, 1);
    ck_assert(relud_is_imputed(info->feature, 0) && relud_is_imputed(info->feature, 2));
    ck_assert(!relud_is_imputed(info->feature, 1) && !relud_is_imputed(info->feature, 3));
    relud_model_release(again);
    relud_model_release(plain);
    relud_model_release(model);
    remove_directory(dir);
}
END_TEST

START_TEST(a_standardized_net_is_the_written_one)
{
    struct relud_error error;
    struct relud_train_config wanted = config();
    float y[PEOPLE];
    double loss = 0;
    wanted.standardize = true;
    relud_model *model = relud_train(&wanted, &people.data, NULL, &people.data, NULL, NULL, &error);
    ck_assert_msg(model && error.code == RELUD_OK, "%s", error.text);
    predict(model, people.values, y);
    for (size_t r = 0; r < PEOPLE; r++)
        loss += relud_log_loss(model, &y[r], people.classes[r]);
    ck_assert_double_eq_tol(relud_model_info(model)->training->test_loss, loss / PEOPLE, 1e-6);
    relud_model_release(model);
}
END_TEST

START_TEST(what_words_cannot_have_is_refused)
{
    struct relud_error error;
    struct relud_train_config wanted = config();
    wanted.scale = 2;
    ck_assert_ptr_null(relud_train(&wanted, &people.data, NULL, NULL, NULL, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "is scaled by --standardize, not by --scale"));
    wanted.scale = 1;
    people.data.features = 1001;
    people.data.rows = 2;
    float *wide = calloc(2 * 1001, sizeof *wide);
    people.data.values = wide;
    ck_assert_ptr_null(relud_train(&wanted, &people.data, NULL, NULL, NULL, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "1001 columns; at most 1000 are taken"));
    free(wide);
}
END_TEST

static bool is_trained(void *with, struct relud_error *error)
{
    const struct relud_train_config *wanted = with;
    relud_model *model = relud_train(wanted, &people.data, NULL, NULL, NULL, NULL, error);
    bool is_made = model && (error->code == RELUD_OK || error->code == RELUD_NOT_LEARNED);
    relud_model_release(model);
    return is_made;
}

START_TEST(no_memory_is_an_error)
{
    struct relud_train_config wanted = config();
    wanted.epochs = 2;
    wanted.standardize = true;
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, is_trained, &wanted);
}
END_TEST

RUN_SUITE_BETWEEN("trainer_words", setup, teardown,
                  words_are_learned_as_numbers_for_each_category_are,
                  a_standardized_net_is_the_written_one, what_words_cannot_have_is_refused,
                  no_memory_is_an_error)
