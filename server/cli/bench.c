/* relud bench: puts load on a server and reports percentiles of its answer times. */
#include "server/cli/commands.h"

#include "server/base/text.h"
#include "server/client/load_generator.h"
#include "server/http/framing.h"
#include "server/log/complain.h"
#include <errno.h>
#include <math.h>
#include <relud/relud.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

enum { BODIES_MAX = 64, HEADERS_MAX = 32, BODY_BYTES_MAX = 1 << 30 };

struct bench {
    struct address address;
    const char *url;
    char *method, *bodies_text, *headers_text; /* as given, a line each */
    const char *body[BODIES_MAX];
    const char *header[HEADERS_MAX];
    size_t bodies, headers;
    struct text request[BODIES_MAX];
    const char *request_at[BODIES_MAX];
    size_t request_len[BODIES_MAX];
    int is_json;
    struct load_plan plan;
};

static const double percents[] = {50, 75, 90, 99, 99.9, 99.99};
enum { PERCENTS = sizeof percents / sizeof *percents };

/* ---- the command line ---- */

#define AT(field) offsetof(struct bench, field)
static const struct option table[] = {
    {"body", OPTION_LINES, AT(bodies_text), "", "FILE", 0, 0,
     "POST the bytes of this file. If the option is given more than once, the files take turns. "
     "Without it the requests are GET."},
    {"connections", OPTION_COUNT, AT(plan.connections), "32", 0, 1, 100000,
     "Keep this many connections open."},
    {"rate", OPTION_REAL, AT(plan.rate), "0", 0, 0, 1e7,
     "Send this many requests a second, however slow the answers are (open loop). Latencies then "
     "count from when each request was due. 0 sends a request as soon as the last answer is there "
     "(closed loop)."},
    {"seconds", OPTION_REAL, AT(plan.seconds), "10", 0, 0.01, 1e6, "Measure for this long."},
    {"warmup", OPTION_REAL, AT(plan.warmup_s), "1", 0, 0, 1e6,
     "Send requests for this many seconds before the measurement."},
    {"header", OPTION_LINES, AT(headers_text), "", "'NAME: VALUE'", 0, 0,
     "Send this header field. The option can be given more than once."},
    {"method", OPTION_TEXT, AT(method), "", "METHOD", 0, 0,
     "Use this method in place of GET or POST."},
    {"same", OPTION_FLAG, AT(plan.is_same_wanted), "", 0, 0, 0,
     "Require that every answer has the same body as the first answer to the same request."},
    {"format", OPTION_CHOICE, AT(is_json), "text", "text|json", 0, 0,
     "Print the report in this format."},
};
const struct options bench_options = {table, sizeof table / sizeof *table, "URL", NULL};

/* Splits the lines of an option that may be given more than once. */
static bool split(const char *name, char *text, const char **list, size_t *len, size_t most,
                  struct relud_error *error)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (*len == most)
            return relud_fail(error, RELUD_BAD_INPUT, "--%s can be given at most %zu times", name,
                              most);
        list[(*len)++] = line;
    }
    return true;
}

static bool read_command_line(struct bench *bench, int argc, char **argv, struct relud_error *error)
{
    struct option_words words = {.at = &bench->url, .max = 1};
    if (!options_set_defaults(&bench_options, bench, error) ||
        !options_read(&bench_options, argc, argv, bench, &words, error) ||
        !split("body", bench->bodies_text, bench->body, &bench->bodies, BODIES_MAX, error) ||
        !split("header", bench->headers_text, bench->header, &bench->headers, HEADERS_MAX, error))
        return false;
    for (size_t i = 0; i < bench->headers; i++)
        if (!strchr(bench->header[i], ':') || strchr(bench->header[i], '\r'))
            return relud_fail(error, RELUD_BAD_INPUT, "--header: '%s' is not 'NAME: VALUE'",
                              bench->header[i]);
    if (*bench->method && !framing_is_token(bench->method, strlen(bench->method)))
        return relud_fail(error, RELUD_BAD_INPUT, "--method: '%s' is not a method", bench->method);
    return address_read(bench->url, &bench->address, error);
}

