/* Operators on sequences. What they compute is said on columns (columns.h) as text of tensor
 * operators: %S are the shapes, %D the data of the sequence.
 *
 * Element i of a sequence begins in the data where the elements before it end:
 *     size[i] = product of its dimensions     end[i] = size[0] + ... + size[i]
 * Splitting and joining along an axis are one formula, read in both directions. With A and B the
 * products of the dimensions before and behind the axis, s[i] the extent of element i along it,
 * off[i] the sum of the extents before, and i the element that position j of the axis falls into:
 *     x[a, j, b] = data[A*off[i]*B + a*s[i]*B + (j - off[i])*B + b] */
#include "ir/ops/columns.h"

#include "ir/ops/control.h"

static const char constants[] =
    "const %zero : i64[1] = {0}\n"
    "const %one : i64[1] = {1}\n"
    "const %width : i64[1] = {9}\n"
    "const %all : i64[1] = {-1}\n"
    "const %last : i64[1] = {9223372036854775807}\n"
    "const %0s : i64[] = {0}\n"
    "const %1s : i64[] = {1}\n"
    "const %scalar : i64[0] = {}\n"
    "const %ones : i64[9] = splat {1}\n";

static const char extents[] = /* of %S: sizes and ends of the elements */
    "%each = Slice(%S, %one, %width, %one)\n"
    "%sizes = ReduceProd(%each, %one) {keepdims=0}\n"
    "%ends = CumSum(%sizes, %0s)\n";

/* ---- text ---- */

static int position(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += n) {
        char next = at[n];
        if (!(next == '_' || (next >= '0' && next <= '9') || (next >= 'a' && next <= 'z') ||
              (next >= 'A' && next <= 'Z')))
            return (int)(at - text);
    }
    return -1;
}

/* Adds `text` with the word %NAME replaced by %k. */
static const char *renamed(Arena *a, const char *text, const char *name, const char *to)
{
    for (int at; (at = position(text, name)) >= 0;)
        text = arena_printf(a, "%.*s%s%s", at, text, to, text + at + strlen(name));
    return text;
}

static const char *with_sequence(Graph *g, const char *text)
{
    return renamed(g->arena, renamed(g->arena, text, "%S", "%0"), "%D", "%1");
}

static void add_text(Graph *g, Str *s, const char *text)
{
    str_add(s, with_sequence(g, text));
}

/* %rowNAME: the row of the shapes of tensor %VALUE, %flatNAME its data. */
static void add_row(Str *s, int rank, int value)
{
    str_printf(s, "const %%rank%d : i64[1] = {%d}\n", value, rank);
    str_printf(s, "const %%pad%d : i64[%d] = splat {1}\n", value, COLUMNS_RANK - rank);
    str_printf(s, "const %%form%d : i64[2] = {1, %d}\n", value, COLUMNS_WIDTH);
    str_printf(s, "%%shape%d = Shape(%%%d)\n", value, value);
    str_printf(s, "%%list%d = Concat(%%rank%d, %%shape%d, %%pad%d) {axis=0}\n", value, value, value,
               value);
    str_printf(s, "%%row%d = Reshape(%%list%d, %%form%d)\n", value, value, value);
    str_printf(s, "%%flat%d = Reshape(%%%d, %%all)\n", value, value);
}

static Str begin_text(Graph *g)
{
    Str s = str_new(g->arena);
    str_add(&s, constants);
    return s;
}

/* %p, a scalar: the position that tensor %VALUE holds, negative ones counted from the end. */
static void add_position(Str *s, int value)
{
    str_printf(s,
               "%%p64 = Cast(%%%d) {to=7}\n"
               "%%pos = Reshape(%%p64, %%scalar)\n"
               "%%negative = Less(%%pos, %%0s)\n"
               "%%fromend = Add(%%pos, %%n)\n"
               "%%p = Where(%%negative, %%fromend, %%pos)\n"
               "%%p1 = Reshape(%%p, %%one)\n",
               value);
}

static const char count_text[] = "%n1 = Shape(%S) {end=1}\n"
                                 "%n = Reshape(%n1, %scalar)\n";

/* ---- types ---- */

