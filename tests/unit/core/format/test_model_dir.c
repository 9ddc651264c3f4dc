/* Model directories: what model.json may say, what it may not, and what lies beside it. */
#include "tests/unit/models.h"

#include "tests/unit/onnx_text.h"
#include "tests/unit/scarcity.h"
#include <math.h>
#include <sys/stat.h>

#define BARE               "{\"format\":\"relud-model/1\",\"name\":\"m\"}"
#define LAYER              "\"layers\":[{\"weight\":\"w\"}]"
#define IN(what)           HEAD "\"input\":" what "," LAYER "}"
#define OUT(what)          HEAD "\"output\":" what "," LAYER "}"
#define ACTIVATION(what)   HEAD "\"layers\":[{\"weight\":\"w\",\"activation\":" what "}]}"
#define TRAINING(what)     HEAD "\"training\":" what "," LAYER "}"
#define FEATURES(what)     TRAINING("{\"features\":{" what "}}")
#define FOUR               "\"mean\":[1,2,3],\"std\":[1,2,3],\"min\":[1,2,3],\"max\":[1,2,3]"
#define TENSOR(name, rest) "\"" name "\":{\"dtype\":\"F32\"," rest "}"

static const struct {
    const char *json, *words;
} refusals[] = {
    {"{\"format\":1}", "format must be a string"},
    {HEAD "\"description\":1," LAYER "}", "description must be a string"},
    {"{\"format\":\"relud-model/1\",\"name\":1}", "name must be a string"},
    {"{\"format\":\"relud-model/1\",\"name\":\"\"}", "name must be 1 to 64"},
    {"{\"format\":\"relud-model/1\",\"name\":\".m\"}", "name must be 1 to 64"},
    {"{\"format\":\"relud-model/1\",\"name\":\"a/b\"}", "name must be 1 to 64"},
    {"{\"format\":\"relud-model/1\",\"name\":\""
     "01234567890123456789012345678901234567890123456789012345678901234"
     "\"}",
     "name must be 1 to 64"},
    /* input */
    {IN("1"), "input must be an object"},
    {IN("{\"colour\":1}"), "unknown key 'input.colour'"},
    {IN("{\"features\":0}"), "input.features must be a whole number from 1 to 1048576"},
    {IN("{\"features\":1.5}"), "input.features must be a whole number"},
    {IN("{\"features\":\"3\"}"), "input.features must be a whole number"},
    {IN("{\"features\":1048577}"), "input.features must be a whole number"},
    {IN("{\"name\":1}"), "input.name must be a string"},
    {IN("{\"scale\":\"1\"}"), "input.scale must be a number that float32 can hold"},
    {IN("{\"scale\":1e39}"), "input.scale must be a number that float32 can hold"},
    {IN("{\"shift\":null}"), "input.shift must be a number"},
    {IN("{\"mean\":1}"), "input.mean must be a string"},
    {IN("{\"std\":1}"), "input.std must be a string"},
    {IN("{\"std\":\"b\"}"), "input.mean and input.std must be given together"},
    {IN("{\"mean\":\"m\",\"std\":\"s\",\"scale\":2}"), "mean and std as well as scale or shift"},
    {IN("{\"mean\":\"m\",\"std\":\"s\",\"shift\":2}"), "mean and std as well as scale or shift"},
    {IN("{\"mean\":\"nope\",\"std\":\"b\"}"), "there is no tensor 'nope', which input.mean wants"},
    {IN("{\"mean\":\"b\",\"std\":\"b\"}"),
     "tensor 'b' has 2 elements in 1 dimensions; input.mean wants [3]"},
    {IN("{\"mean\":\"m\",\"std\":\"nope\"}"), "there is no tensor 'nope', which input.std wants"},
    {IN("{\"mean\":\"m\",\"std\":\"z\"}"), "tensor 'z': element 1 is 0, a divisor"},
    /* output */
    {OUT("1"), "output must be an object"},
    {OUT("{\"colour\":1}"), "unknown key 'output.colour'"},
    {OUT("{\"name\":1}"), "output.name must be a string"},
    {OUT("{\"task\":1}"), "output.task must be a string"},
    {OUT("{\"labels\":{}}"), "output.labels must be an array of strings"},
    {OUT("{\"labels\":[\"a\",1]}"), "output.labels[1] must be a string"},
    {OUT("{\"task\":\"regression\",\"labels\":[\"a\"]}"),
     "output.labels has 1 labels; 2 are wanted"},
    /* layers */
    {HEAD "\"layers\":{}}", "layers must be an array of at least one layer"},
    {HEAD "\"layers\":[1]}", "layers[0] must be an object"},
    {HEAD "\"layers\":[{\"weight\":1}]}", "layers[0].weight must be a string"},
    {HEAD "\"layers\":[{\"weight\":\"w\",\"bias\":1}]}", "layers[0].bias must be a string"},
    {HEAD "\"layers\":[{\"weight\":\"w\",\"weight_layout\":1}]}",
     "layers[0].weight_layout must be"},
    {HEAD "\"layers\":[{\"weight\":\"w\",\"bias\":\"nope\"}]}",
     "no tensor 'nope', which layers[0].bias"},
    {HEAD "\"layers\":[{\"weight\":\"e\"}]}",
     "tensor 'e' has 2 dimensions; layers[0].weight wants two"},
    {HEAD "\"layers\":[{\"weight\":\"f\"}]}",
     "tensor 'f' has 2 dimensions; layers[0].weight wants two"},
    {BARE, "layers is missing, and no model.onnx lies beside it"},
    {ACTIVATION("1"), "layers[0].activation must be a name, or an object with a type"},
    {ACTIVATION("{}"), "layers[0].activation must be a name, or an object with a type"},
    {ACTIVATION("{\"type\":1}"), "layers[0].activation must be a name, or an object with a type"},
    {ACTIVATION("{\"type\":\"elu\",\"alpha\":\"1\"}"),
     "layers[0].activation.alpha must be a number"},
    {ACTIVATION("{\"type\":\"gelu\",\"approximate\":1}"),
     "layers[0].activation.approximate must be a string"},
    {ACTIVATION("{\"type\":\"gelu\",\"approximate\":\"erf\"}"), "'erf' is not one of its values"},
    {ACTIVATION("{\"type\":\"prelu\"}"), "layers[0].activation.weight must name a tensor"},
    {ACTIVATION("{\"type\":\"prelu\",\"weight\":1}"),
     "layers[0].activation.weight must be a string"},
    {ACTIVATION("{\"type\":\"prelu\",\"weight\":\"m\"}"), "layers[0].activation.weight wants [2]"},
    /* training */
    {TRAINING("1"), "training must be an object"},
    {TRAINING("{\"recipe\":1}"), "training.recipe must be a string"},
    {TRAINING("{\"epochs\":-1}"), "training.epochs must be a whole number from 0"},
    {TRAINING("{\"best_epoch\":1.5}"), "training.best_epoch must be a whole number from 0"},
    {TRAINING("{\"train\":1}"), "training.train must be an object"},
    {TRAINING("{\"train\":{\"rows\":\"1\"}}"), "training.rows must be a whole number from 0"},
    {TRAINING("{\"validation\":{\"loss\":\"1\"}}"), "training.loss must be a number"},
    {TRAINING("{\"test\":{\"accuracy\":[]}}"), "training.accuracy must be a number"},
    {TRAINING("{\"test\":[]}"), "training.test must be an object"},
    {TRAINING("{\"features\":1}"), "training.features must be an object"},
    {FEATURES(""), "training.mean must be an array of as many numbers as there are features"},
    {FEATURES("\"mean\":1"), "training.mean must be an array of as many numbers"},
    {FEATURES("\"mean\":[1,\"2\"]"), "training.mean must be an array of numbers"},
    {FEATURES("\"mean\":[1],\"std\":[1,2]"), "training.std must be an array of as many numbers"},
    {FEATURES("\"mean\":[1],\"std\":[1],\"min\":[]"), "training.min must be an array"},
    {FEATURES("\"mean\":[-1e39]"), "training.mean must be finite numbers"},
    {FEATURES("\"mean\":[1],\"std\":[1],\"min\":[-1e39]"), "training.min must be finite"},
    {FEATURES("\"mean\":[1],\"std\":[-1]"), "training.std must be finite numbers from 0"},
    {FEATURES("\"mean\":[1],\"std\":[1e39]"), "training.std must be finite numbers from 0"},
    {FEATURES("\"mean\":[1],\"std\":[1],\"min\":[1]"), "training.max must be an array"},
    {FEATURES(FOUR ",\"names\":1"), "training.names must be an array of strings"},
    {TRAINING("{\"targets\":1}"), "training.targets must be an array of strings"},
    {TRAINING("{\"targets\":[1]}"), "training.targets must be an array of strings"},
    {FEATURES(FOUR ",\"names\":[\"a\"]"), "training.names must be an array of as many strings"},
    {FEATURES(FOUR ",\"names\":[\"a\",\"b\",1]"), "training.names must be an array of strings"},
    {FEATURES(FOUR ",\"bins\":-1"), "training.bins must be a whole number from 0"},
    {FEATURES(FOUR ",\"bins\":9007199254740992"), "training.histogram must be an array"},
    {FEATURES(FOUR ",\"bins\":2"), "training.histogram must be an array"},
    {FEATURES(FOUR ",\"bins\":1,\"histogram\":[1,-2,3]"), "training.histogram must be finite"},
};

