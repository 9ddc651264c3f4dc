/* State dicts with norms and PReLUs: read by PyTorch's usual order, told, and written as a model directory. */
#include "tests/unit/state_dicts.h"

#include "tests/unit/scarcity.h"

#define FC(n, to, from) "fc" #n ".weight[" #to "," #from "] fc" #n ".bias[" #to "] "
#define BN(name, n)                                                                                \
    name ".weight[" #n "] " name ".bias[" #n "] " name ".running_mean[" #n "] " name               \
         ".running_var[" #n "] " name ".num_batches_tracked[ ] "
#define LN(name, n)     name ".weight[" #n "] " name ".bias[" #n "] "
#define LINEAR(name, s) name ".weight[" s "] "

#define BEFORE "a norm stands before the activation"
#define BEHIND "a norm stands behind the linear layer of its number"
#define FIRST  "the activation stands at the first place that the numbers leave"
#define EPS    "eps of the norms is 1e-05"

static const struct {
    const char *tensors, *activation, *chain;
    const char *assumed[3]; /* the other notes, in order */
} read_as[] = {
    {FC(1, 8, 4) BN("bn1", 8) FC(2, 6, 8) BN("bn2", 6) FC(3, 3, 6),
     "relu",
     "Linear(4, 8) -> BatchNorm1d(8) -> ReLU -> Linear(8, 6) -> BatchNorm1d(6) -> ReLU -> "
     "Linear(6, 3)",
     {BEFORE, EPS}},
    /* square: bn1 may belong before fc1, too */
    {FC(1, 4, 4) BN("bn1", 4) FC(2, 4, 4),
     "tanh",
     "Linear(4, 4) -> BatchNorm1d(4) -> Tanh -> Linear(4, 4)",
     {BEHIND, BEFORE, EPS}},
    /* only before its own number does it fit */
    {FC(1, 8, 4) BN("bn1", 4) FC(2, 6, 8) BN("bn2", 8),
     "relu",
     "BatchNorm1d(4) -> Linear(4, 8) -> BatchNorm1d(8) -> ReLU -> Linear(8, 6)",
     {BEFORE, EPS}},
    {BN("bn0", 4) FC(1, 4, 4) FC(2, 4, 4),
     "relu",
     "BatchNorm1d(4) -> Linear(4, 4) -> ReLU -> Linear(4, 4)",
     {EPS}},
    /* the numbers of an nn.Sequential tell */
    {LINEAR("0", "4,4") BN("1", 4) LINEAR("3", "4,4") BN("4", 4) LINEAR("6", "2,4"),
     "relu",
     "Linear(4, 4, bias=False) -> BatchNorm1d(4) -> ReLU -> Linear(4, 4, bias=False) -> "
     "BatchNorm1d(4) -> ReLU -> Linear(4, 2, bias=False)",
     {EPS}},
    {LINEAR("net.0", "4,4") BN("net.2", 4) LINEAR("net.3", "4,4"),
     "elu:alpha=0.5",
     "Linear(4, 4, bias=False) -> ELU(alpha=0.5) -> BatchNorm1d(4) -> Linear(4, 4, bias=False)",
     {EPS}},
    {LINEAR("0", "4,4") BN("2", 4) LINEAR("4", "4,4"),
     "gelu:approximate=tanh",
     "Linear(4, 4, bias=False) -> GELU(approximate=tanh) -> BatchNorm1d(4) -> Linear(4, 4, "
     "bias=False)",
     {FIRST, EPS}},
    {LINEAR("0", "4,4") BN("1", 4) LN("2", 4) LINEAR("4", "4,4") BN("5", 4),
     "squareplus:b=1",
     "Linear(4, 4, bias=False) -> BatchNorm1d(4) -> LayerNorm(4) -> squareplus(b=1) -> Linear(4, "
     "4, bias=False) -> BatchNorm1d(4)",
     {EPS}},
    {BN("0", 4) LINEAR("1", "4,4") LINEAR("3", "4,4") LINEAR("head", "2,4") LN("ln", 2),
     "relu",
     "BatchNorm1d(4) -> Linear(4, 4, bias=False) -> ReLU -> Linear(4, 4, bias=False) -> ReLU -> "
     "Linear(4, 2, bias=False) -> LayerNorm(2)",
     {EPS}},
    {LINEAR("a.0", "4,4") BN("a.1", 4) LINEAR("a.3", "4,4") LINEAR("b.0", "3,4") BN("b.1", 3)
         LINEAR("b.3", "3,3"),
     "relu",
     "Linear(4, 4, bias=False) -> BatchNorm1d(4) -> ReLU -> Linear(4, 4, bias=False) -> ReLU -> "
     "Linear(4, 3, bias=False) -> BatchNorm1d(3) -> ReLU -> Linear(3, 3, bias=False)",
     {EPS}},
    {LINEAR("fcs.0", "4,4") LINEAR("fcs.1", "4,4") LN("norms.0", 4) LN("norms.1", 4)
         LINEAR("out", "1,4"),
     "softplus:threshold=30:beta=2",
     "Linear(4, 4, bias=False) -> LayerNorm(4) -> Softplus(beta=2, threshold=30) -> Linear(4, 4, "
     "bias=False) -> LayerNorm(4) -> Softplus(beta=2, threshold=30) -> Linear(4, 1, bias=False)",
     {BEHIND, BEFORE, EPS}},
    {LINEAR("blocks.0.linear", "4,4") BN("blocks.0.norm", 4) LINEAR("blocks.1.linear", "4,4")
         BN("blocks.1.norm", 4),
     "relu",
     "Linear(4, 4, bias=False) -> BatchNorm1d(4) -> ReLU -> Linear(4, 4, bias=False) -> "
     "BatchNorm1d(4)",
     {BEHIND, BEFORE, EPS}},
    {LINEAR("l", "4,3") "BatchNorm1d.running_mean[4] BatchNorm1d.running_var[4] ",
     NULL,
     "Linear(3, 4, bias=False) -> BatchNorm1d(4, affine=False)",
     {EPS}},
    /* PReLU's slopes are in the file */
    {LINEAR("0", "5,4") "1.weight[5] " LINEAR("2", "5,5") "3.weight[1] " LINEAR("4", "2,5"),
     "prelu",
     "Linear(4, 5, bias=False) -> PReLU -> Linear(5, 5, bias=False) -> PReLU -> Linear(5, 2, "
     "bias=False)",
     {NULL}},
    {LINEAR("0", "5,4") "1.weight[1] " LINEAR("2", "5,5"),
     NULL,
     "Linear(4, 5, bias=False) -> PReLU -> Linear(5, 5, bias=False)",
     {NULL}},
    {LINEAR("0", "5,4") "1.weight[1] " BN("2", 5) LINEAR("3", "5,5"),
     NULL,
     "Linear(4, 5, bias=False) -> PReLU -> BatchNorm1d(5) -> Linear(5, 5, bias=False)",
     {EPS}},
    {LINEAR("0", "5,4") "1.weight[1] " LINEAR("2", "5,5") LINEAR("4", "2,5") "5.weight[1] ",
     "relu",
     "Linear(4, 5, bias=False) -> PReLU -> Linear(5, 5, bias=False) -> ReLU -> Linear(5, 2, "
     "bias=False) -> PReLU",
     {NULL}},
    {LINEAR("b.0.fc", "4,4") BN("b.0.bn", 4) "b.0.act.weight[1] " LINEAR("b.1.fc", "4,4"),
     NULL,
     "Linear(4, 4, bias=False) -> BatchNorm1d(4) -> PReLU -> Linear(4, 4, bias=False)",
     {BEHIND, BEFORE, EPS}},
    {FC(1, 5, 4) FC(2, 5, 5) FC(3, 2, 5) "act.weight[5] ",
     "prelu",
     "Linear(4, 5) -> PReLU -> Linear(5, 5) -> PReLU -> Linear(5, 2)",
     {"the one PReLU stands between all layers"}},
};

