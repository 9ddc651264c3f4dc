#include "server/cli/train_out.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = {"model.json", "model.safetensors", "curve.svg",
                                    /* left by a training that was killed while it wrote */
                                    "model.json.part", "model.safetensors.part"};
enum { FILES = sizeof files / sizeof *files };

static bool fail_path(struct relud_error *error, const char *path)
{
    return relud_fail(error, RELUD_IO, "%s: %s", path, strerror(errno));
}

static bool exists(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0;
}

/* True when the directory holds only files that a training writes. *count is how many it holds. */
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

/* Writes a directory's names to the disk. */
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
        return relud_fail(error, RELUD_IO, "%s: the path is too long", dir);
    memcpy(out->dir, dir, len);
    out->dir[len] = '\0';
    const char *last = strrchr(out->dir, '/') ? strrchr(out->dir, '/') + 1 : out->dir;
    struct stat about;
    if (!*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        return relud_fail(error, RELUD_IO, "%s: the directory must have a name of its own", dir);
    if (lstat(out->dir, &about) == 0 && S_ISLNK(about.st_mode))
        return relud_fail(error, RELUD_IO, "%s: this is a symbolic link; give the directory itself",
                          dir);
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
    return relud_fail(error, RELUD_IO, "%s: it exists already%s", out->dir,
                      is_known ? "; --overwrite replaces it"
                               : ", and it is not only a trained model");
}

/* Opens the .part directory and locks it against other trainings. */
static bool lock_part(struct train_out *out, struct relud_error *error)
{
    if (mkdir(out->part, 0777) != 0 && errno != EEXIST)
        return fail_path(error, out->part);
    int fd = open(out->part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail_path(error, out->part);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return relud_fail(error, RELUD_IO, "%s: another training is writing here", out->part);
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
        return relud_fail(error, RELUD_IO, "%s: there is no interrupted training to resume",
                          out->checkpoint);
    if (is_begun && !is_resume && !is_overwrite)
        return relud_fail(error, RELUD_IO,
                          "%s: an interrupted training is here; --resume continues it, "
                          "--overwrite starts again",
                          out->part);
    if (!lock_part(out, error))
        return false;
    unlink(out->model); /* if it is no directory */
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

/* Exchanges the two directories. On a file system that cannot do so, there is a moment without
 * either. */
static bool request(const struct train_out *out)
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

/* Puts the new directory in place of the old one in one step, and then removes the old one. It
 * checks the place again, because something may have been put there meanwhile. */
static bool move_into_place(const struct train_out *out, struct relud_error *error)
{
    if (!check_dir(out, error))
        return false;
    sync_dir(out->model);
    bool is_there = exists(out->dir) && rmdir(out->dir) != 0;
    if (!(is_there ? request(out) : rename(out->model, out->dir) == 0))
        return fail_path(error, out->dir);
    if (is_there)
        remove_model(out->model);
    sync_parent(out->dir);
    return true;
}

/* A model that cannot be loaded must not replace one that can. */
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
