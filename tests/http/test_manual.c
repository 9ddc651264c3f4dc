/* The manual page and the shells' completion beside the program: they hold every command and
 * option of the tables, and the shells do what they say. */
#include "tests/unit/files.h"

#include "server/cli/commands.h"
#include "tests/http/server.h"
#include <libgen.h>

static char output[1 << 18];

/* Path of a file beside the program. */
static const char *beside(const char *name)
{
    static char path[4][4096];
    static size_t next;
    char program[4096], *at = path[next++ % 4];
    snprintf(program, sizeof program, "%s", relud_path());
    snprintf(at, sizeof path[0], "%s/%s", dirname(program), name);
    return at;
}

/* Runs a script in a shell, with the completion file as $1; its output with standard error, and
 * its exit status. */
static int run_in(const char *shell, const char *file, const char *script)
{
    char path[] = "/tmp/relud-test-script-XXXXXX", command[16384];
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, script, strlen(script)), (ssize_t)strlen(script));
    close(fd);
    snprintf(command, sizeof command, "%s %s %s 2>&1", shell, path, file);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t len = fread(output, 1, sizeof output - 1, pipe);
    output[len] = '\0';
    int status = pclose(pipe);
    unlink(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool has_program(const char *name)
{
    char command[128];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", name);
    bool is_there = system(command) == 0; /* NOLINT(concurrency-mt-unsafe) */
    if (!is_there)
        printf("manual: without %s, which is not installed\n", name);
    return is_there;
}

/* ---- the manual page ---- */

START_TEST(the_page_has_every_command_and_option)
{
    char *page = read_text(beside("relud.1")), words[512];
    for (const struct command *command = commands; command->name; command++) {
        snprintf(words, sizeof words, "\n.SS relud %s\n", command->name);
        char *begin = strstr(page, words);
        ck_assert_msg(begin != NULL, "relud.1 has no section of %s", command->name);
        begin += strlen(words);
        char *end = strstr(begin, "\n.S"), kept = end ? *end : '\0';
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        size_t options = 0;
        for (char *at = begin; (at = strstr(at, ".TP\n")); at++)
            options++;
        ck_assert_uint_eq(options, command->options->len);
        for (size_t i = 0; i < command->options->len; i++) {
            size_t len = (size_t)snprintf(words, sizeof words, "\n\\fB\\-\\-");
            for (const char *c = command->options->option[i].name; *c; c++)
                len += (size_t)snprintf(words + len, sizeof words - len, *c == '-' ? "\\%c" : "%c",
                                        *c);
            snprintf(words + len, sizeof words - len, "\\fR");
            ck_assert_msg(strstr(begin, words) != NULL, "relud.1 has no --%s of %s",
                          command->options->option[i].name, command->name);
        }
        *end = kept;
    }
    free(page);
}
END_TEST

START_TEST(the_page_is_good_roff)
{
    if (has_program("mandoc")) {
        ck_assert_msg(run_in("sh", beside("relud.1"), "mandoc -Tlint -W warning \"$1\"") == 0, "%s",
                      output);
        ck_assert_int_eq(run_in("sh", beside("relud.1"),
                                "mandoc -Tascii \"$1\" | sed \"s/.$(printf '\\b')//g\""),
                         0);
        ck_assert_msg(strstr(output, "--max-batch N\n") != NULL, "%s", output);
        ck_assert_msg(strstr(output, "serve, train and inspect") != NULL, "%s", output);
    }
    if (has_program("groff")) {
        ck_assert_int_eq(run_in("sh", beside("relud.1"), "groff -ww -man -z -Tutf8 \"$1\""), 0);
        ck_assert_str_eq(output, "");
    }
}
END_TEST

/* The help of every command is made of sentences: it begins with a capital or a value's name, and
 * ends. */
START_TEST(the_help_is_sentences)
{
    for (const struct command *command = commands; command->name; command++) {
        size_t about = strlen(command->about);
        ck_assert_msg(about == 0 || command->about[about - 1] == '.', "relud help %s",
                      command->name);
        ck_assert_msg(command->summary[strlen(command->summary) - 1] != '.', "%s", command->name);
        for (size_t i = 0; i < command->options->len; i++) {
            const struct option *option = &command->options->option[i];
            size_t len = strlen(option->help);
            bool is_example = len > 2 && strcmp(option->help + len - 2, ",?") == 0;
            ck_assert_msg(option->help[0] >= 'A' && option->help[0] <= 'Z' &&
                              (option->help[len - 1] == '.' || is_example),
                          "--%s of %s: %s", option->name, command->name, option->help);
        }
    }
}
END_TEST

/* ---- completion ---- */

#define BASH                                                                                       \
    "source \"$1\"\n"                                                                              \
    "complete_words() { COMP_WORDS=(\"$@\"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _relud; "      \
    "(IFS=$'\\n'; echo \"${COMPREPLY[*]}\"); }\n"

static void completes(const char *words, const char *wanted)
{
    char script[2048];
    snprintf(script, sizeof script, BASH "complete_words relud %s\n", words);
    ck_assert_int_eq(run_in("bash", beside("completions/relud.bash"), script), 0);
    ck_assert_msg(strcmp(output, wanted) == 0, "relud %s: '%s'; '%s' is right", words, output,
                  wanted);
}

START_TEST(bash_completes_commands_options_and_values)
{
    char lines[8192] = "";
    completes("ser", "serve\n");
    completes("he", "healthcheck\nhelp\n");
    completes("--v", "--version\n");
    completes("nothing", "\n");
    completes("help conv", "convert\n");
    completes("serve --max-inf", "--max-inflight-bytes\n--max-inflight-rows\n");
    completes("serve --math ''", "exact\nfast\n");
    completes("serve --math f", "fast\n");
    completes("serve --math = ''", "exact\nfast\n");
    completes("serve --math = f", "fast\n");
    completes("serve --math =", "exact\nfast\n");
    completes("train --activation gel", "gelu\n");
    completes("serve --workers ''", "\n");
    completes("serve --strict-start LICEN", "LICENSE\n");
    completes("serve LICEN", "LICENSE\n");
    completes("serve --config LICEN", "LICENSE\n");
    completes("train --out LICEN", "\n"); /* it is no directory */
    completes("train --out deplo", "deploy\n");
    completes("bench LICEN", "\n");
    completes("version ''", "\n");
    for (const struct command *command = commands; command->name; command++) {
        char words[128];
        size_t len = (size_t)snprintf(lines, sizeof lines, "%s", "");
        for (size_t i = 0; i < command->options->len; i++)
            len += (size_t)snprintf(lines + len, sizeof lines - len, "--%s\n",
                                    command->options->option[i].name);
        snprintf(lines + len, sizeof lines - len, "--help\n");
        snprintf(words, sizeof words, "%s --", command->name);
        completes(words, lines);
    }
}
END_TEST

START_TEST(bash_knows_the_kind_of_every_value)
{
    char script[256];
    for (const struct command *command = commands; command->name; command++)
        for (size_t i = 0; i < command->options->len; i++) {
            const struct option *option = &command->options->option[i];
            snprintf(script, sizeof script, BASH "_relud_value %s --%s\n", command->name,
                     option->name);
            ck_assert_int_eq(run_in("bash", beside("completions/relud.bash"), script), 0);
            ck_assert_msg(*output != '\0' && *output != '\n', "%s --%s", command->name,
                          option->name);
            ck_assert_msg((strcmp(output, "FLAG\n") == 0) == (option->kind == OPTION_FLAG), "%s",
                          option->name);
        }
}
END_TEST

/* zsh's own functions are replaced by ones that print what they are given. */
#define ZSH                                                                                        \
    "compdef() { : }\n"                                                                            \
    "_arguments() { [[ $1 == -C ]] && state=arguments; print -rl -- \"$@\" }\n"                    \
    "_describe() { print -rl -- \"${(P@)2}\" }\n"                                                  \
    "source \"$1\"\n"

START_TEST(zsh_is_given_every_command_and_option)
{
    if (!has_program("zsh"))
        return;
    char script[1024], line[256];
    ck_assert_msg(run_in("zsh -f", beside("completions/relud.zsh"), "zsh -n \"$1\"") == 0, "%s",
                  output);
    ck_assert_str_eq(output, "");
    ck_assert_int_eq(run_in("zsh -f", beside("completions/relud.zsh"), ZSH "_relud_commands\n"), 0);
    for (const struct command *command = commands; command->name; command++) {
        snprintf(line, sizeof line, "%s:%s\n", command->name, command->summary);
        ck_assert_msg(strstr(output, line) != NULL, "%s", output);
    }
    for (const struct command *command = commands; command->name; command++) {
        snprintf(script, sizeof script, ZSH "words=(%s)\n_relud\n", command->name);
        ck_assert_msg(run_in("zsh -f", beside("completions/relud.zsh"), script) == 0, "%s", output);
        for (size_t i = 0; i < command->options->len; i++) {
            const struct option *option = &command->options->option[i];
            snprintf(line, sizeof line, "--%s%s[", option->name,
                     option->kind == OPTION_FLAG ? "" : "=");
            ck_assert_msg(strstr(output, line) != NULL, "%s: %s", line, output);
        }
    }
}
END_TEST

RUN_SUITE("manual", the_page_has_every_command_and_option, the_page_is_good_roff,
          the_help_is_sentences, bash_completes_commands_options_and_values,
          bash_knows_the_kind_of_every_value, zsh_is_given_every_command_and_option)
