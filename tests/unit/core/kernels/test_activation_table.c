/* What must follow when a row is added to the table of activations: for each place that lists them a
 * test, which names the place. Runs in the root of the tree. */
#include "tests/unit/activation_twin.h"
#include "tests/unit/onnx_case.h"
#include "tests/unit/requests.h"
#include "tests/unit/torch_values.h"

#include "core/kernels/activation.h"
#include <locale.h>
#include <math.h>
#include <stdio.h>

static const struct relud_activation_info *row_at(size_t index)
{
    const struct relud_activation *activation = relud_activation_at(index);
    return activation ? relud_activation_info(activation) : NULL;
}

static char *read_file(const char *path)
{
    struct relud_file file;
    struct relud_error error;
    ck_assert_msg(relud_file_read(path, 1 << 20, &file, &error), "%s (run from the tree's root)",
                  error.text);
    char *text = strdup(file.bytes);
    relud_file_free(&file);
    return text;
}

/* ---- what is written by hand ---- */

#define PAGE "docs/activations.md"

/* "| `silu`, `swish` | `beta` = 1 |", "| `gelu` | `approximate` = none, tanh |", up to where the formula stands. */
static void describe(const struct relud_activation_info *info, char *text, size_t size)
{
    size_t len = (size_t)snprintf(text, size, "| `%s`", info->name);
    if (info->alias)
        len += (size_t)snprintf(text + len, size - len, ", `%s`", info->alias);
    len += (size_t)snprintf(text + len, size - len, " |");
    for (size_t i = 0; i < info->parameters; i++) {
        const struct relud_parameter_info *parameter = &info->parameter[i];
        len +=
            (size_t)snprintf(text + len, size - len, "%s `%s` = ", i ? "," : "", parameter->name);
        if (!parameter->choices)
            len += (size_t)snprintf(text + len, size - len, "%g", (double)parameter->value);
        for (size_t k = 0; parameter->choices && parameter->choices[k]; k++)
            len += (size_t)snprintf(text + len, size - len, "%s%s", k ? ", " : "",
                                    parameter->choices[k]);
    }
    snprintf(text + len, size - len, " |");
}

/* The next line of text that begins with "| `"; NULL at the end. */
static char *next_line(char **text)
{
    while (*text) {
        char *line = strsep(text, "\n");
        if (strncmp(line, "| `", 3) == 0)
            return line;
    }
    return NULL;
}

START_TEST(U8_the_page_lists_the_table)
{
    char *text = read_file(PAGE), *rest = text, *line, wanted[256], end[64];
    const struct relud_activation *activation;
    for (size_t i = 0; (activation = relud_activation_at(i)); i++) {
        const char *op = activation_onnx(activation)->op;
        describe(relud_activation_info(activation), wanted, sizeof wanted);
        snprintf(end, sizeof end, *op ? " | %s |" : " | |", op);
        line = next_line(&rest);
        if (!line)
            line = "its end";
        size_t len = strlen(line), head = strlen(wanted), tail = strlen(end);
        ck_assert_msg(strncmp(line, wanted, head) == 0 && len > head + tail &&
                          strcmp(line + len - tail, end) == 0,
                      PAGE ": there stands\n  %s\nwhere the table has\n  %s f(x)%s", line, wanted,
                      end);
    }
    line = next_line(&rest);
    ck_assert_msg(!line, PAGE ": %s is in no table", line ? line : "");
    free(text);
}
END_TEST

/* What the row must say of ONNX: that there is no operator, too. */
START_TEST(U8_each_row_says_what_onnx_has)
{
    const struct relud_activation *activation;
    for (size_t i = 0; (activation = relud_activation_at(i)); i++)
        ck_assert_msg(activation_onnx(activation)->op != NULL,
                      "core/kernels/activation_table.h: %s has neither OPERATOR nor NO_OPERATOR",
                      relud_activation_info(activation)->name);
}
END_TEST

