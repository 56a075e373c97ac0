/* Writes the corpus of the program target: small programs in their serialized form.
 *
 *     program_seeds GRAPH... DIR     DIR/sample..., DIR/GRAPH for every graph that lowers
 *
 * The same files come out every time. */
#include "codegen/lower/lower.h"
#include "codegen/target/target.h"
#include "ir/base/file.h"
#include "ir/base/str.h"
#include "passes/pass.h"
#include "test/ir/program/sample.h"

#include <stdio.h>

static Status write_seed(Ctx *c, Program *p, const char *dir, const char *name)
{
    Str s = str_new(p->arena);
    TRY(program_write(p, &s));
    return file_write(c, arena_printf(p->arena, "%s/%s", dir, name), s.at, s.len);
}

static Status lower_file(Ctx *c, const char *path, const char *dir)
{
    Graph *g;
    Program *p;
    TargetDesc target;
    FileMap map;
    Arena *a = arena_new(c);
    TRY(file_map(c, path, &map));
    const char *text = arena_strndup(a, (const char *)map.data, map.size);
    file_unmap(&map);
    TRY(target_find(c, "x86-avx2", &target));
    TRY(graph_parse(c, text, path, &g));
    TRY(graph_infer(g));
    TRY(pipeline_run(g, &(PipelineOptions){.level = 2}, NULL));
    TRY(lower_graph(g, &target, &(LowerOptions){.level = 2}, &p));
    return write_seed(c, p, dir, path_base(path));
}

int main(int argc, char **argv)
{
    const char *dir = argv[argc - 1];
    for (int symbolic = 0; symbolic < 2 && argc > 1; symbolic++) {
        Ctx c;
        ctx_init(&c);
        if (write_seed(&c, sample_program(&c, symbolic), dir, symbolic ? "sample_n" : "sample"))
            return 1;
        ctx_free(&c);
    }
    for (int i = 1; i < argc - 1; i++) {
        Ctx c;
        ctx_init(&c);
        Status s = lower_file(&c, argv[i], dir);
        if (s != MLC_OK && s != MLC_INPUT) /* graphs that are refused are in that corpus as well */
            return 1;
        ctx_free(&c);
    }
    return argc > 1 ? 0 : 2;
}
