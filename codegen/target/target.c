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

/* ---- several in one artifact ---- */

static int bits_of(uint32_t v)
{
    int n = 0;
    for (; v; v &= v - 1)
        n++;
    return n;
}

/* The more a target asks of the CPU, the better it fits where it runs at all. */
static bool fits_better(const TargetDesc *a, const TargetDesc *b)
{
    int x = bits_of(a->cpu_bits), y = bits_of(b->cpu_bits);
    return x != y ? x > y : a->vector_bits > b->vector_bits;
}

static Status check_together(Ctx *c, const char *list, const TargetDesc *t, int n)
{
    for (int i = 0; i < n; i++) {
        if (t[i].kind != TARGET_OBJECT)
            return diag_error(c, E0402, (Loc){0}, MLC_USAGE,
                              "target '%s' makes no object: it stands alone, not in '%s'",
                              t[i].name, list);
        if (!str_eq(t[i].arch, t[0].arch))
            return diag_error(c, E0402, (Loc){0}, MLC_USAGE,
                              "targets '%s' (%s) and '%s' (%s) are of different architectures, "
                              "which one artifact cannot hold",
                              t[0].name, t[0].arch, t[i].name, t[i].arch);
        for (int k = 0; k < i; k++)
            if (t[k].cpu_bits == t[i].cpu_bits)
                return diag_error(c, E0402, (Loc){0}, MLC_USAGE,
                                  "targets '%s' and '%s' need the same CPU: only one of them would "
                                  "ever run",
                                  t[k].name, t[i].name);
    }
    return MLC_OK;
}

Status target_find_all(Ctx *c, Arena *a, const char *list, TargetDesc *out, int *n)
{
    *n = 0;
    for (const char *at = list;; at++) {
        size_t len = strcspn(at, ",");
        if (*n == MAX_TARGETS)
            return diag_error(c, E0401, (Loc){0}, MLC_USAGE, "'%s' names more than %d targets",
                              list, MAX_TARGETS);
        TRY(target_find(c, arena_strndup(a, at, len), &out[(*n)++]));
        at += len;
        if (!*at)
            break;
    }
    if (*n == 1)
        return MLC_OK;
    TRY(check_together(c, list, out, *n));
    for (int i = 1; i < *n; i++)
        for (int k = i; k > 0 && fits_better(&out[k], &out[k - 1]); k--) {
            TargetDesc t = out[k];
            out[k] = out[k - 1];
            out[k - 1] = t;
        }
    return MLC_OK;
}
