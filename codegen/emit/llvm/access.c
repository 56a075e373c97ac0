/* Loads and stores. Inside a vector loop the index decides:
 *     c = 1 per lane    one vector access, masked where lanes are off
 *     c = 0             one scalar access (the value is broadcast when it is used)
 *     c = -1, 2         contiguous vectors and a shuffle
 *     anything else     one access per lane, or gather and scatter under a mask
 * Scalar accesses under a mask happen only if some lane is on. */
#include "codegen/emit/llvm/emit.h"

typedef struct Access {
    const Buf *buf;
    Elem elem;
    LLVMTypeRef memory;
    LLVMValueRef base;
    unsigned per; /* elements per byte: 2 or 4 for sub-byte types, else 1 */
    bool is_uniform;
    bool is_affine;
    int64_t step; /* is_affine and constant; else 0 */
    Ex rest;
    Ex index;
} Access;

int buffer_number(const Walk *w, const Buf *b)
{
    for (size_t i = 0; i < w->k->params.len; i++) {
        if (w->k->params.at[i] == b)
            return (int)i;
    }
    for (size_t i = 0; i < w->k->regs.len; i++) {
        if (w->k->regs.at[i] == b)
            return (int)(w->k->params.len + i);
    }
    return -1;
}

static bool open_access(Walk *w, const Buf *b, Ex index, Access *a)
{
    int n = buffer_number(w, b);

    *a = (Access){.buf = b, .elem = b->elem, .index = index, .per = 1, .is_uniform = true};
    if (n < 0 || b->elem == ELEM_STRING || b->elem == ELEM_C64 || b->elem == ELEM_C128) {
        emit_failure(w, b->elem, n < 0 ? "an access to a foreign buffer" : "an element type");
        return false;
    }
    if (elem_bits[b->elem] < 8)
        a->per = 8 / elem_bits[b->elem];
    a->base = w->base[n];
    a->memory = unit_memory(w->u, b->elem);
    if (w->lane != NULL && ex_uses(index, w->lane)) {
        Ex coef = has_load(w, index) ? NULL : ex_affine(w->pool, index, w->lane, &a->rest);

        a->is_uniform = false;
        a->is_affine = coef != NULL && ex_is_int(coef, &a->step);
    }
    return true;
}

static LLVMValueRef address(Walk *w, const Access *a, LLVMValueRef index, bool in_bounds)
{
    return in_bounds ? LLVMBuildInBoundsGEP2(w->b, a->memory, a->base, &index, 1, "")
                     : LLVMBuildGEP2(w->b, a->memory, a->base, &index, 1, "");
}

static unsigned elem_align(const Access *a)
{
    return MAX(1u, elem_bits[a->elem] / 8u);
}

/* What lies in memory <-> the value. */
static LLVMValueRef from_memory(Walk *w, const Access *a, LLVMValueRef v)
{
    if (a->elem != ELEM_BOOL)
        return v;
    return LLVMBuildICmp(w->b, LLVMIntNE, v, LLVMConstNull(LLVMTypeOf(v)), "");
}

static LLVMValueRef to_memory(Walk *w, const Access *a, LLVMValueRef v)
{
    return a->elem == ELEM_BOOL ? LLVMBuildZExt(w->b, v, shaped(w, w->u->i8, v), "") : v;
}

/* ---- sub-byte elements ---- */

/* The element's bits out of the byte, sign-extended for signed types. */
static LLVMValueRef unpack(Walk *w, const Access *a, LLVMValueRef byte, LLVMValueRef index)
{
    unsigned bits = elem_bits[a->elem];
    LLVMTypeRef t = LLVMTypeOf(byte);
    LLVMValueRef sub = LLVMBuildAnd(w->b, index, const_of(LLVMTypeOf(index), a->per - 1), "");
    LLVMValueRef shift =
        LLVMBuildMul(w->b, LLVMBuildTrunc(w->b, sub, t, ""), const_of(t, bits), "");
    LLVMValueRef left = LLVMBuildSub(w->b, const_of(t, 8 - bits), shift, "");
    LLVMValueRef top = LLVMBuildShl(w->b, byte, left, "");

    return elem_is_signed(a->elem) ? LLVMBuildAShr(w->b, top, const_of(t, 8 - bits), "")
                                   : LLVMBuildLShr(w->b, top, const_of(t, 8 - bits), "");
}

static LLVMValueRef byte_index(Walk *w, const Access *a, LLVMValueRef index)
{
    return a->per == 1 ? index
                       : LLVMBuildLShr(w->b, index, const_of(LLVMTypeOf(index), a->per / 2), "");
}

