/* Definitions run stage by stage as plain loops in the interpreter, and the values they give. A
 * test writes a graph as text without its frame; its output is %y. */
#ifndef MLC_TEST_OPS_VALUES_H
#define MLC_TEST_OPS_VALUES_H

#include "ir/base/str.h"
#include "ir/graph/text.h"
#include "ir/kernel/kernel.h"
#include "ir/ops/te.h"
#include "passes/pass.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

typedef struct World {
    Ctx       ctx;
    Graph    *g;
    StageList stages;
    VEC(Buf *) bufs;
    VEC(void *) memory; /* by position in bufs */
    const int64_t *sym;
} World;

static inline int setup(void **state)
{
    static World w;
    w = (World){0};
    ctx_init(&w.ctx);
    *state = &w;
    return 0;
}

static inline int teardown(void **state)
{
    ctx_free(&((World *)*state)->ctx);
    return 0;
}

static inline Tx buf_of(void *arg, const Value *v)
{
    World *w = arg;
    for (size_t i = 0; i < w->bufs.len; i++)
        if (w->bufs.at[i]->user == v)
            return w->bufs.at[i];
    Buf *b = buf_new(w->g->arena, w->g->pool, (int)w->bufs.len, v->name, v->type.elem,
                     v->data ? SPACE_CONST : SPACE_TEMP, v->type.rank, v->type.dim);
    b->user = (void *)v;
    b->data = v->data;
    vec_push(w->g->arena, &w->bufs, b);
    return b;
}

/* The stages of all nodes of a graph with symbols n, h >= 1, composite ones expanded. */
static inline void define(World *w, const char *body)
{
    const char *frame = "graph \"\" opset 22 { sym n >= 1 sym h >= 1 ";
    char text[4096];
    assert_true(strlen(body) < 3900);
    strcat(strcat(strcpy(text, frame), body), " out %y }");
    if (graph_parse(&w->ctx, text, NULL, &w->g) != MLC_OK || graph_infer(w->g) != MLC_OK ||
        pipeline_run(w->g, &(PipelineOptions){.only = "expand"}, NULL) != MLC_OK)
        fail_msg("%s: %s", body, w->ctx.diags.first->message);
    Te t = {.pool = w->g->pool, .arena = w->g->arena, .stages = &w->stages, .buf_of = buf_of,
            .buf_arg = w, .next_id = 1000};
    for (Node *n = w->g->first; n; n = n->next)
        te_define(&t, n);
}

static inline void *memory_of(World *w, Buf *b)
{
    Arena *a = w->g->arena;
    size_t i = 0;
    while (i < w->bufs.len && w->bufs.at[i] != b)
        i++;
    if (i == w->bufs.len)
        vec_push(a, &w->bufs, b);
    while (w->memory.len < w->bufs.len)
        vec_push(a, &w->memory, NULL);
    if (!w->memory.at[i]) {
        size_t bytes = elem_size_bytes(b->elem, (size_t)ex_eval_size(b->size, w->sym));
        w->memory.at[i] = b->data ? (void *)b->data->data : arena_alloc(a, bytes, 64);
    }
    return w->memory.at[i];
}

/* Runs all stages; returns the code of a failed check. */
static inline int run(World *w)
{
    static const int64_t sym[64] = {0};
    w->sym = sym;
    for (size_t i = 0; i < w->stages.len; i++) {
        Kernel *k = kernel_from_stage(w->g->arena, w->g->pool, w->stages.at[i], "k");
        InterpArg args[16];
        int code = 0;
        assert_int_equal(kernel_verify(&w->ctx, k), MLC_OK);
        for (size_t p = 0; p < k->params.len; p++) {
            Buf *b = k->params.at[p];
            args[p] = (InterpArg){.data = memory_of(w, b), .count = ex_eval_size(b->size, sym),
                                  .splat = b->data && b->data->splat};
        }
        if (kernel_interp(&w->ctx, k, INTERP_EXACT, args, sym, &code) != MLC_OK)
            fail_msg("%s", w->ctx.diags.last->message);
        if (code)
            return code;
    }
    return 0;
}

/* Output %y of a graph of constants. */
static inline void expect_values(void **state, const char *body, int n, const double *want)
{
    World *w = *state;
    define(w, body);
    assert_int_equal(run(w), 0);
    Buf *y = buf_of(w, w->g->outputs.at[0]);
    assert_int_equal(ex_eval_size(y->size, w->sym), n);
    for (int i = 0; i < n; i++) {
        double got = elem_get_f64(y->elem, memory_of(w, y), (size_t)i);
        bool same = fabs(got - want[i]) <= 1e-5 * (1 + fabs(want[i])) || got == want[i] ||
                    (isnan(got) && isnan(want[i]));
        if (!same)
            fail_msg("%s: y[%d] is %g, want %g", body, i, got, want[i]);
    }
}

#define EXPECT(name, body, ...)                                      \
    static void name(void **state)                                   \
    {                                                                \
        const double want[] = {__VA_ARGS__};                         \
        expect_values(state, body, (int)COUNT_OF(want), want);       \
    }

#endif
