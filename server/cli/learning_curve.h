/* Draws a training's learning curve as a self-contained SVG, for light and dark pages. */
#ifndef SERVER_CLI_LEARNING_CURVE_H
#define SERVER_CLI_LEARNING_CURVE_H

#include "server/base/text.h"
#include <relud/relud.h>

void learning_curve_write(struct text *out, const char *title, const struct relud_epoch *epoch,
                          size_t epochs);

#endif