/* Two threads may write the two halves of one byte: clear and set atomically. */
static void store_packed(Walk *w, const Access *a, LLVMValueRef index, LLVMValueRef v)
{
    unsigned bits = elem_bits[a->elem];
    LLVMTypeRef t = w->u->i8;
    LLVMValueRef at = address(w, a, byte_index(w, a, index), true);
    LLVMValueRef sub = LLVMBuildAnd(w->b, index, unit_i64(w->u, a->per - 1), "");
    LLVMValueRef shift =
        LLVMBuildMul(w->b, LLVMBuildTrunc(w->b, sub, t, ""), const_of(t, bits), "");
    LLVMValueRef ones = LLVMBuildShl(w->b, const_of(t, (1 << bits) - 1), shift, "");

    v = LLVMBuildAnd(w->b, v, const_of(t, (1 << bits) - 1), "");
    v = LLVMBuildShl(w->b, v, shift, "");
    LLVMBuildAtomicRMW(w->b, LLVMAtomicRMWBinOpAnd, at, LLVMBuildNot(w->b, ones, ""),
                       LLVMAtomicOrderingMonotonic, false);
    LLVMBuildAtomicRMW(w->b, LLVMAtomicRMWBinOpOr, at, v, LLVMAtomicOrderingMonotonic, false);
}

/* ---- scalar ---- */

static LLVMValueRef load_at(Walk *w, const Access *a, LLVMValueRef index)
{
    LLVMValueRef v =
        LLVMBuildLoad2(w->b, a->memory, address(w, a, byte_index(w, a, index), true), "");

    LLVMSetAlignment(v, elem_align(a));
    return a->per > 1 ? unpack(w, a, v, index) : from_memory(w, a, v);
}

static void store_at(Walk *w, const Access *a, LLVMValueRef index, LLVMValueRef v)
{
    if (a->per > 1) {
        store_packed(w, a, index, v);
        return;
    }
    v = LLVMBuildStore(w->b, to_memory(w, a, v), address(w, a, index, true));
    LLVMSetAlignment(v, elem_align(a));
}

LLVMBasicBlockRef when(Walk *w, LLVMValueRef cond)
{
    LLVMBasicBlockRef yes = new_block(w, "when"), after = new_block(w, "after");

    LLVMBuildCondBr(w->b, cond, yes, after);
    LLVMPositionBuilderAtEnd(w->b, yes);
    return after;
}

void leave(Walk *w, LLVMBasicBlockRef after)
{
    LLVMBuildBr(w->b, after);
    LLVMPositionBuilderAtEnd(w->b, after);
}

static LLVMValueRef load_uniform(Walk *w, const Access *a)
{
    LLVMValueRef index = emit_value(w, a->index), v[2], phi;
    LLVMBasicBlockRef from[2], after;

    if (w->mask == NULL)
        return load_at(w, a, index);
    from[1] = LLVMGetInsertBlock(w->b);
    after = when(w, any_lane(w, w->mask));
    v[0] = load_at(w, a, index);
    v[1] = LLVMConstNull(LLVMTypeOf(v[0]));
    from[0] = LLVMGetInsertBlock(w->b);
    leave(w, after);
    phi = LLVMBuildPhi(w->b, LLVMTypeOf(v[0]), "");
    LLVMAddIncoming(phi, v, from, 2);
    return phi;
}

/* ---- vectors ---- */

/* Masked accesses took their alignment as an argument up to LLVM 21, and take it as an attribute
 * of the pointer since. `at` is the pointer's position among the arguments. */
static LLVMValueRef call_masked(Walk *w, const char *name, LLVMTypeRef *types, LLVMValueRef *args,
                                unsigned n, unsigned at, unsigned align)
{
    Unit *u = w->u;
    LLVMValueRef fn = unit_intrinsic(u, name, types, 2), all[5], call;
    LLVMTypeRef t = LLVMGlobalGetValueType(fn);
    unsigned k = 0;
    bool by_argument = LLVMCountParamTypes(t) == n + 1;

    for (unsigned i = 0; i < n; i++) {
        all[k++] = args[i];
        if (i == at && by_argument)
            all[k++] = unit_i32(u, align);
    }
    call = LLVMBuildCall2(w->b, t, fn, all, k, "");
    if (!by_argument)
        LLVMAddCallSiteAttribute(
            call, at + 1,
            LLVMCreateEnumAttribute(u->cx, LLVMGetEnumAttributeKindForName("align", 5), align));
    return call;
}

