/* NumPy's files beyond the plain case: either order, either byte order; and heads that are not quite right. */
#include "tests/unit/arrays.h"

START_TEST(F9_either_byte_order_is_read)
{
    static const struct {
        const char *head, *bytes;
        size_t len;
    } cases[] = {
        {NPY(">f4", "False", "(2,)"), "\x3f\x80\0\0\xc0\0\0\0", 8},
        {NPY(">f8", "False", "(2,)"), "\x3f\xf0\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0", 16},
        {NPY(">f2", "False", "(2,)"), "\x3c\0\xc0\0", 4},
        {NPY(">i2", "False", "(2,)"), "\0\1\xff\xfe", 4},
        {NPY(">i4", "False", "(2,)"), "\0\0\0\1\xff\xff\xff\xfe", 8},
        {NPY(">i8", "False", "(2,)"), "\0\0\0\0\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\xfe", 16},
        {NPY("<i1", "False", "(2,)"), "\1\xfe", 2},
        {NPY(">i1", "False", "(2,)"), "\1\xfe", 2},
    };
    char bytes[512];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        reads(bytes, put_npy(bytes, cases[i].head, cases[i].bytes, cases[i].len), 2,
              (const float[]){1, -2}, 2);
    reads(bytes, put_npy(bytes, NPY(">u2", "False", "(2,)"), "\1\0\0\2", 4), 2,
          (const float[]){256, 2}, 2);
    reads(bytes, put_npy(bytes, NPY(">u4", "False", "(1,)"), "\0\0\1\0", 4), 1,
          (const float[]){256}, 1);
    reads(bytes, put_npy(bytes, NPY(">u8", "False", "(1,)"), "\0\0\0\0\0\0\1\0", 8), 1,
          (const float[]){256}, 1);
    reads(bytes, put_npy(bytes, NPY("|b1", "False", "(2,)"), "\1\0", 2), 2, (const float[]){1, 0},
          2);
}
END_TEST

START_TEST(F9_fortran_order_is_read)
{
    static const float columns[] = {1, 3, 5, 2, 4, 6};
    static const unsigned char bytes_of[] = {1, 3, 5, 2, 4, 6};
    char bytes[512];
    reads(bytes, put_npy(bytes, NPY("<f4", "True", "(3, 2)"), columns, sizeof columns), 2,
          three_by_two, 6);
    reads(bytes, put_npy(bytes, NPY("|u1", "True", "(3, 2)"), bytes_of, 6), 2, three_by_two, 6);
    reads(bytes, put_npy(bytes, NPY("<f4", "True", "(6,)"), three_by_two, 24), 6, three_by_two, 6);
    reads(bytes, put_npy(bytes, NPY("<f4", "True", "(1, 6)"), three_by_two, 24), 6, three_by_two,
          6);
    reads(bytes, put_npy(bytes, NPY("<f4", "True", "(6, 1)"), three_by_two, 24), 1, three_by_two,
          6);
    static char file[] =
        "tests/data/faults/F9-fortran.npy"; /* np.save of a DataFrame's to_numpy() */
    reads_file(file, 3, three_by_two, 6);
    /* labels, and a matrix in training: grey values stay such */
    struct relud_dataset data;
    struct relud_error error = {0};
    put_file(bytes, put_npy(bytes, NPY("|u1", "True", "(3, 2)"), "\1\2\3\0\1\1", 6));
    ck_assert_msg(relud_dataset_read(path,
                                     &(struct relud_dataset_options){.units = 2, .target = "2"},
                                     &data, &error),
                  "%s", error.text);
    drop_file();
    ck_assert(data.values[0] == 1 && data.values[2] == 3 && data.classes[0] == 0);
    relud_dataset_free(&data);
}
END_TEST

