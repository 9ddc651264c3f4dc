/* The program's other commands, run as a user runs them: what they print, and their exit status. */
#include "tests/http/program.h"
#include "tests/http/server.h"
#include "tests/unit/files.h"

START_TEST(usage_mistakes_exit_2_and_failures_1)
{
    runs("frobnicate", 2, "there is no command 'frobnicate'");
    runs("help", 0, "Serve models\n   serve        serve .onnx files");
    runs("help serve", 0, "--max-batch N");
    runs("predict --help", 0, "usage: relud predict");
    runs("--version", 0, "relud 0.1.0");
    runs("serve --nope 1", 2, "unknown option --nope");
    runs("serve --workers x", 2, "--workers: 'x' is not a whole number from 0 to 1024");
    runs("serve --math wild", 2, "'wild' is not one of exact|fast");
    runs("serve " DIGITS " --listen nowhere", 2, "ADDR:PORT is needed");
    setenv("AIP_HTTP_PORT", "9000", 1);
    setenv("RELUD_LISTEN", "nowhere", 1);
    runs("serve " DIGITS, 2, "ADDR:PORT is needed");
    unsetenv("AIP_HTTP_PORT");
    unsetenv("RELUD_LISTEN");
    runs("serve " DIGITS " --cors-origin https://a.example/path", 2,
         "is neither * nor scheme://host[:port]");
    runs("serve /nonexistent --listen 127.0.0.1:0", 1, "/nonexistent: No such file or directory");
    runs("serve --listen 127.0.0.1:0 " DIGITS " " DIGITS, 1,
         "model 'digits' of version 1 is served already");
    runs("check", 2, "MODEL is missing");
    runs("check " DIGITS, 0, "ok (digits version 1: 784 -> 10, 2 layers, 203530 parameters)");
    runs("check tests", 1, "neither a model.json nor a model.onnx");
    runs("predict", 2, "MODEL is missing");
    runs("predict " DIGITS " --format xml", 2, "--format: 'xml' is not one of jsonl|json|csv|npy");
    runs("healthcheck 127.0.0.1:1", 1, "Connection refused");
    runs("healthcheck x:y", 2, "'y' is not a port from 1 to 65535");
    runs("bench", 2, "URL is missing");
    runs("bench https://127.0.0.1:1/", 1, "127.0.0.1:1: Connection refused");
    runs("bench --rate fast http://localhost/", 2, "--rate: 'fast' is not a number");
    runs("bench --header x http://localhost/", 2, "--header: 'x' is not 'NAME: VALUE'");
    runs("bench --body /nonexistent http://localhost/", 1,
         "/nonexistent: No such file or directory");
    runs("bench http://127.0.0.1:1/", 1, "127.0.0.1:1: Connection refused");
}
END_TEST

START_TEST(U2_relud_alone_is_the_help)
{
    char help[4096];
    runs("help", 0, "'relud help COMMAND' explains a command and its options.");
    snprintf(help, sizeof help, "%.4000s", output);
    static const char *const same[] = {"", "--help", "-h", "help --help"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        runs(same[i], 0, "relud serves feed-forward neural nets");
        ck_assert_str_eq(output, help);
    }
    ck_assert_int_eq(run("2>/dev/null"), 0); /* on standard output */
    runs("help help extra", 2, "unexpected argument 'extra'");
    runs("--version", 0, "relud 0.1.0");
    snprintf(help, sizeof help, "%.4000s", output);
    runs("-V", 0, help);
    runs("version", 0, help);
}
END_TEST

