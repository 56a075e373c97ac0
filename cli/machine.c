/* Facts about this machine, read from /proc and /sys. A file that is absent is a fact unknown. */
#include "cli/machine.h"

#include "ir/base/str.h"
#include "runtime/rt.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The first bytes of a file, which may lie in /proc and have no size; NULL: not readable. */
static char *head(Arena *a, const char *path)
{
    enum { MOST = 1 << 14 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = arena_alloc(a, MOST + 1, 1);
    size_t n = 0;
    for (ssize_t got; n < MOST && (got = read(fd, text + n, MOST - n)) > 0;)
        n += (size_t)got;
    close(fd);
    text[n] = 0;
    return text;
}

/* The value of the first line "KEY : VALUE", or NULL. */
static const char *value_of(Arena *a, const char *text, const char *key)
{
    for (const char *line = text; line && *line;) {
        size_t n = strcspn(line, "\n");
        const char *colon = memchr(line, ':', n);
        if (colon && strncmp(line, key, strlen(key)) == 0 &&
            strspn(line + strlen(key), " \t") == (size_t)(colon - line) - strlen(key)) {
            const char *value = colon + 1 + strspn(colon + 1, " \t");
            return arena_strndup(a, value, (size_t)(line + n - MIN(value, line + n)));
        }
        line += n + (line[n] != 0);
    }
    return NULL;
}

const char *machine_cpu(Arena *a)
{
    const char *model = value_of(a, head(a, "/proc/cpuinfo"), "model name");
    struct utsname u;
    if (model && *model)
        return model;
    return uname(&u) == 0 ? arena_strdup(a, u.machine) : "unknown";
}

const char *const *machine_features(Arena *a, size_t *n)
{
    static const char *const known[] = {
        /* x86 */
        "sse4_2", "avx", "avx2", "fma", "f16c", "bmi2", "avx_vnni", "avx512f", "avx512bw",
        "avx512cd", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16",
        "amx_tile", "amx_int8", "amx_bf16",
        /* Arm */
        "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2", "sme",
    };
    const char *info = head(a, "/proc/cpuinfo");
    const char *flags = value_of(a, info, "flags");
    if (!flags)
        flags = value_of(a, info, "Features");
    const char **found = NEW_ARRAY(a, const char *, COUNT_OF(known));
    const char *padded = arena_printf(a, " %s ", flags ? flags : "");
    *n = 0;
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strstr(padded, arena_printf(a, " %s ", known[i])))
            found[(*n)++] = known[i];
    return found;
}

/* "48K" in a file of sysfs. */
static int64_t cache_size(const char *text)
{
    char *end;
    int64_t v = text ? strtoll(text, &end, 10) : 0;
    if (v <= 0 || v > INT64_MAX >> 20)
        return 0;
    return *end == 'K' ? v << 10 : *end == 'M' ? v << 20 : v;
}

static int64_t known_cache(int name) { return MAX((int64_t)sysconf(name), 0); }

MachineCaches machine_caches(Arena *a)
{
    int64_t bytes[4] = {0, known_cache(_SC_LEVEL1_DCACHE_SIZE), known_cache(_SC_LEVEL2_CACHE_SIZE),
                        known_cache(_SC_LEVEL3_CACHE_SIZE)};
    for (int i = 0; i < 8; i++) {
        const char *dir = arena_printf(a, "/sys/devices/system/cpu/cpu0/cache/index%d", i);
        const char *type = head(a, arena_printf(a, "%s/type", dir));
        const char *level = head(a, arena_printf(a, "%s/level", dir));
        int k = level ? *level - '0' : 0;
        if (type && *type != 'I' && k >= 1 && k <= 3 && bytes[k] == 0)
            bytes[k] = cache_size(head(a, arena_printf(a, "%s/size", dir)));
    }
    return (MachineCaches){bytes[1], bytes[2], bytes[3]};
}

MachineCores machine_cores(void)
{
    MachineCores c = {.online = (int)sysconf(_SC_NPROCESSORS_ONLN), .usable = mlc_rt_cores()};
    cpu_set_t set;
    CPU_ZERO(&set);
    c.affinity = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : c.online;
    return c;
}

/* "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue ...": the first word with a dot
 * after a digit. */
static const char *driver_version(Arena *a, char *line)
{
    char *save;
    line[strcspn(line, "\n")] = 0;
    for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save))
        if (*w >= '0' && *w <= '9' && strchr(w, '.'))
            return arena_strdup(a, w);
    return "of unknown version";
}

MachineGpu machine_gpu(Arena *a)
{
    char *text = head(a, "/proc/driver/nvidia/version");
    void *library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
    MachineGpu g = {.driver = text ? driver_version(a, text) : NULL, .library = library != NULL};
    if (library)
        dlclose(library);
    return g;
}
