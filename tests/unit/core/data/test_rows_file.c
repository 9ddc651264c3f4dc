/* Rows from files of every format: what is read, and what is refused with which words. */
#include "tests/unit/arrays.h"

#include <fcntl.h>
#include <math.h>
#include <relud/data.h>
#include <sys/stat.h>

#define READS(text, features, ...)                                                                 \
    reads(text, strlen(text), features, (const float[]){__VA_ARGS__},                              \
          sizeof(const float[]){__VA_ARGS__} / sizeof(float))

START_TEST(json_and_tables_are_rows)
{
    READS("{\"inputs\": [[1,2],[3,4]]}", 2, 1, 2, 3, 4);
    READS("{\"input\": [1,2]}", 2, 1, 2);
    READS(" [1,2,3]", 3, 1, 2, 3);
    READS("[[1,2],\n[3,4]]\n", 2, 1, 2, 3, 4);
    READS("[1,2]\n[3,4]\n", 2, 1, 2, 3, 4);
    READS("[1,2]\r\n[3,4]\r\n\r\n[5,6]", 2, 1, 2, 3, 4, 5, 6);
    READS("\xef\xbb\xbf[1,2]", 2, 1, 2);
    READS("1,2\n3,4\n", 2, 1, 2, 3, 4);
    READS("a b;c\n1;2\n\n \"3\" ; +4 \n", 2, 1, 2, 3, 4);
    READS("1\t2\n3\t4", 2, 1, 2, 3, 4);
    READS("7", 1, 7);
    READS("\n[1,2]\n[3,4]\n", 2, 1, 2, 3, 4);
    READS("\r\n [1,2]\r\n", 2, 1, 2);
}
END_TEST

START_TEST(wrong_texts_are_refused)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"{\"inputs\": 5}", "a number, where an array of rows is wanted"},
        {"{\"outputs\": [1]}", "neither inputs nor input is in the object"},
        {"{\"inputs\": [1,]}", "inputs[1]: what stands here is not a JSON number"},
        {"[1,2]x", "at byte"},
        {"[1,2]\nx\n[3,4]", "a comma or } is wanted"},
        {"[1,2]\n[3]", "has 1 number where inputs[0] has 2"},
        {"1,2\n3,x\n", "line 2, column 2: 'x' is not a number"},
        {"1,2\n3,\n", "line 2, column 2: '' is missing"},
        {"1,2\n3,a_word_of_more_than_thirty_letters_in_all\n",
         "'a_word_of_more_than_thirty_let' is not"},
        {"\"1\",\"2\n", "line 1: a quote that does not end"},
        {"\"1\"x,2\n", "line 1: 'x' behind a quote's end"},
        {"", "no rows"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses(cases[i].text, strlen(cases[i].text), cases[i].words);
    refuses("1,2\0", 4, "neither JSON, CSV, npy nor IDX");
    struct relud_error error;
    struct relud_rows rows;
    ck_assert(!relud_rows_read("/tmp", 0, &rows, &error));
    ck_assert_int_eq(error.code, RELUD_IO);
    ck_assert(!relud_rows_read("/nonexistent", 0, &rows, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent: No such file"));
}
END_TEST

/* More than the first guesses hold. */
START_TEST(long_tables_and_long_lines_are_read)
{
    enum { ROWS = 1000, COLUMNS = 150 };
    char *text = malloc(ROWS * COLUMNS * 8);
    size_t len = 0;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLUMNS; c++)
            len += (size_t)sprintf(text + len, "%zu%c", r * c % 977, c + 1 < COLUMNS ? ',' : '\n');
    struct relud_rows rows;
    struct relud_error error = {0};
    put_file(text, len);
    ck_assert_msg(relud_rows_read(path, COLUMNS, &rows, &error), "%s", error.text);
    ck_assert_uint_eq(rows.rows, ROWS);
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        if (rows.values[i] != (float)(i / COLUMNS * (i % COLUMNS) % 977))
            ck_abort_msg("row %zu, column %zu", i / COLUMNS, i % COLUMNS);
    relud_rows_free(&rows);
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, is_read_at, &(struct rows_at){.path = path});
    drop_file();
    free(text);
}
END_TEST

