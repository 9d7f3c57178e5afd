-- In what order rows are read where nothing says it: of an index that has all that is asked, if it is narrower than the table.
CREATE TABLE t(x INTEGER, y VARCHAR(8))
INSERT INTO t VALUES(1, 'true'), (0, 'false'), (NULL, 'NULL'), (2, 'true'), (2, 'true'), (4.5, 'x')
CREATE INDEX t_x ON t(x)
SELECT x FROM t
SELECT rowid, x FROM t LIMIT 3
SELECT rowid FROM t
SELECT group_concat(x), group_concat(DISTINCT x), group_concat(x, ':') FROM t
SELECT group_concat(x) FROM t NOT INDEXED
SELECT group_concat(x) FROM t WHERE x + 0 <> 1
SELECT x FROM t WHERE y <> 'x'
SELECT group_concat(y) FROM t
SELECT x, x AS y FROM t
SELECT DISTINCT x FROM t
SELECT (SELECT group_concat(x) FROM t AS u WHERE u.x >= 0), x FROM t AS v
SELECT group_concat(x) FROM (SELECT x FROM t)
SELECT v.x, w.x FROM t AS v CROSS JOIN t AS w WHERE w.x = v.x
INSERT INTO t VALUES(1 << 63, 'y'), (1 << 63, 'y'), (-1, 'y')
SELECT sum(DISTINCT x) FROM t WHERE typeof(x) = 'integer'
SELECT sum(DISTINCT x) FROM t NOT INDEXED WHERE typeof(x) = 'integer'
SELECT total(DISTINCT x) FROM t
CREATE INDEX t_down ON t(x DESC)
SELECT x FROM t
DROP INDEX t_down
CREATE INDEX t_yx ON t(y, x)
SELECT y FROM t
SELECT DISTINCT y FROM t
SELECT DISTINCT y, x FROM t LIMIT 2
-- What a key does not tell is read from the row.
CREATE TABLE values_(id INTEGER PRIMARY KEY, any, word TEXT, folded TEXT COLLATE NOCASE, r REAL, long VARCHAR(100))
INSERT INTO values_ VALUES(1, 1.0, 'b' || char(1), 'B', 1, 'z'), (2, 1, 'a', 'a', -0.0, NULL), (3, x'00ff', '', 'b', 1e300, 'y'), (4, 9007199254740993, NULL, 'A', 0.1, '')
CREATE INDEX values_any ON values_(any DESC)
SELECT any, typeof(any), id FROM values_
CREATE INDEX values_word ON values_(word DESC)
SELECT quote(word), length(word) FROM values_
CREATE INDEX values_folded ON values_(folded)
SELECT folded, id FROM values_
CREATE INDEX values_r ON values_(r DESC)
SELECT r, typeof(r) FROM values_
UPDATE values_ SET word = printf('%d%0200d', 7 - id, 0) WHERE id > 2
SELECT word FROM values_
ALTER TABLE values_ ADD late INT DEFAULT 7
INSERT INTO values_(id, late) VALUES(5, 3)
CREATE INDEX values_late ON values_(late, r)
SELECT late, r FROM values_
-- One that is as wide is not read.
CREATE TABLE narrow(a INTEGER PRIMARY KEY, b INTEGER)
INSERT INTO narrow VALUES(1, 3), (2, 1), (3, 2)
CREATE INDEX narrow_b ON narrow(b)
SELECT b FROM narrow
SELECT DISTINCT b FROM narrow
SELECT DISTINCT b, a FROM narrow
-- Rows that are equal in ORDER BY come in the order of the index that has it, or in its reverse.
CREATE TABLE ties(a INT, b INT, c TEXT, d TEXT)
INSERT INTO ties VALUES(1, 5, 'x', 'p'), (1, 4, 'y', 'q'), (2, 3, 'x', 'r'), (1, 5, 'z', 's'), (2, 1, 'y', 't'), (NULL, 1, 'w', 'u'), (NULL, 2, 'v', 'v')
SELECT * FROM ties ORDER BY a DESC
CREATE INDEX ties_a ON ties(a)
SELECT * FROM ties ORDER BY a
SELECT * FROM ties ORDER BY a DESC
SELECT c FROM ties ORDER BY a DESC LIMIT 3
SELECT a, c FROM ties ORDER BY 1 DESC, b + 0
SELECT c FROM ties NOT INDEXED ORDER BY a DESC
SELECT c FROM ties WHERE a >= 1 ORDER BY a DESC
SELECT c FROM ties WHERE a = 1 ORDER BY a DESC
DROP INDEX ties_a
CREATE INDEX ties_ba ON ties(b DESC, a)
SELECT c FROM ties ORDER BY b
SELECT c FROM ties ORDER BY b DESC
SELECT c FROM ties ORDER BY b DESC, a
SELECT c FROM ties ORDER BY b, a
SELECT c FROM ties WHERE b = 5 ORDER BY a DESC
SELECT b, a FROM ties ORDER BY b
SELECT b, group_concat(c) FROM (SELECT b, c FROM ties ORDER BY b) GROUP BY b
