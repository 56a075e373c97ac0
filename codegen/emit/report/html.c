/* HTML out of a report: see html.h.
 *
 * Invariants: the page is well-formed XML; it has no script and its policy forbids every request; text
 * from the report, which a model file may have chosen, is escaped wherever it stands. Deterministic:
 * the order is that of the report, colours depend on positions. */
#include "codegen/emit/report/html.h"

#include <jansson.h>
#include <stdio.h>

/* What every page begins with: the policy that nothing is fetched, and the style. */
static const char page_head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\"/>\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\"/>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
    "<style>\n"
    ":root { color-scheme: light dark; --line: #8884; --soft: #8881; }\n"
    "body { font: 14px/1.45 system-ui, sans-serif; max-width: 1040px; margin: 24px auto; "
    "padding: 0 16px; }\n"
    "h1 { font-size: 22px; } h2 { font-size: 17px; margin-top: 32px; }\n"
    "small { opacity: .65; font-weight: normal; }\n"
    "code { font: 12px ui-monospace, monospace; overflow-wrap: anywhere; }\n"
    "table { border-collapse: collapse; width: 100%; } table.facts { width: auto; }\n"
    "th, td { text-align: left; padding: 3px 10px 3px 0; border-bottom: 1px solid var(--line); "
    "vertical-align: top; overflow-wrap: anywhere; }\n"
    ".n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }\n"
    "tbody tr:hover { background: var(--soft); }\n"
    ".bar { display: flex; height: 18px; margin: 8px 0; background: var(--soft); }\n"
    ".bar span, .share span { display: inline-block; height: 100%; }\n"
    ".share { width: 90px; } .share span { height: 9px; }\n"
    "i { display: inline-block; width: 10px; height: 10px; margin-right: 6px; }\n"
    ".idle { opacity: .5; }\n"
    "svg { width: 100%; font-size: 11px; } svg text { fill: currentColor; }\n"
    ".frame { fill: none; stroke: var(--line); }\n"
    "details { margin-top: 8px; }\n"
    "</style>\n";

static const json_t *at(const json_t *o, const char *key) { return json_object_get(o, key); }

static const char *word(const json_t *o, const char *key)
{
    const char *s = json_string_value(at(o, key));
    return s ? s : "";
}

/* ---- pieces of text ---- */

static void add_text(Str *s, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            str_add(s, "&amp;");
            break;
        case '<':
            str_add(s, "&lt;");
            break;
        case '>':
            str_add(s, "&gt;");
            break;
        case '"':
            str_add(s, "&quot;");
            break;
        case '\'':
            str_add(s, "&#39;");
            break;
        default:
            str_addc(s, *text);
        }
    }
}

/* 1234567 as "1,234,567". */
static void add_grouped(Str *s, int64_t v)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)v);
    for (int i = 0; i < n; i++) {
        str_addc(s, digits[i]);
        if (i + 1 < n && digits[i] != '-' && (n - 1 - i) % 3 == 0)
            str_addc(s, ',');
    }
}

/* A number, a formula in symbols, or a dash where the report says null. `bytes`: for people, too. */
static void add_value(Str *s, const json_t *v, bool bytes)
{
    char human[32];
    if (json_is_string(v)) {
        str_add(s, "<code>");
        add_text(s, json_string_value(v));
        str_add(s, "</code>");
        return;
    }
    if (!json_is_integer(v)) {
        str_add(s, "&#8211;");
        return;
    }
    int64_t n = json_integer_value(v);
    str_printf(s, "<data value=\"%lld\">", (long long)n);
    add_grouped(s, n);
    str_add(s, "</data>");
    if (bytes && n >= 1024)
        str_printf(s, " <small>%s</small>", str_bytes(human, (double)n));
}

static void add_cell(Str *s, const json_t *v, bool bytes)
{
    str_add(s, "<td class=\"n\">");
    add_value(s, v, bytes);
    str_add(s, "</td>");
}

static void add_words(Str *s, const json_t *list, const char *between)
{
    size_t i;
    const json_t *v;
    json_array_foreach (list, i, v) {
        str_add(s, i ? between : "");
        add_text(s, json_string_value(v) ? json_string_value(v) : "");
    }
}

static void add_fact(Str *s, const char *name, const json_t *v, bool bytes)
{
    str_printf(s, "<tr><th>%s</th>", name);
    add_cell(s, v, bytes);
    str_add(s, "</tr>\n");
}

