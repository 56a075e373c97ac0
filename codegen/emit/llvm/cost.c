/* How much a kernel works, for the decision whether threads pay: a rough count of vector
 * operations, four in a nanosecond, as an expression of symbols. */
#include "codegen/emit/llvm/emit.h"

enum { LANES = 8, OPS_PER_NS = 4, MAX_OPS = 4096 };

bool kernel_has_check(const Stmt *s)
{
    for (; s != NULL; s = s->next) {
        if (s->kind == STMT_CHECK || (s->kind == STMT_LOOP && kernel_has_check(s->loop.body)) ||
            (s->kind == STMT_IF &&
             (kernel_has_check(s->cond.then) || kernel_has_check(s->cond.otherwise))))
            return true;
    }
    return false;
}

/* The extent, or its upper bound where it depends on other loops. */
static Ex extent_of(ExPool *p, Ex var)
{
    Ex n = ex_var_extent(p, var);
    int64_t lo, hi;

    if (!ex_uses_op(n, EX_VAR) && !ex_uses_op(n, EX_LOAD))
        return n;
    ex_range(p, n, &lo, &hi);
    return ex_int(p, hi < INT32_MAX ? MAX(hi, 1) : 1);
}

/* Operations of the statements, each counted for `lanes` lanes at once. */
static Ex count(ExPool *p, const Stmt *s, int64_t lanes)
{
    Ex n = ex_int(p, 0), body;
    int64_t width;

    for (; s != NULL; s = s->next) {
        switch (s->kind) {
        case STMT_LOOP:
            if (s->loop.kind == LOOP_VECTOR && ex_is_int(ex_var_extent(p, s->loop.var), &width)) {
                n = ex_add(p, n, count(p, s->loop.body, width));
                break;
            }
            body = count(p, s->loop.body, lanes);
            n = ex_add(p, n, ex_mul(p, extent_of(p, s->loop.var), body));
            break;
        case STMT_STORE:
            n = ex_add(p, n,
                       ex_int(p, MIN(1 + ex_size(p, s->store.value), MAX_OPS) *
                                     ((lanes + LANES - 1) / LANES)));
            break;
        case STMT_IF:
            n = ex_add(p, n, count(p, s->cond.then, lanes));
            n = ex_add(p, n, count(p, s->cond.otherwise, lanes));
            break;
        case STMT_CHECK:
            n = ex_add(p, n, ex_int(p, 2));
            break;
        }
    }
    return n;
}

Ex kernel_work(ExPool *p, const Kernel *k)
{
    return ex_ceil_div(p, count(p, k->body, 1), ex_int(p, OPS_PER_NS));
}