static LLVMValueRef load_vector(Walk *w, const Access *a, LLVMValueRef index)
{
    LLVMTypeRef t = LLVMVectorType(a->memory, w->width), types[2] = {t, w->u->ptr};
    LLVMValueRef v, args[3];

    if (w->mask != NULL) {
        args[0] = address(w, a, index, false);
        args[1] = w->mask;
        args[2] = LLVMConstNull(t);
        return call_masked(w, "llvm.masked.load", types, args, 3, 0, elem_align(a));
    }
    v = LLVMBuildLoad2(w->b, t, address(w, a, index, true), "");
    LLVMSetAlignment(v, elem_align(a));
    return v;
}

static LLVMValueRef shuffle(Walk *w, LLVMValueRef x, LLVMValueRef y, const int *lanes, unsigned n)
{
    LLVMValueRef at[64];

    for (unsigned i = 0; i < n; i++)
        at[i] = unit_i32(w->u, lanes[i]);
    return LLVMBuildShuffleVector(w->b, x, y, LLVMConstVector(at, n), "");
}

/* Step -1: one vector, reversed. Step 2: two vectors that overlap in one element, so that nothing
 * beyond the last lane's element is touched. */
static LLVMValueRef load_shuffled(Walk *w, const Access *a, LLVMValueRef first)
{
    int n = (int)w->width, lanes[64];
    LLVMValueRef x, y;

    if (a->step == -1) {
        x = load_vector(w, a, LLVMBuildNSWSub(w->b, first, unit_i64(w->u, n - 1), ""));
        for (int i = 0; i < n; i++)
            lanes[i] = n - 1 - i;
        return shuffle(w, x, LLVMGetPoison(LLVMTypeOf(x)), lanes, w->width);
    }
    x = load_vector(w, a, first);
    y = load_vector(w, a, LLVMBuildNSWAdd(w->b, first, unit_i64(w->u, n - 1), ""));
    for (int i = 0; i < n; i++)
        lanes[i] = 2 * i < n ? 2 * i : 2 * i - (n - 1) + n;
    return shuffle(w, x, y, lanes, w->width);
}

/* Pairs of packed 4-bit elements: half as many bytes, taken apart and interleaved. */
static LLVMValueRef load_nibbles(Walk *w, const Access *a, LLVMValueRef first)
{
    LLVMTypeRef t = LLVMVectorType(w->u->i8, w->width / 2);
    LLVMValueRef byte, lo, hi, four = const_of(t, 4);
    int lanes[64];

    byte = LLVMBuildLoad2(w->b, t, address(w, a, byte_index(w, a, first), true), "");
    LLVMSetAlignment(byte, 1);
    if (elem_is_signed(a->elem)) {
        lo = LLVMBuildAShr(w->b, LLVMBuildShl(w->b, byte, four, ""), four, "");
        hi = LLVMBuildAShr(w->b, byte, four, "");
    } else {
        lo = LLVMBuildAnd(w->b, byte, const_of(t, 15), "");
        hi = LLVMBuildLShr(w->b, byte, four, "");
    }
    for (int i = 0; i < (int)w->width; i++)
        lanes[i] = i / 2 + (i % 2 != 0 ? (int)w->width / 2 : 0);
    return shuffle(w, lo, hi, lanes, w->width);
}

/* The index of each lane. */
static LLVMValueRef lane_index(Walk *w, LLVMValueRef indices, LLVMValueRef first, int64_t step,
                               unsigned lane)
{
    if (indices != NULL)
        return LLVMBuildExtractElement(w->b, indices, unit_i64(w->u, lane), "");
    return LLVMBuildNSWAdd(w->b, first, unit_i64(w->u, step * lane), "");
}

static LLVMValueRef load_gather(Walk *w, const Access *a, LLVMValueRef indices, LLVMValueRef first)
{
    LLVMTypeRef t = LLVMVectorType(a->memory, w->width);
    LLVMTypeRef types[2] = {t, LLVMVectorType(w->u->ptr, w->width)};
    LLVMValueRef args[3], v = NULL;

    if (w->mask != NULL || a->per > 1) {
        if (indices == NULL)
            indices = emit_value(w, a->index);
        args[0] = address(w, a, byte_index(w, a, indices), false);
        args[1] = w->mask != NULL ? w->mask : LLVMConstAllOnes(LLVMVectorType(w->u->i1, w->width));
        args[2] = LLVMConstNull(t);
        v = call_masked(w, "llvm.masked.gather", types, args, 3, 0, elem_align(a));
        return a->per > 1 ? unpack(w, a, v, indices) : from_memory(w, a, v);
    }
    for (unsigned i = 0; i < w->width; i++) {
        LLVMValueRef at = address(w, a, lane_index(w, indices, first, a->step, i), true);
        LLVMValueRef one = LLVMBuildLoad2(w->b, a->memory, at, "");

        LLVMSetAlignment(one, elem_align(a));
        if (v == NULL)
            v = LLVMGetPoison(t);
        v = LLVMBuildInsertElement(w->b, v, one, unit_i64(w->u, i), "");
    }
    return from_memory(w, a, v);
}