/* A table's head; names are ours, so they are not escaped. A '#' before a name: a column of numbers. */
static void open_table(Str *s, const char *const *names, size_t n)
{
    str_add(s, "<table><thead><tr>");
    for (size_t i = 0; i < n; i++)
        str_printf(s, *names[i] == '#' ? "<th class=\"n\">%s</th>" : "<th>%s</th>",
                   names[i] + (*names[i] == '#'));
    str_add(s, "</tr></thead><tbody>\n");
}

#define OPEN_TABLE(s, ...) \
    open_table(s, (const char *const[]){__VA_ARGS__}, COUNT_OF(((const char *const[]){__VA_ARGS__})))

static void close_table(Str *s) { str_add(s, "</tbody></table>\n"); }

/* ---- sections ---- */

static void add_head(Str *s, const json_t *doc)
{
    const json_t *model = at(doc, "model");
    str_add(s, page_head);
    str_add(s, "<title>");
    add_text(s, word(model, "file"));
    str_add(s, " for ");
    add_text(s, word(at(doc, "target"), "name"));
    str_add(s, "</title>\n</head>\n<body>\n<h1>");
    add_text(s, word(model, "file"));
    str_add(s, " <small>for ");
    add_text(s, word(at(doc, "target"), "name"));
    str_add(s, "</small></h1>\n<p><code>mlc ");
    add_words(s, at(doc, "command"), " ");
    str_add(s, "</code> <small>mlc ");
    add_text(s, word(at(doc, "tool"), "version"));
    str_add(s, "</small></p>\n");
}

static void add_model(Str *s, const json_t *doc)
{
    const json_t *model = at(doc, "model");
    str_add(s, "<h2>Model</h2>\n<table class=\"facts\"><tbody>\n");
    add_fact(s, "ONNX nodes", at(model, "nodes"), false);
    add_fact(s, "nodes after passes", at(doc, "nodes_after_passes"), false);
    add_fact(s, "opset", at(model, "opset"), false);
    add_fact(s, "parameters", at(model, "params"), false);
    add_fact(s, "bytes of parameters", at(model, "param_bytes"), true);
    add_fact(s, "multiply-accumulates", at(model, "macs"), false);
    add_fact(s, "bytes of the file", at(model, "bytes"), true);
    str_add(s, "<tr><th>SHA-256</th><td><code>");
    add_text(s, word(model, "sha256"));
    str_add(s, "</code></td></tr>\n");
    close_table(s);
}

static void add_ports(Str *s, const json_t *list, const char *kind)
{
    size_t i, k;
    const json_t *v, *dim;
    json_array_foreach (list, i, v) {
        str_printf(s, "<tr><td>%s</td><td>", kind);
        add_text(s, word(v, "name"));
        str_add(s, "</td><td>");
        add_text(s, word(v, "type"));
        str_add(s, "</td><td>");
        json_array_foreach (at(v, "shape"), k, dim) {
            str_add(s, k ? " &#215; " : "");
            add_value(s, dim, false);
        }
        str_add(s, "</td></tr>\n");
    }
}

static void add_io(Str *s, const json_t *doc)
{
    str_add(s, "<h2>Inputs and outputs</h2>\n");
    OPEN_TABLE(s, "", "name", "type", "shape");
    add_ports(s, at(doc, "inputs"), "input");
    add_ports(s, at(doc, "outputs"), "output");
    close_table(s);
}

static void add_bar(Str *s, const char *colour, int64_t bytes, int64_t all, const char *name)
{
    char human[32];
    if (bytes <= 0 || all <= 0)
        return;
    str_printf(s, "<span style=\"background:%s;width:%.2f%%\" title=\"%s: %s\"></span>", colour,
               100.0 * (double)bytes / (double)all, name, str_bytes(human, (double)bytes));
}

static void add_sizes(Str *s, const json_t *doc)
{
    const json_t *size = at(doc, "size"), *ram = at(doc, "ram");
    int64_t code = json_integer_value(at(size, "code"));
    int64_t weights = json_integer_value(at(size, "weights"));
    str_add(s, "<h2>Size</h2>\n<div class=\"bar\">");
    add_bar(s, "#c2703d", code, code + weights, "code");
    add_bar(s, "#4a7fb5", weights, code + weights, "weights");
    str_add(s, "</div>\n<table class=\"facts\"><tbody>\n");
    add_fact(s, "<i style=\"background:#c2703d\"></i>code", at(size, "code"), true);
    add_fact(s, "<i style=\"background:#4a7fb5\"></i>weights", at(size, "weights"), true);
    add_fact(s, "read-only data, weights included", at(size, "rodata"), true);
    add_fact(s, "artifact", at(size, "artifact"), true);
    add_fact(s, "workspace", at(ram, "workspace"), true);
    if (at(ram, "example")) {
        add_fact(s, "sizes are shown at", at(ram, "example"), false);
        add_fact(s, "workspace there", at(ram, "example_workspace"), true);
    }
    close_table(s);
}

