/* Runs a fuzz target over files and the files of folders, in order of name; each must end within
 * LIMIT_S seconds. A crash or a broken promise ends the program, naming the file first. */
#include "test/fuzz/fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIMIT_S = 20 };

static const char *current;

/* Async-signal-safe: the process is about to die. */
static void name_current(const char *why)
{
    if (write(STDERR_FILENO, current, strlen(current)) < 0 ||
        write(STDERR_FILENO, why, strlen(why)) < 0)
        _exit(1);
}

static void on_signal(int number)
{
    name_current(number == SIGALRM ? ": takes too long\n" : ": stopped here\n");
    signal(number, SIG_DFL);
    raise(number);
}

static void replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    long size = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    uint8_t *data = size >= 0 ? malloc((size_t)MAX(size, 1)) : NULL; /* exact: nothing beyond */
    if (!data || fseek(f, 0, SEEK_SET) || fread(data, 1, (size_t)size, f) != (size_t)size) {
        perror(path);
        exit(1);
    }
    fclose(f);
    current = path;
    alarm(LIMIT_S);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    alarm(0);
    free(data);
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static int replay_all(const char *path)
{
    struct stat st;
    struct dirent **names;
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
        replay(path);
        return 1;
    }
    int n = scandir(path, &names, visible, alphasort), done = 0;
    for (int i = 0; i < n; i++) {
        char *sub;
        if (asprintf(&sub, "%s/%s", path, names[i]->d_name) < 0)
            abort();
        done += replay_all(sub);
        free(sub);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return done;
}

int main(int argc, char **argv)
{
    static const int signals[] = {SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL};
    int done = 0;
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        signal(signals[i], on_signal);
    for (int i = 1; i < argc; i++)
        done += replay_all(argv[i]);
    printf("%s: %d files, %d accepted\n", argv[0], done, fuzz_accepted);
    return fuzz_accepted ? 0 : 1; /* a corpus of which nothing is understood tests nothing */
}
