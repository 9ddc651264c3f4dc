/* The commands with one call failing, the first, the second, and so on until none fails any more: each ends by itself, with one
 * clear line, and leaves a whole model or none. */
#include "tests/http/program.h"
#include "tests/unit/files.h"

#include <sys/stat.h>

#define TABLE "1,2,0\n2,1,1\n3,5,0\n4,0,1\n5,1,1\n6,9,0\n7,2,1\n8,8,0\n"

static char dir[64];

/* `words` with the directory for each %s, the nth call of `kind` failing; false when there was no such call. */
static bool run_failing(const char *kind, long nth, const char *words)
{
    char missed[128], text[256];
    snprintf(missed, sizeof missed, "%s/missed", dir);
    unlink(missed);
    snprintf(text, sizeof text, "%ld", nth);
    setenv("RELUD_FAIL", kind, 1);
    setenv("RELUD_FAIL_NTH", text, 1);
    setenv("RELUD_FAIL_MISSED", missed, 1);
    char command[1024], line[1200];
    snprintf(command, sizeof command, words, dir, dir, dir);
    /* only the program is preloaded, not the shell */
    snprintf(line, sizeof line, "LD_PRELOAD=%s exec %s %s 2>&1", getenv("RELUD_FAULTS"),
             relud_path(), command);
    FILE *pipe = popen(line, "r");
    output[fread(output, 1, sizeof output - 1, pipe)] = '\0';
    int status = pclose(pipe);
    unsetenv("RELUD_FAIL");
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) <= 2, "%s %ld: %s: status %x\n%s", kind,
                  nth, command, status, output);
    if (WEXITSTATUS(status))
        ck_assert_msg(strstr(output, "relud: ") != NULL, "%s %ld: %s says nothing\n%s", kind, nth,
                      command, output);
    return access(missed, F_OK) != 0;
}

/* Every step-th call, until there are no more. */
static void fail_all(const char *kind, long step, const char *words, const char *clean)
{
    long nth = 1, most = 200000;
    for (; nth < most; nth += step) {
        bool has_failed = run_failing(kind, nth, words);
        if (clean) {
            char model[128], command[256];
            snprintf(model, sizeof model, "%s/m/model.json", dir);
            if (access(model, F_OK) == 0) {
                snprintf(command, sizeof command, "check %s/m", dir);
                runs(command, 0, "ok (");
            }
            snprintf(command, sizeof command, clean, dir);
            ck_assert_int_eq(system(command), 0);
        }
        if (!has_failed)
            break;
    }
    ck_assert_int_lt(nth, most);
    ck_assert_int_gt(nth, step);
}

START_TEST(no_command_falls_over)
{
    static const char *const kinds[] = {"memory", "files"};
    ck_assert_ptr_nonnull(getenv("RELUD_FAULTS"));
    strcpy(dir, new_directory());
    write_file(dir, "model.json", TABLE, strlen(TABLE));
    for (size_t k = 0; k < 2; k++) {
        fail_all(kinds[k], 1, "check tests/data/onnx/gelu.onnx", NULL);
        fail_all(kinds[k], 1, "predict tests/data/onnx/relu.onnx tests/data/onnx/x.npy", NULL);
        fail_all(kinds[k], 1, "inspect tests/data/onnx/relu.onnx --data tests/data/onnx/x.npy",
                 NULL);
        fail_all(kinds[k], 1, "convert tests/data/onnx/relu.onnx %s/m", "rm -rf %s/m");
        fail_all(
            kinds[k], 1,
            "train --data %s/model.json --layers 2,4,2 --standardize --validation 0.25 --epochs 3 "
            "--threads 2 --out %s/m",
            "rm -rf %1$s/m %1$s/m.part");
    }
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

RUN_SUITE("faults", no_command_falls_over)
