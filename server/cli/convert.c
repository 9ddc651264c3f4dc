/* relud convert: writes a model of any format as a model directory. */
#include "server/cli/commands.h"

#include "server/log/complain.h"
#include "server/models/path.h"
#include "server/settings/activation_option.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct convert {
    const char *activation;
};

#define AT(field) offsetof(struct convert, field)
static const struct option table[] = {ACTIVATION_OPTION};
const struct options convert_options = {table, sizeof table / sizeof *table, "MODEL DIR", NULL};

/* A state dict's layers are told for approval. They are written by their own names, so that
 * model.json can be corrected. */
static bool convert(const char *from, const char *dir, const struct relud_model_options *options,
                    struct relud_error *error)
{
    struct model_path path;
    if (!model_path_find(from, &path, error))
        return false;
    relud_model *model = relud_model_load(path.dir, options, error);
    if (!model)
        return false;
    const struct relud_model_info *info = relud_model_info(model);
    const char *name = info->name ? info->name : path.name;
    bool is_dict = strcmp(info->format, "safetensors") == 0;
    bool is_saved = is_dict ? relud_state_dict_save(path.dir, options, dir, name, error)
                            : relud_model_save(model, dir, name, error);
    if (is_saved)
        printf("%s: written (%zu layers, %zu parameters)\n", dir, info->layers, info->parameters);
    for (size_t i = 0; is_saved && i < info->notes; i++)
        printf("note: %s\n", info->note[i]);
    if (is_saved && is_dict)
        printf("note: where this is not your net, correct %s/model.json\n", dir);
    relud_model_release(model);
    return is_saved;
}

int cmd_convert(int argc, char **argv)
{
    struct convert wanted = {0};
    struct relud_error error;
    struct relud_model_options options = {.takes_usual_order = true};
    const char *word[2] = {NULL};
    struct option_words words = {.at = word, .max = 2};
    bool is_read = options_set_defaults(&convert_options, &wanted, &error) &&
                   options_read(&convert_options, argc, argv, &wanted, &words, &error) &&
                   activation_option_read(wanted.activation, &options, &error);
    bool is_saved = is_read && convert(word[0], word[1], &options, &error);
    options_free(&convert_options, &wanted);
    if (!is_read)
        return options_refuse("convert", &error);
    if (!is_saved)
        complain("convert: %s: %s", word[0], error.text);
    return is_saved ? 0 : 1;
}
