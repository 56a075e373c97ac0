/* The generated header compiles without a warning in C99 and C++, alone and twice, together with
 * its own usage example; names are identifiers whatever the model calls its tensors. */
#include "codegen/emit/header/header.h"

#include "codegen/run/tempdir.h"
#include "ir/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static Ctx         ctx;
static Arena      *arena;
static const char *dir;

static int setup(void **state)
{
    (void)state;
    ctx_init(&ctx);
    arena = arena_new(&ctx);
    return temp_dir_make(&ctx, arena, &dir);
}

static int teardown(void **state)
{
    (void)state;
    temp_dir_remove(dir);
    ctx_free(&ctx);
    return 0;
}

static ProgramIo io(ExPool *p, const char *name, Elem e, int rank, Ex d0)
{
    ProgramIo out = {.name = name, .elem = e, .rank = rank, .obj = NEW(arena, MemObj)};
    for (int k = 0; k < rank; k++)
        out.dim[k] = k ? ex_int(p, k + 1) : d0;
    return out;
}

static Program *program(bool dynamic)
{
    Program *p = NEW(arena, Program);
    p->ctx = &ctx;
    p->arena = arena;
    p->pool = ex_pool_new(arena);
    p->name = "test";
    Ex d = dynamic ? ex_sym(p->pool, "batch", 1) : ex_int(p->pool, 4);
    vec_push(arena, &p->inputs, io(p->pool, "image", ELEM_F32, 4, d));
    vec_push(arena, &p->inputs, io(p->pool, "class", ELEM_I64, 1, d));
    vec_push(arena, &p->inputs, io(p->pool, "495", ELEM_U8, 2, d));
    vec_push(arena, &p->inputs, io(p->pool, "a/b:0 */ \"\\\n/* ?\?/", ELEM_F16, 0, NULL));
    vec_push(arena, &p->inputs, io(p->pool, "a.b.0", ELEM_I4, 1, d));
    vec_push(arena, &p->inputs, io(p->pool, "sizes", ELEM_BOOL, 1, d));
    vec_push(arena, &p->inputs, io(p->pool, "", ELEM_F64, 1, d));
    vec_push(arena, &p->outputs, io(p->pool, "image", ELEM_F32, 2, d));
    vec_push(arena, &p->outputs, io(p->pool, "\xc3\xa9t\xc3\xa9", ELEM_F32, 2, d));
    vec_push(arena, &p->outputs, io(p->pool, "WORKSPACE", ELEM_I8, 1, d));
    p->workspace_bytes = dynamic ? -1 : 4096;
    return p;
}

static const char *emit(const Program *p, const char *prefix)
{
    Str        s = str_new(arena);
    HeaderInfo info = {.target = "x86-avx2", .mlc_version = "1.2.3", .source = "dir/m*/.onnx"};
    assert_int_equal(header_emit(&p, 1, prefix, &info, &s), MLC_OK);
    return str_text(&s);
}

static void names_are_identifiers(void **state)
{
    static const char *const want[] = {"image", "class_", "t495", "a_b_0", "a_b_0_2",
                                       "sizes_", "tensor", "image_2", "t", "WORKSPACE_"};
    (void)state;
    const char *const *names = header_io_names(program(false), arena);
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_string_equal(names[i], want[i]);
}

/* The usage example of the header's first comment. */
static const char *usage_of(const char *header)
{
    Str         s = str_new(arena);
    const char *at = strstr(header, " * Usage:"), *end = strstr(header, " */");
    assert_non_null(at);
    assert_non_null(end);
    for (at = strchr(at, '\n') + 1; at < end; at = strchr(at, '\n') + 1) {
        const char *line = at + (strncmp(at, " *     ", 7) == 0 ? 7 : 2);
        str_addn(&s, line, (size_t)(strchr(line, '\n') + 1 - line));
    }
    return str_text(&s);
}

static void write_file(const char *name, const char *text)
{
    assert_int_equal(file_write(&ctx, arena_printf(arena, "%s/%s", dir, name), text, strlen(text)),
                     MLC_OK);
}

static void compile(const char *compiler, const char *file)
{
    const char *command = arena_printf(
        arena, "cd '%s' && %s -Wall -Wextra -Wconversion -pedantic -Werror -c %s -o /dev/null", dir,
        compiler, file);
    if (system(arena_printf(arena, "%.3s --version > /dev/null 2>&1", compiler)) != 0)
        return;
    assert_int_equal(system(command), 0);
}

static void check_compiles(bool dynamic)
{
    const Program *p = program(dynamic);
    const char    *header = emit(p, "m");
    write_file("m.h", header);
    write_file("other.h", emit(p, "other"));
    write_file("usage.c", usage_of(header));
    write_file("usage.cc", arena_printf(arena, "%sint f(const m_io *io) { return m_run(io, "
                                               "nullptr) + m_model.ninputs; }\n",
                                        usage_of(header)));
    write_file("both.c", "#include \"m.h\"\n#include \"other.h\"\n#include \"m.h\"\n"
                         "_Static_assert(sizeof(m_io) == sizeof(void *) * (m_NINPUTS + m_NOUTPUTS\n"
                         "    + (m_NSYMBOLS > 0)), \"no padding\");\n");
    write_file("alone.c", "#include \"m.h\"\nint x(m_io *io);\nint x(m_io *io) { return m_run(io, "
                          "0) + (int)(m_image_RANK + sizeof(*io->t495)); }\n");
    compile("gcc -std=c11", "usage.c");
    compile("gcc -std=c11", "both.c");
    compile("gcc -std=c99", "alone.c");
    compile("g++ -std=c++11", "usage.cc");
    compile("g++ -std=c++20", "usage.cc");
}

static void static_model_compiles(void **state)
{
    (void)state;
    check_compiles(false);
    const char *text = emit(program(false), "m");
    assert_non_null(strstr(text, "#define m_WORKSPACE_BYTES 4096"));
    assert_non_null(strstr(text, "#define m_image_BYTES 384\n"));  /* 4*2*3*4 floats */
    assert_non_null(strstr(text, "#define m_a_b_0_2_BYTES 2\n"));  /* four 4-bit integers */
    assert_non_null(strstr(text, "#define m_SIZES_WORDS 16 "));    /* 1 + 15 dimensions */
}

static void dynamic_model_compiles(void **state)
{
    (void)state;
    check_compiles(true);
    const char *text = emit(program(true), "m");
    assert_null(strstr(text, "m_WORKSPACE_BYTES"));
    assert_null(strstr(text, "m_image_BYTES"));
    assert_non_null(strstr(text, "const mlc_sizes_v1 *sizes;"));
    assert_non_null(strstr(text, "#define m_image_SIZES_DIMS 2\n"));
    assert_non_null(strstr(text, "#define m_class__SIZES_DIMS 6\n"));
}

static void same_program_same_text(void **state)
{
    (void)state;
    assert_string_equal(emit(program(true), "m"), emit(program(true), "m"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_identifiers),
        cmocka_unit_test(static_model_compiles),
        cmocka_unit_test(dynamic_model_compiles),
        cmocka_unit_test(same_program_same_text),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
