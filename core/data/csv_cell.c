/* Classifies a table's cell (number, missing, number-like or name) and, for errors, guesses what
 * the user meant. */
#include "core/data/csv.h"

#include "core/base/boolean.h"
#include "core/base/json_string.h"
#include <ctype.h>
#include <relud/text.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct csv_cell trim(struct csv_cell cell)
{
    while (cell.len && is_blank(*cell.at))
        cell.at++, cell.len--;
    while (cell.len && is_blank(cell.at[cell.len - 1]))
        cell.len--;
    return cell;
}

/* ---- numbers ---- */

/* The limit for numbers in forms that JSON does not have; numbers as in JSON may be longer. */
enum { NUMBER_BYTES_MAX = 1024 };

static char decimal_of(const struct relud_table *table)
{
    return table->decimal ? table->decimal : '.';
}

static const char *put_digits(const char *at, const char *end, char **out)
{
    while (at < end && is_digit(*at))
        *(*out)++ = *at++;
    return at;
}

/* Rewrites a number such as .5, 05, 1. or +1 as JSON writes it: 0.5, 5, 1, 1. out needs cell.len +
 * 1 bytes. Returns the length, or 0 if the cell is not a number. The cell must not be empty. */
static size_t to_json(struct csv_cell cell, char decimal, char *out)
{
    const char *at = cell.at, *end = at + cell.len;
    char *begin = out;
    bool has_digits = false;
    if (*at == '+' || *at == '-') {
        if (*at++ == '-')
            *out++ = '-';
    }
    for (; at < end && *at == '0'; at++)
        has_digits = true;
    const char *whole = at;
    at = put_digits(at, end, &out);
    if (at == whole)
        *out++ = '0';
    has_digits |= at > whole;
    if (at < end && *at == decimal) {
        const char *part = ++at;
        char *point = out;
        *out++ = '.';
        at = put_digits(at, end, &out);
        has_digits |= at > part;
        if (at == part)
            out = point;
    }
    if (has_digits && at < end && (*at == 'e' || *at == 'E')) {
        *out++ = *at++;
        if (at < end && (*at == '+' || *at == '-'))
            *out++ = *at++;
        const char *power = at;
        at = put_digits(at, end, &out);
        has_digits = at > power;
    }
    return has_digits && at == end ? (size_t)(out - begin) : 0;
}

bool csv_number(const struct csv_cell *cell, const struct relud_table *table, float *value)
{
    struct csv_cell number = cell->is_quoted ? trim(*cell) : *cell;
    char decimal = decimal_of(table), text[NUMBER_BYTES_MAX + 3];
    if (number.len == 0)
        return false;
    if (decimal == '.' && relud_text_to_float(number.at, number.len, value) == number.len)
        return true;
    if (number.len > NUMBER_BYTES_MAX)
        return false;
    size_t len = to_json(number, decimal, text);
    if (len)
        relud_text_to_float(text, len, value);
    return len > 0;
}

/* ---- what is missing ---- */

static bool is_word(const struct csv_cell *cell, const char *word, size_t len)
{
    return cell->len == len && memcmp(cell->at, word, len) == 0;
}

