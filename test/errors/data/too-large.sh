#!/bin/sh
# A code generator that refuses a program with a diagnostic of its own.
echo '{"code":"E0404","message":"the stack of kernel k0 takes 9 MiB"}' >&3
exit 3
