/* Finding targets by name. */
#include "codegen/target/target.h"

#include "ir/base/arena.h"
#include "ir/base/str.h"

#define X(id) extern const Target target_##id;
#include "targets.inc"
#undef X

const Target *const target_table[] = {
#define X(id) &target_##id,
#include "targets.inc"
#undef X
};
const size_t target_count = COUNT_OF(target_table);

/* Names that later versions give a meaning. */
static const char *const reserved[] = {
    "arm64-native", "nvptx-sm80",  "nvptx-sm90", "cortex-m0",  "cortex-m0plus",
    "cortex-m4",    "cortex-m4sf", "cortex-m7",  "cortex-m33", "cortex-m55", "riscv32",
};

static const Target *find(const char *name)
{
    for (size_t i = 0; i < target_count; i++)
        if (str_eq(target_table[i]->desc.name, name))
            return target_table[i];
    return NULL;
}

static bool runs_here(const Target *t) { return !t->runs_here || t->runs_here(); }

bool target_runs_here(const TargetDesc *t)
{
    const Target *target = find(t->name);
    return target && runs_here(target);
}

/* The best target of this machine, or NULL. */
static const Target *host(void)
{
    const Target *best = NULL;
    for (size_t i = 0; i < target_count; i++) {
        const Target *t = target_table[i];
        if (t->rank > (best ? best->rank : 0) && runs_here(t))
            best = t;
    }
    return best;
}

const char *const *target_names(Arena *a, size_t *n)
{
    const char **name = NEW_ARRAY(a, const char *, target_count + 1);
    *n = 0;
    for (size_t i = 0; i < target_count; i++)
        name[(*n)++] = target_table[i]->desc.name;
    name[(*n)++] = "host";
    return name;
}

static Status unknown(Ctx *c, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (str_eq(reserved[i], name))
            return diag_error(c, E0401, (Loc){0}, MLC_USAGE,
                              "target '%s' is not available in this version", name);
    if (strchr(name, ','))
        return diag_error(c, E0401, (Loc){0}, MLC_USAGE,
                          "'%s': several targets in one artifact are not available in this version",
                          name);
    Arena *a = arena_new(c);
    size_t n;
    const char *const *known = target_names(a, &n);
    diag_report(c, E0401, (Loc){0}, "unknown target '%s'", name);
    const char *near = str_nearest(name, known, n);
    Str list = str_new(a);
    for (size_t i = 0; i < n; i++)
        str_printf(&list, "%s%s", i ? ", " : "", known[i]);
    diag_help(c, near ? "did you mean '%s'?" : "the targets are %s", near ? near : str_text(&list));
    arena_free(a);
    return MLC_USAGE;
}

Status target_find(Ctx *c, const char *name, TargetDesc *out)
{
    bool is_host = str_eq(name, "host");
    const Target *t = is_host ? host() : find(name);
    if (!t && !is_host)
        return unknown(c, name);
    if (t)
        *out = t->desc;
    if (!t || (t->adapt && !t->adapt(out)))
        return diag_error(c, E0402, (Loc){0}, MLC_SYSTEM,
                          "target '%s': this machine's processor is none that mlc compiles for",
                          name);
    return MLC_OK;
}
