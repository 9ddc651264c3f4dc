#include "core/train/loss.h"

#include "core/kernels/activation.h"
#include <math.h>

void loss_init(struct loss *loss, enum loss_kind kind, size_t outputs, enum relud_isa isa)
{
    *loss = (struct loss){.kind = kind,
                          .outputs = outputs,
                          .isa = isa,
                          .softmax = relud_activation_find("softmax"),
                          .log_softmax = relud_activation_find("log_softmax"),
                          .softplus = relud_activation_find("softplus")};
}

/* The loss is -log softmax(y)[class]; its gradient is softmax(y) - [i = class]. */
static double cross_entropy(const struct loss *loss, const float *y, uint32_t class, float share,
                            float *g, bool *is_right)
{
    size_t n = loss->outputs, best = 0;
    for (size_t i = 1; i < n; i++)
        if (y[i] > y[best])
            best = i;
    *is_right = best == class;
    const struct relud_activation_params none = {.weight = NULL};
    activation_forward(loss->isa, loss->log_softmax, &none, y, g, 1, n);
    double value = -(double)g[class];
    activation_forward(loss->isa, loss->softmax, &none, y, g, 1, n);
    g[class] -= 1;
    for (size_t i = 0; i < n; i++)
        g[i] *= share;
    return value;
}

/* With the class t, the loss is log(1 + exp(y)) - t y = softplus(t ? -y : y); its gradient is
 * sigmoid(y) - t. */
static double binary_cross_entropy(const struct loss *loss, float y, uint32_t class, float share,
                                   float *g, bool *is_right)
{
    const struct relud_activation_params plain = {.values = {1, INFINITY}};
    float toward = class ? -y : y, value, slope;
    *is_right = (y > 0) == (class == 1);
    activation_forward(loss->isa, loss->softplus, &plain, &toward, &value, 1, 1);
    activation_gradient(loss->isa, loss->softplus, &plain, &toward, &slope, 1, 1);
    *g = (class ? -slope : slope) * share;
    return (double)value;
}

/* The loss is Σ (y - t)² / outputs; its gradient is 2 (y - t) / outputs. Where targets are
 * standardized, that is the gradient's t, and each term of the loss is multiplied by std². */
static double squared_error(const struct loss *loss, const float *y, const float *wanted,
                            float share, float *g)
{
    double sum = 0;
    float each = 2 * share / (float)loss->outputs;
    for (size_t i = 0; i < loss->outputs; i++) {
        float t = loss->std ? (wanted[i] - loss->mean[i]) / loss->std[i] : wanted[i];
        float away = y[i] - t;
        double told = (double)away * (loss->std ? (double)loss->std[i] : 1);
        sum += told * told;
        g[i] = away * each;
    }
    return sum / (double)loss->outputs;
}

double loss_row(const struct loss *loss, const float *y, const struct target *target, float share,
                float *g, bool *is_right)
{
    *is_right = false;
    switch (loss->kind) {
    case LOSS_CROSS_ENTROPY:
        return cross_entropy(loss, y, target->class, share, g, is_right);
    case LOSS_BINARY_CROSS_ENTROPY:
        return binary_cross_entropy(loss, *y, target->class, share, g, is_right);
    case LOSS_SQUARED_ERROR:
        return squared_error(loss, y, target->numbers, share, g);
    }
    return 0;
}
