#include "codegen/lower/tile.h"

enum { FMA_LATENCY = 4, MAX_NV = 4, MAX_MR = 16, POINTERS = 8 };

double tile_cycles(int mr, int nv)
{
    double fma = mr * nv / 2.0, load = (mr + nv) / 2.0;
    double chain = mr * nv < 2 * FMA_LATENCY ? FMA_LATENCY : 0; /* one fma per accumulator and k */
    return MAX(MAX(fma, load), chain) + 0.25; /* the loop itself */
}

static bool tile_fits(const Lowering *l, int mr, int nv)
{
    return mr * nv + nv + 1 <= l->target->vector_regs;
}

double tile_panel_cycles(const Lowering *l, int64_t row_width, int64_t rows, int nv, int *mr)
{
    double best = 0;
    *mr = 0;
    rows = MAX(rows, 1);
    for (int m = 1; m <= MAX_MR && m <= rows; m++) {
        if (!tile_fits(l, m, nv))
            break;
        int64_t full = rows / m, rest = rows % m;
        double t = (double)full * tile_cycles(m, nv) + (rest ? tile_cycles((int)rest, nv) + 2 : 0);
        if (row_width && row_width % m != 0)
            t *= m > POINTERS ? 1.3 : 1.02;
        if (!*mr || t <= best) {
            best = t;
            *mr = m;
        }
    }
    return best;
}

void tile_choose(const Lowering *l, int64_t row_width, int64_t rows, int64_t columns, int *mr, int *nv)
{
    double best = 0;
    int64_t vectors = (columns + l->lanes - 1) / l->lanes;
    *nv = 0;
    for (int v = 1; v <= MAX_NV && v <= vectors; v++) {
        int m = 0;
        int rest = (int)(vectors % v), unused = 0;
        double t = (double)(vectors / v) * tile_panel_cycles(l, row_width, rows, v, &m);
        if (rest)
            t += tile_panel_cycles(l, row_width, rows, rest, &unused);
        if (!*nv || t < best) {
            best = t;
            *nv = v;
            *mr = m;
        }
    }
}