static Status need_rank(const Node *n, const Type *element)
{
    if (element->rank <= COLUMNS_RANK)
        return MLC_OK;
    return node_error(n, E0302, "an element of a sequence has rank %d, at most %d is supported",
                      element->rank, COLUMNS_RANK);
}

static Status need_position(const Node *n, int i)
{
    if (!node_has(n, i))
        return MLC_OK;
    TRY(node_need_rank(n, i, 0, 1));
    return node_need_elem(n, i, IS_INT);
}

static Status join_element(Graph *g, Node *n, const Type *of, int i, Type *out)
{
    TRY(node_need_rank(n, i, 0, MAX_RANK));
    TRY(need_rank(n, &n->in[i]->type));
    if (!type_join(g, of, &n->in[i]->type, out))
        return node_error(n, E0206, "input %d is %s in a sequence of %s", i,
                          elem_name[n->in[i]->type.elem], elem_name[of->elem]);
    return MLC_OK;
}

/* ---- SequenceEmpty, SequenceConstruct ---- */

#define EMPTY_ATTRS(A, S) A(S, int, dtype, "1", "element type, a number of ONNX")
ATTRS(EmptyAttrs, EMPTY_ATTRS);

static Elem empty_elem(const Node *n)
{
    const EmptyAttrs *a = n->attrs;
    return a->dtype < 0 || a->dtype > INT32_MAX ? ELEM_NONE : elem_from_onnx((int32_t)a->dtype);
}

static Status infer_empty(Graph *g, Node *n)
{
    if (empty_elem(n) == ELEM_NONE)
        return node_error(n, E0203, "dtype is no element type");
    n->out[0]->type = sequence_of(g, empty_elem(n), NULL);
    return MLC_OK;
}

static const char *columns_empty(Graph *g, const Node *n)
{
    return arena_printf(g->arena,
                        "const %%shapes : i64[0,%d] = {}\nconst %%data : %s[0] = {}\n"
                        "out %%shapes\nout %%data\n",
                        COLUMNS_WIDTH, elem_name[empty_elem(n)]);
}

OP(sequence_empty) = {
    .name = "SequenceEmpty", .since = {11}, .max_in = 0, ATTRS_OF(EmptyAttrs), .infer = infer_empty,
    .columns = columns_empty, .doc = "a sequence without elements",
};

static Status infer_construct(Graph *g, Node *n)
{
    Type of;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    of = n->in[0]->type;
    for (int i = 0; i < n->nin; i++)
        TRY(join_element(g, n, &of, i, &of));
    n->out[0]->type = sequence_of(g, of.elem, &of);
    return MLC_OK;
}

const char *construct_text(Graph *g, const Node *n)
{
    Str s = begin_text(g);
    for (int i = 0; i < n->nin; i++)
        add_row(&s, n->in[i]->type.rank, i);
    for (int c = 0; c < 2; c++) {
        str_printf(&s, "%%%s = Concat(", c ? "data" : "shapes");
        for (int i = 0; i < n->nin; i++)
            str_printf(&s, "%s%%%s%d", i ? ", " : "", c ? "flat" : "row", i);
        str_add(&s, ") {axis=0}\n");
    }
    str_add(&s, "out %shapes\nout %data\n");
    return str_text(&s);
}

OP(sequence_construct) = {
    .name = "SequenceConstruct", .since = {11}, .min_in = 1, .max_in = VARIADIC,
    .infer = infer_construct, .columns = construct_text, .doc = "the sequence of the inputs",
};

/* ---- SequenceInsert, SequenceErase ---- */

static Status infer_insert(Graph *g, Node *n)
{
    const Type *of;
    Type joined;
    TRY(node_need_sequence(n, 0, &of));
    TRY(need_position(n, 2));
    TRY(join_element(g, n, of, 1, &joined));
    n->out[0]->type = sequence_of(g, joined.elem, &joined);
    return MLC_OK;
}

