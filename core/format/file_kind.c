#include "core/format/file_kind.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <relud/model.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_BYTES = 4096, TAIL_BYTES = 66000, NAMES_BYTES = 1 << 18 };

/* ---- the known kinds ---- */

/* `how` says how a user makes such a file servable. In it, @ stands for the file's name and # for
 * the name without its extension. */
struct kind {
    const char *what, *how;
};

#define TORCH_EXPORT "torch.onnx.export(net.eval(), torch.zeros(1, FEATURES), '#.onnx')"
static const struct kind
    torch_saved =
        {"a PyTorch file of torch.save",
         "in Python, of a state dict: import torch, safetensors.torch; state = torch.load('@'); "
         "safetensors.torch.save_file(state, '#.safetensors'), then relud serve #.safetensors "
         "--activation "
         "relu; of a whole module: net = torch.load('@', weights_only=False); " TORCH_EXPORT},
    torch_script = {"a TorchScript file",
                    "in Python: import torch; net = torch.jit.load('@'); " TORCH_EXPORT},
    torch_program =
        {"a PyTorch program of torch.export",
         "in Python: import torch; net = torch.export.load('@').module(); " TORCH_EXPORT},
    keras = {"a Keras model", "in Python: import keras; net = keras.models.load_model('@'); "
                              "net.export('#.onnx', format='onnx')"},
    hdf5 = {"an HDF5 file, as Keras writes its models",
            "in Python: import keras; net = keras.models.load_model('@'); net.export('#.onnx', "
            "format='onnx')"},
    sklearn = {"a pickle of scikit-learn",
               "in Python: import joblib; from skl2onnx import to_onnx; net = joblib.load('@'); "
               "open('#.onnx', 'wb').write(to_onnx(net, X[:1]).SerializeToString())"},
    pickle =
        {"a Python pickle, which is a program and not read here",
         "in Python, of scikit-learn: import joblib; from skl2onnx import to_onnx; net = "
         "joblib.load('@'); "
         "open('#.onnx', 'wb').write(to_onnx(net, X[:1]).SerializeToString()); of PyTorch: net = "
         "torch.load('@', weights_only=False); " TORCH_EXPORT},
    tflite = {"a TensorFlow Lite model",
              "pip install tf2onnx; python -m tf2onnx.convert --tflite @ --output #.onnx"},
    graph_def = {"a TensorFlow graph", "pip install tf2onnx; of a SavedModel: python -m "
                                       "tf2onnx.convert --saved-model FOLDER --output net.onnx; "
                                       "of a frozen graph: python -m tf2onnx.convert --graphdef @ "
                                       "--inputs x:0 --outputs y:0 --output #.onnx"},
    gguf = {"a language model (GGUF)", "relud serves feed-forward nets; llama.cpp serves this one"},
    trees = {"a model of decision trees", "relud serves feed-forward nets, not trees"},
    ort = {"a model in onnxruntime's own format", "export it as .onnx instead"},
    numpy = {"a NumPy array, not a model", "relud predict MODEL @ takes it as rows"},
    npz = {"NumPy arrays, not a model",
           "in Python: import numpy, safetensors.numpy; "
           "safetensors.numpy.save_file(dict(numpy.load('@')), "
           "'#.safetensors'), then relud serve #.safetensors --activation relu"},
    openvino = {"an OpenVINO model", "export it as .onnx instead"},
    lfs = {"a pointer of Git LFS, not the file itself", "git lfs pull fetches it"},
    html = {"a web page, not a model", "the download gave a page in its place"},
    gzip = {"a gzip file", "gunzip @ unpacks it"},
    zip = {"a zip archive", "unzip @, and serve what is in it"},
    empty = {"an empty file", "write it again"},
    model_json = {"a model.json", "serve the folder that it lies in"},
    json = {"a JSON file, not a model",
            "a model is a folder with model.json and model.safetensors, or an .onnx file"},
    safetensors =
        {"a safetensors file",
         "its name must end in .safetensors; then relud serve NAME.safetensors --activation relu"},
    onnx = {"an ONNX file", "its name must end in .onnx"},
    unknown = {"none of the files that are known here",
               "a model is an .onnx file, a folder with model.json and model.safetensors, or a "
               "state dict in safetensors"};

static const struct magic {
    size_t at;
    const char *bytes;
    size_t len;
    const struct kind *kind;
} magics[] = {
    {0, "\x89HDF\r\n\x1a\n", 8, &hdf5},
    {0,
     "\x80\x02\x8a\nl\xfc\x9c"
     "F\xf9 j\xa8P\x19.",
     15, &torch_saved}, /* from before PyTorch 1.6 */
    {4, "TFL3", 4, &tflite},
    {4, "ORTM", 4, &ort},
    {0, "GGUF", 4, &gguf},
    {0, "ggjt", 4, &gguf},
    {0, "CBM1", 4, &trees},
    {0, "binf", 4, &trees},
    {0, "tree\nversion=", 13, &trees},
    {0, "{L\0\0\0\0\0\0\0\x07learner", 17, &trees},
    {0, "\x93NUMPY", 6, &numpy},
    {0, "version https://git-lfs", 23, &lfs},
    {0, "<!DOCTYPE", 9, &html},
    {0, "<!doctype", 9, &html},
    {0, "<html", 5, &html},
    {0, "\x1f\x8b", 2, &gzip},
};

