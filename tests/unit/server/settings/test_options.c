/* Command lines, the environment and files of settings: what they mean, and what is wrong by its words. */
#include "tests/unit/files.h"
#include "tests/unit/scarcity.h"

#include "server/base/json_in.h"
#include "server/cli/commands.h"
#include "server/cli/train_options.h"
#include "server/settings/config.h"
#include <math.h>

enum { WORDS_MAX = CONFIG_MODELS_MAX + 100, LINE_BYTES = 4096 };

/* Words with blanks between them. */
struct line {
    char text[LINE_BYTES];
    char *word[WORDS_MAX];
    int words;
};

static void split(struct line *line, const char *text)
{
    char *rest = NULL;
    snprintf(line->text, sizeof line->text, "relud %s", text);
    line->words = 0;
    for (char *word = strtok_r(line->text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        line->word[line->words++] = word;
}

/* ---- relud serve ---- */

static bool reads_config(void *with, struct relud_error *error)
{
    struct line *line = with;
    struct config config;
    bool is_read = config_read(&config, line->words, line->word, error);
    config_free(&config);
    return is_read;
}

static void refuses_config(const char *text, const char *words)
{
    struct line line;
    struct relud_error error = {0};
    split(&line, text);
    bool is_read = reads_config(&line, &error);
    ck_assert_msg(!is_read && strstr(error.text, words), "%s: '%s'; '%s' is wanted", text,
                  error.text, words);
}

START_TEST(wrong_words_of_serve_are_refused)
{
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"m -x", "unknown option -x"},
        {"m --colour=1", "unknown option --colour"},
        {"m --a_name_that_is_much_longer_than_any_option_of_this_program_could_be",
         "unknown option --a_name"},
        {"m --workers", "--workers needs a value: --workers N"},
        {"m --workers=", "--workers: '' is not a whole number from 0 to 1024"},
        {"m --workers 1x", "--workers: '1x' is not a whole number from 0 to 1024"},
        {"m --workers -1", "--workers: '-1' is not a whole number"},
        {"m --workers 1025", "--workers: '1025' is not a whole number"},
        {"m --workers 99999999999999999999999", "is not a whole number"},
        {"m --max-batch 0", "--max-batch: '0' is not a whole number from 1"},
        {"m --math slow", "--math: 'slow' is not one of exact|fast"},
        {"m --math exactly", "--math: 'exactly' is not one of exact|fast"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses_config(cases[i].line, cases[i].words);
    char many[LINE_BYTES] = "", words[64];
    for (int i = 0; i <= CONFIG_MODELS_MAX; i++)
        strcat(many, " m");
    snprintf(words, sizeof words, "at most %d arguments can be given: [MODEL|DIR]...",
             CONFIG_MODELS_MAX);
    refuses_config(many, words);
    setenv("RELUD_WORKERS", "many", 1);
    refuses_config("m", "RELUD_WORKERS: 'many' is not a whole number");
    unsetenv("RELUD_WORKERS");
}
END_TEST

START_TEST(flags_win_over_the_environment_and_that_over_the_file)
{
    struct line line;
    struct config config;
    struct relud_error error = {0};
    char text[256];
    const char *dir = new_directory(),
               *json = "{\"workers\":1,\"max-rows\":10,\"max-batch\":20,\"nonfinite\":\"null\","
                       "\"sandbox\":false,\"listen\":\"a:1\"}";
    write_file(dir, "model.json", json, strlen(json));
    setenv("RELUD_MAX_ROWS", "11", 1);
    setenv("RELUD_MAX_BATCH", "21", 1);
    snprintf(text, sizeof text,
             "a --max-batch=22 - b --config=%s/model.json --cors-origin https://a --cors-origin "
             "https://b",
             dir);
    split(&line, text);
    ck_assert_msg(config_read(&config, line.words, line.word, &error), "%s", error.text);
    ck_assert_uint_eq(config.workers, 1);
    ck_assert_uint_eq(config.request_rows_max, 11);
    ck_assert_uint_eq(config.batch_rows_max, 22);
    ck_assert_int_eq(config.nonfinite, NONFINITE_NULL);
    ck_assert_int_eq(config.no_sandbox, 1);
    ck_assert_str_eq(config.listen, "a:1");
    ck_assert_str_eq(config.cors_origins, "https://a,https://b");
    ck_assert_uint_eq(config.models_len, 3);
    ck_assert_str_eq(config.models[1], "-");
    config_free(&config);
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, reads_config, &line);
    scarce_each(SCARCE_FILES, RELUD_IO, reads_config, &line);
    unsetenv("RELUD_MAX_ROWS"), unsetenv("RELUD_MAX_BATCH");
    remove_directory(dir);
}
END_TEST

START_TEST(A1_a_request_has_a_deadline_where_none_is_asked_for)
{
    char serve[] = "serve", *words[] = {serve, NULL};
    struct config config;
    struct relud_error error = {0};
    ck_assert_msg(config_read(&config, 1, words, &error), "%s", error.text);
    ck_assert_uint_eq(config.request_timeout_ms, 30000);
    config_free(&config);
}
END_TEST

START_TEST(wrong_files_of_settings_are_refused)
{
    static const struct {
        const char *json, *words;
    } cases[] = {
        {"", "ends too early"},
        {"{\"workers\":", "ends too early"},
        {"[]", "this is not a JSON object"},
        {"{\"colour\":1}", "unknown key 'colour'"},
        {"{\"workers\":\"x\"}", "workers: 'x' is not a whole number"},
        {"{\"workers\":1.5}", "workers: '1.5' is not a whole number"},
        {"{\"workers\":true}", "workers: 'on' is not a whole number"},
        {"{\"workers\":false}", "workers: 'off' is not a whole number"},
        {"{\"workers\":null}", "'workers' must be a text, number or boolean"},
        {"{\"workers\":[1]}", "'workers' must be a text, number or boolean"},
        {"{\"workers\":1,\"workers\":2}", "stands twice"},
    };
    char dir[64], text[128], *great = malloc(70000);
    strcpy(dir, new_directory());
    snprintf(text, sizeof text, "m --config %s/model.json", dir);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(dir, "model.json", cases[i].json, strlen(cases[i].json));
        refuses_config(text, cases[i].words);
    }
    memset(great, ' ', 70000);
    write_file(dir, "model.json", great, 70000);
    refuses_config(text, "70000 bytes; at most 65536 are read");
    free(great);
    refuses_config("m --config /nonexistent", "--config /nonexistent: No such file");
    refuses_config("m --config /tmp", "--config /tmp: Is a directory");
    remove_directory(dir);
}
END_TEST

