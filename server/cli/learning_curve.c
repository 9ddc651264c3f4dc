#include "server/cli/learning_curve.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH = 720, LEFT = 64, RIGHT = 16, PLOT_HEIGHT = 170, TOP = 52, GAP = 52, TICKS = 4 };

/* One plot of up to two lines over the epochs. */
struct plot {
    const char *title;
    const struct relud_epoch *epoch;
    size_t epochs, offset[2]; /* of the line's double in struct relud_epoch */
    double top;               /* of the plot, in pixels */
    double low, high;         /* the range of the values */
    bool is_percent;
};

static double value_of(const struct plot *plot, size_t line, size_t i)
{
    double value =
        *(const double *)(const void *)((const char *)&plot->epoch[i] + plot->offset[line]);
    return plot->is_percent ? 100 * value : value;
}

static double x_of(const struct plot *plot, size_t i)
{
    double span = (double)(plot->epochs > 1 ? plot->epochs - 1 : 1);
    return LEFT + (WIDTH - LEFT - RIGHT) * (double)i / span;
}

static double y_of(const struct plot *plot, double value)
{
    return plot->top + PLOT_HEIGHT * (plot->high - value) / (plot->high - plot->low);
}

/* The step between grid lines: 1, 2 or 5 times a power of ten, so that about TICKS steps cover the
 * span. */
static double step_of(double span)
{
    double power = pow(10, floor(log10(span / TICKS))), part = span / TICKS / power;
    return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

static bool find_range(struct plot *plot)
{
    plot->low = INFINITY, plot->high = -INFINITY;
    for (size_t line = 0; line < 2; line++)
        for (size_t i = 0; i < plot->epochs; i++) {
            double value = value_of(plot, line, i);
            if (isfinite(value)) {
                plot->low = fmin(plot->low, value);
                plot->high = fmax(plot->high, value);
            }
        }
    if (!(plot->low <= plot->high))
        return false;
    double room = fmax(0.5, fabs(plot->low) * 1e-3);
    if (plot->high - plot->low < room * 1e-3)
        plot->low -= room, plot->high += room;
    double step = step_of(plot->high - plot->low);
    plot->low = floor(plot->low / step) * step;
    plot->high = ceil(plot->high / step) * step;
    return true;
}

static void draw_grid(struct text *out, const struct plot *plot)
{
    double step = step_of(plot->high - plot->low);
    int ticks = (int)((plot->high - plot->low) / step + 0.5);
    text_print(out, "<text x='%d' y='%.0f' class='head'>%s</text>\n", LEFT, plot->top - 10,
               plot->title);
    for (int i = 0; i <= ticks; i++) {
        double value = plot->low + i * step, y = y_of(plot, value);
        text_print(
            out,
            "<path d='M%d %.1fH%d' class='grid'/><text x='%d' y='%.1f' class='y'>%.6g%s</text>\n",
            LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4, fabs(value) < step / 1000 ? 0 : value,
            plot->is_percent ? " %" : "");
    }
    double every = plot->epochs > 10 ? step_of((double)plot->epochs) : 1;
    for (size_t i = 0; i < plot->epochs; i++)
        if (plot->epochs <= 10 || fmod((double)(i + 1), every) < 0.5)
            text_print(out, "<text x='%.1f' y='%.1f' class='x'>%zu</text>\n", x_of(plot, i),
                       plot->top + PLOT_HEIGHT + 18, plot->epoch[i].epoch);
}

static void draw_line(struct text *out, const struct plot *plot, size_t line)
{
    bool is_down = false;
    text_print(out, "<path class='l%zu' d='", line);
    for (size_t i = 0; i < plot->epochs; i++) {
        double value = value_of(plot, line, i);
        if (isfinite(value))
            text_print(out, "%s%.1f %.1f", is_down ? "L" : "M", x_of(plot, i), y_of(plot, value));
        is_down = isfinite(value);
    }
    text_put(out, "'/>\n");
    for (size_t i = 0; plot->epochs <= 40 && i < plot->epochs; i++)
        if (isfinite(value_of(plot, line, i)))
            text_print(out, "<circle class='c%zu' cx='%.1f' cy='%.1f' r='2.5'/>\n", line,
                       x_of(plot, i), y_of(plot, value_of(plot, line, i)));
}

static void draw(struct text *out, struct plot *plot)
{
    draw_grid(out, plot);
    draw_line(out, plot, 0);
    draw_line(out, plot, 1);
}

static void escape(struct text *out, const char *words)
{
    for (; *words; words++) {
        char one[2] = {*words, '\0'};
        text_put(out, *words == '<' ? "&lt;" : *words == '&' ? "&amp;" : one);
    }
}

void learning_curve_write(struct text *out, const char *title, const struct relud_epoch *epoch,
                          size_t epochs)
{
    struct plot loss = {
        "loss",
        epoch,
        epochs,
        {offsetof(struct relud_epoch, loss), offsetof(struct relud_epoch, validation_loss)},
        TOP + 24,
        0,
        0,
        false};
    struct plot accuracy = loss;
    accuracy.title = "accuracy";
    accuracy.offset[0] = offsetof(struct relud_epoch, accuracy);
    accuracy.offset[1] = offsetof(struct relud_epoch, validation_accuracy);
    accuracy.top += PLOT_HEIGHT + GAP;
    accuracy.is_percent = true;
    bool has_loss = find_range(&loss), has_accuracy = find_range(&accuracy);
    int height = TOP + 24 + (has_accuracy ? 2 : 1) * (PLOT_HEIGHT + GAP) - 16;
    bool is_validated = epochs && isfinite(epoch[0].validation_loss);
    text_print(out,
               "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' width='%d' height='%d' "
               "font-family='system-ui,sans-serif' font-size='12'>\n"
               "<style>text{fill:#333}.y{text-anchor:end}.x{text-anchor:middle}"
               ".head{font-weight:600}.grid{stroke:#8884;fill:none}path{fill:none;stroke-width:2}"
               ".grid{stroke-width:1}.l0{stroke:#2f6fd0}.l1{stroke:#d9730d}.c0{fill:#2f6fd0}"
               ".c1{fill:#d9730d}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>\n"
               "<text x='%d' y='22' font-size='15' class='head'>",
               WIDTH, height, WIDTH, height, LEFT);
    escape(out, title);
    text_print(out,
               "</text>\n<path class='l0' d='M%d 40h20'/><text x='%d' y='44'>training</text>\n",
               LEFT, LEFT + 26);
    if (is_validated)
        text_print(out, "<path class='l1' d='M%d 40h20'/><text x='%d' y='44'>validation</text>\n",
                   LEFT + 100, LEFT + 126);
    if (has_loss)
        draw(out, &loss);
    if (has_accuracy)
        draw(out, &accuracy);
    text_print(out, "<text x='%d' y='%d' class='y'>epoch</text>\n</svg>\n", WIDTH - RIGHT,
               height - 2);
}