START_TEST(standard_input_is_a_dash)
{
    struct relud_rows rows;
    struct relud_error error;
    put_file("1,2\n", 4);
    int saved = dup(STDIN_FILENO), file = open(path, O_RDONLY);
    ck_assert_int_ge(dup2(file, STDIN_FILENO), 0);
    ck_assert_msg(relud_rows_read("-", 2, &rows, &error), "%s", error.text);
    relud_rows_free(&rows);
    ck_assert(!relud_rows_read("-", 2, &rows, &error)); /* it is at its end */
    ck_assert_ptr_nonnull(strstr(error.text, "standard input: no rows"));
    dup2(saved, STDIN_FILENO);
    close(saved), close(file);
    drop_file();
}
END_TEST

/* ---- npy ---- */

static size_t npy_of(char *bytes, int version, const char *head, const void *numbers, size_t len)
{
    size_t head_len = strlen(head), begin = version == 1 ? 10 : 12;
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (char)version;
    bytes[7] = 0;
    for (size_t i = 0; i < begin - 8; i++)
        bytes[8 + i] = (char)(head_len >> (8 * i));
    memcpy(bytes + begin, head, head_len);
    memcpy(bytes + begin + head_len, numbers, len);
    return begin + head_len + len;
}

#define HEAD_OF(type, shape) "{'descr': '" type "', 'fortran_order': False, 'shape': " shape ", }"

START_TEST(npy_of_every_type_is_read)
{
    static const struct {
        const char *head, *bytes;
        size_t len;
    } cases[] = {
        {HEAD_OF("<f4", "(2,)"), "\0\0\x80\x3f\0\0\0\xc0", 8},
        {HEAD_OF("<f8", "(2,)"), "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\xc0", 16},
        {HEAD_OF("<f2", "(2,)"), "\0\x3c\0\xc0", 4},
        {HEAD_OF("|i1", "(2,)"), "\1\xfe", 2},
        {HEAD_OF("<i2", "(1, 2)"), "\1\0\xfe\xff", 4},
        {HEAD_OF("<i4", "(1, 2, 1)"), "\1\0\0\0\xfe\xff\xff\xff", 8},
        {HEAD_OF("<i8", "(2,)"), "\1\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff", 16},
    };
    const float one_minus_two[] = {1, -2}, one_two[] = {1, 2};
    char bytes[512];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int version = 1; version <= 3; version++)
            reads(bytes, npy_of(bytes, version, cases[i].head, cases[i].bytes, cases[i].len), 2,
                  one_minus_two, 2);
    reads(bytes, npy_of(bytes, 1, HEAD_OF("|u1", "(2,)"), "\1\2", 2), 2, one_two, 2);
    reads(bytes, npy_of(bytes, 1, HEAD_OF("<u2", "(2,)"), "\1\0\2\0", 4), 2, one_two, 2);
    reads(bytes, npy_of(bytes, 1, HEAD_OF("<u4", "(2,)"), "\1\0\0\0\2\0\0\0", 8), 2, one_two, 2);
    reads(bytes, npy_of(bytes, 1, HEAD_OF("<u8", "(2,)"), "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16),
          2, one_two, 2);
    reads(bytes, npy_of(bytes, 1, HEAD_OF("|b1", "(2,)"), "\1\0", 2), 2, (const float[]){1, 0}, 2);
    reads(bytes, npy_of(bytes, 1, HEAD_OF("|u1", "(2, 1)"), "\1\2", 2), 1, one_two, 2);
}
END_TEST

