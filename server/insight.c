#include "server/insight.h"

#include "server/clock.h"
#include <pthread.h>
#include <stdlib.h>

/* At most a hundred looks a second, and a two-hundredth of the time. */
enum { PAUSE_NS = 10000000, SHARE = 200 };

/* One worker's. The lock is its own but for a moment in which somebody reads. */
struct insight_shard {
    pthread_mutex_t mutex;
    relud_health *health;
    float *y, **layer_out;
    int64_t due_ns;
};

struct insight {
    const relud_model *model;
    size_t shards;
    struct insight_shard *shard;
};

/* y and the layers' outputs in one piece. */
static bool open_shard(struct insight_shard *shard, const relud_model *model,
                       struct relud_error *error)
{
    const struct relud_model_info *info = relud_model_info(model);
    size_t floats = info->outputs;
    for (size_t i = 0; i < info->layers; i++)
        floats += relud_model_layer(model, i)->outputs;
    pthread_mutex_init(&shard->mutex, NULL);
    shard->y = malloc(floats * sizeof *shard->y);
    shard->layer_out = calloc(info->layers + 1, sizeof *shard->layer_out);
    shard->health = relud_health_new(model, error);
    if (!shard->y || !shard->layer_out)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    float *at = shard->y + info->outputs;
    for (size_t i = 0; i < info->layers; i++) {
        shard->layer_out[i] = at;
        at += relud_model_layer(model, i)->outputs;
    }
    return shard->health != NULL;
}

struct insight *insight_new(const relud_model *model, size_t workers, struct relud_error *error)
{
    struct insight *insight = calloc(1, sizeof *insight);
    struct insight_shard *shard = calloc(workers, sizeof *shard);
    if (!insight || !shard) {
        free(insight);
        free(shard);
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    *insight = (struct insight){.model = model, .shard = shard};
    while (insight->shards < workers) {
        if (!open_shard(&shard[insight->shards++], model, error)) {
            insight_free(insight);
            return NULL;
        }
    }
    return insight;
}

void insight_free(struct insight *insight)
{
    for (size_t i = 0; insight && i < insight->shards; i++) {
        struct insight_shard *shard = &insight->shard[i];
        pthread_mutex_destroy(&shard->mutex);
        relud_health_free(shard->health);
        free(shard->layer_out);
        free(shard->y);
    }
    if (insight)
        free(insight->shard);
    free(insight);
}

int64_t insight_look(struct insight *insight, size_t worker, relud_scratch *scratch, const float *x,
                     int64_t now_ns)
{
    struct insight_shard *shard = &insight->shard[worker];
    if (now_ns < shard->due_ns || pthread_mutex_trylock(&shard->mutex) != 0)
        return now_ns;
    relud_predict_layers(scratch, x, 1, shard->y, shard->layer_out);
    relud_health_add(shard->health, shard->layer_out, 1);
    pthread_mutex_unlock(&shard->mutex);
    int64_t end_ns = clock_ns(), pause_ns = SHARE * (end_ns - now_ns);
    shard->due_ns = end_ns + (pause_ns > PAUSE_NS ? pause_ns : PAUSE_NS);
    return end_ns;
}

relud_health *insight_read(struct insight *insight)
{
    relud_health *sum = relud_health_new(insight->model, NULL);
    for (size_t i = 0; sum && i < insight->shards; i++) {
        struct insight_shard *shard = &insight->shard[i];
        pthread_mutex_lock(&shard->mutex);
        relud_health_merge(sum, shard->health);
        pthread_mutex_unlock(&shard->mutex);
    }
    return sum;
}
