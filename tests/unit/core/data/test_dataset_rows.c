/* Rows for training from arrays, labels from other files, columns split off; and all of it without memory. */
#include "tests/unit/files.h"
#include "tests/unit/scarcity.h"

#include <fcntl.h>
#include <math.h>
#include <relud/relud.h>
#include <zlib.h>

struct job { /* what a run reads */
    char path[2][128];
    struct relud_dataset_options options;
};

static struct job job_of(const void *bytes, size_t len, const void *labels, size_t labels_len,
                         struct relud_dataset_options options)
{
    struct job job = {.options = options};
    const char *dir = new_directory();
    snprintf(job.path[0], sizeof job.path[0], "%s/model.json", dir);
    snprintf(job.path[1], sizeof job.path[1], "%s/model.safetensors", dir);
    write_file(dir, "model.json", bytes, len);
    if (labels)
        write_file(dir, "model.safetensors", labels, labels_len);
    return job;
}

static bool read_job(struct job *job, struct relud_dataset *data, struct relud_error *error)
{
    struct relud_dataset_options options = job->options;
    if (access(job->path[1], F_OK) == 0)
        options.labels_path = job->path[1];
    return relud_dataset_read(job->path[0], &options, data, error);
}

static void end_job(struct job *job)
{
    unlink(job->path[0]), unlink(job->path[1]);
    *strrchr(job->path[0], '/') = '\0';
    rmdir(job->path[0]);
}

static bool is_read(void *with, struct relud_error *error)
{
    struct relud_dataset data;
    bool is_done = read_job(with, &data, error);
    relud_dataset_free(&data);
    return is_done;
}

static void check_scarcity(struct job *job)
{
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, is_read, job);
    scarce_each(SCARCE_FILES, RELUD_IO, is_read, job);
}

static size_t npy_of(char *bytes, const char *type, const char *shape, const void *numbers,
                     size_t len, size_t head_len)
{
    memset(bytes, ' ', 10 + head_len);
    memcpy(bytes, "\x93NUMPY\1\0", 8);
    bytes[8] = (char)head_len, bytes[9] = 0;
    int used =
        sprintf(bytes + 10, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type, shape);
    bytes[10 + used] = ' ';
    memcpy(bytes + 10 + head_len, numbers, len);
    return 10 + head_len + len;
}

static size_t fortran_of(char *bytes, const char *type, const void *numbers, size_t len)
{
    size_t all = npy_of(bytes, type, "(3, 3)", numbers, len, 118);
    memcpy(strstr(bytes + 10, "False"), "True ", 5);
    return all;
}

/* Three rows of two features and a class, as arrays of several types: in place, or made into floats. */
START_TEST(arrays_are_rows)
{
    static const float floats[] = {1, 2, 0, 3, 4, 1, 5, 6, 0};
    static const double doubles[] = {1, 2, 0, 3, 4, 1, 5, 6, 0};
    static const unsigned char bytes[] = {1, 2, 0, 3, 4, 1, 5, 6, 0};
    static const float columns[] = {1, 3, 5, 2, 4, 6, 0, 1, 0};
    static const unsigned char big[36] = {0x3f, 0x80, 0, 0, 0x40, 0,    0, 0, 0,    0,    0, 0,
                                          0x40, 0x40, 0, 0, 0x40, 0x80, 0, 0, 0x3f, 0x80, 0, 0,
                                          0x40, 0xa0, 0, 0, 0x40, 0xc0, 0, 0};
    static const unsigned char byte_columns[] = {1, 3, 5, 2, 4, 6, 0, 1, 0};
    static const unsigned char idx[] = "\0\0\x09\2\0\0\0\3\0\0\0\3\1\2\0\3\4\1\5\6";
    char text[8][512];
    const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {text[0], npy_of(text[0], "<f4", "(3, 3)", floats, sizeof floats, 118)},
        {text[1], npy_of(text[1], "<f4", "(3, 3)", floats, sizeof floats, 119)},
        {text[2], npy_of(text[2], "<f8", "(3, 3)", doubles, sizeof doubles, 118)},
        {text[3], npy_of(text[3], "|u1", "(3, 3)", bytes, sizeof bytes, 118)},
        {text[4], npy_of(text[4], ">f4", "(3, 3)", big, sizeof big, 118)},
        {text[5], fortran_of(text[5], "<f4", columns, sizeof columns)},
        {text[6], fortran_of(text[6], "|u1", byte_columns, sizeof byte_columns)},
        {(const char *)idx, sizeof idx},
        {"[[1,2,0],[3,4,1],[5,6,0]]", 25},
        {"{\"inputs\":[[1,2,0],[3,4,1],[5,6,0]]}", 36},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job job = job_of(cases[i].bytes, cases[i].len, NULL, 0,
                                (struct relud_dataset_options){.units = 2});
        struct relud_dataset data;
        struct relud_error error = {0};
        ck_assert_msg(read_job(&job, &data, &error), "%zu: %s", i, error.text);
        ck_assert_uint_eq(data.rows, 3);
        ck_assert_uint_eq(data.features, 2);
        ck_assert(data.values[0] == 1 && data.values[3] == 4 && data.values[5] == 6);
        ck_assert(data.classes[0] == 0 && data.classes[1] == 1 && data.classes[2] == 0);
        relud_dataset_free(&data);
        check_scarcity(&job);
        job.options.target = "1"; /* of three values: numbers to be learned */
        job.options.units = 1;
        ck_assert_msg(read_job(&job, &data, &error), "%s", error.text);
        ck_assert(data.values[0] == 2 && data.values[1] == 0 && data.targets[2] == 5);
        relud_dataset_free(&data);
        end_job(&job);
    }
}
END_TEST

