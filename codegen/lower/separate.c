/* Separate: the largest (least) value of a wide window is found line by line.
 *
 *     out[y, x] = max over i, j of in[y*s + i, x*t + j]
 *   becomes
 *     line[r, x] = max over j of in[r, x*t + j]        for every row r of the input
 *     out[y, x]  = max over i of line[y*s + i, x]
 *
 * h + w comparisons instead of h * w, and the same result: neither depends on the order. Guards (of padding)
 * are conjunctions of conditions that are about one of the two directions; the value outside
 * is what the reduction starts from. Nothing asks which operator it was. */
#include "codegen/lower/lowering.h"

enum { LEAST_SAVED = 8 }; /* comparisons per output */

typedef struct Window {
    Ex  guard;        /* NULL: none */
    Ex  load;
    int dim[2];       /* of the load: the one that red[0] and the one that red[1] moves along */
    Ex  condition[2]; /* the guard's parts, likewise */
} Window;

/* The only dimension of the load that uses `red`, and none of the other: its number, or -1. */
static int dimension_of(Ex load, Ex red, Ex other)
{
    int at = -1;
    for (int k = 0; k < load->narg; k++) {
        if (!ex_uses(load->arg[k], red))
            continue;
        if (at >= 0 || ex_uses(load->arg[k], other))
            return -1;
        at = k;
    }
    return at;
}

/* Parts of a conjunction go to the direction whose index they are about. */
static bool sort_conditions(ExPool *p, const Stage *s, Window *w, Ex pred)
{
    if (pred->op == EX_AND)
        return sort_conditions(p, s, w, pred->arg[0]) && sort_conditions(p, s, w, pred->arg[1]);
    for (int i = 0; i < 2; i++)
        if (ex_uses(pred, s->red[i]) && !ex_uses(pred, s->red[!i])) {
            w->condition[i] = w->condition[i] ? ex_and(p, w->condition[i], pred) : pred;
            return true;
        }
    return false;
}

static bool find_window(Lowering *l, const Stage *s, Window *w)
{
    ExPool *p = l->pool;
    *w = (Window){.load = s->body[0]};
    if (s->kind != STAGE_REDUCE || s->nacc != 1 || s->nred != 2 || s->checks.len || s->stores.len != 1 ||
        (s->op[0] != REDUCE_MAX && s->op[0] != REDUCE_MIN))
        return false;
    int64_t h = extent_of(p, s->red[0]), v = extent_of(p, s->red[1]);
    if (h < 2 || v < 2 || h * v - h - v < LEAST_SAVED)
        return false;
    if (w->load->op == EX_GUARD) {
        w->guard = w->load;
        w->load = w->guard->arg[1];
        if (w->guard->arg[2] != s->init[0] || !sort_conditions(p, s, w, w->guard->arg[0]))
            return false;
    }
    if (w->load->op != EX_LOAD || w->load->buf->space == SPACE_CONST)
        return false;
    for (int i = 0; i < 2; i++)
        w->dim[i] = dimension_of(w->load, s->red[i], s->red[!i]);
    if (w->dim[0] < 0 || w->dim[1] < 0)
        return false;
    for (int k = 0; k < w->load->narg; k++) /* the others name an axis each, or nothing */
        if (k != w->dim[0] && k != w->dim[1] && w->load->arg[k]->op != EX_VAR && !ex_is_int(w->load->arg[k], NULL))
            return false;
    return true;
}

/* The rows of the input in place of the outputs' rows. */
static Stage *line_stage(Lowering *l, Stage *s, const Window *w)
{
    ExPool *p = l->pool;
    Stage *line = NEW(l->arena, Stage);
    Ex index[MAX_RANK], row = ex_var(p, w->load->buf->dim[w->dim[0]]), dim[MAX_RANK];
    StageStore o = {0};
    for (int k = 0; k < w->load->narg; k++) {
        index[k] = k == w->dim[0] ? row : w->load->arg[k];
        Ex axis = k == w->dim[0] ? row : index[k];
        for (int i = 0; i < s->naxis && k == w->dim[1]; i++)
            if (ex_uses(index[k], s->axis[i]))
                axis = s->axis[i];
        o.index[k] = axis->op == EX_VAR ? axis : ex_int(p, 0);
        dim[k] = axis->op == EX_VAR ? ex_var_extent(p, axis) : ex_int(p, 1);
        if (axis->op == EX_VAR)
            line->axis[line->naxis++] = axis;
    }
    line->kind = STAGE_REDUCE;
    line->red[line->nred++] = s->red[1];
    line->nacc = 1;
    line->op[0] = s->op[0];
    line->init[0] = s->init[0];
    line->body[0] = ex_load(p, w->load->buf, (Elem)w->load->elem, w->load->narg, index);
    if (w->condition[1])
        line->body[0] = ex_guard(p, w->condition[1], line->body[0], s->init[0]);
    line->origin = s->origin;
    o.buf = lower_buf(l, "lines", (Elem)w->load->elem, SPACE_TEMP, w->load->narg, dim);
    o.value = ex_acc(p, (Elem)w->load->elem, 0);
    vec_push(l->arena, &line->stores, o);
    buf_info(o.buf)->stores = 1;
    return line;
}

/* Is every index of the line's result an axis of its own, and does it depend on no further one? */
static bool lines_are_whole(const Stage *s, const Stage *line)
{
    const StageStore *o = &line->stores.at[0];
    for (int k = 0; k < o->buf->rank; k++)
        for (int j = 0; j < k; j++)
            if (o->index[k] == o->index[j] && o->index[k]->op == EX_VAR)
                return false;
    for (int i = 0; i < s->naxis; i++) {
        bool own = !ex_uses(line->body[0], s->axis[i]);
        for (int k = 0; k < line->naxis; k++)
            own |= line->axis[k] == s->axis[i];
        if (!own)
            return false;
    }
    return !ex_uses(line->body[0], s->red[0]);
}

static Stage *separate(Lowering *l, Stage *s)
{
    ExPool *p = l->pool;
    Window w;
    if (!find_window(l, s, &w))
        return NULL;
    Stage *line = line_stage(l, s, &w);
    if (!lines_are_whole(s, line))
        return NULL;
    const StageStore *o = &line->stores.at[0];
    Ex index[MAX_RANK];
    memcpy(index, o->index, sizeof index);
    index[w.dim[0]] = w.load->arg[w.dim[0]];
    s->body[0] = ex_load(p, o->buf, (Elem)w.load->elem, o->buf->rank, index);
    if (w.condition[0])
        s->body[0] = ex_guard(p, w.condition[0], s->body[0], s->init[0]);
    s->nred = 1;
    return line;
}

void lower_separate(Lowering *l)
{
    for (size_t i = 0; i < l->stages.len; i++) {
        Stage *line = separate(l, l->stages.at[i]);
        if (!line)
            continue;
        vec_push(l->arena, &l->stages, NULL);
        memmove(l->stages.at + i + 1, l->stages.at + i, (l->stages.len - 1 - i) * sizeof(Stage *));
        l->stages.at[i++] = line;
    }
}
