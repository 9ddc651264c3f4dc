/* The extensions for administration: model repository, logging, trace. */
#include "server/api/v2.h"

#include "server/base/json_in.h"
#include "server/batch/prediction.h"
#include "server/log/log.h"
#include <stdio.h>
#include <string.h>

enum { ADMIN_BODY_MAX = 1 << 20 };

static bool is_admin(struct request *request)
{
    if (!request->is_admin)
        request_fail(request, 403,
                     "this is for administrators: they have a key of --api-keys, or the address of "
                     "--admin-listen");
    return request->is_admin;
}

/* Opens the body as a document; an empty body and null mean {}. NULL, and answered, if it is no
 * object. */
static struct json_in *open_body(struct request *request, const char *body, size_t len)
{
    struct relud_error error = {0};
    struct text copy = {0};
    struct json_in *document = NULL;
    if (len > ADMIN_BODY_MAX) {
        request_fail(request, 413, "the body has %zu bytes; %d are taken here", len,
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
    if (document && !json_node_is_object(json_in_root(document)) &&
        !json_node_is_null(json_in_root(document))) {
        relud_fail(&error, RELUD_BAD_INPUT, "this is not a JSON object");
        json_in_close(document);
        document = NULL;
    }
    if (!document)
        request_fail(request, request_code_of(error.code), "%s", error.text);
    return document;
}

/* ---- the repository ---- */

/* Writes all members, so that clients with fixed classes need no defaults: version and reason are
 * "" if there is none. */
static void write_item(struct request *request, const char *name, const char *version,
                       enum catalog_state state, const char *reason)
{
    struct text *out = &request->out;
    text_put(out, out->len ? ",{\"name\":" : "[{\"name\":");
    text_json(out, name);
    text_put(out, ",\"version\":");
    text_json(out, version);
    text_print(out, ",\"state\":\"%s\",\"reason\":", catalog_state_names[state]);
    text_json(out, reason);
    text_put(out, "}");
}

/* Lists the model's versions. Unless is_ready_only, folders that were ignored are listed as well,
 * under their names. */
static void write_model(struct request *request, const struct catalog_model *model,
                        bool is_ready_only)
{
    const struct catalog *catalog = request->service->turn.catalog;
    for (size_t i = model->first; i < model->first + model->len; i++) {
        const struct catalog_item *item = &catalog->item[i];
        if (item->served || !is_ready_only)
            write_item(request, item->name, item->version, item->state, item->reason);
    }
    if (is_ready_only)
        return;
    if (!model->len)
        write_item(request, model->name, "", CATALOG_UNAVAILABLE, model->reason);
    for (size_t i = 0; i < model->passed_len; i++) {
        char reason[RELUD_ERROR_TEXT_MAX];
        snprintf(reason, sizeof reason, "skipped: %s", model->passed[i].reason);
        write_item(request, model->name, model->passed[i].folder, CATALOG_UNAVAILABLE, reason);
    }
}

enum read_verdict v2_index_read(struct request *request, const char *body, size_t len)
{
    const struct catalog *catalog = request->service->turn.catalog;
    struct relud_error error;
    bool is_ready_only = false;
    struct json_in *document = open_body(request, body, len);
    if (!document)
        return READ_ANSWERED;
    bool is_right = json_in_bool(document, "ready", &is_ready_only, &error) &&
                    json_in_end(document, "ready", &error);
    json_in_close(document);
    if (!is_right) {
        request_fail(request, 400, "%s", error.text);
        return READ_ANSWERED;
    }
    for (size_t m = 0; m < catalog->models; m++)
        write_model(request, &catalog->model[m], is_ready_only);
    return request_answer_json(request, request->out.len ? "]\n" : "[]\n");
}

/* Reads version_policy, the one part of a Triton model configuration that relud also has. */
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
        is_right = !count || json_node_whole(count, 1, 1024, &number);
        snprintf(policy, 64, "latest:%.0f", number);
    } else if (specific) {
        const json_node *versions = json_node_member(specific, "versions");
        for (const json_node *at = json_node_first(versions); at; at = json_node_next(at)) {
            is_right = is_right && json_node_whole(at, 1, 1e15 - 1, &number) && len < 40;
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

static bool read_load(struct json_in *document, struct load_job *load_job,
                      struct relud_error *error)
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
        if (!read_policy(text, load_job->policy, error))
            return false;
    }
    return true;
}

static enum read_verdict submit_load_job(struct request *request, enum load_job_kind kind,
                                         const char *body, size_t len)
{
    if (!is_admin(request))
        return READ_ANSWERED;
    struct relud_error error;
    struct json_in *document = open_body(request, body, len);
    if (!document)
        return READ_ANSWERED;
    struct load_job *load_job = load_job_new(kind, request->model);
    if (!load_job) {
        request_fail(request, 503, "out of memory");
    } else if (kind == LOAD_JOB_LOAD && !read_load(document, load_job, &error)) {
        request_fail(request, 400, "%s", error.text);
        load_job_release(load_job);
        load_job_release(load_job);
    } else {
        request->load_job = load_job;
        model_loader_submit(request->service->loader, load_job);
    }
    json_in_close(document);
    return request->load_job ? READ_LOADING : READ_ANSWERED;
}

enum read_verdict v2_load_read(struct request *request, const char *body, size_t len)
{
    return submit_load_job(request, LOAD_JOB_LOAD, body, len);
}

enum read_verdict v2_unload_read(struct request *request, const char *body, size_t len)
{
    return submit_load_job(request, LOAD_JOB_UNLOAD, body, len);
}

void v2_load_job_write(struct request *request)
{
    const struct load_job *load_job = request->load_job;
    if (load_job->is_right) {
        request_answer_json(request, "{}\n");
        return;
    }
    request_fail(request, load_job->error.code == RELUD_BAD_INPUT ? 404 : 400, "%s",
                 load_job->error.text);
}

/* ---- logging ---- */

enum read_verdict v2_logging_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    enum log_level level = log_level();
    text_print(&request->out,
               "{\"log_file\":\"\",\"log_info\":%s,\"log_warning\":%s,\"log_error\":true,"
               "\"log_verbose_level\":%d,\"log_format\":\"default\"}\n",
               level >= LOG_LEVEL_INFO ? "true" : "false",
               level >= LOG_LEVEL_WARN ? "true" : "false", level >= LOG_LEVEL_DEBUG);
    request_answer(request, 200, MEDIA_JSON_TYPE);
    return READ_ANSWERED;
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
        return json_node_whole(item, 0, 0x1p53, &logging->verbose) ||
               relud_fail(error, RELUD_BAD_INPUT,
                          "log_verbose_level must be a number from 0, and whole");
    if (strcmp(name, "log_file") == 0)
        return (text && !*text) || relud_fail(error, RELUD_BAD_INPUT,
                                              "log_file must be \"\": the log is standard error");
    if (strcmp(name, "log_format") == 0)
        return (text && strcmp(text, "default") == 0) ||
               relud_fail(error, RELUD_BAD_INPUT,
                          "log_format must be \"default\": --log-format is read at the start");
    return relud_fail(error, RELUD_BAD_INPUT, "unknown setting '%s'", name);
}

