/* What stands in a table: numbers of every country, quotes, missing values, encodings. */
#include "tests/unit/tables.h"

/* ---- F4: numbers and quotes ---- */

START_TEST(F4_a_cell_is_one_number_or_none)
{
    static const struct {
        const char *cell;
        float value;
    } numbers[] = {
        {"5", 5},         {"-5", -5},
        {"+5", 5},        {"05", 5},
        {"-007", -7},     {"1.", 1},
        {".5", 0.5f},     {"-.5", -0.5f},
        {"+.5e1", 5},     {"1.e2", 100},
        {"00.25", 0.25f}, {"1E+2", 100},
        {"1e-2", 0.01f},  {"1.E-2", 0.01f},
        {".5E+1", 5},     {"\"\t7\t\"", 7},
        {"\" 7 \"", 7},   {"\"1.5\"", 1.5f},
        {"0", 0},         {"000", 0},
        {"0.1", 0.1f},    {"16777217", 0x1p24f},
    };
    static const char *const others[] = {
        "+-5", "--5",        "++5", "-+5",  "5e",   "5e+",   "e5",  ".",    "+",
        "-",   "1.2.3",      "1 2", "0x10", "0X1F", "1_000", "5-",  "5f",   "1e5.5",
        "5E",  "~5",         "{5}", "+e5",  ".e5",  "1e5e5", "1.e", "0x1g", "0x",
        "-0x", "\"1\"\"2\"", "½",   "٣",    "1e 5", "(5)",   "5,",
    };
    char text[128];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int len = snprintf(text, sizeof text, "1;%s\n", numbers[i].cell);
        reads(text, (size_t)len, plain, 2, VALUES(1, numbers[i].value), "");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        int len = snprintf(text, sizeof text, "1;2\n1;%s\n", others[i]);
        refuses(text, (size_t)len, plain, "line 2, column 2: '");
    }
    /* longer than any number is, in both forms */
    char *digits = malloc(4000);
    strcpy(digits, "1,0.");
    memset(digits + 4, '3', 3000);
    strcpy(digits + 3004, "\n");
    reads(digits, 3005, plain, 2, VALUES(1, 1 / 3.0f), "");
    memcpy(digits, "1, .", 4);
    refuses(digits, 3005, plain, "line 1, column 2: '.333333333");
    free(digits);
}
END_TEST

START_TEST(F4_what_stands_in_quotes_is_text)
{
    READS("\"a;b\",c\n1,2\n", 2, 1, 2);
    READS("\"a\tb\";c\n1;2\n", 2, 1, 2);
    READS("\"a,\"\"b\",\"c|d\"\n1,2\n", 2, 1, 2);
    READS("\"a;b\nc\",d\n1,2\n", 2, 1, 2);
    READS("5\" pipe,b\n1,2\n", 2, 1, 2); /* a quote in the middle is a character */
    REFUSES("a,b\n1,\"2\n3,4\n", "line 2: a quote that does not end");
    REFUSES("a,b\n1,\"2\"x\n", "line 2: 'x' behind a quote's end");
}
END_TEST

/* ---- F6: other countries' numbers ---- */

START_TEST(F6_the_error_says_what_it_looks_like)
{
    static const struct {
        const char *cell, *words;
    } cases[] = {
        {"1,5", "'1,5' is not a number (a decimal comma? --decimal , reads it)"},
        {",5", "',5' is not a number (a decimal comma? --decimal , reads it)"},
        {"-,5", "'-,5' is not a number (a decimal comma? --decimal , reads it)"},
        {"1.2.3.4", "'1.2.3.4' is not a number"},
        {"1,234", "(a decimal comma is read by --decimal ,; leave thousands separators out)"},
        {"12,881.85", "(leave thousands separators out)"},
        {"1.234.567", "(leave thousands separators out)"},
        {"1,234,567", "(leave thousands separators out)"},
        {"1.234,5", "(leave thousands separators out; --decimal , reads the decimal comma)"},
        {"12'881.85", "(leave thousands separators out)"},
        {"\xe2\x88\x92"
         "5",
         "(its sign is U+2212, where - is wanted)"},
        {"\xc2\xa0"
         "5",
         "(there is a no-break space in it, U+00A0)"},
        {"1\xe2\x80\xaf"
         "234",
         "(there is a no-break space in it, U+202F or U+2009)"},
        {"\xa0"
         "5",
         "(there is a no-break space in it, U+00A0)"},
        {"12 %", "(leave % out"},
        {"$5.00", "(leave signs of currency out)"},
        {"5 \xe2\x82\xac", "(leave signs of currency out)"},
        {"1 234", "(there is a blank in it)"},
        {"2026-11-28", "(a date?"},
        {"28/11/26", "(a date?"},
        {"2026-11-28 10:00", "(a date?"},
        {"2026-11-28x", "(categories"},
        {"2026-11/28", "'2026-11/28' is not a number"},
        {"20261128-11-28", "'20261128-11-28' is not a number"},
        {"2026-11-28T10:00:00Z", "(a date?"},
        {"TRUE", "(write booleans as 1 and 0)"},
        {"0x10", "(hexadecimal is not read)"},
        {"-0XfF", "(hexadecimal is not read)"},
        {"0x1g", "(categories"},
        {"-inf", "(rows are finite)"},
        {"red", "(categories must become numbers"},
        {"-", "(a missing value is an empty cell or NA"},
    };
    char text[128];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int len = snprintf(text, sizeof text, "a;b\n1;\"%s\"\n", cases[i].cell);
        refuses(text, (size_t)len, plain, cases[i].words);
    }
}
END_TEST