/* A row without a formula does not compile. */
START_TEST(U8_each_formula_has_a_row)
{
    char *text = read_file("core/kernels/activation_formulas.h"), *rest = text, *line, name[64];
    size_t found = 0;
    while ((line = strsep(&rest, "\n")))
        if (sscanf(line, "VALUE(%63[a-z0-9_])", name) == 1) {
            found++;
            ck_assert_msg(relud_activation_find(name) || strcmp(name, "gelu_tanh") == 0,
                          "core/kernels/activation_table.h: no row for the formula of %s", name);
        }
    ck_assert_uint_gt(found, 20);
    free(text);
}
END_TEST

/* ---- what is made from the table ---- */

START_TEST(U8_openapi_lists_the_table)
{
    struct request request;
    const struct request_case with = ASK("GET /openapi.json", NULL, 200, "");
    const struct relud_activation_info *info;
    char words[64];
    ck_assert(requests_ask(&with, &request) && request.code == 200);
    for (size_t i = 0; (info = row_at(i)); i++) {
        const char *names[] = {info->name, info->alias};
        for (size_t k = 0; k < 2 && names[k]; k++) {
            snprintf(words, sizeof words, "\"%s\"", names[k]);
            ck_assert_msg(requests_has(&request, words), "/openapi.json: no %s", words);
        }
        for (size_t k = 0; k < info->parameters; k++) {
            snprintf(words, sizeof words, "\"%s\": {", info->parameter[k].name);
            ck_assert_msg(requests_has(&request, words), "/openapi.json: no %s", words);
        }
    }
    ck_assert(!requests_has(&request, "x-relud-activations"));
    ck_assert(!requests_has(&request, "x-relud-parameters"));
    text_free(&request.out);
}
END_TEST

/* ---- the numbers ---- */

/* The distance to the next float at x. */
static double unit_in_last_place(double x)
{
    int exponent;
    frexp(x, &exponent);
    return x == 0 || exponent < -125 ? 0x1p-149 : ldexp(1, exponent - 24);
}

static void check_defined(const char *what, const struct activation_definition *definition,
                          const float *p, float x, float got, double exact)
{
    float wanted = (float)exact;
    double most = definition->ulps * unit_in_last_place(exact);
    bool is_same = got == wanted && signbit(got) == signbit(wanted);
    bool is_near = exact != 0 && fabs((double)got - exact) <= most;
    bool is_right = isnan(wanted) ? isnan(got) : is_same || is_near;
    if (!is_right)
        ck_abort_msg("%s of %s (first parameter %g) at %a is %a instead of %a", what,
                     definition->name, (double)p[0], (double)x, (double)got, exact);
}

/* Values and gradients at x[count], for all instruction sets. */
static void check_definition(const struct activation_definition *definition,
                             const struct relud_activation_params *params, const float *x,
                             size_t count)
{
    enum { N = 4096 };
    float y[2][N], other[2][N];
    const struct relud_activation *activation = relud_activation_find(definition->name);
    activation_forward(RELUD_ISA_SCALAR, activation, params, x, y[0], 1, count);
    activation_gradient(RELUD_ISA_SCALAR, activation, params, x, y[1], 1, count);
    for (size_t i = 0; i < count; i++) {
        check_defined("value", definition, params->values, x[i], y[0][i],
                      definition->value(params->values, (double)x[i]));
        if (!isnan(x[i]))
            check_defined("gradient", definition, params->values, x[i], y[1][i],
                          definition->gradient(params->values, (double)x[i]));
    }
    for (int isa = RELUD_ISA_AVX2; isa <= (int)relud_isa_best(); isa++) {
        activation_forward((enum relud_isa)isa, activation, params, x, other[0], 1, count);
        activation_gradient((enum relud_isa)isa, activation, params, x, other[1], 1, count);
        for (size_t i = 0; i < count; i++)
            for (int k = 0; k < 2; k++)
                if (bits_of(y[k][i]) != bits_of(other[k][i]) &&
                    !(isnan(y[k][i]) && isnan(other[k][i])))
                    ck_abort_msg("%s at %a: %a, but %a with %s", definition->name, (double)x[i],
                                 (double)y[k][i], (double)other[k][i],
                                 relud_isa_name((enum relud_isa)isa));
    }
}

