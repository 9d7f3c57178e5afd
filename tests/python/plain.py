"""Random trees of plain data, as this Python pickles them: `python3 plain.py SEED COUNT`, records on standard output.

A record: protocol (1 byte), then four strings, each a length of 4 bytes, little end first, and its bytes: the pickle, what
pickletools.optimize makes of it, what pickletools.dis prints, repr. A repr is empty where Python's depends on a hash."""
import io
import pickle
import pickletools
import random
import struct
import sys


def text(r):
    alphabet = r.choice(['abc', 'ab\'"\\', 'é€\U0001f600\n\t\r\0\x1a\x7f', '\ud800\udfff\xad\u200b\u0301x'])
    return ''.join(r.choice(alphabet) for _ in range(r.choice([0, 1, 3, 9, 300 if r.random() < 0.1 else 5])))


def atom(r):
    return r.choice([
        lambda: None, lambda: True, lambda: False,
        lambda: r.randrange(-300, 300), lambda: r.randrange(-70000, 70000), lambda: r.randrange(-2**33, 2**33),
        lambda: r.choice([1, -1]) * r.randrange(2**62, 2**66), lambda: r.choice([1, -1]) * r.getrandbits(r.choice([100, 900, 2000])),
        lambda: r.choice([0.0, -0.0, 1.5, 1e16, 1e-5, 1e22, 5e-324, float('inf'), float('-inf'), float('nan')]),
        lambda: r.uniform(-1e9, 1e9), lambda: struct.unpack('>d', r.randbytes(8))[0], lambda: 2.0 ** r.randrange(-1070, 1020),
        lambda: text(r), lambda: bytes(text(r), 'utf-8', 'surrogatepass'), lambda: bytearray(r.randbytes(r.choice([0, 1, 5, 260])))])()


def key(r):
    while True:
        value = atom(r)
        if not isinstance(value, bytearray) and value == value:
            return value


def tree(r, depth, shared):
    if shared and r.random() < 0.1:
        return r.choice(shared)
    if depth == 0 or r.random() < 0.3:
        return atom(r)
    n = r.choice([0, 1, 2, 3, 4, 7])
    if r.random() < 0.02:
        n = r.choice([999, 1000, 1001, 2000])
        items = [r.randrange(1000) for _ in range(n)]
        return r.choice([lambda: items, lambda: dict(enumerate(items)), lambda: tuple(items)])()
    value = r.choice([
        lambda: [tree(r, depth - 1, shared) for _ in range(n)],
        lambda: tuple(tree(r, depth - 1, shared) for _ in range(n)),
        lambda: {key(r): tree(r, depth - 1, shared) for _ in range(n)},
        lambda: set([key(r)][:n]), lambda: frozenset([key(r)][:n])])()
    shared.append(value)
    return value


def main(seed, count):
    r = random.Random(seed)
    out = sys.stdout.buffer
    for i in range(count):
        shared = []
        value = tree(r, 5, shared)
        if i % 40 == 39:
            value = [value, 'x' * r.choice([65530, 65534, 65535, 65536, 65537, 70000]), b'y' * r.choice([65535, 65536]), value,
                     [r.random() for _ in range(8000)], 'z' * 300]
        lists = [x for x in shared if isinstance(x, list)]
        if lists and r.random() < 0.2:
            r.choice(lists).append(value)
        for protocol in range(6):
            # A pickle round trip first: then only what the tree shares is shared, nothing that this program's constants are.
            p = pickle.dumps(pickle.loads(pickle.dumps(value, 4)), protocol)
            printed = io.StringIO()
            try:
                pickletools.dis(p, printed)
                printed = printed.getvalue()
            except (ValueError, UnicodeDecodeError):
                printed = ''
            try:
                shown = repr(value)
            except ValueError:
                shown = ''
            out.write(bytes([protocol]))
            for part in (p, pickletools.optimize(p), printed.encode('utf-8', 'surrogatepass'), shown.encode('utf-8', 'surrogatepass')):
                out.write(struct.pack('<I', len(part)) + part)


main(int(sys.argv[1]), int(sys.argv[2]))
