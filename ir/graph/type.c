/* Types of values: making, comparing and printing them.
 *
 * Dimensions are printed in a canonical order, by their text: expressions are sorted by id inside
 * the pool, and ids are not the same after parsing. So equal types have equal text, always. */
#include "ir/base/str.h"
#include "ir/graph/graph.h"
#include "ir/graph/text.h"

#include <stdlib.h>

Type type_tensor(Elem e, int rank, const Ex *dim)
{
    assert(rank <= MAX_RANK);
    Type t = {.kind = TYPE_TENSOR, .elem = e, .rank = rank};
    for (int i = 0; i < rank; i++)
        t.dim[i] = dim[i];
    return t;
}

Type type_tensor_const(ExPool *p, Elem e, int rank, const int64_t *dim)
{
    Ex ex[MAX_RANK];
    assert(rank <= MAX_RANK);
    for (int i = 0; i < rank; i++)
        ex[i] = ex_int(p, dim[i]);
    return type_tensor(e, rank, ex);
}

Type type_of_tensor(ExPool *p, const Tensor *t)
{
    return type_tensor_const(p, t->elem, t->rank, t->dim);
}

bool type_is_static(const Type *t)
{
    if (t->kind != TYPE_TENSOR || t->rank < 0)
        return false;
    for (int i = 0; i < t->rank; i++) {
        if (!ex_is_int(t->dim[i], NULL))
            return false;
    }
    return true;
}

bool type_equal(const Type *a, const Type *b)
{
    if (a->kind != b->kind || a->elem != b->elem)
        return false;
    if (a->kind == TYPE_TENSOR) {
        if (a->rank != b->rank)
            return false;
        for (int i = 0; i < a->rank; i++) {
            if (a->dim[i] != b->dim[i])
                return false;
        }
    }
    if (!a->of || !b->of)
        return a->of == b->of;
    return type_equal(a->of, b->of);
}

Ex type_count(ExPool *p, const Type *t)
{
    assert(t->kind == TYPE_TENSOR && t->rank >= 0);
    Ex n = ex_int(p, 1);
    for (int i = 0; i < t->rank; i++)
        n = ex_mul(p, n, t->dim[i]);
    return n;
}

/* ---- text ---- */

bool text_is_plain(const char *name)
{
    for (const char *c = name; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_' ||
                     *c == '.' || (*c >= '0' && *c <= '9');
        if (!plain)
            return false;
    }
    return *name != 0;
}

void text_quote(Str *s, const char *text)
{
    str_addc(s, '"');
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            str_printf(s, "\\%c", *c);
        else if (*c == '\n')
            str_add(s, "\\n");
        else if ((unsigned char)*c < 0x20 || *c == 0x7f)
            str_printf(s, "\\x%02x", (unsigned char)*c);
        else
            str_addc(s, *c);
    }
    str_addc(s, '"');
}

