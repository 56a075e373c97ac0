/* mlc doctor: what of a working mlc is here, what is not, and what each absence costs.
 *
 * A list of findings, for people and as JSON from the same list. Broken is only what nobody can
 * work without: a part of mlc itself, a folder for temporary files; that is exit 4. */
#include "cli/cli.h"

#include "cli/machine.h"
#include "cli/process.h"
#include "codegen/run/tempdir.h"
#include "codegen/target/target.h"
#include "ir/base/file.h"
#include "ir/base/vec.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef enum State { STATE_ok, STATE_absent, STATE_broken } State;

static const char *const state_name[] = {"ok", "absent", "broken"};

typedef struct Finding {
    State       state;
    const char *group, *name, *value;
    const char *cost;     /* of an absence; NULL */
    const char *packages; /* of Debian, that would help; NULL */
    json_t     *data;     /* the value for programs; NULL: `value` says it all */
} Finding;

typedef struct Doctor {
    Cli  *cli;
    Arena *arena;
    bool  broken;
    VEC(Finding) findings;
} Doctor;

static void find(Doctor *d, Finding f)
{
    d->broken |= f.state == STATE_broken;
    vec_push(d->arena, &d->findings, f);
}

/* ---- programs ---- */

/* The first line that `path OPTION` prints, on stdout or stderr; *code as of process_wait(). */
static const char *first_line(Doctor *d, const char *path, const char *option, int *code)
{
    enum { MOST = 400 };
    char *text = arena_alloc(d->arena, MOST + 1, 1);
    char *argv[] = {arena_strdup(d->arena, path), arena_strdup(d->arena, option), NULL};
    ProcessOptions o = PROCESS_DEFAULT;
    int fd = memfd_create("mlc-doctor", MFD_CLOEXEC);
    o.out = o.err = fd;
    o.cpu_seconds = 10;
    *code = -1;
    text[0] = 0;
    if (fd >= 0 && process_run(d->cli->ctx, argv, &o, code) == MLC_OK) {
        ssize_t n = pread(fd, text, MOST, 0);
        text[n > 0 ? n : 0] = 0;
        text[strcspn(text, "\n")] = 0;
    }
    if (fd >= 0)
        close(fd);
    return str_printable_in(d->arena, text);
}

/* A program of mlc itself: it must start and be of this version. */
static void own_program(Doctor *d, const char *name, const char *env, const char *cost)
{
    Arena *a = d->arena;
    Finding f = {.state = STATE_broken, .group = "programs", .name = name, .cost = cost};
    const char *given = getenv(env);
    const char *path = process_beside(a, name, env);
    const char *right = arena_printf(a, "%s %s", name, MLC_VERSION);
    int code = 0;
    const char *line = path ? first_line(d, path, "--version", &code) : "";
    if (!path && given && *given)
        f.value = arena_printf(a, "%s is '%s', which cannot be executed", env,
                               str_printable_in(a, given));
    else if (!path)
        f.value = "neither beside mlc nor in ../libexec/mlc";
    else if (code != 0)
        f.value = arena_printf(a, "%s does not start: %s", path, line);
    else if (!str_starts(line, right))
        f.value = arena_printf(a, "%s is not of version %s: %s", path, MLC_VERSION, line);
    else {
        f.state = STATE_ok;
        f.cost = NULL;
        const char *llvm = strstr(line, "LLVM ");
        f.value = arena_printf(a, "%s%s%s", llvm ? llvm : "", llvm ? ", " : "", path);
        f.data = json_pack("{s:s, s:s*}", "path", path, "llvm",
                           llvm ? llvm + strlen("LLVM ") : NULL);
    }
    find(d, f);
}

typedef struct Tool {
    const char *targets, *names, *cost, *packages;
} Tool;

static const Tool tools[] = {
#define TOOL(targets, names, cost, packages) {targets, names, cost, packages},
#include "cli/doctor.def"
#undef TOOL
};

static const char *tool_path(Arena *a, const Tool *t)
{
    char *names = arena_strdup(a, t->names), *save;
    for (char *w = strtok_r(names, "|", &save); w; w = strtok_r(NULL, "|", &save)) {
        const char *name = w, *path = process_in_path(a, &name, 1);
        if (path)
            return path;
    }
    return NULL;
}

/* Tools for another kind of machine are asked for where a target is of that kind. */
static bool is_needed(const Tool *t)
{
    for (size_t i = 0; i < target_count; i++) {
        const TargetDesc *desc = &target_table[i]->desc;
        if (!*t->targets || (str_starts(desc->name, t->targets) && !target_runs_here(desc)))
            return true;
    }
    return false;
}

