/* ONNX files: what exporters write (tests/data/onnx) answers as their frameworks do; what is wrong is refused in words. */
#include "tests/unit/suite.h"

#include "tests/unit/onnx_text.h"
#include <dirent.h>
#include <math.h>
#include <relud/relud.h>
#include <unistd.h>

#define DATA "tests/data/onnx/"

enum { ROWS = 8, FEATURES = 12, PATH_BYTES = 512 };

/* ---- what exporters write ---- */

static float *npy(const char *path, size_t *count)
{
    struct relud_rows rows;
    struct relud_error error;
    ck_assert_msg(relud_rows_read(path, 0, &rows, &error), "%s", error.text);
    *count = rows.rows * rows.features;
    return rows.values;
}

/* Compares with the framework, and every row alone with the same row in the batch. */
static void check_answers(const char *name, relud_model *model, const float *x)
{
    char path[PATH_BYTES];
    struct relud_error error;
    size_t outputs = relud_model_info(model)->outputs, count;
    float *y = malloc(ROWS * outputs * sizeof *y), *alone = malloc(outputs * sizeof *alone);
    relud_scratch *scratch = relud_scratch_new(model, ROWS, &error);
    snprintf(path, sizeof path, DATA "%s.npy", name);
    float *wanted = npy(path, &count);
    ck_assert_uint_eq(count, ROWS * outputs);
    ck_assert_uint_eq(relud_model_info(model)->features, FEATURES);
    relud_predict(scratch, x, ROWS, y);
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(y[i] - wanted[i]) <= 1e-5f + 1e-4f * fabsf(wanted[i])))
            ck_abort_msg("%s: number %zu is %g instead of %g", name, i, (double)y[i],
                         (double)wanted[i]);
    for (size_t r = 0; r < ROWS; r++) {
        relud_predict(scratch, x + r * FEATURES, 1, alone);
        ck_assert_mem_eq(alone, y + r * outputs, outputs * sizeof *alone);
    }
    relud_scratch_free(scratch);
    free(wanted);
    free(alone);
    free(y);
}

START_TEST(what_exporters_write_answers_as_their_frameworks_do)
{
    struct dirent **entry = NULL;
    int entries = scandir(DATA, &entry, NULL, alphasort);
    size_t count, files = 0;
    float *x = npy(DATA "x.npy", &count);
    ck_assert_uint_eq(count, ROWS * FEATURES);
    for (int i = 0; i < entries; i++) {
        char name[256], path[PATH_BYTES];
        struct relud_error error;
        snprintf(name, sizeof name, "%s", entry[i]->d_name);
        free(entry[i]);
        size_t len = strlen(name);
        if (len < 6 || strcmp(name + len - 5, ".onnx") != 0)
            continue;
        snprintf(path, sizeof path, DATA "%s", name);
        relud_model *model = relud_model_load(path, NULL, &error);
        ck_assert_msg(model != NULL, "%s", error.text);
        name[len - 5] = '\0';
        check_answers(name, model, x);
        relud_model_release(model);
        files++;
    }
    ck_assert_uint_gt(files, 60);
    free(entry), free(x);
}
END_TEST

/* Whatever ISA computes: the same bits. */
START_TEST(every_instruction_set_gives_the_same_bits)
{
    static const char *const names[] = {"layer_norm", "residual", "three_d", "softshrink", "heads"};
    size_t count;
    float *x = npy(DATA "x.npy", &count), first[ROWS * 16], again[ROWS * 16];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int isa = RELUD_ISA_SCALAR; isa <= (int)relud_isa_best(); isa++) {
            struct relud_model_options options = {.isa = (enum relud_isa)isa};
            struct relud_error error;
            char path[PATH_BYTES];
            snprintf(path, sizeof path, DATA "%s.onnx", names[i]);
            relud_model *model = relud_model_load(path, &options, &error);
            ck_assert_msg(model != NULL, "%s", error.text);
            relud_scratch *scratch = relud_scratch_new(model, 3, &error);
            size_t outputs = relud_model_info(model)->outputs;
            relud_predict(scratch, x, ROWS, isa == RELUD_ISA_SCALAR ? first : again);
            if (isa != RELUD_ISA_SCALAR)
                ck_assert_mem_eq(first, again, ROWS * outputs * sizeof *first);
            relud_scratch_free(scratch);
            relud_model_release(model);
        }
    free(x);
}
END_TEST

