/* Writes the manual page and the shells' completions from the tables of commands and options, when
 * relud is built: gen_manual 1|bash|zsh <TEMPLATE >FILE, by the file's suffix. A line @NAME@ of
 * the template becomes the part of that name. */
#include "server/cli/commands.h"

#include <ctype.h>
#include <relud/relud.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 4096 };

/* ---- both shells and the page ---- */

enum value { VALUE_NONE, VALUE_TEXT, VALUE_FILE, VALUE_DIR, VALUE_CHOICE, VALUE_ACTIVATION };

static enum value value_of(const struct option *option)
{
    const char *name = option_value_name(option);
    if (!name)
        return VALUE_NONE;
    if (option->kind == OPTION_CHOICE)
        return VALUE_CHOICE;
    if (strcmp(option->name, "activation") == 0)
        return VALUE_ACTIVATION;
    return strstr(name, "FILE") ? VALUE_FILE : strstr(name, "DIR") ? VALUE_DIR : VALUE_TEXT;
}

static void print_choices(const char *choices)
{
    for (; *choices; choices++)
        putchar(*choices == '|' ? ' ' : *choices);
}

static void print_activations(void)
{
    const struct relud_activation *activation;
    for (size_t i = 0; (activation = relud_activation_at(i)); i++)
        printf("%s%s", i ? " " : "", relud_activation_info(activation)->name);
}

/* ---- the manual page ---- */

/* One line of text: no byte of it is a request or an escape to roff. */
static void print_roff(const char *text)
{
    if (*text == '.' || *text == '\'')
        printf("\\&");
    for (; *text; text++)
        switch (*text) {
        case '-':
            printf("\\-");
            break;
        case '\\':
            printf("\\e");
            break;
        case '\'':
            printf("\\(aq");
            break;
        default:
            putchar(*text);
        }
}

/* A sentence a line, as roff wants it. */
static void print_sentences(const char *text)
{
    for (const char *end; *text; text = end) {
        char sentence[LINE_BYTES];
        for (end = strchr(text, '.'); end && end[1] && end[1] != ' ';)
            end = strchr(end + 1, '.');
        end = end ? end + 1 : text + strlen(text);
        snprintf(sentence, sizeof sentence, "%.*s", (int)(end - text), text);
        print_roff(sentence);
        putchar('\n');
        end += strspn(end, " ");
    }
}

static void man_usage(const struct command *command)
{
    printf(".B relud %s\n", command->name);
    if (command->options->len)
        puts(".RI [ options ]");
    if (*command->options->words) {
        printf(".I ");
        print_roff(command->options->words);
        putchar('\n');
    }
}

static void man_synopsis(void)
{
    for (const struct command *command = commands; command->name; command++) {
        if (command != commands)
            puts(".br");
        man_usage(command);
    }
}

static void man_option(const struct option *option)
{
    const char *value = option_value_name(option);
    printf(".TP\n\\fB\\-\\-");
    print_roff(option->name);
    printf("\\fR");
    if (value) {
        printf(" \\fI");
        print_roff(value);
        printf("\\fR");
    }
    putchar('\n');
    print_sentences(option->help);
    if (value && *option->value) {
        printf("The default is ");
        print_roff(option->value);
        puts(".");
    }
}

static void man_heading(const char *title)
{
    printf(".SH \"");
    for (; *title; title++)
        putchar(toupper((unsigned char)*title));
    puts("\"");
}

static void man_commands(void)
{
    for (const struct command *command = commands; command->name; command++) {
        const struct options *options = command->options;
        const struct option_group *group = options->groups;
        if (command->group)
            man_heading(command->group);
        printf(".SS relud %s\n", command->name);
        printf("%c", command->summary[0] - 'a' + 'A');
        print_roff(command->summary + 1);
        puts(".");
        print_sentences(command->about);
        for (size_t i = 0; i < options->len; i++) {
            if (group && group->first && strcmp(group->first, options->option[i].name) == 0)
                printf(".PP\n.I %s\n", group++->title);
            man_option(&options->option[i]);
        }
    }
}

/* ---- bash ---- */

static void bash_commands(void)
{
    printf("_relud_commands='");
    for (const struct command *command = commands; command->name; command++)
        printf("%s%s", command == commands ? "" : " ", command->name);
    puts("'");
}

static void bash_options(void)
{
    for (const struct command *command = commands; command->name; command++) {
        printf("    %s) echo '", command->name);
        for (size_t i = 0; i < command->options->len; i++)
            printf("%s--%s", i ? " " : "", command->options->option[i].name);
        puts("' ;;");
    }
}