/* However it is asked for: on standard output, exit status 0. */
START_TEST(U2_each_command_has_its_help)
{
    static const char *const commands[] = {"serve",   "predict",    "train", "evaluate",
                                           "compare", "inspect",    "check", "convert",
                                           "bench",   "healthcheck"};
    static const char *const ways[][2] = {
        {"help ", ""}, {"", " --help"}, {"", " -h"}, {"", " a b --help"}, {"", " --nonsense -h"}};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
            char words[128], usage[128];
            snprintf(usage, sizeof usage, "usage: relud %s", commands[i]);
            snprintf(words, sizeof words, "%s%s%s 2>/dev/null", ways[k][0], commands[i],
                     ways[k][1]);
            runs(words, 0, usage);
        }
    static const char *const version[] = {"help version",     "version --help", "version -h",
                                          "--version --help", "-V -h",          "-V --help"};
    for (size_t i = 0; i < sizeof version / sizeof *version; i++)
        runs(version[i], 0, "usage: relud version");
    runs("serve --config --help", 2, "--config --help: No such file"); /* a value is no question */
    runs("check -- --help", 1, "--help: No such file");
}
END_TEST

START_TEST(U2_what_was_meant_is_asked)
{
    static const struct {
        const char *words, *says;
    } cases[] = {
        {"serv", "there is no command 'serv'; did you mean 'serve'? (see relud help)"},
        {"Serve", "did you mean 'serve'?"},
        {"pred", "did you mean 'predict'?"},
        {"evalute", "did you mean 'evaluate'?"},
        {"isnpect", "did you mean 'inspect'?"},
        {"help tran", "there is no command 'tran'; did you mean 'train'?"},
        {"--versoin", "did you mean '--version'?"},
        {"serve --lisen :0", "unknown option --lisen; did you mean '--listen'? (see relud help "
                             "serve)"},
        {"serve --lisen=:0", "did you mean '--listen'?"},
        {"serve -listen :0", "did you mean '--listen'?"},
        {"serve --max_batch 3", "did you mean '--max-batch'?"},
        {"serve --math exct", "--math: 'exct' is not one of exact|fast; did you mean 'exact'?"},
        {"predict m --fromat csv", "did you mean '--format'?"},
        {"predict m --top-k=0", "--top-k: '0' is not a whole number from 1"},
        {"predict m --format jsnl", "did you mean 'jsonl'?"},
        {"inspect m --dta f", "did you mean '--data'?"},
        {"inspect m n", "unexpected argument 'n'"},
        {"inspect --data f", "MODEL is missing (see relud help inspect)"},
        {"train --epoch 3", "did you mean '--epochs'?"},
        {"train --data d --layers 4,3,2 --out o --activation rellu",
         "there is no activation 'rellu'; did you mean 'relu'?"},
        {"bench --conections 3 u", "did you mean '--connections'?"},
        {"bench --same=1 u", "--same takes no value"},
        {"bench a b", "unexpected argument 'b'"},
        {"check --all m", "unknown option --all (see relud help check)"},
        {"convert m", "DIR is missing"},
        {"convert -m d", "unknown option -m"},
        {"healthcheck a:1 b:2", "unexpected argument 'b:2'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        runs(cases[i].words, 2, cases[i].says);
    runs("frobnicate", 2,
         "there is no command 'frobnicate' (see relud help)"); /* nothing is near */
    setenv("RELUD_NONFINITE", "nul", 1);
    runs("serve", 2, "RELUD_NONFINITE: 'nul' is not one of error|null|token; did you mean 'null'?");
    unsetenv("RELUD_NONFINITE");
}
END_TEST

START_TEST(U2_a_word_that_begins_with_a_dash_can_be_a_file)
{
    runs("check -- -m", 1, "-m: No such file");
    runs("inspect --data=tests/data/digits-images-idx3-ubyte.gz -- " DIGITS, 0, "over 1000 rows");
    runs("predict --top-k=2 --format=json -- " DIGITS " - < tests/data/digit-7.json", 0,
         "\"label\":\"7\"");
}
END_TEST

START_TEST(convert_writes_a_model_that_answers_the_same)
{
    static char first[sizeof output];
    char words[512], dir[300];
    snprintf(dir, sizeof dir, "%s/net", new_directory());
    snprintf(words, sizeof words, "convert tests/data/onnx/gelu.onnx %s", dir);
    runs(words, 0, "written (2 layers, 157 parameters)");
    runs(words, 1, "already exists");
    runs("predict tests/data/onnx/gelu.onnx tests/data/onnx/x.npy", 0, "{\"row\":7,");
    memcpy(first, output, sizeof output);
    snprintf(words, sizeof words, "predict %s tests/data/onnx/x.npy", dir);
    runs(words, 0, first);
    snprintf(words, sizeof words, "inspect %s", dir);
    runs(words, 0, "gelu version 1 (relud-model/1)");
    runs("inspect tests/data/onnx/gelu.onnx", 0,
         "operations read: Gemm 2, Constant 3, Div 1, Erf 1, Add 1, Mul 2");
    runs("inspect tests/data/onnx/gelu.onnx", 0, "#1  gelu of #0: 9\n");
    runs("convert tests/data/onnx/residual.onnx /tmp/nothing", 1, "no chain of layers");
    runs("convert tests/data/onnx/relu.onnx", 2, "DIR is missing");
    runs("check tests/data/onnx/heads.onnx", 0, "12 -> 5");
    runs("check tests/data/onnx/x.npy", 1, "a NumPy array, not a model");
    dir[strlen(dir) - strlen("/net")] = '\0';
    remove_folder(dir);
}
END_TEST

START_TEST(bench_counts_every_answer)
{
    struct server server = server_on_digits();
    char words[512];
    snprintf(words, sizeof words, "healthcheck 127.0.0.1:%d", server.port);
    runs(words, 0, "");
    static const char *const listens[] = {"127.0.0.1:%d", "0.0.0.0:%d", ":%d", "[::]:%d"};
    for (size_t i = 0; i < sizeof listens / sizeof *listens; i++) { /* where it would listen */
        snprintf(words, sizeof words, listens[i], server.port);
        setenv("RELUD_LISTEN", words, 1);
        runs("healthcheck", 0, "");
    }
    unsetenv("RELUD_LISTEN");
    snprintf(words, sizeof words,
             "bench http://127.0.0.1:%d/predict --body tests/data/digit-7.json --body "
             "tests/data/digits-32.json --connections 3 --seconds 1 --warmup 0.1 --format json",
             server.port);
    runs(words, 0, "\"not_2xx\":0,\"broken_connections\":0,");
    ck_assert_ptr_nonnull(strstr(output, "\"codes\":{\"200\":"));
    /* 100 a second are due in the open loop, and each is answered, however slowly */
    snprintf(words, sizeof words,
             "bench http://127.0.0.1:%d/readyz --rate 100 --seconds 0.5 --warmup 0 --format json",
             server.port);
    runs(words, 0, "\"answers\":50,");
    snprintf(words, sizeof words, "bench http://127.0.0.1:%d/nowhere --seconds 1 --warmup 0",
             server.port);
    runs(words, 1, "  404 ");
    ck_assert_ptr_nonnull(strstr(output, "of the answers that were not 2xx"));
    strcat(words, " --format json");
    runs(words, 1,
         ",\"latency_ms\":{\"mean\":null,\"p50\":null,"); /* F21: there was none to measure */
    const char *mean = strstr(output, ",\"refused_latency_ms\":{\"mean\":");
    ck_assert(mean && strtod(strchr(mean, '{') + strlen("{\"mean\":"), NULL) > 0);
    server_stop(&server);
}
END_TEST

/* Answers that have no body, whatever their Content-Length: the connections go on. */
START_TEST(F20_bench_knows_answers_without_a_body)
{
    struct server server = server_on_digits();
    static const char *const asks[] = {"/readyz --method HEAD", "/openapi.json --method HEAD",
                                       "/metrics --method HEAD --rate 50 --seconds 1",
                                       "/relu --method OPTIONS", "/readyz"};
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        char words[512];
        snprintf(words, sizeof words,
                 "bench --connections 2 --warmup 0 --seconds 1 --format json --same "
                 "http://127.0.0.1:%d%s",
                 server.port, asks[i]);
        runs(words, 0, "\"not_2xx\":0,\"broken_connections\":0,\"unanswered\":0,\"different\":0,");
        ck_assert_ptr_null(strstr(output, "\"answers\":0,"));
        ck_assert_ptr_nonnull(strstr(output, "\"refused_latency_ms\":{\"mean\":null,"));
    }
    char words[512];
    snprintf(words, sizeof words, "bench http://127.0.0.1:%d/ --method 'GET /'", server.port);
    runs(words, 2, "--method: 'GET /' is not a method");
    server_stop(&server);
}
END_TEST

START_TEST(F13_a_port_that_is_none_is_wrong_usage_everywhere)
{
    static const struct {
        const char *words, *says;
    } cases[] = {
        {"serve " DIGITS " --listen 127.0.0.1:70000",
         "--listen 127.0.0.1:70000: '70000' is not a port from 0 to 65535"},
        {"serve " DIGITS " --listen 127.0.0.1:080", "'080' is not a port"},
        {"serve " DIGITS " --listen 127.0.0.1:80x", "'80x' is not a port"},
        {"serve " DIGITS " --listen 127.0.0.1:-1", "'-1' is not a port"},
        {"serve " DIGITS " --listen 127.0.0.1:", "'' is not a port"},
        {"serve " DIGITS " --listen 127.0.0.1", "the port is missing"},
        {"serve " DIGITS " --listen ::1:8080", "an IPv6 address must stand in brackets"},
        {"serve " DIGITS " --listen 127.0.0.1:0 --admin-listen 127.0.0.1:70000",
         "--admin-listen 127.0.0.1:70000: '70000' is not a port"},
        {"healthcheck 127.0.0.1:70000", "127.0.0.1:70000: '70000' is not a port from 1 to 65535"},
        {"healthcheck 127.0.0.1:0", "'0' is not a port from 1 to 65535"},
        {"bench http://127.0.0.1:70000/", "'70000' is not a port from 1 to 65535"},
        {"bench ::1:80", "an IPv6 address must stand in brackets"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        runs(cases[i].words, 2, cases[i].says);
    setenv("RELUD_LISTEN", "127.0.0.1:65536", 1);
    runs("serve " DIGITS, 2, "'65536' is not a port");
    unsetenv("RELUD_LISTEN");
}
END_TEST

START_TEST(threads_do_not_change_what_is_predicted)
{
    static const char *const formats[] = {"jsonl", "json", "csv", "npy"};
    static char wanted[sizeof output];
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++)
        for (int threads = 1; threads <= 5; threads++) {
            char words[256];
            snprintf(words, sizeof words,
                     "predict " DIGITS " tests/data/digits-images-idx3-ubyte.gz --format %s "
                     "--threads %d | cksum",
                     formats[f], threads);
            ck_assert_int_eq(run(words), 0);
            if (threads == 1)
                strcpy(wanted, output);
            ck_assert_str_eq(output, wanted);
        }
}
END_TEST

START_TEST(rows_come_from_every_format)
{
    static const char seven[] =
        "\"predictions\":[{\"label\":\"7\",\"index\":7,\"probability\":0.999";
    const char *dir = new_directory();
    char words[512];
    runs("predict " DIGITS " tests/data/digit-7.json", 0, seven);
    runs("predict " DIGITS " < tests/data/digit-7.json", 0, seven);
    runs("predict " DIGITS " tests/data/digits-images-idx3-ubyte.gz --top-k 2", 0, "{\"row\":999,");
    ck_assert_uint_eq(count_of(output, "\"row\""), 1000);
    ck_assert_uint_eq(count_of(output, "\"label\""), 2000);
    char *digit = read_text("tests/data/digit-7.json");
    char *row = strchr(digit, '[') + 2;
    *strchr(row, ']') = '\n';
    row[strcspn(row, "\n") + 1] = '\0';
    write_file(dir, "rows.csv", row, strlen(row));
    snprintf(words, sizeof words, "predict " DIGITS " %s/rows.csv", dir);
    runs(words, 0, seven);
    snprintf(words, sizeof words,
             "predict " DIGITS " %s/rows.csv --format npy > %s/out.npy; %s predict " DIGITS
             " %s/out.npy",
             dir, dir, relud_path(), dir);
    runs(words, 1, "rows of 10 numbers; 784 are wanted");
    snprintf(words, sizeof words, "predict " DIGITS " %s/rows.csv --format csv", dir);
    ck_assert_int_eq(run(words), 0);
    ck_assert_uint_eq(count_of(output, ","), 9);
    write_file(dir, "rows.csv", "a,b\n1,2\n3,x\n", 12);
    snprintf(words, sizeof words, "predict " DIGITS " %s/rows.csv", dir);
    runs(words, 1, "line 3, column 2: 'x' is not a number");
    write_file(dir, "rows.csv", "[1,2]\n[3,4]\n", 12);
    runs(words, 1, "rows of 2 numbers; 784 are wanted");
    write_file(dir, "rows.csv", "\0\1\2\3\4\5\6\7\10\11", 10);
    runs(words, 1, "neither JSON, CSV, npy nor IDX");
    write_file(dir, "rows.csv", "\0\0\10\3\0\0\1\0\0\0\0\34\0\0\0\34", 16);
    runs(words, 1, "idx: ");
    write_file(dir, "rows.csv", "\x93NUMPY\1\0\377\377{", 11);
    runs(words, 1, "npy: the head is not whole");
    snprintf(words, sizeof words, "%s/rows.csv", dir);
    unlink(words);
    snprintf(words, sizeof words, "%s/out.npy", dir);
    unlink(words);
    remove_directory(dir);
    free(digit);
}
END_TEST

START_TEST(inspect_shows_layers_and_units)
{
    runs("inspect " DIGITS, 0, "layers.0.weight");
    ck_assert_ptr_nonnull(strstr(output, "203530 parameters"));
    runs("inspect " DIGITS " --data tests/data/digits-images-idx3-ubyte.gz", 0, "over 1000 rows");
    ck_assert_ptr_nonnull(strstr(output, " of 256"));
}
END_TEST

START_TEST(settings_come_from_flag_environment_and_file)
{
    const char *dir = new_directory();
    char words[512];
    write_file(dir, "relud.json", "{\"max-batch\":0}", 15);
    snprintf(words, sizeof words, "serve --config %s/relud.json", dir);
    runs(words, 2, "max-batch: '0' is not a whole number from 1 to 65536");
    write_file(dir, "relud.json", "{\"colour\":0}", 12);
    runs(words, 2, "unknown key 'colour'");
    write_file(dir, "relud.json", "{\"math\":\"fast\",}", 16);
    runs(words, 2, "relud.json: a string is wanted");
    setenv("RELUD_MAX_BATCH", "-1", 1);
    runs("serve", 2, "RELUD_MAX_BATCH: '-1' is not a whole number");
    unsetenv("RELUD_MAX_BATCH");
    snprintf(words, sizeof words, "%s/relud.json", dir);
    unlink(words);
    remove_directory(dir);
}
END_TEST

/* NULL: nothing is said of it. The start fails after it has looked. */
START_TEST(U4_a_name_that_is_no_setting_is_told)
{
    static const struct {
        const char *name, *value, *says;
    } cases[] = {
        {"RELUD_LISTN", ":0",
         "relud: RELUD_LISTN is set in the environment, but there is no such setting; did you mean "
         "RELUD_LISTEN?\n"},
        {"RELUD_API_KEY", "a-secret", "did you mean RELUD_API_KEYS?\n"},
        {"RELUD_MAX_BATC", "1", "did you mean RELUD_MAX_BATCH?\n"},
        {"RELUD_COLOUR", "1",
         "relud: RELUD_COLOUR is set in the environment, but there is no such "
         "setting\n"},
        {"relud_listen", ":0",
         "relud_listen is set in the environment, but there is no such setting; "
         "did you mean RELUD_LISTEN?\n"},
        {"Relud_Workers", "1", "did you mean RELUD_WORKERS?\n"},
        {"RELUD_PORT", "8080", "RELUD_PORT is set"}, /* Kubernetes' is a URL */
        {"RELUD_PORT_NAME", "http", "RELUD_PORT_NAME is set"},
        {"RELUD_WORKERS", "1", NULL},
        {"RELUD_CONFIG", "/dev/null/x", NULL},
        {"RELUD", "1", NULL},
        {"RELUDX_LISTN", "1", NULL},
        /* a Service relud */
        {"RELUD_SERVICE_HOST", "10.0.0.1", NULL},
        {"RELUD_SERVICE_PORT", "8080", NULL},
        {"RELUD_SERVICE_PORT_HTTP", "8080", NULL},
        {"RELUD_PORT", "tcp://10.0.0.1:8080", NULL},
        {"RELUD_PORT_8080_TCP", "tcp://10.0.0.1:8080", NULL},
        {"RELUD_PORT_8080_TCP_PROTO", "tcp", NULL},
        {"RELUD_PORT_8080_TCP_PORT", "8080", NULL},
        {"RELUD_PORT_8080_TCP_ADDR", "10.0.0.1", NULL},
        {"RELUD_PORT_53_UDP_ADDR", "10.0.0.1", NULL},
        {"RELUD_PORT_8080_TCP_COLOUR", "1", "RELUD_PORT_8080_TCP_COLOUR is set"},
        /* and a Service relud-listen-port */
        {"RELUD_LISTEN_PORT_SERVICE_HOST", "10.0.0.1", NULL},
        {"RELUD_LISTEN_PORT_SERVICE_PORT_METRICS", "9", NULL},
        {"RELUD_LISTEN_PORT_PORT", "udp://10.0.0.1:53", NULL},
        {"RELUD_LISTEN_PORT_PORT_53_UDP_ADDR", "10.0.0.1", NULL},
        /* a Docker link */
        {"RELUD_NAME", "/app/relud", NULL},
        {"RELUD_ENV_PATH", "/bin", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv(cases[i].name, cases[i].value, 1);
        ck_assert_int_ne(run("serve /nonexistent --listen 127.0.0.1:0"), 0);
        const char *said = strstr(output, " is set in the environment");
        ck_assert_msg(!!said == !!cases[i].says && (!said || strstr(output, cases[i].says)),
                      "%s=%s: %s", cases[i].name, cases[i].value, output);
        ck_assert_ptr_null(strstr(output, "a-secret"));
        unsetenv(cases[i].name);
    }
    setenv("RELUD_COLOUR", "1", 1);
    runs("serve /nonexistent --listen 127.0.0.1:0 --log-level error", 1,
         "relud: serve: /nonexistent");
    ck_assert_ptr_null(strstr(output, "RELUD_COLOUR"));
    unsetenv("RELUD_COLOUR");
}
END_TEST

RUN_SUITE("commands", U4_a_name_that_is_no_setting_is_told, U2_relud_alone_is_the_help,
          U2_each_command_has_its_help, U2_what_was_meant_is_asked,
          U2_a_word_that_begins_with_a_dash_can_be_a_file, usage_mistakes_exit_2_and_failures_1,
          convert_writes_a_model_that_answers_the_same, threads_do_not_change_what_is_predicted,
          rows_come_from_every_format, inspect_shows_layers_and_units,
          settings_come_from_flag_environment_and_file, bench_counts_every_answer,
          F20_bench_knows_answers_without_a_body, F13_a_port_that_is_none_is_wrong_usage_everywhere)