enum read_verdict v2_logging_change(struct request *request, const char *body, size_t len)
{
    struct relud_error error;
    if (!is_admin(request))
        return READ_ANSWERED;
    struct json_in *document = open_body(request, body, len);
    if (!document)
        return READ_ANSWERED;
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
        request_fail(request, 400, "%s", error.text);
        return READ_ANSWERED;
    }
    log_set_level(logging.verbose >= 1 ? LOG_LEVEL_DEBUG
                  : logging.info       ? LOG_LEVEL_INFO
                  : logging.warning    ? LOG_LEVEL_WARN
                                       : LOG_LEVEL_ERROR);
    return v2_logging_read(request, NULL, 0);
}

/* ---- trace: the settings exist, and tracing is off ---- */

enum read_verdict v2_trace_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    if (request->model[0] && !prediction_look(request))
        return READ_ANSWERED;
    return request_answer_json(
        request, "{\"trace_level\":[\"OFF\"],\"trace_rate\":\"1000\",\"trace_count\":\"-1\","
                 "\"log_frequency\":\"0\",\"trace_file\":\"\",\"trace_mode\":\"triton\"}\n");
}

enum read_verdict v2_trace_change(struct request *request, const char *body, size_t len)
{
    if (!is_admin(request))
        return READ_ANSWERED;
    struct json_in *document = open_body(request, body, len);
    if (!document)
        return READ_ANSWERED;
    const json_node *level = json_in_member(document, "trace_level");
    bool is_off = true;
    for (const json_node *item = json_node_first(level); item; item = json_node_next(item)) {
        const char *text = json_node_text(item);
        is_off &= text && strcmp(text, "OFF") == 0;
    }
    json_in_close(document);
    if (is_off)
        return v2_trace_read(request, NULL, 0);
    request_fail(request, 501, "traces are not written: Server-Timing and /metrics have the times");
    return READ_ANSWERED;
}
