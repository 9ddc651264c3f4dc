#include "server/api_admin.h"

#include <stdlib.h>
#include <string.h>

/* The process turns: that is all liveness means. */
bool health_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    text_put(&exchange->out, "{\"status\":\"ok\"}\n");
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
    return true;
}

bool ready_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct service_state *state = exchange->service->state;
    if (state->is_draining) {
        exchange_fail(exchange, 503, "draining");
        return true;
    }
    text_put(&exchange->out, "{\"status\":\"ready\"}\n");
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
    return true;
}

/* Before the first row every unit would seem dead: there is nothing to say then. */
static void add_layers(struct metrics_served *served, const struct entry *entry)
{
    relud_health *health = insight_read(entry->insight);
    served->observed_rows = health ? relud_health_rows(health) : 0;
    served->layer =
        served->observed_rows ? calloc(entry->info->layers, sizeof *served->layer) : NULL;
    served->layers = served->layer ? entry->info->layers : 0;
    for (size_t i = 0; i < served->layers; i++) {
        struct relud_layer_health of = relud_health_layer(health, i);
        const struct relud_layer_info *info = relud_model_layer(entry->model, i);
        served->layer[i] = (struct metrics_layer){.zero_ratio = of.zero_ratio,
                                                  .dead = of.dead,
                                                  .saturated = of.saturated,
                                                  .is_relu_like = info->is_relu_like,
                                                  .is_saturating = info->is_saturating};
    }
    relud_health_free(health);
}

/* The catalog as the metrics want to see it. */
static void write_metrics(struct exchange *exchange, bool is_openmetrics)
{
    const struct catalog *catalog = exchange->service->turn.catalog;
    struct metrics_served *served = calloc(catalog->items + 1, sizeof *served);
    struct metrics_loads *loads = calloc(catalog->models + 1, sizeof *loads);
    for (size_t i = 0; served && i < catalog->items; i++) {
        const struct catalog_item *item = &catalog->item[i];
        served[i] = (struct metrics_served){.name = item->name, .version = item->version};
        if (!item->entry)
            continue;
        served[i].format = item->entry->info->format;
        served[i].math = item->entry->info->math == RELUD_MATH_FAST ? "fast" : "exact";
        served[i].series = item->entry->series;
        add_layers(&served[i], item->entry);
    }
    for (size_t i = 0; loads && i < catalog->models; i++)
        loads[i] = (struct metrics_loads){.name = catalog->model[i].name,
                                          .loads = catalog->model[i].loads,
                                          .failed_loads = catalog->model[i].failed_loads};
    if (served && loads)
        metrics_write(exchange->service->metrics, served, catalog->items, loads, catalog->models,
                      &exchange->out, is_openmetrics, !exchange->service->state->is_draining);
    else
        exchange->out.is_short = true;
    for (size_t i = 0; served && i < catalog->items; i++)
        free(served[i].layer);
    free(served);
    free(loads);
}

bool metrics_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    static const char *const types[] = {
        "text/plain; version=0.0.4; charset=utf-8",
        "application/openmetrics-text; version=1.0.0; charset=utf-8"};
    bool is_openmetrics = media_choose(exchange->accept, types, 2) == 1;
    write_metrics(exchange, is_openmetrics);
    exchange_answer(exchange, 200, types[is_openmetrics]);
    return true;
}

bool root_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    text_put(&exchange->out, "{\"status\":\"alive\",\"name\":\"relud\",\"version\":\"" RELUD_VERSION
                             "\",\"models\":[");
    const struct catalog *catalog = exchange->service->turn.catalog;
    bool is_first = true;
    for (size_t i = 0; i < catalog->items; i++) {
        const struct entry *entry = catalog->item[i].entry;
        if (!entry)
            continue;
        text_put(&exchange->out, is_first ? "{\"name\":" : ",{\"name\":");
        is_first = false;
        text_json(&exchange->out, entry->name);
        text_put(&exchange->out, ",\"version\":");
        text_json(&exchange->out, entry->version);
        text_print(&exchange->out, ",\"features\":%zu,\"outputs\":%zu}", entry->info->features,
                   entry->info->outputs);
    }
    text_put(&exchange->out, "]}\n");
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
    return true;
}

bool models_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct catalog *catalog = exchange->service->turn.catalog;
    text_put(&exchange->out, "{\"models\":[");
    for (size_t i = 0; i < catalog->models; i++) {
        text_put(&exchange->out, i ? "," : "");
        text_json(&exchange->out, catalog->model[i].name);
    }
    text_put(&exchange->out, "]}\n");
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
    return true;
}
