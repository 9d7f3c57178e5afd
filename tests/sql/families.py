#!/usr/bin/env python3
"""Writes files in the style of sqllogictest's families, for sqllogictest.py --complete to answer.

    python3 tests/sql/families.py FOLDER --seed 1 --queries 500
    python3 tests/sql/sqllogictest.py --complete FOLDER/*.test
    python3 tests/sql/sqllogictest.py target/release/larder FOLDER/*.test

select: one table of five integers, with subqueries, CASE and EXISTS. index: a table with many indexes and a copy
without, with deep conditions. view: the same conditions and what they leave, as views and united again. delete: tables that
are emptied by conditions. random: expressions, aggregates, groups and joins in long-winded syntax. evidence: IN with every kind of right
side, aggregates with DISTINCT and without, what may be done to views, UPDATE and REPLACE.
"""

import argparse
import os
import random


class File:
    def __init__(self):
        self.parts = ["hash-threshold 8\n"]

    def statement(self, sql):
        self.parts.append("statement ok\n%s\n" % sql)

    def failure(self, sql):
        self.parts.append("statement error\n%s\n" % sql)

    def query(self, types, sort, sql):
        self.parts.append("query %s %s\n%s\n----\n" % (types, sort, sql))

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.parts))


# ---- select1, select2, select3

def select_expression(r):
    return r.choice([
        "a", "b", "c", "d", "e", "a-b", "b-c", "c-d", "d-e", "a+b*2", "a+b*2+c*3", "a+b*2+c*3+d*4", "a+b*2+c*3+d*4+e*5",
        "(a+b+c+d+e)/5", "abs(a)", "abs(b-c)",
        "(SELECT count(*) FROM t1 AS x WHERE x.b<t1.b)",
        "(SELECT count(*) FROM t1 AS x WHERE x.c>t1.c AND x.d<t1.d)",
        "CASE WHEN c>(SELECT avg(c) FROM t1) THEN a*2 ELSE b*10 END",
        "CASE WHEN a<b-3 THEN 111 WHEN a<=b THEN 222 WHEN a<b+3 THEN 333 ELSE 444 END",
        "CASE a+1 WHEN b THEN 111 WHEN c THEN 222 WHEN d THEN 333 WHEN e THEN 444 ELSE 555 END"])


def select_condition(r):
    return r.choice([
        "a>b", "b>c", "c>d", "d>e", "(a>b-2 AND a<b+2)", "(c<=d-2 OR c>=d+2)", "(e>a AND e<b)", "(e>c OR e<d)",
        "c BETWEEN b-2 AND d+2", "d NOT BETWEEN 110 AND 150", "a IS NULL", "(a IS NULL OR b<c)", "coalesce(a,b,c,d,e)<>0",
        "EXISTS(SELECT 1 FROM t1 AS x WHERE x.b<t1.b)", "c>(SELECT avg(c) FROM t1)", "e+d BETWEEN a+b-10 AND c+130"])


def select(r, queries):
    file = File()
    file.statement("CREATE TABLE t1(a INTEGER, b INTEGER, c INTEGER, d INTEGER, e INTEGER)")
    nulls = r.random() < 0.7
    for row in range(30):
        values = [str(100 + row * 5 + at) if not nulls or r.random() < 0.85 else "NULL" for at in range(5)]
        r.shuffle(values)
        file.statement("INSERT INTO t1(%s) VALUES(%s)" % (",".join(r.sample("abcde", 5)), ",".join(values)))
    if r.random() < 0.5:
        for column in r.sample("abcde", 2):
            file.statement("CREATE INDEX t1%s ON t1(%s)" % (column, column))
    for _ in range(queries):
        chosen = [select_expression(r) for _ in range(r.randint(1, 7))]
        sql = "SELECT %s\n  FROM t1" % ",\n       ".join(chosen)
        conditions = [select_condition(r) for _ in range(r.choice([0, 1, 1, 2, 3]))]
        if conditions:
            sql += "\n WHERE " + r.choice(["\n   AND ", "\n    OR "]).join(conditions)
        places = list(range(1, len(chosen) + 1))
        r.shuffle(places)
        if r.random() < 0.6:
            sql += "\n ORDER BY " + ",".join(map(str, places))
            sort = "nosort"
        else:
            sort = r.choice(["rowsort", "valuesort"])
        file.query("I" * len(chosen), sort, sql)
    return file