static const char *const header = "{" TENSOR("b", "\"shape\":[2],\"data_offsets\":[24,32]") "," TENSOR(
    "w",
    "\"shape\":[2,3],"
    "\"data_offsets\":[0,"
    "24]") "," TENSOR("m",
                      "\"shape\":[3],\"data_offsets\":[32,44]") "," TENSOR("z",
                                                                           "\"shape\":[3],"
                                                                           "\"data_offsets\":["
                                                                           "44,56]") "," TENSOR("p",
                                                                                                "\""
                                                                                                "sh"
                                                                                                "ap"
                                                                                                "e"
                                                                                                "\""
                                                                                                ":["
                                                                                                "1]"
                                                                                                ","
                                                                                                "\""
                                                                                                "da"
                                                                                                "ta"
                                                                                                "_o"
                                                                                                "ff"
                                                                                                "se"
                                                                                                "ts"
                                                                                                "\""
                                                                                                ":["
                                                                                                "56"
                                                                                                ","
                                                                                                "60"
                                                                                                "]") "," TENSOR("e",
                                                                                                                "\"shape\":[0,3],"
                                                                                                                "\"data_offsets\":["
                                                                                                                "60,60]") "," TENSOR("f",
                                                                                                                                     "\"shape\":[3,0],\"data_offsets\":[60,60]") "}";
