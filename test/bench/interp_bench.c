/* Speed of the kernel interpreter: node evaluations per second on float code and on a matrix
 * product, permutation and packing of 100 MB. */
#include "ir/base/ctx.h"
#include "ir/base/file.h"
#include "ir/kernel/kernel.h"

#include <stdio.h>
#include <stdlib.h>

static Ctx ctx;
static Arena *arena;
static ExPool *pool;

static Buf *buffer(const char *name, BufSpace space, int rank, const int64_t *dim)
{
    Ex d[MAX_RANK];
    for (int i = 0; i < rank; i++)
        d[i] = ex_int(pool, dim[i]);
    return buf_new(arena, pool, 0, name, ELEM_F32, space, rank, d);
}

static Ex axis(Stage *s, int64_t n)
{
    return s->axis[s->naxis++] = ex_var(pool, ex_int(pool, n));
}

static void store(Stage *s, Buf *b, const Ex *index, Ex value)
{
    StageStore o = {.buf = b, .value = value};
    for (int i = 0; i < b->rank; i++)
        o.index[i] = index[i];
    vec_push(arena, &s->stores, o);
}

static float *floats(int64_t n)
{
    float *f = malloc((size_t)n * sizeof *f);
    for (int64_t i = 0; i < n; i++)
        f[i] = (float)(i % 1000) * 0.001f - 0.3f;
    return f;
}

/* Runs it three times; prints the best. */
static void measure(const char *what, const Stage *s, int64_t bytes)
{
    Kernel *k = kernel_from_stage(arena, pool, s, "bench");
    if (kernel_verify(&ctx, k) != MLC_OK)
        printf("verify: %s\n", ctx.diags.last->message);
    InterpArg args[8];
    for (size_t i = 0; i < k->params.len; i++) {
        int64_t n = ex_eval_size(k->params.at[i]->size, NULL);
        args[i] = (InterpArg){floats(n), n, false};
    }
    int64_t best = INT64_MAX, evals = 0;
    for (int i = 0; i < 3; i++) {
        int64_t before = interp_evals(), start = clock_ns();
        int code;
        if (kernel_interp(&ctx, k, INTERP_EXACT, args, NULL, &code) != MLC_OK) {
            printf("%s: %s\n", what, ctx.diags.last->message);
            exit(1);
        }
        int64_t t = clock_ns() - start;
        best = t < best ? t : best;
        evals = interp_evals() - before;
    }
    printf("%-28s %8.2f ms  %7.0f M evals/s", what, (double)best * 1e-6,
           (double)evals * 1e3 / (double)best);
    if (bytes)
        printf("  %6.2f GB/s", (double)bytes / (double)best);
    printf("\n");
    for (size_t i = 0; i < k->params.len; i++)
        free(args[i].data);
}

static void bench_map(void)
{
    int64_t n = 4 << 20;
    Buf *x = buffer("x", SPACE_INPUT, 1, &n), *y = buffer("y", SPACE_OUTPUT, 1, &n);
    Stage *s = NEW(arena, Stage);
    Ex i = axis(s, n), v = ex_load(pool, x, ELEM_F32, 1, &i), r = v;
    for (int k = 0; k < 10; k++)
        r = ex_fma(pool, r, v, ex_const_f(pool, ELEM_F32, 0.1 * k));
    r = ex_max(pool, r, ex_const_f(pool, ELEM_F32, 0));
    store(s, y, &i, r);
    measure("map, 12 operations", s, 0);
    Stage *a = NEW(arena, Stage);
    Ex j = axis(a, n), w = ex_load(pool, x, ELEM_F32, 1, &j);
    store(a, y, &j, ex_add(pool, w, w));
    measure("map, 2 operations", a, 0);
}

static void bench_matmul(int64_t m, int64_t n, int64_t k)
{
    Buf *a = buffer("a", SPACE_INPUT, 2, (int64_t[]){m, k});
    Buf *b = buffer("b", SPACE_INPUT, 2, (int64_t[]){k, n});
    Buf *c = buffer("c", SPACE_OUTPUT, 2, (int64_t[]){m, n});
    Stage *s = NEW(arena, Stage);
    s->kind = STAGE_REDUCE;
    Ex i = axis(s, m), j = axis(s, n), r = s->red[s->nred++] = ex_var(pool, ex_int(pool, k));
    s->nacc = 1;
    s->op[0] = REDUCE_SUM;
    s->init[0] = ex_const_f(pool, ELEM_F32, 0);
    s->body[0] = ex_mul(pool, ex_load(pool, a, ELEM_F32, 2, (Ex[]){i, r}),
                        ex_load(pool, b, ELEM_F32, 2, (Ex[]){r, j}));
    store(s, c, (Ex[]){i, j}, ex_acc(pool, ELEM_F32, 0));
    char name[64];
    snprintf(name, sizeof name, "matmul %dx%dx%d", (int)m, (int)n, (int)k);
    measure(name, s, 0);
}

