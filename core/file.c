#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GREAT_BYTES = 4 << 20 };

static bool read_all(int fd, const char *path, size_t size, struct file *file,
                     struct relud_error *error)
{
    /* Great ones are mapped and filled with zeros at once: faulting in page by page takes as long as reading. */
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
        if (got == 0) /* it shrank meanwhile: what is there is what counts */
            break;
        file->len += (size_t)got;
    }
    file->bytes[file->len] = '\0';
    return true;
}

bool file_read(const char *path, size_t most, struct file *file, struct relud_error *error)
{
    *file = (struct file){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up */
    if (fd < 0)
        return relud_fail(error, RELUD_IO, "%s: %s", path, strerror(errno));
    struct stat about;
    bool is_read = false;
    if (fstat(fd, &about) != 0)
        relud_fail(error, RELUD_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(about.st_mode))
        relud_fail(error, RELUD_IO, "%s: not a regular file", path);
    else if ((unsigned long long)about.st_size > most)
        relud_fail(error, RELUD_TOO_LARGE, "%s: %lld bytes; at most %zu are read", path,
                   (long long)about.st_size, most);
    else
        is_read = read_all(fd, path, (size_t)about.st_size, file, error);
    close(fd);
    if (!is_read)
        file_free(file);
    return is_read;
}

void file_free(struct file *file)
{
    if (file->mapped && file->bytes)
        munmap(file->bytes, file->mapped);
    else
        free(file->bytes);
    *file = (struct file){0};
}
