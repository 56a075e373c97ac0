/* RegexFullMatch: does the whole string match a regular expression in the syntax of RE2?
 *
 * The expression becomes a program of a nondeterministic automaton, a table for runtime/text_match.c:
 * Thompson, Regular expression search algorithm, 1968. Time is linear in the string, whatever the
 * expression. */
#include "ir/ops/regex.h"
#include "ir/ops/strings.h"

/* Instructions, as runtime/text_match.c says. */
enum { IN_RANGES, IN_SPLIT, IN_ASSERT, IN_MATCH };
enum { MOST_CODE = 20000 };

typedef struct Code {
    Arena      *arena;
    const char *wrong;
    VEC(int32_t) code;  /* three words an instruction */
    VEC(int32_t) range; /* two words a range */
} Code;

static int32_t emit(Code *r, int32_t kind, int32_t a, int32_t b)
{
    int32_t at = (int32_t)(r->code.len / 3);
    if (at >= MOST_CODE) {
        r->wrong = "too large an expression";
        return 0;
    }
    vec_push(r->arena, &r->code, kind);
    vec_push(r->arena, &r->code, a);
    vec_push(r->arena, &r->code, b);
    return at;
}

static int32_t here(const Code *r) { return (int32_t)(r->code.len / 3); }

static void write_re(Code *r, const Re *e);

static void write_repeat(Code *r, const Re *e)
{
    for (int i = 0; i < e->min && !r->wrong; i++)
        write_re(r, e->a);
    if (e->max < 0) {
        int32_t split = emit(r, IN_SPLIT, here(r) + 1, 0);
        write_re(r, e->a);
        emit(r, IN_SPLIT, split, split);
        if (!r->wrong)
            r->code.at[3 * split + 2] = here(r);
        return;
    }
    VEC(int32_t) split = {0};
    for (int i = e->min; i < e->max && !r->wrong; i++) {
        vec_push(r->arena, &split, emit(r, IN_SPLIT, here(r) + 1, 0));
        write_re(r, e->a);
    }
    for (size_t i = 0; i < split.len && !r->wrong; i++)
        r->code.at[3 * split.at[i] + 2] = here(r);
}

/* The alternatives are a chain of left arms. */
static void write_or(Code *r, const Re *e)
{
    VEC(const Re *) arm = {0};
    VEC(int32_t) over = {0};
    for (; e->kind == RE_OR; e = e->a)
        vec_push(r->arena, &arm, e->b);
    vec_push(r->arena, &arm, e);
    for (size_t i = arm.len; i-- > 0 && !r->wrong;) {
        int32_t split = i ? emit(r, IN_SPLIT, here(r) + 1, 0) : 0;
        write_re(r, arm.at[i]);
        if (i)
            vec_push(r->arena, &over, emit(r, IN_SPLIT, 0, 0));
        if (i && !r->wrong)
            r->code.at[3 * split + 2] = here(r);
    }
    for (size_t i = 0; i < over.len && !r->wrong; i++)
        r->code.at[3 * over.at[i] + 1] = r->code.at[3 * over.at[i] + 2] = here(r);
}

static void write_ranges(Code *r, const Re *e)
{
    int32_t first = (int32_t)(r->range.len / 2);
    for (size_t i = 0; i < e->ranges.len; i++) {
        vec_push(r->arena, &r->range, e->ranges.at[i].first);
        vec_push(r->arena, &r->range, e->ranges.at[i].last);
    }
    emit(r, IN_RANGES, first, (int32_t)e->ranges.len);
}

/* Left arms of sequences and choices are long chains: they are unrolled, so that depth is that of
 * groups. */
static void write_re(Code *r, const Re *e)
{
    VEC(const Re *) chain = {0};
    for (; e && e->kind == RE_SEQ; e = e->a)
        vec_push(r->arena, &chain, e->b);
    for (size_t i = chain.len + 1; i-- > 0 && !r->wrong;) {
        const Re *x = i == chain.len ? e : chain.at[i];
        switch (x->kind) {
        case RE_EMPTY:
            break;
        case RE_RANGES:
            write_ranges(r, x);
            break;
        case RE_ASSERT:
            emit(r, IN_ASSERT, x->condition, 0);
            break;
        case RE_SEQ:
            write_re(r, x);
            break;
        case RE_OR:
            write_or(r, x);
            break;
        case RE_REPEAT:
            write_repeat(r, x);
            break;
        }
    }
}

/* ---- RegexFullMatch ---- */

#define MATCH_ATTRS(A, S) A(S, str, pattern, "", "the expression, in the syntax of RE2")
ATTRS(MatchAttrs, MATCH_ATTRS);

static Code compile(Arena *arena, const char *pattern)
{
    Regex parsed = {.arena = arena};
    Re *e = regex_parse(&parsed, pattern ? pattern : "");
    Code r = {.arena = arena, .wrong = parsed.wrong};
    if (!r.wrong)
        write_re(&r, e);
    emit(&r, IN_MATCH, 0, 0);
    while (r.range.len < 2) /* a table has a row at least */
        vec_push(arena, &r.range, -1);
    return r;
}

static Status infer(Graph *g, Node *n)
{
    const MatchAttrs *a = n->attrs;
    TRY(node_need_elem(n, 0, IS_STRING));
    TRY(infer_same(g, n));
    n->out[0]->type.elem = ELEM_BOOL;
    Code r = compile(arena_new(g->ctx), a->pattern);
    arena_free(r.arena);
    return r.wrong ? node_error(n, E0203, "attribute 'pattern' holds %s", r.wrong) : MLC_OK;
}

static Tx table(Te *t, const int32_t *at, size_t words, int width)
{
    int64_t dim[2] = {(int64_t)words / width, width};
    return te_table(t, tensor_over(t->arena, ELEM_I32, 2, dim, at));
}

static void define(Te *t, const Node *n)
{
    const MatchAttrs *a = n->attrs;
    Tx x = te_in(t, 0), y = te_out(t, 0);
    Code r = compile(t->arena, a->pattern);
    assert(!r.wrong);
    Ex room = te_int(t, 4 * (int64_t)here(&r));
    Tx out[2] = {y, te_temp(t, ELEM_I64, 1, &room)};
    Tx in[3] = {x, table(t, r.code.at, r.code.len, 3), table(t, r.range.at, r.range.len, 2)};
    te_text_call(t, "text_match", 2, out, 3, in, 0, NULL);
}

OP(regex_full_match) = {
    .name = "RegexFullMatch", .since = {20}, .min_in = 1, .max_in = 1, ATTRS_OF(MatchAttrs),
    .infer = infer, .define = define, .doc = "does the whole string match an expression?",
};