START_TEST(wrong_npy_is_refused)
{
    static const struct {
        const char *head, *words;
    } cases[] = {
        {"{'fortran_order': False, 'shape': (2,)}", "npy: the head has no descr"},
        {HEAD_OF("<c8", "(2,)"), "npy: elements of type '<c8' are not read"},
        {"{'descr': '<f4', 'fortran_order': Nope, 'shape': (2,)}",
         "npy: the head says neither True nor False of fortran_order"},
        {"{'descr': '<f4', 'shape': (2,)}", "npy: the head has no fortran_order"},
        {"{'descr': '<f4', 'fortran_order': False}", "npy: the head has no shape"},
        {HEAD_OF("<f4", "2"), "npy: the head has no shape"},
        {HEAD_OF("<f4", "(2,x)"), "npy: a shape that is not of whole numbers from 1"},
        {HEAD_OF("<f4", "(-2,)"), "npy: a shape that is not of whole numbers from 1"},
        {HEAD_OF("<f4", "(0, 2)"), "npy: a shape that is not of whole numbers from 1"},
        {HEAD_OF("<f4", "(2199023255552,)"), "npy: a shape that is not of whole numbers from 1"},
        {HEAD_OF("<f4", "(1099511627776, 1099511627776)"), "npy: the shape's product overflows"},
        {HEAD_OF("<f4", "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"),
         "npy: more than 32 dimensions"},
        {HEAD_OF("<f4", "(3,)"), "npy: 8 bytes of numbers, where the shape wants 3 numbers of 4"},
        {HEAD_OF("<f8", "(2,)"), "npy: 8 bytes of numbers, where the shape wants 2 numbers of 8"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3",
         "npy: the head has a shape that does not end"},
    };
    char bytes[16384];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses(bytes, npy_of(bytes, 1, cases[i].head, "\0\0\0\0\0\0\0", 8), cases[i].words);
    refuses(bytes, npy_of(bytes, 1, HEAD_OF("<f4", "()"), "\0\0\0", 4), "npy: a single number");
    refuses(bytes, npy_of(bytes, 1, HEAD_OF("<f8", "(1,)"), "\0\0\0\0\0\0", 7),
            "npy: 7 bytes of numbers");
    refuses(bytes, npy_of(bytes, 0, HEAD_OF("<f4", "(1,)"), "\0\0\0", 4),
            "npy: the head is not whole");
    refuses(bytes, npy_of(bytes, 4, HEAD_OF("<f4", "(1,)"), "\0\0\0", 4),
            "npy: the head is not whole");
    refuses(bytes, npy_of(bytes, 1, HEAD_OF("<f4", "(1,)"), "\0\0\xc0\x7f", 4),
            "row 0, column 0 is not finite");
    char head[10100];
    memset(head, ' ', sizeof head);
    head[10099] = '\0';
    refuses(bytes, npy_of(bytes, 1, head, "", 0), "npy: the head is not whole");
    refuses(bytes, npy_of(bytes, 1, HEAD_OF("<f4", "(1,)"), "", 0) - 5,
            "npy: the head is not whole");
    refuses("\x93NUMPY\2\0\1\0", 10, "npy: the head is not whole");
    struct relud_npy npy;
    struct relud_error error;
    ck_assert(!relud_npy_open("\x93NUMP", 6, &npy, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "the magic word \\x93NUMPY is missing"));
}
END_TEST

START_TEST(npy_heads_are_read_again)
{
    static const size_t shapes[][3] = {{4, 0, 0}, {2, 2, 0}, {1, 2, 2}};
    for (size_t rank = 0; rank <= 3; rank++) {
        char bytes[RELUD_NPY_HEAD_MAX + 16] = "";
        struct relud_npy npy;
        struct relud_error error = {0};
        const size_t *shape = shapes[rank ? rank - 1 : 0];
        size_t len = relud_npy_head(shape, rank, bytes);
        ck_assert_uint_eq(len % 64, 0);
        ck_assert_msg(relud_npy_open(bytes, len + (rank ? 16 : 4), &npy, &error), "%s", error.text);
        ck_assert_uint_eq(npy.rank, rank);
        ck_assert_mem_eq(npy.shape, shape, rank * sizeof *shape);
        ck_assert_int_eq(relud_npy_dtype(&npy), RELUD_FP32);
    }
}
END_TEST

/* ---- IDX ---- */