START_TEST(U2_a_key_of_a_file_may_have_underscores)
{
    char dir[64], text[160];
    struct line line;
    struct config config;
    struct relud_error error = {0};
    static const char json[] = "{\"max_batch\":3,\"max-rows\":4}";
    strcpy(dir, new_directory());
    write_file(dir, "model.json", json, strlen(json));
    snprintf(text, sizeof text, "--config %s/model.json --cors-origin a --listen b --cors-origin c",
             dir);
    setenv("RELUD_CORS_ORIGIN", "d", 1);
    split(&line, text);
    ck_assert_msg(config_read(&config, line.words, line.word, &error), "%s", error.text);
    ck_assert_uint_eq(config.batch_rows_max, 3);
    ck_assert_uint_eq(config.request_rows_max, 4);
    ck_assert_str_eq(config.cors_origins, "a,c");
    config_free(&config);
    unsetenv("RELUD_CORS_ORIGIN");
    static const char *const cases[][2] = {
        {"{\"lisen\":\"x\"}", "unknown key 'lisen'; did you mean 'listen'?"},
        {"{\"maxbatch\":1}", "unknown key 'maxbatch'; did you mean 'max-batch'?"},
        {"{\"config\":\"x\"}", "unknown key 'config'"},
        {"{\"math\":\"fats\"}", "did you mean 'fast'?"},
    };
    snprintf(text, sizeof text, "m --config %s/model.json", dir);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(dir, "model.json", cases[i][0], strlen(cases[i][0]));
        refuses_config(text, cases[i][1]);
    }
    remove_directory(dir);
}
END_TEST

