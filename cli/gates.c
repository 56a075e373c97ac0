/* Limits of an artifact: see gates.h.
 *
 *     size   code and constants of all sections that are loaded
 *     ram    the workspace, the most of it where bounds of symbols are given; inputs and outputs
 *            are the caller's */
#include "cli/gates.h"

static Status unmeasured(Cli *cli, OptionId gate, const char *why, const char *help)
{
    diag_report(cli->ctx, E0502, (Loc){0}, "--%s cannot be measured: %s", option_table[gate].name,
                why);
    diag_help(cli->ctx, "%s", help);
    return MLC_USAGE;
}

static void add(Cli *cli, Gates *g, OptionId gate, int64_t value)
{
    int64_t limit = opt_int(cli, gate);
    g->at[g->n++] = (ReportGate){option_table[gate].name, limit, value, value <= limit};
}

/* The most workspace of any target; -1: it has no bound. */
static int64_t most_workspace(const Programs *p)
{
    int64_t most = 0;
    for (int k = 0; k < p->n; k++) {
        const Program *q = p->at[k];
        int64_t bytes = q->workspace_bytes >= 0 ? q->workspace_bytes : program_workspace_max(q);
        if (bytes < 0)
            return -1;
        most = MAX(most, bytes);
    }
    return most;
}

Status gates_measure(Cli *cli, const Programs *p, const CompileOptions *o, int64_t size_bytes,
                     Gates *out)
{
    *out = (Gates){0};
    if (opt_given(cli, OPT_max_size)) {
        if (size_bytes < 0)
            return unmeasured(cli, OPT_max_size,
                              o->target.kind == TARGET_C ? "C source has no size until it is compiled"
                                                         : "no object is made",
                              "a target of machine code with --emit obj or so has a size");
        add(cli, out, OPT_max_size, size_bytes);
    }
    if (opt_given(cli, OPT_max_ram)) {
        int64_t bytes = p->n ? most_workspace(p) : -1;
        if (bytes < 0)
            return unmeasured(cli, OPT_max_ram,
                              p->n ? "dynamic dimensions have no bounds" : "no program is made",
                              p->n ? "--dim SYM=N fixes a dimension, --dim SYM=MIN..MAX bounds it"
                                   : "--emit obj makes one");
        add(cli, out, OPT_max_ram, bytes);
    }
    return MLC_OK;
}

Status gates_verdict(Cli *cli, const Gates *g)
{
    Status s = MLC_OK;
    for (int i = 0; i < g->n; i++) {
        const ReportGate *r = &g->at[i];
        char value[32], limit[32];
        if (r->passed)
            continue;
        s = diag_error(cli->ctx, E0404, (Loc){0}, MLC_NO,
                       "gate --%s failed: %s (%lld bytes), and the limit is %s", r->name,
                       str_bytes(value, (double)r->value), (long long)r->value,
                       str_bytes(limit, (double)r->limit));
    }
    return s;
}
