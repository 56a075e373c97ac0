/* Types and dimensions of the text form. What ex_op() asserts is checked here first. */
#include "ir/graph/text_parse.h"

static bool is_number(Elem e)
{
    return elem_is_float(e) || elem_is_int(e) || e == ELEM_BOOL;
}

static Status parse_elem(Parser *p, Elem *out)
{
    if (p->kind != TOK_WORD || (!elem_from_name(p->text) && !str_eq(p->text, elem_name[0])))
        return parse_error(p, "'%.40s' is no element type", p->kind ? p->text : "the end");
    *out = elem_from_name(p->text);
    return parse_next(p);
}

/* ---- dimensions ---- */

/* A size, written out in proportion to the text: products of sums share their terms. */
static Status need_size(Parser *p, Ex e)
{
    enum { MOST = 4096 }; /* as inference allows */
    if (e->elem != ELEM_I64)
        return parse_error(p, "arithmetic on sizes needs i64");
    return ex_tree_size(e, MOST) <= MOST ? MLC_OK : parse_error(p, "too large an expression");
}

/* number [":" elem] */
static Status parse_number(Parser *p, Ex *out)
{
    Parser saved = *p;
    double f;
    int64_t i = 0;
    bool typed;
    TRY(parse_float(p, &f));
    TRY(parse_accept(p, ":", &typed));
    Elem e = ELEM_I64;
    if (typed)
        TRY(parse_elem(p, &e));
    if (!is_number(e))
        return parse_error(p, "a constant of type %s has no place here", elem_name[e]);
    if (elem_is_float(e)) {
        *out = ex_const_f(p->pool, e, f);
        return MLC_OK;
    }
    TRY(parse_int(&saved, &i)); /* the same token, read as an integer */
    *out = ex_const_i(p->pool, e, i);
    return MLC_OK;
}

static int scalar_op(const char *name)
{
    for (int op = EX_ADD; op < EX_OP_COUNT; op++) {
        if (str_eq(ex_op_name[op], name))
            return op;
    }
    return -1;
}

/* Applies the conversion `name` ("cast_f32"), if it is one. */
static Status apply_conversion(Parser *p, const char *name, int n, const Ex *arg, Ex *out)
{
    const char *to = strchr(name, '_');
    Elem e = to ? elem_from_name(to + 1) : ELEM_NONE;
    bool bits = str_starts(name, "bits_"), sat = str_starts(name, "sat_");
    if (!is_number(e) || n != 1 || !(bits || sat || str_starts(name, "cast_")))
        return parse_error(p, "'%.40s' is no operation of %d arguments", name, n);
    if (bits && elem_bits[e] != elem_bits[arg[0]->elem])
        return parse_error(p, "'%s' is given bits of another width", name);
    *out = bits  ? ex_bits(p->pool, e, arg[0])
           : sat ? ex_cast_saturating(p->pool, e, arg[0])
                 : ex_cast(p->pool, e, arg[0]);
    return MLC_OK;
}

/* A guard prints as what it says; without loads it is a select. */
static Status apply(Parser *p, const char *name, int n, const Ex *arg, Ex *out)
{
    int op = str_eq(name, "guard") ? EX_SELECT : scalar_op(name);
    if (op < 0)
        return apply_conversion(p, name, n, arg, out);
    if (n != ex_op_arity[op])
        return parse_error(p, "'%s' has %d arguments, needs %d", name, n, ex_op_arity[op]);
    int first = op == EX_SELECT;
    if (first && arg[0]->elem != ELEM_BOOL)
        return parse_error(p, "the condition of '%s' is not bool", name);
    for (int i = first; i < n; i++) {
        if (arg[i]->elem != arg[first]->elem)
            return parse_error(p, "the arguments of '%s' have different types", name);
    }
    *out = ex_op(p->pool, (ExOp)op, n, arg);
    return MLC_OK;
}

static Status parse_call(Parser *p, const char *name, Ex *out)
{
    Ex arg[3];
    int n = 0;
    bool more = true;
    TRY(parse_expect(p, "("));
    while (more) {
        if (n == (int)COUNT_OF(arg))
            return parse_error(p, "'%.40s' has too many arguments", name);
        TRY(parse_dim(p, &arg[n++]));
        TRY(parse_accept(p, ",", &more));
    }
    TRY(parse_expect(p, ")"));
    return apply(p, name, n, arg, out);
}

