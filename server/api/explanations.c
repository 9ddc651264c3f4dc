#include "server/api/explanations.h"

#include "server/batch/ranking.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ONE_BYTES = 200,    /* the most that one takes beside its contributions and its label */
    BORDER_BYTES = 250, /* the most that a border takes beside a name and a label */
    NUMBER_BYTES = 26,  /* a number in double, and its separator */
};

/* ---- of rows ---- */

bool explanations_open(struct explanations *explanations, relud_model *model, bool is_by_name)
{
    struct relud_error error;
    const struct relud_model_info *info = relud_model_info(model);
    *explanations = (struct explanations){
        .info = info,
        .model = model,
        .explainer = relud_explainer_new(model, &error),
        .contribution = calloc(info->features, sizeof *explanations->contribution),
        .name = is_by_name ? relud_model_feature_names(model) : NULL};
    return explanations->explainer && explanations->contribution;
}

void explanations_close(struct explanations *explanations)
{
    relud_explainer_free(explanations->explainer);
    free(explanations->contribution);
}

static size_t outputs_of(const struct relud_model_info *info)
{
    return info->classes ? info->classes : info->outputs;
}

bool explanations_find_label(const struct relud_model_info *info, const char *label, size_t *index,
                             struct relud_error *error)
{
    char words[RELUD_GUESS_TEXT_MAX];
    struct relud_guess guess = {.word = label};
    for (*index = 0; info->labels && *index < info->classes; ++*index) {
        if (strcmp(info->labels[*index], label) == 0)
            return true;
        relud_guess_offer(&guess, info->labels[*index]);
    }
    return relud_fail(error, RELUD_BAD_INPUT, "explain: the model has no label '%.100s'%s", label,
                      relud_guess_text(&guess, "", words));
}

bool explanations_check_index(const struct relud_model_info *info, size_t index,
                              struct relud_error *error)
{
    return index < outputs_of(info) ||
           relud_fail(error, RELUD_BAD_INPUT,
                      "explain: the model has %zu %s; there is no index %zu", outputs_of(info),
                      info->classes ? "classes" : "outputs", index);
}

static bool put_contributions(const struct explanations *of, struct text *out, double sign,
                              const struct relud_watch *watch)
{
    text_put(out, of->name ? ",\"contributions\":{" : ",\"contributions\":[");
    for (size_t f = 0; f < of->info->features; f++) {
        text_put(out, f ? "," : "");
        if (of->name) {
            text_json(out, of->name[f]);
            text_put(out, ":");
        }
        text_double(out, sign * of->contribution[f] + 0); /* never -0 */
        if (f % 64 == 63 && watch && !watch->go_on(watch->user))
            return false;
    }
    text_put(out, of->name ? "}" : "]");
    return true;
}

static void put_class(const struct explanations *of, struct text *out, size_t index)
{
    text_print(out, "\"index\":%zu", index);
    if (of->info->labels && of->info->classes) {
        text_put(out, ",\"label\":");
        text_json(out, of->info->labels[index]);
    }
}

/* The smallest move of one feature to another class. */
static void put_change(const struct explanations *of, struct text *out, const float *x,
                       const struct relud_border *border)
{
    text_put(out, ",\"change\":");
    if (!border->has_change) {
        text_put(out, "null");
        return;
    }
    text_put(out, "{\"feature\":");
    text_name(out, of->name, border->feature);
    text_put(out, ",\"by\":");
    text_double(out, border->by + 0);
    text_put(out, ",\"value\":");
    text_double(out, (double)x[border->feature] + border->by);
    text_put(out, ",");
    put_class(of, out, border->to_class);
    text_put(out, "}");
}

/* The class of the highest probability. */
static size_t best_class(const struct explanations *of, const float *y)
{
    float p[2];
    if (of->info->scores > 1)
        return ranking_first(y, of->info->scores);
    relud_probabilities(of->model, y, 1, p);
    return ranking_first(p, 2);
}

