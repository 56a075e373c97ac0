/* The driver's second half: program -> artifact.
 *
 * The code generator is a program of its own, as cc1 is gcc's: LLVM aborts when it runs out of
 * memory or cannot select an instruction, and its death must become a diagnostic. It reads the
 * program from an anonymous file on stdin, weights from descriptors that it inherits, and says what
 * is wrong in JSON lines on descriptor 3. What LLVM prints on stderr is kept for the message. */
#include "cli/compile.h"

#include "cli/process.h"
#include "codegen/run/tempdir.h"
#include "ir/base/file.h"
#include "ir/base/str.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_FILES = 256 }; /* as many as program_write() numbers */

/* A program on its way: the file that it is written to, and those that its constants lie in, in
 * the order of their numbers; see program_files(). */
typedef struct Parcel {
    int program;
    int file[MAX_FILES];
    int nfile;
} Parcel;

/* Descriptors of one run; -1: not open. */
typedef struct Pipes {
    int    report, err;
    Parcel parcel[MAX_TARGETS];
    int    nparcel;
} Pipes;

typedef struct Job {
    Ctx                  *ctx;
    Arena                *arena;
    const Programs       *programs;
    const CompileOptions *options;
    CodegenKind           kind;
    const char           *object;
    const char           *shown; /* what messages call the output */
} Job;

static void close_pipes(Pipes *p)
{
    int all[] = {p->report, p->err};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (all[i] >= 0)
            close(all[i]);
    for (int k = 0; k < p->nparcel; k++) {
        if (p->parcel[k].program >= 0)
            close(p->parcel[k].program);
        for (int i = 0; i < p->parcel[k].nfile; i++)
            close(p->parcel[k].file[i]);
    }
}

/* An anonymous file above the descriptors that the child gets fixed numbers for. */
static int anonymous_file(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10);
    if (fd >= 0)
        close(fd);
    return high;
}

static Status no_descriptor(Ctx *c)
{
    return diag_error(c, E0004, (Loc){0}, MLC_SYSTEM, "cannot open a file for the code generator: %s",
                      strerror(errno));
}

static Status open_parcel(Ctx *c, const Program *p, Pipes *io)
{
    Parcel *to = &io->parcel[io->nparcel++];
    *to = (Parcel){.program = anonymous_file("mlc-program")};
    if (to->program < 0)
        return no_descriptor(c);
    int fd[MAX_FILES];
    int n = program_files(p, fd, MAX_FILES);
    for (int i = 0; i < n; i++) {
        int high = fcntl(fd[i], F_DUPFD_CLOEXEC, 10);
        if (high < 0)
            return no_descriptor(c);
        to->file[to->nfile++] = high;
    }
    return MLC_OK;
}

static Status open_pipes(Ctx *c, const Programs *p, Pipes *io)
{
    *io = (Pipes){.report = anonymous_file("mlc-report"), .err = anonymous_file("mlc-stderr")};
    if (io->report < 0 || io->err < 0)
        return no_descriptor(c);
    for (int k = 0; k < p->n; k++)
        TRY(open_parcel(c, p->at[k], io));
    return MLC_OK;
}

static Status send_program(Ctx *c, Program *p, int fd)
{
    Arena *a = arena_new(c);
    Str text = str_new(a);
    Status s = program_write(p, &text);
    size_t done = 0;
    while (s == MLC_OK && done < text.len) {
        ssize_t n = write(fd, text.at + done, MIN(text.len - done, (size_t)1 << 30));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            s = diag_error(c, E0003, (Loc){0}, MLC_SYSTEM,
                           "cannot hand the program to the code generator: %s", strerror(errno));
        else
            done += (size_t)n;
    }
    arena_free(a);
    if (s == MLC_OK)
        lseek(fd, 0, SEEK_SET);
    return s;
}