static const float numbers[] = {1, 2, 3, 4, 5, 6, 0.5f, -0.5f, 1, 2, 4, 2, 0, 2, 0.25f};

/* json with the tensors of `header` that it does not name under "unused"; static. */
static const char *without_the_rest(const char *json)
{
    static const char *const names[] = {"b", "e", "f", "m", "p", "w", "z"};
    static char text[4096];
    size_t len =
        (size_t)snprintf(text, sizeof text, "%.*s,\"unused\":[", (int)strlen(json) - 1, json);
    const char *comma = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char quoted[8];
        snprintf(quoted, sizeof quoted, "\"%s\"", names[i]);
        if (strstr(json + strlen(HEAD), quoted))
            continue;
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", comma, quoted);
        comma = ",";
    }
    snprintf(text + len, sizeof text - len, "]}");
    return text;
}

START_TEST(what_model_json_says_wrong_is_named)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct relud_error error = {0};
        relud_model *model = load_model(refusals[i].json, header, numbers, sizeof numbers, &error);
        ck_assert_msg(!model && strstr(error.text, refusals[i].words), "%s: '%s'; '%s' is wanted",
                      refusals[i].json, error.text, refusals[i].words);
    }
    char *many = malloc(20000);
    size_t len = (size_t)sprintf(many, HEAD "\"layers\":[{}");
    for (int i = 0; i < 5000; i++)
        len += (size_t)sprintf(many + len, ",{}");
    sprintf(many + len, "]}");
    struct relud_error error = {0};
    ck_assert_ptr_null(load_model(many, header, numbers, sizeof numbers, &error));
    ck_assert_msg(strstr(error.text, "5001 layers; at most") != NULL, "%s", error.text);
    free(many);
}
END_TEST

