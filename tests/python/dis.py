"""What `TOOL pickle dis` prints of malformed pickles, beside what this Python's pickletools prints before it raises.

    dis.py TOOL COUNT SEED FOLDER

The texts must be equal to the letter, and where pickletools raises, the tool must fail: on the pickles below, on COUNT
random rows of opcodes and on COUNT pickles with a few bytes changed.
"""

import io
import os
import pickle
import pickletools
import random
import subprocess
import sys

# Marks, the stack, the memo, and arguments that pickletools reads otherwise than the unpickler does.
MALFORMED = [
    b"", b"N", b"\xff.", b"N.", b"NN.", b"(.", b"0.", b")0.", b"(0N.", b"((0t.", b"((al.", b"N(a0t.", b"((ssss.", b"(a(a(l.",
    b"](N(ee.", b"(\x85.", b"(N\x86t.", b"R.", b"(o.", b"o.", b"(2.", b"1.", b"Q.", b"b.", b"\x93.", b"h\0.", b"Nq\0h\0.",
    b"Nq\0q\0.", b"Nq\0Nq\0.", b"(q\0.", b"q\0.", b"\x94.", b"N\x940h\1.", b"Np0\ng0\n.", b"Np00\n0g01\n.", b"Np01\n0g1\n.",
    b"Np-5\n0g-5\n.", b"Np99999999999999999999\n0g099999999999999999999\n.", b"Np99999999999999999998\n0g99999999999999999999\n.",
    b"Np4294967295\n0j\xff\xff\xff\xff.", b"Np1_0\n0g10\n.", b"Ng 0\n.", b"N\x94q\1\x94.", b"Nq\1\x94h\1h\2.",
    b"I0x1F\n.", b"I 1 \n.", b"I1_0\n.", b"I\n.", b"I1\0\n.", b"L\n.", b"LL\n.", b"L1\n.", b"L-0L\n.", b"F1_0.5\n.", b"F 1e5 \n.",
    b"F1e999\n.", b"F1._5\n.", b"F\n.", b"S'\n.", b"S'a\"\n.", b"S'\\x4'\n.", b"S\"a'b\"\n.", b"ca\\n\nb\\x41\n.", b"c\n\n.",
    b"(ia\nb\n.", b"Pa\\tb\n.", b"V\\u12\n.", b"\x80\xffN.", b"\x95" + b"\xff" * 8 + b"N.", b"\x84\xff\xff\xff\xff.", b"\x82\0.",
    b"T\xff\xff\xff\xff.", b"\x8e\0\0\0\0\0\0\0\x80.", b"X\1\0\0\0\xff.", b"\x8a\x14" + b"\x81" * 20 + b".",
    b"\x8b\x78\5\0\0" + b"\0" * 700 + b"\x7e" * 700 + b".", b"\x8b\x78\5\0\0" + b"\0" * 700 + b"\x9e" * 700 + b".",
]
PIECES = [b"N", b"K\1", b"(", b"(", b")", b"]", b"}", b"h\0", b"h\1", b"q\0", b"q\1", b"p0\n", b"g1\n", b"ia\nb\n"]
PIECES += [op.code.encode("latin-1") for op in pickletools.opcodes if op.arg is None and op.name != "STOP"]


def changed(rng, pickles):
    data = bytearray(rng.choice(pickles))
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data))
        data[at : at + rng.randrange(2)] = rng.choice([b"", bytes([rng.randrange(256)]), rng.choice(PIECES)])
        data = data or bytearray(b".")
    return bytes(data)


def main():
    tool, count, seed, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), os.path.join(sys.argv[4], "pickle")
    rng = random.Random(seed)
    names = ["id", "name"]
    values = [1, -1.5, 2**70, "text", b"bytes", (1, (2, 3)), [names, names], {"a": {"b": None}}, {5}, len, [True, []]]
    pickles = [pickle.dumps(value, protocol) for value in values for protocol in range(6)]
    cases = list(MALFORMED)
    for _ in range(count):
        cases.append(b"".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 14))) + b".")
        cases.append(changed(rng, pickles))
    for case in cases:
        with open(path, "wb") as f:
            f.write(case)
        listing, error = io.StringIO(), None
        try:
            pickletools.dis(case, listing)
        except Exception as e:
            error = e
        # Names and strings beyond ASCII were an error in Python before 3.13.2.
        if isinstance(error, UnicodeDecodeError) and error.encoding == "ascii":
            continue
        run = subprocess.run([tool, "pickle", "dis", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        printed = run.stdout.decode("utf-8")
        assert printed == listing.getvalue(), (case, printed, listing.getvalue())
        assert run.returncode == (0 if error is None else 1), (case, run, error)


if __name__ == "__main__":
    main()