/* ---- documents ---- */

static bool opens_file(void *with, struct relud_error *error)
{
    struct json_in *document = json_in_file(with, error);
    json_in_close(document);
    return document != NULL;
}

START_TEST(small_files_are_objects)
{
    static const struct {
        const char *json, *words;
    } cases[] = {{"[1]", "this is not a JSON object"},
                 {"{", "ends too early"},
                 {"{\"a\":1,\"a\":2}", "stands twice"}};
    char dir[64], path[128];
    struct relud_error error = {0};
    strcpy(dir, new_directory());
    snprintf(path, sizeof path, "%s/model.json", dir);
    ck_assert(!opens_file(path, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "No such file"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(dir, "model.json", cases[i].json, strlen(cases[i].json));
        ck_assert(!opens_file(path, &error));
        ck_assert_msg(strstr(error.text, cases[i].words) != NULL, "%s", error.text);
        ck_assert_ptr_nonnull(strstr(error.text, path));
    }
    write_file(dir, "model.json", "{\"a\":1}", 7);
    ck_assert(opens_file(path, &error));
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, opens_file, path);
    scarce_each(SCARCE_FILES, RELUD_IO, opens_file, path);
    remove_directory(dir);
}
END_TEST

START_TEST(members_are_asked_for_by_type)
{
    struct relud_error error = {0};
    struct json_in *document =
        json_in_open("{\"t\":\"x\",\"n\":1.5,\"b\":true,\"f\":[1,2],\"o\":{}}", &error);
    const char *text = "-";
    double number = 7;
    size_t count = 7, len = 0;
    bool flag = false;
    float floats[2];
    ck_assert(json_in_text(document, "t", &text, &error) && strcmp(text, "x") == 0);
    ck_assert(json_in_text(document, "none", &text, &error) && strcmp(text, "x") == 0);
    ck_assert(json_in_number(document, "n", &number, &error) && number == 1.5);
    ck_assert(json_in_bool(document, "b", &flag, &error) && flag);
    ck_assert(json_in_floats(document, "f", floats, 2, &len, &error) && len == 2 && floats[1] == 2);
    ck_assert(json_in_floats(document, "n", floats, 2, &len, &error) && len == 1);
    ck_assert(json_in_floats(document, "none", floats, 2, &len, &error) && len == 1);
    ck_assert(!json_in_count(document, "n", 0, 9, &count, &error));
    ck_assert(json_in_count(document, "none", 0, 9, &count, &error) && count == 7);
    ck_assert(!json_in_count(document, "t", 0, 9, &count, &error));
    ck_assert(!json_in_end(document, "t, n", &error));
    ck_assert_str_eq(error.text, "unknown member 'o'; known here: t, n");
    for (int i = 0; i < 20; i++) /* more is asked for than is remembered: no harm */
        json_in_member(document, "o");
    ck_assert(!json_node_is_array(json_in_member(document, "o")));
    ck_assert(json_node_bool(json_in_member(document, "b"), &flag));
    ck_assert(!json_node_bool(json_in_member(document, "n"), &flag));
    json_in_close(document);
    json_in_close(NULL);
}
END_TEST

/* ---- relud train ---- */

#define TRAIN "--data d --layers 4,3,2 --out o "

static bool reads_training(void *with, struct relud_error *error)
{
    struct line *line = with;
    struct train_options options;
    bool is_read = train_options_read(&options, line->words, line->word, error);
    train_options_free(&options);
    return is_read;
}

