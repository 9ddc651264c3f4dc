#include "tests/unit/activation_twin.h"
#include "tests/unit/suite.h"
#include "tests/unit/torch_values.h"

#include "core/kernels/activation.h"
#include <math.h>
#include <relud/relud.h>
#include <stdio.h>

static struct relud_activation_params params_of(const struct relud_activation *activation,
                                                float first, const float *slope)
{
    struct relud_activation_params params = relud_activation_defaults(activation);
    if (strcmp(relud_activation_info(activation)->name, "prelu") == 0) {
        params.weight = slope;
        params.weight_len = 1;
    } else if (relud_activation_info(activation)->parameters) {
        params.values[0] = first;
    }
    return params;
}

static void check_value(const char *what, const char *name, float x, float got, float wanted)
{
    bool is_right;
    if (isnan(wanted))
        is_right = isnan(got);
    else if (isinf(wanted) || isinf(got))
        is_right = got == wanted;
    else if (wanted == 0 && got == 0)
        is_right = signbit(wanted) == signbit(got);
    else
        is_right = fabsf(got - wanted) <= 2e-6f + 1e-6f * fabsf(wanted);
    if (!is_right)
        ck_abort_msg("%s of %s at %.9g is %.9g; PyTorch says %.9g", what, name, (double)x,
                     (double)got, (double)wanted);
}

START_TEST(values_at_special_points_are_pytorchs)
{
    for (size_t i = 0; i < sizeof torch_values / sizeof *torch_values; i++) {
        const struct relud_activation *activation = relud_activation_find(torch_values[i].name);
        ck_assert_ptr_nonnull(activation);
        struct relud_activation_params params =
            params_of(activation, torch_values[i].parameter, &torch_values[i].parameter);
        float y[TORCH_VALUE_POINTS];
        relud_activate(activation, &params, torch_value_points, y, 1, TORCH_VALUE_POINTS);
        for (size_t k = 0; k < TORCH_VALUE_POINTS; k++)
            check_value("value", torch_values[i].name, torch_value_points[k], y[k],
                        torch_values[i].at[k]);
    }
}
END_TEST

START_TEST(gradients_at_special_points_are_pytorchs)
{
    for (size_t i = 0; i < sizeof torch_gradients / sizeof *torch_gradients; i++) {
        const struct relud_activation *activation = relud_activation_find(torch_gradients[i].name);
        ck_assert_ptr_nonnull(activation);
        struct relud_activation_params params =
            params_of(activation, torch_gradients[i].parameter, &torch_gradients[i].parameter);
        float g[TORCH_GRADIENT_POINTS];
        relud_activation_gradient(activation, &params, torch_gradient_points, g, 1,
                                  TORCH_GRADIENT_POINTS);
        for (size_t k = 0; k < TORCH_GRADIENT_POINTS; k++)
            check_value("gradient", torch_gradients[i].name, torch_gradient_points[k], g[k],
                        torch_gradients[i].at[k]);
    }
}
END_TEST

static void check_row(const char *name, const float *x, size_t n, const float *wanted)
{
    float y[8];
    struct relud_activation_params none = {.weight = NULL};
    relud_activate(relud_activation_find(name), &none, x, y, 1, n);
    for (size_t i = 0; i < n; i++)
        check_value("value", name, x[i], y[i], wanted[i]);
}

