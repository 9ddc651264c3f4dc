/* State dicts in safetensors: whose layers are told by names and shapes, and those that are not. */
#include "tests/unit/state_dicts.h"

#include "tests/unit/scarcity.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct dict {
    const char *tensors; /* "fc1.weight[8,4] fc1.bias[8]" */
    const char *words;   /* of the refusal; NULL: served */
    const char *order;   /* the layers' weights, where they are served */
};

#define CHAIN3 "fc1.weight[8,4] fc1.bias[8] fc2.weight[6,8] fc2.bias[6] fc3.weight[3,6] fc3.bias[3]"
static const struct dict dicts[] = {
    {CHAIN3, NULL, "fc1.weight fc2.weight fc3.weight"},
    {"0.weight[8,4] 0.bias[8] 2.weight[6,8] 4.weight[3,6]", NULL, "0.weight 2.weight 4.weight"},
    {"module.net.layers.0.weight[4,4] module.net.layers.1.weight[4,4]", NULL,
     "module.net.layers.0.weight module.net.layers.1.weight"},
    {"l10.weight[4,4] l9.weight[4,4] l8.weight[4,4] l11.weight[4,4]", NULL,
     "l8.weight l9.weight l10.weight l11.weight"}, /* by number, not by letters */
    {"hidden.weight[8,4] out.weight[3,6] middle.weight[6,8]", NULL,
     "hidden.weight middle.weight out.weight"}, /* by shape */
    {"layers.0.weight[4,4] layers.1.weight[4,4] head.weight[3,4]", NULL,
     "layers.0.weight layers.1.weight head.weight"}, /* by both */
    {"blocks.0.fc1.weight[8,4] blocks.0.fc2.weight[4,8] blocks.1.fc1.weight[8,4] "
     "blocks.1.fc2.weight[4,8]",
     NULL, "blocks.0.fc1.weight blocks.0.fc2.weight blocks.1.fc1.weight blocks.1.fc2.weight"},
    {"weight[3,4] bias[3]", NULL, "weight"},
    {"net.0.fc.weight[4,4] net.2.fc.weight[4,4] net.3.fc.weight[4,4]", NULL,
     "net.0.fc.weight net.2.fc.weight net.3.fc.weight"},
    {"b.0.0.weight[4,4] b.0.1.weight[4,4] b.2.0.weight[4,4] b.2.1.weight[4,4]", NULL,
     "b.0.0.weight b.0.1.weight b.2.0.weight b.2.1.weight"},
    {"1.1.1.1.1.1.1.1.1.weight[3,8] 1.1.1.1.1.1.1.1.2.weight[8,4]", NULL, /* too many numbers */
     "1.1.1.1.1.1.1.1.2.weight 1.1.1.1.1.1.1.1.1.weight"},
    {"#.weight[8,4] 0.weight[3,8]", NULL, "#.weight 0.weight"},
    /* what is missing is said */
    {"a.weight[4,4] b.weight[4,4] out.weight[3,4]", "'a.weight' and 'b.weight' may each be layer 1",
     NULL},
    {"in.weight[8,4] fc1.weight[8,8] fc2.weight[8,8] x.weight[8,8] out.weight[3,8]",
     "may each be layer", NULL},
    {"fc1.weight[8,4] fc2.weight[6,9]", "'fc1.weight' makes 8 numbers and 'fc2.weight' takes 9",
     NULL},
    {"fc1.weight[6,8] fc2.weight[8,4]", "'fc1.weight' makes 6 numbers and 'fc2.weight' takes 4",
     NULL},
    {"a.weight[8,4] b.weight[7,9]", "no order of 'a.weight', 'b.weight'", NULL},
    {"0.weight[8,4] 2.weight[8,8] 3.weight[3,8]",
     "'3.weight' follows the layer before it at once, '2.weight' does not", NULL},
    {CHAIN3 " bn1.running_mean[8]", "'bn1.running_mean' is of a batch normalisation", NULL},
    {CHAIN3 " bn1.num_batches_tracked[1]", "'bn1.num_batches_tracked' is of a batch normalisation",
     NULL},
    {CHAIN3 " norm.weight[8]", "'norm.weight' has one dimension, so it is of a norm or of PReLU",
     NULL},
    {CHAIN3 " conv.weight[8,1,3,3]", "'conv.weight' has 4 dimensions, as of a convolution", NULL},
    {CHAIN3 " scale[8]", "'scale' is neither the weight nor the bias of a linear layer", NULL},
    {CHAIN3 " emb.table[8,3]", "'emb.table' is neither", NULL},
    {CHAIN3 " fc4.bias[3]", "'fc4' has a bias and no weight", NULL},
    {"fc1.weight[8,4] fc1.bias[7]", "'fc1.bias' has 7 numbers; its weight makes 8", NULL},
    {"fc1.weight[0,4]", "'fc1.weight' is empty", NULL},
    {"fc1.weight[4,0]", "'fc1.weight' is empty", NULL},
    {"fc1.weight[ ]", "'fc1.weight' is neither the weight nor the bias of a linear layer", NULL},
    {"fc1.bias[2,4]", "'fc1.bias' is neither the weight nor the bias", NULL},
    {"#.weight[4,4] 0.weight[4,4]", "'#.weight' and '0.weight' may each be layer 1", NULL},
    {"fc01.weight[4,4] fc1.weight[4,4]", "'fc01.weight' and 'fc1.weight' have the same number",
     NULL},
    {"fc1.weight[8,4] fc2.weight[6,8] x.weight[5,5]",
     "no order of 'fc1.weight', 'fc2.weight' and the others fits", NULL},
    {"a.weight[4,4] b.weight[4,4] c.weight[4,4] d.weight[4,4] e.weight[4,4] f.weight[4,4] "
     "g.weight[4,4] h.weight[4,4] i.weight[4,4] j.weight[4,4] z.weight[5,5]",
     "its 11 layers fit together in too many orders", NULL},
    {"", "there is no tensor in it", NULL},
};

