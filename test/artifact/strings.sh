#!/usr/bin/env bash
# An artifact with strings links with plain cc, and into C++; see strings.c.
#
#   strings.sh BUILD_DIR
set -eu
mlc=$1/mlc
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/greet.mlc" <<'M'
graph "greet" opset 20 {
  sym n >= 0
  in %names : string[n]
  const %hello : string[] = {"Hello, "}
  const %half : f32[2] = {0.5, -3}
  %text = StringConcat(%hello, %names)
  %number = Cast(%half) {to=8}
  out %text
  out %number
}
M
"$mlc" optimize "$work/greet.mlc" -t x86-sse2 --emit obj,header -o "$work/greet" -q
cc -std=c11 -Wall -Wextra -Werror -pedantic -fsanitize=address -I"$work" "$here/strings.c" "$work/greet.o" -lm -lpthread -o "$work/prog"
cc -std=c11 -no-pie -static -I"$work" "$here/strings.c" "$work/greet.o" -lm -lpthread -o "$work/low" # small addresses
"$work/low"
"$work/prog"
echo '#include "greet.h"' > "$work/cxx.cpp"
c++ -std=c++17 -Wall -Wextra -Werror -pedantic -fsyntax-only -I"$work" "$work/cxx.cpp"
