/* The examples in /openapi.json. */
#ifndef SERVER_API_OPENAPI_EXAMPLES_H
#define SERVER_API_OPENAPI_EXAMPLES_H

#include "server/batch/request.h"

enum openapi_example { EXAMPLE_PREDICT, EXAMPLE_INVOCATION, EXAMPLE_V1, EXAMPLE_V2 };

/* Writes the member "examples", with one request of this kind for each model of few features, by
 * the model's name. */
void openapi_write_examples(struct text *out, const struct catalog *catalog,
                            enum openapi_example kind);

#endif