START_TEST(U3_a_state_dict_is_served_where_names_and_shapes_tell_its_layers)
{
    char path[128], words[256];
    struct relud_error error;
    struct relud_model_options options = {.activation = "relu"};
    snprintf(path, sizeof path, "%s/net.safetensors", new_directory());
    for (size_t i = 0; i < sizeof dicts / sizeof *dicts; i++) {
        write_dict(path, dicts[i].tensors);
        relud_model *model = relud_model_load(path, &options, &error);
        if (dicts[i].words) {
            ck_assert_msg(!model && strstr(error.text, dicts[i].words), "%s: '%s'; '%s' is wanted",
                          dicts[i].tensors, model ? "served" : error.text, dicts[i].words);
            continue;
        }
        ck_assert_msg(model != NULL, "%s: %s", dicts[i].tensors, error.text);
        words[0] = '\0';
        for (size_t k = 0; k < relud_model_info(model)->layers; k++) {
            const struct relud_layer_info *layer = relud_model_layer(model, k);
            bool is_last = k + 1 == relud_model_info(model)->layers;
            strcat(strcat(words, k ? " " : ""), layer->weight);
            ck_assert_str_eq(layer->activation, is_last ? "identity" : "relu");
        }
        ck_assert_str_eq(words, dicts[i].order);
        relud_model_release(model);
    }
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}
END_TEST

/* Refused with those words; takes the tensors. */
static void refuses_dict(const char *path, char *tensors, const char *words)
{
    struct relud_error error = {0};
    struct relud_model_options options = {.activation = "relu"};
    write_dict(path, tensors);
    free(tensors);
    ck_assert_ptr_null(relud_model_load(path, &options, &error));
    ck_assert_msg(strstr(error.text, words) != NULL, "'%s'; '%s' is wanted", error.text, words);
}

/* One order is found at once, another one that fits as well stands behind more of them than are tried: p and q change places
 * only before 2^16 ways to leave out a detour on the way. */