/* Grey values stay bytes, whichever way their array lies. */
START_TEST(bytes_of_columns_are_bytes_of_rows)
{
    static const unsigned char columns[] = {1, 3, 5, 2, 4, 6, 0, 1, 255};
    char npy[256];
    size_t len = fortran_of(npy, "|u1", columns, sizeof columns);
    struct job job = job_of(npy, len, "1\n0\n1\n", 6, (struct relud_dataset_options){.units = 2});
    struct relud_dataset data;
    struct relud_error error = {0};
    ck_assert_msg(read_job(&job, &data, &error), "%s", error.text);
    ck_assert_ptr_null(data.values);
    ck_assert_mem_eq(data.bytes, ((const unsigned char[]){1, 2, 0, 3, 4, 1, 5, 6, 255}), 9);
    relud_dataset_free(&data);
    check_scarcity(&job);
    end_job(&job);
}
END_TEST

START_TEST(standard_input_is_a_dash)
{
    struct job job =
        job_of("a,y\n1,no\n2,yes\n", 15, NULL, 0, (struct relud_dataset_options){.units = 2});
    struct relud_dataset data;
    struct relud_error error = {0};
    int saved = dup(STDIN_FILENO), file = open(job.path[0], O_RDONLY);
    ck_assert_int_ge(dup2(file, STDIN_FILENO), 0);
    ck_assert_msg(relud_dataset_read("-", &job.options, &data, &error), "%s", error.text);
    ck_assert(data.rows == 2 && data.values[1] == 2);
    relud_dataset_free(&data);
    ck_assert(!relud_dataset_read("-", &job.options, &data, &error)); /* it is at its end */
    ck_assert_str_eq(error.text, "standard input: no rows");
    dup2(saved, STDIN_FILENO);
    close(saved), close(file);
    end_job(&job);
}
END_TEST

