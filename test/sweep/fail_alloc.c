/* Refuses the n-th request for memory. Linked with the unchanged objects of a program by
 *
 *     gcc $(OBJECTS) fail_alloc.o -Wl,--wrap=malloc -Wl,--wrap=calloc ...        (make/sweep.mk)
 *
 * so that the program under test is what users run, and they pay nothing. Every request of an arena
 * counts (ctx_charge(), whether or not it needs a new block), and every direct call of the C library's
 * allocating functions.
 *
 *     MLC_FAIL_ALLOC=N    refuse request N and no other; 0: only count
 *     MLC_FAIL_LOG=FILE   gets "refused N" when it was, and "requests N" when the program exits */
#include "ir/base/ctx.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int64_t refuse_at = -1, requests;

static void say(const char *what, int64_t n)
{
    char line[64];
    const char *path = getenv("MLC_FAIL_LOG");
    if (!path)
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int len = snprintf(line, sizeof line, "%s %lld\n", what, (long long)n);
    if (fd < 0 || write(fd, line, (size_t)len) != len)
        _exit(99);
    close(fd);
}

static bool refused(void)
{
    requests++;
    if (refuse_at < 0) {
        const char *at = getenv("MLC_FAIL_ALLOC");
        refuse_at = at ? strtoll(at, NULL, 10) : 0;
    }
    if (requests != refuse_at)
        return false;
    say("refused", requests);
    errno = ENOMEM;
    return true;
}

__attribute__((destructor)) static void say_requests(void)
{
    say("requests", requests);
}

/* Prototypes of both names, and the first calls the second unless the request is refused. */
#define WRAP(type, name, params, args, none)   \
    type __real_##name params;                 \
    type __wrap_##name params;                 \
    type __wrap_##name params                  \
    {                                          \
        return refused() ? none : __real_##name args; \
    }

WRAP(void *, malloc, (size_t n), (n), NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), NULL)
WRAP(void *, realloc, (void *p, size_t n), (p, n), NULL)
WRAP(void *, aligned_alloc, (size_t align, size_t n), (align, n), NULL)
WRAP(char *, strdup, (const char *s), (s), NULL)
WRAP(char *, strndup, (const char *s, size_t n), (s, n), NULL)
WRAP(char *, realpath, (const char *path, char *out), (path, out), NULL)
WRAP(int, vasprintf, (char **out, const char *fmt, va_list ap), (out, fmt, ap), -1)
WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL)
WRAP(FILE *, fdopen, (int fd, const char *mode), (fd, mode), NULL)
WRAP(DIR *, opendir, (const char *path), (path), NULL)
WRAP(ssize_t, getline, (char **line, size_t *room, FILE *f), (line, room, f), -1)

int __wrap_asprintf(char **out, const char *fmt, ...) PRINTF_LIKE(2, 3);
int __wrap_asprintf(char **out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = __wrap_vasprintf(out, fmt, ap);
    va_end(ap);
    return n;
}

/* Arenas: the hook in Ctx makes each request pass ctx_charge(); it never fires by itself. Programs
 * without arenas lack these. */
__attribute__((weak)) void __real_ctx_init(Ctx *c);
__attribute__((weak)) void __real_ctx_charge(Ctx *c, size_t bytes);
__attribute__((weak)) void ctx_out_of_memory(Ctx *c, size_t bytes);
void __wrap_ctx_init(Ctx *c);
void __wrap_ctx_init(Ctx *c)
{
    __real_ctx_init(c);
    c->fail_alloc_at = INT64_MAX;
}

void __wrap_ctx_charge(Ctx *c, size_t bytes);
void __wrap_ctx_charge(Ctx *c, size_t bytes)
{
    if (refused())
        ctx_out_of_memory(c, bytes);
    __real_ctx_charge(c, bytes);
}
