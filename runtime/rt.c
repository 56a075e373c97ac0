/* SPDX-License-Identifier: 0BSD
 *
 * Entry points of an artifact: bind and run. Also part of C artifacts, where it must be C99 and C++.
 *
 * Everything that a caller can get wrong and that can be seen from here is checked here, so that
 * generated code has no checks of its own but those of the model. */
#include "runtime/rt.h"

enum { WORKSPACE_ALIGN = 64 };

/* ---- bind ---- */

/* Number of elements, or -1: a dimension is negative or the bytes do not fit 63 bits. */
static int64_t count_elements(int rank, const int64_t *dim)
{
    int64_t n = 1;
    int     empty = 0;
    for (int k = 0; k < rank; k++) {
        if (dim[k] == MLC_DIM_FOUND)
            return 1; /* of a structure that says the rest */
        if (dim[k] < 0)
            return -1;
        if (dim[k] == 0)
            empty = 1;
        else if (n > INT64_MAX / dim[k])
            return -1;
        else
            n *= dim[k];
    }
    /* 16: the largest element. */
    return empty ? 0 : n > INT64_MAX / 16 ? -1 : n;
}

/* Copies the constant dimensions; for a model with symbols checks eval()'s against them. */
static int check_dims(const mlc_model_v1 *model, int64_t *dim, int ndim, int has_symbols)
{
    int at = 0;
    for (int i = 0; i < model->ninputs + model->noutputs; i++) {
        const mlc_io_v1 *io =
            i < model->ninputs ? &model->inputs[i] : &model->outputs[i - model->ninputs];
        if (at + io->rank > ndim)
            return MLC_RUN_ARGUMENT;
        for (int k = 0; k < io->rank; k++)
            if (!has_symbols)
                dim[at + k] = io->dim[k];
        if (count_elements(io->rank, dim + at) < 0)
            return MLC_RUN_SHAPE;
        at += io->rank;
    }
    return at == ndim ? MLC_RUN_OK : MLC_RUN_ARGUMENT;
}

static int check_symbols(const mlc_model_v1 *model, const int64_t *dims)
{
    for (int k = 0; k < model->nsymbols; k++) {
        const mlc_symbol_v1 *s = &model->symbols[k];
        if (dims[k] < s->min || dims[k] < 0 || (s->max >= 0 && dims[k] > s->max))
            return MLC_RUN_SHAPE;
    }
    return MLC_RUN_OK;
}

MLC_RT_API int mlc_rt_bind(const mlc_rt_model *m, const int64_t *dims, mlc_sizes_v1 *sizes)
{
    const mlc_model_v1 *model = m->model;
    int                 nsym = model->nsymbols;
    if (!sizes || (nsym > 0 && !dims))
        return MLC_RUN_ARGUMENT;
#ifndef MLC_RT_SERIAL
    m = mlc_rt_fitting(m);
    if (!m)
        return MLC_RUN_CPU;
#endif
    if (model->sizes_words < MLC_RT_SIZES_WORDS(nsym, m->ndim, m->ntemp))
        return MLC_RUN_ARGUMENT;
    int code = check_symbols(model, dims);
    if (code != MLC_RUN_OK)
        return code;
    int64_t *dim = sizes + 1 + nsym;
    for (int k = 0; k < nsym; k++)
        sizes[1 + k] = dims[k];
    if (nsym == 0) {
        sizes[0] = model->workspace_bytes;
        return check_dims(model, dim, m->ndim, 0);
    }
    int64_t *bytes = dim + m->ndim;
    m->eval(sizes + 1, dim);
    code = check_dims(model, dim, m->ndim, 1);
    if (code != MLC_RUN_OK)
        return code;
    sizes[0] = mlc_rt_plan(m->ntemp, bytes, m->first, m->last, bytes + m->ntemp);
    return sizes[0] < 0 ? MLC_RUN_SHAPE : MLC_RUN_OK;
}

/* ---- run ---- */

/* Every pointer is there, unless its tensor is empty. */
static int check_pointers(const mlc_model_v1 *model, const void *const *io, const int64_t *dim)
{
    int at = 0;
    for (int i = 0; i < model->ninputs + model->noutputs; i++) {
        const mlc_io_v1 *d =
            i < model->ninputs ? &model->inputs[i] : &model->outputs[i - model->ninputs];
        if (!io[i] && count_elements(d->rank, dim ? dim + at : d->dim) != 0)
            return MLC_RUN_ARGUMENT;
        at += d->rank;
    }
    return MLC_RUN_OK;
}

MLC_RT_API int mlc_rt_run_model(const mlc_rt_model *m, const void *const *io, void *workspace)
{
    const mlc_model_v1 *model = m->model;
    int                 nsym = model->nsymbols;
    const int64_t      *sizes = NULL;
    if (!io)
        return MLC_RUN_ARGUMENT;
#ifndef MLC_RT_SERIAL
    m = mlc_rt_fitting(m);
    if (!m)
        return MLC_RUN_CPU;
#endif
    mlc_rt_run r;
    r.alloc = NULL;
    if (model->allocates) {
        r.alloc = (const mlc_alloc_v1 *)*io++;
        if (!r.alloc || !r.alloc->alloc || !r.alloc->release)
            return MLC_RUN_ARGUMENT;
    }
    if (nsym > 0) {
        sizes = (const int64_t *)*io++;
        if (!sizes)
            return MLC_RUN_ARGUMENT;
    }
    int64_t bytes = sizes ? sizes[0] : model->workspace_bytes;
    if (bytes > 0 && (!workspace || (uintptr_t)workspace % WORKSPACE_ALIGN))
        return MLC_RUN_MEMORY;
    int code = check_pointers(model, io, sizes ? sizes + 1 + nsym : NULL);
    if (code != MLC_RUN_OK)
        return code;
    r.sym = sizes ? sizes + 1 : NULL;
    r.offset = sizes ? sizes + 1 + nsym + m->ndim + m->ntemp : m->static_offset;
    r.io = io;
    r.workspace = (char *)workspace;
#ifndef MLC_RT_SERIAL
    r.weights = NULL;
    if (m->weights) {
        r.weights = __atomic_load_n(&m->weights->base, __ATOMIC_ACQUIRE);
        if (!r.weights)
            return MLC_RUN_WEIGHTS;
    }
#endif
    return m->exec(&r);
}
