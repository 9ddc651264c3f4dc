/* relud serve: load, listen, turn until told to stop, drain. */
#include "server/commands.h"

#include "server/clock.h"
#include "server/config.h"
#include "server/cors.h"
#include "server/cpus.h"
#include "server/http.h"
#include "server/intake.h"
#include "server/keeper.h"
#include "server/listen.h"
#include "server/log.h"
#include "server/policy.h"
#include "server/privileges.h"
#include "server/stream.h"
#include "server/supervisor.h"
#include "server/tls.h"
#include "server/worker.h"
#include <malloc.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct serve {
    struct config config;
    struct repository *repository;
    struct keeper keeper;
    struct keyring keyring;
    struct tls_files tls_files;
    struct tls *tls; /* NULL: in the clear */
    struct metrics metrics;
    struct service_state state;
    struct intake intake;
    struct worker *worker;
    size_t workers, started;
    unsigned stops_seen;
};

static void on_wake(int number)
{
    (void)number;
}

/* Signals that ask for the end (counted) or for a look at the models. A handler and not a blocked mask: OpenBLAS starts a thread before main() that
 * no mask of ours reaches, and a signal that lands there must count, too. */
static sem_t requests;
static _Atomic unsigned stops_wanted;

static void on_stop(int number)
{
    (void)number;
    stops_wanted++;
    sem_post(&requests);
}

static _Atomic bool is_reload_wanted;

static void on_reload(int number)
{
    (void)number;
    is_reload_wanted = true;
    sem_post(&requests);
}

/* Workers are woken by SIGUSR1. */
static void set_signals(void)
{
    sem_init(&requests, 0, 0);
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART},
                     wake = {.sa_handler = on_wake}, ignore = {.sa_handler = SIG_IGN},
                     reload = {.sa_handler = on_reload, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGHUP, &reload, NULL);
    sigaction(SIGUSR1, &wake, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

static void call_workers(void *user)
{
    struct serve *serve = user;
    intake_call_all(&serve->intake);
}

static bool load_models(struct serve *serve, struct relud_error *error)
{
    const struct config *config = &serve->config;
    const struct repository_options options = {
        .entry = {.model = {.math = (enum relud_math)config->math,
                            .isa = (enum relud_isa)config->isa},
                  .workers = serve->workers,
                  .batch_rows_max = config->batch_rows_max},
        .policy = config->versions,
        .on_change = call_workers,
        .user = serve,
    };
    enum relud_isa isa = options.entry.model.isa;
    if (isa != RELUD_ISA_BEST && isa > relud_isa_best())
        return relud_fail(error, RELUD_UNSUPPORTED, "--isa %s: this CPU has %s at the most",
                          relud_isa_name(isa), relud_isa_name(relud_isa_best()));
    serve->repository = repository_open(config->models, config->models_len, &options, error);
    return serve->repository != NULL;
}

/* Descriptors for connections: what the limit allows less a reserve for files, or what was asked for. */
static size_t connections_max(const struct serve *serve)
{
    enum { RESERVE = 64, LEAST = 16 };
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
    size_t most = files.rlim_cur > 1u << 20 ? 1u << 20 : (size_t)files.rlim_cur;
    most = most > RESERVE + LEAST ? most - RESERVE : LEAST;
    if (serve->config.connections_max && serve->config.connections_max < most)
        most = serve->config.connections_max;
    size_t each = most / serve->workers;
    return each ? each : 1;
}

static bool open_workers(struct serve *serve, struct relud_error *error)
{
    bool is_suspending =
        serve->config.suspend || serve->config.batch_delay_us || !http_calls_again();
    size_t each_max = connections_max(serve); /* first: it makes room for descriptors */
    if (!stream_open(error) || !intake_init(&serve->intake, serve->workers, each_max, error) ||
        (serve->tls &&
         !intake_use_tls(&serve->intake, serve->tls, serve->config.header_timeout_ms, error)))
        return false;
    if (!metrics_init(&serve->metrics, serve->workers))
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    serve->worker = calloc(serve->workers, sizeof *serve->worker);
    if (!serve->worker)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < serve->workers; i++) {
        serve->worker[i].service = (struct service){.config = &serve->config,
                                                    .keeper = &serve->keeper,
                                                    .keyring = &serve->keyring,
                                                    .metrics = &serve->metrics,
                                                    .shard = &serve->metrics.shard[i],
                                                    .state = &serve->state};
        if (!worker_open(&serve->worker[i], i, &serve->intake.seat[i], is_suspending, error))
            return false;
    }
    for (; serve->started < serve->workers; serve->started++)
        if (!worker_start(&serve->worker[serve->started], error))
            return false;
    return true;
}

