/* Philox4x32-10 and the distributions made of its words (random.h).
 *
 *     round   (c0, c1, c2, c3) -> (hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0))
 *             with (k0, k1) raised by (W0, W1) after each of the ten rounds
 *     normal  sqrt(-2 ln(1 - u)) cos(2 pi v), u and v uniform in [0, 1) (Box and Muller) */
#include "ir/ops/random.h"
#include "ir/base/map.h"

#include <math.h>

enum { ROUNDS = 10 };

static const uint32_t MULTIPLIER[2] = {0xD2511F53, 0xCD9E8D57};
static const uint32_t WEYL[2] = {0x9E3779B9, 0xBB67AE85};

RandomKey random_key_of_name(const Node *n)
{
    uint64_t h = hash_bytes(n->name, strlen(n->name), 0);
    return (RandomKey){{(uint32_t)h, (uint32_t)(h >> 32)}};
}

RandomKey random_key(const Node *n, float seed)
{
    RandomKey key = {{0, 0}};
    if (isnan(seed))
        return random_key_of_name(n);
    memcpy(&key.word[0], &seed, sizeof seed);
    return key;
}

/* The high and low words of a * factor. */
static void multiply(Te *t, Ex a, uint32_t factor, Ex *high, Ex *low)
{
    Ex p = te_mul(t, te_cast(t, ELEM_U64, a), ex_const_i(t->pool, ELEM_U64, factor));
    *high = te_cast(t, ELEM_U32, te_shr(t, p, ex_const_i(t->pool, ELEM_U64, 32)));
    *low = te_cast(t, ELEM_U32, p);
}

void random_words(Te *t, RandomKey key, Ex counter, Ex word[4])
{
    Ex c = te_cast(t, ELEM_U64, counter), zero = ex_const_i(t->pool, ELEM_U32, 0);
    word[0] = te_cast(t, ELEM_U32, c);
    word[1] = te_cast(t, ELEM_U32, te_shr(t, c, ex_const_i(t->pool, ELEM_U64, 32)));
    word[2] = word[3] = zero;
    for (int i = 0; i < ROUNDS; i++) {
        Ex high[2], low[2];
        multiply(t, word[0], MULTIPLIER[0], &high[0], &low[0]);
        multiply(t, word[2], MULTIPLIER[1], &high[1], &low[1]);
        Ex k0 = ex_const_i(t->pool, ELEM_U32, key.word[0]);
        Ex k1 = ex_const_i(t->pool, ELEM_U32, key.word[1]);
        word[0] = te_xor(t, te_xor(t, high[1], word[1]), k0);
        word[2] = te_xor(t, te_xor(t, high[0], word[3]), k1);
        word[1] = low[1];
        word[3] = low[0];
        key.word[0] += WEYL[0];
        key.word[1] += WEYL[1];
    }
}

/* 24 bits of the first word or 53 of both as a number in [0, 1). */
static Ex fraction(Te *t, Elem e, const Ex word[2])
{
    ExPool *p = t->pool;
    if (e != ELEM_F64) {
        Ex bits = te_cast(t, ELEM_F32, te_shr(t, word[0], ex_const_i(p, ELEM_U32, 8)));
        return te_mul(t, bits, te_const(t, ELEM_F32, 0x1p-24));
    }
    Ex high = te_cast(t, ELEM_F64, te_shr(t, word[0], ex_const_i(p, ELEM_U32, 5)));
    Ex low = te_cast(t, ELEM_F64, te_shr(t, word[1], ex_const_i(p, ELEM_U32, 6)));
    Ex bits = te_add(t, te_mul(t, high, te_const(t, e, 0x1p26)), low);
    return te_mul(t, bits, te_const(t, e, 0x1p-53));
}

/* The row-major position of the open stage. */
static Ex position(Te *t, int rank, const Ex *dim)
{
    Ex flat = te_int(t, 0);
    for (int i = 0; i < rank; i++)
        flat = te_add(t, te_mul(t, flat, dim[i]), te_axis(t, i));
    return flat;
}

Ex random_uniform(Te *t, Elem e, RandomKey key, int rank, const Ex *dim)
{
    Ex word[4];
    random_words(t, key, position(t, rank, dim), word);
    return fraction(t, e, word);
}

Ex random_normal(Te *t, Elem e, RandomKey key, int rank, const Ex *dim)
{
    Ex word[4];
    random_words(t, key, position(t, rank, dim), word);
    Ex above = te_sub(t, te_const(t, e, 1), fraction(t, e, word));
    Ex radius = te_sqrt(t, te_mul(t, te_const(t, e, -2), te_log(t, above)));
    Ex angle = te_mul(t, te_const(t, e, 2 * M_PI), fraction(t, e, word + 2));
    return te_mul(t, radius, ex_op(t->pool, EX_COS, 1, &angle));
}
