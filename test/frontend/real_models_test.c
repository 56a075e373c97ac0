/* Every real model at hand is read or refused with a reason: the trained models of a folder beside
 * the project (MLC_SHARED) and ONNX's own test models, which Debian ships. */
#include "ir/base/file.h"
#include "ir/base/str.h"
#include "test/frontend/model.h"

#include <dirent.h>
#include <setjmp.h>

#include <cmocka.h>

typedef struct Tally {
    int files, read, refused;
    int64_t ns;
} Tally;

static void read_real(const char *path, Tally *t)
{
    int64_t start = clock_ns();
    Read *r = read_path(path, NULL);
    t->ns += clock_ns() - start;
    t->files++;
    t->read += r->status == MLC_OK;
    t->refused += r->status == MLC_INPUT;
    if (r->status == MLC_OK)
        assert_int_equal(graph_verify(r->graph), MLC_OK);
    else if (r->ctx.diags.errors == 0 || r->status != MLC_INPUT)
        fail_msg("%s: status %d, %zu errors", path, r->status, r->ctx.diags.errors);
    read_free(r);
}

static void read_tree(const char *dir, int depth, Tally *t)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] == '.')
            continue;
        if (str_ends(e->d_name, ".onnx"))
            read_real(path, t);
        else if (depth && (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN))
            read_tree(path, depth - 1, t);
    }
    closedir(d);
}

static void read_all(const char *what, const char *dir)
{
    Tally t = {0};
    read_tree(dir, 3, &t);
    if (!t.files) {
        print_message("SKIP %s: no models in %s\n", what, dir);
        skip();
    }
    print_message("%s: %d models, %d read, %d refused, %.2f ms each\n", what, t.files, t.read,
                  t.refused, (double)t.ns / 1e6 / t.files);
}

static void test_shared_models(void **state)
{
    (void)state;
    const char *shared = getenv("MLC_SHARED");
    char dir[4096];
    snprintf(dir, sizeof dir, "%s/models", shared ? shared : "../shared");
    read_all("trained models (MLC_SHARED)", dir);
}

static void test_debian_models(void **state)
{
    (void)state;
    const char *dir = getenv("MLC_ONNX_TESTDATA");
    read_all("libonnx-testdata",
             dir ? dir : "/usr/lib/python3/dist-packages/onnx/backend/test/data");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_models),
        cmocka_unit_test(test_debian_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
