"""What a pickle says, as one line of canonical text. A symbolic pickle machine of our own: nothing is imported or called.

Runs on Python 2.7 and 3.6 and newer. `raw(stream)` prints what the stream holds; `norm(stream)` also takes Python 2's
names for Python 3's and turns the calls by which older protocols spell plain data back into that data.

    value  = None | True | False | decimal (within 64 bits) | [-]0xhex | f:bits | "str" | b"bytes" | s"Python 2 str"
           | ba"bytearray" | [..] | (..) | {k:v,..} | <set ..> | <frozenset ..> | <global "module" "name">
           | <reduce F ARGS extra*> | <newobj C ARGS extra*> | <newobj_ex C ARGS KWARGS extra*> | <inst C ARGS extra*>
           | <persid V> | <ext N> | <buffer N> | <readonly V> | &N=value (reached again later) | *N
    extra  = ' items=[..]' | ' adds=[..]' | ' pairs={..}' | ' state=V'
"""
import codecs
import struct

ATOM, STR, SEQ, DICT, OBJECT = range(5)
LABELLED = {'[', '(', '{', '<set', '<frozenset', 'ba', 'reduce', 'newobj', 'newobj_ex', 'inst', 'persid', 'buffer', 'readonly'}
MARK = object()


class Node(object):
    """kind: how it prints; value: text of an atom, code points of a str, bytes, or child nodes."""

    def __init__(self, kind, value=None):
        self.kind, self.value = kind, value
        self.items, self.adds, self.pairs, self.states = [], [], [], []

    def children(self):
        if self.kind in ('[', '(', '<set', '<frozenset', 'reduce', 'newobj', 'newobj_ex', 'inst', 'persid', 'readonly'):
            for child in self.value:
                yield child
        elif self.kind == '{':
            for key, value in self.value:
                yield key
                yield value
        for child in self.items + self.adds:
            yield child
        for key, value in self.pairs:
            yield key
            yield value
        for child in self.states:
            yield child

    def labelled(self):
        return self.kind in LABELLED and not (self.kind == '(' and not self.value)


def atom(text):
    return Node('atom', text)


def integer(n):
    if -2 ** 63 <= n < 2 ** 63:
        return atom('%d' % n)
    return atom(('-' if n < 0 else '') + '0x%x' % abs(n))


def floating(bits):
    if struct.unpack('>d', bits)[0] != struct.unpack('>d', bits)[0]:
        return atom('f:nan')
    return atom('f:' + codecs.encode(bits, 'hex').decode('ascii'))


def utf8(data):
    """Code points of UTF-8 in which lone surrogates are encoded like any other code point."""
    data, points, i = bytearray(data), [], 0
    while i < len(data):
        byte = data[i]
        more = 0 if byte < 0x80 else 1 if byte < 0xe0 else 2 if byte < 0xf0 else 3
        point = byte & (0x7f, 0x1f, 0x0f, 0x07)[more]
        for follow in data[i + 1:i + 1 + more]:
            assert follow & 0xc0 == 0x80
            point = point << 6 | follow & 0x3f
        points.append(point)
        i += 1 + more
    return points


def raw_unicode_escape(data):
    data, points, i = bytearray(data), [], 0
    while i < len(data):
        slashes = 0
        while data[i:i + 1] == b'\\':
            slashes += 1
            i += 1
        letter = bytes(data[i:i + 1])
        if slashes % 2 and letter in (b'u', b'U'):
            points += [0x5c] * (slashes - 1)
            width = 4 if letter == b'u' else 8
            points.append(int(bytes(data[i + 1:i + 1 + width]), 16))
            i += 1 + width
        else:
            points += [0x5c] * slashes
            if i < len(data):
                points.append(data[i])
                i += 1
    return points


