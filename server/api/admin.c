#include "server/api/admin.h"

#include <stdlib.h>
#include <string.h>

/* Liveness means only that the worker's loop runs. */
enum read_verdict health_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    return request_answer_json(request, "{\"status\":\"ok\"}\n");
}

const char *ready_why_not(const struct request *request)
{
    if (request->service->state->is_draining)
        return "draining";
    return request->service->turn.catalog->ready ? NULL : "no model is ready";
}

/* Writes a version that should answer and does not; version is "" if none is known. */
static void write_missing(struct text *out, const char *comma, const char *name,
                          const char *version, const char *reason)
{
    text_put(out, comma);
    text_put(out, "{\"model\":");
    text_json(out, name);
    if (*version) {
        text_put(out, ",\"version\":");
        text_json(out, version);
    }
    text_put(out, ",\"reason\":");
    text_json(out, reason);
    text_put(out, "}");
}

/* Writes `,"missing":[…]` if anything is missing. */
static void write_all_missing(struct text *out, const struct catalog *catalog)
{
    static const char begin[] = ",\"missing\":[";
    const char *comma = begin;
    for (size_t m = 0; m < catalog->models; m++) {
        const struct catalog_model *model = &catalog->model[m];
        for (size_t i = model->first; i < model->first + model->len; i++) {
            const struct catalog_item *item = &catalog->item[i];
            if (item->is_missing) {
                write_missing(out, comma, model->name, item->version, item->reason);
                comma = ",";
            }
        }
        if (!model->len) {
            write_missing(out, comma, model->name, "", model->reason);
            comma = ",";
        }
    }
    if (comma != begin)
        text_put(out, "]");
}

/* Answers 503. If no model is ready, it names the first missing one, unless the caller is a
 * stranger. */
static void fail_unready(struct request *request, const char *why)
{
    const struct catalog *catalog = request->service->turn.catalog;
    const char *name = NULL, *reason = NULL;
    for (size_t i = 0; i < catalog->items && !name; i++)
        if (catalog->item[i].is_missing) {
            name = catalog->item[i].name;
            reason = catalog->item[i].reason;
        }
    for (size_t m = 0; m < catalog->models && !name; m++)
        if (*catalog->model[m].reason) {
            name = catalog->model[m].name;
            reason = catalog->model[m].reason;
        }
    bool is_told = name && !catalog->ready && !request->is_stranger;
    request_fail(request, 503, "%s%s%s%s%s", why, is_told ? "; model " : "", is_told ? name : "",
                 is_told ? ": " : "", is_told ? reason : "");
}

enum read_verdict ready_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    const char *why_not = ready_why_not(request);
    if (why_not) {
        fail_unready(request, why_not);
        return READ_ANSWERED;
    }
    text_put(&request->out, "{\"status\":\"ready\"");
    if (!request->is_stranger)
        write_all_missing(&request->out, request->service->turn.catalog);
    return request_answer_json(request, "}\n");
}

/* Adds what the units did. Before the first row every unit would seem dead, so nothing is added. */
static void add_layers(struct metrics_served *shown, const struct served_model *served,
                       const struct relud_watch *watch)
{
    relud_health *health = unit_watch_read(served->unit_watch, watch);
    shown->observed_rows = health ? relud_health_rows(health) : 0;
    shown->layer = shown->observed_rows ? calloc(served->info->layers, sizeof *shown->layer) : NULL;
    shown->layers = shown->layer ? served->info->layers : 0;
    for (size_t i = 0; i < shown->layers; i++) {
        struct relud_layer_health of = relud_health_layer(health, i);
        const struct relud_layer_info *info = relud_model_layer(served->model, i);
        shown->layer[i] = (struct metrics_layer){.zero_ratio = of.zero_ratio,
                                                 .dead = of.dead,
                                                 .saturated = of.saturated,
                                                 .is_relu_like = info->is_relu_like,
                                                 .is_saturating = info->is_saturating};
    }
    relud_health_free(health);
}

static struct metrics_served served_of(const struct catalog_item *item,
                                       const struct relud_watch *watch)
{
    struct metrics_served shown = {.name = item->name, .version = item->version};
    if (!item->served)
        return shown;
    shown.format = item->served->info->format;
    shown.math = item->served->info->math == RELUD_MATH_FAST ? "fast" : "exact";
    shown.series = item->served->series;
    add_layers(&shown, item->served, watch);
    drift_watch_read(item->served->drift_watch, &shown.drift, NULL, NULL, watch);
    return shown;
}

/* Writes the metrics of all models. A model without a known version is listed, too. */
static void write_metrics(struct request *request, bool is_openmetrics)
{
    const struct catalog *catalog = request->service->turn.catalog;
    const struct relud_watch watch = long_work_watch(request);
    bool is_wanted = true;
    struct metrics_served *shown = calloc(catalog->items + catalog->models + 1, sizeof *shown);
    struct metrics_loads *loads = calloc(catalog->models + 1, sizeof *loads);
    size_t len = 0;
    for (size_t m = 0; shown && loads && m < catalog->models; m++) {
        const struct catalog_model *model = &catalog->model[m];
        for (size_t i = model->first; i < model->first + model->len; i++)
            shown[len++] = served_of(&catalog->item[i], &watch);
        if (!model->len)
            shown[len++] = (struct metrics_served){.name = model->name, .version = ""};
        loads[m] = (struct metrics_loads){
            .name = model->name, .loads = model->loads, .failed_loads = model->failed_loads};
        if (!(is_wanted = long_work_go_on(request)))
            break;
    }
    if (shown && loads && is_wanted)
        metrics_write(request->service->metrics, shown, len, loads, catalog->models, &request->out,
                      is_openmetrics, !request->service->state->is_draining, &watch);
    else
        request->out.is_short = true;
    for (size_t i = 0; i < len; i++)
        free(shown[i].layer);
    free(shown);
    free(loads);
}

enum read_verdict metrics_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    static const char *const types[] = {
        "text/plain; version=0.0.4; charset=utf-8",
        "application/openmetrics-text; version=1.0.0; charset=utf-8"};
    bool is_openmetrics = media_choose(request->accept, types, 2) == 1;
    write_metrics(request, is_openmetrics);
    request_answer(request, 200, types[is_openmetrics]);
    return READ_ANSWERED;
}

enum read_verdict root_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    text_put(&request->out, "{\"status\":\"alive\",\"name\":\"relud\",\"version\":\"" RELUD_VERSION
                            "\",\"models\":[");
    const struct catalog *catalog = request->service->turn.catalog;
    bool is_first = true;
    for (size_t i = 0; i < catalog->items && !request->is_stranger; i++) {
        const struct served_model *served = catalog->item[i].served;
        if (!served)
            continue;
        text_put(&request->out, is_first ? "{\"name\":" : ",{\"name\":");
        is_first = false;
        text_json(&request->out, served->name);
        text_put(&request->out, ",\"version\":");
        text_json(&request->out, served->version);
        text_print(&request->out, ",\"features\":%zu,\"outputs\":%zu}", served->info->features,
                   served->info->outputs);
    }
    return request_answer_json(request, "]}\n");
}

enum read_verdict models_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct catalog *catalog = request->service->turn.catalog;
    text_put(&request->out, "{\"models\":[");
    for (size_t i = 0; i < catalog->models; i++) {
        text_put(&request->out, i ? "," : "");
        text_json(&request->out, catalog->model[i].name);
    }
    return request_answer_json(request, "]}\n");
}
