/* Describes the files in a folder in words, for error messages about a missing file. */
#ifndef CORE_BASE_FOLDER_LISTING_H
#define CORE_BASE_FOLDER_LISTING_H

#include <stddef.h>

enum { BESIDE_TEXT_BYTES = 512 };

/* Describes the regular files in the folder `dir`, except hidden ones and the one called `own`:
 * "beside it lie 'a' (12 bytes), 'b' (7 bytes) and 3 more". The names are sorted. Writes "nothing
 * lies beside it" if there are no files, and "" if the folder cannot be read. Returns `text`. */
const char *beside_list(char text[BESIDE_TEXT_BYTES], const char *dir, const char *own);

#endif
