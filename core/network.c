#include "core/network.h"

#include "core/activation.h"
#include "core/plan.h"
#include <string.h>

static void note_width(struct network *network, size_t width)
{
    if (width > network->width_max)
        network->width_max = width;
}

bool network_build(struct network *network, struct arena *arena, const struct input_spec *input,
                   const struct layer_spec *specs, size_t layers,
                   const struct relud_model_options *options, struct relud_error *error)
{
    *network = (struct network){.input = *input, .layers = layers, .isa = options->isa};
    network->layer = arena_take_array(arena, layers, sizeof *network->layer);
    if (!network->layer)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    if (network->isa == RELUD_ISA_BEST)
        network->isa = relud_isa_best();
    note_width(network, input->features);
    for (size_t i = 0; i < layers; i++) {
        const struct layer_spec *spec = &specs[i];
        struct network_layer *layer = &network->layer[i];
        layer->activation = spec->activation;
        layer->params = spec->params;
        if (!linear_pack(&layer->linear, arena, spec->inputs, spec->outputs, spec->weight,
                         spec->is_in_out, spec->bias, options, error) ||
            !plan_make(&layer->linear, error))
            return false;
        note_width(network, spec->outputs);
    }
    return true;
}

size_t network_scratch_floats(const struct network *network, size_t rows)
{
    return 2 * rows * network->width_max;
}

static bool is_prepared(const struct input_spec *input)
{
    return input->mean || input->scale != 1 || input->shift != 0;
}

/* A shift of 0 is not added: -0 and, above all, 0 stay what they are. */
static void prepare(const struct input_spec *input, const float *x, float *out, size_t rows)
{
    size_t features = input->features;
    for (size_t r = 0; r < rows; r++) {
        const float *from = x + r * features;
        float *to = out + r * features;
        if (input->mean)
            for (size_t i = 0; i < features; i++)
                to[i] = (from[i] - input->mean[i]) / input->std[i];
        else if (input->shift != 0)
            for (size_t i = 0; i < features; i++)
                to[i] = from[i] * input->scale + input->shift;
        else
            for (size_t i = 0; i < features; i++)
                to[i] = from[i] * input->scale;
    }
}

static void forward_some(const struct network *network, const float *x, size_t rows, float *y,
                         float *scratch, float *const *layer_out, size_t done)
{
    /* Two halves in turn; the last layer writes to y itself. */
    size_t half = rows * network->width_max;
    float *out[2] = {scratch, scratch + half};
    size_t turn = 0;
    if (is_prepared(&network->input)) {
        prepare(&network->input, x, out[turn], rows);
        x = out[turn];
        turn = !turn;
    }
    for (size_t i = 0; i < network->layers; i++) {
        const struct network_layer *layer = &network->layer[i];
        size_t width = layer->linear.outputs;
        float *to = i + 1 == network->layers ? y : out[turn];
        linear_forward(&layer->linear, x, to, rows);
        if (layer->activation)
            activation_forward(network->isa, layer->activation, &layer->params, to, to, rows,
                               width);
        if (layer_out && layer_out[i])
            memcpy(layer_out[i] + done * width, to, rows * width * sizeof *to);
        x = to;
        turn = !turn;
    }
}

void network_forward(const struct network *network, const float *x, size_t rows, size_t rows_max,
                     float *y, float *scratch, float *const *layer_out)
{
    size_t outputs = network->layer[network->layers - 1].linear.outputs;
    for (size_t done = 0; done < rows; done += rows_max) {
        size_t some = rows - done < rows_max ? rows - done : rows_max;
        forward_some(network, x + done * network->input.features, some, y + done * outputs, scratch,
                     layer_out, done);
    }
}
