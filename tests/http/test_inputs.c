/* Words, numbers, ids and a wide input in every dialect: the same rows have the same bits, models
 * stand beside each other, and what they are is told. */
#include "tests/http/inputs.h"

#include <cjson/cJSON.h>
#include <math.h>

/* ---- the same rows in every form ---- */

enum { INPUTS = 5, ROWS = 6 };

static const char *const names[INPUTS] = {"age", "city", "job", "item", "history"};
static const size_t widths[INPUTS] = {1, 1, 1, 1, 3};
/* Values as JSON has them, and as CSV does. */
static const char *const rows[ROWS][INPUTS] = {
    {"31", "\"Rome\"", "\"nurse\"", "0", "1,2,3"},
    {"30.5", "\"Oslo\"", "\"smith\"", "4", "0.1,-2,3e2"},
    {"18", "\"S\\u00e3o Paulo\"", "\"pilot\"", "2", "0,0,0"},
    {"null", "\"Oslo\"", "\"a \\\"cook\\\"\"", "1", "-1.5,7,1e-3"},
    {"null", "\"Rome\"", "\"x y\"", "3", "5,4,3"},
    {"99.25", "\"S\xc3\xa3o Paulo\"", "\"nurse\"", "4", "-0.0,1e10,2"},
};

static void add_value(struct body *body, size_t row, size_t input)
{
    add(body, widths[input] > 1 ? "[%s]" : "%s", rows[row][input]);
}

static void add_arrays(struct body *body, size_t first, size_t count)
{
    for (size_t r = first; r < first + count; r++)
        for (size_t i = 0; i < INPUTS; i++)
            add(body, "%s%s%s",
                i           ? ","
                : r > first ? ",["
                            : "[",
                rows[r][i], i + 1 == INPUTS ? "]" : "");
}

/* Backwards in odd rows: the order says nothing. */
static void add_records(struct body *body, size_t first, size_t count)
{
    for (size_t r = first; r < first + count; r++) {
        add(body, r > first ? ",{" : "{");
        for (size_t k = 0; k < INPUTS; k++) {
            size_t i = r % 2 ? INPUTS - 1 - k : k;
            add(body, "%s\"%s\":", k ? "," : "", names[i]);
            add_value(body, r, i);
        }
        add(body, "}");
    }
}

static void add_columns(struct body *body, size_t first, size_t count)
{
    for (size_t k = 0; k < INPUTS; k++) {
        size_t i = (k + 3) % INPUTS;
        add(body, "%s\"%s\":[", k ? "," : "", names[i]);
        for (size_t r = first; r < first + count; r++) {
            add(body, r > first ? "," : "");
            add_value(body, r, i);
        }
        add(body, "]");
    }
}

static void predict_arrays(struct body *body, size_t first, size_t count)
{
    add(body, "{\"inputs\":[");
    add_arrays(body, first, count);
    add(body, "]}");
}

static void predict_records(struct body *body, size_t first, size_t count)
{
    add(body, "{\"inputs\":[");
    add_records(body, first, count);
    add(body, "]}");
}

static void predict_columns(struct body *body, size_t first, size_t count)
{
    add(body, "{\"inputs\":{");
    add_columns(body, first, count);
    add(body, "}}");
}

static void instances(struct body *body, size_t first, size_t count)
{
    add(body, "{\"instances\":[");
    add_records(body, first, count);
    add(body, "]}");
}

static void instances_of_arrays(struct body *body, size_t first, size_t count)
{
    add(body, "{\"instances\":[");
    add_arrays(body, first, count);
    add(body, "]}");
}

static void dataframe_records(struct body *body, size_t first, size_t count)
{
    add(body, "{\"dataframe_records\":[");
    add_records(body, first, count);
    add(body, "]}");
}

static void dataframe_split(struct body *body, size_t first, size_t count)
{
    static const size_t order[] = {4, 2, 0, 3, 1};
    add(body, "{\"dataframe_split\":{\"columns\":[");
    for (size_t k = 0; k < INPUTS; k++)
        add(body, "%s\"%s\"", k ? "," : "", names[order[k]]);
    add(body, "],\"data\":[");
    for (size_t r = first; r < first + count; r++)
        for (size_t k = 0; k < INPUTS; k++) {
            add(body, k ? "," : r > first ? "],[" : "[");
            add_value(body, r, order[k]);
        }
    add(body, "]]}}");
}

static void bare_arrays(struct body *body, size_t first, size_t count)
{
    add(body, "[");
    add_arrays(body, first, count);
    add(body, "]");
}