static const char *columns_insert(Graph *g, const Node *n)
{
    Str s = begin_text(g);
    add_row(&s, n->in[1]->type.rank, 2);
    if (!node_has(n, 2)) {
        add_text(g, &s, "%shapes = Concat(%S, %row2) {axis=0}\n"
                        "%data = Concat(%D, %flat2) {axis=0}\nout %shapes\nout %data\n");
        return str_text(&s);
    }
    add_text(g, &s, count_text);
    add_position(&s, 3);
    add_text(g, &s, extents);
    add_text(g, &s, "%begins = Concat(%zero, %ends) {axis=0}\n"
                    "%at = Gather(%begins, %p1)\n"
                    "%head = Slice(%S, %zero, %p1, %zero)\n"
                    "%tail = Slice(%S, %p1, %last, %zero)\n"
                    "%shapes = Concat(%head, %row2, %tail) {axis=0}\n"
                    "%before = Slice(%D, %zero, %at, %zero)\n"
                    "%behind = Slice(%D, %at, %last, %zero)\n"
                    "%data = Concat(%before, %flat2, %behind) {axis=0}\n"
                    "out %shapes\nout %data\n");
    return str_text(&s);
}

OP(sequence_insert) = {
    .name = "SequenceInsert", .since = {11}, .min_in = 2, .max_in = 3, .infer = infer_insert,
    .columns = columns_insert, .doc = "a sequence with one more element",
};

static Status infer_erase(Graph *g, Node *n)
{
    const Type *of;
    (void)g;
    TRY(node_need_sequence(n, 0, &of));
    TRY(need_position(n, 1));
    n->out[0]->type = n->in[0]->type;
    return MLC_OK;
}

static const char *columns_erase(Graph *g, const Node *n)
{
    Str s = begin_text(g);
    add_text(g, &s, count_text);
    if (node_has(n, 1))
        add_position(&s, 2);
    else
        str_add(&s, "%p = Sub(%n, %1s)\n%p1 = Reshape(%p, %one)\n");
    add_text(g, &s, extents);
    add_text(g, &s, "%end = Gather(%ends, %p1)\n"
                    "%size = Gather(%sizes, %p1)\n"
                    "%begin = Sub(%end, %size)\n"
                    "%next = Add(%p1, %one)\n"
                    "%head = Slice(%S, %zero, %p1, %zero)\n"
                    "%tail = Slice(%S, %next, %last, %zero)\n"
                    "%shapes = Concat(%head, %tail) {axis=0}\n"
                    "%before = Slice(%D, %zero, %begin, %zero)\n"
                    "%behind = Slice(%D, %end, %last, %zero)\n"
                    "%data = Concat(%before, %behind) {axis=0}\n"
                    "out %shapes\nout %data\n");
    return str_text(&s);
}

OP(sequence_erase) = {
    .name = "SequenceErase", .since = {11}, .min_in = 1, .max_in = 2, .infer = infer_erase,
    .columns = columns_erase, .doc = "a sequence with one element less",
};

/* ---- SequenceAt, SequenceLength ---- */

Status infer_element(Graph *g, Node *n, const Type *of)
{
    Type was = n->out[0]->type, t = *of;
    if (t.rank < 0) { /* what the file declares */
        t.rank = was.kind == TYPE_TENSOR && was.elem == of->elem ? was.rank : -1;
        memcpy(t.dim, was.dim, sizeof t.dim);
    } else {
        for (int k = 0; k < t.rank; k++)
            if (!ex_is_int(t.dim[k], NULL))
                t.dim[k] = assigned_dim(g, n->out[0], k);
    }
    n->out[0]->type = t;
    return MLC_OK;
}

static Status infer_at(Graph *g, Node *n)
{
    const Type *of;
    TRY(node_need_sequence(n, 0, &of));
    if (!node_has(n, 1))
        return node_error(n, E0202, "input 1 is omitted");
    TRY(need_position(n, 1));
    return infer_element(g, n, of);
}

/* %dims: those of element %p, as far as not known from `t`. */
static void add_dims(Str *s, const Type *t)
{
    Str list = str_new(s->arena);
    for (int k = 0; k < t->rank; k++) {
        int64_t v;
        if (ex_is_int(t->dim[k], &v))
            str_printf(s, "const %%dim%d : i64[1] = {%lld}\n", k, (long long)v);
        else
            str_printf(s, "const %%at%d : i64[1] = {%d}\n%%dim%d = Gather(%%row, %%at%d)\n", k,
                       k + 1, k, k);
        str_printf(&list, "%s%%dim%d", k ? ", " : "", k);
    }
    if (t->rank > 0)
        str_printf(s, "%%dims = Concat(%s) {axis=0}\n", str_text(&list));
    else
        str_add(s, "const %dims : i64[0] = {}\n");
}