static const struct {
    const char *tensors, *activation, *words;
} refused[] = {
    {FC(1, 4, 4) FC(2, 4, 4) FC(3, 4, 4) BN("norm", 4), "relu",
     "'norm.running_mean' has 4 numbers and fits at 4 places, and its name does not say at which: "
     "write a model.json that says what the layers are"},
    {FC(1, 8, 4) FC(2, 6, 8) BN("bn1", 5), "relu",
     "'bn1.running_mean' has 5 numbers and fits nowhere in the chain where its name may be"},
    {FC(1, 8, 4) FC(2, 6, 8) FC(3, 3, 6) BN("bn3", 8), "relu",
     "'bn3.running_mean' has 8 numbers and fits nowhere in the chain"},
    {FC(1, 8, 4) BN("bn", 8) LN("ln", 8) FC(2, 6, 8), "relu",
     "'bn.running_mean' and 'ln.weight' stand at the same place, in which order is not in the "
     "file"},
    {FC(1, 8, 4) "bn.weight[8] bn.running_var[8] " FC(2, 6, 8), "relu", "'bn' has no running_mean"},
    {FC(1, 8, 4) "bn.weight[8] bn.running_mean[8] " FC(2, 6, 8), "relu", "'bn' has no running_var"},
    {FC(1, 8, 4) "bn.num_batches_tracked[ ] " FC(2, 6, 8), "relu",
     "'bn' has no running_mean and running_var"},
    {FC(1, 8, 4) "bn.running_mean[8] bn.running_var[7] " FC(2, 6, 8), "relu",
     "'bn.running_var' has 7 numbers; the rest of its layer has 8"},
    {FC(1, 8, 4) "bn.running_mean[8] bn.running_var[8] bn.weight[2,4] " FC(2, 6, 8), "relu",
     "'bn.weight' has 8 numbers; the rest of its layer has 8"},
    {FC(1, 8, 4) "bn.running_mean[8] bn.running_var[8] bn.bias[8] " FC(2, 6, 8), "relu",
     "'bn' has a bias and no weight"},
    {FC(1, 8, 4) "ln.weight[8] ln.bias[7] " FC(2, 6, 8), "relu",
     "'ln.bias' has 7 numbers; the rest of its layer has 8"},
    {FC(1, 8, 4) "bn.running_mean[0] bn.running_var[0] " FC(2, 6, 8), "relu",
     "'bn.running_mean' is empty"},
    {FC(1, 8, 4) "bn.running_mean[2,4] bn.running_var[8] " FC(2, 6, 8), "relu",
     "'bn.running_mean' is neither the weight nor the bias of a linear layer or a norm"},
    {FC(1, 8, 4) "norm.weight[8] " FC(2, 6, 8), "relu",
     "'norm.weight' may be the slopes of PReLU (--activation prelu says that it is) or the weight "
     "of a norm without bias"},
    {FC(1, 8, 4) FC(2, 6, 8), "prelu", "the slopes of prelu are not in the file"},
    {"weight[4,4] .weight[4,4]", "relu", "' are of the same layer"},
    {LINEAR("0", "4,4") LINEAR("1", "4") LINEAR("2", "4") LINEAR("3", "2,4"), "prelu",
     "'1.weight' and '2.weight' are PReLUs behind the same layer"},
    {FC(1, 8, 4) "a1.weight[8] " FC(2, 6, 8) FC(3, 6, 6), "prelu",
     "the slopes of prelu are not in the file"},
    {FC(1, 8, 4) "act.weight[8] " FC(2, 6, 8) FC(3, 8, 6), "prelu",
     "'act.weight' has 8 numbers and does not fit between all layers"},
    {FC(1, 8, 4) "a1.weight[1] " FC(2, 6, 8) FC(3, 6, 6), NULL,
     "a state dict of 3 linear layers (4 -> 8 -> 6 -> 6): what stands between them is not"},
    {FC(1, 4, 4) "act.weight[1] " FC(2, 4, 4) FC(3, 4, 4), NULL,
     "'act.weight' has 1 numbers and fits at 3 places"},
    {FC(1, 4, 4) "p1.weight[1] q1.weight[1] " FC(2, 4, 4), NULL,
     "'p1.weight' and 'q1.weight' stand at the same place"},
    {BN("bn1", 4), "relu", "there is no linear layer in it"},
    {FC(1, 8, 4) BN("bn01", 8) BN("bn1", 8) FC(2, 6, 8), "relu",
     "'bn01.running_mean' and 'bn1.running_mean' have the same number"},
    {FC(1, 8, 4) "emb.table[8,3]", "relu",
     "'emb.table' is neither the weight nor the bias of a linear layer or a norm"},
};

