/* Kernels: building statements, the reference schedule of a stage, printing. */
#include "ir/kernel/kernel.h"

#include "ir/base/str.h"

Stmt *stmt_loop(Arena *a, Ex var, LoopKind kind, Stmt *body)
{
    Stmt *s = NEW(a, Stmt);
    s->kind = STMT_LOOP;
    s->loop.var = var;
    s->loop.kind = kind;
    s->loop.body = body;
    return s;
}

Stmt *stmt_store(Arena *a, Buf *b, Ex index, Ex value, Ex guard)
{
    Stmt *s = NEW(a, Stmt);
    s->kind = STMT_STORE;
    s->store.buf = b;
    s->store.index = index;
    s->store.value = value;
    s->store.guard = guard;
    return s;
}

Stmt *stmt_if(Arena *a, Ex cond, Stmt *then, Stmt *otherwise)
{
    Stmt *s = NEW(a, Stmt);
    s->kind = STMT_IF;
    s->cond.cond = cond;
    s->cond.then = then;
    s->cond.otherwise = otherwise;
    return s;
}

Stmt *stmt_seq(Stmt *first, Stmt *second)
{
    if (!first)
        return second;
    Stmt *last = first;
    while (last->next)
        last = last->next;
    last->next = second;
    return first;
}

/* ---- a stage as plain loops ---- */

typedef struct FromStage {
    Arena *arena;
    ExPool *pool;
    const Stage *stage;
    Kernel *kernel;
    Buf *acc[MAX_ACC];
    Ex rhs[MAX_ACC]; /* what EX_RHS stands for */
} FromStage;

static void add_param(FromStage *f, const Buf *b)
{
    for (size_t i = 0; i < f->kernel->params.len; i++)
        if (f->kernel->params.at[i] == b)
            return;
    vec_push(f->arena, &f->kernel->params, (Buf *)(uintptr_t)b);
}

static Ex load_acc(FromStage *f, int i)
{
    return ex_load(f->pool, f->acc[i], f->acc[i]->elem, 1, (Ex[]){ex_int(f->pool, 0)});
}

/* Loads become flat, results of the reduction become loads of registers. */
static Ex flatten(void *arg, ExPool *p, Ex built, Ex original)
{
    FromStage *f = arg;
    (void)original;
    switch (built->op) {
    case EX_LOAD:
        for (int i = 0; i < f->stage->nacc; i++)
            if (built->buf == f->acc[i])
                return NULL;
        add_param(f, built->buf);
        if (built->narg != built->buf->rank) /* flat already: lowering schedules such stages */
            return NULL;
        return ex_load(p, built->buf, (Elem)built->elem, 1,
                       (Ex[]){buf_flat(p, built->buf, built->arg)});
    case EX_ACC:
        return load_acc(f, (int)built->i);
    case EX_RHS:
        return f->rhs[built->i];
    default:
        return NULL;
    }
}

static Ex flat(FromStage *f, Ex e)
{
    return ex_rewrite(f->pool, e, flatten, f);
}

static Buf *add_reg(FromStage *f, const char *prefix, int i, Elem e)
{
    Buf *b = buf_new(f->arena, f->pool, (int)f->kernel->regs.len,
                     arena_printf(f->arena, "%s%d", prefix, i), e, SPACE_REG, 0, NULL);
    vec_push(f->arena, &f->kernel->regs, b);
    return b;
}

static Stmt *set_reg(FromStage *f, Buf *reg, Ex value)
{
    return stmt_store(f->arena, reg, ex_int(f->pool, 0), value, NULL);
}

/* acc[i] = next[i] for all i at once. */
static Stmt *update_accs(FromStage *f, const Ex *next)
{
    int n = f->stage->nacc;
    bool crossed = false; /* does one read the register of another that is set before it? */
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            crossed = crossed || ex_uses(next[i], load_acc(f, k));
    Stmt *out = NULL, *second = NULL;
    for (int i = 0; i < n; i++) {
        if (!crossed) {
            out = stmt_seq(out, set_reg(f, f->acc[i], next[i]));
            continue;
        }
        Buf *t = add_reg(f, "next", i, f->acc[i]->elem);
        Ex read = ex_load(f->pool, t, t->elem, 1, (Ex[]){ex_int(f->pool, 0)});
        out = stmt_seq(out, set_reg(f, t, next[i]));
        second = stmt_seq(second, set_reg(f, f->acc[i], read));
    }
    return stmt_seq(out, second);
}