START_TEST(compositions_become_the_activations_they_are)
{
    static const struct {
        const char *file, *activation;
        size_t layers;
    } cases[] = {{"silu", "silu", 2},
                 {"gelu", "gelu", 2},
                 {"gelu_tanh", "gelu", 2},
                 {"mish", "mish", 2},
                 {"softsign", "softsign", 2},
                 {"hardswish", "hardswish", 2},
                 {"hardsigmoid", "hardsigmoid", 2},
                 {"relu6", "relu6", 2},
                 {"logsigmoid", "logsigmoid", 2},
                 {"softplus_beta", "softplus", 2},
                 {"tanhshrink", "tanhshrink", 2},
                 {"prelu_units", "prelu", 2},
                 {"batch_norm", "relu", 2},
                 {"batch_norm_fresh", "relu", 2},
                 {"keras_swish", "silu", 2},
                 {"keras_gelu", "gelu", 2},
                 {"sklearn_words", "relu", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[PATH_BYTES];
        struct relud_error error;
        snprintf(path, sizeof path, DATA "%s.onnx", cases[i].file);
        relud_model *model = relud_model_load(path, NULL, &error);
        ck_assert_msg(model != NULL, "%s", error.text);
        ck_assert_msg(relud_model_info(model)->layers == cases[i].layers, "%s", cases[i].file);
        ck_assert_str_eq(relud_model_layer(model, 0)->activation, cases[i].activation);
        ck_assert_ptr_nonnull(relud_model_layer(model, 0)->weight);
        relud_model_release(model);
    }
}
END_TEST

START_TEST(scikit_learns_labels_come_along)
{
    struct relud_error error;
    relud_model *model = relud_model_load(DATA "sklearn_words.onnx", NULL, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    const struct relud_model_info *info = relud_model_info(model);
    ck_assert_int_eq(info->task, RELUD_TASK_CLASSIFICATION);
    ck_assert_uint_eq(info->classes, 3);
    ck_assert_str_eq(info->labels[0], "ash");
    ck_assert_str_eq(info->labels[2], "cedar");
    ck_assert_uint_eq(info->notes, 1);
    float y[3] = {0.5f, 0.25f, 0.25f}, p[3];
    relud_probabilities(model, y, 1, p); /* they are probabilities already */
    ck_assert_mem_eq(y, p, sizeof y);
    relud_model_release(model);
}
END_TEST

START_TEST(several_outputs_lie_side_by_side)
{
    struct relud_error error;
    relud_model *model = relud_model_load(DATA "heads.onnx", NULL, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    const struct relud_model_info *info = relud_model_info(model);
    ck_assert_uint_eq(info->results, 2);
    ck_assert_uint_eq(info->outputs, 5);
    ck_assert_uint_eq(info->result[0].width, 4);
    ck_assert_uint_eq(info->result[1].width, 1);
    relud_model_release(model);
}
END_TEST

START_TEST(a_saved_model_gives_the_same_bits)
{
    static const char *const names[] = {"gelu_tanh", "prelu_units", "batch_norm", "scaled"};
    size_t count;
    float *x = npy(DATA "x.npy", &count), y[2][ROWS * 16];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_BYTES], dir[] = "/tmp/relud-save-XXXXXX";
        struct relud_error error;
        snprintf(path, sizeof path, DATA "%s.onnx", names[i]);
        ck_assert_ptr_nonnull(mkdtemp(dir));
        for (size_t turn = 0; turn < 2; turn++) {
            relud_model *model = relud_model_load(turn ? dir : path, NULL, &error);
            ck_assert_msg(model != NULL, "%s", error.text);
            relud_scratch *scratch = relud_scratch_new(model, ROWS, &error);
            relud_predict(scratch, x, ROWS, y[turn]);
            relud_scratch_free(scratch);
            if (turn == 0)
                ck_assert_msg(relud_model_save(model, dir, names[i], &error), "%s", error.text);
            else
                ck_assert(!relud_model_save(model, dir, names[i], &error)); /* it is there */
            count = ROWS * relud_model_info(model)->outputs;
            relud_model_release(model);
        }
        ck_assert_mem_eq(y[0], y[1], count * sizeof(float));
        snprintf(path, sizeof path, "%s/model.json", dir);
        ck_assert_int_eq(unlink(path), 0);
        snprintf(path, sizeof path, "%s/model.safetensors", dir);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(dir), 0);
    }
    free(x);
}
END_TEST

