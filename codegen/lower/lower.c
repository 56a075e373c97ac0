#include "codegen/lower/lower.h"

#include "codegen/lower/lowering.h"
#include "codegen/lower/place.h"

/* Everything but what the programs of one artifact decide together: symbols and memory. */
static Status lower_one(Graph *g, const TargetDesc *t, const LowerOptions *o, Program **out)
{
    static const LowerOptions defaults = {.level = 2};
    Lowering l = {.graph = g, .ctx = g->ctx, .arena = g->arena, .pool = g->pool, .target = t,
                  .options = o ? o : &defaults};
    l.lanes = t->kind == TARGET_OBJECT && t->vector_bits >= 64 ? t->vector_bits / 32 : 1;
    l.kernel_by_key = map_new(l.arena);
    l.program = NEW(l.arena, Program);
    l.program->ctx = g->ctx;
    l.program->arena = g->arena;
    l.program->pool = g->pool;
    l.program->name = g->name;
    TRY(lower_collect(&l));
    lower_fuse(&l);
    if (l.options->level > 0 && l.lanes > 1)
        lower_separate(&l);
    lower_layout(&l);
    place_io(&l);
    TRY(lower_schedule(&l));
    if (t->kind == TARGET_C && program_has_control(l.program) &&
        !program_only_calls_user(l.program))
        return diag_error(g->ctx, E0205, (Loc){.file = g->file}, MLC_INPUT,
                          "target %s has no control flow and no sizes that the run finds out",
                          t->name);
    *out = l.program;
    return MLC_OK;
}

Status lower_graph_for(Graph *g, const TargetDesc *t, int n, const LowerOptions *o, Program **out)
{
    for (int k = 0; k < n; k++)
        TRY(lower_one(g, &t[k], o, &out[k]));
    place_symbols(g->arena, g->pool, out, n);
    program_plan_weights(g->ctx, out, n);
    for (int k = 0; k < n; k++) {
        program_plan_workspace(out[k]);
        TRY(program_verify(out[k]));
    }
    return MLC_OK;
}

Status lower_graph(Graph *g, const TargetDesc *t, const LowerOptions *o, Program **out)
{
    return lower_graph_for(g, t, 1, o, out);
}
