/* A small program for tests: y[n] = relu(x * w + b) through a workspace object, with a symbol n,
 * a reduction, a check, and constants of each kind. */
#ifndef TEST_SAMPLE_PROGRAM_H
#define TEST_SAMPLE_PROGRAM_H

#include "ir/base/ctx.h"
#include "ir/program/program.h"

enum { SAMPLE_K = 5, SAMPLE_N = 7 };

typedef struct Sample {
    Program *p;
    Ctx *ctx;
    Arena *a;
    ExPool *pool;
    Ex rows; /* symbol, or a constant */
    int bufs;
} Sample;

static Ex sample_num(Sample *s, int64_t v)
{
    return ex_int(s->pool, v);
}

static Buf *sample_buf(Sample *s, const char *name, Elem e, BufSpace space, int rank, const Ex *dim)
{
    return buf_new(s->a, s->pool, s->bufs++, name, e, space, rank, dim);
}

static MemObj *sample_object(Sample *s, const Buf *b, const Tensor *data)
{
    MemObj *m = NEW(s->a, MemObj);
    *m = (MemObj){.id = (int)s->p->mem.len,
                  .space = b->space,
                  .name = b->name,
                  .elem = b->elem,
                  .size_bytes = ex_mul(s->pool, b->size, sample_num(s, elem_bits[b->elem] / 8)),
                  .data = data,
                  .io = -1,
                  .first = -1,
                  .last = -1,
                  .offset = -1};
    vec_push(s->a, &s->p->mem, m);
    return m;
}

static void sample_launch(Sample *s, const Stage *st, const char *name, Buf *const *bufs,
                          MemObj *const *objs, int n)
{
    Kernel *k = kernel_from_stage(s->a, s->pool, st, name);
    Step step = {.kind = STEP_LAUNCH, .kernel = k};
    k->id = (int)s->p->kernels.len;
    vec_push(s->a, &k->origin, name);
    vec_push(s->a, &s->p->kernels, k);
    for (size_t i = 0; i < k->params.len; i++)
        for (int j = 0; j < n; j++)
            if (bufs[j] == k->params.at[i]) {
                int at = (int)s->p->steps.len;
                objs[j]->first = objs[j]->first < 0 ? at : objs[j]->first;
                objs[j]->last = at;
                vec_push(s->a, &step.args, objs[j]);
            }
    vec_push(s->a, &step.origin, name);
    vec_push(s->a, &s->p->steps, step);
}

static Ex sample_axis(Sample *s, Stage *st, Ex extent)
{
    return st->axis[st->naxis++] = ex_var(s->pool, extent);
}

static void sample_store(Sample *s, Stage *st, Buf *b, const Ex *index, Ex value)
{
    StageStore o = {.buf = b, .value = value};
    for (int i = 0; i < b->rank; i++)
        o.index[i] = index[i];
    vec_push(s->a, &st->stores, o);
}

static Tensor *sample_tensor(Sample *s, Elem e, int64_t n)
{
    Tensor *t = tensor_new(s->a, e, 1, &n);
    t->fd = -1;
    for (int64_t i = 0; i < n; i++)
        elem_set_f64(e, (void *)(uintptr_t)t->data, (size_t)i, (double)(i % 7) * 0.25 - 0.5);
    return t;
}

