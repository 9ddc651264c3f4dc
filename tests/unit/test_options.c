/* Command lines, the environment and files of settings: what they mean, and what is wrong by its words. */
#include "tests/unit/files.h"
#include "tests/unit/scarcity.h"

#include "server/config.h"
#include "server/json_in.h"
#include "server/keys.h"
#include "server/train_options.h"
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
        {"m --workers", "--workers wants a value"},
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
    snprintf(words, sizeof words, "more than %d models", CONFIG_MODELS_MAX);
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
                       "\"answer-constant\":true,\"listen\":\"a:1\"}";
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
    ck_assert_int_eq(config.constant, 1);
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

START_TEST(wrong_files_of_settings_are_refused)
{
    static const struct {
        const char *json, *words;
    } cases[] = {
        {"", "ends too early"},
        {"{\"workers\":", "ends too early"},
        {"[]", "a JSON object is wanted"},
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
    refuses_config(text, "over 65536 bytes");
    free(great);
    refuses_config("m --config /nonexistent", "--config /nonexistent: No such file");
    refuses_config("m --config /tmp", "--config /tmp: Is a directory");
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
    } cases[] = {{"[1]", "a JSON object is wanted"},
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
        {"--layers 4,2 --out o", "--data FILE is wanted"},
        {"--data d --out o --layers=", "--layers A,B,C is wanted"},
        {"--data d --layers 4,2", "--out DIR is wanted"},
        {TRAIN "word", "'word' is not understood"},
        {TRAIN "-", "'-' is not understood"},
        {TRAIN "-x", "unknown option -x"},
        {TRAIN "--config f", "unknown option --config"},
        {TRAIN "--nesterov=1", "--nesterov takes no value"},
        {TRAIN "--lr=", "--lr: '' is not a number from 0 to 1e+06"},
        {TRAIN "--lr x", "--lr: 'x' is not a number"},
        {TRAIN "--lr 1x", "--lr: '1x' is not a number"},
        {TRAIN "--lr nan", "--lr: 'nan' is not a number"},
        {TRAIN "--lr -1", "--lr: '-1' is not a number"},
        {TRAIN "--lr 1e7", "--lr: '1e7' is not a number"},
        {"--data d --out o --layers 4,x", "--layers: '4,x': numbers from 1 to 1048576"},
        {"--data d --out o --layers 4,0", "--layers: '4,0': numbers from 1"},
        {"--data d --out o --layers 4,1048577", "numbers from 1 to 1048576"},
        {"--data d --out o --layers 4;2", "numbers from 1"},
        {"--data d --out o --layers 4,", "numbers from 1"},
        {"--data d --out o --layers 4", "the features and at least one layer are wanted"},
        {"--data d --out o --layers "
         "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
         "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
         "--layers: more than 64 layers"},
        {TRAIN "--activation none", "--activation: there is no 'none'"},
        {TRAIN "--activation=", "--activation: 0 of them for 1 hidden layers"},
        {TRAIN "--activation :", "--activation: there is no ''"},
        {TRAIN "--activation elu:alpha", "--activation: elu: 'alpha' is none of its parameters"},
        {TRAIN "--activation elu:beta=1", "--activation: elu: 'beta=1' is none of its parameters"},
        {TRAIN "--activation elu:alpha=", "'alpha=' is none of its parameters"},
        {TRAIN "--activation elu:alpha=x", "'alpha=x' is none of its parameters"},
        {TRAIN "--activation elu:alpha=1x", "'alpha=1x' is none of its parameters"},
        {TRAIN "--activation elu:alpha=inf", "'alpha=inf' is none of its parameters"},
        {TRAIN "--activation gelu:approximate=erf", "'approximate=erf' is none of its parameters"},
        {TRAIN "--activation relu:channels", "relu: 'channels' is none of its parameters"},
        {TRAIN "--activation relu,relu,relu", "--activation: 3 of them for 1 hidden layers"},
        {"--data d --out o --layers 4,2 --activation tanh",
         "--activation: there is no hidden layer"},
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
        {TRAIN "--validation 1", "--validation: a share from above 0 to below 1"},
        {TRAIN "--validation 0", "--validation: a share from above 0 to below 1"},
        {TRAIN "--validation 0.1 --validation-labels l",
         "--validation-labels: the validation rows are a share"},
        {TRAIN "--validation-labels l", "--test-labels and --validation-labels want --test"},
        {TRAIN "--test-labels l", "--test-labels and --validation-labels want --test"},
        {TRAIN "--labels l --target t", "--labels and --target exclude each other"},
        {TRAIN "--name a/b", "--name: 'a/b': 1 to 64 of"},
        {TRAIN "--standardize --scale 2", "--standardize excludes --scale and --shift"},
        {TRAIN "--standardize --shift 2", "--standardize excludes --scale and --shift"},
        {TRAIN "--nesterov --optimizer adam", "--nesterov wants --optimizer sgd and a momentum"},
        {TRAIN "--nesterov --momentum 0", "--nesterov wants --optimizer sgd and a momentum"},
        {TRAIN "--scale 1e-60", "--scale: 1e-60 is 0 in float32"},
        {TRAIN "--patience 3", "--patience wants --validation"},
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
    ck_assert_msg(strstr(error.text, "--activation: too many") != NULL, "%s", error.text);
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
    ck_assert(config->validation_share == 0.25 && config->lr == 0.01 && config->nesterov);
    ck_assert_msg(strstr(options.recipe.at, "--target 'it'\\''s'") != NULL, "%s",
                  options.recipe.at);
    ck_assert_ptr_nonnull(strstr(options.recipe.at, "--nesterov"));
    ck_assert_ptr_null(strstr(options.recipe.at, "--out"));
    const unsigned char bytes[1] = {0};
    train_options_fit(&options, &(struct relud_dataset){.bytes = bytes});
    ck_assert(config->scale == (float)(1 / 255.0) && config->task == RELUD_TASK_CLASSIFICATION);
    ck_assert_str_eq(config->description, "two");
    train_options_free(&options);
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, reads_training, &line);

    split(&line, TRAIN
          "--optimizer adam --schedule step --epochs 2 --validation file --validation-labels l");
    ck_assert_msg(train_options_read(&options, line.words, line.word, &error), "%s", error.text);
    ck_assert(options.has_validation_file && config->lr == 0.001 && config->step_epochs == 1);
    ck_assert_ptr_null(strstr(options.recipe.at, "--validation"));
    train_options_fit(&options, &(struct relud_dataset){.outputs = 1});
    ck_assert(config->scale == 1 && config->task == RELUD_TASK_REGRESSION && !config->description);
    train_options_free(&options);
    split(&line, TRAIN "--schedule cosine --epochs 9 --scale 0.5 --activation relu,identity");
    ck_assert_msg(train_options_read(&options, line.words, line.word, &error), "%s", error.text);
    ck_assert_int_eq(config->schedule, RELUD_SCHEDULE_COSINE);
    ck_assert_ptr_nonnull(config->layer[1].activation);
    train_options_fit(&options, &(struct relud_dataset){.outputs = 1});
    ck_assert(config->scale == 0.5f);
    train_options_free(&options);
    split(&line, TRAIN "--schedule step:2 --lr 0.1 --shift 0.30000000000000004");
    ck_assert_msg(train_options_read(&options, line.words, line.word, &error), "%s", error.text);
    ck_assert_ptr_nonnull(strstr(options.recipe.at, "--shift 0.30000000000000004"));
    ck_assert_ptr_nonnull(strstr(options.recipe.at, "--lr 0.1"));
    train_options_free(&options);
}
END_TEST