/* The words are the na_values of pandas.read_csv; the user may add others (table->missing). */
bool csv_is_missing(const struct csv_cell *cell, const struct relud_table *table)
{
    static const char *const words[] = {
        "",         "NA",     "NaN",     "nan",     "null",     "NULL", "None",
        "N/A",      "n/a",    "<NA>",    "#N/A",    "#NA",      "-NaN", "-nan",
        "#N/A N/A", "1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(cell, words[i], strlen(words[i])))
            return true;
    for (const char *word = table->missing; word && *word;) {
        size_t len = strcspn(word, ",");
        if (is_word(cell, word, len))
            return true;
        word += len + (word[len] == ',');
    }
    return false;
}

/* ---- what a cell looks like ---- */

static bool begins(const char *at, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(at, with, strlen(with)) == 0;
}

/* The length of the sign at `at` if it is one that occurs with numbers but not in names, or 0. */
static size_t sign_len(const char *at, size_t len)
{
    static const char *const signs[] = {
        "\xe2\x88\x92", /* minus */
        "\xc2\xa0",     "\xe2\x80\xaf", "\xe2\x80\x89",
        "\xa0", /* fixed-width or no-break spaces: UTF-8, then Latin-1 */
        "\xe2\x82\xac", "\xc2\xa3",     "\xc2\xa5",
        "\x80",         "\xa3" /* currency: UTF-8, then Windows-1252 */
    };
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (begins(at, len, signs[i]))
            return strlen(signs[i]);
    return 0;
}

static bool is_any(const struct csv_cell *cell, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (cell->len == strlen(words[i]) && strncasecmp(cell->at, words[i], cell->len) == 0)
            return true;
    return false;
}

static bool is_boolean(const struct csv_cell *cell)
{
    static const char *const words[] = {"true", "false"};
    return is_any(cell, words, 2);
}

bool csv_boolean(const struct csv_cell *cell, float *value)
{
    return boolean_read(cell->at, cell->len, value);
}

static bool is_infinite(const struct csv_cell *cell)
{
    static const char *const words[] = {"inf",  "infinity",  "+inf", "+infinity",
                                        "-inf", "-infinity", "∞"};
    return is_any(cell, words, sizeof words / sizeof *words);
}

/* True for dates such as 2026-01-31, 31/1/26 or 1.2.2026, with or without a time after them. */
static bool is_date(const struct csv_cell *cell)
{
    size_t i = 0, parts = 0;
    char mark = 0;
    while (i < cell->len && is_digit(cell->at[i])) {
        size_t from = i;
        while (i < cell->len && is_digit(cell->at[i]))
            i++;
        parts += i - from == 3 || i - from > 4 ? 4 : 1;
        if (parts == 3)
            return i == cell->len || cell->at[i] == ' ' || cell->at[i] == 'T';
        char next = i < cell->len ? cell->at[i] : 0;
        if (!next || !strchr("-/.", next) || (mark && mark != next))
            return false;
        mark = next;
        i++;
    }
    return false;
}

static bool is_hexadecimal(const struct csv_cell *cell)
{
    size_t i = strchr("+-", *cell->at) ? 1 : 0;
    bool is_right = cell->len > i + 2 && cell->at[i] == '0' && (cell->at[i + 1] | 0x20) == 'x';
    for (i += 2; is_right && i < cell->len; i++)
        is_right = isxdigit((unsigned char)cell->at[i]);
    return is_right;
}

/* True if the cell has only digits, signs and punctuation, with at most one exponent. Nobody names
 * a column like that, except "#". */
static bool is_numeric(const struct csv_cell *cell)
{
    bool has_power = false;
    for (size_t i = 0; i < cell->len;) {
        char c = cell->at[i];
        bool is_power = (c == 'e' || c == 'E') && !has_power && i > 0 &&
                        (is_digit(cell->at[i - 1]) || cell->at[i - 1] == '.');
        size_t sign = sign_len(cell->at + i, cell->len - i);
        if ((is_letter(c) && !is_power) || (!sign && (unsigned char)c >= 0x80))
            return false;
        has_power |= is_power;
        i += sign ? sign : 1;
    }
    return !is_word(cell, "#", 1);
}

enum csv_kind csv_kind_of(const struct csv_cell *cell, const struct relud_table *table)
{
    float value;
    if (csv_number(cell, table, &value))
        return CSV_NUMBER;
    if (csv_is_missing(cell, table))
        return CSV_MISSING;
    return is_numeric(cell) || is_boolean(cell) || is_infinite(cell) || is_date(cell) ||
                   is_hexadecimal(cell)
               ? CSV_NUMERIC
               : CSV_NAME;
}

static size_t count_of(const struct csv_cell *cell, char c)
{
    size_t count = 0;
    for (size_t i = 0; i < cell->len; i++)
        count += cell->at[i] == c;
    return count;
}

/* True if every mark is a thousands separator, as in 1,234 and 1,234,567.5: three digits after
 * each. */
static bool has_thousands(const struct csv_cell *cell, char mark)
{
    bool is_grouped = false;
    for (size_t i = 0; i < cell->len; i++) {
        if (cell->at[i] != mark)
            continue;
        size_t digits = 0;
        while (i + 1 + digits < cell->len && is_digit(cell->at[i + 1 + digits]))
            digits++;
        if (i == 0 || !is_digit(cell->at[i - 1]) || digits != 3)
            return false;
        is_grouped = true;
    }
    return is_grouped;
}

static const char *hint_of_marks(const struct csv_cell *cell, const struct relud_table *table)
{
    size_t commas = count_of(cell, ','), points = count_of(cell, '.');
    if (decimal_of(table) == ',') {
        if (points && !commas && !has_thousands(cell, '.'))
            return " (it has a decimal point, where --decimal , wants a comma)";
        return points && has_thousands(cell, '.') ? " (leave thousands separators out)" : "";
    }
    if (points > 1 && has_thousands(cell, '.'))
        return " (leave thousands separators out)";
    if (commas == 1 && !points)
        return has_thousands(cell, ',')
                   ? " (a decimal comma is read by --decimal ,; leave thousands separators out)"
                   : " (a decimal comma? --decimal , reads it)";
    if (commas && points && strcspn(cell->at, ",") > strcspn(cell->at, "."))
        return " (leave thousands separators out; --decimal , reads the decimal comma)";
    return commas || has_thousands(cell, '\'') ? " (leave thousands separators out)" : "";
}

static const char *hint_of_signs(const struct csv_cell *cell)
{
    for (size_t i = 0; i < cell->len; i++) {
        const char *at = cell->at + i;
        size_t len = sign_len(at, cell->len - i);
        if (len && begins(at, len, "\xe2\x88\x92"))
            return " (its sign is U+2212, where - is wanted)";
        if (len && (begins(at, len, "\xc2\xa0") || begins(at, len, "\xa0")))
            return " (there is a no-break space in it, U+00A0)";
        if (len && begins(at, len, "\xe2\x80"))
            return " (there is a no-break space in it, U+202F or U+2009)";
        if (len || *at == '$')
            return " (leave signs of currency out)";
    }
    return count_of(cell, '%') ? " (leave % out, and divide by 100 where shares are meant)" : "";
}

const char *csv_hint(const struct csv_cell *cell, const struct relud_table *table)
{
    if (is_infinite(cell))
        return " (rows are finite)";
    float value;
    if (csv_boolean(cell, &value))
        return " (write booleans as 1 and 0)";
    if (is_date(cell))
        return " (a date? make it one, such as days since another)";
    if (is_hexadecimal(cell))
        return " (hexadecimal is not read)";
    if (!is_numeric(cell))
        return " (categories must become numbers, such as a column of 0 and 1 for each)";
    if (is_word(cell, "-", 1) || is_word(cell, "?", 1) || is_word(cell, ".", 1))
        return " (a missing value is an empty cell or NA; train reads others by --na-values)";
    const char *hint = hint_of_signs(cell);
    if (*hint)
        return hint;
    if (memchr(cell->at, ' ', cell->len))
        return " (there is a blank in it)";
    return hint_of_marks(cell, table);
}

/* ---- as text ---- */

const char *csv_shown(const char *at, size_t len, char shown[CSV_SHOWN_MAX])
{
    size_t cut = json_string_cut(at, len, CSV_SHOWN_MAX - 1);
    memcpy(shown, at, cut);
    shown[cut] = '\0';
    return shown;
}

size_t csv_unquote(const struct csv_cell *cell, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < cell->len; i++) {
        out[len++] = cell->at[i];
        i += cell->is_quoted && cell->at[i] == '"';
    }
    return len;
}
