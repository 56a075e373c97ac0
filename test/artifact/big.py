#!/usr/bin/env python3
"""A model with more than 2 GiB of external data: loaded, compiled, run, and its output compared.

    big.py BUILD_DIR

Takes about 8 GiB of disk in $TMPDIR and says how much memory of its own (not pages of files, which
the kernel can take back) mlc and its children held at once at most: one copy of the weights
that kernels want in another order, and none of the others.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

GIB = 1 << 30


def tree(pid):
    """The process and all below it."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            children = f.read().split()
    except OSError:
        return []
    return [pid] + [p for c in children for p in tree(int(c))]


def held(pid):
    """Bytes of own memory, and of all memory, of a process. What it shares with others (as after a
    fork) is divided among them."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            rows = dict(line.split(":", 1) for line in f if ":" in line)
    except OSError:
        return 0, 0
    kib = {k: int(v.split()[0]) for k, v in rows.items() if k.startswith(("Pss", "Rss"))}
    return (kib.get("Pss_Anon", 0) + kib.get("Pss_Shmem", 0)) * 1024, kib.get("Rss", 0) * 1024


def run(*argv):
    """Exit code, stdout, stderr, most own memory of all processes at once, most memory of one."""
    start = time.time()
    p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    most = [0, 0]

    def watch():
        while p.poll() is None:
            sizes = [held(q) for q in tree(p.pid)]
            most[0] = max([most[0], sum(own for own, _ in sizes)])
            most[1] = max([most[1]] + [all_ for _, all_ in sizes])
            time.sleep(0.01)

    t = threading.Thread(target=watch)
    t.start()
    out, err = p.communicate()
    t.join()
    words = " ".join(os.path.basename(a) if a.startswith("/") else a for a in argv)
    print(f"  {words}: {time.time() - start:.1f} s, {most[0] / GIB:.2f} GiB of own memory, "
          f"at most {most[1] / GIB:.2f} GiB resident in one process", flush=True)
    return p.returncode, out, err, most[0]


def check(condition, *what):
    if not condition:
        sys.exit("FAIL: " + " ".join(str(w) for w in what))


def main(build):
    here = os.path.dirname(os.path.abspath(__file__))
    mlc = os.path.abspath(build) + "/mlc"
    work = tempfile.mkdtemp()
    try:
        case = work + "/big"
        subprocess.run([sys.executable, here + "/make_model.py", "big", case], check=True)
        weights = os.path.getsize(case + "/weights.bin")
        check(weights > 2 * GIB, "the model is too small")
        most = 1.25 * GIB  # the four matrices are 1 GiB; the table stays where it is

        code, out, err, own = run(mlc, "verify", "-t", "host", case)
        check(code == 0 and "1 passed" in out, out, err)
        check(own < most, "verify held", own, "bytes")

        code, out, err, own = run(mlc, "optimize", case + "/model.onnx", "-t", "x86-sse2,x86-avx2", "--weights",
                                  "embed", "-o", work + "/e")
        check(code == 3 and "E0404" in err and "--weights file" in err, code, err)
        check(not [f for f in os.listdir(work) if f != "big"], "something is left", os.listdir(work))

        code, out, err, own = run(mlc, "optimize", case + "/model.onnx", "-o", work + "/m")
        check(code == 0, err)
        check(own < most, "optimize held", own, "bytes")
        check(os.path.getsize(work + "/m.weights") >= weights, "weights are missing")
        check(os.path.getsize(work + "/m.o") < 1 << 20, "the object has weights inside")
        ids = f"ids={case}/test_data_set_0/input_0.pb"
        code, out, err, own = run(mlc, "run", work + "/m.o", "--input", ids, "--output", work + "/out")
        check(code == 0, err)
        check(own < 64 << 20, "running the artifact held", own, "bytes")
        with open(work + "/out/output_0.pb", "rb") as got, open(case + "/test_data_set_0/output_0.pb", "rb") as want:
            check(got.read()[-1000:] == want.read()[-1000:], "other output")
        with open(work + "/m.weights", "r+b") as f:
            f.truncate(weights)
        code, out, err, own = run(mlc, "run", work + "/m.o", "--input", ids)
        check(code == 3 and "truncated" in err, code, err)
        print("big: more than 2 GiB of weights, the outputs as computed; one copy in memory")
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
