/* NumPy's archives: stored, deflated, with zip64's sizes; and what is none, or not whole. */
#include "tests/unit/arrays.h"

#include <zlib.h>

struct zip {
    unsigned char bytes[1 << 18];
    size_t len, entries;
    unsigned char directory[2048];
    size_t directory_len;
};

static void put(unsigned char *at, size_t *len, unsigned long long value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[(*len)++] = (unsigned char)(value >> 8 * i);
}

enum { DEFLATE = 8, WIDE = 1, BAD_SUM = 2, ENCRYPTED = 4, LONGER = 8, MORE = 16, MUCH_MORE = 32 };

/* As np.savez writes it; WIDE puts every size into the extra fields. LONGER says that there is more than there is, MORE and
 * MUCH_MORE put something behind the packed bytes. */
static void add(struct zip *zip, const char *name, const void *bytes, size_t len, unsigned method,
                unsigned how)
{
    static unsigned char packed[1 << 17];
    size_t packed_len = len, local = zip->len, name_len = strlen(name);
    memcpy(packed, bytes, len);
    if (method == DEFLATE) {
        z_stream stream = {.next_in = (unsigned char *)(uintptr_t)bytes,
                           .avail_in = (unsigned)len,
                           .next_out = packed,
                           .avail_out = sizeof packed};
        ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, 0), Z_OK);
        ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
        packed_len = stream.total_out;
        deflateEnd(&stream);
    }
    if (how & (MORE | MUCH_MORE)) {
        size_t more = how & MORE ? 1 : 70000;
        memset(packed + packed_len, 0, more), packed_len += more;
    }
    unsigned long crc = crc32(0, bytes, (unsigned)len) ^ (how & BAD_SUM ? 1 : 0);
    unsigned flags = how & ENCRYPTED ? 1 : 0;
    unsigned char *at = zip->bytes, *to = zip->directory;
    put(at, &zip->len, 0x04034b50, 4), put(at, &zip->len, 45, 2), put(at, &zip->len, flags, 2);
    put(at, &zip->len, method, 2), put(at, &zip->len, 0, 4), put(at, &zip->len, crc, 4);
    put(at, &zip->len, 0xffffffff, 4), put(at, &zip->len, 0xffffffff, 4);
    put(at, &zip->len, name_len, 2), put(at, &zip->len, 20, 2);
    memcpy(at + zip->len, name, name_len), zip->len += name_len;
    put(at, &zip->len, 1, 2), put(at, &zip->len, 16, 2);
    size_t told = len + (how & LONGER ? 70000 : 0);
    put(at, &zip->len, told, 8), put(at, &zip->len, packed_len, 8);
    memcpy(at + zip->len, packed, packed_len), zip->len += packed_len;
    bool is_wide = how & WIDE;
    size_t *n = &zip->directory_len;
    put(to, n, 0x02014b50, 4), put(to, n, 45, 2), put(to, n, 45, 2), put(to, n, flags, 2);
    put(to, n, method, 2), put(to, n, 0, 4), put(to, n, crc, 4);
    put(to, n, is_wide ? 0xffffffff : packed_len, 4), put(to, n, is_wide ? 0xffffffff : told, 4);
    put(to, n, name_len, 2), put(to, n, is_wide ? 33 : 0, 2), put(to, n, 0, 2), put(to, n, 0, 2);
    put(to, n, 0, 2), put(to, n, 0, 4), put(to, n, is_wide ? 0xffffffff : local, 4);
    memcpy(to + *n, name, name_len), *n += name_len;
    if (is_wide) { /* another field before it */
        put(to, n, 0x5455, 2), put(to, n, 1, 2), put(to, n, 0, 1);
        put(to, n, 1, 2), put(to, n, 24, 2), put(to, n, told, 8);
        put(to, n, packed_len, 8), put(to, n, local, 8);
    }
    zip->entries++;
}

