/* Diagnostics for people (human), for programs (json, sarif) and for GitHub's annotations.
 *
 *     error[E0201]: operator 'GridSample' (opset 16) has no kernel for target cortex-m4
 *       --> detr.onnx: 48 nodes, first '/encoder/layers.0/attn/GridSample'
 *       help: x86-* and arm64-* have it; see `mlc list ops --target cortex-m4`
 *
 * A diagnostic gets its help after it was reported, so each is held back until the next one comes
 * or the command ends. Everything goes to stderr, and takes no memory: there may be none left. */
#include "cli/cli.h"

#include <stdio.h>

static struct {
    DiagFormat  format;
    bool        color;
    const Diag *held; /* reported, not printed yet */
} state;

static const char *severity_name(Severity s)
{
    return s == ERROR ? "error" : s == WARNING ? "warning" : "remark";
}

/* Text from a file, fit for terminals. */
static void put(const char *text)
{
    char piece[5];
    while (str_printable_next(&text, piece))
        fputs(piece, stderr);
}

/* ---- human ---- */

static void print_place(const Diag *d)
{
    const Loc *l = &d->loc;
    if (!l->node && l->file && strstr(d->message, l->file))
        return; /* the message names the file already */
    if (!l->node && !l->file)
        return;
    fputs("  --> ", stderr);
    if (l->file)
        put(l->file);
    if (l->line && l->file)
        fprintf(stderr, ":%d", l->line);
    if (l->node && l->file)
        fputs(": ", stderr);
    if (l->node) {
        if (d->count > 1)
            fprintf(stderr, "%d nodes, first '", d->count);
        else
            fputs("node '", stderr);
        put(l->node);
        fputc('\'', stderr);
    }
    if (l->node && l->op && d->count <= 1) {
        fputs(" (", stderr);
        put(l->op);
        fputc(')', stderr);
    }
    fputc('\n', stderr);
}

static void print_human(const Diag *d)
{
    static const char *const color[] = {"\033[36m", "\033[33m", "\033[31m"};
    const char *bold = state.color ? "\033[1m" : "", *plain = state.color ? "\033[0m" : "";
    progress_clear();
    fprintf(stderr, "%s%s%s[%s]%s: %s", bold, state.color ? color[d->severity] : "",
            severity_name(d->severity), diag_code_name[d->code], plain, bold);
    put(d->message);
    fprintf(stderr, "%s\n", plain);
    print_place(d);
    if (d->help) {
        fputs("  help: ", stderr);
        put(d->help);
        fputc('\n', stderr);
    }
}

/* ---- JSON ---- */

/* A string without its quotes. */
static void put_json(const char *text)
{
    char piece[5];
    while (str_printable_next(&text, piece))
        for (const char *p = piece; *p; p++) {
            if (*p == '"' || *p == '\\')
                fputc('\\', stderr);
            fputc(*p, stderr);
        }
}

/* `before` and the quoted text, when there is text. */
static void put_member(const char *before, const char *text)
{
    if (!text)
        return;
    fprintf(stderr, "%s\"", before);
    put_json(text);
    fputc('"', stderr);
}

static void print_json(const Diag *d)
{
    put_member("{\"code\":", diag_code_name[d->code]);
    put_member(",\"severity\":", severity_name(d->severity));
    put_member(",\"title\":", diag_code_title[d->code]);
    put_member(",\"message\":", d->message);
    put_member(",\"file\":", d->loc.file);
    if (d->loc.line)
        fprintf(stderr, ",\"line\":%d", d->loc.line);
    put_member(",\"node\":", d->loc.node);
    put_member(",\"op\":", d->loc.op);
    put_member(",\"help\":", d->help);
    fprintf(stderr, ",\"count\":%d}\n", d->count);
}

/* ---- GitHub ---- */

/* Workflow commands escape '%', line ends and, in properties, ':' and ','. */
static void github_escaped(const char *text, bool property)
{
    char piece[5];
    while (str_printable_next(&text, piece))
        for (const char *p = piece; *p; p++)
            if (*p == '%' || (property && (*p == ':' || *p == ',')))
                fprintf(stderr, "%%%02X", *p);
            else
                fputc(*p, stderr);
}

