#!/usr/bin/env bash
# What `make install` and `make deb` bring works, away from the source tree.
#
#   run.sh BUILD_DIR
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
model=docs/examples/fashion/fashion.onnx
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; exit 1; }
quiet() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; fail "$*"; }; }

dest=$work/dest prefix=/opt/a\ name
root=$dest$prefix
quiet make -s --no-print-directory BUILD="$build" DESTDIR="$dest" PREFIX="$prefix" install
(cd "$root" && find . ! -type d | LC_ALL=C sort) >"$work/files"
diff - "$work/files" <<'F' || fail "other files were installed"
./bin/mlc
./include/mlc/mlc_abi.h
./include/mlc/mlc_custom.h
./lib/cmake/mlc/mlcConfig.cmake
./lib/cmake/mlc/mlcConfigVersion.cmake
./lib/pkgconfig/mlc.pc
./libexec/mlc/mlc-codegen
./libexec/mlc/mlc-runner
./libexec/mlc/mlc-runner-jit
./share/bash-completion/completions/mlc
./share/fish/vendor_completions.d/mlc.fish
./share/man/man1/mlc.1
./share/zsh/site-functions/_mlc
F
"$build/mlc" help --man | cmp - "$root/share/man/man1/mlc.1"
bash -n "$root/share/bash-completion/completions/mlc"

# the installed programs, with nothing in the environment, through a link
ln -s "$root/bin/mlc" "$work/link"
env -i "$work/link" optimize "$model" -t host -o "$work/fashion" -q
env -i "$root/bin/mlc" run "$model" -t host --top 1 -q >/dev/null
env -i "$root/bin/mlc" doctor >"$work/doctor" || fail "doctor: $(cat "$work/doctor")"
grep -q "ok *mlc-codegen .*$root/libexec/mlc/mlc-codegen" "$work/doctor" || fail "doctor found another code generator"
mv "$root/libexec/mlc/mlc-codegen" "$work/hidden"
code=0
env -i "$root/bin/mlc" doctor >/dev/null 2>&1 || code=$?
[ $code = 4 ] || fail "doctor without mlc-codegen: exit $code"
mv "$work/hidden" "$root/libexec/mlc/mlc-codegen"
echo "install: ${#root} characters of prefix, mlc runs with an empty environment"

if command -v pkg-config >/dev/null; then
    export PKG_CONFIG_PATH=$root/lib/pkgconfig
    quiet pkg-config --exists 'mlc >= 0.1'
    eval "cc -Wall -Werror $here/any_model.c $work/fashion.o $(pkg-config --cflags --libs mlc) -o $work/any_model"
    [ "$("$work/any_model")" = "image, logits" ] || fail "the program with pkg-config"
    echo "install: pkg-config compiles"
else
    echo "SKIP install/pkg-config: no pkg-config (package pkg-config)"
fi

# One generator of CMake: both programs, nothing to do when nothing changed, again when the model did.
project()
{
    local src=$work/src bin=$work/bin
    rm -rf "$src" "$bin"
    mkdir "$src"
    cp "$here"/project/* "$model" "$src"
    quiet cmake -S "$src" -B "$bin" -G "$1" -DCMAKE_PREFIX_PATH="$root"
    quiet cmake --build "$bin"
    "$bin/classify_c" >"$work/c.txt" || fail "$1: the C program"
    "$bin/classify_cpp" >"$work/cpp.txt" || fail "$1: the C++ program"
    [ "$(wc -l <"$work/c.txt")" = 10 ] || fail "$1: the C program's output"
    cmp "$work/c.txt" "$work/cpp.txt" || fail "$1: the programs differ"
    local before after
    before=$(stat -c %y "$bin/fashion.mlc/fashion.o")
    quiet cmake --build "$bin"
    after=$(stat -c %y "$bin/fashion.mlc/fashion.o")
    [ "$before" = "$after" ] || fail "$1: compiled again for no reason"
    sleep 0.05
    touch "$src/fashion.onnx"
    quiet cmake --build "$bin"
    after=$(stat -c %y "$bin/fashion.mlc/fashion.o")
    [ "$before" != "$after" ] || fail "$1: a changed model was not compiled again"
    echo "install: CMake with $1: C and C++ agree"
}
if ! command -v cmake >/dev/null || ! command -v c++ >/dev/null; then
    echo "SKIP install/cmake: no cmake or no C++ compiler (packages cmake, g++)"
else
    project "Unix Makefiles"
    if command -v ninja >/dev/null; then
        project Ninja
    else
        echo "SKIP install/ninja: no ninja (package ninja-build)"
    fi
fi

# a file of somebody else stays, everything of ours goes
touch "$root/bin/other"
quiet make -s --no-print-directory BUILD="$build" DESTDIR="$dest" PREFIX="$prefix" uninstall
[ "$(find "$dest" ! -type d)" = "$root/bin/other" ] || fail "uninstall left $(find "$dest" ! -type d)"
[ -z "$(find "$root" -type d -path '*/mlc')" ] || fail "uninstall left folders of its own"
echo "install: uninstall leaves nothing"

if command -v dpkg-deb >/dev/null; then
    export SOURCE_DATE_EPOCH=1700000000
    for umask in 022 077; do
        (umask $umask && quiet make -s --no-print-directory BUILD="$build" deb)
        deb=$(ls "$build"/mlc_*.deb)
        cp "$deb" "$work/$umask.deb"
    done
    cmp "$work/022.deb" "$work/077.deb" || fail "two packages differ"
    dpkg-deb -c "$deb" >"$work/list"
    ! grep -v ' root/root .* 2023-11-14 ' "$work/list" || fail "owners or times"
    for f in usr/bin/mlc usr/libexec/mlc/mlc-codegen usr/share/doc/mlc/copyright usr/share/man/man1/mlc.1.gz usr/lib/cmake/mlc/mlcConfig.cmake; do
        grep -q " ./$f\$" "$work/list" || fail "the package lacks $f"
    done
    depends=$(dpkg-deb -f "$deb" Depends)
    echo "$depends" | grep -q 'libc6 (.*libjansson4.*libllvm' || fail "Depends: $depends"
    ! grep -q guessed "$work/log" || echo "SKIP install/shlibdeps: $(cat "$work/log")"
    dpkg-deb -x "$deb" "$work/deb" && dpkg-deb -e "$deb" "$work/deb/DEBIAN"
    (cd "$work/deb" && md5sum -c --quiet DEBIAN/md5sums) || fail "md5sums"
    env -i "$work/deb/usr/bin/mlc" optimize "$model" -o "$work/again" --prefix fashion -q
    cmp "$work/again.o" "$work/fashion.o" || fail "the package's mlc makes another object"
    echo "install: $(basename "$deb"), $(stat -c %s "$deb") bytes, twice the same"
else
    echo "SKIP install/deb: no dpkg-deb (package dpkg)"
fi
