#include "server/train_out.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = {"model.json", "model.safetensors", "curve.svg",
                                    /* of one that was killed while it wrote */
                                    "model.json.part", "model.safetensors.part"};
enum { FILES = sizeof files / sizeof *files };

static bool fail_path(struct relud_error *error, const char *path)
{
    return relud_fail(error, RELUD_IO, "%.200s: %s", path, strerror(errno));
}

static bool exists(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0;
}

/* Whether all that is in the directory is what a training writes; *count of it. */
static bool is_ours(const char *dir, size_t *count)
{
    DIR *handle = opendir(dir);
    bool is_known = handle != NULL;
    *count = 0;
    for (struct dirent *entry; is_known && (entry = readdir(handle));) {
        bool is_file = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        *count += !is_file;
        for (size_t i = 0; i < FILES; i++)
            is_file |= strcmp(entry->d_name, files[i]) == 0;
        is_known = is_file;
    }
    if (handle)
        closedir(handle);
    return is_known;
}

static void remove_model(const char *dir)
{
    char path[TRAIN_PATH_BYTES + 128];
    for (size_t i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

/* Names in a directory reach the disk with it. */
static void sync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

static void sync_parent(const char *path)
{
    char parent[TRAIN_PATH_BYTES];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = '\0';
    sync_dir(slash ? parent : ".");
}

static bool set_paths(struct train_out *out, const char *dir, struct relud_error *error)
{
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/')
        len--;
    if (len >= TRAIN_PATH_BYTES)
        return relud_fail(error, RELUD_IO, "%.100s…: the path is too long", dir);
    memcpy(out->dir, dir, len);
    out->dir[len] = '\0';
    const char *last = strrchr(out->dir, '/') ? strrchr(out->dir, '/') + 1 : out->dir;
    struct stat about;
    if (!*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        return relud_fail(error, RELUD_IO, "%.150s: a directory of a name of its own is wanted",
                          dir);
    if (lstat(out->dir, &about) == 0 && S_ISLNK(about.st_mode))
        return relud_fail(error, RELUD_IO,
                          "%.150s: it is a symbolic link: name the directory itself", dir);
    snprintf(out->part, sizeof out->part, "%s.part", out->dir);
    snprintf(out->checkpoint, sizeof out->checkpoint, "%s/checkpoint.safetensors", out->part);
    snprintf(out->model, sizeof out->model, "%s/model", out->part);
    return true;
}

static bool check_dir(const struct train_out *out, struct relud_error *error)
{
    size_t count;
    if (!exists(out->dir))
        return true;
    bool is_known = is_ours(out->dir, &count);
    if (is_known && (count == 0 || out->may_replace))
        return true;
    return relud_fail(error, RELUD_IO, "%.150s: it is there already%s", out->dir,
                      is_known ? " (--overwrite replaces it)"
                               : ", with other things than a trained model in it");
}

/* Opens part, and keeps others out of it while this runs. */
static bool lock_part(struct train_out *out, struct relud_error *error)
{
    if (mkdir(out->part, 0777) != 0 && errno != EEXIST)
        return fail_path(error, out->part);
    int fd = open(out->part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail_path(error, out->part);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return relud_fail(error, RELUD_IO, "%.150s: another training is writing there", out->part);
    }
    out->lock = fd;
    return true;
}

bool train_out_open(struct train_out *out, const char *dir, bool is_resume, bool is_overwrite,
                    struct relud_error *error)
{
    out->may_replace = is_resume || is_overwrite;
    if (!set_paths(out, dir, error) || !check_dir(out, error))
        return false;
    bool is_begun = exists(out->checkpoint);
    if (is_resume && !is_begun)
        return relud_fail(error, RELUD_IO,
                          "%.150s: there is nothing to resume: no training was interrupted here",
                          out->checkpoint);
    if (is_begun && !is_resume && !is_overwrite)
        return relud_fail(error, RELUD_IO,
                          "%.150s: an interrupted training is there: --resume goes on with it, "
                          "--overwrite begins anew",
                          out->part);
    if (!lock_part(out, error))
        return false;
    unlink(out->model); /* whatever is no directory */
    remove_model(out->model);
    return true;
}

void train_out_begin(const struct train_out *out, bool is_resume)
{
    if (!is_resume)
        unlink(out->checkpoint);
}

static bool write_curve(const struct train_out *out, const char *curve, struct relud_error *error)
{
    char path[TRAIN_PATH_BYTES + 128];
    snprintf(path, sizeof path, "%s/curve.svg", out->model);
    FILE *file = fopen(path, "wb");
    if (!file)
        return fail_path(error, path);
    bool is_written = fputs(curve, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    int why = errno;
    is_written = fclose(file) == 0 && is_written;
    errno = why;
    return is_written || fail_path(error, path);
}

/* Where the file system cannot exchange two directories there is a moment without one. */
static bool exchange(const struct train_out *out)
{
    char old[TRAIN_PATH_BYTES + 64];
    if (renameat2(AT_FDCWD, out->model, AT_FDCWD, out->dir, RENAME_EXCHANGE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    snprintf(old, sizeof old, "%s/old", out->part);
    if (rename(out->dir, old) != 0 || rename(out->model, out->dir) != 0)
        return false;
    remove_model(old);
    return true;
}

/* A directory takes the place of another at once; what it replaces is then where it was, and is removed. What has come to
 * be there meanwhile is looked at again. */
static bool move_into_place(const struct train_out *out, struct relud_error *error)
{
    if (!check_dir(out, error))
        return false;
    sync_dir(out->model);
    bool is_there = exists(out->dir) && rmdir(out->dir) != 0;
    if (!(is_there ? exchange(out) : rename(out->model, out->dir) == 0))
        return fail_path(error, out->dir);
    if (is_there)
        remove_model(out->model);
    sync_parent(out->dir);
    return true;
}

/* What cannot be loaded does not replace what can. */
static bool check_model(const struct train_out *out, struct relud_error *error)
{
    relud_model *model = relud_model_load(out->model, NULL, error);
    relud_model_release(model);
    return model != NULL;
}

bool train_out_save(const struct train_out *out, const relud_model *model, const char *name,
                    const char *curve, struct relud_error *error)
{
    bool is_saved = relud_model_save(model, out->model, name, error) &&
                    (!curve || write_curve(out, curve, error)) && check_model(out, error) &&
                    move_into_place(out, error);
    if (!is_saved)
        remove_model(out->model);
    return is_saved;
}

void train_out_close(const struct train_out *out, bool keeps_checkpoint)
{
    char path[TRAIN_PATH_BYTES + 80];
    if (!out->lock)
        return;
    snprintf(path, sizeof path, "%s.part", out->checkpoint);
    unlink(path);
    if (!keeps_checkpoint)
        unlink(out->checkpoint);
    rmdir(out->part); /* unless the checkpoint is in it */
    close(out->lock);
}
