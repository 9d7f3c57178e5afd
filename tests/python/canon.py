"""The canonical text of marshal and pickle streams, written a second time, in Python.

larder's host tool prints one line that says exactly what a stream holds (`larder marshal canon`, `larder pickle canon`).
This is the independent answer that tests compare it with: a parser of marshal's type codes with the checks of CPython's
Python/marshal.c, a symbolic machine for pickle's opcodes with those of Modules/_pickle.c (nothing is imported or
called), and one printer. It needs Python 3.8 or newer and nothing else.

    canon.py marshal [--python X.Y] [--skip BYTES] FILE
    canon.py pickle [--norm] FILE
    canon.py batch                  the same as lines on standard input; answers `OK TEXT` or `ERROR message`
"""

import struct
import sys
import threading

sys.setrecursionlimit(10 ** 6)


class Bad(Exception):
    """The stream is malformed."""


class Node:
    """One value of a stream. `kind` names it, `v` holds its payload; identity is the identity of the stream."""

    __slots__ = ("kind", "v", "items", "adds", "pairs", "states", "hashable", "complete")

    def __init__(self, kind, v=None, hashable=True):
        self.kind, self.v, self.hashable, self.complete = kind, v, hashable, True
        self.items, self.adds, self.pairs, self.states = [], [], [], []


# ---------------------------------------------------------------------------------------------------------- the text

LABELLED = {
    "list", "tuple", "dict", "set", "frozenset", "frozendict", "bytearray", "slice", "code",
    "reduce", "newobj", "newobj_ex", "inst", "persid", "buffer", "readonly",
}
OBJECTS = {"reduce", "newobj", "newobj_ex", "inst"}


def children(n):
    """What a node holds, in the order of printing; pairs flattened."""
    kind, v = n.kind, n.v
    if kind in ("list", "tuple", "set", "frozenset", "slice"):
        return v
    if kind in ("dict", "frozendict"):
        return [x for pair in v for x in pair]
    if kind == "code":
        return [x for _, x in v if isinstance(x, Node)]
    if kind in ("persid", "readonly"):
        return [v]
    if kind in OBJECTS:
        return list(v) + n.items + n.adds + [x for pair in n.pairs for x in pair] + n.states
    return []


def shared(root):
    """The ids of the labelled kinds that are reached more than once."""
    seen, twice, stack = set(), set(), [root]
    while stack:
        n = stack.pop()
        if n.kind not in LABELLED or (n.kind == "tuple" and not n.v):
            continue
        if id(n) in seen:
            twice.add(id(n))
            continue
        seen.add(id(n))
        stack.extend(children(n))
    return twice


def hex_float(bits):
    exponent, fraction = (bits >> 52) & 0x7FF, bits & ((1 << 52) - 1)
    return "nan" if exponent == 0x7FF and fraction else "%016x" % bits


def quote_str(text):
    return '"' + "".join(
        "\\" + c if c in '"\\' else c if " " <= c <= "~" else "\\u{%x}" % ord(c) for c in text
    ) + '"'


def quote_bytes(raw):
    return '"' + "".join(
        "\\" + chr(b) if b in b'"\\' else chr(b) if 0x20 <= b <= 0x7E else "\\x%02x" % b for b in raw
    ) + '"'


def text(root):
    """The canonical line of a value."""
    twice, labels = shared(root), {}

    def pairs(ps):
        return "{" + ",".join(show(k) + ":" + show(x) for k, x in ps) + "}"

    def many(xs):
        return ",".join(show(x) for x in xs)

    def show(n):
        if id(n) in labels:
            return "*%d" % labels[id(n)]
        if id(n) in twice:
            labels[id(n)] = len(labels) + 1
            return "&%d=%s" % (labels[id(n)], plain(n))
        return plain(n)

    def plain(n):
        kind, v = n.kind, n.v
        if kind == "atom":
            return v
        if kind == "int":
            if -2 ** 63 <= v < 2 ** 63:
                return str(v)
            return ("-" if v < 0 else "") + "0x%x" % abs(v)
        if kind == "float":
            return "f:" + hex_float(v)
        if kind == "complex":
            return "c:" + hex_float(v[0]) + "," + hex_float(v[1])
        if kind == "str":
            return quote_str(v)
        if kind in ("bytes", "bytestring", "bytearray"):
            return {"bytes": "b", "bytestring": "s", "bytearray": "ba"}[kind] + quote_bytes(v)
        if kind == "list":
            return "[" + many(v) + "]"
        if kind == "tuple":
            return "(" + many(v) + (",)" if len(v) == 1 else ")")
        if kind == "dict":
            return pairs(v)
        if kind in ("set", "frozenset"):
            return "<%s%s>" % (kind, " " + many(v) if v else "")
        if kind == "frozendict":
            return "<frozendict%s>" % (" " + pairs(v)[1:-1] if v else "")
        if kind == "slice":
            return "<slice %s>" % " ".join([show(x) for x in v])
        if kind == "code":
            return "<code %s>" % " ".join([k + "=" + (show(x) if isinstance(x, Node) else str(x)) for k, x in v])
        if kind == "global":
            return "<global %s %s>" % (quote_str(v[0]), quote_str(v[1]))
        if kind in ("ext", "buffer"):
            return "<%s %d>" % (kind, v)
        if kind in ("persid", "readonly"):
            return "<%s %s>" % (kind, show(v))
        out = "<" + kind + "".join([" " + show(x) for x in v])
        if n.items:
            out += " items=[" + many(n.items) + "]"
        if n.adds:
            out += " adds=[" + many(n.adds) + "]"
        if n.pairs:
            out += " pairs=" + pairs(n.pairs)
        for state in n.states:
            out += " state=" + show(state)
        return out + ">"

    return show(root)


