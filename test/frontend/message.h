/* Building protobuf messages byte by byte, so that tests can build wrong ones. */
#ifndef MLC_TEST_MESSAGE_H
#define MLC_TEST_MESSAGE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Msg {
    uint8_t *at;
    size_t len, cap;
} Msg;

static inline void m_bytes(Msg *m, const void *p, size_t n)
{
    if (m->len + n > m->cap) {
        m->cap = (m->len + n) * 2 + 64;
        m->at = realloc(m->at, m->cap);
    }
    if (n)
        memcpy(m->at + m->len, p, n);
    m->len += n;
}

static inline void m_varint(Msg *m, uint64_t v)
{
    uint8_t b;
    do {
        b = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        m_bytes(m, &b, 1);
        v >>= 7;
    } while (v);
}

static inline void m_tag(Msg *m, unsigned field, unsigned wire)
{
    m_varint(m, field << 3 | wire);
}

static inline void m_int(Msg *m, unsigned field, int64_t v)
{
    m_tag(m, field, 0);
    m_varint(m, (uint64_t)v);
}

static inline void m_blob(Msg *m, unsigned field, const void *p, size_t n)
{
    m_tag(m, field, 2);
    m_varint(m, n);
    m_bytes(m, p, n);
}

static inline void m_str(Msg *m, unsigned field, const char *s)
{
    m_blob(m, field, s, strlen(s));
}

/* Appends a message as a field and frees it. */
static inline void m_msg(Msg *m, unsigned field, Msg sub)
{
    m_blob(m, field, sub.at, sub.len);
    free(sub.at);
}

static inline void m_save(const Msg *m, const char *path)
{
    FILE *f = fopen(path, "wb");
    if (!f || (m->len && fwrite(m->at, 1, m->len, f) != m->len) || fclose(f) != 0)
        abort();
}

#endif
