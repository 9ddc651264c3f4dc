/* relud serve: loads the models, listens, serves until it is told to stop, and drains. */
#include "server/serve/serve.h"

#include "server/base/address.h"
#include "server/base/clock.h"
#include "server/base/cpus.h"
#include "server/base/signals.h"
#include "server/base/user.h"
#include "server/http/cors.h"
#include "server/http/daemon.h"
#include "server/log/complain.h"
#include "server/log/log.h"
#include "server/models/loader.h"
#include "server/models/version_policy.h"
#include "server/net/acceptor.h"
#include "server/net/listen.h"
#include "server/net/stream.h"
#include "server/net/tls.h"
#include "server/serve/privileges.h"
#include "server/serve/reloader.h"
#include "server/serve/supervisor.h"
#include "server/serve/worker.h"
#include "server/settings/activation_option.h"
#include "server/settings/config.h"
#include "server/settings/environment.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HOUR_MS = 3600000 };

struct serve {
    struct config config;
    struct repository *repository;
    struct model_loader loader;
    struct reloader reloader;
    struct keyring keyring;
    struct tls_files tls_files;
    struct tls *tls; /* NULL: no TLS */
    struct metrics metrics;
    struct access_log access_log;
    struct service_state state;
    struct acceptor acceptor;
    struct worker *worker;
    struct crew *crew; /* NULL: there is one worker */
    size_t workers, started;
    bool is_loaded, is_reload_due; /* is_reload_due: asked for while models were loading */
    struct relud_error load_error;
};

static void call_workers(void *user)
{
    struct serve *serve = user;
    acceptor_call_all(&serve->acceptor);
}

/* True if models may come later: by polling, or by an administrator's request. */
static bool may_get_models(struct serve *serve)
{
    struct keys *keys = keyring_take(&serve->keyring);
    bool has_admin = keys_have(keys, KEY_ADMIN);
    keys_release(keys);
    return serve->config.poll_seconds || *serve->config.admin_listen || has_admin;
}

static bool load_models(struct serve *serve, struct relud_error *error)
{
    const struct config *config = &serve->config;
    const struct repository_options options = {
        .served = {.model = {.math = (enum relud_math)config->math,
                             .isa = (enum relud_isa)config->isa,
                             .activation = *config->activation ? config->activation : NULL},
                   .workers = serve->workers,
                   .batch_rows_max = config->batch_rows_max},
        .policy = config->versions,
        .default_model = *config->default_model ? config->default_model : NULL,
        .is_strict = config->is_strict_start,
        .may_be_empty = may_get_models(serve),
        .on_change = call_workers,
        .user = serve,
    };
    if (relud_inexact_kernels())
        log_warn("the kernels of %zu instruction sets do not give the scalar chain's bits on this "
                 "CPU and are not used: %s is",
                 relud_inexact_kernels(), relud_isa_name(relud_isa_best()));
    enum relud_isa isa = options.served.model.isa;
    if (isa != RELUD_ISA_BEST && isa > relud_isa_best())
        return relud_fail(error, RELUD_UNSUPPORTED, "--isa %s: this CPU has at most %s",
                          relud_isa_name(isa), relud_isa_name(relud_isa_best()));
    serve->repository = repository_open(config->models, config->models_len, &options, error);
    return serve->repository != NULL;
}

