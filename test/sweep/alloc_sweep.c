/* Runs one command again and again, each time with another request for memory refused (see
 * fail_alloc.c), and looks at what each run leaves behind.
 *
 *     alloc_sweep [-s STEP] [-j JOBS] [-x EXIT] NAME FOLDER COMMAND ARGUMENT...
 *
 * The command runs in FOLDER/wK/out, where files of its outputs' names stand already, with TMPDIR
 * FOLDER/wK/tmp. A run without a refusal comes first: it must exit with EXIT (0), and says how many
 * requests there are (where it is killed before it can, the sweep ends when a request does not
 * come) and what the outputs are. Then, for every STEP-th request:
 *
 *     exit 4, one error, "out of memory"             refused: the old files stand as they were
 *     exit 0, no error, the outputs of the first run survived: what was refused can be done without
 *     EXIT = 3, and 3 or 4 with an error             refused while an error was being reported
 *
 * Anything else is a failure: another exit code, a signal, more than 60 seconds, a process, a
 * temporary file or a partial output left behind, a word of a sanitizer. Exit 1 when there is one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
    atomic_int refused, survived, failed;
} Counts;

static struct {
    const char *name, *folder;
    char      **argv;
    int         step, jobs, exit_code;
    File        output[MAX_FILES];
    int         noutput;
    long        requests;
    Counts     *counts;
} sweep = {.step = 1, .jobs = 1};

typedef struct Worker {
    char root[400], out[420], tmp[420], log[420], err[420];
    char *text; /* what the newest run said on stderr */
} Worker;

static void stop(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "alloc_sweep: ");
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
        setenv("MLC_FAIL_ALLOC", number, 1);
        setenv("MLC_FAIL_LOG", w->log, 1);
        setenv("TMPDIR", w->tmp, 1);
        int null = open("/dev/null", O_RDWR), err = open(w->err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (null < 0 || err < 0 || chdir(w->out) != 0)
            _exit(98);
        dup2(null, 0);
        dup2(null, 1);
        dup2(err, 2);
        close_range(3, ~0u, 0);
        alarm(SECONDS);
        execv(sweep.argv[0], sweep.argv);
        _exit(98);
    }
    int status = -1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        stop("cannot run '%s': %s", sweep.argv[0], strerror(errno));
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
    const char *bad; /* NULL: nothing is wrong */
    bool        is_new;
    int         count;
} Left;

static void look_at_output(const char *folder, const char *name, void *arg)
{
    Left *l = arg;
    char path[600];
    int i = find_output(name);
    if (i == sweep.noutput) {
        l->bad = "a file that is no output is left";
        return;
    }
    const File *f = &sweep.output[i];
    bool has_times = strstr(name, ".time.json") != NULL;
    long size;
    char *data = contents(in(path, folder, name), &size);
    bool old = data && strcmp(data, old_text) == 0;
    bool new = data && (has_times ? size > 2 && data[size - 2] == '}'
                                  : size == f->size && memcmp(data, f->data, (size_t)size) == 0);
    if (l->is_new ? !new : !old)
        l->bad = new || old ? "outputs are a mixture" : "an output is partial";
    l->count++;
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

/* What is wrong with a run that was refused memory, or NULL. */
static const char *judge(const Worker *w, int status)
{
    int errors = count_of(w->text, "error["), tmp = 0;
    const char *process = processes_left();
    if (process)
        return process;
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGALRM ? "it hangs" : "it died of a signal";
    int code = WEXITSTATUS(status);
    if (count_of(w->text, "Sanitizer"))
        return "a sanitizer complains";
    if (code != sweep.exit_code && code != 4)
        return "wrong exit code";
    if (code == 4 && sweep.exit_code == 0 && (errors != 1 || !strstr(w->text, "out of memory")))
        return "not one error that says out of memory";
    if (sweep.exit_code != 0 && errors == 0)
        return "no error is printed";
    if (code == 0 && errors > 0)
        return "an error, and exit code 0";
    Left left = {.is_new = code == 0};
    each(w->out, look_at_output, &left);
    each(w->tmp, count_entry, &tmp);
    if (!left.bad && left.count != sweep.noutput)
        left.bad = "an output is gone";
    return left.bad ? left.bad : tmp > 0 ? "a temporary file is left" : NULL;
}

/* False: there is no request n. */
static bool one(Worker *w, long n)
{
    prepare(w);
    int status = run(w, n);
    bool came = logged(w, "refused") == n;
    if (!came && sweep.requests < 0 && n > 1)
        return false;
    const char *bad = came ? judge(w, status) : "the request did not come";
    Counts *c = sweep.counts;
    if (bad && atomic_fetch_add(&c->failed, 1) < MAX_SHOWN)
        printf("FAIL %s: request %ld: %s (%s %d)\n%s", sweep.name, n, bad,
               WIFSIGNALED(status) ? "signal" : "exit code",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), w->text);
    else if (!bad && WEXITSTATUS(status) == 0)
        atomic_fetch_add(&c->survived, 1);
    else if (!bad)
        atomic_fetch_add(&c->refused, 1);
    fflush(stdout);
    return came;
}

/* ---- the sweep ---- */

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
    sweep.requests = logged(&w, "requests");
    each(w.out, keep_output, NULL);
}

static int options(int argc, char **argv)
{
    int c;
    while ((c = getopt(argc, argv, "+s:j:x:")) != -1) {
        if (c == '?')
            exit(2);
        *(c == 's' ? &sweep.step : c == 'j' ? &sweep.jobs : &sweep.exit_code) = atoi(optarg);
    }
    if (argc - optind < 3 || sweep.step < 1 || sweep.jobs < 1)
        stop("usage: alloc_sweep [-s STEP] [-j JOBS] [-x EXIT] NAME FOLDER COMMAND ARGUMENT...");
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
            while ((sweep.requests < 0 || n <= sweep.requests) && one(&w, n))
                n += (long)sweep.jobs * sweep.step;
            _exit(0);
        }
    for (int status; wait(&status) > 0;)
        if (status != 0)
            atomic_fetch_add(&sweep.counts->failed, 1);
    const Counts *c = sweep.counts;
    int tried = c->refused + c->survived + c->failed;
    long all = sweep.requests < 0 ? (long)tried * sweep.step : sweep.requests;
    printf("%s %s: %d of %ld requests refused, one a run: %d reported, %d done without, %d failed\n",
           c->failed ? "FAIL" : "PASS", sweep.name, tried, all, c->refused, c->survived, c->failed);
    return c->failed > 0;
}
