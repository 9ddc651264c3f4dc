#include "server/api_admin.h"

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

bool metrics_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    static const char *const types[] = {
        "text/plain; version=0.0.4; charset=utf-8",
        "application/openmetrics-text; version=1.0.0; charset=utf-8"};
    bool is_openmetrics = media_choose(exchange->accept, types, 2) == 1;
    metrics_write(exchange->service->metrics, &exchange->out, is_openmetrics,
                  !exchange->service->state->is_draining);
    exchange_answer(exchange, 200, types[is_openmetrics]);
    return true;
}

bool root_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    text_put(&exchange->out, "{\"status\":\"alive\",\"name\":\"relud\",\"version\":\"" RELUD_VERSION
                             "\",\"models\":[");
    const struct registry *registry = exchange->service->registry;
    for (size_t i = 0; i < registry->len; i++) {
        const struct registry_entry *entry = &registry->entry[i];
        text_put(&exchange->out, i ? ",{\"name\":" : "{\"name\":");
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