START_TEST(softmax_rows_are_pytorchs)
{
    const float nan3[] = {NAN, NAN, NAN}, inf = INFINITY;
    check_row("softmax", (float[]){1, 2, 3}, 3, (float[]){0.090030573f, 0.24472848f, 0.66524094f});
    check_row("log_softmax", (float[]){1, 2, 3}, 3,
              (float[]){-2.4076059f, -1.4076059f, -0.40760595f});
    check_row("softmax", (float[]){1000, 1001, 1002}, 3,
              (float[]){0.090030573f, 0.24472848f, 0.66524094f});
    check_row("softmax", (float[]){inf, 0, 0}, 3, nan3);
    check_row("log_softmax", (float[]){inf, 0, 0}, 3, nan3);
    check_row("softmax", (float[]){-inf, -inf, -inf}, 3, nan3);
    check_row("log_softmax", (float[]){-inf, -inf, -inf}, 3, nan3);
    check_row("softmax", (float[]){NAN, 0, 1}, 3, nan3);
    check_row("softmax", (float[]){-inf, 0, 1}, 3, (float[]){0, 0.26894143f, 0.7310586f});
    check_row("log_softmax", (float[]){-inf, 0, 1}, 3, (float[]){-inf, -1.3132616f, -0.31326166f});
    check_row("softmax", (float[]){1e38f, -1e38f, 3e38f}, 3, (float[]){0, 0, 1});
    check_row("log_softmax", (float[]){1e38f, -1e38f, 3e38f}, 3,
              (float[]){-2.0000001e38f, -inf, 0});
    check_row("log_softmax", (float[]){-1000, 0, -1000}, 3, (float[]){-1000, 0, -1000});
    check_row("softmax", (float[]){0}, 1, (float[]){1});
}
END_TEST

/* Every bit pattern class: signs, exponents, and fractions spread over them. */
static void fill_patterns(float *x, size_t n)
{
    uint64_t state = 5;
    for (size_t i = 0; i < n; i++)
        x[i] = float_of((uint32_t)random_next(&state));
    for (size_t i = 0; i < 512 && i < n; i++)
        x[i] = float_of((uint32_t)i << 23);
    for (size_t i = 512; i < n / 2; i++) /* and densely where the curves bend */
        x[i] = random_normal(&state) * 8;
}

typedef void run_fn(enum relud_isa isa, const struct relud_activation *activation,
                    const struct relud_activation_params *params, const float *x, float *y,
                    size_t rows, size_t width);

static void check_same(const char *name, const char *what, const float *x, const float *got,
                       const float *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bits_of(got[i]) != bits_of(wanted[i]) && !(isnan(got[i]) && isnan(wanted[i])))
            ck_abort_msg("%s, %s: at %a it is %a instead of %a", name, what, (double)x[i],
                         (double)got[i], (double)wanted[i]);
}

START_TEST(all_instruction_sets_places_and_forms_give_the_same_bits)
{
    enum { N = 1 << 16, WIDTH = 37 };
    float *x = malloc(N * sizeof *x), *wanted = malloc(N * sizeof *x),
          *y = malloc((N + 8) * sizeof *x);
    float slopes[WIDTH];
    fill_patterns(x, N);
    for (size_t i = 0; i < WIDTH; i++)
        slopes[i] = (float)i * 0.1f - 1;
    size_t rows = N / WIDTH, n = rows * WIDTH;
    const struct relud_activation *activation;
    for (size_t a = 0; (activation = relud_activation_at(a)); a++) {
        const struct relud_activation_info *info = relud_activation_info(activation);
        for (int form = 0; form < 4;
             form++) { /* value and gradient, by default and by column or the other choice */
            run_fn *run = form % 2 ? activation_gradient : activation_forward;
            struct relud_activation_params params = relud_activation_defaults(activation);
            if (form >= 2 && strcmp(info->name, "prelu") == 0)
                params.weight = slopes, params.weight_len = WIDTH;
            else if (form >= 2)
                params.values[0] = 1;
            run(RELUD_ISA_SCALAR, activation, &params, x, wanted, rows, WIDTH);
            for (int isa = RELUD_ISA_AVX2; isa <= (int)relud_isa_best(); isa++) {
                run((enum relud_isa)isa, activation, &params, x, y, rows, WIDTH);
                check_same(info->name, relud_isa_name((enum relud_isa)isa), x, y, wanted, n);
                memcpy(y, x, n * sizeof *y);
                run((enum relud_isa)isa, activation, &params, y, y, rows, WIDTH);
                check_same(info->name, "in place", x, y, wanted, n);
                for (size_t i = 0; !info->is_rowwise && params.weight_len < 2 && i < 40; i++) {
                    float behind = y[3 + i];
                    run((enum relud_isa)isa, activation, &params, x + i, y + 3, 1, i);
                    check_same(info->name, "short and shifted", x + i, y + 3, wanted + i, i);
                    if (bits_of(behind) != bits_of(y[3 + i]))
                        ck_abort_msg("%s writes behind %zu floats", info->name, i);
                }
            }
        }
    }
    free(x), free(wanted), free(y);
}
END_TEST