START_TEST(F6_a_decimal_comma_is_read_where_it_is_told)
{
    struct relud_rows_options comma = {.table.decimal = ','};
    reads("1,5;2,5\n", 8, comma, 2, VALUES(1.5f, 2.5f), "");
    reads("a;b\n-1,5e1;,5\n", 14, comma, 2, VALUES(-15, 0.5f), "");
    reads("1,5\t2\n", 6, comma, 2, VALUES(1.5f, 2), "");
    reads("1,5 2,5\n3,5 4,5\n", 16, comma, 2, VALUES(1.5f, 2.5f, 3.5f, 4.5f), "");
    reads("1,5\n2,5\n", 8, comma, 1, VALUES(1.5f, 2.5f), "");
    reads("a,b\n\"1,5\",\"2,5\"\n", 16, comma, 2, VALUES(1.5f, 2.5f), "");
    refuses("a;b\n1.5;2\n", 10, comma, "'1.5' is not a number (it has a decimal point, where");
    refuses("a;b\n1.234;2\n", 12, comma, "'1.234' is not a number (leave thousands separators");
    refuses("a;b\n1.5,2;2\n", 12, comma, "'1.5,2' is not a number");
    refuses("a;b\n1.234,5;2\n", 14, comma, "'1.234,5' is not a number (leave thousands");
    refuses("a;b\n1,2,3;2\n", 12, comma, "'1,2,3' is not a number");
    struct relud_dataset data;
    struct relud_error error = {0};
    struct relud_dataset_options options = {
        .units = 1, .task = RELUD_TASK_REGRESSION, .table.decimal = ','};
    ck_assert_msg(learns("a;y\n1,5;0,25\n2;1\n", options, &data, &error), "%s", error.text);
    ck_assert(data.values[0] == 1.5f && data.targets[0] == 0.25f);
    relud_dataset_free(&data);
    options.table.decimal = 0;
    ck_assert(!learns("a;y\n1;0,25\n2;1\n", options, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "target '0,25' is not a number (a decimal comma?"));
}
END_TEST

/* ---- F7: missing values ---- */

START_TEST(F7_the_words_are_those_of_pandas)
{
    static const char *const words[] = {
        "",     "#N/A",   "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN",
        "-nan", "1.#IND", "1.#QNAN",  "<NA>", "N/A",     "NA",       "NULL",
        "NaN",  "None",   "n/a",      "nan",  "null",
    };
    static const char *const others[] = {"-",    "?",    ".",       "na", "NAN",
                                         "Null", "none", "missing", " NA"};
    struct relud_dataset data;
    struct relud_error error = {0};
    struct relud_dataset_options mean = {.units = 2, .fill_missing = true};
    char text[128];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        snprintf(text, sizeof text, "a,b,y\n1,%s,no\n2,8,yes\n", words[i]);
        ck_assert_msg(learns(text, mean, &data, &error), "'%s': %s", words[i], error.text);
        ck_assert(data.values[1] == 8);
        relud_dataset_free(&data);
        int len = snprintf(text, sizeof text, "a;b\n1;%s\n", words[i]);
        refuses(text, (size_t)len, plain, "is missing");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(text, sizeof text, "a,b,y\n1,\"%s\",no\n2,8,yes\n", others[i]);
        ck_assert(!learns(text, mean, &data, &error));
        ck_assert_msg(strstr(error.text, "is not a number"), "'%s': %s", others[i], error.text);
    }
    mean.table.missing = "?,-";
    ck_assert_msg(learns("a,b,y\n1,-,no\n?,8,yes\n", mean, &data, &error), "%s", error.text);
    ck_assert(data.values[1] == 8 && data.values[2] == 1);
    relud_dataset_free(&data);
}
END_TEST

/* ---- F8: what Excel and old programs write ---- */