/* ---- what is wrong ---- */

struct net {
    struct buffer graph;
};

static void add_port(struct net *net, uint32_t number, const char *name, uint64_t type,
                     const long long *dims, size_t rank)
{
    struct buffer port = {0}, of = {0}, tensor = {0}, shape = {0};
    for (size_t i = 0; i < rank; i++) {
        struct buffer dim = {0};
        if (dims[i] >= 0)
            put_number(&dim, 1, (uint64_t)dims[i]);
        else
            put_text(&dim, 2, "N");
        put_field(&shape, 1, dim.at, dim.len);
        free(dim.at);
    }
    put_number(&tensor, 1, type);
    put_field(&tensor, 2, shape.at, shape.len);
    put_field(&of, 1, tensor.at, tensor.len);
    put_text(&port, 1, name);
    put_field(&port, 2, of.at, of.len);
    put_field(&net->graph, number, port.at, port.len);
    free(port.at), free(of.at), free(tensor.at), free(shape.at);
}

static void add_node(struct net *net, const char *op, const char *domain, const char *name,
                     const char *const *in, const char *out)
{
    struct buffer node = {0};
    for (size_t i = 0; in[i]; i++)
        put_text(&node, 1, in[i]);
    put_text(&node, 2, out);
    put_text(&node, 3, name);
    put_text(&node, 4, op);
    put_text(&node, 7, domain);
    put_field(&net->graph, 1, node.at, node.len);
    free(node.at);
}

static void add_tensor(struct net *net, const char *name, uint64_t type, const uint64_t *dims,
                       size_t rank, const void *raw, size_t raw_len)
{
    struct buffer tensor = {0};
    for (size_t i = 0; i < rank; i++)
        put_number(&tensor, 1, dims[i]);
    put_number(&tensor, 2, type);
    put_text(&tensor, 8, name);
    put_field(&tensor, 9, raw, raw_len);
    put_field(&net->graph, 5, tensor.at, tensor.len);
    free(tensor.at);
}

static struct buffer finish(struct net *net, uint64_t opset)
{
    struct buffer model = {0}, version = {0};
    put_number(&model, 1, 8);
    put_number(&version, 2, opset);
    put_field(&model, 8, version.at, version.len);
    put_field(&model, 7, net->graph.at, net->graph.len);
    free(version.at);
    free(net->graph.at);
    return model;
}

/* Must be refused; the one line holds `words`. */
static void refuses(const struct buffer *bytes, const char *words)
{
    char path[] = "/tmp/relud-onnx-XXXXXX.onnx";
    struct relud_error error = {0};
    int fd = mkstemps(path, 5);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes->at, bytes->len), (long)bytes->len);
    close(fd);
    relud_model *model = relud_model_load(path, NULL, &error);
    unlink(path);
    ck_assert_msg(model == NULL, "taken, though it should say: %s", words);
    ck_assert_msg(strstr(error.text, words) != NULL, "'%s' does not say '%s'", error.text, words);
    ck_assert_ptr_null(strchr(error.text, '\n'));
}

static const long long rows_of_two[] = {-1, 2};
static const char *const x_only[] = {"x", NULL}, *const x_and_w[] = {"x", "w", NULL};

