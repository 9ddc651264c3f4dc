/* The extensions that look after the server: model repository, logging, trace. */
#include "server/api_v2.h"

#include "server/json_in.h"
#include "server/log.h"
#include "server/prediction.h"
#include <stdio.h>
#include <string.h>

enum { ADMIN_BODY_MAX = 1 << 20 };

static bool is_admin(struct exchange *exchange)
{
    if (!exchange->is_admin)
        exchange_fail(
            exchange, 403,
            "this is for administrators: they have a key of --api-keys, or the address of "
            "--admin-listen");
    return exchange->is_admin;
}

/* The body as a document; an empty one is {}. NULL, and answered, when it is not an object. */
static struct json_in *open_body(struct exchange *exchange, const char *body, size_t len)
{
    struct relud_error error = {0};
    struct text copy = {0};
    struct json_in *document = NULL;
    if (len > ADMIN_BODY_MAX) {
        exchange_fail(exchange, 413, "the body has %zu bytes; %d are taken here", len,
                      ADMIN_BODY_MAX);
        return NULL;
    }
    text_put_n(&copy, len ? body : "{}", len ? len : 2);
    text_put_n(&copy, "", 1);
    if (!text_is_whole(&copy))
        relud_fail(&error, RELUD_NO_MEMORY, "out of memory");
    else if (relud_json_check(copy.at, copy.len - 1, &error))
        document = json_in_open(copy.at, &error);
    text_free(&copy);
    if (document && !json_node_is_object(json_in_root(document))) {
        relud_fail(&error, RELUD_BAD_INPUT, "a JSON object is wanted");
        json_in_close(document);
        document = NULL;
    }
    if (!document)
        exchange_fail(exchange, exchange_code_of(error.code), "%s", error.text);
    return document;
}

/* ---- the repository ---- */

static void write_item(struct text *out, const struct catalog_item *item)
{
    text_put(out, "{\"name\":");
    text_json(out, item->name);
    text_put(out, ",\"version\":");
    text_json(out, item->version);
    text_print(out, ",\"state\":\"%s\"", catalog_state_names[item->state]);
    if (item->reason[0]) {
        text_put(out, ",\"reason\":");
        text_json(out, item->reason);
    }
    text_put(out, "}");
}

bool v2_index_read(struct exchange *exchange, const char *body, size_t len)
{
    const struct catalog *catalog = exchange->service->turn.catalog;
    struct relud_error error;
    bool is_ready_only = false;
    struct json_in *document = open_body(exchange, body, len);
    if (!document)
        return true;
    bool is_right = json_in_bool(document, "ready", &is_ready_only, &error) &&
                    json_in_end(document, "ready", &error);
    json_in_close(document);
    if (!is_right) {
        exchange_fail(exchange, 400, "%s", error.text);
        return true;
    }
    const char *comma = "[";
    for (size_t m = 0; m < catalog->models; m++) {
        const struct catalog_model *model = &catalog->model[m];
        for (size_t i = model->first; i < model->first + model->len; i++) {
            if (is_ready_only && !catalog->item[i].entry)
                continue;
            text_put(&exchange->out, comma);
            write_item(&exchange->out, &catalog->item[i]);
            comma = ",";
        }
        if (model->len || is_ready_only)
            continue;
        text_put(&exchange->out, comma); /* a directory whose versions are not known yet */
        text_put(&exchange->out, "{\"name\":");
        text_json(&exchange->out, model->name);
        text_put(&exchange->out, "}");
        comma = ",";
    }
    text_put(&exchange->out, *comma == '[' ? "[]\n" : "]\n");
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
    return true;
}

