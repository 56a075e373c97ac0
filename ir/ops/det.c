/* Det, and Inverse (com.microsoft), of square matrices of at most MAX_MATRIX rows, by cofactors:
 *     det = sum over j of (-1)^j a[0, j] det(a without row 0 and column j)
 *     inverse[i, j] = (-1)^(i + j) det(a without row j and column i) / det(a) */
#include "ir/ops/check.h"

enum { MAX_MATRIX = 4 };

static Status check_square(const Node *n, int *size)
{
    int64_t rows;
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    const Type *x = &n->in[0]->type;
    Ex a = x->dim[x->rank - 2], b = x->dim[x->rank - 1];
    TRY(node_need_equal(n, a, b, "rows and columns"));
    if (!ex_is_int(a, &rows) || !ex_is_int(b, NULL))
        return node_error(n, E0303, "the number of rows is not constant");
    if (rows > MAX_MATRIX)
        return node_error(n, E0205, "matrices of %lld rows, at most %d are supported",
                          (long long)rows, MAX_MATRIX);
    *size = (int)rows;
    return MLC_OK;
}

/* The matrix at the open stage's leading axes. */
typedef struct Matrix {
    int size;
    Ex  at[MAX_MATRIX][MAX_MATRIX];
} Matrix;

static Matrix load_matrix(Te *t, Tx x)
{
    int64_t size;
    Matrix m = {0};
    Ex index[MAX_RANK];
    if (ex_is_int(x->dim[x->rank - 1], &size))
        m.size = (int)size;
    for (int i = 0; i < x->rank - 2; i++)
        index[i] = te_axis(t, i);
    for (int i = 0; i < m.size; i++)
        for (int j = 0; j < m.size; j++) {
            index[x->rank - 2] = te_int(t, i);
            index[x->rank - 1] = te_int(t, j);
            m.at[i][j] = te_wide(t, te_load(t, x, index));
        }
    return m;
}

static Matrix without(const Matrix *m, int row, int column)
{
    Matrix out = {.size = m->size - 1};
    for (int i = 0; i < out.size; i++)
        for (int j = 0; j < out.size; j++)
            out.at[i][j] = m->at[i + (i >= row)][j + (j >= column)];
    return out;
}

static Ex determinant(Te *t, const Matrix *m, Elem e)
{
    if (m->size == 0)
        return te_const(t, e, 1);
    if (m->size == 1)
        return m->at[0][0];
    Ex sum = NULL;
    for (int j = 0; j < m->size; j++) {
        Matrix minor = without(m, 0, j);
        Ex part = te_mul(t, m->at[0][j], determinant(t, &minor, e));
        sum = !sum ? part : j % 2 ? te_sub(t, sum, part) : te_add(t, sum, part);
    }
    return sum;
}

static Status infer_det(Graph *g, Node *n)
{
    (void)g;
    int size;
    TRY(check_square(n, &size));
    Type y = n->in[0]->type;
    y.rank -= 2;
    node_set_type(n, 0, y);
    return MLC_OK;
}

static void define_det(Te *t, const Node *n)
{
    (void)n;
    Tx x = te_in(t, 0);
    te_stage(t, te_out(t, 0));
    Matrix m = load_matrix(t, x);
    te_yield(t, determinant(t, &m, te_wide_elem(x->elem)));
}

OP(det) = {
    .name = "Det", .since = {11, 22}, .min_in = 1, .max_in = 1, .infer = infer_det,
    .define = define_det, .doc = "determinant of each matrix",
};

static Status infer_inverse(Graph *g, Node *n)
{
    int size;
    TRY(check_square(n, &size));
    return infer_same(g, n);
}

/* Every element of the inverse, chosen by the position. */
static void define_inverse(Te *t, const Node *n)
{
    (void)n;
    Tx x = te_in(t, 0);
    Elem e = te_wide_elem(x->elem);
    te_stage(t, te_out(t, 0));
    Matrix m = load_matrix(t, x);
    Ex d = determinant(t, &m, e), row = te_axis(t, x->rank - 2), column = te_axis(t, x->rank - 1);
    Ex v = te_const(t, e, 0);
    for (int i = 0; i < m.size; i++)
        for (int j = 0; j < m.size; j++) {
            Matrix minor = without(&m, j, i);
            Ex c = te_div(t, determinant(t, &minor, e), d);
            Ex here = te_and(t, te_eq(t, row, te_int(t, i)), te_eq(t, column, te_int(t, j)));
            v = te_select(t, here, (i + j) % 2 ? te_neg(t, c) : c, v);
        }
    te_yield(t, v);
}

OP(inverse) = {
    .name = "Inverse", .domain = "com.microsoft", .since = {1}, .min_in = 1, .max_in = 1,
    .infer = infer_inverse, .define = define_inverse, .doc = "inverse of each matrix",
};
