#include "server/models/catalog.h"

#include <stdlib.h>
#include <string.h>

const char *const catalog_state_names[] = {"READY", "UNAVAILABLE", "LOADING", "UNLOADING"};

const struct catalog_model *catalog_model(const struct catalog *catalog, const char *name)
{
    size_t low = 0, high = catalog->models;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(catalog->model[middle].name, name);
        if (order == 0)
            return &catalog->model[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct catalog_item *catalog_item(const struct catalog *catalog,
                                        const struct catalog_model *model, const char *version)
{
    while (*version == '0' && version[1])
        version++;
    for (size_t i = model->first; i < model->first + model->len; i++)
        if (strcmp(catalog->item[i].version, version) == 0)
            return &catalog->item[i];
    return NULL;
}

const char *catalog_label(const struct catalog_model *model, const char *label)
{
    for (size_t i = 0; i < model->labels; i++)
        if (strcmp(model->label[i].label, label) == 0)
            return model->label[i].version;
    return NULL;
}

struct catalog *catalog_retain(struct catalog *catalog)
{
    catalog->references++;
    return catalog;
}

void catalog_release(struct catalog *catalog)
{
    if (!catalog)
        return;
    /* Read now: another thread may free the catalog once our count is down. */
    sem_t *let_go = catalog->let_go;
    if (--catalog->references > 0) {
        if (let_go)
            sem_post(let_go);
        return;
    }
    for (size_t i = 0; i < catalog->items; i++)
        served_model_release(catalog->item[i].served);
    for (size_t i = 0; i < catalog->models; i++) {
        free(catalog->model[i].label);
        free(catalog->model[i].passed);
    }
    free(catalog->model);
    free(catalog->item);
    free(catalog->jobs);
    free(catalog);
}