START_TEST(values_and_gradients_are_near_the_definition)
{
    uint64_t state = 6;
    const struct relud_activation *activation;
    for (size_t a = 0; (activation = relud_activation_at(a)); a++) {
        const struct relud_activation_info *info = relud_activation_info(activation);
        struct relud_activation_params params = relud_activation_defaults(activation);
        for (int i = 0; !info->is_rowwise && i < 100000; i++) {
            float x = ((float)(random_next(&state) >> 40) * 0x1p-24f - 0.5f) * 60, y, g;
            relud_activate(activation, &params, &x, &y, 1, 1);
            double wanted = activation_twin(info->name, (double)x);
            if (fabs((double)y - wanted) > 2e-6 + 1e-6 * fabs(wanted))
                ck_abort_msg("%s(%.9g) is %.9g instead of %.9g", info->name, (double)x, (double)y,
                             wanted);
            double step = 1e-4, left = activation_twin(info->name, (double)x - step),
                   right = activation_twin(info->name, (double)x + step);
            relud_activation_gradient(activation, &params, &x, &g, 1, 1);
            double slope = (right - left) / (2 * step), bend = right - 2 * wanted + left;
            if (fabs(bend) < 1e-6 && fabs((double)g - slope) > 1e-3 * fmax(1, fabs(slope)))
                ck_abort_msg("%s'(%.9g) is %.9g instead of %.9g", info->name, (double)x, (double)g,
                             slope);
        }
    }
}
END_TEST

/* exp and expm1 alone, as gradients and values of elu, and of celu with alpha -1, have them. */
static double exp_of_elu(double x)
{
    return x > 0 ? 1 : exp(x);
}
static double exp_of_celu(double x)
{
    return x > 0 ? 1 : exp(-x);
}
static double expm1_of_celu(double x)
{
    return x > 0 ? x : -expm1(-x);
}

/* What may be lost from `from` on: so many units in the last place, and so much of |x|: gelu multiplies x by a
 * number that is exact only to so much of 1, as PyTorch's is. The sums 1 + exp(-x) overflow below -87. */
static const struct {
    const char *name;
    double (*reference)(double x);
    run_fn *run;
    float parameter, from;
    double ulps, of_x;
} bounds[] = {
    {"elu", exp_of_elu, activation_gradient, 1, -INFINITY, 1, 0},
    {"celu", exp_of_celu, activation_gradient, -1, -INFINITY, 1, 0},
    {"elu", twin_expm1_of_elu, activation_forward, 1, -INFINITY, 1, 0},
    {"celu", expm1_of_celu, activation_forward, -1, -INFINITY, 1.75, 0},
    {"tanh", tanh, activation_forward, 0, -INFINITY, 1.75, 0},
    {"softplus", twin_softplus, activation_forward, 1, -INFINITY, 2, 0},
    {"logsigmoid", twin_log_of_sigmoid, activation_forward, 0, -INFINITY, 2, 0},
    {"sigmoid", twin_sigmoid, activation_forward, 0, -87, 2.5, 0},
    {"mish", twin_mish, activation_forward, 0, -80, 4, 0},
    {"gelu", twin_gelu, activation_forward, 0, -INFINITY, 0.5, 1e-7},
    {"gelu", twin_gelu_by_tanh, activation_forward, 1, -INFINITY, 0.5, 1e-7},
};