static void end_zip(struct zip *zip, bool is_wide)
{
    size_t directory = zip->len;
    unsigned char *at = zip->bytes;
    memcpy(at + zip->len, zip->directory, zip->directory_len);
    zip->len += zip->directory_len;
    if (is_wide) {
        size_t end = zip->len;
        put(at, &zip->len, 0x06064b50, 4), put(at, &zip->len, 44, 8), put(at, &zip->len, 0, 4);
        put(at, &zip->len, 0, 8), put(at, &zip->len, zip->entries, 8);
        put(at, &zip->len, zip->entries, 8), put(at, &zip->len, zip->directory_len, 8);
        put(at, &zip->len, directory, 8);
        put(at, &zip->len, 0x07064b50, 4), put(at, &zip->len, 0, 4), put(at, &zip->len, end, 8);
        put(at, &zip->len, 1, 4);
    }
    put(at, &zip->len, 0x06054b50, 4), put(at, &zip->len, 0, 4);
    put(at, &zip->len, is_wide ? 0xffff : zip->entries, 2);
    put(at, &zip->len, is_wide ? 0xffff : zip->entries, 2);
    put(at, &zip->len, is_wide ? 0xffffffff : zip->directory_len, 4);
    put(at, &zip->len, is_wide ? 0xffffffff : directory, 4), put(at, &zip->len, 3, 2);
    memcpy(at + zip->len, "end", 3), zip->len += 3;
}

static size_t sample(char bytes[512])
{
    return put_npy(bytes, NPY("<f4", "False", "(3, 2)"), three_by_two, sizeof three_by_two);
}

START_TEST(F9_an_archive_of_one_array_is_read)
{
    char npy[512];
    size_t len = sample(npy);
    for (unsigned i = 0; i < 8; i++) {
        struct zip zip = {0};
        if (i & 4)
            add(&zip, "about.txt", "text", 4, 0, 0);
        add(&zip, "x.npy", npy, len, i & 2 ? DEFLATE : 0, i & 1 ? WIDE : 0);
        end_zip(&zip, i & 1);
        reads(zip.bytes, zip.len, 2, three_by_two, 6);
        /* cut anywhere it is refused, and whatever byte is flipped, nothing but its own numbers comes of it */
        for (size_t cut = 4; cut < zip.len; cut++)
            refuses(zip.bytes, cut, "npz: ");
        for (size_t flip = 0; flip < zip.len; flip++) {
            struct relud_rows rows;
            struct relud_error error = {0};
            zip.bytes[flip] ^= 0x41;
            put_file(zip.bytes, zip.len);
            if (relud_rows_read(path, 2, &rows, &error))
                ck_assert_mem_eq(rows.values, three_by_two, sizeof three_by_two);
            else
                ck_assert(error.text[0]);
            relud_rows_free(&rows);
            drop_file();
            zip.bytes[flip] ^= 0x41;
        }
    }
    static char stored[] = "tests/data/faults/F9-stored.npz", /* np.savez */
        deflated[] = "tests/data/faults/F9-deflated.npz";     /* savez_compressed, F order, >f8 */
    reads_file(stored, 3, three_by_two, 6);
    reads_file(deflated, 3, three_by_two, 6);
}
END_TEST

