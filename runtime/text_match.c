/* SPDX-License-Identifier: 0BSD
 *
 * Matching a whole string with a regular expression, in time O(characters * program): all threads of a
 * nondeterministic automaton advance together (Thompson, Regular expression search algorithm, 1968; Pike).
 *
 * "text_match"
 *     results   y (bool); room for 4 i64 for each instruction
 *     operands  x, program (i32, [n, 3]), ranges (i32, [m, 2]: first and last character), pool, heap
 *
 * An instruction is (kind, a, b); the program begins with its first one:
 *     RANGES   consumes a character of ranges a .. a + b - 1, goes on with the next instruction
 *     SPLIT    goes on with instruction a and with instruction b
 *     ASSERT   goes on with the next instruction where condition a holds (MLC_TEXT_BEGIN ...)
 *     MATCH    the string matches if it ends here
 * Bytes that are no UTF-8 are in no range. */
#include "runtime/text.h"

enum { MATCH_RANGES, MATCH_SPLIT, MATCH_ASSERT, MATCH_MATCH };
enum { MATCH_BEGIN, MATCH_END, MATCH_LINE_BEGIN, MATCH_LINE_END, MATCH_WORD, MATCH_NO_WORD };

typedef struct Matcher {
    const int32_t *program, *range;
    int64_t       *mark, *stack; /* by instruction: the position at which it was reached */
    int64_t        position;     /* counts from 1 */
    int32_t        before, after; /* characters at the position; -1: none */
} Matcher;

typedef struct Threads {
    int64_t *at;
    int64_t  n;
} Threads;

/* The character at *s, which moves behind it: -2: no UTF-8; -1: the end. */
static int32_t match_next(const unsigned char **s)
{
    static const int32_t least[4] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *p = *s;
    int more = *p < 0x80 ? 0 : *p < 0xc2 ? -1 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : *p < 0xf5 ? 3 : -1;
    if (!*p)
        return -1;
    *s = p + 1;
    if (more < 0)
        return -2;
    int32_t c = more ? *p & (0x3f >> more) : *p;
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return -2;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return -2;
    *s = p + 1 + more;
    return c;
}

static int match_is_word(int32_t c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int match_holds(const Matcher *m, int32_t condition)
{
    switch (condition) {
    case MATCH_BEGIN:
        return m->before == -1;
    case MATCH_END:
        return m->after == -1;
    case MATCH_LINE_BEGIN:
        return m->before == -1 || m->before == '\n';
    case MATCH_LINE_END:
        return m->after == -1 || m->after == '\n';
    case MATCH_WORD:
        return match_is_word(m->before) != match_is_word(m->after);
    default:
        return match_is_word(m->before) == match_is_word(m->after);
    }
}

/* Adds what is reached from instruction `pc` without a character. Each instruction is on the stack at
 * most once, because it is marked before. */
static void match_add(Matcher *m, Threads *t, int64_t pc)
{
    int64_t top = 0, next[2];
    if (m->mark[pc] == m->position)
        return;
    m->mark[pc] = m->position;
    m->stack[top++] = pc;
    while (top) {
        pc = m->stack[--top];
        const int32_t *in = &m->program[3 * pc];
        int n = 0;
        if (in[0] == MATCH_SPLIT) {
            next[n++] = in[1];
            next[n++] = in[2];
        } else if (in[0] == MATCH_ASSERT) {
            next[0] = pc + 1;
            n = match_holds(m, in[1]);
        } else {
            t->at[t->n++] = pc;
        }
        for (int i = 0; i < n; i++)
            if (m->mark[next[i]] != m->position) {
                m->mark[next[i]] = m->position;
                m->stack[top++] = next[i];
            }
    }
}

static int match_in_ranges(const Matcher *m, const int32_t *in, int32_t c)
{
    const int32_t *r = &m->range[2 * in[1]];
    int32_t low = 0, high = in[2];
    while (low < high) { /* ranges are in ascending order */
        int32_t middle = (low + high) / 2;
        if (c < r[2 * middle])
            high = middle;
        else if (c > r[2 * middle + 1])
            low = middle + 1;
        else
            return 1;
    }
    return 0;
}

static int match_text(Matcher *m, Threads *now, Threads *then, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    m->before = -1;
    m->after = match_next(&s);
    m->position++;
    now->n = 0;
    match_add(m, now, 0);
    while (m->after != -1 && now->n) {
        int32_t c = m->after;
        m->before = c;
        m->after = match_next(&s);
        m->position++;
        then->n = 0;
        for (int64_t i = 0; i < now->n; i++) {
            const int32_t *in = &m->program[3 * now->at[i]];
            if (in[0] == MATCH_RANGES && match_in_ranges(m, in, c))
                match_add(m, then, now->at[i] + 1);
        }
        Threads swap = *now;
        *now = *then;
        *then = swap;
    }
    for (int64_t i = 0; i < now->n && m->after == -1; i++)
        if (m->program[3 * now->at[i]] == MATCH_MATCH)
            return 1;
    return 0;
}

MLC_RT_API int mlc_rt_text_match(const mlc_rt_arg *arg, const int64_t *param)
{
    const uint64_t *x = (const uint64_t *)arg[2].data;
    uint8_t *y = (uint8_t *)arg[0].data;
    int64_t *room = (int64_t *)arg[1].data, size = arg[3].dim[0], n = mlc_rt_count(&arg[0]);
    Matcher m = {(const int32_t *)arg[3].data, (const int32_t *)arg[4].data, room, room + size, 0, -1,
                 -1};
    Threads now = {room + 2 * size, 0}, then = {room + 3 * size, 0};
    (void)param;
    for (int64_t i = 0; i < size; i++)
        m.mark[i] = 0;
    for (int64_t i = 0; i < n; i++)
        y[i] = (uint8_t)match_text(&m, &now, &then, mlc_rt_text(&arg[5], &arg[6], x[i]));
    return MLC_RUN_OK;
}