START_TEST(wrong_words_of_train_are_refused)
{
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"--layers 4,2 --out o", "--data FILE is missing"},
        {"--data d --layers 4,2", "--out DIR is missing"},
        {TRAIN "word", "unexpected argument 'word'"},
        {TRAIN "-", "unexpected argument '-'"},
        {TRAIN "-x", "unknown option -x"},
        {TRAIN "--config f", "unknown option --config"},
        {TRAIN "--nesterov=1", "--nesterov takes no value"},
        {TRAIN "--lr=", "--lr: '' is not a number from 0 to 1e+06"},
        {TRAIN "--lr=auto", "--lr: 'auto' is not a number from 0 to 1e+06"},
        {TRAIN "--dropout=none", "--dropout: 'none' is not a number from 0 to 0.99, or auto"},
        {TRAIN "--lr x", "--lr: 'x' is not a number"},
        {TRAIN "--lr 1x", "--lr: '1x' is not a number"},
        {TRAIN "--lr nan", "--lr: 'nan' is not a number"},
        {TRAIN "--lr -1", "--lr: '-1' is not a number"},
        {TRAIN "--lr 1e7", "--lr: '1e7' is not a number"},
        {"--data d --out o --layers 4,x",
         "--layers: '4,x' is not a list of numbers from 1 to 1048576"},
        {"--data d --out o --layers 4,0", "--layers: '4,0' is not a list of numbers from 1"},
        {"--data d --out o --layers 4,1048577", "numbers from 1 to 1048576"},
        {"--data d --out o --layers 4;2", "numbers from 1"},
        {"--data d --out o --layers 4,", "numbers from 1"},
        {"--data d --out o --layers 4",
         "at least two numbers are needed, the features and one layer"},
        {"--data d --out o --layers "
         "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
         "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
         "--layers: at most 64 layers are possible"},
        {TRAIN "--activation none", "--activation: there is no activation 'none'"},
        {TRAIN "--activation=", "--activation: 0 activations are given for 1 hidden layers"},
        {TRAIN "--activation :", "--activation: there is no activation ''"},
        {TRAIN "--activation elu:alpha", "--activation: elu: 'alpha' is none of its parameters"},
        {TRAIN "--activation elu:beta=1", "--activation: elu: 'beta=1' is none of its parameters"},
        {TRAIN "--activation elu:alpha=", "'alpha=' is none of its parameters"},
        {TRAIN "--activation elu:alpha=x", "'alpha=x' is none of its parameters"},
        {TRAIN "--activation elu:alpha=1x", "'alpha=1x' is none of its parameters"},
        {TRAIN "--activation elu:alpha=inf", "'alpha=inf' is none of its parameters"},
        {TRAIN "--activation gelu:approximate=erf", "'approximate=erf' is none of its parameters"},
        {TRAIN "--activation relu:channels", "relu: 'channels' is none of its parameters"},
        {TRAIN "--activation relu,relu,relu",
         "--activation: 3 activations are given for 1 hidden layers"},
        {"--data d --out o --layers 4,2 --activation tanh",
         "--activation: there is no hidden layer"},
        {"--data d --out o --layers 4,2 --activation relu,tanh",
         "--activation: there is no hidden layer"},
        {"--data d --out o --layers 4,2 --activation=", "--activation: there is no hidden layer"},
        {TRAIN "--schedule slow", "--schedule: 'slow' is not constant, cosine or step"},
        {TRAIN "--schedule stepping", "--schedule: 'stepping' is not"},
        {TRAIN "--schedule step:", "--schedule: 'step:' is not"},
        {TRAIN "--schedule step:0", "--schedule: 'step:0' is not"},
        {TRAIN "--schedule step:3x", "--schedule: 'step:3x' is not"},
        {TRAIN "--schedule step:3:", "--schedule: 'step:3:' is not"},
        {TRAIN "--schedule step:3:0", "--schedule: 'step:3:0' is not"},
        {TRAIN "--schedule step:3:2", "--schedule: 'step:3:2' is not"},
        {TRAIN "--schedule step:3:0.5x", "--schedule: 'step:3:0.5x' is not"},
        {TRAIN "--augment turn:3", "--augment: 'turn:3' is not shift:N"},
        {TRAIN "--augment shift:x", "--augment: 'shift:x' is not shift:N"},
        {TRAIN "--augment shift:3x", "--augment: 'shift:3x' is not shift:N"},
        {TRAIN "--augment shift:0", "--augment: 'shift:0' is not shift:N"},
        {TRAIN "--augment shift:1000", "--augment: 'shift:1000' is not shift:N"},
        {TRAIN "--validation 1", "--validation: a share must be above 0 and below 1"},
        {TRAIN "--validation 0", "--validation: a share must be above 0 and below 1"},
        {TRAIN "--validation 0.1 --validation-labels l",
         "--validation-labels needs a file in --validation"},
        {TRAIN "--validation-labels l",
         "--test-labels needs --test, and --validation-labels needs"},
        {TRAIN "--test-labels l", "--test-labels needs --test, and --validation-labels needs"},
        {TRAIN "--labels l --target t", "--labels and --target cannot be used together"},
        {TRAIN "--name a/b", "--name: 'a/b' is not a name; a name has 1 to 64 characters of"},
        {TRAIN "--standardize --scale 2", "--standardize cannot be used with --scale or --shift"},
        {TRAIN "--standardize --shift 2", "--standardize cannot be used with --scale or --shift"},
        {TRAIN "--nesterov --optimizer adam",
         "--nesterov needs --optimizer sgd and a --momentum above 0"},
        {TRAIN "--nesterov --momentum 0",
         "--nesterov needs --optimizer sgd and a --momentum above 0"},
        {TRAIN "--scale 1e-60", "--scale: 1e-60 is 0 in float32"},
        {TRAIN "--patience 3", "--patience needs --validation"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct line line;
        struct relud_error error = {0};
        split(&line, cases[i].line);
        bool is_read = reads_training(&line, &error);
        ck_assert_msg(!is_read && strstr(error.text, cases[i].words), "%s: '%s'; '%s' is wanted",
                      cases[i].line, error.text, cases[i].words);
    }
    char many[700] = TRAIN "--activation relu";
    for (int i = 0; i < 66; i++)
        strcat(many, ",relu");
    struct line line;
    struct relud_error error = {0};
    split(&line, many);
    ck_assert(!reads_training(&line, &error));
    ck_assert_msg(
        strstr(error.text, "--activation: there are more activations than layers are possible") !=
            NULL,
        "%s", error.text);
}
END_TEST