static bool is_pair_aligned(Walk *w, const Access *a)
{
    return a->per == 2 && w->mask == NULL && w->width % 2 == 0 && w->width > 1 &&
           ex_is(ex_floor_mod(w->pool, a->rest, ex_int(w->pool, 2)), 0);
}

LLVMValueRef emit_load(Walk *w, Ex e)
{
    Access a;
    LLVMValueRef first;

    if (!open_access(w, e->buf, e->arg[0], &a))
        return LLVMGetPoison(unit_type(w->u, e->elem));
    if (a.is_uniform)
        return load_uniform(w, &a);
    if (!a.is_affine || a.step == 0)
        return load_gather(w, &a, emit_value(w, a.index), NULL);
    first = emit_value(w, a.rest);
    if (a.per > 1)
        return a.step == 1 && is_pair_aligned(w, &a) ? load_nibbles(w, &a, first)
                                                     : load_gather(w, &a, NULL, first);
    if (a.step == 1)
        return from_memory(w, &a, load_vector(w, &a, first));
    if (w->mask == NULL && (a.step == -1 || (a.step == 2 && w->width % 2 == 0)))
        return from_memory(w, &a, load_shuffled(w, &a, first));
    return load_gather(w, &a, NULL, first);
}

/* ---- stores ---- */

static void store_vector(Walk *w, const Access *a, LLVMValueRef v)
{
    LLVMTypeRef types[2] = {LLVMVectorType(a->memory, w->width), w->u->ptr};
    LLVMValueRef at, args[3], first = emit_value(w, a->rest);

    at = address(w, a, first, w->mask == NULL);
    v = to_memory(w, a, splat(w, v));
    if (w->mask == NULL) {
        LLVMSetAlignment(LLVMBuildStore(w->b, v, at), elem_align(a));
        return;
    }
    args[0] = v;
    args[1] = at;
    args[2] = w->mask;
    call_masked(w, "llvm.masked.store", types, args, 3, 1, elem_align(a));
}

/* Lane after lane, in their order. */
static void store_lanes(Walk *w, const Access *a, LLVMValueRef v)
{
    LLVMValueRef indices = a->is_affine && a->step != 0 ? NULL : emit_value(w, a->index);
    LLVMValueRef first = indices == NULL ? emit_value(w, a->rest) : NULL;
    LLVMBasicBlockRef after = NULL;

    for (unsigned i = 0; i < w->width; i++) {
        LLVMValueRef lane = unit_i64(w->u, i);

        if (w->mask != NULL)
            after = when(w, LLVMBuildExtractElement(w->b, w->mask, lane, ""));
        store_at(w, a, lane_index(w, indices, first, a->step, i),
                 is_vector(v) ? LLVMBuildExtractElement(w->b, v, lane, "") : v);
        if (w->mask != NULL)
            leave(w, after);
    }
}

/* One place for all lanes: the last active lane's value stays. */
static void store_uniform(Walk *w, const Access *a, LLVMValueRef v)
{
    LLVMValueRef index = emit_value(w, a->index);
    LLVMBasicBlockRef after;

    if (w->mask == NULL) {
        if (is_vector(v))
            v = LLVMBuildExtractElement(w->b, v, unit_i64(w->u, w->width - 1), "");
        store_at(w, a, index, v);
        return;
    }
    for (unsigned i = 0; i < w->width && is_vector(v); i++) {
        LLVMValueRef lane = unit_i64(w->u, i);

        after = when(w, LLVMBuildExtractElement(w->b, w->mask, lane, ""));
        store_at(w, a, index, LLVMBuildExtractElement(w->b, v, lane, ""));
        leave(w, after);
    }
    if (!is_vector(v)) {
        after = when(w, any_lane(w, w->mask));
        store_at(w, a, index, v);
        leave(w, after);
    }
}

void emit_store(Walk *w, const Buf *b, Ex index, LLVMValueRef value)
{
    Access a;

    if (!open_access(w, b, index, &a))
        return;
    if (a.is_uniform)
        store_uniform(w, &a, value);
    else if (a.is_affine && a.step == 1 && a.per == 1)
        store_vector(w, &a, value);
    else
        store_lanes(w, &a, value);
}
