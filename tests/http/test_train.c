/* relud train as a user runs it: from the files to a served model, interrupted, resumed, and with everything wrong. */
#include "tests/http/folder.h"
#include "tests/http/program.h"
#include "tests/http/server.h"

#include <fcntl.h>
#include <sys/stat.h>

#define IMAGES "tests/data/digits-images-idx3-ubyte.gz"
#define LABELS "tests/data/digits-labels-idx1-ubyte.gz"
#define TRAIN  "train --data " IMAGES " --labels " LABELS " --layers 784,32,10 "

static bool is_there(const char *name)
{
    char path[256];
    struct stat about;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &about) == 0;
}

START_TEST(what_was_trained_is_served)
{
    char model[128];
    enter();
    runs(
        in(TRAIN "--out %1$s/digits --epochs 12 --lr 0.05 --test " IMAGES " --test-labels " LABELS),
        0, "epoch 12/12: loss ");
    ck_assert_ptr_nonnull(strstr(output, "; layer 0: "));
    ck_assert_ptr_nonnull(strstr(output, "% zeros, "));
    ck_assert_ptr_nonnull(
        strstr(output, "/digits: written (25450 parameters, epoch 12 of 12; test loss"));
    ck_assert(is_there("digits/curve.svg") && !is_there("digits.part"));
    runs(in("inspect %1$s/digits"), 0, "digits version 1");
    ck_assert_ptr_nonnull(strstr(output, "recipe     --layers 784,32,10 --activation relu"));
    ck_assert_ptr_nonnull(strstr(output, "training   1000 rows, loss "));
    snprintf(model, sizeof model, "%s/digits", dir);
    struct server server = server_start((const char *const[]){model, NULL});
    char *digit = read_text("tests/data/digit-7.json");
    const struct reply *reply = server_post(&server, "/predict", digit);
    ck_assert_int_eq(reply->code, 200);
    ck_assert_ptr_nonnull(strstr(reply->body, "\"predictions\":[[{\"label\":\"7\",\"index\":7,"));
    free(digit);
    server_stop(&server);
    leave();
}
END_TEST

START_TEST(the_same_bits_for_any_threads)
{
    enter();
    runs(in(TRAIN "--out %1$s/a --epochs 3 --threads 1 --dropout 0.1 --augment shift:1"), 0,
         "written");
    runs(in(TRAIN "--out %1$s/b --epochs 3 --threads 2 --dropout 0.1 --augment shift:1"), 0,
         "written");
    runs(in(TRAIN "--out %1$s/c --epochs 3 --threads 5 --dropout 0.1 --augment shift:1"), 0,
         "written");
    runs(in(TRAIN "--out %1$s/d --epochs 3 --isa scalar --dropout 0.1 --augment shift:1"), 0,
         "written");
    for (const char *other = "bcd"; *other; other++) {
        char command[256];
        snprintf(command, sizeof command, "cmp %s/a/model.safetensors %s/%c/model.safetensors", dir,
                 dir, *other);
        ck_assert_int_eq(system(command), 0);
    }
    leave();
}
END_TEST

START_TEST(tables_are_learned)
{
    char text[8192] = "length,width,kind\n";
    uint64_t state = 2;
    enter();
    for (int i = 0; i < 200; i++) {
        float a = random_normal(&state), b = random_normal(&state);
        sprintf(text + strlen(text), "%.3f,%.3f,%s\n", (double)a, (double)(100 * b),
                a + b > 0 ? "great" : "small");
    }
    write_file(dir, "data.csv", text, strlen(text));
    runs(
        in("train --data %1$s/data.csv --layers 2,8,2 --standardize --validation 0.25 --out %1$s/m "
           "--epochs 60 --lr 0.1 --patience 30 --name kinds --description 'two kinds'"),
        0, "; validation loss ");
    runs(in("inspect %1$s/m"), 0, "kinds version 1");
    ck_assert_ptr_nonnull(strstr(output, "two kinds"));
    ck_assert_ptr_nonnull(strstr(output, "  length\n"));
    write_file(dir, "row.json", "[[2,150],[-2,-150]]", 19);
    runs(in("predict %1$s/m %1$s/row.json"), 0, "{\"label\":\"great\"");
    ck_assert_ptr_nonnull(strstr(output, "{\"label\":\"small\""));
    runs(in("train --data %1$s/data.csv --layers 2,1 --standardize --out %1$s/binary --epochs 20 "
            "--optimizer sgd"),
         0, "written (3 parameters");
    runs(in("predict %1$s/binary %1$s/row.json"), 0, "{\"label\":\"great\"");
    runs(in("train --data %1$s/data.csv --target width --numeric kind --layers 2,4,1 --out "
            "%1$s/none"),
         1, "data.csv: line 2, column 3: '");
    leave();
}
END_TEST

