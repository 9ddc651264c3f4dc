/* Files as they are read whole, and what they are by their bytes. */
#include "tests/unit/files.h"
#include "tests/unit/scarcity.h"

#include <relud/file.h>
#include <relud/model.h>

/* ---- read whole ---- */

static bool is_read_at(void *with, struct relud_error *error)
{
    struct relud_file file;
    bool is_read = relud_file_read(with, SIZE_MAX, &file, error);
    relud_file_free(&file);
    return is_read;
}

/* Small ones lie in the heap and great ones in pages of their own; a NUL is behind either. */
START_TEST(files_of_every_size_are_read_whole)
{
    enum { GREAT = (4 << 20) + 4096 * 3 };
    static const size_t sizes[] = {0, 1, 4096, (4 << 20) - 1, 4 << 20, GREAT};
    const char *dir = new_directory();
    char path[128], *bytes = malloc(GREAT);
    snprintf(path, sizeof path, "%s/model.json", dir);
    for (size_t i = 0; i < GREAT; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct relud_file file;
        struct relud_error error = {0};
        write_file(dir, "model.json", bytes, sizes[i]);
        ck_assert_msg(relud_file_read(path, sizes[i], &file, &error), "%s", error.text);
        ck_assert_uint_eq(file.len, sizes[i]);
        ck_assert(memcmp(file.bytes, bytes, sizes[i]) == 0 && file.bytes[file.len] == '\0');
        relud_file_wipe(&file);
        ck_assert_ptr_null(file.bytes);
        scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, is_read_at, path);
        scarce_each(SCARCE_FILES, RELUD_IO, is_read_at, path);
        if (sizes[i] == 0)
            continue;
        ck_assert(!relud_file_read(path, sizes[i] - 1, &file, &error));
        ck_assert_int_eq(error.code, RELUD_TOO_LARGE);
        ck_assert_ptr_null(file.bytes);
    }
    remove_directory(dir);
    free(bytes);
}
END_TEST

/* ---- kinds ---- */

static void refuses(const char *path, const char *what, const char *how)
{
    struct relud_error error = {0};
    ck_assert(!relud_model_refuse(path, &error));
    ck_assert_msg(strstr(error.text, what) && strstr(error.text, how) && !strchr(error.text, '\n'),
                  "%s: '%s'; '%s' and '%s' are wanted", path, error.text, what, how);
}

#define BYTES(text) text, sizeof(text) - 1
#define UNKNOWN     "none of the files that are known here"

START_TEST(U3_what_only_looks_like_a_kind_is_another)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
        const char *what, *how;
    } files[] = {
        /* safetensors: a length that fits, of an object */
        {"a.st", BYTES("\2\0\0\0\0\0\0\0{}"), "a safetensors file", ".safetensors"},
        {"a.st", BYTES("\3\0\0\0\0\0\0\0{}"), UNKNOWN, ""},
        {"a.st", BYTES("\1\0\0\0\0\0\0\0{}"), UNKNOWN, ""},
        {"a.st", BYTES("\2\0\0\0\0\0\0\0{"), UNKNOWN, ""},
        {"a.st", BYTES("\2\0\0\0\0\0\0\0[]"), UNKNOWN, ""},
        /* ONNX: its version, and what may follow it */
        {"a.pb2", BYTES("\x08\x07\x1a\1x"), "an ONNX file", "its name must end in .onnx"},
        {"a.pb2", BYTES("\x08\x07\x3a\1x"), "an ONNX file", ""},
        {"a.pb2", BYTES("\x08\x07\x42\1x"), "an ONNX file", ""},
        {"a.pb2", BYTES("\x08\x07\x41\1x"), UNKNOWN, ""},
        {"a.pb2", BYTES("\x08\0\x12\1x"), UNKNOWN, ""},
        {"a.pb2", BYTES("\x08\x20\x12\1x"), UNKNOWN, ""},
        {"a.pb2", BYTES("\x08\x07\x12\1"), UNKNOWN, ""},
        /* pickles have protocols from 2 to 5 */
        {"a.pkl", BYTES("\x80\2."), "a Python pickle", "joblib.load('a.pkl')"},
        {"a.pkl", BYTES("\x80\1."), UNKNOWN, ""},
        {"a.pkl", BYTES("\x80\6."), UNKNOWN, ""},
        {"a.xml", BYTES("<?xml version=\"1.0\"?><nets>"), UNKNOWN, ""},
        {"pb", BYTES("\n\x1e\n"), UNKNOWN, ""},
        {".pb", BYTES("\n\x1e\n"), UNKNOWN, ""},
        {"a.pb", BYTES("\n\x1e\n"), "a TensorFlow graph", "--graphdef a.pb"},
        /* names in commands */
        {".tflite", BYTES("\0\0\0\0TFL3"), "a TensorFlow Lite",
         "--tflite .tflite --output .tflite.onnx"},
        {"tflite", BYTES("\0\0\0\0TFL3"), "a TensorFlow Lite",
         "--tflite tflite --output tflite.onnx"},
        {"-a.tflite", BYTES("\0\0\0\0TFL3"), "a TensorFlow Lite",
         "--tflite FILE --output net.onnx"},
    };
    char dir[64], path[256], here[1024];
    strcpy(dir, new_directory());
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        write_file(dir, files[i].name, files[i].bytes, files[i].len);
        snprintf(path, sizeof path, "%s/%s", dir, files[i].name);
        refuses(path, files[i].what, files[i].how);
        ck_assert_int_eq(chdir(dir), 0); /* and without a folder in its path */
        refuses(files[i].name, files[i].what, files[i].how);
        ck_assert_int_eq(chdir(here), 0);
        unlink(path);
    }
    rmdir(dir);
}
END_TEST

