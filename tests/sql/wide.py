"""Random SQL scripts that are wide where generator.py is deep: chains of operators without parentheses, names that need quotes,
conflict clauses everywhere, views of anything, nested savepoints.

Steps are those of generator.py. What SQLite leaves open, or is known to get wrong, is not generated here either.
"""

OPERATORS = ["+", "-", "*", "/", "%", "||", "&", "|", "<<", ">>", "=", "==", "<>", "!=", "<", "<=", ">", ">=", "IS", "IS NOT", "AND", "OR",
             "LIKE", "GLOB", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]
TYPES = ["INTEGER", "INT", "TEXT", "REAL", "NUMERIC", "BLOB", "", "VARCHAR(10)", "DOUBLE PRECISION", "BIGINT", "BOOLEAN", "FLOATING POINT",
         "CHARINT", "DECIMAL(10,5)", "STRING", "DATE", "CLOB", "XBLOB"]
TEXTS = ["", "a", "A", "b", "B", "ab", "AB", "aB", "abc", "x'y", "12", "1.5", "-3", "1e2", " 7", "7 ", "0x1F", "é", "É", "日本", "%", "_", "a_c",
         "[a]", "*", "abc ", "ab  ", "1e", "+1", ".5", "5.", "9223372036854775807", "9223372036854775808", "-0", "0.0", "tEsT", "null",
         "z" * 40, "long" * 30, "long" * 30 + "x", "a\nb", 'q"q']
INTEGERS = [0, 1, -1, 2, 3, 4, 5, 7, 8, 10, -3, 100, 255, -128, 2 ** 31, 2 ** 53, 2 ** 53 + 1, -2 ** 53 - 1, 2 ** 63 - 1, -2 ** 63, 2 ** 62,
            10 ** 15, 10 ** 16]
REALS = [0.0, 0.5, -0.5, 1.0, 1.5, 2.0, 3.0, -3.0, 1e10, 1e15, 1e16, 1e100, -1e-5, 0.1, 123.456, 9.2233720368547758e18, 9007199254740992.0,
         2.5, 1e20, 4.0, 5.0]
# A column as it is declared, and as it is called later.
NAMES = [("a", "a"), ("b", "b"), ("c", "c"), ("d", "d"), ('"e f"', '"e f"'), ("[order]", '"order"'), ("`x y`", "[x y]"), ("é", "é"),
         ("Key", "KEY")]
FUNCTIONS = [("abs", 1), ("coalesce", 3), ("ifnull", 2), ("nullif", 2), ("iif", 3), ("length", 1), ("lower", 1), ("upper", 1), ("substr", 2),
             ("substr", 3), ("trim", 1), ("trim", 2), ("ltrim", 2), ("rtrim", 2), ("replace", 3), ("instr", 2), ("hex", 1), ("quote", 1),
             ("typeof", 1), ("round", 1), ("round", 2), ("min", 2), ("max", 3), ("sign", 1), ("unicode", 1), ("char", 2), ("printf", 2),
             ("like", 2), ("glob", 2), ("likely", 1), ("zeroblob", 1), ("total_changes", 0), ("changes", 0)]
