#include "server/commands.h"

#include "server/config.h"
#include "server/train_options.h"
#include <relud/relud.h>
#include <stdio.h>
#include <string.h>

static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage, *summary, *more;
};

static const struct command commands[] = {
    {"serve", cmd_serve, "serve [MODEL|DIR]... [options]",
     "serve .onnx files, model directories or a model repository",
     "MODEL is an .onnx file, a model directory (model.json + model.safetensors, or model.onnx), "
     "a\n"
     "NAME directory with version directories in it, or a repository DIR/NAME/VERSION. SIGTERM\n"
     "drains and exits 0.\n"
     "Each option is also RELUD_NAME in the environment and a key of the --config file.\n"},
    {"predict", cmd_predict, "predict MODEL [FILE] [--format jsonl|json|csv|npy] [--top-k N]",
     "predict rows from a JSON, CSV, npy or IDX file (or .gz), or from stdin", ""},
    {"train", cmd_train, "train --data FILE --layers A,B,C --out DIR [options]",
     "learn a net from IDX, CSV, TSV or npy and write it as a model directory",
     "Ctrl-C writes the best so far (exit status 130), and --resume goes on from there.\n"},
    {"inspect", cmd_inspect, "inspect MODEL [--data FILE]",
     "show layers, parameters and plans; with data: sparsity and dead units", ""},
    {"check", cmd_check, "check MODEL...", "load, validate and self-test models", ""},
    {"convert", cmd_convert, "convert MODEL DIR",
     "write a model, of an .onnx file say, as model.json and model.safetensors", ""},
    {"bench", cmd_bench, "bench URL [options]",
     "put load on a server and show percentiles of its answer times",
     "\noptions (default):\n"
     "  --body FILE         POST it; given more than once, the files take turns (none: GET)\n"
     "  --connections N     open connections (32)\n"
     "  --rate N            open loop: N requests a second whatever the answers do, timed from "
     "when\n"
     "                      each was due; 0: closed loop, as fast as the answers come (0)\n"
     "  --seconds N         measure this long (10)\n"
     "  --warmup N          after this long (1)\n"
     "  --header 'N: V'     a header field, more than once if wanted\n"
     "  --method M          instead of GET or POST\n"
     "  --same              every answer to a request must have the bytes of the first one\n"
     "  --format text|json  of the report (text)\n"
     "Exit status 1 when an answer was not 2xx, or not the same, or none came.\n"},
    {"healthcheck", cmd_healthcheck, "healthcheck [ADDR:PORT]",
     "exit 0 if a relud there is ready (for containers without curl)", ""},
    {"help", cmd_help, "help [COMMAND]", "this help, or a command's", ""},
    {"--version", cmd_version, "--version", "print the version", ""},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct command *find(const char *name)
{
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "-V") == 0 || strcmp(name, "version") == 0)
        name = "--version";
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int cmd_version(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("relud %s (%s)\n", relud_version(), relud_isa_name(relud_isa_best()));
    return 0;
}

static int help_on(const char *name)
{
    const struct command *command = find(name);
    if (!command) {
        fprintf(stderr, "relud: help: there is no command '%s'\n", name);
        return 2;
    }
    printf("usage: relud %s\n\n%s.\n%s", command->usage, command->summary, command->more);
    if (command->run == cmd_serve || command->run == cmd_train) {
        printf("\noptions (default):\n");
        command->run == cmd_serve ? config_print_help() : train_options_print_help();
    }
    return 0;
}

static int cmd_help(int argc, char **argv)
{
    if (argc > 1)
        return help_on(argv[1]);
    printf("relud serves feed-forward neural nets over HTTP: the same bits, alone or in any "
           "batch.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  relud %s\n      %s\n", commands[i].usage, commands[i].summary);
    printf("\nExit status: 0 done, 1 failed while running, 2 wrong usage.\n");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "relud: a command is wanted: relud help lists them\n");
        return 2;
    }
    const struct command *command = find(argv[1]);
    if (!command) {
        fprintf(stderr, "relud: there is no command '%s': relud help lists them\n", argv[1]);
        return 2;
    }
    if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
        return help_on(command->name);
    int status = command->run(argc - 1, argv + 1);
    if (status == 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        fprintf(stderr, "relud: stdout: it could not be written\n");
        return 1;
    }
    return status;
}
