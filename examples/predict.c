/* predict MODEL ROWS prints the answer to each row of a file. C11, or C++11 under another name. */
#include <relud/relud.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    struct relud_error error;
    struct relud_rows rows;
    relud_model *model = relud_model_load(argc > 1 ? argv[1] : "digits/1", NULL, &error);
    const struct relud_model_info *info = model ? relud_model_info(model) : NULL;
    relud_scratch *scratch = model ? relud_scratch_new(model, 16, &error) : NULL;
    if (!scratch || !relud_rows_read(argc > 2 ? argv[2] : "-", info->features, &rows, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    float *y = (float *)malloc(rows.rows * info->outputs * sizeof *y);
    if (!y) {
        fprintf(stderr, "out of memory\n");
        return 1;
    }
    relud_predict(scratch, rows.values, rows.rows, y);
    for (size_t i = 0; i < rows.rows * info->outputs; i++) {
        char text[RELUD_FLOAT_TEXT_MAX];
        printf("%.*s%c", (int)relud_float_to_text(y[i], text), text,
               (i + 1) % info->outputs ? ',' : '\n');
    }
    free(y);
    relud_rows_free(&rows);
    relud_scratch_free(scratch);
    relud_model_release(model);
    return 0;
}
