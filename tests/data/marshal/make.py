"""Makes the marshal vectors of this folder with real Pythons.

    python3 make.py [FOLDER OF PYTHONS]     default ~/.pyenv/versions: every X.Y.Z/bin/python in it is asked

One file a Python, X.Y.txt, with a line a vector: `name version skip hex text`, tab-separated. `version` is marshal's, or
`pyc` for a whole .pyc file, whose header is `skip` bytes long; `text` is the canonical text by tests/python/canon.py,
`=` when it is the same as in the line before. A vector that a newer Python wrote byte for byte the same, and that
reads the same, is not repeated: version 0 to 2 streams hardly differ from 3.6 to 3.13. `by-hand.txt` (name, Python,
skip, hex, text) has what no Python here writes: the type codes of versions 5 and 6, and what only old Pythons or a
hostile hand wrote.
"""

import marshal
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

MODULE = '''"""A small module."""
import sys
LIMIT = 2 ** 70
def f(a, b=1, *args, **kw):
    total = a + b * 2.5
    def inner(x):
        return x + total + kw.get("k\\xe9y", -1)
    try:
        return [inner(i) for i in args if i not in ("a", 1j)]
    except (ValueError, TypeError):
        return None
    finally:
        sys.stdout.flush()
class C(object):
    """Doc."""
    x = (1, (2, 3), b"raw", u"caf\\xe9", frozenset([1]), Ellipsis)
    def m(self):
        yield self.x
lam = lambda *a: a[1:2]
'''
MODULE_3 = '''
def g(a, /, b, *, c: int = 3):
    async def h():
        async with b as x:
            await x
    match = a if b in {1, 2, 3} else {c: a}
    return f"{a!r:>{b}}" + str(match), h
'''


def values(py3):
    """(name, value): what marshal can carry, at the edges of its type codes."""
    u = str if py3 else unicode  # noqa: F821
    shared = [1, "sh"]
    out = [("none", None), ("true", True), ("false", False), ("stop", StopIteration), ("ellipsis", Ellipsis)]
    for n in [0, 1, -1, 127, 255, 256, 32767, 32768, 65535, 2 ** 30, 2 ** 31 - 1, 2 ** 31, -2 ** 31, -2 ** 31 - 1,
              2 ** 45 - 1, 2 ** 45, 2 ** 60, 2 ** 62, 2 ** 63 - 1, 2 ** 63, -2 ** 63, -2 ** 63 - 1, 2 ** 64, 10 ** 30,
              -10 ** 30, 2 ** 127, 2 ** 150 + 2 ** 30]:
        out.append(("int %d" % n, n))
    for x in [0.0, -0.0, 1.0, -1.0, 0.1, 1.5, 1e300, 5e-324, 2.5e-8, 123456789.123456789, 1e16, 1e17, 3.141592653589793,
              float("inf"), float("-inf"), float("nan")]:
        out.append(("float %r" % x, x))
    out += [("complex", 1.5 - 2j), ("complex nan", complex(float("nan"), -0.0)), ("complex zero", 0j)]
    for s in ["", "a", "ascii", "x" * 255, "x" * 256, "tab\t\"quote\" back\\slash\x7f\x00"]:
        out.append(("native %d" % len(s), s))
    for s in [u(""), u("ascii"), u("caf\u00e9") if py3 else u"caf\u00e9", u"\u20ac \U0001f600 \ud800", u"\xff" * 130]:
        out.append(("text %d" % len(s), s))
    out += [("bytes", b"\x00\xff raw"), ("bytes empty", b""), ("bytes 300", b"z" * 300)]
    out += [("bytearray", bytearray(b"buffer")), ("list", [1, [2, [3, []]], None]), ("list empty", [])]
    out += [("tuple empty", ()), ("tuple 1", (1,)), ("tuple 3", (1, u"two", 3.0)), ("tuple 256", (None,) * 256)]
    out += [("dict", {"key": [1, 2]}), ("dict empty", {}), ("dict mixed", {1: "a", (2, "b"): {}, None: 0.5, 2 ** 80: b"v"})]
    out += [("set", set([1, 2, 3])), ("set empty", set()), ("frozenset", frozenset(["a", "b", (1, 2)])),
            ("frozenset empty", frozenset())]
    out += [("shared list", [shared, shared, (shared, shared)]), ("shared text", [u("mm\xe9") if py3 else u"mm\xe9"] * 3),
            ("keys", [{"temp": i, "name": "n%d" % i} for i in range(3)]), ("shared long", [2 ** 70] * 2)]
    fs = frozenset([(1, "q")])
    out += [("shared frozenset", [fs, fs]), ("shared float", (0.1,) * 3), ("mixed", {"a": [(1, 2.5), {"b": set(["c"])}]})]
    reading = {"sensor": "bme280", "t": 21.625, "rh": 48, "ok": True, "tags": ["indoor", "lab"], "id": 10 ** 12}
    return out + [("reading", reading), ("readings", [dict(reading, t=float(i)) for i in range(3)])]


def cycles():
    cyclic = [1]
    cyclic.append(cyclic)
    ring = {"self": None}
    ring["self"] = (ring, [ring])
    return [("cycle list", cyclic), ("cycle dict", ring)]


def codes():
    namespace = {}
    exec(compile(MODULE, "m.py", "exec"), namespace)
    out = [("code module", compile(MODULE, "m.py", "exec"))]
    if sys.version_info >= (3, 8):
        out.append(("code module 3", compile(MODULE_3, "caf\u00e9.py", "exec")))
    return out + [("code eval", compile("a + 1", "<e>", "eval")), ("code lambda", namespace["lam"].__code__)]


