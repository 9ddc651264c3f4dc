/* relud evaluate, run as a user runs it: the measures of files whose answers are known, the same numbers
 * from every form of the data, and a clear error with nothing on standard output for all others. */
#include "tests/http/folder.h"
#include "tests/http/program.h"
#include "tests/unit/onnx_text.h"
#include <math.h>
#include <relud/relud.h>

static void write_words(const char *name, const char *text)
{
    write_file(dir, name, text, strlen(text));
}

/* A net whose scores are its two features, times `weight`. */
static void put_net(const char *output_json, const float weight[4])
{
    char json[512];
    snprintf(json, sizeof json,
             "{\"format\":\"relud-model/1\",\"name\":\"m\",\"output\":%s,\"layers\":[{\"weight\":"
             "\"w\"}]}",
             output_json);
    write_words("model.json", json);
    write_tensors(dir, "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                  weight, 16);
}

static const float one[4] = {1, 0, 0, 1};
#define WORDS   "{\"task\":\"classification\",\"labels\":[\"no\",\"yes\"]}"
#define NUMBERS "{\"task\":\"regression\"}"
#define TABLE   "a,b,y\n1,0,no\n0,1,yes\n2,0,yes\n0,3,yes\n"
#define AS_JSON "{\"task\":\"classification\",\"rows\":4,\"accuracy\":0.75,\"log_loss\":0.700509"

/* It fails with these words, and prints nothing that could be taken for a result. */
static void refused(const char *words, int status, const char *says)
{
    char apart[2048], path[128];
    snprintf(path, sizeof path, "%s/out", dir);
    snprintf(apart, sizeof apart, "%s 2>&1 >%s #", words, path); /* run adds 2>&1 */
    runs(apart, status, says);
    char *out = read_text(path);
    ck_assert_msg(!*out, "relud %s prints\n%s", words, out);
    free(out);
    ck_assert_uint_eq(count_of(output, "\n"), 1);
}

START_TEST(a_classification_is_measured)
{
    enter();
    put_net(WORDS, one);
    write_words("t.csv", TABLE);
    runs(in("evaluate %1$s %1$s/t.csv"), 0,
         "rows                       4\n"
         "accuracy               75.00 %\n"
         "log loss              0.7005\n");
    ck_assert_ptr_null(strstr(output, "top-"));
    ck_assert_ptr_nonnull(strstr(output, "confusion (a row is the target, a column the answer)\n"
                                         "     no  yes\n"
                                         "no    1    0\n"
                                         "yes   1    2\n"
                                         "\n"
                                         "class      rows  precision   recall       F1\n"
                                         "no            1     0.5000   1.0000   0.6667\n"
                                         "yes           3     1.0000   0.6667   0.8000\n"));
    runs(in("evaluate %1$s %1$s/t.csv --top-k 2"), 0, "top-2 accuracy        100.00 %\n");
    runs(in("evaluate --format=json %1$s %1$s/t.csv --top-k 1"), 0, AS_JSON);
    ck_assert_ptr_nonnull(strstr(
        output,
        ",\"top_k\":1,\"top_k_accuracy\":0.75,\"classes\":[{\"label\":\"no\",\"index\":0,"
        "\"rows\":1,\"answers\":2,\"right\":1,\"precision\":0.5,\"recall\":1,\"f1\":0.6666"));
    ck_assert_ptr_nonnull(
        strstr(output, "],\"confusion_matrix\":[[1,0],[1,2]],\"confusions\":[{\"target\":\"yes\","
                       "\"answer\":\"no\",\"rows\":1}]}\n"));
    leave();
}
END_TEST

/* Columns by number, targets in a file of their own, places of labels for labels. */
START_TEST(every_form_of_the_data_gives_the_same)
{
    enter();
    put_net(WORDS, one);
    write_words("t.csv", TABLE);
    runs(in("evaluate %1$s %1$s/t.csv --format json"), 0, AS_JSON);
    char *wanted = strdup(output);
    write_words("first.csv", "y;a;b\nno;1;0\nyes;0;1\nyes;2;0\nyes;0;3\n");
    write_words("bare.csv", "1,no,0\n0,yes,1\n2,yes,0\n0,yes,3\n");
    write_words("places.csv", "a,b,y\n1,0,0\n0,1,1\n2,0,1\n0,3,1\n");
    write_words("rows.json", "[[1,0],[0,1],[2,0],[0,3]]");
    write_words("labels.csv", "0\n1\n1\n1\n");
    static const char *const forms[] = {
        "evaluate %1$s %1$s/first.csv --target y --format json",
        "evaluate %1$s %1$s/first.csv --target 1 --format json",
        "evaluate %1$s %1$s/bare.csv --target 2 --format json",
        "evaluate %1$s %1$s/bare.csv --target 2 --header no --format json",
        "evaluate %1$s - --format json < %1$s/t.csv",
        "evaluate %1$s %1$s/places.csv --format json",
        "evaluate %1$s %1$s/rows.json --labels %1$s/labels.csv --format json",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        runs(in(forms[i]), 0, "");
        ck_assert_msg(strcmp(output, wanted) == 0, "%s\n%s\n%s", forms[i], output, wanted);
    }
    free(wanted);
    runs("evaluate deploy/models/digits tests/data/digits-images-idx3-ubyte.gz --labels "
         "tests/data/digits-labels-idx1-ubyte.gz",
         0, "accuracy               98.50 %\n");
    leave();
}
END_TEST

START_TEST(a_regression_is_measured)
{
    enter();
    put_net(NUMBERS, one);
    write_words("t.csv", "a,b,y,z\n2.5,1,3,5\n0,2,-0.5,5\n2,3,2,5\n8,4,7,5\n");
    runs(in("evaluate %1$s %1$s/t.csv --target y,z --format json"), 0,
         "{\"task\":\"regression\",\"rows\":4,\"r2\":null,\"rmse\":");
    ck_assert_ptr_nonnull(strstr(
        output, "\"outputs\":[{\"index\":0,\"mean\":2.875,\"r2\":0.9486081370449679,\"rmse\":"
                "0.6123724356957945,\"mae\":0.5,\"baseline\":{\"r2\":0,\"rmse\":"));
    ck_assert_ptr_nonnull(strstr(output, "{\"index\":1,\"mean\":5,\"r2\":null,"));
    runs(in("evaluate %1$s %1$s/t.csv --target y,z"), 0,
         "output 0              0.948608     0.612372          0.5\n");
    ck_assert_ptr_nonnull(strstr(output, "always answers the mean of these rows' targets"));
    ck_assert_ptr_nonnull(strstr(output, "output 1 has no R²: its target is 5 in all rows"));
    put_net("{}", one); /* no task: numbers, with a note */
    runs(in("evaluate %1$s %1$s/t.csv --target y,z"), 0, "names no task");
    leave();
}
END_TEST

/* Labels that do not fit above the columns, and more classes than a matrix can show. */
START_TEST(many_classes_and_long_labels)
{
    char text[8192], *at = text;
    enter();
    put_net("{\"task\":\"classification\",\"labels\":[\"a label that is too long for a column\","
            "\"żółć\"]}",
            one);
    write_words("t.csv", "1,0,żółć\n0,1,żółć\n");
    runs(in("evaluate %1$s %1$s/t.csv"), 0,
         "                    0  1\n"
         "0 a label that is   0  0\n"
         "1 żółć              1  1\n");
    for (int i = 0; i < 30; i++)
        at += sprintf(at, "%d,%d,%d\n", i % 10, i / 10, i);
    write_words("many.csv", text);
    runs(in("train --data %1$s/many.csv --layers 2,30 --force --epochs 1 --out %1$s/many"), 0,
         "written");
    runs(in("evaluate %1$s/many %1$s/many.csv"), 0, "\nthe largest confusions, 20 of ");
    ck_assert_ptr_null(strstr(output, "a column the answer"));
    runs(in("evaluate %1$s/many %1$s/many.csv --format json"), 0, "\"confusions\":[{");
    ck_assert_ptr_null(strstr(output, "confusion_matrix"));
    leave();
}
END_TEST

START_TEST(bad_input_is_one_clear_line)
{
    static const float great[4] = {3e38f, 3e38f, -3e38f, -3e38f};
    enter();
    put_net(WORDS, one);
    write_words("t.csv", TABLE);
    refused("evaluate", 2, "MODEL is missing");
    refused(in("evaluate %1$s"), 2, "DATA is missing");
    refused(in("evaluate %1$s %1$s/t.csv --format xml"), 2, "'xml' is not one of text|json");
    refused(in("evaluate %1$s %1$s/t.csv --labels f --target y"), 2, "cannot be used together");
    refused(in("evaluate %1$s/none %1$s/t.csv"), 1, "none: No such file");
    refused(in("evaluate %1$s %1$s/none"), 1, "none: No such file");
    refused(in("evaluate %1$s %1$s/t.csv --top-k 3"), 1, "--top-k 3 is more than the 2 classes");
    refused(in("evaluate %1$s %1$s/t.csv --target z"), 1, "there is no column 'z' among the 3");
    write_words("bad.csv", "a,b,y\n1,0,no\n\n1,2,maybe\n");
    refused(in("evaluate %1$s %1$s/bad.csv"), 1,
            "bad.csv: line 4, column 'y': 'maybe' is none of the model's 2 classes");
    write_words("bad.csv", "1,0,no\n1,2,2\n");
    refused(in("evaluate %1$s %1$s/bad.csv"), 1, "line 2, the last column: '2' is none of");
    write_words("bad.csv", "1,0,0\n1,2,2\n");
    refused(in("evaluate %1$s %1$s/bad.csv --target 3"), 1, "line 2, column '3': '2' is none of");
    write_words("bad.csv", "a,b,y\n1,,no\n");
    refused(in("evaluate %1$s %1$s/bad.csv"), 1, "line 2, column 2: '' is missing");
    write_words("bad.csv", "a,b,y\n1,2,\n");
    refused(in("evaluate %1$s %1$s/bad.csv"), 1, "line 2, column 3: '' where a target is wanted");
    write_words("bad.csv", "a,b\n1,2\n");
    refused(in("evaluate %1$s %1$s/bad.csv"), 1,
            "1 features before the last column, which is the target, where the model takes 2");
    write_words("bad.csv", "a,b,y\n");
    refused(in("evaluate %1$s %1$s/bad.csv"), 1, "no rows behind the header");
    write_words("bad.csv", "");
    refused(in("evaluate %1$s %1$s/bad.csv"), 1, "no rows");
    write_words("rows.json", "[[1,0],[0,1]]");
    write_words("labels.csv", "0\n1\n2\n");
    refused(in("evaluate %1$s %1$s/rows.json --labels %1$s/labels.csv"), 1, "2 rows, but ");
    write_words("labels.csv", "0\n7\n");
    refused(in("evaluate %1$s %1$s/rows.json --labels %1$s/labels.csv"), 1,
            "labels.csv: row 1: '7' is none of the model's 2 classes");
    put_net(NUMBERS, one);
    refused(in("evaluate %1$s %1$s/t.csv"), 1, "target 'no' is not a number");
    refused(in("evaluate %1$s %1$s/t.csv --top-k 2"), 1, "needs a model that is a classification");
    write_words("t.csv", "1,0,5\n9,9,5\n");
    refused(in("evaluate %1$s %1$s/t.csv"), 1,
            "1 targets a row, where the model answers with 2 numbers");
    put_net(NUMBERS, great);
    write_words("t.csv", "0,0,0,0\n9,-9,0,0\n");
    refused(in("evaluate %1$s %1$s/t.csv --target 3,4"), 1,
            "row 1 (the first one is 0): the net answers infinity at output 0");
    put_net(WORDS, great);
    write_words("t.csv", "0,0,no\n1,1,no\n");
    refused(in("evaluate %1$s %1$s/t.csv"), 1, "row 1 (the first one is 0): the net answers inf");
    leave();
}
END_TEST

/* With the names of columns, which of two columns is the target is no guess. */
START_TEST(named_columns_are_found)
{
    enter();
    write_words("train.csv", "a,b,y\n1,0,no\n0,1,yes\n2,0,no\n0,3,yes\n");
    runs(in("train --data %1$s/train.csv --layers 2,2 --force --epochs 3 --out %1$s/m"), 0,
         "written");
    runs(in("evaluate %1$s/m %1$s/train.csv --format json"), 0, "\"rows\":4");
    char *wanted = strdup(output);
    write_words("other.csv", "y,id,b,a\nno,7,0,1\nyes,8,1,0\nno,9,0,2\nyes,1,3,0\n");
    runs(in("evaluate %1$s/m %1$s/other.csv --target y"), 0, "columns left out: 'id'\n");
    runs(in("evaluate %1$s/m %1$s/other.csv --target y --format json 2>/dev/null"), 0, wanted);
    /* The model knows what its target was called. */
    runs(in("evaluate %1$s/m %1$s/other.csv --format json 2>/dev/null"), 0, wanted);
    free(wanted);
    write_words("last.csv", "b,a,id,z\n0,1,1,no\n");
    refused(in("evaluate %1$s/m %1$s/last.csv"), 1, "there is no column 'y' among the 4");
    ck_assert_int_eq(system(in("sed -i /targets/d %1$s/m/model.json")), 0); /* as others write it */
    refused(in("evaluate %1$s/m %1$s/last.csv"), 1,
            "2 columns are no features of the model: the target must be named (--target)");
    write_words("away.csv", "z,b,a\nno,0,1\n");
    refused(in("evaluate %1$s/m %1$s/away.csv"), 1,
            "column 'a', the last one, is a target and a feature");
    refused(in("evaluate %1$s/m %1$s/other.csv --target b"), 1,
            "column 'b' is a target and a feature");
    write_words("none.csv", "a,y\n1,no\n");
    refused(in("evaluate %1$s/m %1$s/none.csv"), 1, "there is no column 'b' among the 2");
    leave();
}
END_TEST

/* Rows of a, b, c and the target y. */
static void put_npy(const char *name, const float rows[2][4])
{
    char bytes[RELUD_NPY_HEAD_MAX + 32];
    size_t len = relud_npy_head((const size_t[]){2, 4}, 2, bytes);
    memcpy(bytes + len, rows, 32);
    write_file(dir, name, bytes, len + 32);
}

/* y = a + 10 b + 100 c; a is 7 and c is 9 where they are missing, and b must be there. */
START_TEST(what_the_net_imputes_may_be_missing)
{
    static const char json[] =
        "{\"format\":\"relud-model/1\",\"name\":\"gaps\",\"training\":{\"features\":{\"names\":"
        "[\"a\",\"b\",\"c\"],\"mean\":[0,0,0],\"std\":[1,1,1],\"min\":[0,0,0],\"max\":[9,9,9]}}}";
    enter();
    write_words("model.json", json);
    struct buffer bytes = onnx_of("x:f[N,3]; i=i[2]{0,2}; p=Gather(x,i) axis=1; e=Equal(p,p);"
                                  "k=f[2]{7,9}; z=Where(e,p,k); j=i[1]{1}; q=Gather(x,j) axis=1;"
                                  "m=Concat(z,q) axis=1; w=f[3,1]{1,100,10}; y=MatMul(m,w)",
                                  13);
    write_file(dir, "model.onnx", (const char *)bytes.at, bytes.len);
    free(bytes.at);
#define NO_ERROR "\"rows\":2,\"r2\":1,\"rmse\":0,\"mae\":0,"
    write_words("t.csv", "a,b,c,y\n1,2,,921\n,5,6,657\n");
    runs(in("evaluate %1$s %1$s/t.csv --format json"), 0, NO_ERROR);
    write_words("t.csv", "y,b,a\n921,2,1\n957,5,7\n");
    runs(in("evaluate %1$s %1$s/t.csv --target y --format json"), 0, NO_ERROR);
    put_npy("t.npy", (const float[2][4]){{1, 2, NAN, 921}, {NAN, 5, 6, 657}});
    runs(in("evaluate %1$s %1$s/t.npy --format json"), 0, NO_ERROR);
    write_words("t.csv", "a,b,c,y\n1,,3,4\n");
    runs(in("evaluate %1$s %1$s/t.csv"), 1, "line 2, column 2: '' is missing");
    write_words("t.csv", "a,b,c,y\n1,2,3,\n");
    runs(in("evaluate %1$s %1$s/t.csv"), 1, "line 2, column 4: '' where a target is wanted");
    put_npy("t.npy", (const float[2][4]){{1, 2, 3, 4}, {1, NAN, 3, 4}});
    runs(in("evaluate %1$s %1$s/t.npy"), 1, "t.npy: row 1, feature 1 is not finite");
    put_npy("t.npy", (const float[2][4]){{1, 2, 3, 4}, {1, 2, 3, NAN}});
    runs(in("evaluate %1$s %1$s/t.npy"), 1, "t.npy: row 1: the target is not finite");
    put_npy("t.npy", (const float[2][4]){{1, 2, 3, 4}, {INFINITY, 2, 3, 4}});
    runs(in("evaluate %1$s %1$s/t.npy"), 1, "t.npy: row 1, column 0 is not finite");
    leave();
}
END_TEST

RUN_SUITE("evaluate_command", a_classification_is_measured, every_form_of_the_data_gives_the_same,
          a_regression_is_measured, many_classes_and_long_labels, bad_input_is_one_clear_line,
          named_columns_are_found, what_the_net_imputes_may_be_missing)
