/* What a file that is not an ONNX model looks like, for the message that refuses it. */
#ifndef MLC_ONNX_SNIFF_H
#define MLC_ONNX_SNIFF_H

#include "ir/base/base.h"

typedef struct Sniffed {
    const char *what; /* "a web page" */
    const char *help;
} Sniffed;

/* True when the file begins like something known that ONNX is not. */
bool sniff(const uint8_t *data, size_t size, Sniffed *out);

#endif