START_TEST(an_order_is_not_guessed_where_not_all_are_tried)
{
    enum { DETOURS = 16 };
    char path[128], *tensors = malloc(4096);
    size_t len = (size_t)sprintf(tensors, "Ap.weight[1,1] Aq.weight[1,1]");
    for (int i = 0; i < DETOURS; i++)
        len += (size_t)sprintf(
            tensors + len, " a%cx.weight[%d,%d] a%cy.weight[%d,%d] b%c.weight[%d,%d]", 'a' + i,
            2 * i + 2, 2 * i + 1, 'a' + i, 2 * i + 1, 2 * i + 2, 'a' + i, 2 * i + 3, 2 * i + 1);
    snprintf(path, sizeof path, "%s/net.safetensors", new_directory());
    refuses_dict(path, tensors, "its 50 layers fit together in too many orders");
    /* more tensors than a net may have */
    tensors = malloc(65536), len = 0;
    for (int i = 0; i < 2001; i++)
        len += (size_t)sprintf(tensors + len, "l%d.weight[1,1] ", i);
    refuses_dict(path, tensors, "2001 layers are more than 1000");
    tensors = malloc(131072), len = 0;
    for (int i = 0; i < 5001; i++)
        len += (size_t)sprintf(tensors + len, "l%d.weight[1,1] ", i);
    refuses_dict(path, tensors, "5001 tensors are more than 1000 layers have");
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}
END_TEST

/* The first note of a model that is served. */
static void notes(const char *path, const char *activation, const char *note)
{
    struct relud_error error = {0};
    struct relud_model_options options = {.activation = activation};
    relud_model *model = relud_model_load(path, &options, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    ck_assert_str_eq(relud_model_info(model)->note[0], note);
    relud_model_release(model);
}

/* One layer has nothing between it; many are told by their ends; the file may lie anywhere and have any name. */
START_TEST(the_layers_that_are_told_are_noted)
{
    char path[128], *tensors = malloc(4096), far[5000];
    struct relud_error error = {0};
    int here = open(".", O_RDONLY | O_DIRECTORY);
    snprintf(path, sizeof path, "%s/model.safetensors", new_directory());
    write_dict(path, "weight[3,4] bias[3]");
    notes(path, NULL, "1 linear layer by its name and shape (4 -> 3), nothing between them");
    notes(path, "relu", "1 linear layer by its name and shape (4 -> 3), nothing between them");
    size_t len = 0;
    for (int i = 0; i < 40; i++)
        len += (size_t)sprintf(tensors + len, "%d.weight[%d,%d] ", i, i + 11, i + 10);
    write_dict(path, tensors);
    free(tensors);
    *strrchr(path, '/') = '\0';
    ck_assert_int_eq(chdir(path), 0);
    notes(
        "model.safetensors", "relu",
        "40 linear layers by their names and shapes (10 -> 11 -> 12 -> 13 -> 14 -> 15 -> 16 -> 17 "
        "-> 18 -> 19 -> 20 -> 21 -> 22 -> 23 -> 24 -> 25 -> 26 -> 27 -> 28 -> 29 -> 30 -> 31 -> 32 "
        "-> 33 -> 34 -> 35 -> 36 -> 37 -> … -> 50), relu between them");
    ck_assert_ptr_null(relud_model_load("model.safetensors", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "a state dict of 40 linear layers (10 -> 11 -> 12"));
    write_file(path, "model.json", "{}", 2);
    ck_assert_ptr_null(relud_model_load("model.safetensors", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "name the folder, not this file"));
    for (len = 0; len < 4500;)
        len += (size_t)sprintf(far + len, "./");
    strcpy(far + len, "model.safetensors");
    ck_assert_ptr_null(relud_model_load(far, NULL, &error));
    ck_assert_msg(strstr(error.text, "the path is too long") != NULL, "%s", error.text);
    ck_assert_int_eq(fchdir(here), 0);
    close(here);
    remove_directory(path);
}
END_TEST

static bool loads(void *path, struct relud_error *error)
{
    struct relud_model_options options = {.activation = "elu:alpha=0.5"};
    relud_model *model = relud_model_load(path, &options, error);
    relud_model_release(model);
    return model != NULL;
}

START_TEST(U3_what_stands_between_its_layers_is_never_guessed)
{
    static const struct {
        const char *activation, *words;
    } cases[] = {
        {NULL,
         "a state dict of 3 linear layers (4 -> 8 -> 6 -> 3): what stands between them is not "
         "in the file; --activation relu"},
        {"relo", "there is no activation 'relo'; did you mean 'relu'?"},
        {"", "there is no activation ''"},
        {"prelu", "the slopes of prelu are not in the file"},
        {"elu:alpha", "elu: 'alpha' is none of its parameters"},
        {"elu:alpha=x", "'alpha=x' is none"},
        {"elu:alpha=inf", "'alpha=inf' is none"},
        {"elu:beta=1", "'beta=1' is none"},
        {"relu:alpha=1", "'alpha=1' is none"},
        {"gelu:approximate=erf", "'approximate=erf' is none"}};
    char path[128], saved[160];
    struct relud_error error;
    float x[4] = {1, -1, 2, 0.5f}, y[2][3];
    snprintf(path, sizeof path, "%s/net.safetensors", new_directory());
    write_dict(path, CHAIN3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_model_options options = {.activation = cases[i].activation};
        ck_assert_ptr_null(relud_model_load(path, &options, &error));
        ck_assert_msg(strstr(error.text, cases[i].words) != NULL, "'%s'; '%s' is wanted",
                      error.text, cases[i].words);
    }
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, loads, path);
    /* and it is written as what it is served as */
    struct relud_model_options options = {.activation = "gelu:approximate=tanh"};
    relud_model *model[2] = {relud_model_load(path, &options, &error), NULL};
    snprintf(saved, sizeof saved, "%.*s/saved", (int)(strrchr(path, '/') - path), path);
    ck_assert_msg(model[0] && relud_model_save(model[0], saved, "net", &error), "%s", error.text);
    model[1] = relud_model_load(saved, NULL, &error);
    ck_assert_msg(model[1] != NULL, "%s", error.text);
    for (size_t i = 0; i < 2; i++) {
        relud_scratch *scratch = relud_scratch_new(model[i], 1, &error);
        relud_predict(scratch, x, 1, y[i]);
        relud_scratch_free(scratch);
        relud_model_release(model[i]);
    }
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    remove_directory(saved);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}
END_TEST