/* What was written to an anonymous file, as text in the arena; at most 64 KiB. */
static const char *written(Arena *a, int fd)
{
    enum { MOST = 1 << 16 };
    char *text = arena_alloc(a, MOST + 1, 1);
    ssize_t n = pread(fd, text, MOST, 0);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static DiagCode code_of(const char *name)
{
    for (int i = 0; name && i < DIAG_CODE_COUNT; i++)
        if (str_eq(diag_code_name[i], name))
            return (DiagCode)i;
    return E0403;
}

/* `text` with every `from` replaced. */
static const char *replaced(Arena *a, const char *text, const char *from, const char *to)
{
    Str s = str_new(a);
    for (const char *at; (at = strstr(text, from)); text = at + strlen(from)) {
        str_addn(&s, text, (size_t)(at - text));
        str_add(&s, to);
    }
    str_add(&s, text);
    return str_text(&s);
}

/* What the child said on its report channel. */
typedef struct Said {
    bool started; /* it came as far as its main() */
    int  count;   /* diagnostics */
} Said;

static void report_no_memory(Ctx *c, const char *why, int len)
{
    diag_report(c, E0001, (Loc){0}, "the code generator ran out of memory%s%.*s", len ? ": " : "", len,
                why);
    diag_help(c, "-X codegen-memory=SIZE raises its limit");
}

/* Passes the child's diagnostics on, which know the output by a temporary name. */
static Said pass_on(const Job *j, const char *lines, const char *output)
{
    Said said = {0};
    for (const char *line = lines; *line;) {
        size_t n = strcspn(line, "\n");
        json_t *o = json_loadb(line, n, 0, NULL);
        const char *name = json_string_value(json_object_get(o, "code"));
        const char *message = json_string_value(json_object_get(o, "message"));
        DiagCode code = code_of(name);
        said.started |= o != NULL;
        said.count += message != NULL;
        if (message && code == E0001)
            report_no_memory(j->ctx, "", 0);
        else if (message)
            diag_report(j->ctx, code, (Loc){0}, "%s", replaced(j->arena, message, output, j->shown));
        json_decref(o);
        line += n + (line[n] != 0);
    }
    return said;
}

/* Words of LLVM, of the C++ library, and of the loader. */
static bool is_no_memory(const char *err)
{
    static const char *const words[] = {
        "out of memory",         "bad_alloc",           "annot allocate memory",
        "failed to map segment", "cannot map zero-fill",
    };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strstr(err, words[i]))
            return true;
    return false;
}

/* The child died or failed without a word of its own: says why, from the exit code and stderr. Before
 * its main() it is the system's business: the loader, libraries, limits. */
static Status explain(const Job *j, int code, const char *err, bool started)
{
    Ctx *c = j->ctx;
    int len = (int)strcspn(err, "\n");
    const char *sep = len ? ": " : "";
    if (code == 256 + SIGKILL || is_no_memory(err)) {
        report_no_memory(c, err, len);
        return MLC_SYSTEM;
    }
    if (code == 256 + SIGXCPU)
        return diag_error(c, E0005, (Loc){0}, MLC_SYSTEM, "the code generator ran out of time");
    if (!started && (code >= 256 || code == 127)) {
        const char *sig = code == 127 ? "" : arena_printf(j->arena, ": signal %d", code - 256);
        diag_report(c, E0004, (Loc){0}, "the code generator cannot start%s%s%.*s", sig, sep, len, err);
        if (j->options->memory_limit)
            diag_help(c, "-X codegen-memory=SIZE raises its limit");
        return MLC_SYSTEM;
    }
    if (code >= 256)
        return diag_error(c, E0403, (Loc){0}, MLC_BUG, "the code generator died of signal %d%s%.*s",
                          code - 256, sep, len, err);
    return diag_error(c, E0403, (Loc){0}, code == MLC_SYSTEM ? MLC_SYSTEM : MLC_BUG,
                      "the code generator failed with exit code %d%s%.*s", code, sep, len, err);
}

static Status judge(const Job *j, const Pipes *io, int code, const char *output)
{
    if (code == 0)
        return MLC_OK;
    Said said = pass_on(j, written(j->arena, io->report), output);
    if (said.count == 0)
        return explain(j, code, written(j->arena, io->err), said.started);
    return code == MLC_INPUT || code == MLC_SYSTEM ? (Status)code : MLC_BUG;
}

static const char *const kind_name[] = {
    [CODEGEN_OBJ] = "obj", [CODEGEN_ASM] = "asm", [CODEGEN_LLVM_IR] = "llvm-ir",
};

typedef VEC(const char *) Words;

/* What the code generator must know of one target, its program last. */
static void add_variant(const Job *j, const Parcel *parcel, const TargetDesc *t, Words *argv)
{
    Arena *a = j->arena;
    const char *const fixed[] = {
        "--cpu", t->cpu, "--features", t->features, "--target-name", t->name, "--cpu-bits",
        arena_printf(a, "%u", t->cpu_bits),
    };
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        vec_push(a, argv, fixed[i]);
    for (int i = 0; i < parcel->nfile; i++) {
        vec_push(a, argv, "--fd");
        vec_push(a, argv, arena_printf(a, "%d", parcel->file[i]));
    }
    vec_push(a, argv, arena_printf(a, "/proc/self/fd/%d", parcel->program));
}

