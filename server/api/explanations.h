/* Explanations in responses: what each number of a row contributes to an output. */
#ifndef SERVER_API_EXPLANATIONS_H
#define SERVER_API_EXPLANATIONS_H

#include "server/base/json_in.h"
#include "server/batch/request.h"

/* The members "explain" and "border" of a request, before the model is known. Explain is true, a
 * label, or an index; a border alone means true. */
struct explain_member {
    bool is_wanted, has_border;
    const char *label; /* or NULL; belongs to the document */
    bool has_index;
    size_t index;
};

/* ---- of rows ---- */

/* Writes explanations, one row after the other. */
struct explanations {
    const struct relud_model_info *info;
    relud_model *model;
    relud_explainer *explainer;
    double *contribution;    /* [features] */
    const char *const *name; /* of the features, if contributions go by names; or NULL */
    bool has_border;         /* with the border's distance, and the smallest change */
};

/* Stands for each row's best class or, where there are no classes, for every output. */
#define EXPLANATIONS_BEST SIZE_MAX

/* Borrows the model. False: out of memory. explanations_close is needed in either case. has_border
 * may be set then. */
bool explanations_open(struct explanations *explanations, relud_model *model, bool is_by_name);
void explanations_close(struct explanations *explanations);

/* Finds the class of that label. False and *error, with a guess, if there is none. */
bool explanations_find_label(const struct relud_model_info *info, const char *label, size_t *index,
                             struct relud_error *error);
/* False and *error if the model has no class, or output, of that index. */
bool explanations_check_index(const struct relud_model_info *info, size_t index,
                              struct relud_error *error);

/* Writes the explanation of one row x[features], whose answer is y[outputs]: an object, null if
 * something is not finite (relud_explain_output), or an array for every output. False and *error:
 * RELUD_UNSUPPORTED if the model cannot be explained, or RELUD_NO_MEMORY. False and code 0: the
 * watch ended it. */
bool explanations_put(const struct explanations *explanations, struct text *out, const float *x,
                      const float *y, size_t index, const struct relud_watch *watch,
                      struct relud_error *error);

/* ---- of requests ---- */

/* Reads the values of both members; NULL: it is not there. False and *error if one is of another
 * kind. */
bool explanations_read(const json_node *explain, const json_node *border,
                       struct explain_member *member, struct relud_error *error);

/* Sets request->explain. is_by_name: the rows named their columns, and so do contributions. Answers
 * 400, and returns false, if the model has no such label or output, or the response is not JSON. */
bool explanations_choose(struct request *request, const struct served_model *served,
                         const struct explain_member *member, bool is_by_name);

/* Checks that explaining so many rows does not take too long. If not, answers 413 and returns
 * false. */
bool explanations_are_allowed(struct request *request, const struct served_model *served,
                              size_t rows);

/* The most bytes that the explanations of a row take in the response. */
size_t explanations_row_bytes(const struct request *request, const struct served_model *served);

/* Writes the explanations of all rows into the response, as a JSON array of one element a row; or,
 * if are_texts, of the elements' JSON as strings. It is to be called as long work. Answers, and
 * returns false, if the model cannot be explained. */
bool explanations_write(struct request *request, bool are_texts);

#endif
