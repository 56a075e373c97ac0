/* The text form of graphs. graph_print() and graph_parse() are exact inverses: names, origins,
 * attributes, types and constants survive bit by bit, and printing a parsed text gives that text.
 *
 *     # comments reach to the end of the line; line breaks mean nothing
 *     graph "mnist" opset 13 {
 *       sym batch >= 1
 *       in %image : f32[batch,1,28,28]
 *       const %w : f32[8,1,5,5] = ref "mnist.onnx" offset 1234 size 800
 *       const %axes : i64[2] = {2, 3}
 *       %conv : f32[batch,8,28,28] = Conv(%image, %w, _) {pads=[2,2,2,2]} name "c1" from ["a", "b"]
 *       out %conv : f32[batch,8,28,28]
 *     }
 *
 *     graph  = "graph" string "opset" int "{" {item} "}"
 *     item   = "sym" symbol ">=" int ["max" int "typical" int] | "run" symbol ">=" int "max" int
 *            | "in" value ":" type | "capture" value ":" type
 *            | "const" value ":" type "=" data | "out" value [":" type] | node
 *     node   = result {"," result} "=" op "(" [input {"," input}] ")" [attrs]
 *              ["name" string] ["from" "[" string {"," string} "]"]
 *     result = value [":" type] | "_"          an omitted output is _ ; without type: not inferred
 *     input  = value | "_"                     an omitted input is _
 *     value  = "%" (plain | string)            plain: letters, digits, '_' and '.'
 *     op     = plain | domain "::" plain       domain: plain or string
 *     attrs  = "{" name "=" attr {"," name "=" attr} "}"
 *     attr   = int | float | string | "[" [attr {"," attr}] "]" | type data | graph | "none"
 *     type   = elem "[" [dim {"," dim}] "]" | elem "[" "*" "]" | "seq" "(" type ")"
 *            | "optional" "(" type ")" | "map" "(" elem "," type ")" | "?"
 *     data   = ["splat"] ("{" [element {"," element}] "}" | "hex" string
 *            | "ref" string "offset" int "size" int)
 *     dim    = sums and products of: int, number ":" elem, symbol, -dim, (dim), f(dim, ...) with
 * the operations of scalar.def, cast_ELEM(dim), sat_ELEM(dim), bits_ELEM(dim) string = C-like, with
 * the escapes \" \\ \n \xHH
 *
 * Symbols belong to the pool: they are listed, in their order, at the outermost graph only. A value
 * is defined before it is used; constants and nodes may mix. Attributes equal to their default are
 * left out. The inputs of a body that stand for values around it are captures; they come last, and the
 * node's last inputs are those values, in the same order for all its bodies. `none` is an absent one whose default is not. `name` is left out when it is the first
 * output's, `from` when it is the name alone. Constants without uses are no part of the text.
 *
 * Elements are integers, hex floats, inf, nan(BITS) and strings. Data of more than 64 elements is a
 * reference to its file, when the tensor knows it, else the bytes in hexadecimal. A reference names
 * a file beside the text (no "..", no links); its bytes are read into memory by the parser.
 *
 * The parser trusts nothing: nesting is limited to 64, names, arity, attributes, types and sizes
 * are checked, and every error is E0109 with the line (E0201..E0203 for a node's own). */
#ifndef MLC_TEXT_H
#define MLC_TEXT_H

#include "ir/base/str.h"
#include "ir/graph/op_info.h"

enum { TEXT_MAX_DEPTH = 64, TEXT_INLINE_ELEMENTS = 64 };

/* ---- printing: pieces shared by types, attributes and graphs ---- */
bool text_is_plain(const char *name);
void text_quote(Str *s, const char *text);
void text_print_symbol(Str *s, const char *name);
/* A dimension; its text depends on its structure alone, not on the order of creation. */
void text_print_dim(Str *s, const ExPool *p, Ex e);
void text_print_float(Str *s, Elem e, uint64_t bits);
/* Only the data: "{1, 2}". */
void text_print_data(Str *s, const Tensor *t);
/* Type and data: "i64[2] {1, 2}". */
void text_print_tensor(Str *s, const Tensor *t);
void text_print_graph(Str *s, Graph *g, int depth);

#endif
