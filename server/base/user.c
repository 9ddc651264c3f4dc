#include "server/base/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_number(const char *text, unsigned *number)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    *number = (unsigned)value;
    return *text >= '0' && *text <= '9' && !*end && !errno && value < UINT32_MAX;
}

static bool find_user(const char *name, uid_t *uid, gid_t *gid, struct relud_error *error)
{
    const struct passwd *entry = getpwnam(name);
    if (!entry && read_number(name, uid)) {
        *gid = *uid;
        entry = getpwuid(*uid);
    } else if (!entry) {
        return relud_fail(error, RELUD_BAD_INPUT, "--user %s: there is no such user", name);
    }
    if (entry) {
        *uid = entry->pw_uid;
        *gid = entry->pw_gid;
    }
    return true;
}

static bool find_group(const char *name, gid_t *gid, struct relud_error *error)
{
    const struct group *entry = getgrnam(name);
    if (entry)
        *gid = entry->gr_gid;
    return entry || read_number(name, gid) ||
           relud_fail(error, RELUD_BAD_INPUT, "--user: there is no group '%s'", name);
}

bool user_become(const char *user, struct relud_error *error)
{
    char name[128];
    uid_t uid = 0;
    gid_t gid = 0;
    snprintf(name, sizeof name, "%s", user);
    char *colon = strchr(name, ':');
    if (colon)
        *colon = '\0';
    if (!find_user(name, &uid, &gid, error) || (colon && !find_group(colon + 1, &gid, error)))
        return false;
    if (uid == 0)
        return relud_fail(error, RELUD_BAD_INPUT, "--user %s: that is root", user);
    if (geteuid() == uid)
        return true;
    const struct passwd *entry = colon ? NULL : getpwuid(uid);
    bool has_groups = entry ? initgroups(entry->pw_name, gid) == 0 : setgroups(0, NULL) == 0;
    if (!has_groups || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
        return relud_fail(error, RELUD_IO, "--user %s: %s: only root can become another user", user,
                          strerror(errno));
    return setuid(0) != 0 || relud_fail(error, RELUD_IO, "--user %s: root's rights remain", user);
}
