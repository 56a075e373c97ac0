/* Temporary folders. The table of live ones is fixed in size and holds copies of the paths, and
 * removal uses system calls only, so that a signal handler may run it at any time. An entry counts
 * once its pid is set; a child after fork sees a foreign pid and leaves its parent's folders. */
#include "codegen/run/tempdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_DIRS = 64, MAX_PATH = 512, MAX_DEPTH = 8 };

static struct {
    volatile pid_t pid;
    char           path[MAX_PATH];
} dirs[MAX_DIRS];

typedef struct DirEntry { /* of getdents64 */
    uint64_t ino;
    int64_t  off;
    uint16_t size;
    uint8_t  type;
    char     name[];
} DirEntry;

static void empty_dir(int fd, int depth);

/* False: it is still there. */
static bool remove_entry(int dir, const char *name, int depth)
{
    if (unlinkat(dir, name, 0) == 0)
        return true;
    if ((errno != EISDIR && errno != EPERM) || depth == MAX_DEPTH)
        return errno == ENOENT;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        empty_dir(fd, depth + 1);
        close(fd);
    }
    return unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

static void empty_dir(int fd, int depth)
{
    _Alignas(DirEntry) char buf[4096];
    for (;;) {
        long n = syscall(SYS_getdents64, fd, buf, sizeof buf);
        if (n <= 0)
            return;
        for (long at = 0; at < n;) {
            const DirEntry *e = (const DirEntry *)(buf + at);
            if (strcmp(e->name, ".") != 0 && strcmp(e->name, "..") != 0)
                remove_entry(fd, e->name, depth);
            at += e->size;
        }
    }
}

static bool remove_tree(const char *path)
{
    return remove_entry(AT_FDCWD, path, 0);
}

Status temp_dir_make(Ctx *c, Arena *a, const char **path)
{
    const char *base = getenv("TMPDIR");
    return temp_dir_make_in(c, a, base && *base ? base : "/tmp", path);
}

Status temp_dir_make_in(Ctx *c, Arena *a, const char *base, const char **path)
{
    char *made = arena_printf(a, "%s/mlc-XXXXXX", base);
    if (!mkdtemp(made))
        return diag_error(c, E0003, (Loc){.file = base}, MLC_SYSTEM,
                          "cannot make a temporary folder: %s", strerror(errno));
    *path = made;
    if (strlen(made) >= MAX_PATH)
        return MLC_OK;
    pid_t self = getpid();
    for (int i = 0; i < MAX_DIRS; i++) {
        if (dirs[i].pid == self)
            continue;
        memcpy(dirs[i].path, made, strlen(made) + 1);
        dirs[i].pid = self;
        break;
    }
    return MLC_OK;
}

/* One that cannot be removed now stays in the table: temp_dir_remove_all() tries again. */
void temp_dir_remove(const char *path)
{
    pid_t self = getpid();
    bool gone = remove_tree(path);
    for (int i = 0; i < MAX_DIRS && gone; i++)
        if (dirs[i].pid == self && strcmp(dirs[i].path, path) == 0)
            dirs[i].pid = 0;
}

void temp_dir_remove_all(void)
{
    pid_t self = getpid();
    for (int i = 0; i < MAX_DIRS; i++)
        if (dirs[i].pid == self && (remove_tree(dirs[i].path) || remove_tree(dirs[i].path)))
            dirs[i].pid = 0;
}
