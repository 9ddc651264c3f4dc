#include "core/format/inputs_json.h"

#include <math.h>
#include <relud/data.h>
#include <stdio.h>
#include <string.h>

/* One input while it is read. */
struct reading {
    const struct json_reader *reader;
    const json_node *node;
    const char *place; /* "inputs[3]." */
    struct input_json *input;
};

/* Reads {"missing": 29.7} or {"missing": "input.missing"}. */
static bool read_vector(const struct reading *reading, const char *key, struct json_vector *vector)
{
    const json_node *node = json_member(reading->node, key);
    double number = 0;
    vector->is_there = node != NULL;
    if (node && json_kind_of(node) == JSON_TEXT)
        return json_get_text(reading->reader, reading->node, reading->place, key, &vector->tensor);
    if (node && json_kind_of(node) != JSON_NUMBER)
        return json_reader_fail(reading->reader, "%s%s must be a number or the name of a tensor",
                                reading->place, key);
    if (!json_get_number(reading->reader, reading->node, reading->place, key, &number))
        return false;
    vector->number = (float)number;
    return true;
}

static bool read_shape(const struct reading *reading)
{
    struct relud_tensor_info *about = &reading->input->about;
    const json_node *shape = json_member(reading->node, "shape");
    about->width = 1;
    if (!shape)
        return true;
    bool is_right = json_kind_of(shape) == JSON_ARRAY && json_count(shape) <= RELUD_RANK_MAX;
    for (const json_node *at = is_right ? json_first(shape) : NULL; at && is_right;
         at = json_next(at)) {
        size_t size = 0;
        is_right = json_whole(at, &size) && size > 0 && size <= MODEL_WIDTH_MAX / about->width;
        about->shape[about->rank++] = size;
        about->width *= is_right ? size : 1;
    }
    return is_right || json_reader_fail(reading->reader,
                                        "%sshape must be an array of at most %d whole numbers "
                                        "whose product is from 1 to %d",
                                        reading->place, RELUD_RANK_MAX, MODEL_WIDTH_MAX);
}

static bool read_categories(const struct reading *reading, const json_node *list)
{
    struct input_json *input = reading->input;
    if (json_kind_of(list) != JSON_ARRAY || !json_first(list))
        return json_reader_fail(reading->reader,
                                "%scategories must be an array of at least one string",
                                reading->place);
    input->category =
        arena_take_array(reading->reader->arena, json_count(list), sizeof *input->category);
    if (!input->category)
        return json_no_memory(reading->reader);
    for (const json_node *at = json_first(list); at; at = json_next(at)) {
        if (json_kind_of(at) != JSON_TEXT || !json_text_is_whole(json_text_of(at)))
            return json_reader_fail(reading->reader,
                                    "%scategories[%zu] must be a string without \\u0000 and half "
                                    "of a surrogate pair",
                                    reading->place, input->categories);
        if (!(input->category[input->categories++] = json_copy_text(reading->reader, at)))
            return false;
    }
    return true;
}

/* Reads "unknown": "error", "zero", or the index of the category that unknown words count as. */
static bool read_unknown(const struct reading *reading)
{
    struct input_json *input = reading->input;
    const json_node *node = json_member(reading->node, "unknown");
    const char *word = node && json_kind_of(node) == JSON_TEXT ? json_text_of(node) : "";
    size_t index = 0;
    bool is_zero = strcmp(word, "zero") == 0;
    input->unknown = is_zero ? INPUT_UNKNOWN_ZERO : INPUT_UNKNOWN_ERROR;
    if (!node || is_zero || strcmp(word, "error") == 0)
        return true;
    if (!json_whole(node, &index) || index >= input->categories)
        return json_reader_fail(reading->reader,
                                "%sunknown must be \"error\", \"zero\" or the index of one of the "
                                "%zu categories",
                                reading->place, input->categories);
    input->unknown = (long)index;
    return true;
}

static bool read_missing_word(const struct reading *reading)
{
    struct input_json *input = reading->input;
    const char *word = NULL;
    if (!json_get_text(reading->reader, reading->node, reading->place, "missing", &word))
        return false;
    input->missing_word = RELUD_WORDS_NONE;
    for (size_t i = 0; word && i < input->categories; i++)
        if (strcmp(input->category[i], word) == 0)
            input->missing_word = i;
    return !word || input->missing_word != RELUD_WORDS_NONE ||
           json_reader_fail(reading->reader, "%smissing: '%.60s' is none of the categories",
                            reading->place, word);
}