/* V2 with the tensors in another order, some of them nested, and the name behind the data. */
static void tensors(struct body *body, size_t first, size_t count)
{
    add(body, "{\"inputs\":[");
    for (size_t k = 0; k < INPUTS; k++) {
        size_t i = (k + 2) % INPUTS;
        bool is_words = i == 1 || i == 2;
        add(body, "%s{\"datatype\":\"%s\",\"shape\":[%zu", k ? "," : "",
            is_words ? "BYTES" : "FP64", count);
        add(body, i == 0 ? "],\"data\":[" : ",%zu],\"data\":[", widths[i]);
        for (size_t r = first; r < first + count; r++)
            add(body, i == 2 ? "%s[%s]" : "%s%s", r > first ? "," : "", rows[r][i]);
        add(body, "],\"name\":\"%s\"}", names[i]);
    }
    add(body, "]}");
}

/* The word inside of a JSON string as UTF-8, with its length before it. */
static void add_word(struct body *body, const char *json)
{
    char word[64];
    uint32_t len = 0;
    for (const char *at = json + 1; at[1]; at++) {
        if (strncmp(at, "\\u00e3", 6) == 0) {
            memcpy(word + len, "\xc3\xa3", 2);
            len += 2;
            at += 5;
        } else if (*at != '\\') {
            word[len++] = *at;
        }
    }
    add_bytes(body, &len, sizeof len);
    add_bytes(body, word, len);
}

static size_t header_len;

/* V2 with tensors of bytes; history stays JSON if is_mixed. */
static void add_binary(struct body *body, size_t first, size_t count, bool is_mixed)
{
    struct body behind = {.len = 0};
    add(body, "{\"inputs\":[");
    for (size_t k = 0; k < INPUTS; k++) {
        size_t i = (k + 1) % INPUTS, begin = behind.len;
        bool is_words = i == 1 || i == 2, is_json = is_mixed && i > 2;
        add(body, "%s{\"name\":\"%s\",\"shape\":[%zu,%zu],\"datatype\":\"%s\",", k ? "," : "",
            names[i], count, widths[i],
            is_words ? "BYTES"
            : i == 3 ? "INT64"
                     : "FP32");
        if (is_json)
            add(body, "\"data\":[");
        for (size_t r = first; r < first + count; r++) {
            float numbers[3] = {NAN, 0, 0};
            sscanf(rows[r][i], "%f,%f,%f", &numbers[0], &numbers[1], &numbers[2]);
            int64_t id = (int64_t)numbers[0];
            if (is_json)
                add(body, "%s%s", r > first ? "," : "", rows[r][i]);
            else if (is_words)
                add_word(&behind, rows[r][i]);
            else
                add_bytes(&behind, i == 3 ? (void *)&id : numbers,
                          i == 3 ? sizeof id : widths[i] * sizeof *numbers);
        }
        if (is_json)
            add(body, "]}");
        else
            add(body, "\"parameters\":{\"binary_data_size\":%zu}}", behind.len - begin);
    }
    add(body, "]}");
    header_len = body->len;
    add_bytes(body, behind.at, behind.len);
}

static void binary(struct body *body, size_t first, size_t count)
{
    add_binary(body, first, count, false);
}

static void mixed(struct body *body, size_t first, size_t count)
{
    add_binary(body, first, count, true);
}

/* With the columns in another order than the model's; a missing number is an empty cell. */
static void csv(struct body *body, size_t first, size_t count)
{
    add(body, "item,history.0,history.1,history.2,job,age,city\n");
    for (size_t r = first; r < first + count; r++) {
        static const size_t order[] = {3, 4, 2, 0, 1};
        for (size_t k = 0; k < INPUTS; k++) {
            const char *value = rows[r][order[k]];
            add(body, k ? "," : "");
            if (*value == '"') {
                struct body word = {.len = 0};
                add_word(&word, value);
                add(body, "\"");
                for (size_t i = sizeof(uint32_t); i < word.len; i++)
                    add(body, word.at[i] == '"' ? "\"\"" : "%c", word.at[i]);
                add(body, "\"");
            } else if (strcmp(value, "null") != 0) {
                add(body, "%s", value);
            }
        }
        add(body, "\n");
    }
}

struct form {
    const char *path;
    void (*write)(struct body *body, size_t first, size_t count);
    const char *key; /* of the numbers in the answer */
};

