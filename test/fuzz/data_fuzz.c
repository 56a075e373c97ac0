/* Bytes -> the readers of tensors, by kind as `mlc run --input` chooses: .npy, .npz, idx, TensorProto.
 * Every element of what is accepted is read, and it is written and read back as .npy and .pb. */
#include "frontend/data/data.h"
#include "ir/base/str.h"
#include "test/fuzz/fuzz.h"

#include <unistd.h>

/* All bytes that a tensor claims to have are there. */
static uint64_t sum(const Tensor *t)
{
    uint64_t s = 0;
    int64_t n = tensor_count(t);
    if (t->elem == ELEM_STRING) {
        for (int64_t i = 0; i < n; i++)
            s += strlen(((const char *const *)t->data)[i]);
        return s;
    }
    for (size_t i = 0; i < t->size_bytes; i++)
        s += ((const uint8_t *)t->data)[i];
    return s;
}

static bool equal(const Tensor *a, const Tensor *b)
{
    bool same = a->elem == b->elem && a->rank == b->rank && a->size_bytes == b->size_bytes &&
                memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;
    if (!same || a->elem != ELEM_STRING)
        return same && memcmp(a->data, b->data, a->size_bytes) == 0;
    const char *const *s = a->data, *const *t = b->data;
    for (int64_t i = 0; i < tensor_count(a); i++)
        same &= str_eq(s[i], t[i]);
    return same;
}

static void check_tensor(FuzzInput *in, const char *path, const Tensor *t)
{
    enum { SMALL = 1 << 16 };
    static volatile uint64_t sink;
    const Tensor *back;
    const char *to = arena_printf(in->arena, "%s.out", path);
    sink += sum(t);
    if (t->size_bytes > SMALL)
        return;
    fuzz_check(tensor_write_pb(in->ctx, to, "t", t) == MLC_OK &&
                   tensor_read_pb(in->ctx, in->arena, to, NULL, &back, NULL) == MLC_OK &&
                   equal(t, back),
               "a tensor survives .pb");
    if (t->elem != ELEM_STRING)
        fuzz_check(npy_write(in->ctx, to, t) == MLC_OK &&
                       npy_read(in->ctx, in->arena, to, NULL, &back) == MLC_OK &&
                       back->rank == t->rank && tensor_count(back) == tensor_count(t),
                   "a tensor survives .npy");
    unlink(to);
}

static Status read_any(FuzzInput *in, const char *path, NamedTensors *out)
{
    NamedTensor t = {.name = ""};
    switch (data_kind(in->data, in->size)) {
    case DATA_NPZ:
        return npz_read(in->ctx, in->arena, path, NULL, out);
    case DATA_NPY:
        TRY(npy_read(in->ctx, in->arena, path, NULL, &t.tensor));
        break;
    case DATA_IDX:
    case DATA_GZIP:
        TRY(idx_read(in->ctx, in->arena, path, NULL, &t.tensor));
        break;
    case DATA_PB:
    case DATA_UNKNOWN:
        TRY(tensor_read_pb(in->ctx, in->arena, path, NULL, &t.tensor, &t.name));
        break;
    }
    vec_push(in->arena, out, t);
    return MLC_OK;
}

static Status body(FuzzInput *in)
{
    const char *path = fuzz_file(in->data, in->size, "data");
    NamedTensors all = {0};
    TRY(read_any(in, path, &all));
    for (size_t i = 0; i < all.len; i++)
        check_tensor(in, path, all.at[i].tensor);
    return MLC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_run(data, size, body);
}