START_TEST(F8_encodings_and_line_ends_are_read)
{
    READS("\xef\xbb\xbf"
          "a,b\n1,2\n",
          2, 1, 2);
    READS("\xff\xfe"
          "a\0,\0b\0\r\0\n\0"
          "1\0,\0"
          "2\0",
          2, 1, 2);
    READS("\xfe\xff\0a\0;\0b\0\n\0"
          "1\0;\0"
          "2\0\n",
          2, 1, 2);
    READS("\xff\xfe[\0"
          "1\0,\0"
          "2\0]\0",
          2, 1, 2);
    READS("a,b\r1,2\r3,4", 2, 1, 2, 3, 4);
    READS("a,b\r1,2\r3,4\r", 2, 1, 2, 3, 4);
    READS("a,b\n1,\"2\"", 2, 1, 2);
    READS("a,b\r\n1,2\n3,4\r5,6\r\n", 2, 1, 2, 3, 4, 5, 6);
    READS("[1,2]\r[3,4]\r", 2, 1, 2, 3, 4);
    READS("sep=;\na;b\n1;2\n", 2, 1, 2);
    READS("\"sep=;\"\r\n1;2\r\n", 2, 1, 2);
    READS("SEP=|\n1|2\n", 2, 1, 2);
    READS("sep=\t\n1\t2\n", 2, 1, 2);
    READS("sep=;;; ;\na;b\n1;2\n", 2, 1, 2); /* filled up by Excel */
    READS("\"sep=;\";\na;b\n1;2\n", 2, 1, 2);
    /* names of columns that look a little like it */
    READS("sep=x\n1\n", 1, 1);
    READS("sep=X\n1\n", 1, 1);
    READS("sep={\n1\n", 1, 1);
    READS("sep=5\n1\n", 1, 1);
    READS("sep=\"\n1\n", 1, 1);
    READS("sep=é\n1\n", 1, 1);
    READS("sep=\xe9\n1\n", 1, 1);
    READS("sep=;y\n1;2\n", 2, 1, 2);
    READS("\"sep=;y\"\n1\n", 1, 1);
    REFUSES("\"sep=;\n1;2\n", "line 1: a quote that does not end");
    READS("sep=:\na:b\n1:2\n", 2, 1, 2); /* any character, as Excel takes it */
    /* names beyond the Basic Multilingual Plane: 𝛼 */
    static const char *const alpha[] = {"\xf0\x9d\x9b\xbc"};
    struct relud_rows_options named = {.features = 1, .name = alpha};
    static const char wide[] = "\xff\xfe\x35\xd8\xfc\xde,\0b\0\n\0"
                               "1\0,\0"
                               "2\0";
    reads(wide, sizeof wide - 1, named, 1, VALUES(1), "columns left out: 'b'");
    /* and within it, of two and three bytes, below the surrogates and behind them */
    static const char plane[] = "\xff\xfe\x35\xd8\xfc\xde,\0\xe9\0\xac\x20\x21\xff\n\0"
                                "1\0,\0"
                                "2\0";
    reads(plane, sizeof plane - 1, named, 1, VALUES(1), "columns left out: 'é€Ａ'");
    READS("BZh,b\n1,2\n3,4\n", 2, 1, 2, 3, 4); /* bzip2's files begin so */
    READS("BZh\n1\n", 1, 1);
}
END_TEST

START_TEST(F8_a_quoted_line_end_is_in_the_cell)
{
    static const char *const names[] = {"a", "b"};
    struct relud_rows_options named = {.features = 2, .name = names};
    static const char text[] = "a,note,b\n1,\"line1\nline2\",2\n3,\"x\r\ny\"\"\n\n\",4\n";
    reads(text, sizeof text - 1, named, 2, VALUES(1, 2, 3, 4), "columns left out: 'note'");
    static const char wrong[] = "a,note,b\n1,\"line1\nline2\",2\n3,\"x\ny\",z\n";
    refuses(wrong, sizeof wrong - 1, named, "line 5, column 3: 'z' is not a number");
    static const char ragged[] = "a,note,b\r\n1,\"line1\r\nline2\",2\r\n3\r\n";
    refuses(ragged, sizeof ragged - 1, named, "line 4 has 1 columns where line 1 has 3");
    static const char header[] = "a,\"no\nte\",b\n1,x,2\n3,y\n";
    refuses(header, sizeof header - 1, named, "line 4 has 2 columns where line 1 has 3");
    REFUSES("a,b\n1,\"2\n3\"\n", "line 2, column 2: '2\\n3' is not a number");
    struct relud_dataset data;
    struct relud_error error = {0};
    ck_assert_msg(learns("a,\"the\nlabel\"\n1,\"no\nway\"\n2,yes\n",
                         (struct relud_dataset_options){.units = 2}, &data, &error),
                  "%s", error.text);
    ck_assert_str_eq(data.label[0], "no\nway");
    relud_dataset_free(&data);
    /* the line of a target that is wrong, behind line ends of every kind */
    ck_assert(!learns("a,y\r1,\"2\"\r\n2,\"3\n\"\n3,x\n",
                      (struct relud_dataset_options){.units = 1, .task = RELUD_TASK_REGRESSION},
                      &data, &error));
    ck_assert_msg(strstr(error.text, "line 3: target '3\\n' is not") != NULL, "%s", error.text);
}
END_TEST