static const struct form forms[] = {
    {"/predict", predict_arrays, "\"outputs\":"},
    {"/predict", predict_records, "\"outputs\":"},
    {"/predict", predict_columns, "\"outputs\":"},
    {"/predict", csv, "\"outputs\":"},
    {"/invocations", csv, "\"predictions\":"},
    {"/v1/models/mixed:predict", instances, "\"predictions\":"},
    {"/v1/models/mixed:predict", instances_of_arrays, "\"predictions\":"},
    {"/v1/models/mixed:predict", predict_columns, "\"outputs\":"},
    {"/invocations", instances, "\"predictions\":"},
    {"/invocations", predict_records, "\"predictions\":"},
    {"/invocations", predict_columns, "\"predictions\":"},
    {"/invocations", dataframe_records, "\"predictions\":"},
    {"/invocations", dataframe_split, "\"predictions\":"},
    {"/invocations", bare_arrays, "\"predictions\":"},
    {INFER, tensors, "\"data\":"},
    {INFER, binary, "\"data\":"},
    {INFER, mixed, "\"data\":"},
};

/* The numbers behind the key, one comma between them. */
static void numbers_of(const struct reply *reply, const char *key, char *numbers)
{
    const char *at = strstr(reply->body, key);
    ck_assert_msg(at != NULL, "%s", reply->body);
    for (at += strlen(key); *at && !strchr("\"}", *at); at++)
        if (!strchr("[] \n", *at))
            *numbers++ = *at;
    while (numbers[-1] == ',')
        numbers--;
    *numbers = '\0';
}

static void ask_form(const struct server *server, const struct form *form, size_t first,
                     size_t count, char *numbers)
{
    struct body body = {.len = 0};
    char length[64];
    header_len = 0;
    form->write(&body, first, count);
    snprintf(length, sizeof length, "Inference-Header-Content-Length: %zu", header_len);
    const struct reply *reply = server_ask(server, form->path, NULL, body.at, body.len,
                                           form->write == csv ? CSV
                                           : header_len       ? length
                                                              : NULL);
    ck_assert_msg(reply->code == 200, "%s %s: %ld %s", form->path, body.at, reply->code,
                  reply->body);
    numbers_of(reply, form->key, numbers);
}

START_TEST(rows_have_the_same_bits_in_every_dialect)
{
    struct server server = serve();
    char wanted[1024], all[ROWS][1024], numbers[1024], joined[8192] = "";
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        ask_form(&server, &forms[f], 0, ROWS, numbers);
        if (f == 0)
            strcpy(wanted, numbers);
        ck_assert_msg(strcmp(numbers, wanted) == 0, "form %zu: %s; %s is wanted", f, numbers,
                      wanted);
        for (size_t r = 0; r < ROWS; r++) {
            ask_form(&server, &forms[f], r, 1, numbers);
            if (f == 0)
                strcpy(all[r], numbers);
            ck_assert_msg(strcmp(numbers, all[r]) == 0, "form %zu row %zu: %s; %s is wanted", f, r,
                          numbers, all[r]);
        }
    }
    for (size_t r = 0; r < ROWS; r++)
        sprintf(joined + strlen(joined), "%s%s", r ? "," : "", all[r]);
    ck_assert_str_eq(joined, wanted);
    stop(&server);
}
END_TEST

/* ---- models beside each other ---- */

#define IDS "/v2/models/ids/infer"
static const struct ask several[] = {
    /* 1 + 20 + 300 + 7000, whole rows and parts of them */
    {IDS, V2(TENSOR("input", "FP32", "[1,4]", "[1,2,3,7]")), NULL, 200, "\"data\":[7321]"},
    {IDS, V2(TENSOR("input", "FP64", "[4]", "[1,2,3,null]")), NULL, 200, "\"data\":[7321]"},
    {IDS, V2(TENSOR("pair", "FP32", "[1,2]", "[1,2]") "," TENSOR("item", "INT64", "[1]", "[3]")),
     NULL, 200, "\"data\":[7321]"},
    {IDS,
     V2(TENSOR("input", "FP32", "[1,4]", "[1,2,3,7]") "," TENSOR("item", "INT64", "[1]", "[3]")),
     NULL, 400, "input 'input' is whole rows; no other may be there"},
    {IDS, V2(TENSOR("input", "FP32", "[1,4]", "[1,2,5,7]")), NULL, 400,
     "input[0][2] is 5; an index is wanted"},
    {IDS, V2(TENSOR("input", "FP32", "[1,5]", "[1,2,5,7,8]")), NULL, 400,
     "input 'input' has shape [1,5]; model 'ids' wants [-1,4]"},
    {"/predict?model=ids", "{\"inputs\":[[1,2,3,7],[1,2,3,null]]}", NULL, 200, "[[7321],[7321]]"},
    {"/predict?model=ids", "{\"inputs\":[{\"item\":3,\"pair\":[1,2]}]}", NULL, 200, "[[7321]]"},
    {"/predict?model=ids", "{\"inputs\":[[1,2,3.5,7]]}", NULL, 400,
     "inputs[0][2] is 3.5; an index"},
    /* numbers for another model than the one whose words stand in the way */
    {"/predict", "{\"inputs\":[[1,2,3,7]],\"model\":\"ids\"}", NULL, 200, "[[7321]]"},
    {"/predict", "{\"model\":\"ids\",\"inputs\":[[1,2,9,7]]}", NULL, 400, "is 9; an index"},
    {"/predict", "{\"inputs\":[[1,2,3,7]],\"model\":\"none\"}", NULL, 404, "no model 'none'"},
    {"/predict", "{\"inputs\":[[1,2,3,7]]}", NULL, 400, "stands where a word is wanted"},
    {"/predict", "{\"inputs\":[[1,2,3,7]],\"model\":\"mixed\"}", NULL, 400,
     "stands where a word is wanted"},
    {"/predict?model=mixed", ROW("31", "\"Rome\"", "\"x\"", "1", "1,2,3"), NULL, 200, "outputs"},
    {"/predict", "{\"inputs\":[{\"item\":3,\"pair\":[1,2]}],\"model\":\"ids\"}", NULL, 400, "pair"},
};

