#include "ir/base/file.h"

#include "ir/base/arena.h"
#include "ir/base/ctx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static Status cannot_read(Ctx *c, const char *path, const char *why)
{
    return diag_error(c, E0002, (Loc){.file = path}, MLC_SYSTEM, "cannot read '%s': %s", path, why);
}

static Status cannot_write(Ctx *c, const char *path, const char *why)
{
    return diag_error(c, E0003, (Loc){.file = path}, MLC_SYSTEM, "cannot write '%s': %s", path,
                      why);
}

/* A pipe has no size to map: it is copied into an unlinked file first, at most 4 GiB of it. */
static int spool(int fd)
{
    int out = memfd_create("mlc-input", MFD_CLOEXEC);
    if (out < 0)
        return -1;
    char buf[65536];
    off_t total = 0;
    ssize_t n;
    while ((n = read(fd, buf, sizeof buf)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || (total += n) > ((off_t)4 << 30) || write(out, buf, (size_t)n) != n) {
            close(out);
            return -1;
        }
    }
    return out;
}

Status file_map_fd(Ctx *c, int fd, const char *path, FileMap *out)
{
    *out = (FileMap){.path = path, .fd = fd};
    struct stat st;
    if (fstat(fd, &st) != 0) {
        close(fd);
        return cannot_read(c, path, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        close(fd);
        return cannot_read(c, path, "is a directory");
    }
    if (!S_ISREG(st.st_mode)) {
        int spooled = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) ? spool(fd) : -1;
        close(fd);
        if (spooled < 0 || fstat(spooled, &st) != 0)
            return cannot_read(c, path, "not a regular file");
        out->fd = spooled;
    }
    out->size = (size_t)st.st_size;
    if (out->size == 0) {
        out->data = (const uint8_t *)"";
        return MLC_OK;
    }
    void *p = mmap(NULL, out->size, PROT_READ, MAP_PRIVATE, out->fd, 0);
    if (p == MAP_FAILED) {
        close(out->fd);
        return cannot_read(c, path, strerror(errno));
    }
    out->data = p;
    return MLC_OK;
}

Status file_map(Ctx *c, const char *path, FileMap *out)
{
    /* O_NONBLOCK: opening a FIFO without a writer must not hang. */
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
                                    : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return cannot_read(c, path, strerror(errno));
    return file_map_fd(c, fd, path, out);
}

void file_unmap(FileMap *m)
{
    if (m->size)
        munmap((void *)m->data, m->size);
    if (m->data)
        close(m->fd);
    *m = (FileMap){0};
}

/* Temporary files that a signal handler must remove. A slot is free when its pointer is NULL. */
static char *volatile open_tmp[16];

static void remember(char *tmp)
{
    for (size_t i = 0; i < COUNT_OF(open_tmp); i++)
        if (!open_tmp[i]) {
            open_tmp[i] = tmp;
            return;
        }
}

static void forget(const char *tmp)
{
    for (size_t i = 0; i < COUNT_OF(open_tmp); i++)
        if (open_tmp[i] == tmp)
            open_tmp[i] = NULL;
}

void file_out_abort_all(void)
{
    for (size_t i = 0; i < COUNT_OF(open_tmp); i++)
        if (open_tmp[i])
            unlink(open_tmp[i]);
}

Status file_out_open(Ctx *c, const char *path, FileOut *out)
{
    *out = (FileOut){.path = path, .fd = -1};
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode))
        return cannot_write(c, path, "is a directory");
    if (exists && !S_ISREG(st.st_mode))
        return cannot_write(c, path, "is not a regular file"); /* a device would be replaced by one */
    if (asprintf(&out->tmp_path, "%s.XXXXXX.tmp", path) < 0)
        ctx_out_of_memory(c, strlen(path) + 12);
    remember(out->tmp_path);
    out->fd = mkostemps(out->tmp_path, 4, O_CLOEXEC);
    if (out->fd < 0) {
        int err = errno;
        forget(out->tmp_path);
        free(out->tmp_path);
        out->tmp_path = NULL;
        return cannot_write(c, path, strerror(err));
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(out->fd, 0666 & ~mask);
    return MLC_OK;
}

Status file_out_write(Ctx *c, FileOut *out, const void *data, size_t size)
{
    const char *p = data;
    while (size) {
        ssize_t n = write(out->fd, p, MIN(size, (size_t)1 << 30));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            out->failed = true;
            return cannot_write(c, out->path, n < 0 ? strerror(errno) : "no progress");
        }
        p += n;
        size -= (size_t)n;
    }
    return MLC_OK;
}

Status file_out_finish(Ctx *c, FileOut *out)
{
    assert(!out->failed);
    if (out->fd < 0)
        return MLC_OK;
    int err = out->scratch || fsync(out->fd) == 0 ? 0 : errno;
    if (close(out->fd) != 0 && !err)
        err = errno;
    out->fd = -1;
    out->failed = err != 0;
    return err ? cannot_write(c, out->path, strerror(err)) : MLC_OK;
}

Status file_out_commit(Ctx *c, FileOut *out)
{
    const char *path = out->path;
    Status s = file_out_finish(c, out);
    if (s == MLC_OK && rename(out->tmp_path, path) != 0)
        s = cannot_write(c, path, strerror(errno));
    if (s == MLC_OK) {
        forget(out->tmp_path);
        free(out->tmp_path);
        out->tmp_path = NULL;
    } else {
        file_out_abort(out);
    }
    return s;
}

void file_out_abort(FileOut *out)
{
    if (out->fd >= 0)
        close(out->fd);
    if (out->tmp_path && (unlink(out->tmp_path) == 0 || errno == ENOENT)) {
        forget(out->tmp_path);
        free(out->tmp_path);
    } /* else file_out_abort_all() tries again */
    *out = (FileOut){.fd = -1};
}

Status file_write(Ctx *c, const char *path, const void *data, size_t size)
{
    FileOut out;
    TRY(file_out_open(c, path, &out));
    Status s = file_out_write(c, &out, data, size);
    if (s == MLC_OK)
        return file_out_commit(c, &out);
    file_out_abort(&out);
    return s;
}

Status file_size(Ctx *c, const char *path, int64_t *out)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return cannot_read(c, path, strerror(errno));
    *out = (int64_t)st.st_size;
    return MLC_OK;
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *path_stem(Arena *a, const char *path)
{
    const char *base = path_base(path);
    const char *dot = strrchr(base, '.');
    return arena_strndup(a, base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
}

const char *path_dir(Arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