/* Of a Triton model configuration what relud has, too: version_policy. */
static bool read_policy(const char *config, char policy[64], struct relud_error *error)
{
    if (!relud_json_check(config, strlen(config), error))
        return false;
    struct json_in *document = json_in_open(config, error);
    if (!document)
        return false;
    const json_node *wanted = json_in_member(document, "version_policy");
    const json_node *latest = json_node_member(wanted, "latest");
    const json_node *specific = json_node_member(wanted, "specific");
    double number = 1;
    size_t len = 0;
    bool is_right = true;
    if (latest) {
        const json_node *count = json_node_member(latest, "num_versions");
        is_right = (!count || json_node_number(count, &number)) && number >= 1 && number <= 1024;
        snprintf(policy, 64, "latest:%.0f", number);
    } else if (specific) {
        const json_node *versions = json_node_member(specific, "versions");
        for (const json_node *at = json_node_first(versions); at; at = json_node_next(at)) {
            is_right &= json_node_number(at, &number) && number >= 1 && number < 1e15 && len < 40;
            if (is_right)
                len += (size_t)snprintf(policy + len, 64 - len, len ? ",%.0f" : "%.0f", number);
        }
        is_right &= len > 0;
    } else if (json_node_member(wanted, "all")) {
        snprintf(policy, 64, "all");
    } else {
        is_right = !wanted;
    }
    json_in_close(document);
    return is_right ||
           relud_fail(error, RELUD_BAD_INPUT, "version_policy is none of latest, all and specific");
}

static bool read_load(struct json_in *document, struct errand *errand, struct relud_error *error)
{
    const json_node *parameters = json_in_member(document, "parameters");
    if (parameters && !json_node_is_object(parameters))
        return relud_fail(error, RELUD_BAD_INPUT, "parameters must be an object");
    for (const json_node *item = json_node_first(parameters); item; item = json_node_next(item)) {
        const char *name = json_node_name(item), *text = json_node_text(item);
        if (strncmp(name, "file:", 5) == 0)
            return relud_fail(error, RELUD_UNSUPPORTED,
                              "files are not taken by this call: put them into the repository");
        if (strcmp(name, "config") != 0)
            continue;
        if (!text)
            return relud_fail(error, RELUD_BAD_INPUT, "config must be a string of JSON");
        if (!read_policy(text, errand->policy, error))
            return false;
    }
    return true;
}

static bool send_errand(struct exchange *exchange, enum errand_kind kind, const char *body,
                        size_t len)
{
    if (!is_admin(exchange))
        return true;
    struct relud_error error;
    struct json_in *document = open_body(exchange, body, len);
    if (!document)
        return true;
    struct errand *errand = errand_new(kind, exchange->model);
    if (!errand) {
        exchange_fail(exchange, 503, "out of memory");
    } else if (kind == ERRAND_LOAD && !read_load(document, errand, &error)) {
        exchange_fail(exchange, 400, "%s", error.text);
        errand_release(errand);
        errand_release(errand);
    } else {
        exchange->errand = errand;
        exchange->step = EXCHANGE_WAITING;
        keeper_submit(exchange->service->keeper, errand);
    }
    json_in_close(document);
    return true;
}

bool v2_load_read(struct exchange *exchange, const char *body, size_t len)
{
    return send_errand(exchange, ERRAND_LOAD, body, len);
}

bool v2_unload_read(struct exchange *exchange, const char *body, size_t len)
{
    return send_errand(exchange, ERRAND_UNLOAD, body, len);
}

void v2_errand_write(struct exchange *exchange)
{
    const struct errand *errand = exchange->errand;
    if (errand->is_right) {
        text_put(&exchange->out, "{}\n");
        exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
        return;
    }
    exchange_fail(exchange, errand->error.code == RELUD_BAD_INPUT ? 404 : 400, "%s",
                  errand->error.text);
}

/* ---- logging ---- */

bool v2_logging_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    enum log_level level = log_level();
    text_print(&exchange->out,
               "{\"log_file\":\"\",\"log_info\":%s,\"log_warning\":%s,\"log_error\":true,"
               "\"log_verbose_level\":%d,\"log_format\":\"default\"}\n",
               level >= LOG_LEVEL_INFO ? "true" : "false",
               level >= LOG_LEVEL_WARN ? "true" : "false", level >= LOG_LEVEL_DEBUG);
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
    return true;
}

