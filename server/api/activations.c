/* GET /v2/models/M/activations: what each layer's units have done since the model was loaded. */
#include "server/api/v2.h"

#include "server/batch/prediction.h"
#include "server/metrics/unit_watch.h"

enum { PIECE_UNITS = 1024 };

/* Writes ,"name":[3,17]: the units for which is_wanted is true. */
static void write_units(struct request *request, const char *name, const relud_health *health,
                        size_t layer, size_t units, bool (*is_wanted)(struct relud_unit_health))
{
    struct text *out = &request->out;
    const char *comma = "";
    text_print(out, ",\"%s\":[", name);
    for (size_t n = 0; n < units; n++) {
        if (is_wanted(relud_health_unit(health, layer, n))) {
            text_put(out, comma);
            text_count(out, n);
            comma = ",";
        }
        if (n % PIECE_UNITS == PIECE_UNITS - 1 && !long_work_go_on(request))
            return;
    }
    text_put(out, "]");
}

static bool is_dead(struct relud_unit_health unit)
{
    return unit.nonzero_ratio == 0;
}

static bool is_saturated(struct relud_unit_health unit)
{
    return unit.saturated_ratio == 1;
}

static double nonzero_of(struct relud_unit_health unit)
{
    return unit.nonzero_ratio;
}

static double saturated_of(struct relud_unit_health unit)
{
    return unit.saturated_ratio;
}

static void write_ratios(struct request *request, const char *name, const relud_health *health,
                         size_t layer, size_t units, double (*ratio_of)(struct relud_unit_health))
{
    struct text *out = &request->out;
    text_print(out, ",\"%s\":[", name);
    for (size_t n = 0; n < units; n++) {
        text_put(out, n ? "," : "");
        text_float(out, (float)ratio_of(relud_health_unit(health, layer, n)));
        if (n % PIECE_UNITS == PIECE_UNITS - 1 && !long_work_go_on(request))
            return;
    }
    text_put(out, "]");
}

static void write_layer(struct request *request, const relud_model *model,
                        const relud_health *health, size_t layer)
{
    struct text *out = &request->out;
    const struct relud_layer_info *info = relud_model_layer(model, layer);
    size_t units = info->outputs;
    text_print(out, "{\"layer\":%zu,\"activation\":", layer);
    text_json(out, info->activation);
    text_print(out, ",\"units\":%zu,\"zero_ratio\":", units);
    if (relud_health_rows(health) == 0) { /* nothing was measured */
        text_put(out, "null,\"nonzero_ratio\":null");
        text_put(out, info->is_relu_like ? ",\"dead_units\":null" : "");
        text_put(out,
                 info->is_saturating ? ",\"saturated_ratio\":null,\"saturated_units\":null}" : "}");
        return;
    }
    text_float(out, (float)relud_health_layer(health, layer).zero_ratio);
    write_ratios(request, "nonzero_ratio", health, layer, units, nonzero_of);
    if (info->is_relu_like)
        write_units(request, "dead_units", health, layer, units, is_dead);
    if (info->is_saturating) {
        write_ratios(request, "saturated_ratio", health, layer, units, saturated_of);
        write_units(request, "saturated_units", health, layer, units, is_saturated);
    }
    text_put(out, "}");
}

enum read_verdict v2_activations_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct served_model *served = prediction_look(request);
    const struct relud_watch watch = long_work_watch(request);
    relud_health *health = served ? unit_watch_read(served->unit_watch, &watch) : NULL;
    struct text *out = &request->out;
    if (served && !health)
        request_fail(request, 503, "out of memory for what the units did");
    if (!health)
        return READ_ANSWERED;
    text_put(out, "{\"model\":");
    text_json(out, served->name);
    text_put(out, ",\"version\":");
    text_json(out, served->version);
    text_print(out, ",\"rows\":%llu,\"layers\":[", relud_health_rows(health));
    for (size_t i = 0; i < served->info->layers; i++) {
        text_put(out, i ? "," : "");
        write_layer(request, served->model, health, i);
    }
    text_put(out, "]}\n");
    relud_health_free(health);
    request_answer(request, 200, MEDIA_JSON_TYPE);
    return READ_ANSWERED;
}
