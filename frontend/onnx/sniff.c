#include "frontend/onnx/sniff.h"

/* Signatures at a fixed offset. None of them can begin an ONNX model, whose first byte is the tag
 * of one of ModelProto's fields, unless `text` says that the whole beginning is printable. */
typedef struct Signature {
    unsigned offset, size;
    const char *bytes;
    const char *what, *help;
} Signature;

#define EXPORT_TORCH  "export it: torch.onnx.export(model, args, \"model.onnx\")"
#define EXPORT_TF     "convert it: python -m tf2onnx.convert --saved-model DIR --output model.onnx"
#define EXPORT_TFLITE "convert it: python -m tf2onnx.convert --tflite FILE --output model.onnx"
#define DOWNLOAD      "download the file itself, not the page about it"

static const Signature signatures[] = {
    {0, 24, "version https://git-lfs.", "a git-lfs pointer, not the file it stands for",
     "run 'git lfs pull' in that repository"},
    {0, 4, "PK\3\4", "a zip archive, such as a PyTorch checkpoint or an .npz file", EXPORT_TORCH},
    {0, 4, "\x89HDF", "an HDF5 file, such as a Keras model", EXPORT_TF},
    {4, 4, "TFL3", "a TensorFlow Lite model", EXPORT_TFLITE},
    {4, 4, "ORTM", "a model in ONNX Runtime's own format", "use the .onnx file it was made from"},
    {0, 4, "GGUF", "a GGUF model", "use an ONNX export of the model"},
    {0, 4,
     "\x7f"
     "ELF",
     "a program or an object file", "give the .onnx file"},
    {0, 6, "\x93NUMPY", "a NumPy array", "pass data with --input or --data"},
    {0, 4, "\x89PNG", "a PNG image", "pass data with --input or --data"},
    {0, 3, "\xff\xd8\xff", "a JPEG image", "pass data with --input or --data"},
    {0, 2, "\x1f\x8b", "compressed with gzip", "unpack it with gunzip"},
    {0, 3, "BZh", "compressed with bzip2", "unpack it with bunzip2"},
    {0, 6,
     "\xfd"
     "7zXZ",
     "compressed with xz", "unpack it with unxz"},
    {0, 4, "\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it with unzstd"},
    {0, 4, "%PDF", "a PDF document", "give the .onnx file"},
    {257, 5, "ustar", "a tar archive", "unpack it with tar"},
};

static bool is_space(uint8_t b)
{
    return b == ' ' || b == '\t' || b == '\r' || b == '\n';
}

static bool begins(const uint8_t *p, size_t n, const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (i >= n || (p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]) != (uint8_t)text[i])
            return false;
    return true;
}

/* Text and its kinds. A protobuf message holds control characters within its first bytes. */
static bool sniff_text(const uint8_t *data, size_t size, Sniffed *out)
{
    size_t at = 0;
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        at = 3;
    for (size_t i = at; i < size && i < 64; i++)
        if ((data[i] < 0x20 && !is_space(data[i])) || data[i] == 0x7f || data[i] >= 0xf8)
            return false;
    while (at < size && is_space(data[at]))
        at++;
    const uint8_t *p = data + at;
    size_t n = size - at;
    if (begins(p, n, "<!doctype") || begins(p, n, "<html") || begins(p, n, "<head"))
        *out = (Sniffed){"a web page", DOWNLOAD};
    else if (begins(p, n, "<?xml"))
        *out = (Sniffed){"an XML document", DOWNLOAD};
    else if (begins(p, n, "ir_version") || begins(p, n, "<ir_version") ||
             begins(p, n, "< ir_version"))
        *out =
            (Sniffed){"an ONNX model in text form", "write it as binary: onnx.save(model, FILE)"};
    else if (n && (*p == '{' || *p == '['))
        *out = (Sniffed){"a JSON document", DOWNLOAD};
    else
        *out = (Sniffed){"a text file", DOWNLOAD};
    return true;
}

bool sniff(const uint8_t *data, size_t size, Sniffed *out)
{
    if (size == 0) {
        *out = (Sniffed){"empty", "download or export it again"};
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(signatures); i++) {
        const Signature *s = &signatures[i];
        bool tar = s->offset > 4; /* far enough in for a model to hold it as a name */
        if (tar && data[0] == 0x08)
            continue;
        if (size >= s->offset + s->size && memcmp(data + s->offset, s->bytes, s->size) == 0) {
            *out = (Sniffed){s->what, s->help};
            return true;
        }
    }
    if (size >= 2 && data[0] == 0x80 && data[1] >= 2 && data[1] <= 5) {
        *out = (Sniffed){"a Python pickle, such as a PyTorch checkpoint", EXPORT_TORCH};
        return true;
    }
    if (size >= 9 && data[8] == '{' && !memcmp(data + 3, "\0\0\0\0\0", 5)) {
        *out = (Sniffed){"a safetensors file: weights without a graph", EXPORT_TORCH};
        return true;
    }
    if (data[0] == 0x0a && size > 4 && (data[2] == 0x0a || data[3] == 0x0a)) {
        *out = (Sniffed){"a TensorFlow graph", EXPORT_TF};
        return true;
    }
    return sniff_text(data, size, out);
}