/* 240 rows: two features of very different sizes, a class, a number and noise. */
static void write_mixture(void)
{
    static const char *const kinds[] = {"low", "middle", "high"};
    static const char *const columns[][2] = {
        {"1-3", "kinds"}, {"1,2,4", "prices"}, {"1,2,5", "noise"}};
    char text[16384] = "age,income,kind,price,noise\n";
    uint64_t state = 5;
    for (int i = 0; i < 240; i++) {
        double a = (double)random_normal(&state), b = (double)random_normal(&state);
        sprintf(text + strlen(text), "%.3f,%.0f,%s,%.1f,%.3f\n", 40 + 9 * a, 30000 + 9000 * b,
                kinds[a + b < -0.6  ? 0
                      : a + b < 0.6 ? 1
                                    : 2],
                1e6 + 2e5 * (a - b), (double)random_normal(&state));
    }
    write_file(dir, "data.csv", text, strlen(text));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        snprintf(text, sizeof text, "cut -d, -f%s %s/data.csv > %s/%s.csv", columns[i][0], dir, dir,
                 columns[i][1]);
        ck_assert_int_eq(system(text), 0);
    }
}

START_TEST(the_data_say_the_rest_of_the_net)
{
    enter();
    write_mixture();
    runs(in("train --data %1$s/kinds.csv --hidden 16,8 --standardize --validation 0.25 --out "
            "%1$s/kinds"),
         0, "written (211 parameters, epoch ");
    ck_assert_ptr_nonnull(strstr(output, " of 667; validation loss 0."));
    write_file(dir, "row.json", "[[20,10000],[40,30000],[60,50000]]", 34);
    runs(in("predict %1$s/kinds %1$s/row.json"), 0, "{\"label\":\"low\"");
    ck_assert_ptr_nonnull(strstr(output, "{\"label\":\"high\""));
    /* Prices of a million are learned as they are, and answered in their units. */
    runs(in("train --data %1$s/prices.csv --hidden 16 --standardize --validation 0.25 --out "
            "%1$s/prices"),
         0, "written (65 parameters, epoch ");
    runs(in("predict %1$s/prices %1$s/row.json"), 0, "\"output\":[");
    double price = strtod(strstr(output, "\"row\":1,\"output\":[") + 18, NULL);
    ck_assert_double_eq_tol(price, 1e6, 1e5);
    runs(in("train --data %1$s/prices.csv --hidden none --standardize --out %1$s/line"), 0,
         "written (3 parameters, epoch 500 of 500)");
    /* Without more words: two hidden layers, and a table with a header is standardized. */
    runs(in("train --data %1$s/prices.csv --out %1$s/plain"), 0,
         "written (2305 parameters, epoch ");
    runs(in("inspect %1$s/plain"), 0, "--hidden 64,32");
    ck_assert_ptr_nonnull(strstr(output, "--standardize"));
    leave();
}
END_TEST

