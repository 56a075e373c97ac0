/* Reading and writing tensors as people keep them: .pb (ONNX), .npy, .npz (NumPy), idx (MNIST).
 *
 * Files are untrusted. Everything is checked against the file's size before memory is taken;
 * errors are E0602 with MLC_INPUT, or E0002 with MLC_SYSTEM when the file cannot be read. */
#ifndef MLC_DATA_H
#define MLC_DATA_H

#include "ir/base/ctx.h"
#include "ir/base/vec.h"
#include "ir/expr/tensor.h"

/* A field that is 0 takes its default. */
typedef struct DataLimits {
    size_t max_bytes;     /* of one file, and of all its contents unpacked: 16 GiB */
    int64_t max_elements; /* of one tensor: 2^40 */
    int max_entries;      /* of an archive: 100,000 */
} DataLimits;

typedef struct NamedTensor {
    const char *name;
    const Tensor *tensor;
} NamedTensor;
typedef VEC(NamedTensor) NamedTensors;

/* What a file holds, by its first bytes. */
typedef enum DataKind { DATA_UNKNOWN, DATA_PB, DATA_NPY, DATA_NPZ, DATA_IDX, DATA_GZIP } DataKind;
DataKind data_kind(const uint8_t *data, size_t size);

/* An ONNX TensorProto, such as test_data_set_0/input_0.pb. *name: as in the file, "" if it has
 * none; `name` may be NULL. External data is refused. */
Status tensor_read_pb(Ctx *c, Arena *a, const char *path, const DataLimits *limits,
                      const Tensor **out, const char **name);
/* The same of bytes in memory, as in a pipe or a larger file. */
Status tensor_parse_pb(Ctx *c, Arena *a, const char *path, const uint8_t *data, size_t size,
                       const DataLimits *limits, const Tensor **out, const char **name);
Status tensor_write_pb(Ctx *c, const char *path, const char *name, const Tensor *t);

/* A SequenceProto, OptionalProto or MapProto as the tensors that stand for it (ir/ops/columns.h):
 * [has,] shapes, data or keys, values. `elem` is that of data and values. */
/* The name in a file of any of these messages or of a TensorProto; "" where it has none. */
Status data_name_pb(Ctx *c, Arena *a, const char *path, const char **name);
typedef enum ColumnForm { COLUMNS_LIST, COLUMNS_MAYBE_LIST, COLUMNS_MAPS } ColumnForm;
enum { COLUMN_WIDTH = 9 };
Status columns_read_pb(Ctx *c, Arena *a, const char *path, const DataLimits *limits, ColumnForm form,
                       Elem elem, const Tensor **out, const char **name);

/* Versions 1 to 3, little or big endian, C or Fortran order. Large data stays in the mapped file,
 * which lives as long as the arena. */
Status npy_read(Ctx *c, Arena *a, const char *path, const DataLimits *limits, const Tensor **out);
/* Types that NumPy lacks are written as unsigned integers of their size, 4-bit types unpacked. */
Status npy_write(Ctx *c, const char *path, const Tensor *t);

/* Every array of an archive, stored or deflated, in the order of the archive, without ".npy". */
Status npz_read(Ctx *c, Arena *a, const char *path, const DataLimits *limits, NamedTensors *out);

/* An idx file, plain or compressed with gzip. */
Status idx_read(Ctx *c, Arena *a, const char *path, const DataLimits *limits, const Tensor **out);

#endif