def pyc():
    import py_compile
    import tempfile
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "m.py")
    with open(path, "w") as f:
        f.write(MODULE)
    os.utime(path, (1700000000, 1700000000))
    py_compile.compile(path, path + "c", dfile="m.py", doraise=True)
    with open(path + "c", "rb") as f:
        return f.read()


def write():
    """Under each Python: `name version skip hex` of every vector on standard output."""
    def line(name, version, skip, data):
        import binascii
        print("%s\t%s\t%d\t%s" % (name, version, skip, binascii.hexlify(data).decode("ascii")))

    py3 = sys.version_info[0] == 3
    versions = range(marshal.version + 1)
    for version in versions:
        for name, value in values(py3):
            line(name, version, 0, marshal.dumps(value, version))
        if version >= 3:
            for name, value in cycles():
                line(name, version, 0, marshal.dumps(value, version))
        for name, value in codes() if version in (2, 4) else []:
            line(name, version, 0, marshal.dumps(value, version))
    line("module.pyc", "pyc", 16 if sys.version_info >= (3, 7) else 12 if py3 else 8, pyc())


BY_HAND = [
    # name, Python, stream
    ("slice", "3.14", b":NNN"),
    ("slice of ints", "3.14", b"\xba\xe9\x01\0\0\0\xe9\x02\0\0\0N"),
    ("slice in a tuple", "3.14", b"(\x02\0\0\0\xbai\x01\0\0\0NNr\0\0\0\0"),
    ("slice referred to", "3.14", b"[\x02\0\0\0\xba\xe9\x01\0\0\0Nr\x01\0\0\0r\0\0\0\0"),
    ("slice as a key", "3.14", b"{:i\x01\0\0\0NNz\x01v0"),
    ("frozendict", "3.15", b"}z\x01ai\x01\0\0\0z\x01bN0"),
    ("frozendict empty", "3.15", b"}0"),
    ("frozendict in a set", "3.15", b"<\x01\0\0\0}z\x01kT0"),
    ("frozendict referred to", "3.15", b"[\x02\0\0\0\xfd\xda\x01kT0r\0\0\0\0"),
    ("int64", "3.13", b"I\xff\xff\xff\xff\xff\xff\xff\x7f"),
    ("int64 negative", "2.7", b"I\xfe\xff\xff\xff\xff\xff\xff\xff"),
    ("interned and its reference", "2.7", b"(\x04\0\0\0t\x03\0\0\0abct\x01\0\0\0xR\0\0\0\0R\x01\0\0\0"),
    ("dict ended early by NULL for a value", "3.13", b"{i\x01\0\0\0T\xda\x01a0"),
    ("NULL for a value drops a pair", "2.7", b"{i\x01\0\0\x000i\x02\0\0\0T0"),
    ("long zero", "3.13", b"l\0\0\0\0"),
    ("latin-1 in the ascii code", "3.13", b"(\x02\0\0\0z\x02h\xe9a\x01\0\0\0\xff"),
    ("float text cut by NUL", "3.13", b"f\x051.5\0j"),
    ("float text overflow", "3.13", b"f\x06-1e999"),
    ("float text forms", "3.13", b"(\x05\0\0\0f\x03infx\x02.5\x025.f\x08InFiNiTyf\x04+nanf\x03-.5"),
    ("flag on what takes no reference", "3.13", b"(\x03\0\0\0\xce\xe9\x07\0\0\0r\0\0\0\0"),
    ("tuple inside itself", "3.13", b"\xa9\x01r\0\0\0\0"),
    ("trailing bytes", "3.13", b"[\x01\0\0\0Ngarbage"),
    ("surrogates as pairs", "3.13", b"u\x06\0\0\0\xed\xa0\xbd\xed\xb8\x80"),
]


def python_of(path):
    return subprocess.check_output([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).decode().strip()


def main():
    import binascii
    sys.path.insert(0, os.path.join(HERE, "..", "..", "python"))
    import canon
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.expanduser("~/.pyenv/versions")
    pythons = {}
    for entry in os.listdir(folder):
        path = os.path.join(folder, entry, "bin", "python")
        if os.path.exists(path):
            pythons[tuple(int(x) for x in python_of(path).split("."))] = path
    known = set()
    for version in sorted(pythons, reverse=True):
        raw = subprocess.check_output([pythons[version], os.path.abspath(__file__), "--write"]).decode("ascii")
        lines, last = [], None
        for line in raw.splitlines():
            name, stream, skip, data = line.split("\t")
            text = canon.marshal_canon(binascii.unhexlify(data)[int(skip):], version)
            if (stream, data, text) in known:
                continue
            known.add((stream, data, text))
            lines.append("%s\t%s\t%s\t%s\t%s\n" % (name, stream, skip, data, "=" if text == last else text))
            last = text
        with open(os.path.join(HERE, "%d.%d.txt" % version), "w") as f:
            f.writelines(lines)
    with open(os.path.join(HERE, "by-hand.txt"), "w") as f:
        for name, python, data in BY_HAND:
            text = canon.marshal_canon(data, tuple(int(x) for x in python.split(".")))
            f.write("%s\t%s\t0\t%s\t%s\n" % (name, python, binascii.hexlify(data).decode(), text))


if __name__ == "__main__":
    write() if sys.argv[1:] == ["--write"] else main()
