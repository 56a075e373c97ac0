/* Bytes -> the serialized form of programs. Version, length and checksum in the header are made right
 * first, as whoever attacks would. What is accepted verifies, prints, and is written and read back
 * to a program that prints the same and is as long. (Not the same bytes: terms of a sum stand in the
 * order in which they were first met, which is the attacker's in the input and ours in the copy.) */
#include "ir/base/str.h"
#include "ir/program/serial.h"
#include "test/fuzz/fuzz.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static void put_word(uint8_t *at, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

static void sign(uint8_t *at, size_t n)
{
    if (n < SERIAL_HEADER)
        return;
    put_word(at + 8, SERIAL_VERSION);
    put_word(at + 16, n);
    put_word(at + 24, XXH3_64bits(at + SERIAL_HASHED, n - SERIAL_HASHED));
}

static void check_round_trip(FuzzInput *in, Program *p)
{
    Str text = str_new(in->arena), again = str_new(in->arena);
    Str a = str_new(in->arena), b = str_new(in->arena);
    Program *q;
    program_print(&text, p);
    fuzz_check(program_write(p, &a) == MLC_OK, "a program can be written");
    fuzz_check(program_read(in->ctx, a.at, a.len, &q) == MLC_OK, "what is written can be read");
    program_print(&again, q);
    fuzz_check(str_eq(str_text(&text), str_text(&again)), "it prints the same again");
    fuzz_check(program_write(q, &b) == MLC_OK && a.len == b.len, "it is written as long again");
}

static Status body(FuzzInput *in)
{
    Program *p;
    uint8_t *bytes = arena_alloc(in->arena, in->size, 64);
    if (in->size)
        memcpy(bytes, in->data, in->size);
    sign(bytes, in->size);
    /* What is no program is reported as a bug: of the mlc that wrote it. */
    Status s = program_read(in->ctx, bytes, in->size, &p);
    if (s != MLC_OK)
        return MLC_INPUT;
    TRY(program_verify(p));
    check_round_trip(in, p);
    program_plan_memory(p);
    return program_verify(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_run(data, size, body);
}
