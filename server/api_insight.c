/* GET /v2/models/M/activations: what each layer's units have done since the model was loaded. */
#include "server/api_v2.h"

#include "server/insight.h"
#include "server/prediction.h"

/* The units of which is_wanted, as ,"name":[3,17]; counted in *count by the way. */
static void write_units(struct text *out, const char *name, const relud_health *health,
                        size_t layer, size_t units, bool (*is_wanted)(struct relud_unit_health))
{
    const char *comma = "";
    text_print(out, ",\"%s\":[", name);
    for (size_t n = 0; n < units; n++)
        if (is_wanted(relud_health_unit(health, layer, n))) {
            text_put(out, comma);
            text_count(out, n);
            comma = ",";
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

static void write_ratios(struct text *out, const char *name, const relud_health *health,
                         size_t layer, size_t units, double (*ratio_of)(struct relud_unit_health))
{
    text_print(out, ",\"%s\":[", name);
    for (size_t n = 0; n < units; n++) {
        text_put(out, n ? "," : "");
        text_float(out, (float)ratio_of(relud_health_unit(health, layer, n)));
    }
    text_put(out, "]");
}

/* Before the first row every unit would seem dead: the lists are empty then. */
static void write_layer(struct text *out, const relud_model *model, const relud_health *health,
                        size_t layer)
{
    const struct relud_layer_info *info = relud_model_layer(model, layer);
    size_t units = relud_health_rows(health) ? info->outputs : 0;
    text_print(out, "{\"layer\":%zu,\"activation\":", layer);
    text_json(out, info->activation);
    text_print(out, ",\"units\":%zu,\"zero_ratio\":", info->outputs);
    text_float(out, (float)relud_health_layer(health, layer).zero_ratio);
    write_ratios(out, "nonzero_ratio", health, layer, units, nonzero_of);
    if (info->is_relu_like)
        write_units(out, "dead_units", health, layer, units, is_dead);
    if (info->is_saturating) {
        write_ratios(out, "saturated_ratio", health, layer, units, saturated_of);
        write_units(out, "saturated_units", health, layer, units, is_saturated);
    }
    text_put(out, "}");
}

bool v2_activations_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct entry *entry = prediction_entry(exchange);
    exchange->entry = NULL;
    relud_health *health = entry ? insight_read(entry->insight) : NULL;
    struct text *out = &exchange->out;
    if (entry && !health)
        exchange_fail(exchange, 503, "out of memory for what the units did");
    if (!health)
        return true;
    text_put(out, "{\"model\":");
    text_json(out, entry->name);
    text_put(out, ",\"version\":");
    text_json(out, entry->version);
    text_print(out, ",\"rows\":%llu,\"layers\":[", relud_health_rows(health));
    for (size_t i = 0; i < entry->info->layers; i++) {
        text_put(out, i ? "," : "");
        write_layer(out, entry->model, health, i);
    }
    text_put(out, "]}\n");
    relud_health_free(health);
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
    return true;
}