/* x[N, 2] and y around whatever is in the net. */
static struct buffer around(struct net *net, uint64_t opset)
{
    add_port(net, 11, "x", 1, rows_of_two, 2);
    add_port(net, 12, "y", 1, rows_of_two, 2);
    return finish(net, opset);
}

static void refuses_node(const char *op, const char *domain, uint64_t opset, const char *words)
{
    struct net net = {0};
    add_node(&net, op, domain, "layer/7", x_only, "y");
    struct buffer bytes = around(&net, opset);
    refuses(&bytes, words);
    free(bytes.at);
}

static void refuses_weight(uint64_t type, const uint64_t *dims, size_t rank, const void *raw,
                           size_t raw_len, const char *words)
{
    struct net net = {0};
    add_node(&net, "MatMul", "", "product", x_and_w, "y");
    add_tensor(&net, "w", type, dims, rank, raw, raw_len);
    struct buffer bytes = around(&net, 17);
    refuses(&bytes, words);
    free(bytes.at);
}

START_TEST(operations_that_there_are_not_are_named)
{
    refuses_node("Conv", "", 17,
                 "node 'layer/7' (Conv): a convolution: relud serves feed-forward nets");
    refuses_node("Relu7", "", 17, "the nearest is Relu");
    refuses_node("Relu", "ai.0nnx", 17, "domain 'ai.0nnx'");
    refuses_node("Relu", "ai.onnx.ml", 17, "domain 'ai.onnx.ml'");
    refuses_node("Relu", "", 6, "opset 6 is not known here; 7 to 28 are read");
    refuses_node("Relu", "", 29, "opset 29");
    refuses_node("Gemm", "", 17, "node 'layer/7' (Gemm): input 1 is missing");
}
END_TEST

START_TEST(wrong_tensors_are_refused)
{
    const float four[4] = {1, 2, 3, 4}, nan[4] = {1, NAN, 3, 4};
    const uint64_t square[] = {2, 2}, wide[] = {3, 2}, huge[] = {1u << 31, 1u << 31},
                   negative[] = {2, (uint64_t)-2}, many[] = {1, 1, 1, 1, 1, 1, 1, 2, 2},
                   empty[] = {2, 0};
    refuses_weight(1, square, 2, four, 12, "12 bytes of data; its 4 elements (FLOAT) take 16");
    refuses_weight(1, square, 2, four, 15, "15 bytes");
    refuses_weight(1, wide, 2, four, 16, "its 6 elements");
    refuses_weight(1, huge, 2, four, 16, "that cannot be");
    refuses_weight(1, negative, 2, four, 16, "dimension 1 is -2");
    refuses_weight(1, many, 9, four, 16, "has 9 dimensions; at most 8 are read");
    refuses_weight(1, empty, 2, four, 0, "empty");
    refuses_weight(1, square, 2, nan, 16, "tensor 'w': element 1 is not finite");
    refuses_weight(8, square, 2, four, 16, "STRING");
    refuses_weight(14, square, 2, four, 16, "COMPLEX64");
    refuses_weight(99, square, 2, four, 16, "newer type");
}
END_TEST

START_TEST(wrong_graphs_are_refused)
{
    static const char *const y_only[] = {"y", NULL};
    const float six[6] = {0};
    const uint64_t wide[] = {3, 2};
    struct net net = {0};
    add_node(&net, "Relu", "", "loop", y_only, "y");
    struct buffer bytes = around(&net, 17);
    refuses(&bytes, "node 'loop' (Relu): it reads 'y', which is made of what this node makes");
    free(bytes.at);

    net = (struct net){0};
    add_node(&net, "Relu", "", "one", x_only, "y");
    add_node(&net, "Relu", "", "two", x_only, "y");
    bytes = around(&net, 17);
    refuses(&bytes, "'y' is made twice");
    free(bytes.at);

    net = (struct net){0};
    add_node(&net, "MatMul", "", "product", x_and_w, "y");
    add_tensor(&net, "w", 1, wide, 2, six, sizeof six);
    bytes = around(&net, 17);
    refuses(&bytes, "a row of 2 numbers meets a matrix of 3 inputs");
    free(bytes.at);

    net = (struct net){0};
    add_node(&net, "Relu", "", "s", x_only, "z");
    bytes = around(&net, 17);
    refuses(&bytes, "the answer does not depend on any input");
    free(bytes.at);
}
END_TEST

