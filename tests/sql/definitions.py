"""Random scripts that define, alter and drop tables, indexes and views, in transactions and savepoints, with reopening in between.

Used by differential.py --definitions.
"""

NAMES = ["t", "u", "v", "w", "x"]
COLUMNS = ["a", "b", "c", "d"]
PLAIN = ["", " INT", " TEXT", " REAL", " UNIQUE", " DEFAULT 5", " NOT NULL DEFAULT 0"]
ADDED = ["c", "d INT DEFAULT 3", "d TEXT DEFAULT 'z'", "e NOT NULL DEFAULT 1", "f REAL", "e UNIQUE", "f TEXT DEFAULT 0x11"]
TRANSACTIONS = ["BEGIN", "BEGIN IMMEDIATE", "COMMIT", "END", "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s", "RELEASE s",
                "SAVEPOINT S2", "ROLLBACK TO s2"]


class Generator:
    def __init__(self, random):
        self.r = random

    def script(self):
        r = self.r
        steps = []
        for _ in range(r.randint(20, 45)):
            kind = r.choices(["sql", "query", "reopen"], [26, 3, 1])[0]
            make = {"sql": self.statement, "query": self.query, "reopen": str}[kind]
            steps.append((kind, make(), ()))
        steps += [("query", "SELECT * FROM " + name, ()) for name in NAMES]
        return steps + [("query", "PRAGMA integrity_check", ())]

    def query(self):
        return self.r.choice(["PRAGMA table_info(%s)", "SELECT * FROM %s", "SELECT type, tbl_name, sql, '%s' FROM sqlite_master"]) % (
            self.r.choice(NAMES))

    def statement(self):
        r = self.r
        name, other, column = r.choice(NAMES), r.choice(NAMES), r.choice(COLUMNS)
        unless, present = r.choice(["", "IF NOT EXISTS "]), r.choice(["", "IF EXISTS "])
        columns = [c + r.choice(PLAIN + ([" INTEGER PRIMARY KEY"] if c == "a" else [])) for c in COLUMNS[:r.randint(1, 4)]]
        values = [r.choice(["1", "2", "3", "NULL", "'x'", "2.5"]) for _ in range(r.randint(1, 4))]
        result = r.choice(["*", "a", "a AS b, a + 1 AS c", "count(*) AS n"])
        return r.choices([
            "CREATE TABLE %s%s(%s)" % (unless, name, ", ".join(columns)),
            "DROP TABLE %s%s" % (present, name),
            "CREATE %sINDEX %si%s ON %s(%s)" % (r.choice(["", "UNIQUE "]), unless, other, name, column),
            "DROP INDEX %si%s" % (present, name),
            "CREATE VIEW %s%s AS SELECT %s FROM %s" % (unless, name, result, other),
            "DROP VIEW %s%s" % (present, name),
            "ALTER TABLE %s RENAME TO %s" % (name, other),
            "ALTER TABLE %s ADD COLUMN %s" % (name, r.choice(ADDED)),
            "INSERT %sINTO %s VALUES(%s)" % (r.choice(["", "OR IGNORE ", "OR REPLACE "]), name, ", ".join(values)),
            "INSERT INTO %s(a) SELECT a + 1 FROM %s" % (name, other),
            "UPDATE %s SET %s = 9 WHERE a > 1" % (name, column),
            "DELETE FROM %s WHERE a = 1" % name,
            r.choice(TRANSACTIONS),
        ], [4, 2, 2, 1, 2, 1, 1, 1, 5, 1, 1, 1, 4])[0]