static char path[128], saved[2][160];

static void set_up(void)
{
    snprintf(path, sizeof path, "%s/net.safetensors", new_directory());
    for (int i = 0; i < 2; i++)
        snprintf(saved[i], sizeof saved[i], "%.*s/saved%d", (int)(strrchr(path, '/') - path), path,
                 i);
}

static void tear_down(void)
{
    *strrchr(path, '/') = '\0';
    remove_folder(path);
}

static void predict(relud_model *model, size_t rows, float *y)
{
    static float x[1024];
    struct relud_error error;
    uint64_t state = 3;
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = random_normal(&state);
    relud_scratch *scratch = relud_scratch_new(model, rows, &error);
    relud_predict(scratch, x, rows, y);
    relud_scratch_free(scratch);
}

/* Loads the dict, checks the notes, and that a directory of it, and one of that, give its bits. */
static void reads(const char *tensors, const char *activation, const char *chain,
                  const char *const assumed[3])
{
    enum { ROWS = 7 };
    static float y[3][1024];
    struct relud_error error;
    struct relud_model_options options = {.activation = activation, .takes_usual_order = true};
    char read[4096];
    write_dict(path, tensors);
    relud_model *model[3] = {relud_model_load(path, &options, &error)};
    ck_assert_msg(model[0] != NULL, "%s: %s", tensors, error.text);
    const struct relud_model_info *info = relud_model_info(model[0]);
    snprintf(read, sizeof read, "read as %s", chain);
    ck_assert_str_eq(info->note[0], read);
    for (size_t i = 0; assumed && i < 3; i++) {
        const char *note = i + 1 < info->notes ? info->note[i + 1] : NULL;
        ck_assert_msg(!note == !assumed[i] && (!note || strstr(note, assumed[i])),
                      "%s: note %zu is '%s'; '%s' is wanted", tensors, i + 1, note ? note : "none",
                      assumed[i] ? assumed[i] : "none");
    }
    ck_assert_msg(relud_state_dict_save(path, &options, saved[0], "net", &error), "%s: %s", tensors,
                  error.text);
    model[1] = relud_model_load(saved[0], NULL, &error);
    ck_assert_msg(model[1] != NULL, "%s: %s", tensors, error.text);
    ck_assert_str_eq(relud_model_info(model[1])->name, "net");
    ck_assert_msg(relud_model_save(model[1], saved[1], "net", &error), "%s: %s", tensors,
                  error.text);
    model[2] = relud_model_load(saved[1], NULL, &error);
    ck_assert_msg(model[2] != NULL, "%s: %s", tensors, error.text);
    for (size_t i = 0; i < 3; i++)
        predict(model[i], ROWS, y[i]);
    size_t bytes = ROWS * info->outputs * sizeof(float);
    ck_assert_msg(memcmp(y[0], y[1], bytes) == 0, "%s: other bits from model.json", tensors);
    ck_assert_msg(memcmp(y[0], y[2], bytes) == 0, "%s: other bits from what is saved", tensors);
    for (size_t i = 0; i < 3; i++)
        relud_model_release(model[i]);
    remove_folder(saved[0]);
    remove_folder(saved[1]);
}