START_TEST(inputs_and_activations_do_what_they_say)
{
    const float x[] = {1, 10, 100};
    answers(without_the_rest(IN("{\"mean\":\"m\",\"std\":\"m\"}")), header, numbers, sizeof numbers,
            x, (const float[]){80, 164});
    answers(without_the_rest(IN("{\"scale\":2}")), header, numbers, sizeof numbers, x,
            (const float[]){642, 1308});
    answers(without_the_rest(IN("{\"shift\":1}")), header, numbers, sizeof numbers, x,
            (const float[]){327, 669});
    answers(without_the_rest(IN("{\"scale\":-1}")), header, numbers, sizeof numbers, x,
            (const float[]){-321, -654});
    const float minus[] = {-1, -10, -100};
    answers(without_the_rest(ACTIVATION("{\"type\":\"prelu\",\"weight\":\"b\"}")), header, numbers,
            sizeof numbers, minus, (const float[]){-160.5f, 327});
    answers(without_the_rest(ACTIVATION("{\"type\":\"prelu\",\"weight\":\"p\"}")), header, numbers,
            sizeof numbers, minus, (const float[]){-80.25f, -163.5f});
    answers(without_the_rest(ACTIVATION("{\"type\":\"gelu\",\"approximate\":\"tanh\"}")), header,
            numbers, sizeof numbers, x, (const float[]){321, 654});
    answers(without_the_rest(ACTIVATION("{\"type\":\"gelu\"}")), header, numbers, sizeof numbers, x,
            (const float[]){321, 654}); /* a choice that is not made */
    answers(without_the_rest(ACTIVATION("\"relu\"")), header, numbers, sizeof numbers, minus,
            (const float[]){0, 0});
}
END_TEST

