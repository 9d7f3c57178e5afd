#!/usr/bin/env python3
"""Writes tests/data/sql/expressions.txt: what Python's SQLite makes of random expressions over values of every class.

    python3 tests/sql/vectors.py > tests/data/sql/expressions.txt

A line is an expression, a tab, and the value of SELECT expression, both as the line protocol of the host tool has them;
or `error` where SQLite refuses. The first line names SQLite's version. With --check TOOL the same, more of it (--seed,
--count), is asked of larder at once.
"""

import argparse
import os
import random
import sqlite3
import struct
import sys
import tempfile

from engines import Larder, SQLite, encode, escape

BINARY = ["+", "-", "*", "/", "%", "&", "|", "<<", ">>", "||", "AND", "OR", "<", "<=", "=", "<>", "IS", "IS NOT", "LIKE", "GLOB"]
CASTS = ["BLOB", "TEXT", "INTEGER", "REAL", "NUMERIC"]
FUNCTIONS = {
    "abs": (1, 1), "char": (0, 4), "coalesce": (2, 4), "glob": (2, 2), "hex": (1, 1), "ifnull": (2, 2), "iif": (3, 3), "instr": (2, 2),
    "length": (1, 1), "like": (2, 3), "lower": (1, 1), "ltrim": (1, 2), "max": (2, 4), "min": (2, 4), "nullif": (2, 2), "printf": (1, 5),
    "format": (1, 3), "quote": (1, 1), "replace": (3, 3), "round": (1, 2), "rtrim": (1, 2), "sign": (1, 1), "substr": (2, 3), "substring": (2, 3),
    "trim": (1, 2), "typeof": (1, 1), "unicode": (1, 1), "upper": (1, 1), "zeroblob": (1, 1), "date": (1, 3), "time": (1, 3),
    "datetime": (1, 4), "julianday": (1, 4), "unixepoch": (1, 4), "strftime": (2, 5)}
TEXTS = ["", "abc", "  12  ", "12abc", "1e5", "1e", "1.", "+5", ".5", "-.5e3x", " ", "9223372036854775807", "9223372036854775808",
         "-9223372036854775808", "-9223372036854775809", "0x10", "1e400", "nan", "inf", "é", "日本語x", "\u00a012", "\t7\n", "1_0", "123.0",
         "1.0e+02", "--1"]