/* Doubled quotes become one, and the lines behind them are counted as before. */
START_TEST(F8_quoted_labels_keep_their_lines)
{
    struct relud_dataset data, more;
    struct relud_error error = {0};
    struct relud_dataset_options options = {.units = 3};
    ck_assert_msg(learns("1,\"a\"\"\r\n\"\n2,\"\"\"\n\"\"\"\n3,\"0e0\"\n", options, &data, &error),
                  "%s", error.text);
    ck_assert_str_eq(data.label[0], "\"\n\"");
    ck_assert_str_eq(data.label[1], "0e0");
    ck_assert_str_eq(data.label[2], "a\"\r\n");
    options.like = &data;
    ck_assert(!learns("1,\"a\"\"\r\n\"\n2,\"\"\"\n\"\"\"\n3,0\n", options, &more, &error));
    ck_assert_msg(strstr(error.text, "line 5: a label that the training") != NULL, "%s",
                  error.text);
    ck_assert(!learns("1,\"\"\"\"\n", options, &more, &error));
    ck_assert_msg(strstr(error.text, "line 1: a label that the training") != NULL, "%s",
                  error.text);
    ck_assert(!learns("[[1,0]]", options, &more, &error)); /* numbers are no texts */
    ck_assert_msg(strstr(error.text, "row 0: a label that the training") != NULL, "%s", error.text);
    relud_dataset_free(&data);
    /* a zero in front makes a text of a number, but for its only digit */
    options = (struct relud_dataset_options){.units = 2};
    ck_assert_msg(learns("1,0e0\n2,1\n", options, &data, &error), "%s", error.text);
    ck_assert(data.has_number_labels && data.classes[1] == 1);
    relud_dataset_free(&data);
    ck_assert_msg(learns("1,\" 0 \"\n2,1\n", options, &data, &error), "%s", error.text);
    ck_assert(data.has_number_labels && data.classes[0] == 0);
    relud_dataset_free(&data);
    ck_assert_msg(learns("1,00\n2,1\n", options, &data, &error), "%s", error.text);
    ck_assert(!data.has_number_labels);
    ck_assert_str_eq(data.label[0], "00");
    relud_dataset_free(&data);
}
END_TEST

START_TEST(F8_what_is_no_table_is_told)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *words;
    } cases[] = {
        {"a\0,\0b\0\n\0", 8, "UTF-16 text without a byte order mark: save it as UTF-8"},
        {"\0a\0,\0b\0\n", 8, "UTF-16 text without a byte order mark: save it as UTF-8"},
        {"\xff\xfe\0\0a\0\0\0", 8, "UTF-32 text: save it as UTF-8"},
        {"\xff\xfe"
         "1\0\n",
         5, "UTF-16 text that is not whole"},
        {"\xff\xfe\x35\xd8,\0", 6, "UTF-16 text that is not whole"},
        {"\xff\xfe\x35\xd8", 4, "UTF-16 text that is not whole"},
        {"\xff\xfe\x35\xd8\0\xe0", 6, "UTF-16 text that is not whole"},
        {"\xff\xfe\x35\xdc,\0", 6, "UTF-16 text that is not whole"},
        {"PAR1\25\4\25", 7, "a Parquet file"},
        {"\x89HDF\r\n\x1a\n", 8, "an HDF5 file"},
        {"\x80\4\x95\0", 4, "a pickle"},
        {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, "an old Excel workbook"},
        {"BZh91AY&SY\x12\x34", 12, "packed by bzip2"},
        {"1,2\0003,4\n", 8, "neither JSON, CSV, npy nor IDX"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses(cases[i].bytes, cases[i].len, plain, cases[i].words);
}
END_TEST

RUN_SUITE("csv_cells", F4_a_cell_is_one_number_or_none, F4_what_stands_in_quotes_is_text,
          F6_the_error_says_what_it_looks_like, F6_a_decimal_comma_is_read_where_it_is_told,
          F7_the_words_are_those_of_pandas, F8_encodings_and_line_ends_are_read,
          F8_a_quoted_line_end_is_in_the_cell, F8_quoted_labels_keep_their_lines,
          F8_what_is_no_table_is_told)