static double unit_in_last_place(double x)
{
    int exponent;
    frexp(x, &exponent);
    return x == 0 || exponent < -125 ? 0x1p-149 : ldexp(1, exponent - 24);
}

/* Over floats of every exponent, evenly spread over their bits. */
START_TEST(values_are_within_their_bounds_on_every_instruction_set)
{
    enum { STEP = 4099, N = 4096 };
    float x[N], y[N], other[N];
    for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++) {
        const struct relud_activation *activation = relud_activation_find(bounds[k].name);
        struct relud_activation_params params = relud_activation_defaults(activation);
        params.values[0] = bounds[k].parameter;
        for (uint64_t next = 0; next <= UINT32_MAX;) {
            size_t n = 0;
            for (; n < N && next <= UINT32_MAX; next += STEP)
                x[n++] = float_of((uint32_t)next);
            bounds[k].run(RELUD_ISA_SCALAR, activation, &params, x, y, 1, n);
            for (int isa = RELUD_ISA_AVX2; isa <= (int)relud_isa_best(); isa++) {
                bounds[k].run((enum relud_isa)isa, activation, &params, x, other, 1, n);
                check_same(bounds[k].name, relud_isa_name((enum relud_isa)isa), x, other, y, n);
            }
            for (size_t i = 0; i < n; i++) {
                double wanted = bounds[k].reference((double)x[i]);
                double most = bounds[k].ulps * unit_in_last_place(wanted) +
                              bounds[k].of_x * fabs((double)x[i]);
                if (isfinite(x[i]) && x[i] >= bounds[k].from && y[i] != (float)wanted &&
                    !(fabs((double)y[i] - wanted) <= most))
                    ck_abort_msg("%s(%a) is %a instead of %a", bounds[k].name, (double)x[i],
                                 (double)y[i], wanted);
            }
        }
    }
}
END_TEST

static void check_softmax(const char *name, const float *x, size_t width)
{
    enum { MOST = 80 };
    float y[MOST + 1], wanted[MOST];
    struct relud_activation_params none = {.weight = NULL};
    const struct relud_activation *activation = relud_activation_find(name);
    activation_forward(RELUD_ISA_SCALAR, activation, &none, x, wanted, 1, width);
    for (int isa = RELUD_ISA_AVX2; isa <= (int)relud_isa_best(); isa++) {
        y[width] = 7;
        activation_forward((enum relud_isa)isa, activation, &none, x, y, 1, width);
        check_same(name, relud_isa_name((enum relud_isa)isa), x, y, wanted, width);
        if (y[width] != 7)
            ck_abort_msg("%s writes behind a row of %zu", name, width);
    }
    double sum =
        0; /* x less the greatest, about 20, is rounded to 1e-6 before its exp, here as in PyTorch */
    for (size_t i = 0; i < width; i++)
        sum += exp((double)x[i]);
    for (size_t i = 0; i < width && isfinite(sum); i++) {
        bool is_log = strcmp(name, "log_softmax") == 0;
        double exact = is_log ? (double)x[i] - log(sum) : exp((double)x[i]) / sum;
        if (fabs((double)wanted[i] - exact) > 2e-6 * fmax(fabs(exact), is_log ? 1 : 0x1p-126))
            ck_abort_msg("%s of %zu at %a is %a instead of %a", name, width, (double)x[i],
                         (double)wanted[i], exact);
    }
}

START_TEST(softmax_depends_on_the_row_only)
{
    uint64_t state = 7;
    float x[80];
    for (size_t width = 1; width <= 80; width++)
        for (size_t round = 0; round < 40; round++) {
            for (size_t i = 0; i < width; i++)
                x[i] = random_normal(&state) * 4;
            if (round < 3) /* and once each with what is no number */
                x[random_next(&state) % width] = (float[]){NAN, INFINITY, -INFINITY}[round];
            check_softmax("softmax", x, width);
            check_softmax("log_softmax", x, width);
        }
}
END_TEST

