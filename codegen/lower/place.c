/* Place: loop nests become kernels, launches and memory objects of the program.
 *
 * Two nests that differ only in names (variables, buffers) are one kernel: the key is the nest written
 * with variables and buffers numbered by first use. */
#include "codegen/lower/place.h"

#include "codegen/lower/schedule.h"
#include "ir/base/str.h"

/* ---- walking statements ---- */

typedef struct StmtWalk {
    ExPool   *pool;
    ExRewrite fn;
    void     *arg;
    ExRewrite loops; /* called for loop variables; may be NULL */
} StmtWalk;

static void rewrite_stmts(const StmtWalk *w, Stmt *s)
{
    ExPool *p = w->pool;
    for (; s; s = s->next) {
        switch (s->kind) {
        case STMT_LOOP:
            if (w->loops)
                w->loops(w->arg, p, s->loop.var, s->loop.var);
            rewrite_stmts(w, s->loop.body);
            break;
        case STMT_STORE:
            s->store.index = ex_rewrite(p, s->store.index, w->fn, w->arg);
            s->store.value = ex_rewrite(p, s->store.value, w->fn, w->arg);
            if (s->store.guard)
                s->store.guard = ex_rewrite(p, s->store.guard, w->fn, w->arg);
            break;
        case STMT_IF:
            s->cond.cond = ex_rewrite(p, s->cond.cond, w->fn, w->arg);
            rewrite_stmts(w, s->cond.then);
            rewrite_stmts(w, s->cond.otherwise);
            break;
        case STMT_CHECK:
            s->check.cond = ex_rewrite(p, s->check.cond, w->fn, w->arg);
            break;
        }
    }
}

/* ---- one variable, one loop ---- */

typedef struct Renamer {
    Lowering *l;
    VEC(Ex) seen;
    Ex from, to;
} Renamer;

static Ex rename_var(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)p;
    (void)built;
    const Renamer *r = arg;
    return original == r->from ? r->to : NULL;
}

static void rename_loops(Renamer *r, Stmt *s)
{
    for (; s; s = s->next) {
        if (s->kind == STMT_IF) {
            rename_loops(r, s->cond.then);
            rename_loops(r, s->cond.otherwise);
        }
        if (s->kind != STMT_LOOP)
            continue;
        for (size_t i = 0; i < r->seen.len; i++) {
            if (r->seen.at[i] != s->loop.var)
                continue;
            r->from = s->loop.var;
            r->to = ex_var(r->l->pool, ex_var_extent(r->l->pool, s->loop.var));
            rewrite_stmts(&(StmtWalk){r->l->pool, rename_var, r, NULL}, s->loop.body);
            s->loop.var = r->to;
            break;
        }
        vec_push(r->l->arena, &r->seen, s->loop.var);
        rename_loops(r, s->loop.body);
    }
}

/* ---- parameters ---- */

typedef struct Params {
    Lowering *l;
    Kernel   *k;
} Params;

static void add_buf(Params *c, Buf *b)
{
    if (b->space == SPACE_REG) {
        for (size_t i = 0; i < c->k->regs.len; i++)
            if (c->k->regs.at[i] == b)
                return;
        b->id = (int)c->k->regs.len;
        vec_push(c->l->arena, &c->k->regs, b);
        return;
    }
    for (size_t i = 0; i < c->k->params.len; i++)
        if (c->k->params.at[i] == b)
            return;
    vec_push(c->l->arena, &c->k->params, b);
}

static Ex param_load(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)p;
    (void)built;
    if (original->op == EX_LOAD)
        add_buf(arg, (Buf *)original->buf);
    return original;
}