class Machine(object):
    def __init__(self, stream, buffers=True):
        self.data, self.at, self.stack, self.memo = bytes(stream), 0, [], {}
        self.protocol, self.buffer_count = 0, 0

    def take(self, n):
        part = self.data[self.at:self.at + n]
        assert len(part) == n, 'truncated'
        self.at += n
        return part

    def line(self):
        end = self.data.index(b'\n', self.at)
        part = self.data[self.at:end]
        self.at = end + 1
        return part

    def number(self, form):
        return struct.unpack('<' + form, self.take(struct.calcsize('<' + form)))[0]

    def long(self, n):
        value = 0
        raw = bytearray(self.take(n))
        for byte in reversed(raw):
            value = value << 8 | byte
        return integer(value - (1 << 8 * n) if raw and raw[-1] & 0x80 else value)

    def push(self, node):
        self.stack.append(node)

    def pop(self):
        return self.stack.pop()

    def pop_mark(self):
        part = []
        while self.stack[-1] is not MARK:
            part.append(self.stack.pop())
        self.stack.pop()
        return part[::-1]

    def add_pairs(self, flat):
        target = self.stack[-1]
        into = target.value if target.kind == '{' else target.pairs
        into.extend(zip(flat[::2], flat[1::2]))

    def named(self, module, name):
        return Node('global', (module, name))

    def run(self):
        while True:
            op = self.take(1)
            if op == b'.':
                return self.pop()
            self.step(op)

    def step(self, op):
        push, pop, number, take = self.push, self.pop, self.number, self.take
        if op == b'\x80': self.protocol = number('B')
        elif op == b'\x95': number('Q')
        elif op == b'(': push(MARK)
        elif op == b'0':
            pop()
        elif op == b'1': self.pop_mark()
        elif op == b'2': push(self.stack[-1])
        elif op == b'N': push(atom('None'))
        elif op == b'\x88': push(atom('True'))
        elif op == b'\x89': push(atom('False'))
        elif op == b'I':
            line = self.line()
            push(atom('True') if line == b'01' else atom('False') if line == b'00' else integer(int(line)))
        elif op == b'L': push(integer(int(self.line().rstrip(b'L'))))
        elif op == b'J': push(integer(number('i')))
        elif op == b'K': push(integer(number('B')))
        elif op == b'M': push(integer(number('H')))
        elif op == b'\x8a': push(self.long(number('B')))
        elif op == b'\x8b': push(self.long(number('i')))
        elif op == b'F': push(floating(struct.pack('>d', float(self.line()))))
        elif op == b'G': push(floating(take(8)))
        elif op == b'S': push(Node('s', codecs.escape_decode(self.line().strip()[1:-1])[0]))
        elif op == b'T': push(Node('s', take(number('i'))))
        elif op == b'U': push(Node('s', take(number('B'))))
        elif op == b'V': push(Node('str', raw_unicode_escape(self.line())))
        elif op == b'X': push(Node('str', utf8(take(number('I')))))
        elif op == b'\x8c': push(Node('str', utf8(take(number('B')))))
        elif op == b'\x8d': push(Node('str', utf8(take(number('Q')))))
        elif op == b'B': push(Node('b', take(number('I'))))
        elif op == b'C': push(Node('b', take(number('B'))))
        elif op == b'\x8e': push(Node('b', take(number('Q'))))
        elif op == b'\x96': push(Node('ba', take(number('Q'))))
        elif op == b']': push(Node('[', []))
        elif op == b')': push(Node('(', []))
        elif op == b'}': push(Node('{', []))
        elif op == b'\x8f': push(Node('<set', []))
        elif op == b'l': push(Node('[', self.pop_mark()))
        elif op == b't': push(Node('(', self.pop_mark()))
        elif op == b'\x91': push(Node('<frozenset', self.pop_mark()))
        elif op == b'd':
            flat = self.pop_mark()
            push(Node('{', list(zip(flat[::2], flat[1::2]))))
        elif op in (b'\x85', b'\x86', b'\x87'):
            count = ord(op) - 0x84
            part = self.stack[-count:]
            del self.stack[-count:]
            push(Node('(', part))
        elif op in (b'a', b'e'):
            part = [pop()] if op == b'a' else self.pop_mark()
            target = self.stack[-1]
            (target.value if target.kind == '[' else target.items).extend(part)
        elif op == b'\x90':
            part, target = self.pop_mark(), self.stack[-1]
            (target.value if target.kind == '<set' else target.adds).extend(part)
        elif op == b's':
            value = pop()
            key = pop()
            self.add_pairs([key, value])
        elif op == b'u': self.add_pairs(self.pop_mark())
        elif op == b'p': self.memo[int(self.line())] = self.stack[-1]
        elif op == b'q': self.memo[number('B')] = self.stack[-1]
        elif op == b'r': self.memo[number('I')] = self.stack[-1]
        elif op == b'\x94': self.memo[len(self.memo)] = self.stack[-1]
        elif op == b'g': push(self.memo[int(self.line())])
        elif op == b'h': push(self.memo[number('B')])
        elif op == b'j': push(self.memo[number('I')])
        elif op == b'c':
            module = utf8(self.line())
            push(self.named(module, utf8(self.line())))
        elif op == b'\x93':
            name, module = pop().value, pop().value
            push(self.named(module, name))
        elif op == b'R':
            arguments, function = pop(), pop()
            push(Node('reduce', [function, arguments]))
        elif op == b'\x81':
            arguments, function = pop(), pop()
            push(Node('newobj', [function, arguments]))
        elif op == b'\x92':
            keywords, arguments, function = pop(), pop(), pop()
            push(Node('newobj_ex', [function, arguments, keywords]))
        elif op == b'i':
            module = utf8(self.line())
            function = self.named(module, utf8(self.line()))
            push(Node('inst', [function, Node('(', self.pop_mark())]))
        elif op == b'o':
            part = self.pop_mark()
            push(Node('inst', [part[0], Node('(', part[1:])]))
        elif op == b'b':
            state = pop()
            self.stack[-1].states.append(state)
        elif op == b'P': push(Node('persid', [Node('str', utf8(self.line()))]))
        elif op == b'Q': push(Node('persid', [pop()]))
        elif op in (b'\x82', b'\x83', b'\x84'):
            push(Node('ext', number({b'\x82': 'B', b'\x83': 'H', b'\x84': 'i'}[op])))
        elif op == b'\x97':
            push(Node('buffer', self.buffer_count))
            self.buffer_count += 1
        elif op == b'\x98': push(Node('readonly', [pop()]))
        else:
            raise AssertionError('opcode %r' % op)


