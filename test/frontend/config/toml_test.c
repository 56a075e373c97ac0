/* TOML: what is read, and that everything malformed is refused with its line. */
#include "frontend/config/toml.h"
#include "ir/base/str.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* "a.b=text;" for each entry, lists as [x,y]; "error LINE" when it is refused. */
static const char *shown(char out[4096], const char *text, size_t n)
{
    Ctx c;
    ctx_init(&c);
    Arena  *a = arena_new(&c);
    Str     s = str_new(a);
    TomlDoc doc;
    char   *copy = malloc(n + 1); /* a heap block of its own: reads beyond it are found by ASan */
    memcpy(copy, text, n);
    if (toml_read(&c, a, "test.toml", copy, n, &doc) != MLC_OK)
        str_printf(&s, "error %d", c.diags.first->loc.line);
    for (size_t i = 0; !c.diags.errors && i < doc.entries.len; i++) {
        const TomlEntry *e = &doc.entries.at[i];
        for (int k = 0; k < e->npath; k++)
            str_printf(&s, "%s%s", k ? "." : "", e->path[k]);
        str_add(&s, e->is_list ? "=[" : "=");
        for (size_t k = 0; k < e->values.len; k++)
            str_printf(&s, "%s%c:%s", k ? "," : "", "sifb"[e->values.at[k].kind],
                       e->values.at[k].text);
        str_add(&s, e->is_list ? "];" : ";");
    }
    snprintf(out, 4096, "%s", str_text(&s));
    free(copy);
    ctx_free(&c);
    return out;
}

typedef struct Case {
    const char *text, *want;
} Case;

static void run(const Case *at, size_t n)
{
    char out[4096];
    for (size_t i = 0; i < n; i++) {
        if (strcmp(shown(out, at[i].text, strlen(at[i].text)), at[i].want) != 0)
            print_error("of: %s\n", at[i].text);
        assert_string_equal(out, at[i].want);
    }
}

static void values(void **state)
{
    (void)state;
    static const Case at[] = {
        {"", ""},
        {"# only a comment", ""},
        {"a = 1", "a=i:1;"},
        {"a = 1\r\nb = 2\r\n", "a=i:1;b=i:2;"},
        {"a=+1_000\nb=-17\nc=0xFF_0\nd=0o17\ne=0b101\nf=0",
         "a=i:1000;b=i:-17;c=i:4080;d=i:15;e=i:5;f=i:0;"},
        {"a=1.5\nb=-0.25e-3\nc=1e6\nd=inf\ne=-nan\nf=1_0.2_5",
         "a=f:1.5;b=f:-0.25e-3;c=f:1e6;d=f:inf;e=f:-nan;f=f:10.25;"},
        {"a=true # yes\nb=false", "a=b:true;b=b:false;"},
        {"a='C:\\x'\nb=\"\\\"\\\\\\t\\u00e9\\U0001F600\"", "a=s:C:\\x;b=s:\"\\\t\xc3\xa9\xf0\x9f\x98\x80;"},
        {"a=\"\"\nb=''", "a=s:;b=s:;"},
        {"a=\"\"\"\nx\ny\\\n   z\"\"\"\nb='''q'q''''", "a=s:x\nyz;b=s:q'q';"},
        {"a=\"\"\"\"\"\"", "a=s:;"},
        {"a=[]\nb=[1,]\nc=[ # one\n 'x' ,\n\n \"y\" # two\n]\nd=1", "a=[];b=[i:1];c=[s:x,s:y];d=i:1;"},
        {"[t]\na=1\n[u.v]\na=2\n", "t.a=i:1;u.v.a=i:2;"},
        {"a.b=1\n'x y'.\"z\" = 2\na . c = 3", "a.b=i:1;x y.z=i:2;a.c=i:3;"},
        {"t={a=1,b='x'}\nu={}\nv={w={x=1},y=2}", "t.a=i:1;t.b=s:x;v.w.x=i:1;v.y=i:2;"},
        {"\xef\xbb\xbf" "a=1", "a=i:1;"},
    };
    run(at, COUNT_OF(at));
}

