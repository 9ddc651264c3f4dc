/* State dicts in safetensors, made for one test. */
#ifndef TESTS_UNIT_STATE_DICTS_H
#define TESTS_UNIT_STATE_DICTS_H

#include "tests/unit/models.h"

/* Writes a safetensors file of these tensors, "fc1.weight[8,4] fc1.bias[8]". Element i of each is
 * (i % 5 - 2) / 4; of a running_var it is positive; a num_batches_tracked is an I64. */
static inline void write_dict(const char *path, const char *tensors)
{
    static char header[1 << 19], name[128], shape[64];
    static float numbers[65536];
    size_t len = (size_t)snprintf(header, sizeof header, "{"), at = 0;
    for (int used; sscanf(tensors, " %127[^[][%63[^]]]%n", name, shape, &used) == 2;
         tensors += used) {
        size_t count = 1, from = at;
        for (char *dim = shape, *end; *dim != ' ' && *dim; dim = *end ? end + 1 : end)
            count *= strtoul(dim, &end, 10);
        bool is_variance = strstr(name, "running_var") != NULL;
        bool is_counter = strstr(name, "num_batches_tracked") != NULL;
        for (size_t i = 0; i < count; i++)
            numbers[at++] = (float)(i % 5) / 4 - (is_variance ? -0.5f : 0.5f);
        at += is_counter * count;
        len += (size_t)snprintf(
            header + len, sizeof header - len,
            "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
            from ? "," : "", name, is_counter ? "I64" : "F32", shape, 4 * from, 4 * at);
    }
    snprintf(header + len, sizeof header - len, "}");
    char dir[128];
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(path, '/') - path), path);
    write_tensors(dir, header, numbers, 4 * at);
    char made[300];
    snprintf(made, sizeof made, "%s/model.safetensors", dir);
    ck_assert_int_eq(rename(made, path), 0);
}

#endif
