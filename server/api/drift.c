/* GET …/drift: are the rows of today like those that the model was trained on, and what does it
 * answer? */
#include "server/api/v2.h"

#include "server/batch/prediction.h"
#include <math.h>
#include <stdlib.h>

static void put_number(struct text *out, double value)
{
    if (isfinite(value))
        text_double(out, value + 0);
    else
        text_put(out, "null");
}

static void put_member(struct text *out, const char *name, double value)
{
    text_print(out, ",\"%s\":", name);
    put_number(out, value);
}

static void put_feature(struct text *out, const char *const *name, size_t f,
                        const struct relud_feature_drift *drift)
{
    text_put(out, f ? ",{\"feature\":" : "{\"feature\":");
    text_name(out, name, f);
    put_member(out, "psi", drift->psi);
    put_member(out, "shift", drift->shift);
    put_member(out, "outside", drift->outside);
    put_member(out, "missing", drift->missing);
    text_put(out, drift->is_shifted ? ",\"is_shifted\":true}" : ",\"is_shifted\":false}");
}

static void write_features(struct request *request, const struct served_model *served,
                           const struct drift_seen *seen, const struct relud_feature_drift *feature)
{
    struct text *out = &request->out;
    const char *const *name = relud_model_feature_names(served->model);
    text_print(out, ",\"rows\":%llu", seen->rows);
    put_member(out, "scale", seen->scale);
    text_print(out, ",\"shifted\":%zu,\"features\":[", seen->shifted);
    for (size_t f = 0; f < served->info->features; f++) {
        put_feature(out, name, f, &feature[f]);
        if (f % 256 == 255 && !long_work_go_on(request))
            return;
    }
    text_put(out, "]");
}

static void write_answers(struct request *request, const struct served_model *served,
                          const struct drift_seen *seen, const double *share)
{
    struct text *out = &request->out;
    text_print(out, ",\"answers\":{\"rows\":%llu", seen->answers.rows);
    put_member(out, "confidence", seen->answers.confidence);
    put_member(out, "entropy", seen->answers.entropy);
    text_put(out, ",\"shares\":[");
    for (size_t c = 0; c < served->info->classes; c++) {
        text_put(out, c ? "," : "");
        put_number(out, share[c]);
        if (c % 1024 == 1023 && !long_work_go_on(request))
            return;
    }
    text_put(out, "]}");
}

static void write_drift(struct request *request, const struct served_model *served,
                        const struct drift_seen *seen, const struct relud_feature_drift *feature,
                        const double *share)
{
    struct text *out = &request->out;
    text_put(out, "{\"model\":");
    text_json(out, served->name);
    text_put(out, ",\"version\":");
    text_json(out, served->version);
    if (seen->has_features)
        write_features(request, served, seen, feature);
    if (seen->has_answers)
        write_answers(request, served, seen, share);
    request_answer_json(request, "}\n");
}

enum read_verdict v2_drift_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct served_model *served = prediction_look(request);
    if (!served)
        return READ_ANSWERED;
    struct relud_feature_drift *feature = calloc(served->info->features, sizeof *feature);
    double *share = calloc(served->info->classes + 1, sizeof *share);
    const struct relud_watch watch = long_work_watch(request);
    struct drift_seen seen = {.has_features = false};
    if (!feature || !share || !drift_watch_read(served->drift_watch, &seen, feature, share, &watch))
        request_fail(request, 503, "out of memory for the features' drift");
    else if (!seen.has_features && !seen.has_answers)
        request_fail(request, 404,
                     "model '%s' does not know the rows it was trained on, and is no "
                     "classification; relud train stores what is needed",
                     served->name);
    else
        write_drift(request, served, &seen, feature, share);
    free(feature);
    free(share);
    return READ_ANSWERED;
}
