/* SPDX-License-Identifier: 0BSD
 *
 * The table of callable functions. */
#include "runtime/calls.h"

#include <string.h>

static const struct {
    const char    *name;
    mlc_rt_call_fn fn;
} table[] = {
    {"suppress", mlc_rt_suppress},
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
