/* Shared by v2_infer.c, v2_inputs.c and v2_tensors.c: a request of the Open Inference Protocol
 * while it is read. */
#ifndef SERVER_API_V2_INFER_H
#define SERVER_API_V2_INFER_H

#include "server/api/v2.h"
#include "server/base/json_in.h"

enum { INFER_RANK_MAX = 16 };

/* A tensor as the JSON describes it. */
struct infer_input {
    bool is_there;
    bool has_bytes;         /* it is `bytes` bytes, which begin `offset` bytes behind the JSON */
    enum relud_dtype dtype; /* of numbers; RELUD_DTYPES: BYTES, which are words */
    size_t bytes, offset;
    size_t index; /* it is inputs[index] */
    size_t shape[INFER_RANK_MAX];
    size_t rank, count; /* count: the product of shape */
};

struct infer_request {
    struct request *request;
    const struct served_model *served;
    /* [infer_tensors]: the tensors of the model's inputs, and, where there are several, last the
     * one of whole rows. */
    struct infer_input *input;
    size_t rows;
    size_t given, with_bytes; /* tensors that are there, and those that are bytes */
    size_t bytes;             /* of all these together */
    bool wants_binary;        /* for outputs that do not say it themselves */
    size_t timeout_us;        /* 0: none */
};

/* How many tensors a request may have, and which of them is the one of whole rows. */
static inline size_t infer_tensors(const struct served_model *served)
{
    return served->info->inputs == 1 ? 1 : served->info->inputs + 1;
}
static inline size_t infer_whole(const struct served_model *served)
{
    return infer_tensors(served) - 1;
}
/* The name of the tensor of whole rows where there are several inputs, "input". NULL: there is no
 * such tensor, because the rows hold words, or an input has that name. */
const char *infer_whole_name(const struct served_model *served);
/* What the tensor is in a row. */
const struct relud_tensor_info *infer_tensor(const struct served_model *served, size_t tensor);

/* Answer 400 and return false. `words` holds one %s. */
bool infer_fail(struct infer_request *asked, const char *words, const char *what);
/* Reads a whole number from 0; false, and answered, for anything else. */
bool infer_read_count(struct infer_request *asked, const json_node *node, const char *what,
                      size_t *count);
/* Checks parameters: it must be an object. Members that Triton reserves are refused; unknown
 * members are ignored. */
bool infer_check_parameters(struct infer_request *asked, const json_node *parameters);

/* Reads what "inputs" says of its tensors: NULL, or an array of objects. False, and answered, if
 * they are not rows of the model. */
bool infer_read_inputs(struct infer_request *asked, const json_node *inputs);

/* How many floats the rows may take of a request whose JSON has json_len bytes, with `behind` bytes
 * behind it. */
size_t infer_floats(const struct infer_request *asked, size_t json_len, size_t behind);
/* Checks that the tensors of numbers have as many bytes as their shapes say. */
bool infer_check_bytes(struct infer_request *asked);
/* Puts the tensors that lie in bytes[asked->bytes] into the rows at `values`. False, and answered,
 * if one is wrong. */
bool infer_read_bytes(struct infer_request *asked, const char *bytes, float *values);
/* Completes the rows with the inputs that are not there, and checks them; is_finite: the numbers
 * were checked when they were read. False, and answered, if one is wrong. */
bool infer_finish(struct infer_request *asked, float *values, bool is_finite);

#endif
