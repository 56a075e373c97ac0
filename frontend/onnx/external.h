/* External data: tensor bytes in files beside the model. The model is untrusted, so a location may
 * name a regular file below the model's directory and nothing else: no absolute path, no "..", no
 * symbolic link, no hard link to something elsewhere, no device, no FIFO. */
#ifndef MLC_ONNX_EXTERNAL_H
#define MLC_ONNX_EXTERNAL_H

#include "ir/base/ctx.h"
#include "ir/base/file.h"
#include "ir/base/map.h"

typedef struct External {
    Ctx *ctx;
    Arena *arena;      /* mappings live as long as this one */
    const char *model; /* path of the model, for messages and its directory */
    const char *root;  /* trusted directory or NULL, see OnnxLimits.external_data_root */
    Map files;         /* location -> FileMap *; each file is mapped once */
} External;

/* The keys of TensorProto.external_data that were given; NULL otherwise. */
typedef struct ExternalRef {
    const char *location, *offset, *length;
} ExternalRef;

External external_new(Ctx *c, Arena *a, const char *model, const char *root);

/* The `need` bytes that `ref` names, checked to lie inside the file: the file, and the offset in
 * it. `tensor` is for messages. Errors: E0106 with MLC_INPUT; E0002 with MLC_SYSTEM where the
 * file is absent or unreadable. */
Status external_find(External *e, const char *tensor, const ExternalRef *ref, size_t need,
                     const FileMap **file, size_t *offset);

/* Maps a file that is unmapped when the arena is freed. */
Status file_map_in(Ctx *c, Arena *a, const char *path, const FileMap **out);

#endif