START_TEST(F9_other_archives_are_told)
{
    char npy[512];
    size_t len = sample(npy);
    static const struct {
        const char *name, *words;
        unsigned method, how;
    } cases[] = {
        {"x.npy", "npz: the archive is encrypted", 0, ENCRYPTED},
        {"x.npy", "npz: the array is packed in another way than deflate", 14, 0},
        {"x.npy", "npz: the array's bytes are damaged", 0, BAD_SUM},
        {"x.npy", "npz: the array's bytes are damaged", DEFLATE, BAD_SUM},
        {"x.npy", "npz: the array's bytes are damaged", DEFLATE, LONGER},
        {"x.npy", "npz: the array's bytes are damaged", DEFLATE, MORE},
        {"x.npy", "npz: the array's bytes are damaged", DEFLATE, MUCH_MORE},
        {"xl/workbook.xml", "an Excel workbook: save it as CSV", 0, 0},
        {"net/data.pkl", "a file of torch.save", 0, 0},
        {"x.txt", "a zip archive without a .npy array", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct zip zip;
        zip = (struct zip){0};
        add(&zip, cases[i].name, npy, len, cases[i].method, cases[i].how);
        end_zip(&zip, false);
        refuses(zip.bytes, zip.len, cases[i].words);
    }
    struct zip empty = {0};
    end_zip(&empty, false);
    refuses(empty.bytes, empty.len, "a zip archive without a .npy array");
    struct relud_rows rows;
    struct relud_error error = {0};
    ck_assert(!relud_rows_read("tests/data/faults/F9-several.npz", 0, &rows, &error));
    ck_assert_ptr_nonnull(
        strstr(error.text, "npz: 2 arrays, where one is wanted: x_train, y_train"));
    /* more names than a line holds, and one array that is none */
    struct zip many = {0};
    for (int i = 0; i < 20; i++) {
        char name[32];
        sprintf(name, "array_number_%d.npy", i);
        add(&many, name, "", 0, 0, 0);
    }
    end_zip(&many, false);
    refuses(many.bytes, many.len, "npz: 20 arrays, where one is wanted: array_number_0, ");
    struct zip none = {0};
    add(&none, "x.npy", "1,2\n", 4, 0, 0);
    end_zip(&none, false);
    refuses(none.bytes, none.len, "npz: the array is not in NumPy's format");
    /* a name that takes a whole line, before and behind a short one */
    static char name[200];
    memset(name, 'a', 190), strcpy(name + 190, ".npy");
    for (int i = 0; i < 2; i++) {
        struct zip two = {0};
        add(&two, i ? "b.npy" : name, "", 0, 0, 0);
        add(&two, i ? name : "b.npy", "", 0, 0, 0);
        end_zip(&two, false);
        refuses(two.bytes, two.len,
                i ? "npz: 2 arrays, where one is wanted: b, ..."
                  : "npz: 2 arrays, where one is wanted: ...");
    }
}
END_TEST

START_TEST(an_archive_whose_ends_do_not_fit_is_refused)
{
    char npy[512];
    size_t len = sample(npy);
    static struct zip zip;
    /* two sizes where three are wanted, as the size of the extra field has it */
    add(&zip, "x.npy", npy, len, 0, WIDE);
    unsigned char *extra = zip.directory + zip.directory_len - 28;
    ck_assert_mem_eq(extra, "\1\0\x18\0", 4);
    extra[2] = 16;
    end_zip(&zip, true);
    refuses(zip.bytes, zip.len, "npz: the archive's directory is not whole");
    /* a directory that lies behind the end, and one longer than what is left */
    for (size_t i = 0; i < 2; i++) {
        static struct zip far;
        far = (struct zip){0};
        add(&far, "x.npy", npy, len, 0, 0);
        end_zip(&far, false);
        far.bytes[far.len - 25 + (i ? 12 : 16) + 2] = 1; /* 64 KB more */
        refuses(far.bytes, far.len, "npz: the archive's directory is not whole");
    }
    /* a place for zip64's end in a file too short for one; a long file without any end */
    static unsigned char bytes[70000] = "PK\3\4PK\6\7";
    memcpy(bytes + 24, "PK\5\6", 4);
    refuses(bytes, 46, "npz: the archive's directory is not whole");
    memset(bytes + 24, 0, 4);
    refuses(bytes, sizeof bytes, "npz: the archive has no directory: it is not whole");
}
END_TEST

/* More than zlib is given at once. */
START_TEST(a_great_array_is_unpacked_in_pieces)
{
    enum { COUNT = 30000 };
    static float values[COUNT];
    static char npy[COUNT * sizeof *values + 512];
    static struct zip zip;
    uint32_t noise = 1;
    for (size_t i = 0; i < COUNT; i++) {
        noise = noise * 1664525 + 1013904223;
        values[i] = (float)(noise >> 8);
    }
    size_t len = put_npy(npy, NPY("<f4", "False", "(15000, 2)"), values, sizeof values);
    add(&zip, "x.npy", npy, len, DEFLATE, 0);
    end_zip(&zip, false);
    ck_assert_uint_gt(zip.len, 1 << 16);
    reads(zip.bytes, zip.len, 2, values, COUNT);
}
END_TEST

RUN_SUITE("npz", F9_an_archive_of_one_array_is_read, F9_other_archives_are_told,
          an_archive_whose_ends_do_not_fit_is_refused, a_great_array_is_unpacked_in_pieces)