START_TEST(right_words_of_train_are_settings_and_a_recipe)
{
    static const char text[] =
        TRAIN "--layers=4,3,3,2 --activation prelu:channels,gelu:approximate=tanh,elu:alpha=0.5 "
              "--schedule step:3:0.5 --augment "
              "shift:2 --validation 0.25 --patience 2 --nesterov --optimizer=sgd --seed 9 --target "
              "it's --description two";
    struct line line;
    struct train_options options;
    struct relud_error error = {0};
    split(&line, text);
    ck_assert_msg(train_options_read(&options, line.words, line.word, &error), "%s", error.text);
    const struct relud_train_config *config = &options.config;
    ck_assert_uint_eq(options.features, 4);
    ck_assert_uint_eq(config->layers, 3);
    ck_assert(config->layer[0].has_slope_per_unit && config->layer[1].params.values[0] == 1);
    ck_assert(config->layer[2].params.values[0] == 0.5f && config->layer[2].units == 2);
    ck_assert_int_eq(config->schedule, RELUD_SCHEDULE_STEP);
    ck_assert(config->step_epochs == 3 && config->step_factor == 0.5);
    ck_assert_uint_eq(config->augment_shift, 2);
    ck_assert(config->validation_share == 0.25 && config->nesterov);
    ck_assert_msg(strstr(options.recipe.at, "--target 'it'\\''s'") != NULL, "%s",
                  options.recipe.at);
    ck_assert_ptr_nonnull(strstr(options.recipe.at, "--nesterov"));
    ck_assert_ptr_null(strstr(options.recipe.at, "--out"));
    const unsigned char bytes[1] = {0};
    ck_assert(train_options_fit(&options, &(struct relud_dataset){.bytes = bytes}, &error));
    ck_assert(config->lr == 0.01 && config->scale == (float)(1 / 255.0) &&
              config->task == RELUD_TASK_CLASSIFICATION);
    ck_assert_str_eq(config->description, "two");
    train_options_free(&options);
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, reads_training, &line);

    split(&line, TRAIN
          "--optimizer adam --schedule step --epochs 2 --validation file --validation-labels l");
    ck_assert_msg(train_options_read(&options, line.words, line.word, &error), "%s", error.text);
    ck_assert(options.has_validation_file);
    ck_assert_ptr_null(strstr(options.recipe.at, "--validation"));
    ck_assert(train_options_fit(&options, &(struct relud_dataset){.outputs = 1}, &error));
    ck_assert(config->lr == 0.001 && config->step_epochs == 1 && config->scale == 1 &&
              config->task == RELUD_TASK_REGRESSION && !config->description);
    train_options_free(&options);
    split(&line, TRAIN "--schedule cosine --epochs 9 --scale 0.5 --activation relu,identity");
    ck_assert_msg(train_options_read(&options, line.words, line.word, &error), "%s", error.text);
    ck_assert_int_eq(config->schedule, RELUD_SCHEDULE_COSINE);
    ck_assert_ptr_nonnull(config->layer[1].activation);
    ck_assert(train_options_fit(&options, &(struct relud_dataset){.outputs = 1}, &error));
    ck_assert(config->scale == 0.5f);
    train_options_free(&options);
    split(&line, TRAIN "--layers 4,3,3,2 --activation tanh,elu");
    ck_assert_msg(train_options_read(&options, line.words, line.word, &error), "%s", error.text);
    ck_assert_ptr_eq(config->layer[0].activation, relud_activation_find("tanh"));
    ck_assert_ptr_eq(config->layer[1].activation, relud_activation_find("elu"));
    ck_assert(config->layers == 3 && !config->layer[2].activation && config->layer[2].units == 2);
    train_options_free(&options);
    split(&line, TRAIN "--schedule step:2 --lr 0.1 --shift 0.30000000000000004");
    ck_assert_msg(train_options_read(&options, line.words, line.word, &error), "%s", error.text);
    ck_assert_ptr_nonnull(strstr(options.recipe.at, "--shift 0.30000000000000004"));
    ck_assert_ptr_nonnull(strstr(options.recipe.at, "--lr 0.1"));
    train_options_free(&options);
}
END_TEST