static Stmt *checks(FromStage *f, bool inside)
{
    const Stage *s = f->stage;
    Stmt *out = NULL;
    for (size_t i = 0; i < s->checks.len; i++) {
        Ex cond = s->checks.at[i].cond;
        bool uses = false;
        for (int k = 0; k < s->nred; k++)
            uses = uses || ex_uses(cond, s->red[k]);
        if (uses == inside)
            out = stmt_seq(out, stmt_check(f->arena, flat(f, cond), s->checks.at[i].code));
    }
    return out;
}

static Stmt *loops(FromStage *f, int n, const Ex *var, LoopKind kind, Stmt *body)
{
    while (n-- > 0)
        body = stmt_loop(f->arena, var[n], kind, body);
    return body;
}

/* Start, combination over the reduction axes. */
static Stmt *reduction(FromStage *f)
{
    const Stage *s = f->stage;
    Ex next[MAX_ACC] = {NULL};
    Stmt *out = NULL;
    for (int i = 0; i < s->nacc; i++)
        out = stmt_seq(out, set_reg(f, f->acc[i], flat(f, s->init[i])));
    Stmt *inner = checks(f, true);
    for (int i = 0; i < s->nacc; i++)
        f->rhs[i] = flat(f, s->body[i]);
    for (int i = 0; i < s->nacc; i++)
        next[i] = s->op[i] == REDUCE_GENERAL
                      ? flat(f, s->combine[i])
                      : reduce_combine(f->pool, s->op[i], load_acc(f, i), f->rhs[i]);
    inner = stmt_seq(inner, update_accs(f, next));
    return stmt_seq(out, loops(f, s->nred, s->red, LOOP_SERIAL, inner));
}

static Stmt *stores(FromStage *f)
{
    Stmt *out = NULL;
    for (size_t i = 0; i < f->stage->stores.len; i++) {
        const StageStore *o = &f->stage->stores.at[i];
        Ex index[MAX_RANK];
        for (int k = 0; k < o->buf->rank; k++)
            index[k] = flat(f, o->index[k]);
        Ex value = flat(f, o->value);
        add_param(f, o->buf);
        out = stmt_seq(out,
                       stmt_store(f->arena, o->buf, buf_flat(f->pool, o->buf, index), value, NULL));
    }
    return out;
}

/* Stores see the state before the point, then the state moves on. */
static Stmt *scan_point(FromStage *f)
{
    const Stage *s = f->stage;
    Ex next[MAX_ACC] = {0};
    Stmt *out = stmt_seq(checks(f, false), stores(f));
    for (int i = 0; i < s->nacc; i++)
        next[i] = flat(f, s->body[i]);
    return stmt_seq(out, update_accs(f, next));
}

static Stmt *scan(FromStage *f)
{
    const Stage *s = f->stage;
    Stmt *out = NULL;
    for (int i = 0; i < s->nacc; i++)
        out = stmt_seq(out, set_reg(f, f->acc[i], flat(f, s->init[i])));
    out = stmt_seq(out, loops(f, 1, &s->axis[s->naxis - 1], LOOP_SERIAL, scan_point(f)));
    return loops(f, s->naxis - 1, s->axis, LOOP_PARALLEL, out);
}

static Ex product_of_extents(ExPool *p, const Stage *s)
{
    Ex n = ex_int(p, 1);
    for (int i = 0; i < s->naxis; i++)
        n = ex_mul(p, n, ex_var_extent(p, s->axis[i]));
    for (int i = 0; i < s->nred; i++)
        n = ex_mul(p, n, ex_var_extent(p, s->red[i]));
    return n;
}