START_TEST(a_net_that_learned_nothing_is_not_written)
{
    static const char noise[] = "train --data %1$s/noise.csv --hidden 64,64 --standardize "
                                "--optimizer sgd --dropout 0 --weight-decay 0 --validation 0.5 "
                                "--lr 0.1 --epochs 30 --out %1$s/m ";
    char words[512];
    enter();
    write_mixture();
    runs(in(noise), 1, "the net is worse than the targets' mean: its loss on 120 validation rows");
    ck_assert_ptr_nonnull(strstr(output, "; --force writes it all the same"));
    ck_assert(!is_there("m") && !is_there("m.part"));
    snprintf(words, sizeof words, "%s --force", noise);
    runs(in(words), 0, "; it is written all the same");
    runs(in("check %1$s/m"), 0, "ok (m");
    runs(in("train --data %1$s/prices.csv --hidden 16 --scale 1 --optimizer sgd --out %1$s/n"), 1,
         "--standardize the features: feature 'income' goes from ");
    ck_assert(!is_there("n") && !is_there("n.part"));
    /* About half of the units see only that incomes are large, and give 0 for all. */
    runs(in("train --data %1$s/prices.csv --hidden 16 --scale 1 --epochs 3 --force --out %1$s/n"),
         0, "are dead: they gave 0 for every row of epoch 1");
    ck_assert_ptr_nonnull(strstr(output, "learn nothing more; --standardize, if the features are "
                                         "far from 1; a lower --lr than 0.001 or --activation"));
    leave();
}
END_TEST

/* Starts a training that takes long and waits for so many lines of its progress. */
static pid_t start(const char *name, size_t lines, int *out)
{
    int pipe_fd[2];
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_int_eq(pipe(pipe_fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_fd[1], STDERR_FILENO);
        dup2(pipe_fd[1], STDOUT_FILENO);
        close(pipe_fd[0]);
        execl(relud_path(), "relud", "train", "--data", IMAGES, "--labels", LABELS, "--layers",
              "784,32,10", "--epochs", "100000", "--threads", "1", "--out", path, (char *)NULL);
        _exit(127);
    }
    close(pipe_fd[1]);
    for (char byte; lines && read(pipe_fd[0], &byte, 1) == 1;)
        lines -= byte == '\n';
    ck_assert_uint_eq(lines, 0);
    *out = pipe_fd[0];
    return pid;
}

static int end(pid_t pid, int out, int signal)
{
    int status;
    char drain[4096];
    kill(pid, signal);
    while (read(out, drain, sizeof drain) > 0)
        ;
    close(out);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

START_TEST(an_interrupt_writes_the_best_so_far_and_can_be_resumed)
{
    int out;
    enter();
    pid_t pid = start("m", 3, &out);
    int status = end(pid, out, SIGINT);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 130);
    runs(in("check %1$s/m"), 0, "ok (m version 1: 784 -> 10");
    ck_assert(is_there("m.part/checkpoint.safetensors"));
    runs(in(TRAIN "--out %1$s/m"), 1, "it exists already; --overwrite replaces it");
    runs(in(TRAIN "--out %1$s/m --epochs 2 --resume"), 1, "made with other settings or data");
    runs(in("check %1$s/m"), 0, "ok (m version 1: 784 -> 10");
    runs(in(TRAIN "--out %1$s/other --resume"), 1, "there is no interrupted training to resume");
    runs(in(TRAIN "--out %1$s/m --epochs 2 --overwrite"), 0, "epoch 2 of 2");
    ck_assert(!is_there("m.part"));
    pid = start("again", 1, &out);
    status = end(pid, out, SIGTERM);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 143);
    runs(in("check %1$s/again"), 0, "ok (again");
    leave();
}
END_TEST

START_TEST(a_kill_leaves_a_whole_model_or_none)
{
    enter();
    for (int i = 0; i < 15; i++) {
        int out;
        pid_t pid = start("m", 1 + (size_t)i % 3, &out);
        if (i % 3 == 2)
            kill(pid, SIGINT); /* so that the kill meets the writing */
        int status = end(pid, out, SIGKILL);
        ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 130);
        if (is_there("m/model.json"))
            runs(in("check %1$s/m"), 0, "ok (m");
        ck_assert_int_eq(system(in("rm -rf %1$s/m %1$s/m.part")), 0);
    }
    leave();
}
END_TEST

