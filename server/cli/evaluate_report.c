#include "server/cli/evaluate_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MATRIX_MAX = 20, /* classes; of more the largest confusions are listed */
    LISTED_MAX = 20, /* confusions, and outputs of a regression */
    NAME_MAX_CHARS = 16,
    NAME_BYTES = 4 * NAME_MAX_CHARS + 32,
    LINE_MAX_CHARS = 100
};

/* ---- columns ---- */

static size_t chars_of(const char *words)
{
    size_t chars = 0;
    for (; *words; words++)
        chars += ((unsigned char)*words & 0xc0) != 0x80;
    return chars;
}

/* Writes the words at the left end of `width` columns. */
static void put_left(struct text *out, const char *words, size_t width)
{
    size_t chars = chars_of(words);
    text_put(out, words);
    text_print(out, "%*s", chars < width ? (int)(width - chars) : 0, "");
}

/* Writes the words at the right end. */
static void put_right(struct text *out, const char *words, size_t width)
{
    size_t chars = chars_of(words);
    text_print(out, "%*s", chars < width ? (int)(width - chars) : 0, "");
    text_put(out, words);
}

static void put_count(struct text *out, size_t count, size_t width)
{
    char number[24];
    snprintf(number, sizeof number, "%zu", count);
    put_right(out, number, width);
}

/* A class as a table shows it: its label, cut where it is long, behind its index where labels do
 * not fit above the columns. */
struct names {
    const char *const *label;
    size_t classes, width; /* of the widest name, in characters */
    bool has_index;
};

static const char *name_of(const struct names *names, size_t class, char name[NAME_BYTES])
{
    char shown[NAME_BYTES];
    relud_line(shown, sizeof shown, "%s", names->label[class]);
    if (chars_of(shown) > NAME_MAX_CHARS) {
        size_t len = 0, chars = 0;
        for (; chars < NAME_MAX_CHARS || ((unsigned char)shown[len] & 0xc0) == 0x80; len++)
            chars += ((unsigned char)shown[len] & 0xc0) != 0x80;
        shown[len] = '\0';
    }
    if (names->has_index)
        snprintf(name, NAME_BYTES, "%zu %.*s", class, NAME_BYTES - 24, shown);
    else
        snprintf(name, NAME_BYTES, "%s", shown);
    return name;
}

static struct names names_of(const struct relud_classification *of, const char *const *label)
{
    struct names names = {.label = label, .classes = of->classes};
    char name[NAME_BYTES];
    size_t line = 0;
    for (size_t i = 0; i < of->classes; i++) {
        size_t chars = chars_of(name_of(&names, i, name));
        names.width = chars > names.width ? chars : names.width;
        line += chars + 2;
        names.has_index |= chars_of(label[i]) > NAME_MAX_CHARS;
    }
    names.has_index |= of->classes <= MATRIX_MAX && line + names.width > LINE_MAX_CHARS;
    if (of->classes > MATRIX_MAX || !names.has_index)
        return names;
    names.width = 0;
    for (size_t i = 0; i < of->classes; i++) {
        size_t chars = chars_of(name_of(&names, i, name));
        names.width = chars > names.width ? chars : names.width;
    }
    return names;
}

/* ---- a classification as text ---- */

/* matrix[target][answer], of at most MATRIX_MAX classes. */
static void fill_matrix(const struct relud_classification *of, size_t matrix[][MATRIX_MAX])
{
    memset(matrix, 0, sizeof(size_t[MATRIX_MAX][MATRIX_MAX]));
    for (size_t i = 0; i < of->classes; i++)
        matrix[i][i] = of->of[i].right;
    for (size_t i = 0; i < of->confusions; i++)
        matrix[of->confusion[i].target][of->confusion[i].answer] = of->confusion[i].rows;
}

static size_t digits_of(size_t number)
{
    size_t digits = 1;
    for (; number >= 10; number /= 10)
        digits++;
    return digits;
}

static void put_matrix(struct text *out, const struct relud_classification *of,
                       const struct names *names)
{
    size_t matrix[MATRIX_MAX][MATRIX_MAX], width[MATRIX_MAX];
    char name[NAME_BYTES];
    fill_matrix(of, matrix);
    text_put(out, "\nconfusion (a row is the target, a column the answer)\n");
    put_left(out, "", names->width);
    for (size_t c = 0; c < of->classes; c++) {
        if (names->has_index)
            snprintf(name, sizeof name, "%zu", c);
        else
            name_of(names, c, name);
        width[c] = chars_of(name);
        for (size_t r = 0; r < of->classes; r++)
            width[c] = digits_of(matrix[r][c]) > width[c] ? digits_of(matrix[r][c]) : width[c];
        put_right(out, name, width[c] + 2);
    }
    for (size_t r = 0; r < of->classes; r++) {
        text_put(out, "\n");
        put_left(out, name_of(names, r, name), names->width);
        for (size_t c = 0; c < of->classes; c++)
            put_count(out, matrix[r][c], width[c] + 2);
    }
    text_put(out, "\n");
}

