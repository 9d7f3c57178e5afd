#!/usr/bin/env python3
"""Runs random scripts through larder and through SQLite, and says where they differ.

    cargo build --release --features cli
    python3 tests/sql/differential.py target/release/larder --scripts 10000
    python3 tests/sql/differential.py target/release/larder --seed 4711 --scripts 1 --show
    python3 tests/sql/differential.py target/release/larder --wide --scripts 10000
    python3 tests/sql/differential.py target/release/larder --order --scripts 10000
    python3 tests/sql/differential.py target/release/larder --definitions --scripts 10000

A difference is reported with the shortest script that still shows it. Exit status 0: no difference, and no
more answers `unsupported` than --unsupported says, in a hundred.
"""

import argparse
import os
import random
import sys
import tempfile

import definitions
import generator
import order
import wide
from engines import Larder, SQLite


def canonical(value):
    """So that 1 and 1.0 and True differ, and zeros have their sign."""
    if isinstance(value, float):
        return "real", repr(value)
    return type(value).__name__, value


def merged(value):
    """The same for values that are equal, of which DISTINCT and its like keep the first that they meet."""
    if isinstance(value, float) and value.is_integer():
        return "int", int(value)
    return canonical(value)


def folded(value):
    return value.lower() if isinstance(value, str) else merged(value)


def sort_key(row, form=canonical):
    return [repr(form(value)) for value in row]


def compare(step, ours, theirs):
    """None, or what differs."""
    kind, sql, _ = step
    # SQLite folds `x AND 0` to the number 0 before it looks whether a term of GROUP BY is a number.
    if theirs[0] == "error" and "GROUP BY term out of range" in theirs[2]:
        return None
    # What stands before an empty IN, SQLite does not look at.
    if ours[0] == "error" and "IN ()" in sql and ours[1] == "schema":
        return None
    if theirs[0] == "error" or ours[0] == "error":
        if theirs[0] == ours[0]:
            return None
        return "larder: %s, SQLite: %s" % (ours, theirs)
    if ours[0] != theirs[0]:
        return "larder: %s, SQLite: %s" % (ours, theirs)
    if ours[0] == "ok":
        if sql.split()[0].upper() in ("INSERT", "UPDATE", "DELETE", "REPLACE") and ours != theirs:
            return "changes and lastrowid: larder %s, SQLite %s" % (ours[1:], theirs[1:])
        return None
    if ours[1] != theirs[1]:
        return "names: larder %s, SQLite %s" % (ours[1], theirs[1])
    left, right = ours[2], theirs[2]
    if kind == "exact":
        same = [[canonical(v) for v in row] for row in left] == [[canonical(v) for v in row] for row in right]
        return None if same else "rows, in order:\n  larder %s\n  SQLite %s" % (left, right)
    merges = any(word in sql for word in ("DISTINCT", "GROUP BY", "UNION", "EXCEPT", "INTERSECT", "min(", "max("))
    form = merged if merges or kind == "ordered" else canonical
    # What comes in order may have equal keys (1 and 1.0, texts under NOCASE), whose order is open.
    if kind == "ordered" and [[folded(v) for v in row] for row in left] != [[folded(v) for v in row] for row in right]:
        return "order:\n  larder %s\n  SQLite %s" % (left, right)
    left, right = (sorted(rows, key=lambda row: sort_key(row, form)) for rows in (left, right))
    if [[form(v) for v in row] for row in left] != [[form(v) for v in row] for row in right]:
        return "rows:\n  larder %s\n  SQLite %s" % (left, right)
    return None


class Campaign:
    def __init__(self, tool):
        self.tool = tool
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.larder = Larder(tool)
        self.sqlite = SQLite(os.path.join(self.folder.name, "db"))
        self.statements = 0
        self.errors = 0
        self.unsupported, self.limits = {}, {}

    def run(self, steps, count=True):
        """The place of the first difference and what it is; None without one."""
        self.larder.reset()
        self.sqlite.reset()
        for at, step in enumerate(steps):
            kind, sql, parameters = step
            if kind == "reopen":
                self.larder.reopen()
                self.sqlite.reopen()
                continue
            try:
                ours = self.larder.run(sql, parameters)
            except RuntimeError as error:
                self.larder = Larder(self.tool)
                return at, str(error)
            if ours[0] == "error" and ours[1] == "full" and sql.startswith(("INSERT", "REPLACE")):
                # Behind the largest rowid SQLite takes a random one.
                return None
            if ours[0] == "error" and ours[1] in ("unsupported", "limit"):
                # Views of views of joins may need more cursors, columns or memory than a statement has.
                if count:
                    (self.unsupported if ours[1] == "unsupported" else self.limits)[sql] = ours[2]
                # What larder did not do, the other must not do either.
                continue
            theirs = self.sqlite.run(sql, parameters)
            if count:
                self.statements += 1
                self.errors += theirs[0] == "error"
            difference = compare(step, ours, theirs)
            if difference:
                return at, difference
        return None

    def shrink(self, steps):
        """The shortest part of the script that still differs."""
        found = self.run(steps, count=False)
        if found is None:
            return steps, "gone when run again"
        steps = steps[:found[0] + 1]
        at = len(steps) - 2
        while at >= 0:
            fewer = steps[:at] + steps[at + 1:]
            again = self.run(fewer, count=False)
            if again is not None:
                steps, found = fewer[:again[0] + 1], again
                at = min(at, len(steps) - 1)
            at -= 1
        return steps, found[1]

    def close(self):
        self.larder.close()
        self.sqlite.close()
        self.folder.cleanup()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tool")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scripts", type=int, default=100)
    parser.add_argument("--most", type=int, default=5, help="stop after so many differences")
    parser.add_argument("--unsupported", type=float, default=1, help="how many answers of a hundred may be so")
    parser.add_argument("--wide", action="store_true", help="scripts of wide.py, not of generator.py")
    parser.add_argument("--order", action="store_true", help="scripts of order.py: rows in the order in which they are read")
    parser.add_argument("--definitions", action="store_true", help="scripts of definitions.py: tables, indexes and views come and go")
    parser.add_argument("--show", action="store_true", help="print the scripts")
    arguments = parser.parse_args()
    campaign = Campaign(arguments.tool)
    differences = 0
    chosen = [(arguments.wide, wide), (arguments.order, order), (arguments.definitions, definitions), (True, generator)]
    scripts = next(module for wanted, module in chosen if wanted)
    for seed in range(arguments.seed, arguments.seed + arguments.scripts):
        steps = scripts.Generator(random.Random(seed)).script()
        if arguments.show:
            for step in steps:
                print(step)
        if campaign.run(steps) is None:
            continue
        differences += 1
        shortest, what = campaign.shrink(steps)
        print("---- seed %d" % seed)
        for kind, sql, parameters in shortest:
            print("%s;%s" % (sql or ".reopen", "  -- %r" % (parameters,) if parameters else ""))
        print(what, flush=True)
        if differences >= arguments.most:
            break
    total = campaign.statements + len(campaign.unsupported) + len(campaign.limits)
    print("%d scripts, %d statements (%d of them errors in both), %d unsupported, %d beyond a limit, %d differences" % (
        arguments.scripts, total, campaign.errors, len(campaign.unsupported), len(campaign.limits), differences))
    for sql, message in list(campaign.unsupported.items())[:5]:
        print("unsupported: %s -- %s" % (sql, message))
    few = len(campaign.unsupported) * 100 <= total * arguments.unsupported
    campaign.close()
    sys.exit(0 if differences == 0 and few else 1)


if __name__ == "__main__":
    main()