START_TEST(norms_stand_where_names_shapes_and_pytorch_say)
{
    set_up();
    for (size_t i = 0; i < sizeof read_as / sizeof *read_as; i++)
        reads(read_as[i].tensors, read_as[i].activation, read_as[i].chain, read_as[i].assumed);
    tear_down();
}
END_TEST

/* PyTorch's values: tests/data/faults/U3-norms.py. */
START_TEST(U3_a_converted_net_answers_as_pytorch_does)
{
    static const float x[] = {1, -2, 0.25f, 3};
    static const float wanted[] = {-1.47226357f, 2.57942104f, 4.25381851f,
                                   -1.11326551f, 1.771698f,   3.05245042f};
    struct relud_error error;
    struct relud_model_options options = {.activation = "relu", .takes_usual_order = true};
    float y[6];
    set_up();
    bool is_saved = relud_state_dict_save("tests/data/faults/U3-norms.safetensors", &options,
                                          saved[0], "net", &error);
    ck_assert_msg(is_saved, "%s", error.text);
    relud_model *model = relud_model_load(saved[0], NULL, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    relud_scratch *scratch = relud_scratch_new(model, 2, &error);
    relud_predict(scratch, x, 2, y);
    for (size_t i = 0; i < 6; i++)
        ck_assert_float_eq_tol(y[i], wanted[i], 1e-6f);
    relud_scratch_free(scratch);
    relud_model_release(model);
    tear_down();
}
END_TEST

START_TEST(what_is_not_told_is_refused)
{
    struct relud_error error;
    set_up();
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct relud_model_options options = {.activation = refused[i].activation,
                                              .takes_usual_order = true};
        write_dict(path, refused[i].tensors);
        relud_model *model = relud_model_load(path, &options, &error);
        ck_assert_msg(!model && strstr(error.text, refused[i].words), "%s: '%s'; '%s' is wanted",
                      refused[i].tensors, model ? "served" : error.text, refused[i].words);
        ck_assert(!relud_state_dict_save(path, &options, saved[0], "net", &error));
        ck_assert_int_ne(access(saved[0], F_OK), 0);
    }
    tear_down();
}
END_TEST

