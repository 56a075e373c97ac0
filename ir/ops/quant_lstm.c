/* DynamicQuantizeLSTM of com.microsoft: an LSTM whose weights are quantized and whose products see
 * quantized operands: the whole of x by its range, and the state h by its range in every step.
 *
 *     for each direction: Scan over the steps: h, c = LSTM of one step (rounded(x), W, R, rounded(h), c)
 *
 * with rounded(v) = DequantizeLinear(DynamicQuantizeLinear(v)). W and R are [directions, input, 4
 * hidden] here, with a scale and a zero point for each direction, or for each of its columns. */
#include "ir/base/str.h"
#include "ir/graph/text.h"
#include "ir/ops/check.h"

#include <math.h>

#define QUANT_LSTM_ATTRS(A, S)                                                      \
    A(S, strs, activations, "", "functions of the gates, for each direction")       \
    A(S, floats, activation_alpha, "", "must be absent")                            \
    A(S, floats, activation_beta, "", "must be absent")                             \
    A(S, float, clip, "", "what an activation of a gate is given stays within +-clip") \
    A(S, str, direction, "forward", "forward, reverse or bidirectional")            \
    A(S, int, hidden_size, "", "size of the state")                                 \
    A(S, int, input_forget, "0", "1: the forget gate is 1 - the input gate")
ATTRS(QuantLstmAttrs, QUANT_LSTM_ATTRS);

enum {
    IN_X, IN_W, IN_R, IN_B, IN_LENS, IN_H, IN_C, IN_P, IN_W_SCALE, IN_W_ZERO, IN_R_SCALE, IN_R_ZERO
};

static int directions(const Node *n)
{
    const QuantLstmAttrs *a = n->attrs;
    return str_eq(a->direction, "bidirectional") ? 2 : 1;
}

static Status infer(Graph *g, Node *n)
{
    const QuantLstmAttrs *a = n->attrs;
    ExPool *p = g->pool;
    if (a->activation_alpha.n || a->activation_beta.n)
        return node_error(n, E0205, "parameters of activations");
    if (a->activations.n && a->activations.n != 3 * directions(n))
        return node_error(n, E0203, "attribute 'activations' has %d values, must have %d",
                          a->activations.n, 3 * directions(n));
    if (directions(n) == 1 && !str_eq(a->direction, "forward") && !str_eq(a->direction, "reverse"))
        return node_error(n, E0203, "attribute 'direction' is '%s'", a->direction);
    TRY(node_need_elem(n, IN_X, IS_FLOAT));
    for (int i = IN_X; i <= IN_R; i++) {
        TRY(node_need_rank(n, i, 3, 3));
        if (i != IN_X)
            TRY(node_need_equal(n, n->in[i]->type.dim[0], ex_int(p, directions(n)),
                                "number of directions"));
    }
    const Type *r = &n->in[IN_R]->type;
    TRY(node_need_equal(n, r->dim[2], ex_mul(p, r->dim[1], ex_int(p, 4)), "columns of R"));
    TRY(node_need_equal(n, n->in[IN_W]->type.dim[1], n->in[IN_X]->type.dim[2], "rows of W"));
    for (int i = IN_W_SCALE; i <= IN_R_ZERO; i++)
        if (node_has(n, i))
            TRY(node_need_rank(n, i, 1, 2));
        else if (i == IN_W_SCALE || i == IN_R_SCALE)
            return node_error(n, E0202, "input %d, a scale, is omitted", i);
    return infer_composite(g, n);
}

/* %w or %r: the weights of input i as floats, transposed. */
static void write_weights(Str *s, const Node *n, char name, int i, int scale)
{
    bool columns = n->in[scale]->type.rank == 2, zero = node_has(n, scale + 1);
    str_printf(s, "%%%c_f = Cast(%%%d) {to=1} const %%%c_axes : i64[%d] = {%s}"
                  " %%%c_scale = Unsqueeze(%%%d, %%%c_axes) ",
               name, i, name, columns ? 1 : 2, columns ? "1" : "1,2", name, scale, name);
    if (zero)
        str_printf(s, "%%%c_z = Cast(%%%d) {to=1} %%%c_zero = Unsqueeze(%%%c_z, %%%c_axes)"
                      " %%%c_c = Sub(%%%c_f, %%%c_zero) ",
                   name, scale + 1, name, name, name, name, name, name);
    str_printf(s, "%%%c_real = Mul(%%%c_%c, %%%c_scale) %%%c = Transpose(%%%c_real) {perm=[0,2,1]} ",
               name, name, zero ? 'c' : 'f', name, name, name);
}

