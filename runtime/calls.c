/* SPDX-License-Identifier: 0BSD
 *
 * The table of callable functions. */
#include "runtime/calls.h"

#include <string.h>

static const struct {
    const char    *name;
    mlc_rt_call_fn fn;
} table[] = {
    {"image_decode", mlc_rt_image_decode},
    {"image_size", mlc_rt_image_size},
    {"suppress", mlc_rt_suppress},
    {"text_bytes", mlc_rt_text_bytes},
    {"text_case", mlc_rt_text_case},
    {"text_concat", mlc_rt_text_concat},
    {"text_count", mlc_rt_text_count},
    {"text_equal", mlc_rt_text_equal},
    {"text_find", mlc_rt_text_find},
    {"text_match", mlc_rt_text_match},
    {"text_number", mlc_rt_text_number},
    {"text_of_number", mlc_rt_text_of_number},
    {"text_output", mlc_rt_text_output},
    {"text_rank", mlc_rt_text_rank},
    {"text_split", mlc_rt_text_split},
    {"top_k", mlc_rt_top_k},
    {"unique", mlc_rt_unique},
    {NULL, NULL},
};

mlc_rt_call_fn mlc_rt_call_find(const char *name)
{
    for (int i = 0; table[i].name; i++)
        if (!strcmp(table[i].name, name))
            return table[i].fn;
    return NULL;
}
