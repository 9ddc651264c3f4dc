/* Where the numbers of an ONNX file lie: in the tensors of the graph, and in files beside the model. */
#include "tests/unit/files.h"
#include "tests/unit/onnx_case.h"

#include <fcntl.h>

static const struct onnx_case tensors[] = {
    {"w=f[4]<1,2,3,4>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 4"},
    {"w=d[4]<1,2,3,4.5>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 4.5"},
    {"w=d[4]{1,2,3,4.5}; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 4.5"},
    {"w=h[2]{0x3c00,0xc000}; x:f[N,2]; y=Mul(x,w)", 17, "1 1", "1 -2"},
    {"w=h[2]<0x3c00,0xc000>; x:f[N,2]; y=Mul(x,w)", 17, "1 1", "1 -2"},
    {"w=bf[2]{0x3f80,0xc000}; x:f[N,2]; y=Mul(x,w)", 17, "1 1", "1 -2"},
    {"w=u8[4]<1,2,3,255>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 255"},
    {"w=i8[4]<1,2,3,-1>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 -1"},
    {"w=u16[4]<1,2,3,65535>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 65535"},
    {"w=i16[4]<1,2,3,-1>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 -1"},
    {"w=i32[4]<1,2,3,-1>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 -1"},
    {"w=i32[4]{1,2,3,-1}; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 -1"},
    {"w=u32[4]{1,2,3,4000000000}; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 4e9"},
    {"w=u64[4]<1,2,3,4000000000>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 4e9"},
    {"w=b[4]<1,0,1,0>; y=Mul(x,w)", 17, "1 1 1 1", "1 0 1 0"},
    {"w=f[4]{1,2,3}; y=Mul(x,w)", 17, NULL,
     "the data does not fit the dims; 4 elements (FLOAT) are wanted, 3 are there"},
    {"w=f[1000000]{1}; y=Mul(x,w)", 17, NULL, "1000000 elements (FLOAT) are wanted, 1 are there"},
    {"w=f[4]<1,2,3>; y=Mul(x,w)", 17, NULL, "12 bytes of data; its 4 elements (FLOAT) take 16"},
    {"w=f[2]{1,nan}; x:f[N,2]; y=Mul(x,w)", 17, NULL,
     "tensor 'w': element 1 is not finite as float32"},
    {"w=d[2]{1,1e300}; x:f[N,2]; y=Mul(x,w)", 17, NULL, "element 1 is not finite as float32"},
    {"w=f[1]{nan}; y=Mul(x,w)", 17, NULL, "an input: element 0 is NaN"},
};

START_TEST(numbers_of_every_type_are_read)
{
    onnx_check_all(tensors, sizeof tensors / sizeof *tensors);
}
END_TEST

/* @ in the value is a NUL. */
static void put_entry(struct buffer *tensor, const char *key, const char *value)
{
    struct buffer entry = {0};
    char *bytes = strdup(value);
    for (char *at = bytes; (at = strchr(at, '@'));)
        *at = '\0';
    put_text(&entry, 1, key);
    put_number(&entry, 3, 0); /* what is not known is passed over */
    put_text(&entry, 4, "more");
    put_field(&entry, 2, bytes, strlen(value));
    free(bytes);
    put_message(tensor, 13, &entry);
}

/* name[4], whose numbers lie in `file` at these places; NULL: not said. */
static void put_outer_tensor(struct buffer *graph, const char *name, const char *file,
                             const char *offset, const char *length)
{
    struct buffer tensor = {0};
    put_number(&tensor, 1, 4);
    put_number(&tensor, 2, 1);
    put_text(&tensor, 8, name);
    put_number(&tensor, 14, 1);
    put_entry(&tensor, "location", file);
    put_entry(&tensor, "checksum", "00");
    if (offset)
        put_entry(&tensor, "offset", offset);
    if (length)
        put_entry(&tensor, "length", length);
    put_message(graph, 5, &tensor);
}

/* The net of that text with these tensors, too. */
static struct buffer model_with_tensors(const char *net, struct buffer *outer)
{
    struct buffer made = onnx_of(net, 17), graph = {0};
    /* a message that comes twice is one: the outer go into the graph that is there */
    struct wire wire = wire_open((struct wire_slice){made.at, made.len});
    struct wire_field field;
    ck_assert(wire_find(&wire, 7, &field));
    put(&graph, outer->at, outer->len);
    put(&graph, field.bytes.at, field.bytes.len);
    free(outer->at);
    made.len = (size_t)(field.bytes.at - made.at) - 1;
    while (made.at[made.len] != (7 << 3 | WIRE_BYTES))
        made.len--;
    put_message(&made, 7, &graph);
    return made;
}

/* y = x + a + b, both in `file` beside the model. */
static struct buffer model_with_data(const char *file, const char *offset, const char *length)
{
    struct buffer outer = {0};
    put_outer_tensor(&outer, "a", file, offset, length);
    put_outer_tensor(&outer, "b", file, offset, length);
    return model_with_tensors("s=Add(x,a); y=Add(s,b)", &outer);
}

