/* SPDX-License-Identifier: 0BSD
 *
 * Strings. An element is a reference of 64 bits to bytes that end with a zero byte:
 *
 *     0                             ""
 *     MLC_RT_TEXT_POOL + offset     in the pool, the constant strings of the artifact
 *     MLC_RT_TEXT_HEAP + offset     in the heap, what this run has made so far
 *     any other                     a `const char *` of the caller
 *
 * so that constants need no relocation and the heap may move while it grows. No pointer looks like an
 * offset: the top byte of one is 0 on x86-64, also with 57 bits of addresses, and on arm64, where it may
 * hold a tag, the four bits below it are 0. The functions take pool
 * and heap as their last arguments; for those that make strings the heap is the last result, and their
 * first parameter is how many of its bytes are taken. The heap is used from the front and never freed
 * before the run ends. A function that would leave the heap fails with MLC_RUN_MEMORY. */
#ifndef MLC_RT_TEXT_H
#define MLC_RT_TEXT_H

#include "runtime/calls.h"

#define MLC_RT_TEXT_POOL ((uint64_t)0x7f5 << 52)
#define MLC_RT_TEXT_HEAP ((uint64_t)0x7f6 << 52)
enum { MLC_TEXT_NUMBER = 32 }; /* bytes that a number takes at most as a string, its end included */

MLC_RT_API const char *mlc_rt_text(const mlc_rt_arg *pool, const mlc_rt_arg *heap, uint64_t ref);
/* Elements of a tensor. */
MLC_RT_API int64_t mlc_rt_count(const mlc_rt_arg *x);

/* Where the next string goes. */
typedef struct mlc_rt_writer {
    char   *data;
    int64_t at, room;
} mlc_rt_writer;

MLC_RT_API mlc_rt_writer mlc_rt_heap_writer(const mlc_rt_arg *heap, int64_t taken);
/* Room for a string of n bytes, which gets its end; NULL: there is none. *ref refers to it. */
MLC_RT_API char *mlc_rt_text_new(mlc_rt_writer *w, int64_t n, uint64_t *ref);

#endif