/* ---- bytes ---- */

struct look {
    int fd;
    unsigned long long size;
    size_t head_len;
    char head[HEAD_BYTES + 1];
};

static bool open_look(struct look *look, const char *path)
{
    struct stat about;
    errno = 0;
    *look = (struct look){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    bool is_open = look->fd >= 0 && fstat(look->fd, &about) == 0 && S_ISREG(about.st_mode);
    ssize_t got = is_open ? pread(look->fd, look->head, HEAD_BYTES, 0) : -1;
    if (got >= 0) {
        look->size = (unsigned long long)about.st_size;
        look->head_len = (size_t)got;
        return true;
    }
    if (look->fd >= 0)
        close(look->fd);
    return false;
}

static bool holds(const struct look *look, const char *word)
{
    return memmem(look->head, look->head_len, word, strlen(word)) != NULL;
}

static unsigned long long little(const char *at, size_t bytes)
{
    unsigned long long value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

/* A header length of eight bytes, then a JSON object that fits in the file. */
static bool is_safetensors(const struct look *look)
{
    return look->head_len > 9 && look->head[8] == '{' && little(look->head, 8) <= look->size - 8 &&
           little(look->head, 8) > 1;
}

/* The field ir_version, then the field of the producer, an opset or the graph. */
static bool is_onnx(const struct look *look)
{
    const char *head = look->head;
    return look->head_len > 4 && head[0] == 0x08 && head[1] > 0 && head[1] < 32 &&
           (head[2] == 0x12 || head[2] == 0x1a || head[2] == 0x3a || head[2] == 0x42);
}

/* ---- zip archives ---- */

static const struct kind *kind_of_name(const char *name, size_t len)
{
    static const struct {
        const char *end;
        const struct kind *kind;
    } names[] = {{"model.weights.h5", &keras},
                 {"constants.pkl", &torch_script},
                 {"archive_format", &torch_program},
                 {"archive_version", &torch_program},
                 {"serialized_exported_program.json", &torch_program},
                 {"data.pkl", &torch_saved},
                 {".npy", &npz}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t end = strlen(names[i].end);
        if (len >= end && memcmp(name + len - end, names[i].end, end) == 0)
            return names[i].kind;
    }
    return NULL;
}

/* Looks at the names in the central directory (APPNOTE 4.3.12). data.pkl decides last, because a
 * TorchScript file has one, too. */
static const struct kind *kind_in_directory(const char *names, size_t len)
{
    enum { ENTRY_BYTES = 46 };
    const struct kind *found = &zip;
    for (size_t at = 0; at + ENTRY_BYTES <= len && memcmp(names + at, "PK\1\2", 4) == 0;) {
        size_t name = little(names + at + 28, 2),
               more = little(names + at + 30, 2) + little(names + at + 32, 2);
        if (at + ENTRY_BYTES + name > len)
            break;
        const struct kind *kind = kind_of_name(names + at + ENTRY_BYTES, name);
        if (kind && (found == &zip || kind != &torch_saved))
            found = kind;
        at += ENTRY_BYTES + name + more;
    }
    return found;
}

static const struct kind *kind_of_zip(const struct look *look)
{
    enum { END_BYTES = 22 };
    size_t tail = look->size < TAIL_BYTES ? (size_t)look->size : TAIL_BYTES;
    char *bytes = malloc(TAIL_BYTES + NAMES_BYTES), *names = bytes + TAIL_BYTES;
    const struct kind *found = &zip;
    ssize_t got = bytes ? pread(look->fd, bytes, tail, (off_t)(look->size - tail)) : -1;
    for (ssize_t at = got - END_BYTES; at >= 0; at--) {
        if (memcmp(bytes + at, "PK\5\6", 4) != 0)
            continue;
        unsigned long long len = little(bytes + at + 12, 4), from = little(bytes + at + 16, 4);
        ssize_t some =
            pread(look->fd, names, len < NAMES_BYTES ? (size_t)len : NAMES_BYTES, (off_t)from);
        if (some > 0)
            found = kind_in_directory(names, (size_t)some);
        break;
    }
    free(bytes);
    return found;
}

/* ---- finding the kind ---- */

static const struct kind *kind_of_text(const struct look *look)
{
    size_t at = strspn(look->head, " \t\r\n");
    if (look->head[at] == '<')
        return holds(look, "<net ") ? &openvino : NULL;
    if (look->head[at] != '{')
        return NULL;
    return holds(look, "\"relud-model/1\"") ? &model_json
           : holds(look, "\"learner\"")     ? &trees
                                            : &json;
}

static const struct kind *kind_of(const struct look *look)
{
    if (look->size == 0)
        return &empty;
    if (is_safetensors(look)) /* first: its length may be a pickle's or gzip's first bytes */
        return &safetensors;
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (look->head_len >= magics[i].at + magics[i].len &&
            memcmp(look->head + magics[i].at, magics[i].bytes, magics[i].len) == 0)
            return magics[i].kind;
    if (look->head_len > 4 && memcmp(look->head, "PK\3\4", 4) == 0)
        return kind_of_zip(look);
    if (look->head_len > 2 && look->head[0] == (char)0x80 && look->head[1] >= 2 &&
        look->head[1] <= 5)
        return holds(look, "torch") ? &torch_saved : holds(look, "sklearn") ? &sklearn : &pickle;
    if (look->head_len > 2 && look->head[0] == 0x78 &&
        (0x7800 | (unsigned char)look->head[1]) % 31 == 0) /* zlib data, which joblib writes */
        return &pickle;
    const struct kind *text = kind_of_text(look);
    return text ? text : is_onnx(look) ? &onnx : NULL;
}

enum file_kind file_kind_of(const char *path)
{
    struct look look;
    enum file_kind is = FILE_ONNX;
    if (open_look(&look, path)) {
        const struct kind *kind = kind_of(&look);
        is = kind == &safetensors    ? FILE_SAFETENSORS
             : kind && kind != &onnx ? FILE_OTHER
                                     : FILE_ONNX;
        close(look.fd);
    }
    return is;
}

/* ---- folders ---- */

/* The folder exists, so its path is shorter than PATH_MAX. */
static bool is_in(const char *dir, const char *name)
{
    char path[4096 + 64];
    struct stat about;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &about) == 0;
}

static bool refuse_folder(const char *path, struct relud_error *error)
{
    static const char nothing[] =
        "neither a model.json nor a model.onnx, nor a version directory with one, is in it";
    if (is_in(path, "saved_model.pb"))
        return relud_fail(error, RELUD_BAD_MODEL,
                          "%s: a TensorFlow SavedModel; relud does not serve it as it is: pip "
                          "install tf2onnx; python -m "
                          "tf2onnx.convert --saved-model FOLDER --output net.onnx",
                          path);
    if (is_in(path, "config.json") &&
        (is_in(path, "model.safetensors") || is_in(path, "pytorch_model.bin")))
        return relud_fail(error, RELUD_BAD_MODEL,
                          "%s: %s: it looks like a Hugging Face model: relud serves feed-forward "
                          "nets, exported as .onnx or "
                          "written as model.json and model.safetensors",
                          path, nothing);
    if (is_in(path, "model.safetensors"))
        return relud_fail(error, RELUD_BAD_MODEL,
                          "%s: model.safetensors lies in it without a model.json that says what "
                          "the layers are: relud "
                          "convert FOLDER/model.safetensors NEW --activation relu writes one",
                          path);
    return relud_fail(error, RELUD_BAD_MODEL, "%s: %s", path, nothing);
}

/* ---- the message ---- */

/* Finds the file's name and its name without extension. Both become part of commands that a user
 * may paste into a shell, so a name with unusual characters is replaced by FILE and net. */
static void names_of(const char *path, char name[128], char stem[128])
{
    const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    size_t len = strlen(last);
    bool is_plain = len < 100 && last[0] != '-';
    for (size_t i = 0; i < len; i++)
        is_plain &= isalnum((unsigned char)last[i]) || strchr("._-", last[i]) != NULL;
    snprintf(name, 128, "%s", is_plain ? last : "FILE");
    snprintf(stem, 128, "%s", is_plain ? last : "net");
    char *dot = strrchr(stem, '.');
    if (dot && dot > stem)
        *dot = '\0';
}

/* Writes `how` with the file's name for @ and its stem for #. to[size] has room: names are shorter
 * than 128 bytes, and `how` contains fewer than ten of them. */
static void write_how(char *to, size_t size, const char *how, const char *name, const char *stem)
{
    size_t len = 0;
    for (; *how; how++) {
        const char *word = *how == '@' ? name : *how == '#' ? stem : NULL;
        if (word)
            len += (size_t)snprintf(to + len, size - len, "%s", word);
        else
            to[len++] = *how;
    }
    to[len] = '\0';
}

bool file_kind_refuse(const char *path, struct relud_error *error)
{
    char name[128], stem[128], how[2048];
    struct stat about;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return refuse_folder(path, error);
    struct look look;
    const struct kind *kind = NULL;
    bool is_open = open_look(&look, path);
    int failure = errno;
    if (is_open) {
        kind = kind_of(&look);
        close(look.fd);
    }
    if (!is_open)
        return relud_fail(error, RELUD_IO, "%s: %s", path,
                          failure ? strerror(failure) : "not a regular file");
    names_of(path, name, stem);
    size_t end = strlen(name);
    if (!kind && end > 3 && strcmp(name + end - 3, ".pb") == 0)
        kind = &graph_def;
    if (!kind)
        kind = &unknown;
    write_how(how, sizeof how, kind->how, name, stem);
    return relud_fail(error, RELUD_UNSUPPORTED, "%s: %s; relud does not serve it as it is: %s",
                      path, kind->what, how);
}