# ----------------------------------------------------------------------------------------------------------- marshal

MAX_DEPTH = 2000
NEWEST = (3, 15)
ATOMS = {"N": "None", "F": "False", "T": "True", "S": "StopIteration", ".": "Ellipsis"}

# name and form of each field: i is a 32-bit number, b bytes, t tuple, n a tuple of str, s str.
ARGUMENTS_2 = "argcount:i nlocals:i stacksize:i flags:i"
ARGUMENTS_3 = "argcount:i kwonlyargcount:i nlocals:i stacksize:i flags:i"
ARGUMENTS_38 = "argcount:i posonlyargcount:i kwonlyargcount:i nlocals:i stacksize:i flags:i"
BODY = " code:b consts:t names:n varnames:n freevars:n cellvars:n filename:s name:s firstlineno:i "
LAYOUTS = [
    ((3, 11), "argcount:i posonlyargcount:i kwonlyargcount:i stacksize:i flags:i code:b consts:t names:n "
              "localsplusnames:n localspluskinds:b filename:s name:s qualname:s firstlineno:i linetable:b "
              "exceptiontable:b"),
    ((3, 10), ARGUMENTS_38 + BODY + "linetable:b"),
    ((3, 8), ARGUMENTS_38 + BODY + "lnotab:b"),
    ((3, 0), ARGUMENTS_3 + BODY + "lnotab:b"),
    ((2, 0), ARGUMENTS_2 + BODY + "lnotab:b"),
]
FORMS = {"b": "bytes", "t": "tuple", "n": "tuple", "s": "str"}
FORMS_2 = {"b": "bytestring", "t": "tuple", "n": "tuple", "s": "bytestring"}


def type_codes(python):
    """The type codes that this Python reads."""
    codes = "0NFTS.iIlfgxysu([{<>c"
    if python < (3, 0):
        return codes + "tR"
    if python >= (3, 4):
        codes += "trazAZ)"
    if python >= (3, 14):
        codes += ":"
    if python >= (3, 15):
        codes += "}"
    return codes


