"""Random streams for the live comparison of `larder batch` with the oracle of canon.py.

    streams.py marshal|pickle COUNT SEED FOLDER

writes COUNT streams into FOLDER, most of them well-formed, with `commands.txt` (lines for `larder batch`) and
`expected.txt` (the oracle's answers). Each answer is first held against this Python's own C implementation: what
`marshal.loads` takes, the oracle must take, and what it refuses, the oracle must refuse; likewise for `pickle`, with
classes replaced by stand-ins that allow everything.
"""

import io
import marshal
import os
import pickle
import random
import resource
import struct
import sys
import threading

import canon
from canon import Bad

# ----------------------------------------------------------------------------------------------------------- marshal

TEXTS = ["", "a", "temp", "caf\xe9", "\u20ac\U0001f600", "\ud800", "q\"\\\n", "x" * 256]


class MarshalMaker:
    """Writes type codes at random; now and then something that must be refused."""

    def __init__(self, rng, python):
        self.rng, self.python, self.refs, self.strings = rng, python, 0, 0
        self.out = bytearray()
        self.budget = rng.choice([3, 10, 40])

    def byte(self, code, late=False):
        flag = self.python >= (3, 4) and self.rng.random() < 0.3
        self.out.append(ord(code) | (0x80 if flag else 0))
        self.refs += flag

    def long(self, n):
        self.out += struct.pack("<i", n)

    def value(self, depth=0, key=False):
        rng = self.rng
        self.budget -= 1
        if self.budget > 0 and depth < 12 and rng.random() < (0.25 if key else 0.6):
            return self.container(depth, key)
        codes = "NFTS.iiIlfgxyssuu"
        if self.python < (3, 0):
            codes += "ttRR"
        if self.python >= (3, 4):
            codes += "aAzZtrrrr"
        if rng.random() < 0.004:
            codes = "0?r\x7fR:}"
        code = rng.choice(codes)
        if code == "r":
            self.out.append(ord("r"))
            return self.long(rng.randrange(-1 if rng.random() < 0.02 else 0, self.refs + (rng.random() < 0.02) or 1))
        if code == "R":
            self.out.append(ord("R"))
            return self.long(rng.randrange(self.strings or 1))
        if code in "NFTS.0?\x7f:}":
            self.out.append(ord(code) | rng.choice([0, 0, 0, 0x80]) * (self.python >= (3, 4)))
            return None
        self.byte(code)
        if code == "i":
            self.long(rng.choice([0, 1, -1, 2 ** 31 - 1, -2 ** 31, rng.randrange(-1000, 1000)]))
        elif code == "I":
            self.out += struct.pack("<q", rng.choice([0, -1, 2 ** 63 - 1, -2 ** 63, rng.randrange(-2 ** 62, 2 ** 62)]))
        elif code == "l":
            digits = [rng.choice([0, 1, 0x7FFF, rng.randrange(0x8000)]) for _ in range(rng.randrange(8))]
            if digits and rng.random() < 0.95:
                digits[-1] = rng.randrange(1, 0x8000)
            if digits and rng.random() < 0.02:
                digits[rng.randrange(len(digits))] |= 0x8000
            self.long(len(digits) * rng.choice([1, -1]))
            self.out += b"".join(struct.pack("<H", d) for d in digits)
        elif code in "fx":
            for _ in range(1 + (code == "x")):
                raw = rng.choice([repr(rng.uniform(-1e9, 1e9)), "%.17g" % rng.gauss(0, 1e-20), "1e400", "inf", "-nan",
                                  "0", "-0.0", "1.", ".5", "5e-324", "1E+05", "00012.50"])
                if rng.random() < 0.03:
                    raw = rng.choice(["", ".", "e5", "1e", "0x10", "1_0", " 1", "1 ", "infi", "+-1", "1..2", "\xe9"])
                self.out.append(len(raw))
                self.out += raw.encode("latin-1")
        elif code in "gy":
            for _ in range(1 + (code == "y")):
                self.out += struct.pack("<d", rng.choice([0.0, -0.0, 1.5, float("inf"), float("nan"), rng.gauss(0, 9)]))
        else:
            self.text(code)
        if code == "t":
            self.strings += 1
        return None

    def text(self, code):
        rng = self.rng
        raw = rng.choice(TEXTS).encode("utf-8", "surrogatepass")
        if code in "sazAZ" and rng.random() < 0.5:
            raw = bytes(rng.randrange(256) for _ in range(rng.randrange(9)))
        if code in "ut" and rng.random() < 0.02:
            raw += rng.choice([b"\xff", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"])
        if code in "zZ":
            raw = raw[:255]
            self.out.append(len(raw))
        else:
            self.long(len(raw) if rng.random() < 0.995 else rng.choice([-1, len(raw) + 1, 2 ** 31 - 1]))
        self.out += raw

    def container(self, depth, key):
        rng = self.rng
        codes = "([{<>"
        if self.python >= (3, 4):
            codes += "))"
        if key:
            codes = "()>" if self.python >= (3, 4) else "(>"
        if self.python >= (3, 14):
            codes += ":"
        if self.python >= (3, 15):
            codes += "}"
        code = rng.choice(codes)
        self.byte(code)
        count = rng.choice([0, 1, 1, 2, 3, 5])
        if code in "{}":
            for _ in range(count):
                self.value(depth + 1, key=rng.random() < 0.98)
                self.value(depth + 1, key=key)
            self.out.append(ord("0"))
            return
        if code == ")":
            self.out.append(count)
        elif code == ":":
            count = 3
        else:
            self.long(count if rng.random() < 0.995 else rng.choice([-1, count + 1, 2 ** 31 - 1]))
        for _ in range(count):
            self.value(depth + 1, key=key or (code in "<>" and rng.random() < 0.98))


def damage(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        if not data:
            break
        at = rng.randrange(len(data))
        kind = rng.randrange(4)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[at:at + rng.choice([1, 1, 4])]
        else:
            data[at:at] = bytes([rng.randrange(256)]) if rng.random() < 0.5 else data[at:at + 8]
    return bytes(data)


def make_marshal(rng):
    python = rng.choice([(2, 7), (3, 6), (3, 11), (3, 13), (3, 13), (3, 14), (3, 15)])
    maker = MarshalMaker(rng, python)
    maker.value()
    data = bytes(maker.out)
    if rng.random() < 0.25:
        data = damage(rng, data)
    if rng.random() < 0.05:
        data = data[:rng.randrange(len(data) + 1)]
    return data, "--python %d.%d" % python, lambda: canon.marshal_canon(data, python), python


def real_marshal(data, python, verdict):
    """Holds the oracle's verdict (None or a message) against marshal.loads of the same Python."""
    if python != sys.version_info[:2] or b"c" in data or b"\xe3" in data or (verdict or "").startswith("unhash"):
        return
    try:
        marshal.loads(data)
        took = True
    except (ValueError, EOFError, TypeError, MemoryError):
        took = False
    if took != (verdict is None):
        raise SystemExit("marshal.loads %s %r, the oracle says %s" % (took, data, verdict))


# ------------------------------------------------------------------------------------------------------------ pickle

# How many of the pickles are wanted in the norm form.
NORM = 0.4


class PickleMaker:
    """Opcodes at random on a model of the stack: kinds of what lies there, marks as None."""

    def __init__(self, rng):
        self.rng, self.out, self.stack, self.memo = rng, bytearray(), [], {}
        self.proto = rng.choice([0, 1, 2, 3, 4, 5])

    def emit(self, *parts):
        for part in parts:
            self.out += part

    def run(self):
        rng = self.rng
        if self.proto >= 2:
            self.emit(b"\x80", bytes([self.proto]))
        for _ in range(rng.choice([2, 8, 30, 80])):
            rng.choice(self.STEPS)(self)
        while len(self.stack) > 1:
            if None in self.stack:
                at = max(i for i, x in enumerate(self.stack) if x is None)
                self.close(at)
            else:
                self.emit(b"\x85" if len(self.stack) == 1 else b"\x86")
                del self.stack[-2:]
                self.stack.append("tuple")
        if not self.stack:
            self.emit(b"N")
        self.emit(b".")
        return bytes(self.out)

    def close(self, at):
        kinds = self.stack[at + 1:]
        self.emit(self.rng.choice([b"l", b"t"]))
        kind = "list" if self.out[-1:] == b"l" else "tuple"
        del self.stack[at:]
        if kind == "tuple" and any(k in ("list", "dict", "set", "bytearray", "unhash") for k in kinds):
            kind = "unhash"
        self.stack.append(kind)

    def top(self):
        return self.stack[-1] if self.stack else None

    def atom(self):
        rng = self.rng
        text = rng.choice(["", "a", "key", "caf\xe9", "\u20ac", "\ud800", "\U0001f600", "a\nb\\\\", "quo\"te'"])
        utf8 = text.encode("utf-8", "surrogatepass")
        raw = bytes(rng.randrange(256) for _ in range(rng.randrange(6)))
        size = struct.pack
        choices = [
            (b"N", "atom"), (b"\x88", "atom"), (b"\x89", "atom"), (b"I01\n", "atom"), (b"I00\n", "atom"),
            (b"I%d\n" % rng.choice([0, 1, -1, 2 ** 40, 2 ** 70, 10]), "int"), (b"L%dL\n" % rng.randrange(-2 ** 70, 2 ** 70), "int"),
            (b"K" + bytes([rng.randrange(256)]), "int"), (b"M" + size("<H", rng.randrange(65536)), "int"),
            (b"J" + size("<i", rng.randrange(-2 ** 31, 2 ** 31)), "int"),
            (b"\x8a" + bytes([len(raw)]) + raw, "int"), (b"\x8b" + size("<i", len(raw)) + raw, "int"),
            (b"F" + rng.choice([b"1.5", b"inf", b"-nan", b"1e10", b"-0.0", b"%r" % rng.gauss(0, 1)]) + b"\n", "float"),
            (b"G" + size(">d", rng.choice([0.0, -0.0, 1.5, float("nan"), rng.gauss(0, 9)])), "float"),
            (b"S" + rng.choice([repr(raw)[1:].encode(), b'"it\'s"', b"'\\x41\\101\\n\\q\\''", b"''"]) + b"\n", "bytestring"),
            (b"T" + size("<I", len(raw)) + raw, "bytestring"), (b"U" + bytes([len(raw)]) + raw, "bytestring"),
            (b"V" + rng.choice([b"plain", b"\\u20ac\\U0001f600", b"\xe9\\\\u0041", b"\\u005cn", b""]) + b"\n", "str"),
            (b"X" + size("<I", len(utf8)) + utf8, "str"), (b"\x8c" + bytes([len(utf8)]) + utf8, "str"),
            (b"\x8d" + size("<Q", len(utf8)) + utf8, "str"),
            (b"B" + size("<I", len(raw)) + raw, "bytes"), (b"C" + bytes([len(raw)]) + raw, "bytes"),
            (b"\x8e" + size("<Q", len(raw)) + raw, "bytes"), (b"\x96" + size("<Q", len(raw)) + raw, "bytearray"),
            (b"]", "list"), (b")", "tuple"), (b"}", "dict"), (b"\x8f", "set"), (b"\x97", "buffer"),
            (b"cmod\nname\n", "global"), (b"ccaf\xc3\xa9\nA.B\n", "global"), (b"c__builtin__\nxrange\n", "global"),
            (b"ccopy_reg\n_reconstructor\n", "global"), (b"c__builtin__\nobject\n", "global"), (b"c__builtin__\nset\n", "global"),
            (b"cbuiltins\nbytearray\n", "global"), (b"c_codecs\nencode\n", "global"),
            (b"\x8c\x03mod\x8c\x04name\x93", "global"), (b"Pper sid\n", "persid"),
            (b"\x82" + bytes([rng.randrange(1, 256)]), "ext"), (b"\x83" + size("<H", rng.randrange(1, 65536)), "ext"),
            (b"\x84" + size("<i", rng.randrange(1, 2 ** 31)), "ext"),
        ]
        code, kind = rng.choice(choices)
        self.emit(code)
        self.stack.append(kind)

    def mark(self):
        self.emit(b"(")
        self.stack.append(None)

    def memoize(self):
        if self.top() is None:
            return
        index = len(self.memo) if self.rng.random() < 0.8 else self.rng.choice([0, 3, 255, 256, 70000])
        form = self.rng.randrange(4)
        if form == 3:
            index = len(self.memo)
            self.emit(b"\x94")
        elif form == 0:
            self.emit(b"p%d\n" % index)
        elif form == 1 and index < 256:
            self.emit(b"q", bytes([index]))
        else:
            self.emit(b"r", struct.pack("<I", index))
        self.memo[index] = self.top()

    def get(self):
        if not self.memo:
            return
        index = self.rng.choice(list(self.memo))
        form = self.rng.randrange(3)
        if form == 0:
            self.emit(b"g%d\n" % index)
        elif form == 1 and index < 256:
            self.emit(b"h", bytes([index]))
        else:
            self.emit(b"j", struct.pack("<I", index))
        self.stack.append(self.memo[index])

    def above(self):
        """Kinds above the last mark, and the mark's place; nothing without a mark."""
        places = [i for i, x in enumerate(self.stack) if x is None]
        return (places[-1], self.stack[places[-1] + 1:]) if places else (None, [])

    def hashable(self, kinds):
        return all(k not in ("list", "dict", "set", "bytearray", "unhash") for k in kinds)

    def use_mark(self):
        at, kinds = self.above()
        if at is None:
            return
        below = self.stack[at - 1] if at else None
        forms = [(b"t", "tuple"), (b"l", "list"), (b"1", "pop")]
        if below == "list" or below == "object":
            forms += [(b"e", "below")] * 4
        if below in ("dict", "object") and len(kinds) % 2 == 0 and self.hashable(kinds[::2]):
            forms += [(b"u", "below")] * 4
        if below in ("set", "object") and self.hashable(kinds):
            forms += [(b"\x90", "below")] * 4
        if self.hashable(kinds):
            forms += [(b"\x91", "frozenset")]
            if len(kinds) % 2 == 0:
                forms += [(b"d", "dict")]
        forms += [(b"imod\nOld\n", "object")]
        if kinds and kinds[0] in ("global", "ext", "persid", "object"):
            forms += [(b"o", "object")] * 2
        code, kind = self.rng.choice(forms)
        self.emit(code)
        del self.stack[at:]
        if kind == "tuple" and not self.hashable(kinds):
            kind = "unhash"
        if kind not in ("pop", "below"):
            self.stack.append(kind)

    def use_top(self):
        rng, stack = self.rng, self.stack
        free = len(stack) - 1 - max([i for i, x in enumerate(stack) if x is None], default=-1)
        forms = []
        if free >= 1:
            forms += [(b"\x85", 1, "tuple"), (b"0", 1, None), (b"Q", 1, "persid")]
            if stack[-1] in ("bytes", "buffer", "bytearray", "readonly"):
                forms += [(b"\x98", 1, "bytes" if stack[-1] == "bytes" else "readonly")]
        if free >= 2:
            a, b = stack[-2:]
            forms += [(b"\x86", 2, "tuple")]
            if a in ("list", "object"):
                forms += [(b"a", 2, a)] * 3
            if a == "object":
                forms += [(b"b", 2, a)] * 6
            if b in ("tuple", "unhash") and a in ("global", "object", "ext", "persid"):
                forms += [(b"R", 2, "object"), (b"\x81", 2, "object")] * 6
        if free >= 3:
            a, b, c = stack[-3:]
            forms += [(b"\x87", 3, "tuple")]
            if a in ("dict", "object") and self.hashable([b]):
                forms += [(b"s", 3, a)] * 3
            if b in ("tuple", "unhash") and c == "dict" and a in ("global", "object", "ext", "persid"):
                forms += [(b"\x92", 3, "object")] * 6
        if not forms:
            return
        code, n, kind = rng.choice(forms)
        self.emit(code)
        used = stack[-n:]
        del stack[-n:]
        if kind == "tuple" and not self.hashable(used):
            kind = "unhash"
        if kind:
            stack.append(kind)

    def dup(self):
        if self.top() is not None:
            self.emit(b"2")
            self.stack.append(self.top())

    def call(self):
        """A call that Python itself writes for what a protocol lacks."""
        self.emit(self.rng.choice([
            b"c__builtin__\nset\n((lK\x01K\x02ltR", b"c_codecs\nencode\n(V\xe9a\nVlatin1\ntR", b"c__builtin__\nbytes\n)R",
            b"cbuiltins\nbytearray\nC\x02\xffa\x85R", b"c__builtin__\ncomplex\n(F1.5\nF-0.0\ntR",
            b"ccopy_reg\n_reconstructor\n(cmod\nC\nc__builtin__\nobject\nNtR", b"cbuiltins\nbytearray\n(Vab\nVlatin-1\ntR",
            b"c__builtin__\nfrozenset\n((lKKltR"[:-4] + b"K\x01ltR", b"cbuiltins\nbytearray\n)R",
        ]))
        self.stack.append("object")

    STEPS = [atom] * 10 + [mark] * 3 + [memoize] * 3 + [get] * 2 + [use_mark] * 4 + [use_top] * 6 + [dup, call]


def values(rng, depth=0):
    """A random value that every Python pickles."""
    kind = rng.randrange(9 if depth > 3 else 15)
    if kind < 3:
        return rng.choice([0, 1, -1, 255, 256, 65535, 65536, -2 ** 31, 2 ** 31, 2 ** 63, -2 ** 200, None, True, False])
    if kind < 5:
        return rng.choice([0.0, -0.0, float("inf"), rng.gauss(0, 1), 1e300])
    if kind < 8:
        return rng.choice(["", "a", "key", "caf\xe9", "\u20ac\n", "\U0001f600", "x" * 300, "\ud800"])
    if kind == 8:
        return rng.choice([b"", b"raw\xff", bytearray(b"ba"), 1.5 - 2j])
    many = [values(rng, depth + 1) for _ in range(rng.randrange(5))]
    if kind < 11:
        return many
    if kind == 11:
        return tuple(many)
    if kind == 12:
        return {i if rng.random() < 0.5 else "k%d" % i: x for i, x in enumerate(many)}
    if kind == 13:
        return rng.choice([set, frozenset])(rng.sample(["a", 1, 2.5, None, b"b", (1, 2)], rng.randrange(5)))
    return [many, many, tuple(many)]


def make_pickle(rng):
    if rng.random() < 0.3:
        data = pickle.dumps(values(rng), rng.randrange(6))
    else:
        data = PickleMaker(rng).run()
    if rng.random() < 0.3:
        data = damage(rng, data)
    import pickle_machine
    norm = rng.random() < NORM
    return data, "--norm" if norm else "", lambda: pickle_machine.pickle_canon(data, norm), None


class Stand:
    """Stands for any class, function or object of a pickle; allows everything."""

    def __new__(cls, *args, **kw):
        return object.__new__(cls)

    def __init__(self, *args, **kw):
        pass

    def __setstate__(self, state):
        pass

    def extend(self, items):
        pass

    def add(self, item):
        pass

    def __setitem__(self, key, value):
        pass

    def __call__(self, *args, **kw):
        return Stand()


class Anything(pickle.Unpickler):
    def find_class(self, module, name):
        return type("Class", (Stand,), {})

    def persistent_load(self, pid):
        return type("Class", (Stand,), {})


def real_pickle(data, _python, verdict):
    """Holds the oracle's verdict against the C unpickler, where stand-ins can answer for what a stream names."""
    if any(code in data for code in b"\x82\x83\x84\x97\x98"):
        return
    try:
        Anything(io.BytesIO(data), encoding="latin-1").load()
        took = True
    except RecursionError:
        return
    except Exception as e:
        took, why = False, e
    if took != (verdict is None):
        # The stand-ins differ from the symbols: a class is no type there, a class takes no items, a method is missing.
        if took or "type" not in str(why) and "attribute" not in str(why) and "support" not in str(why):
            print("pickle %s %r, the oracle says %s" % (took if took else why, data, verdict), file=sys.stderr)


def main():
    what, count, seed, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    make, real = (make_marshal, real_marshal) if what == "marshal" else (make_pickle, real_pickle)
    os.makedirs(folder, exist_ok=True)
    rng, good = random.Random(seed), 0
    with open(os.path.join(folder, "commands.txt"), "w") as commands, open(os.path.join(folder, "expected.txt"), "w") as expected:
        for i in range(count):
            data, options, oracle, python = make(rng)
            path = os.path.join(folder, "%d" % i)
            with open(path, "wb") as f:
                f.write(data)
            try:
                answer, verdict = "OK " + oracle(), None
                good += 1
            except Bad as e:
                verdict = str(e)
                answer = "ERROR " + verdict.replace("\n", " ")
            real(data, python, verdict)
            commands.write("%s canon %s %s\n" % (what, options, path))
            expected.write(answer + "\n")
    print("%d of %d well-formed" % (good, count))


if __name__ == "__main__":
    threading.stack_size(512 << 20)
    worker = threading.Thread(target=main)
    worker.start()
    worker.join()
