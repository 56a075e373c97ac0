/* The driver: model file -> graph -> program -> artifact. Commands call the phases one by one:
 *
 *     CompileOptions o;
 *     TRY(compile_options(cli, &o));              // -t -O --dim --shape --threads --strict -X ...
 *     TRY(compile_load(ctx, path, &o, &graph));   // reader, shapes fixed, types inferred
 *     TRY(compile_passes(graph, &o, &report));
 *     TRY(compile_lower_all(graph, &o, &programs));
 *     TRY(compile_codegen(ctx, &programs, &o, CODEGEN_OBJ, "m.o"));
 *
 * None of them prints. */
#ifndef MLC_CLI_COMPILE_H
#define MLC_CLI_COMPILE_H

#include "codegen/target/target.h"
#include "ir/graph/graph.h"
#include "ir/program/program.h"
#include "passes/pass.h"

typedef struct Cli Cli;

/* One `--dim SYM=N`. */
typedef struct DimFix {
    const char *name;
    int64_t     value;
} DimFix;

/* One `--dim SYM=MIN..MAX:TYPICAL`; typical 0: not given. */
typedef struct DimRange {
    const char *name;
    int64_t     min, max, typical;
} DimRange;

/* One `--shape N=DxDxD`; a dimension -1 ("?") stays as it is. */
typedef struct ShapeFix {
    const char *input;
    int         rank;
    int64_t     dim[MAX_RANK];
} ShapeFix;

/* One `--custom-op DOMAIN::OP=HEADER:SYMBOL`. */
typedef struct CustomOp {
    const char *domain, *name, *header, *symbol;
} CustomOp;

typedef struct CompileOptions {
    Arena       *arena;        /* owns what this record points to */
    TargetDesc   target;       /* the best-fitting of `targets` */
    TargetDesc   targets[MAX_TARGETS]; /* best-fitting first; one artifact has code for all */
    int          ntargets;
    const char  *target_names; /* "x86-avx512,x86-avx2" */
    const char  *target_asked; /* "host" when target.name is what it resolved to */
    int          level;        /* 0..3; 's' is 4 */
    bool         strict;       /* no reassociation of float reductions */
    uint64_t     rounds;       /* Graph.rounds */
    int          threads;      /* at most so many in the artifact; 0: no limit of its own */
    const char  *prefix;       /* C identifier of the artifact's symbols */
    const char  *passes;       /* comma-separated names, NULL: the pipeline of the level */
    VEC(DimFix) dims;
    VEC(DimRange) ranges;
    VEC(ShapeFix) shapes;
    VEC(CustomOp) custom;
    const char  *sha256;       /* hex, of the model file; "" unknown. Set by compile_load() */
    int64_t      model_bytes;  /* set by compile_load() */
    int64_t      memory_limit; /* of the code generator's process; 0: default */
    bool         verify_each;
    bool         profile;      /* the artifact takes time stamps between launches */
    bool         compact;      /* constants do not grow: the graph is written, not compiled */
    /* Called after every pass; may be NULL. */
    void       (*after_pass)(void *arg, const char *pass, Graph *g);
    void        *after_arg;
} CompileOptions;

/* What the options that choose a compilation say. With `target` NULL the option -t decides, then
 * "host". */
Status compile_options(Cli *cli, const char *target, CompileOptions *o);
/* Nothing asked for: level 2, no fixed shapes, prefix "model", the given target. For tests. */
Status compile_defaults(Ctx *c, Arena *a, const char *target, CompileOptions *o);

/* Does one of the targets run on this machine, without an emulator? */
bool compile_runs_here(const CompileOptions *o);

/* Reads ONNX, or the text form when the name ends in ".mlc"; fixes shapes. */
Status compile_read(Ctx *c, const char *model, CompileOptions *o, Graph **out);
/* The same, and infers types. */
Status compile_load(Ctx *c, const char *model, CompileOptions *o, Graph **out);
/* `report` may be NULL. */
Status compile_passes(Graph *g, const CompileOptions *o, PipelineReport *report);
/* For o->target alone. */
Status compile_lower(Graph *g, const CompileOptions *o, Program **out);

/* The programs of one artifact, at[k] for o->targets[k]. */
typedef struct Programs {
    Program *at[MAX_TARGETS];
    int      n;
    char     weights_identity[33]; /* of the weights file (cli/weights.h); "": they are inside */
} Programs;
Status compile_lower_all(Graph *g, const CompileOptions *o, Programs *out);

typedef enum CodegenKind { CODEGEN_OBJ, CODEGEN_ASM, CODEGEN_LLVM_IR } CodegenKind;
/* Runs mlc-codegen, which writes `path`. The path appears whole or not at all. E0403 when the
 * program cannot be compiled, MLC_BUG when the code generator dies. */
Status compile_codegen(Ctx *c, const Programs *p, const CompileOptions *o, CodegenKind kind,
                       const char *path);
/* A shared object out of an object, by the system's compiler (E0004 when there is none). */
Status compile_link_shared(Ctx *c, const char *object, const char *path);

/* Bytes of code (executable sections) and of read-only data in an object file. */
typedef struct ObjectSizes {
    int64_t code, rodata;
    int64_t of_target[MAX_TARGETS]; /* code of o->targets[k] alone; what they share is in `code` */
} ObjectSizes;
Status object_sizes(Ctx *c, const char *path, const CompileOptions *o, ObjectSizes *out);
/* "model-v1.2" -> "model_v1_2": a C identifier, in `a`. */
const char *identifier_from(Arena *a, const char *text);
bool        is_identifier(const char *text);

#endif