/* The model itself and 15 files of data beside it. */
START_TEST(a_model_has_at_most_16_files)
{
    const float data[] = {1, 2, 3, 4};
    struct buffer whole = {.at = (unsigned char *)(uintptr_t)data, .len = sizeof data};
    char dir[] = "/tmp/relud-onnx-XXXXXX", path[128], name[16], net[1024] = "a0=Add(x,t0)";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct buffer outer = {0}, so_far = {0};
    for (int i = 0; i < 16; i++) {
        struct relud_error error = {0};
        snprintf(name, sizeof name, "t%d", i);
        snprintf(path, sizeof path, "%s/t%d", dir, i);
        write_bytes(path, &whole);
        put_outer_tensor(&so_far, name, name, NULL, NULL);
        put(&outer, so_far.at, so_far.len);
        if (i)
            snprintf(net + strlen(net), 64, "; a%d=Add(a%d,t%d)", i, i - 1, i);
        char wanted[1100];
        snprintf(wanted, sizeof wanted, "%s; >a%d:f[N,4]", net, i);
        struct buffer made = model_with_tensors(wanted, &outer);
        outer = (struct buffer){0};
        snprintf(path, sizeof path, "%s/net.onnx", dir);
        write_bytes(path, &made);
        free(made.at);
        relud_model *model = relud_model_load(path, NULL, &error);
        ck_assert_msg((model != NULL) == (i < 15), "%d: %s", i, error.text);
        relud_model_release(model);
        ck_assert(i < 15 || (error.code == RELUD_TOO_LARGE &&
                             strstr(error.text, "/t15: a model of more than 16 files")));
    }
    free(so_far.at);
    remove_folder(dir);
}
END_TEST

START_TEST(data_lies_beside_the_model)
{
    static const struct {
        const char *file, *offset, *length, *words;
    } cases[] = {
        {"data", "16", "16", NULL},
        {"data", "16", NULL, NULL},
        {"half", NULL, NULL, NULL},
        {"data", "32", "16", "offset 32 and length 16 do not lie within the 32 bytes of data"},
        {"data", "33", NULL, "offset 33 and length  do not lie within"},
        {"data", "24", "16", "do not lie within"},
        {"data", "-1", "16", "offset -1 and length 16 do not lie"},
        {"data", "0x10", "16", "offset 0x10 and"},
        {"data", "", "16", "offset  and length 16"},
        {"data", "16", "1e9", "length 1e9 do not"},
        {"data", "16", "99999999999999999999999", "do not lie within the 32 bytes"},
        {"data", "0", "8", "8 bytes of data; its 4 elements (FLOAT) take 16"},
        {"nothing", "0", "16",
         "/net.onnx: tensor 'a' wants its data from 'nothing': No such file or directory; beside "
         "it lie 'data' (32 bytes), 'half' (16 bytes)"},
        {"../data", "0", "16",
         "/net.onnx: tensor 'a': its data is in '../data'; only files beside the model are read; "
         "beside it lie 'data' (32 bytes), 'half' (16 bytes)"},
        {"/etc/hostname", "0", "16", "only files beside the model are read; beside it lie 'data'"},
        {"a\\b", "0", "16", "only files beside the model are read"},
        {"", "0", "16", "only files beside the model are read"},
        {"data@", "0", "16", "only files beside the model are read"},
    };
    const float data[] = {1, 2, 3, 4, 10, 20, 30, 40}, x[4] = {0};
    float y[4];
    char dir[] = "/tmp/relud-onnx-XXXXXX", path[128];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct buffer whole = {.at = (unsigned char *)(uintptr_t)data, .len = sizeof data};
    snprintf(path, sizeof path, "%s/data", dir);
    write_bytes(path, &whole);
    whole.len /= 2;
    snprintf(path, sizeof path, "%s/half", dir);
    write_bytes(path, &whole);
    snprintf(path, sizeof path, "%s/net.onnx", dir);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer made = model_with_data(cases[i].file, cases[i].offset, cases[i].length);
        struct relud_error error = {0};
        write_bytes(path, &made);
        free(made.at);
        relud_model *model = relud_model_load(path, NULL, &error);
        if (cases[i].words) {
            ck_assert_msg(!model && strstr(error.text, cases[i].words), "'%s' does not say '%s'",
                          error.text, cases[i].words);
            continue;
        }
        ck_assert_msg(model != NULL, "%s", error.text);
        relud_scratch *scratch = relud_scratch_new(model, 1, &error);
        relud_predict(scratch, x, 1, y);
        for (size_t k = 0; k < 4; k++)
            ck_assert(y[k] == 2 * data[cases[i].offset ? 4 + k : k]);
        relud_scratch_free(scratch);
        relud_model_release(model);
        scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, onnx_loads, path);
        scarce_each(SCARCE_FILES, RELUD_IO, onnx_loads, path);
    }
    static const char *const names[] = {"net.onnx", "data", "half"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        ck_assert_int_eq(unlink(path), 0);
    }
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* A model in a folder of its own, with two files of data: from where the program stands, by a long path, without a place for
 * errors; and what it says of a file that is not there. */
