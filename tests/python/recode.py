"""What the host tool writes, loaded by the real Python.

    recode.py TOOL COUNT SEED FOLDER

COUNT random values are pickled and marshalled here, written again by TOOL in every protocol and version, and loaded:
they must be equal. `show` must be repr, `dis` must be pickletools.dis, `optimize` must be pickletools.optimize, `recode
--cpython` must be pickle.dumps where no object is shared, and every name of _compat_pickle must be found.
"""

import _compat_pickle
import collections
import io
import marshal
import os
import pickle
import pickletools
import random
import subprocess
import sys

import streams


def same(a, b):
    """Equal, and of equal types all the way down."""
    return repr(a) == repr(b) and type(a) is type(b)


def plain(value):
    """Without what differs from run to run: sets of more than one item have no order."""
    if isinstance(value, (set, frozenset)):
        return type(value)(sorted(value, key=repr)[:1])
    if isinstance(value, (list, tuple)):
        return type(value)(plain(x) for x in value)
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


Point = collections.namedtuple("Point", "x y")


class Rows(list):
    pass


class Table(dict):
    pass


class Outer:
    class Inner:
        pass


def instances():
    """Values of classes of this program. No empty subclass of list or dict: nothing in a pickle tells it from another object,
    and protocols 0 and 1 have other calls for it."""
    rows, inner = Rows([1, "two"]), Outer.Inner()
    rows.unit, inner.rows = "mm", rows
    return [Point(1, (2.5, None)), [Point(0, rows), rows], Table(a=rows, b=Table(c=1)), inner, Outer.Inner, complex(1, -0.0)]


def seen(value):
    """All that is to be the same in a value: its type, its items and its attributes."""
    if isinstance(value, dict):
        inside = [(k, seen(x)) for k, x in value.items()]
    elif isinstance(value, (list, tuple)):
        inside = [seen(x) for x in value]
    else:
        inside = [] if hasattr(value, "__dict__") else repr(value)
    return type(value), inside, [(k, seen(x)) for k, x in getattr(value, "__dict__", {}).items()]


def main():
    tool, count, seed, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    rng = random.Random(seed)
    path, between = os.path.join(folder, "value"), os.path.join(folder, "between")

    def larder(*words):
        return subprocess.run([tool, *words], check=True, stdout=subprocess.PIPE).stdout

    for _ in range(count):
        value = plain(streams.values(rng))
        data = pickle.dumps(value, rng.randrange(6))
        with open(path, "wb") as f:
            f.write(data)
        for protocol in range(6):
            written = larder("pickle", "recode", "--protocol", str(protocol), path)
            assert same(pickle.loads(written), value), (value, protocol, written)
        assert larder("pickle", "optimize", path) == pickletools.optimize(data), data
        listing = io.StringIO()
        pickletools.dis(data, listing)
        assert larder("pickle", "dis", path).decode() == listing.getvalue(), data
        # What marshal carries, it carries to and fro; a bytearray becomes bytes.
        value = streams.values(rng)
        try:
            data = marshal.dumps(value, rng.randrange(5))
            value = plain(marshal.loads(data))
            data = marshal.dumps(value, rng.randrange(5))
        except ValueError:
            continue
        with open(path, "wb") as f:
            f.write(data)
        shown = larder("marshal", "show", path).decode()
        assert shown == repr(value) + "\n", (shown, value)
        for version in range(5):
            written = larder("marshal", "recode", "--version", str(version), path)
            assert same(marshal.loads(written), value), (value, version, written)
        with open(between, "wb") as f:
            f.write(larder("marshal", "recode", "--pickle", "4", path))
        assert same(pickle.load(open(between, "rb")), value), value
        # A complex is a call there, which marshal does not carry.
        if "j" not in repr(value):
            assert same(marshal.loads(larder("pickle", "recode", "--marshal", "4", between)), value), value

    # What older protocols have no opcodes for are calls there.
    for value in instances():
        for protocol in range(2, 6):
            with open(path, "wb") as f:
                pickle.dump(value, f, protocol)
            for other in range(6):
                written = larder("pickle", "recode", "--protocol", str(other), path)
                again = pickle.loads(written)
                assert again is value or seen(again) == seen(value), (value, protocol, other, written)

    # Every name that changes, both ways.
    new = [b"c%s\n%s\n" % (m.encode(), n.encode()) for m, n in _compat_pickle.NAME_MAPPING]
    # Gone in 3.13.
    _compat_pickle.IMPORT_MAPPING.pop("Tix", None)
    _compat_pickle.REVERSE_IMPORT_MAPPING.pop("tkinter.tix", None)
    new += [b"c%s\nAny\n" % m.encode() for m in _compat_pickle.IMPORT_MAPPING]
    old = [b"c%s\n%s\n" % (m.encode(), n.encode()) for m, n in _compat_pickle.REVERSE_NAME_MAPPING]
    old += [b"c%s\nAny\n" % m.encode() for m in _compat_pickle.REVERSE_IMPORT_MAPPING]
    for names, head, protocol, words, modules in [
        (new, b"\x80\x02(", "3", _compat_pickle.NAME_MAPPING, _compat_pickle.IMPORT_MAPPING),
        (old, b"\x80\x03(", "2", _compat_pickle.REVERSE_NAME_MAPPING, _compat_pickle.REVERSE_IMPORT_MAPPING),
    ]:
        with open(path, "wb") as f:
            f.write(head + b"".join(names) + b"l.")
        written = larder("pickle", "recode", "--protocol", protocol, path)
        with open(between, "wb") as f:
            f.write(written)
        found = larder("pickle", "scan", between).decode().splitlines()
        wanted = ['<global "%s" "%s">' % name for name in words.values()]
        wanted += ['<global "%s" "Any">' % module for module in modules.values()]
        wrong = [pair for pair in zip(found, wanted) if pair[0] != pair[1]]
        assert not wrong and len(found) == len(wanted), wrong


if __name__ == "__main__":
    main()
