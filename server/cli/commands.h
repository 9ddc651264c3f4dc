/* The program's commands. One table feeds `relud help`, the manual page and the shells'
 * completion. */
#ifndef SERVER_CLI_COMMANDS_H
#define SERVER_CLI_COMMANDS_H

#include "server/settings/options.h"

/* run gets the command's name as argv[0] and returns the exit status: 0 success, 1 failure, 2
 * wrong usage. */
struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const struct options *options;
    const char *group;   /* the heading that it stands under; NULL: that of the command before it */
    const char *summary; /* one line that begins with a verb, without a full stop */
    const char *about;   /* sentences for its help, or "" */
};

/* In the order of the help; the last one has no name. */
extern const struct command commands[];

/* By name or another spelling of it (--help, -V); NULL when there is none. */
const struct command *command_find(const char *name);
/* Says on stderr that there is no such command; returns the exit status. */
int command_refuse(const char *name);

extern const struct options predict_options, train_options, inspect_options, convert_options,
    check_options, evaluate_options, compare_options, bench_options, healthcheck_options,
    help_options, version_options;

int cmd_predict(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_evaluate(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_healthcheck(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif
