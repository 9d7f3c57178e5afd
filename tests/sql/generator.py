"""Random SQL scripts: schemas, values of every storage class, statements of every kind that larder knows.

A step is (kind, sql, parameters): kind "rows" compares rows as a set, "ordered" in their order, "do" compares the number
of changes; "reopen" closes and opens the database. Whatever SQLite leaves open (which rows a LIMIT without a
full ORDER BY gives, the order inside group_concat) is not generated.
"""

import contextlib
import math

TYPES = ["INTEGER", "INT", "TEXT", "REAL", "NUMERIC", "BLOB", "", "VARCHAR(10)", "DOUBLE", "BIGINT", "BOOLEAN"]
NAMES = ["a", "b", "c", "d", "e"]
WORDS = ["", "a", "A", "b", "abc", "ABC", "Abc", "12", " 12", "1.5", "-3", "1e2", "12abc", "é", "日本", "x'y", "%", "_", "a%c",
         "0", "0.0", "zz", "aa", "the quick brown fox", "9223372036854775807", "9223372036854775808", "\t", "a\nb"]


class Column:
    def __init__(self, name, kind, rest=""):
        self.name, self.kind, self.rest = name, kind, rest


class Table:
    def __init__(self, name, columns, key):
        self.name, self.columns, self.key = name, columns, key


class Generator:
    def __init__(self, random):
        self.random = random
        self.tables = []
        self.indexes = []
        self.views = []
        self.serial = 0
        self.descending = False

    # ---- values

    def integer(self):
        r = self.random
        return r.choice([r.randint(-3, 8), r.randint(-3, 8), r.randint(-100, 100), r.randint(-2 ** 40, 2 ** 40),
                         r.choice([2 ** 63 - 1, -2 ** 63, 2 ** 62, 2 ** 53, 2 ** 53 + 1, 2 ** 31, -1, 0, 1])])

    def real(self):
        r = self.random
        value = r.choice([r.randint(-20, 20) / 4, r.uniform(-10, 10), float(self.integer()), r.uniform(-1, 1) * 10.0 ** r.randint(-12, 18),
                          r.choice([0.0, 1.0, -1.5, 0.1, 1e15, 1e16, 123456.789, 1e100])])
        return value if math.isfinite(value) else 0.0

    def text(self):
        r = self.random
        if r.random() < 0.03:
            return "long " * r.randint(10, 60)
        return r.choice(WORDS)

    def blob(self):
        r = self.random
        return bytes(r.choice(b"\x00\x01aA09\xff") for _ in range(r.randint(0, 4)))

    def value(self):
        r = self.random
        pick = r.random()
        if pick < 0.12:
            return None
        if pick < 0.5:
            return self.integer()
        if pick < 0.65:
            return self.real()
        if pick < 0.92:
            return self.text()
        return self.blob()

    def literal(self, value):
        r = self.random
        if value is None:
            return "NULL"
        if isinstance(value, int):
            if 0 <= value < 256 and r.random() < 0.05:
                return hex(value)
            return str(value)
        if isinstance(value, float):
            return repr(value) if r.random() < 0.7 else "%.*e" % (r.randint(0, 16), value)
        if isinstance(value, bytes):
            return "%s'%s'" % (r.choice("xX"), value.hex())
        return "'%s'" % value.replace("'", "''")

    # ---- expressions

    def expression(self, columns, depth, aggregates=False):
        r = self.random
        if depth <= 0 or r.random() < 0.2:
            if columns and r.random() < 0.6:
                return r.choice(columns)
            return self.literal(self.value())
        e = lambda: self.expression(columns, depth - 1, aggregates)
        pick = r.randrange(30)
        if pick < 5:
            return "%s %s %s" % (self.tight(e()), r.choice(["+", "-", "*", "/", "%", "+", "-"]), self.tight(e()))
        if pick < 8:
            return "%s %s %s" % (self.tight(e()), r.choice(["=", "<>", "<", "<=", ">", ">=", "==", "!="]), self.tight(e()))
        if pick < 9:
            return "%s %s %s" % (self.tight(e()), r.choice(["&", "|", "<<", ">>"]), self.tight(e()))
        if pick < 11:
            return "%s || %s" % (self.tight(e()), self.tight(e()))
        if pick < 13:
            return "(%s %s %s)" % (e(), r.choice(["AND", "OR"]), e())
        if pick < 14:
            return "%s%s" % (r.choice(["- ", "~ ", "NOT ", "+ "]), self.tight(e()))
        if pick < 15:
            return "%s %s" % (self.tight(e()), r.choice(["IS NULL", "IS NOT NULL", "ISNULL", "NOTNULL"]))
        if pick < 16:
            return "%s %s %s" % (self.tight(e()), r.choice(["IS", "IS NOT"]), self.tight(e()))
        if pick < 17:
            return "%s %sBETWEEN %s AND %s" % (self.tight(e()), r.choice(["", "NOT "]), self.tight(e()), self.tight(e()))
        if pick < 19:
            members = ", ".join(e() for _ in range(r.randint(0, 4)))
            # For SQLite a bare `x IN ()` is the word FALSE, and `y IS FALSE` is another operator than IS.
            return "%s %sIN (%s)%s" % (self.tight(e()), r.choice(["", "NOT "]), members, "" if members else " + 0")
        if pick < 20:
            return "%s %s%s %s" % (self.tight(e()), r.choice(["", "NOT "]), r.choice(["LIKE", "GLOB"]),
                                   r.choice(["'a%'", "'%b%'", "'_'", "'*b*'", "'[a-b]*'", "'[^a]?*'", "'A_c'", "''", "'%'", e()]))
        if pick < 22:
            arms = " ".join("WHEN %s THEN %s" % (e(), e()) for _ in range(r.randint(1, 2)))
            return "CASE %s%s%s END" % (r.choice(["", self.tight(e()) + " "]), arms, r.choice(["", " ELSE " + e()]))
        if pick < 24:
            return "CAST(%s AS %s)" % (e(), r.choice(["INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB"]))
        if pick < 25:
            return "%s COLLATE %s" % (self.tight(e()), r.choice(["NOCASE", "BINARY"]))
        if pick < 26 and self.tables:
            return self.subquery(columns, depth - 1)
        if pick < 27:
            return self.date(e)
        return self.function(e)

    def tight(self, text):
        return text if text.replace("_", "").replace(".", "").isalnum() else "(%s)" % text

    def function(self, e):
        r = self.random
        name, count = r.choice([("abs", 1), ("coalesce", 3), ("ifnull", 2), ("nullif", 2), ("iif", 3), ("length", 1), ("lower", 1),
                                ("upper", 1), ("substr", 2), ("substr", 3), ("trim", 1), ("ltrim", 2), ("rtrim", 2), ("replace", 3),
                                ("instr", 2), ("hex", 1), ("quote", 1), ("typeof", 1), ("round", 1), ("round", 2), ("min", 2),
                                ("max", 3), ("sign", 1), ("unicode", 1), ("char", 1), ("printf", 2)])
        arguments = [e() for _ in range(count)]
        if name == "printf":
            arguments[0] = r.choice(["'%d'", "'%s|'", "'%5.2f'", "'%x'", "'%g'", "'%08d'", "'%-6s.'", "'%!.3e'"])
        if name == "substr":
            arguments[1:] = [str(r.randint(-4, 5)) for _ in arguments[1:]]
        if name == "round" and count == 2:
            arguments[1] = str(r.randint(-1, 12))
        return "%s(%s)" % (name, ", ".join(arguments))

    def date(self, e):
        r = self.random
        moment = r.choice(["'2024-02-29'", "'1999-12-31 23:59:59.5'", "2460000.5", "'12:30'", "'2000-01-01T00:00Z'", "'2023-06-15 10:00+02:00'",
                           "'x'", str(r.randint(0, 2 ** 31)), e()])
        modifiers = [r.choice(["'+1 day'", "'-3 months'", "'start of month'", "'start of year'", "'+90 minutes'", "'weekday 0'", "'unixepoch'",
                               "'-1.5 hours'", "'+1 year'", "'julianday'", "'auto'"]) for _ in range(r.choice([0, 1, 1, 2]))]
        name = r.choice(["date", "time", "datetime", "julianday", "unixepoch", "strftime"])
        first = ["'%Y-%m-%d %H:%M:%f|%j|%w|%s|%J'"] if name == "strftime" else []
        return "%s(%s)" % (name, ", ".join(first + [moment] + modifiers))

    def subquery(self, outer, depth):
        r = self.random
        table = r.choice(self.tables)
        alias = "s%d" % self.next()
        columns = ["%s.%s" % (alias, column.name) for column in table.columns]
        inner = columns + outer
        where = " WHERE " + self.expression(inner, depth) if r.random() < 0.8 else ""
        pick = r.randrange(4)
        if pick == 0:
            # Integers only, as in aggregate().
            aggregate = r.choice(["count(*)", "max(%s)", "min(%s)", "sum(CAST(%s AS INTEGER) %% 100000)", "total(CAST(%s AS INTEGER) %% 100000)",
                                  "count(%s)"])
            if "%s" in aggregate:
                aggregate = aggregate % r.choice(columns)
            return "(SELECT %s FROM %s AS %s%s)" % (aggregate, table.name, alias, where)
        if pick == 1:
            return "%sEXISTS (SELECT 1 FROM %s AS %s%s)" % (r.choice(["", "NOT "]), table.name, alias, where)
        if pick == 2:
            left = self.tight(self.expression(outer, depth))
            # SQLite does not see a NULL in a DESC index that serves IN; an expression in its place is not served.
            column = r.choice(["+", ""] if not self.descending else ["+"]) + r.choice(columns)
            return "%s %sIN (SELECT %s FROM %s AS %s%s)" % (left, r.choice(["", "NOT "]), column, table.name, alias, where)
        if r.random() < 0.2:
            return "(SELECT %s FROM %s AS %s%s %s SELECT %s ORDER BY 1 DESC LIMIT 1)" % (
                r.choice(columns), table.name, alias, where, r.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]), self.expression(outer, 0))
        return "(SELECT %s FROM %s AS %s%s ORDER BY %s LIMIT 1)" % (
            columns[0], table.name, alias, where, ", ".join(columns))

    # ---- schema

    def next(self):
        self.serial += 1
        return self.serial

    def create_table(self):
        r = self.random
        name = "t%d" % self.next()
        columns, key = [], None
        for place, column in enumerate(NAMES[:r.randint(1, 5)]):
            kind, rest = r.choice(TYPES), ""
            if key is None and r.random() < (0.4 if place == 0 else 0.1):
                kind, rest, key = r.choice([("INTEGER", " PRIMARY KEY", "rowid"), ("INTEGER", " PRIMARY KEY", "rowid"),
                                            ("TEXT", " PRIMARY KEY", column), ("INT", " PRIMARY KEY", column)])
            else:
                if r.random() < 0.12:
                    rest += " NOT NULL"
                if r.random() < 0.12:
                    rest += " UNIQUE"
                if r.random() < 0.15:
                    value = self.value()
                    if isinstance(value, str) and len(value) > 30:
                        value = "long"
                    rest += " DEFAULT " + ("(%s)" % self.literal(value) if isinstance(value, (int, float)) and value < 0 or r.random() < 0.2
                                           else self.literal(value))
                if r.random() < 0.08:
                    rest += " COLLATE NOCASE"
                if r.random() < 0.06:
                    rest += " CHECK (%s)" % self.expression([column], 2)
                    if "SELECT" in rest:
                        rest = ""
            columns.append(Column(column, kind, rest))
        constraint = ""
        if len(columns) > 1 and r.random() < 0.12:
            pair = r.sample([column.name for column in columns], 2)
            constraint = ", %s (%s)" % ("UNIQUE" if key else r.choice(["UNIQUE", "PRIMARY KEY"]), ", ".join(pair))
        body = ", ".join(("%s %s%s" % (column.name, column.kind, column.rest)).strip() for column in columns)
        self.tables.append(Table(name, columns, key))
        return "do", "CREATE TABLE %s%s (%s%s)" % (r.choice(["", "IF NOT EXISTS "]), name, body, constraint), ()

    def create_index(self):
        r = self.random
        table = r.choice(self.tables)
        count = min(len(table.columns), r.choice([1, 1, 1, 2, 3]))
        parts = [column.name + r.choice(["", "", " COLLATE NOCASE"]) + r.choice(["", "", " DESC", " ASC"])
                 for column in r.sample(table.columns, count)]
        self.descending |= any(part.endswith("DESC") for part in parts)
        name = "i%d" % self.next()
        self.indexes.append(name)
        return "do", "CREATE %sINDEX %s ON %s (%s)" % ("UNIQUE " if r.random() < 0.2 else "", name, table.name, ", ".join(parts)), ()

    # ---- statements

    def bound(self, values):
        """The values as literals, or as parameters."""
        r = self.random
        pick = r.random()
        if pick < 0.6:
            return [self.literal(value) for value in values], ()
        if pick < 0.85:
            return ["?"] * len(values), tuple(values)
        if pick < 0.93:
            return ["?%d" % (at + 1) for at in range(len(values))], tuple(values)
        return [":p%d" % at for at in range(len(values))], {"p%d" % at: value for at, value in enumerate(values)}

    def insert(self):
        r = self.random
        table = r.choice(self.tables)
        verb = r.choice(["INSERT INTO", "INSERT INTO", "INSERT INTO", "INSERT OR REPLACE INTO", "INSERT OR IGNORE INTO", "REPLACE INTO"])
        if r.random() < 0.05:
            return "do", "%s %s DEFAULT VALUES" % (verb, table.name), ()
        columns = table.columns
        names = ""
        if r.random() < 0.4:
            columns = r.sample(columns, r.randint(1, len(columns)))
            names = " (%s)" % ", ".join(column.name for column in columns)
        if r.random() < 0.12:
            source = r.choice(self.tables)
            available = [column.name for column in source.columns]
            with self.without(table):
                # A key that is no integer: see value_for.
                chosen = [self.expression(available, 1) if "PRIMARY KEY" not in column.rest or column.kind != "INTEGER"
                          else "CAST(%s AS INTEGER) %% 1000" % self.tight(self.expression(available, 1)) for column in columns]
                where = self.expression(available, 2)
            order = ", ".join(available)
            return "do", "%s %s%s SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT 5" % (
                verb, table.name, names, ", ".join(chosen), source.name, where, order), ()
        rows = r.choice([1, 1, 1, 2, 4])
        values = [self.value_for(column, rows) for _ in range(rows) for column in columns]
        marks, parameters = self.bound(values)
        groups = [", ".join(marks[at:at + len(columns)]) for at in range(0, len(marks), len(columns))]
        return "do", "%s %s%s VALUES %s" % (verb, table.name, names, ", ".join("(%s)" % group for group in groups)), parameters

    def value_for(self, column, rows):
        r = self.random
        if "PRIMARY KEY" in column.rest and column.kind == "INTEGER":
            # SQLite forgets to take back the rows before one whose key is no integer, with OR IGNORE and many rows.
            return r.choice([None, r.randint(1, 20), r.randint(1, 100), min(self.integer(), 2 ** 62)]) if rows > 1 or r.random() < 0.95 else self.value()
        return self.value()

    def update(self):
        r = self.random
        table = r.choice(self.tables)
        names = [column.name for column in table.columns]
        # One changed column without a conflict clause: the order of the rows does not matter then.
        chosen = r.sample(table.columns, r.randint(1, min(2, len(names))))
        with self.without(table):
            sets = ", ".join("%s = %s" % (column.name, self.expression(names, 2)) for column in chosen)
            where = " WHERE " + self.expression(names, 2) if r.random() < 0.85 else ""
        return "do", "UPDATE %s SET %s%s" % (table.name, sets, where), ()

    def delete(self):
        r = self.random
        table = r.choice(self.tables)
        names = [column.name for column in table.columns]
        with self.without(table):
            where = " WHERE " + self.expression(names, 2) if r.random() < 0.95 else ""
        return "do", "DELETE FROM %s%s" % (table.name, where), ()

    @contextlib.contextmanager
    def without(self, table):
        """Subqueries leave a table alone that is being changed: whether they see the changes is SQLite's secret."""
        tables = self.tables
        self.tables = [other for other in tables if other is not table]
        yield
        self.tables = tables

    def simple_where(self, columns):
        """What an index can serve, more often than not."""
        r = self.random
        terms = []
        for _ in range(r.randint(1, 3)):
            column, value = r.choice(columns), self.literal(self.value())
            terms.append(r.choice(["%s = %s", "%s > %s", "%s <= %s", "%s < %s", "%s >= %s", "%s IS %s", "%s IN (%s, 1, 'a')",
                                   "%s BETWEEN %s AND 5", "%s <> %s"]) % (column, value))
        return r.choice([" AND ", " AND ", " OR "]).join(terms)

    def source(self, table):
        """A table as it stands in a FROM: itself, or a subquery that gives the same columns."""
        r = self.random
        if r.random() < 0.9:
            return table.name
        where = " WHERE " + self.simple_where([column.name for column in table.columns]) if r.random() < 0.5 else ""
        if r.random() < 0.4:
            return "(SELECT * FROM %s%s %s SELECT * FROM %s)" % (table.name, where, r.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]), table.name)
        return "(SELECT * FROM %s%s)" % (table.name, where)

    def compound(self):
        r = self.random
        width = r.randint(1, 3)
        sql, sets = "", False
        for part in range(r.choice([2, 2, 2, 3, 4])):
            if part:
                operator = r.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
                sets |= operator != "UNION ALL"
                sql += " %s " % operator
            table = r.choice(self.tables)
            names = [column.name for column in table.columns]
            chosen = [r.choice(names) if r.random() < 0.8 else self.expression(names, 1) for _ in range(width)]
            where = " WHERE " + (self.simple_where(names) if r.random() < 0.5 else self.expression(names, 2)) if r.random() < 0.5 else ""
            sql += "SELECT %s%s FROM %s%s" % (r.choice(["", "", "DISTINCT "]), ", ".join(chosen), table.name, where)
        if r.random() < 0.5:
            places = list(range(1, width + 1))
            r.shuffle(places)
            sql += " ORDER BY " + ", ".join("%d%s" % (place, r.choice(["", " DESC"])) for place in places)
            # Which of 1 and 1.0, or of texts that NOCASE takes for equal, stands first is not said.
            if r.random() < 0.4 and not sets:
                sql += " LIMIT %d" % r.randint(0, 6)
        return "rows", sql, ()

    def create_view(self):
        r = self.random
        table = r.choice(self.tables)
        names = [column.name for column in table.columns]
        chosen = r.sample(names, r.randint(1, len(names)))
        where = " WHERE " + self.simple_where(names) if r.random() < 0.6 else ""
        name = "v%d" % self.next()
        self.views.append(Table(name, [Column(column, "") for column in chosen], None))
        return "do", "CREATE VIEW %s AS SELECT %s FROM %s%s" % (name, ", ".join(chosen), table.name, where), ()

    def select(self):
        r = self.random
        if r.random() < 0.08:
            return self.compound()
        known = self.tables + self.views if r.random() < 0.3 else self.tables
        tables = [r.choice(known) for _ in range(r.choice([1, 1, 1, 1, 2, 2, 3, 4]))]
        source, columns = "", []
        for at, table in enumerate(tables):
            alias = "x%d" % at
            new = ["%s.%s" % (alias, column.name) for column in table.columns]
            if at == 0:
                source = "%s AS %s" % (self.source(table), alias)
            else:
                join = r.choice([", ", " JOIN ", " CROSS JOIN ", " INNER JOIN ", " LEFT JOIN ", " LEFT OUTER JOIN "])
                on = ""
                if "JOIN" in join and ("LEFT" in join or r.random() < 0.8):
                    condition = "%s = %s" % (r.choice(columns), r.choice(new)) if r.random() < 0.7 else self.expression(columns + new, 2)
                    on = " ON " + condition
                source += "%s%s AS %s%s" % (join, self.source(table), alias, on)
            columns += new
        where = ""
        if r.random() < 0.75:
            where = " WHERE " + (self.simple_where(columns) if r.random() < 0.6 else self.expression(columns, 3))
        if r.random() < 0.3:
            return self.grouped(source, columns, where)
        if r.random() < 0.2:
            chosen = ["*"] if r.random() < 0.6 else ["x0.*", self.expression(columns, 2)]
            width = len(columns) if chosen == ["*"] else len(tables[0].columns) + 1
        else:
            chosen = [self.expression(columns, 2) for _ in range(r.randint(1, 4))]
            width = len(chosen)
        distinct = "DISTINCT " if r.random() < 0.15 else ""
        sql = "SELECT %s%s FROM %s%s" % (distinct, ", ".join(chosen), source, where)
        if r.random() < 0.5:
            places = list(range(1, width + 1))
            r.shuffle(places)
            terms = ["%d%s%s" % (place, r.choice(["", "", " DESC", " ASC"]), r.choice(["", "", "", " NULLS FIRST", " NULLS LAST"]))
                     for place in places]
            sql += " ORDER BY " + ", ".join(terms)
            if r.random() < 0.4:
                sql += " LIMIT %d" % r.randint(-1, 6)
                if r.random() < 0.5:
                    sql += " OFFSET %d" % r.randint(0, 3)
            return "ordered", sql, ()
        return "rows", sql, ()

    def aggregate(self, columns):
        r = self.random
        call = r.choice(["count(*)", "count(%s)", "sum(%s)", "total(%s)", "avg(%s)", "min(%s)", "max(%s)", "count(DISTINCT %s)",
                         "sum(DISTINCT %s)", "group_concat(DISTINCT %s)"])
        if call.startswith("group_concat"):
            # Its order is not said, but its length, without the zero bytes at which a text ends for length().
            return "length(hex(group_concat(%s)))" % r.choice(columns)
        if call.startswith(("sum", "total", "avg")):
            # The order of additions shows in reals: integers only.
            return call % ("CAST(%s AS INTEGER) %% 100000" % self.tight(self.expression(columns, 1)))
        return call % self.expression(columns, 1) if "%s" in call else call

    def grouped(self, source, columns, where):
        r = self.random
        keys = [self.expression(columns, 1) for _ in range(r.choice([0, 1, 1, 2]))]
        # A constant number would be the place of a column.
        keys = [key for key in keys if any(column in key for column in columns) and "SELECT" not in key]
        results = keys + [self.aggregate(columns) for _ in range(r.randint(1, 3))]
        sql = "SELECT %s FROM %s%s" % (", ".join(results), source, where)
        if keys:
            sql += " GROUP BY " + ", ".join(keys)
            if r.random() < 0.3:
                sql += " HAVING %s %s %s" % (self.aggregate(columns), r.choice([">", "<", "=", "IS NOT"]), self.literal(self.integer()))
        if r.random() < 0.5:
            sql += " ORDER BY " + ", ".join("%d%s" % (at + 1, r.choice(["", " DESC"])) for at in range(len(results)))
            return ("ordered" if not any("COLLATE" in key for key in keys) else "rows"), sql, ()
        return "rows", sql, ()

    def constant(self):
        count = self.random.randint(1, 4)
        return "rows", "SELECT " + ", ".join(self.expression([], 3) for _ in range(count)), ()

    def transaction(self):
        r = self.random
        pick = r.randrange(8)
        if pick < 3:
            return "do", r.choice(["BEGIN", "BEGIN IMMEDIATE", "BEGIN TRANSACTION"]), ()
        if pick < 5:
            return "do", r.choice(["COMMIT", "END", "ROLLBACK", "ROLLBACK"]), ()
        name = r.choice(["p", "q"])
        return "do", r.choice(["SAVEPOINT %s", "ROLLBACK TO %s", "RELEASE %s"]) % name, ()

    def change_schema(self):
        r = self.random
        pick = r.randrange(8)
        if pick == 6:
            return self.create_view()
        if pick == 7 and self.views:
            return "do", "DROP VIEW %s" % self.views.pop(r.randrange(len(self.views))).name, ()
        if pick == 0 and len(self.tables) > 1:
            table = self.tables.pop(r.randrange(len(self.tables)))
            return "do", "DROP TABLE %s%s" % (r.choice(["", "IF EXISTS "]), table.name), ()
        if pick == 1 and self.indexes:
            return "do", "DROP INDEX IF EXISTS %s" % self.indexes.pop(r.randrange(len(self.indexes))), ()
        table = r.choice(self.tables)
        if pick == 2:
            old, table.name = table.name, "t%d" % self.next()
            return "do", "ALTER TABLE %s RENAME TO %s" % (old, table.name), ()
        if pick == 3:
            column = Column("n%d" % self.next(), r.choice(TYPES))
            default = r.choice(["", " DEFAULT " + self.literal(abs(self.integer()))])
            table.columns.append(column)
            return "do", ("ALTER TABLE %s ADD COLUMN %s %s" % (table.name, column.name, column.kind)).rstrip() + default, ()
        if pick == 4:
            return "ordered", "PRAGMA table_info(%s)" % table.name, ()
        return "ordered", "SELECT type, name, tbl_name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name", ()

    def script(self):
        r = self.random
        steps = []
        for _ in range(r.randint(1, 3)):
            steps.append(self.create_table())
        for _ in range(r.randint(0, 3)):
            steps.append(self.create_index())
        for _ in range(r.randint(0, 1)):
            steps.append(self.create_view())
        for _ in range(r.randint(2, 8)):
            steps.append(self.insert())
        for _ in range(r.randint(5, 25)):
            pick = r.random()
            if pick < 0.18:
                steps.append(self.insert())
            elif pick < 0.25:
                steps.append(self.update())
            elif pick < 0.29:
                steps.append(self.delete())
            elif pick < 0.38:
                steps.append(self.transaction())
            elif pick < 0.40:
                steps.append(("reopen", "", ()))
            elif pick < 0.45:
                steps.append(self.change_schema())
            elif pick < 0.47:
                steps.append(self.create_index())
            elif pick < 0.55:
                steps.append(self.constant())
            else:
                steps.append(self.select())
        for table in self.tables:
            steps.append(("rows", "SELECT rowid, * FROM %s" % table.name, ()))
        return steps
