/* What a state dict was read as, in PyTorch's words, and what was assumed. */
#include "core/format/state_dict_private.h"

#include <relud/text.h>
#include <stdio.h>
#include <string.h>

enum { LAYER_BYTES = 200 }; /* at most, of a layer and its activation */

struct text {
    char *at;
    size_t len, size;
};

static void __attribute__((format(printf, 2, 3))) put(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text->at + text->len, text->size - text->len, format, args);
    va_end(args);
    text->len += (size_t)len;
}

void dict_widths(const struct dict *dict, char *text, size_t size)
{
    size_t len = (size_t)snprintf(text, size, "%zu", inputs_of(linear_at(dict, 0)));
    for (size_t i = 0; i < dict->linears; i++) {
        bool is_last = i + 1 == dict->linears;
        if (!is_last && len + 96 > size) {
            len += (size_t)snprintf(text + len, size - len, " -> …");
            i = dict->linears - 1;
        }
        len += (size_t)snprintf(text + len, size - len, " -> %zu", outputs_of(linear_at(dict, i)));
    }
}

static void put_activation(struct text *text, const struct model_layer *layer)
{
    const struct relud_activation_info *info = relud_activation_info(layer->activation);
    const char *before = "(";
    put(text, " -> %s", info->module ? info->module : info->name);
    for (size_t i = 0; i < info->parameters; i++) {
        const struct relud_parameter_info *parameter = &info->parameter[i];
        float value = layer->params.values[i];
        char number[RELUD_FLOAT_TEXT_MAX + 1] = "";
        if (parameter->kind == RELUD_PARAMETER_WEIGHT || value == parameter->value)
            continue;
        if (parameter->kind == RELUD_PARAMETER_NUMBER)
            number[relud_float_to_text(value, number)] = '\0';
        put(text, "%s%s=%s", before, parameter->name,
            *number ? number : parameter->choices[(size_t)value]);
        before = ", ";
    }
    put(text, "%s", *before == ',' ? ")" : "");
}

static void put_layer(struct text *text, const struct group *group, const struct model_layer *layer)
{
    static const char *const names[] = {"Linear", "BatchNorm1d", "LayerNorm"};
    bool is_linear = group->kind == GROUP_LINEAR;
    put(text, "%s%s(%zu", text->len ? " -> " : "read as ", names[group->kind],
        is_linear ? inputs_of(group) : width_of(group));
    if (is_linear)
        put(text, ", %zu%s", outputs_of(group), group->bias ? "" : ", bias=False");
    put(text, is_linear || group->weight ? ")" : ", affine=False)");
    if (layer->activation)
        put_activation(text, layer);
}

/* The chain as a note of any length. */
static bool tell_chain(const struct dict *dict)
{
    struct model_source *source = dict->loading->source;
    const struct model_json *json = &dict->loading->json;
    struct text text = {.size = (json->layers + 1) * LAYER_BYTES};
    text.at = arena_take(source->arena, text.size);
    for (size_t i = 0; text.at && i < json->layers; i++)
        put_layer(&text, &dict->group[dict->of_layer[i]], &json->layer[i]);
    if (text.at)
        source->note[source->info.notes++] = text.at;
    return text.at || dict_no_memory(dict);
}

/* What neither names nor shapes told. */
static bool tell_assumed(const struct dict *dict)
{
    struct model_source *source = dict->loading->source;
    const struct group *norm = NULL;
    for (size_t i = dict->linears; !norm && i < dict->groups; i++)
        if (dict->group[i].kind != GROUP_PRELU)
            norm = &dict->group[i];
    const struct {
        bool is_assumed;
        const char *what;
    } notes[] = {
        {dict->is_shared, "the one PReLU stands between all layers"},
        {dict->is_behind_assumed, "a norm stands behind the linear layer of its number"},
        {dict->is_before_assumed, "a norm stands before the activation, as is usual in PyTorch"},
        {dict->is_first_assumed, "the activation stands at the first place that the numbers leave"},
        {norm != NULL, "eps of the norms is 1e-05, PyTorch's default"},
    };
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        if (notes[i].is_assumed &&
            !model_source_note(source, "assumed: %s; the file does not tell", notes[i].what))
            return false;
    return true;
}

bool dict_tell(const struct dict *dict)
{
    char widths[256];
    if (dict->takes_usual_order)
        return tell_chain(dict) && tell_assumed(dict);
    dict_widths(dict, widths, sizeof widths);
    return model_source_note(
        dict->loading->source, "%zu linear layer%s (%s), %s between them", dict->linears,
        dict->linears > 1 ? "s by their names and shapes" : " by its name and shape", widths,
        dict->activation && dict->linears > 1 ? relud_activation_info(dict->activation)->name
                                              : "nothing");
}
