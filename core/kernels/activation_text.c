/* Activations as they are written on a command line. */
#include <relud/activation.h>

#include <locale.h>
#include <math.h>
#include <relud/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a finite number that is the whole text. The point is '.', whatever the program's locale. */
static bool read_number(const char *text, float *value)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    char *end;
    *value = strtof_l(text, &end, plain);
    freelocale(plain);
    return end != text && !*end && isfinite(*value);
}

/* One PARAMETER=VALUE of `len` bytes. */
static bool read_parameter(const struct relud_activation_info *info, const char *text, size_t len,
                           struct relud_activation_params *params)
{
    char word[64];
    snprintf(word, sizeof word, "%.*s", len < sizeof word ? (int)len : 0, text);
    char *value = strchr(word, '=');
    if (!value)
        return false;
    *value++ = '\0';
    for (size_t i = 0; i < info->parameters; i++) {
        const struct relud_parameter_info *parameter = &info->parameter[i];
        if (strcmp(parameter->name, word) != 0 || parameter->kind == RELUD_PARAMETER_WEIGHT)
            continue;
        for (size_t c = 0; parameter->choices && parameter->choices[c]; c++)
            if (strcmp(parameter->choices[c], value) == 0) {
                params->values[i] = (float)c;
                return true;
            }
        return !parameter->choices && read_number(value, &params->values[i]);
    }
    return false;
}

bool relud_activation_read(const char *text, const struct relud_activation **activation,
                           struct relud_activation_params *params, struct relud_error *error)
{
    char name[64];
    size_t len = strcspn(text, ":");
    snprintf(name, sizeof name, "%.*s", len < sizeof name ? (int)len : 0, text);
    *activation = relud_activation_find(name);
    if (!*activation) {
        struct relud_guess guess = {.word = name};
        char guessed[RELUD_GUESS_TEXT_MAX];
        relud_activation_guess(&guess);
        return relud_fail(error, RELUD_BAD_INPUT, "--activation: there is no activation '%s'%s",
                          *name || len == 0 ? name : text, relud_guess_text(&guess, "", guessed));
    }
    *params = relud_activation_defaults(*activation);
    while (text[len] == ':') {
        const char *word = text + len + 1;
        size_t some = strcspn(word, ":");
        if (!read_parameter(relud_activation_info(*activation), word, some, params))
            return relud_fail(error, RELUD_BAD_INPUT,
                              "--activation: %s: '%.*s' is none of its parameters", name, (int)some,
                              word);
        len += 1 + some;
    }
    return true;
}
