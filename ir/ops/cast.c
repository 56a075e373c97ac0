/* Cast, CastLike: conversion of every element. Float to integer truncates; float8 saturates unless
 * told otherwise. Numbers become strings and strings numbers as runtime/text_number.c says. BitCast: the same bits as another type of the same size. */
#include "ir/ops/strings.h"

#define CAST_ATTRS(A, S)                                                          \
    A(S, str, round_mode, "up", "rounding to float8e8m0: up, down or nearest")    \
    A(S, int, saturate, "1", "float8: 1 limits to the largest number")            \
    A(S, int, to, NULL, "element type, by its ONNX number")
ATTRS(CastAttrs, CAST_ATTRS);

#define CAST_LIKE_ATTRS(A, S)                                                     \
    A(S, str, round_mode, "up", "rounding to float8e8m0: up, down or nearest")    \
    A(S, int, saturate, "1", "float8: 1 limits to the largest number")
ATTRS(CastLikeAttrs, CAST_LIKE_ATTRS);

static Status infer_to(Graph *g, Node *n, Elem e)
{
    TRY(node_need_elem(n, 0, IS_ANY));
    if (!elem_is_float(e) && !elem_is_int(e) && e != ELEM_BOOL && e != ELEM_STRING)
        return node_error(n, E0204, "conversion to %s",
                          e == ELEM_NONE ? "an unknown type" : elem_name[e]);
    TRY(infer_same(g, n));
    n->out[0]->type.elem = e;
    return MLC_OK;
}

static Status infer_cast(Graph *g, Node *n)
{
    const CastAttrs *a = n->attrs;
    return infer_to(g, n, a->to < 1 || a->to > 99 ? ELEM_NONE : elem_from_onnx((int)a->to));
}

static Status infer_cast_like(Graph *g, Node *n)
{
    return infer_to(g, n, n->in[1]->type.elem);
}

/* x, rounded up or down to a power of two: what float8e8m0 holds. */
static Ex to_power_of_two(Te *t, const char *round_mode, Ex x)
{
    const int64_t mantissa = 0x7fffff;
    if (strcmp(round_mode, "nearest") == 0)
        return x;
    x = te_cast(t, ELEM_F32, x);
    Ex bits = ex_bits(t->pool, ELEM_U32, x), rest = ex_const_i(t->pool, ELEM_U32, mantissa);
    if (strcmp(round_mode, "up") == 0)
        bits = te_add(t, bits, rest);
    Ex power = ex_bits(t->pool, ELEM_F32, te_and(t, bits, te_not(t, rest)));
    Ex finite = te_lt(t, te_abs(t, x), te_const(t, ELEM_F32, __builtin_inf()));
    return te_select(t, finite, power, x);
}

static void define_cast_as(Te *t, const Node *n, bool saturate, const char *round_mode)
{
    Tx y = te_out(t, 0);
    Elem from = n->in[0]->type.elem, to = n->out[0]->type.elem;
    if (from != to && to == ELEM_STRING) {
        te_text_of_number(t, y, te_in(t, 0), from);
        return;
    }
    if (from != to && from == ELEM_STRING) {
        te_text_number(t, y, te_in(t, 0));
        return;
    }
    te_stage(t, y);
    Ex x = te_load_bcast(t, te_in(t, 0));
    bool f8 = elem_is_float(y->elem) && elem_bits[y->elem] == 8;
    if (y->elem == ELEM_F8E8M0 && x->elem != ELEM_F8E8M0)
        x = to_power_of_two(t, round_mode, x);
    te_yield(t, saturate && f8 ? ex_cast_saturating(t->pool, y->elem, x)
                               : te_cast(t, y->elem, x));
}

static void define_cast(Te *t, const Node *n)
{
    const CastAttrs *a = n->attrs;
    define_cast_as(t, n, a->saturate != 0, a->round_mode);
}

static void define_cast_like(Te *t, const Node *n)
{
    const CastLikeAttrs *a = n->attrs;
    define_cast_as(t, n, a->saturate != 0, a->round_mode);
}

/* Version 1 named the type. */
static Status upgrade(RawNode *raw)
{
    static const char *const name[] = {
        "UNDEFINED", "FLOAT", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "STRING",
        "BOOL", "FLOAT16", "DOUBLE", "UINT32", "UINT64",
    };
    const RawAttr *to = raw_attr(raw, "to");
    for (size_t i = 0; to && to->kind == ATTR_str && i < COUNT_OF(name); i++)
        if (strcmp(to->s, name[i]) == 0) {
            raw_set_int(raw, "to", (int64_t)i);
            break;
        }
    return MLC_OK;
}

OP(cast) = {
    .name = "Cast", .since = {1, 6, 9, 13, 19, 21, 23, 24, 25, 28}, .min_in = 1, .max_in = 1,
    .later = {{"saturate", 19}, {"round_mode", 24}},
    .traits = OP_ELEMENTWISE, ATTRS_OF(CastAttrs), .upgrade = upgrade, .infer = infer_cast,
    .define = define_cast, .grad = "%g = CastLike(%d, %0) out %g",
    .doc = "y = x as another type",
};
OP(cast_like) = {
    .name = "CastLike", .since = {15, 19, 21, 23, 24, 25}, .min_in = 2, .max_in = 2,
    .later = {{"saturate", 19}, {"round_mode", 24}},
    .traits = OP_ELEM_TYPE, ATTRS_OF(CastLikeAttrs), .infer = infer_cast_like,
    .define = define_cast_like, .grad = "%g = CastLike(%d, %0) out %g",
    .doc = "y = x as the type of the second input",
};

#define BIT_CAST_ATTRS(A, S) A(S, int, to, NULL, "element type, by its ONNX number")
ATTRS(BitCastAttrs, BIT_CAST_ATTRS);

static Status infer_bits(Graph *g, Node *n)
{
    const BitCastAttrs *a = n->attrs;
    Elem to = a->to < 1 || a->to > 99 ? ELEM_NONE : elem_from_onnx((int)a->to);
    TRY(node_need_elem(n, 0, IS_DATA));
    Elem from = n->in[0]->type.elem;
    if (!elem_is_float(to) && !elem_is_int(to) && to != ELEM_BOOL)
        return node_error(n, E0204, "attribute 'to' is %lld", (long long)a->to);
    if (elem_bits[from] != elem_bits[to])
        return node_error(n, E0206, "%s has %d bits, %s has %d", elem_name[from],
                          (int)elem_bits[from], elem_name[to], (int)elem_bits[to]);
    TRY(infer_same(g, n));
    n->out[0]->type.elem = to;
    return MLC_OK;
}

static void define_bits(Te *t, const Node *n)
{
    (void)n;
    te_stage(t, te_out(t, 0));
    Ex x = te_load(t, te_in(t, 0), t->stage->axis);
    Elem to = te_out(t, 0)->elem;
    if (x->elem == ELEM_BOOL)
        x = te_cast(t, ELEM_U8, x);
    bool is_bool = to == ELEM_BOOL;
    x = ex_bits(t->pool, is_bool ? ELEM_U8 : to, x);
    te_yield(t, is_bool ? te_cast(t, ELEM_BOOL, x) : x);
}

OP(bit_cast) = {
    .name = "BitCast", .since = {26}, .min_in = 1, .max_in = 1,
    .traits = OP_ELEM_TYPE, ATTRS_OF(BitCastAttrs), .infer = infer_bits, .define = define_bits,
    .doc = "the bits of x as another type",
};
