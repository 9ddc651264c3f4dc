/* The program's other commands, run as a user runs them: what they print, and their exit status. */
#include "tests/http/program.h"
#include "tests/http/server.h"
#include "tests/unit/files.h"

START_TEST(usage_mistakes_exit_2_and_failures_1)
{
    runs("", 2, "relud: a command is wanted");
    runs("frobnicate", 2, "there is no command 'frobnicate'");
    runs("help", 0, "relud serve [MODEL|DIR]...");
    runs("help serve", 0, "--max-batch N");
    runs("predict --help", 0, "usage: relud predict");
    runs("--version", 0, "relud 0.1.0");
    runs("serve --nope 1", 2, "unknown option --nope");
    runs("serve --workers x", 2, "--workers: 'x' is not a whole number from 0 to 1024");
    runs("serve --math wild", 2, "'wild' is not one of exact|fast");
    runs("serve --listen nowhere", 2, "ADDR:PORT is wanted");
    runs("serve --cors-origin https://a.example/path", 2, "is neither * nor scheme://host[:port]");
    runs("serve /nonexistent", 1, "/nonexistent: No such file or directory");
    runs("serve " DIGITS " " DIGITS, 1, "a model 'digits' of version 1 is there already");
    runs("check", 2, "at least one MODEL is wanted");
    runs("check " DIGITS, 0, "ok (digits version 1: 784 -> 10, 2 layers, 203530 parameters)");
    runs("check tests", 1, "neither a model.json nor a model.onnx");
    runs("predict", 2, "a MODEL is wanted");
    runs("predict " DIGITS " --format xml", 2, "'--format' is not understood");
    runs("healthcheck 127.0.0.1:1", 1, "Connection refused");
    runs("healthcheck x:y", 2, "is wanted");
    runs("bench", 2, "one URL is wanted");
    runs("bench https://127.0.0.1:1/", 1, "127.0.0.1:1: Connection refused");
    runs("bench --rate fast http://localhost/", 2, "--rate: 'fast' is not a number");
    runs("bench --header x http://localhost/", 2, "--header: 'NAME: VALUE' is wanted");
    runs("bench --body /nonexistent http://localhost/", 1, "/nonexistent: it cannot be read");
    runs("bench http://127.0.0.1:1/", 1, "127.0.0.1:1: Connection refused");
}
END_TEST

START_TEST(convert_writes_a_model_that_answers_the_same)
{
    static char first[sizeof output];
    char words[512], dir[300];
    snprintf(dir, sizeof dir, "%s/net", new_directory());
    snprintf(words, sizeof words, "convert tests/data/onnx/gelu.onnx %s", dir);
    runs(words, 0, "written (2 layers, 157 parameters)");
    runs(words, 1, "is there already");
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
    runs("convert tests/data/onnx/relu.onnx", 2, "a model and a directory to write are wanted");
    runs("check tests/data/onnx/heads.onnx", 0, "12 -> 5");
    runs("check tests/data/onnx/x.npy", 1, "neither an .onnx file nor a model directory");
    snprintf(words, sizeof words, "rm -r %s", dir);
    ck_assert_int_eq(system(words), 0);
    dir[strlen(dir) - strlen("/net")] = '\0';
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(bench_counts_every_answer)
{
    struct server server = server_on_digits();
    char words[512];
    snprintf(words, sizeof words, "healthcheck 127.0.0.1:%d", server.port);
    runs(words, 0, "");
    snprintf(words, sizeof words,
             "bench http://127.0.0.1:%d/predict --body tests/data/digit-7.json --body "
             "tests/data/digits-32.json --connections 3 --seconds 0.3 --warmup 0.1 --format json",
             server.port);
    runs(words, 0, "\"not_2xx\":0,\"broken_connections\":0,");
    ck_assert_ptr_nonnull(strstr(output, "\"codes\":{\"200\":"));
    /* 100 a second are due in the open loop, and each is answered, however slowly */
    snprintf(words, sizeof words,
             "bench http://127.0.0.1:%d/readyz --rate 100 --seconds 0.5 --warmup 0 --format json",
             server.port);
    runs(words, 0, "\"answers\":50,");
    snprintf(words, sizeof words, "bench http://127.0.0.1:%d/nowhere --seconds 0.2 --warmup 0",
             server.port);
    runs(words, 1, "  404 ");
    ck_assert_ptr_nonnull(strstr(output, "of the answers that were not 2xx"));
    strcat(words, " --format json");
    runs(words, 1, ",\"latency_ms\":{\"mean\":0.000000,");
    ck_assert_ptr_nonnull(strstr(output, ",\"refused_latency_ms\":{\"mean\":0."));
    ck_assert_ptr_null(strstr(output, "\"refused_latency_ms\":{\"mean\":0.000000,"));
    server_stop(&server);
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

RUN_SUITE("commands", usage_mistakes_exit_2_and_failures_1,
          convert_writes_a_model_that_answers_the_same, rows_come_from_every_format,
          inspect_shows_layers_and_units, settings_come_from_flag_environment_and_file,
          bench_counts_every_answer)