static void command_line(const Job *j, const Pipes *io, const char *tool, const char *output,
                         Words *argv)
{
    Arena *a = j->arena;
    const CompileOptions *o = j->options;
    const char *const fixed[] = {
        tool, "--emit", kind_name[j->kind], "--triple", o->target.triple, "--prefix", o->prefix,
        "--sha256", o->sha256, "-o", output, "--threads", arena_printf(a, "%d", o->threads), "-O",
        arena_printf(a, "%d", o->level > 3 ? 2 : o->level),
    };
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        vec_push(a, argv, fixed[i]);
    if (o->profile)
        vec_push(a, argv, "--profile");
    if (*j->programs->weights_identity) {
        vec_push(a, argv, "--weights-identity");
        vec_push(a, argv, j->programs->weights_identity);
    }
    for (int k = 0; k < io->nparcel; k++) {
        if (k)
            vec_push(a, argv, "--next");
        add_variant(j, &io->parcel[k], &o->targets[k], argv);
    }
    vec_push(a, argv, NULL);
}

static Status find_tool(Ctx *c, Arena *a, const char **tool)
{
    const char *given = getenv("MLC_CODEGEN");
    *tool = process_beside(a, "mlc-codegen", "MLC_CODEGEN");
    if (!*tool && given && *given)
        return diag_error(c, E0004, (Loc){0}, MLC_SYSTEM,
                          "MLC_CODEGEN is '%s', which cannot be executed", given);
    if (!*tool)
        return diag_error(c, E0004, (Loc){0}, MLC_SYSTEM,
                          "the code generator 'mlc-codegen' is neither beside mlc nor in "
                          "../libexec/mlc");
    return MLC_OK;
}

static Status spawn(const Job *j, const char *output)
{
    Ctx *c = j->ctx;
    const CompileOptions *o = j->options;
    const char *tool;
    Pipes io;
    Words argv = {0};
    int keep[MAX_TARGETS * (MAX_FILES + 1)], nkeep = 0, code = 0;
    TRY(find_tool(c, j->arena, &tool));
    Status s = open_pipes(c, j->programs, &io);
    for (int k = 0; s == MLC_OK && k < io.nparcel; k++) {
        const Parcel *p = &io.parcel[k];
        s = send_program(c, j->programs->at[k], p->program);
        keep[nkeep++] = p->program;
        for (int i = 0; i < p->nfile; i++)
            keep[nkeep++] = p->file[i];
    }
    command_line(j, &io, tool, output, &argv);
    ProcessOptions po = PROCESS_DEFAULT;
    po.err = io.err;
    po.report = io.report;
    po.keep = keep;
    po.nkeep = nkeep;
    po.memory_bytes = o->memory_limit ? o->memory_limit : (int64_t)16 << 30;
    if (s == MLC_OK)
        s = process_run(c, (char *const *)argv.at, &po, &code);
    if (s == MLC_OK)
        s = judge(j, &io, code, output);
    close_pipes(&io);
    return s;
}

/* The file that a temporary name stands for: "m.o.XXXXXX.tmp" is "m.o" (see file_out_open()). */
static const char *final_name(Arena *a, const char *path)
{
    enum { SUFFIX = 11 };
    size_t n = strlen(path);
    bool temporary = str_ends(path, ".tmp") && n > SUFFIX && path[n - SUFFIX] == '.';
    return temporary ? arena_strndup(a, path, n - SUFFIX) : path;
}

