/* --activation of the commands that load models. */
#ifndef SERVER_SETTINGS_ACTIVATION_OPTION_H
#define SERVER_SETTINGS_ACTIVATION_OPTION_H

#include "server/settings/options.h"
#include <relud/model.h>

/* A row of a command's table; AT(activation) is its const char *. */
#define ACTIVATION_OPTION                                                                          \
    {                                                                                              \
        "activation", OPTION_TEXT, AT(activation), "", "NAME", 0, 0,                               \
            "Put this activation between the layers of a state dict (.safetensors). Examples are " \
            "relu and elu:alpha=0.5."                                                              \
    }

/* Sets the options for loading from the value of --activation ("": none). Returns false and sets
 * *error when it names no activation. */
static inline bool activation_option_read(const char *text, struct relud_model_options *options,
                                          struct relud_error *error)
{
    const struct relud_activation *activation;
    struct relud_activation_params params;
    options->activation = *text ? text : NULL;
    return !*text || relud_activation_read(text, &activation, &params, error);
}

#endif
