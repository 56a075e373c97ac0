/* Attention of com.microsoft, as text in terms of ONNX's Attention: masks of several forms and the
 * call itself. */
#ifndef MLC_OPS_HEAD_ATTENTION_H
#define MLC_OPS_HEAD_ATTENTION_H

#include "ir/base/str.h"
#include "ir/ops/check.h"

/* A float32 number as the text form has it. */
void text_f32(Str *s, double v);
/* A constant vector %name. */
void text_ints(Str *s, const char *name, int n, const int64_t *v);

/* What the keys' mask may look like, by its rank: of whole keys [batch, keys], of pairs
 * [batch, queries, keys], or their number [batch], perhaps followed by where they begin [2 batch]. */
Status key_mask_check(const Node *n, int i, Ex batch);
/* %mask, added to the scores: `filter` where input i forbids, plus input `bias`; %total, a vector of
 * one i64, is the number of keys, and %q0 has the element type of the scores. Returns false, adding nothing, when both are omitted. */
bool   text_key_mask(Str *s, const Node *n, int i, int bias, double filter);
/* " {q_num_heads=...}": attributes of Attention; scale 0 is its default. The product that output 3
 * shows has the mask in it. */
void   text_head_attrs(Str *s, int64_t heads, bool causal, double scale);

#endif