/* t[i,j] = sum_k x[i,k] * w[k,j];  y[i,j] = max(t[i,j] + b[j] * c, 0) after a check of x. */
static Program *sample_program(Ctx *c, bool symbolic)
{
    Arena *a = arena_new(c);
    Sample sample = {.p = NEW(a, Program), .ctx = c, .a = a, .pool = ex_pool_new(a)}, *s = &sample;
    Program *p = s->p;
    p->ctx = c;
    p->arena = a;
    p->pool = s->pool;
    p->name = "sample";
    s->rows = symbolic ? ex_sym(s->pool, "rows", 1) : sample_num(s, 4);
    Ex K = sample_num(s, SAMPLE_K), N = sample_num(s, SAMPLE_N);
    Buf *x = sample_buf(s, "x", ELEM_F32, SPACE_INPUT, 2, (Ex[]){s->rows, K});
    Buf *w = sample_buf(s, "w", ELEM_F32, SPACE_CONST, 1, (Ex[]){ex_mul(s->pool, K, N)});
    Buf *b = sample_buf(s, "b", ELEM_F16, SPACE_CONST, 1, &N);
    Buf *h = sample_buf(s, "splat", ELEM_F32, SPACE_CONST, 1, &N);
    Buf *t = sample_buf(s, "t", ELEM_F32, SPACE_TEMP, 2, (Ex[]){s->rows, N});
    Buf *u = sample_buf(s, "u", ELEM_F32, SPACE_TEMP, 2, (Ex[]){s->rows, N});
    Buf *y = sample_buf(s, "y", ELEM_F32, SPACE_OUTPUT, 2, (Ex[]){s->rows, N});
    Tensor *one = sample_tensor(s, ELEM_F32, 1);
    *(float *)(uintptr_t)one->data = 2;
    one->dim[0] = SAMPLE_N;
    one->splat = true;
    Buf *bufs[] = {x, w, b, h, t, u, y};
    MemObj *objs[] = {sample_object(s, x, NULL),
                      sample_object(s, w, sample_tensor(s, ELEM_F32, SAMPLE_K * SAMPLE_N)),
                      sample_object(s, b, sample_tensor(s, ELEM_F16, SAMPLE_N)),
                      sample_object(s, h, one),
                      sample_object(s, t, NULL),
                      sample_object(s, u, NULL),
                      sample_object(s, y, NULL)};
    Stage *m = NEW(a, Stage), *r = NEW(a, Stage), *z = NEW(a, Stage);
    Ex i = sample_axis(s, m, s->rows), j = sample_axis(s, m, N);
    Ex k = m->red[m->nred++] = ex_var(s->pool, K);
    m->kind = STAGE_REDUCE;
    m->nacc = 1;
    m->init[0] = ex_const_f(s->pool, ELEM_F32, 0);
    m->body[0] =
        ex_mul(s->pool, ex_load(s->pool, x, ELEM_F32, 2, (Ex[]){i, k}),
               ex_load(s->pool, w, ELEM_F32, 1, (Ex[]){ex_add(s->pool, ex_mul(s->pool, k, N), j)}));
    sample_store(s, m, t, (Ex[]){i, j}, ex_acc(s->pool, ELEM_F32, 0));
    sample_launch(s, m, "matmul", bufs, objs, 7);
    Ex v =
        ex_load(s->pool, t, ELEM_F32, 2, (Ex[]){sample_axis(s, r, s->rows), sample_axis(s, r, N)});
    Ex bias = ex_cast(s->pool, ELEM_F32, ex_load(s->pool, b, ELEM_F16, 1, &r->axis[1]));
    v = ex_fma(s->pool, bias, ex_load(s->pool, h, ELEM_F32, 1, &r->axis[1]), v);
    vec_push(a, &r->checks, (StageCheck){ex_lt(s->pool, v, ex_const_f(s->pool, ELEM_F32, 1e6)), 2});
    sample_store(s, r, u, r->axis, v);
    sample_launch(s, r, "bias", bufs, objs, 7);
    v = ex_load(s->pool, u, ELEM_F32, 2, (Ex[]){sample_axis(s, z, s->rows), sample_axis(s, z, N)});
    sample_store(s, z, y, z->axis, ex_max(s->pool, v, ex_const_f(s->pool, ELEM_F32, 0)));
    sample_launch(s, z, "relu", bufs, objs, 7);
    ProgramIo in = {"x", ELEM_F32, 2, {s->rows, K}, objs[0]},
              out = {"y", ELEM_F32, 2, {s->rows, N}, objs[6]};
    objs[0]->io = objs[6]->io = 0;
    vec_push(a, &p->inputs, in);
    vec_push(a, &p->outputs, out);
    program_plan_memory(p);
    return p;
}

/* What the sample computes. */
static inline void sample_reference(const Program *p, int rows, const float *x, float *y)
{
    const Tensor *w = p->mem.at[1]->data, *b = p->mem.at[2]->data;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < SAMPLE_N; j++) {
            float sum = 0;
            for (int k = 0; k < SAMPLE_K; k++) {
                volatile float v = x[i * SAMPLE_K + k] * (float)tensor_get_f64(w, k * SAMPLE_N + j);
                sum = sum + v;
            }
            sum += (float)tensor_get_f64(b, j) * 2; /* exact product */
            y[i * SAMPLE_N + j] = sum > 0 ? sum : 0;
        }
}

#endif