static void put_confusions(struct text *out, const struct relud_classification *of,
                           const struct names *names)
{
    char name[NAME_BYTES];
    size_t listed = of->confusions < LISTED_MAX ? of->confusions : LISTED_MAX;
    if (!listed)
        return;
    text_print(out, "\nthe largest confusions, %zu of %zu\n", listed, of->confusions);
    put_left(out, "target", names->width > 6 ? names->width : 6);
    text_put(out, "  ");
    put_left(out, "answer", names->width > 6 ? names->width : 6);
    text_put(out, "      rows\n");
    for (size_t i = 0; i < listed; i++) {
        const struct relud_confusion *confusion = &of->confusion[i];
        put_left(out, name_of(names, confusion->target, name), names->width > 6 ? names->width : 6);
        text_put(out, "  ");
        put_left(out, name_of(names, confusion->answer, name), names->width > 6 ? names->width : 6);
        put_count(out, confusion->rows, 10);
        text_put(out, "\n");
    }
}

static void put_ratio(struct text *out, double ratio, size_t width)
{
    char number[32];
    snprintf(number, sizeof number, isnan(ratio) ? "-" : "%.4f", ratio);
    put_right(out, number, width);
}

static void put_classes(struct text *out, const struct relud_classification *of,
                        const struct names *names)
{
    char name[NAME_BYTES];
    size_t width = names->width > 5 ? names->width : 5;
    text_put(out, "\n");
    put_left(out, "class", width);
    text_put(out, "      rows  precision   recall       F1\n");
    for (size_t i = 0; i < of->classes; i++) {
        put_left(out, name_of(names, i, name), width);
        put_count(out, of->of[i].rows, 10);
        put_ratio(out, of->of[i].precision, 11);
        put_ratio(out, of->of[i].recall, 9);
        put_ratio(out, of->of[i].f1, 9);
        text_put(out, "\n");
    }
}

static void put_percent(struct text *out, const char *what, double share)
{
    text_print(out, "%-18s %9.2f %%\n", what, share * 100);
}

static void text_classes(struct text *out, const struct relud_classification *of,
                         const char *const *label, size_t top_k)
{
    struct names names = names_of(of, label);
    char what[48];
    text_print(out, "%-18s %9zu\n", "rows", of->rows);
    put_percent(out, "accuracy", of->accuracy);
    snprintf(what, sizeof what, "top-%zu accuracy", top_k);
    if (top_k)
        put_percent(out, what, of->top_k_accuracy);
    text_print(out, "%-18s %9.4f\n", "log loss", of->log_loss);
    put_percent(out, "calibration error", of->calibration_error);
    put_percent(out, "mean confidence", of->confidence);
    if (of->classes <= MATRIX_MAX)
        put_matrix(out, of, &names);
    else
        put_confusions(out, of, &names);
    put_classes(out, of, &names);
}

/* ---- JSON ---- */

/* `"name":0.1`: the shortest digits that read back to the same double; null for NaN. */
static void put_number(struct text *out, const char *name, double value)
{
    char number[40] = "null";
    for (int digits = 15; isfinite(value) && digits <= 17; digits++) {
        snprintf(number, sizeof number, "%.*g", digits, value);
        if (strtod(number, NULL) == value)
            break;
    }
    text_print(out, "\"%s\":%s", name, number);
}

static void put_numbers(struct text *out, const char *const *name, const double *value,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_put(out, i ? "," : "");
        put_number(out, name[i], value[i]);
    }
}

static void json_matrix(struct text *out, const struct relud_classification *of)
{
    size_t matrix[MATRIX_MAX][MATRIX_MAX];
    fill_matrix(of, matrix);
    text_put(out, ",\"confusion_matrix\":[");
    for (size_t r = 0; r < of->classes; r++)
        for (size_t c = 0; c < of->classes; c++)
            text_print(out, "%s%zu%s",
                       c   ? ","
                       : r ? ",["
                           : "[",
                       matrix[r][c], c + 1 == of->classes ? "]" : "");
    text_put(out, "]");
}

static void json_classes(struct text *out, const struct relud_classification *of,
                         const char *const *label, size_t top_k)
{
    static const char *const whole[] = {"accuracy", "log_loss", "calibration_error", "confidence"};
    static const char *const each[] = {"precision", "recall", "f1"};
    text_print(out, "{\"task\":\"classification\",\"rows\":%zu,", of->rows);
    put_numbers(out, whole,
                (double[]){of->accuracy, of->log_loss, of->calibration_error, of->confidence}, 4);
    if (top_k) {
        text_print(out, ",\"top_k\":%zu,", top_k);
        put_number(out, "top_k_accuracy", of->top_k_accuracy);
    }
    text_put(out, ",\"classes\":[");
    for (size_t i = 0; i < of->classes; i++) {
        const struct relud_class_measures *class = &of->of[i];
        text_put(out, i ? ",{\"label\":" : "{\"label\":");
        text_json(out, label[i]);
        text_print(out, ",\"index\":%zu,\"rows\":%zu,\"answers\":%zu,\"right\":%zu,", i,
                   class->rows, class->answers, class->right);
        put_numbers(out, each, (double[]){class->precision, class->recall, class->f1}, 3);
        text_put(out, "}");
    }
    text_put(out, "]");
    if (of->classes <= MATRIX_MAX)
        json_matrix(out, of);
    text_put(out, ",\"confusions\":[");
    for (size_t i = 0; i < of->confusions; i++) {
        text_put(out, i ? ",{\"target\":" : "{\"target\":");
        text_json(out, label[of->confusion[i].target]);
        text_put(out, ",\"answer\":");
        text_json(out, label[of->confusion[i].answer]);
        text_print(out, ",\"rows\":%zu}", of->confusion[i].rows);
    }
    text_put(out, "]}\n");
}

