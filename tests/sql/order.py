"""Random scripts about the order in which rows are read: tables of any width with indexes, and SELECTs of one table without
ORDER BY, or with one that leaves equal rows, whose answers are compared in the order of their rows.
"""

TYPES = ["", "INTEGER", "INT", "REAL", "TEXT", "VARCHAR(8)", "VARCHAR(100)", "CHAR(40)", "BLOB", "NUMERIC", "DECIMAL(10,5)"]


class Generator:
    def __init__(self, random):
        self.r = random

    def value(self, type_=""):
        r = self.r
        pick = r.random()
        if pick < 0.12:
            return "NULL"
        if "CHAR" in type_ or type_ == "TEXT" or pick > 0.93:
            return "'%s'" % "".join(r.choice("abcd") for _ in range(r.randint(0, 3)))
        if type_ == "REAL" or pick > 0.85:
            return "%.2f" % r.uniform(-20, 20)
        return str(r.randint(-9, 9))

    def script(self):
        r = self.r
        names = "abcdefgh"[:r.choice([1, 2, 2, 3, 3, 4, 5, 8])]
        self.columns = [(name, r.choice(TYPES)) for name in names]
        key = r.random()
        shape = []
        for at, (name, type_) in enumerate(self.columns):
            extra = ""
            if at == 0 and key < 0.35:
                type_, extra = "INTEGER", " PRIMARY KEY"
                self.columns[0] = (name, type_)
            elif r.random() < 0.08:
                extra = r.choice([" UNIQUE", " NOT NULL", " COLLATE NOCASE"])
            shape.append("%s %s%s" % (name, type_, extra))
        if r.random() < 0.08 and len(names) > 1:
            shape.append("UNIQUE(%s)" % ",".join(r.sample(names[1:], r.randint(1, min(2, len(names) - 1)))))
        steps = [("sql", "CREATE TABLE t(%s)" % ", ".join(shape), ())]
        inserts = []
        for _ in range(r.randint(3, 14)):
            inserts.append(("sql", "INSERT OR IGNORE INTO t VALUES(%s)" % ",".join(self.value(t) for _, t in self.columns), ()))
        cut = r.randint(0, len(inserts))
        steps += inserts[:cut]
        for at in range(r.choice([1, 1, 1, 2, 3])):
            parts = ["%s%s" % (name, r.choice(["", "", "", " DESC"])) for name in r.sample(names, min(len(names), r.choice([1, 1, 1, 2, 3])))]
            steps.append(("sql", "CREATE %sINDEX i%d ON t(%s)" % (r.choice(["", "", "", "", "UNIQUE "]), at, ",".join(parts)), ()))
        steps += inserts[cut:]
        for _ in range(r.randint(4, 12)):
            steps.append(("exact", self.query(), ()))
        return steps

    def column(self):
        return self.r.choice(self.columns)[0]

    def query(self):
        """What depends on the order in which rows are read; its WHERE helps no index to find them."""
        r = self.r
        few = [self.column() for _ in range(r.choice([1, 1, 1, 2, 3]))]
        pick = r.random()
        if pick < 0.5:
            what = ", ".join(few + r.choice([[], [], [], ["rowid"], ["1"], ["length(%s)" % few[0]]]))
        elif pick < 0.9:
            what = "%s(%s%s)" % (r.choice(["group_concat", "group_concat", "sum", "total", "avg"]), r.choice(["", "", "DISTINCT "]), few[0])
            what += r.choice(["", "", ", count(*)", ", " + self.column(), ", group_concat(%s, '-')" % self.column()])
        elif pick < 0.95:
            what = "*"
        else:
            what = "EXISTS(SELECT %s FROM t), %s" % (few[0], few[0])
        sql = "SELECT %s FROM t" % what
        if r.random() < 0.3:
            name, type_ = r.choice(self.columns)
            sql += " WHERE " + r.choice(["%s + 0 < %s", "%s <> %s", "-%s > %s", "coalesce(%s, 0) = %s"]) % (name, self.value(type_))
        if pick < 0.5 and r.random() < 0.4:
            terms = [self.column() + r.choice(["", " DESC", " DESC"]) for _ in range(r.choice([1, 1, 2]))]
            sql += " ORDER BY " + ", ".join(terms)
        return sql + (" LIMIT %d" % r.randint(1, 4) if r.random() < 0.2 else "")