/* %name.d: the part of direction d of %name, one of two or all. */
static void write_part(Str *s, const Node *n, const char *name)
{
    str_printf(s, directions(n) == 2 ? "%%%s.0, %%%s.1 = Split(%%%s) {axis=0, num_outputs=2} "
                                     : "%%%s.0 = Identity(%%%s) ",
               name, name, name);
}

/* What goes into each direction's loop. */
static void write_inputs(Str *s, const Node *n)
{
    str_add(s, "%x_q, %x_s, %x_z = DynamicQuantizeLinear(%0) %x = DequantizeLinear(%x_q, %x_s, %x_z)"
               " const %zero : i64[] = {0} const %one : i64[] = {1} %length = Shape(%0) {start=0, end=1}"
               " %batch = Shape(%0) {start=1, end=2} %hidden = Shape(%2) {start=1, end=2}"
               " %dirs = Shape(%2) {start=0, end=1} %length_scalar = Squeeze(%length)"
               " %steps = Range(%zero, %length_scalar, %one)"
               " %state_shape = Concat(%dirs, %batch, %hidden) {axis=0} ");
    write_weights(s, n, 'w', IN_W, IN_W_SCALE);
    write_weights(s, n, 'r', IN_R, IN_R_SCALE);
    str_add(s, node_has(n, IN_H) ? "%h = Identity(%5) " : "%h = ConstantOfShape(%state_shape) ");
    str_add(s, node_has(n, IN_C) ? "%c = Identity(%6) " : "%c = ConstantOfShape(%state_shape) ");
    str_add(s, node_has(n, IN_LENS) ? "%lens = Cast(%4) {to=7} "
                                    : "%lens = Expand(%length, %batch) ");
    if (node_has(n, IN_B))
        str_add(s, "%b = Identity(%3) ");
    if (node_has(n, IN_P))
        str_add(s, "%p = Identity(%7) ");
    static const char *const parts[] = {"w", "r", "h", "c", "b", "p"};
    for (int i = 0; i < 6; i++)
        if ((i != 4 || node_has(n, IN_B)) && (i != 5 || node_has(n, IN_P)))
            write_part(s, n, parts[i]);
}

static void write_cell_attrs(Str *s, const Node *n, int d)
{
    const QuantLstmAttrs *a = n->attrs;
    str_add(s, " {input_forget=$input_forget, hidden_size=$hidden_size");
    if (!isnan(a->clip))
        str_add(s, ", clip=$clip");
    for (int i = 0; i < 3 && a->activations.n; i++) {
        str_add(s, i ? ", " : ", activations=[");
        text_quote(s, a->activations.at[3 * d + i]);
    }
    str_add(s, a->activations.n ? "]} " : "} ");
}

static bool is_reverse(const Node *n, int d)
{
    const QuantLstmAttrs *a = n->attrs;
    return d == 1 || str_eq(a->direction, "reverse");
}

/* `before`, b or p, `after`: for the bias and the peepholes, where they are there. */
static void write_optional(Str *s, const Node *n, const char *before, const char *after)
{
    static const int in[2] = {IN_B, IN_P};
    for (int i = 0; i < 2; i++)
        if (node_has(n, in[i]))
            str_printf(s, "%s%c%s", before, "bp"[i], after);
}

/* The body of one step: weights are states that stay as they are. A step behind the end of a sequence
 * leaves its state and gives 0, which is what the steps after it see in the range of h. */
