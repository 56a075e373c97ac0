#!/bin/sh
# A code generator that dies as LLVM does when memory is short.
echo 'LLVM ERROR: out of memory' >&2
kill -ABRT $$