/* The most connections of each worker: its share of the descriptor limit less a reserve for files,
 * or of connections_max if that is lower. Raises the limit as far as it may first. */
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
    size_t each_max =
        connections_max(serve); /* first: it raises the limit that stream_open reads */
    if (!stream_open(error) || !acceptor_init(&serve->acceptor, serve->workers, each_max, error) ||
        (serve->tls &&
         !acceptor_use_tls(&serve->acceptor, serve->tls, serve->config.header_timeout_ms, error)))
        return false;
    if (!metrics_init(&serve->metrics, serve->workers))
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    serve->worker = calloc(serve->workers, sizeof *serve->worker);
    if (!serve->worker)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    if (serve->workers > 1 && !(serve->crew = crew_new(serve->workers, error)))
        return false;
    for (size_t i = 0; i < serve->workers; i++) {
        serve->worker[i].service =
            (struct service){.config = &serve->config,
                             .loader = &serve->loader,
                             .keyring = &serve->keyring,
                             .metrics = &serve->metrics,
                             .access = serve->access_log.lines ? &serve->access_log.lines[i] : NULL,
                             .shard = &serve->metrics.shard[i],
                             .state = &serve->state};
        if (!worker_open(&serve->worker[i], i, &serve->acceptor.queue[i], is_suspending, error))
            return false;
        serve->worker[i].service.turn.crew = serve->crew;
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

/* Warns the operator if other machines can reach the service and it runs as root, or asks for
 * neither keys nor client certificates. */
static void warn_open(const struct serve *serve, const char *shown)
{
    bool is_loopback = strncmp(shown, "127.", 4) == 0 || strncmp(shown, "[::1]", 5) == 0;
    if (!is_loopback && geteuid() == 0)
        log_warn("running as root; --user NAME gives up root's rights");
    if (!is_loopback && !serve->keyring.path && !serve->tls_files.client_ca)
        log_warn("%s is open to everyone who can reach it; --api-keys makes it ask for keys",
                 shown);
}

static void *run_load(void *at)
{
    struct serve *serve = at;
    serve->is_loaded = load_models(serve, &serve->load_error);
    signals_call();
    return NULL;
}

/* Loads the models in a thread, so that a file that takes long to read does not delay a signal.
 * Ends the process if the end is asked for meanwhile. */
static bool load_models_or_stop(struct serve *serve, struct relud_error *error)
{
    pthread_t thread;
    int failure = pthread_create(&thread, NULL, run_load, serve);
    if (failure)
        return relud_fail(error, RELUD_IO, "the thread that loads models does not start: %s",
                          strerror(failure));
    signals_listen();
    enum signals_event event;
    while ((event = signals_wait(HOUR_MS)) != SIGNALS_CALL) {
        serve->is_reload_due |= event == SIGNALS_RELOAD;
        if (event != SIGNALS_STOP)
            continue;
        log_info("stopped while models were loading");
        supervisor_notify("STOPPING=1");
        _exit(0);
    }
    pthread_join(thread, NULL);
    if (!serve->is_loaded)
        *error = serve->load_error;
    return serve->is_loaded;
}

static void reload(struct serve *serve)
{
    model_loader_refresh(&serve->loader);
    log_helper_reopen(&serve->access_log.helper);
    reloader_ask(&serve->reloader);
}

/* Waits until the end is asked for, and reloads on SIGHUP. */
static void wait_stop(struct serve *serve)
{
    if (serve->is_reload_due)
        reload(serve);
    for (enum signals_event event; (event = signals_wait(HOUR_MS)) != SIGNALS_STOP;)
        if (event == SIGNALS_RELOAD)
            reload(serve);
}

/* Waits `ms` milliseconds. Returns true at once if the end is asked for a second time. Does not
 * reload any more. */
static bool is_stopped_again(int64_t ms)
{
    int64_t end_ns = clock_ns() + ms * 1000000, left_ns = ms * 1000000;
    for (; left_ns > 0; left_ns = end_ns - clock_ns())
        if (signals_wait((left_ns + 999999) / 1000000) == SIGNALS_STOP)
            return true;
    return false;
}

/* Makes /readyz answer 503 at once, and accepts no connections after the delay. Then waits until
 * the last response is sent, the time is up, or a second signal comes. Returns false if connections
 * must be cut. */
static bool drain(struct serve *serve)
{
    serve->state.is_draining = true;
    if (is_stopped_again((int64_t)serve->config.drain_delay_seconds * 1000))
        return false;
    acceptor_stop(&serve->acceptor);
    for (size_t i = 0; i < serve->started; i++)
        serve->worker[i].is_stopping = true;
    int64_t end_ns = clock_ns() + (int64_t)serve->config.drain_seconds * 1000000000;
    while (!all_ended(serve)) {
        for (size_t i = 0; i < serve->started; i++)
            if (!serve->worker[i].is_ended)
                worker_wake(&serve->worker[i]);
        if (clock_ns() > end_ns || is_stopped_again(10))
            return all_ended(serve);
    }
    return true;
}

/* Stops the threads that read files. If one of them still waits for a file, ends the process:
 * nobody needs that file any more. */
static void stop_readers(struct serve *serve, int status)
{
    enum { PATIENCE_MS = 200 };
    if (model_loader_stop(&serve->loader, PATIENCE_MS) &&
        reloader_stop(&serve->reloader, PATIENCE_MS))
        return;
    log_info("stopped before all model files were read");
    _exit(status);
}

static void close_all(struct serve *serve, int status)
{
    for (size_t i = 0; i < serve->started; i++)
        pthread_join(serve->worker[i].thread, NULL);
    stop_readers(serve, status);
    for (size_t i = 0; serve->worker && i < serve->workers; i++)
        worker_close(&serve->worker[i]);
    access_log_close(&serve->access_log);
    free(serve->worker);
    crew_free(serve->crew);
    acceptor_reset(&serve->acceptor);
    metrics_reset(&serve->metrics);
    repository_free(serve->repository);
    keyring_free(&serve->keyring);
    tls_free(serve->tls);
    config_free(&serve->config);
}

static int fail(struct serve *serve, const struct relud_error *error)
{
    complain("serve: %s", error->text);
    if (serve->started) /* threads run: the kernel ends them */
        _exit(1);
    close_all(serve, 1);
    return 1;
}

static int wrong_usage(struct serve *serve, const struct relud_error *error)
{
    config_free(&serve->config);
    return options_refuse("serve", error);
}

/* Reports wrong usage if the configuration is at fault, otherwise a failure. Returns the exit
 * status. */
static int refuse(struct serve *serve, const struct relud_error *error)
{
    return error->code == RELUD_BAD_INPUT ? wrong_usage(serve, error) : fail(serve, error);
}

/* Lets the process keep a few megabytes of freed memory. Every request allocates its body and
 * response; otherwise the kernel would map and clear that memory each time. */
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

static void log_models(const struct serve *serve)
{
    struct catalog *catalog = repository_take(serve->repository);
    for (size_t i = 0; i < catalog->items; i++) {
        const struct served_model *served = catalog->item[i].served;
        if (served)
            log_info("model %s version %s: %zu features, %zu outputs, %zu parameters", served->name,
                     served->version, served->info->features, served->info->outputs,
                     served->info->parameters);
    }
    catalog_release(catalog);
}

/* Returns the socket that a supervisor has opened, or else a new one; -1 and *error on failure. */
static int listen_at(int given_fd, const char *option, const char *address, char *shown,
                     size_t shown_size, struct relud_error *error)
{
    if (given_fd < 0)
        return listen_open(option, address, shown, shown_size, error);
    listen_show(given_fd, shown, shown_size);
    return given_fd;
}

/* Opens both listening sockets. *admin_fd is -1 if no admin address is wanted. */
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

/* Turns TLS on if a certificate is given. Certificate and key must be given together, and client
 * CAs need both. */
static bool open_tls(struct serve *serve, struct relud_error *error)
{
    const struct config *config = &serve->config;
    if (!*config->tls_cert != !*config->tls_key || (*config->tls_client_ca && !*config->tls_cert))
        return relud_fail(
            error, RELUD_BAD_INPUT,
            "--tls-cert and --tls-key must be given together, and --tls-client-ca needs both");
    if (!*config->tls_cert)
        return true;
    serve->tls_files =
        (struct tls_files){.cert = config->tls_cert,
                           .key = config->tls_key,
                           .client_ca = *config->tls_client_ca ? config->tls_client_ca : NULL};
    serve->tls = tls_open(&serve->tls_files, error);
    return serve->tls != NULL;
}

/* After this the process can only read files and answer on the sockets that it has. */
static bool give_up_rights(const struct serve *serve, struct relud_error *error)
{
    char how[64];
    supervisor_connect();
    if (*serve->config.user && !user_become(serve->config.user, error))
        return false;
    if (serve->keyring.path || serve->tls)
        privileges_hide_memory();
    if (serve->config.no_sandbox)
        return true;
    privileges_confine(how);
    if (*how)
        log_info("confined by %s: it cannot write files, start programs or open connections", how);
    else
        log_info("not confined: this kernel has neither Landlock nor seccomp");
    return true;
}

static bool open_access_log(struct serve *serve, struct relud_error *error)
{
    const struct config *config = &serve->config;
    return !*config->access_log ||
           access_log_open(&serve->access_log, config->access_log, config->user, config->log_format,
                           config->access_log_share, serve->workers, error);
}

/* Starts the threads that read files while the workers serve. */
static bool start_readers(struct serve *serve, struct relud_error *error)
{
    serve->reloader = (struct reloader){
        .keyring = &serve->keyring, .tls = serve->tls, .on_done = call_workers, .user = serve};
    return model_loader_start(&serve->loader, serve->repository, serve->config.poll_seconds,
                              call_workers, serve, error) &&
           reloader_start(&serve->reloader, error);
}

/* Checks values that the options' own parsers do not check. */
static bool check_config(const struct config *config, struct relud_error *error)
{
    if (!version_policy_is(config->versions))
        return relud_fail(error, RELUD_BAD_INPUT,
                          "--versions: '%s' is not one of latest:N, all, or a list such as 1,3",
                          config->versions);
    struct relud_model_options options = {0};
    if (!activation_option_read(config->activation, &options, error))
        return false;
    if (config->models_len == 0)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "no MODEL is given: an .onnx file, a model directory, or a repository "
                          "of them, which may still be empty with --admin-listen or "
                          "--poll-seconds");
    char host[ADDRESS_HOST_SIZE], port[ADDRESS_PORT_SIZE];
    return address_read_listen("--listen", config->listen, host, port, error) &&
           (!*config->admin_listen ||
            address_read_listen("--admin-listen", config->admin_listen, host, port, error)) &&
           cors_check(config->cors_origins, error);
}

