/* Expressions -> texts of C: what is known of them, local constants for what is used twice, loads,
 * guards.
 *
 * Invariant: a name found in a slot is declared in a block that encloses the place of writing. A
 * guard whose loads fit one expression becomes `p ? x : y`, which C evaluates as the kernel means
 * it; one that needs local constants becomes a branch around them. */
#include "codegen/emit/c/emit.h"

enum { FACT_KNOWN = 1, FACT_LOADS = 2, FACT_NARROW = 4 };
enum { MOST_TEXT = 72, SHORT_TEXT = 8 };

static Slot *slot_of(Walk *w, Ex e)
{
    Unit *u = w->u;

    if (e->id >= u->nslots) {
        size_t n = MAX((size_t)e->id + 1, MAX(u->nslots * 2, (size_t)1024));

        u->slots = arena_grow(u->arena, u->slots, u->nslots * sizeof(Slot), n * sizeof(Slot), 8);
        memset(u->slots + u->nslots, 0, (n - u->nslots) * sizeof(Slot));
        u->nslots = n;
    }
    return &u->slots[e->id];
}

static unsigned facts_of(Walk *w, Ex e)
{
    unsigned f = FACT_KNOWN | FACT_NARROW;

    if (slot_of(w, e)->facts != 0)
        return slot_of(w, e)->facts;
    for (int i = 0; i < e->narg; i++) {
        unsigned of = facts_of(w, e->arg[i]);

        f |= of & FACT_LOADS;
        if (e->arg[i]->elem == ELEM_I64)
            f &= of | ~(unsigned)FACT_NARROW;
    }
    if (e->op == EX_LOAD)
        f |= FACT_LOADS;
    if (e->elem != ELEM_I64 || (f & FACT_LOADS) || !fits_narrow(w, e))
        f &= ~(unsigned)FACT_NARROW;
    slot_of(w, e)->facts = (uint8_t)f;
    return f;
}

bool is_narrow(Walk *w, Ex e)
{
    return (facts_of(w, e) & FACT_NARROW) != 0;
}
bool has_load(Walk *w, Ex e)
{
    return (facts_of(w, e) & FACT_LOADS) != 0;
}

Elem compute_elem(Walk *w, Ex e)
{
    return is_narrow(w, e) ? ELEM_I32 : (Elem)e->elem;
}

const char *type_of(Walk *w, Ex e)
{
    return type_value(compute_elem(w, e));
}

bool is_packed(Elem e)
{
    return elem_bits[e] < 8;
}

/* ---- texts ---- */

Text text_of(Walk *w, int prec, const char *fmt, ...)
{
    va_list ap;
    Text t = {NULL, prec};

    va_start(ap, fmt);
    t.s = arena_vprintf(w->arena, fmt, ap);
    va_end(ap);
    return t;
}

const char *within(Walk *w, Text t, int most)
{
    return t.prec <= most ? t.s : arena_printf(w->arena, "(%s)", t.s);
}

Text call_text(Walk *w, const char *fn, int n, const Ex *arg)
{
    Str s = str_new(w->arena);

    str_printf(&s, "%s(", fn);
    for (int i = 0; i < n; i++)
        str_printf(&s, "%s%s", i ? ", " : "", emit_value(w, arg[i]).s);
    str_addc(&s, ')');
    return (Text){str_text(&s), PREC_PRIMARY};
}

Text emit_failure(Walk *w, Elem e, const char *what)
{
    if (w->error == MLC_OK)
        w->error = diag_error(w->u->ctx, E0402, (Loc){.node = w->k->name}, MLC_INPUT,
                              "kernel %s: %s (%s) cannot be compiled for %s", w->k->name, what,
                              elem_name[e], w->u->info->target);
    return (Text){"0", PREC_PRIMARY};
}

/* ---- statements and scopes ---- */

void statement_begin(Walk *w)
{
    w->u->stamp++;
    w->kept.len = 0;
}

size_t scope_open(const Walk *w)
{
    return w->kept.len;
}

void scope_close(Walk *w, size_t scope)
{
    while (w->kept.len > scope)
        w->u->slots[vec_pop(&w->kept)].text_stamp = 0;
}

void count_uses(Walk *w, Ex e)
{
    Slot *s = slot_of(w, e);

    if (s->count_stamp == w->u->stamp) {
        s->uses++;
        return;
    }
    s->count_stamp = w->u->stamp;
    s->uses = 1;
    for (int i = 0; i < e->narg; i++)
        count_uses(w, e->arg[i]);
}

static void keep(Walk *w, Ex e, const char *text)
{
    Slot *s = slot_of(w, e);

    s->text = text;
    s->text_stamp = w->u->stamp;
    vec_push(w->arena, &w->kept, e->id);
}

static const char *new_local(Walk *w, Ex e)
{
    char kind = e->elem == ELEM_BOOL ? 'c' : elem_is_float((Elem)e->elem) ? 'v' : 'n';

    return arena_printf(w->arena, "%c%d", kind, w->ntemps++);
}

/* ---- leaves ---- */

Local *local_of(Walk *w, const Buf *b)
{
    const Kernel *k = w->k;

    for (size_t i = 0; i < k->params.len + k->regs.len; i++) {
        const Buf *at = i < k->params.len ? k->params.at[i] : k->regs.at[i - k->params.len];

        if (at == b)
            return &w->buf[i];
    }
    return NULL;
}

static Text emit_symbol(Walk *w, Ex e)
{
    const char **name = &w->sym[e->i];

    if (*name == NULL)
        *name = name_unique(w->arena, &w->names,
                            arena_printf(w->arena, "%s", ex_sym_name(w->pool, (int)e->i)));
    return (Text){*name, PREC_PRIMARY};
}