void text_print_symbol(Str *s, const char *name)
{
    if (text_is_plain(name) && !(*name >= '0' && *name <= '9'))
        str_add(s, name);
    else
        text_quote(s, name);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The texts of `n` things, sorted. */
static const char **sorted(Arena *a, const ExPool *p, int n, const Ex *e)
{
    const char **text = NEW_ARRAY(a, const char *, n);
    for (int i = 0; i < n; i++) {
        Str s = str_new(a);
        text_print_dim(&s, p, e[i]);
        text[i] = str_text(&s);
    }
    qsort(text, (size_t)n, sizeof *text, by_text);
    return text;
}

static void print_product(Str *s, const ExPool *p, Ex e)
{
    const char **factor = sorted(s->arena, p, e->narg, e->arg);
    for (int i = 0; i < e->narg; i++)
        str_printf(s, "%s%s", i ? "*" : "", factor[i]);
}

static void print_sum(Str *s, const ExPool *p, Ex e)
{
    Arena *a = s->arena;
    const char **term = NEW_ARRAY(a, const char *, e->narg);
    for (int i = 0; i < e->narg; i++) {
        Str one = str_new(a);
        text_print_dim(&one, p, e->arg[i]);
        /* The sign comes last while sorting, so that positive and negative terms mix by name. */
        int64_t c = e->coef[i];
        uint64_t magnitude = c < 0 ? 0 - (uint64_t)c : (uint64_t)c;
        const char *factor =
            magnitude == 1 ? "" : arena_printf(a, "%llu*", (unsigned long long)magnitude);
        term[i] = arena_printf(a, "%s\n%s%c", str_text(&one), factor, c < 0 ? '-' : '+');
    }
    qsort(term, e->narg, sizeof *term, by_text);
    for (int i = 0; i < e->narg; i++) {
        const char *cut = strchr(term[i], '\n');
        size_t factor = strlen(cut + 1) - 1;
        bool negative = cut[1 + factor] == '-';
        str_add(s, negative ? (i ? " - " : "-") : i ? " + " : "");
        str_addn(s, cut + 1, factor);
        str_addn(s, term[i], (size_t)(cut - term[i]));
    }
    uint64_t magnitude = e->i < 0 ? 0 - (uint64_t)e->i : (uint64_t)e->i;
    if (e->i)
        str_printf(s, " %c %llu", e->i < 0 ? '-' : '+', (unsigned long long)magnitude);
}

static void print_call(Str *s, const ExPool *p, Ex e)
{
    if (e->op == EX_CAST || e->op == EX_BITS)
        str_printf(s, "%s_%s(",
                   e->op == EX_BITS ? "bits"
                   : e->i           ? "sat"
                                    : "cast",
                   elem_name[e->elem]);
    else
        str_printf(s, "%s(", ex_op_name[e->op]);
    bool commutes =
        !elem_is_float((Elem)e->arg[0]->elem) &&
        (e->op == EX_ADD || e->op == EX_MUL || e->op == EX_MIN || e->op == EX_MAX ||
         e->op == EX_AND || e->op == EX_OR || e->op == EX_XOR || e->op == EX_EQ || e->op == EX_NE);
    if (commutes) {
        const char **arg = sorted(s->arena, p, e->narg, e->arg);
        str_printf(s, "%s, %s)", arg[0], arg[1]);
        return;
    }
    for (int i = 0; i < e->narg; i++) {
        str_add(s, i ? ", " : "");
        text_print_dim(s, p, e->arg[i]);
    }
    str_addc(s, ')');
}

void text_print_dim(Str *s, const ExPool *p, Ex e)
{
    switch (e->op) {
    case EX_CONST:
        if (elem_is_float((Elem)e->elem))
            str_printf(s, "%a:%s", e->f, elem_name[e->elem]);
        else if (e->elem == ELEM_I64)
            str_printf(s, "%lld", (long long)e->i);
        else
            str_printf(s, "%lld:%s", (long long)e->i, elem_name[e->elem]);
        return;
    case EX_SYM:
        text_print_symbol(s, ex_sym_name(p, (int)e->i));
        return;
    case EX_LIN:
        print_sum(s, p, e);
        return;
    case EX_PROD:
        print_product(s, p, e);
        return;
    case EX_VAR:
    case EX_ACC:
    case EX_RHS:
    case EX_LOAD:
        ex_print(s, p, e); /* no part of a type; shown for people */
        return;
    default:
        print_call(s, p, e);
        return;
    }
}

static void print_inner(Str *s, const ExPool *p, const Type *of)
{
    static const Type unknown = {0};
    type_print(s, p, of ? of : &unknown);
    str_addc(s, ')');
}

void type_print(Str *s, const ExPool *p, const Type *t)
{
    switch (t->kind) {
    case TYPE_NONE:
        str_addc(s, '?');
        return;
    case TYPE_TENSOR:
        str_printf(s, "%s[", elem_name[t->elem]);
        if (t->rank < 0)
            str_addc(s, '*');
        for (int i = 0; i < t->rank; i++) {
            str_add(s, i ? "," : "");
            text_print_dim(s, p, t->dim[i]);
        }
        str_addc(s, ']');
        return;
    case TYPE_SEQUENCE:
        str_add(s, "seq(");
        break;
    case TYPE_OPTIONAL:
        str_add(s, "optional(");
        break;
    case TYPE_MAP:
        str_printf(s, "map(%s, ", elem_name[t->elem]);
        break;
    }
    print_inner(s, p, t->of);
}
