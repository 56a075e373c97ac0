/* ImageDecoder: a picture in a file as [height, width, channels]. The runtime decodes (runtime/image.c):
 * BMP, PNM, TIFF that is not compressed, PNG, and sequential JPEG. */
#include "ir/ops/control.h"

#define DECODER_ATTRS(A, S) A(S, str, pixel_format, "RGB", "RGB, BGR or Grayscale")
ATTRS(DecoderAttrs, DECODER_ATTRS);

/* As the runtime counts them. */
static Status format_of(const Node *n, int *out)
{
    static const char *const name[] = {"RGB", "BGR", "Grayscale"};
    const DecoderAttrs *a = n->attrs;
    for (int i = 0; i < 3; i++)
        if (strcmp(a->pixel_format, name[i]) == 0) {
            *out = i;
            return MLC_OK;
        }
    return node_error(n, E0203, "attribute 'pixel_format' is '%s'", a->pixel_format);
}

static Status infer(Graph *g, Node *n)
{
    int format;
    TRY(node_need_rank(n, 0, 1, 1));
    if (n->in[0]->type.elem != ELEM_U8)
        return node_error(n, E0204, "input 0 has element type %s, must be u8",
                          elem_name[n->in[0]->type.elem]);
    TRY(format_of(n, &format));
    Ex dim[3] = {assigned_dim(g, n->out[0], 0), assigned_dim(g, n->out[0], 1),
                 ex_int(g->pool, format == 2 ? 1 : 3)};
    node_set_type(n, 0, type_tensor(ELEM_U8, 3, dim));
    return MLC_OK;
}

static void define(Te *t, const Node *n)
{
    Tx data = te_in(t, 0), y = te_out(t, 0);
    Ex three = te_int(t, 3);
    int format = 0;
    Status st = format_of(n, &format);
    assert(st == MLC_OK);
    (void)st;
    Tx size = te_temp(t, ELEM_I64, 1, &three);
    te_call(t, "image_size", 1, &size, 1, &data, 0, NULL);
    te_set_element(t, y->dim[0], size, te_int(t, 0));
    te_set_element(t, y->dim[1], size, te_int(t, 1));
    Ex bytes = te_symbol(t, "room", 0, (int64_t)1 << 40);
    te_set_element(t, bytes, size, te_int(t, 2));
    Tx out[2] = {y, te_temp(t, ELEM_U8, 1, &bytes)};
    te_call(t, "image_decode", 2, out, 1, &data, 1, (Ex[]){te_int(t, format)});
}

OP(image_decoder) = {
    .name = "ImageDecoder", .since = {20}, .min_in = 1, .max_in = 1, .traits = OP_CONTROL,
    ATTRS_OF(DecoderAttrs), .infer = infer, .define = define,
    .doc = "the pixels of a picture in a file",
};
