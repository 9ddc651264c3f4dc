#include "core/train/optimizer.h"

#include <math.h>

void optimizer_init(struct optimizer *optimizer, const struct relud_train_config *config,
                    const struct train_loops *loops)
{
    *optimizer = (struct optimizer){
        .loops = loops,
        .is_adam = config->optimizer == RELUD_OPTIMIZER_ADAM,
        .sgd = {.momentum = (float)config->momentum,
                .weight_decay = (float)config->weight_decay,
                .is_nesterov = config->nesterov},
        /* the defaults of PyTorch */
        .adam = {.beta1 = 0.9f,
                 .beta2 = 0.999f,
                 .gain1 = (float)(1 - 0.9),
                 .gain2 = (float)(1 - 0.999),
                 .epsilon = 1e-8f,
                 .weight_decay = (float)config->weight_decay},
        .beta1_power = 1,
        .beta2_power = 1,
    };
}

size_t optimizer_states(const struct optimizer *optimizer)
{
    return optimizer->is_adam ? 2 : optimizer->sgd.momentum != 0;
}

void optimizer_begin(struct optimizer *optimizer, double lr)
{
    optimizer->sgd.lr = (float)lr;
    optimizer->beta1_power *= 0.9;
    optimizer->beta2_power *= 0.999;
    optimizer->adam.step_size = (float)(lr / (1 - optimizer->beta1_power));
    optimizer->adam.correction = (float)sqrt(1 - optimizer->beta2_power);
}

void optimizer_update(const struct optimizer *optimizer, float *w, float *const *state,
                      const float *g, size_t n)
{
    if (optimizer->is_adam)
        optimizer->loops->adam(&optimizer->adam, w, state[0], state[1], g, n);
    else
        optimizer->loops->sgd(&optimizer->sgd, w, state[0], g, n);
}

/* cos(π t) for t from 0 to 1. It uses only basic arithmetic, so that its bits are the same with
 * every C library: the Taylor series of the sine of the distance from the middle. */
static double cosine(double t)
{
    double x = 3.14159265358979323846 * (0.5 - t), square = x * x;
    double term = x, sine = 0;
    for (int i = 1; i <= 23; i += 2) {
        sine += term;
        term *= -square / ((i + 1) * (i + 2));
    }
    return sine;
}

double optimizer_rate(const struct relud_train_config *config, size_t step, size_t steps,
                      size_t epoch_steps)
{
    double lr = config->lr, warmup = config->warmup_epochs * (double)epoch_steps;
    if ((double)step < warmup)
        return lr * (double)(step + 1) / (warmup + 1);
    if (config->schedule == RELUD_SCHEDULE_COSINE)
        return lr * (1 + cosine(((double)step - warmup) / ((double)steps - warmup))) / 2;
    if (config->schedule == RELUD_SCHEDULE_STEP)
        for (size_t e = step / epoch_steps; e >= config->step_epochs; e -= config->step_epochs)
            lr *= config->step_factor;
    return lr;
}
