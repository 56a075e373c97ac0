/* The report for people: one HTML file that needs nothing else, made from the JSON report alone, so that
 * the two can never disagree. */
#ifndef MLC_CODEGEN_EMIT_REPORT_HTML_H
#define MLC_CODEGEN_EMIT_REPORT_HTML_H

#include "ir/base/str.h"

/* Appends the page of what report_emit() wrote. Every number of the JSON stands in a <data> element
 * that has it as its value. */
void report_html(const char *json, Str *out);

#endif
