/* A training's learning curve as a picture: SVG that stands for itself, in light and dark pages. */
#ifndef SERVER_CURVE_H
#define SERVER_CURVE_H

#include "server/text.h"
#include <relud/relud.h>

void curve_write(struct text *out, const char *title, const struct relud_epoch *epoch,
                 size_t epochs);

#endif
