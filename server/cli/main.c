#include "server/cli/commands.h"

#include "server/log/complain.h"
#include <fenv.h>
#include <stdint.h>
#include <stdio.h>

/* `relud` alone shows the help, and `relud COMMAND --help` is `relud help COMMAND`. */
static int run(int argc, char **argv)
{
    char *help[] = {(char *)(uintptr_t) "help", NULL, NULL};
    if (argc < 2)
        return cmd_help(1, help);
    const struct command *command = command_find(argv[1]);
    if (!command)
        return command_refuse(argv[1]);
    help[1] = (char *)(uintptr_t)command->name; /* argv[1] may be another spelling of it */
    if (command->run != cmd_help && options_ask_help(command->options, argc - 1, argv + 1))
        return cmd_help(2, help);
    return command->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    /* A library that was linked with -ffast-math may have changed it for all threads to come. */
    fesetenv(FE_DFL_ENV);
    int status = run(argc, argv);
    if (status == 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        complain("standard output could not be written");
        return 1;
    }
    return status;
}
