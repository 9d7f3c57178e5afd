"""Seeds for the fuzz targets: the streams of tests/data, and random ones of tests/python/streams.py."""

import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(TESTS, "python"))
import streams  # noqa: E402


def main():
    folders = {codec: os.path.join(HERE, "corpus", codec) for codec in ("marshal", "pickle")}
    for folder in folders.values():
        os.makedirs(folder, exist_ok=True)
    data, seeds = os.path.join(TESTS, "data", "marshal"), {"marshal": [], "pickle": []}
    for name in os.listdir(data):
        if name.endswith(".txt"):
            with open(os.path.join(data, name)) as f:
                for line in f:
                    fields = line.split("\t")
                    seeds["marshal"].append(bytes.fromhex(fields[3])[int(fields[2]):])
    rng = random.Random(1)
    seeds["marshal"] += [streams.make_marshal(rng)[0] for _ in range(500)]
    seeds["pickle"] += [streams.make_pickle(rng)[0] for _ in range(2000)]
    for codec, folder in folders.items():
        for i, seed in enumerate(s for s in seeds[codec] if len(s) <= 4096):
            # The first byte says which Python, or which protocol to write.
            with open(os.path.join(folder, "seed-%d" % i), "wb") as f:
                f.write(bytes([rng.randrange(256)]) + seed)


if __name__ == "__main__":
    main()
