/* Operators that are a C function of the user's.
 *
 * Their meaning is opaque: types of results are those that the model declares, nothing is evaluated at
 * compile time, and the program has one call for each node. Attributes become constant inputs behind
 * the others, in the order of their names. */
#include "ir/ops/custom.h"

#include "ir/ops/check.h"

#include <stdlib.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static Status upgrade(RawNode *raw)
{
    size_t n = raw->attrs.len;
    const char **names = NEW_ARRAY(raw->graph->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        names[i] = raw->attrs.at[i].name;
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        AttrKind k = raw_attr(raw, names[i])->kind;
        bool real = k == ATTR_float || k == ATTR_floats;
        if (!real && k != ATTR_int && k != ATTR_ints)
            return diag_error(raw->graph->ctx, E0203, raw_loc(raw), MLC_INPUT,
                              "attribute '%s' of a custom operator is neither a number nor a list "
                              "of numbers", names[i]);
        raw_attr_to_input(raw, names[i], (int)raw->in.len, real ? ELEM_F32 : ELEM_I64);
    }
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    (void)g;
    for (int i = 0; i < n->nin; i++) {
        if (!n->in[i])
            return node_error(n, E0202, "input %d of a custom operator is omitted", i);
        TRY(node_need_rank(n, i, 0, MAX_RANK));
        if (elem_bits[n->in[i]->type.elem] % 8 || n->in[i]->type.elem == ELEM_STRING)
            return node_error(n, E0204, "input %d of a custom operator is of type %s", i,
                              elem_name[n->in[i]->type.elem]);
    }
    for (int i = 0; i < n->nout; i++) {
        const Value *v = n->out[i];
        if (!v)
            return node_error(n, E0202, "output %d of a custom operator is omitted", i);
        if (v->type.kind != TYPE_TENSOR || v->type.rank < 0) {
            node_error(n, E0303, "output '%s' of a custom operator has no declared type", v->name);
            diag_help(g->ctx, "give it one in the model's value_info, with the dimensions of inputs "
                              "or constant ones");
            return MLC_INPUT;
        }
        if (elem_bits[v->type.elem] % 8 || v->type.elem == ELEM_STRING)
            return node_error(n, E0204, "output %d of a custom operator is of type %s", i,
                              elem_name[v->type.elem]);
    }
    return MLC_OK;
}

static void define(Te *t, const Node *n)
{
    Tx *in = NEW_ARRAY(t->arena, Tx, n->nin), *out = NEW_ARRAY(t->arena, Tx, n->nout);
    for (int i = 0; i < n->nin; i++)
        in[i] = te_in(t, i);
    for (int i = 0; i < n->nout; i++)
        out[i] = te_out(t, i);
    te_call(t, n->op->kernel, n->nout, out, n->nin, in, 0, NULL);
}

void op_register_custom(Ctx *c, Arena *a, const char *domain, const char *name, const char *symbol)
{
    OpInfo *op = NEW(a, OpInfo);
    *op = (OpInfo){
        .name = name, .domain = domain, .since = {1, INT32_MAX}, .max_in = VARIADIC, .min_out = 1,
        .max_out = VARIADIC, .traits = OP_CONTROL | OP_ELEM_TYPE | OP_CUSTOM, .upgrade = upgrade,
        .infer = infer, .define = define, .kernel = arena_printf(a, STAGE_USER_CALL "%s", symbol),
        .doc = "a function of the user's",
    };
    op_register(c, a, op);
}
