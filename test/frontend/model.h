/* Small ONNX models, and reading them. */
#ifndef MLC_TEST_MODEL_H
#define MLC_TEST_MODEL_H

#include "frontend/onnx/onnx.h"
#include "test/frontend/message.h"

#include <unistd.h>

typedef struct Model {
    Msg model, graph;
    bool no_import; /* of ai.onnx */
} Model;

typedef struct Read {
    Ctx ctx;
    Status status;
    Graph *graph;
} Read;

/* Dimensions as text up to NULL: numbers, or names. */
static inline Msg value_info(const char *name, int elem, ...)
{
    Msg shape = {0}, tensor = {0}, type = {0}, vi = {0};
    va_list ap;
    va_start(ap, elem);
    for (const char *d; (d = va_arg(ap, const char *));) {
        Msg dim = {0};
        if ((*d >= '0' && *d <= '9') || *d == '-')
            m_int(&dim, 1, strtoll(d, NULL, 10));
        else
            m_str(&dim, 2, d);
        m_msg(&shape, 1, dim);
    }
    va_end(ap);
    m_int(&tensor, 1, elem);
    m_msg(&tensor, 2, shape);
    m_msg(&type, 1, tensor);
    m_str(&vi, 1, name);
    m_msg(&vi, 2, type);
    return vi;
}

static inline Msg node(const char *op, const char *a, const char *b, const char *out)
{
    Msg n = {0};
    m_str(&n, 1, a);
    if (b)
        m_str(&n, 1, b);
    m_str(&n, 2, out);
    m_str(&n, 4, op);
    return n;
}

static inline void add_node(Model *m, const char *op, const char *in, const char *out)
{
    m_msg(&m->graph, 1, node(op, in, NULL, out));
}

static inline void add_node2(Model *m, const char *op, const char *a, const char *b,
                             const char *out)
{
    m_msg(&m->graph, 1, node(op, a, b, out));
}

static inline void add_output(Model *m, const char *name)
{
    Msg vi = {0};
    m_str(&vi, 1, name);
    m_msg(&m->graph, 12, vi);
}

static inline void import(Model *m, const char *domain, int64_t version)
{
    Msg o = {0};
    m_str(&o, 1, domain);
    m_int(&o, 2, version);
    m_msg(&m->model, 8, o);
}

static inline Msg raw_tensor(const char *name, int elem, int rank, const int64_t *dim,
                             const void *data, size_t size)
{
    Msg t = {0};
    for (int i = 0; i < rank; i++)
        m_int(&t, 1, dim[i]);
    m_int(&t, 2, elem);
    m_str(&t, 8, name);
    m_blob(&t, 9, data, size);
    return t;
}

static inline Msg finish(Model *m)
{
    Msg whole = {0};
    m_int(&whole, 1, 8);
    m_bytes(&whole, m->model.at, m->model.len);
    m_str(&m->graph, 2, "g");
    m_msg(&whole, 7, m->graph);
    if (!m->no_import) {
        Msg o = {0};
        m_int(&o, 2, 17);
        m_msg(&whole, 8, o);
    }
    free(m->model.at);
    *m = (Model){0};
    return whole;
}

/* x: f32[batch,3] -> Relu -> y */
static inline Msg relu_model(void)
{
    Model m = {0};
    Msg n = node("Relu", "x", NULL, "y");
    m_str(&n, 3, "relu_1");
    m_msg(&m.graph, 1, n);
    m_msg(&m.graph, 11, value_info("x", 1, "batch", "3", NULL));
    m_msg(&m.graph, 12, value_info("y", 1, "batch", "3", NULL));
    return finish(&m);
}

/* A model whose output is the initializer "w". */
static inline Msg constant_model(Msg tensor)
{
    Model m = {0};
    m_msg(&m.graph, 5, tensor);
    add_output(&m, "w");
    return finish(&m);
}

typedef struct ReadArgs {
    Read *read;
    const char *path;
    const OnnxLimits *limits;
} ReadArgs;

static inline Status read_protected(void *arg)
{
    ReadArgs *a = arg;
    return onnx_read(&a->read->ctx, a->path, a->limits, &a->read->graph);
}

/* Free with read_free(). The context stays where it is: arenas point to it. */
static inline Read *read_path(const char *path, const OnnxLimits *limits)
{
    Read *r = calloc(1, sizeof *r);
    ReadArgs a = {r, path, limits};
    ctx_init(&r->ctx);
    r->status = ctx_protect(&r->ctx, read_protected, &a);
    return r;
}

static inline Read *read_limited(Msg m, const OnnxLimits *limits)
{
    char path[] = "/tmp/mlc-test-XXXXXX.onnx";
    close(mkstemps(path, 5));
    m_save(&m, path);
    free(m.at);
    Read *r = read_path(path, limits);
    unlink(path);
    return r;
}

static inline Read *read_msg(Msg m)
{
    return read_limited(m, NULL);
}

static inline bool has_code(const Read *r, DiagCode code)
{
    for (const Diag *d = r->ctx.diags.first; d; d = d->next)
        if (d->code == code)
            return true;
    return false;
}

static inline void read_free(Read *r)
{
    ctx_free(&r->ctx);
    free(r);
}

#endif