static void tool(Doctor *d, const Tool *t)
{
    const char *path = tool_path(d->arena, t);
    Finding f = {.state = STATE_absent, .group = "programs", .value = "not in PATH",
                 .name = arena_strndup(d->arena, t->names, strcspn(t->names, "|")),
                 .cost = t->cost, .packages = t->packages};
    if (path) {
        int code;
        const char *line = first_line(d, path, "--version", &code);
        f.state = STATE_ok;
        f.value = *line && code == 0 ? arena_printf(d->arena, "%s, %s", path, line) : path;
        f.cost = f.packages = NULL;
        f.data = json_pack("{s:s}", "path", path);
    }
    find(d, f);
}

static void programs(Doctor *d)
{
    own_program(d, "mlc-codegen", "MLC_CODEGEN", "nothing can be compiled");
    own_program(d, "mlc-runner", "MLC_RUNNER", "shared objects cannot be run or measured");
    own_program(d, "mlc-runner-jit", "MLC_RUNNER_JIT",
                "objects cannot be run, verified or checked after a build");
    for (size_t i = 0; i < COUNT_OF(tools); i++)
        if (is_needed(&tools[i]))
            tool(d, &tools[i]);
}

/* ---- machine ---- */

static void processor(Doctor *d)
{
    size_t n;
    const char *const *feature = machine_features(d->arena, &n);
    find(d, (Finding){.group = "machine", .name = "processor",
                      .value = str_printable_in(d->arena, machine_cpu(d->arena))});
    Str words = str_new(d->arena);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        str_printf(&words, "%s%s", i ? " " : "", feature[i]);
        json_array_append_new(list, json_string(feature[i]));
    }
    find(d, (Finding){.group = "machine", .name = "instructions",
                      .value = n ? str_text(&words) : "none beyond the baseline", .data = list});
}

static void caches(Doctor *d)
{
    MachineCaches c = machine_caches(d->arena);
    char l1[32], l2[32], l3[32];
    Finding f = {.group = "machine", .name = "caches"};
    f.value = arena_printf(d->arena, "L1 %s, L2 %s, L3 %s", str_bytes(l1, (double)c.l1),
                           str_bytes(l2, (double)c.l2),
                           c.l3 ? str_bytes(l3, (double)c.l3) : "none");
    f.data = json_pack("{s:I, s:I, s:I}", "l1", (json_int_t)c.l1, "l2", (json_int_t)c.l2, "l3",
                       (json_int_t)c.l3);
    if (!c.l1 || !c.l2) {
        f.state = STATE_absent;
        f.value = "the kernel does not tell their sizes";
        f.cost = "native targets assume the sizes of a small core";
    }
    find(d, f);
}

static void cores(Doctor *d)
{
    MachineCores c = machine_cores();
    const char *quota = c.usable < c.affinity ? arena_printf(d->arena, "CPU quota %d", c.usable)
                                              : "no CPU quota below that";
    find(d, (Finding){.group = "machine", .name = "cores",
                      .value = arena_printf(d->arena, "%d usable: %d online, affinity %d, %s",
                                            c.usable, c.online, c.affinity, quota),
                      .data = json_pack("{s:i, s:i, s:i}", "usable", c.usable, "online", c.online,
                                        "affinity", c.affinity)});
}

static void gpu(Doctor *d)
{
    MachineGpu g = machine_gpu(d->arena);
    bool ok = g.driver && g.library, wanted = false;
    for (size_t i = 0; i < target_count; i++)
        wanted |= str_starts(target_table[i]->desc.name, "nvptx");
    Finding f = {.state = ok ? STATE_ok : STATE_absent, .group = "machine", .name = "gpu"};
    f.value = ok         ? arena_printf(d->arena, "NVIDIA driver %s", g.driver)
              : g.driver ? arena_printf(d->arena, "NVIDIA driver %s without libcuda.so.1", g.driver)
              : g.library ? "libcuda.so.1 without NVIDIA's kernel driver"
                          : "no NVIDIA driver";
    if (!ok) {
        f.cost = wanted ? "programs for nvptx targets do not run here"
                        : "nothing in this version, which has no target for GPUs";
        f.packages = wanted ? g.driver ? "libcuda1" : "nvidia-driver libcuda1" : NULL;
    }
    find(d, f);
}

static void temporary(Doctor *d)
{
    const char *dir = "";
    Finding f = {.group = "machine", .name = "temporary files"};
    if (temp_dir_make(d->cli->ctx, d->arena, &dir) == MLC_OK) {
        const char *parent = path_dir(d->arena, dir);
        f.value = arena_printf(d->arena, "in %s", str_printable_in(d->arena, parent));
        temp_dir_remove(dir);
    } else {
        f.state = STATE_broken;
        f.value = "no folder for them: set TMPDIR to one that can be written";
        f.cost = "run, verify, bench and the check after a build fail";
    }
    find(d, f);
}

/* ---- targets ---- */

