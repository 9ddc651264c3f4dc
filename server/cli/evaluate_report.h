/* What relud evaluate prints: the measures as text for people, or as one JSON object. */
#ifndef SERVER_CLI_EVALUATE_REPORT_H
#define SERVER_CLI_EVALUATE_REPORT_H

#include "server/base/text.h"
#include <relud/evaluate.h>

/* label[of->classes]. With a top_k of 0 no top-k accuracy was asked for. */
void evaluate_report_classes(struct text *out, const struct relud_classification *of,
                             const char *const *label, size_t top_k, bool is_json);
void evaluate_report_numbers(struct text *out, const struct relud_regression *of, size_t outputs,
                             size_t rows, bool is_json);

#endif
