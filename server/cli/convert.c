/* relud convert: writes a model of any format as a model directory. */
#include "server/cli/commands.h"

#include "server/log/complain.h"
#include "server/models/path.h"
#include "server/settings/activation_option.h"
#include <stddef.h>
#include <stdio.h>

struct convert {
    const char *activation;
};

#define AT(field) offsetof(struct convert, field)
static const struct option table[] = {ACTIVATION_OPTION};
const struct options convert_options = {table, sizeof table / sizeof *table, "MODEL DIR", NULL};

static bool convert(const char *from, const char *dir, const struct relud_model_options *options,
                    struct relud_error *error)
{
    struct model_path path;
    if (!model_path_find(from, &path, error))
        return false;
    relud_model *model = relud_model_load(path.dir, options, error);
    const char *name = model ? relud_model_info(model)->name : NULL;
    bool is_saved = model && relud_model_save(model, dir, name ? name : path.name, error);
    if (is_saved)
        printf("%s: written (%zu layers, %zu parameters)\n", dir, relud_model_info(model)->layers,
               relud_model_info(model)->parameters);
    for (size_t i = 0; is_saved && i < relud_model_info(model)->notes; i++)
        printf("note: %s\n", relud_model_info(model)->note[i]);
    relud_model_release(model);
    return is_saved;
}

int cmd_convert(int argc, char **argv)
{
    struct convert wanted = {0};
    struct relud_error error;
    struct relud_model_options options = {0};
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