/* On the disk before it gets its name. */
static Status settle(Ctx *c, const char *tmp, const char *path)
{
    int fd = open(tmp, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (ok && rename(tmp, path) == 0)
        return MLC_OK;
    return diag_error(c, E0003, (Loc){.file = path}, MLC_SYSTEM, "cannot write '%s': %s", path,
                      strerror(errno));
}

/* Lets a tool write into a temporary folder beside `path`, with whatever temporary files of its
 * own, and renames the result. */
static Status whole(Job *j, const char *path, Status (*make)(Job *j, const char *tmp))
{
    const char *dir;
    TRY(temp_dir_make_in(j->ctx, j->arena, path_dir(j->arena, path), &dir));
    const char *tmp = arena_printf(j->arena, "%s/%s", dir, path_base(path));
    j->shown = final_name(j->arena, path);
    Status s = make(j, tmp);
    if (s == MLC_OK)
        s = settle(j->ctx, tmp, path);
    temp_dir_remove(dir);
    return s;
}

static Status make_code(Job *j, const char *tmp) { return spawn(j, tmp); }

Status compile_codegen(Ctx *c, const Programs *p, const CompileOptions *o, CodegenKind kind,
                       const char *path)
{
    if (o->target.kind != TARGET_OBJECT)
        return diag_error(c, E0402, (Loc){0}, MLC_USAGE, "target '%s' makes no artifact",
                          o->target.name);
    Arena *a = arena_new(c);
    Job j = {.ctx = c, .arena = a, .programs = p, .options = o, .kind = kind};
    Status s = whole(&j, path, make_code);
    arena_free(a);
    return s;
}

static Status make_shared(Job *j, const char *tmp)
{
    static const char *const compilers[] = {"cc", "gcc", "clang"};
    const char *cc = process_in_path(j->arena, compilers, COUNT_OF(compilers));
    if (!cc) {
        diag_report(j->ctx, E0004, (Loc){0}, "no C compiler to link a shared object: none of cc, "
                                             "gcc, clang is in PATH");
        diag_help(j->ctx, "--emit obj needs none");
        return MLC_SYSTEM;
    }
    const char *argv[] = {cc, "-shared", "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-o", tmp,
                          j->object, "-lm", "-lpthread", NULL};
    ProcessOptions po = PROCESS_DEFAULT;
    int err = anonymous_file("mlc-stderr");
    if (err < 0)
        return no_descriptor(j->ctx);
    po.out = err;
    po.err = err;
    int code = 0;
    Status s = process_run(j->ctx, (char *const *)argv, &po, &code);
    if (s == MLC_OK && code != 0) {
        const char *text = written(j->arena, err);
        s = diag_error(j->ctx, E0004, (Loc){0}, MLC_SYSTEM, "'%s -shared' failed: %.*s", cc,
                       (int)strcspn(text, "\n"), text);
    }
    close(err);
    return s;
}

Status compile_link_shared(Ctx *c, const char *object, const char *path)
{
    Arena *a = arena_new(c);
    Job j = {.ctx = c, .arena = a, .object = object};
    Status s = whole(&j, path, make_shared);
    arena_free(a);
    return s;
}

/* ---- looking at an object ---- */

/* Calls fn for every section; false: no object file. */
static bool each_section(const FileMap *map, void (*fn)(void *arg, const char *name,
                                                        const Elf64_Shdr *s), void *arg)
{
    const Elf64_Ehdr *h = (const void *)map->data;
    if (map->size < sizeof *h || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 ||
        h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_shentsize != sizeof(Elf64_Shdr) ||
        h->e_shoff > map->size || h->e_shoff % 8 != 0 ||
        h->e_shnum > (map->size - h->e_shoff) / sizeof(Elf64_Shdr) || h->e_shstrndx >= h->e_shnum)
        return false;
    const Elf64_Shdr *section = (const void *)(map->data + h->e_shoff);
    const Elf64_Shdr *names = &section[h->e_shstrndx];
    if (names->sh_offset > map->size || names->sh_size > map->size - names->sh_offset ||
        names->sh_size == 0 || map->data[names->sh_offset + names->sh_size - 1] != 0)
        return false;
    for (int i = 0; i < h->e_shnum; i++)
        if (section[i].sh_name < names->sh_size)
            fn(arg, (const char *)map->data + names->sh_offset + section[i].sh_name, &section[i]);
    return true;
}

typedef struct Sum {
    const CompileOptions *options;
    ObjectSizes          *sizes;
} Sum;

/* The code of a target, where there are several, is in `.text.TARGET`. */
static void add_section(void *arg, const char *name, const Elf64_Shdr *s)
{
    const Sum *sum = arg;
    if (s->sh_flags & SHF_EXECINSTR)
        sum->sizes->code += (int64_t)s->sh_size;
    else if ((s->sh_flags & SHF_ALLOC) && !(s->sh_flags & SHF_WRITE))
        sum->sizes->rodata += (int64_t)s->sh_size;
    for (int k = 0; k < sum->options->ntargets; k++)
        if (str_starts(name, ".text.") && str_eq(name + 6, sum->options->targets[k].name))
            sum->sizes->of_target[k] += (int64_t)s->sh_size;
}

Status object_sizes(Ctx *c, const char *path, const CompileOptions *o, ObjectSizes *out)
{
    FileMap map;
    *out = (ObjectSizes){0};
    TRY(file_map(c, path, &map));
    bool ok = each_section(&map, add_section, &(Sum){o, out});
    file_unmap(&map);
    if (o->ntargets == 1)
        out->of_target[0] = out->code;
    return ok ? MLC_OK
              : diag_error(c, E0403, (Loc){.file = path}, MLC_BUG, "'%s' is not an object file",
                           path);
}