/* ---- keys ---- */

#define HASH                                                                                       \
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* of "abc" */

static bool loads_keys(void *with, struct relud_error *error)
{
    struct keyring ring = {.path = with};
    bool is_loaded = keyring_load(&ring, error);
    keyring_free(&ring);
    return is_loaded;
}

START_TEST(keys_are_read_or_refused_by_their_line)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "there is no key in it"},
        {"# nothing\n\n", "there is no key in it"},
        {"a infer\n", "line 1: LABEL SCOPES sha256:HEX is wanted"},
        {"\na infer " HASH " more\n", "line 2: LABEL SCOPES sha256:HEX is wanted"},
        {"01234567890123456789012345678901234567890123456789012345678901234 infer " HASH,
         "line 1: LABEL SCOPES"},
        {"a read " HASH, "line 1: the scopes are infer, admin and metrics"},
        {"a , " HASH, "line 1: the scopes are infer, admin and metrics"},
        {"a infer md5:00", "sha256: and 64 hexadecimal digits are wanted"},
        {"a infer sha256:00", "sha256: and 64 hexadecimal digits are wanted"},
        {"a infer " HASH "0", "sha256: and 64 hexadecimal digits are wanted"},
        {"a infer sha256:g0", "sha256: and 64 hexadecimal digits are wanted"},
        {"a infer sha256:0", "sha256: and 64 hexadecimal digits are wanted"},
    };
    char dir[64], path[128];
    struct relud_error error = {0};
    strcpy(dir, new_directory());
    snprintf(path, sizeof path, "%s/model.json", dir);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(dir, "model.json", cases[i].text, strlen(cases[i].text));
        bool is_loaded = loads_keys(path, &error);
        ck_assert_msg(!is_loaded && strstr(error.text, cases[i].words), "%s: '%s'", cases[i].text,
                      error.text);
    }
    char *many = malloc(2 << 20);
    size_t len = 0;
    for (int i = 0; i < 4097; i++)
        len += (size_t)sprintf(many + len, "a infer " HASH "\n");
    write_file(dir, "model.json", many, len);
    ck_assert(!loads_keys(path, &error));
    ck_assert_msg(strstr(error.text, "more than 4096 keys") != NULL, "%s", error.text);
    memset(many, ' ', 2 << 20);
    write_file(dir, "model.json", many, 2 << 20);
    ck_assert(!loads_keys(path, &error));
    ck_assert_msg(strstr(error.text, "is over 1048576 bytes") != NULL, "%s", error.text);
    free(many);
    static char folder[] = "/tmp";
    ck_assert(!loads_keys(folder, &error));
    const char *right = "a\tinfer,metrics " HASH " # mine\r\nb admin " HASH;
    write_file(dir, "model.json", right, strlen(right));
    struct keyring ring = {.path = path};
    ck_assert_uint_eq(keyring_scopes(&ring, "abc", 3), 0);
    ck_assert_msg(keyring_load(&ring, &error), "%s", error.text);
    ck_assert_uint_eq(keyring_scopes(&ring, "abc", 3), KEY_INFER | KEY_ADMIN | KEY_METRICS);
    ck_assert_uint_eq(keyring_scopes(&ring, "abd", 3), 0);
    write_file(dir, "model.json", "x", 1); /* wrong now: what was read counts on */
    ck_assert(!keyring_load(&ring, &error));
    ck_assert_uint_ne(keyring_scopes(&ring, "abc", 3), 0);
    keyring_free(&ring);
    write_file(dir, "model.json", right, strlen(right));
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, loads_keys, path);
    scarce_each(SCARCE_FILES, RELUD_IO, loads_keys, path);
    remove_directory(dir);
}
END_TEST

RUN_SUITE("options", wrong_words_of_serve_are_refused,
          flags_win_over_the_environment_and_that_over_the_file,
          wrong_files_of_settings_are_refused, small_files_are_objects,
          members_are_asked_for_by_type, wrong_words_of_train_are_refused,
          right_words_of_train_are_settings_and_a_recipe, keys_are_read_or_refused_by_their_line)