/* A header's length may begin as a pickle, zlib data or gzip does. */
START_TEST(a_header_of_any_length_is_no_other_file)
{
    static const size_t lengths[] = {0x280, 0x380, 0x480, 0x580, 0x178, 0x5e78, 0x8b1f, 0x4d42};
    char path[128], header[40000];
    struct relud_error error;
    snprintf(path, sizeof path, "%s", new_directory());
    char *end = path + strlen(path);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        static const char tensors[] =
            "{\"w.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]}}";
        memset(header, ' ', lengths[i]);
        memcpy(header, tensors, sizeof tensors - 1);
        header[lengths[i]] = '\0';
        write_tensors(path, header, data, 4);
        strcpy(end, "/model.safetensors");
        relud_model *model = relud_model_load(path, NULL, &error);
        ck_assert_msg(model != NULL, "%zx: %s", lengths[i], error.text);
        relud_model_release(model);
        *end = '\0';
    }
    remove_directory(path);
}
END_TEST

/* ---- other files ---- */

#define BYTES(text) text, sizeof(text) - 1

static const struct {
    const char *name, *bytes;
    size_t len;
    const char *what, *how;
} files[] = {
    {"net.pt",
     BYTES("\x80\x02\x8a\nl\xfc\x9c"
           "F\xf9 j\xa8P\x19.\x80\x02M"),
     "a PyTorch file of torch.save", "state = torch.load('net.pt')"},
    {"net.bin",
     BYTES("\x80\x02"
           "ctorch._utils\n_rebuild_tensor_v2\n"),
     "a PyTorch file", "net.safetensors --activation relu"},
    {"m.pkl", BYTES("\x80\x04\x95....\x8c\x1bsklearn.linear_model._logistic"),
     "a pickle of scikit-learn", "to_onnx(net, X[:1])"},
    {"p.pkl", BYTES("\x80\x05\x95...."), "a Python pickle", "joblib.load('p.pkl')"},
    {"z.joblib", BYTES("\x78\x5e\x01\x02\x03"), "a Python pickle", "skl2onnx"},
    {"net.h5", BYTES("\x89HDF\r\n\x1a\n...."), "an HDF5 file, as Keras writes",
     "keras.models.load_model('net.h5')"},
    {"net.tflite", BYTES("\x1c\0\0\0TFL3...."), "a TensorFlow Lite model",
     "--tflite net.tflite --output net.onnx"},
    {"f.pb", BYTES("\n\x1e\n\1x\x12"), "a TensorFlow graph", "--graphdef f.pb"},
    {"m.gguf", BYTES("GGUF\3\0\0\0"), "a language model (GGUF)", "llama.cpp"},
    {"x.json", BYTES("{\"learner\":{}}"), "a model of decision trees", "not trees"},
    {"x.ubj", BYTES("{L\0\0\0\0\0\0\0\x07learner{"), "a model of decision trees", "not trees"},
    {"l.txt", BYTES("tree\nversion=v4\n"), "a model of decision trees", "not trees"},
    {"net.ort", BYTES("\x20\0\0\0ORTM...."), "onnxruntime's own format", "export it as .onnx"},
    {"a.npy", BYTES("\x93NUMPY\1\0"), "a NumPy array, not a model", "relud predict MODEL a.npy"},
    {"lfs.onnx", BYTES("version https://git-lfs.github.com/spec/v1\n"), "a pointer of Git LFS",
     "git lfs pull"},
    {"lfs.safetensors", BYTES("version https://git-lfs.github.com/spec/v1\n"),
     "a pointer of Git LFS", "git lfs pull"},
    {"page.onnx", BYTES("<!DOCTYPE html>"), "a web page", "download"},
    {"e.onnx", "", 0, "an empty file", ""},
    {"net.onnx.gz", BYTES("\x1f\x8b\x08"), "a gzip file", "gunzip net.onnx.gz"},
    {"model.json", BYTES("{\"format\": \"relud-model/1\"}"), "a model.json", "serve the folder"},
    {"arch.json", BYTES(" {\"class_name\":1}"), "a JSON file, not a model", ""},
    {"net.xml", BYTES("<?xml version=\"1.0\"?><net name=\"x\">"), "an OpenVINO model", ""},
    {"net.st", BYTES("\2\0\0\0\0\0\0\0{}"), "a safetensors file",
     "its name must end in .safetensors"},
    {"net.pb2", BYTES("\x08\x07\x12\x04test"), "an ONNX file", "its name must end in .onnx"},
    {"notes.txt", BYTES("hello"), "none of the files that are known here",
     "a model is an .onnx file"},
    {"it's odd.pt",
     BYTES("\x80\x02"
           "ctorch"),
     "a PyTorch file", "torch.load('FILE')"},
};

