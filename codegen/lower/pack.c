#include "codegen/lower/pack.h"

#include "codegen/lower/contraction.h"

Status fold_stage(Lowering *l, const Stage *s, Buf *out)
{
    int64_t count, dim[1];
    if (!ex_is_int(out->size, &count))
        return MLC_NO;
    dim[0] = count;
    Tensor *t = tensor_new(l->arena, out->elem, 1, dim);
    Kernel k = {.name = "fold", .skeleton = "reference", .pool = l->pool};
    k.body = reference_nest(l, s);
    lower_params(l, &k);
    InterpArg args[MAX_ACC * 4];
    if (k.params.len > COUNT_OF(args))
        return MLC_NO;
    for (size_t i = 0; i < k.params.len; i++) {
        const Buf *b = k.params.at[i];
        if (b->data)
            args[i] = (InterpArg){.data = (void *)b->data->data, .count = tensor_count(b->data), .splat = b->data->splat};
        else
            args[i] = (InterpArg){.data = (void *)t->data, .count = count};
    }
    int code = 0;
    TRY(kernel_interp(l->ctx, &k, INTERP_EXACT, args, NULL, &code));
    out->space = SPACE_CONST;
    out->data = t;
    return MLC_OK;
}

/* Half constants are packed as they are, where the target converts a vector of them in an instruction
 * or two, or where size is what counts; elsewhere they are converted now. */
static Ex as_stored(const Lowering *l, Ex operand)
{
    enum { SIZE = 4 };
    Ex load = stored_constant(operand);
    Elem e = (Elem)load->elem;
    bool cheap = e == ELEM_BF16 || (e == ELEM_F16 && l->target->has_f16);
    return cheap || l->options->level == SIZE ? load : operand;
}

Status pack_operand(Lowering *l, const Stage *s, PackSpec *spec, Ex *packed)
{
    ExPool *p = l->pool;
    Ex dim[MAX_RANK], axis[MAX_RANK], from[MAX_RANK], stride[MAX_RANK];
    int n = 0, nfrom = 0;
    for (int i = 0; i < s->naxis; i++) /* batch axes of the operand, and its other columns */
        if (s->axis[i] != spec->n_axis && ex_uses(spec->operand, s->axis[i])) {
            from[nfrom++] = s->axis[i];
            dim[n++] = ex_var_extent(p, s->axis[i]);
        }
    int panel = n;
    dim[n++] = ex_int(p, spec->panels);
    for (int i = 0; i < s->nred; i++) {
        from[nfrom++] = s->red[i];
        dim[n++] = ex_var_extent(p, s->red[i]);
    }
    int column = n;
    dim[n++] = ex_int(p, spec->width);
    assert(n <= MAX_RANK);
    Ex size = buf_row_major(p, n, dim, stride);
    Ex operand = as_stored(l, spec->operand);
    Buf *out = lower_buf(l, "packed", (Elem)operand->elem, SPACE_TEMP, 1, &size);
    Stage *pack = NEW(l->arena, Stage);
    Ex index = ex_int(p, 0), own = ex_int(p, 0), to[MAX_RANK];
    for (int i = 0, k = 0; i < n; i++) {
        axis[i] = ex_var(p, dim[i]);
        pack->axis[pack->naxis++] = axis[i];
        index = ex_add(p, index, ex_mul(p, axis[i], stride[i]));
        if (i != panel && i != column)
            to[k++] = axis[i];
    }
    Ex c = ex_add(p, ex_add(p, ex_int(p, spec->n0), ex_mul(p, axis[panel], ex_int(p, spec->width))), axis[column]);
    Ex value = ex_subst(p, ex_subst(p, operand, nfrom, from, to), 1, &spec->n_axis, &c);
    value = ex_guard(p, ex_lt(p, c, ex_int(p, spec->limit)), value, ex_const(p, out->elem, 0));
    StageStore o = {.buf = out, .value = value};
    o.index[0] = index;
    vec_push(l->arena, &pack->stores, o);
    pack->origin = s->origin;
    spec->panel_var = axis[panel];
    spec->column_var = axis[column];
    own = ex_subst(p, index, nfrom, to, from);
    *packed = ex_cast(p, (Elem)spec->operand->elem, ex_load(p, out, out->elem, 1, &own));
    if (operand_load(spec->operand)->buf->space == SPACE_CONST)
        return fold_stage(l, pack, out);
    return lower_stage(l, pack);
}