/* ---- requests ---- */

static bool read_body(const char *path, struct text *body, struct relud_error *error)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file)
        return relud_fail(error, RELUD_IO, "%s: %s", path, strerror(errno));
    size_t got = 1;
    while (got && body->len < BODY_BYTES_MAX) {
        char *at = text_room(body, 65536);
        got = at ? fread(at, 1, 65536, file) : 0;
        body->len += got;
    }
    bool is_whole = !ferror(file) && text_is_whole(body) && body->len < BODY_BYTES_MAX;
    if (file != stdin)
        fclose(file);
    return is_whole ||
           relud_fail(error, RELUD_IO, "%s: the file could not be read completely", path);
}

static bool has_header(const struct bench *bench, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < bench->headers; i++)
        if (strncasecmp(bench->header[i], name, len) == 0 && bench->header[i][len] == ':')
            return true;
    return false;
}

static const char *method_of(const struct bench *bench)
{
    return *bench->method ? bench->method : bench->bodies ? "POST" : "GET";
}

/* Writes a whole request to `out`; body may be NULL. */
static void write_request(const struct bench *bench, const struct text *body, struct text *out)
{
    const struct address *address = &bench->address;
    char host[ADDRESS_HOST_SIZE + ADDRESS_PORT_SIZE + 4];
    address_print(host, sizeof host, address->host, address->port);
    text_print(out, "%s %s HTTP/1.1\r\n", method_of(bench), address->path);
    if (!has_header(bench, "Host"))
        text_print(out, "Host: %s\r\n", host);
    for (size_t i = 0; i < bench->headers; i++)
        text_print(out, "%s\r\n", bench->header[i]);
    if (body && !has_header(bench, "Content-Type"))
        text_put(out, "Content-Type: application/json\r\n");
    if (body)
        text_print(out, "Content-Length: %zu\r\n", body->len);
    text_put(out, "\r\n");
    if (body)
        text_put_n(out, body->at, body->len);
}

static bool make_requests(struct bench *bench, struct relud_error *error)
{
    bench->plan.requests = bench->bodies ? bench->bodies : 1;
    bench->plan.is_head = strcmp(method_of(bench), "HEAD") == 0;
    for (size_t i = 0; i < bench->plan.requests; i++) {
        struct text body = {0};
        bool is_read = !bench->bodies || read_body(bench->body[i], &body, error);
        if (is_read)
            write_request(bench, bench->bodies ? &body : NULL, &bench->request[i]);
        text_free(&body);
        if (!is_read)
            return false;
        if (!text_is_whole(&bench->request[i]))
            return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    }
    return true;
}

static void raise_descriptor_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static bool run(struct bench *bench, struct load_result *result, struct relud_error *error)
{
    for (size_t i = 0; i < bench->plan.requests; i++) {
        bench->request_at[i] = bench->request[i].at;
        bench->request_len[i] = bench->request[i].len;
    }
    bench->plan.address = &bench->address;
    bench->plan.request = bench->request_at;
    bench->plan.request_len = bench->request_len;
    return load_run(&bench->plan, result, error);
}

/* ---- the report ---- */

static void print_latency(const struct latency *latency)
{
    printf("  mean    %10.3f ms\n", latency_mean_ns(latency) * 1e-6);
    for (size_t i = 0; i < PERCENTS; i++)
        printf("  %5g %% %10.3f ms\n", percents[i],
               (double)latency_percentile(latency, percents[i]) * 1e-6);
    printf("  max     %10.3f ms\n", (double)latency->max_ns * 1e-6);
}

