/* ONNX's own backend cases (Debian's libonnx-testdata): models of one or a few operations with inputs and what should come
 * out. Cases of the operations that feed-forward nets are made of are run; those that feed weights as inputs get them as
 * initializers, as exporters write them. Without the data the suite says so and passes. */
#include "tests/unit/suite.h"

#include "tests/unit/onnx_bytes.h"

#include "core/onnx/tensor.h"
#include <dirent.h>
#include <math.h>
#include <relud/relud.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA "/usr/share/libonnx-testdata/data/"

enum { INPUTS_MAX = 16, PATH_BYTES = 512 };

/* clang-format off */
static const char *const mlp_ops[] = {
    "Abs", "Acos", "Acosh", "Add", "And", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh",
    "BatchNormalization", "Cast", "CastLike", "Ceil", "Celu", "Clip", "Concat", "Constant",
    "ConstantOfShape", "Cos", "Cosh", "CumSum", "DequantizeLinear", "Div", "Dropout", "Einsum",
    "Elu", "Equal", "Erf", "Exp", "Expand", "Flatten", "Floor", "Gather", "GatherElements",
    "GatherND", "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Greater", "GreaterOrEqual",
    "GroupNormalization", "HardSigmoid", "HardSwish", "Identity", "If", "InstanceNormalization",
    "IsInf", "IsNaN", "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual", "Log",
    "LogSoftmax", "LpNormalization", "MatMul", "Max", "Mean", "Min", "Mish", "Mod", "Mul", "Neg",
    "Not", "OneHot", "Or", "Pad", "Pow", "PRelu", "Range", "Reciprocal", "ReduceL1", "ReduceL2",
    "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
    "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "RMSNormalization", "Round",
    "ScatterElements", "ScatterND", "Selu", "Shape", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh",
    "Size", "Slice", "Softmax", "Softplus", "Softsign", "Split", "Sqrt", "Squeeze", "Sub", "Sum",
    "Tan", "Tanh", "ThresholdedRelu", "Tile", "TopK", "Transpose", "Trilu", "Unsqueeze", "Where",
    "Xor",
};
/* clang-format on */

/* Not of a served net. */
static const struct {
    const char *part, *why;
} exempt[] = {
    {"training", "trains"},
    {"dropout_random", "trains"},
    {"_seq", "has no tensor"},
    {"_opt", "has no tensor"},
    {"test_shape", "tells a shape, which is no row's"},
    {"test_size", "tells a shape, which is no row's"},
    {"constantofshape_", "makes constants"},
    {"window_", "makes constants"},
    {"test_range_", "makes constants"},
    {"to_FLOAT16", "rounds to a type that relud does not compute in"},
    {"BFLOAT16", "rounds to a type that relud does not compute in"},
    {"STRING", "makes words of numbers, or numbers of words"},
    {"dequantizelinear", "computes with quantized values"},
    {"_zero_size", "has tensors of nothing"},
    {"tril_zero", "has tensors of nothing"},
    {"triu_zero", "has tensors of nothing"},
    {"allowzero_reordered", "has tensors of nothing"},
    {"slice_start_out_of_bounds", "has tensors of nothing"},
};

/* The model with those tensors as initializers of the names its inputs have. A protocol-buffer message that is longer by
 * another of its fields is still one. */
static struct buffer with_initializers(const struct buffer *model, const struct onnx_file *onnx,
                                       const struct buffer *input, size_t inputs, size_t served)
{
    struct buffer made = {0}, graph = {0};
    struct wire wire = wire_open((struct wire_slice){model->at, model->len});
    struct wire_field field;
    const unsigned char *begin = wire.at;
    for (; wire_next(&wire, &field); begin = wire.at) {
        if (field.number != 7) {
            put(&made, begin, (size_t)(wire.at - begin));
            continue;
        }
        put(&graph, field.bytes.at, field.bytes.len);
        for (size_t i = 0; i < inputs; i++) {
            struct buffer tensor = {0};
            if (i == served)
                continue;
            put(&tensor, input[i].at, input[i].len);
            put_field(&tensor, 8, onnx->input[i].name.at, onnx->input[i].name.len);
            put_field(&graph, 5, tensor.at, tensor.len);
            free(tensor.at);
        }
        put_field(&made, 7, graph.at, graph.len);
        free(graph.at);
    }
    return made;
}

