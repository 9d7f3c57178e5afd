"""Makes zoo-X.Y.bin, the pickles of the zoo as each Python writes them: `python3.13 make.py PYTHON...`.

Each PYTHON runs zoo.py; this program adds to each pickle its canonical text, raw and norm (machine.py), and, where larder
must write the very same bytes, what `pickletools.optimize` makes of it. It wants 3.13 for itself, and makes zoo-3.13.bin
first of all, because the other files lean on it.

The file, after its expansion: `larder zoo 1\\n`, then records to the end. A record: name (empty: as the one before),
protocol (1 byte), flags (1 byte: 1 = exact, 2 = norm differs from raw), pickle, raw text, [norm text if 2], [optimized
pickle if 1]. A name, a text and a pickle are a length and its bytes. A length is a varint (7 bits a byte, low ones
first). A text longer than 2,048 bytes stands as `#` and the 16 hexadecimal digits of its FNV-1a hash of 64 bits.

The file as it lies here is that, compressed: tokens of a varint n and what follows it. n even: n/2 bytes follow as they
are. n odd: copy n/2 bytes that were expanded DISTANCE bytes before (they may overlap what is made), DISTANCE a varint.
In every file but zoo-3.13.bin the expansion of zoo-3.13.bin counts as expanded before.
"""
import os
import pickletools
import subprocess
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

import machine

HERE = os.path.dirname(os.path.abspath(__file__))


def varint(n):
    out = bytearray()
    while n > 0x7f:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def compress(base, new, chain=24):
    """`new` as tokens, with `base` in front of it."""
    data, out, places, far = base + new, bytearray(), {}, {}
    for place in range(len(base) - 16):
        far.setdefault(data[place:place + 16], place)
    at = plain = len(base)

    def common(a, b):
        n, step = 0, 64
        while step:
            if b + n + step <= len(data) and data[a + n:a + n + step] == data[b + n:b + n + step]:
                n += step
                step = min(step * 2, 65536)
            else:
                step //= 2
        return n

    def literals(end):
        if end > plain:
            out.extend(varint((end - plain) * 2))
            out.extend(data[plain:end])

    while at < len(data):
        key = data[at:at + 4]
        candidates = places.get(key, [])[::-1]
        if data[at:at + 16] in far:
            candidates.append(far[data[at:at + 16]])
        best, where = 0, 0
        for place in candidates:
            n = common(place, at) - len(varint(at - place))
            if n > best:
                best, where = n, place
        if best >= 3:
            length = best + len(varint(at - where))
            literals(at)
            out.extend(varint(length * 2 + 1) + varint(at - where))
            for inside in range(at, min(at + length, at + 40)):
                places.setdefault(data[inside:inside + 4], []).append(inside)
            at += length
            plain = at
        else:
            seen = places.setdefault(key, [])
            seen.append(at)
            del seen[:-chain]
            at += 1
    literals(len(data))
    return bytes(out)


def expand(base, packed):
    at, out = 0, bytearray(base)

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = packed[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(packed):
        n = number()
        if n & 1:
            distance = number()
            for _ in range(n // 2):
                out.append(out[-distance])
        else:
            out += packed[at:at + n // 2]
            at += n // 2
    return bytes(out[len(base):])


def zoo(python):
    """((name, protocol), plain, pickle) of each pickle, object by object, as this Python writes them."""
    environment = dict(os.environ, PYTHONHASHSEED='0', PYTHONDONTWRITEBYTECODE='1', PYTHONWARNINGS='ignore', PYTHONPATH=HERE)
    command = [python, '-c', 'import zoo; zoo.main()']
    lines = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    made, order = [], {}
    for line in lines.decode('ascii').splitlines():
        name, protocol, plain, stream = line.split(' ')
        order.setdefault(name, len(order))
        made.append(((name, int(protocol)), plain == 'plain', bytes.fromhex(stream)))
    return sorted(made, key=lambda one: (order[one[0][0]], one[0][1]))


def short(text):
    data = text.encode('ascii')
    if len(data) <= 2048:
        return data
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return b'#%016x' % value


def optimized(stream):
    try:
        return pickletools.optimize(stream)
    except UnicodeDecodeError:
        return None  # pickletools reads no Python 2 string of protocol 0 beyond ASCII


def is_exact(version, key, plain, stream, newest):
    """Whether larder must write this very pickle. It writes as 3.8 to 3.13 do; what older ones spell otherwise (3.6 its
    frames and bytearrays, 2.7's pickle.py the last batch of 1,000s) is compared by its meaning alone."""
    batches = key[0].endswith(('.1000', '.1001', '.2000', '.2001'))
    return plain and (version >= (3, 8) or version < (3,) and not batches or newest.get(key) == stream)


def expanded(python, version, newest, compat):
    out, names, exacts, count = bytearray(b'larder zoo 1\n'), set(), 0, 0
    for key, plain, stream in zoo(python):
        raw, norm = machine.raw(stream), machine.norm(stream, compat)
        best = optimized(stream) if is_exact(version, key, plain, stream, newest) else None
        exact = best is not None
        parts = [stream, short(raw)] + ([short(norm)] if norm != raw else []) + ([best] if exact else [])
        name = b'' if key[0] in names else key[0].encode()
        out += varint(len(name)) + name + bytes([key[1], exact | (norm != raw) << 1])
        for part in parts:
            out += varint(len(part)) + part
        names.add(key[0])
        exacts += exact
        count += 1
    print('%d.%d: %d objects, %d pickles, %d of them exact' % (version + (len(names), count, exacts)), end='')
    return bytes(out)


def main():
    assert sys.version_info[:2] == (3, 13), 'run by another Python'
    sys.setrecursionlimit(20000)
    compat = (NAME_MAPPING, IMPORT_MAPPING)
    newest = {key: stream for key, _, stream in zoo(sys.executable)}
    base = b''
    for python in [sys.executable] + sys.argv[1:]:
        shown = subprocess.run([python, '-c', 'import sys; print(sys.version_info[:2])'], stdout=subprocess.PIPE, check=True)
        version = tuple(map(int, shown.stdout.decode().strip('()\n').split(', ')))
        if base and version == (3, 13):
            continue
        new = expanded(python, version, newest, compat)
        packed = compress(base, new)
        assert expand(base, packed) == new
        with open(os.path.join(HERE, 'zoo-%d.%d.bin' % version), 'wb') as file:
            file.write(packed)
        print(', %d bytes (%d)' % (len(packed), len(new)), flush=True)
        base = base or new


if __name__ == '__main__':
    main()