static Status find_symbol(Parser *p, const char *name, Ex *out)
{
    *out = map_get(&p->symbols, name);
    if (*out)
        return MLC_OK;
    return parse_error(p, "symbol '%.40s' is not declared", name);
}

static Status parse_factor(Parser *p, Ex *out)
{
    bool taken;
    if (p->kind == TOK_WORD && p->text[0] >= '0' && p->text[0] <= '9')
        return parse_number(p, out);
    if (parse_is(p, "inf") || parse_is(p, "nan"))
        return parse_number(p, out);
    TRY(parse_accept(p, "-", &taken));
    if (taken) {
        TRY(parse_enter(p));
        TRY(parse_factor(p, out));
        parse_leave(p);
        *out = ex_neg(p->pool, *out);
        return MLC_OK;
    }
    TRY(parse_accept(p, "(", &taken));
    if (taken) {
        TRY(parse_dim(p, out));
        return parse_expect(p, ")");
    }
    if (p->kind != TOK_WORD && p->kind != TOK_STRING)
        return parse_error(p, "a dimension is expected, not '%.40s'",
                           p->kind ? p->text : "the end");
    const char *name = p->text;
    bool word = p->kind == TOK_WORD;
    TRY(parse_next(p));
    return word && parse_is(p, "(") ? parse_call(p, name, out) : find_symbol(p, name, out);
}

static Status parse_product(Parser *p, Ex *out)
{
    TRY(parse_factor(p, out));
    for (;;) {
        bool times;
        Ex b;
        TRY(parse_accept(p, "*", &times));
        if (!times)
            return MLC_OK;
        TRY(parse_factor(p, &b));
        TRY(need_size(p, *out));
        TRY(need_size(p, b));
        *out = ex_mul(p->pool, *out, b);
    }
}

Status parse_dim(Parser *p, Ex *out)
{
    TRY(parse_enter(p));
    TRY(parse_product(p, out));
    while (parse_is(p, "+") || parse_is(p, "-")) {
        bool minus = parse_is(p, "-");
        Ex b;
        TRY(parse_next(p));
        TRY(parse_product(p, &b));
        TRY(need_size(p, *out));
        TRY(need_size(p, b));
        *out = minus ? ex_sub(p->pool, *out, b) : ex_add(p->pool, *out, b);
    }
    parse_leave(p);
    return MLC_OK;
}

/* ---- types ---- */

static Status parse_shape(Parser *p, Type *t)
{
    bool taken;
    TRY(parse_expect(p, "["));
    TRY(parse_accept(p, "*", &taken));
    if (taken) {
        t->rank = -1;
        return parse_expect(p, "]");
    }
    bool more = !parse_is(p, "]");
    while (more) {
        if (t->rank == MAX_RANK)
            return parse_error(p, "a tensor has more than %d dimensions", MAX_RANK);
        Ex d;
        int64_t v;
        TRY(parse_dim(p, &d));
        TRY(need_size(p, d));
        if (ex_is_int(d, &v) && v < 0)
            return parse_error(p, "a dimension is %lld", (long long)v);
        t->dim[t->rank++] = d;
        TRY(parse_accept(p, ",", &more));
    }
    return parse_expect(p, "]");
}

static Status parse_of(Parser *p, Type *t)
{
    TRY(parse_expect(p, "("));
    if (t->kind == TYPE_MAP) {
        TRY(parse_elem(p, &t->elem));
        TRY(parse_expect(p, ","));
    }
    Type *of = NEW(p->arena, Type);
    TRY(parse_enter(p));
    TRY(parse_type(p, of));
    parse_leave(p);
    t->of = of->kind == TYPE_NONE ? NULL : of;
    return parse_expect(p, ")");
}

Status parse_type(Parser *p, Type *out)
{
    static const struct {
        const char *name;
        TypeKind kind;
    } wrapper[] = {{"seq", TYPE_SEQUENCE}, {"optional", TYPE_OPTIONAL}, {"map", TYPE_MAP}};
    bool taken;
    *out = (Type){0};
    TRY(parse_accept(p, "?", &taken));
    if (taken)
        return MLC_OK;
    for (size_t i = 0; i < COUNT_OF(wrapper); i++) {
        TRY(parse_accept(p, wrapper[i].name, &taken));
        if (taken) {
            out->kind = wrapper[i].kind;
            return parse_of(p, out);
        }
    }
    out->kind = TYPE_TENSOR;
    TRY(parse_elem(p, &out->elem));
    return parse_shape(p, out);
}