/* Element [i][j][k] is a number of its place; every block and what is left of one is reached. */
START_TEST(F9_every_shape_comes_out_in_its_order)
{
    static const size_t shapes[][4] = {{64, 3, 1, 1},  {65, 7, 1, 1}, {1, 5, 4, 3},
                                       {130, 2, 3, 5}, {3, 1, 4, 2},  {1, 1, 1, 6},
                                       {2, 500, 1, 1}, {200, 1, 1, 1}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int is_big = 0; is_big < 2; is_big++) {
            const size_t *n = shapes[s];
            size_t count = n[0] * n[1] * n[2] * n[3], at = 0;
            char *bytes = malloc(512 + 2 * count), head[128];
            unsigned char *numbers = malloc(2 * count);
            float *wanted = malloc(count * sizeof *wanted);
            for (size_t l = 0; l < n[3]; l++) /* as it lies: the first dimension innermost */
                for (size_t k = 0; k < n[2]; k++)
                    for (size_t j = 0; j < n[1]; j++)
                        for (size_t i = 0; i < n[0]; i++, at++) {
                            size_t place = ((i * n[1] + j) * n[2] + k) * n[3] + l;
                            unsigned value = (unsigned)(place * 31 % 60000);
                            wanted[place] = (float)value;
                            numbers[2 * at + (size_t)is_big] = (unsigned char)value;
                            numbers[2 * at + (size_t)!is_big] = (unsigned char)(value >> 8);
                        }
            snprintf(head, sizeof head,
                     "{'descr': '%cu2', 'fortran_order': True, 'shape': (%zu, %zu, %zu, %zu), }",
                     is_big ? '>' : '<', n[0], n[1], n[2], n[3]);
            size_t len = put_npy(bytes, head, numbers, 2 * count);
            struct relud_npy npy;
            struct relud_error error = {0};
            float *values = malloc(count * sizeof *values);
            ck_assert_msg(relud_npy_open(bytes, len, &npy, &error), "%s", error.text);
            relud_npy_values(&npy, values);
            ck_assert_msg(memcmp(values, wanted, count * sizeof *values) == 0, "shape %zu", s);
            free(bytes), free(numbers), free(wanted), free(values);
        }
}
END_TEST

START_TEST(F9_grey_values_in_fortran_order_stay_bytes)
{
    char rows[2048], labels[512];
    unsigned char pixels[128]; /* two images of 8 x 8 */
    for (size_t i = 0; i < 128; i++)
        pixels[i] = (unsigned char)i;
    struct relud_error error = {0};
    const char *dir = new_directory();
    char path_of[2][128];
    snprintf(path_of[0], 128, "%s/model.json", dir);
    snprintf(path_of[1], 128, "%s/model.safetensors", dir);
    write_file(dir, "model.json", rows, put_npy(rows, NPY("|u1", "True", "(2, 64)"), pixels, 128));
    write_file(
        dir, "model.safetensors", labels,
        put_npy(labels, NPY(">i8", "False", "(2,)"), "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0", 16));
    struct relud_dataset data;
    ck_assert_msg(
        relud_dataset_read(path_of[0],
                           &(struct relud_dataset_options){.units = 2, .labels_path = path_of[1]},
                           &data, &error),
        "%s", error.text);
    ck_assert_ptr_null(data.values);
    ck_assert(data.bytes[0] == 0 && data.bytes[1] == 2 && data.bytes[64] == 1);
    ck_assert(data.classes[0] == 1 && data.classes[1] == 0);
    relud_dataset_free(&data);
    remove_directory(dir);
}
END_TEST

/* ---- F10: heads that say something twice, or not quite ---- */