static Text emit_variable(Walk *w, Ex e)
{
    for (size_t i = w->var.len; i-- > 0;)
        if (w->var.at[i] == e)
            return (Text){w->var_name.at[i], PREC_PRIMARY};
    return emit_failure(w, (Elem)e->elem, "a variable outside of its loop");
}

static Text emit_const(Walk *w, Ex e)
{
    const char *s = elem_is_float((Elem)e->elem)
                        ? literal_float(w->arena, (Elem)e->elem, e->f, &w->u->uses_math)
                        : literal_int(w->arena, (Elem)e->elem, e->i);

    return (Text){s, *s == '-' || *s == '(' ? PREC_UNARY : PREC_PRIMARY};
}

const char *emit_place(Walk *w, const Buf *b, Ex index)
{
    Local *l = local_of(w, b);

    if (l == NULL)
        return emit_failure(w, b->elem, "an unknown buffer").s;
    l->is_used = true;
    if (l->is_scalar)
        return l->name;
    return arena_printf(w->arena, "%s[%s]", l->name, emit_value(w, index).s);
}

static Text emit_load(Walk *w, Ex e)
{
    Local *l = local_of(w, e->buf);

    if (l == NULL || type_memory((Elem)e->elem) == NULL)
        return emit_failure(w, (Elem)e->elem, "a load");
    l->is_used = l->is_read = true;
    if (is_packed((Elem)e->elem) && e->buf->space != SPACE_REG)
        return text_of(w, PREC_PRIMARY, "%s(%s, %s)", helper(w->u, "load", (Elem)e->elem), l->name,
                       emit_value(w, e->arg[0]).s);
    return (Text){emit_place(w, e->buf, e->arg[0]), PREC_PRIMARY};
}

/* ---- guards ---- */

static Text choice(Walk *w, Text cond, Text yes, Text no)
{
    return text_of(w, PREC_CHOICE, "%s ? %s : %s", within(w, cond, PREC_OR),
                   within(w, yes, PREC_OR), within(w, no, PREC_OR));
}

/* The value's text, with the local constants that it needs in *out. */
static Text aside(Walk *w, Ex e, Str *out)
{
    Str *outer = w->out;
    size_t scope = scope_open(w);
    Text t;

    *out = str_new(w->arena);
    w->out = out;
    w->depth++;
    t = emit_value(w, e);
    w->depth--;
    w->out = outer;
    scope_close(w, scope);
    return t;
}

static Text guard_branch(Walk *w, Ex e, Text cond, const Text *value, const Str *before)
{
    const char *name = new_local(w, e);

    line(w, "%s %s;", type_of(w, e), name);
    line(w, "if (%s) {", cond.s);
    for (int i = 0; i < 2; i++) {
        str_add(w->out, str_text(&before[i]));
        w->depth++;
        line(w, "%s = %s;", name, value[i].s);
        w->depth--;
        line(w, i == 0 ? "} else {" : "}");
    }
    return (Text){name, PREC_PRIMARY};
}

static Text emit_guard(Walk *w, Ex e)
{
    Text cond = emit_value(w, e->arg[0]), value[2];
    Str before[2];

    if (e->op == EX_SELECT || !has_load(w, e->arg[1])) {
        value[0] = emit_value(w, e->arg[1]);
        value[1] = emit_value(w, e->arg[2]);
        return choice(w, cond, value[0], value[1]);
    }
    value[0] = aside(w, e->arg[1], &before[0]);
    value[1] = aside(w, e->arg[2], &before[1]);
    if (before[0].len == 0 && before[1].len == 0)
        return choice(w, cond, value[0], value[1]);
    return guard_branch(w, e, cond, value, before);
}

/* ---- all ---- */

static Text emit_new(Walk *w, Ex e)
{
    switch (e->op) {
    case EX_CONST:
        return emit_const(w, e);
    case EX_SYM:
        return emit_symbol(w, e);
    case EX_VAR:
        return emit_variable(w, e);
    case EX_LOAD:
        return emit_load(w, e);
    case EX_GUARD:
    case EX_SELECT:
        return emit_guard(w, e);
    case EX_CAST:
        return emit_cast(w, e);
    case EX_BITS:
        return emit_bits(w, e);
    case EX_LIN:
        return emit_sum(w, e);
    case EX_PROD:
        return emit_product(w, e);
    case EX_ACC:
    case EX_RHS:
        return emit_failure(w, (Elem)e->elem, "the state of a reduction");
    default:
        return emit_scalar(w, e);
    }
}

static bool wants_name(Walk *w, Ex e, Text t)
{
    size_t n = strlen(t.s);

    if (e->narg == 0)
        return false;
    return n > MOST_TEXT || (n > SHORT_TEXT && slot_of(w, e)->uses > 1);
}

Text emit_whole(Walk *w, Ex e)
{
    const Slot *s = slot_of(w, e);

    return s->text_stamp == w->u->stamp || s->uses > 1 ? emit_value(w, e) : emit_new(w, e);
}

Text emit_value(Walk *w, Ex e)
{
    const Slot *s = slot_of(w, e);
    Text t;
    const char *name;

    if (s->text_stamp == w->u->stamp)
        return (Text){s->text, PREC_PRIMARY};
    t = emit_new(w, e);
    if (!wants_name(w, e, t) || w->error != MLC_OK)
        return t;
    name = new_local(w, e);
    line(w, "const %s %s = %s;", type_of(w, e), name, t.s);
    keep(w, e, name);
    return (Text){name, PREC_PRIMARY};
}
