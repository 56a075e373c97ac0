/* Bytes -> the text form of graphs -> inference -> passes, verified after each; a text that is
 * accepted prints and parses to the same text. */
#include "ir/base/str.h"
#include "passes/pass.h"
#include "test/fuzz/fuzz.h"

static void check_round_trip(FuzzInput *in, Graph *g)
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

static Status body(FuzzInput *in)
{
    Graph *g;
    const char *path = fuzz_file((const uint8_t *)"", 0, "m.mlc"); /* references start here */
    const char *text = arena_strndup(in->arena, (const char *)in->data, in->size);
    TRY(graph_parse(in->ctx, text, path, &g));
    TRY(graph_verify(g));
    check_round_trip(in, g);
    TRY(graph_infer(g));
    TRY(graph_verify(g));
    TRY(pipeline_run(g, &(PipelineOptions){.level = 3}, NULL));
    check_round_trip(in, g);
    return MLC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_run(data, size, body);
}