START_TEST(models_stand_beside_each_other)
{
    struct server server = serve_several();
    check(&server, several, sizeof several / sizeof *several);
    const float raw[] = {1, 2, 3, 7};
    const struct reply *reply = server_ask(&server, IDS, NULL, (const char *)raw, sizeof raw,
                                           "Inference-Header-Content-Length: 0");
    ck_assert_msg(reply->code == 200 && reply->len > 4, "%s", reply->body);
    float answer;
    memcpy(&answer, reply->body + reply->len - sizeof answer, sizeof answer);
    ck_assert_float_eq(answer, 7321);
    stop(&server);
    /* no default model: words wait for the query to name one */
    static const struct ask unnamed[] = {
        {"/predict", "{\"model\":\"mixed\",\"inputs\":[[31,\"Rome\",\"x\",1,1,2,3]]}", NULL, 400,
         "inputs has names or words, so the model must be known before them: name it in the query, "
         "?model=NAME"},
        {"/predict", "{\"model\":\"mixed\",\"inputs\":[[31,0,0,1,1,2,3]]}", NULL, 400,
         "name it in the query, ?model=mixed"},
        {"/predict", "{\"model\":\"ids\",\"inputs\":[[1,2,3,7]]}", NULL, 200, "[[7321]]"},
    };
    server = serve_several();
    server_stop(&server);
    server = server_start((const char *const[]){in("%1$s/all"), NULL});
    check(&server, unnamed, sizeof unnamed / sizeof *unnamed);
    stop(&server);
}
END_TEST

/* Sends every example of the description to its path. Returns how many there were. */
static size_t send_examples(const struct server *server, const cJSON *root)
{
    size_t sent = 0;
    const cJSON *path, *example;
    cJSON_ArrayForEach(path, cJSON_GetObjectItem(root, "paths"))
    {
        const cJSON *content = cJSON_GetObjectItem(
            cJSON_GetObjectItem(cJSON_GetObjectItem(path, "post"), "requestBody"), "content");
        const cJSON *json = cJSON_GetObjectItem(content, "application/json");
        cJSON_ArrayForEach(example, cJSON_GetObjectItem(json, "examples"))
        {
            char url[256], *at = strcpy(url, path->string);
            if (strstr(url, "{version}") || strstr(url, "{label}"))
                continue;
            if ((at = strstr(url, "{model}")) != NULL) {
                char behind[128];
                strcpy(behind, at + strlen("{model}"));
                sprintf(at, "%s%s", example->string, behind);
            }
            char *body = cJSON_PrintUnformatted(cJSON_GetObjectItem(example, "value"));
            const struct reply *reply = server_post(server, url, body);
            ck_assert_msg(reply->code == 200, "%s %s: %s", url, body, reply->body);
            free(body);
            sent++;
        }
    }
    return sent;
}

START_TEST(the_examples_of_openapi_are_right)
{
    struct server server = serve_several();
    cJSON *root = cJSON_Parse(server_get(&server, "/openapi.json")->body);
    ck_assert_ptr_nonnull(root);
    /* /predict and /invocations of the default model; V1, twice, and V2 of both */
    ck_assert_uint_eq(send_examples(&server, root), 8);
    cJSON_Delete(root);
    stop(&server);
}
END_TEST

