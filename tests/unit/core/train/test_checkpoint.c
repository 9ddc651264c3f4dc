/* Checkpoints: what was written comes back to the bit; what is not quite one is refused, and nothing is taken from it. */
#include "core/base/atomic_file.h"
#include "core/format/safetensors_write.h"
#include "core/train/checkpoint.h"
#include "core/train/optimizer.h"
#include "tests/unit/files.h"
#include "tests/unit/scarcity.h"

enum { LEN = 5, EPOCHS = 3, EPOCH_NUMBERS = sizeof(struct relud_epoch) / sizeof(double) };

/* A learner of nothing but its parameters, on the way to a checkpoint. */
struct net {
    float parameters[LEN], state[2][LEN];
    struct learner learner;
    struct optimizer optimizer;
    struct arena arena;
    struct checkpoint checkpoint;
};

static void make_net(struct net *net, size_t states, float first)
{
    *net = (struct net){.learner = {.parameters = net->parameters,
                                    .state = {net->state[0], net->state[1]},
                                    .parameters_len = LEN,
                                    .states = states},
                        .optimizer = {.beta1_power = 0.5, .beta2_power = 0.25},
                        .checkpoint = {.learner = &net->learner,
                                       .optimizer = &net->optimizer,
                                       .settings = "a \"setting\"",
                                       .epochs_max = EPOCHS}};
    for (int i = 0; i < LEN; i++)
        net->parameters[i] = first + (float)i, net->state[0][i] = first * 2, net->state[1][i] = 3;
    struct relud_error error;
    ck_assert(checkpoint_init(&net->checkpoint, &net->arena, &error));
    memset(net->checkpoint.epoch, 0, EPOCHS * sizeof *net->checkpoint.epoch);
    memcpy(net->checkpoint.best, net->parameters, sizeof net->parameters);
}

static char path[128];

static void begin(void)
{
    snprintf(path, sizeof path, "%s/model.safetensors", new_directory());
}

static void end(void)
{
    *strrchr(path, '/') = '\0';
    remove_directory(path);
}

START_TEST(what_was_written_comes_back)
{
    begin();
    for (size_t states = 0; states <= 2; states++) {
        static struct net from, to;
        struct relud_error error = {0};
        make_net(&from, states, 1);
        make_net(&to, states, 7);
        to.optimizer = (struct optimizer){0};
        from.checkpoint.epochs = 2, from.checkpoint.best_epoch = 2;
        from.checkpoint.epoch[0].epoch = 1, from.checkpoint.epoch[1].epoch = 2;
        from.checkpoint.epoch[1].loss = 0.125;
        checkpoint_take(&from.checkpoint);
        ck_assert_msg(checkpoint_save(&from.checkpoint, path, &error), "%s", error.text);
        ck_assert_msg(checkpoint_read(&to.checkpoint, path, &error), "%s", error.text);
        ck_assert_mem_eq(to.parameters, from.parameters, sizeof from.parameters);
        ck_assert_mem_eq(to.checkpoint.best, from.checkpoint.best, sizeof from.parameters);
        for (size_t s = 0; s < 2; s++)
            ck_assert_int_eq(memcmp(to.state[s], from.state[s], sizeof from.state[s]) == 0,
                             s < states || s == 1);
        ck_assert(to.optimizer.beta1_power == 0.5 && to.optimizer.beta2_power == 0.25);
        ck_assert(to.checkpoint.epochs == 2 && to.checkpoint.best_epoch == 2);
        ck_assert(!to.checkpoint.epoch[0].is_best && to.checkpoint.epoch[1].is_best);
        ck_assert(to.checkpoint.epoch[1].loss == 0.125);
        arena_reset(&from.arena);
        arena_reset(&to.arena);
    }
    end();
}
END_TEST

/* A file that may differ from a checkpoint in one tensor and one number. */
struct made {
    const char *metadata;
    size_t odd; /* the tensor that differs; 6: none */
    const char *name, *type;
    size_t count;
    double best_epoch;
    size_t epoch[EPOCHS]; /* what each is called */
    const char *words;    /* of the refusal */
};

struct values {
    const struct made *made;
    struct tensor_entry entry[6];
};

