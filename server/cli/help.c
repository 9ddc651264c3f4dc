/* relud help: the commands, or one command with its options. relud version. */
#include "server/cli/commands.h"

#include <relud/relud.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 80, NAME_COLUMN = 3, SUMMARY_COLUMN = 16, OPTION_COLUMN = 4, TEXT_COLUMN = 8 };

const struct options help_options = {.words = "[COMMAND]"}, version_options = {.words = ""};

/* Prints words up to COLUMNS, lines after the first one from column `indent`; `at` is the column
 * now. */
static void print_wrapped(const char *words, int indent, int at)
{
    bool is_first = true;
    for (words += strspn(words, " "); *words; words += strspn(words, " ")) {
        int len = (int)strcspn(words, " ");
        if (!is_first && at + 1 + len > COLUMNS) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (!is_first) {
            putchar(' ');
            at++;
        }
        printf("%.*s", len, words);
        at += len;
        words += len;
        is_first = false;
    }
    putchar('\n');
}

static void print_usage(const struct command *command)
{
    printf("usage: relud %s%s%s%s\n", command->name, command->options->len ? " [options]" : "",
           *command->options->words ? " " : "", command->options->words);
}

static void print_option(const struct option *option)
{
    const char *value = option_value_name(option);
    printf("%*s--%s%s%s\n%*s", OPTION_COLUMN, "", option->name, value ? " " : "",
           value ? value : "", TEXT_COLUMN, "");
    char words[1024];
    bool has_default = value && *option->value;
    snprintf(words, sizeof words, "%s%s%s%s", option->help, has_default ? " (default: " : "",
             has_default ? option->value : "", has_default ? ")" : "");
    print_wrapped(words, TEXT_COLUMN, TEXT_COLUMN);
}

static void print_options(const struct options *options)
{
    const struct option_group *group = options->groups;
    if (!group)
        printf("\nOptions\n");
    for (size_t i = 0; i < options->len; i++) {
        if (group && group->first && strcmp(group->first, options->option[i].name) == 0)
            printf("\n%s\n", group++->title);
        print_option(&options->option[i]);
    }
}

static int help_on(const struct command *command)
{
    char words[256];
    print_usage(command);
    snprintf(words, sizeof words, "%c%s.", command->summary[0] - 'a' + 'A', command->summary + 1);
    putchar('\n');
    print_wrapped(words, 0, 0);
    if (*command->about) {
        putchar('\n');
        print_wrapped(command->about, 0, 0);
    }
    if (command->options->len)
        print_options(command->options);
    return 0;
}

static int help_on_all(void)
{
    printf("usage: relud COMMAND [options] [arguments]\n"
           "       relud --help | --version\n\n"
           "relud serves feed-forward neural nets over HTTP. A row gets the same bits alone\n"
           "and in any batch.\n");
    for (const struct command *command = commands; command->name; command++) {
        if (command->group)
            printf("\n%s\n", command->group);
        printf("%*s%-*s", NAME_COLUMN, "", SUMMARY_COLUMN - NAME_COLUMN, command->name);
        print_wrapped(command->summary, SUMMARY_COLUMN, SUMMARY_COLUMN);
    }
    printf("\n'relud help COMMAND' explains a command and its options.\n"
           "'man relud' has everything on one page.\n\n"
           "Exit status: 0 success, 1 failure while running, 2 wrong usage.\n");
    return 0;
}

int cmd_help(int argc, char **argv)
{
    struct relud_error error;
    const char *topic = NULL;
    struct option_words words = {.at = &topic, .max = 1};
    if (!options_read(&help_options, argc, argv, NULL, &words, &error))
        return options_refuse("help", &error);
    const struct command *command = topic ? command_find(topic) : NULL;
    return command ? help_on(command) : topic ? command_refuse(topic) : help_on_all();
}

int cmd_version(int argc, char **argv)
{
    struct relud_error error;
    struct option_words none = {0};
    if (!options_read(&version_options, argc, argv, NULL, &none, &error))
        return options_refuse("version", &error);
    printf("relud %s (%s)\n", relud_version(), relud_isa_name(relud_isa_best()));
    return 0;
}
