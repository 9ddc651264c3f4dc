#include "server/cli/row_source.h"

#include "server/cli/table_options.h"

bool row_source_open(struct row_source *source, const char *command, const char *path,
                     const struct relud_rows_options *options, struct relud_error *error)
{
    *source = (struct row_source){.rows = 0};
    if (!relud_row_file_open(path, options, &source->file, error))
        return false;
    if (source->file) {
        source->rows = relud_row_file_rows(source->file);
        source->features = relud_row_file_features(source->file);
        return true;
    }
    if (!relud_rows_read_with(path, options, &source->data, error))
        return false;
    source->rows = source->data.rows;
    source->features = source->data.features;
    table_note_print(command, path, source->data.note);
    return true;
}

void row_source_close(struct row_source *source)
{
    relud_rows_free(&source->data);
    relud_row_file_close(source->file);
}

const float *row_source_read(const struct row_source *source, size_t first, size_t rows,
                             float *room, struct relud_error *error)
{
    if (!source->file)
        return source->data.values + first * source->features;
    return relud_row_file_read(source->file, first, rows, room, error) ? room : NULL;
}