static bool all_ended(const struct serve *serve)
{
    for (size_t i = 0; i < serve->started; i++)
        if (!serve->worker[i].is_ended)
            return false;
    return true;
}

/* Keys or certificates that cannot be read change nothing. */
static void reload(struct serve *serve)
{
    struct relud_error error;
    keeper_refresh(&serve->keeper);
    if (serve->keyring.path && !keyring_load(&serve->keyring, &error))
        log_error("%s: the keys stay as they were", error.text);
    if (serve->tls && !tls_reload(serve->tls, &error))
        log_error("%s: the certificates stay as they were", error.text);
}

/* Who can reach it without a key should be known to who starts it. */
static void warn_open(const struct serve *serve, const char *shown)
{
    bool is_loopback = strncmp(shown, "127.", 4) == 0 || strncmp(shown, "[::1]", 5) == 0;
    if (!is_loopback && geteuid() == 0)
        log_warn("runs as root: --user NAME gives that up");
    if (!is_loopback && !serve->keyring.path && !serve->tls_files.client_ca)
        log_warn("%s is open to whoever reaches it: --api-keys asks for keys", shown);
}

/* Waits up to `ms` for a request to stop; one to reload is passed on at once. */
static bool wait_stop(struct serve *serve, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    while (sem_clockwait(&requests, CLOCK_MONOTONIC, &until) == 0) {
        if (stops_wanted > serve->stops_seen) {
            serve->stops_seen++;
            return true;
        }
        if (atomic_exchange(&is_reload_wanted, false))
            reload(serve);
    }
    return false;
}

/* /readyz 503 at once; after the delay no new connections; then until the last answer is out, or the time is up, or
 * a second signal. False when connections had to be cut. */
static bool drain(struct serve *serve)
{
    serve->state.is_draining = true;
    if (serve->config.drain_delay_seconds &&
        wait_stop(serve, (int64_t)serve->config.drain_delay_seconds * 1000))
        return false;
    intake_stop(&serve->intake);
    for (size_t i = 0; i < serve->started; i++)
        serve->worker[i].is_stopping = true;
    int64_t end_ns = clock_ns() + (int64_t)serve->config.drain_seconds * 1000000000;
    while (!all_ended(serve)) {
        for (size_t i = 0; i < serve->started; i++)
            if (!serve->worker[i].is_ended)
                worker_wake(&serve->worker[i]);
        if (clock_ns() > end_ns || wait_stop(serve, 10))
            return all_ended(serve);
    }
    return true;
}

static void close_all(struct serve *serve)
{
    for (size_t i = 0; i < serve->started; i++)
        pthread_join(serve->worker[i].thread, NULL);
    keeper_stop(&serve->keeper);
    for (size_t i = 0; serve->worker && i < serve->workers; i++)
        worker_close(&serve->worker[i]);
    free(serve->worker);
    intake_reset(&serve->intake);
    metrics_reset(&serve->metrics);
    repository_free(serve->repository);
    keyring_free(&serve->keyring);
    tls_free(serve->tls);
    config_free(&serve->config);
}

static int fail(struct serve *serve, const struct relud_error *error)
{
    fprintf(stderr, "relud: serve: %s\n", error->text);
    if (serve->started) /* threads run: leave them to the kernel */
        _exit(1);
    close_all(serve);
    return 1;
}

static int wrong_usage(struct serve *serve, const struct relud_error *error)
{
    fprintf(stderr, "relud: serve: %s (see relud help serve)\n", error->text);
    config_free(&serve->config);
    return 2;
}

/* By whether it is the configuration or the machine that is wrong. */
static int refuse(struct serve *serve, const struct relud_error *error)
{
    return error->code == RELUD_BAD_INPUT ? wrong_usage(serve, error) : fail(serve, error);
}

/* Bodies and answers come and go with every request: a few megabytes of their memory stay with the process, instead of
 * being mapped and cleared by the kernel for each. */
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

static void log_models(const struct serve *serve)
{
    struct catalog *catalog = repository_take(serve->repository);
    for (size_t i = 0; i < catalog->items; i++) {
        const struct entry *entry = catalog->item[i].entry;
        if (entry)
            log_info("model %s version %s: %zu features, %zu outputs, %zu parameters", entry->name,
                     entry->version, entry->info->features, entry->info->outputs,
                     entry->info->parameters);
    }
    catalog_release(catalog);
}

/* The socket that a supervisor has opened, or else our own; -1 and *error when there can be none. */
static int listen_at(int given_fd, const char *option, const char *address, char *shown,
                     size_t shown_size, struct relud_error *error)
{
    if (given_fd < 0)
        return listen_open(option, address, shown, shown_size, error);
    listen_show(given_fd, shown, shown_size);
    return given_fd;
}