static void collect_params(Params *c, Stmt *s)
{
    ExPool *p = c->l->pool;
    for (; s; s = s->next) {
        if (s->kind == STMT_LOOP)
            collect_params(c, s->loop.body);
        if (s->kind == STMT_IF) {
            ex_rewrite(p, s->cond.cond, param_load, c);
            collect_params(c, s->cond.then);
            collect_params(c, s->cond.otherwise);
        }
        if (s->kind == STMT_CHECK)
            ex_rewrite(p, s->check.cond, param_load, c);
        if (s->kind != STMT_STORE)
            continue;
        if (s->store.buf->space != SPACE_REG)
            s->store.buf = buf_info(s->store.buf)->buf; /* the memory itself, not a view of it */
        ex_rewrite(p, s->store.index, param_load, c);
        ex_rewrite(p, s->store.value, param_load, c);
        if (s->store.guard)
            ex_rewrite(p, s->store.guard, param_load, c);
        add_buf(c, s->store.buf);
    }
}

void lower_params(Lowering *l, Kernel *k)
{
    rename_loops(&(Renamer){.l = l}, k->body);
    collect_params(&(Params){l, k}, k->body);
}

/* ---- keys ---- */

typedef struct Key {
    Lowering *l;
    Kernel   *k;
    Str       text;
    Map       number; /* "expression id" -> local number + 1 */
    int       next;
} Key;

static int buf_number(const Key *key, const Buf *b)
{
    for (size_t i = 0; i < key->k->params.len; i++)
        if (key->k->params.at[i] == b)
            return (int)i;
    for (size_t i = 0; i < key->k->regs.len; i++)
        if (key->k->regs.at[i] == b)
            return -1 - (int)i;
    return 0;
}

static int node_number(Key *key, Ex e, bool *fresh)
{
    char name[16];
    int n = 0;
    for (uint32_t id = e->id; id || !n; id >>= 6)
        name[n++] = (char)(48 + (id & 63));
    name[n] = 0;
    intptr_t known = (intptr_t)map_get(&key->number, name);
    *fresh = !known;
    if (!known) {
        known = ++key->next;
        map_set(&key->number, arena_strdup(key->l->arena, name), (void *)known);
    }
    return (int)known;
}

static Ex key_node(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)built;
    (void)p;
    Key *key = arg;
    bool fresh;
    int number = node_number(key, original, &fresh);
    if (!fresh)
        return original;
    str_printf(&key->text, "%d=%d:%d", number, original->op, original->elem);
    if (original->op == EX_LOAD)
        str_printf(&key->text, "@%d", buf_number(key, original->buf));
    else if (original->op == EX_VAR)
        str_addc(&key->text, 'v'); /* which variable does not matter */
    else
        str_printf(&key->text, "#%llx", (unsigned long long)original->i);
    for (int i = 0; i < original->narg; i++) {
        bool unused;
        str_printf(&key->text, ",%d", node_number(key, original->arg[i], &unused));
        if (original->op == EX_LIN)
            str_printf(&key->text, "*%lld", (long long)original->coef[i]);
    }
    str_addc(&key->text, ';');
    return original;
}

static void key_ex(Key *key, char tag, Ex e)
{
    bool fresh;
    ex_rewrite(key->l->pool, e, key_node, key);
    str_printf(&key->text, "%c%d\n", tag, node_number(key, e, &fresh));
}

static void key_stmts(Key *key, const Stmt *s)
{
    for (; s; s = s->next) {
        switch (s->kind) {
        case STMT_LOOP:
            str_printf(&key->text, "L%d", s->loop.kind);
            key_ex(key, 'x', ex_var_extent(key->l->pool, s->loop.var));
            key_ex(key, 'v', s->loop.var);
            key_stmts(key, s->loop.body);
            str_addc(&key->text, '}');
            break;
        case STMT_STORE:
            str_printf(&key->text, "S%d", buf_number(key, s->store.buf));
            key_ex(key, 'i', s->store.index);
            key_ex(key, '=', s->store.value);
            if (s->store.guard)
                key_ex(key, '?', s->store.guard);
            break;
        case STMT_IF:
            key_ex(key, 'I', s->cond.cond);
            key_stmts(key, s->cond.then);
            str_addc(&key->text, ':');
            key_stmts(key, s->cond.otherwise);
            str_addc(&key->text, '}');
            break;
        case STMT_CHECK:
            key_ex(key, 'C', s->check.cond);
            str_printf(&key->text, "%d", s->check.code);
            break;
        }
    }
}

