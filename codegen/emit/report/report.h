/* The report of one compilation, schema mlc-report/1: JSON with keys in fixed order and nothing
 * that changes between identical builds (no times, no absolute paths). */
#ifndef MLC_CODEGEN_EMIT_REPORT_H
#define MLC_CODEGEN_EMIT_REPORT_H

#include "ir/base/str.h"
#include "ir/base/vec.h"
#include "ir/program/program.h"
#include "ir/target.h"

typedef struct ReportPass {
    const char *name;
    int64_t     rewrites;
    int         nodes_before, nodes_after;
} ReportPass;

/* One of the targets of the artifact. */
typedef struct ReportTarget {
    const TargetDesc *desc;
    const Program    *program;
    int64_t           code_bytes; /* of its own; -1: no object was made */
} ReportTarget;

/* A limit that was asked for. */
typedef struct ReportGate {
    const char *name; /* "max-size" */
    int64_t     limit, value; /* bytes */
    bool        passed;
} ReportGate;

typedef struct ReportInfo {
    const char        *version;   /* of mlc */
    const char *const *command;   /* words that decide the result */
    int                ncommand;
    const char        *model;     /* base name of the file */
    const char        *sha256;    /* "" unknown */
    int                opset, nodes_before, nodes_after;
    int64_t            params, param_bytes, macs, model_bytes;
    const char        *example;   /* "batch=1": symbols at which sizes were taken; "" none */
    const char         *target_names; /* "x86-avx512,x86-avx2" */
    const ReportTarget *targets;      /* best-fitting first */
    int                 ntargets;
    const char        *prefix;
    int64_t            code_bytes;    /* -1: no object was made */
    int64_t            rodata_bytes;  /* -1 */
    int64_t            artifact_bytes; /* of the object file; -1 */
    int64_t            example_workspace_bytes; /* at `example`, when it depends on symbols */
    const char        *weights_file;     /* its name; NULL: weights are inside */
    const char        *weights_identity; /* of that file */
    const ReportPass  *passes;
    size_t             npasses;
    const ReportGate  *gates;
    int                ngates;
} ReportInfo;

/* Appends the report. Layers and memory are those of `p`, the program of the first target. */
void report_emit(const Program *p, const ReportInfo *info, Str *out);

#endif