def quoted(points, width):
    out = ['"']
    for point in points:
        if 0x20 <= point < 0x7f:
            out.append('\\' + chr(point) if point in (0x22, 0x5c) else chr(point))
        else:
            out.append('\\u{%x}' % point if width else '\\x%02x' % point)
    return ''.join(out) + '"'


class Printer(object):
    def __init__(self, root):
        self.seen, self.again, self.labels, self.out = set(), set(), {}, []
        self.count(root)
        self.show(root)

    def count(self, node):
        if node.labelled():
            if id(node) in self.seen:
                self.again.add(id(node))
                return
            self.seen.add(id(node))
        for child in node.children():
            self.count(child)

    def list(self, nodes):
        for i, node in enumerate(nodes):
            if i:
                self.out.append(',')
            self.show(node)

    def pairs(self, pairs):
        for i, (key, value) in enumerate(pairs):
            if i:
                self.out.append(',')
            self.show(key)
            self.out.append(':')
            self.show(value)

    def show(self, node):
        out, kind = self.out, node.kind
        if id(node) in self.labels:
            out.append('*%d' % self.labels[id(node)])
            return
        if id(node) in self.again:
            self.labels[id(node)] = len(self.labels) + 1
            out.append('&%d=' % self.labels[id(node)])
        if kind == 'atom': out.append(node.value)
        elif kind == 'str': out.append(quoted(node.value, True))
        elif kind in ('b', 's', 'ba'): out.append(kind + quoted(bytearray(node.value), False))
        elif kind == '[':
            out.append('[')
            self.list(node.value)
            out.append(']')
        elif kind == '(':
            out.append('(')
            self.list(node.value)
            out.append(',)' if len(node.value) == 1 else ')')
        elif kind == '{':
            out.append('{')
            self.pairs(node.value)
            out.append('}')
        elif kind in ('<set', '<frozenset'):
            out.append(kind)
            if node.value:
                out.append(' ')
                self.list(node.value)
            out.append('>')
        elif kind == 'global': out.append('<global %s %s>' % (quoted(node.value[0], True), quoted(node.value[1], True)))
        elif kind in ('ext', 'buffer'): out.append('<%s %d>' % (kind, node.value))
        else:
            out.append('<' + kind)
            for child in node.value:
                out.append(' ')
                self.show(child)
            self.extras(node)
            out.append('>')

    def extras(self, node):
        for name, nodes in (('items', node.items), ('adds', node.adds)):
            if nodes:
                self.out.append(' %s=[' % name)
                self.list(nodes)
                self.out.append(']')
        if node.pairs:
            self.out.append(' pairs={')
            self.pairs(node.pairs)
            self.out.append('}')
        for state in node.states:
            self.out.append(' state=')
            self.show(state)


