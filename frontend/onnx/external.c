#include "frontend/onnx/external.h"

#include "ir/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* openat2() resolves the whole path inside the kernel, so that nothing can be exchanged between
 * check and use. Where the kernel lacks it, the path is walked component by component with
 * O_NOFOLLOW, which gives the same guarantee without links. What is opened is then checked by its
 * descriptor. */

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

static void unmap_hook(void *map)
{
    file_unmap(map);
}

static FileMap *registered_map(Arena *a)
{
    FileMap *m = NEW(a, FileMap);
    arena_at_free(a, unmap_hook, m); /* harmless while nothing is mapped */
    return m;
}

Status file_map_in(Ctx *c, Arena *a, const char *path, const FileMap **out)
{
    FileMap *m = registered_map(a);
    FileMap opened;
    TRY(file_map(c, arena_strdup(a, path), &opened));
    *m = opened;
    *out = m;
    ctx_add_input(c, m->size);
    return MLC_OK;
}

External external_new(Ctx *c, Arena *a, const char *model, const char *root)
{
    return (External){.ctx = c, .arena = a, .model = model, .root = root, .files = map_new(a)};
}

static Status refuse(External *e, const char *tensor, const char *fmt, ...) PRINTF_LIKE(3, 4);
static Status refuse(External *e, const char *tensor, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *why = arena_vprintf(e->arena, fmt, ap);
    va_end(ap);
    return diag_error(e->ctx, E0106, (Loc){.file = e->model}, MLC_INPUT,
                      "external data of tensor '%s': %s", tensor, why);
}

