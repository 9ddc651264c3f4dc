#include "server/cli/commands.h"

#include "server/cli/table_options.h"
#include "server/log/complain.h"
#include "server/serve/serve.h"
#include "server/settings/config.h"
#include <relud/guess.h>
#include <string.h>

const struct command commands[] = {
    {"serve", cmd_serve, &serve_options, "Serve models",
     "serve .onnx files, model directories or a model repository",
     "MODEL is an .onnx file, a model directory (model.json with model.safetensors, or model.onnx) "
     "or a NAME directory that holds version directories. DIR is a repository: its models lie at "
     "DIR/NAME/VERSION. Every option can also be set as RELUD_NAME in the environment, and as a "
     "key of the --config file. SIGTERM lets open requests finish and then exits with status 0."},
    {"healthcheck", cmd_healthcheck, &healthcheck_options, NULL,
     "exit with status 0 if a relud server is ready",
     "It asks the server at ADDR:PORT for /readyz. Without ADDR:PORT it asks the address that "
     "relud serve would listen on with the same environment. It serves containers that have no "
     "curl."},
    {"bench", cmd_bench, &bench_options, NULL,
     "put load on a server and show percentiles of its answer times",
     "The exit status is 1 when an answer was not 2xx, when an answer differed from the first one "
     "(with --same), or when none came."},
    {"train", cmd_train, &train_options, "Make and look at models",
     "train a net on a table of rows and write it as a model directory",
     "--data and --out are required. Ctrl-C writes the best epoch so far and exits with "
     "status 130. --resume continues from there."},
    {"predict", cmd_predict, &predict_options, NULL, "predict the rows of a file, without a server",
     "FILE holds JSON, CSV, npy, npz or IDX, also compressed as .gz. Without FILE, or when it is "
     "-, the rows come from standard input. Each row becomes a line of JSON, unless --format says "
     "otherwise. " TABLE_HELP},
    {"evaluate", cmd_evaluate, &evaluate_options, NULL,
     "measure a model's answers against the targets of a file",
     "DATA holds rows with their targets, as relud train reads them: CSV, npy, npz or IDX, also "
     "compressed as .gz; - is standard input. Of a classification it shows accuracy, log loss, "
     "confusions, precision, recall, F1 and the calibration error; of a regression R2, RMSE and "
     "MAE, and those of always answering the mean. "
     "A model that was trained on named columns finds them by name. Targets are the labels of the "
     "model's classes."},
    {"compare", cmd_compare, &compare_options, NULL,
     "count how the answers of two models to the rows of a file differ",
     "A and B are models that take the same rows, such as two versions. Answers are exact, so that "
     "no difference is noise. DATA holds rows as relud predict reads them; - is standard "
     "input. " TABLE_HELP},
    {"inspect", cmd_inspect, &inspect_options, NULL,
     "show a model's layers, parameters and plans; with data its sparsity and dead units",
     TABLE_HELP},
    {"check", cmd_check, &check_options, NULL, "load, validate and self-test models",
     "The exit status is 1 when any of them fails."},
    {"convert", cmd_convert, &convert_options, NULL,
     "write a model, for example an .onnx file, as model.json and model.safetensors",
     "A state dict (.safetensors) is read by its names and shapes, and its norms by PyTorch's "
     "usual order. What was read and what was assumed is printed. Correct model.json where it is "
     "wrong."},
    {"help", cmd_help, &help_options, "Learn more", "show this help, or the help of a command", ""},
    {"version", cmd_version, &version_options, NULL,
     "print the version and the best instruction set", ""},
    {0},
};

const struct command *command_find(const char *name)
{
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    for (const struct command *command = commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

int command_refuse(const char *name)
{
    char guessed[RELUD_GUESS_TEXT_MAX];
    struct relud_guess guess = {.word = name};
    for (const struct command *command = commands; command->name; command++)
        relud_guess_offer(&guess, command->name);
    relud_guess_offer(&guess, "--help");
    relud_guess_offer(&guess, "--version");
    complain("there is no command '%s'%s (see relud help)", name,
             relud_guess_text(&guess, "", guessed));
    return 2;
}