int cmd_serve(int argc, char **argv)
{
    struct serve serve = {0};
    struct relud_error error;
    char shown[128], admin_shown[128];
    signals_open();
    if (!config_read(&serve.config, argc, argv, &error) || !check_config(&serve.config, &error))
        return wrong_usage(&serve, &error);
    log_setup((enum log_level)serve.config.log_level, serve.config.log_format);
    environment_warn(&serve_options);
    if (serve.config.is_model_found)
        log_info("no MODEL is given: serving %s", serve.config.models[0]);
    int64_t begin_ns = clock_ns();
    keep_memory();
    serve.workers = serve.config.workers ? serve.config.workers : cpus_allowed();
    /* First: the helper process must not inherit keys or sockets. */
    if (!open_access_log(&serve, &error))
        return fail(&serve, &error);
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
    if (!load_models_or_stop(&serve, &error) || !start_readers(&serve, &error) ||
        !open_workers(&serve, &error) ||
        !acceptor_start(&serve.acceptor, listen_fd, admin_fd, &error))
        return fail(&serve, &error);
    const char *scheme = serve.tls ? "https" : "http";
    log_models(&serve);
    log_info("ready in %.0f ms, %zu workers", (double)(clock_ns() - begin_ns) * 1e-6,
             serve.workers);
    if (admin_fd >= 0)
        log_info("administrators at %s://%s: everyone who can reach it may load and unload models",
                 scheme, admin_shown);
    warn_open(&serve, shown);
    log_info("listening on %s://%s", scheme, shown);
    supervisor_notify("READY=1");
    wait_stop(&serve);
    log_info("draining");
    supervisor_notify("STOPPING=1");
    bool is_drained = drain(&serve);
    if (!is_drained) {
        log_warn("connections were cut: time was up, or a second signal came");
        _exit(0);
    }
    close_all(&serve, 0);
    return 0;
}