static void add_targets(Str *s, const json_t *doc)
{
    size_t i;
    const json_t *v;
    str_add(s, "<h2>Targets</h2>\n");
    OPEN_TABLE(s, "name", "CPU", "features", "#code", "#weights", "#workspace", "#distinct kernels");
    json_array_foreach (at(doc, "targets"), i, v) {
        str_add(s, "<tr><td>");
        add_text(s, word(v, "name"));
        str_add(s, "</td><td>");
        add_text(s, word(v, "cpu"));
        str_add(s, "</td><td>");
        add_text(s, word(v, "features"));
        str_add(s, "</td>");
        add_cell(s, at(v, "code"), true);
        add_cell(s, at(v, "weights"), true);
        add_cell(s, at(v, "workspace"), true);
        add_cell(s, at(v, "kernels"), false);
        str_add(s, "</tr>\n");
    }
    close_table(s);
}

static void add_layers(Str *s, const json_t *doc)
{
    const json_t *list = at(doc, "layers"), *v;
    size_t i;
    int64_t most = 0;
    json_array_foreach (list, i, v)
        most = MAX(most, json_integer_value(at(v, "macs")));
    str_add(s, "<h2>Layers</h2>\n");
    OPEN_TABLE(s, "#step", "ONNX nodes", "kernel", "skeleton", "#multiply-accumulates", "",
               "#bytes touched");
    json_array_foreach (list, i, v) {
        int64_t macs = json_integer_value(at(v, "macs"));
        str_add(s, "<tr>");
        add_cell(s, at(v, "step"), false);
        str_add(s, "<td>");
        add_words(s, at(v, "nodes"), ", ");
        str_add(s, "</td><td>");
        add_text(s, word(v, "name"));
        str_add(s, "</td><td>");
        add_text(s, word(v, "kernel"));
        str_add(s, "</td>");
        add_cell(s, at(v, "macs"), false);
        str_add(s, "<td class=\"share\">");
        add_bar(s, "#4a7fb5", macs, most, "share");
        str_add(s, "</td>");
        add_cell(s, at(v, "bytes"), true);
        str_add(s, "</tr>\n");
    }
    close_table(s);
}

/* ---- memory ---- */

enum { CHART_WIDTH = 960, CHART_HEIGHT = 320, LEFT = 80, ROW = 14 };

typedef struct Chart {
    int64_t steps;
    int64_t bytes; /* of the workspace; 0: sizes depend on symbols, one row for each buffer */
    size_t  rows;
    double  height;
} Chart;

static Chart chart_of(const json_t *doc)
{
    Chart c = {.bytes = json_integer_value(at(at(doc, "ram"), "workspace"))};
    size_t i;
    const json_t *v;
    json_array_foreach (at(doc, "memory"), i, v)
        c.steps = MAX(c.steps, json_integer_value(at(v, "last")) + 1);
    c.rows = json_array_size(at(doc, "memory"));
    c.height = c.bytes > 0 ? CHART_HEIGHT : (double)(c.rows * ROW);
    return c;
}

static void add_buffer(Str *s, const Chart *c, size_t i, const json_t *v)
{
    double first = (double)json_integer_value(at(v, "first"));
    double last = (double)json_integer_value(at(v, "last"));
    double unit = (double)(CHART_WIDTH - LEFT) / (double)c->steps;
    double y = (double)(i * ROW), h = ROW - 2;
    if (c->bytes > 0) {
        double scale = c->height / (double)c->bytes;
        h = scale * (double)json_integer_value(at(v, "bytes"));
        y = c->height - scale * (double)json_integer_value(at(v, "offset")) - h;
    }
    str_printf(s, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"hsl(%zu,45%%,55%%)\"><title>",
               LEFT + first * unit, y, (last - first + 1) * unit, h, i * 47 % 360);
    add_text(s, word(v, "name"));
    str_printf(s, ", steps %lld to %lld</title></rect>\n", (long long)first, (long long)last);
}

