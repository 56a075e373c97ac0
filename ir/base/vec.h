/* Vec: a growable array in an arena.
 *
 *     VEC(Node *) nodes = {0};
 *     vec_push(arena, &nodes, n);
 *     for (size_t i = 0; i < nodes.len; i++) use(nodes.at[i]);
 *
 * Elements move when it grows: do not keep pointers into it. */
#ifndef MLC_VEC_H
#define MLC_VEC_H

#include "ir/base/arena.h"

#define VEC(T)         \
    struct {           \
        T *at;         \
        size_t len;    \
        size_t cap;    \
    }

/* Makes room for n more elements. */
#define vec_reserve(a, v, n)                                                                     \
    ((v)->len + (size_t)(n) <= (v)->cap                                                          \
         ? (void)0                                                                               \
         : (void)((v)->at = vec_grown((a), (v)->at, &(v)->cap, (v)->len, (v)->len + (size_t)(n), \
                                      sizeof *(v)->at)))

#define vec_push(a, v, ...) (vec_reserve((a), (v), 1), (void)((v)->at[(v)->len++] = (__VA_ARGS__)))
#define vec_pop(v) ((v)->at[--(v)->len])
#define vec_last(v) ((v)->at[(v)->len - 1])

/* Implementation of vec_reserve(): the new storage, at least `need` elements; *cap is updated. */
void *vec_grown(Arena *a, void *at, size_t *cap, size_t len, size_t need, size_t size);

#endif
