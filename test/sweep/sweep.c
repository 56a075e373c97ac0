/* Runs one command again and again, each time with another thing failing under it, and looks at what
 * each run leaves behind.
 *
 *     sweep [-s STEP] [-j JOBS] [-x EXIT] [-f FAULTS] NAME FOLDER COMMAND ARGUMENT...
 *
 * The command runs in FOLDER/wK/out, where files of its outputs' names stand already, with TMPDIR
 * FOLDER/wK/tmp. A run without a fault comes first: it must exit with EXIT (0), and says what the
 * outputs are. Then come the faults, every STEP-th of them:
 *
 *   requests for memory   MLC_FAIL_ALLOC is the number of the one that is refused (fail_alloc.c). The
 *                         first run counts them; where it is killed before it can say so, the sweep
 *                         ends when a request does not come.
 *   -f FAULTS             the lines of the file: MLC_FAULT is the line without its first word, which
 *                         is "error"; "load" before the command has come to its main(); "rename";
 *                         or "kill" where the command itself is killed
 *
 * What may come out of it:
 *
 *     exit 4, one error                              the old files stand as they were
 *     exit 0, no error, the outputs of the first run done without: what failed can be spared
 *     EXIT = 3, and 3 or 4 with an error             failed while an error was being reported
 *     any death                                      load only: the old files stand as they were
 *     SIGKILL                                        kill only: each file is old or new
 *
 * Out of memory must be called so. Anything else is a failure: another exit code, a signal, more than
 * 60 seconds, a process, a temporary file or a partial output left behind (kill may leave temporary
 * files, a rename that fails may leave a mixture), a word of a sanitizer. Exit 1 when there is one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_FILES = 16, MAX_TEXT = 1 << 20, MAX_SHOWN = 20, SECONDS = 60 };

static const char old_text[] = "what stood here before\n";

typedef struct File {
    char  name[64];
    char *data;
    long  size;
} File;

typedef struct Counts { /* shared by the workers */
    atomic_int reported, survived, killed, failed;
} Counts;

static struct {
    const char *name, *folder;
    char      **argv;
    int         step, jobs, exit_code;
    File        output[MAX_FILES];
    int         noutput;
    long        count;  /* faults; -1: not known */
    char      **fault;  /* lines of -f; NULL: requests for memory */
    Counts     *counts;
} sweep = {.step = 1, .jobs = 1};

typedef struct Worker {
    char root[400], out[420], tmp[420], log[420], err[420];
    char *text;  /* what the newest run said on stderr */
    bool  hangs; /* and that it had to be killed */
} Worker;

static void stop(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "sweep: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(2);
}

/* ---- files ---- */

/* The whole file, ended by a NUL that `size` does not count; NULL when it is not there. */
static char *contents(const char *path, long *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    char *data = malloc(MAX_TEXT + 1);
    *size = data ? (long)fread(data, 1, MAX_TEXT, f) : 0;
    if (!data || *size == MAX_TEXT)
        stop("'%s' is too large", path);
    data[*size] = 0;
    fclose(f);
    return data;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    if (!f || fputs(text, f) == EOF || fclose(f) != 0)
        stop("cannot write '%s': %s", path, strerror(errno));
}

static const char *in(char path[600], const char *folder, const char *name)
{
    snprintf(path, 600, "%s/%s", folder, name);
    return path;
}

/* Calls fn for each entry of a folder. */
static void each(const char *folder, void (*fn)(const char *folder, const char *name, void *arg),
                 void *arg)
{
    DIR *d = opendir(folder);
    if (!d)
        stop("cannot read '%s': %s", folder, strerror(errno));
    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            fn(folder, e->d_name, arg);
    closedir(d);
}

static void delete_entry(const char *folder, const char *name, void *arg)
{
    char path[600];
    in(path, folder, name);
    if (unlink(path) != 0 && errno == EISDIR)
        each(path, delete_entry, arg);
    rmdir(path);
}

static void keep_output(const char *folder, const char *name, void *arg)
{
    (void)arg;
    char path[600];
    File *f = &sweep.output[sweep.noutput++];
    if (sweep.noutput > MAX_FILES || strlen(name) >= sizeof f->name)
        stop("too many outputs");
    strcpy(f->name, name);
    f->data = contents(in(path, folder, name), &f->size);
}

static int find_output(const char *name)
{
    int i = 0;
    while (i < sweep.noutput && strcmp(sweep.output[i].name, name) != 0)
        i++;
    return i;
}

/* ---- one run ---- */

static void prepare(const Worker *w)
{
    char path[600];
    each(w->out, delete_entry, NULL);
    each(w->tmp, delete_entry, NULL);
    unlink(w->log);
    for (int i = 0; i < sweep.noutput; i++)
        put(in(path, w->out, sweep.output[i].name), old_text);
}