/* Fails if a key stands there that says nothing of this kind of input. */
static bool refuse(const struct reading *reading, const char *const *keys, const char *kind)
{
    for (; *keys; keys++)
        if (json_member(reading->node, *keys))
            return json_reader_fail(reading->reader, "%s%s says nothing of %s", reading->place,
                                    *keys, kind);
    return true;
}

static bool read_words(const struct reading *reading, const json_node *categories)
{
    static const char *const numbers[] = {"mean", "std", "shape", NULL};
    return refuse(reading, numbers, "words") && read_categories(reading, categories) &&
           read_unknown(reading) && read_missing_word(reading);
}

static bool read_ids(const struct reading *reading)
{
    static const char *const others[] = {"mean", "std", "shape", "unknown", "missing", NULL};
    return refuse(reading, others, "ids of an embedding");
}

static bool read_numbers(const struct reading *reading)
{
    static const char *const words[] = {"unknown", NULL};
    struct input_json *input = reading->input;
    return refuse(reading, words, "numbers") && read_shape(reading) &&
           read_vector(reading, "missing", &input->missing) &&
           read_vector(reading, "mean", &input->mean) && read_vector(reading, "std", &input->std);
}

static bool read_type(const struct reading *reading, const char *usual)
{
    const char *type = usual;
    if (!json_get_text(reading->reader, reading->node, reading->place, "type", &type))
        return false;
    bool is_text = strcmp(type, "BYTES") == 0;
    if (is_text != (reading->input->categories > 0) ||
        (!is_text && relud_dtype_of(type) == RELUD_DTYPES))
        return json_reader_fail(reading->reader, "%stype '%.20s': %s", reading->place, type,
                                reading->input->categories ? "categories are BYTES"
                                : is_text
                                    ? "BYTES need categories"
                                    : "FP32, FP64, FP16, INT64, INT32 and the like are known");
    reading->input->about.datatype = is_text ? "BYTES" : relud_dtype_name(relud_dtype_of(type));
    return true;
}

static bool read_input(const struct reading *reading)
{
    static const char *const known[] = {"name",    "type", "shape", "categories", "unknown",
                                        "missing", "mean", "std",   "embedding",  NULL};
    const struct json_reader *reader = reading->reader;
    struct input_json *input = reading->input;
    const json_node *categories = json_member(reading->node, "categories");
    if (json_kind_of(reading->node) != JSON_OBJECT)
        return json_reader_fail(reader, "%.*s must be an object", (int)strlen(reading->place) - 1,
                                reading->place);
    if (!json_check_keys(reader, reading->node, reading->place, known) ||
        !json_get_text(reader, reading->node, reading->place, "name", &input->about.name) ||
        !json_get_text(reader, reading->node, reading->place, "embedding", &input->embedding))
        return false;
    if (!input->about.name || !*input->about.name)
        return json_reader_fail(reader, "%sname is missing", reading->place);
    input->about.width = 1;
    return (categories         ? read_words(reading, categories)
            : input->embedding ? read_ids(reading)
                               : read_numbers(reading)) &&
           read_type(reading, categories         ? "BYTES"
                              : input->embedding ? "INT64"
                                                 : "FP32");
}

bool inputs_json_read(const struct json_reader *reader, const json_node *node,
                      struct input_json **inputs, size_t *count)
{
    size_t wanted = node ? json_count(node) : 0;
    if (!node)
        return true;
    if (json_kind_of(node) != JSON_ARRAY || wanted == 0 || wanted > INPUTS_MAX)
        return json_reader_fail(reader, "inputs must be an array of 1 to %d inputs", INPUTS_MAX);
    struct input_json *input = arena_take_array(reader->arena, wanted, sizeof *input);
    if (!input)
        return json_no_memory(reader);
    for (const json_node *at = json_first(node); at; at = json_next(at), ++*count) {
        char place[32];
        snprintf(place, sizeof place, "inputs[%zu].", *count);
        const struct reading reading = {reader, at, place, &input[*count]};
        if (!read_input(&reading))
            return false;
        for (size_t i = 0; i < *count; i++)
            if (strcmp(input[i].about.name, input[*count].about.name) == 0)
                return json_reader_fail(reader, "%sname '%.60s' stands twice", place,
                                        input[i].about.name);
    }
    *inputs = input;
    return true;
}
