/* Rows with targets from files: what is read, and what is refused with which words. */
#include "tests/unit/files.h"
#include "tests/unit/suite.h"

#include <math.h>
#include <relud/relud.h>
#include <zlib.h>

static const char *dir;
static char path[2][128];

static void put(size_t index, const void *bytes, size_t len)
{
    snprintf(path[index], sizeof path[index], "%s/model.%s", dir, index ? "safetensors" : "json");
    write_file(dir, index ? "model.safetensors" : "model.json", bytes, len);
}

static bool read_text(const char *text, struct relud_dataset_options options,
                      struct relud_dataset *data, struct relud_error *error)
{
    dir = new_directory();
    put(0, text, strlen(text));
    bool is_read = relud_dataset_read(path[0], &options, data, error);
    remove_directory(dir);
    return is_read;
}

START_TEST(a_table_gives_features_classes_and_names)
{
    struct relud_dataset data;
    struct relud_error error;
    ck_assert_msg(
        read_text("\"sepal, long\";width;species\n1.5;2;setosa\n\n3;-4e1;\"virg\"\"inica\"\r\n 5 "
                  ";+6;setosa\n",
                  (struct relud_dataset_options){.units = 2}, &data, &error),
        "%s", error.text);
    ck_assert_uint_eq(data.rows, 3);
    ck_assert_uint_eq(data.features, 2);
    ck_assert_str_eq(data.name[0], "sepal, long");
    ck_assert_float_eq(data.values[3], -40);
    ck_assert_float_eq(data.values[5], 6);
    ck_assert_uint_eq(data.labels, 2);
    ck_assert_str_eq(data.label[0], "setosa");
    ck_assert_str_eq(data.label[1], "virg\"inica");
    ck_assert_uint_eq(data.classes[1], 1);
    ck_assert_uint_eq(data.classes[2], 0);
    relud_dataset_free(&data);
}
END_TEST