/* Runs the command with request n refused; the wait status. */
static int run(Worker *w, long n)
{
    pid_t pid = fork();
    if (pid == 0) {
        char number[32];
        snprintf(number, sizeof number, "%ld", n);
        if (!sweep.fault)
            setenv("MLC_FAIL_ALLOC", number, 1), setenv("MLC_FAIL_LOG", w->log, 1);
        else
            setenv("MLC_FAULT", n ? strchr(sweep.fault[n - 1], ' ') + 1 : "", 1);
        setenv("TMPDIR", w->tmp, 1);
        int null = open("/dev/null", O_RDWR), err = open(w->err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (null < 0 || err < 0 || chdir(w->out) != 0)
            _exit(98);
        dup2(null, 0);
        dup2(null, 1);
        dup2(err, 2);
        close_range(3, ~0u, 0);
        setpgid(0, 0);
        execv(sweep.argv[0], sweep.argv);
        _exit(98);
    }
    struct pollfd end = {.fd = pid < 0 ? -1 : pidfd_open(pid, 0), .events = POLLIN};
    if (end.fd < 0)
        stop("cannot run '%s': %s", sweep.argv[0], strerror(errno));
    w->hangs = poll(&end, 1, SECONDS * 1000) == 0;
    close(end.fd);
    if (w->hangs)
        kill(-pid, SIGKILL);
    int status = -1;
    if (waitpid(pid, &status, 0) != pid)
        stop("waitpid: %s", strerror(errno));
    long size;
    free(w->text);
    w->text = contents(w->err, &size);
    return status;
}

/* The number after `word` in the log, or -1. */
static long logged(const Worker *w, const char *word)
{
    long size, n = -1;
    char *log = contents(w->log, &size);
    char *at = log ? strstr(log, word) : NULL;
    if (at)
        n = strtol(at + strlen(word), NULL, 10);
    free(log);
    return n;
}

/* ---- what a run left ---- */

typedef struct Left {
    int         other, old, new, partial;
} Left;

static void look_at_output(const char *folder, const char *name, void *arg)
{
    Left *l = arg;
    char path[600];
    int i = find_output(name);
    if (i == sweep.noutput) {
        l->other++;
        return;
    }
    const File *f = &sweep.output[i];
    bool has_times = strstr(name, ".time.json") != NULL;
    long size;
    char *data = contents(in(path, folder, name), &size);
    if (data && strcmp(data, old_text) == 0)
        l->old++;
    else if (data && (has_times ? size > 2 && data[size - 2] == '}'
                                : size == f->size && memcmp(data, f->data, (size_t)size) == 0))
        l->new++;
    else
        l->partial++;
    free(data);
}

static void count_entry(const char *folder, const char *name, void *arg)
{
    (void)folder;
    (void)name;
    ++*(int *)arg;
}

/* Processes that outlive the command come to this one. mlc's die with it, but not before it. */
static const char *processes_left(void)
{
    int status;
    for (int i = 0; i < 500; i++) {
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid < 0)
            return NULL;
        if (pid == 0)
            usleep(10000);
    }
    return "a process is left";
}

static int count_of(const char *text, const char *word)
{
    int n = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

static bool is_kind(const char *fault, const char *kind)
{
    return fault && strncmp(fault, kind, strlen(kind)) == 0;
}

/* What is wrong with the files that a run left, or NULL. */
static const char *judge_files(const Worker *w, const char *fault, bool is_killed, bool is_new)
{
    Left left = {0};
    int tmp = 0;
    each(w->out, look_at_output, &left);
    each(w->tmp, count_entry, &tmp);
    if (left.partial)
        return "an output is partial";
    if (left.old + left.new != sweep.noutput)
        return "an output is gone";
    if (is_killed)
        return NULL;
    if (!is_kind(fault, "rename ") && (is_new ? left.old : left.new))
        return left.old && left.new ? "outputs are a mixture" : "outputs contradict the exit code";
    return left.other ? "a file that is no output is left" : tmp ? "a temporary file is left" : NULL;
}

/* What is wrong with a run, or NULL. `fault` is a line of -f, or NULL where memory was refused. */
static const char *judge(const Worker *w, int status, const char *fault)
{
    int errors = count_of(w->text, "error["), code = WEXITSTATUS(status);
    const char *process = processes_left();
    if (w->hangs || process)
        return w->hangs ? "it hangs" : process;
    if (is_kind(fault, "kill ") && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return judge_files(w, fault, true, false);
    if (is_kind(fault, "load ") && status != 0)
        return judge_files(w, fault, false, false);
    if (WIFSIGNALED(status))
        return "it died of a signal";
    if (count_of(w->text, "Sanitizer"))
        return "a sanitizer complains";
    if (code != sweep.exit_code && code != 4)
        return "wrong exit code";
    if (code == 4 && sweep.exit_code == 0 && errors != 1)
        return "not one error";
    if (code == 4 && sweep.exit_code == 0 && !fault && !strstr(w->text, "out of memory"))
        return "out of memory is not called so";
    if (sweep.exit_code != 0 && errors == 0)
        return "no error is printed";
    if (code == 0 && errors > 0)
        return "an error, and exit code 0";
    return judge_files(w, fault, false, code == 0);
}

/* False: there is no fault n. */
static bool one(Worker *w, long n)
{
    prepare(w);
    int status = run(w, n);
    const char *fault = sweep.fault ? sweep.fault[n - 1] : NULL;
    bool came = fault || logged(w, "refused") == n;
    if (!came && sweep.count < 0 && n > 1)
        return false;
    const char *bad = came ? judge(w, status, fault) : "the request did not come";
    Counts *c = sweep.counts;
    if (bad && atomic_fetch_add(&c->failed, 1) < MAX_SHOWN)
        printf("FAIL %s: %ld %s: %s (%s %d)\n%s", sweep.name, n, fault ? fault : "", bad,
               WIFSIGNALED(status) ? "signal" : "exit code",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), w->text);
    else if (!bad)
        atomic_fetch_add(WIFSIGNALED(status)         ? &c->killed
                         : WEXITSTATUS(status) == 0 ? &c->survived
                                                    : &c->reported, 1);
    fflush(stdout);
    return came;
}

/* ---- the sweep ---- */

static void read_faults(const char *path)
{
    long size;
    char *text = contents(path, &size), *save = NULL;
    if (!text)
        stop("cannot read '%s'", path);
    sweep.fault = calloc((size_t)size + 1, sizeof *sweep.fault);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (!sweep.fault || !strchr(line, ' '))
            stop("'%s' is no list of faults", path);
        sweep.fault[sweep.count++] = line;
    }
}