COMPOUNDS = ["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]


class Table:
    """A table or view; `key` is the column that is its rowid."""

    def __init__(self, name, columns, key=None, primary=False):
        self.name, self.columns, self.key, self.primary = name, columns, key, primary


class Generator:
    def __init__(self, random):
        self.random = random
        self.tables, self.views, self.indexes = [], [], []
        self.serial = 0
        # How deep subqueries may stand in one another.
        self.subqueries = 2
        self.descending = False
        self.in_view = False

    def next(self):
        self.serial += 1
        return self.serial

    def chance(self, probability):
        return self.random.random() < probability

    # ---- values

    def value(self):
        r = self.random
        pick = r.random()
        if pick < 0.12:
            return None
        if pick < 0.5:
            return r.choice(INTEGERS) if self.chance(0.4) else r.randint(-2, 6)
        if pick < 0.65:
            return r.choice(REALS)
        if pick < 0.92:
            return r.choice(TEXTS)
        return bytes(r.choice(b"\x00\x01aA09\xff") for _ in range(r.randint(0, 3)))

    def literal(self, value):
        if value is None:
            return "NULL"
        if isinstance(value, int):
            return hex(value) if 0 <= value < 2 ** 62 and self.chance(0.05) else str(value)
        if isinstance(value, float):
            return "%.3e" % value if abs(value) < 1e15 and self.chance(0.2) else repr(value)
        if isinstance(value, bytes):
            return "x'%s'" % value.hex()
        return "'%s'" % value.replace("'", "''")

    def rowid(self):
        return self.random.choice([None, self.random.randint(-5, 30), self.random.randint(0, 2 ** 62)])

    def bound(self, values):
        if self.chance(0.7):
            return [self.literal(value) for value in values], ()
        return ["?"] * len(values), tuple(values)

    # ---- expressions

    def atom(self, columns):
        return self.random.choice(columns) if columns and self.chance(0.62) else self.literal(self.value())

    def expression(self, columns, depth=2):
        r = self.random
        e = lambda: self.expression(columns, depth - 1)
        o = lambda: self.operand(columns, depth - 1)
        pick = r.random()
        if depth <= 0 or pick < 0.18:
            return self.atom(columns)
        if pick < 0.42:
            chain = o()
            for _ in range(r.randint(1, 3)):
                chain += " %s %s" % (r.choice(OPERATORS), o())
            return chain if self.chance(0.6) else "(%s)" % chain
        if pick < 0.47:
            return o() + r.choice([" IS NULL", " IS NOT NULL", " ISNULL", " NOTNULL", " NOT NULL", " IS TRUE", " IS NOT FALSE", " IS FALSE"])
        if pick < 0.53:
            return "%s %sBETWEEN %s AND %s" % (o(), r.choice(["", "NOT "]), o(), o())
        if pick < 0.60:
            return "%s %sIN (%s)" % (o(), r.choice(["", "NOT "]), ", ".join(e() for _ in range(r.randint(1, 5))))
        if pick < 0.66:
            arms = " ".join("WHEN %s THEN %s" % (e(), e()) for _ in range(r.randint(1, 3)))
            return "CASE %s%s%s END" % (r.choice(["", e() + " "]), arms, r.choice(["", " ELSE " + e()]))
        if pick < 0.71:
            return "CAST(%s AS %s)" % (e(), r.choice([name for name in TYPES if name]))
        if pick < 0.74:
            return "%s COLLATE %s" % (o(), r.choice(["NOCASE", "BINARY", "RTRIM"]))
        # What a view holds is looked at by SQLite when it is made, by larder when it is used.
        if pick < 0.77 and not self.in_view:
            return "(%s %sLIKE %s ESCAPE '%s')" % (o(), r.choice(["", "NOT "]), r.choice(["'a\\%'", "'%x_'", "'\\_%'", o()]),
                                                   r.choice(["\\", "x", "%", "a"]))
        if pick < 0.84 and self.tables and self.subqueries > 0:
            return self.subquery(columns, depth - 1)
        return self.function(e)

    def operand(self, columns, depth):
        text = self.expression(columns, depth)
        if self.chance(0.15):
            sign = self.random.choice(["- ", "+ ", "~ ", "NOT ", "-", "+"])
            # Two signs in a row would be a comment.
            return sign + ("(%s)" % text if self.chance(0.5) else " " * text.startswith("-") + text)
        return "(%s)" % text if self.chance(0.4) else text

    def alone(self, columns, depth):
        """An expression without subqueries."""
        saved, self.subqueries = self.subqueries, 0
        text = self.expression(columns, depth)
        self.subqueries = saved
        return text

    def function(self, e):
        r = self.random
        name, count = r.choice(FUNCTIONS)
        arguments = [e() for _ in range(count)]
        if name == "zeroblob":
            arguments = [str(r.randint(-1, 5))]
        if name == "round" and count == 2:
            arguments[1] = str(r.randint(-2, 18))
        if name == "printf":
            arguments[0] = r.choice(["'%d'", "'%s|'", "'%5.2f'", "'%x'", "'%g'", "'%08d'", "'%-6s.'", "'%!.3e'", "'%q'", "'%Q'", "'%c'", "'%,d'",
                                     "'%w'", "'%+d %% %s'"])
        return "%s(%s)" % (name, ", ".join(arguments))

    def subquery(self, outer, depth):
        r = self.random
        self.subqueries -= 1
        table = r.choice(self.tables + self.views)
        alias = "q%d" % self.next() if self.chance(0.7) else None
        own = [("%s.%s" % (alias, column) if alias and self.chance(0.85) else column) for column in table.columns]
        inner = own + [column for column in outer if column not in own] if alias else own
        source = table.name + (" AS " + alias if alias else "")
        if self.chance(0.75):
            source += " WHERE " + self.expression(inner, depth)
        pick = r.randrange(5)
        if pick == 0:
            text = "(SELECT %s FROM %s)" % (self.aggregate(own), source)
        elif pick == 1:
            text = "%sEXISTS (SELECT %s FROM %s)" % (r.choice(["", "NOT "]), r.choice(["1", "*", "NULL"]), source)
        elif pick == 2:
            # SQLite does not see a NULL in a DESC index that serves IN; an expression in its place is not served.
            column = "+" * self.descending + r.choice(own) if self.chance(0.7) else self.expression(own, 1)
            text = "%s %sIN (SELECT %s FROM %s)" % (self.operand(outer, depth), r.choice(["", "NOT "]), column, source)
        elif pick == 3:
            text = "(SELECT %s FROM %s ORDER BY %s LIMIT 1%s)" % (r.choice(own), source, ", ".join(own), r.choice(["", " OFFSET 1"]))
        else:
            other = r.choice(self.tables + self.views)
            text = "%s IN (SELECT %s FROM %s %s SELECT %s FROM %s)" % (
                self.operand(outer, depth), r.choice(own), source, r.choice(COMPOUNDS), r.choice(other.columns), other.name)
        self.subqueries += 1
        return text

    def aggregate(self, columns):
        argument = self.expression(columns, 1)
        # The order of additions shows in reals: integers only.
        number = "CAST((%s) AS INTEGER) %% 1000" % argument
        return self.random.choice(["count(*)", "count(%s)" % argument, "count(DISTINCT %s)" % argument, "max(%s)" % argument, "min(%s)" % argument,
                                   "sum(%s)" % number, "total(%s)" % number, "avg(%s)" % number, "sum(DISTINCT %s)" % number, "count()"])

    def where(self, columns):
        """What an index can serve, more often than not."""
        r = self.random
        if self.chance(0.5):
            return self.expression(columns, r.randint(1, 3))
        terms = []
        for _ in range(r.randint(1, 4)):
            column, value = r.choice(columns), self.literal(self.value())
            if self.chance(0.2):
                terms.append(r.choice(["%s = %s", "%s < %s", "%s IS %s"]) % (value, column))
            else:
                terms.append(r.choice(["%s = %s", "%s > %s", "%s <= %s", "%s < %s", "%s >= %s", "%s IS %s", "%s IN (%s,1,'a')", "%s BETWEEN %s AND 5",
                                       "%s <> %s", "%s LIKE %s", "%s GLOB %s", "%s == %s COLLATE NOCASE"]) % (column, value))
        text = terms[0]
        for term in terms[1:]:
            text += r.choice([" AND ", " AND ", " OR "]) + term
        return text

    # ---- schema

    def default(self):
        r = self.random
        value = self.value()
        if isinstance(value, (int, float)):
            value = min(abs(value), 2 ** 62)
        # In a default SQLite takes IS TRUE for a comparison with 1.
        computed = self.alone([], 1)
        computed = "1" if "TRUE" in computed or "FALSE" in computed or len(computed) > 200 else computed
        return r.choice([self.literal(value), "(%s)" % computed, "-5", "+3", "true", "- 1.5"])

    def create_table(self):
        r = self.random
        name = r.choice(["t%d"] * 6 + ['"T %d"', "[sel%d]"]) % self.next()
        columns, definitions, primary, key = [], [], False, None
        for written, column in r.sample(NAMES, r.randint(1, 6)):
            kind, rest = r.choice(TYPES), ""
            if not primary and self.chance(0.25):
                primary = True
                kind, rest = r.choice([("INTEGER", " PRIMARY KEY"), ("INTEGER", " PRIMARY KEY"), ("INTEGER", " PRIMARY KEY DESC"),
                                       ("INTEGER", " PRIMARY KEY ON CONFLICT " + r.choice(["IGNORE", "REPLACE", "FAIL", "ABORT"])),
                                       ("INTEGER", " NOT NULL PRIMARY KEY ASC"), ("TEXT", " PRIMARY KEY"), ("INT", " PRIMARY KEY NOT NULL")])
                if kind == "INTEGER" and "DESC" not in rest:
                    key = column
            else:
                if self.chance(0.12):
                    rest += " NOT NULL" + r.choice(["", " ON CONFLICT IGNORE", " ON CONFLICT REPLACE", " ON CONFLICT ABORT"])
                if self.chance(0.15):
                    rest += " UNIQUE" + r.choice([""] * 4 + [" ON CONFLICT IGNORE", " ON CONFLICT REPLACE", " ON CONFLICT FAIL"])
                if self.chance(0.2):
                    rest += " DEFAULT " + self.default()
                if self.chance(0.15):
                    rest += " COLLATE " + r.choice(["NOCASE", "RTRIM", "BINARY"])
                if self.chance(0.08):
                    rest += " CHECK (%s)" % r.choice([written + " > -100 OR 1", written + " IS NOT 3", "length(%s) < 30" % written,
                                                      self.alone([written], 1)])
            columns.append(column)
            definitions.append(("%s %s%s" % (written, kind, rest)).strip())
        if len(columns) > 1 and self.chance(0.25):
            pair = ", ".join(column + r.choice(["", " DESC", " COLLATE NOCASE"]) for column in r.sample(columns, 2))
            definitions.append("%s%s (%s)%s" % (r.choice(["", "CONSTRAINT cc "]), "UNIQUE" if primary else r.choice(["UNIQUE", "PRIMARY KEY"]), pair,
                                                r.choice([""] * 4 + [" ON CONFLICT REPLACE", " ON CONFLICT IGNORE"])))
        if len(columns) > 1 and self.chance(0.08):
            definitions.append("CHECK (%s)" % self.alone(columns, 1))
        self.tables.append(Table(name, columns, key, primary))
        self.descending |= any("DESC" in definition for definition in definitions)
        return "do", "CREATE TABLE %s(%s)" % (name, ", ".join(definitions)), ()

    def create_index(self):
        r = self.random
        table, name = r.choice(self.tables), "i%d" % self.next()
        parts = [column + r.choice([""] * 4 + [" COLLATE NOCASE", " COLLATE RTRIM"]) + r.choice(["", "", " DESC", " ASC"])
                 for column in r.sample(table.columns, min(len(table.columns), r.choice([1, 1, 2, 3])))]
        self.indexes.append(name)
        self.descending |= any("DESC" in part for part in parts)
        return "do", "CREATE %sINDEX %s%s ON %s(%s)" % ("UNIQUE " * self.chance(0.15), r.choice(["", "IF NOT EXISTS "]), name, table.name,
                                                        ", ".join(parts)), ()

    def create_view(self):
        name = "v%d" % self.next()
        self.in_view = True
        sql, width = self.core(top=False)
        self.in_view = False
        self.views.append(Table(name, ["k%d" % place for place in range(width)]))
        return "do", "CREATE VIEW %s AS %s" % (name, sql), ()

    def change_schema(self):
        r = self.random
        pick = r.randrange(9)
        if pick == 0 and len(self.tables) > 1 and not self.views:
            return "do", "DROP TABLE %s%s" % (r.choice(["", "IF EXISTS "]), self.tables.pop(r.randrange(len(self.tables))).name), ()
        if pick == 1 and self.indexes:
            return "do", "DROP INDEX IF EXISTS %s" % self.indexes.pop(r.randrange(len(self.indexes))), ()
        table = r.choice(self.tables)
        if pick == 2 and not self.views:
            old, table.name = table.name, r.choice(["t%d", "[n %d]"]) % self.next()
            return "do", "ALTER TABLE %s RENAME TO %s" % (old, table.name), ()
        if pick == 3:
            column = "n%d" % self.next()
            table.columns = table.columns + [column]
            rest = r.choice(["", "", " DEFAULT " + self.literal(r.choice([1, 5, 1.5, "x", "12", b"\x01"])), " NOT NULL DEFAULT 3", " COLLATE NOCASE"])
            return "do", "ALTER TABLE %s ADD %s%s %s%s" % (table.name, r.choice(["", "COLUMN "]), column, r.choice(TYPES), rest), ()
        if pick == 4:
            return "ordered", "PRAGMA table_info(%s)" % table.name, ()
        if pick == 5:
            return "rows", "PRAGMA integrity_check", ()
        if pick == 6:
            return "ordered", "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name", ()
        if pick == 7:
            return ("ordered", "PRAGMA user_version", ()) if self.chance(0.5) else ("do", "PRAGMA user_version = %d" % r.randint(0, 9), ())
        return "ordered", "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' AND sql IS NULL ORDER BY 1", ()

    # ---- changes

    def action(self):
        return self.random.choice([""] * 6 + [" OR IGNORE", " OR REPLACE", " OR ABORT", " OR FAIL", " OR ROLLBACK"])

    def key_of(self, columns):
        """A value for a rowid: where it is no integer, SQLite forgets to take back the rows before."""
        return "ifnull(CAST(%s AS INTEGER) %% 100, 7)" % self.expression(columns, 1)

    def insert(self):
        r = self.random
        table = r.choice(self.tables)
        verb = r.choice(["INSERT" + self.action()] * 5 + ["REPLACE"])
        if self.chance(0.04):
            return "do", "%s INTO %s DEFAULT VALUES" % (verb, table.name), ()
        columns, names = table.columns, ""
        if self.chance(0.4):
            columns = r.sample(columns, r.randint(1, len(columns)))
            if not table.primary and self.chance(0.1):
                columns = columns + ["rowid"]
            names = "(%s)" % ",".join(columns)
        is_key = [column in (table.key, "rowid") for column in columns]
        if self.chance(0.15):
            source = r.choice(self.tables + self.views)
            chosen = [self.key_of(source.columns) if key else self.expression(source.columns, 1) for key in is_key]
            where = " WHERE " + self.expression(source.columns, 1) if self.chance(0.5) else ""
            return "do", "%s INTO %s%s SELECT %s FROM %s%s ORDER BY %s LIMIT %d" % (
                verb, table.name, names, ", ".join(chosen), source.name, where, ", ".join(source.columns), r.randint(1, 5)), ()
        rows = r.choice([1, 1, 1, 2, 3, 5])
        values = [self.rowid() if key and (rows > 1 or self.chance(0.9)) else self.value() for _ in range(rows) for key in is_key]
        values = [min(value, 2 ** 62) if isinstance(value, int) else value for value in values]
        marks, parameters = self.bound(values)
        if not parameters and self.chance(0.3):
            # Rows that read the table itself are refused.
            make = self.alone if rows > 1 else self.expression
            marks = [mark if is_key[at % len(is_key)] or self.chance(0.7) else make([], 2) for at, mark in enumerate(marks)]
        groups = ["(%s)" % ", ".join(marks[at:at + len(columns)]) for at in range(0, len(marks), len(columns))]
        return "do", "%s INTO %s%s VALUES %s" % (verb, table.name, names, ", ".join(groups)), parameters

    def change(self):
        """UPDATE or DELETE. Subqueries leave the table alone: whether they see the changes is SQLite's secret."""
        r = self.random
        table = r.choice(self.tables)
        tables, views = self.tables, self.views
        self.tables, self.views = [other for other in tables if other is not table], []
        where = " WHERE " + self.where(table.columns) if self.chance(0.85) else ""
        if self.chance(0.35):
            sql = "DELETE FROM %s%s" % (table.name, where)
        else:
            sets = ["%s = %s" % (column, self.key_of(table.columns) if column == table.key else self.expression(table.columns, 2))
                    for column in r.sample(table.columns, r.randint(1, min(3, len(table.columns))))]
            sql = "UPDATE%s %s%s SET %s%s" % (self.action(), table.name, r.choice([""] * 4 + [" AS zz"]), ", ".join(sets), where)
        self.tables, self.views = tables, views
        return "do", sql, ()

    def transaction(self):
        r = self.random
        pick = r.randrange(9)
        if pick < 2:
            return "do", r.choice(["BEGIN", "BEGIN IMMEDIATE TRANSACTION", "BEGIN DEFERRED"]), ()
        if pick < 4:
            return "do", r.choice(["COMMIT", "END TRANSACTION", "ROLLBACK", "ROLLBACK TRANSACTION"]), ()
        verb = r.choice(["SAVEPOINT %s", "SAVEPOINT %s", "ROLLBACK TO %s", "RELEASE %s", "ROLLBACK TRANSACTION TO SAVEPOINT %s", "RELEASE SAVEPOINT %s"])
        return "do", verb % r.choice(["p", "q", "P", '"r s"']), ()

    # ---- SELECT

    def source(self, table):
        r = self.random
        if self.chance(0.88):
            return table.name
        where = " WHERE " + self.where(table.columns) if self.chance(0.5) else ""
        return r.choice(["(SELECT * FROM %s%s)"] * 4 + ["(SELECT DISTINCT * FROM %s%s)", "(SELECT * FROM %s%s ORDER BY " + ", ".join(table.columns) + " LIMIT 3)"]
                        + ["(SELECT * FROM %%s%%s %s SELECT * FROM %s)" % (operator, table.name) for operator in COMPOUNDS[:2]]) % (table.name, where)

    def core(self, top):
        """A SELECT without ORDER BY, and how many columns it has. Below the top they are named k0, k1 and so on."""
        r = self.random
        tables = [r.choice(self.tables + self.views) for _ in range(r.choice([1, 1, 1, 1, 2, 2, 3]))]
        if any(table in self.views for table in tables):
            # Views multiply.
            tables = tables[:1 if self.in_view else 2]
        source, columns = "", []
        for at, table in enumerate(tables):
            new = ["x%d.%s" % (at, column) for column in table.columns]
            if at == 0:
                source = "%s%sx0" % (self.source(table), r.choice([" AS ", " "]))
            else:
                join = r.choice([", ", " JOIN ", " CROSS JOIN ", " INNER JOIN ", " LEFT JOIN ", " LEFT OUTER JOIN "])
                source += "%s%s AS x%d" % (join, self.source(table), at)
                if "LEFT" in join or ("JOIN" in join and self.chance(0.8)):
                    source += " ON " + ("%s = %s" % (r.choice(columns), r.choice(new)) if self.chance(0.6) else self.expression(columns + new, 2))
            columns += new
        if len(tables) == 1 and self.chance(0.6):
            columns = tables[0].columns
        if self.chance(0.7):
            source += " WHERE " + self.where(columns)
        if top and self.chance(0.11):
            return "SELECT * FROM " + source, sum(len(table.columns) for table in tables)
        if self.chance(0.25):
            # A constant number would be the place of a column.
            keys = [key for key in (self.expression(columns, 1) for _ in range(r.choice([0, 1, 1, 2, 2])))
                    if any(column in key for column in columns) and "SELECT" not in key]
            results = keys + [self.aggregate(columns) for _ in range(r.randint(1, 3))]
            sql = "SELECT %s FROM %s" % (", ".join("%s AS k%d" % (text, at) for at, text in enumerate(results)), source)
            if keys:
                sql += " GROUP BY " + ", ".join(keys)
                if self.chance(0.35):
                    sql += " HAVING " + r.choice(["%s %s %s" % (self.aggregate(columns), r.choice([">", "<", "=", "IS NOT"]), self.literal(self.value())),
                                                  "%s AND %s > 0" % (keys[0], self.aggregate(columns))])
            return sql, len(results)
        results = [self.expression(columns, 2) for _ in range(r.randint(1, 4))]
        named = [text + (" AS k%d" % at if not top or self.chance(0.5) else "") for at, text in enumerate(results)]
        return "SELECT %s%s FROM %s" % (r.choice(["", "", "", "DISTINCT ", "ALL "]), ", ".join(named), source), len(results)

    def select(self):
        r = self.random
        sql, width = self.core(top=True)
        places = ["%d%s" % (place + 1, r.choice(["", " DESC", " ASC"])) for place in range(width)]
        r.shuffle(places)
        others = [part for part, other in (self.core(top=True) for _ in range(8)) if other == width][:r.randint(1, 2)] if self.chance(0.12) else []
        if others:
            for part in others:
                sql += " %s %s" % (r.choice(COMPOUNDS), part)
            return "rows", sql + (" ORDER BY " + ", ".join(places) if self.chance(0.5) else ""), ()
        if self.chance(0.45):
            return "rows", sql, ()
        sql += " ORDER BY " + ", ".join(place + r.choice([""] * 4 + [" NULLS FIRST", " NULLS LAST"]) for place in places)
        if self.chance(0.4):
            sql += " LIMIT %s" % r.choice(["2", "3", "1", "0", "-1", "1+1", "5, 2", "1 OFFSET 1", "3 OFFSET 2", "abs(-2)"])
        return "ordered", sql, ()

    def constant(self):
        return "rows", "SELECT " + ", ".join(self.expression([], 4) for _ in range(self.random.randint(1, 3))), ()

    def script(self):
        r = self.random
        steps = [self.create_table() for _ in range(r.randint(1, 3))]
        steps += [self.create_index() for _ in range(r.randint(0, 3))]
        steps += [self.insert() for _ in range(r.randint(3, 9))]
        for _ in range(r.randint(8, 25)):
            pick = r.random()
            for most, make in ((0.16, self.insert), (0.28, self.change), (0.36, self.transaction), (0.38, lambda: ("reopen", "", ())),
                               (0.43, self.change_schema), (0.46, self.create_index), (0.49, self.create_view), (0.56, self.constant), (1, self.select)):
                if pick < most:
                    steps.append(make())
                    break
        return steps + [("rows", "SELECT rowid, * FROM %s" % table.name, ()) for table in self.tables]