START_TEST(the_target_is_a_name_a_number_or_the_last)
{
    static const struct {
        const char *target;
        float first; /* of the features */
        float wanted;
    } cases[] = {{NULL, 1, 3}, {"a", 2, 1}, {"2", 1, 2}, {"c", 1, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_dataset data;
        struct relud_error error;
        ck_assert_msg(
            read_text("a,b,c\n1,2,3\n4,5,6\n7,8,9.5\n",
                      (struct relud_dataset_options){.target = cases[i].target, .units = 1}, &data,
                      &error),
            "%s", error.text);
        ck_assert_uint_eq(data.outputs, 1);
        ck_assert_float_eq(data.values[0], cases[i].first);
        ck_assert_float_eq(data.targets[0], cases[i].wanted);
        relud_dataset_free(&data);
    }
    struct relud_dataset data;
    struct relud_error error;
    ck_assert(read_text(
        "a\tb\tc\n1\t2\t3\n4\t5\t6\n",
        (struct relud_dataset_options){.target = "c,a", .task = RELUD_TASK_REGRESSION, .units = 2},
        &data, &error));
    ck_assert_uint_eq(data.outputs, 2);
    ck_assert_float_eq(data.targets[2], 6);
    ck_assert_float_eq(data.targets[3], 4);
    relud_dataset_free(&data);
}
END_TEST

START_TEST(the_task_follows_from_target_and_units)
{
    static const struct {
        const char *text;
        size_t units, outputs, labels;
        const char *last; /* label */
    } cases[] = {
        {"1,0\n2,1\n3,0\n", 1, 0, 2, "1"},                   /* two values: binary */
        {"1,-1\n2,1\n3,-1\n", 1, 0, 2, "1"},                 /* whatever they are */
        {"1,0\n2,1\n3,2\n", 1, 1, 0, NULL},                  /* more for one unit: numbers */
        {"1,0\n2,1\n3,2\n", 3, 0, 3, "2"},                   /* three units tell three apart */
        {"1,0\n2,1\n3,1\n", 5, 0, 5, "4"},                   /* indices need not all be there */
        {"1,10\n2,2.5\n3,10\n4,3\n", 3, 0, 3, "10"},         /* by size */
        {"1,yes\n2,no\n", 1, 0, 2, "yes"},                   /* by bytes */
        {"5.1,3.5,setosa\n4.9,3,versi\n", 2, 0, 2, "versi"}, /* no header */
        /* With 0 units the targets say how many there are. */
        {"1,red\n2,green\n3,blue\n4,red\n", 0, 0, 3, "red"},
        {"1,0\n2,1\n3,0\n", 0, 0, 2, "1"},
        {"1,0\n2,1\n3,2.5\n", 0, 1, 0, NULL},
        {"1,1\n1,2\n1,3\n1,4\n1,5\n1,6\n1,7\n1,8\n1,9\n1,10\n1,11\n1,12\n1,13\n1,14\n1,15\n1,16\n"
         "1,17\n1,18\n1,19\n1,20\n1,21\n",
         0, 1, 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_dataset data;
        struct relud_error error;
        ck_assert_msg(read_text(cases[i].text,
                                (struct relud_dataset_options){.units = cases[i].units}, &data,
                                &error),
                      "%zu: %s", i, error.text);
        ck_assert_uint_eq(data.outputs, cases[i].outputs);
        ck_assert_uint_eq(data.labels, cases[i].labels);
        if (cases[i].last)
            ck_assert_str_eq(data.label[data.labels - 1], cases[i].last);
        relud_dataset_free(&data);
    }
}
END_TEST

START_TEST(whole_numbers_may_be_either)
{
    static const char text[] = "x,y\n1,0\n2,1\n3,3\n4,0\n";
    struct relud_dataset data;
    struct relud_error error;
    struct relud_dataset_options options = {0};
    ck_assert(!read_text(text, options, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "--task classification or --task regression says"));
    options.task = RELUD_TASK_CLASSIFICATION;
    ck_assert(read_text(text, options, &data, &error));
    ck_assert_uint_eq(data.labels, 3);
    ck_assert_str_eq(data.label[2], "3");
    relud_dataset_free(&data);
    options.task = RELUD_TASK_REGRESSION;
    ck_assert(read_text(text, options, &data, &error));
    ck_assert_uint_eq(data.outputs, 1);
    relud_dataset_free(&data);
}
END_TEST

START_TEST(missing_cells_become_the_mean_or_an_error)
{
    static const char text[] = "a,b,t\n1,,0\n3,4,1\nNA,6,0\n<NA>,nan,1\n";
    struct relud_dataset data, more;
    struct relud_error error;
    ck_assert(!read_text(text, (struct relud_dataset_options){.units = 1}, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "line 2, column 2: '' is missing"));
    struct relud_dataset_options filled = {.units = 1, .fill_missing = true};
    ck_assert(read_text(text, filled, &data, &error));
    ck_assert_float_eq(data.values[1], 5);
    ck_assert_float_eq(data.values[4], 2);
    filled.like = &data; /* other rows get the means of these */
    ck_assert(read_text("a,b,t\n100,,1\n", filled, &more, &error));
    ck_assert_float_eq(more.values[1], 5);
    relud_dataset_free(&more);
    ck_assert(!read_text("", filled, &more, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "no rows"));
    relud_dataset_free(&data);
    ck_assert(!read_text("a,b,t\n1,,0\n3,,1\n",
                         (struct relud_dataset_options){.units = 1, .fill_missing = true}, &data,
                         &error));
    ck_assert_ptr_nonnull(strstr(error.text, "every cell of feature 2 is missing"));
}
END_TEST

static const struct {
    const char *text;
    struct relud_dataset_options options;
    const char *words;
} refusals[] = {
    {"", {.units = 2}, "no rows"},
    {"a,b\n", {.units = 2}, "no rows"},
    {"1,2\n3\n", {.units = 2}, "line 2 has 1 columns where line 1 has 2"},
    {"a,b\n1,0\n1,2,3\n", {.units = 2}, "line 3 has 3 columns where line 1 has 2"},
    {"a,b\n1,0\nx,1\n", {.units = 2}, "line 3, column 1: 'x' is not a number"},
    {"a,b\n1,0\n1e99,1\n", {.units = 2}, "line 3, column 1: '1e99' is more than float32 can hold"},
    {"a,b\n1,0\n2,\n", {.units = 2}, "line 3, column 2: '' where a target is wanted"},
    {"a,b\n1,\"0\n2,1\n", {.units = 2}, "line 2: a quote that does not end"},
    {"a,b\n1,\"0\"x\n2,1\n", {.units = 2}, "line 2: 'x' behind a quote's end"},
    {"1\n2\n", {.units = 2}, "no column is left for the features"},
    {"a,b\n1,0\n2,1\n", {.units = 2, .target = "c"}, "there is no column 'c' among the 2"},
    {"a,b\n1,0\n2,1\n", {.units = 2, .target = "3"}, "there is no column '3' among the 2"},
    {"a,b\n1,0\n2,1\n", {.units = 2, .target = "0"}, "there is no column '0' among the 2"},
    {"a,b\n1,0\n2,1\n", {.units = 2, .target = "-1"}, "there is no column '-1' among the 2"},
    {"a,b\n1,0\n2,1\n", {.units = 2, .target = "a,,b"}, "there is no column '' among the 2"},
    {"a,b\n1,0\n2,1\n",
     {.units = 2, .target = "18446744073709551617"},
     "there is no column '18446744073709551617' among the 2"},
    {"1,0\n2,1\n",
     {.units = 2, .target = "b", .table.header = RELUD_HEADER_NO},
     "there is no column 'b' among the 2"},
    {"a,b,c\n1,0,1\n", {.units = 2, .target = "b,b"}, "column 'b' is a target twice"},
    {"1,0\n2,0\n", {.units = 2}, "the target has one class only"},
    {"1,a\n2,a\n", {.units = 2}, "the target has one class only"},
    {"1,0\n2,1\n3,7\n", {.units = 2}, "line 3: label 7 is out of range: the last layer tells 2"},
    {"1,a\n2,b\n3,c\n",
     {.units = 2},
     "the target has 3 classes, where the last layer tells 2 apart"},
    {"1,a\n2,b\n", {.units = 3}, "the target has 2 classes, where the last layer tells 3 apart"},
    {"1,a\n2,3\n",
     {.units = 1, .task = RELUD_TASK_REGRESSION},
     "line 1: target 'a' is not a number"},
    {"1,2\n2,3\n", {.units = 2, .task = RELUD_TASK_REGRESSION}, "1 targets a row, where the last"},
    {"[[1,2],[3,4]]", {.units = 2, .target = "x"}, "target 'x' is no column from 1 to 2"},
    {"[[1],[3]]", {.units = 2}, "no column is left for the features"},
    {"\1\2\3", {.units = 2}, "no column is left"},
    {"\r\n[14\r  \n[",
     {.units = 2},
     "model.json: inputs"}, /* nothing before the first line is looked at */
    {"1,caf\xe9\n2,b\n", {.units = 2}, "a label is not UTF-8"},
    {"a\tb\tc\n1\t2\tx\n\t\t\n", {.units = 2}, "line 3, column 1: '' is missing"},
};

START_TEST(what_review_found)
{
    struct relud_dataset data, more;
    struct relud_error error;
    struct relud_dataset_options two = {.units = 2}, first = {.units = 2, .target = "1"};
    /* a number is a column, also where a cell of the first row is called so */
    ck_assert(read_text("0,1,0.3\n1,7,0.4\n", first, &data, &error));
    ck_assert_float_eq(data.values[0], 1);
    ck_assert_str_eq(data.label[1], "1");
    relud_dataset_free(&data);
    /* a byte order mark is no part of the first cell */
    ck_assert(read_text("\xef\xbb\xbf"
                        "1,2,0\n3,4,1\n",
                        two, &data, &error));
    ck_assert_uint_eq(data.rows, 2);
    relud_dataset_free(&data);
    /* the same text with and without quotes is one label; -0 is 0; great numbers are texts */
    ck_assert(read_text("1,a\"b\n2,\"a\"\"b\"\n3,c\n", two, &data, &error));
    ck_assert_uint_eq(data.classes[0], data.classes[1]);
    relud_dataset_free(&data);
    ck_assert(read_text("1,-0\n2,0\n3,1\n", two, &data, &error));
    ck_assert_uint_eq(data.classes[0], data.classes[1]);
    relud_dataset_free(&data);
    ck_assert(read_text("1,16777216\n2,16777217\n", two, &data, &error));
    ck_assert_str_eq(data.label[1], "16777217");
    relud_dataset_free(&data);
    /* other rows are read as the training's labels were: as texts, or as numbers */
    ck_assert(read_text("1,1.0\n2,x\n3,2.0\n", (struct relud_dataset_options){.units = 3}, &data,
                        &error));
    two.like = &data;
    ck_assert(read_text("1,1.0\n2,2.0\n", two, &more, &error));
    relud_dataset_free(&more);
    relud_dataset_free(&data);
    ck_assert(read_text("1,1\n2,0\n", (struct relud_dataset_options){.units = 2}, &data, &error));
    ck_assert(read_text("1,1.0\n2,+0\n", two, &more, &error));
    relud_dataset_free(&more);
    relud_dataset_free(&data);
    /* columns of other names, or of another number where means are to be filled in */
    ck_assert(read_text("a,b,y\n1,,0\n2,3,1\n",
                        (struct relud_dataset_options){.units = 2, .fill_missing = true}, &data,
                        &error));
    ck_assert(!read_text("b,c,y\n1,2,0\n", two, &more, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "line 1: there is no column 'a' among the 3"));
    ck_assert(!read_text("1,2,3,4,5,6,7,8,9,0\n", two, &more, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "9 features, where the training rows have 2"));
    relud_dataset_free(&data);
    /* a head that ends in its key */
    char npy[10 + 4096 + 2] = "\x93NUMPY\2\0\0\x10\0\0";
    memset(npy + 12, ' ', 4096);
    memcpy(npy + 12 + 4096 - 8, "'descr':", 8);
    dir = new_directory();
    put(0, npy, 12 + 4096);
    ck_assert(
        !relud_dataset_read(path[0], &(struct relud_dataset_options){.units = 2}, &data, &error));
    remove_directory(dir);
}
END_TEST

START_TEST(each_wrong_table_is_refused_with_its_reason)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct relud_dataset data;
        struct relud_error error = {0};
        bool is_read = read_text(refusals[i].text, refusals[i].options, &data, &error);
        ck_assert_msg(!is_read && strstr(error.text, refusals[i].words),
                      "%zu: '%s'; '%s' is wanted", i, error.text, refusals[i].words);
    }
}
END_TEST