START_TEST(data_is_found_from_anywhere)
{
    static char path[4096], location[1100];
    const float data[] = {1, 2, 3, 4};
    struct buffer bytes = {.at = (unsigned char *)(uintptr_t)data, .len = sizeof data};
    struct relud_error error = {0};
    char dir[] = "/tmp/relud-onnx-XXXXXX";
    int here = open(".", O_RDONLY | O_DIRECTORY);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    write_bytes("one", &bytes);
    write_bytes("two", &bytes);
    struct buffer outer = {0};
    put_outer_tensor(&outer, "a", "one", NULL, NULL);
    put_outer_tensor(&outer, "b", "two", NULL, NULL);
    struct buffer made = model_with_tensors("s=Add(x,a); y=Add(s,b)", &outer);
    write_bytes("net.onnx", &made);
    free(made.at);
    relud_model *model = relud_model_load("net.onnx", NULL, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    onnx_check_answer(&(struct onnx_case){"two files", 17, "1 1 1 1", "3 5 7 9"}, model);
    relud_model_release(model);
    /* a name of 1025 bytes, and one that is too long together with its folder */
    size_t len = (size_t)sprintf(path, "%s/", dir);
    while (len < 3900)
        len += (size_t)sprintf(path + len, "./");
    strcpy(path + len, "net.onnx");
    static const struct {
        size_t len;
        const char *words;
    } names[] = {{1025, "only files beside the model are read"},
                 {250, "the path is too long"},
                 {7, "'aaaaaaa': No such file or directory; beside it lie 'one' (16 bytes)"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        memset(location, 'a', names[i].len);
        location[names[i].len] = '\0';
        made = model_with_data(location, NULL, NULL);
        write_bytes("net.onnx", &made);
        free(made.at);
        ck_assert_ptr_null(relud_model_load(path, NULL, &error));
        ck_assert_msg(strstr(error.text, names[i].words) != NULL, "'%s' does not say '%s'",
                      error.text, names[i].words);
        ck_assert_ptr_null(relud_model_load(path, NULL, NULL));
    }
    /* whatever call fails there is a reason, and one of them is that which lists what lies beside */
    bool is_reached = true, is_without = false;
    for (long nth = 1; is_reached; nth++) {
        scarce_begin(SCARCE_FILES, nth);
        ck_assert_ptr_null(relud_model_load("net.onnx", NULL, &error));
        is_reached = scarce_end();
        is_without |= strstr(error.text, "'aaaaaaa': No such file") && !strstr(error.text, "; ");
    }
    ck_assert(is_without);
    ck_assert_int_eq(fchdir(here), 0);
    close(here);
    remove_folder(dir);
}
END_TEST

/* Many files, long and odd names; none; a folder where a file should be. */
START_TEST(F16_what_lies_beside_the_model_is_said)
{
    char dir[] = "/tmp/relud-onnx-XXXXXX", path[512], name[256];
    struct buffer none = {.at = (unsigned char *)(uintptr_t) "", .len = 0};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct buffer made = model_with_data("w", NULL, NULL);
    struct relud_error error;
    snprintf(path, sizeof path, "%s/net.onnx", dir);
    write_bytes(path, &made);
    ck_assert_ptr_null(relud_model_load(path, NULL, &error));
    ck_assert_ptr_nonnull(
        strstr(error.text, "'w': No such file or directory; nothing lies beside it"));
    for (int i = 0; i < 9; i++) {
        memset(name, 'a' + 8 - i, 200);
        snprintf(name + (i % 2 ? 200 : 1), 40, "%s", i == 8 ? "\n.data" : ".data");
        snprintf(path, sizeof path, "%s/%s", dir, name);
        write_bytes(path, &none);
    }
    snprintf(path, sizeof path, "%s/.hidden", dir);
    write_bytes(path, &none);
    snprintf(path, sizeof path, "%s/w", dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/net.onnx", dir);
    ck_assert_ptr_null(relud_model_load(path, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "'w': Is a directory; beside it lie 'a\\n.data' (0 "));
    ck_assert_ptr_nonnull(strstr(error.text, "…"));
    ck_assert_ptr_nonnull(strstr(error.text, " and 5 more"));
    ck_assert_ptr_null(strstr(error.text, "hidden"));
    free(made.at);
    remove_folder(dir);
}
END_TEST

RUN_SUITE("onnx_data", numbers_of_every_type_are_read, a_model_has_at_most_16_files,
          data_lies_beside_the_model, data_is_found_from_anywhere,
          F16_what_lies_beside_the_model_is_said)
