#include <relud/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GREAT_BYTES = 4 << 20 };

static bool read_all(int fd, const char *path, size_t size, struct relud_file *file,
                     struct relud_error *error)
{
    /* A large file's pages are mapped and filled in at once (MAP_POPULATE): faulting them in one by
     * one would take as long as reading the file. */
    if (size >= GREAT_BYTES) {
        file->mapped = size + 1;
        void *at = mmap(NULL, file->mapped, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        file->bytes = at == MAP_FAILED ? NULL : at;
    } else {
        file->bytes = malloc(size + 1);
    }
    if (!file->bytes)
        return relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory for %zu bytes", path, size);
    for (file->len = 0; file->len < size;) {
        ssize_t got = read(fd, file->bytes + file->len, size - file->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return relud_fail(error, RELUD_IO, "%s: %s", path, strerror(errno));
        if (got == 0) /* the file shrank meanwhile: keep what was read */
            break;
        file->len += (size_t)got;
    }
    file->bytes[file->len] = '\0';
    return true;
}

bool relud_file_read(const char *path, size_t most, struct relud_file *file,
                     struct relud_error *error)
{
    *file = (struct relud_file){0};
    /* O_NONBLOCK: opening a FIFO must not block. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return relud_fail(error, RELUD_IO, "%s: %s", path, strerror(errno));
    struct stat about;
    bool is_read = false;
    if (fstat(fd, &about) != 0)
        relud_fail(error, RELUD_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(about.st_mode))
        relud_fail(error, RELUD_IO, "%s: %s", path,
                   S_ISDIR(about.st_mode) ? "Is a directory" : "not a regular file");
    else if ((unsigned long long)about.st_size > most)
        relud_fail(error, RELUD_TOO_LARGE, "%s: %lld bytes; at most %zu are read", path,
                   (long long)about.st_size, most);
    else
        is_read = read_all(fd, path, (size_t)about.st_size, file, error);
    close(fd);
    if (!is_read)
        relud_file_free(file);
    return is_read;
}

void relud_file_free(struct relud_file *file)
{
    if (file->mapped && file->bytes)
        munmap(file->bytes, file->mapped);
    else
        free(file->bytes);
    *file = (struct relud_file){0};
}

void relud_file_wipe(struct relud_file *file)
{
    if (file->bytes)
        explicit_bzero(file->bytes, file->len);
    relud_file_free(file);
}
