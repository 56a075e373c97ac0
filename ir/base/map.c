#include "ir/base/map.h"

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
    const uint8_t *b = p;
    uint64_t h = seed ? seed : 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 0x100000001b3u;
    return h;
}

static uint64_t hash_key(const char *key)
{
    uint64_t h = hash_bytes(key, strlen(key), 0);
    return h ^ (h >> 29); /* FNV's low bits mix slowly */
}

static size_t find_slot(const Map *m, const char *key, uint64_t hash)
{
    size_t i = hash & (m->nslots - 1);
    while (m->slots[i]) {
        const MapEntry *e = &m->at[m->slots[i] - 1];
        if (e->hash == hash && strcmp(e->key, key) == 0)
            break;
        i = (i + 1) & (m->nslots - 1);
    }
    return i;
}

static const MapEntry *find(const Map *m, const char *key)
{
    if (!m->nslots)
        return NULL;
    uint32_t s = m->slots[find_slot(m, key, hash_key(key))];
    return s ? &m->at[s - 1] : NULL;
}

void *map_get(const Map *m, const char *key)
{
    const MapEntry *e = find(m, key);
    return e ? e->value : NULL;
}

bool map_has(const Map *m, const char *key) { return find(m, key) != NULL; }

static void grow(Map *m)
{
    size_t cap = m->cap ? m->cap * 2 : 16;
    m->at = arena_grow(m->arena, m->at, m->len * sizeof *m->at, cap * sizeof *m->at,
                       _Alignof(MapEntry));
    m->cap = cap;
    m->nslots = cap * 2;
    m->slots = NEW_ARRAY(m->arena, uint32_t, m->nslots);
    for (size_t i = 0; i < m->len; i++)
        m->slots[find_slot(m, m->at[i].key, m->at[i].hash)] = (uint32_t)i + 1;
}

void *map_set(Map *m, const char *key, void *value)
{
    if (m->len == m->cap)
        grow(m);
    uint64_t hash = hash_key(key);
    size_t slot = find_slot(m, key, hash);
    if (m->slots[slot]) {
        MapEntry *e = &m->at[m->slots[slot] - 1];
        void *old = e->value;
        e->value = value;
        return old;
    }
    m->at[m->len++] = (MapEntry){key, value, hash};
    m->slots[slot] = (uint32_t)m->len;
    return NULL;
}
