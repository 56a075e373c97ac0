/* Files: mapped input, and output that appears whole or not at all. */
#ifndef MLC_FILE_H
#define MLC_FILE_H

#include "ir/base/base.h"

/* A read-only mapping. An empty file has size 0 and a non-NULL `data`. */
typedef struct FileMap {
    const char    *path;
    const uint8_t *data;
    size_t         size;
    int            fd; /* stays open so that weights can be handed on by descriptor and offset */
} FileMap;

/* Maps a regular file (or reads "-", stdin, into memory). Errors: E0002, MLC_SYSTEM. */
Status file_map(Ctx *c, const char *path, FileMap *out);
/* Maps an open descriptor, which it takes over. `path` is for messages. */
Status file_map_fd(Ctx *c, int fd, const char *path, FileMap *out);
void   file_unmap(FileMap *m);

/* Output under a temporary name in the same directory, renamed by file_out_commit(). */
typedef struct FileOut {
    const char *path;
    char       *tmp_path; /* malloc'ed */
    int         fd;
    bool        failed;
    bool        scratch; /* of this process alone: commit need not reach the disk */
} FileOut;

Status file_out_open(Ctx *c, const char *path, FileOut *out);
Status file_out_write(Ctx *c, FileOut *out, const void *data, size_t size);
/* All of it is on the disk, and the file closed. Where several files belong together, each is
 * finished before the first is committed: a full disk then leaves all old ones. */
Status file_out_finish(Ctx *c, FileOut *out);
/* Finishes, and renames. */
Status file_out_commit(Ctx *c, FileOut *out);
/* Removes the temporary file; harmless after commit. */
void   file_out_abort(FileOut *out);
/* Async-signal-safe: removes every temporary file that is open now. */
void   file_out_abort_all(void);
/* Open, write, commit. */
Status file_write(Ctx *c, const char *path, const void *data, size_t size);

/* Bytes of a file. E0002, MLC_SYSTEM. */
Status file_size(Ctx *c, const char *path, int64_t *out);

/* "dir/base.ext" -> "base"; "dir/base.ext" -> "dir" ("." without a slash). In arena. */
const char *path_stem(Arena *a, const char *path);
const char *path_dir(Arena *a, const char *path);
const char *path_base(const char *path);

/* Monotonic time in nanoseconds. */
int64_t clock_ns(void);

#endif