/* Special values, and floats of every exponent, evenly spread over their bits. */
START_TEST(U8_defined_ones_are_their_definition_on_every_instruction_set)
{
    enum { STEP = 16411, N = 4096 };
    float x[N];
    for (size_t k = 0; k < ACTIVATION_DEFINITIONS; k++)
        for (size_t first = 0; first <= activation_definitions[k].firsts; first++) {
            const struct activation_definition *definition = &activation_definitions[k];
            struct relud_activation_params params =
                relud_activation_defaults(relud_activation_find(definition->name));
            if (first)
                params.values[0] = definition->first[first - 1];
            check_definition(definition, &params, torch_value_points, TORCH_VALUE_POINTS);
            for (uint64_t next = 0; next <= UINT32_MAX;) {
                size_t n = 0;
                for (; n < N && next <= UINT32_MAX; next += STEP)
                    x[n++] = float_of((uint32_t)next);
                check_definition(definition, &params, x, n);
            }
        }
}
END_TEST

START_TEST(U8_each_has_reference_values_and_gradients)
{
    const struct relud_activation_info *info;
    for (size_t i = 0; (info = row_at(i)); i++) {
        bool has_value = activation_definition(info->name), has_gradient = has_value;
        for (size_t k = 0; k < sizeof torch_values / sizeof *torch_values; k++)
            has_value |= strcmp(torch_values[k].name, info->name) == 0;
        for (size_t k = 0; k < sizeof torch_gradients / sizeof *torch_gradients; k++)
            has_gradient |= strcmp(torch_gradients[k].name, info->name) == 0;
        ck_assert_msg(info->is_rowwise || (has_value && has_gradient),
                      "tests/unit/activation_twin.h: %s has no definition there, nor %s in "
                      "tests/unit/torch_values.h",
                      info->name, has_value ? "gradients" : "values");
    }
}
END_TEST

/* Where float32 itself, or PyTorch's own product, is at its end: x · 6 before the division by 6. */
static bool is_beyond(const char *name, double x, double wanted)
{
    return isinf((float)wanted) || (strcmp(name, "hardswish") == 0 && x > 5.6e37);
}

/* The slope of the definition at x, by a difference; false at a kink. */
static bool slope_of(const char *name, double x, double *slope)
{
    double here = activation_twin(name, x), step = fabs(x) * 1e-4;
    if (step < 1e-6) { /* to the side on which x lies: many have a kink at 0 */
        step = copysign(1e-6, x);
        *slope = (activation_twin(name, x + step) - here) / step;
        return true;
    }
    double left = activation_twin(name, x - step), right = activation_twin(name, x + step);
    *slope = (right - left) / (2 * step);
    return fabs(right - 2 * here + left) < 0.01 * step;
}

static void check_at(const struct relud_activation *activation, float x)
{
    const struct relud_activation_info *info = relud_activation_info(activation);
    struct relud_activation_params params = relud_activation_defaults(activation);
    double wanted = activation_twin(info->name, (double)x), slope;
    float y, g;
    relud_activate(activation, &params, &x, &y, 1, 1);
    relud_activation_gradient(activation, &params, &x, &g, 1, 1);
    if (is_beyond(info->name, (double)x, wanted))
        return;
    if (!(fabs((double)y - wanted) <= 2e-7 + 1e-6 * fabs(wanted)))
        ck_abort_msg("%s(%.9g) is %.9g; the definition says %.9g", info->name, (double)x, (double)y,
                     wanted);
    if (slope_of(info->name, (double)x, &slope) &&
        !(fabs((double)g - slope) <= 1e-5 * fmax(1, fabs(slope))))
        ck_abort_msg("%s'(%.9g) is %.9g; the definition's slope is %.9g", info->name, (double)x,
                     (double)g, slope);
}

/* A formula that squares x, or takes a small difference of great numbers, shows here. */
START_TEST(U8_values_and_gradients_hold_from_the_tiniest_to_the_greatest_number)
{
    enum { PARTS = 16 };
    const struct relud_activation *activation;
    for (size_t i = 0; (activation = relud_activation_at(i)); i++) {
        if (relud_activation_info(activation)->is_rowwise)
            continue;
        for (int exponent = -149; exponent <= 127; exponent++)
            for (int part = 0; part < PARTS; part++) {
                float x = (float)ldexp(1 + (double)part / PARTS, exponent);
                check_at(activation, x);
                check_at(activation, -x);
            }
        check_at(activation, 3.4028235e38f);
        check_at(activation, -3.4028235e38f);
    }
}
END_TEST

