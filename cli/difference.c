/* Differences of tensors: see difference.h. */
#include "cli/difference.h"

#include <math.h>

static void add_pair(Difference *d, double x, double y)
{
    d->elements++;
    if (x == y || (isnan(x) && isnan(y))) {
        if (isfinite(x)) {
            d->dot += x * y;
            d->norm_a += x * x;
            d->norm_b += y * y;
        }
        return;
    }
    if (!isfinite(x) || !isfinite(y)) {
        d->max_abs = INFINITY;
        return;
    }
    d->max_abs = fmax(d->max_abs, fabs(x - y));
    d->sum_squares += (x - y) * (x - y);
    d->dot += x * y;
    d->norm_a += x * x;
    d->norm_b += y * y;
}

void difference_add(Difference *d, const Tensor *a, const Tensor *b)
{
    int64_t n = tensor_count(a), row = a->rank ? a->dim[a->rank - 1] : 1;
    for (int64_t at = 0; at < n; at += row) {
        int64_t best_a = 0, best_b = 0;
        double  most_a = -INFINITY, most_b = -INFINITY;
        for (int64_t i = 0; i < row; i++) {
            double x = tensor_get_f64(a, at + i), y = tensor_get_f64(b, at + i);
            add_pair(d, x, y);
            if (x > most_a) {
                most_a = x;
                best_a = i;
            }
            if (y > most_b) {
                most_b = y;
                best_b = i;
            }
        }
        d->rows++;
        d->same_argmax += best_a == best_b;
    }
}

double difference_rms(const Difference *d)
{
    return d->elements ? sqrt(d->sum_squares / (double)d->elements) : 0;
}

double difference_cosine(const Difference *d)
{
    double norms = sqrt(d->norm_a) * sqrt(d->norm_b);
    return norms > 0 ? d->dot / norms : d->norm_a == d->norm_b;
}
