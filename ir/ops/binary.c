/* Arithmetic of two numbers with numpy broadcasting. Integers wrap; division truncates. */
#include "ir/ops/check.h"
#include "runtime/mlc_abi.h"

static Status infer_arithmetic(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_NUMBER));
    TRY(node_need_same_elem(n, 0, 1));
    return infer_broadcast(g, n);
}

static Status infer_bits(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_INT));
    TRY(node_need_same_elem(n, 0, 1));
    return infer_broadcast(g, n);
}

static Status infer_logic(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_BOOL));
    TRY(node_need_elem(n, 1, IS_BOOL));
    return infer_broadcast(g, n);
}

/* A stage that checks the divisors, unless they are constants without a zero. */
static void check_divisor(Te *t, const Node *n)
{
    const Tensor *d = n->in[1]->data;
    Tx b = te_in(t, 1);
    if (elem_is_float(b->elem))
        return;
    bool has_zero = !d;
    int64_t count = !d ? 0 : d->splat ? MIN(tensor_count(d), 1) : tensor_count(d);
    for (int64_t i = 0; i < count; i++)
        has_zero = has_zero || tensor_get_i64(d, i) == 0;
    if (!has_zero)
        return;
    te_stage(t, b);
    Ex v = te_wide(t, te_load_bcast(t, b));
    te_check(t, te_ne(t, v, te_like(t, v, 0)), MLC_RUN_DIVIDE);
    te_close(t);
}

#define DEFINE(name, before, value)                       \
    static void name(Te *t, const Node *n)                \
    {                                                     \
        (void)n;                                          \
        before;                                           \
        te_stage(t, te_out(t, 0));                        \
        Ex a = te_wide(t, te_load_bcast(t, te_in(t, 0))); \
        Ex b = te_wide(t, te_load_bcast(t, te_in(t, 1))); \
        te_yield(t, value);                               \
    }

/* The shift by the type's width or more gives 0. */
static Ex shift_of(Te *t, bool left, Ex a, Ex b)
{
    Ex width = te_like(t, b, elem_bits[b->elem]);
    Ex moved = left ? te_shl(t, a, b) : te_shr(t, a, b);
    return te_select(t, te_lt(t, b, width), moved, te_like(t, a, 0));
}

DEFINE(define_add, (void)0, te_add(t, a, b))
DEFINE(define_sub, (void)0, te_sub(t, a, b))
DEFINE(define_mul, (void)0, te_mul(t, a, b))
DEFINE(define_div, check_divisor(t, n), te_div(t, a, b))
DEFINE(define_and, (void)0, te_and(t, a, b))
DEFINE(define_or, (void)0, te_or(t, a, b))
DEFINE(define_xor, (void)0, te_xor(t, a, b))

#define RECORD(text, more, old, check, definition, formula, derivative, ...)                \
    {.name = text, .since = {__VA_ARGS__}, .min_in = 2, .max_in = 2,                        \
     .traits = OP_ELEMENTWISE | (more), .upgrade = old, .infer = check,                     \
     .define = definition, .grad = derivative, .doc = formula}

OP(add) = RECORD("Add", OP_COMMUTES, upgrade_broadcast, infer_arithmetic, define_add,
                 "y = a + b", "out %d out %d",
                 1, 6, 7, 13, 14);
OP(sub) = RECORD("Sub", 0, upgrade_broadcast, infer_arithmetic, define_sub,
                 "y = a - b", "%b = Neg(%d) out %d out %b",
                 1, 6, 7, 13, 14);
OP(mul) = RECORD("Mul", OP_COMMUTES, upgrade_broadcast, infer_arithmetic, define_mul,
                 "y = a * b", "%a = Mul(%d, %1) %b = Mul(%d, %0) out %a out %b",
                 1, 6, 7, 13, 14);
OP(div) = RECORD("Div", 0, upgrade_broadcast, infer_arithmetic, define_div,
                 "y = a / b", "%a = Div(%d, %1) %p = Mul(%a, %y) %b = Neg(%p) out %a out %b",
                 1, 6, 7, 13, 14);
OP(and) = RECORD("And", OP_COMMUTES, upgrade_broadcast, infer_logic, define_and,
                 "y = a and b", NULL, 1, 7);
OP(or) = RECORD("Or", OP_COMMUTES, upgrade_broadcast, infer_logic, define_or,
                "y = a or b", NULL, 1, 7);
OP(xor) = RECORD("Xor", OP_COMMUTES, upgrade_broadcast, infer_logic, define_xor,
                 "y = a xor b", NULL, 1, 7);
OP(bitwise_and) = RECORD("BitwiseAnd", OP_COMMUTES, NULL, infer_bits, define_and,
                         "y = a & b", NULL, 18);
OP(bitwise_or) = RECORD("BitwiseOr", OP_COMMUTES, NULL, infer_bits, define_or,
                        "y = a | b", NULL, 18);
OP(bitwise_xor) = RECORD("BitwiseXor", OP_COMMUTES, NULL, infer_bits, define_xor,
                         "y = a ^ b", NULL, 18);

#define BIT_SHIFT_ATTRS(A, S) A(S, str, direction, NULL, "LEFT or RIGHT")
ATTRS(BitShiftAttrs, BIT_SHIFT_ATTRS);

static bool is_left(const Node *n)
{
    return strcmp(((const BitShiftAttrs *)n->attrs)->direction, "LEFT") == 0;
}

static Status infer_bit_shift(Graph *g, Node *n)
{
    const BitShiftAttrs *a = n->attrs;
    if (strcmp(a->direction, "LEFT") != 0 && strcmp(a->direction, "RIGHT") != 0)
        return node_error(n, E0203, "attribute 'direction' is '%s'", a->direction);
    return infer_bits(g, n);
}

DEFINE(define_bit_shift, (void)0, shift_of(t, is_left(n), a, b))
OP(bit_shift) = {
    .name = "BitShift", .since = {11, 28}, .min_in = 2, .max_in = 2, .traits = OP_ELEMENTWISE,
    .later = {{"i8", 28}, {"i16", 28}, {"i32", 28}, {"i64", 28}}, ATTRS_OF(BitShiftAttrs), .infer = infer_bit_shift, .define = define_bit_shift,
    .doc = "y = a << b or a >> b",
};

#define MOD_ATTRS(A, S) A(S, int, fmod, "0", "1: the result has the sign of the dividend")
ATTRS(ModAttrs, MOD_ATTRS);

static Status infer_mod(Graph *g, Node *n)
{
    const ModAttrs *a = n->attrs;
    TRY(infer_arithmetic(g, n));
    if (!a->fmod && elem_is_float(n->in[0]->type.elem))
        return node_error(n, E0203, "attribute 'fmod' must be 1 for floats");
    return MLC_OK;
}

DEFINE(define_mod, check_divisor(t, n),
       ((const ModAttrs *)n->attrs)->fmod ? te_rem(t, a, b) : te_floor_mod(t, a, b))
OP(mod) = {
    .name = "Mod", .since = {10, 13, 28}, .min_in = 2, .max_in = 2, .traits = OP_ELEMENTWISE,
    ATTRS_OF(ModAttrs), .infer = infer_mod, .define = define_mod, .doc = "y = a mod b",
};
