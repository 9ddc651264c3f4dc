/* What a request of the Open Inference Protocol says of its tensors. */
#include "server/api/v2_infer.h"

#include "server/batch/prediction.h"
#include <relud/guess.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHOLE_NAME "input"

const char *infer_whole_name(const struct served_model *served)
{
    const struct relud_model_info *info = served->info;
    bool has_one = info->inputs > 1 && !(info->feature && info->feature->has_words);
    for (size_t i = 0; has_one && i < info->inputs; i++)
        has_one = strcmp(info->input[i].name, WHOLE_NAME) != 0;
    return has_one ? WHOLE_NAME : NULL;
}

const struct relud_tensor_info *infer_tensor(const struct served_model *served, size_t tensor)
{
    return tensor < served->info->inputs ? &served->info->input[tensor] : &served->row;
}

/* ---- one of them ---- */

static void fail_unknown(struct infer_request *asked, const char *name)
{
    enum { SHOWN = 8 };
    const struct relud_model_info *info = asked->served->info;
    struct relud_guess guess = {.word = name};
    char names[400] = "", guessed[RELUD_GUESS_TEXT_MAX];
    size_t len = 0;
    for (size_t i = 0; i < info->inputs; i++) {
        relud_guess_offer(&guess, info->input[i].name);
        if (i < SHOWN && len < sizeof names)
            len += (size_t)snprintf(names + len, sizeof names - len, "%s'%.40s'", i ? ", " : "",
                                    info->input[i].name);
    }
    request_fail(asked->request, 400, "model '%s' has no input '%.100s'; it has %s%s%s",
                 asked->served->name, name, names, info->inputs > SHOWN ? " and more" : "",
                 relud_guess_text(&guess, "", guessed));
}

