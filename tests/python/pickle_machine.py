"""Pickle's machine with symbols for objects: what a stream says, with the checks of CPython's Modules/_pickle.c.

A call is a node, never a call. A plain value (None, a number, a str, a list ...) is no callable and no class, as in
CPython; keys of dicts and items of sets must be hashable; extras (items, pairs, state) go to objects only.
"""

import codecs
import re
import struct

from canon import Bad, Node, OBJECTS, text

CALLABLE = OBJECTS | {"global", "ext", "persid"}
MAX_SIZE = 2 ** 63 - 1


def mutable(kind):
    return kind in ("list", "dict", "set", "bytearray")


def leaf(kind, v):
    return Node(kind, v)


class Machine:
    def __init__(self, data):
        self.data, self.at, self.proto = data, 0, 0
        self.stack, self.marks, self.memo, self.buffers = [], [], {}, 0

    # --- input

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Bad("pickle data was truncated")
        self.at += n
        return self.data[self.at - n:self.at]

    def line(self, least=2):
        """A line with its newline; at least `least` bytes of it."""
        end = self.data.find(b"\n", self.at)
        if end < 0 or end + 1 - self.at < least:
            raise Bad("pickle data was truncated")
        return self.take(end + 1 - self.at)

    def number(self, n, signed=False):
        return int.from_bytes(self.take(n), "little", signed=signed)

    def sized(self, n):
        size = self.number(n)
        if size > MAX_SIZE:
            raise Bad("size exceeds the system's maximum")
        return self.take(size)

    def decode(self, raw, encoding, errors="strict"):
        try:
            return raw.decode(encoding, errors)
        except UnicodeDecodeError as e:
            raise Bad(str(e))

    # --- stack

    @property
    def fence(self):
        return self.marks[-1] if self.marks else 0

    def need(self, n=1):
        if len(self.stack) - n < self.fence:
            raise Bad("unpickling stack underflow")

    def pop(self):
        self.need()
        return self.stack.pop()

    def push(self, node):
        self.stack.append(node)

    def marker(self):
        if not self.marks:
            raise Bad("could not find MARK")
        return self.marks.pop()

    def cut(self, start):
        if start < self.fence or start > len(self.stack):
            raise Bad("unpickling stack underflow")
        items = self.stack[start:]
        del self.stack[start:]
        return items

    # --- building

    @staticmethod
    def hashable(nodes):
        for node in nodes:
            if not node.hashable:
                raise Bad("unhashable type: " + node.kind)

    def new(self, kind, v):
        node = Node(kind, v, hashable=not mutable(kind))
        if kind == "tuple":
            node.hashable = all(x.hashable for x in v)
        return node

    def append(self, start):
        """Everything from `start` on goes to the list or object below it."""
        if start > len(self.stack) or start <= self.fence:
            raise Bad("unpickling stack underflow")
        if start == len(self.stack):
            return
        target = self.stack[start - 1]
        if target.kind == "list":
            target.v += self.cut(start)
        elif target.kind in OBJECTS:
            target.items += self.cut(start)
        else:
            raise Bad("no list: " + target.kind)

    def add(self, start):
        if start > len(self.stack) or start <= self.fence:
            raise Bad("unpickling stack underflow")
        if start == len(self.stack):
            return
        target = self.stack[start - 1]
        if target.kind not in OBJECTS and target.kind != "set":
            raise Bad("no set: " + target.kind)
        items = self.cut(start)
        if target.kind == "set":
            self.hashable(items)
        (target.v if target.kind == "set" else target.adds).extend(items)

    def set(self, start):
        if start > len(self.stack) or start <= self.fence:
            raise Bad("unpickling stack underflow")
        if start == len(self.stack):
            return
        if (len(self.stack) - start) % 2:
            raise Bad("odd number of items for SETITEMS")
        target = self.stack[start - 1]
        if target.kind not in OBJECTS and target.kind != "dict":
            raise Bad("no dict: " + target.kind)
        flat = self.cut(start)
        if target.kind == "dict":
            self.hashable(flat[::2])
        (target.v if target.kind == "dict" else target.pairs).extend(zip(flat[::2], flat[1::2]))

    def call(self, kind, *parts):
        if parts[0].kind not in CALLABLE:
            raise Bad("no callable: " + parts[0].kind)
        if parts[1].kind != "tuple":
            raise Bad("arguments are no tuple")
        if len(parts) > 2 and parts[2].kind != "dict":
            raise Bad("keyword arguments are no dict")
        self.push(Node(kind, list(parts)))

    def build(self):
        self.need(2)
        state = self.stack.pop()
        target = self.stack[-1]
        if target.kind not in OBJECTS:
            raise Bad("no object to set the state of: " + target.kind)
        target.states.append(state)

    # --- the memo

    def get(self, index):
        if index not in self.memo:
            raise Bad("Memo value not found at index %d" % index)
        self.push(self.memo[index])

    def put(self, index):
        self.need()
        if index < 0:
            raise Bad("negative PUT argument")
        self.memo[index] = self.stack[-1]

    def index(self):
        value = self.python_int(self.line(), 10)
        if not -2 ** 63 <= value < 2 ** 63:
            raise Bad("index too large")
        return value

    @staticmethod
    def python_int(raw, base):
        try:
            return int(raw.split(b"\0")[0], base)
        except ValueError as e:
            raise Bad(str(e))

    # --- texts of protocol 0

    def op_int(self):
        raw = self.line()
        match = re.match(rb"[ \t\r\v\f]*[+-]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)(?=[\n\0])", raw)
        # Where a NUL stands first, strtol finds no number and ends where it began, at the NUL: as good an end as any.
        if match or raw[0] == 0:
            digits = match.group().strip() if match else b"0"
            sign = -1 if digits.startswith(b"-") else 1
            digits = digits.lstrip(b"+-").lower()
            base = 16 if digits.startswith(b"0x") else 8 if digits.startswith(b"0") else 10
            value = sign * int(digits, base)
            if -2 ** 63 <= value < 2 ** 63:
                if len(raw) == 3 and value in (0, 1):
                    return self.push(leaf("atom", "True" if value else "False"))
                return self.push(leaf("int", value))
        self.push(leaf("int", self.python_int(raw, 0)))

    def op_long(self):
        raw = self.line()
        if raw[-2:-1] == b"L":
            raw = raw[:-2]
        self.push(leaf("int", self.python_int(raw, 0)))

    def op_float(self):
        raw = self.line().split(b"\0")[0].rstrip(b"\n")
        if not re.fullmatch(rb"(?i)[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|inf(inity)?|nan)", raw):
            raise Bad("could not convert string to float")
        value = float(raw)
        if abs(value) == float("inf") and b"n" not in raw.lower():
            raise Bad("float overflow")
        self.push(leaf("float", struct.unpack("<Q", struct.pack("<d", value))[0]))

    def op_string(self):
        raw = self.line()[:-1]
        if len(raw) < 2 or raw[0] != raw[-1] or raw[0] not in b"'\"":
            raise Bad("the STRING opcode argument must be quoted")
        try:
            import warnings
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.push(leaf("bytestring", codecs.escape_decode(raw[1:-1])[0]))
        except ValueError as e:
            raise Bad(str(e))

    def op_unicode(self):
        self.push(leaf("str", self.decode(self.line(1)[:-1], "raw-unicode-escape")))

    # --- the loop

    def global_(self, encoding):
        module = self.decode(self.line()[:-1], encoding)
        return Node("global", (module, self.decode(self.line()[:-1], encoding)))

    def stack_global(self):
        names = [self.pop(), self.pop()]
        for name in names:
            if name.kind == "bytestring" and max(name.v, default=0) < 128:
                continue
            if name.kind != "str":
                raise Bad("STACK_GLOBAL requires str")
        self.push(Node("global", tuple(x.v if x.kind == "str" else x.v.decode() for x in reversed(names))))

    def counted(self, n):
        if len(self.stack) < n:
            raise Bad("unpickling stack underflow")
        self.push(self.new("tuple", self.cut(len(self.stack) - n)))

    def ext(self, code):
        if code <= 0:
            raise Bad("EXT specifies code <= 0")
        self.push(Node("ext", code))

    def pop_op(self):
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.pop()

    def frozen(self):
        items = self.cut(self.marker())
        self.hashable(items)
        self.push(self.new("frozenset", items))

    def dict_(self):
        flat = self.cut(self.marker())
        if len(flat) % 2:
            raise Bad("odd number of items for DICT")
        self.hashable(flat[::2])
        self.push(self.new("dict", list(zip(flat[::2], flat[1::2]))))

    def proto_op(self):
        self.proto = self.number(1)
        if self.proto > 5:
            raise Bad("unsupported pickle protocol: %d" % self.proto)

    def frame(self):
        size = self.number(8)
        if size > MAX_SIZE or size > len(self.data) - self.at:
            raise Bad("frame too long")

    def inst(self):
        start = self.marker()
        cls = self.global_("ascii")
        self.call("inst", cls, self.new("tuple", self.cut(start)))

    def obj(self):
        start = self.marker()
        if len(self.stack) - start < 1:
            raise Bad("unpickling stack underflow")
        args = self.new("tuple", self.cut(start + 1))
        self.call("inst", self.pop(), args)

    def buffer(self):
        self.push(Node("buffer", self.buffers))
        self.buffers += 1

    def readonly(self):
        self.need()
        target = self.stack[-1]
        if target.kind == "buffer" or target.kind == "bytearray":
            self.stack[-1] = Node("readonly", target)
        elif target.kind not in ("bytes", "readonly"):
            raise Bad("no buffer: " + target.kind)

    def atom(self, v):
        self.push(leaf("atom", v))

    def int_(self, v):
        self.push(leaf("int", v))

    def long_(self, n):
        size = self.number(n, signed=True) if n == 4 else self.number(n)
        if size < 0:
            raise Bad("LONG pickle has negative byte count")
        self.int_(int.from_bytes(self.take(size), "little", signed=True))

    def utf8(self, n):
        self.push(leaf("str", self.decode(self.sized(n), "utf-8", "surrogatepass")))

    def newobj(self):
        args = self.pop()
        self.call("newobj", self.pop(), args)

    def newobj_ex(self):
        kwargs, args = self.pop(), self.pop()
        self.call("newobj_ex", self.pop(), args, kwargs)

    def reduce(self):
        args = self.pop()
        self.call("reduce", self.pop(), args)

    def dup(self):
        self.need()
        self.push(self.stack[-1])

    def run(self):
        while True:
            op = self.take(1)
            if op == b".":
                return self.pop()
            if op not in OPS:
                raise Bad("invalid load key, %r" % op)
            OPS[op](self)