static bool put_values(FILE *file, size_t index, const void *what)
{
    const struct values *values = what;
    const struct tensor_entry *entry = &values->entry[index];
    struct relud_epoch epoch[EPOCHS + 1] = {{0}};
    double counts[4] = {values->made->best_epoch, 1, 1, 1};
    float zeros[LEN + 1] = {0};
    for (size_t i = 0; i < EPOCHS; i++)
        epoch[i].epoch = values->made->epoch[i];
    const void *bytes = index == 5 ? (const void *)epoch : index == 4 ? (void *)counts : zeros;
    size_t size = strcmp(entry->type, "F64") == 0 ? 8 : 4;
    return fwrite(bytes, size, entry->shape[0], file) == entry->shape[0];
}

static void write_made(const struct made *made)
{
    static const char *const names[] = {"parameters", "best",   "state0",
                                        "state1",     "counts", "epochs"};
    static const size_t counts[] = {LEN, LEN, LEN, 0, 3, 2 * EPOCH_NUMBERS};
    struct values values = {.made = made};
    struct atomic_file writer;
    struct relud_error error;
    for (size_t i = 0; i < 6; i++) {
        values.entry[i] =
            (struct tensor_entry){.type = i < 4 ? "F32" : "F64", .rank = 1, .shape = {counts[i]}};
        strcpy(values.entry[i].name, names[i]);
    }
    if (made->odd < 6) {
        struct tensor_entry *odd = &values.entry[made->odd];
        odd->type = made->type ? made->type : odd->type;
        odd->shape[0] = made->count;
        if (made->name)
            strcpy(odd->name, made->name);
    }
    ck_assert(atomic_file_open(&writer, path, &error));
    ck_assert(put_safetensors(writer.file, made->metadata, values.entry, 6, put_values, &values));
    ck_assert(atomic_file_close(&writer, true));
}

START_TEST(what_is_no_checkpoint_of_this_net_is_refused)
{
#define OURS "\"relud-train/1\":\"a \\\"setting\\\"\""
    static const struct made cases[] = {
        {OURS, 6, NULL, NULL, 0, 2, {1, 2}, NULL},
        {"\"relud-train/1\":\"another\"", 6, NULL, NULL, 0, 2, {1, 2}, "made with other settings"},
        {OURS, 0, "weights", NULL, LEN, 2, {1, 2}, "no checkpoint of this net (parameters)"},
        {OURS, 0, NULL, "I32", LEN, 2, {1, 2}, "no checkpoint of this net (parameters)"},
        {OURS, 0, NULL, NULL, LEN - 1, 2, {1, 2}, "no checkpoint of this net (parameters)"},
        {OURS, 1, NULL, NULL, LEN + 1, 2, {1, 2}, "no checkpoint of this net (best)"},
        {OURS, 2, NULL, NULL, 0, 2, {1, 2}, "no checkpoint of this net (state0)"},
        {OURS, 3, NULL, NULL, LEN, 2, {1, 2}, "no checkpoint of this net (state1)"},
        {OURS, 4, NULL, NULL, 4, 2, {1, 2}, "no checkpoint of this net (counts)"},
        {OURS, 5, "epoch", NULL, 0, 2, {1, 2}, "no checkpoint of this net (epochs)"},
        {OURS, 5, NULL, NULL, 4 * EPOCH_NUMBERS, 2, {1, 2}, "of this net (epochs)"},
        {OURS, 5, NULL, NULL, EPOCH_NUMBERS + 1, 1, {1, 2}, "of this net (epochs)"},
        {OURS, 5, NULL, NULL, 0, 1, {1, 2}, "its epochs are not in order"},
        {OURS, 6, NULL, NULL, 0, 0, {1, 2}, "its epochs are not in order"},
        {OURS, 6, NULL, NULL, 0, -1, {1, 2}, "its epochs are not in order"},
        {OURS, 6, NULL, NULL, 0, 3, {1, 2}, "its epochs are not in order"},
        {OURS, 6, NULL, NULL, 0, 2, {2, 1}, "its epochs are not in order"},
        {OURS, 6, NULL, NULL, 0, 2, {1, 1}, "its epochs are not in order"},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct net net;
        struct relud_error error = {0};
        make_net(&net, 1, 1);
        write_made(&cases[i]);
        bool is_read = checkpoint_read(&net.checkpoint, path, &error);
        ck_assert_msg(cases[i].words ? !is_read && strstr(error.text, cases[i].words) : is_read,
                      "case %zu: '%s'", i, error.text);
        ck_assert(net.parameters[1] == (cases[i].words ? 2 : 0));
        arena_reset(&net.arena);
    }
    end();
}
END_TEST

RUN_SUITE("checkpoint", what_was_written_comes_back, what_is_no_checkpoint_of_this_net_is_refused)