/* Labels of another file, in each of its forms; the rows stay as they lie. */
START_TEST(labels_may_lie_in_another_file)
{
    static const float floats[] = {1, 2, 3, 4, 5, 6}, classes[] = {1, 0, 1};
    char rows[256], labels[256];
    size_t rows_len = npy_of(rows, "<f4", "(3, 2)", floats, sizeof floats, 118);
    const struct {
        const char *bytes;
        size_t len;
        struct relud_dataset_options options;
    } cases[] = {
        {labels, npy_of(labels, "<f4", "(3,)", classes, sizeof classes, 118), {.units = 2}},
        {"\0\0\x08\1\0\0\0\3\1\0\1", 11, {.units = 2}},
        {"1\n0\n1\n", 6, {.units = 1}},
        {"[1,0,1]", 7, {.units = 2}},
        {"1 ;2\n3;4\n5;6\n", 13, {.units = 2, .task = RELUD_TASK_REGRESSION}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job job = job_of(rows, rows_len, cases[i].bytes, cases[i].len, cases[i].options);
        struct relud_dataset data;
        struct relud_error error = {0};
        ck_assert_msg(read_job(&job, &data, &error), "%zu: %s", i, error.text);
        ck_assert_uint_eq(data.features, 2);
        ck_assert(data.values[5] == 6);
        if (data.outputs)
            ck_assert(data.outputs == 2 && data.targets[5] == 6);
        else
            ck_assert(data.classes[0] == 1 && data.classes[1] == 0 && data.classes[2] == 1);
        relud_dataset_free(&data);
        check_scarcity(&job);
        end_job(&job);
    }
}
END_TEST

START_TEST(tables_are_rows_without_memory_too)
{
    static const struct {
        const char *text;
        struct relud_dataset_options options;
    } cases[] = {
        {"a,b,t\n1,2,\"x\"\"y\"\n3,4,z\n5,6,z\n", {.units = 2}},
        {"a,b,t\n1,,1.5\n3,4,2\n5,6,7\n", {.units = 1, .fill_missing = true}},
        {"1,2,10\n3,4,20\n5,6,10\n", {.units = 2}},
        {"# a,b,t\n1,2,10\n3,4,20\n5,6,10\n", {.units = 2}},
        {"id,a,b,c,d,t\n0,2,T,w,1,7.5\n1,4,F,w,1,8\n2,5,yes,x,1,9\n",
         {.units = 1, .drop = "c", .keep = "d", .leaves_out = true, .has_booleans = true}},
        {"1,2,3,4\n5,6,7,8\n", {.units = 2, .target = "1,4", .task = RELUD_TASK_REGRESSION}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job job = job_of(cases[i].text, strlen(cases[i].text), NULL, 0, cases[i].options);
        check_scarcity(&job);
        struct relud_dataset data, more;
        struct relud_error error = {0};
        ck_assert_msg(read_job(&job, &data, &error), "%s", error.text);
        job.options.like = &data;
        ck_assert_msg(read_job(&job, &more, &error), "%s", error.text);
        ck_assert_uint_eq(more.outputs, data.outputs);
        relud_dataset_free(&more);
        relud_dataset_free(&data);
        end_job(&job);
    }
}
END_TEST

/* Squares of 8 x 8 and more are images, cubes have their shape. */
START_TEST(shapes_of_images_are_known)
{
    static const struct {
        const char *shape;
        size_t count, height, width;
    } cases[] = {{"(2, 8, 9)", 144, 8, 9},
                 {"(2, 64)", 128, 8, 8},
                 {"(2, 49)", 98, 0, 0},
                 {"(2, 65)", 130, 0, 0},
                 {"(2, 2, 2, 16)", 128, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[512];
        unsigned char numbers[256] = {0};
        size_t len = npy_of(bytes, "|u1", cases[i].shape, numbers, cases[i].count, 118);
        struct job job =
            job_of(bytes, len, "1\n0\n", 4, (struct relud_dataset_options){.units = 2});
        struct relud_dataset data;
        struct relud_error error = {0};
        ck_assert_msg(read_job(&job, &data, &error), "%s", error.text);
        ck_assert_uint_eq(data.height, cases[i].height);
        ck_assert_uint_eq(data.width, cases[i].width);
        ck_assert_ptr_nonnull(data.bytes);
        relud_dataset_free(&data);
        end_job(&job);
    }
}
END_TEST

#define LONG_NAME "a_name_of_more_than_thirty_letters_altogether"

START_TEST(what_is_wrong_is_named)
{
    static const float floats[] = {1, 2, 0, INFINITY, 4, 1};
    char npy[512];
    size_t npy_len = npy_of(npy, "<f4", "(2, 3)", floats, sizeof floats, 118);
    const struct {
        const char *bytes;
        size_t len; /* 0: to the NUL */
        const char *labels;
        struct relud_dataset_options options;
        const char *words;
    } cases[] = {
        {npy, npy_len, NULL, {.units = 2}, "row 1, column 0 is not finite"},
        {"\x93NUMPY\1\0\2\0{}", 12, NULL, {.units = 2}, "npy: the head has no descr"},
        {"\0\0\x08\1\0\0\0\3\1\0\1",
         11,
         NULL,
         {.units = 2},
         "one dimension, where rows of features are wanted"},
        {"\x93NUMPY\1\0\x3a\0{'descr': '|u1', 'fortran_order': False, 'shape': (2,), } \n\1\2",
         70,
         NULL,
         {.units = 2},
         "one dimension, where rows of features are wanted"},
        {"\0\0\x08\3\0\0\0\3", 8, NULL, {.units = 2}, "idx: the head is not whole"},
        {"[[1,2],[3,4]", 12, NULL, {.units = 2}, "where a comma or ] is wanted"},
        {"\1\0\2", 3, NULL, {.units = 2}, "neither JSON, CSV, npy nor IDX"},
        {"[[1,2],[3,4]]",
         13,
         NULL,
         {.units = 2, .target = "0"},
         "target '0' is no column from 1 to 2"},
        {"[[1,2],[3,4]]",
         13,
         NULL,
         {.units = 2, .target = "3"},
         "target '3' is no column from 1 to 2"},
        {"[[1,2],[3,4]]", 13, NULL, {.units = 2, .target = "1x"}, "target '1x' is no column"},
        {"[[1,2],[3,4]]", 13, NULL, {.units = 2, .target = ":"}, "target ':' is no column"},
        {"[[1,2],[3,4]]", 13, "1\n2\n3\n", {.units = 2}, "2 rows, but"},
        {"[[1,2],[3,4]]", 13, "[[1,2,3]]", {.units = 2}, "has 1 labels"},
        {"PAR1,b\n1,0\n", 0, NULL, {.units = 2}, "a Parquet file: write it as CSV or npy"},
        {"1,-1\n2,5\n3,-1\n",
         0,
         NULL,
         {.units = 3},
         "the target has 2 classes, where the last layer tells 3 apart"},
        {"[[1,2],[3,4]]", 13, "x,y\n", {.units = 2}, "no rows"},
        {"[[1,2],[3,4]]",
         13,
         "1,2\n3,4\n",
         {.units = 2, .task = RELUD_TASK_CLASSIFICATION},
         "2 targets a row, where one class is wanted"},
        {"[[1,2],[3,4]]",
         13,
         "1,2\n3,4\n",
         {.units = 3},
         "2 targets a row, where the last layer has 3 units"},
        {"[[1,2],[3,4]]", 13, NULL, {.units = 100000}, "more than 65536 classes"},
        {"a,b\n1,2\n",
         8,
         NULL,
         {.units = 1, .target = LONG_NAME LONG_NAME},
         "there is no column 'a_name_of_more_than_thirty_letters_altogethera_name_of_more_' among"},
        {"a,b\n1,2\n",
         8,
         NULL,
         {.units = 1, .target = "12345678901234567890123456"},
         "there is no column '12345678901234567890123456'"},
        {"a,b\n1,2\n", 8, NULL, {.units = 1, .target = "a,a,b"}, "column 'a' is a target twice"},
        {"1,2\n3," LONG_NAME "\n",
         0,
         NULL,
         {.units = 1, .task = RELUD_TASK_REGRESSION},
         "line 2: target 'a_name_of_more_than_thirty_let' is not a number"},
        {"1,2\n3,1e99\n",
         11,
         NULL,
         {.units = 1, .task = RELUD_TASK_REGRESSION},
         "line 2: target '1e99' is not a number"},
        {"1,0.5\n2,1\n3,0.5\n4,0.25\n",
         0,
         NULL,
         {.units = 2},
         "the target has 3 classes, where the last layer tells 2"},
        {"[[1,0],[2,1],[3,5]]", 19, NULL, {.units = 2}, "row 2: label 5 is out of range"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job job = job_of(
            cases[i].bytes, cases[i].len ? cases[i].len : strlen(cases[i].bytes), cases[i].labels,
            cases[i].labels ? strlen(cases[i].labels) : 0, cases[i].options);
        struct relud_dataset data;
        struct relud_error error = {0};
        bool is_done = read_job(&job, &data, &error);
        end_job(&job);
        ck_assert_msg(!is_done && strstr(error.text, cases[i].words), "%zu: '%s'; '%s' is wanted",
                      i, error.text, cases[i].words);
    }
}
END_TEST

/* Labels stand in model.json: not too long, not too many bytes. Names of features are dropped beyond a megabyte. */
START_TEST(labels_and_names_are_not_without_end)
{
    char *text = malloc(4 << 20);
    struct relud_dataset data;
    struct relud_error error = {0};
    size_t len = (size_t)sprintf(text, "1,a\n2,");
    memset(text + len, 'b', 1100);
    struct job job = job_of(text, len + 1100, NULL, 0, (struct relud_dataset_options){.units = 2});
    ck_assert(!read_job(&job, &data, &error));
    ck_assert_msg(strstr(error.text, "labels of more than 1024 bytes") != NULL, "%s", error.text);
    end_job(&job);

    len = 0;
    for (int i = 0; i < 1100; i++)
        len += (size_t)sprintf(text + len, "1,%01000d\n", i);
    job = job_of(text, len, NULL, 0, (struct relud_dataset_options){.units = 1100});
    ck_assert(!read_job(&job, &data, &error));
    ck_assert_msg(strstr(error.text, "or 1048576 in all") != NULL, "%s", error.text);
    end_job(&job);

    len = 0;
    for (int i = 0; i < 3; i++) {
        memset(text + len, 'a' + i, 500000);
        len += 500000;
        text[len++] = ',';
    }
    len += (size_t)sprintf(text + len, "t\n1,2,3,0\n4,5,6,1\n");
    job = job_of(text, len, NULL, 0, (struct relud_dataset_options){.units = 2});
    ck_assert_msg(read_job(&job, &data, &error), "%s", error.text);
    ck_assert_ptr_null(data.name);
    ck_assert_uint_eq(data.features, 3);
    relud_dataset_free(&data);
    end_job(&job);
    free(text);
}
END_TEST

START_TEST(other_rows_have_the_same_columns)
{
    struct job job =
        job_of("a,bb,y\n1,2,0\n3,4,1\n", 19, NULL, 0, (struct relud_dataset_options){.units = 2});
    struct relud_dataset data, more;
    struct relud_error error = {0};
    ck_assert_msg(read_job(&job, &data, &error), "%s", error.text);
    end_job(&job);
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"a,b,y\n1,2,0\n", "line 1: there is no column 'bb' among the 3"},
        {"a,Bb,y\n1,2,0\n", "there is no column 'bb'; did you mean column 2, 'Bb'?"},
        {"a," LONG_NAME ",y\n1,2,0\n", "there is no column 'bb' among the 3"},
        {"a,bb,z\n1,2,0\n", "there is no column 'y' among the 3"},
        {"1,2,2\n", "line 1: a label that the training rows do not have"},
        {"1,2,x\n", "line 1: a label that the training rows do not have"},
        {"1,2,0\n1,2,\"x\n\"\"\"\n", "line 2: a label that the training rows do not have"},
        {"1,2,\"\"\"\n\"\n1,2,x\n", "line 1: a label that the training rows do not have"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        job = job_of(cases[i].text, strlen(cases[i].text), NULL, 0,
                     (struct relud_dataset_options){.units = 2, .like = &data});
        ck_assert(!read_job(&job, &more, &error));
        ck_assert_msg(strstr(error.text, cases[i].words) != NULL, "'%s'; '%s' is wanted",
                      error.text, cases[i].words);
        end_job(&job);
    }
    job = job_of("", 0, NULL, 0, (struct relud_dataset_options){.units = 2, .like = &data});
    ck_assert(!read_job(&job, &more, &error));
    ck_assert_msg(strstr(error.text, "no rows") != NULL, "%s", error.text);
    end_job(&job);
    /* labels of another file take the place of the column */
    job = job_of("bb,a\n2,1\n", 9, "1\n", 2,
                 (struct relud_dataset_options){.units = 2, .like = &data});
    ck_assert_msg(read_job(&job, &more, &error), "%s", error.text);
    ck_assert(more.values[0] == 1 && more.values[1] == 2 && more.classes[0] == 1);
    relud_dataset_free(&more);
    end_job(&job);
    job = job_of("1,2,1\n", 6, NULL, 0, (struct relud_dataset_options){.units = 2, .like = &data});
    ck_assert_msg(read_job(&job, &more, &error), "%s", error.text); /* without names: taken */
    ck_assert_uint_eq(more.classes[0], 1);
    relud_dataset_free(&more);
    end_job(&job);
    relud_dataset_free(&data);
    /* a regression's rows are numbers, whatever they look like */
    job =
        job_of("1,2,0.5\n3,4,1\n5,6,7\n", 20, NULL, 0, (struct relud_dataset_options){.units = 1});
    ck_assert_msg(read_job(&job, &data, &error), "%s", error.text);
    end_job(&job);
    job = job_of("1,2,0\n3,4,1\n", 12, NULL, 0,
                 (struct relud_dataset_options){.units = 1, .like = &data});
    ck_assert_msg(read_job(&job, &more, &error), "%s", error.text);
    ck_assert_uint_eq(more.outputs, 1);
    relud_dataset_free(&more);
    relud_dataset_free(&data);
    end_job(&job);
}
END_TEST

RUN_SUITE("dataset_rows", arrays_are_rows, bytes_of_columns_are_bytes_of_rows,
          standard_input_is_a_dash, labels_may_lie_in_another_file,
          tables_are_rows_without_memory_too, shapes_of_images_are_known, what_is_wrong_is_named,
          labels_and_names_are_not_without_end, other_rows_have_the_same_columns)