/* ---- random chains ---- */

struct made {
    char tensors[8192], chain[4096];
    size_t len, chain_len;
};

static void __attribute__((format(printf, 2, 3))) add(struct made *made, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    made->len += (size_t)vsnprintf(made->tensors + made->len, sizeof made->tensors - made->len,
                                   format, args);
    va_end(args);
}

static void __attribute__((format(printf, 2, 3))) tell(struct made *made, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    made->chain_len += (size_t)vsnprintf(made->chain + made->chain_len,
                                         sizeof made->chain - made->chain_len, format, args);
    va_end(args);
}

enum style { STYLE_SEQUENTIAL, STYLE_NAMED, STYLE_LISTS, STYLE_BLOCKS, STYLES };

static const char *name_of(enum style style, const char *what, size_t layer, size_t module)
{
    static char name[4][32];
    static size_t next;
    char *at = name[next++ % 4];
    switch (style) {
    case STYLE_SEQUENTIAL:
        snprintf(at, 32, "net.%zu", module);
        break;
    case STYLE_NAMED:
        snprintf(at, 32, "%s%zu", what, layer + 1);
        break;
    case STYLE_LISTS:
        snprintf(at, 32, "%s.%zu", what, layer);
        break;
    default:
        snprintf(at, 32, "blocks.%zu.%s", layer, what);
    }
    return at;
}

static size_t below(uint64_t *state, size_t end)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(*state >> 33) % end;
}

