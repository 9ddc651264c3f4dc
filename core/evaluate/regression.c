#include <relud/evaluate.h>

#include "core/base/float_env.h"
#include <math.h>

void relud_regression_add(struct relud_regression *of, const float *y, const float *targets,
                          size_t rows, size_t outputs)
{
    uint64_t env = float_env_enter();
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < outputs; i++) {
            double away = (double)y[r * outputs + i] - (double)targets[r * outputs + i];
            of[i].squares += away * away;
            of[i].absolutes += fabs(away);
        }
    float_env_leave(env);
}

static struct relud_error_measures measures_of(double squares, double absolutes, double spread,
                                               size_t rows)
{
    return (struct relud_error_measures){.r2 = spread > 0 ? 1 - squares / spread : NAN,
                                         .rmse = sqrt(squares / (double)rows),
                                         .mae = absolutes / (double)rows};
}

static void measure(struct relud_regression *of, const float *targets, size_t rows, size_t outputs)
{
    double sum = 0, squares = 0, absolutes = 0;
    bool is_constant = true;
    for (size_t r = 0; r < rows; r++) {
        sum += (double)targets[r * outputs];
        is_constant = is_constant && targets[r * outputs] == targets[0];
    }
    /* The mean of equal numbers is this number, whatever the sum was rounded to. */
    of->mean = is_constant ? (double)targets[0] : sum / (double)rows;
    for (size_t r = 0; r < rows; r++) {
        double away = of->mean - (double)targets[r * outputs];
        squares += away * away;
        absolutes += fabs(away);
    }
    of->net = measures_of(of->squares, of->absolutes, squares, rows);
    of->baseline = measures_of(squares, absolutes, squares, rows);
}

void relud_regression_measure(struct relud_regression *of, const float *targets, size_t rows,
                              size_t outputs)
{
    uint64_t env = float_env_enter();
    for (size_t i = 0; i < outputs; i++)
        measure(&of[i], targets + i, rows, outputs);
    float_env_leave(env);
}