static void open_worker(Worker *w, int k)
{
    *w = (Worker){0};
    snprintf(w->root, sizeof w->root, "%s/w%d", sweep.folder, k);
    snprintf(w->out, sizeof w->out, "%s/out", w->root);
    snprintf(w->tmp, sizeof w->tmp, "%s/tmp", w->root);
    snprintf(w->log, sizeof w->log, "%s/log", w->root);
    snprintf(w->err, sizeof w->err, "%s/err", w->root);
    mkdir(w->root, 0700);
    if ((mkdir(w->out, 0700) != 0 && errno != EEXIST) ||
        (mkdir(w->tmp, 0700) != 0 && errno != EEXIST))
        stop("cannot make '%s': %s", w->out, strerror(errno));
}

static void first_run(void)
{
    Worker w;
    open_worker(&w, 0);
    prepare(&w);
    int status = run(&w, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != sweep.exit_code)
        stop("%s: the first run ended with status %d\n%s", sweep.name, status, w.text);
    if (!sweep.fault)
        sweep.count = logged(&w, "requests");
    each(w.out, keep_output, NULL);
}

static int options(int argc, char **argv)
{
    int c;
    while ((c = getopt(argc, argv, "+s:j:x:f:")) != -1) {
        if (c == '?')
            exit(2);
        if (c == 'f')
            read_faults(optarg);
        else
            *(c == 's' ? &sweep.step : c == 'j' ? &sweep.jobs : &sweep.exit_code) = atoi(optarg);
    }
    if (argc - optind < 3 || sweep.step < 1 || sweep.jobs < 1)
        stop("usage: sweep [-s STEP] [-j JOBS] [-x EXIT] [-f FAULTS] NAME FOLDER COMMAND...");
    return optind;
}

int main(int argc, char **argv)
{
    int at = options(argc, argv);
    sweep.name = argv[at];
    sweep.folder = argv[at + 1];
    sweep.argv = argv + at + 2;
    sweep.counts = mmap(NULL, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sweep.counts == MAP_FAILED)
        stop("mmap: %s", strerror(errno));
    first_run();
    for (int k = 0; k < sweep.jobs; k++)
        if (fork() == 0) {
            Worker w;
            open_worker(&w, k);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            prctl(PR_SET_CHILD_SUBREAPER, 1);
            long n = 1 + (long)k * sweep.step;
            while ((sweep.count < 0 || n <= sweep.count) && one(&w, n))
                n += (long)sweep.jobs * sweep.step;
            _exit(0);
        }
    for (int status; wait(&status) > 0;)
        if (status != 0)
            atomic_fetch_add(&sweep.counts->failed, 1);
    const Counts *c = sweep.counts;
    int tried = c->reported + c->survived + c->killed + c->failed;
    printf("%s %s: %d of %ld %s, one a run: %d reported, %d done without", c->failed ? "FAIL" : "PASS",
           sweep.name, tried, sweep.count < 0 ? (long)tried * sweep.step : sweep.count,
           sweep.fault ? "faults injected" : "requests refused", c->reported, c->survived);
    if (c->killed)
        printf(", %d killed", c->killed);
    printf(", %d failed\n", c->failed);
    return c->failed > 0;
}