START_TEST(what_cannot_be_written_is_said_and_nothing_stays)
{
    enter();
    runs(in(TRAIN "--out /proc/nothing"), 1, "/proc/nothing.part: ");
    runs(in(TRAIN "--out %1$s/nothing/m"), 1, "nothing/m.part: No such file or directory");
    write_file(dir, "file", "x", 1);
    runs(in(TRAIN "--out %1$s/file"), 1,
         "file: it exists already, and it is not only a trained model");
    runs(in(TRAIN "--out %1$s --overwrite"), 1,
         "it exists already, and it is not only a trained model");
    char words[1024];
    snprintf(words, sizeof words, "(ulimit -f 8; %s " TRAIN "--out %s/m --epochs 1) 2>&1 | cat",
             relud_path(), dir);
    FILE *pipe = popen(words, "r"); /* a disk that is full after 8 blocks */
    output[fread(output, 1, sizeof output - 1, pipe)] = '\0';
    pclose(pipe);
    ck_assert_msg(strstr(output, "m.part/model/model.safetensors: File too large") != NULL, "%s",
                  output);
    ck_assert(!is_there("m") && !is_there("m.part"));
    leave();
}
END_TEST

static const struct {
    const char *words;
    int status;
    const char *says;
} wrongs[] = {
    {"train", 2, "--data FILE is missing"},
    {"train --nope", 2, "unknown option --nope"},
    {"train --lr", 2, "--lr needs a value: --lr RATE"},
    {"train --nesterov=1", 2, "--nesterov takes no value"},
    {"train x", 2, "unexpected argument 'x'"},
    {"train --data x --out y --layers 4", 2,
     "at least two numbers are needed, the features and one layer"},
    {"train --data x --out y --layers 4,x", 2, "--layers: '4,x' is not a list of numbers from 1"},
    {"train --data x --out y --layers 4,0,2", 2, "numbers from 1"},
    {"train --data x --out y --layers 4,3,2 --activation reluu", 2,
     "there is no activation 'reluu'; did you mean 'relu'?"},
    {"train --data x --out y --layers 4,3,2 --activation elu:beta=1", 2, "'beta=1' is none of its"},
    {"train --data x --out y --layers 4,3,2 --activation relu,relu,relu", 2,
     "3 activations are given for 1 hidden"},
    {"train --data x --out y --layers 4,3,2 --lr fast", 2, "--lr: 'fast' is not a number from 0"},
    {"train --data x --out y --layers 4,3,2 --epochs -1", 2,
     "--epochs: '-1' is not a whole number"},
    {"train --data x --out y --layers 4,3,2 --dropout 1", 2, "--dropout: '1' is not a number"},
    {"train --data x --out y --layers 4,3,2 --optimizer rmsprop", 2, "is not one of auto|sgd|adam"},
    {"train --data x --out y --layers 4,3,2 --schedule often", 2,
     "is not constant, cosine or step"},
    {"train --data x --out y --layers 4,3,2 --augment turn:3", 2, "is not shift:N"},
    {"train --data x --out y --layers 4,3,2 --validation 2", 2,
     "a share must be above 0 and below 1"},
    {"train --data x --out y --layers 4,3,2 --patience 3", 2, "--patience needs --validation"},
    {"train --data x --out y --layers 4,3,2 --name a/b", 2, "--name: 'a/b'"},
    {"train --data x --out y --layers 4,3,2 --labels a --target b", 2, "cannot be used together"},
    {"train --data x --out y --layers 4,3,2 --test-labels b", 2, "needs --test"},
    {"train --data x --out y --layers 4,2 --activation tanh", 2, "there is no hidden layer"},
    {"train --data x --out y --layers 4,3,2 --activation hardtanh:max_val=inf", 2, "none of its"},
    {"train --data x --out y --layers 4,2 --standardize --scale 2", 2,
     "cannot be used with --scale"},
    {"train --data x --out y --layers 4,2 --nesterov --optimizer adam", 2, "--nesterov needs"},
    {"train --data x --out . --layers 4,2", 1, "the directory must have a name of its own"},
    {"train --data x --out / --layers 4,2", 1, "the directory must have a name of its own"},
    {"train --data /nonexistent --out %1$s/m --layers 4,3", 1, "/nonexistent: No such file"},
    {TRAIN "--out %1$s/m --task regression", 1,
     "1 targets a row, where the last layer has 10 units"},
    {"train --data " IMAGES " --labels " LABELS " --layers 10,10 --out %1$s/m", 1,
     "--layers begins with 10, but " IMAGES " has 784 features"},
    {"train --data " IMAGES " --labels " LABELS " --layers 784,5 --out %1$s/m", 1,
     "is out of range"},
    {"train --data " IMAGES " --labels " IMAGES " --layers 784,10 --out %1$s/m", 1,
     "784 targets a row"},
    {TRAIN "--out %1$s/m --activation relu,softmax", 1, "its last layer has no activation"},
    {TRAIN "--out %1$s/m --lr 1e6 --activation leaky_relu", 1, "it has diverged; try a lower --lr"},
};