static const char *kernel_key(Lowering *l, Kernel *k)
{
    Key key = {.l = l, .k = k, .text = str_new(l->arena), .number = map_new(l->arena)};
    for (size_t i = 0; i < k->params.len; i++) {
        str_printf(&key.text, "P%d", k->params.at[i]->elem);
        key_ex(&key, 's', k->params.at[i]->size);
    }
    for (size_t i = 0; i < k->regs.len; i++)
        str_printf(&key.text, "R%d:%lld", k->regs.at[i]->elem, (long long)k->regs.at[i]->size->i);
    key_stmts(&key, k->body);
    return str_text(&key.text);
}

/* ---- the program ---- */

MemObj *place_object(Lowering *l, Buf *b)
{
    BufInfo *info = buf_info(b);
    if (info->obj)
        return info->obj;
    MemObj *m = NEW(l->arena, MemObj);
    m->id = (int)l->program->mem.len;
    m->space = b->space;
    m->name = b->name;
    m->elem = b->elem;
    int bits = elem_bits[b->elem];
    m->size_bytes = bits >= 8 ? ex_mul(l->pool, b->size, ex_int(l->pool, bits / 8))
                              : ex_ceil_div(l->pool, b->size, ex_int(l->pool, 8 / bits));
    m->data = b->data;
    m->io = -1;
    m->first = m->last = -1;
    m->offset = -1;
    vec_push(l->arena, &l->program->mem, m);
    return info->obj = m;
}

void place_touch(Lowering *l, MemObj *m)
{
    int step = (int)l->program->steps.len;
    if (m->first < 0)
        m->first = step;
    m->last = step;
}

static void add_zero(Lowering *l, Buf *b)
{
    MemObj *m = place_object(l, b);
    if (m->first >= 0)
        return;
    bool margin = false;
    for (int k = 0; k < b->rank; k++)
        margin = margin || buf_info(b)->halo[k];
    if (!margin)
        return;
    Step st = {.kind = STEP_ZERO};
    place_touch(l, m);
    vec_push(l->arena, &st.args, m);
    vec_push(l->arena, &l->program->steps, st);
}

static bool is_stored(const Stmt *s, const Buf *b)
{
    for (; s; s = s->next)
        if ((s->kind == STMT_STORE && s->store.buf == b) ||
            (s->kind == STMT_LOOP && is_stored(s->loop.body, b)) ||
            (s->kind == STMT_IF && (is_stored(s->cond.then, b) || is_stored(s->cond.otherwise, b))))
            return true;
    return false;
}

Status lower_emit(Lowering *l, const Stage *s, const char *skeleton, const char *name, Stmt *body, Ex macs)
{
    Program *pr = l->program;
    Kernel *k = NEW(l->arena, Kernel);
    k->body = body;
    k->pool = l->pool;
    k->skeleton = skeleton;
    k->macs = macs ? macs : ex_int(l->pool, 0);
    lower_params(l, k);
    Buf **args = k->params.at;
    size_t nargs = k->params.len;
    const char *key = kernel_key(l, k);
    Kernel *same = map_get(&l->kernel_by_key, key);
    if (!same) {
        k->id = (int)pr->kernels.len;
        k->name = arena_printf(l->arena, "k%d_%s", k->id, name);
        for (size_t i = 0; i < s->origin.len; i++)
            vec_push(l->arena, &k->origin, s->origin.at[i]);
        map_set(&l->kernel_by_key, key, k);
        vec_push(l->arena, &pr->kernels, k);
        same = k;
    }
    for (size_t i = 0; i < nargs; i++)
        if (args[i]->space == SPACE_TEMP && is_stored(body, args[i]))
            add_zero(l, args[i]);
    Step st = {.kind = STEP_LAUNCH, .kernel = same};
    for (size_t i = 0; i < nargs; i++) {
        MemObj *m = place_object(l, args[i]);
        place_touch(l, m);
        vec_push(l->arena, &st.args, m);
    }
    for (size_t i = 0; i < s->origin.len; i++)
        vec_push(l->arena, &st.origin, s->origin.at[i]);
    vec_push(l->arena, &pr->steps, st);
    return MLC_OK;
}

