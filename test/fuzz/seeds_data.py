"""Tensor files for the data target: .npy, .npz, idx, gzip, TensorProto."""
import gzip
import struct
import zlib

import proto as p


def npy(header, data=b"", version=1, size=None):
    header = header.encode()
    n = len(header) if size is None else size
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", n) + header + data


def head(descr="<f4", order="False", shape="(2,)"):
    return "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n" % (descr, order, shape)


def npys():
    two = struct.pack("<2f", 1, 2)
    return {
        "plain": npy(head(), two), "version2": npy(head(), two, 2), "version3": npy(head(), two, 3), "version9": npy(head(), two, 9),
        "big_endian": npy(head(">f4"), two), "fortran": npy(head(order="True", shape="(2, 3)"), bytes(24)), "scalar": npy(head(shape="()"), b"1234"),
        "empty": npy(head(shape="(0, 3)")), "fortran_empty": npy(head(order="True", shape="(0, 3, 9)")), "complex": npy(head("<c8"), two), "bool": npy(head("|b1"), b"\0\7"),
        "python2": npy(head(shape="(2L,)"), two), "quotes": npy(head().replace("'", '"'), two), "short": npy(head(shape="(3,)"), two), "long": npy(head(shape="(1,)"), two),
        "overflow": npy(head(shape="(4294967296, 4294967296)")), "digits": npy(head(shape="(%s,)" % ("9" * 40))), "negative": npy(head(shape="(-1,)"), two), "wraps": npy(head(shape="(4611686018427387904, 4, 0)")),
        "huge": npy(head(shape="(1099511627777,)")), "rank": npy(head(shape="(%s)" % ("1," * 70)), b"1234"), "open_tuple": npy(head(shape="(2, 3")), "not_tuple": npy(head(shape="2"), two), "object": npy(head("|O"), two),
        "struct": npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", two), "unknown": npy(head("<U7"), two), "long_descr": npy(head("<" + "f" * 50), two), "lacks": npy("{'descr': '<f4', }"),
        "key": npy("{'evil': 1, }"), "no_dict": npy("[]"), "no_end": npy("{'descr': '<f4', "), "no_colon": npy("{'descr' '<f4'}"), "claims": npy(head(), two, size=60000), "claims32": npy(head(), two, 2, (1 << 32) - 1), "cut": b"\x93NUMPY\1\0", "half": npy(head("<f2"), b"1234"), "ints": npy(head("<i8", shape="(1,)"), bytes(8)),
    }


def member(name, content, method=0, crc=None, size=None, flags=0, packed=None, extra=b"", at=0):
    name = name.encode()
    if method == 8:
        z = zlib.compressobj(9, zlib.DEFLATED, -15)
        stored = z.compress(content) + z.flush()
    else:
        stored = content
    fields = struct.pack("<HHHHIIIHH", flags, method, 0, 0, zlib.crc32(content) if crc is None else crc,
                         len(stored) if packed is None else packed, len(content) if size is None else size, len(name), len(extra))
    return b"PK\3\4\x14\0" + fields + name + extra + stored, b"PK\1\2\x14\0\x14\0" + fields + struct.pack("<HHHII", 0, 0, 0, 0, at) + name + extra


def npz(*members, comment=b"", count=None, tail=b"", directory=None):
    body, entries = b"", b""
    for m in members:
        local, entry = m
        entry = entry[:42] + struct.pack("<I", len(body) + struct.unpack("<I", entry[42:46])[0]) + entry[46:]
        body, entries = body + local, entries + entry
    n = len(members) if count is None else count
    return body + entries + tail + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, n, n, len(entries), len(body) if directory is None else directory, len(comment)) + comment


