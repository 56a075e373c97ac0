/* TOML 1.0: see toml.h. One pass without recursion: the only nesting that is taken, inline tables,
 * is a stack of at most TOML_MAX_PATH paths. */
#include "frontend/config/toml.h"

#include "frontend/config/toml_value.h"

enum { MAX_ENTRIES = 10000 };

typedef struct Path {
    const char *at[TOML_MAX_PATH];
    int         n;
} Path;

typedef struct Reader {
    TomlText  text;
    TomlDoc  *doc;
    Path      table;                  /* of the newest [header] */
    Path      outer[TOML_MAX_PATH];   /* of the inline tables that are open */
    int       open;
} Reader;

static Status malformed(Reader *r, const char *what) { return toml_malformed(&r->text, what); }

/* ---- keys ---- */

static bool is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static Status read_key(Reader *r, Path *p)
{
    TomlText *t = &r->text;
    do {
        const char *name;
        toml_skip_blanks(t);
        if (toml_at(t, '"') || toml_at(t, '\'')) {
            TRY(toml_string(t, &name));
        } else {
            const char *start = t->at;
            while (t->at < t->end && is_bare(*t->at))
                t->at++;
            if (t->at == start)
                return malformed(r, "a key is expected");
            name = arena_strndup(t->arena, start, (size_t)(t->at - start));
        }
        if (p->n == TOML_MAX_PATH)
            return malformed(r, "a key has more than 8 parts");
        p->at[p->n++] = name;
        toml_skip_blanks(t);
    } while (toml_eat(t, '.'));
    return MLC_OK;
}

static bool same(const Path *p, const char *const *path, int n)
{
    if (p->n != n)
        return false;
    for (int i = 0; i < n; i++)
        if (!str_eq(p->at[i], path[i]))
            return false;
    return true;
}

/* Is one path the beginning of the other, or equal? */
static bool collide(const Path *p, const TomlEntry *e)
{
    int n = MIN(p->n, e->npath);
    Path head = *p;
    head.n = n;
    return same(&head, e->path, n);
}

static Status twice(Reader *r, const Path *p, int line)
{
    return diag_error(r->text.ctx, E0504, toml_loc(&r->text), MLC_USAGE,
                      "'%s' is already there, in line %d", p->at[p->n - 1], line);
}

static Status check_new(Reader *r, const Path *p)
{
    for (size_t i = 0; i < r->doc->entries.len; i++)
        if (collide(p, &r->doc->entries.at[i]))
            return twice(r, p, r->doc->entries.at[i].line);
    return MLC_OK;
}

/* ---- tables ---- */

static Status read_header(Reader *r)
{
    TomlText *t = &r->text;
    TomlTable table = {.line = t->line};
    Path      p = {0};
    if (toml_at(t, '['))
        return malformed(r, "arrays of tables are not used here");
    TRY(read_key(r, &p));
    if (!toml_eat(t, ']'))
        return malformed(r, "']' is expected after the name of a table");
    for (size_t i = 0; i < r->doc->tables.len; i++)
        if (same(&p, r->doc->tables.at[i].path, r->doc->tables.at[i].npath))
            return twice(r, &p, r->doc->tables.at[i].line);
    for (size_t i = 0; i < r->doc->entries.len; i++) {
        const TomlEntry *e = &r->doc->entries.at[i];
        if (e->npath <= p.n && collide(&p, e))
            return twice(r, &p, e->line);
    }
    memcpy(table.path, p.at, sizeof table.path);
    table.npath = p.n;
    if (r->doc->tables.len == MAX_ENTRIES)
        return malformed(r, "there are more than 10,000 tables");
    vec_push(t->arena, &r->doc->tables, table);
    r->table = p;
    return MLC_OK;
}

/* ---- values ---- */

static Status read_list(Reader *r, TomlEntry *e)
{
    TomlText *t = &r->text;
    e->is_list = true;
    for (;;) {
        TomlValue v;
        TRY(toml_skip_lines(t));
        if (toml_eat(t, ']'))
            return MLC_OK;
        if (toml_at(t, '[') || toml_at(t, '{'))
            return malformed(r, "a list holds only strings, numbers and booleans here");
        TRY(toml_scalar(t, &v));
        vec_push(t->arena, &e->values, v);
        TRY(toml_skip_lines(t));
        if (!toml_eat(t, ',') && !toml_at(t, ']'))
            return malformed(r, "',' or ']' is expected in a list");
    }
}

/* "key = value". An inline table only begins: its keys follow. */
static Status read_pair(Reader *r)
{
    TomlText *t = &r->text;
    Path      p = r->open ? r->outer[r->open - 1] : r->table;
    TomlEntry e = {.line = t->line};
    TRY(read_key(r, &p));
    if (!toml_eat(t, '='))
        return malformed(r, "'=' is expected after the key");
    toml_skip_blanks(t);
    TRY(check_new(r, &p));
    if (toml_eat(t, '{')) {
        if (r->open == TOML_MAX_PATH)
            return malformed(r, "tables are nested too deeply");
        r->outer[r->open++] = p;
        return MLC_OK;
    }
    if (toml_eat(t, '[')) {
        TRY(read_list(r, &e));
    } else {
        TomlValue v;
        TRY(toml_scalar(t, &v));
        vec_push(t->arena, &e.values, v);
    }
    memcpy(e.path, p.at, sizeof e.path);
    e.npath = p.n;
    if (r->doc->entries.len == MAX_ENTRIES)
        return malformed(r, "there are more than 10,000 values");
    vec_push(t->arena, &r->doc->entries, e);
    return MLC_OK;
}

/* Inside of { }: pairs, each followed by ',' or '}'. */
static Status read_inline(Reader *r)
{
    TomlText *t = &r->text;
    bool      fresh = true; /* right after '{' */
    while (r->open) {
        toml_skip_blanks(t);
        if (fresh && toml_eat(t, '}')) {
            r->open--;
            fresh = false;
        } else if (!fresh && toml_eat(t, '}')) {
            r->open--;
        } else if (fresh || toml_eat(t, ',')) {
            int before = r->open;
            TRY(read_pair(r));
            fresh = r->open > before;
        } else {
            return malformed(r, "',' or '}' is expected in a table");
        }
    }
    return MLC_OK;
}

static Status read_line(Reader *r)
{
    TomlText *t = &r->text;
    if (toml_eat(t, '[')) {
        TRY(read_header(r));
    } else {
        TRY(read_pair(r));
        TRY(read_inline(r));
    }
    return toml_line_end(t);
}

Status toml_read(Ctx *c, Arena *a, const char *file, const void *data, size_t size, TomlDoc *out)
{
    Reader r = {.doc = out};
    *out = (TomlDoc){0};
    TRY(toml_text(c, a, file, data, size, &r.text));
    for (;;) {
        TRY(toml_skip_lines(&r.text));
        if (r.text.at == r.text.end)
            return MLC_OK;
        TRY(read_line(&r));
    }
}
