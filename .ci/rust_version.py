"""Fails if a dependency needs a newer Rust than the package that depends on it promises (`rust-version`).

    .ci/rust_version.py MANIFEST...
"""

import json
import subprocess
import sys


def version(text):
    """1.88 or 1.88.0, to compare."""
    return tuple(int(part) for part in (text.split(".") + ["0", "0"])[:3])


def check(manifest):
    """The dependencies of a manifest's packages that need too new a Rust, as lines; and how many there are at all."""
    metadata = json.loads(subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1", "--manifest-path", manifest],
        stdout=subprocess.PIPE, check=True).stdout)
    members = set(metadata["workspace_members"])
    promised = [p["rust_version"] for p in metadata["packages"] if p["id"] in members and p["rust_version"]]
    if not promised:
        return [], "none", 0
    ours = min(promised, key=version)
    others = [p for p in metadata["packages"] if p["id"] not in members and p["rust_version"]]
    return ["%s: %s %s needs Rust %s, and we promise %s" % (manifest, p["name"], p["version"], p["rust_version"], ours)
            for p in others if version(p["rust_version"]) > version(ours)], ours, len(others)


def main():
    bad = []
    for manifest in sys.argv[1:]:
        found, ours, count = check(manifest)
        print("%s: %d dependencies state a Rust version; all must be within %s" % (manifest, count, ours))
        bad += found
    sys.exit("\n".join(bad) or 0)


if __name__ == "__main__":
    main()
