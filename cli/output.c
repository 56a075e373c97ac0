/* What commands say: results on stdout, talk on stderr, progress on a terminal only.
 *
 * A pipe that its reader closed ends quietly: output to it is dropped and the command runs on to
 * its own exit code. Any other loss on stdout (a full disk) is reported by out_close(). */
#include "cli/cli.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int  lost;             /* errno of the first failed write to stdout */
static bool progress_visible; /* a progress line stands on the terminal */

bool color_wanted(const char *when)
{
    if (str_eq(when, "always"))
        return true;
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    return str_eq(when, "auto") && isatty(STDERR_FILENO) && term && !str_eq(term, "dumb") &&
           !(no_color && *no_color);
}

void out_text(const char *text)
{
    if (!lost && fputs(text, stdout) == EOF)
        lost = errno ? errno : EIO;
}

void out_printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (!lost && vprintf(fmt, ap) < 0)
        lost = errno ? errno : EIO;
    va_end(ap);
}

Status out_close(Ctx *c)
{
    if (fflush(stdout) != 0 && !lost)
        lost = errno ? errno : EIO;
    if (!lost || lost == EPIPE)
        return MLC_OK;
    return diag_error(c, E0003, (Loc){0}, MLC_SYSTEM, "cannot write standard output: %s",
                      strerror(lost));
}

/* ---- JSON ---- */

static Arena *json_arena;

static void *json_alloc(size_t bytes)
{
    return json_arena ? arena_alloc(json_arena, bytes, 16) : NULL;
}

static void json_free(void *p)
{
    (void)p; /* the arena frees all at once */
}

static void json_forget(void *arg)
{
    (void)arg;
    json_arena = NULL;
}

void json_memory(Arena *a)
{
    json_arena = a;
    json_set_alloc_funcs(json_alloc, json_free);
    arena_at_free(a, json_forget, NULL);
}

static int put_json(const char *text, size_t n, void *arg)
{
    (void)arg;
    if (!lost && fwrite(text, 1, n, stdout) != n)
        lost = errno ? errno : EIO;
    return 0;
}

bool out_json(const json_t *o, size_t flags)
{
    if (json_dump_callback(o, put_json, NULL, flags) != 0)
        return false;
    out_text("\n");
    return true;
}

/* ---- talk ---- */

void progress_clear(void)
{
    if (progress_visible)
        fputs("\r\033[K", stderr);
    progress_visible = false;
}

void talk(const Cli *cli, const char *fmt, ...)
{
    if (cli->quiet)
        return;
    progress_clear();
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

void talk_more(const Cli *cli, const char *fmt, ...)
{
    if (cli->quiet || !cli->verbose)
        return;
    progress_clear();
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

void progress(const Cli *cli, const char *fmt, ...)
{
    const char *term = getenv("TERM");
    if (cli->quiet || !isatty(STDERR_FILENO) || !term || str_eq(term, "dumb"))
        return;
    progress_clear();
    if (!*fmt)
        return;
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fflush(stderr);
    progress_visible = true;
}
