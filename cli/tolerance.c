/* Comparing outputs with references. A float element passes when
 *     |d| <= atol + rtol * |ref| + mtol * max|ref|        NaN equals NaN, infinities themselves
 * unless the folder asks for arg max and cosine, or for quanta. Everything else is exact. */
#include "cli/tolerance.h"

#include "ir/base/arena.h"
#include "ir/base/str.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- tolerance.json ---- */

static bool take_number(const json_t *o, const char *key, double *out, bool *bad)
{
    const json_t *v = json_object_get(o, key);
    if (!v)
        return false;
    *bad |= !json_is_number(v) || !(json_number_value(v) >= 0);
    *out = json_number_value(v);
    return true;
}

Status tolerance_read(Ctx *c, const char *dir, Tolerance *t)
{
    Arena       *a = arena_new(c);
    const char  *path = arena_printf(a, "%s/tolerance.json", dir);
    json_error_t error;
    bool         bad = false;
    Status       s = MLC_OK;
    if (access(path, F_OK) == 0) {
        json_t *o = json_load_file(path, 0, &error);
        bad = !json_is_object(o);
        take_number(o, "rtol", &t->rtol, &bad);
        take_number(o, "atol", &t->atol, &bad);
        take_number(o, "mtol", &t->mtol, &bad);
        take_number(o, "cosine", &t->cosine, &bad);
        t->argmax = json_is_true(json_object_get(o, "argmax"));
        if (take_number(o, "quantum", &t->quantum, &bad) &&
            !take_number(o, "share", &t->share, &bad))
            t->share = 1;
        json_decref(o);
        if (bad)
            s = diag_error(c, E0602, (Loc){.file = path}, MLC_INPUT, "malformed tolerance.json");
    }
    arena_free(a);
    return s;
}

/* ---- comparing ---- */

static const char *shape_text(Arena *a, const Tensor *t)
{
    Str s = str_new(a);
    str_printf(&s, "%s[", elem_name[t->elem]);
    for (int k = 0; k < t->rank; k++)
        str_printf(&s, "%s%lld", k ? "," : "", (long long)t->dim[k]);
    str_addc(&s, ']');
    return str_text(&s);
}

static bool same_shape(const Tensor *a, const Tensor *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, sizeof *a->dim * (size_t)a->rank) == 0;
}

/* |got - want|; 0 for equal infinities and NaNs, infinite for a NaN against a number. */
static double distance(double got, double want)
{
    if (got == want || (isnan(got) && isnan(want)))
        return 0;
    double d = fabs(got - want);
    return isnan(d) ? INFINITY : d;
}

/* "element [3,17]: 0.25 against 0.5". */
static const char *element_text(Arena *a, const Tensor *t, int64_t i, double got, double want)
{
    int64_t index[MAX_RANK] = {0};
    Str     s = str_new(a);
    for (int k = t->rank - 1; k >= 0; k--) {
        index[k] = i % t->dim[k];
        i /= t->dim[k];
    }
    str_add(&s, "[");
    for (int k = 0; k < t->rank; k++)
        str_printf(&s, "%s%lld", k ? "," : "", (long long)index[k]);
    str_printf(&s, "] is %.9g against %.9g", got, want);
    return str_text(&s);
}

static Comparison compare_close(Arena *a, const Tensor *got, const Tensor *want, const Tolerance *t)
{
    Comparison r = {.equal = true};
    int64_t    n = tensor_count(want), bad = 0, worst = 0;
    double     largest = 0, worst_excess = -1;
    for (int64_t i = 0; i < n; i++) {
        double w = fabs(tensor_get_f64(want, i));
        if (isfinite(w) && w > largest)
            largest = w;
    }
    for (int64_t i = 0; i < n; i++) {
        double w = tensor_get_f64(want, i);
        double d = distance(tensor_get_f64(got, i), w);
        double allowed = t->atol + t->rtol * fabs(w) + t->mtol * largest;
        if (d > r.max_error)
            r.max_error = d;
        /* An infinite reference allows nothing but itself. */
        if (d == 0 || (d <= allowed && isfinite(w)))
            continue;
        bad++;
        if (d > worst_excess) {
            worst_excess = d;
            worst = i;
        }
    }
    if (bad == 0)
        return r;
    r.equal = false;
    r.reason = arena_printf(a, "%lld of %lld elements differ, %s", (long long)bad, (long long)n,
                            element_text(a, want, worst, tensor_get_f64(got, worst),
                                         tensor_get_f64(want, worst)));
    return r;
}

/* First position of the largest element of row `row`, rows of `len`. */
static int64_t arg_max(const Tensor *t, int64_t row, int64_t len)
{
    int64_t best = 0;
    for (int64_t k = 1; k < len; k++)
        if (tensor_get_f64(t, row * len + k) > tensor_get_f64(t, row * len + best))
            best = k;
    return best;
}