/* A zip archive with one empty file of that name, as far as its directory goes. */
static size_t zip_of(char *bytes, const char *name)
{
    char entry[46] = "PK\1\2", end[22] = "PK\5\6";
    size_t len = strlen(name);
    entry[28] = (char)len;
    end[12] = (char)(46 + len);
    end[16] = 4;
    memcpy(bytes, "PK\3\4", 4);
    memcpy(bytes + 4, entry, 46);
    memcpy(bytes + 50, name, len);
    memcpy(bytes + 50 + len, end, 22);
    return 72 + len;
}

static void refuses(const char *dir, const char *name, const char *bytes, size_t len,
                    const char *what, const char *how)
{
    char path[300];
    struct relud_error error = {0};
    write_file(dir, name, bytes, len);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert(!relud_model_refuse(path, &error));
    ck_assert_msg(strstr(error.text, what) && strstr(error.text, how) && strstr(error.text, name) &&
                      !strchr(error.text, '\n'),
                  "%s: '%s'; '%s' and '%s' are wanted", name, error.text, what, how);
    bool is_loaded_as_such = strcmp(what, "a safetensors file") == 0 ||
                             strcmp(what, "an ONNX file") == 0 || strncmp(what, "none", 4) == 0 ||
                             strstr(name, ".pb");
    relud_model *model = relud_model_load(path, NULL, &error);
    ck_assert_ptr_null(model);
    ck_assert_msg(is_loaded_as_such || strstr(error.text, what), "%s: '%s'", name, error.text);
    unlink(path);
}