void evaluate_report_classes(struct text *out, const struct relud_classification *of,
                             const char *const *label, size_t top_k, bool is_json)
{
    if (is_json)
        json_classes(out, of, label, top_k);
    else
        text_classes(out, of, label, top_k);
}

/* ---- a regression ---- */

static struct relud_error_measures mean_of(const struct relud_regression *of, size_t outputs,
                                           bool of_baseline)
{
    struct relud_error_measures mean = {0};
    for (size_t i = 0; i < outputs; i++) {
        const struct relud_error_measures *one = of_baseline ? &of[i].baseline : &of[i].net;
        mean.r2 += one->r2;
        mean.rmse += one->rmse;
        mean.mae += one->mae;
    }
    mean.r2 /= (double)outputs;
    mean.rmse /= (double)outputs;
    mean.mae /= (double)outputs;
    return mean;
}

static void text_measures(struct text *out, const char *what,
                          const struct relud_error_measures *measures)
{
    put_left(out, what, 18);
    if (isnan(measures->r2))
        put_right(out, "-", 12);
    else
        text_print(out, "%12.6f", measures->r2);
    text_print(out, " %12.6g %12.6g\n", measures->rmse, measures->mae);
}

static void text_numbers(struct text *out, const struct relud_regression *of, size_t outputs,
                         size_t rows)
{
    struct relud_error_measures net = mean_of(of, outputs, false);
    struct relud_error_measures baseline = mean_of(of, outputs, true);
    char what[48];
    text_print(out, "%-18s %11zu\n", "rows", rows);
    if (outputs > 1)
        text_print(out, "%-18s %11zu\n", "outputs", outputs);
    put_left(out, outputs > 1 ? "\nmean of outputs" : "\n", 19);
    put_right(out, "R²", 12);
    text_put(out, "         RMSE          MAE\n");
    text_measures(out, "net", &net);
    text_measures(out, "baseline", &baseline);
    text_put(out, "the baseline always answers the mean of these rows' targets");
    if (outputs == 1)
        text_print(out, ", %g", of->mean);
    text_put(out, "\n");
    for (size_t i = 0; i < outputs && i < LISTED_MAX; i++)
        if (isnan(of[i].net.r2))
            text_print(out, "output %zu has no R²: its target is %g in all rows\n", i, of[i].mean);
    for (size_t i = 0; outputs > 1 && i < outputs && i < LISTED_MAX; i++) {
        snprintf(what, sizeof what, "output %zu", i);
        text_put(out, i ? "" : "\n");
        text_measures(out, what, &of[i].net);
        text_measures(out, "  baseline", &of[i].baseline);
    }
    if (outputs > LISTED_MAX)
        text_print(out, "… --format json has all %zu outputs\n", outputs);
}

static void json_measures(struct text *out, const struct relud_error_measures *measures)
{
    static const char *const names[] = {"r2", "rmse", "mae"};
    put_numbers(out, names, (double[]){measures->r2, measures->rmse, measures->mae}, 3);
}

static void json_both(struct text *out, const struct relud_error_measures *net,
                      const struct relud_error_measures *baseline)
{
    json_measures(out, net);
    text_put(out, ",\"baseline\":{");
    json_measures(out, baseline);
    text_put(out, "}");
}

static void json_numbers(struct text *out, const struct relud_regression *of, size_t outputs,
                         size_t rows)
{
    struct relud_error_measures net = mean_of(of, outputs, false);
    struct relud_error_measures baseline = mean_of(of, outputs, true);
    text_print(out, "{\"task\":\"regression\",\"rows\":%zu,", rows);
    json_both(out, &net, &baseline);
    text_put(out, ",\"outputs\":[");
    for (size_t i = 0; i < outputs; i++) {
        text_print(out, "%s{\"index\":%zu,", i ? "," : "", i);
        put_number(out, "mean", of[i].mean);
        text_put(out, ",");
        json_both(out, &of[i].net, &of[i].baseline);
        text_put(out, "}");
    }
    text_put(out, "]}\n");
}

void evaluate_report_numbers(struct text *out, const struct relud_regression *of, size_t outputs,
                             size_t rows, bool is_json)
{
    if (is_json)
        json_numbers(out, of, outputs, rows);
    else
        text_numbers(out, of, outputs, rows);
}
