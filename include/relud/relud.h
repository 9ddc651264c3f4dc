/* librelud: feed-forward nets with one exact arithmetic, their files, and numbers as text.
 * Opaque handles, no globals, usable from several threads; nothing prints or exits.
 * The server uses nothing else of core/. */
#ifndef RELUD_H
#define RELUD_H

#include <relud/activation.h>
#include <relud/data.h>
#include <relud/error.h>
#include <relud/health.h>
#include <relud/model.h>
#include <relud/text.h>
#include <relud/train.h>

#define RELUD_VERSION "0.1.0"

/* The version of the library that runs, e.g. "0.1.0"; static. */
const char *relud_version(void);

#endif