/* A net of 1 to 6 layers in one of the usual styles, and the chain that it is. */
static void make(struct made *made, uint64_t *state, const char *module, bool has_slopes)
{
    enum style style = (enum style)below(state, STYLES);
    size_t layers = 1 + below(state, 6), width = 1 + below(state, 9), at = 0;
    size_t norm = below(state, 4);
    bool is_after = style == STYLE_SEQUENTIAL && !has_slopes && below(state, 2);
    *made = (struct made){.len = 0};
    for (size_t i = 0; i < layers; i++) {
        size_t to = 1 + below(state, 9), has_bias = below(state, 2), is_last = i + 1 == layers;
        const char *linear = name_of(style, "fc", i, at++);
        add(made, "%s.weight[%zu,%zu] ", linear, to, width);
        if (has_bias)
            add(made, "%s.bias[%zu] ", linear, to);
        tell(made, "%sLinear(%zu, %zu%s)", i ? " -> " : "", width, to,
             has_bias ? "" : ", bias=False");
        width = to;
        if (is_last)
            break;
        if (is_after && norm) {
            at++;
            tell(made, " -> %s", module);
        }
        const char *name = norm ? name_of(style, "bn", i, at++) : NULL;
        if (norm == 1 || norm == 2)
            add(made, "%s.weight[%zu] %s.bias[%zu] ", name, to, name, to);
        if (norm == 2 || norm == 3)
            add(made, "%s.running_mean[%zu] %s.running_var[%zu] %s.num_batches_tracked[ ] ", name,
                to, name, to, name);
        if (norm)
            tell(made,
                 norm == 1   ? " -> LayerNorm(%zu)"
                 : norm == 2 ? " -> BatchNorm1d(%zu)"
                             : " -> BatchNorm1d(%zu, affine=False)",
                 to);
        if (is_after && norm)
            continue;
        tell(made, " -> %s", module);
        name = name_of(style, "act", i, at++);
        if (has_slopes)
            add(made, "%s.weight[%zu] ", name, below(state, 2) ? to : 1);
    }
}

enum { CHAINS = 100 };

START_TEST(random_chains_are_read_and_keep_their_bits)
{
    static const char *const activations[][2] = {
        {"relu", "ReLU"},
        {"leaky_relu:negative_slope=0.25", "LeakyReLU(negative_slope=0.25)"},
        {"prelu", "PReLU"},
        {"tanh", "Tanh"},
        {"softmax", "Softmax"},
        {"silu:beta=0.5", "SiLU(beta=0.5)"}};
    static struct made made;
    uint64_t state = 7;
    set_up();
    for (size_t i = 0; i < CHAINS; i++) {
        const char *const *activation = activations[below(&state, 6)];
        bool has_slopes = strcmp(activation[0], "prelu") == 0;
        make(&made, &state, activation[1], has_slopes);
        reads(made.tensors, activation[0], made.chain, NULL);
    }
    tear_down();
}
END_TEST

/* ---- saving ---- */

static bool loads_and_saves(void *what, struct relud_error *error)
{
    (void)what;
    struct relud_model_options options = {.activation = "relu", .takes_usual_order = true};
    relud_model *model = relud_model_load(path, &options, error);
    bool is_saved = model && relud_state_dict_save(path, &options, saved[0], "net", error);
    relud_model_release(model);
    remove_directory(saved[0]);
    return is_saved;
}

START_TEST(a_directory_is_written_whole_or_not_at_all)
{
    struct relud_error error;
    struct relud_model_options options = {.activation = "relu", .takes_usual_order = true};
    char far[5000];
    set_up();
    write_dict(path, FC(1, 8, 4) BN("bn1", 8) FC(2, 6, 8));
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, loads_and_saves, NULL);
    ck_assert(relud_state_dict_save(path, &options, saved[0], NULL, &error));
    ck_assert(!relud_state_dict_save(path, &options, saved[0], NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "model.safetensors: already exists"));
    memset(far, 'x', sizeof far);
    far[sizeof far - 1] = '\0';
    ck_assert(!relud_state_dict_save(path, &options, far, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "the path is too long"));
    ck_assert(!relud_state_dict_save(path, &options, path, NULL, &error));
    ck_assert(!relud_state_dict_save("/nowhere/a.safetensors", &options, saved[1], NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "/nowhere/a.safetensors: No such file"));
    tear_down();
}
END_TEST

RUN_SUITE("state_dict_norms", norms_stand_where_names_shapes_and_pytorch_say,
          U3_a_converted_net_answers_as_pytorch_does, what_is_not_told_is_refused,
          random_chains_are_read_and_keep_their_bits, a_directory_is_written_whole_or_not_at_all)