static const char *exemption(const char *name)
{
    for (size_t i = 0; i < sizeof exempt / sizeof *exempt; i++)
        if (strstr(name, exempt[i].part))
            return exempt[i].why;
    return NULL;
}

static bool is_mlp(const struct onnx_file *onnx)
{
    for (size_t i = 0; i < onnx->nodes; i++) {
        bool is_known = false;
        for (size_t k = 0; k < sizeof mlp_ops / sizeof *mlp_ops; k++)
            is_known |= onnx_text_is(onnx->node[i].op, mlp_ops[k]);
        if (!is_known || onnx->node[i].domain.len)
            return false;
    }
    return onnx->nodes > 0;
}

static const float *floats_of(struct onnx_file *onnx, const struct buffer *bytes,
                              struct arena *arena, size_t *count)
{
    struct onnx_tensor *tensor = arena_take(arena, sizeof *tensor);
    struct onnx_external none = {0};
    if (!onnx_tensor_open(onnx, (struct wire_slice){bytes->at, bytes->len}, tensor))
        return NULL;
    *count = tensor->count;
    float *aligned = arena_take_array(arena, tensor->count + 1, sizeof *aligned);
    if (onnx_tensor_is_whole(tensor)) {
        const long long *wholes = onnx_tensor_wholes(onnx, &none, tensor, arena);
        for (size_t i = 0; wholes && i < tensor->count; i++)
            aligned[i] = (float)wholes[i];
        return wholes ? aligned : NULL;
    }
    if (tensor->type == ONNX_FLOAT && tensor->has_raw && tensor->raw.len == 4 * tensor->count) {
        memcpy(aligned, tensor->raw.at, tensor->raw.len); /* a row may have NaN and infinities */
        return aligned;
    }
    const void *values = onnx_tensor_floats(onnx, &none, tensor, arena);
    if (values)
        memcpy(aligned, values, tensor->count * sizeof *aligned);
    return values ? aligned : NULL;
}

/* Runs the rows through and compares each result with its output file; "" when all is well. */
static void compare(relud_model *model, struct onnx_file *onnx, const struct buffer *input,
                    const char *folder, struct arena *arena, char why[160])
{
    const struct relud_model_info *info = relud_model_info(model);
    struct relud_error error;
    size_t numbers = 0;
    const float *x = floats_of(onnx, input, arena, &numbers);
    if (!x || numbers % info->features) {
        snprintf(why, 160, "an input of %zu numbers for %zu features", numbers, info->features);
        return;
    }
    size_t rows = numbers / info->features, offset = 0;
    float *y = arena_take_array(arena, rows * info->outputs, sizeof *y);
    relud_scratch *scratch = relud_scratch_new(model, rows, &error);
    relud_predict(scratch, x, rows, y);
    relud_scratch_free(scratch);
    for (size_t i = 0; i < info->results; i++) {
        const struct relud_tensor_info *result = &info->result[i];
        size_t index = 0;
        while (!onnx_text_is(onnx->output[index].name, result->name))
            index++;
        char path[3 * PATH_BYTES];
        struct buffer bytes = {0};
        snprintf(path, sizeof path, "%s/output_%zu.pb", folder, index);
        const float *wanted =
            read_bytes(path, &bytes) ? floats_of(onnx, &bytes, arena, &numbers) : NULL;
        free(bytes.at);
        if (!wanted || numbers != rows * result->width) {
            snprintf(why, 160, "output %zu has %zu numbers", index, numbers);
            return;
        }
        for (size_t r = 0; r < rows; r++)
            for (size_t n = 0; n < result->width; n++) {
                float got = y[r * info->outputs + offset + n], want = wanted[r * result->width + n];
                bool is_near = (isnan(got) && isnan(want)) || got == want ||
                               fabsf(got - want) <= 1e-6f + 1e-4f * fabsf(want);
                if (!is_near && !why[0])
                    snprintf(why, 160, "output %zu, row %zu, %zu: %g instead of %g", index, r, n,
                             (double)got, (double)want);
            }
        offset += result->width;
    }
}

