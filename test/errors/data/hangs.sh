#!/bin/sh
# A runner that never answers.
exec sleep 1000