void place_io(Lowering *l)
{
    Program *p = l->program;
    for (size_t i = 0; i < p->inputs.len; i++) {
        p->inputs.at[i].obj = place_object(l, (Buf *)p->inputs.at[i].obj);
        p->inputs.at[i].obj->io = (int)i;
    }
    for (size_t i = 0; i < p->outputs.len; i++) {
        p->outputs.at[i].obj = place_object(l, (Buf *)p->outputs.at[i].obj);
        p->outputs.at[i].obj->io = (int)i;
    }
}

/* ---- symbols ---- */

static Ex mark_symbol(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)built;
    bool *used = arg;
    if (original->op == EX_SYM)
        used[original->i] = true;
    if (original->op == EX_VAR)
        ex_rewrite(p, ex_var_extent(p, original), mark_symbol, arg);
    return original;
}

static void mark_step(ExPool *pool, const Step *st, bool *used)
{
    if (st->value)
        ex_rewrite(pool, st->value, mark_symbol, used);
    if (st->kind == STEP_SET)
        used[st->symbol] = true;
    for (size_t k = 0; k < st->shapes.len; k++)
        for (int d = 0; d < st->shapes.at[k].rank; d++)
            ex_rewrite(pool, st->shapes.at[k].dim[d], mark_symbol, used);
    for (size_t k = 0; k < st->params.len; k++)
        ex_rewrite(pool, st->params.at[k], mark_symbol, used);
}

static void mark_symbols(ExPool *pool, const Program *pr, bool *used)
{
    for (size_t i = 0; i < pr->inputs.len; i++)
        for (int k = 0; k < pr->inputs.at[i].rank; k++)
            ex_rewrite(pool, pr->inputs.at[i].dim[k], mark_symbol, used);
    for (size_t i = 0; i < pr->outputs.len; i++)
        for (int k = 0; k < pr->outputs.at[i].rank; k++)
            ex_rewrite(pool, pr->outputs.at[i].dim[k], mark_symbol, used);
    for (size_t i = 0; i < pr->mem.len; i++)
        ex_rewrite(pool, pr->mem.at[i]->size_bytes, mark_symbol, used);
    for (size_t i = 0; i < pr->kernels.len; i++) {
        Kernel *k = pr->kernels.at[i];
        ex_rewrite(pool, k->macs, mark_symbol, used);
        for (size_t j = 0; j < k->params.len; j++)
            ex_rewrite(pool, k->params.at[j]->size, mark_symbol, used);
        rewrite_stmts(&(StmtWalk){pool, mark_symbol, used, mark_symbol}, k->body);
    }
    for (size_t i = 0; i < pr->steps.len; i++)
        mark_step(pool, &pr->steps.at[i], used);
}

void place_symbols(Arena *a, ExPool *pool, Program *const *programs, int n)
{
    int nsym = ex_sym_count(pool);
    bool *used = NEW_ARRAY(a, bool, nsym + 1);
    Ex *leaf = NEW_ARRAY(a, Ex, nsym + 1);
    for (int k = 0; k < n; k++)
        mark_symbols(pool, programs[k], used);
    for (int i = 0; i < nsym; i++)
        leaf[i] = ex_sym_at(pool, i);
    ex_sym_keep(pool, used);
    for (int k = 0; k < n; k++)
        for (size_t i = 0; i < programs[k]->steps.len; i++) {
            Step *st = &programs[k]->steps.at[i];
            if (st->kind == STEP_SET)
                st->symbol = (int)leaf[st->symbol]->i; /* its number now */
        }
}