START_TEST(names_tasks_and_training_are_kept)
{
    struct relud_error error;
    relud_model *model = load_model(
        without_the_rest(
            HEAD
            "\"description\":\"d\",\"input\":{\"name\":\"in\",\"features\":3},\"output\":{"
            "\"name\":\"out\",\"task\":"
            "\"classification\",\"labels\":[\"a\",\"bb\"]},\"training\":{\"recipe\":\"r\","
            "\"epochs\":3,\"best_epoch\":2,\"train\":"
            "{\"rows\":5,\"loss\":0.5,\"accuracy\":null},\"test\":{\"rows\":2},\"features\":{" FOUR
            ",\"names\":[\"x\",\"y\",\"zz\"],\"bins\":2,\"histogram\":[1,2,3,4,5,6]}}," LAYER "}"),
        header, numbers, sizeof numbers, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    const struct relud_model_info *info = relud_model_info(model);
    const struct relud_training *training = info->training;
    ck_assert_str_eq(info->description, "d");
    ck_assert_str_eq(info->input->name, "in");
    ck_assert_str_eq(info->output_name, "out");
    ck_assert_str_eq(info->labels[1], "bb");
    ck_assert_uint_eq(info->notes, 0);
    ck_assert_str_eq(training->recipe, "r");
    ck_assert_uint_eq(training->rows, 5);
    ck_assert(training->loss == 0.5 && isnan(training->accuracy) && isnan(training->test_loss));
    ck_assert_uint_eq(training->features, 3);
    ck_assert_str_eq(training->feature[2], "zz");
    ck_assert(training->histogram[5] == 6 && training->max[2] == 3);
    /* it goes with the model, and comes back */
    const char *dir = new_directory();
    ck_assert_msg(relud_model_save(model, dir, "again", &error), "%s", error.text);
    relud_model_release(model);
    model = relud_model_load(dir, NULL, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    training = relud_model_info(model)->training;
    ck_assert_str_eq(training->feature[2], "zz");
    ck_assert_uint_eq(training->best_epoch, 2);
    ck_assert(training->histogram[5] == 6 && isnan(training->accuracy));
    relud_model_release(model);
    remove_directory(dir);
    /* a regression has no classes */
    model = load_model(without_the_rest(OUT("{\"task\":\"regression\",\"labels\":[\"a\",\"bb\"]}")),
                       header, numbers, sizeof numbers, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    ck_assert_int_eq(relud_model_info(model)->task, RELUD_TASK_REGRESSION);
    ck_assert_uint_eq(relud_model_info(model)->classes, 0);
    ck_assert_ptr_null(relud_model_info(model)->labels);
    relud_model_release(model);
}
END_TEST

START_TEST(training_may_say_little)
{
    struct relud_error error;
    relud_model *model = load_model(without_the_rest(TRAINING("{\"epochs\":3}")), header, numbers,
                                    sizeof numbers, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    const char *dir = new_directory();
    ck_assert_msg(relud_model_save(model, dir, "again", &error), "%s", error.text);
    relud_model_release(model);
    model = relud_model_load(dir, NULL, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    const struct relud_training *training = relud_model_info(model)->training;
    ck_assert(training->epochs == 3 && training->rows == 0 && training->features == 0);
    ck_assert(isnan(training->loss) && !training->recipe && !training->mean);
    relud_model_release(model);
    remove_directory(dir);
    /* more bins than can be counted, of many features */
    char *text = malloc(40000);
    size_t len = (size_t)sprintf(text, HEAD "\"training\":{\"features\":{");
    static const char *const keys[] = {"mean", "std", "min", "max"};
    for (size_t k = 0; k < 4; k++) {
        len += (size_t)sprintf(text + len, "\"%s\":[0", keys[k]);
        for (int i = 1; i < 2100; i++)
            len += (size_t)sprintf(text + len, ",%d", i % 10);
        len += (size_t)sprintf(text + len, "],");
    }
    sprintf(text + len, "\"bins\":9007199254740992}}," LAYER "}");
    ck_assert_ptr_null(load_model(text, header, numbers, sizeof numbers, &error));
    ck_assert_msg(strstr(error.text, "training.bins are too many") != NULL, "%s", error.text);
    free(text);
}
END_TEST

/* More than 16 lines to be noted end in one that says so. */
START_TEST(notes_are_not_without_end)
{
    char text[4096];
    struct relud_error error;
    size_t len = (size_t)sprintf(text, HEAD LAYER ",\"unused\":[");
    for (int i = 0; i < 20; i++)
        len += (size_t)sprintf(text + len, "%s\"t%d\"", i ? "," : "", i);
    sprintf(text + len, "]}");
    relud_model *model = load_model(
        text, "{" TENSOR("w", "\"shape\":[2,3],\"data_offsets\":[0,24]") "}", numbers, 24, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    ck_assert_uint_eq(relud_model_info(model)->notes, 16);
    ck_assert_str_eq(relud_model_info(model)->note[0], "unused[0]: there is no tensor 't0'");
    ck_assert_str_eq(relud_model_info(model)->note[15], "there is more to be noted than these");
    relud_model_release(model);
}
END_TEST

static bool loads(void *path, struct relud_error *error)
{
    relud_model *model = relud_model_load(path, NULL, error);
    relud_model_release(model);
    return model != NULL;
}

static void refuses_dir(const char *path, const char *words)
{
    struct relud_error error = {0};
    relud_model *model = relud_model_load(path, NULL, &error);
    ck_assert_msg(!model && strstr(error.text, words), "'%s'; '%s' is wanted", error.text, words);
}

/* model.json says what the net is called, model.onnx what it is. */
START_TEST(a_net_may_lie_beside_model_json)
{
    static const struct {
        const char *json, *words;
    } cases[] = {
        {HEAD "\"input\":{\"name\":\"in\",\"features\":4},\"output\":{\"name\":\"out\",\"task\":"
              "\"classification\","
              "\"labels\":[\"a\",\"b\",\"c\",\"d\"]}}",
         NULL},
        {HEAD "\"output\":{\"task\":\"regression\"}}", NULL},
        {HEAD "\"input\":{\"features\":5}}", "input.features is 5; model.onnx takes 4"},
        {HEAD "\"input\":{\"scale\":2}}",
         "scale, shift, mean, std and missing need layers: put them into model.onnx"},
        {HEAD "\"input\":{\"shift\":2}}", "scale, shift, mean, std and missing need layers"},
        {HEAD "\"input\":{\"mean\":\"m\",\"std\":\"m\"}}",
         "scale, shift, mean, std and missing need layers"},
        {HEAD "\"output\":{\"task\":\"classification\",\"labels\":[\"a\"]}}",
         "output.labels has 1 labels; 4 are wanted"},
    };
    char dir[64], path[128];
    struct buffer net = onnx_of("y=Relu(x)", 17), broken = {.at = net.at, .len = net.len - 1};
    strcpy(dir, new_directory());
    snprintf(path, sizeof path, "%s/model.onnx", dir);
    write_bytes(path, &net);
    ck_assert(loads(dir, NULL)); /* without any model.json */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_error error;
        write_file(dir, "model.json", cases[i].json, strlen(cases[i].json));
        if (cases[i].words) {
            refuses_dir(dir, cases[i].words);
            continue;
        }
        relud_model *model = relud_model_load(dir, NULL, &error);
        ck_assert_msg(model != NULL, "%s", error.text);
        ck_assert_str_eq(relud_model_info(model)->name, "m");
        ck_assert_str_eq(relud_model_info(model)->input->name, i == 0 ? "in" : "x");
        ck_assert_int_eq(relud_model_info(model)->labels != NULL, i == 0);
        relud_model_release(model);
    }
    write_file(dir, "model.json", BARE, strlen(BARE));
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, loads, dir);
    scarce_each(SCARCE_FILES, RELUD_IO, loads, dir);
    write_bytes(path, &broken);
    refuses_dir(dir, "goes past the end");
    unlink(path);
    free(net.at);
    remove_directory(dir);
}
END_TEST

START_TEST(paths_that_are_too_long_are_refused)
{
    char dir[4200];
    memset(dir, 'a', sizeof dir);
    for (size_t at = 0; at < sizeof dir; at += 200)
        dir[at] = '/';
    dir[4095] = '\0';
    refuses_dir(dir, "the path is too long");
    dir[4084] = '\0'; /* model.json fits, model.safetensors does not */
    refuses_dir(dir, "the path is too long");
}
END_TEST

START_TEST(only_regular_files_are_read)
{
    enum { GREAT = (4 << 20) + 1 };
    char dir[64], path[128];
    strcpy(dir, new_directory());
    write_file(dir, "model.json", MODEL, strlen(MODEL));
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refuses_dir(dir, "model.safetensors: not a regular file");
    unlink(path);
    refuses_dir(dir, "model.safetensors: No such file or directory");
    char *great = calloc(1, GREAT);
    write_file(dir, "model.json", great, GREAT);
    refuses_dir(dir, "model.json: 4194305 bytes; at most 4194304 are read");
    free(great);
    remove_directory(dir);
}
END_TEST

/* Each piece of memory and each call of the files refused once, in reading and in writing. */
struct writing {
    relud_model *model;
    char dir[80];
};

static bool saves(void *with, struct relud_error *error)
{
    const struct writing *writing = with;
    bool is_saved = relud_model_save(writing->model, writing->dir, "m", error);
    char path[128];
    scarce_end();
    snprintf(path, sizeof path, "%s/model.json", writing->dir);
    if (is_saved)
        remove_directory(writing->dir);
    else
        ck_assert_int_ne(access(path, F_OK), 0); /* model.json comes last */
    remove_folder(writing->dir);
    return is_saved;
}

START_TEST(reading_and_writing_end_well_when_memory_or_files_fail)
{
    static const char *const jsons[] = {
        HEAD "\"description\":\"d\",\"input\":{\"name\":\"in\",\"mean\":\"m\",\"std\":\"m\"},"
             "\"output\":{\"name\":\"out\",\"task\":"
             "\"classification\",\"labels\":[\"a\",\"bb\"]},\"training\":{\"recipe\":\"r\","
             "\"features\":{" FOUR
             ",\"names\":[\"x\",\"y\",\"zz\"],\"bins\":2,\"histogram\":[1,2,3,"
             "4,5,6]}},\"layers\":[{\"weight\":\"w\",\"bias\":\"b\","
             "\"activation\":{\"type\":\"prelu\",\"weight\":\"b\"}}]}",
        IN("{\"scale\":2,\"shift\":1}"),
        ACTIVATION("{\"type\":\"gelu\",\"approximate\":\"tanh\"}")};
    struct writing writing = {NULL, ""};
    char dir[64];
    for (size_t i = 0; i < sizeof jsons / sizeof *jsons; i++) {
        struct relud_error error;
        strcpy(dir, new_directory());
        const char *json = without_the_rest(jsons[i]);
        write_file(dir, "model.json", json, strlen(json));
        write_tensors(dir, header, numbers, sizeof numbers);
        scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, loads, dir);
        scarce_each(SCARCE_FILES, RELUD_IO, loads, dir);
        writing.model = relud_model_load(dir, NULL, &error);
        ck_assert_msg(writing.model != NULL, "%s", error.text);
        snprintf(writing.dir, sizeof writing.dir, "%s/saved", dir);
        scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, saves, &writing);
        scarce_each(SCARCE_FILES, RELUD_OK, saves, &writing);
        relud_model_release(writing.model);
        remove_directory(dir);
    }
}
END_TEST

RUN_SUITE("model_dir", what_model_json_says_wrong_is_named, inputs_and_activations_do_what_they_say,
          names_tasks_and_training_are_kept, training_may_say_little, notes_are_not_without_end,
          a_net_may_lie_beside_model_json, paths_that_are_too_long_are_refused,
          only_regular_files_are_read, reading_and_writing_end_well_when_memory_or_files_fail)
