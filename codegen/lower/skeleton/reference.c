/* The reference skeleton: plain loops, in the order in which the stage names its axes. It takes
 * every stage; scans and scatters run their ordered part serially. */
#include "codegen/lower/schedule.h"

Stmt *reference_nest(Lowering *l, const Stage *s)
{
    return kernel_from_stage(l->arena, l->pool, s, "reference")->body;
}

Status skeleton_reference(Lowering *l, Stage *s)
{
    Kernel *k = kernel_from_stage(l->arena, l->pool, s, "reference");
    return lower_emit(l, s, "reference", s->nred ? "reduce" : "map", k->body, k->macs);
}
