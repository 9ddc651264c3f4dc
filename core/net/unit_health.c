#include "core/base/watch.h"

#include <math.h>
#include <relud/relud.h>
#include <stdlib.h>

struct layer_units {
    size_t width;
    bool is_relu_like, is_saturating;
    float low_end, high_end; /* where the lowest and the highest hundredth of the range end */
    unsigned long long rows;
    unsigned long long *nonzeros; /* [width]: outputs that were not 0 */
    unsigned long long *inner;    /* [width]: outputs between low_end and high_end */
};

struct relud_health {
    size_t layers;
    unsigned long long rows;
    struct layer_units *layer;
};

/* The range of a saturating function is found by calling it with a very small and a very large
 * number. */
static void set_ends(struct layer_units *units, const char *name)
{
    const struct relud_activation *activation = relud_activation_find(name);
    struct relud_activation_params params = relud_activation_defaults(activation);
    const float far[2] = {-1e30f, 1e30f};
    float ends[2];
    relud_activate(activation, &params, far, ends, 1, 2);
    units->low_end = ends[0] + (ends[1] - ends[0]) / 100;
    units->high_end = ends[1] - (ends[1] - ends[0]) / 100;
}

relud_health *relud_health_new(const relud_model *model, struct relud_error *error)
{
    size_t layers = relud_model_info(model)->layers;
    relud_health *health = calloc(1, sizeof *health);
    struct layer_units *layer = calloc(layers, sizeof *layer);
    bool is_whole = health && layer;
    for (size_t i = 0; is_whole && i < layers; i++) {
        const struct relud_layer_info *info = relud_model_layer(model, i);
        layer[i] =
            (struct layer_units){.width = info->outputs,
                                 .is_relu_like = info->is_relu_like,
                                 .is_saturating = info->is_saturating,
                                 .nonzeros = calloc(info->outputs, sizeof(unsigned long long)),
                                 .inner = calloc(info->outputs, sizeof(unsigned long long))};
        if (info->is_saturating)
            set_ends(&layer[i], info->activation);
        is_whole = layer[i].nonzeros && layer[i].inner;
    }
    if (health)
        *health = (relud_health){.layers = layers, .layer = layer};
    if (is_whole)
        return health;
    if (!health)
        free(layer);
    relud_health_free(health);
    relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    return NULL;
}

void relud_health_free(relud_health *health)
{
    for (size_t i = 0; health && health->layer && i < health->layers; i++) {
        free(health->layer[i].nonzeros);
        free(health->layer[i].inner);
    }
    if (health)
        free(health->layer);
    free(health);
}

void relud_health_add(relud_health *health, float *const *layer_out, size_t rows)
{
    health->rows += rows;
    for (size_t i = 0; i < health->layers; i++) {
        struct layer_units *units = &health->layer[i];
        for (size_t r = 0; layer_out[i] && r < rows; r++)
            for (size_t n = 0; n < units->width; n++) {
                float y = layer_out[i][r * units->width + n];
                units->nonzeros[n] += y != 0;
                units->inner[n] += y > units->low_end && y < units->high_end;
            }
        units->rows += layer_out[i] ? rows : 0;
    }
}

/* Rows are added last. The watch may do work that adds to `from` in between; no unit then has more
 * outputs than rows. */
bool relud_health_merge_watched(relud_health *health, const relud_health *from,
                                const struct relud_watch *watch)
{
    for (size_t i = 0; i < health->layers; i++) {
        struct layer_units *units = &health->layer[i];
        for (size_t n = 0; n < units->width; n++) {
            units->nonzeros[n] += from->layer[i].nonzeros[n];
            units->inner[n] += from->layer[i].inner[n];
            if (n % WATCH_FLOATS == WATCH_FLOATS - 1 && !watch_go_on(watch))
                return false;
        }
    }
    for (size_t i = 0; i < health->layers; i++)
        health->layer[i].rows += from->layer[i].rows;
    health->rows += from->rows;
    return true;
}

void relud_health_merge(relud_health *health, const relud_health *from)
{
    relud_health_merge_watched(health, from, NULL);
}

unsigned long long relud_health_rows(const relud_health *health)
{
    return health->rows;
}

struct relud_unit_health relud_health_unit(const relud_health *health, size_t layer, size_t unit)
{
    const struct layer_units *units = &health->layer[layer];
    struct relud_unit_health answer = {.nonzero_ratio = NAN, .saturated_ratio = NAN};
    if (units->rows == 0)
        return answer;
    answer.nonzero_ratio = (double)units->nonzeros[unit] / (double)units->rows;
    answer.saturated_ratio =
        units->is_saturating ? 1 - (double)units->inner[unit] / (double)units->rows : 0;
    return answer;
}

struct relud_layer_health relud_health_layer(const relud_health *health, size_t layer)
{
    const struct layer_units *units = &health->layer[layer];
    struct relud_layer_health answer = {.zero_ratio = NAN};
    unsigned long long nonzeros = 0;
    if (units->rows == 0)
        return answer;
    for (size_t n = 0; n < units->width; n++) {
        nonzeros += units->nonzeros[n];
        answer.dead += units->is_relu_like && units->nonzeros[n] == 0;
        answer.saturated += units->is_saturating && units->inner[n] == 0;
    }
    answer.zero_ratio = 1 - (double)nonzeros / ((double)units->rows * (double)units->width);
    return answer;
}
