/* Walking and rebuilding expressions. Every walk visits a node once. */
#include "ir/expr/pool.h"

static Memo *memo_begin(ExPool *p)
{
    if ((size_t)p->rewrite_depth == p->memos.len)
        vec_push(p->arena, &p->memos, NEW(p->arena, Memo));
    Memo *m = p->memos.at[p->rewrite_depth++];
    m->stamp++;
    return m;
}

static void memo_reserve(ExPool *p, Memo *m, uint32_t id)
{
    if (id < m->cap)
        return;
    size_t cap = MAX((size_t)id + 1, MAX(m->cap * 2, (size_t)256));
    m->stamps = arena_grow(p->arena, m->stamps, m->cap * sizeof *m->stamps,
                           cap * sizeof *m->stamps, _Alignof(uint32_t));
    m->results = arena_grow(p->arena, m->results, m->cap * sizeof *m->results,
                            cap * sizeof *m->results, _Alignof(Ex));
    m->cap = cap;
}

static Ex rebuild(ExPool *p, Ex e, const Ex *args)
{
    bool same = true;
    for (int i = 0; i < e->narg; i++)
        same = same && args[i] == e->arg[i];
    if (same)
        return e;
    switch (e->op) {
    case EX_LOAD:
        return ex_load(p, e->buf, (Elem)e->elem, e->narg, args);
    case EX_GUARD:
        return ex_guard(p, args[0], args[1], args[2]);
    case EX_CAST:
        return e->i ? ex_cast_saturating(p, (Elem)e->elem, args[0])
                    : ex_cast(p, (Elem)e->elem, args[0]);
    case EX_BITS:
        return ex_bits(p, (Elem)e->elem, args[0]);
    case EX_LIN: {
        Ex r = ex_int(p, e->i);
        for (int i = 0; i < e->narg; i++)
            r = ex_int_add(p, r, args[i], e->coef[i]);
        return r;
    }
    case EX_PROD: {
        Ex r = args[0];
        for (int i = 1; i < e->narg; i++)
            r = ex_int_mul(p, r, args[i]);
        return r;
    }
    default:
        return ex_op(p, (ExOp)e->op, e->narg, args);
    }
}

static Ex walk(ExPool *p, Ex e, ExRewrite fn, void *arg, Memo *m)
{
    memo_reserve(p, m, e->id);
    if (m->stamps[e->id] == m->stamp)
        return m->results[e->id];
    Ex args[e->narg + 1]; /* no more than there are: the walk may be thousands deep */
    for (int i = 0; i < e->narg; i++)
        args[i] = walk(p, e->arg[i], fn, arg, m);
    Ex built = rebuild(p, e, args);
    Ex r = fn(arg, p, built, e);
    memo_reserve(p, m, e->id);
    m->stamps[e->id] = m->stamp;
    m->results[e->id] = r ? r : built;
    return m->results[e->id];
}

Ex ex_rewrite(ExPool *p, Ex e, ExRewrite fn, void *arg)
{
    Memo *m = memo_begin(p);
    Ex r = walk(p, e, fn, arg, m);
    p->rewrite_depth--;
    return r;
}

typedef struct Subst {
    int       n;
    const Ex *from, *to;
} Subst;

static Ex subst_leaf(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)p;
    (void)built;
    const Subst *s = arg;
    for (int i = 0; i < s->n; i++)
        if (original == s->from[i])
            return s->to[i];
    return NULL;
}

Ex ex_subst(ExPool *p, Ex e, int n, const Ex *from, const Ex *to)
{
    if (e->op == EX_CONST || n == 0)
        return e;
    return ex_rewrite(p, e, subst_leaf, &(Subst){n, from, to});
}

/* Looks for a node below `e`. `seen` is a direct-mapped cache of nodes that were searched in vain: it
 * keeps shared sub-expressions from being walked again and again. */
enum { SEEN = 512 };

static bool any(Ex e, bool (*test)(Ex, const void *), const void *arg, Ex *seen)
{
    if (test(e, arg))
        return true;
    if (e->narg == 0 || seen[e->id % SEEN] == e)
        return false;
    for (int i = 0; i < e->narg; i++)
        if (any(e->arg[i], test, arg, seen))
            return true;
    seen[e->id % SEEN] = e;
    return false;
}

