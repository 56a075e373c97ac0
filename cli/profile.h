/* Where the time of a run goes: its launches, with what they stand for and how long they take. */
#ifndef MLC_CLI_PROFILE_H
#define MLC_CLI_PROFILE_H

#include "cli/execute.h"

typedef struct ProfileLayer {
    const char  *name;       /* of the kernel */
    const char  *skeleton;   /* "gemm" */
    const char **node;       /* names of the user's nodes */
    size_t       nnode;
    int64_t      macs;       /* -1: not known */
    int64_t      live_bytes; /* of the workspace that is in use meanwhile; -1: not known */
    double       mean_ns, median_ns, min_ns;
    int64_t      start_ns, end_ns; /* in the run of median length, from its beginning */
} ProfileLayer;

typedef struct Profile {
    VEC(ProfileLayer) layers; /* in the order of a run */
    int64_t runs;
    double  mean_ns, median_ns, min_ns; /* of a run */
    int64_t workspace_bytes;            /* -1: not known */
    int64_t peak_bytes;                 /* the most of live_bytes; -1 */
    size_t  peak_layer;
} Profile;

/* The launches of a program at the values of its symbols; no times yet. */
void   profile_of_program(Arena *a, Program *p, const int64_t *sym, Profile *out);
/* The same from the report beside an artifact, m.json beside m.o. MLC_INPUT when it is not there or
 * does not belong to it: it must list `launches` of them. */
Status profile_of_report(Ctx *c, Arena *a, const char *artifact, int64_t launches, Profile *out);
/* Fills in the times. */
void   profile_times(Arena *a, const RunnerProfile *r, Profile *p);

#endif