START_TEST(U3_a_file_that_is_no_model_is_told_what_it_is)
{
    static const char *const zips[][3] = {
        {"archive/data.pkl", "a PyTorch file of torch.save", "torch.load('net.zip')"},
        {"net/constants.pkl", "a TorchScript file", "torch.jit.load('net.zip')"},
        {"net/archive_format", "a PyTorch program of torch.export", "torch.export.load"},
        {"model.weights.h5", "a Keras model", "net.export('net.onnx', format='onnx')"},
        {"arr_0.npy", "NumPy arrays", "safetensors.numpy"},
        {"readme.txt", "a zip archive", "unzip net.zip"}};
    char dir[64], bytes[256];
    strcpy(dir, new_directory());
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        refuses(dir, files[i].name, files[i].bytes, files[i].len, files[i].what, files[i].how);
    for (size_t i = 0; i < sizeof zips / sizeof *zips; i++) {
        size_t len = zip_of(bytes, zips[i][0]);
        refuses(dir, "net.zip", bytes, len, zips[i][1], zips[i][2]);
        for (size_t cut = 5; cut < len; cut++) /* whatever is missing */
            refuses(dir, "net.zip", bytes, cut, "it as it is", "");
    }
    struct relud_error error;
    char path[128];
    snprintf(path, sizeof path, "%s/pipe", dir);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert(!relud_model_refuse(path, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "/pipe: not a regular file"));
    unlink(path);
    ck_assert(!relud_model_refuse(path, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "/pipe: No such file or directory"));
    rmdir(dir);
}
END_TEST

START_TEST(U3_a_folder_that_is_no_model_is_told_what_is_missing)
{
    static const struct {
        const char *files[2], *words;
    } folders[] = {
        {{"saved_model.pb", NULL}, "a TensorFlow SavedModel"},
        {{"config.json", "model.safetensors"}, "it looks like a Hugging Face model"},
        {{"model.safetensors", NULL}, "without a model.json that says what the layers are"},
        {{"notes.txt", NULL}, "neither a model.json nor a model.onnx"}};
    char dir[64], path[128];
    struct relud_error error;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        strcpy(dir, new_directory());
        for (size_t k = 0; k < 2 && folders[i].files[k]; k++)
            write_file(dir, folders[i].files[k], "x", 1);
        ck_assert(!relud_model_refuse(dir, &error));
        ck_assert_msg(strstr(error.text, folders[i].words) != NULL, "%s", error.text);
        ck_assert_int_eq(error.code, RELUD_BAD_MODEL);
        for (size_t k = 0; k < 2 && folders[i].files[k]; k++) {
            snprintf(path, sizeof path, "%s/%s", dir, folders[i].files[k]);
            unlink(path);
        }
        rmdir(dir);
    }
}
END_TEST

RUN_SUITE("state_dict", U3_a_state_dict_is_served_where_names_and_shapes_tell_its_layers,
          an_order_is_not_guessed_where_not_all_are_tried, a_header_of_any_length_is_no_other_file,
          U3_what_stands_between_its_layers_is_never_guessed, the_layers_that_are_told_are_noted,
          U3_a_file_that_is_no_model_is_told_what_it_is,
          U3_a_folder_that_is_no_model_is_told_what_is_missing)