static Comparison compare_direction(Arena *a, const Tensor *got, const Tensor *want,
                                    const Tolerance *t)
{
    Comparison r = {.equal = true};
    int64_t    n = tensor_count(want), len = want->rank ? want->dim[want->rank - 1] : 1;
    double     gg = 0, gw = 0, ww = 0;
    for (int64_t i = 0; i < n; i++) {
        double g = tensor_get_f64(got, i), w = tensor_get_f64(want, i), d = distance(g, w);
        r.max_error = d > r.max_error ? d : r.max_error;
        gg += g * g;
        gw += g * w;
        ww += w * w;
    }
    double cosine = gg == 0 && ww == 0 ? 1 : gw / sqrt(gg * ww);
    if (n > 0 && !(cosine >= t->cosine)) {
        r.equal = false;
        r.reason = arena_printf(a, "cosine is %.6f, less than %.6f", cosine, t->cosine);
    }
    for (int64_t row = 0; t->argmax && r.equal && len > 0 && row < n / len; row++) {
        int64_t g = arg_max(got, row, len), w = arg_max(want, row, len);
        if (g != w) {
            r.equal = false;
            r.reason = arena_printf(a, "the largest element of row %lld is %lld against %lld",
                                    (long long)row, (long long)g, (long long)w);
        }
    }
    return r;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The smallest step between distinct values: an integer type's is 1. */
static double smallest_step(Arena *a, const Tensor *t)
{
    int64_t n = tensor_count(t);
    double  step = 0;
    if (!elem_is_float(t->elem))
        return 1;
    double *v = NEW_ARRAY(a, double, n);
    for (int64_t i = 0; i < n; i++)
        v[i] = tensor_get_f64(t, i);
    qsort(v, (size_t)n, sizeof *v, by_value);
    for (int64_t i = 1; i < n; i++) {
        double d = v[i] - v[i - 1];
        if (d > 1e-6 * fabs(v[i]) && (step == 0 || d < step))
            step = d;
    }
    return step;
}

/* Without a scale the output was computed in floats behind the last quantized value: what the float
 * tolerance allows is then right as well. */
static Comparison compare_quanta(Arena *a, const Tensor *got, const Tensor *want,
                                 const Tolerance *t, double scale)
{
    Comparison r = {.equal = true};
    int64_t    n = tensor_count(want), good = 0;
    bool       is_known = scale > 0;
    if (!is_known)
        scale = smallest_step(a, want);
    double allowed = t->quantum * scale * (1 + 1e-5);
    for (int64_t i = 0; i < n; i++) {
        double w = tensor_get_f64(want, i), d = distance(tensor_get_f64(got, i), w);
        double close = is_known ? 0 : t->atol + t->rtol * fabs(w);
        good += d <= allowed || d <= close;
        r.max_error = d > r.max_error ? d : r.max_error;
    }
    if ((double)good < t->share * (double)n) {
        r.equal = false;
        r.reason = arena_printf(a, "%lld of %lld elements lie within %g quanta of %g, largest "
                                   "difference %g",
                                (long long)good, (long long)n, t->quantum, scale, r.max_error);
    }
    return r;
}

static Comparison compare_exact(Arena *a, const Tensor *got, const Tensor *want)
{
    int64_t n = tensor_count(want), bad = 0, first = -1;
    bool    text = want->elem == ELEM_STRING;
    for (int64_t i = 0; i < n; i++) {
        const char *const *g = got->data, *const *w = want->data;
        bool same = text ? str_eq(g[got->splat ? 0 : i], w[want->splat ? 0 : i])
                         : tensor_get_i64(got, i) == tensor_get_i64(want, i);
        if (same)
            continue;
        first = bad++ ? first : i;
    }
    if (bad == 0)
        return (Comparison){.equal = true};
    if (text)
        return (Comparison){.reason = arena_printf(a, "%lld of %lld strings differ", (long long)bad,
                                                   (long long)n)};
    return (Comparison){
        .reason = arena_printf(a, "%lld of %lld elements differ, %s", (long long)bad, (long long)n,
                               element_text(a, want, first, (double)tensor_get_i64(got, first),
                                            (double)tensor_get_i64(want, first)))};
}

Comparison tensor_compare(Arena *a, const Tensor *got, const Tensor *want, const Tolerance *t,
                          double scale)
{
    if (got->elem != want->elem || !same_shape(got, want))
        return (Comparison){.reason = arena_printf(a, "it is %s against %s", shape_text(a, got),
                                                   shape_text(a, want))};
    bool is_float = elem_is_float(want->elem), is_int = elem_is_int(want->elem);
    if (t->quantum > 0 && (is_float || is_int))
        return compare_quanta(a, got, want, t, scale);
    if (is_float && (t->argmax || t->cosine > 0))
        return compare_direction(a, got, want, t);
    if (is_float)
        return compare_close(a, got, want, t);
    if (want->elem == ELEM_C64 || want->elem == ELEM_C128)
        return (Comparison){.equal = tensor_equal(got, want), .reason = "complex values differ"};
    return compare_exact(a, got, want);
}