/* ---- the location as text ---- */
static bool has_parent_component(const char *path)
{
    for (const char *p = path; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0'))
            return true;
    return false;
}

static Status check_location(External *e, const char *tensor, const char *loc)
{
    if (!loc || !*loc)
        return refuse(e, tensor, "no location is given");
    if (strstr(loc, "_ORT_MEM_ADDR_"))
        return refuse(e, tensor, "location '%s' is an address in the memory of another process",
                      loc);
    if (*loc == '/')
        return refuse(e, tensor, "location '%s' is an absolute path", loc);
    if (has_parent_component(loc))
        return refuse(e, tensor, "location '%s' leaves the model's directory", loc);
    return MLC_OK;
}

/* ---- opening ---- */
static int open_beneath(int dir, const char *path, uint64_t resolve)
{
    struct open_how how = {.flags = OPEN_FLAGS, .resolve = resolve};
    long fd;
    do {
        fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
    } while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    return (int)fd;
}

static int open_by_component(int dir, const char *path)
{
    char part[NAME_MAX + 1];
    int at = dup(dir);
    for (const char *p = path; at >= 0;) {
        size_t n = strcspn(p, "/");
        bool last = p[n] == '\0';
        if (n == 0 && !last) {
            p++;
            continue;
        }
        memcpy(part, p, MIN(n, (size_t)NAME_MAX));
        part[MIN(n, (size_t)NAME_MAX)] = '\0';
        int flags = (last ? OPEN_FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC) | O_NOFOLLOW;
        int next = n > NAME_MAX ? -1 : openat(at, part, flags);
        int err = n > NAME_MAX ? ENAMETOOLONG : errno;
        close(at);
        errno = err;
        if (last)
            return next;
        at = next;
        p += n + 1;
    }
    return -1;
}

/* Opens `path` below the directory `dir`. With links, only the kernel can keep it below. */
static int open_below(const char *dir, const char *path, bool links)
{
    int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return -1;
    uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    int fd = open_beneath(dirfd, path, resolve | (links ? 0 : RESOLVE_NO_SYMLINKS));
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        fd = open_by_component(dirfd, path);
    int err = errno;
    close(dirfd);
    errno = err;
    return fd;
}

/* `dir` relative to `root` when it lies below it, else NULL. Both real paths. */
static const char *relative_to(const char *root, const char *dir)
{
    size_t n = strlen(root);
    if (strncmp(root, dir, n) != 0)
        return NULL;
    if (dir[n] == '\0')
        return "";
    return dir[n] == '/' ? dir + n + 1 : (n == 1 ? dir + 1 : NULL);
}

/* With a trusted root, a model below it finds its data beside itself, anywhere below the root;
 * a model elsewhere finds it in the root. */
static int open_trusted(External *e, const char *dir, const char *loc)
{
    char root[PATH_MAX], base[PATH_MAX];
    if (!realpath(e->root, root))
        return -1;
    const char *rel = realpath(dir, base) ? relative_to(root, base) : NULL;
    const char *path = rel && *rel ? arena_printf(e->arena, "%s/%s", rel, loc) : loc;
    return open_below(root, path, true);
}

static Status cannot_open(External *e, const char *tensor, const char *loc)
{
    int err = errno;
    if (err == EXDEV || err == ELOOP || err == ENOTDIR) {
        refuse(e, tensor, "location '%s' %s", loc,
               err == EXDEV ? "leaves the directory" : "passes through a symbolic link or a file");
        diag_help(e->ctx, "if the file is trusted: --external-data-root DIR");
        return MLC_INPUT;
    }
    diag_error(e->ctx, E0002, (Loc){.file = e->model}, MLC_SYSTEM,
               "external data of tensor '%s': cannot read '%s': %s", tensor, loc, strerror(err));
    if (err == ENOENT)
        diag_help(e->ctx, "put '%s' beside the model", loc);
    return MLC_SYSTEM;
}

static Status check_opened(External *e, const char *tensor, const char *loc, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return cannot_open(e, tensor, loc);
    if (!S_ISREG(st.st_mode))
        return refuse(e, tensor, "'%s' is not a regular file", loc);
    if (st.st_nlink != 1 && !e->root) {
        refuse(e, tensor, "'%s' has %lu hard links: it may be a file from elsewhere", loc,
               (unsigned long)st.st_nlink);
        diag_help(e->ctx, "if the file is trusted: --external-data-root DIR");
        return MLC_INPUT;
    }
    return MLC_OK;
}

static Status map_location(External *e, const char *tensor, const char *loc, FileMap **out)
{
    if (strcmp(e->model, "-") == 0 && !e->root)
        return refuse(e, tensor, "a model from standard input has no directory");
    FileMap *m = registered_map(e->arena), opened; /* first: nothing may unwind while fd is open */
    const char *dir = path_dir(e->arena, e->model);
    loc = arena_strdup(e->arena, loc);
    int fd = e->root ? open_trusted(e, dir, loc) : open_below(dir, loc, false);
    if (fd < 0)
        return cannot_open(e, tensor, loc);
    Status s = check_opened(e, tensor, loc, fd);
    if (s != MLC_OK) {
        close(fd);
        return s;
    }
    TRY(file_map_fd(e->ctx, fd, loc, &opened));
    *m = opened;
    *out = m;
    ctx_add_input(e->ctx, m->size);
    return MLC_OK;
}

/* ---- the part of the file ---- */
/* A decimal number of at most 18 digits and nothing else. */
static bool decimal(const char *text, size_t *out)
{
    size_t n = strlen(text), v = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (size_t)(text[i] - '0');
    }
    *out = v;
    return n > 0 && n <= 18;
}

Status external_find(External *e, const char *tensor, const ExternalRef *ref, size_t need,
                     const FileMap **file, size_t *offset)
{
    size_t length = need;
    *offset = 0;
    TRY(check_location(e, tensor, ref->location));
    if (ref->offset && !decimal(ref->offset, offset))
        return refuse(e, tensor, "offset '%s' is not a number", ref->offset);
    if (ref->length && !decimal(ref->length, &length))
        return refuse(e, tensor, "length '%s' is not a number", ref->length);
    if (length != need)
        return diag_error(e->ctx, E0105, (Loc){.file = e->model}, MLC_INPUT,
                          "tensor '%s' takes %zu bytes, its external data has %zu", tensor, need,
                          length);
    FileMap *m = map_get(&e->files, ref->location);
    if (!m) {
        TRY(map_location(e, tensor, ref->location, &m));
        map_set(&e->files, arena_strdup(e->arena, ref->location), m);
    }
    if (*offset > m->size || need > m->size - *offset)
        return refuse(e, tensor, "bytes %zu to %zu of '%s' are asked for, it has %zu", *offset,
                      *offset + need, ref->location, m->size);
    *file = m;
    return MLC_OK;
}
