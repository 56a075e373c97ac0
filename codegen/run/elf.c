/* Reads just enough of a 64-bit little-endian ELF file to find the global data symbol PREFIX_model.
 * The file may be anything: every offset and count is checked against its size. */
#include "codegen/run/elf.h"

#include "ir/base/file.h"
#include "ir/base/str.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

bool elf_is(const char *path)
{
    char magic[SELFMAG];
    int  fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is = read(fd, magic, SELFMAG) == SELFMAG && memcmp(magic, ELFMAG, SELFMAG) == 0;
    close(fd);
    return is;
}

static bool inside(const FileMap *m, uint64_t at, uint64_t bytes)
{
    return at <= m->size && bytes <= m->size - at;
}

static bool section(const FileMap *m, const Elf64_Ehdr *h, uint64_t i, Elf64_Shdr *out)
{
    uint64_t at = h->e_shoff + i * sizeof *out;
    if (i >= h->e_shnum || h->e_shoff > m->size || !inside(m, at, sizeof *out))
        return false;
    memcpy(out, m->data + at, sizeof *out);
    return out->sh_type == SHT_NOBITS || inside(m, out->sh_offset, out->sh_size);
}

/* The string at `at` of a string table, NULL when it does not end inside. */
static const char *string_at(const FileMap *m, const Elf64_Shdr *table, uint64_t at)
{
    if (table->sh_type != SHT_STRTAB || at >= table->sh_size)
        return NULL;
    const char *s = (const char *)m->data + table->sh_offset + at;
    return memchr(s, 0, table->sh_size - at) ? s : NULL;
}

/* The first global data symbol *_model of a symbol table. */
static const char *find_model(const FileMap *m, const Elf64_Shdr *symbols, const Elf64_Shdr *names)
{
    for (uint64_t i = 0; i < symbols->sh_size / sizeof(Elf64_Sym); i++) {
        Elf64_Sym y;
        memcpy(&y, m->data + symbols->sh_offset + i * sizeof y, sizeof y);
        const char *s = string_at(m, names, y.st_name);
        if (s && y.st_shndx != SHN_UNDEF && ELF64_ST_BIND(y.st_info) == STB_GLOBAL &&
            ELF64_ST_TYPE(y.st_info) == STT_OBJECT && str_ends(s, "_model"))
            return s;
    }
    return NULL;
}

static Status read_elf(Ctx *c, Arena *a, const FileMap *m, ElfInfo *out)
{
    Elf64_Ehdr h;
    Loc        loc = {.file = m->path};
    if (m->size < sizeof h || memcmp(m->data, ELFMAG, SELFMAG) != 0)
        return diag_error(c, E0602, loc, MLC_INPUT, "not an object file");
    memcpy(&h, m->data, sizeof h);
    if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB ||
        (h.e_machine != EM_X86_64 && h.e_machine != EM_AARCH64))
        return diag_error(c, E0602, loc, MLC_INPUT, "an object file of machine %d, not x86-64 or "
                          "arm64", h.e_machine);
    if ((h.e_type != ET_REL && h.e_type != ET_DYN) || h.e_shentsize != sizeof(Elf64_Shdr))
        return diag_error(c, E0602, loc, MLC_INPUT, "neither an object nor a shared object");
    out->machine = h.e_machine == EM_X86_64 ? MACHINE_X86_64 : MACHINE_AARCH64;
    out->shared = h.e_type == ET_DYN;
    out->symbol = NULL;
    for (uint64_t i = 0; i < h.e_shnum && !out->symbol; i++) {
        Elf64_Shdr symbols, names;
        if (section(m, &h, i, &symbols) && section(m, &h, symbols.sh_link, &names) &&
            symbols.sh_type == (out->shared ? SHT_DYNSYM : SHT_SYMTAB))
            out->symbol = find_model(m, &symbols, &names);
    }
    if (!out->symbol)
        return diag_error(c, E0602, loc, MLC_INPUT, "no compiled model inside: no symbol *_model");
    out->symbol = arena_strdup(a, out->symbol);
    return MLC_OK;
}

Status elf_info(Ctx *c, Arena *a, const char *path, ElfInfo *out)
{
    FileMap m;
    TRY(file_map(c, path, &m));
    Status s = read_elf(c, a, &m, out);
    file_unmap(&m);
    return s;
}
