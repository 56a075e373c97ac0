#include "ir/base/diag.h"

#include "ir/base/ctx.h"

#include <stdio.h>
#include <stdlib.h>

/* Diagnostics live in malloc'ed memory of their own: they must survive an exhausted budget. When
 * even that fails, a record inside the sink says so, once. */

const char *const diag_code_name[DIAG_CODE_COUNT] = {
#define X(code, severity, title) [code] = #code,
#include "ir/base/diag.def"
#undef X
};
const char *const diag_code_title[DIAG_CODE_COUNT] = {
#define X(code, severity, title) [code] = title,
#include "ir/base/diag.def"
#undef X
};
const Severity diag_code_severity[DIAG_CODE_COUNT] = {
#define X(code, severity, title) [code] = severity,
#include "ir/base/diag.def"
#undef X
};

static char *copy(const char *s) { return s ? strdup(s) : NULL; }

static Diag *add(Ctx *c, Diag *d)
{
    *c->diags.tail = d;
    c->diags.tail = &d->next;
    c->diags.last = d;
    c->diags.errors += d->severity == ERROR;
    c->diags.warnings += d->severity == WARNING;
    if (c->diags.hook)
        c->diags.hook(c->diags.hook_arg, d);
    return d;
}

static Diag *add_lost(Ctx *c, DiagCode code)
{
    Diag *d = &c->diags.lost;
    if (d->message)
        return d;
    *d = (Diag){.code = E0001, .severity = ERROR, .message = diag_code_title[code], .count = 1};
    if (code != E0001)
        d->help = "there was no memory left to say more";
    return add(c, d);
}

static Diag *report(Ctx *c, DiagCode code, Loc loc, const char *fmt, va_list ap)
{
    char *message = NULL;
    if (c->diags.muted)
        return NULL;
    Diag *d = calloc(1, sizeof *d);
    if (!d || vasprintf(&message, fmt, ap) < 0) {
        free(d);
        return add_lost(c, code);
    }
    *d = (Diag){.code = code, .severity = diag_code_severity[code], .message = message, .count = 1};
    d->loc = (Loc){copy(loc.file), copy(loc.node), copy(loc.op), loc.line};
    return add(c, d);
}

Diag *diag_report(Ctx *c, DiagCode code, Loc loc, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    Diag *d = report(c, code, loc, fmt, ap);
    va_end(ap);
    return d;
}

Status diag_error(Ctx *c, DiagCode code, Loc loc, Status status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(c, code, loc, fmt, ap);
    va_end(ap);
    return status;
}

void diag_help(Ctx *c, const char *fmt, ...)
{
    Diag *d = c->diags.last;
    if (!d || d == &c->diags.lost || c->diags.muted)
        return;
    va_list ap;
    va_start(ap, fmt);
    char *help = NULL;
    if (vasprintf(&help, fmt, ap) >= 0) {
        free((char *)d->help);
        d->help = help;
    }
    va_end(ap);
}

void diag_mute(Ctx *c) { c->diags.muted++; }

void diag_unmute(Ctx *c)
{
    assert(c->diags.muted > 0);
    c->diags.muted--;
}

void diag_sink_free(DiagSink *s)
{
    for (Diag *d = s->first, *next; d; d = next) {
        next = d->next;
        if (d == &s->lost)
            continue;
        free((char *)d->loc.file);
        free((char *)d->loc.node);
        free((char *)d->loc.op);
        free((char *)d->message);
        free((char *)d->help);
        free(d);
    }
    *s = (DiagSink){0};
    s->tail = &s->first;
}
