/* The types of columns; see columns.h. */
#include "ir/ops/columns.h"

bool type_is_composite(const Type *t)
{
    return t->kind == TYPE_SEQUENCE || t->kind == TYPE_OPTIONAL || t->kind == TYPE_MAP;
}

typedef enum Form { FORM_NONE, FORM_TENSOR, FORM_LIST, FORM_MAYBE_LIST, FORM_MAP, FORM_MAPS } Form;

static bool is_of(const Type *t, TypeKind kind)
{
    return t->of && t->of->kind == kind;
}

static Form form_of(const Type *t)
{
    switch (t->kind) {
    case TYPE_SEQUENCE:
        return is_of(t, TYPE_TENSOR) ? FORM_LIST
               : is_of(t, TYPE_MAP) && is_of(t->of, TYPE_TENSOR) ? FORM_MAPS : FORM_NONE;
    case TYPE_OPTIONAL:
        return is_of(t, TYPE_TENSOR) ? FORM_LIST
               : is_of(t, TYPE_SEQUENCE) && is_of(t->of, TYPE_TENSOR) ? FORM_MAYBE_LIST : FORM_NONE;
    case TYPE_MAP:
        return is_of(t, TYPE_TENSOR) ? FORM_MAP : FORM_NONE;
    default:
        return FORM_TENSOR;
    }
}

int column_count(const Type *t)
{
    static const int count[] = {0, 1, 2, 3, 2, 2};
    return count[form_of(t)];
}

const char *column_name(const Type *t, int k)
{
    static const char *const list[] = {"has", "shapes", "data"}, *const map[] = {"keys", "values"};
    Form f = form_of(t);
    return f == FORM_MAP || f == FORM_MAPS ? map[k] : list[f == FORM_LIST ? k + 1 : k];
}

static Ex run_size(Graph *g, const char *name, const char *what)
{
    return ex_sym_run_time(g->pool, arena_printf(g->arena, "%s.%s", name, what), 0,
                           (int64_t)1 << 40);
}

/* NAME_what, in the characters of an identifier. */
static Ex caller_size(Graph *g, const char *name, const char *what)
{
    char *text = arena_printf(g->arena, "%s_%s", name, what);
    for (char *c = text; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        if (!letter && !(*c >= '0' && *c <= '9'))
            *c = '_';
    }
    return ex_sym(g->pool, text, 0);
}

static Ex column_size(Graph *g, const char *name, const char *what, bool outer)
{
    return outer ? caller_size(g, name, what) : run_size(g, name, what);
}

static Type list_column(Graph *g, Elem e, int k, const char *name, bool outer)
{
    Ex dim[2] = {column_size(g, name, k ? "total" : "count", outer),
                 ex_int(g->pool, COLUMNS_WIDTH)};
    return k ? type_tensor(e, 1, dim) : type_tensor(ELEM_I64, 2, dim);
}

static Type map_column(Graph *g, const Type *map, int rows, int k, const char *name, bool outer)
{
    Ex dim[2] = {ex_int(g->pool, 0), column_size(g, name, "keys", outer)};
    if (rows && k)
        dim[0] = column_size(g, name, "maps", outer);
    if (k == 0)
        return type_tensor(map->elem, 1, dim + 1);
    return rows ? type_tensor(map->of->elem, 2, dim) : type_tensor(map->of->elem, 1, dim + 1);
}

Type column_type(Graph *g, const Type *t, int k, const char *name, bool outer)
{
    Ex one = ex_int(g->pool, 1);
    switch (form_of(t)) {
    case FORM_LIST:
        return list_column(g, t->of->elem, k, name, outer);
    case FORM_MAYBE_LIST:
        return k == 0 ? type_tensor(ELEM_BOOL, 1, &one)
                      : list_column(g, t->of->of->elem, k - 1, name, outer);
    case FORM_MAP:
        return map_column(g, t, 0, k, name, outer);
    case FORM_MAPS:
        return map_column(g, t->of, 1, k, name, outer);
    default:
        return *t;
    }
}

/* ---- joining ---- */

Type sequence_of(Graph *g, Elem e, const Type *of)
{
    Type *element = NEW(g->arena, Type);
    *element = of ? *of : (Type){.kind = TYPE_TENSOR, .elem = e, .rank = RANK_NONE};
    return (Type){.kind = TYPE_SEQUENCE, .rank = -1, .of = element};
}

static bool join_tensors(Graph *g, const Type *a, const Type *b, Type *out)
{
    if (a->elem != b->elem)
        return false;
    *out = a->rank == RANK_NONE ? *b : *a;
    if (a->rank == RANK_NONE || b->rank == RANK_NONE)
        return true;
    if (a->rank != b->rank)
        out->rank = -1;
    for (int k = 0; k < out->rank; k++)
        if (a->dim[k] != b->dim[k] &&
            !(a->dim[k]->op == EX_SYM && ex_sym_is_run_time(g->pool, (int)a->dim[k]->i)))
            out->dim[k] = run_size(g, "element", "size");
    return true;
}

bool type_join(Graph *g, const Type *a, const Type *b, Type *out)
{
    if (a->kind == TYPE_NONE || b->kind == TYPE_NONE) {
        *out = a->kind == TYPE_NONE ? *b : *a;
        return true;
    }
    if (a->kind == TYPE_TENSOR && b->kind == TYPE_TENSOR)
        return join_tensors(g, a, b, out);
    bool wrap = (a->kind == TYPE_OPTIONAL) != (b->kind == TYPE_OPTIONAL);
    const Type *opt = a->kind == TYPE_OPTIONAL ? a : b;
    if (!wrap && (a->kind != b->kind || !a->of || !b->of || a->elem != b->elem))
        return false;
    Type *of = NEW(g->arena, Type);
    *out = *opt;
    out->of = of;
    if (!wrap)
        return type_join(g, a->of, b->of, of);
    return opt->of && type_join(g, opt->of, opt == a ? b : a, of);
}

/* ---- nodes ---- */

Status node_need_sequence(const Node *n, int i, const Type **of)
{
    const Type *t = node_has(n, i) ? &n->in[i]->type : NULL;
    if (!t)
        return node_error(n, E0202, "input %d is omitted", i);
    if (t->kind != TYPE_SEQUENCE || !is_of(t, TYPE_TENSOR))
        return node_error(n, E0206, "input %d ('%s') is not a sequence of tensors", i,
                          n->in[i]->name);
    *of = t->of;
    return MLC_OK;
}
