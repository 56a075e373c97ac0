/* Bytes -> the ONNX reader -> inference -> passes, verified after each. Then what the compiler holds
 * must survive both of its written forms: the text prints and parses to the same text, and a model
 * that mlc writes is one that mlc reads. */
#include "frontend/onnx/onnx.h"
#include "frontend/onnx/writer.h"
#include "ir/base/file.h"
#include "ir/base/str.h"
#include "passes/pass.h"
#include "test/fuzz/fuzz.h"

static void check_text(FuzzInput *in, Graph *g)
{
    Str a = str_new(in->arena), b = str_new(in->arena);
    Graph *again = NULL;
    graph_print(&a, g);
    Status s = graph_parse(in->ctx, str_text(&a), g->file, &again);
    fuzz_check(s == MLC_OK, "what is printed can be parsed");
    graph_print(&b, again);
    fuzz_check(str_eq(str_text(&a), str_text(&b)), "it prints the same again");
    graph_free(again);
}

static void check_writer(FuzzInput *in, Graph *g)
{
    Ctx c; /* what cannot be expressed in ONNX is not the input's error */
    ctx_init(&c);
    OnnxWriteOptions o = {0};
    const char *path = arena_printf(in->arena, "%s.out.onnx", g->file);
    Graph *again;
    Arena *a = arena_new(&c);
    OnnxFile f;
    bool external = false; /* a splat of terabytes is one number here, and terabytes there */
    if (onnx_encode(&c, a, g, &o, path, &f) == MLC_OK)
        external = f.data.len > 0;
    if (c.diags.errors == 0 && !external) {
        FileOut out;
        fuzz_check(file_out_open(&c, path, &out) == MLC_OK &&
                       onnx_put(&c, &f, &out, NULL) == MLC_OK,
                   "a model can be written");
        Status s = onnx_read(&c, out.tmp_path, NULL, &again);
        file_out_abort(&out);
        if (s != MLC_OK)
            for (const Diag *d = c.diags.first; d; d = d->next)
                diag_report(in->ctx, d->code, d->loc, "%s", d->message);
        fuzz_check(s == MLC_OK, "what is written can be read");
    }
    ctx_free(&c);
}

static Status body(FuzzInput *in)
{
    Graph *g;
    TRY(onnx_read(in->ctx, fuzz_file(in->data, in->size, "m.onnx"), NULL, &g));
    TRY(graph_verify(g));
    TRY(graph_infer(g));
    TRY(graph_verify(g));
    TRY(pipeline_run(g, &(PipelineOptions){.level = 3}, NULL));
    check_text(in, g);
    check_writer(in, g);
    return MLC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_run(data, size, body);
}
