/* SPDX-License-Identifier: 0BSD
 *
 * Weights in a file of their own, mapped read-only. The file is a head (rt.h) and the bytes of the
 * weights section; head and artifact carry the same identity, a hash of these bytes. The bytes are
 * not read here: a file of the right size and identity is believed. */
#include "runtime/rt.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int same_bytes(const unsigned char *a, const unsigned char *b, int n)
{
    int same = 1;
    for (int i = 0; i < n; i++)
        same &= a[i] == b[i];
    return same;
}

static int is_ours(const mlc_rt_weights *w, const mlc_rt_weights_head *head)
{
    static const unsigned char magic[] = MLC_RT_WEIGHTS_MAGIC;
    return same_bytes(head->magic, magic, sizeof head->magic) && head->bytes == w->bytes &&
           same_bytes(head->identity, w->identity, sizeof w->identity);
}

/* Maps the file behind `fd`. */
static int map_file(const mlc_rt_weights *w, int fd, char **base)
{
    struct stat st;
    int64_t     size = w->bytes + (int64_t)sizeof(mlc_rt_weights_head);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return MLC_RUN_WEIGHTS;
    if ((int64_t)st.st_size != size)
        return MLC_RUN_MISMATCH;
    char *p = (char *)mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return MLC_RUN_MEMORY;
    if (!is_ours(w, (const mlc_rt_weights_head *)(const void *)p)) {
        munmap(p, (size_t)size);
        return MLC_RUN_MISMATCH;
    }
    *base = p + sizeof(mlc_rt_weights_head);
    return MLC_RUN_OK;
}

static void unmap(const mlc_rt_weights *w, char *base)
{
    if (base)
        munmap(base - sizeof(mlc_rt_weights_head),
               (size_t)w->bytes + sizeof(mlc_rt_weights_head));
}

int mlc_rt_load_weights(mlc_rt_weights *w, const char *path)
{
    char *base = NULL, *none = NULL;
    if (!path) {
        unmap(w, __atomic_exchange_n(&w->base, NULL, __ATOMIC_ACQ_REL));
        return MLC_RUN_OK;
    }
    if (__atomic_load_n(&w->base, __ATOMIC_ACQUIRE))
        return MLC_RUN_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return MLC_RUN_WEIGHTS;
    int code = map_file(w, fd, &base);
    close(fd);
    if (code == MLC_RUN_OK && !__atomic_compare_exchange_n(&w->base, &none, base, 0,
                                                           __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        unmap(w, base); /* another thread was faster */
    return code;
}
