#!/bin/sh
# A Debian package with dpkg-deb alone: BUILD/mlc_VERSION_ARCH.deb.
#
#     LLVM_MAJOR=22 make/install/deb.sh BUILD VERSION
#
# The same bytes every time: times are SOURCE_DATE_EPOCH (default: the last commit), owners are
# root, names are sorted, one compression thread. The build id goes: it hashes debug information,
# which names the build folder, and is stripped.
set -eu
umask 022
LC_ALL=C
export LC_ALL
build=$1 version=$2
arch=$(dpkg --print-architecture)
root=$build/deb deb=$build/mlc_${version}_$arch.deb
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}"
export SOURCE_DATE_EPOCH

rm -rf "$root"
make -s --no-print-directory BUILD="$build" DESTDIR="$root" PREFIX=/usr \
    ZSH_DIR=share/zsh/vendor-completions install >/dev/null
programs=$(find "$root/usr/bin" "$root/usr/libexec" -type f | sort)
# shellcheck disable=SC2086 # a list
strip --strip-unneeded -R .comment -R .note.gnu.build-id $programs

doc=$root/usr/share/doc/mlc
mkdir -p "$doc"
cp make/install/copyright "$doc/copyright"
gzip -9n <CHANGELOG.md >"$doc/changelog.gz"
gzip -9n "$root/usr/share/man/man1/mlc.1"
chmod 644 "$doc"/*

# What the programs link with. Without dpkg-dev: those of Debian 12, which later ones have too.
depends=
if command -v dpkg-shlibdeps >/dev/null; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/debian"
    printf 'Source: mlc\n\nPackage: mlc\nArchitecture: any\n' >"$work/debian/control"
    absolute=$(cd "$root" && pwd)
    if (cd "$work" && find "$absolute/usr/bin" "$absolute/usr/libexec" -type f | sort |
        xargs dpkg-shlibdeps -O >out 2>err); then
        depends=$(sed -n 's/^shlibs:Depends=//p' "$work/out")
    else
        echo "deb: dependencies are guessed, because $(grep -m1 error "$work/err")" >&2
    fi
fi
: "${depends:=libc6 (>= 2.36), libjansson4, libllvm$LLVM_MAJOR, libprotobuf-c1, libsodium23, zlib1g}"

mkdir "$root/DEBIAN"
# Rounded up file by file, as dpkg-gencontrol does.
size=$(find "$root/usr" -type f -printf '%s\n' | awk '{ n += int(($1 + 1023) / 1024) } END { print n }')
sed "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/; s/@DEPENDS@/$depends/" \
    make/install/control >"$root/DEBIAN/control"
(cd "$root" && find usr -type f | sort | xargs md5sum) >"$root/DEBIAN/md5sums"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$root" "$deb" >/dev/null
echo "wrote $deb"
