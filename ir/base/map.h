/* Map: string -> pointer, in insertion order. Lookup by hash; iteration by index, so that nothing
 * ever depends on hash order. Keys are not copied: they must outlive the map. */
#ifndef MLC_MAP_H
#define MLC_MAP_H

#include "ir/base/arena.h"

typedef struct MapEntry {
    const char *key;
    void       *value;
    uint64_t    hash;
} MapEntry;

typedef struct Map {
    Arena    *arena;
    MapEntry *at;    /* entries in insertion order, len of them */
    size_t    len;
    size_t    cap;
    uint32_t *slots; /* index + 1 into `at`; 0 is empty; a power of two many */
    size_t    nslots;
} Map;

static inline Map map_new(Arena *a) { return (Map){.arena = a}; }
/* The value of key, or NULL. */
void *map_get(const Map *m, const char *key);
bool  map_has(const Map *m, const char *key);
/* Sets or replaces. Returns the former value or NULL. */
void *map_set(Map *m, const char *key, void *value);

/* FNV-1a of `n` bytes, chained from `seed` (0 to start). Stable across machines. */
uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);

#endif
