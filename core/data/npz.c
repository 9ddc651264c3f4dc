/* NumPy's .npz format: a zip archive of .npy files, stored (np.savez) or deflated
 * (np.savez_compressed), also with zip64 sizes (PKWARE's APPNOTE 6.3, §4.3). The reader uses the
 * directory at the archive's end. The archive must hold exactly one array. */
#include "core/data/rows_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    STORED = 0,
    DEFLATED = 8,
    ENCRYPTED = 1,
    END_BYTES = 22,
    ENTRY_BYTES = 46,
    LOCAL_BYTES = 30
};

struct archive {
    const char *path;
    const unsigned char *bytes;
    size_t len;
    struct relud_error *error;
};

struct entry {
    const char *name; /* [name_len], in the archive's bytes */
    size_t name_len;
    unsigned flags, method;
    uint32_t crc;
    uint64_t packed, size, local; /* sizes in bytes; offset of the entry's local header */
};

static bool fail(const struct archive *archive, const char *why)
{
    return relud_fail(archive->error, RELUD_BAD_INPUT, "%s: npz: %s", archive->path, why);
}

static uint64_t little(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

bool npz_is(const char *text, size_t len)
{
    return len >= 4 && (memcmp(text, "PK\3\4", 4) == 0 || memcmp(text, "PK\5\6", 4) == 0);
}

/* ---- the directory ---- */

struct directory {
    uint64_t at, len, entries;
};

static bool find_directory(const struct archive *archive, struct directory *directory)
{
    enum { COMMENT_MAX = 65535, LOCATOR_BYTES = 20, END64_BYTES = 56 };
    const unsigned char *bytes = archive->bytes, *end = NULL;
    for (size_t back = END_BYTES; !end && back <= archive->len && back <= END_BYTES + COMMENT_MAX;
         back++) {
        const unsigned char *at = bytes + archive->len - back;
        if (memcmp(at, "PK\5\6", 4) == 0 && little(at + 20, 2) + END_BYTES == back)
            end = at;
    }
    if (!end)
        return fail(archive, "the archive has no directory: it is not whole");
    *directory = (struct directory){little(end + 16, 4), little(end + 12, 4), little(end + 10, 2)};
    const unsigned char *locator = end - LOCATOR_BYTES;
    bool is_64 = (size_t)(end - bytes) >= LOCATOR_BYTES && memcmp(locator, "PK\6\7", 4) == 0;
    if (is_64) {
        uint64_t at = little(locator + 8, 8);
        if (archive->len < END64_BYTES || at > archive->len - END64_BYTES ||
            memcmp(bytes + at, "PK\6\6", 4) != 0)
            return fail(archive, "the archive's directory is not whole");
        directory->entries = little(bytes + at + 32, 8);
        directory->len = little(bytes + at + 40, 8);
        directory->at = little(bytes + at + 48, 8);
    }
    if (directory->at > archive->len || directory->len > archive->len - directory->at)
        return fail(archive, "the archive's directory is not whole");
    return true;
}

/* Reads the zip64 extra field. It holds only those of the three values that do not fit in 32 bits,
 * in this order. */
static bool read_extra(const unsigned char *extra, size_t len, struct entry *entry)
{
    uint64_t *const wide[] = {&entry->size, &entry->packed, &entry->local};
    while (len >= 4) {
        size_t id = (size_t)little(extra, 2), size = (size_t)little(extra + 2, 2), used = 4;
        if (size > len - 4)
            return false;
        for (size_t i = 0; id == 1 && i < 3; i++) {
            if (*wide[i] != UINT32_MAX)
                continue;
            if (used + 8 > size + 4)
                return false;
            *wide[i] = little(extra + used, 8);
            used += 8;
        }
        extra += size + 4;
        len -= size + 4;
    }
    return true;
}

/* Reads the directory entry at *at and moves *at to the next. */
static bool read_entry(const struct archive *archive, const struct directory *directory,
                       uint64_t *at, struct entry *entry)
{
    uint64_t left = directory->at + directory->len - *at;
    const unsigned char *head = archive->bytes + *at;
    if (left < ENTRY_BYTES || memcmp(head, "PK\1\2", 4) != 0)
        return fail(archive, "the archive's directory is not whole");
    size_t name = (size_t)little(head + 28, 2), extra = (size_t)little(head + 30, 2);
    size_t all = ENTRY_BYTES + name + extra + (size_t)little(head + 32, 2);
    *entry = (struct entry){.name = (const char *)head + ENTRY_BYTES,
                            .name_len = name,
                            .flags = (unsigned)little(head + 8, 2),
                            .method = (unsigned)little(head + 10, 2),
                            .crc = (uint32_t)little(head + 16, 4),
                            .packed = little(head + 20, 4),
                            .size = little(head + 24, 4),
                            .local = little(head + 42, 4)};
    if (left < all || !read_extra(head + ENTRY_BYTES + name, extra, entry))
        return fail(archive, "the archive's directory is not whole");
    *at += all;
    return true;
}

static bool ends_in(const struct entry *entry, const char *end)
{
    size_t len = strlen(end);
    return entry->name_len >= len && memcmp(entry->name + entry->name_len - len, end, len) == 0;
}

/* ---- the array ---- */

static bool inflate_all(const unsigned char *from, size_t from_len, unsigned char *to,
                        size_t to_len, bool *is_short)
{
    enum { PIECE = 1 << 16 };
    z_stream stream = {0};
    int state = inflateInit2(&stream, -MAX_WBITS);
    while (state == Z_OK && (from_len || stream.avail_in)) {
        if (stream.avail_in == 0) {
            stream.next_in = (unsigned char *)(uintptr_t)from;
            stream.avail_in = (unsigned)(from_len < PIECE ? from_len : PIECE);
            from += stream.avail_in, from_len -= stream.avail_in;
        }
        if (stream.avail_out == 0) {
            stream.next_out = to;
            stream.avail_out = (unsigned)(to_len < PIECE ? to_len : PIECE);
            to += stream.avail_out, to_len -= stream.avail_out;
        }
        state = inflate(&stream, Z_NO_FLUSH);
    }
    bool is_whole = state == Z_STREAM_END && to_len == 0 && stream.avail_out == 0 &&
                    from_len == 0 && stream.avail_in == 0;
    *is_short = state == Z_MEM_ERROR;
    inflateEnd(&stream);
    return is_whole;
}

static uint32_t crc_of(const unsigned char *at, size_t len)
{
    return (uint32_t)crc32_z(crc32_z(0, NULL, 0), at, len);
}

/* Unpacks one array: malloc's, entry->size bytes and a NUL. NULL and *error when it is damaged or
 * memory runs out. */
static char *unpack(const struct archive *archive, const struct entry *entry)
{
    const unsigned char *head = archive->bytes + entry->local;
    size_t left = entry->local <= archive->len ? archive->len - (size_t)entry->local : 0;
    size_t begin = left >= LOCAL_BYTES
                       ? (size_t)(LOCAL_BYTES + little(head + 26, 2) + little(head + 28, 2))
                       : 0;
    if (begin == 0 || memcmp(head, "PK\3\4", 4) != 0 || begin > left ||
        entry->packed > left - begin) {
        fail(archive, "the array is not whole");
        return NULL;
    }
    /* Deflate expands one byte to at most 1032. */
    if (entry->size > ROWS_BYTES_MAX || entry->size / 1032 > entry->packed ||
        (entry->method == STORED && entry->size != entry->packed)) {
        fail(archive, "the array's size cannot be right");
        return NULL;
    }
    size_t size = (size_t)entry->size;
    char *array = malloc(size + 1);
    bool is_short = !array, is_whole = array != NULL;
    if (array && entry->method == STORED)
        memcpy(array, head + begin, size);
    else if (array)
        is_whole = inflate_all(head + begin, (size_t)entry->packed, (unsigned char *)array, size,
                               &is_short);
    if (is_whole && crc_of((unsigned char *)array, size) == entry->crc) {
        array[size] = '\0';
        return array;
    }
    if (is_short)
        relud_fail(archive->error, RELUD_NO_MEMORY, "%s: out of memory", archive->path);
    else
        fail(archive, "the array's bytes are damaged");
    free(array);
    return NULL;
}

/* ---- choosing the array ---- */

struct finding {
    struct entry array; /* the first array */
    size_t arrays, len;
    char names[160]; /* all arrays' names, or the first ones and "..." */
    bool is_cut;
    bool is_excel, is_torch; /* archives of other programs */
};

static void look_at(struct finding *finding, const struct entry *entry)
{
    if (ends_in(entry, ".npy")) {
        if (finding->arrays++ == 0)
            finding->array = *entry;
        size_t room = sizeof finding->names - finding->len, name = entry->name_len - 4;
        bool fits = name + 8 < room;
        if (!finding->is_cut)
            finding->len += (size_t)snprintf(finding->names + finding->len, room, "%s%.*s",
                                             finding->len ? ", " : "", fits ? (int)name : 3,
                                             fits ? entry->name : "...");
        finding->is_cut |= !fits;
    }
    finding->is_excel |= ends_in(entry, "xl/workbook.xml");
    finding->is_torch |= ends_in(entry, "/data.pkl");
}

static bool fail_finding(const struct archive *archive, const struct finding *finding)
{
    if (finding->arrays > 1)
        return relud_fail(archive->error, RELUD_BAD_INPUT,
                          "%s: npz: %zu arrays, where one is wanted: %s", archive->path,
                          finding->arrays, finding->names);
    return relud_fail(archive->error, RELUD_BAD_INPUT, "%s: %s", archive->path,
                      finding->is_excel   ? "an Excel workbook: save it as CSV"
                      : finding->is_torch ? "a file of torch.save: rows are wanted, as by np.save"
                                          : "a zip archive without a .npy array");
}

char *npz_array(const char *path, const char *zip, size_t len, size_t *array_len,
                struct relud_error *error)
{
    struct archive archive = {path, (const unsigned char *)zip, len, error};
    struct directory directory = {0};
    struct finding finding = {0};
    if (!find_directory(&archive, &directory))
        return NULL;
    uint64_t at = directory.at;
    for (uint64_t i = 0; i < directory.entries; i++) {
        struct entry entry = {0};
        if (!read_entry(&archive, &directory, &at, &entry))
            return NULL;
        look_at(&finding, &entry);
    }
    if (finding.arrays != 1) {
        fail_finding(&archive, &finding);
        return NULL;
    }
    if (finding.array.flags & ENCRYPTED ||
        (finding.array.method != STORED && finding.array.method != DEFLATED)) {
        fail(&archive, finding.array.flags & ENCRYPTED
                           ? "the archive is encrypted"
                           : "the array is packed in another way than deflate");
        return NULL;
    }
    *array_len = (size_t)finding.array.size;
    char *array = unpack(&archive, &finding.array);
    if (array && !npy_is(array, *array_len)) {
        fail(&archive, "the array is not in NumPy's format");
        free(array);
        return NULL;
    }
    return array;
}