struct logging {
    bool info, warning;
    double verbose;
};

static bool read_logging(const json_node *item, struct logging *logging, struct relud_error *error)
{
    const char *name = json_node_name(item), *text = json_node_text(item);
    bool is_error = true;
    if (strcmp(name, "log_info") == 0)
        return json_node_bool(item, &logging->info) ||
               relud_fail(error, RELUD_BAD_INPUT, "log_info must be true or false");
    if (strcmp(name, "log_warning") == 0 || strcmp(name, "log_warnings") == 0)
        return json_node_bool(item, &logging->warning) ||
               relud_fail(error, RELUD_BAD_INPUT, "log_warning must be true or false");
    if (strcmp(name, "log_error") == 0)
        return (json_node_bool(item, &is_error) && is_error) ||
               relud_fail(error, RELUD_BAD_INPUT,
                          "log_error must be true: errors are always logged");
    if (strcmp(name, "log_verbose_level") == 0)
        return (json_node_number(item, &logging->verbose) && logging->verbose >= 0) ||
               relud_fail(error, RELUD_BAD_INPUT, "log_verbose_level must be a number from 0");
    if (strcmp(name, "log_file") == 0)
        return (text && !*text) || relud_fail(error, RELUD_BAD_INPUT,
                                              "log_file must be \"\": the log is standard error");
    if (strcmp(name, "log_format") == 0)
        return (text && strcmp(text, "default") == 0) ||
               relud_fail(error, RELUD_BAD_INPUT,
                          "log_format must be \"default\": --log-format is read at the start");
    return relud_fail(error, RELUD_BAD_INPUT, "unknown setting '%.60s'", name);
}

bool v2_logging_change(struct exchange *exchange, const char *body, size_t len)
{
    struct relud_error error;
    if (!is_admin(exchange))
        return true;
    struct json_in *document = open_body(exchange, body, len);
    if (!document)
        return true;
    enum log_level level = log_level();
    struct logging logging = {.info = level >= LOG_LEVEL_INFO,
                              .warning = level >= LOG_LEVEL_WARN,
                              .verbose = level >= LOG_LEVEL_DEBUG};
    bool is_right = true;
    for (const json_node *item = json_node_first(json_in_root(document)); is_right && item;
         item = json_node_next(item))
        is_right = read_logging(item, &logging, &error);
    json_in_close(document);
    if (!is_right) {
        exchange_fail(exchange, 400, "%s", error.text);
        return true;
    }
    log_set_level(logging.verbose >= 1 ? LOG_LEVEL_DEBUG
                  : logging.info       ? LOG_LEVEL_INFO
                  : logging.warning    ? LOG_LEVEL_WARN
                                       : LOG_LEVEL_ERROR);
    return v2_logging_read(exchange, NULL, 0);
}

/* ---- trace: what there is to set, and that it is off ---- */

bool v2_trace_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    if (exchange->model[0] && !prediction_entry(exchange))
        return true;
    exchange->entry = NULL;
    text_put(&exchange->out,
             "{\"trace_level\":[\"OFF\"],\"trace_rate\":\"1000\",\"trace_count\":\"-1\","
             "\"log_frequency\":\"0\",\"trace_file\":\"\",\"trace_mode\":\"triton\"}\n");
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
    return true;
}

bool v2_trace_change(struct exchange *exchange, const char *body, size_t len)
{
    if (!is_admin(exchange))
        return true;
    struct json_in *document = open_body(exchange, body, len);
    if (!document)
        return true;
    const json_node *level = json_in_member(document, "trace_level");
    bool is_off = true;
    for (const json_node *item = json_node_first(level); item; item = json_node_next(item)) {
        const char *text = json_node_text(item);
        is_off &= text && strcmp(text, "OFF") == 0;
    }
    json_in_close(document);
    if (is_off)
        return v2_trace_read(exchange, NULL, 0);
    exchange_fail(exchange, 501,
                  "traces are not written: Server-Timing and /metrics have the times");
    return true;
}
