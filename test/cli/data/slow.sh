#!/bin/sh
# A code generator that never ends: it says that it runs and waits to be killed.
echo $$ > slow.pid
exec sleep 1000