class Marshal:
    def __init__(self, data, python=NEWEST):
        self.data, self.at, self.python, self.refs, self.strings = data, 0, python, [], []
        self.codes = type_codes(python)
        self.layout = next(fields for since, fields in LAYOUTS if python >= since)

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Bad("marshal data too short")
        self.at += n
        return self.data[self.at - n:self.at]

    def byte(self):
        return self.take(1)[0]

    def long(self):
        return struct.unpack("<i", self.take(4))[0]

    def size(self):
        n = self.long()
        if n < 0:
            raise Bad("size out of range")
        return n

    def float_text(self):
        raw = self.take(self.byte()).split(b"\0")[0]
        if not raw or b"_" in raw or raw.strip() != raw:
            raise Bad("bad float text")
        try:
            value = float(raw.decode("ascii"))
        except ValueError:
            raise Bad("bad float text")
        return struct.unpack("<Q", struct.pack("<d", value))[0]

    def integer(self):
        n = self.long()
        if n == -2 ** 31:
            raise Bad("long size out of range")
        value, digit = 0, 1
        for i in range(abs(n)):
            digit = struct.unpack("<H", self.take(2))[0]
            if digit > 0x7FFF:
                raise Bad("digit out of range in long")
            value |= digit << (15 * i)
        if digit == 0:
            raise Bad("unnormalized long data")
        return -value if n < 0 else value

    def object(self, depth=1):
        n = self.maybe(depth)
        if n is None:
            raise Bad("NULL object in marshal data")
        return n

    def maybe(self, depth):
        """One value; None for the NULL that ends a dict."""
        byte = self.byte()
        if depth > MAX_DEPTH:
            raise Bad("recursion limit exceeded")
        flag, code = False, chr(byte)
        if self.python >= (3, 4):
            flag, code = bool(byte & 0x80), chr(byte & 0x7F)
        if code not in self.codes:
            raise Bad("unknown type code")
        if code == "0":
            return None
        if code in ATOMS:
            return Node("atom", ATOMS[code])
        if code == "r":
            return self.reference(self.refs, self.long())
        if code == "R":
            return self.reference(self.strings, self.long())
        leaf = self.leaf(code)
        if leaf is not None:
            if flag:
                self.refs.append(leaf)
            if code == "t" and self.python < (3, 0):
                self.strings.append(leaf)
            return leaf
        return self.container(code, flag, depth)

    @staticmethod
    def reference(table, index):
        if not 0 <= index < len(table) or table[index] is None:
            raise Bad("invalid reference")
        return table[index]

    def leaf(self, code):
        if code == "i":
            return Node("int", self.long())
        if code == "I":
            return Node("int", struct.unpack("<q", self.take(8))[0])
        if code == "l":
            return Node("int", self.integer())
        if code == "f":
            return Node("float", self.float_text())
        if code == "g":
            return Node("float", struct.unpack("<Q", self.take(8))[0])
        if code == "x":
            return Node("complex", (self.float_text(), self.float_text()))
        if code == "y":
            return Node("complex", struct.unpack("<QQ", self.take(16)))
        if code == "s" or (code == "t" and self.python < (3, 0)):
            return Node("bytestring" if self.python < (3, 0) else "bytes", self.take(self.size()))
        if code in "aA":
            return Node("str", self.take(self.size()).decode("latin-1"))
        if code in "zZ":
            return Node("str", self.take(self.byte()).decode("latin-1"))
        if code in "ut":
            try:
                return Node("str", self.take(self.size()).decode("utf-8", "surrogatepass"))
            except UnicodeDecodeError:
                raise Bad("invalid UTF-8")
        return None

    def container(self, code, flag, depth):
        if code in "([<>)":
            count = self.byte() if code == ")" else self.size()
            kind = {"(": "tuple", ")": "tuple", "[": "list", "<": "set", ">": "frozenset"}[code]
            node = Node(kind, [], hashable=kind == "frozenset")
            late = code == ">" and count > 0
            index = self.register(node, flag, late)
            hashable = True
            for _ in range(count):
                item = self.object(depth + 1)
                if code in "<>" and not item.hashable:
                    raise Bad("unhashable item")
                hashable &= item.hashable
                node.v.append(item)
            if kind == "tuple":
                node.hashable = hashable
            return self.complete(node, index)
        if code in "{}":
            node = Node("dict" if code == "{" else "frozendict", [], hashable=False)
            index = self.register(node, flag, code == "}")
            hashable = code == "}"
            while True:
                key = self.maybe(depth + 1)
                if key is None:
                    break
                value = self.maybe(depth + 1)
                if value is None:
                    if self.python < (3, 0):
                        continue
                    break
                if not key.hashable:
                    raise Bad("unhashable key")
                hashable &= value.hashable
                node.v.append((key, value))
            node.hashable = hashable
            return self.complete(node, index)
        if code == ":":
            node = Node("slice", [])
            index = self.register(node, flag, True)
            node.v = [self.object(depth + 1) for _ in range(3)]
            node.hashable = all(x.hashable for x in node.v)
            return self.complete(node, index)
        return self.code(flag, depth)

    def code(self, flag, depth):
        node = Node("code", [])
        index = self.register(node, flag, True)
        forms = FORMS_2 if self.python < (3, 0) else FORMS
        for field in self.layout.split():
            name, form = field.split(":")
            if form == "i":
                node.v.append((name, self.long()))
                continue
            value = self.object(depth + 1)
            if value.kind != forms[form]:
                raise Bad("code field %s is no %s" % (name, forms[form]))
            if form == "n" and any(x.kind != forms["s"] for x in value.v):
                raise Bad("name tuples must contain only strings")
            node.v.append((name, value))
        return self.complete(node, index)

    def register(self, node, flag, late):
        """Takes a place in the table of references: for the node now, or empty until it is complete."""
        if not flag:
            return None
        self.refs.append(None if late else node)
        return len(self.refs) - 1

    def complete(self, node, index):
        if index is not None:
            self.refs[index] = node
        return node


# ------------------------------------------------------------------------------------------------------------ running


def marshal_canon(data, python=NEWEST):
    return text(Marshal(data, python).object())


def run(words):
    """One command; the canonical line, or Bad."""
    what, words = words[0:2], words[2:]
    if what == ["marshal", "canon"]:
        python, skip = NEWEST, 0
        while words and words[0].startswith("--"):
            if words[0] == "--python":
                python = tuple(int(x) for x in words[1].split("."))
            elif words[0] == "--skip":
                skip = int(words[1])
            words = words[2:]
        with open(words[0], "rb") as f:
            return marshal_canon(f.read()[skip:], python)
    if what == ["pickle", "canon"]:
        import pickle_machine
        norm = words[0] == "--norm"
        with open(words[-1], "rb") as f:
            return pickle_machine.pickle_canon(f.read(), norm)
    raise SystemExit(__doc__)


def main():
    if sys.argv[1:2] == ["batch"]:
        for line in sys.stdin:
            try:
                print("OK", run(line.split()), flush=True)
            except Bad as e:
                print("ERROR", e, flush=True)
        return
    try:
        print(run([sys.argv[1], "canon"] + sys.argv[2:]))
    except Bad as e:
        raise SystemExit("canon: %s" % e)


if __name__ == "__main__":
    sys.modules["canon"] = sys.modules["__main__"]
    threading.stack_size(512 << 20)
    worker = threading.Thread(target=main)
    worker.start()
    worker.join()
