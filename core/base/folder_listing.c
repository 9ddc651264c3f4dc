#include "core/base/folder_listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <relud/error.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SHOWN_MAX = 4 };

struct found {
    char name[256];
    long long bytes;
};

struct list {
    struct found first[SHOWN_MAX]; /* sorted by name */
    size_t count;                  /* of all files found, shown or not */
};

/* Counts the file, and keeps it if it is among the first SHOWN_MAX by name. */
static void offer(struct list *list, const char *name, long long bytes)
{
    size_t shown = list->count < SHOWN_MAX ? list->count : SHOWN_MAX, at = shown;
    list->count++;
    while (at > 0 && strcmp(name, list->first[at - 1].name) < 0)
        at--;
    if (at == SHOWN_MAX)
        return;
    size_t after = (shown < SHOWN_MAX ? shown : SHOWN_MAX - 1) - at;
    memmove(&list->first[at + 1], &list->first[at], after * sizeof *list->first);
    snprintf(list->first[at].name, sizeof list->first[at].name, "%s", name);
    list->first[at].bytes = bytes;
}

static bool read_list(struct list *list, const char *path, const char *own)
{
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        struct stat about;
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, own) != 0 &&
            fstatat(dirfd(dir), entry->d_name, &about, 0) == 0 && S_ISREG(about.st_mode))
            offer(list, entry->d_name, (long long)about.st_size);
    }
    closedir(dir);
    return true;
}

const char *beside_list(char text[BESIDE_TEXT_BYTES], const char *dir, const char *own)
{
    struct list list = {.count = 0};
    text[0] = '\0';
    if (!read_list(&list, dir, own))
        return text;
    size_t shown = list.count < SHOWN_MAX ? list.count : SHOWN_MAX, room = BESIDE_TEXT_BYTES - 32;
    size_t len = (size_t)snprintf(text, BESIDE_TEXT_BYTES, "%s",
                                  list.count ? "beside it lie" : "nothing lies beside it");
    for (size_t i = 0; i < shown; i++) {
        /* Each name gets an equal share of the room that is left, so one long name cannot push out
         * the others. */
        char one[BESIDE_TEXT_BYTES];
        size_t share = (room - len) / (shown - i);
        size_t some = relud_line(one, share, "%s '%s' (%lld bytes)", i ? "," : "",
                                 list.first[i].name, list.first[i].bytes);
        memcpy(text + len, one, some + 1);
        len += some;
    }
    if (list.count > shown)
        snprintf(text + len, BESIDE_TEXT_BYTES - len, " and %zu more", list.count - shown);
    return text;
}