static void bench_conv(void)
{
    enum { C = 32, H = 56, K = 32 };
    Buf *x = buffer("x", SPACE_INPUT, 3, (int64_t[]){C, H, H});
    Buf *w = buffer("w", SPACE_INPUT, 4, (int64_t[]){K, C, 3, 3});
    Buf *y = buffer("y", SPACE_OUTPUT, 3, (int64_t[]){K, H, H});
    Stage *s = NEW(arena, Stage);
    s->kind = STAGE_REDUCE;
    Ex k = axis(s, K), p = axis(s, H), q = axis(s, H), red[3];
    int64_t extent[3] = {C, 3, 3};
    for (int i = 0; i < 3; i++)
        red[i] = s->red[s->nred++] = ex_var(pool, ex_int(pool, extent[i]));
    Ex ih = ex_sub(pool, ex_add(pool, p, red[1]), ex_int(pool, 1));
    Ex iw = ex_sub(pool, ex_add(pool, q, red[2]), ex_int(pool, 1));
    Ex zero = ex_int(pool, 0), top = ex_int(pool, H);
    Ex inside = ex_and(pool, ex_and(pool, ex_le(pool, zero, ih), ex_lt(pool, ih, top)),
                       ex_and(pool, ex_le(pool, zero, iw), ex_lt(pool, iw, top)));
    Ex v = ex_guard(pool, inside, ex_load(pool, x, ELEM_F32, 3, (Ex[]){red[0], ih, iw}),
                    ex_const_f(pool, ELEM_F32, 0));
    s->nacc = 1;
    s->op[0] = REDUCE_SUM;
    s->init[0] = ex_const_f(pool, ELEM_F32, 0);
    s->body[0] = ex_mul(pool, v, ex_load(pool, w, ELEM_F32, 4, (Ex[]){k, red[0], red[1], red[2]}));
    store(s, y, (Ex[]){k, p, q}, ex_acc(pool, ELEM_F32, 0));
    measure("conv 3x3 32->32 56x56", s, 0);
}

/* y[i0..] = x[i_perm..] */
static void bench_permute(const char *what, int rank, const int64_t *dim, const int *perm)
{
    Stage *s = NEW(arena, Stage);
    Ex i[MAX_RANK], from[MAX_RANK];
    int64_t out[MAX_RANK], count = 1;
    for (int k = 0; k < rank; k++) {
        out[k] = dim[perm[k]];
        count *= dim[k];
        i[k] = axis(s, out[k]);
        from[perm[k]] = i[k];
    }
    Buf *x = buffer("x", SPACE_INPUT, rank, dim), *y = buffer("y", SPACE_OUTPUT, rank, out);
    store(s, y, i, ex_load(pool, x, ELEM_F32, rank, from));
    measure(what, s, 2 * 4 * count);
}

/* [n/16][k][16] from [k][n] or, transposed, [n][k], with a guarded tail. */
static void bench_pack(int64_t k, int64_t n, bool transposed)
{
    int64_t blocks = (n + 15) / 16;
    Buf *x = buffer("x", SPACE_INPUT, 2, transposed ? (int64_t[]){n, k} : (int64_t[]){k, n});
    Buf *y = buffer("y", SPACE_OUTPUT, 3, (int64_t[]){blocks, k, 16});
    Stage *s = NEW(arena, Stage);
    Ex b = axis(s, blocks), r = axis(s, k), l = axis(s, 16);
    Ex c = ex_add(pool, ex_mul(pool, b, ex_int(pool, 16)), l);
    Ex v = ex_load(pool, x, ELEM_F32, 2, transposed ? (Ex[]){c, r} : (Ex[]){r, c});
    v = ex_guard(pool, ex_lt(pool, c, ex_int(pool, n)), v, ex_const_f(pool, ELEM_F32, 0));
    store(s, y, (Ex[]){b, r, l}, v);
    char name[64];
    snprintf(name, sizeof name, "pack %s%s", transposed ? "transposed" : "rows",
             n % 16 ? ", tail" : "");
    measure(name, s, 4 * k * n);
}

int main(void)
{
    ctx_init(&ctx);
    arena = arena_new(&ctx);
    pool = ex_pool_new(arena);
    bench_map();
    bench_matmul(256, 256, 256);
    bench_matmul(1, 1000, 1280);
    bench_matmul(1, 1, 1 << 20);
    bench_matmul(1, 10, 1280);
    bench_conv();
    bench_permute("permute 5000x5000 (1,0)", 2, (int64_t[]){5000, 5000}, (int[]){1, 0});
    bench_permute("permute 8x224x224x64 NHWC", 4, (int64_t[]){8, 64, 224, 224},
                  (int[]){0, 2, 3, 1});
    bench_permute("permute 3x2889x2889 NHWC", 3, (int64_t[]){3, 2889, 2889}, (int[]){1, 2, 0});
    bench_permute("copy 100 MB", 1, (int64_t[]){25000000}, (int[]){0});
    bench_pack(5000, 5008, false);
    bench_pack(5000, 4999, false);
    bench_pack(5000, 5008, true);
    bench_pack(5000, 4999, true);
    ctx_free(&ctx);
    return 0;
}