START_TEST(idx_of_every_type_is_read)
{
    const float one_two[] = {1, 2}, one_minus_two[] = {1, -2};
#define IDX(type, numbers) "\0\0" type "\2\0\0\0\2\0\0\0\1" numbers
    reads(IDX("\x08", "\1\2"), 14, 1, one_two, 2);
    reads(IDX("\x09", "\1\xfe"), 14, 1, one_minus_two, 2);
    reads(IDX("\x0b", "\0\1\xff\xfe"), 16, 1, one_minus_two, 2);
    reads(IDX("\x0c", "\0\0\0\1\xff\xff\xff\xfe"), 20, 1, one_minus_two, 2);
    reads(IDX("\x0d", "\x3f\x80\0\0\xc0\0\0\0"), 20, 1, one_minus_two, 2);
    reads(IDX("\x0e", "\x3f\xf0\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0"), 28, 1, one_minus_two, 2);
    refuses(IDX("\x0a", "\1\2"), 14, "neither JSON, CSV, npy nor IDX");
    refuses("\0\0\x08\x00\0\0\0\2\1\2", 10, "neither JSON, CSV, npy nor IDX");
    refuses("\0\0\x08\x09\0\0\0\2\1\2", 10, "neither JSON, CSV, npy nor IDX");
    refuses("\0\1\x08\x01\0\0\0\2\1\2", 10, "neither JSON, CSV, npy nor IDX");
    refuses("\0\0\x08\x03\0\0\0\2\1\2", 10, "idx: the head is not whole");
    refuses("\0\0\x08\x01\0\0\0\0", 8, "idx: 8 bytes cannot hold dimension 0 of 0");
    refuses("\0\0\x08\x01\xff\xff\xff\xff\1\2", 10,
            "idx: 10 bytes cannot hold dimension 0 of 4294967295");
    refuses("\0\0\x08\x01\0\0\0\3\1\2", 10, "idx: 2 bytes of numbers; the head wants 3 of 1");
    refuses("\0\0\x0e\x01\0\0\0\2\1\2", 10, "idx: 2 bytes of numbers; the head wants 2 of 8");
    refuses("\0\0\x0d\x01\0\0\0\1\x7f\xc0\0\0", 12, "row 0, column 0 is not finite");
}
END_TEST

/* ---- types by name ---- */

START_TEST(types_have_names_and_sizes)
{
    static const struct {
        const char *name;
        size_t bytes;
    } types[] = {{"FP32", 4},   {"FP64", 8},   {"FP16", 2},  {"BF16", 2},   {"UINT8", 1},
                 {"INT8", 1},   {"UINT16", 2}, {"INT16", 2}, {"UINT32", 4}, {"INT32", 4},
                 {"UINT64", 8}, {"INT64", 8},  {"BOOL", 1}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        ck_assert_int_eq(relud_dtype_of(types[i].name), (int)i);
        ck_assert_uint_eq(relud_dtype_bytes((enum relud_dtype)i), types[i].bytes);
    }
    ck_assert_int_eq(relud_dtype_of("STRING"), RELUD_DTYPES);
    float value;
    relud_dtype_read(RELUD_BF16, "\x80\x3f", 1, &value);
    ck_assert(value == 1);
    static const struct {
        const char *bytes;
        float value;
    } halves[] = {{"\1\0", 0x1p-24f},   {"\0\x04", 0x1p-14f},  {"\xff\x03", 0x1.ff8p-15f},
                  {"\0\x7c", INFINITY}, {"\0\xfc", -INFINITY}, {"\0\x80", -0.0f}};
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        relud_dtype_read(RELUD_FP16, halves[i].bytes, 1, &value);
        ck_assert_msg(memcmp(&value, &halves[i].value, sizeof value) == 0, "%zu: %a", i,
                      (double)value);
    }
    relud_dtype_read(RELUD_FP16, "\1\x7c", 1, &value);
    ck_assert(isnan(value));
}
END_TEST

RUN_SUITE("rows_file", json_and_tables_are_rows, wrong_texts_are_refused,
          long_tables_and_long_lines_are_read, standard_input_is_a_dash, npy_of_every_type_is_read,
          wrong_npy_is_refused, npy_heads_are_read_again, idx_of_every_type_is_read,
          types_have_names_and_sizes)