/* Steps to the right, offsets upward; a rectangle for the life of each buffer. */
static void add_timeline(Str *s, const json_t *doc)
{
    Chart c = chart_of(doc);
    char human[32];
    size_t i;
    const json_t *v;
    if (!c.steps)
        return;
    str_printf(s, "<svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"life of each buffer\">\n",
               CHART_WIDTH, c.height + 22);
    str_printf(s, "<rect class=\"frame\" x=\"%d\" y=\"0\" width=\"%d\" height=\"%.0f\"/>\n", LEFT,
               CHART_WIDTH - LEFT, c.height);
    json_array_foreach (at(doc, "memory"), i, v)
        add_buffer(s, &c, i, v);
    if (c.bytes > 0)
        str_printf(s, "<text x=\"%d\" y=\"12\" text-anchor=\"end\">%s</text>\n<text x=\"%d\" y=\"%.0f\" "
                      "text-anchor=\"end\">0</text>\n",
                   LEFT - 6, str_bytes(human, (double)c.bytes), LEFT - 6, c.height);
    str_printf(s, "<text x=\"%d\" y=\"%.0f\">step 0</text>\n", LEFT, c.height + 16);
    str_printf(s, "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">step %lld</text>\n</svg>\n", CHART_WIDTH,
               c.height + 16, (long long)c.steps - 1);
}

static void add_memory(Str *s, const json_t *doc)
{
    size_t i;
    const json_t *v;
    str_add(s, "<h2>Memory</h2>\n");
    add_timeline(s, doc);
    str_add(s, "<details><summary>Buffers</summary>\n");
    OPEN_TABLE(s, "name", "#bytes", "#offset", "#first step", "#last step");
    json_array_foreach (at(doc, "memory"), i, v) {
        str_add(s, "<tr><td>");
        add_text(s, word(v, "name"));
        str_add(s, "</td>");
        add_cell(s, at(v, "bytes"), true);
        add_cell(s, at(v, "offset"), false);
        add_cell(s, at(v, "first"), false);
        add_cell(s, at(v, "last"), false);
        str_add(s, "</tr>\n");
    }
    close_table(s);
    str_add(s, "</details>\n");
}

/* ---- the rest ---- */

static void add_passes(Str *s, const json_t *doc)
{
    size_t i;
    const json_t *v;
    str_add(s, "<h2>Passes</h2>\n");
    OPEN_TABLE(s, "pass", "#rewrites", "#nodes before", "#nodes after");
    json_array_foreach (at(doc, "passes"), i, v) {
        bool idle = json_integer_value(at(v, "rewrites")) == 0;
        str_printf(s, "<tr%s><td>", idle ? " class=\"idle\"" : "");
        add_text(s, word(v, "name"));
        str_add(s, "</td>");
        add_cell(s, at(v, "rewrites"), false);
        add_cell(s, at(v, "nodes_before"), false);
        add_cell(s, at(v, "nodes_after"), false);
        str_add(s, "</tr>\n");
    }
    close_table(s);
}

static void add_diagnostics(Str *s, const json_t *doc)
{
    const json_t *list = at(doc, "diagnostics"), *v;
    size_t i;
    str_add(s, "<h2>Diagnostics</h2>\n");
    if (!json_array_size(list)) {
        str_add(s, "<p>none</p>\n");
        return;
    }
    OPEN_TABLE(s, "severity", "code", "message", "node", "#times");
    json_array_foreach (list, i, v) {
        static const char *const key[] = {"severity", "code", "message", "node"};
        str_add(s, "<tr>");
        for (size_t k = 0; k < COUNT_OF(key); k++) {
            str_add(s, "<td>");
            add_text(s, word(v, key[k]));
            str_add(s, "</td>");
        }
        add_cell(s, at(v, "count"), false);
        str_add(s, "</tr>\n");
    }
    close_table(s);
}

void report_html(const char *json, Str *out)
{
    json_t *doc = json_loads(json, 0, NULL);
    assert(doc && str_eq(word(doc, "schema"), "mlc-report/1"));
    add_head(out, doc);
    add_model(out, doc);
    add_io(out, doc);
    add_sizes(out, doc);
    add_targets(out, doc);
    add_layers(out, doc);
    add_memory(out, doc);
    add_passes(out, doc);
    add_diagnostics(out, doc);
    str_add(out, "</body>\n</html>\n");
    json_decref(doc);
}
