#include "codegen/lower/lower.h"

#include "codegen/lower/lowering.h"
#include "codegen/lower/place.h"

Status lower_graph(Graph *g, const TargetDesc *t, const LowerOptions *o, Program **out)
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
    lower_layout(&l);
    place_io(&l);
    TRY(lower_schedule(&l));
    place_symbols(&l);
    program_plan_memory(l.program);
    TRY(program_verify(l.program));
    *out = l.program;
    return MLC_OK;
}
