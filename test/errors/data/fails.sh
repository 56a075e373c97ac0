#!/bin/sh
# A code generator that the system fails, without a diagnostic of its own.
echo 'the pipe is closed' >&2
exit 4