static void print_text(const struct bench *bench, const struct load_result *r)
{
    printf("%s: %zu connections, ", bench->url, bench->plan.connections);
    if (bench->plan.rate > 0)
        printf("open loop at %g requests/s", bench->plan.rate);
    else
        printf("closed loop");
    printf(", %g s after %g s of warm-up\n\n", r->seconds, bench->plan.warmup_s);
    printf("answers   %10.0f /s   %llu in all\n", (double)r->answers / r->seconds,
           (unsigned long long)r->answers);
    for (size_t code = 0; code < LOAD_CODES; code++)
        if (r->code[code])
            printf("  %3zu     %10llu\n", code, (unsigned long long)r->code[code]);
    if (r->broken)
        printf("broken    %10llu connections\n", (unsigned long long)r->broken);
    if (r->unanswered)
        printf("overdue   %10llu requests without an answer in time: the server cannot keep up\n",
               (unsigned long long)r->unanswered);
    if (r->different)
        printf(
            "different %10llu answers with another body than the first one to the same request\n",
            (unsigned long long)r->different);
    if (r->latency.count) {
        printf("\nlatency from when each request was %s\n",
               bench->plan.rate > 0
                   ? "due"
                   : "sent (a closed loop waits for slow answers; --rate does not)");
        print_latency(&r->latency);
    }
    if (r->refused.count) {
        printf("\nlatency of the answers that were not 2xx\n");
        print_latency(&r->refused);
    }
}

/* Prints null when there was no answer to measure. */
static void print_ms(const char *name, const struct latency *latency, double ns)
{
    if (latency->count)
        printf("\"%s\":%.6f", name, ns * 1e-6);
    else
        printf("\"%s\":null", name);
}

static void print_latency_json(const char *name, const struct latency *latency)
{
    char percent[16];
    printf(",\"%s\":{", name);
    print_ms("mean", latency, latency_mean_ns(latency));
    for (size_t i = 0; i < PERCENTS; i++) {
        snprintf(percent, sizeof percent, "p%g", percents[i]);
        printf(",");
        print_ms(percent, latency, (double)latency_percentile(latency, percents[i]));
    }
    printf(",");
    print_ms("max", latency, (double)latency->max_ns);
    printf("}");
}

static void print_json(const struct bench *bench, const struct load_result *r)
{
    struct text url = {0};
    text_json(&url, bench->url);
    printf("{\"url\":%.*s,\"connections\":%zu,\"rate_per_second\":%g,\"warmup_seconds\":%g,"
           "\"seconds\":%g,\"answers\":%llu,\"answers_per_second\":%.1f,\"not_2xx\":%llu,"
           "\"broken_connections\":%llu,\"unanswered\":%llu,\"different\":%llu,"
           "\"bytes_received\":%llu,\"codes\":{",
           (int)url.len, url.at, bench->plan.connections, bench->plan.rate, bench->plan.warmup_s,
           r->seconds, (unsigned long long)r->answers, (double)r->answers / r->seconds,
           (unsigned long long)r->failed, (unsigned long long)r->broken,
           (unsigned long long)r->unanswered, (unsigned long long)r->different,
           (unsigned long long)r->bytes_in);
    const char *comma = "";
    for (size_t code = 0; code < LOAD_CODES; code++)
        if (r->code[code]) {
            printf("%s\"%zu\":%llu", comma, code, (unsigned long long)r->code[code]);
            comma = ",";
        }
    printf("}");
    print_latency_json("latency_ms", &r->latency);
    print_latency_json("refused_latency_ms", &r->refused);
    printf("}\n");
    text_free(&url);
}

int cmd_bench(int argc, char **argv)
{
    static struct bench bench;
    static struct load_result result;
    struct relud_error error = {0};
    if (!read_command_line(&bench, argc, argv, &error)) {
        options_free(&bench_options, &bench);
        return options_refuse("bench", &error);
    }
    raise_descriptor_limit();
    bool is_run = make_requests(&bench, &error) && run(&bench, &result, &error);
    if (!is_run)
        complain("bench: %s", error.text);
    else if (bench.is_json)
        print_json(&bench, &result);
    else
        print_text(&bench, &result);
    for (size_t i = 0; i < bench.plan.requests; i++)
        text_free(&bench.request[i]);
    options_free(&bench_options, &bench);
    bool is_clean = result.answers && !result.failed && !result.broken && !result.unanswered &&
                    !result.different;
    return is_run && is_clean ? 0 : 1;
}