static bool put_border(const struct explanations *of, struct text *out, const float *x,
                       const float *y, size_t output, const struct relud_watch *watch,
                       struct relud_error *error)
{
    struct relud_border border = {.way = NULL};
    size_t row_class = of->info->classes ? best_class(of, y) : 0;
    bool is_found = relud_explain_border(of->explainer, output, row_class, &border, watch, error);
    if (!is_found && error->code != RELUD_NOT_FINITE)
        return false;
    text_put(out, ",\"border_distance\":");
    if (!is_found || isinf(border.distance))
        text_put(out, "null");
    else
        text_double(out, border.distance);
    if (of->info->classes)
        put_change(of, out, x, &border);
    return true;
}

static bool put_one(const struct explanations *of, struct text *out, const float *x, const float *y,
                    size_t index, const struct relud_watch *watch, struct relud_error *error)
{
    const struct relud_model_info *info = of->info;
    bool is_one_score = info->classes && info->scores == 1;
    double sign = is_one_score && index == 0 ? -1 : 1; /* the score is that of class 1 */
    struct relud_explanation explanation;
    if (!relud_explain_output(of->explainer, is_one_score ? 0 : index, of->contribution,
                              &explanation, watch, error)) {
        bool is_nothing = error->code == RELUD_NOT_FINITE;
        text_put(out, is_nothing ? "null" : "");
        return is_nothing;
    }
    text_put(out, "{");
    put_class(of, out, index);
    text_put(out, ",\"output\":");
    text_double(out, sign * explanation.output + 0);
    if (!put_contributions(of, out, sign, watch))
        return false;
    text_put(out, ",\"bias\":");
    text_double(out, sign * explanation.bias + 0);
    if (!explanation.is_exact) {
        text_put(out, ",\"error\":");
        text_double(out, sign * explanation.error);
    }
    text_put(out, explanation.is_exact ? ",\"exact\":true" : ",\"exact\":false");
    if (of->has_border && !put_border(of, out, x, y, is_one_score ? 0 : index, watch, error))
        return false;
    text_put(out, "}");
    return true;
}

bool explanations_put(const struct explanations *explanations, struct text *out, const float *x,
                      const float *y, size_t index, const struct relud_watch *watch,
                      struct relud_error *error)
{
    const struct relud_model_info *info = explanations->info;
    size_t count = index == EXPLANATIONS_BEST && !info->classes ? info->outputs : 1;
    error->code = 0;
    if (!relud_explain_row(explanations->explainer, x, watch))
        return false;
    if (index == EXPLANATIONS_BEST)
        index = info->classes ? best_class(explanations, y) : 0;
    text_put(out, count > 1 ? "[" : "");
    for (size_t i = 0; i < count; i++) {
        text_put(out, i ? "," : "");
        if (!put_one(explanations, out, x, y, index + i, watch, error))
            return false;
    }
    text_put(out, count > 1 ? "]" : "");
    return true;
}

/* ---- of requests ---- */

/* Reads the member "explain". */
static bool read_explain(const json_node *value, struct explain_member *member,
                         struct relud_error *error)
{
    double index = 0;
    if (!value)
        return true;
    member->is_wanted = true;
    if (json_node_bool(value, &member->is_wanted) ||
        (member->label = json_node_text(value)) != NULL)
        return true;
    member->has_index = json_node_whole(value, 0, 1 << 30, &index);
    member->index = (size_t)index;
    return member->has_index ||
           relud_fail(error, RELUD_BAD_INPUT, "explain must be true, a label or an index");
}

bool explanations_read(const json_node *explain, const json_node *border,
                       struct explain_member *member, struct relud_error *error)
{
    *member = (struct explain_member){.is_wanted = false};
    if (!read_explain(explain, member, error))
        return false;
    if (border && !json_node_bool(border, &member->has_border))
        return relud_fail(error, RELUD_BAD_INPUT, "border must be true or false");
    member->is_wanted |= member->has_border;
    return true;
}

static bool find_index(const struct relud_model_info *info, const struct explain_member *member,
                       size_t *index, struct relud_error *error)
{
    *index = member->has_index ? member->index : EXPLANATIONS_BEST;
    if (member->label)
        return explanations_find_label(info, member->label, index, error);
    return !member->has_index || explanations_check_index(info, *index, error);
}