/* Three images of 2 x 2, and their labels. */
static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2,  0,  0,
                                       0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 1, 0, 1};

static bool read_images(size_t images_len, const void *label_bytes, size_t labels_len, size_t units,
                        struct relud_dataset *data, struct relud_error *error)
{
    dir = new_directory();
    put(0, images, images_len);
    put(1, label_bytes, labels_len);
    struct relud_dataset_options options = {.labels_path = path[1], .units = units};
    bool is_read = relud_dataset_read(path[0], &options, data, error);
    remove_directory(dir);
    return is_read;
}

START_TEST(images_stay_bytes_and_have_a_shape)
{
    struct relud_dataset data;
    struct relud_error error;
    ck_assert_msg(read_images(sizeof images, labels, sizeof labels, 2, &data, &error), "%s",
                  error.text);
    ck_assert_uint_eq(data.rows, 3);
    ck_assert_uint_eq(data.height * 10 + data.width, 22);
    ck_assert_ptr_null(data.values);
    ck_assert_uint_eq(data.bytes[11], 255);
    ck_assert_uint_eq(data.classes[0], 1);
    ck_assert_str_eq(data.label[1], "1");
    relud_dataset_free(&data);
    /* the same labels as .npy: one number a row */
    char npy[RELUD_NPY_HEAD_MAX + 16];
    const size_t shape[] = {3};
    const float values[] = {1, 0, 1};
    size_t len = relud_npy_head(shape, 1, npy);
    memcpy(npy + len, values, sizeof values);
    ck_assert_msg(read_images(sizeof images, npy, len + sizeof values, 2, &data, &error), "%s",
                  error.text);
    ck_assert_uint_eq(data.classes[2], 1);
    relud_dataset_free(&data);
}
END_TEST