const char *element_text(Graph *g, const Node *n, int position)
{
    Str s = begin_text(g);
    const Type *t = &n->out[0]->type;
    if (t->rank < 0)
        return NULL;
    add_text(g, &s, count_text);
    if (position >= 0)
        add_position(&s, position);
    else
        str_add(&s, "%p = Identity(%0s)\n%p1 = Identity(%zero)\n");
    add_text(g, &s, extents);
    add_text(g, &s, "%row = Gather(%S, %p)\n"
                    "%end = Gather(%ends, %p1)\n"
                    "%size = Gather(%sizes, %p1)\n"
                    "%begin = Sub(%end, %size)\n"
                    "%flat = Slice(%D, %begin, %end, %zero)\n");
    add_dims(&s, t);
    str_add(&s, "%y = Reshape(%flat, %dims) {allowzero=1}\nout %y\n");
    return str_text(&s);
}

static const char *columns_at(Graph *g, const Node *n)
{
    return element_text(g, n, 2);
}

OP(sequence_at) = {
    .name = "SequenceAt", .since = {11}, .min_in = 2, .max_in = 2, .infer = infer_at,
    .columns = columns_at, .doc = "one element of a sequence",
};

static Status infer_length(Graph *g, Node *n)
{
    const Type *of;
    (void)g;
    TRY(node_need_sequence(n, 0, &of));
    node_set_type(n, 0, type_tensor(ELEM_I64, 0, NULL));
    return MLC_OK;
}

static const char *columns_length(Graph *g, const Node *n)
{
    (void)n;
    Str s = begin_text(g);
    add_text(g, &s, count_text);
    str_add(&s, "out %n\n");
    return str_text(&s);
}

OP(sequence_length) = {
    .name = "SequenceLength", .since = {11}, .min_in = 1, .max_in = 1, .infer = infer_length,
    .columns = columns_length, .doc = "the number of elements",
};

/* ---- SplitToSequence, ConcatFromSequence ---- */

/* %place: where the elements of x, in order, stand in the data. Of the scalars %A and %B, and the
 * extents %s. An extent of 0 adds its mark to the next one's place, so that no position falls into it. */
static const char place_text[] =
    "%soff = CumSum(%s, %0s)\n"
    "%off = Sub(%soff, %s)\n"
    "%D1 = ReduceSum(%s, %zero)\n"
    "%Dn = Add(%D1, %one)\n"
    "%none = ConstantOfShape(%Dn) {value=i64[1] {0}}\n"
    "%mark = Mul(%s, %zero)\n"
    "%unit = Add(%mark, %one)\n"
    "%marks = ScatterElements(%none, %off, %unit) {axis=0, reduction=\"add\"}\n"
    "%seen = CumSum(%marks, %0s)\n"
    "%inside = Slice(%seen, %zero, %D1, %zero)\n"
    "%seg = Sub(%inside, %one)\n"
    "%sj = Gather(%s, %seg)\n"
    "%oj = Gather(%off, %seg)\n"
    "%Ds = Reshape(%D1, %scalar)\n"
    "%j = Range(%0s, %Ds, %1s)\n"
    "%a = Range(%0s, %A, %1s)\n"
    "%b = Range(%0s, %B, %1s)\n"
    "const %axis12 : i64[2] = {1, 2}\n"
    "const %axis2 : i64[1] = {2}\n"
    "%a3 = Unsqueeze(%a, %axis12)\n"
    "%inner = Sub(%j, %oj)\n"
    "%base = Mul(%A, %oj)\n"
    "%rows = Add(%base, %inner)\n"
    "%rowsB = Mul(%rows, %B)\n"
    "%sB = Mul(%sj, %B)\n"
    "%const2 = Unsqueeze(%rowsB, %one)\n"
    "%step2 = Unsqueeze(%sB, %one)\n"
    "%moved = Mul(%a3, %step2)\n"
    "%start = Add(%moved, %const2)\n"
    "%place3 = Add(%start, %b)\n"
    "%place = Reshape(%place3, %all)\n";

#define SPLIT_ATTRS(A, S)                                        \
    A(S, int, axis, "0", "the dimension that is split")          \
    A(S, int, keepdims, "1", "0: elements lose it; without split")