OPS = {
    b"(": lambda m: m.marks.append(len(m.stack)),
    b"0": Machine.pop_op,
    b"1": lambda m: m.cut(m.marker()),
    b"2": Machine.dup,
    b"N": lambda m: m.atom("None"),
    b"\x88": lambda m: m.atom("True"),
    b"\x89": lambda m: m.atom("False"),
    b"I": Machine.op_int,
    b"L": Machine.op_long,
    b"J": lambda m: m.int_(m.number(4, signed=True)),
    b"K": lambda m: m.int_(m.number(1)),
    b"M": lambda m: m.int_(m.number(2)),
    b"\x8a": lambda m: m.long_(1),
    b"\x8b": lambda m: m.long_(4),
    b"F": Machine.op_float,
    b"G": lambda m: m.push(leaf("float", struct.unpack(">Q", m.take(8))[0])),
    b"S": Machine.op_string,
    b"T": lambda m: m.push(leaf("bytestring", m.sized(4))),
    b"U": lambda m: m.push(leaf("bytestring", m.sized(1))),
    b"V": Machine.op_unicode,
    b"X": lambda m: m.utf8(4),
    b"\x8c": lambda m: m.utf8(1),
    b"\x8d": lambda m: m.utf8(8),
    b"B": lambda m: m.push(leaf("bytes", m.sized(4))),
    b"C": lambda m: m.push(leaf("bytes", m.sized(1))),
    b"\x8e": lambda m: m.push(leaf("bytes", m.sized(8))),
    b"\x96": lambda m: m.push(m.new("bytearray", m.sized(8))),
    b"\x97": Machine.buffer,
    b"\x98": Machine.readonly,
    b"]": lambda m: m.push(m.new("list", [])),
    b")": lambda m: m.push(m.new("tuple", [])),
    b"}": lambda m: m.push(m.new("dict", [])),
    b"\x8f": lambda m: m.push(m.new("set", [])),
    b"l": lambda m: m.push(m.new("list", m.cut(m.marker()))),
    b"t": lambda m: m.push(m.new("tuple", m.cut(m.marker()))),
    b"\x85": lambda m: m.counted(1),
    b"\x86": lambda m: m.counted(2),
    b"\x87": lambda m: m.counted(3),
    b"d": Machine.dict_,
    b"\x91": Machine.frozen,
    b"a": lambda m: m.append(len(m.stack) - 1),
    b"e": lambda m: m.append(m.marker()),
    b"s": lambda m: m.set(len(m.stack) - 2),
    b"u": lambda m: m.set(m.marker()),
    b"\x90": lambda m: m.add(m.marker()),
    b"b": Machine.build,
    b"c": lambda m: m.push(m.global_("utf-8")),
    b"\x93": Machine.stack_global,
    b"i": Machine.inst,
    b"o": Machine.obj,
    b"\x81": Machine.newobj,
    b"\x92": Machine.newobj_ex,
    b"R": Machine.reduce,
    b"P": lambda m: m.push(Node("persid", leaf("str", m.decode(m.line(1)[:-1], "ascii")))),
    b"Q": lambda m: m.push(Node("persid", m.pop())),
    b"\x82": lambda m: m.ext(m.number(1)),
    b"\x83": lambda m: m.ext(m.number(2)),
    b"\x84": lambda m: m.ext(m.number(4, signed=True)),
    b"g": lambda m: m.get(m.index()),
    b"h": lambda m: m.get(m.number(1)),
    b"j": lambda m: m.get(m.number(4)),
    b"p": lambda m: m.put(m.index()),
    b"q": lambda m: m.put(m.number(1)),
    b"r": lambda m: m.put(m.number(4)),
    b"\x94": lambda m: m.put(len(m.memo)),
    b"\x80": Machine.proto_op,
    b"\x95": Machine.frame,
}


