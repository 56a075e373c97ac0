/* Diagnostics for people (human), for programs (json, sarif) and for GitHub's annotations.
 *
 *     error[E0201]: operator 'GridSample' (opset 16) has no kernel for target cortex-m4
 *       --> detr.onnx: 48 nodes, first '/encoder/layers.0/attn/GridSample'
 *       help: x86-* and arm64-* have it; see `mlc list ops --target cortex-m4`
 *
 * A diagnostic gets its help after it was reported, so each is held back until the next one comes
 * or the command ends. Everything goes to stderr. */
#include "cli/cli.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    DiagFormat  format;
    bool        color;
    const Diag *held;    /* reported, not printed yet */
    json_t     *results; /* sarif */
    bool        used[DIAG_CODE_COUNT];
} state;

static const char *severity_name(Severity s)
{
    return s == ERROR ? "error" : s == WARNING ? "warning" : "remark";
}

static void print_place(const Diag *d)
{
    if (!d->loc.node && d->loc.file && strstr(d->message, d->loc.file))
        return; /* the message names the file already */
    if (!d->loc.node && !d->loc.file)
        return;
    char *file = printable(d->loc.file), *node = printable(d->loc.node), *op = printable(d->loc.op);
    fputs("  --> ", stderr);
    if (file)
        fprintf(stderr, "%s", file);
    if (d->loc.line && file)
        fprintf(stderr, ":%d", d->loc.line);
    if (node && file)
        fputs(": ", stderr);
    if (node && d->count > 1)
        fprintf(stderr, "%d nodes, first '%s'", d->count, node);
    else if (node)
        fprintf(stderr, "node '%s'", node);
    if (node && op && d->count <= 1)
        fprintf(stderr, " (%s)", op);
    fputc('\n', stderr);
    free(file);
    free(node);
    free(op);
}

static void print_human(const Diag *d)
{
    static const char *const color[] = {"\033[36m", "\033[33m", "\033[31m"};
    const char *bold = state.color ? "\033[1m" : "", *plain = state.color ? "\033[0m" : "";
    char *message = printable(d->message), *help = printable(d->help);
    progress_clear();
    fprintf(stderr, "%s%s%s[%s]%s: %s%s%s\n", bold, state.color ? color[d->severity] : "",
            severity_name(d->severity), diag_code_name[d->code], plain, bold,
            message ? message : "", plain);
    print_place(d);
    if (help)
        fprintf(stderr, "  help: %s\n", help);
    free(message);
    free(help);
}

/* Sets a member when there is text. */
static void set_text(json_t *o, const char *key, const char *text)
{
    char *s = printable(text);
    if (s)
        json_object_set_new(o, key, json_string(s));
    free(s);
}

static void print_json(const Diag *d)
{
    json_t *o = json_object();
    json_object_set_new(o, "code", json_string(diag_code_name[d->code]));
    json_object_set_new(o, "severity", json_string(severity_name(d->severity)));
    json_object_set_new(o, "title", json_string(diag_code_title[d->code]));
    set_text(o, "message", d->message);
    set_text(o, "file", d->loc.file);
    if (d->loc.line)
        json_object_set_new(o, "line", json_integer(d->loc.line));
    set_text(o, "node", d->loc.node);
    set_text(o, "op", d->loc.op);
    set_text(o, "help", d->help);
    json_object_set_new(o, "count", json_integer(d->count));
    json_dumpf(o, stderr, JSON_COMPACT);
    fputc('\n', stderr);
    json_decref(o);
}

/* Workflow commands escape '%', line ends and, in properties, ':' and ','. */
static void github_escaped(const char *text, bool property)
{
    char *s = printable(text);
    for (const char *p = s ? s : ""; *p; p++)
        if (*p == '%' || (property && (*p == ':' || *p == ',')))
            fprintf(stderr, "%%%02X", *p);
        else
            fputc(*p, stderr);
    free(s);
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

/* One result of the SARIF document. Place in a file as physical, node as logical location. */
static void add_sarif(const Diag *d)
{
    json_t *o = json_object(), *message = json_object(), *where = json_object();
    json_object_set_new(o, "ruleId", json_string(diag_code_name[d->code]));
    json_object_set_new(o, "level",
                        json_string(d->severity == REMARK ? "note" : severity_name(d->severity)));
    char *text = printable(d->message), *help = printable(d->help);
    char *both = NULL;
    if (help && asprintf(&both, "%s\nhelp: %s", text, help) < 0)
        both = NULL;
    json_object_set_new(message, "text", json_string(both ? both : text ? text : ""));
    json_object_set_new(o, "message", message);
    free(text);
    free(help);
    free(both);
    if (d->loc.file) {
        json_t *physical = json_object(), *artifact = json_object();
        set_text(artifact, "uri", d->loc.file);
        json_object_set_new(physical, "artifactLocation", artifact);
        if (d->loc.line)
            json_object_set_new(physical, "region", json_pack("{s:i}", "startLine", d->loc.line));
        json_object_set_new(where, "physicalLocation", physical);
    }
    if (d->loc.node) {
        json_t *logical = json_object();
        set_text(logical, "name", d->loc.node);
        set_text(logical, "kind", d->loc.op ? d->loc.op : "node");
        json_object_set_new(where, "logicalLocations", json_pack("[o]", logical));
    }
    if (json_object_size(where))
        json_object_set_new(o, "locations", json_pack("[o]", where));
    else
        json_decref(where);
    json_array_append_new(state.results, o);
    state.used[d->code] = true;
}

static void print_sarif(void)
{
    json_t *rules = json_array();
    for (int i = 0; i < DIAG_CODE_COUNT; i++)
        if (state.used[i])
            json_array_append_new(rules, json_pack("{s:s, s:{s:s}}", "id", diag_code_name[i],
                                               "shortDescription", "text", diag_code_title[i]));
    json_t *doc = json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:o}]}", "$schema",
                            "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0",
                            "runs", "tool", "driver", "name", "mlc", "version", MLC_VERSION,
                            "rules", rules, "results", state.results);
    json_dumpf(doc, stderr, JSON_INDENT(2));
    fputc('\n', stderr);
    json_decref(doc);
    state.results = NULL;
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
        add_sarif(d);
        break;
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
    if (format == DIAG_sarif)
        state.results = json_array();
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
    if (state.results)
        print_sarif();
}