/* Everything that programs for the target need to run on a machine of another kind. */
static bool is_emulated(Doctor *d, const TargetDesc *t)
{
    bool ok = t->emulator != NULL;
    for (size_t i = 0; i < COUNT_OF(tools) && ok; i++)
        if (*tools[i].targets && str_starts(t->name, tools[i].targets))
            ok = tool_path(d->arena, &tools[i]) != NULL;
    return ok;
}

static void target(Doctor *d, const TargetDesc *t)
{
    bool native = target_runs_here(t), emulated = !native && is_emulated(d, t);
    Finding f = {.state = native || emulated ? STATE_ok : STATE_absent, .group = "targets",
                 .name = t->name};
    f.data = json_pack("{s:s}", "runs", native ? "native" : emulated ? "emulated" : "no");
    f.value = native     ? "runs here"
              : emulated ? arena_printf(d->arena, "runs under %s", t->emulator)
                         : "does not run here";
    if (!native && !emulated)
        f.cost = t->emulator ? "its artifacts can be made, but not run without the absent programs"
                             : "this machine lacks its instructions: it can only compile for it";
    find(d, f);
}

static void targets(Doctor *d)
{
    const Target *best = NULL;
    for (size_t i = 0; i < target_count; i++) {
        const Target *t = target_table[i];
        target(d, &t->desc);
        if (t->rank > (best ? best->rank : 0) && target_runs_here(&t->desc))
            best = t;
    }
    Finding f = {.state = best ? STATE_ok : STATE_absent, .group = "targets", .name = "host"};
    f.value = best ? arena_printf(d->arena, "is %s", best->desc.name)
                   : "this processor is none that mlc compiles for";
    f.cost = best ? NULL : "every command needs -t";
    f.data = best ? json_pack("{s:s}", "is", best->desc.name) : NULL;
    find(d, f);
}

/* ---- printing ---- */

static void print_text(const Doctor *d)
{
    int width = 0;
    for (size_t i = 0; i < d->findings.len; i++)
        width = MAX(width, (int)strlen(d->findings.at[i].name));
    const char *group = "";
    for (size_t i = 0; i < d->findings.len; i++) {
        const Finding *f = &d->findings.at[i];
        if (!str_eq(group, f->group))
            out_printf("%s\n", group = f->group);
        out_printf("  %-6s  %-*s  %s\n", state_name[f->state], width, f->name, f->value);
        if (f->cost)
            out_printf("  %-6s  %-*s  costs: %s\n", "", width, "", f->cost);
        if (f->packages)
            out_printf("  %-6s  %-*s  Debian: apt-get install %s\n", "", width, "", f->packages);
    }
}

static json_t *words(Arena *a, const char *text)
{
    json_t *list = json_array();
    char *copy = arena_strdup(a, text), *save;
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        json_array_append_new(list, json_string(w));
    return list;
}

static void print_json(Doctor *d)
{
    json_t *list = json_array();
    for (size_t i = 0; i < d->findings.len; i++) {
        const Finding *f = &d->findings.at[i];
        json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "group", f->group, "name", f->name, "state",
                              state_name[f->state], "value", f->value);
        if (f->cost)
            json_object_set_new(o, "cost", json_string(f->cost));
        if (f->packages)
            json_object_set_new(o, "packages", words(d->arena, f->packages));
        if (f->data)
            json_object_set(o, "data", f->data);
        json_array_append_new(list, o);
    }
    json_t *all = json_pack("{s:s, s:s, s:s, s:o}", "schema", "mlc-doctor/1", "version",
                            MLC_VERSION, "verdict", d->broken ? "broken" : "ready", "findings",
                            list);
    out_json(all, JSON_INDENT(2));
    json_decref(all);
}

/* The status of a broken installation, after naming what is broken. */
static Status verdict(Doctor *d)
{
    Str names = str_new(d->arena);
    for (size_t i = 0; i < d->findings.len; i++)
        if (d->findings.at[i].state == STATE_broken)
            str_printf(&names, "%s%s", names.len ? ", " : "", d->findings.at[i].name);
    return !d->broken ? MLC_OK
                      : diag_error(d->cli->ctx, E0004, (Loc){0}, MLC_SYSTEM,
                                   "this installation of mlc does not work: %s",
                                   str_text(&names));
}

Status cmd_doctor(Cli *cli)
{
    Doctor d = {.cli = cli, .arena = cli->arena};
    programs(&d);
    processor(&d);
    caches(&d);
    cores(&d);
    gpu(&d);
    temporary(&d);
    targets(&d);
    if (opt_flag(cli, OPT_json))
        print_json(&d);
    else
        print_text(&d);
    for (size_t i = 0; i < d.findings.len; i++)
        json_decref(d.findings.at[i].data);
    return verdict(&d);
}
