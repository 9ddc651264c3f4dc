/* relud convert: a model of any form into a model directory. */
#include "server/commands.h"

#include "server/model_path.h"
#include <stdio.h>

int cmd_convert(int argc, char **argv)
{
    struct relud_error error;
    struct model_path path;
    if (argc != 3 || argv[1][0] == '-' || argv[2][0] == '-') {
        fprintf(stderr, "relud: convert: a model and a directory to write are wanted\n");
        return 2;
    }
    if (!model_path_find(argv[1], &path, &error)) {
        fprintf(stderr, "relud: convert: %s\n", error.text);
        return 1;
    }
    relud_model *model = relud_model_load(path.dir, NULL, &error);
    const char *name = model ? relud_model_info(model)->name : NULL;
    bool is_saved = model && relud_model_save(model, argv[2], name ? name : path.name, &error);
    if (is_saved)
        printf("%s: written (%zu layers, %zu parameters)\n", argv[2],
               relud_model_info(model)->layers, relud_model_info(model)->parameters);
    else
        fprintf(stderr, "relud: convert: %s: %s\n", argv[1], error.text);
    relud_model_release(model);
    return is_saved ? 0 : 1;
}
