#include <relud/drift.h>

#include "core/base/float_env.h"
#include <math.h>
#include <stdlib.h>

struct relud_answers {
    const relud_model *model;
    size_t outputs, classes;
    unsigned long long rows;
    double counted, confidence, entropy; /* rows, and sums over them */
    float *p;                            /* [classes] */
    double count[];                      /* [classes] */
};

relud_answers *relud_answers_new(const relud_model *model, struct relud_error *error)
{
    const struct relud_model_info *info = relud_model_info(model);
    if (!info->classes) {
        relud_fail(error, RELUD_UNSUPPORTED, "the model is no classification");
        return NULL;
    }
    relud_answers *answers = calloc(1, sizeof *answers + info->classes * sizeof *answers->count);
    float *p = calloc(info->classes, sizeof *p);
    if (!answers || !p) {
        free(answers);
        free(p);
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    answers->model = model;
    answers->outputs = info->outputs;
    answers->classes = info->classes;
    answers->p = p;
    return answers;
}

void relud_answers_free(relud_answers *answers)
{
    if (answers)
        free(answers->p);
    free(answers);
}

static void halve(relud_answers *answers)
{
    answers->counted /= 2;
    answers->confidence /= 2;
    answers->entropy /= 2;
    for (size_t c = 0; c < answers->classes; c++)
        answers->count[c] /= 2;
}

static void add_answer(relud_answers *answers, const float *y)
{
    size_t best = 0;
    double entropy = 0;
    relud_probabilities(answers->model, y, 1, answers->p);
    for (size_t c = 0; c < answers->classes; c++) {
        double p = (double)answers->p[c];
        best = answers->p[c] > answers->p[best] ? c : best;
        entropy -= p > 0 ? p * log(p) : 0;
    }
    if (!isfinite(answers->p[best]))
        return;
    answers->counted++;
    answers->count[best]++;
    answers->confidence += (double)answers->p[best];
    answers->entropy += entropy;
}

void relud_answers_add(relud_answers *answers, const float *y, size_t rows)
{
    uint64_t env = float_env_enter();
    for (size_t r = 0; r < rows; r++) {
        if (answers->counted >= 2 * RELUD_DRIFT_ROWS)
            halve(answers);
        add_answer(answers, y + r * answers->outputs);
        answers->rows++;
    }
    float_env_leave(env);
}

struct relud_answers_seen relud_answers_read(const relud_answers *answers, double *share)
{
    for (size_t c = 0; share && c < answers->classes; c++)
        share[c] = answers->count[c] / answers->counted;
    return (struct relud_answers_seen){.rows = answers->rows,
                                       .confidence = answers->confidence / answers->counted,
                                       .entropy = answers->entropy / answers->counted};
}
