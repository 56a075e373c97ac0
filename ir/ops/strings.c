/* Calls of the runtime's functions on strings, and tables of constant strings.
 *
 * The heap grows before each call that makes strings, by what it may need at most; TeText.room is its
 * size and what is taken of it. */
#include "ir/ops/strings.h"

#include "runtime/mlc_abi.h"

enum { NUMBER_BYTES = 32 }; /* runtime/text.h */

/* A definition that is only looked at gets memory of its own. */
static TeText *text_of(Te *t)
{
    if (!t->text) {
        Ex none = te_int(t, 0);
        t->text = NEW(t->arena, TeText);
        t->text->pool = te_temp(t, ELEM_U8, 1, &none);
        t->text->heap = te_temp(t, ELEM_U8, 1, &none);
    }
    return t->text;
}

enum { MAX_CALL = 8 };

void te_text_call(Te *t, const char *name, int nout, const Tx *out, int nin, const Tx *in, int nparam,
                  const Ex *param)
{
    const TeText *text = text_of(t);
    Tx all[MAX_CALL];
    assert(nin + 2 <= MAX_CALL);
    for (int i = 0; i < nin; i++)
        all[i] = in[i];
    all[nin] = text->pool;
    all[nin + 1] = text->heap;
    te_call(t, name, nout, out, nin + 2, all, nparam, param);
}

void te_text_make(Te *t, const char *name, Ex bytes, int nout, const Tx *out, int nin, const Tx *in,
                  int nparam, const Ex *param)
{
    TeText *text = text_of(t);
    Tx results[MAX_CALL], operands[MAX_CALL];
    Ex params[MAX_CALL];
    assert(nout < MAX_CALL && nin < MAX_CALL && nparam < MAX_CALL);
    for (int i = 0; i < nout; i++)
        results[i] = out[i];
    for (int i = 0; i < nin; i++)
        operands[i] = in[i];
    for (int i = 0; i < nparam; i++)
        params[1 + i] = param[i];
    if (!text->room)
        text->room = te_symbol(t, "strings", 0, INT64_MAX);
    text->heap->dim[0] = text->heap->size = text->room;
    Ex taken = te_symbol(t, "strings_taken", 0, INT64_MAX);
    te_set(t, taken, text->room);
    te_set(t, text->room, te_add(t, taken, bytes));
    te_grow(t, text->heap, text->room);
    results[nout] = text->heap;
    operands[nin] = text->pool;
    params[0] = taken;
    te_call(t, name, nout + 1, results, nin + 1, operands, nparam + 1, params);
}

Ex te_text_bytes(Te *t, Tx x)
{
    Ex one = te_int(t, 1), bytes = te_symbol(t, "bytes", 0, INT64_MAX);
    Tx sum = te_temp(t, ELEM_I64, 1, &one);
    te_text_call(t, "text_bytes", 1, &sum, 1, &x, 0, NULL);
    te_set_element(t, bytes, sum, te_int(t, 0));
    return bytes;
}

Tx te_bcast_to(Te *t, Tx x, Tx y)
{
    bool same = x->rank == y->rank;
    for (int i = 0; i < x->rank && same; i++)
        same = x->dim[i] == y->dim[i];
    if (same)
        return x;
    Tx all = te_temp(t, x->elem, y->rank, y->dim);
    te_stage(t, all);
    te_yield(t, te_load_bcast(t, x));
    return all;
}

Tx te_text_table(Te *t, int n, const char *const *text)
{
    int64_t dim = n;
    const char **copy = NEW_ARRAY(t->arena, const char *, n);
    for (int i = 0; i < n; i++)
        copy[i] = text[i];
    return te_table(t, tensor_over(t->arena, ELEM_STRING, 1, &dim, copy));
}

int text_sort(Arena *a, int n, const char *const *text, const char **out, int *from)
{
    int *order = NEW_ARRAY(a, int, n), *other = NEW_ARRAY(a, int, n), found = 0;
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int width = 1; width < n; width *= 2) {
        for (int i = 0; i < n; i += 2 * width) {
            int middle = MIN(i + width, n), end = MIN(i + 2 * width, n), x = i, y = middle;
            for (int k = i; k < end; k++) {
                bool first = x < middle &&
                             (y == end || strcmp(text[order[x]], text[order[y]]) <= 0);
                other[k] = order[first ? x++ : y++];
            }
        }
        int *swap = order;
        order = other;
        other = swap;
    }
    for (int i = 0; i < n; i++) {
        if (found && strcmp(out[found - 1], text[order[i]]) == 0)
            found--;
        out[found] = text[order[i]];
        if (from)
            from[found] = order[i];
        found++;
    }
    return found;
}

int text_place(int n, const char *const *sorted, const char *s)
{
    for (int low = 0, high = n; low < high;) {
        int middle = low + (high - low) / 2, order = strcmp(s, sorted[middle]);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

Tx te_text_find(Te *t, Tx x, int n, const char *const *text)
{
    Tx y = te_temp(t, ELEM_I64, x->rank, x->dim);
    te_text_call(t, "text_find", 1, &y, 2, (Tx[]){x, te_text_table(t, n, text)}, 1,
                 (Ex[]){te_int(t, 1)});
    return y;
}

void te_text_case(Te *t, Tx y, Tx x, bool to_upper)
{
    te_text_make(t, "text_case", te_text_bytes(t, x), 1, &y, 1, &x, 1,
                 (Ex[]){te_int(t, to_upper)});
}

void te_text_equal(Te *t, Tx y, Tx a, Tx b)
{
    Tx in[2] = {te_bcast_to(t, a, y), te_bcast_to(t, b, y)};
    te_text_call(t, "text_equal", 1, &y, 2, in, 0, NULL);
}

/* ---- numbers ---- */

/* The type as which the runtime sees numbers of type e. */
static Elem number_elem(Elem e)
{
    if (elem_is_native(e))
        return e;
    return elem_is_float(e) ? ELEM_F32 : ELEM_I32;
}

static Tx converted(Te *t, Elem e, Tx x)
{
    if (x->elem == e)
        return x;
    Tx y = te_temp(t, e, x->rank, x->dim);
    te_stage(t, y);
    te_yield(t, te_load(t, x, t->stage->axis));
    return y;
}

void te_text_of_number(Te *t, Tx y, Tx x, Elem e)
{
    Ex count = te_int(t, NUMBER_BYTES);
    for (int i = 0; i < x->rank; i++)
        count = te_mul(t, count, x->dim[i]);
    x = converted(t, number_elem(e), x);
    te_text_make(t, "text_of_number", count, 1, &y, 1, &x, 1, (Ex[]){te_int(t, elem_to_onnx(e))});
}

void te_text_number(Te *t, Tx y, Tx x)
{
    Elem as = y->elem == ELEM_F32 ? ELEM_F32 : ELEM_F64;
    if (elem_is_int(y->elem))
        as = y->elem == ELEM_U64 ? ELEM_U64 : ELEM_I64;
    Tx wide = as == y->elem ? y : te_temp(t, as, y->rank, y->dim);
    te_text_call(t, "text_number", 1, &wide, 1, &x, 1, (Ex[]){te_int(t, elem_to_onnx(as))});
    if (wide == y)
        return;
    te_stage(t, y);
    te_yield(t, te_load(t, wide, t->stage->axis));
}
