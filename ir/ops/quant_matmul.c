/* Products of quantized matrices. Elements are centered (less their zero point) and summed in i32:
 *
 *     MatMulInteger  y = sum (a - za) * (b - zb)
 *     QLinearMatMul  y = saturate(round(that * (sa * sb / sy)) + zy)
 *
 * Scale and zero point of a are for the whole tensor or per row, of b per tensor or per column: one
 * element, a vector, or the operand's shape with 1 for the dimension that is summed over. */
#include "ir/ops/matmul.h"
#include "ir/ops/quant.h"

/* `dim` of the operand: rows of a, columns of b; `summed` the other one of the last two. */
static Status check_param(const Node *n, int operand, int i, int row, int summed)
{
    if (!node_has(n, i))
        return MLC_OK;
    const Type *x = &n->in[operand]->type, *p = &n->in[i]->type;
    TRY(node_need_rank(n, i, 0, MAX_RANK));
    if (p->rank < 2 || p->rank != x->rank)
        return quant_need_vector(n, i, x->rank < 2 ? ex_int(n->graph->pool, 1)
                                                   : x->dim[x->rank - row]);
    for (int k = 0; k < x->rank; k++)
        TRY(node_need_equal(n, p->dim[k],
                            k == x->rank - summed ? ex_int(n->graph->pool, 1) : x->dim[k],
                            "dimensions of a scale or zero point"));
    return MLC_OK;
}

/* Scale or zero point i of an element with indices at[] of the operand x. */
static Ex load_param(Te *t, Tx x, int i, const Ex *at, int row, Ex otherwise)
{
    Tx p = te_in(t, i);
    double single;
    Ex index[MAX_RANK];
    if (!p || p->rank < 2 || p->rank != x->rank || value_scalar(t->node->in[i], &single))
        return quant_load(t, i, x->rank < 2 ? NULL : at[x->rank - row], otherwise);
    for (int k = 0; k < p->rank; k++)
        index[k] = ex_is(p->dim[k], 1) ? te_int(t, 0) : at[k];
    return te_load(t, p, index);
}

static Ex zero_point(Te *t, Tx x, int i, const Ex *at, int row)
{
    Ex zero = ex_const_i(t->pool, ELEM_I32, 0);
    return te_cast(t, ELEM_I32, load_param(t, x, i, at, row, zero));
}

static Status check_operands(const Node *n, int a, int b, int za, int zb)
{
    TRY(quant_need_byte(n, a));
    TRY(quant_need_byte(n, b));
    TRY(node_need_rank(n, a, 1, MAX_RANK));
    TRY(node_need_rank(n, b, 1, MAX_RANK));
    TRY(check_param(n, a, za, 2, 1));
    TRY(check_param(n, b, zb, 1, 2));
    if (node_has(n, za))
        TRY(node_need_same_elem(n, a, za));
    if (node_has(n, zb))
        TRY(node_need_same_elem(n, b, zb));
    return MLC_OK;
}

/* The sum of products at the open stage of y. */
static Ex product(Te *t, Tx y, int a, int b, int za, int zb, Ex *ia, Ex *ib)
{
    Tx xa = te_in(t, a), xb = te_in(t, b);
    matmul_open(t, xa, xb, y, ia, ib);
    Ex va = quant_centered(t, te_load(t, xa, ia), zero_point(t, xa, za, ia, 2));
    Ex vb = quant_centered(t, te_load(t, xb, ib), zero_point(t, xb, zb, ib, 1));
    return te_sum(t, te_mul(t, va, vb));
}

static Status infer_integer(Graph *g, Node *n)
{
    TRY(check_operands(n, 0, 1, 2, 3));
    return matmul_infer(g, n, 0, 1, ELEM_I32);
}

static void define_integer(Te *t, const Node *n)
{
    (void)n;
    Ex ia[MAX_RANK], ib[MAX_RANK];
    te_yield(t, product(t, te_out(t, 0), 0, 1, 2, 3, ia, ib));
}

OP(matmul_integer) = {
    .name = "MatMulInteger", .since = {10}, .min_in = 2, .max_in = 4, .infer = infer_integer,
    .define = define_integer, .doc = "y = (a - za) (b - zb), in i32",
};

static Status infer_linear(Graph *g, Node *n)
{
    TRY(check_operands(n, 0, 3, 2, 5));
    TRY(check_param(n, 0, 1, 2, 1));
    TRY(check_param(n, 3, 4, 1, 2));
    for (int i = 1; i < 7; i += i == 4 ? 2 : 3)
        TRY(node_need_elem(n, i, IS_FLOAT));
    TRY(quant_need_scalar(n, 6));
    TRY(quant_need_scalar(n, 7));
    TRY(quant_need_byte(n, 7));
    return matmul_infer(g, n, 0, 3, n->in[7]->type.elem);
}

static void define_linear(Te *t, const Node *n)
{
    (void)n;
    Tx y = te_out(t, 0);
    Ex ia[MAX_RANK], ib[MAX_RANK];
    Ex sum = product(t, y, 0, 3, 2, 5, ia, ib);
    Ex sa = te_cast(t, ELEM_F32, load_param(t, te_in(t, 0), 1, ia, 2, NULL));
    Ex sb = te_cast(t, ELEM_F32, load_param(t, te_in(t, 3), 4, ib, 1, NULL));
    Ex scale = te_div(t, te_mul(t, sa, sb), quant_scale(t, 6, NULL));
    Ex real = te_mul(t, te_cast(t, ELEM_F32, sum), scale);
    te_yield(t, quant_round(t, real, quant_zero(t, 7, NULL), y->elem));
}

OP(qlinear_matmul) = {
    .name = "QLinearMatMul", .since = {10, 21}, .min_in = 8, .max_in = 8,
    .later = {{"f16", 21}}, .infer = infer_linear,
    .define = define_linear, .doc = "y = a b, all quantized",
};