static void bash_values(void)
{
    static const char *const words[] = {
        [VALUE_NONE] = "FLAG", [VALUE_TEXT] = "TEXT", [VALUE_FILE] = "FILE", [VALUE_DIR] = "DIR"};
    for (const struct command *command = commands; command->name; command++)
        for (size_t i = 0; i < command->options->len; i++) {
            const struct option *option = &command->options->option[i];
            enum value value = value_of(option);
            printf("    '%s --%s') echo '", command->name, option->name);
            if (value == VALUE_CHOICE)
                print_choices(option->choices);
            else if (value == VALUE_ACTIVATION)
                print_activations();
            else
                fputs(words[value], stdout);
            puts("' ;;");
        }
}

/* What a command's other arguments are. */
static enum value argument_of(const struct command *command)
{
    const char *words = command->options->words;
    return !*words                                                                   ? VALUE_NONE
           : strstr(words, "MODEL") || strstr(words, "FILE") || strstr(words, "DIR") ? VALUE_FILE
           : strstr(words, "COMMAND")                                                ? VALUE_CHOICE
                                                                                     : VALUE_TEXT;
}

static void bash_arguments(void)
{
    for (const struct command *command = commands; command->name; command++) {
        enum value value = argument_of(command);
        printf("    %s) echo %s ;;\n", command->name,
               value == VALUE_FILE     ? "FILE"
               : value == VALUE_CHOICE ? "COMMAND"
                                       : "TEXT");
    }
}

/* ---- zsh ---- */

static void zsh_commands(void)
{
    for (const struct command *command = commands; command->name; command++) {
        printf("        '%s:", command->name);
        for (const char *at = command->summary; *at; at++)
            printf(*at == '\'' ? "'\\''" : *at == ':' ? "\\:" : "%c", *at);
        puts("'");
    }
}

/* The first sentence, as an explanation in brackets. */
static void zsh_explain(const char *help)
{
    putchar('[');
    for (const char *at = help; *at && !(*at == '.' && (at[1] == ' ' || !at[1])); at++)
        if (*at == '\'')
            printf("'\\''");
        else
            printf(strchr("[]:\\", *at) ? "\\%c" : "%c", *at);
    putchar(']');
}

static void zsh_option(const struct option *option)
{
    enum value value = value_of(option);
    bool is_list = option->kind == OPTION_LIST || option->kind == OPTION_LINES;
    printf(" \\\n            '%s--%s%s", is_list ? "*" : "", option->name,
           value == VALUE_NONE ? "" : "=");
    zsh_explain(option->help);
    if (value != VALUE_NONE) {
        printf(":value:");
        if (value == VALUE_FILE)
            printf("_files");
        else if (value == VALUE_DIR)
            printf("_files -/");
        else if (value == VALUE_CHOICE || value == VALUE_ACTIVATION) {
            putchar('(');
            if (value == VALUE_CHOICE)
                print_choices(option->choices);
            else
                print_activations();
            putchar(')');
        }
    }
    putchar('\'');
}

static void zsh_options(void)
{
    for (const struct command *command = commands; command->name; command++) {
        enum value value = argument_of(command);
        printf("    %s)\n        _arguments '(- *)--help[show the help]'", command->name);
        for (size_t i = 0; i < command->options->len; i++)
            zsh_option(&command->options->option[i]);
        if (value != VALUE_NONE)
            printf(" \\\n            '*:argument:%s'", value == VALUE_FILE     ? "_files"
                                                       : value == VALUE_CHOICE ? "_relud_commands"
                                                                               : "");
        puts("\n        ;;");
    }
}

/* ---- templates ---- */

struct part {
    const char *kind, *name;
    void (*print)(void);
};
static const struct part parts[] = {
    {"1", "SYNOPSIS", man_synopsis},     {"1", "COMMANDS", man_commands},
    {"bash", "COMMANDS", bash_commands}, {"bash", "OPTIONS", bash_options},
    {"bash", "VALUES", bash_values},     {"bash", "ARGUMENTS", bash_arguments},
    {"zsh", "COMMANDS", zsh_commands},   {"zsh", "OPTIONS", zsh_options},
};

static const struct part *find_part(const char *kind, const char *line)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t len = strlen(parts[i].name);
        if (strcmp(parts[i].kind, kind) == 0 && strncmp(line + 1, parts[i].name, len) == 0 &&
            strcmp(line + 1 + len, "@\n") == 0)
            return &parts[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    char line[LINE_BYTES];
    while (argc == 2 && fgets(line, sizeof line, stdin)) {
        const struct part *part = *line == '@' ? find_part(argv[1], line) : NULL;
        if (part)
            part->print();
        else if (*line == '@') {
            fprintf(stderr, "gen_manual: there is no part %s", line);
            return 1;
        } else
            fputs(line, stdout);
    }
    return argc == 2 && !ferror(stdin) && fflush(stdout) == 0 ? 0 : 1;
}