static void write_step(Str *s, const Node *n, int d)
{
    str_add(s, "graph \"step\" opset 22 {"
               " in %h : ? in %c : ? in %w : ? in %r : ? in %lens : ?");
    write_optional(s, n, " in %", " : ?");
    str_printf(s, " in %%x : ? in %%t : ? const %%first : i64[1] = {0} const %%ends : i64[2] = {0,2}"
                  " const %%nothing : f32[] = {0.0} %%seq = Unsqueeze(%%x, %%first)"
                  " %%on = Less(%%t, %%lens) %%on_row = Unsqueeze(%%on, %%ends)"
                  " %%was_on = LessOrEqual(%%t, %%lens) %%was_row = Unsqueeze(%%was_on, %%ends)"
                  " %%h_on = Where(%%was_row, %%h, %%nothing)"
                  " %%h_q, %%h_s, %%h_z = DynamicQuantizeLinear(%%h_on)"
                  " %%h_r = DequantizeLinear(%%h_q, %%h_s, %%h_z)"
                  " _, %%h_n, %%c_n = LSTM(%%seq, %%w, %%r, %s, _, %%h_r, %%c%s)",
               node_has(n, IN_B) ? "%b" : "_", node_has(n, IN_P) ? ", %p" : "");
    write_cell_attrs(s, n, d);
    str_add(s, "%h_next = Where(%on_row, %h_n, %h) %c_next = Where(%on_row, %c_n, %c)"
               " %y = Where(%on_row, %h_n, %nothing) out %h_next out %c_next out %w out %r out %lens");
    write_optional(s, n, " out %", "");
    str_add(s, " out %y }");
}

/* %y.d and the last states of direction d. Backwards, sequences with lengths are reversed each by
 * itself, so that all of them begin in the first step. */
static void write_direction(Str *s, const Node *n, int d)
{
    bool reverse = is_reverse(n, d), turn = reverse && node_has(n, IN_LENS);
    if (turn)
        str_printf(s, "%%x.%d = ReverseSequence(%%x, %%lens) {batch_axis=1, time_axis=0} ", d);
    else
        str_printf(s, "%%x.%d = Identity(%%x) ", d);
    str_printf(s, "%%h.last.%d, %%c.last.%d, _, _, _", d, d);
    str_add(s, node_has(n, IN_B) ? ", _" : "");
    str_add(s, node_has(n, IN_P) ? ", _" : "");
    str_printf(s, ", %%y_%d = Scan(%%h.%d, %%c.%d, %%w.%d, %%r.%d, %%lens", d, d, d, d, d);
    write_optional(s, n, ", %", d ? ".1" : ".0");
    str_printf(s, ", %%x.%d, %%steps) {num_scan_inputs=2, scan_input_directions=[%d,0],"
                  " scan_output_directions=[%d], body=", d, reverse && !turn, reverse && !turn);
    write_step(s, n, d);
    str_add(s, "} ");
    if (turn)
        str_printf(s, "const %%axis.%d : i64[1] = {1} %%y_flat.%d = Squeeze(%%y_%d, %%axis.%d)"
                      " %%y_turned.%d = ReverseSequence(%%y_flat.%d, %%lens) {batch_axis=1,"
                      " time_axis=0} %%y.%d = Unsqueeze(%%y_turned.%d, %%axis.%d) ",
                   d, d, d, d, d, d, d, d, d);
    else
        str_printf(s, "%%y.%d = Identity(%%y_%d) ", d, d);
}

static void compose(Str *s, const Node *n)
{
    write_inputs(s, n);
    for (int d = 0; d < directions(n); d++)
        write_direction(s, n, d);
    if (directions(n) == 1) {
        str_add(s, "out %y.0 out %h.last.0 out %c.last.0");
        return;
    }
    str_add(s, "%y = Concat(%y.0, %y.1) {axis=1} %h_last = Concat(%h.last.0, %h.last.1) {axis=0}"
               " %c_last = Concat(%c.last.0, %c.last.1) {axis=0} out %y out %h_last out %c_last");
}

OP(dynamic_quantize_lstm) = {
    .name = "DynamicQuantizeLSTM", .domain = "com.microsoft", .since = {1}, .min_in = 9,
    .max_in = 12, .min_out = 0, .max_out = 3, .traits = OP_GAPS | OP_CONTROL, ATTRS_OF(QuantLstmAttrs),
    .infer = infer, .compose = compose, .doc = "LSTM by quantized products",
};