Kernel *kernel_from_stage(Arena *a, ExPool *p, const Stage *s, const char *name)
{
    Kernel *k = NEW(a, Kernel);
    k->name = name;
    k->skeleton = s->nred ? "reference" : "map";
    k->pool = p;
    bool sums_products = s->nacc > 0 && s->kind != STAGE_SCAN && s->op[0] == REDUCE_SUM &&
                         ex_uses_op(s->body[0], EX_MUL);
    k->macs = sums_products ? product_of_extents(p, s) : ex_int(p, 0);
    for (size_t i = 0; i < s->origin.len; i++)
        vec_push(a, &k->origin, s->origin.at[i]);
    FromStage f = {.arena = a, .pool = p, .stage = s, .kernel = k};
    for (int i = 0; i < s->nacc; i++)
        f.acc[i] = add_reg(&f, "acc", i, (Elem)s->init[i]->elem);
    if (s->kind == STAGE_SCAN) {
        k->skeleton = "scan";
        k->body = scan(&f);
        return k;
    }
    Stmt *body = checks(&f, false);
    body = stmt_seq(body, reduction(&f));
    body = stmt_seq(body, stores(&f));
    bool ordered = s->kind == STAGE_SCATTER;
    k->body = loops(&f, s->naxis, s->axis, ordered ? LOOP_SERIAL : LOOP_PARALLEL, body);
    return k;
}

/* ---- printing ---- */

static void indent(Str *s, int depth)
{
    for (int i = 0; i < depth; i++)
        str_add(s, "  ");
}

static void print_list(Str *s, const ExPool *p, const Stmt *st, int depth)
{
    static const char *const loop_name[] = {"for", "parallel", "vector", "unrolled"};
    for (; st; st = st->next) {
        indent(s, depth);
        switch (st->kind) {
        case STMT_LOOP:
            str_printf(s, "%s ", loop_name[st->loop.kind]);
            ex_print(s, p, st->loop.var);
            str_add(s, " < ");
            ex_print(s, p, ex_var_extent(p, st->loop.var));
            str_add(s, ":\n");
            print_list(s, p, st->loop.body, depth + 1);
            break;
        case STMT_STORE:
            str_printf(s, "%s[", st->store.buf->name);
            ex_print(s, p, st->store.index);
            str_add(s, "] = ");
            ex_print(s, p, st->store.value);
            if (st->store.guard) {
                str_add(s, " if ");
                ex_print(s, p, st->store.guard);
            }
            str_addc(s, '\n');
            break;
        case STMT_IF:
            str_add(s, "if ");
            ex_print(s, p, st->cond.cond);
            str_add(s, ":\n");
            print_list(s, p, st->cond.then, depth + 1);
            if (st->cond.otherwise) {
                indent(s, depth);
                str_add(s, "else:\n");
                print_list(s, p, st->cond.otherwise, depth + 1);
            }
            break;
        case STMT_CHECK:
            str_add(s, "check ");
            ex_print(s, p, st->check.cond);
            str_printf(s, " else %d\n", st->check.code);
            break;
        }
    }
}

static void print_buf(Str *s, const ExPool *p, const Buf *b)
{
    static const char *const space[] = {"input", "output", "const", "temp", "reg"};
    str_printf(s, "  %s %s %s[", space[b->space], b->name, elem_name[b->elem]);
    ex_print(s, p, b->size);
    str_add(s, "]\n");
}

void kernel_print(Str *s, const Kernel *k)
{
    str_printf(s, "kernel %s (%s)", k->name, k->skeleton ? k->skeleton : "");
    for (size_t i = 0; i < k->origin.len; i++)
        str_printf(s, "%s%s", i ? ", " : "  ; ", k->origin.at[i]);
    str_addc(s, '\n');
    for (size_t i = 0; i < k->params.len; i++)
        print_buf(s, k->pool, k->params.at[i]);
    for (size_t i = 0; i < k->regs.len; i++)
        print_buf(s, k->pool, k->regs.at[i]);
    print_list(s, k->pool, k->body, 1);
}
