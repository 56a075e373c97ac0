/* Control stages become steps. */
#include "codegen/lower/place.h"

#include "ir/base/str.h"

static const StepKind step_of[] = {
    [STAGE_SET] = STEP_SET,   [STAGE_IF] = STEP_IF,     [STAGE_ELSE] = STEP_ELSE,
    [STAGE_LOOP] = STEP_LOOP, [STAGE_END] = STEP_END,   [STAGE_MOVE] = STEP_MOVE,
    [STAGE_GROW] = STEP_GROW, [STAGE_CALL] = STEP_CALL,
};

static Ex bytes_of(Lowering *l, const Buf *b, Ex elements)
{
    int bits = elem_bits[b->elem];
    return bits >= 8 ? ex_mul(l->pool, elements, ex_int(l->pool, bits / 8))
                     : ex_ceil_div(l->pool, elements, ex_int(l->pool, 8 / bits));
}

static StepShape shape_of(const Buf *b)
{
    StepShape s = {.rank = b->rank};
    for (int k = 0; k < b->rank; k++)
        s.dim[k] = b->dim[k];
    return s;
}

/* What is touched in a loop and comes from before it lives to its end; what is first touched in it and
 * lives on begins with it. */
static void keep_through_loop(Lowering *l, int end)
{
    Program *p = l->program;
    int open = 0, begin = end;
    while (begin-- > 0) {
        StepKind k = p->steps.at[begin].kind;
        open += k == STEP_END;
        if ((k == STEP_LOOP || k == STEP_IF) && open-- == 0)
            break;
    }
    if (p->steps.at[begin].kind != STEP_LOOP)
        return;
    for (size_t i = 0; i < p->mem.len; i++) {
        MemObj *m = p->mem.at[i];
        if (m->first >= 0 && m->first < begin && m->last >= begin)
            m->last = MAX(m->last, end);
    }
}

void lower_control(Lowering *l, const Stage *s)
{
    Program *p = l->program;
    Step st = {.kind = step_of[s->kind], .value = s->value, .call = s->call,
               .nwritten = s->nwritten};
    bool allocates = s->kind == STAGE_MOVE || s->kind == STAGE_GROW;
    for (size_t i = 0; i < s->args.len; i++) {
        MemObj *m = place_object(l, s->args.at[i]);
        place_touch(l, m);
        vec_push(l->arena, &st.args, m);
        if (s->kind == STAGE_CALL)
            vec_push(l->arena, &st.shapes, shape_of(s->args.at[i]));
    }
    if (allocates && memobj_is_dynamic(p, st.args.at[0]))
        st.args.at[0]->moved = true;
    if (s->kind == STAGE_MOVE)
        st.value = st.args.at[1]->size_bytes;
    if (s->kind == STAGE_GROW)
        st.value = bytes_of(l, s->args.at[0], s->value);
    if (s->kind == STAGE_SET)
        st.symbol = (int)s->symbol->i;
    for (size_t i = 0; i < s->params.len; i++)
        vec_push(l->arena, &st.params, s->params.at[i]);
    for (size_t i = 0; i < s->origin.len; i++)
        vec_push(l->arena, &st.origin, s->origin.at[i]);
    /* Memory of constant size has its room; the step says when its life begins. */
    if (s->kind == STAGE_GROW && !st.args.at[0]->moved)
        st = (Step){.kind = STEP_ZERO, .args = st.args, .origin = st.origin};
    vec_push(l->arena, &p->steps, st);
    if (s->kind == STAGE_END)
        keep_through_loop(l, (int)p->steps.len - 1);
}
