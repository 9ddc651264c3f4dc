#include <relud/relud.h>
#include <stdlib.h>

struct layer_units {
    size_t width;
    bool is_relu_like, is_saturating;
    float low_end, high_end;    /* of the outer hundredths of the range */
    bool *is_alive, *is_moving; /* [width] */
    unsigned long long zeros, values;
};

struct relud_health {
    size_t layers;
    struct layer_units *layer;
};

/* A saturating function's range is what it makes of very small and very great numbers. */
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
        layer[i] = (struct layer_units){.width = info->outputs,
                                        .is_relu_like = info->is_relu_like,
                                        .is_saturating = info->is_saturating,
                                        .is_alive = calloc(info->outputs, sizeof(bool)),
                                        .is_moving = calloc(info->outputs, sizeof(bool))};
        if (info->is_saturating)
            set_ends(&layer[i], info->activation);
        is_whole = layer[i].is_alive && layer[i].is_moving;
    }
    if (health)
        *health = (relud_health){layers, layer};
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
        free(health->layer[i].is_alive);
        free(health->layer[i].is_moving);
    }
    if (health)
        free(health->layer);
    free(health);
}

void relud_health_add(relud_health *health, float *const *layer_out, size_t rows)
{
    for (size_t i = 0; i < health->layers; i++) {
        struct layer_units *units = &health->layer[i];
        for (size_t r = 0; layer_out[i] && r < rows; r++)
            for (size_t n = 0; n < units->width; n++) {
                float y = layer_out[i][r * units->width + n];
                units->zeros += y == 0;
                units->is_alive[n] |= y != 0;
                units->is_moving[n] |= y > units->low_end && y < units->high_end;
            }
        units->values += layer_out[i] ? rows * units->width : 0;
    }
}

struct relud_layer_health relud_health_layer(const relud_health *health, size_t layer)
{
    const struct layer_units *units = &health->layer[layer];
    struct relud_layer_health answer = {0};
    if (units->values == 0)
        return answer;
    answer.zero_ratio = (double)units->zeros / (double)units->values;
    for (size_t n = 0; n < units->width; n++) {
        answer.dead += units->is_relu_like && !units->is_alive[n];
        answer.saturated += units->is_saturating && !units->is_moving[n];
    }
    return answer;
}
