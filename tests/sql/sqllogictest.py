#!/usr/bin/env python3
"""Runs files in the format of sqllogictest (https://sqlite.org/sqllogictest) through larder.

    python3 tests/sql/sqllogictest.py target/release/larder FILE.test ...
    python3 tests/sql/sqllogictest.py --complete FILE.test ...      fills in the answers of Python's SQLite, in place

Knows: statement ok|error, query TYPES nosort|rowsort|valuesort LABEL, expected values in full or as an MD5, hash-threshold, halt,
skipif and onlyif (we are "sqlite"). An answer `unsupported` is counted apart. Exit status 0: no wrong answer, and at
most one query of a hundred unsupported.
"""

import argparse
import hashlib
import os
import sys
import tempfile

from engines import Larder, SQLite

NAME = "sqlite"


class Record:
    def __init__(self, kind, words, sql, expected, line):
        self.kind, self.words, self.sql, self.expected, self.line = kind, words, sql, expected, line


def records(path):
    """The records of a file that are meant for us."""
    with open(path, encoding="utf-8") as file:
        blocks, block = [], []
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n").rstrip("\r")
            if line.startswith("#"):
                continue
            if line.strip():
                block.append((number, line))
            elif block:
                blocks.append(block)
                block = []
        if block:
            blocks.append(block)
    for block in blocks:
        skip = False
        while block and block[0][1].split()[0] in ("skipif", "onlyif"):
            word, name = block[0][1].split("#")[0].split()[:2]
            skip |= (word == "skipif") == (name.lower() == NAME)
            block = block[1:]
        if skip or not block:
            continue
        number, first = block[0]
        words = first.split()
        lines = [line for _, line in block[1:]]
        if words[0] in ("statement", "query"):
            at = lines.index("----") if "----" in lines else len(lines)
            yield Record(words[0], words[1:], "\n".join(lines[:at]), lines[at + 1:], number)
        elif words[0] == "halt":
            return
        elif words[0] == "hash-threshold":
            yield Record(words[0], words[1:], "", [], number)
        else:
            raise ValueError("%s:%d: %s" % (path, number, first))


def rendered(value, letter):
    if value is None:
        return "NULL"
    try:
        if letter == "I":
            return "%d" % int(float(value) if isinstance(value, float) else value)
        if letter == "R":
            return "%.3f" % float(value)
    except (ValueError, OverflowError):
        return "0" if letter == "I" else "0.000"
    if isinstance(value, float):
        value = "%.15g" % value
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if value == "":
        return "(empty)"
    return "".join(c if " " <= c <= "~" else "@" for c in str(value))


def results(rows, types, sort):
    """The values as the file has them."""
    rows = [[rendered(value, letter) for value, letter in zip(row, types)] for row in rows]
    if sort == "rowsort":
        rows.sort()
    values = [value for row in rows for value in row]
    if sort == "valuesort":
        values.sort()
    return values


def digest(values):
    joined = "".join(value + "\n" for value in values)
    return "%d values hashing to %s" % (len(values), hashlib.md5(joined.encode()).hexdigest())


class Tally:
    def __init__(self):
        self.passed = self.wrong = self.unsupported = self.queries = 0

    def __str__(self):
        return "%d passed, %d wrong, %d unsupported, of %d" % (self.passed, self.wrong, self.unsupported, self.queries)


def check(record, answer, labels, threshold):
    """None, or what is wrong."""
    if record.kind == "statement":
        failed = answer[0] == "error"
        return None if failed == (record.words[0] == "error") else "%s, %s expected" % (answer, record.words[0])
    types, sort = record.words[0], record.words[1] if len(record.words) > 1 else "nosort"
    if answer[0] != "rows":
        return "%s" % (answer,)
    if any(len(row) != len(types) for row in answer[2]):
        return "%d columns, not %d" % (len(answer[1]), len(types))
    values = results(answer[2], types, sort)
    shown = [digest(values)] if 0 < threshold < len(values) or record.expected[:1] and "hashing to" in record.expected[0] else values
    if len(record.words) > 2:
        known = labels.setdefault(record.words[2], digest(values))
        if known != digest(values):
            return "another answer than before for %s" % record.words[2]
    expected = record.expected
    if shown != expected and [v for line in expected for v in line.split("\t")] != shown:
        return "%s, %s expected" % (shown[:12], expected[:12])
    return None


def run(engine, path, tally, show):
    engine.reset()
    labels, threshold = {}, 0
    for record in records(path):
        if record.kind == "hash-threshold":
            threshold = int(record.words[0])
            continue
        answer = engine.run(record.sql)
        tally.queries += 1
        if answer[0] == "error" and answer[1] == "unsupported" and record.words[0] != "error":
            tally.unsupported += 1
            if tally.unsupported <= show:
                print("%s:%d: unsupported: %s" % (path, record.line, record.sql))
            continue
        wrong = check(record, answer, labels, threshold)
        if wrong is None:
            tally.passed += 1
        else:
            tally.wrong += 1
            if tally.wrong <= show:
                print("%s:%d: %s\n  %s" % (path, record.line, wrong, record.sql.replace("\n", " ")[:400]))


def complete(engine, path):
    """Writes the answers of an engine into a file whose queries have none."""
    engine.reset()
    out = []
    threshold = 0
    for record in records(path):
        if record.kind == "hash-threshold":
            threshold = int(record.words[0])
            out.append("hash-threshold %d\n\n" % threshold)
            continue
        answer = engine.run(record.sql)
        if record.kind == "statement":
            out.append("statement %s\n%s\n\n" % ("error" if answer[0] == "error" else "ok", record.sql))
            continue
        if answer[0] != "rows":
            raise ValueError("%s:%d: %s" % (path, record.line, answer))
        values = results(answer[2], record.words[0], record.words[1] if len(record.words) > 1 else "nosort")
        if 0 < threshold < len(values):
            values = [digest(values)]
        out.append("query %s\n%s\n----\n%s\n" % (" ".join(record.words), record.sql, "".join(value + "\n" for value in values)))
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(out))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--complete", action="store_true", help="fill in the answers of Python's SQLite")
    parser.add_argument("--show", type=int, default=10, help="how many wrong answers to print")
    parser.add_argument("arguments", nargs="+", help="the tool (without --complete), and the files")
    arguments = parser.parse_args()
    if arguments.complete:
        with tempfile.TemporaryDirectory() as folder:
            engine = SQLite(os.path.join(folder, "db"))
            for path in arguments.arguments:
                complete(engine, path)
            engine.close()
        return
    tally = Tally()
    engine = Larder(arguments.arguments[0])
    for path in arguments.arguments[1:]:
        run(engine, path, tally, arguments.show)
    engine.close()
    print(tally)
    sys.exit(0 if tally.wrong == 0 and tally.unsupported * 100 <= tally.queries else 1)


if __name__ == "__main__":
    main()