def text(points):
    """Code points as a Python string; a lone surrogate or an astral one never occurs in a name that is compared."""
    return ''.join(chr(p) if p < 128 else '?' for p in points)


class Norm(object):
    """The norm form: built once over the graph, in place, keeping identities."""

    def __init__(self, machine, compat):
        self.compat = compat if machine.protocol <= 2 else None
        self.done = set()

    def name(self, node):
        module, name = text(node.value[0]), text(node.value[1])
        if self.compat:
            names, modules = self.compat
            if (module, name) in names:
                module, name = names[module, name]
            elif module in modules:
                module = modules[module]
            else:
                return
            node.value = ([ord(c) for c in module], [ord(c) for c in name])

    def is_global(self, node, *names):
        return node.kind == 'global' and (text(node.value[0]), text(node.value[1])) in names

    def visit(self, node):
        if id(node) in self.done:
            return
        self.done.add(id(node))
        if node.kind == 'global':
            self.name(node)
        for child in list(node.children()):
            self.visit(child)
        if node.kind == 'reduce':
            self.call(node)

    def become(self, node, kind, value):
        node.kind, node.value = kind, value

    def call(self, node):
        function, arguments = node.value
        if arguments.kind != '(' or function.kind != 'global':
            return
        args, kinds = arguments.value, [a.kind for a in arguments.value]
        name = (text(function.value[0]), text(function.value[1]))
        if name == ('builtins', 'set') and kinds == ['[']:
            self.become(node, '<set', args[0].value)
        elif name == ('builtins', 'frozenset') and kinds == ['[']:
            self.become(node, '<frozenset', args[0].value)
        elif name == ('builtins', 'bytearray') and kinds == ['b']:
            self.become(node, 'ba', args[0].value)
        elif name == ('builtins', 'bytearray') and not kinds:
            self.become(node, 'ba', b'')
        elif name == ('builtins', 'bytearray') and kinds == ['str', 'str'] and text(args[1].value) == 'latin-1':
            self.become(node, 'ba', bytes(bytearray(args[0].value)))
        elif name == ('_codecs', 'encode') and kinds == ['str', 'str'] and text(args[1].value) == 'latin1':
            self.become(node, 'b', bytes(bytearray(args[0].value)))
        elif name == ('builtins', 'bytes') and not kinds:
            self.become(node, 'b', b'')
        elif name == ('builtins', 'complex') and kinds == ['atom', 'atom'] and all(a.value[:2] == 'f:' for a in args):
            self.become(node, 'atom', 'c:%s,%s' % (args[0].value[2:], args[1].value[2:]))
        elif name == ('copyreg', '_reconstructor') and len(args) == 3 and args[2].kind == 'atom' and args[2].value == 'None':
            if self.is_global(args[1], ('builtins', 'object')):
                self.become(node, 'newobj', [args[0], Node('(', [])])


def raw(stream):
    return ''.join(Printer(Machine(stream).run()).out)


def norm(stream, compat):
    machine = Machine(stream)
    root = machine.run()
    Norm(machine, compat).visit(root)
    return ''.join(Printer(root).out)
