/* Targets: one folder of codegen/target each, found by the build through the macro below.
 *
 *     TARGET(x86_avx2) = {.desc = {.name = "x86-avx2", ...}};
 *
 * `host` is not a record: it is the best record whose programs run on this machine. */
#ifndef MLC_CODEGEN_TARGET_H
#define MLC_CODEGEN_TARGET_H

#include "ir/base/ctx.h"
#include "ir/target.h"

typedef struct Target {
    TargetDesc desc;
    /* Can this machine run its programs without an emulator? NULL: always. */
    bool (*runs_here)(void);
    /* Adapts a copy of `desc` to this machine (x86-native). False: impossible here. NULL: nothing
     * to adapt. Such targets are never what `host` resolves to. */
    bool (*adapt)(TargetDesc *desc);
    int rank; /* `host` is the highest of those that run here; 0: never */
} Target;

/* The build finds records by this macro at the start of a line. */
#define TARGET(id)                   \
    extern const Target target_##id; \
    const Target target_##id

/* The index, generated, sorted by identifier. */
extern const Target *const target_table[];
extern const size_t        target_count;

/* The description for a name of `mlc list targets`, aliases resolved: `out->name` is then the
 * target that is meant. E0401 and MLC_USAGE for an unknown name (with "did you mean" and the
 * list), E0402 and MLC_SYSTEM when this machine cannot be described (host, native). */
Status target_find(Ctx *c, const char *name, TargetDesc *out);
/* The same for names with commas between them, best-fitting first: an artifact of several targets
 * runs the first that the CPU has all instructions of. E0402 and MLC_USAGE for targets that cannot
 * be in one artifact. */
enum { MAX_TARGETS = 8 };
Status target_find_all(Ctx *c, Arena *a, const char *list, TargetDesc *out, int *n);
/* Programs for the target run on this machine. */
bool target_runs_here(const TargetDesc *t);
/* The words target_find() knows, in the order of the list: *n of them. In arena `a`. */
const char *const *target_names(Arena *a, size_t *n);

#endif
