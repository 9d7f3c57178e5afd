#!/usr/bin/env python3
"""Writes what Python's SQLite answers to the statements of a file in tests/data/sql, one a line.

    python3 tests/sql/scripts.py scripts.sql > tests/data/sql/scripts.txt
    python3 tests/sql/scripts.py order.sql > tests/data/sql/order.txt

A statement stands behind `> `, its answer below it as in the line protocol of the host tool: cols, rows, and ok, or `error`. The first
line names SQLite's version.
"""

import os
import re
import sqlite3
import sys
import tempfile

from engines import SQLite, encode, escape

HERE = os.path.dirname(os.path.abspath(__file__))


def field(value):
    text = encode(value)
    # The tool writes 1e19 where Python writes 1e+19.
    return re.sub(r"e([+-])0*", lambda sign: "e" + sign[1].replace("+", ""), text) if isinstance(value, float) else text


def main():
    print("SQLite %s" % sqlite3.sqlite_version)
    with tempfile.TemporaryDirectory() as folder:
        engine = SQLite(os.path.join(folder, "db"))
        with open(os.path.join(HERE, "..", "data", "sql", sys.argv[1]), encoding="utf-8") as file:
            for statement in file.read().splitlines():
                if not statement or statement.startswith("--"):
                    continue
                print("> " + statement)
                answer = engine.run(statement)
                if answer[0] == "error":
                    print("error")
                    continue
                # What ALTER TABLE asks itself, Python takes for a SELECT.
                if answer[0] == "rows" and not statement.startswith("ALTER"):
                    print("\t".join(["cols"] + [escape(name) for name in answer[1]]))
                    for row in answer[2]:
                        print("\t".join(["row"] + [field(value) for value in row]))
                print("ok")
        engine.close()


if __name__ == "__main__":
    main()
