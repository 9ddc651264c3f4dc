/* librelud: feed-forward nets with one exact arithmetic, their files, and numbers as text.
 * For C11, and C++11 or later. docs/library.md shows a whole program, examples/predict.c.
 *
 * These rules hold unless a function says otherwise:
 * - Nothing prints, exits, starts a thread or keeps global state that a caller could see.
 * - Threads may call any functions at the same time. Only one of them may use an object at a time,
 *   unless all pointers to it are const. A relud_model never changes, so threads may share it.
 * - A function that can fail returns false or NULL and fills *error (error.h), which may be NULL.
 * - Arguments are borrowed for the call. What a function named _new, _load, _read or _open returns
 *   or fills belongs to the caller, who ends it with _free, _release or _close.
 * - Texts are UTF-8 and end with a NUL, unless a length is given.
 * - Arrays are dense, row after row: x[rows][width] has its numbers at x[r * width + i].
 * - Neither the locale nor the thread's rounding mode and flush-to-zero setting matter. */
#ifndef RELUD_H
#define RELUD_H

#include <relud/activation.h>
#include <relud/compare.h>
#include <relud/data.h>
#include <relud/drift.h>
#include <relud/error.h>
#include <relud/evaluate.h>
#include <relud/explain.h>
#include <relud/feature.h>
#include <relud/file.h>
#include <relud/guess.h>
#include <relud/health.h>
#include <relud/model.h>
#include <relud/pass.h>
#include <relud/text.h>
#include <relud/train.h>
#include <relud/watch.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RELUD_VERSION "0.1.0"

/* The version of the library that runs, "0.1.0", while RELUD_VERSION is that of the headers.
 * Static. */
const char *relud_version(void);

#ifdef __cplusplus
}
#endif

#endif
