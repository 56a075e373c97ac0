/* Graphs as text: the printer. text.h describes the form.
 *
 * Only what is reachable is printed, in an order that follows from the graph alone: symbols,
 * inputs, used constants by id, nodes, outputs. */
#include "ir/graph/text.h"

#include <math.h>

static void indent(Str *s, int depth)
{
    for (int i = 0; i < depth; i++)
        str_add(s, "  ");
}

static void print_value(Str *s, const Value *v)
{
    if (!v) {
        str_addc(s, '_');
        return;
    }
    str_addc(s, '%');
    if (text_is_plain(v->name))
        str_add(s, v->name);
    else
        text_quote(s, v->name);
}

/* ---- data ---- */

void text_print_float(Str *s, Elem e, uint64_t bits)
{
    double v = elem_get_f64(e, &bits, 0);
    if (isnan(v))
        str_printf(s, "nan(0x%llx)", (unsigned long long)bits);
    else
        str_printf(s, "%a", v);
}

static void print_element(Str *s, const Tensor *t, size_t i)
{
    if (t->elem == ELEM_STRING)
        text_quote(s, ((const char *const *)t->data)[i]);
    else if (elem_is_float(t->elem))
        text_print_float(s, t->elem, elem_get_bits(t->elem, t->data, i));
    else if (t->elem == ELEM_U64)
        str_printf(s, "%llu", (unsigned long long)elem_get_bits(t->elem, t->data, i));
    else
        str_printf(s, "%lld", (long long)elem_get_i64(t->elem, t->data, i));
}

static void print_hex(Str *s, const uint8_t *data, size_t size)
{
    static const char digit[] = "0123456789abcdef";
    str_add(s, "hex \"");
    for (size_t i = 0; i < size; i++) {
        char two[2] = {digit[data[i] >> 4], digit[data[i] & 15]};
        str_addn(s, two, 2);
    }
    str_addc(s, '"');
}

void text_print_data(Str *s, const Tensor *t)
{
    size_t n = t->splat ? 1 : (size_t)tensor_count(t);
    bool complex_ = t->elem == ELEM_C64 || t->elem == ELEM_C128;
    if (t->splat)
        str_add(s, "splat ");
    if (complex_ || (n > TEXT_INLINE_ELEMENTS && t->elem != ELEM_STRING)) {
        size_t size = elem_size_bytes(t->elem, n);
        if (t->path && !t->splat) {
            str_add(s, "ref ");
            text_quote(s, t->path);
            str_printf(s, " offset %lld size %zu", (long long)t->offset, size);
        } else {
            print_hex(s, t->data, size);
        }
        return;
    }
    str_addc(s, '{');
    for (size_t i = 0; i < n; i++) {
        str_add(s, i ? ", " : "");
        print_element(s, t, i);
    }
    str_addc(s, '}');
}

static void print_tensor_type(Str *s, const Tensor *t)
{
    str_printf(s, "%s[", elem_name[t->elem]);
    for (int i = 0; i < t->rank; i++)
        str_printf(s, "%s%lld", i ? "," : "", (long long)t->dim[i]);
    str_addc(s, ']');
}

void text_print_tensor(Str *s, const Tensor *t)
{
    print_tensor_type(s, t);
    str_addc(s, ' ');
    text_print_data(s, t);
}

/* ---- nodes ---- */

static void print_origin(Str *s, const Node *n)
{
    const char *first = NULL;
    for (int i = 0; i < n->nout && !first; i++)
        first = n->out[i] ? n->out[i]->name : NULL;
    if (!first || !str_eq(first, n->name)) {
        str_add(s, " name ");
        text_quote(s, n->name);
    }
    if (n->norigin == 1 && str_eq(n->origin[0], n->name))
        return;
    str_add(s, " from [");
    for (int i = 0; i < n->norigin; i++) {
        str_add(s, i ? ", " : "");
        text_quote(s, n->origin[i]);
    }
    str_addc(s, ']');
}

static void print_op(Str *s, const OpInfo *op)
{
    if (op->domain && *op->domain) {
        if (text_is_plain(op->domain))
            str_add(s, op->domain);
        else
            text_quote(s, op->domain);
        str_add(s, "::");
    }
    str_add(s, op->name);
}

static void print_node(Str *s, const Graph *g, const Node *n, int depth)
{
    indent(s, depth);
    for (int i = 0; i < n->nout; i++) {
        str_add(s, i ? ", " : "");
        print_value(s, n->out[i]);
        if (n->out[i] && n->out[i]->type.kind != TYPE_NONE) {
            str_add(s, " : ");
            type_print(s, g->pool, &n->out[i]->type);
        }
    }
    str_add(s, " = ");
    print_op(s, n->op);
    str_addc(s, '(');
    for (int i = 0; i < n->nin; i++) {
        str_add(s, i ? ", " : "");
        print_value(s, n->in[i]);
    }
    str_addc(s, ')');
    attrs_print(s, n->op, n->attrs, depth);
    print_origin(s, n);
    str_addc(s, '\n');
}

/* ---- graphs ---- */

static void print_symbols(Str *s, const ExPool *p, int depth)
{
    for (int i = 0; i < ex_sym_count(p); i++) {
        bool run_time = ex_sym_is_run_time(p, i);
        indent(s, depth);
        str_add(s, run_time ? "run " : "sym ");
        text_print_symbol(s, ex_sym_name(p, i));
        str_printf(s, " >= %lld", (long long)ex_sym_min(p, i));
        if (run_time)
            str_printf(s, " max %lld", (long long)ex_sym_max(p, i));
        else if (ex_sym_max(p, i) >= 0)
            str_printf(s, " max %lld typical %lld", (long long)ex_sym_max(p, i),
                       (long long)ex_sym_typical(p, i));
        str_addc(s, '\n');
    }
}

static void print_typed(Str *s, const Graph *g, const char *what, const Value *v, int depth)
{
    indent(s, depth);
    str_printf(s, "%s ", what);
    print_value(s, v);
    str_add(s, " : ");
    type_print(s, g->pool, &v->type);
}

void text_print_graph(Str *s, Graph *g, int depth)
{
    str_add(s, "graph ");
    text_quote(s, g->name ? g->name : "");
    str_printf(s, " opset %d {\n", g->opset);
    if (!g->parent)
        print_symbols(s, g->pool, depth + 1);
    for (size_t i = 0; i < g->inputs.len; i++) {
        bool captured = i + (size_t)g->captures >= g->inputs.len;
        print_typed(s, g, captured ? "capture" : "in", g->inputs.at[i], depth + 1);
        str_addc(s, '\n');
    }
    for (size_t i = 0; i < g->values.len; i++) {
        const Value *v = g->values.at[i];
        if (!v->data || value_is_dead(g, v))
            continue;
        print_typed(s, g, "const", v, depth + 1);
        str_add(s, " = ");
        text_print_data(s, v->data);
        str_addc(s, '\n');
    }
    for (const Node *n = g->first; n; n = n->next)
        print_node(s, g, n, depth + 1);
    for (size_t i = 0; i < g->outputs.len; i++) {
        const Value *v = g->outputs.at[i];
        if (v->type.kind == TYPE_NONE) {
            indent(s, depth + 1);
            str_add(s, "out ");
            print_value(s, v);
        } else {
            print_typed(s, g, "out", v, depth + 1);
        }
        str_addc(s, '\n');
    }
    indent(s, depth);
    str_addc(s, '}');
}

void graph_print(Str *s, Graph *g)
{
    text_print_graph(s, g, 0);
    str_addc(s, '\n');
}