START_TEST(images_and_labels_that_do_not_fit_are_refused)
{
    static const unsigned char two[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 0},
                               nine[] = {0, 0, 8, 1, 0, 0, 0, 3, 1, 0, 9},
                               same[] = {0, 0, 8, 1, 0, 0, 0, 3, 1, 1, 1};
    struct relud_dataset data;
    struct relud_error error;
    ck_assert(!read_images(sizeof images, two, sizeof two, 2, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "3 rows, but"));
    ck_assert_ptr_nonnull(strstr(error.text, "has 2 labels"));
    ck_assert(!read_images(sizeof images, nine, sizeof nine, 2, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "row 2: label 9 is out of range"));
    ck_assert(!read_images(sizeof images, same, sizeof same, 2, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "one class only"));
    /* floats that are no numbers */
    static const unsigned char nan[28] = {
        [2] = 13, [3] = 2, [7] = 2, [11] = 2, [20] = 0x7f, [21] = 0xc0};
    dir = new_directory();
    put(0, nan, 28);
    ck_assert(
        !relud_dataset_read(path[0], &(struct relud_dataset_options){.units = 2}, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "is not finite"));
    remove_directory(dir);
    for (size_t len = 0; len < sizeof images; len++)
        ck_assert(!read_images(len, labels, sizeof labels, 2, &data, &error));
    for (size_t len = 0; len < sizeof labels; len++)
        ck_assert(!read_images(sizeof images, labels, len, 2, &data, &error));
}
END_TEST

