#!/bin/sh
# A code generator that dies as LLVM does when it cannot select an instruction.
echo '{}' >&3
echo 'LLVM ERROR: Cannot select: t3: v4f32 = mystery' >&2
kill -ABRT $$