START_TEST(F10_a_head_that_is_not_quite_right_is_refused)
{
    static const struct {
        const char *head, *words;
    } cases[] = {
        {NPY("", "False", "(2,)"), "npy: elements of type '' are not read"},
        {NPY("<a name of more than forty letters that is cut", "False", "(2,)"),
         "npy: elements of type '<a name of more than forty letters that ' are not read"},
        {"{'descr' '<f4', 'fortran_order': False, 'shape': (2,)}", "something else than"},
        {"{'shape': (2,", "a shape that is not of whole numbers"},
        {"{'shape': (2", "npy: the head has a shape that does not end"},
        {NPY("<f4junk", "False", "(2,)"), "npy: elements of type '<f4junk' are not read"},
        {NPY(">f4', '", "False", "(2,)"), "npy: the head has something"},
        {NPY("f4", "False", "(2,)"), "npy: elements of type 'f4' are not read"},
        {NPY("=f4", "False", "(2,)"), "npy: elements of type '=f4' are not read"},
        {NPY("|f4", "False", "(2,)"), "npy: elements of type '|f4' are not read"},
        {NPY("<c8", "False", "(2,)"), "npy: elements of type '<c8' are not read"},
        {NPY("|O", "False", "(2,)"), "'|O' are not read (objects of Python's"},
        {NPY("<U5", "False", "(2,)"), "npy: elements of type '<U5' are not read"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", "(named columns:"},
        {"{'descr': <f4, 'fortran_order': False, 'shape': (2,)}", "npy: elements of type <f4 are"},
        {NPY("<f4", "False", "(1 2)"), "a shape whose numbers no comma parts"},
        {NPY("<f4", "False", "(1,,2)"), "a shape that is not of whole numbers from 1"},
        {NPY("<f4", "False", "(,2)"), "a shape that is not of whole numbers from 1"},
        {NPY("<f4", "False", "(2)"), "a shape that is no tuple"},
        {NPY("<f4", "False", "(2.0,)"), "a shape whose numbers no comma parts"},
        {NPY("<f4", "False", "(+2,)"), "a shape that is not of whole numbers from 1"},
        {NPY("<f4", "False", "('2',)"), "a shape that is not of whole numbers from 1"},
        {NPY("<f4", "False", "(2,) junk"), "npy: the head has something behind a member"},
        {NPY("<f4", "False", "[2]"), "npy: the head has no shape"},
        {NPY("<f4", "0", "(2,)"), "neither True nor False"},
        {NPY("<f4", "Falsey", "(2,)"), "npy: the head has something behind a member"},
        {NPY("<f4", "False", "(2,)") " junk", "npy: the head has something behind its dictionary"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
         "npy: the head has 'descr' twice"},
        {"{'shape': (2,), 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
         "npy: the head has 'shape' twice"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
         "something else than descr, fortran_order and shape"},
        {"{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}", "where a comma is wanted"},
        {"{'xdescr': '<f4', 'fortran_order': False, 'shape': (2,)}", "something else than"},
        {"{descr: '<f4', 'fortran_order': False, 'shape': (2,)}", "something else than"},
        {"['descr', '<f4']", "npy: the head is no dictionary"},
        {"{'descr': '<f4", "npy: elements of type '<f4 are not read"},
        {"{", "something else than"},
        {"", "npy: the head is no dictionary"},
    };
    char bytes[1024];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses(bytes, put_npy(bytes, cases[i].head, "\0\0\0\0\0\0\0", 8), cases[i].words);
    size_t len = put_npy(bytes, NPY("<f4", "False", "(2,)"), "\0\0\0\0\0\0\0", 8);
    bytes[len - 9] = '\0'; /* the head's last */
    refuses(bytes, len, "npy: the head has a NUL in it");
    len = put_npy(bytes, NPY("<f4", "False", "(2,)"), "\0\0\0\0\0\0\0\0\0\0\0", 12);
    refuses(bytes, len, "npy: 12 bytes of numbers, where the shape wants 2 numbers of 4");
    /* what numpy.load takes as well: other quotes, another order, Python 2's longs */
    static const float numbers[] = {1, 2};
    static const char *const others[] = {
        "{\"shape\": (1L, 2L,), \"fortran_order\": False, \"descr\": \"<f4\"}  \n",
        "{'descr':'<f4','fortran_order':False,'shape':( 1 , 2 )}",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        reads(bytes, put_npy(bytes, others[i], numbers, 8), 2, numbers, 2);
}
END_TEST

/* Which files are read a piece at a time, and what becomes of one that is wrong in the middle, or shrinks. */
START_TEST(a_file_of_rows_is_read_where_it_is)
{
    enum { ROWS = 3000, FEATURES = 7 };
    static float numbers[ROWS * FEATURES], values[ROWS * FEATURES];
    static char bytes[sizeof numbers + 256];
    const struct relud_rows_options options = {.features = FEATURES};
    struct relud_error error = {0};
    relud_row_file *file;
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        numbers[i] = (float)i;
    numbers[2000 * FEATURES + 3] = NAN;
    put_file(bytes, put_npy(bytes, NPY("<f4", "False", "(3000, 7)"), numbers, sizeof numbers));
    ck_assert(relud_row_file_open(path, &options, &file, &error));
    ck_assert_uint_eq(relud_row_file_rows(file), ROWS);
    ck_assert_uint_eq(relud_row_file_features(file), FEATURES);
    ck_assert(relud_row_file_read(file, 5, 1995, values, &error));
    ck_assert_mem_eq(values, numbers + 5 * FEATURES, 1995 * FEATURES * sizeof *values);
    ck_assert(!relud_row_file_read(file, 1999, 5, values, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "row 2000, column 3 is not finite"));
    ck_assert_int_eq(truncate(path, 70000), 0);
    ck_assert(!relud_row_file_read(file, 2400, 200, values, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "it has become shorter"));
    relud_row_file_close(file);
    drop_file();
    put_file(bytes, put_npy(bytes, NPY("<f4", "True", "(3, 2)"), numbers, 24));
    ck_assert(
        relud_row_file_open(path, &options, &file, &error)); /* rows are not end to end there */
    ck_assert_ptr_null(file);
    drop_file();
    ck_assert(relud_row_file_open("-", &options, &file, &error));
    ck_assert_ptr_null(file);
    ck_assert(relud_row_file_open("/dev/null", &options, &file, &error));
    ck_assert_ptr_null(file);
    ck_assert(relud_row_file_open("/nowhere.npy", &options, &file, &error));
    ck_assert_ptr_null(file);
    relud_row_file_close(NULL);
}
END_TEST

RUN_SUITE("npy", a_file_of_rows_is_read_where_it_is, F9_either_byte_order_is_read,
          F9_fortran_order_is_read, F9_every_shape_comes_out_in_its_order,
          F9_grey_values_in_fortran_order_stay_bytes, F10_a_head_that_is_not_quite_right_is_refused)
