#!/usr/bin/env python3
"""Writes the corpora of the fuzz targets: small inputs, valid and hostile, made byte by byte.

    test/fuzz/seeds.py DIR        DIR/onnx, DIR/text, DIR/data, DIR/config (programs: program_seeds.c)

The same files come out every time. Nothing but Python's standard library is used.
"""
import os
import sys

import seeds_data
import seeds_onnx
import seeds_text


def main(top):
    for name, files in (("onnx", seeds_onnx.files()), ("text", seeds_text.files()),
                        ("data", seeds_data.files()), ("config", seeds_text.configs())):
        folder = os.path.join(top, name)
        os.makedirs(folder, exist_ok=True)
        for key, content in files.items():
            content = content.encode() if isinstance(content, str) else content
            with open(os.path.join(folder, key), "wb") as f:
                f.write(content)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