/* why is "" when the case passes. */
static bool run_case(const char *folder, char why[160])
{
    char path[2 * PATH_BYTES], made_path[64];
    struct buffer model = {0}, input[INPUTS_MAX] = {{0}};
    struct arena arena = {0};
    struct onnx_file onnx;
    struct relud_error error = {0};
    size_t inputs = 0;
    why[0] = '\0';
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    bool is_ours = read_bytes(path, &model);
    if (is_ours) {
        struct relud_file file = {.bytes = (char *)model.at, .len = model.len};
        is_ours = onnx_file_open(&onnx, &file, folder, &arena, &error) && is_mlp(&onnx);
    }
    for (; is_ours && inputs < INPUTS_MAX; inputs++) {
        snprintf(path, sizeof path, "%s/test_data_set_0/input_%zu.pb", folder, inputs);
        if (!read_bytes(path, &input[inputs]))
            break;
    }
    for (size_t served = 0; is_ours && served < inputs; served++) {
        struct buffer whole = with_initializers(&model, &onnx, input, inputs, served);
        snprintf(made_path, sizeof made_path, "/tmp/relud-backend-%d.onnx", (int)getpid());
        write_bytes(made_path, &whole);
        free(whole.at);
        relud_model *served_model = relud_model_load(made_path, NULL, &error);
        unlink(made_path);
        if (served == 0 || served_model)
            snprintf(why, 160, "%s", served_model ? "" : strchr(error.text, ':') + 2);
        if (!served_model)
            continue;
        snprintf(path, sizeof path, "%s/test_data_set_0", folder);
        compare(served_model, &onnx, &input[served], path, &arena, why);
        relud_model_release(served_model);
        break;
    }
    for (size_t i = 0; i < inputs; i++)
        free(input[i].at);
    free(model.at);
    arena_reset(&arena);
    return is_ours && inputs > 0;
}

START_TEST(the_backend_cases_of_feed_forward_nets_pass)
{
    static const char *const folders[] = {"node", "pytorch-converted", "pytorch-operator",
                                          "simple"};
    size_t ran = 0, passed = 0, left = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[PATH_BYTES], why[160];
        snprintf(path, sizeof path, DATA "%s", folders[i]);
        struct dirent **entry = NULL;
        int entries = scandir(path, &entry, NULL, alphasort);
        for (int k = 0; k < entries; k++) {
            snprintf(path, sizeof path, DATA "%s/%s", folders[i], entry[k]->d_name);
            const char *exempt_why = exemption(entry[k]->d_name);
            if (entry[k]->d_name[0] != '.' && run_case(path, why)) {
                if (exempt_why) {
                    printf("onnx backend: %s left out: it %s\n", entry[k]->d_name, exempt_why);
                    left++;
                } else {
                    ran++;
                    passed += !why[0];
                    if (why[0])
                        printf("onnx backend: %s: %s\n", entry[k]->d_name, why);
                }
            }
            free(entry[k]);
        }
        free(entry);
    }
    printf("onnx backend: %zu of %zu cases passed, %zu left out\n", passed, ran, left);
    ck_assert_uint_ge(passed * 100, ran * 95);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_backend_cases_of_feed_forward_nets_pass};
    if (access(DATA "node", R_OK) != 0) {
        puts("onnx backend: skipped: Debian's libonnx-testdata is not installed");
        return EXIT_SUCCESS;
    }
    return run_suite("onnx_backend", tests, sizeof tests / sizeof *tests, NULL, NULL, false);
}