START_TEST(log_softmax_of_equal_numbers_is_minus_the_log_of_their_count)
{
    enum { MOST = 1 << 20 };
    float *x = calloc(MOST, sizeof *x), *y = malloc(MOST * sizeof *y);
    struct relud_activation_params none = {.weight = NULL};
    for (size_t n = 1; n <= MOST; n += 1 + n / 50) {
        relud_activate(relud_activation_find("log_softmax"), &none, x, y, 1, n);
        double wanted = -log((double)n);
        if (fabs((double)y[0] - wanted) > 1.5 * unit_in_last_place(wanted) || y[n - 1] != y[0])
            ck_abort_msg("-log %zu is %.9g instead of %.9g", n, (double)y[0], wanted);
    }
    free(x), free(y);
}
END_TEST

START_TEST(great_finite_values_make_no_nan)
{
    static const float great[] = {90, -90, 1e5f, -1e5f, 1e20f, -1e20f, 3.4e38f, -3.4e38f};
    const struct relud_activation *activation;
    for (size_t a = 0; (activation = relud_activation_at(a)); a++) {
        struct relud_activation_params params = relud_activation_defaults(activation);
        for (size_t i = 0; i < sizeof great / sizeof *great; i++) {
            float y, g;
            relud_activate(activation, &params, &great[i], &y, 1, 1);
            relud_activation_gradient(activation, &params, &great[i], &g, 1, 1);
            ck_assert_msg(!isnan(y) && !isnan(g), "%s at %g: %g, gradient %g",
                          relud_activation_info(activation)->name, (double)great[i], (double)y,
                          (double)g);
        }
    }
}
END_TEST

START_TEST(gelu_by_tanh_is_near_gelu)
{
    const struct relud_activation *activation = relud_activation_find("gelu");
    struct relud_activation_params params = relud_activation_defaults(activation);
    params.values[0] = 1;
    for (float x = -8; x < 8; x += 0.01f) {
        float y;
        double wanted = twin_gelu_by_tanh((double)x);
        relud_activate(activation, &params, &x, &y, 1, 1);
        if (fabs((double)y - wanted) > 2e-6)
            ck_abort_msg("%g: %g instead of %g", (double)x, (double)y, wanted);
    }
}
END_TEST

START_TEST(the_table_names_itself)
{
    size_t count = 0;
    const struct relud_activation *activation;
    for (; (activation = relud_activation_at(count)); count++)
        ck_assert_ptr_eq(relud_activation_find(relud_activation_info(activation)->name),
                         activation);
    ck_assert_uint_gt(count, 0);
    ck_assert_ptr_eq(relud_activation_find("swish"), relud_activation_find("silu"));
    ck_assert_ptr_null(relud_activation_find("ReLU"));
    ck_assert_ptr_null(relud_activation_find(""));
    ck_assert_float_eq(relud_activation_defaults(relud_activation_find("leaky_relu")).values[0],
                       0.01f);
    ck_assert_float_eq(relud_activation_defaults(relud_activation_find("softplus")).values[1], 20);
}
END_TEST

RUN_SUITE("activation", values_at_special_points_are_pytorchs,
          gradients_at_special_points_are_pytorchs, softmax_rows_are_pytorchs,
          all_instruction_sets_places_and_forms_give_the_same_bits,
          values_and_gradients_are_near_the_definition,
          values_are_within_their_bounds_on_every_instruction_set, softmax_depends_on_the_row_only,
          log_softmax_of_equal_numbers_is_minus_the_log_of_their_count,
          great_finite_values_make_no_nan, gelu_by_tanh_is_near_gelu, the_table_names_itself)