/* More inputs than a request has room for on the stack, or a worker remembers. */
START_TEST(a_hundred_inputs_are_read)
{
    enum { MANY = 100, BYTES = 16384 };
    static char json[BYTES], tensors_of[BYTES], row[BYTES];
    float weight[MANY];
    size_t j = (size_t)sprintf(json,
                               "{\"format\":\"relud-model/1\",\"name\":\"many\",\"inputs\":["),
           t = (size_t)sprintf(tensors_of, "{\"inputs\":["),
           r = (size_t)sprintf(row, "{\"inputs\":[[");
    for (int i = 0; i < MANY; i++) {
        const char *comma = i ? "," : "";
        weight[i] = (float)(i + 1);
        j += (size_t)sprintf(json + j, "%s{\"name\":\"c%d\"}", comma, i);
        t += (size_t)sprintf(tensors_of + t, "%s" TENSOR("c%d", "FP32", "[1]", "[%d]"), comma,
                             MANY - 1 - i, (MANY - 1 - i) % 7);
        r += (size_t)sprintf(row + r, "%s%d", comma, i % 7);
    }
    sprintf(json + j, "],\"layers\":[{\"weight\":\"w\"}]}");
    sprintf(row + r, "]]}");
    enter();
    write_file(dir, "model.json", json, strlen(json));
    write_tensors(dir, "{\"w\":{\"dtype\":\"F32\",\"shape\":[1,100],\"data_offsets\":[0,400]}}",
                  weight, sizeof weight);
    struct server server = server_start((const char *const[]){dir, NULL});
    char wanted[64], numbers[64];
    numbers_of(server_post(&server, "/predict", row), "\"outputs\":", wanted);
    for (int again = 0; again < 2; again++) {
        strcpy(tensors_of + t, "]}");
        numbers_of(server_post(&server, "/v2/models/many/infer", tensors_of), "\"data\":", numbers);
        ck_assert_str_eq(numbers, wanted);
        strcpy(tensors_of + t, "," TENSOR("c7", "FP32", "[1]", "[1]") "]}");
        const struct reply *reply = server_post(&server, "/v2/models/many/infer", tensors_of);
        ck_assert_msg(reply->code == 400 && strstr(reply->body, "input 'c7' stands twice"), "%s",
                      reply->body);
    }
    stop(&server);
}
END_TEST

START_TEST(metadata_tells_all_inputs)
{
    static const char *const wanted[][2] = {
        {"/v2/models/mixed", "{\"name\":\"age\",\"datatype\":\"FP32\",\"shape\":[-1,1]},"
                             "{\"name\":\"city\",\"datatype\":\"BYTES\",\"shape\":[-1,1]}"},
        {"/v2/models/mixed", "{\"name\":\"history\",\"datatype\":\"FP32\",\"shape\":[-1,3]}"},
        {"/v2/models/mixed",
         "\"parameters\":{\"columns\":[{\"name\":\"age\",\"missing\":true},{\"name\":\"city\","
         "\"categories\":[\"Rome\",\"Oslo\",\"S\xc3\xa3o "
         "Paulo\"]},{\"name\":\"job\",\"categories\":"
         "[\"nurse\",\"a \\\"cook\\\"\",\"smith\"],\"unknown\":true,\"missing\":true},"
         "{\"name\":\"item\",\"indices\":5},{\"name\":\"history\"}]}"},
        {"/v2/models/mixed/config",
         "{\"name\":\"job\",\"data_type\":\"TYPE_STRING\",\"dims\":[1],\"optional\":true}"},
        {"/v2/models/mixed/config",
         "{\"name\":\"history\",\"data_type\":\"TYPE_FP32\",\"dims\":[3]}"},
        {"/v1/models/mixed/metadata", "\"city\":{\"dtype\":\"DT_STRING\""},
        {"/v1/models/mixed/metadata", "\"item\":{\"dtype\":\"DT_INT64\""},
        {"/openapi.json", "mixed"},
    };
    struct server server = serve();
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const struct reply *reply = server_get(&server, wanted[i][0]);
        ck_assert_msg(reply->code == 200 && strstr(reply->body, wanted[i][1]), "%s: %ld %s; %s",
                      wanted[i][0], reply->code, reply->body, wanted[i][1]);
    }
    stop(&server);
}
END_TEST

RUN_SUITE("inputs", rows_have_the_same_bits_in_every_dialect, models_stand_beside_each_other,
          the_examples_of_openapi_are_right, a_hundred_inputs_are_read, metadata_tells_all_inputs)