ATTRS(SplitSequenceAttrs, SPLIT_ATTRS);

static Status infer_split(Graph *g, Node *n)
{
    const SplitSequenceAttrs *a = n->attrs;
    int axis, count;
    int64_t split;
    TRY(node_need_rank(n, 0, 1, COLUMNS_RANK));
    Type of = n->in[0]->type;
    TRY(node_axis(n, a->axis, of.rank, &axis));
    of.dim[axis] = ex_int(g->pool, 1);
    if (node_has(n, 1)) {
        TRY(node_need_rank(n, 1, 0, 1));
        TRY(node_need_elem(n, 1, IS_INT));
        bool known = n->in[1]->type.rank == 0 && value_ints(g, n->in[1], 1, &split, &count);
        if (known && split <= 0)
            return node_error(n, E0301, "parts of %lld", (long long)split);
        if (!known || split != 1)
            of.dim[axis] = assigned_dim(g, n->out[0], axis);
    } else if (!a->keepdims) {
        of.rank--;
        memmove(of.dim + axis, of.dim + axis + 1, (size_t)(of.rank - axis) * sizeof *of.dim);
    }
    n->out[0]->type = sequence_of(g, of.elem, &of);
    return MLC_OK;
}

/* %A, %B: products of elements [first, axis) and [behind, end) of the vector %dims. */
static void add_products(Str *s, int first, int axis, int behind, int end)
{
    str_printf(s,
               "const %%from0 : i64[1] = {%d}\nconst %%to0 : i64[1] = {%d}\n"
               "const %%from1 : i64[1] = {%d}\nconst %%to1 : i64[1] = {%d}\n"
               "%%outer = Slice(%%dims, %%from0, %%to0, %%zero)\n"
               "%%innerdims = Slice(%%dims, %%from1, %%to1, %%zero)\n"
               "%%A = ReduceProd(%%outer, %%zero) {keepdims=0}\n"
               "%%B = ReduceProd(%%innerdims, %%zero) {keepdims=0}\n",
               first, axis, behind, end);
}

/* %s: the extents of the parts of %D elements. */
static void add_parts(Str *s, const Node *n)
{
    if (!node_has(n, 1))
        str_add(s, "%s = ConstantOfShape(%D) {value=i64[1] {1}}\n");
    else if (n->in[1]->type.rank == 1)
        str_add(s, "%s = Cast(%1) {to=7}\n");
    else
        str_add(s, "%part0 = Cast(%1) {to=7}\n"
                   "%part = Max(%part0, %1s)\n"
                   "%less = Sub(%part, %1s)\n"
                   "%Dscalar = Reshape(%D, %scalar)\n"
                   "%above = Add(%Dscalar, %less)\n"
                   "%nparts = Div(%above, %part)\n"
                   "%k = Range(%0s, %nparts, %1s)\n"
                   "%begun = Mul(%k, %part)\n"
                   "%left = Sub(%D, %begun)\n"
                   "%s = Min(%part, %left)\n");
}

static const char *columns_split(Graph *g, const Node *n)
{
    const SplitSequenceAttrs *at = n->attrs;
    Str s = begin_text(g);
    int rank = n->in[0]->type.rank, axis = (int)(at->axis < 0 ? at->axis + rank : at->axis);
    bool drop = !node_has(n, 1) && !at->keepdims;
    str_printf(&s, "const %%axis : i64[1] = {%d}\n%%dims = Shape(%%0)\n%%D = Gather(%%dims, %%axis)\n",
               axis);
    add_products(&s, 0, axis, axis + 1, rank);
    add_parts(&s, n);
    str_add(&s, place_text);
    str_add(&s, "%A1 = Reshape(%A, %one)\n%B1 = Reshape(%B, %one)\n"
                "%whole = Concat(%A1, %D1, %B1) {axis=0}\n"
                "%x3 = Reshape(%0, %whole) {allowzero=1}\n%x = Reshape(%x3, %all)\n");
    str_add(&s, axis ? "%data = ScatterElements(%x, %place, %x) {axis=0}\n"
                     : "%data = Identity(%x)\n");
    str_printf(&s, "%%n = Shape(%%s)\n%%column = Concat(%%n, %%one) {axis=0}\n"
                   "const %%rank : i64[1] = {%d}\n%%c0 = Expand(%%rank, %%column)\n",
               rank - drop);
    Str list = str_new(g->arena);
    int c = 1;
    for (int k = 0; k < rank; k++) {
        if (k == axis && drop)
            continue;
        if (k == axis)
            str_printf(&s, "%%c%d = Unsqueeze(%%s, %%one)\n", c);
        else
            str_printf(&s, "const %%k%d : i64[1] = {%d}\n%%d%d = Gather(%%dims, %%k%d)\n"
                           "%%c%d = Expand(%%d%d, %%column)\n", k, k, k, k, c, k);
        str_printf(&list, ", %%c%d", c++);
    }
    str_printf(&s, "const %%padding : i64[1,%d] = splat {1}\nconst %%rest : i64[1] = {%d}\n"
                   "%%padcolumns = Concat(%%n, %%rest) {axis=0}\n"
                   "%%pad = Expand(%%padding, %%padcolumns)\n"
                   "%%shapes = Concat(%%c0%s, %%pad) {axis=1}\nout %%shapes\nout %%data\n",
               COLUMNS_WIDTH - c, COLUMNS_WIDTH - c, str_text(&list));
    return str_text(&s);
}

