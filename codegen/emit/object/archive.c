/* The archive format of System V and GNU:
 *
 *     "!<arch>\n"
 *     "/"       symbol table: count, for each symbol the offset of its member's header (32 bits,
 *               big-endian), then the names, each ended by NUL
 *     "//"      long names, each ended by "/\n"; only where the member's name needs it
 *     member
 *
 * A member is a header of 60 bytes of text, its bytes, and "\n" to an even length. */
#include "codegen/emit/object/archive.h"

#include "ir/base/ctx.h"
#include "ir/base/str.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

enum { SHORT_NAME = 15, MAGIC_BYTES = 8 };
static const char magic[] = "!<arch>\n";

static bool inside(const FileMap *m, uint64_t at, uint64_t bytes)
{
    return at <= m->size && bytes <= m->size - at;
}

static bool section_at(const FileMap *m, uint64_t i, Elf64_Shdr *out)
{
    Elf64_Ehdr h;
    memcpy(&h, m->data, sizeof h);
    if (i >= h.e_shnum || h.e_shentsize != sizeof *out || h.e_shoff > m->size ||
        !inside(m, h.e_shoff + i * sizeof *out, sizeof *out))
        return false;
    memcpy(out, m->data + h.e_shoff + i * sizeof *out, sizeof *out);
    return out->sh_type == SHT_NOBITS || inside(m, out->sh_offset, out->sh_size);
}

/* Adds the names of symbols that the object offers to others; returns how many, or -1. */
static int64_t offered(const FileMap *m, const Elf64_Shdr *table, const Elf64_Shdr *strings, Str *out)
{
    const char *text = (const char *)m->data + strings->sh_offset;
    int64_t     n = 0;
    if (strings->sh_size == 0 || text[strings->sh_size - 1] != 0)
        return -1;
    for (uint64_t i = 0; i < table->sh_size / sizeof(Elf64_Sym); i++) {
        Elf64_Sym y;
        memcpy(&y, m->data + table->sh_offset + i * sizeof y, sizeof y);
        int bind = ELF64_ST_BIND(y.st_info);
        if (y.st_name >= strings->sh_size)
            return -1;
        if (y.st_shndx == SHN_UNDEF || (bind != STB_GLOBAL && bind != STB_WEAK))
            continue;
        str_addn(out, text + y.st_name, strlen(text + y.st_name) + 1);
        n++;
    }
    return n;
}

/* The names of the global symbols of an object, NULs between them; how many, or -1: no object. */
static int64_t symbols_of(const FileMap *m, Str *out)
{
    Elf64_Shdr table, strings;
    if (m->size < sizeof(Elf64_Ehdr) || memcmp(m->data, ELFMAG, SELFMAG) != 0 ||
        m->data[EI_CLASS] != ELFCLASS64)
        return -1;
    for (uint64_t i = 0; section_at(m, i, &table); i++)
        if (table.sh_type == SHT_SYMTAB)
            return section_at(m, table.sh_link, &strings) ? offered(m, &table, &strings, out) : -1;
    return 0;
}

static void add_header(Str *s, const char *name, const char *owner, const char *mode, uint64_t size)
{
    str_printf(s, "%-16s%-12s%-6s%-6s%-8s%-10llu`\n", name, owner, owner, owner, mode,
               (unsigned long long)size);
}

static void add_be32(Str *s, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        str_addc(s, (char)(v >> shift));
}

static void pad(Str *s, char with)
{
    if (s->len % 2)
        str_addc(s, with);
}

/* Everything before the object's own bytes. */
static void add_head(Str *s, const char *member, const Str *names, int64_t nsymbols, uint64_t size)
{
    Arena *a = s->arena;
    bool   is_long = strlen(member) > SHORT_NAME;
    size_t table = 4 + 4 * (size_t)nsymbols + names->len;
    size_t long_names = is_long ? strlen(member) + 2 : 0;
    size_t at = MAGIC_BYTES + 60 + table + table % 2;
    if (is_long)
        at += 60 + long_names + long_names % 2;
    str_add(s, magic);
    add_header(s, "/", "0", "0", table + table % 2);
    add_be32(s, (uint32_t)nsymbols);
    for (int64_t i = 0; i < nsymbols; i++)
        add_be32(s, (uint32_t)at);
    str_addn(s, str_text(names), names->len);
    pad(s, 0);
    if (is_long) {
        add_header(s, "//", "", "", long_names + long_names % 2);
        str_printf(s, "%s/\n", member);
        pad(s, '\n');
    }
    add_header(s, is_long ? "/0" : arena_printf(a, "%s/", member), "0", "644", size);
}

Status archive_write(Ctx *c, Arena *a, const char *object, const char *member, FileOut *out)
{
    FileMap m;
    Str     names = str_new(a), head = str_new(a);
    TRY(file_map(c, object, &m));
    int64_t nsymbols = symbols_of(&m, &names);
    Status  s = MLC_OK;
    if (nsymbols < 0)
        s = diag_error(c, E0403, (Loc){.file = object}, MLC_BUG, "'%s' is not an object file", object);
    else if (m.size > UINT32_MAX - names.len - 4096)
        s = diag_error(c, E0003, (Loc){.file = out->path}, MLC_SYSTEM,
                       "an object of %zu bytes is too large for an archive", m.size);
    if (s == MLC_OK) {
        add_head(&head, member, &names, nsymbols, m.size);
        s = file_out_write(c, out, str_text(&head), head.len);
    }
    if (s == MLC_OK)
        s = file_out_write(c, out, m.data, m.size);
    if (s == MLC_OK && m.size % 2)
        s = file_out_write(c, out, "\n", 1);
    file_unmap(&m);
    return s;
}

bool archive_is(const char *path)
{
    char text[MAGIC_BYTES];
    int  fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is = read(fd, text, sizeof text) == MAGIC_BYTES && memcmp(text, magic, MAGIC_BYTES) == 0;
    close(fd);
    return is;
}