# -------------------------------------------------------------------------------------------------------------- norm


def normalize(root, proto):
    """The norm form: Python 3's names, and plain values for the calls that stand for them. A new graph."""
    import _compat_pickle

    done = {}

    def name(module, attribute):
        if proto >= 3:
            return module, attribute
        if (module, attribute) in _compat_pickle.NAME_MAPPING:
            return _compat_pickle.NAME_MAPPING[module, attribute]
        return _compat_pickle.IMPORT_MAPPING.get(module, module), attribute

    def is_global(n, *names):
        return n.kind == "global" and n.v in names

    def plain(n):
        """The plain value that a call stands for, or None."""
        if n.kind != "reduce":
            return None
        f, args = n.v[0], n.v[1].v
        kinds = [a.kind for a in args]
        if is_global(f, ("copyreg", "_reconstructor")) and len(args) == 3:
            if is_global(args[1], ("builtins", "object")) and args[2].kind == "atom" and args[2].v == "None":
                return "newobj", [args[0], Node("tuple", [])]
        if n.items or n.adds or n.pairs or n.states:
            return None
        if is_global(f, ("builtins", "set")) and kinds == ["list"]:
            return "set", args[0].v
        if is_global(f, ("builtins", "frozenset")) and kinds == ["list"]:
            return "frozenset", args[0].v
        if is_global(f, ("builtins", "bytearray")):
            if not args:
                return "bytearray", b""
            if kinds == ["bytes"]:
                return "bytearray", args[0].v
            if kinds == ["str", "str"] and args[1].v == "latin-1" and all(c <= "\xff" for c in args[0].v):
                return "bytearray", args[0].v.encode("latin-1")
        if is_global(f, ("_codecs", "encode")) and kinds == ["str", "str"] and args[1].v == "latin1":
            if all(c <= "\xff" for c in args[0].v):
                return "bytes", args[0].v.encode("latin-1")
        if is_global(f, ("builtins", "bytes")) and not args:
            return "bytes", b""
        if is_global(f, ("builtins", "complex")) and kinds == ["float", "float"]:
            return "complex", (args[0].v, args[1].v)
        return None

    def walk(n):
        if id(n) in done:
            return done[id(n)]
        out = Node(n.kind, n.v)
        done[id(n)] = out
        if n.kind == "global":
            out.v = name(*n.v)
        elif n.kind in ("list", "tuple", "set", "frozenset"):
            out.v = [walk(x) for x in n.v]
        elif n.kind == "dict":
            out.v = [(walk(k), walk(x)) for k, x in n.v]
        elif n.kind in ("persid", "readonly"):
            out.v = walk(n.v)
        elif n.kind in OBJECTS:
            out.v = [walk(x) for x in n.v]
            out.items, out.adds = [walk(x) for x in n.items], [walk(x) for x in n.adds]
            out.pairs = [(walk(k), walk(x)) for k, x in n.pairs]
            out.states = [walk(x) for x in n.states]
            found = plain(out)
            if found is not None:
                out.kind, out.v = found
        return out

    return walk(root)


def pickle_canon(data, norm=False):
    machine = Machine(data)
    root = machine.run()
    return text(normalize(root, machine.proto) if norm else root)