/* Returns which tensor of the model has that name; infer_tensors: none. */
static size_t find_tensor(const struct served_model *served, const char *name)
{
    const struct relud_json_columns *inputs = &served->inputs;
    const char *whole = infer_whole_name(served);
    for (size_t low = 0, high = inputs->len; low < high;) {
        size_t middle = (low + high) / 2, tensor = inputs->by_name[middle];
        int order = strcmp(name, inputs->name[tensor]);
        if (order == 0)
            return tensor;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return whole && strcmp(name, whole) == 0 ? infer_whole(served) : infer_tensors(served);
}

static bool fail_at(struct infer_request *asked, size_t index, const char *words)
{
    request_fail(asked->request, 400, "inputs[%zu].%s", index, words);
    return false;
}

static bool read_shape(struct infer_request *asked, const json_node *shape,
                       struct infer_input *input)
{
    char each[64];
    snprintf(each, sizeof each, "each number of inputs[%zu].shape", input->index);
    if (!shape || !json_node_is_array(shape))
        return fail_at(asked, input->index, "shape must be an array of whole numbers");
    input->rank = 0;
    input->count = 1;
    for (const json_node *item = json_node_first(shape); item; item = json_node_next(item)) {
        size_t size = 0;
        if (input->rank == INFER_RANK_MAX)
            return fail_at(asked, input->index, "shape has too many dimensions");
        if (!infer_read_count(asked, item, each, &size))
            return false;
        if (size && input->count > SIZE_MAX / 16 / size) {
            request_fail(asked->request, 400, "the product of inputs[%zu].shape is too large",
                         input->index);
            return false;
        }
        input->shape[input->rank++] = size;
        input->count *= size;
    }
    return true;
}

/* Reads the datatype: any numbers for numbers, BYTES for words. */
static bool read_datatype(struct infer_request *asked, const char *datatype,
                          const struct relud_tensor_info *tensor, struct infer_input *input)
{
    bool is_bytes = strcmp(datatype, "BYTES") == 0, has_words = false;
    for (size_t f = tensor->first; f < tensor->first + tensor->width; f++)
        has_words |= relud_words_of(asked->served->info->feature, f) != NULL;
    input->dtype = is_bytes ? RELUD_DTYPES : relud_dtype_of(datatype);
    if (has_words && !is_bytes)
        request_fail(asked->request, 400,
                     "input '%s' holds words: datatype BYTES is wanted, not %.20s", tensor->name,
                     datatype);
    else if (is_bytes && !has_words)
        request_fail(asked->request, 400,
                     "input '%s' holds numbers: datatype 'BYTES' is not taken; %s is, and what "
                     "converts to it",
                     tensor->name, tensor->datatype);
    else if (!is_bytes && input->dtype == RELUD_DTYPES)
        request_fail(asked->request, 400,
                     "inputs[%zu].datatype '%.20s' is not taken; %s is, and what converts to it",
                     input->index, datatype, tensor->datatype);
    else
        return true;
    return false;
}

/* The tensor's shape must be rows of it, as many as the others have. */
static bool count_rows(struct infer_request *asked, const struct relud_tensor_info *tensor,
                       const struct infer_input *input, const struct infer_input *first)
{
    struct shape_text found, wanted;
    size_t rows = prediction_count_rows(tensor, input->shape, input->rank, true);
    if (asked->rows == 0)
        asked->rows = rows;
    if (rows && rows == asked->rows)
        return true;
    if (rows == 0)
        request_fail(asked->request, 400, "input '%s' has shape %s; model '%s' wants %s",
                     tensor->name, prediction_shape("", input->shape, input->rank, &found),
                     asked->served->name,
                     prediction_shape("-1", tensor->shape, tensor->rank, &wanted));
    else
        request_fail(
            asked->request, 400, "input '%s' has %zu rows where '%s' has %zu", tensor->name, rows,
            infer_tensor(asked->served, (size_t)(first - asked->input))->name, asked->rows);
    return false;
}

static bool read_input(struct infer_request *asked, const json_node *node, size_t index,
                       const struct infer_input **first)
{
    const char *name = json_node_text(json_node_member(node, "name"));
    const char *datatype = json_node_text(json_node_member(node, "datatype"));
    const json_node *parameters = json_node_member(node, "parameters");
    if (!name)
        return fail_at(asked, index, "name is missing");
    size_t at = find_tensor(asked->served, name);
    if (at == infer_tensors(asked->served)) {
        fail_unknown(asked, name);
        return false;
    }
    struct infer_input *input = &asked->input[at];
    if (input->is_there)
        return infer_fail(asked, "input '%s' stands twice", name);
    if (!datatype)
        return fail_at(asked, index, "datatype is missing");
    input->is_there = true;
    input->index = index;
    const struct relud_tensor_info *tensor = infer_tensor(asked->served, at);
    *first = *first ? *first : input;
    if (!read_datatype(asked, datatype, tensor, input) ||
        !read_shape(asked, json_node_member(node, "shape"), input) ||
        !infer_check_parameters(asked, parameters) || !count_rows(asked, tensor, input, *first))
        return false;
    const json_node *bytes = json_node_member(parameters, "binary_data_size");
    input->has_bytes = bytes != NULL;
    input->offset = asked->bytes;
    input->bytes = 0;
    if (bytes && !infer_read_count(asked, bytes, "binary_data_size", &input->bytes))
        return false;
    asked->given++;
    asked->with_bytes += input->has_bytes;
    asked->bytes += input->bytes;
    return true;
}

/* ---- all of them ---- */

static bool check_all(struct infer_request *asked)
{
    const struct served_model *served = asked->served;
    const struct relud_model_info *info = served->info;
    size_t whole = infer_whole(served);
    if (asked->input[whole].is_there && asked->given > 1)
        return infer_fail(asked, "input '%s' is whole rows; no other may be there",
                          infer_tensor(served, whole)->name);
    if (asked->input[whole].is_there || asked->given == info->inputs)
        return true;
    for (size_t i = 0; i < info->inputs; i++)
        if (!asked->input[i].is_there && !served_model_may_leave_out(served, i)) {
            request_fail(asked->request, 400,
                         "input '%s' is missing; model '%s' wants a tensor for each of its %zu",
                         info->input[i].name, served->name, info->inputs);
            return false;
        }
    return true;
}

bool infer_read_inputs(struct infer_request *asked, const json_node *inputs)
{
    const struct relud_model_info *info = asked->served->info;
    const struct infer_input *first = NULL;
    size_t count = inputs ? json_node_count(inputs) : 0, index = 0;
    if (count == 0 || (count > 1 && info->inputs == 1))
        return infer_fail(asked,
                          info->inputs == 1 ? "inputs must be an array with one tensor, '%s'"
                                            : "inputs must be an array of tensors, '%s' and others",
                          info->input->name);
    for (const json_node *node = json_node_first(inputs); node; node = json_node_next(node))
        if (!read_input(asked, node, index++, &first))
            return false;
    return check_all(asked);
}
