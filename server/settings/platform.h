/* Settings that managed platforms give a container in its environment:
 *   Vertex AI   AIP_HTTP_PORT, AIP_HEALTH_ROUTE (GET /ping), AIP_PREDICT_ROUTE (POST /invocations)
 *   SageMaker   SAGEMAKER_BIND_TO_PORT; `serve` alone, with the model in SM_MODEL_DIR, which is
 * /opt/ml/model */
#ifndef SERVER_SETTINGS_PLATFORM_H
#define SERVER_SETTINGS_PLATFORM_H

#include "server/settings/config.h"

/* Puts the platform's port into config->listen; when no address was chosen, relud listens on all
 * addresses. Reads the routes, which must begin with a slash. Returns false and sets *error when
 * one of them is wrong. */
bool platform_read(struct config *config, struct relud_error *error);

/* The platform's model directory, static or the environment's; NULL when there is none. */
const char *platform_model(void);

#endif