/* ---- ONNX ---- */

/* Nets that are read as the activation, where its operator alone, with its defaults, is not. */
static const struct {
    const char *name, *net;
} onnx_nets[] = {
    {"prelu", "s=f[4]{0.1,0.2,0.3,0.4}; y=PRelu(x,s)"},
    {"silu", "s=Sigmoid(x); y=Mul(x,s)"},
    {"silu", "y=Swish(x)"},
    {"logsigmoid", "s=Sigmoid(x); y=Log(s)"},
    {"hardsigmoid", "y=HardSigmoid(x) alpha=0.16666667"},
    {"hardtanh", "a=f{-1}; b=f{1}; y=Clip(x,a,b)"},
    {"relu6", "a=f{0}; b=f{6}; y=Clip(x,a,b)"},
    {"tanhshrink", "t=Tanh(x); y=Sub(x,t)"},
    {"softshrink", "y=Shrink(x) lambd=0.5 bias=0.5"},
    {"identity", NULL}, /* Identity leaves no step behind */
};
enum { ONNX_NETS = sizeof onnx_nets / sizeof *onnx_nets };

static void check_onnx_net(const char *net, const char *name)
{
    struct relud_error error = {0};
    struct buffer bytes = onnx_of(net, 24);
    relud_model *model = onnx_load(&bytes, &error);
    free(bytes.at);
    ck_assert_msg(model != NULL, "%s: %s", net, error.text);
    ck_assert_msg(relud_model_info(model)->layers == 1 &&
                      strcmp(relud_model_layer(model, 0)->activation, name) == 0,
                  "%s: read as %s", net, relud_model_layer(model, 0)->activation);
    relud_model_release(model);
}

START_TEST(U8_onnx_files_reach_each)
{
    const struct relud_activation *activation;
    for (size_t i = 0; (activation = relud_activation_at(i)); i++) {
        const char *name = relud_activation_info(activation)->name;
        const char *op = activation_onnx(activation)->op;
        char net[64];
        bool is_checked = !*op;
        for (size_t k = 0; k < ONNX_NETS; k++)
            if (strcmp(onnx_nets[k].name, name) == 0) {
                is_checked = true;
                if (onnx_nets[k].net)
                    check_onnx_net(onnx_nets[k].net, name);
            }
        snprintf(net, sizeof net, "y=%s(x)", op);
        if (!is_checked)
            check_onnx_net(net, name);
    }
}
END_TEST

/* The point is a point, also where a comma is the decimal point, if such a locale is installed. */
START_TEST(U8_a_parameter_is_a_number_in_every_locale)
{
    static const struct {
        const char *text;
        float alpha; /* 0: refused */
    } cases[] = {{"elu:alpha=0.5", 0.5f}, {"elu:alpha=.25", 0.25f}, {"elu:alpha=2e0", 2},
                 {"elu:alpha=0,5", 0},    {"elu:alpha=inf", 0},     {"elu:alpha=", 0}};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        const struct relud_activation *activation;
        struct relud_activation_params params;
        struct relud_error error = {0};
        setlocale(LC_ALL, i % 2 ? "de_DE.UTF-8" : "C");
        bool is_read = relud_activation_read(cases[i / 2].text, &activation, &params, &error);
        setlocale(LC_ALL, "C");
        ck_assert_msg(is_read == (cases[i / 2].alpha > 0), "%s", cases[i / 2].text);
        if (is_read)
            ck_assert_float_eq(params.values[0], cases[i / 2].alpha);
    }
}
END_TEST

RUN_REQUESTS("activation_table", U8_the_page_lists_the_table, U8_each_row_says_what_onnx_has,
             U8_each_formula_has_a_row, U8_openapi_lists_the_table,
             U8_defined_ones_are_their_definition_on_every_instruction_set,
             U8_each_has_reference_values_and_gradients,
             U8_values_and_gradients_hold_from_the_tiniest_to_the_greatest_number,
             U8_onnx_files_reach_each, U8_a_parameter_is_a_number_in_every_locale)