static void refused(void **state)
{
    (void)state;
    static const Case at[] = {
        {"a", "error 1"}, {"a=", "error 1"}, {"=1", "error 1"}, {"a=1 b=2", "error 1"},
        {"a=x", "error 1"}, {"\n\na=1\na=2", "error 4"}, {"[t]\n[t]", "error 2"},
        {"a.b=1\na=2", "error 2"}, {"a=1\n[a]", "error 2"}, {"[t]\na=1\n[t.a]", "error 3"},
        {"[[t]]", "error 1"}, {"[t", "error 1"}, {"[t]x", "error 1"}, {"[]", "error 1"},
        {"a=[1", "error 1"}, {"a=[\n1\n2]", "error 3"}, {"a=[[1]]", "error 1"},
        {"a=[{b=1}]", "error 1"}, {"a={b=1", "error 1"}, {"a={b=1,}", "error 1"},
        {"a={b=1 c=2}", "error 1"}, {"a={b=1\n}", "error 1"}, {"a=\"x", "error 1"},
        {"a='x\n'", "error 1"}, {"a=\"\"\"\n\nx", "error 1"}, {"a=\"\\q\"", "error 1"},
        {"a=\"\\u12\"", "error 1"}, {"a=\"\\ud800\"", "error 1"}, {"a=\"\\u0000\"", "error 1"},
        {"a=\"\\UFFFFFFFF\"", "error 1"}, {"a=01", "error 1"}, {"a=1__0", "error 1"},
        {"a=_1", "error 1"}, {"a=1_", "error 1"}, {"a=0x", "error 1"}, {"a=+0x1", "error 1"},
        {"a=1.", "error 1"}, {"a=.5", "error 1"}, {"a=1e", "error 1"}, {"a=99999999999999999999", "error 1"},
        {"a=2024-01-02", "error 1"}, {"a=07:32:00", "error 1"}, {"a=1\rb=2", "error 1"},
        {"a.b.c.d.e.f.g.h.i=1", "error 1"}, {"a=tru", "error 1"}, {"\xff=1", "error 1"},
        {"a='\xc0\x80'", "error 1"}, {"a='\xed\xa0\x80'", "error 1"}, {"# \x01", "error 1"},
        {"a='\x7f'", "error 1"},
        {"a={b={c={d={e={f={g={h={i=1}}}}}}}}", "error 1"},
    };
    run(at, COUNT_OF(at));
}

/* Every beginning of a document, and every byte of it changed, ends without a crash. */
static void broken_documents(void **state)
{
    (void)state;
    static const char text[] = "a=\"\\u00e9\"\n[t]\nb=['x',0x1f]\nc={d=1.5e3,e='''q'''}\n# \xc3\xa9\n";
    char out[4096], copy[sizeof text];
    int accepted = 0;
    for (size_t n = 0; n < sizeof text; n++)
        accepted += strncmp(shown(out, text, n), "error", 5) != 0;
    for (size_t i = 0; i + 1 < sizeof text; i++)
        for (int b = 0; b < 256; b++) {
            memcpy(copy, text, sizeof text);
            copy[i] = (char)b;
            accepted += strncmp(shown(out, copy, sizeof text - 1), "error", 5) != 0;
        }
    assert_in_range(accepted, 100, (int)sizeof text * 256);
    /* A NUL byte is no character of TOML. */
    assert_string_equal(shown(out, "a\0=1", 4), "error 1");
}

/* Megabytes of one thing take neither the stack nor minutes. */
static void long_documents(void **state)
{
    (void)state;
    static const char *const piece[] = {"[", "{", "\"\"\"", "a=", "# ", "\n", "[1,", "a.", "'", "\\"};
    char   out[4096];
    size_t n = 1 << 20;
    char  *text = malloc(n);
    for (size_t k = 0; k < COUNT_OF(piece); k++) {
        for (size_t i = 0; i < n; i++)
            text[i] = piece[k][i % strlen(piece[k])];
        shown(out, text, n);
    }
    size_t at = 0;
    for (int i = 0; at + 16 < n; i++)
        at += (size_t)sprintf(text + at, "k%d=1\n", i);
    assert_string_equal(shown(out, text, at), "error 10001");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(refused),
        cmocka_unit_test(broken_documents),
        cmocka_unit_test(long_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
