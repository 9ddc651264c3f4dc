/* Nets in the words of tests/unit/onnx_text.h whose weights are random: {#} stands for as many random
 * numbers as the shape before it has. */
#ifndef TESTS_UNIT_RANDOM_NET_H
#define TESTS_UNIT_RANDOM_NET_H

#include "tests/unit/onnx_case.h"

#include "core/base/random.h"

/* The net as tests/unit/onnx_text.h reads it. The caller frees it. */
static inline char *net_text(const char *net)
{
    char *text = NULL;
    size_t len = 0;
    uint64_t state = 3;
    FILE *out = open_memstream(&text, &len);
    for (const char *at = net; *at; at++) {
        fputc(*at, out);
        if (*at != '#')
            continue;
        fseek(out, -1, SEEK_CUR);
        const char *dim = at;
        while (*dim != '[')
            dim--;
        size_t count = strtoul(dim + 1, (char **)&dim, 10);
        count *= *dim == ',' ? strtoul(dim + 1, NULL, 10) : 1;
        for (size_t i = 0; i < count; i++)
            fprintf(out, "%s%.4f", i ? "," : "", (double)random_normal(&state));
    }
    fclose(out);
    return text;
}

static inline relud_model *load_net(const char *net)
{
    struct relud_error error = {0};
    char *text = net_text(net);
    struct buffer bytes = onnx_of(text, 17);
    relud_model *model = onnx_load(&bytes, &error);
    ck_assert_msg(model != NULL, "%s: %s", net, error.text);
    free(text), free(bytes.at);
    return model;
}

#endif