/* Byte for byte, and so in the same order: checkpoints of older versions are compared by it. */
START_TEST(the_recipe_of_the_bundled_model_is_written_again)
{
    static const char text[] =
        TRAIN "--test t --test-labels l --layers 784,256,10 --activation relu --epochs 60 "
              "--batch 100 --lr 0.08 --momentum 0.9 --nesterov --weight-decay 1e-4 "
              "--schedule cosine --augment shift:1 --seed 1 --name digits --description digits "
              "--overwrite";
    struct line line;
    struct train_options options;
    struct relud_error error = {0};
    relud_model *model = relud_model_load("deploy/models/digits/1", NULL, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    split(&line, text);
    ck_assert_msg(train_options_read(&options, line.words, line.word, &error), "%s", error.text);
    const unsigned char bytes[1] = {0};
    ck_assert(train_options_fit(&options, &(struct relud_dataset){.bytes = bytes}, &error));
    ck_assert_str_eq(options.recipe.at, relud_model_info(model)->training->recipe);
    train_options_free(&options);
    relud_model_release(model);
}
END_TEST

RUN_SUITE("options", U2_a_key_of_a_file_may_have_underscores, wrong_words_of_serve_are_refused,
          flags_win_over_the_environment_and_that_over_the_file,
          A1_a_request_has_a_deadline_where_none_is_asked_for, wrong_files_of_settings_are_refused,
          small_files_are_objects, members_are_asked_for_by_type, wrong_words_of_train_are_refused,
          right_words_of_train_are_settings_and_a_recipe,
          the_recipe_of_the_bundled_model_is_written_again)