static void print_github(const Diag *d)
{
    fprintf(stderr, "::%s ", d->severity == REMARK ? "notice" : severity_name(d->severity));
    if (d->loc.file) {
        fputs("file=", stderr);
        github_escaped(d->loc.file, true);
        if (d->loc.line)
            fprintf(stderr, ",line=%d", d->loc.line);
        fputc(',', stderr);
    }
    fprintf(stderr, "title=%s::", diag_code_name[d->code]);
    github_escaped(d->message, false);
    if (d->loc.node) {
        fputs(" (node '", stderr);
        github_escaped(d->loc.node, false);
        fputs("')", stderr);
    }
    if (d->help) {
        fputs("%0Ahelp: ", stderr);
        github_escaped(d->help, false);
    }
    fputc('\n', stderr);
}

/* ---- SARIF ---- */

/* Place in a file as physical, node as logical location. */
static void sarif_place(const Loc *l)
{
    fputs(",\n          \"locations\": [\n            {", stderr);
    if (l->file) {
        put_member("\n              \"physicalLocation\": {\n"
                   "                \"artifactLocation\": {\n                  \"uri\": ", l->file);
        fputs("\n                }", stderr);
        if (l->line)
            fprintf(stderr, ",\n                \"region\": {\n"
                            "                  \"startLine\": %d\n                }", l->line);
        fputs("\n              }", stderr);
    }
    if (l->node) {
        fputs(l->file ? "," : "", stderr);
        put_member("\n              \"logicalLocations\": [\n                {\n"
                   "                  \"name\": ", l->node);
        put_member(",\n                  \"kind\": ", l->op ? l->op : "node");
        fputs("\n                }\n              ]", stderr);
    }
    fputs("\n            }\n          ]", stderr);
}

static void sarif_result(const Diag *d)
{
    fprintf(stderr,
            "        {\n          \"ruleId\": \"%s\",\n          \"level\": \"%s\",\n"
            "          \"message\": {\n",
            diag_code_name[d->code], d->severity == REMARK ? "note" : severity_name(d->severity));
    fputs("            \"text\": \"", stderr);
    put_json(d->message);
    if (d->help) {
        fputs("\\nhelp: ", stderr);
        put_json(d->help);
    }
    fputs("\"\n          }", stderr);
    if (d->loc.file || d->loc.node)
        sarif_place(&d->loc);
    fputs("\n        }", stderr);
}

/* The rules are the codes that occur. */
static void sarif_rules(const Diag *first)
{
    const char *before = "";
    for (int i = 0; i < DIAG_CODE_COUNT; i++) {
        const Diag *d = first;
        while (d && d->code != (DiagCode)i)
            d = d->next;
        if (!d)
            continue;
        fprintf(stderr, "%s\n            {\n", before);
        put_member("              \"id\": ", diag_code_name[i]);
        put_member(",\n              \"shortDescription\": {\n                \"text\": ",
                   diag_code_title[i]);
        fputs("\n              }\n            }", stderr);
        before = ",";
    }
}

static void print_sarif(const Diag *first)
{
    fputs("{\n  \"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\",\n"
          "  \"version\": \"2.1.0\",\n  \"runs\": [\n    {\n      \"tool\": {\n"
          "        \"driver\": {\n          \"name\": \"mlc\",\n"
          "          \"version\": \"" MLC_VERSION "\",\n          \"rules\": [",
          stderr);
    sarif_rules(first);
    fputs("\n          ]\n        }\n      },\n      \"results\": [\n", stderr);
    for (const Diag *d = first; d; d = d->next) {
        sarif_result(d);
        fputs(d->next ? ",\n" : "\n", stderr);
    }
    fputs("      ]\n    }\n  ]\n}\n", stderr);
}

static void print(const Diag *d)
{
    switch (state.format) {
    case DIAG_human:
        print_human(d);
        break;
    case DIAG_json:
        print_json(d);
        break;
    case DIAG_github:
        print_github(d);
        break;
    case DIAG_sarif:
        break; /* one document, at the end */
    }
}

static void on_diag(void *arg, const Diag *d)
{
    (void)arg;
    if (state.held)
        print(state.held);
    state.held = d;
}

void diag_print_start(Ctx *c, DiagFormat format, bool color)
{
    state.format = format;
    state.color = color;
    c->diags.hook = on_diag;
    for (const Diag *d = c->diags.first; d; d = d->next)
        on_diag(NULL, d);
}

void diag_print_finish(Ctx *c)
{
    c->diags.hook = NULL;
    if (state.held)
        print(state.held);
    state.held = NULL;
    if (state.format == DIAG_sarif)
        print_sarif(c->diags.first);
}