START_TEST(what_is_no_model_is_refused)
{
    struct buffer none = {.at = (unsigned char *)strdup("")}, many = {0}, deep = {0}, whole;
    refuses(&none, "an empty file");
    free(none.at);

    struct net net = {0};
    for (size_t i = 0; i < 1000000; i++)
        put(&net.graph, "\x0a\x00", 2);
    many = around(&net, 17);
    refuses(&many, "more than 10000 nodes");
    free(many.at);

    for (size_t i = 0; i < 2000; i++) { /* attributes of graphs of nodes of attributes … */
        struct buffer outer = {0};
        put_field(&outer, (uint32_t[]){1, 5, 6}[i % 3], deep.at, deep.len);
        free(deep.at);
        deep = outer;
    }
    net = (struct net){0};
    put_field(&net.graph, 1, deep.at, deep.len);
    free(deep.at);
    deep = around(&net, 17);
    refuses(&deep, "onnx: ");
    free(deep.at);

    ck_assert(read_bytes(DATA "residual.onnx", &whole));
    for (size_t len = 0; len < whole.len; len++) { /* cut off anywhere */
        struct buffer part = {.at = whole.at, .len = len};
        refuses(&part, "onnx");
    }
    uint64_t state = 7;
    for (size_t i = 0; i < 60; i++) { /* noise: whatever it says, it must not crash */
        struct buffer noise = {.at = malloc(whole.len), .len = whole.len};
        memcpy(noise.at, whole.at, whole.len);
        for (size_t k = 0; k < 1 + i % 8; k++)
            noise.at[random_next(&state) % noise.len] = (unsigned char)random_next(&state);
        char path[] = "/tmp/relud-onnx-XXXXXX.onnx";
        struct relud_error error;
        int fd = mkstemps(path, 5);
        ck_assert_int_eq(write(fd, noise.at, noise.len), (long)noise.len);
        close(fd);
        relud_model_release(relud_model_load(path, NULL, &error));
        unlink(path);
        free(noise.at);
    }
    free(whole.at);
}
END_TEST

START_TEST(data_of_other_folders_is_not_read)
{
    static const char *const locations[] = {"../secret", "/etc/passwd", "a/b", "..", ".hidden", ""};
    const uint64_t square[] = {2, 2};
    for (size_t i = 0; i < sizeof locations / sizeof *locations; i++) {
        struct net net = {0};
        struct buffer tensor = {0}, entry = {0};
        add_node(&net, "MatMul", "", "product", x_and_w, "y");
        put_number(&tensor, 1, square[0]), put_number(&tensor, 1, square[1]);
        put_number(&tensor, 2, 1);
        put_text(&tensor, 8, "w");
        put_number(&tensor, 14, 1);
        put_text(&entry, 1, "location");
        put_text(&entry, 2, locations[i]);
        put_field(&tensor, 13, entry.at, entry.len);
        put_field(&net.graph, 5, tensor.at, tensor.len);
        free(tensor.at), free(entry.at);
        struct buffer bytes = around(&net, 17);
        refuses(&bytes, "only files beside the model are read");
        free(bytes.at);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_exporters_write_answers_as_their_frameworks_do,
                                  every_instruction_set_gives_the_same_bits,
                                  compositions_become_the_activations_they_are,
                                  scikit_learns_labels_come_along,
                                  several_outputs_lie_side_by_side,
                                  a_saved_model_gives_the_same_bits,
                                  operations_that_there_are_not_are_named,
                                  wrong_tensors_are_refused,
                                  wrong_graphs_are_refused,
                                  what_is_no_model_is_refused,
                                  data_of_other_folders_is_not_read};
    return run_suite("onnx", tests, sizeof tests / sizeof *tests, NULL, NULL, false);
}