OP(split_to_sequence) = {
    .name = "SplitToSequence", .since = {11, 24}, .min_in = 1, .max_in = 2,
    ATTRS_OF(SplitSequenceAttrs), .infer = infer_split, .columns = columns_split,
    .doc = "the parts of x along an axis",
};

#define JOIN_ATTRS(A, S)                                              \
    A(S, int, axis, NULL, "the dimension along which they are joined") \
    A(S, int, new_axis, "0", "1: it is a new one")
ATTRS(JoinAttrs, JOIN_ATTRS);

static Status infer_concat(Graph *g, Node *n)
{
    const JoinAttrs *a = n->attrs;
    const Type *of;
    int axis;
    TRY(node_need_sequence(n, 0, &of));
    if (of->rank < 0)
        return node_error(n, E0303, "the rank of the elements of '%s' is not known", n->in[0]->name);
    Type t = *of;
    t.rank += a->new_axis != 0;
    TRY(node_axis(n, a->axis, t.rank, &axis));
    for (int k = t.rank - 1; k >= 0; k--) {
        if (a->new_axis && k > axis)
            t.dim[k] = t.dim[k - 1];
        if (k == axis || !ex_is_int(t.dim[k], NULL))
            t.dim[k] = assigned_dim(g, n->out[0], k);
    }
    n->out[0]->type = t;
    return MLC_OK;
}

static const char *columns_concat(Graph *g, const Node *n)
{
    const JoinAttrs *a = n->attrs;
    Str s = begin_text(g);
    int rank = n->in[0]->type.of->rank, all = rank + (a->new_axis != 0);
    int axis = (int)(a->axis < 0 ? a->axis + all : a->axis), past = a->new_axis ? 0 : 1;
    str_printf(&s, "const %%column : i64[1] = {%d}\n", axis + 1);
    add_text(g, &s, count_text);
    add_text(g, &s, "%dims = Gather(%S, %0s)\n");
    add_products(&s, 1, axis + 1, axis + 1 + past, rank + 1);
    if (a->new_axis)
        str_add(&s, "%s = ConstantOfShape(%n1) {value=i64[1] {1}}\n");
    else
        add_text(g, &s, "%s2 = Gather(%S, %column) {axis=1}\n%s = Reshape(%s2, %n1)\n");
    if (axis) {
        str_add(&s, place_text);
        add_text(g, &s, "%flat = Gather(%D, %place)\n");
    } else {
        add_text(g, &s, "%D1 = ReduceSum(%s, %zero)\n%flat = Identity(%D)\n");
    }
    str_add(&s, "%shape = Concat(%outer, %D1, %innerdims) {axis=0}\n"
                "%y = Reshape(%flat, %shape) {allowzero=1}\nout %y\n");
    return str_text(&s);
}

OP(concat_from_sequence) = {
    .name = "ConcatFromSequence", .since = {11}, .min_in = 1, .max_in = 1, ATTRS_OF(JoinAttrs),
    .infer = infer_concat, .columns = columns_concat, .doc = "the elements joined along an axis",
};