static bool is_this(Ex e, const void *leaf) { return e == leaf; }
static bool has_op(Ex e, const void *op) { return e->op == *(const ExOp *)op; }

bool ex_uses(Ex e, Ex leaf)
{
    Ex seen[SEEN] = {0};
    return e->narg ? any(e, is_this, leaf, seen) : e == leaf;
}

bool ex_uses_op(Ex e, ExOp op)
{
    Ex seen[SEEN] = {0};
    return e->narg ? any(e, has_op, &op, seen) : e->op == op;
}

int ex_tree_size(Ex e, int most)
{
    int n = 1;
    for (int i = 0; i < e->narg && n <= most; i++)
        n += ex_tree_size(e->arg[i], most - n);
    return n;
}

Ex ex_affine(ExPool *p, Ex e, Ex var, Ex *rest)
{
    TermsOne one;
    Terms t = ex_terms(e, &one);
    Ex coef = ex_int(p, 0), other = ex_int(p, t.constant);
    for (int i = 0; i < t.n; i++) {
        const Ex *atoms;
        int n = ex_atoms(&t.mono[i], &atoms), hits = 0;
        Ex factor = ex_int(p, 1);
        for (int k = 0; k < n; k++) {
            if (atoms[k] == var)
                hits++;
            else if (ex_uses(atoms[k], var))
                return NULL;
            else
                factor = ex_int_mul(p, factor, atoms[k]);
        }
        if (hits > 1)
            return NULL;
        if (hits)
            coef = ex_int_add(p, coef, factor, t.coef[i]);
        else
            other = ex_int_add(p, other, t.mono[i], t.coef[i]);
    }
    if (rest)
        *rest = other;
    return coef;
}


static int count(ExPool *p, Ex e, Memo *m)
{
    memo_reserve(p, m, e->id);
    if (m->stamps[e->id] == m->stamp)
        return 0;
    m->stamps[e->id] = m->stamp;
    int n = 1;
    for (int i = 0; i < e->narg; i++)
        n += count(p, e->arg[i], m);
    return n;
}

int ex_size(ExPool *p, Ex e)
{
    Memo *m = memo_begin(p);
    int n = count(p, e, m);
    p->rewrite_depth--;
    return n;
}

int64_t ex_eval_size(Ex e, const int64_t *sym)
{
    int64_t a = e->narg > 0 && e->op != EX_LIN && e->op != EX_PROD ? ex_eval_size(e->arg[0], sym) : 0;
    int64_t b = e->narg > 1 && e->op != EX_LIN && e->op != EX_PROD ? ex_eval_size(e->arg[1], sym) : 0;
    uint64_t r;
    switch (e->op) {
    case EX_CONST:
        return e->i;
    case EX_SYM:
        return sym[e->i];
    case EX_LIN:
        r = (uint64_t)e->i;
        for (int k = 0; k < e->narg; k++)
            r += (uint64_t)e->coef[k] * (uint64_t)ex_eval_size(e->arg[k], sym);
        return (int64_t)r;
    case EX_PROD:
        r = 1;
        for (int k = 0; k < e->narg; k++)
            r *= (uint64_t)ex_eval_size(e->arg[k], sym);
        return (int64_t)r;
    case EX_ADD:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case EX_MUL:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case EX_DIV:
        return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
    case EX_FLOOR_DIV:
        return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b - (a % b != 0 && (a % b < 0) != (b < 0));
    case EX_FLOOR_MOD:
        return b == 0 || b == -1 ? 0 : a % b + (a % b != 0 && (a % b < 0) != (b < 0) ? b : 0);
    case EX_MIN:
        return MIN(a, b);
    case EX_MAX:
        return MAX(a, b);
    case EX_AND:
        return a & b;
    case EX_OR:
        return a | b;
    case EX_NOT:
        return e->elem == ELEM_BOOL ? !a : ~a;
    case EX_LT:
        return a < b;
    case EX_LE:
        return a <= b;
    case EX_EQ:
        return a == b;
    case EX_NE:
        return a != b;
    case EX_SELECT:
    case EX_GUARD:
        return a ? b : ex_eval_size(e->arg[2], sym);
    case EX_CAST:
        return a;
    default:
        assert(!"not an expression of sizes");
        return 0;
    }
}
