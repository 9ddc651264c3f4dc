#include "server/metrics/unit_watch.h"

#include "server/base/clock.h"
#include <pthread.h>
#include <stdlib.h>

/* After a row that took so long, a worker looks at none for so many times as long. */
enum { PAUSE = 200 };

/* One worker's part. Only its worker takes the lock, except while unit_watch_read reads the
 * part. */
struct unit_watch_shard {
    pthread_mutex_t mutex;
    relud_health *health;
    float *y, **layer_out;
    int64_t due_ns;
};

struct unit_watch {
    const relud_model *model;
    size_t shards;
    struct unit_watch_shard *shard;
};

/* Allocates y and the outputs of all layers in one piece. */
static bool open_shard(struct unit_watch_shard *shard, const relud_model *model,
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

struct unit_watch *unit_watch_new(const relud_model *model, size_t workers,
                                  struct relud_error *error)
{
    struct unit_watch *unit_watch = calloc(1, sizeof *unit_watch);
    struct unit_watch_shard *shard = calloc(workers, sizeof *shard);
    if (!unit_watch || !shard) {
        free(unit_watch);
        free(shard);
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    *unit_watch = (struct unit_watch){.model = model, .shard = shard};
    while (unit_watch->shards < workers) {
        if (!open_shard(&shard[unit_watch->shards++], model, error)) {
            unit_watch_free(unit_watch);
            return NULL;
        }
    }
    return unit_watch;
}

void unit_watch_free(struct unit_watch *unit_watch)
{
    for (size_t i = 0; unit_watch && i < unit_watch->shards; i++) {
        struct unit_watch_shard *shard = &unit_watch->shard[i];
        pthread_mutex_destroy(&shard->mutex);
        relud_health_free(shard->health);
        free(shard->layer_out);
        free(shard->y);
    }
    if (unit_watch)
        free(unit_watch->shard);
    free(unit_watch);
}

int64_t unit_watch_look(struct unit_watch *unit_watch, size_t worker, relud_scratch *scratch,
                        const float *x, int64_t now_ns)
{
    struct unit_watch_shard *shard = &unit_watch->shard[worker];
    if (now_ns < shard->due_ns || pthread_mutex_trylock(&shard->mutex) != 0)
        return now_ns;
    relud_predict_layers(scratch, x, 1, shard->y, shard->layer_out);
    relud_health_add(shard->health, shard->layer_out, 1);
    pthread_mutex_unlock(&shard->mutex);
    int64_t end_ns = clock_ns();
    shard->due_ns = end_ns + PAUSE * (end_ns - now_ns);
    return end_ns;
}

/* The state of a watch that unlocks a shard while the reader pauses, so that the shard's worker can
 * go on counting. */
struct shard_reading {
    struct unit_watch_shard *shard;
    const struct relud_watch *watch;
};

static bool go_on_unlocked(void *user)
{
    struct shard_reading *reading = user;
    pthread_mutex_unlock(&reading->shard->mutex);
    bool goes_on = reading->watch->go_on(reading->watch->user);
    pthread_mutex_lock(&reading->shard->mutex);
    return goes_on;
}

relud_health *unit_watch_read(struct unit_watch *unit_watch, const struct relud_watch *watch)
{
    relud_health *sum = relud_health_new(unit_watch->model, NULL);
    for (size_t i = 0; sum && i < unit_watch->shards; i++) {
        struct unit_watch_shard *shard = &unit_watch->shard[i];
        struct shard_reading reading = {.shard = shard, .watch = watch};
        const struct relud_watch inner = {.go_on = go_on_unlocked, .user = &reading};
        pthread_mutex_lock(&shard->mutex);
        bool is_whole = relud_health_merge_watched(sum, shard->health, watch ? &inner : NULL);
        pthread_mutex_unlock(&shard->mutex);
        if (!is_whole)
            break;
    }
    return sum;
}
