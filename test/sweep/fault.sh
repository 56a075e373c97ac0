#!/bin/sh
# Every system call of a compilation fails once, and the process is killed at it once: in mlc, in the
# code generator and in the runner, each traced by strace, which injects the fault.
#
#     test/sweep/fault.sh [-s STEP] BUILD [mlc|source|fork|codegen|runner...]
#
# A run without faults says which calls there are. The k-th call of a name then fails with an error
# that it can have, a second run with EINTR where that is possible, a third is killed. 'source' is mlc
# with target c99, 'fork' the calls between fork and exec. Exit 0 with a SKIP line where there is no
# strace, or where tracing is forbidden.
set -u
step=1
[ "$1" = -s ] && { step=$2; shift 2; }
build=$(cd "$1" && pwd) || exit 2
shift
[ $# -gt 0 ] || set -- source mlc fork codegen runner
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
export LC_ALL=C TERM=dumb
unset MLC_CODEGEN MLC_RUNNER MLC_RUNNER_JIT

command -v strace >/dev/null || { echo 'SKIP faults: there is no strace'; exit 0; }
strace -qq -o "$scratch/trace" -e inject=getppid:error=EPERM:when=1 true 2>"$scratch/err" ||
    { echo "SKIP faults: strace cannot inject: $(head -n 1 "$scratch/err")"; exit 0; }

# traced FILE PROGRAM: a script that runs PROGRAM under strace with the words of $MLC_FAULT
traced()
{
    printf '#!/bin/sh\nexec strace -qq -o "${MLC_TRACE:-/dev/null}" ${MLC_FAULT:-} "%s" "$@"\n' "$2" >"$1"
    chmod +x "$1"
}
traced "$scratch/traced-mlc" "$build/mlc"
traced "$scratch/traced-codegen" "$build/mlc-codegen"
traced "$scratch/traced-runner" "$build/mlc-runner-jit"

# The faults for a trace: $1 is "kill" where the traced process is the command itself.
faults()
{
    awk -v kill="$1" '
    BEGIN {
        split("openat EMFILE open EMFILE read EIO pread64 EIO write ENOSPC fsync EIO rename EIO " \
              "mkdir ENOSPC unlink EBUSY unlinkat EBUSY mmap ENOMEM mprotect ENOMEM " \
              "munmap ENOMEM mremap ENOMEM clone EAGAIN clone3 EAGAIN fork EAGAIN vfork EAGAIN " \
              "memfd_create EMFILE pipe2 EMFILE socketpair EMFILE dup EMFILE fcntl EMFILE " \
              "newfstatat EIO fstat EIO access EIO lseek EIO getdents64 EIO wait4 ECHILD " \
              "poll ENOMEM sendto ECONNRESET recvfrom ECONNRESET getcwd ENOENT readlink EIO", p, " ")
        for (i = 1; i in p; i += 2) error[p[i]] = p[i + 1]
        split("openat read write wait4 poll sendto recvfrom fsync", p, " ")
        for (i = 1; i in p; i++) slow[p[i]] = 1
    }
    kill == "error" || /^fcntl\(0, F_GETFD/ { started = 1 } # the first call of mlc itself
    match($0, /^[a-z_0-9]+\(/) {
        name = substr($0, 1, RLENGTH - 1)
        k = ++count[name]
        if (name == "execve" && k == 1) next # of strace itself
        at = " -e inject=" name ":"
        # Calls that do not fail (futex: to wake; the C library aborts), and close(), which does its
        # work even when it says it failed.
        if (name !~ /^(exit|exit_group|rt_sigreturn|futex|close)$/) {
            kind = started ? name == "rename" ? name : "error" : "load"
            # A brk() that fails returns the old break, of which the C library sees that it is less.
            how = name == "brk" ? "retval=0" : "error=" (name in error ? error[name] : "EPERM")
            print kind at how ":when=" k
            if (name in slow) print kind at "error=EINTR:when=" k
        }
        print kill at "signal=KILL:when=" k
    }' "$scratch/trace"
}

failed=0
for site; do
    mkdir "$scratch/$site"
    kill=error program=$build/mlc target=x86-avx2
    unset MLC_CODEGEN MLC_RUNNER_JIT
    case $site in
    mlc) kill=kill program=$scratch/traced-mlc ;;
    source) kill=kill program=$scratch/traced-mlc target=c99 ;;
    codegen) export MLC_CODEGEN="$scratch/traced-codegen" ;;
    runner) export MLC_RUNNER_JIT="$scratch/traced-runner" ;;
    fork) program=$scratch/traced-mlc ;;
    *) echo "fault.sh: no site '$site'"; exit 2 ;;
    esac
    if [ "$site" = fork ]; then # calls that only the children make, on their way to exec
        for call in prctl getppid dup2 close_range prlimit64; do
            for k in 1 2 3; do
                echo "error -f -e inject=$call:error=EPERM:when=$k"
            done
        done >"$scratch/faults"
    else
        MLC_TRACE=$scratch/trace "$program" optimize "$here/model.mlc" -t $target \
            -o "$scratch/$site/m" 2>"$scratch/err" || { cat "$scratch/err"; exit 2; }
        faults $kill >"$scratch/faults"
        rm -f "$scratch/$site"/*
    fi
    "$build/sweep/sweep" -j 2 -s "$step" -f "$scratch/faults" "$site" "$scratch/$site" \
        "$program" optimize "$here/model.mlc" -t $target -o m || failed=1
done
exit $failed