def npzs():
    a = npy(head(), struct.pack("<2f", 1, 2))
    zip64 = struct.pack("<HHQQQ", 1, 24, len(a), len(a), 0)
    end64 = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, 0, 0) + b"PK\6\7" + struct.pack("<IQI", 0, 0, 1)
    zeros = npy(head("|u1", shape="(100000,)"), bytes(100000))
    local, entry = member("a.npy", a)
    return {
        "stored": npz(member("a.npy", a), member("b.npy", a)), "deflated": npz(member("a.npy", a, 8)), "comment": npz(member("a", a), comment=b"hello"),
        "slip": npz(member("../../etc/x.npy", a)), "crc": npz(member("a.npy", a, crc=1)), "bomb": npz(member("a.npy", zeros, 8)), "claims": npz(member("a.npy", a, 8, size=1 << 31)),
        "claims_less": npz(member("a.npy", a, 8, size=10)), "encrypted": npz(member("a.npy", a, flags=1)), "method": npz((local[:8] + b"\x63" + local[9:], entry[:10] + b"\x63" + entry[11:])),
        "count": npz(member("a.npy", a), count=500), "where": npz(member("a.npy", a, at=1 << 31)), "overlap": npz((local, entry), (b"", entry), (b"", entry)), "packed": npz(member("a.npy", a, packed=1 << 30)),
        "zip64": npz(member("a.npy", a, size=0xFFFFFFFF, packed=0xFFFFFFFF, extra=zip64)), "zip64_cut": npz(member("a.npy", a, size=0xFFFFFFFF, extra=b"\1\0\1\0x")), "zip64_extra": npz(member("a.npy", a, extra=b"\1\0\xff\xff")),
        "end64": npz(member("a.npy", a), tail=end64), "directory": npz(member("a.npy", a), directory=1 << 31), "none": npz(), "not_npy": npz(member("a.txt", b"hello")), "cut": npz(member("a.npy", a))[:-9],
    }


def idxs():
    plain = bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3])
    f32 = bytes([0, 0, 13, 2, 0, 0, 0, 1, 0, 0, 0, 2]) + bytes(8)
    return {
        "u8": plain, "f32": f32, "gzip": gzip.compress(plain, mtime=0), "gzip_f32": gzip.compress(f32, mtime=0), "short": plain[:-1], "long": plain + b"x", "rank": bytes([0, 0, 8, 200]) + bytes(40),
        "rank0": bytes([0, 0, 8, 0, 0]), "type": bytes([0, 0, 10, 1, 0, 0, 0, 1, 0]), "huge": bytes([0, 0, 14, 3]) + b"\xff" * 12, "gzip_huge": gzip.compress(bytes([0, 0, 14, 3]) + b"\xff" * 12, mtime=0),
        "gzip_cut": gzip.compress(plain, mtime=0)[:-9], "gzip_bad": b"\x1f\x8b" + b"\xff" * 30, "head": bytes([0, 0, 8, 2, 0, 0]), "empty": bytes([0, 0, 8, 1, 0, 0, 0, 0]),
    }


def protos():
    return {
        "floats": p.floats("t", [2], 1, 2), "empty": b"", "i4": p.raw("t", p.INT4, [3], b"\x21\3"), "string": p.typed("t", p.STRING, [2], p.b(6, "a") + p.b(6, "b")), "external": p.external("t", p.FLOAT, [4], ("location", "w.bin")),
        "doubles": p.typed("t", p.DOUBLE, [1], p.b(10, struct.pack("<d", 1))), "f8": p.raw("t", p.F8E5M2, [2], b"\x38\x7f"), "complex": p.typed("t", p.COMPLEX128, [1], p.b(10, bytes(16))), "unnamed": p.i(2, p.FLOAT) + p.b(9, b"1234"),
        "scalar": p.ints("", [], 5), "short": p.raw("t", p.FLOAT, [9], b"1234"), "wide": p.floats("t", [1, 99, 37, 8, 52, 0, 1044888]), "bools": p.raw("t", p.BOOL, [3], b"\0\1\7"), "varints": p.typed("t", p.UINT32, [2], p.b(11, p.varint(1) + p.varint(9))),
    }


def files():
    out = {}
    for kind, part in (("npy", npys()), ("npz", npzs()), ("idx", idxs()), ("pb", protos())):
        out.update({kind + "_" + k: v for k, v in part.items()})
    return out
