/* SPDX-License-Identifier: 0BSD
 *
 * How many cores this process may use: its affinity mask, cut by the CPU quota of its control group
 * and of every group above it (version 2: cpu.max, "quota period" or "max period"; version 1:
 * cpu.cfs_quota_us, -1 without a limit, and cpu.cfs_period_us). A quota of 1.5 CPUs counts as 2. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* CPU_COUNT */
#endif
#include "runtime/rt.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

enum { TEXT_MAX = 4096, PATH_LIMIT = 1024 };

/* The first bytes of a file as a string; its length, 0 when it cannot be read. */
static int read_text(const char *path, char *text, int size)
{
    int n = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        while (n < size - 1) {
            ssize_t got = read(fd, text + n, (size_t)(size - 1 - n));
            if (got <= 0)
                break;
            n += (int)got;
        }
        close(fd);
    }
    text[n] = 0;
    return n;
}

/* A decimal number at *s, which moves past it; -1 when there is none. */
static int64_t read_number(const char **s)
{
    int64_t v = -1;
    while (**s == ' ' || **s == '\n')
        (*s)++;
    for (; **s >= '0' && **s <= '9'; (*s)++)
        v = v > INT64_MAX / 16 ? v : (v < 0 ? 0 : v) * 10 + (**s - '0');
    return v;
}

/* to + at = from; false when it does not fit. */
static int append(char *to, int *at, const char *from, int n)
{
    if (*at + n >= PATH_LIMIT)
        return 0;
    for (int i = 0; i < n; i++)
        to[*at + i] = from[i];
    *at += n;
    to[*at] = 0;
    return 1;
}

static int length(const char *s)
{
    int n = 0;
    while (s[n])
        n++;
    return n;
}

/* CPUs of the quota in `dir` (length n), or -1: none. `dir` has room for a file name. */
static int quota_of(char *dir, int n, int version)
{
    char        text[64];
    const char *s = text;
    int         at = n;
    int64_t     quota, period;
    const char *name = version == 2 ? "/cpu.max" : "/cpu.cfs_quota_us";
    if (!append(dir, &at, name, length(name)) || !read_text(dir, text, sizeof text))
        return -1;
    quota = read_number(&s);
    if (version == 1) {
        at = n;
        if (!append(dir, &at, "/cpu.cfs_period_us", 18) || !read_text(dir, text, sizeof text))
            return -1;
        s = text;
    }
    period = read_number(&s);
    if (quota <= 0 || period <= 0)
        return -1;
    int64_t cpus = quota / period + (quota % period != 0);
    return cpus > 1 << 20 ? 1 << 20 : (int)cpus;
}

/* The smallest quota from the group `path` (length n) up to the root of the hierarchy `root`. */
static int quota_upwards(const char *root, const char *path, int n, int version)
{
    char dir[PATH_LIMIT];
    int  least = -1;
    for (;;) {
        int at = 0;
        while (n > 0 && path[n - 1] == '/')
            n--;
        if (append(dir, &at, root, length(root)) && append(dir, &at, path, n)) {
            int cpus = quota_of(dir, at, version);
            if (cpus > 0 && (least < 0 || cpus < least))
                least = cpus;
        }
        if (n == 0)
            return least;
        while (n > 0 && path[n - 1] != '/')
            n--;
    }
}

/* Is `cpu` one of the comma-separated names in [s, end)? */
static int names_cpu(const char *s, const char *end)
{
    for (; s < end; s++) {
        const char *begin = s;
        while (s < end && *s != ',')
            s++;
        if (s - begin == 3 && begin[0] == 'c' && begin[1] == 'p' && begin[2] == 'u')
            return 1;
    }
    return 0;
}

/* Lines of /proc/self/cgroup are "number:controllers:path"; no controllers: version 2. */
static int quota(void)
{
    char        text[TEXT_MAX];
    int         least = -1;
    const char *line = text;
    read_text("/proc/self/cgroup", text, sizeof text);
    while (*line) {
        const char *end = line, *names, *path;
        while (*end && *end != '\n')
            end++;
        for (names = line; names < end && *names != ':'; names++)
            ;
        names += names < end;
        for (path = names; path < end && *path != ':'; path++)
            ;
        if (path < end) {
            int v2 = path == names, cpus = -1;
            if (v2)
                cpus = quota_upwards("/sys/fs/cgroup", path + 1, (int)(end - path - 1), 2);
            else if (names_cpu(names, path))
                cpus = quota_upwards("/sys/fs/cgroup/cpu", path + 1, (int)(end - path - 1), 1);
            if (cpus > 0 && (least < 0 || cpus < least))
                least = cpus;
        }
        line = *end ? end + 1 : end;
    }
    return least;
}

int mlc_rt_cores(void)
{
    cpu_set_t set;
    int       n = 0, cpus = quota();
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    else
        n = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (cpus > 0 && cpus < n)
        n = cpus;
    return n > 0 ? n : 1;
}
