/* relud bench: load on a server, and percentiles of how long its answers took. */
#include "server/commands.h"

#include "server/load.h"
#include "server/text.h"
#include <getopt.h>
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
    const char *url, *method;
    const char *body[BODIES_MAX];
    const char *header[HEADERS_MAX];
    size_t bodies, headers;
    struct text request[BODIES_MAX];
    const char *request_at[BODIES_MAX];
    size_t request_len[BODIES_MAX];
    bool is_json;
    struct load_plan plan;
};

static const double percents[] = {50, 75, 90, 99, 99.9, 99.99};
enum { PERCENTS = sizeof percents / sizeof *percents };

/* ---- the command line ---- */

static bool read_number(const char *name, const char *text, double min, double max, double *value,
                        struct relud_error *error)
{
    char *end;
    *value = strtod(text, &end);
    if (end != text && !*end && *value >= min && *value <= max)
        return true;
    return relud_fail(error, RELUD_BAD_INPUT, "--%s: '%.40s' is not a number from %g to %g", name,
                      text, min, max);
}

static bool add(const char *name, const char **list, size_t *len, size_t most, const char *text,
                struct relud_error *error)
{
    if (*len == most)
        return relud_fail(error, RELUD_BAD_INPUT, "--%s: at most %zu are taken", name, most);
    list[(*len)++] = text;
    return true;
}

static bool read_option(struct bench *bench, int option, const char *value,
                        struct relud_error *error)
{
    double number;
    switch (option) {
    case 'c':
        if (!read_number("connections", value, 1, 100000, &number, error))
            return false;
        bench->plan.connections = (size_t)number;
        return true;
    case 'r':
        return read_number("rate", value, 0, 1e7, &bench->plan.rate, error);
    case 's':
        return read_number("seconds", value, 0.01, 1e6, &bench->plan.seconds, error);
    case 'w':
        return read_number("warmup", value, 0, 1e6, &bench->plan.warmup_s, error);
    case 'd':
        return add("body", bench->body, &bench->bodies, BODIES_MAX, value, error);
    case 'H':
        return (strchr(value, ':') && !strpbrk(value, "\r\n")) ||
                       relud_fail(error, RELUD_BAD_INPUT, "--header: 'NAME: VALUE' is wanted")
                   ? add("header", bench->header, &bench->headers, HEADERS_MAX, value, error)
                   : false;
    case 'X':
        bench->method = value;
        return true;
    case 'f':
        bench->is_json = strcmp(value, "json") == 0;
        return bench->is_json || strcmp(value, "text") == 0 ||
               relud_fail(error, RELUD_BAD_INPUT, "--format: '%.40s' is not one of text|json",
                          value);
    case 'S':
        bench->plan.is_same_wanted = true;
        return true;
    default:
        return relud_fail(error, RELUD_BAD_INPUT, "an option that is unknown or lacks its value");
    }
}

static bool read_command_line(struct bench *bench, int argc, char **argv, struct relud_error *error)
{
    static const struct option options[] = {{"connections", required_argument, 0, 'c'},
                                            {"rate", required_argument, 0, 'r'},
                                            {"seconds", required_argument, 0, 's'},
                                            {"warmup", required_argument, 0, 'w'},
                                            {"body", required_argument, 0, 'd'},
                                            {"header", required_argument, 0, 'H'},
                                            {"method", required_argument, 0, 'X'},
                                            {"format", required_argument, 0, 'f'},
                                            {"same", no_argument, 0, 'S'},
                                            {0, 0, 0, 0}};
    bench->plan = (struct load_plan){.connections = 32, .seconds = 10, .warmup_s = 1};
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "c:r:s:w:d:H:X:", options, NULL)) != -1;)
        if (!read_option(bench, option, optarg, error))
            return false;
    if (argc - optind != 1)
        return relud_fail(error, RELUD_BAD_INPUT, "one URL is wanted");
    bench->url = argv[optind];
    return address_read(bench->url, &bench->address, error);
}

/* ---- requests ---- */

static bool read_body(const char *path, struct text *body, struct relud_error *error)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file)
        return relud_fail(error, RELUD_IO, "%.200s: it cannot be read", path);
    size_t got = 1;
    while (got && body->len < BODY_BYTES_MAX) {
        char *at = text_room(body, 65536);
        got = at ? fread(at, 1, 65536, file) : 0;
        body->len += got;
    }
    bool is_whole = !ferror(file) && text_is_whole(body) && body->len < BODY_BYTES_MAX;
    if (file != stdin)
        fclose(file);
    return is_whole || relud_fail(error, RELUD_IO, "%.200s: it cannot be read whole", path);
}

static bool has_header(const struct bench *bench, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < bench->headers; i++)
        if (strncasecmp(bench->header[i], name, len) == 0 && bench->header[i][len] == ':')
            return true;
    return false;
}

/* A whole request in `out`; body may be NULL. */
static void write_request(const struct bench *bench, const struct text *body, struct text *out)
{
    const struct address *address = &bench->address;
    bool is_v6 = strchr(address->host, ':') != NULL;
    text_print(out, "%s %s HTTP/1.1\r\n", bench->method, address->path);
    if (!has_header(bench, "Host"))
        text_print(out, "Host: %s%s%s:%s\r\n", is_v6 ? "[" : "", address->host, is_v6 ? "]" : "",
                   address->port);
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
    if (!bench->method)
        bench->method = bench->bodies ? "POST" : "GET";
    bench->plan.requests = bench->bodies ? bench->bodies : 1;
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
    printf("  most    %10.3f ms\n", (double)latency->max_ns * 1e-6);
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
        printf("overdue   %10llu requests, unanswered in time: the server cannot keep up\n",
               (unsigned long long)r->unanswered);
    if (r->different)
        printf("different %10llu answers, of another body than the first to the same request\n",
               (unsigned long long)r->different);
    if (r->latency.count) {
        printf("\nlatency, from when each request was %s\n",
               bench->plan.rate > 0 ? "due"
                                    : "sent (a closed loop waits for slow answers: see --rate)");
        print_latency(&r->latency);
    }
    if (r->refused.count) {
        printf("\nthe same of the answers that were not 2xx\n");
        print_latency(&r->refused);
    }
}

static void print_latency_json(const char *name, const struct latency *latency)
{
    printf(",\"%s\":{\"mean\":%.6f", name, latency_mean_ns(latency) * 1e-6);
    for (size_t i = 0; i < PERCENTS; i++)
        printf(",\"p%g\":%.6f", percents[i],
               (double)latency_percentile(latency, percents[i]) * 1e-6);
    printf(",\"max\":%.6f}", (double)latency->max_ns * 1e-6);
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
        fprintf(stderr, "relud: bench: %s (see relud help bench)\n", error.text);
        return 2;
    }
    raise_descriptor_limit();
    bool is_run = make_requests(&bench, &error) && run(&bench, &result, &error);
    if (!is_run)
        fprintf(stderr, "relud: bench: %s\n", error.text);
    else if (bench.is_json)
        print_json(&bench, &result);
    else
        print_text(&bench, &result);
    for (size_t i = 0; i < bench.plan.requests; i++)
        text_free(&bench.request[i]);
    bool is_clean = result.answers && !result.failed && !result.broken && !result.unanswered &&
                    !result.different;
    return is_run && is_clean ? 0 : 1;
}
