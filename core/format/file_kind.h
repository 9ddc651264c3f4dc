/* Detects from its bytes what kind of file was given as a model, and tells the user how to turn
 * another kind into one that relud serves. */
#ifndef CORE_FORMAT_FILE_KIND_H
#define CORE_FORMAT_FILE_KIND_H

#include <relud/error.h>
#include <stdbool.h>

enum file_kind { FILE_ONNX, FILE_SAFETENSORS, FILE_OTHER };

/* Returns the reader that relud_model_load should use. FILE_OTHER: a known kind that is not served,
 * or an empty file. A file that cannot be read, or whose kind is not known, is FILE_ONNX: the ONNX
 * reader then gives the error. */
enum file_kind file_kind_of(const char *path);

/* Sets *error to what the file or folder is and how to make it servable. Always returns false. */
bool file_kind_refuse(const char *path, struct relud_error *error);

#endif