class Source:
    def __init__(self, r):
        self.r = r

    def integer(self):
        r = self.r
        pick = r.randrange(5)
        if pick == 0:
            return r.choice([0, 1, -1, 2 ** 63 - 1, -2 ** 63, 2 ** 53, 2 ** 53 + 1, 64, 63, -64, 2 ** 31, -2 ** 31, 2 ** 32 + 1])
        if pick == 1:
            return r.randrange(-10, 10)
        bits = r.randrange(1, 64)
        return r.randrange(-2 ** bits, 2 ** bits)

    def real(self):
        r = self.r
        pick = r.randrange(6)
        if pick == 0:
            return r.choice([0.0, 0.5, -0.5, 1.5, 2.5, 1e300, -1e300, 9.2233720368547758e18, 1e15, 1e16, 4503599627370497.5, 2.0 ** 53])
        if pick == 1:
            return round(r.uniform(-100, 100), r.randrange(5))
        if pick == 2:
            return float(self.integer())
        if pick == 3:
            real = struct.unpack("<d", struct.pack("<Q", r.getrandbits(64)))[0]
            return real if abs(real) < 1e308 else 1.25
        return r.uniform(-1, 1) * 10 ** r.randrange(-20, 20)

    def text(self):
        r = self.r
        pick = r.randrange(10)
        if pick == 0:
            return r.choice(TEXTS)
        if pick == 1:
            return repr(self.real())
        if pick == 2:
            return str(self.integer())
        if pick == 3:
            return " " * r.randrange(3) + str(r.randrange(100)) + r.choice(["", " ", "x", "."])
        return "".join(r.choice("aAbB%_*?[]-^é日' 10.") for _ in range(r.randrange(6)))

    def blob(self):
        r = self.r
        if r.random() < 0.3:
            return self.text().encode()
        return bytes(r.choice(b"\x00\x01aA0159.\xff\x80 '") for _ in range(r.randrange(5)))

    def value(self):
        r = self.r
        return r.choice([lambda: None, self.integer, self.integer, self.integer, self.real, self.real, self.text, self.text, self.text,
                         self.blob])()

    def literal(self, value):
        if value is None:
            return "NULL"
        if isinstance(value, bytes):
            return "x'%s'" % value.hex()
        if isinstance(value, str):
            return "'%s'" % value.replace("'", "''")
        return "(%r)" % value if value < 0 else repr(value)

    def format(self):
        r = self.r
        out = ""
        for _ in range(r.randrange(1, 4)):
            letter = r.choice("diuxXofeEgGscqQwzrp%")
            spec = "%" + letter
            if letter != "%" and r.random() < 0.7:
                flags = "".join(r.choice("-+ #!0,") for _ in range(r.randrange(3)))
                spec = "%" + flags + r.choice(["", "", "5", "12", "30"]) + r.choice(["", "", ".%d" % r.randrange(20), "."]) + r.choice(
                    ["", "", "", "l", "ll"]) + letter
            out += r.choice(["", " ", "x", "é"]) + spec
        return out + r.choice(["", "", "%", "%y", "end"])

    def time(self):
        r = self.r
        date = "%04d-%02d-%02d" % (r.choice([r.randrange(1, 9999), r.randrange(1900, 2100)]), r.randrange(1, 13), r.randrange(1, 32))
        clock = "%02d:%02d" % (r.randrange(25), r.randrange(60))
        if r.random() < 0.7:
            clock += ":%02d" % r.randrange(60) + (".%d" % r.randrange(10000) if r.random() < 0.4 else "")
        if r.random() < 0.3:
            clock += r.choice(["Z", "+02:00", "-11:30", " +01:00", "z", " "])
        return r.choice([date + r.choice([" ", "T", "  "]) + clock, date, clock, r.uniform(0, 5373484), r.randrange(-10 ** 10, 10 ** 11),
                         "-" + date, "2023-02-31", "2024-02-30 12:00", "1234-1-1", "2000-01-01 24:30", self.value()])

    def modifier(self):
        r = self.r
        number = r.choice(["+", "-", ""]) + r.choice([str(r.randrange(400)), "%.3f" % r.uniform(0, 100), "1.5", str(r.randrange(100000))])
        unit = r.choice(["second", "seconds", "minute", "hours", "day", "days", "month", "months", "year", "years", "days "])
        return r.choice([number + " " + unit, number + " " + unit, number + " " + unit, "start of " + r.choice(["day", "month", "year", "week"]),
                         "weekday " + r.choice("016") + r.choice(["", ".5"]), r.choice(["unixepoch", "julianday", "auto"]),
                         r.choice("+-") + "%02d:%02d" % (r.randrange(25), r.randrange(60)) + r.choice(["", ":30", ":15.5"])])

    def arguments(self, name, count):
        r = self.r
        if name in ("printf", "format"):
            return [self.format()] + [self.value() for _ in range(count - 1)]
        if name in ("date", "time", "datetime", "julianday", "unixepoch"):
            return [self.time()] + [self.modifier() for _ in range(count - 1)]
        if name == "strftime":
            letters = [r.choice(["%d", "%f", "%H", "%j", "%J", "%m", "%M", "%s", "%S", "%w", "%W", "%Y", "%%", "-", "é"]) for _ in range(r.randrange(5))]
            return ["".join(letters) + r.choice(["", "", "", "%", "%q"]), self.time()] + [self.modifier() for _ in range(count - 2)]
        if name == "round":
            return [self.real()] + [r.randrange(-2, 32)] * (count - 1)
        if name in ("substr", "substring"):
            return [self.value()] + [r.randrange(-8, 8) for _ in range(count - 1)]
        if name == "zeroblob":
            return [r.randrange(-3, 20)]
        if name == "char":
            return [r.choice([self.integer(), r.randrange(0x110000), r.randrange(300)]) for _ in range(count)]
        if name == "like" and count == 3:
            return [self.text(), self.text(), r.choice(["a", "%", "_", "\\", "é", ""])]
        return [self.value() for _ in range(count)]

    def expression(self):
        r = self.r
        literal = lambda: self.literal(self.value())
        pick = r.random()
        if pick < 0.3:
            return "%s %s %s" % (literal(), r.choice(BINARY), literal())
        if pick < 0.35:
            return "%s %s" % (r.choice(["-", "~", "NOT", "+"]), literal())
        if pick < 0.45:
            return "CAST(%s AS %s)" % (literal(), r.choice(CASTS))
        if pick < 0.5:
            return "typeof(%s %s %s)" % (literal(), r.choice(BINARY[:10]), literal())
        if pick < 0.55:
            return r.choice(["%.*e", "%.*f", "%.*g"]) % (r.randrange(18), abs(self.real()) % 1e20)
        name = r.choice(list(FUNCTIONS))
        count = r.randint(*FUNCTIONS[name])
        return "%s(%s)" % (name, ", ".join(self.literal(value) for value in self.arguments(name, count)))


def answer(engine, expression):
    """As a line has it; None for what no line can hold."""
    found = engine.run("SELECT " + expression)
    if found[0] != "rows":
        return "unsupported" if found[1] == "unsupported" else "error"
    value = found[2][0][0]
    if isinstance(value, bytes) and type(value) is not bytes:
        return None
    text = encode(value)
    return text if len(text) < 400 and "\0" not in text else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--check", metavar="TOOL")
    arguments = parser.parse_args()
    source = Source(random.Random(arguments.seed))
    larder = Larder(arguments.check) if arguments.check else None
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        sqlite = SQLite(os.path.join(folder, "db"))
        if not larder:
            print("SQLite " + sqlite3.sqlite_version)
        for _ in range(arguments.count):
            expression = source.expression()
            if "\0" in expression:
                continue
            want = answer(sqlite, expression)
            if want is None:
                continue
            if not larder:
                print(escape(expression) + "\t" + want)
            elif answer(larder, expression) != want:
                wrong += 1
                if wrong <= 10:
                    print("%s: larder %s, SQLite %s" % (expression, larder.run("SELECT " + expression), want))
        sqlite.close()
    if larder:
        larder.close()
        print("%d expressions, %d wrong" % (arguments.count, wrong))
        sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