/* The longest advice with the longest name that may stand in it ends as it does with short ones. */
START_TEST(U3_advice_is_whole_whatever_the_name)
{
    static const char torch[] = "\x80\2ctorch", end[] = "torch.zeros(1, FEATURES), '";
    char dir[64], path[256], name[128], export[256];
    strcpy(dir, new_directory());
    for (size_t len = 98; len < 102; len++) {
        memset(name, 'a', len);
        strcpy(name + len - 3, ".pt");
        bool is_short = len < 100;
        snprintf(export, sizeof export, "%s%.*s.onnx')", end, is_short ? (int)len - 3 : 3,
                 is_short ? name : "net");
        write_file(dir, name, torch, sizeof torch - 1);
        snprintf(path, sizeof path, "%s/%s", dir, name);
        refuses(path, "a PyTorch file of torch.save", export);
        unlink(path);
    }
    rmdir(dir);
}
END_TEST

/* ---- zip archives ---- */

static void put_number(char *at, size_t bytes, size_t value)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (char)(value >> (8 * i));
}

/* A directory of those names, behind `before` bytes of data. Its length. */
static size_t zip_of(char *bytes, size_t before, const char *const *names)
{
    size_t len = before;
    memset(bytes, 0, before);
    memcpy(bytes, "PK\3\4", 4);
    for (; *names; names++) {
        size_t name = strlen(*names);
        memset(bytes + len, 0, 46);
        memcpy(bytes + len, "PK\1\2", 4);
        put_number(bytes + len + 28, 2, name);
        memcpy(bytes + len + 46, *names, name);
        len += 46 + name;
    }
    memset(bytes + len, 0, 22);
    memcpy(bytes + len, "PK\5\6", 4);
    put_number(bytes + len + 12, 4, len - before);
    put_number(bytes + len + 16, 4, before);
    return len + 22;
}

START_TEST(U3_an_archive_is_what_its_directory_says)
{
    enum { BYTES_MAX = 200000 };
    static const char *const script[] = {"n/data.pkl", "n/constants.pkl", NULL},
                             *const other[] = {"n/constants.pkl", "n/data.pkl", "n/version", NULL},
                             *const saved[] = {"n/readme", "n/data.pkl", NULL};
    char dir[64], path[128], *bytes = malloc(BYTES_MAX);
    strcpy(dir, new_directory());
    snprintf(path, sizeof path, "%s/model.json", dir);
#define IS(what)                                                                                   \
    do {                                                                                           \
        write_file(dir, "model.json", bytes, len);                                                 \
        refuses(path, what, "");                                                                   \
    } while (false)
    size_t len = zip_of(bytes, 10, script);
    IS("a TorchScript file");
    len = zip_of(bytes, 10, other);
    IS("a TorchScript file");
    len = zip_of(bytes, 100000, saved); /* longer than what is read from its end */
    IS("a PyTorch file of torch.save");
    len = zip_of(bytes, 10, saved);
    IS("a PyTorch file of torch.save");
    scarce_begin(SCARCE_MEMORY, 1); /* what is known without a look into it */
    refuses(path, "a zip archive", "");
    ck_assert(scarce_end());
    char *end = bytes + len - 22;
    put_number(end + 12, 4, 1 << 20); /* more than is there, and than is read */
    IS("a PyTorch file of torch.save");
    put_number(bytes + 10 + 54 + 28, 2, 1000); /* a name that goes past the end */
    IS("a zip archive");
    put_number(end + 16, 4, 1 << 20); /* a directory behind the end */
    IS("a zip archive");
    len = zip_of(bytes, 10, script);
    bytes[10 + 46 + strlen(script[0])] = 'p'; /* the second entry is none */
    IS("a PyTorch file of torch.save");
#undef IS
    remove_directory(dir);
    free(bytes);
}
END_TEST

START_TEST(U3_a_folder_is_what_lies_in_it)
{
    static const struct {
        const char *files[2], *words;
    } folders[] = {{{"config.json", "pytorch_model.bin"}, "it looks like a Hugging Face model"},
                   {{"config.json", "model.safetensors"}, "it looks like a Hugging Face model"},
                   {{"config.json", "notes.txt"}, "nor a version directory with one, is in it"},
                   {{"pytorch_model.bin", "model.safetensors"}, "without a model.json that says"}};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char dir[64];
        strcpy(dir, new_directory());
        for (size_t k = 0; k < 2; k++)
            write_file(dir, folders[i].files[k], "x", 1);
        refuses(dir, folders[i].words, "");
        remove_folder(dir);
    }
}
END_TEST

RUN_SUITE("file_kind", files_of_every_size_are_read_whole,
          U3_what_only_looks_like_a_kind_is_another, U3_advice_is_whole_whatever_the_name,
          U3_an_archive_is_what_its_directory_says, U3_a_folder_is_what_lies_in_it)