# ---- index/*

COLUMNS = ["col0", "col1", "col3", "col4"]


def index_number(r, column):
    return "%d" % r.randint(0, 1000) if column in ("col0", "col3") else "%.2f" % r.uniform(0, 1000)


def index_condition(r, depth):
    if depth <= 0 or r.random() < 0.3:
        column = r.choice(COLUMNS)
        number = lambda: index_number(r, column)
        pick = r.randrange(8)
        if pick < 4:
            return "%s %s %s" % (column, r.choice(["<", "<=", ">", ">=", "="]), number())
        if pick == 4:
            return "%s BETWEEN %s AND %s" % (column, number(), number())
        if pick == 5:
            return "%s IS %sNULL" % (column, r.choice(["", "NOT "]))
        if pick == 6:
            return "%s IN (%s)" % (column, ",".join(number() for _ in range(r.randint(1, 6))))
        other = r.choice([c for c in COLUMNS if (c in ("col0", "col3")) == (column in ("col0", "col3"))])
        return "%s IN (SELECT %s FROM tab0 WHERE %s)" % (column, other, index_condition(r, depth - 1))
    terms = [index_condition(r, depth - 1) for _ in range(r.randint(2, 4))]
    return "(%s)" % (" %s " % r.choice(["AND", "OR"])).join(terms)


def index_tables(file, r, rows, key="PRIMARY KEY"):
    """tab0, and four copies of it with indexes; their names."""
    shape = "(pk INTEGER %s, col0 INTEGER, col1 FLOAT, col2 TEXT, col3 INTEGER, col4 FLOAT, col5 TEXT)" % key
    file.statement("CREATE TABLE tab0" + shape)
    for pk in range(rows):
        word = lambda: "".join(r.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(5))
        null = lambda text: text if r.random() < 0.95 else "NULL"
        file.statement("INSERT INTO tab0 VALUES(%d,%s,%s,'%s',%s,%s,'%s')" % (
            pk, null("%d" % r.randint(0, 1000)), null("%.2f" % r.uniform(0, 1000)), word(),
            null("%d" % r.randint(0, 1000)), null("%.2f" % r.uniform(0, 1000)), word()))
    tables = ["tab0"]
    for number in range(1, 5):
        table = "tab%d" % number
        tables.append(table)
        file.statement("CREATE TABLE " + table + shape)
        for serial in range(r.randint(1, 4)):
            columns = r.sample(COLUMNS, r.randint(1, 3))
            parts = ", ".join(column + r.choice(["", " DESC"]) for column in columns)
            file.statement("CREATE INDEX idx_%s_%d ON %s (%s)" % (table, serial, table, parts))
        file.statement("INSERT INTO %s SELECT * FROM tab0" % table)
    return tables