bool explanations_choose(struct request *request, const struct served_model *served,
                         const struct explain_member *member, bool is_by_name)
{
    struct relud_error error;
    request->explain = (struct request_explain){
        .is_wanted = member->is_wanted, .has_border = member->has_border, .is_by_name = is_by_name};
    if (!member->is_wanted)
        return true;
    if (request->media_out != MEDIA_JSON)
        request_fail(request, 400, "explanations are given as JSON only");
    else if (!find_index(served->info, member, &request->explain.index, &error))
        request_fail(request, 400, "%s", error.text);
    return !request->code;
}

/* How many explanations a row gets. */
static size_t count_of(const struct request *request, const struct served_model *served)
{
    bool is_every = request->explain.index == EXPLANATIONS_BEST && !served->info->classes;
    return is_every ? served->info->outputs : 1;
}

bool explanations_are_allowed(struct request *request, const struct served_model *served,
                              size_t rows)
{
    /* An integral takes some dozens of passes forwards and backwards. */
    const double passes = 100, most_ns = 2e9;
    if (!request->explain.is_wanted)
        return true;
    double one_ns = passes * served->info->row_ns;
    bool has_border = request->explain.has_border;
    one_ns += has_border ? relud_explain_border_ns(served->model) : 0;
    double row_ns = one_ns * (double)count_of(request, served);
    size_t most = row_ns <= most_ns ? (size_t)(most_ns / row_ns) : has_border ? 0 : 1;
    if (rows <= most)
        return true;
    if (most)
        request_fail(request, 413,
                     "explain: %zu rows take too long; at most %zu of this model do not", rows,
                     most);
    else
        request_fail(request, 413, "border: a row of this model takes about %.3g s, more than %g",
                     row_ns * 1e-9, most_ns * 1e-9);
    return false;
}

size_t explanations_row_bytes(const struct request *request, const struct served_model *served)
{
    const struct relud_model_info *info = served->info;
    if (!request->explain.is_wanted)
        return 0;
    const char *const *name =
        request->explain.is_by_name ? relud_model_feature_names(served->model) : NULL;
    size_t bytes = ONE_BYTES + info->features * NUMBER_BYTES + served->class_head_len_max;
    size_t longest = 0;
    for (size_t f = 0; name && f < info->features; f++) {
        size_t one = 6 * strlen(name[f]) + 3;
        bytes += one;
        longest = one > longest ? one : longest;
    }
    if (request->explain.has_border)
        bytes += BORDER_BYTES + longest + served->class_head_len_max;
    return bytes * count_of(request, served);
}

static bool write_row(struct request *request, const struct explanations *all, size_t row,
                      bool is_text, struct relud_error *error)
{
    const struct turn_job *job = &request->job;
    const struct relud_model_info *info = job->served->info;
    const struct relud_watch watch = long_work_watch(request);
    struct text text = {0};
    bool is_put =
        explanations_put(all, is_text ? &text : &request->out, job->x + row * info->features,
                         job->y + row * info->outputs, request->explain.index, &watch, error);
    if (is_text)
        text_put_n(&text, "", 1); /* the final NUL */
    if (is_text && text_is_whole(&text))
        text_json(&request->out, text.at);
    request->out.is_short |= text.is_short;
    text_free(&text);
    return is_put && long_work_go_on(request);
}

bool explanations_write(struct request *request, bool are_texts)
{
    const struct turn_job *job = &request->job;
    struct relud_error error = {0};
    struct explanations all;
    bool goes_on = explanations_open(&all, job->served->model, request->explain.is_by_name);
    all.has_border = request->explain.has_border;
    request->out.is_short |= !goes_on;
    text_put(&request->out, "[");
    for (size_t row = 0; goes_on && row < job->rows; row++) {
        text_put(&request->out, row ? "," : "");
        goes_on = write_row(request, &all, row, are_texts, &error);
    }
    text_put(&request->out, "]");
    explanations_close(&all);
    if (error.code == RELUD_UNSUPPORTED)
        request_fail(request, 400, "explain: model '%s': %s", job->served->name, error.text);
    else
        request->out.is_short |= error.code == RELUD_NO_MEMORY;
    return !request->code;
}
