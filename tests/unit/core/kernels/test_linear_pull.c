/* The kernel for slopes against a slow twin, in every form of weights and instruction set. */
#include "tests/unit/suite.h"

#include "core/base/random.h"
#include "core/kernels/linear.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS_MAX = 600, OUTPUTS_MAX = 150 };

static const size_t shapes[][2] = {{1, 1}, {3, 16}, {7, 17}, {255, 64}, {256, 65}, {600, 150}};

static float weight[INPUTS_MAX * OUTPUTS_MAX], bias[OUTPUTS_MAX], x[INPUTS_MAX];
static double slope[OUTPUTS_MAX], twin[INPUTS_MAX], size[INPUTS_MAX];

/* Numbers that both forms of 16 bits have: few bits after the first. */
static float short_number(uint64_t *state)
{
    return floorf(8 * random_normal(state)) / 8;
}

/* twin[k] = the sum of slope[n] w[n][k], and size[k] that of the absolute values. */
static void compute_twin(size_t inputs, size_t outputs, bool skips_zeros)
{
    for (size_t k = 0; k < inputs; k++) {
        twin[k] = size[k] = 0;
        for (size_t n = 0; n < outputs && !(skips_zeros && x[k] == 0); n++) {
            twin[k] += slope[n] * (double)weight[n * inputs + k];
            size[k] += fabs(slope[n] * (double)weight[n * inputs + k]);
        }
    }
}

static void fill(size_t inputs, size_t outputs, uint64_t *state)
{
    for (size_t i = 0; i < inputs * outputs; i++)
        weight[i] = short_number(state);
    for (size_t k = 0; k < inputs; k++)
        x[k] = random_unit(state) < 0.5f ? 0 : random_normal(state);
    for (size_t n = 0; n < outputs; n++)
        slope[n] = random_unit(state) < 0.3f ? 0 : (double)random_normal(state) / 3;
}

/* Checks one layer, and that its bits are those of `first`, which the first one sets. */
static void check(const struct linear *linear, bool skips_zeros, double *first, bool is_first)
{
    double to[INPUTS_MAX] = {0};
    ck_assert(linear_pull(linear, slope, skips_zeros ? x : NULL, to, NULL));
    for (size_t k = 0; k < linear->inputs; k++)
        ck_assert_double_le(fabs(to[k] - twin[k]), 1e-14 * size[k]);
    if (is_first)
        memcpy(first, to, linear->inputs * sizeof *first);
    ck_assert_mem_eq(first, to, linear->inputs * sizeof *first);
}

START_TEST(slopes_are_the_twins_and_their_bits_are_everywhere_the_same)
{
    uint64_t state = 21;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        size_t inputs = shapes[s][0], outputs = shapes[s][1];
        double first[2][INPUTS_MAX];
        fill(inputs, outputs, &state);
        for (int isa = RELUD_ISA_SCALAR; isa <= (int)relud_isa_best(); isa++) {
            const struct relud_model_options options = {.isa = (enum relud_isa)isa};
            struct relud_error error;
            struct arena arena = {0};
            struct linear linear;
            ck_assert(linear_pack(&linear, &arena,
                                  &(struct weights){inputs, outputs, weight, false, NULL, bias},
                                  &options, &error));
            uint16_t *narrow = malloc(linear_packed_numbers(&linear) * sizeof *narrow);
            for (int form = PANEL_FLOAT32; form <= (int)PANEL_FLOAT16; form++) {
                struct linear other = linear;
                other.form = (enum panel_form)form;
                other.narrow = narrow;
                if (form != (int)PANEL_FLOAT32)
                    linear_narrow(&linear, other.form, narrow);
                bool is_first = isa == (int)RELUD_ISA_SCALAR && form == (int)PANEL_FLOAT32;
                for (int skips = 0; skips < 2; skips++) {
                    compute_twin(inputs, outputs, skips);
                    check(&other, skips, first[skips], is_first);
                }
            }
            free(narrow);
            arena_reset(&arena);
        }
    }
}
END_TEST

RUN_SUITE("linear_pull", slopes_are_the_twins_and_their_bits_are_everywhere_the_same)