START_TEST(each_mistake_is_one_clear_line)
{
    enter();
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        runs(in(wrongs[i].words), wrongs[i].status, wrongs[i].says);
        ck_assert_msg(!is_there("m") && !is_there("m.part"), "%s leaves something",
                      wrongs[i].words);
    }
    leave();
}
END_TEST

/* What appears at DIR while a training runs, another training, and a link are left alone. */
START_TEST(nobody_elses_files_are_touched)
{
    int out;
    char command[512];
    enter();
    pid_t pid = start("m", 2, &out);
    runs(in(TRAIN "--out %1$s/m --epochs 1"), 1, "m.part: another training is writing here");
    snprintf(command, sizeof command, "mkdir %s/m && echo notes > %s/m/notes", dir, dir);
    ck_assert_int_eq(system(command), 0);
    int status = end(pid, out, SIGINT);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    ck_assert(is_there("m/notes") && !is_there("m/model.json"));
    ck_assert(is_there("m.part/checkpoint.safetensors"));
    runs(in("train --data /nonexistent --layers 784,10 --out %1$s/m --overwrite"), 1,
         "not only a trained model");
    snprintf(command, sizeof command, "rm -r %s/m && mkdir %s/real && ln -s real %s/link", dir, dir,
             dir);
    ck_assert_int_eq(system(command), 0);
    runs(in("train --data /nonexistent --layers 784,10 --out %1$s/m --overwrite"), 1,
         "No such file");
    ck_assert(is_there("m.part/checkpoint.safetensors")); /* until another training begins */
    runs(in(TRAIN "--out %1$s/link --overwrite"), 1, "this is a symbolic link");
    leave();
}
END_TEST

START_TEST(a_terminal_sees_the_line_move)
{
    enter();
    char words[1024];
    snprintf(words, sizeof words, "script -qec '%s " TRAIN "--out %s/m --epochs 40' /dev/null",
             relud_path(), dir);
    FILE *pipe = popen(words, "r");
    output[fread(output, 1, sizeof output - 1, pipe)] = '\0';
    ck_assert_int_eq(pclose(pipe), 0);
    ck_assert_msg(strstr(output, "rows/s  0:0") != NULL, "%s", output);
    ck_assert_ptr_nonnull(strstr(output, " left"));
    ck_assert_ptr_nonnull(strstr(output, "█"));
    leave();
}
END_TEST

RUN_SUITE("train", what_was_trained_is_served, the_same_bits_for_any_threads, tables_are_learned,
          the_data_say_the_rest_of_the_net, a_net_that_learned_nothing_is_not_written,
          an_interrupt_writes_the_best_so_far_and_can_be_resumed,
          a_kill_leaves_a_whole_model_or_none, what_cannot_be_written_is_said_and_nothing_stays,
          each_mistake_is_one_clear_line, nobody_elses_files_are_touched,
          a_terminal_sees_the_line_move)