START_TEST(packed_files_are_read_and_torn_ones_refused)
{
    char text[4096] = "a,b\n", packed[160];
    for (int i = 0; i < 200; i++)
        sprintf(text + strlen(text), "%d,%d\n", i * 7919 % 1000, i % 2);
    dir = new_directory();
    snprintf(packed, sizeof packed, "%s/model.json", dir);
    gzFile gz = gzopen(packed, "wb");
    gzwrite(gz, text, (unsigned)strlen(text));
    gzclose(gz);
    FILE *file = fopen(packed, "rb");
    char bytes[4096];
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    struct relud_dataset_options options = {.units = 2};
    struct relud_dataset data;
    struct relud_error error;
    ck_assert_msg(relud_dataset_read(packed, &options, &data, &error), "%s", error.text);
    ck_assert_uint_eq(data.rows, 200);
    relud_dataset_free(&data);
    for (size_t cut = 3; cut < len; cut += 5) {
        write_file(dir, "model.json", bytes, cut);
        ck_assert(!relud_dataset_read(packed, &options, &data, &error));
    }
    remove_directory(dir);
    ck_assert(!relud_dataset_read("/nonexistent", &options, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent: No such file"));
}
END_TEST

START_TEST(other_rows_must_have_the_labels_and_the_width)
{
    struct relud_dataset data, more;
    struct relud_error error;
    struct relud_dataset_options options = {.units = 2};
    ck_assert(read_text("1,2,a\n3,4,b\n", options, &data, &error));
    options.like = &data;
    ck_assert(read_text("1,2,b\n", options, &more, &error));
    ck_assert_uint_eq(more.classes[0], 1);
    relud_dataset_free(&more);
    ck_assert(!read_text("1,2,c\n", options, &more, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "line 1: a label that the training rows do not have"));
    ck_assert(!read_text("1,2,3,a\n", options, &more, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "3 features, where the training rows have 2"));
    relud_dataset_free(&data);
}
END_TEST

/* What a model knows of its rows, filled by hand. */
START_TEST(rows_may_be_like_those_of_a_model)
{
    static const char *const words[] = {"no", "yes"}, *const mixed[] = {"1", "x"},
                             *const numbers[] = {"1", "2"}, *const names[] = {"a", "b"};
    static const struct {
        const char *text, *const *label;
        bool is_number, has_names;
        const char *target, *error;
        uint32_t class; /* of the first row */
    } cases[] = {
        {"1,2,yes\n1,2,no\n", words, false, false, NULL, NULL, 1},
        {"1,2,1\n1,2,0\n", words, false, false, NULL, NULL, 1},
        {"1,2,1\n1,2,2\n", words, false, false, NULL, "line 2, the last column: '2' is none of", 0},
        {"1,2,0.5\n", words, false, false, NULL, "the last column: '0.5' is none of", 0},
        {"1,2,1\n1,2,no\n", words, false, false, "3", "line 1, column '3': '1' is none of", 0},
        {"1,2,1\n", mixed, false, false, NULL, NULL, 0},
        {"1,2,0\n", mixed, false, false, NULL, "'0' is none of the model's 2 classes", 0},
        {"1,2,2.0\n", numbers, true, false, NULL, NULL, 1},
        {"1,2,0\n", numbers, true, false, NULL, "'0' is none of the model's 2 classes", 0},
        {"1,yes\n", words, false, false, NULL,
         "1 features before the last column, which is the target, where the model takes 2", 0},
        {"b,y,a\n1,yes,2\n", words, false, true, "y", NULL, 1},
        {"b,y,a\n1,yes,2\n", words, false, true, NULL, "column 'a', the last one, is a target", 0},
        {"b,a,id,y\n1,2,3,yes\n", words, false, true, NULL, "2 columns are no features", 0},
        {"b,a,id,y\n1,2,3,sí\n", words, false, true, "y", "line 2, column 'y': 'sí' is none", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct relud_dataset like = {.features = 2,
                                           .labels = 2,
                                           .label = cases[i].label,
                                           .has_number_labels = cases[i].is_number,
                                           .name = cases[i].has_names ? names : NULL};
        const struct relud_dataset_options options = {
            .like = &like, .takes_indices = true, .units = 2, .target = cases[i].target};
        struct relud_dataset data;
        struct relud_error error = {0};
        bool is_read = read_text(cases[i].text, options, &data, &error);
        ck_assert_msg(is_read == !cases[i].error, "case %zu: %s", i, error.text);
        if (is_read)
            ck_assert_uint_eq(data.classes[0], cases[i].class);
        else
            ck_assert_msg(strstr(error.text, cases[i].error) != NULL, "'%s' for '%s'", error.text,
                          cases[i].error);
        relud_dataset_free(&data);
    }
}
END_TEST

RUN_SUITE("dataset", a_table_gives_features_classes_and_names,
          the_target_is_a_name_a_number_or_the_last, the_task_follows_from_target_and_units,
          whole_numbers_may_be_either, missing_cells_become_the_mean_or_an_error, what_review_found,
          each_wrong_table_is_refused_with_its_reason, images_stay_bytes_and_have_a_shape,
          images_and_labels_that_do_not_fit_are_refused,
          packed_files_are_read_and_torn_ones_refused,
          other_rows_must_have_the_labels_and_the_width, rows_may_be_like_those_of_a_model)