def view(r, queries):
    file = File()
    tables = index_tables(file, r, r.choice([10, 100, 1000]))
    for number in range(queries // 8):
        condition = index_condition(r, r.randint(1, 4))
        for table in tables:
            yes = "SELECT pk, col0 FROM %s WHERE %s" % (table, condition)
            no = "SELECT pk, col0 FROM %s WHERE NOT (%s)" % (table, condition)
            one, two, three = ("view_%d_%s_%d" % (place, table, number) for place in (1, 2, 3))
            file.statement("DROP VIEW IF EXISTS " + one)
            file.statement("CREATE VIEW %s AS %s" % (one, yes))
            file.statement("CREATE VIEW %s AS %s" % (two, no))
            file.statement("CREATE VIEW %s AS SELECT pk FROM %s" % (three, one))
            for operator in ("UNION ALL", "UNION", "EXCEPT", "INTERSECT"):
                file.query("II", "rowsort", "%s %s %s" % (yes, operator, no))
                file.query("II", "rowsort", "SELECT pk, col0 FROM %s %s SELECT pk, col0 FROM %s" % (one, operator, two))
            file.query("I", "rowsort", "SELECT pk FROM ( %s ) AS %s_%d" % (yes, table, number))
            file.query("I", "rowsort", "SELECT * FROM " + three)
            for name in (three, two, one):
                file.statement("DROP VIEW " + name)
    return file


def delete(r, queries):
    file = File()
    for _ in range(max(queries // 40, 1)):
        tables = index_tables(file, r, r.choice([10, 100]), "")
        for _ in range(3):
            condition = index_condition(r, r.randint(0, 2))
            for table in tables:
                mine = condition.replace("tab0", table)
                file.statement("DELETE FROM %s WHERE %s" % (table, mine))
                file.query("I", "rowsort", "SELECT pk FROM %s WHERE %s" % (table, mine))
                file.query("I", "rowsort", "SELECT pk FROM %s WHERE NOT (%s)" % (table, mine))
        for table in tables:
            file.statement("DROP TABLE " + table)
    return file


def index(r, queries):
    file = File()
    tables = index_tables(file, r, r.choice([10, 100, 1000]))
    for _ in range(queries // len(tables)):
        condition = index_condition(r, r.randint(1, 4))
        order = r.choice(["", "", " ORDER BY %s" % ",".join(
            "%d%s" % (place, r.choice(["", " DESC"])) for place in r.sample([1, 2, 3], 3))])
        chosen = "pk, %s" % ", ".join(r.sample(COLUMNS, 2)) if order else r.choice(["pk", "pk, col0"])
        types = "IRR" if order else "I" * (chosen.count(",") + 1)
        for table in tables:
            file.query(types, "nosort" if order else "rowsort", "SELECT %s FROM %s WHERE %s%s" % (chosen, table, condition, order))
        if r.random() < 0.03:
            victim = index_condition(r, 1)
            for table in tables:
                file.statement("DELETE FROM %s WHERE %s AND pk %% 7 = 3" % (table, victim.replace("tab0", table)))
    return file


# ---- random/*

def random_expression(r, columns, depth, aggregates=False):
    e = lambda: random_expression(r, columns, depth - 1, aggregates)
    if depth <= 0 or r.random() < 0.25:
        atom = r.choice(columns) if columns and r.random() < 0.5 else r.choice(["%d" % r.randint(0, 99), "%d" % r.randint(0, 99), "NULL"])
        return r.choice(["", "", "+ ", "- ", "+ - ", "- + "]) + atom
    pick = r.randrange(12)
    if pick < 5:
        return "%s %s %s" % (e(), r.choice(["+", "-", "*", "*", "/"]), e())
    if pick == 5:
        return "( %s )" % e()
    if pick == 6:
        return "CASE WHEN %s THEN %s ELSE %s END" % (random_condition(r, columns, depth - 1), e(), e())
    if pick == 7:
        return "CASE %s WHEN %s THEN %s WHEN %s THEN %s END" % (e(), e(), e(), e(), e())
    if pick == 8:
        return "COALESCE ( %s, %s )" % (e(), e())
    if pick == 9:
        return "NULLIF ( %s, %s )" % (e(), e())
    if pick == 10:
        return "CAST( %s AS INTEGER )" % e()
    return "ABS ( %s )" % e() if not aggregates else random_aggregate(r, columns, depth - 1)


def random_aggregate(r, columns, depth):
    if r.random() < 0.25:
        return "COUNT ( * )"
    return "%s ( %s%s )" % (r.choice(["COUNT", "SUM", "MIN", "MAX", "AVG", "TOTAL"]), r.choice(["", "ALL ", "DISTINCT "]),
                            random_expression(r, columns, min(depth, 1)))


def random_condition(r, columns, depth):
    e = lambda: random_expression(r, columns, max(depth - 1, 0))
    pick = r.randrange(9)
    if pick < 3:
        return "%s %s %s" % (e(), r.choice(["=", "<", ">", "<=", ">=", "<>"]), e())
    if pick == 3:
        return "%s %sBETWEEN %s AND %s" % (e(), r.choice(["", "NOT "]), e(), e())
    if pick == 4:
        return "%s %sIN ( %s )" % (e(), r.choice(["", "NOT "]), ", ".join(e() for _ in range(r.randint(1, 3))))
    if pick == 5:
        return "%s IS %sNULL" % (e(), r.choice(["", "NOT "]))
    if pick == 6:
        return "NOT %s" % random_condition(r, columns, depth - 1) if depth > 0 else "NOT ( NULL ) IS NULL"
    if pick == 7:
        return "( %s %s %s )" % (random_condition(r, columns, depth - 1) if depth > 0 else "1 = 1", r.choice(["AND", "OR"]),
                                 random_condition(r, columns, depth - 1) if depth > 0 else "NULL IS NULL")
    return "( NULL ) IS NOT NULL"


def random_file(r, queries):
    file = File()
    for table in ("tab0", "tab1", "tab2"):
        file.statement("CREATE TABLE %s(col0 INTEGER, col1 INTEGER, col2 INTEGER)" % table)
        for _ in range(3):
            file.statement("INSERT INTO %s VALUES(%s)" % (table, ",".join(str(r.randint(0, 99)) for _ in range(3))))
    for _ in range(queries):
        tables = [r.choice(["tab0", "tab1", "tab2"]) for _ in range(r.choice([1, 1, 1, 2, 3]))]
        source, columns = "", []
        for at, table in enumerate(tables):
            alias = "cor%d" % at
            source += ("" if at == 0 else r.choice([" CROSS JOIN ", ", "])) + "%s %s%s" % (table, r.choice(["", "AS "]), alias)
            columns += ["%s.col%d" % (alias, place) for place in range(3)]
        if len(tables) == 1:
            columns += ["col0", "col1", "col2"]
        if len(tables) > 1 and r.random() < 0.3:
            source = "( %s )" % source
        prefix = "SELECT " + r.choice(["", "", "ALL ", "DISTINCT "])
        alias = lambda at: r.choice(["", "", " AS col%d" % at, " col%d" % at])
        where = " WHERE " + random_condition(r, columns, 2) if r.random() < 0.5 else ""
        pick = r.randrange(4)
        if pick == 0:
            count = r.randint(1, 2)
            chosen = [random_aggregate(r, columns, 2) if r.random() < 0.5 else "%s + %s" % (
                random_aggregate(r, columns, 1), random_aggregate(r, columns, 1)) for _ in range(count)]
            sql = prefix + ", ".join(text + alias(at) for at, text in enumerate(chosen)) + " FROM " + source + where
        elif pick == 1:
            keys = r.sample(columns, r.randint(1, 2))
            chosen = [r.choice(keys) if r.random() < 0.5 else random_expression(r, keys, 1) for _ in range(r.randint(1, 2))]
            having = " HAVING " + random_condition(r, keys, 1) if r.random() < 0.4 else ""
            sql = prefix + ", ".join(chosen) + " FROM " + source + where + " GROUP BY " + ", ".join(keys) + having
        else:
            chosen = ["*"] if r.random() < 0.15 else [random_expression(r, columns, 3) for _ in range(r.randint(1, 3))]
            sql = prefix + ", ".join(text if text == "*" else text + alias(at) for at, text in enumerate(chosen)) + " FROM " + source + where
            if chosen == ["*"]:
                chosen = ["*"] * 3 * len(tables)
        file.query("I" * len(chosen), "rowsort", sql)
    return file


# ---- evidence

def evidence(r, queries):
    file = File()
    kinds = ["INTEGER", "INTEGER UNIQUE", "INTEGER PRIMARY KEY", "TEXT", "TEXT UNIQUE", "REAL", "NUMERIC", ""]
    for number, kind in enumerate(kinds):
        file.statement("CREATE TABLE t%d(x %s)" % (number, kind))
        for value in r.sample(["2", "3", "4", "NULL", "'b'", "1.5"] if "PRIMARY" not in kind else ["2", "3", "4"], r.randint(0, 3)):
            file.statement("INSERT INTO t%d VALUES(%s)" % (number, value))
    file.statement("CREATE TABLE u(x INTEGER, y VARCHAR(8))")
    for row in ("1,'true'", "0,'false'", "NULL,'NULL'", "2,'true'", "2,'true'", "4.0,'true'"):
        file.statement("INSERT INTO u VALUES(%s)" % row)
    for _ in range(queries):
        left = r.choice(["1", "2", "null", "1.0", "1.5", "'2'", "'b'", "x'303132'", "-3"])
        word, table = r.choice(["IN", "NOT IN"]), "t%d" % r.randrange(len(kinds))
        pick = r.randrange(7)
        if pick == 0:
            file.query("I", "nosort", "SELECT %s %s %s" % (left, word, table))
        elif pick == 1:
            file.query("I", "nosort", "SELECT %s %s (SELECT * FROM %s)" % (left, word, table))
        elif pick == 2:
            items = ", ".join(r.choice(["1", "2", "3.0", "NULL", "'b'", "'2'"]) for _ in range(r.randint(0, 8)))
            file.query("I", "nosort", "SELECT 1 FROM u WHERE %s %s ( %s )" % (left, word, items))
        elif pick == 3:
            file.query("I", "nosort", "SELECT %s %s (SELECT a.x+b.x FROM %s AS a, u AS b)" % (left, word, table))
        elif pick == 4:
            file.query("R", "nosort", "SELECT %s(%s%s) FROM u%s" % (r.choice(["count", "avg", "sum", "total", "min", "max"]), r.choice(["", "DISTINCT "]),
                                                                  r.choice("xy"), r.choice(["", " WHERE y='null'", " WHERE x NOT NULL"])))
        elif pick == 5:
            file.statement("CREATE %sVIEW v AS SELECT x FROM u WHERE x>0" % r.choice(["", "TEMP ", "TEMPORARY "]))
            for sql in ("DELETE FROM v WHERE x>0", "INSERT INTO v VALUES(2)", "UPDATE v SET x=2", "DROP TABLE v"):
                file.failure(sql)
            file.query("I", "rowsort", "SELECT * FROM v")
            file.statement("DROP VIEW v")
            file.failure("DROP VIEW v")
        else:
            file.statement(r.choice(["UPDATE u SET x=x+1 WHERE x>%d", "UPDATE u SET x=3, x=%d", "REPLACE INTO t2 VALUES(%d)",
                                     "INSERT OR REPLACE INTO t2 VALUES(%d)", "INSERT OR IGNORE INTO t2 VALUES(%d)"]) % r.randint(0, 4))
            file.query("I", "rowsort", "SELECT count(*) FROM u WHERE x=%d" % r.randint(0, 5))
    return file


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=5, help="files of each family")
    parser.add_argument("--queries", type=int, default=500, help="queries of each file")
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    for name, family in (("select", select), ("index", index), ("view", view), ("delete", delete), ("random", random_file), ("evidence", evidence)):
        for number in range(arguments.files):
            r = random.Random("%s %d %d" % (name, arguments.seed, number))
            family(r, arguments.queries).save(os.path.join(arguments.folder, "%s%d.test" % (name, number)))


if __name__ == "__main__":
    main()
