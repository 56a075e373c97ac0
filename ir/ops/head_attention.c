/* Text that attention operators of com.microsoft share (head_attention.h). */
#include "ir/ops/head_attention.h"

#include "ir/graph/text.h"

void text_f32(Str *s, double v)
{
    float f = (float)v;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    text_print_float(s, ELEM_F32, bits);
}

void text_ints(Str *s, const char *name, int n, const int64_t *v)
{
    str_printf(s, "const %%%s : i64[%d] = {", name, n);
    for (int i = 0; i < n; i++)
        str_printf(s, "%s%lld", i ? "," : "", (long long)v[i]);
    str_add(s, "} ");
}

Status key_mask_check(const Node *n, int i, Ex batch)
{
    if (!node_has(n, i))
        return MLC_OK;
    ExPool *p = n->graph->pool;
    TRY(node_need_rank(n, i, 1, 3));
    TRY(node_need_elem(n, i, IS_INT));
    const Type *m = &n->in[i]->type;
    if (m->rank > 1 || m->dim[0] == batch || m->dim[0] == ex_mul(p, batch, ex_int(p, 2)))
        return MLC_OK;
    return node_error(n, E0205, "input %d, a mask of rank 1, has neither one nor two numbers a sample",
                      i);
}

/* %kept: bool, may the key count? */
static void text_kept(Str *s, const Node *n, int i)
{
    const Type *m = &n->in[i]->type;
    str_printf(s, "%%kept_in = Cast(%%%d) {to=7} ", i);
    if (m->rank > 1) {
        str_add(s, "%kept = Greater(%kept_in, %mask_zero) ");
        return;
    }
    str_add(s, "const %mask_one : i64[] = {1} %total_scalar = Squeeze(%total)"
               " %numbers = Range(%mask_zero, %total_scalar, %mask_one)"
               " const %mask_last : i64[1] = {1} ");
    bool both = !node_has(n, 0) || m->dim[0] != n->in[0]->type.dim[0];
    if (both)
        str_add(s, "%ends, %begins = Split(%kept_in) {axis=0, num_outputs=2} ");
    str_printf(s, "%%end = Unsqueeze(%%%s, %%mask_last) %%%s = Less(%%numbers, %%end) ",
               both ? "ends" : "kept_in", both ? "before" : "kept");
    if (both)
        str_add(s, "%begin = Unsqueeze(%begins, %mask_last)"
                   " %after = GreaterOrEqual(%numbers, %begin) %kept = And(%before, %after) ");
}

bool text_key_mask(Str *s, const Node *n, int i, int bias, double filter)
{
    bool has_mask = node_has(n, i), has_bias = node_has(n, bias);
    if (!has_mask && has_bias)
        str_printf(s, "%%mask = Identity(%%%d) ", bias);
    if (!has_mask)
        return has_bias;
    str_add(s, "const %mask_zero : i64[] = {0} const %nothing : f32[] = {0.0} const %filter : f32[] = {");
    text_f32(s, filter);
    str_add(s, "} ");
    text_kept(s, n, i);
    bool pairs = n->in[i]->type.rank == 3;
    text_ints(s, "mask_axes", pairs ? 1 : 2, (int64_t[]){1, 2});
    str_printf(s, "%%penalty = Where(%%kept, %%nothing, %%filter)"
                  " %%penalty_like = CastLike(%%penalty, %%q0)"
                  " %%%s = Unsqueeze(%%penalty_like, %%mask_axes) ",
               has_bias ? "mask_alone" : "mask");
    if (has_bias)
        str_printf(s, "%%mask = Add(%%mask_alone, %%%d) ", bias);
    return true;
}

void text_head_attrs(Str *s, int64_t heads, bool causal, double scale)
{
    str_printf(s, " {q_num_heads=%lld, kv_num_heads=%lld, is_causal=%d, qk_matmul_output_mode=2",
               (long long)heads, (long long)heads, causal);
    if (scale > 0) {
        str_add(s, ", scale=");
        text_f32(s, scale);
    }
    str_add(s, "} ");
}
