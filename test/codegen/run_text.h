/* Whole programs in the interpreter, out of the text form: inputs and results as text too. */
#ifndef MLC_TEST_RUN_TEXT_H
#define MLC_TEST_RUN_TEXT_H

#include "codegen/lower/lower.h"
#include "ir/base/str.h"
#include "ir/graph/text.h"
#include "passes/pass.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const TargetDesc interp = {.name = "interp", .kind = TARGET_INTERP};

/* The next input's elements out of "1 2 3 | 4 5", for any element type. */
static void *read_input(Arena *a, const ProgramIo *io, const char **text)
{
    int64_t n = ex_eval_size(io->obj->size_bytes, NULL) * 8 / elem_bits[io->elem];
    void *data = arena_alloc(a, elem_size_bytes(io->elem, (size_t)n) + 1, 64);
    for (int64_t i = 0; i < n; i++) {
        char *end;
        double v = strtod(*text, &end);
        assert_ptr_not_equal(end, *text);
        elem_set_f64(io->elem, data, (size_t)i, v);
        *text = end;
    }
    *text += strspn(*text, " |");
    return data;
}

static void print_output(Str *s, const ProgramIo *io, const ProgramResult *dynamic, const void *data)
{
    int64_t n = 1, dim[MAX_RANK];
    for (int k = 0; k < io->rank; k++) {
        dim[k] = dynamic ? dynamic->dim[k] : ex_eval_size(io->dim[k], NULL);
        n *= dim[k];
        str_printf(s, "%s%lld", k ? "x" : "", (long long)dim[k]);
    }
    str_add(s, ":");
    for (int64_t i = 0; i < n; i++)
        str_printf(s, " %g", elem_get_f64(io->elem, dynamic ? dynamic->data : data, (size_t)i));
}

static Status run(Ctx *c, const char *body, const char *inputs, InterpMode mode, Str *s)
{
    Graph *g;
    Program *p;
    char text[2048];
    assert_true(strlen(body) < 1900);
    strcat(strcat(strcpy(text, "graph \"\" opset 18 { "), body), " }");
    if (graph_parse(c, text, NULL, &g) != MLC_OK || graph_infer(g) != MLC_OK)
        fail_msg("%s: %s", body, c->diags.last->message);
    assert_int_equal(graph_verify(g), MLC_OK);
    const PipelineOptions columns = {.only = "columns"};
    assert_int_equal(pipeline_run(g, &columns, NULL), MLC_OK);
    assert_int_equal(graph_verify(g), MLC_OK);
    assert_int_equal(lower_graph(g, &interp, NULL, &p), MLC_OK);
    const void *in[8];
    void *out[8];
    ProgramResult result[8] = {0};
    for (size_t i = 0; i < p->inputs.len; i++)
        in[i] = read_input(g->arena, &p->inputs.at[i], &inputs);
    for (size_t i = 0; i < p->outputs.len; i++)
        if (!memobj_is_dynamic(p, p->outputs.at[i].obj))
            out[i] = arena_alloc(
                g->arena, (size_t)ex_eval_size(p->outputs.at[i].obj->size_bytes, NULL) + 1, 64);
    int64_t none = 0;
    TRY(program_interp_results(p, mode, &none, in, out, g->arena, result));
    *s = str_new(g->arena);
    for (size_t i = 0; i < p->outputs.len; i++) {
        const ProgramIo *io = &p->outputs.at[i];
        str_add(s, i ? " | " : "");
        print_output(s, io, memobj_is_dynamic(p, io->obj) ? &result[i] : NULL, out[i]);
    }
    return MLC_OK;
}

/* In both modes of the interpreter: as stored, and with doubles for floats. */
static inline void expect(const char *body, const char *inputs, const char *want)
{
    for (int mode = 0; mode < 2; mode++) {
        Ctx c;
        Str s;
        ctx_init(&c);
        if (run(&c, body, inputs, mode ? INTERP_F64 : INTERP_EXACT, &s) != MLC_OK)
            fail_msg("%s: %s", body, c.diags.last->message);
        assert_string_equal(str_text(&s), want);
        ctx_free(&c);
    }
}

static inline void expect_failure(const char *body, const char *inputs)
{
    Ctx c;
    Str s;
    ctx_init(&c);
    assert_int_equal(run(&c, body, inputs, INTERP_EXACT, &s), MLC_INPUT);
    assert_string_equal(diag_code_name[c.diags.last->code], "E0603");
    ctx_free(&c);
}

#endif