/* Both listening sockets; *admin_fd is -1 where none is wanted. */
static bool open_sockets(const struct config *config, int *listen_fd, char *shown, int *admin_fd,
                         char *admin_shown, size_t shown_size, struct relud_error *error)
{
    int given, admin_given;
    if (!supervisor_sockets(&given, &admin_given, error))
        return false;
    *listen_fd = listen_at(given, "--listen", config->listen, shown, shown_size, error);
    *admin_fd = -1;
    if (*listen_fd < 0)
        return false;
    if (admin_given < 0 && !*config->admin_listen)
        return true;
    *admin_fd = listen_at(admin_given, "--admin-listen", config->admin_listen, admin_shown,
                          shown_size, error);
    return *admin_fd >= 0;
}

/* Certificate and key belong together; client CAs want both. */
static bool open_tls(struct serve *serve, struct relud_error *error)
{
    const struct config *config = &serve->config;
    if (!*config->tls_cert != !*config->tls_key || (*config->tls_client_ca && !*config->tls_cert))
        return relud_fail(error, RELUD_BAD_INPUT,
                          "--tls-cert and --tls-key go together, and --tls-client-ca wants both");
    if (!*config->tls_cert)
        return true;
    serve->tls_files =
        (struct tls_files){.cert = config->tls_cert,
                           .key = config->tls_key,
                           .client_ca = *config->tls_client_ca ? config->tls_client_ca : NULL};
    serve->tls = tls_open(&serve->tls_files, error);
    return serve->tls != NULL;
}

/* After this the process reads files and answers on the sockets that it has. */
static bool give_up_rights(const struct serve *serve, struct relud_error *error)
{
    char how[64];
    if (*serve->config.user && !privileges_become(serve->config.user, error))
        return false;
    if (serve->keyring.path || serve->tls)
        privileges_hide_memory();
    if (serve->config.no_sandbox)
        return true;
    privileges_confine(how);
    if (*how)
        log_info("confined by %s: no writing, no programs, no connections of its own", how);
    else
        log_info("neither Landlock nor seccomp is to be had here: not confined");
    return true;
}

int cmd_serve(int argc, char **argv)
{
    struct serve serve = {0};
    struct relud_error error;
    char shown[128], admin_shown[128];
    if (!config_read(&serve.config, argc, argv, &error))
        return wrong_usage(&serve, &error);
    log_setup((enum log_level)serve.config.log_level, serve.config.log_format);
    int64_t begin_ns = clock_ns();
    set_signals();
    keep_memory();
    if (!policy_is(serve.config.versions)) {
        relud_fail(&error, RELUD_BAD_INPUT, "--versions: '%.60s' is none of latest:N, all, 1,3",
                   serve.config.versions);
        return wrong_usage(&serve, &error);
    }
    if (!cors_check(serve.config.cors_origins, &error))
        return wrong_usage(&serve, &error);
    if (*serve.config.api_keys) {
        serve.keyring.path = serve.config.api_keys;
        if (!keyring_load(&serve.keyring, &error))
            return fail(&serve, &error);
    }
    if (!open_tls(&serve, &error))
        return refuse(&serve, &error);
    int listen_fd, admin_fd;
    if (!open_sockets(&serve.config, &listen_fd, shown, &admin_fd, admin_shown, sizeof shown,
                      &error))
        return refuse(&serve, &error);
    if (!give_up_rights(&serve, &error))
        return refuse(&serve, &error);
    serve.workers = serve.config.workers ? serve.config.workers : cpus_allowed();
    if (!load_models(&serve, &error) ||
        !keeper_start(&serve.keeper, serve.repository, serve.config.poll_seconds, call_workers,
                      &serve, &error) ||
        !open_workers(&serve, &error) || !intake_start(&serve.intake, listen_fd, admin_fd, &error))
        return fail(&serve, &error);
    const char *scheme = serve.tls ? "https" : "http";
    log_models(&serve);
    log_info("ready in %.0f ms, %zu workers", (double)(clock_ns() - begin_ns) * 1e-6,
             serve.workers);
    if (admin_fd >= 0)
        log_info("administrators at %s://%s: who reaches it may load and unload models", scheme,
                 admin_shown);
    warn_open(&serve, shown);
    log_info("listening on %s://%s", scheme, shown);
    supervisor_notify("READY=1");
    while (!wait_stop(&serve, 3600000))
        ;
    log_info("draining");
    supervisor_notify("STOPPING=1");
    bool is_drained = drain(&serve);
    if (!is_drained) {
        log_warn("connections were cut: time was up, or a second signal came");
        _exit(0);
    }
    close_all(&serve);
    return 0;
}
