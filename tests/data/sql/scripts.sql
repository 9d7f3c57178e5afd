-- Compound SELECTs, and what subqueries give once.
CREATE TABLE t(a,b COLLATE NOCASE,c)
CREATE TABLE u(x,y)
INSERT INTO t VALUES(1,'a',10),(2,'B',NULL),(3,'b',30),(NULL,NULL,NULL),(1,'A',10),(1.0,'c',5)
INSERT INTO u VALUES(1,'a'),(3,'B'),(7,'q'),(NULL,NULL),(NULL,'z')
SELECT 1 UNION SELECT 1.0
SELECT 1.0 UNION SELECT 1
SELECT 2 UNION SELECT 1 UNION ALL SELECT 0
SELECT a FROM t UNION SELECT x FROM u
SELECT a FROM t UNION ALL SELECT x FROM u
SELECT a FROM t EXCEPT SELECT x FROM u
SELECT a FROM t INTERSECT SELECT x FROM u
SELECT a,b FROM t INTERSECT SELECT x,y FROM u
SELECT a,b FROM t UNION SELECT x,y FROM u ORDER BY 2 DESC,1
SELECT a,b FROM t UNION ALL SELECT x,y FROM u ORDER BY b,a
SELECT a,b FROM t UNION ALL SELECT x,y FROM u ORDER BY y,a
SELECT a AS k,b FROM t UNION ALL SELECT x,y AS w FROM u ORDER BY w DESC,k
SELECT a+1,b FROM t UNION ALL SELECT x,y FROM u ORDER BY a+1, b COLLATE BINARY DESC
SELECT * FROM t UNION SELECT *,1 FROM u ORDER BY c, a LIMIT 3 OFFSET 1
SELECT a FROM t UNION ALL SELECT x FROM u LIMIT 3 OFFSET 4
SELECT a FROM t UNION ALL SELECT x FROM u LIMIT 0
SELECT a FROM t UNION SELECT x FROM u LIMIT 2 OFFSET 1
SELECT * FROM (SELECT a FROM t UNION SELECT x FROM u) WHERE a>1
SELECT count(*),sum(a) FROM (SELECT a FROM t UNION ALL SELECT x FROM u)
SELECT a, (SELECT max(x) FROM u WHERE x>a UNION SELECT -1 ORDER BY 1 DESC) FROM t
SELECT a FROM t WHERE a IN (SELECT x FROM u UNION SELECT 2)
SELECT a FROM t WHERE a IN (SELECT x FROM u WHERE x=t.a UNION ALL SELECT 2)
SELECT a FROM t WHERE a NOT IN (SELECT x FROM u EXCEPT SELECT NULL)
SELECT a FROM t WHERE EXISTS (SELECT x FROM u WHERE x=a UNION ALL SELECT 1 WHERE a=2)
SELECT 1,2 UNION SELECT 1
SELECT 1 UNION SELECT 2 ORDER BY 3
SELECT 1 ORDER BY 1 UNION SELECT 2
SELECT a FROM t UNION SELECT x FROM u ORDER BY zz
SELECT a FROM t LIMIT 1 UNION SELECT 2
CREATE VIEW v AS SELECT a,b FROM t UNION ALL SELECT x,y FROM u
SELECT * FROM v ORDER BY 1,2
SELECT a, count(*) FROM v GROUP BY a
SELECT b FROM v UNION SELECT b FROM v
CREATE TABLE w(p,q)
INSERT INTO w SELECT a,b FROM t UNION SELECT x,y FROM u
SELECT * FROM w
INSERT INTO w SELECT p,q FROM w UNION ALL SELECT 100,200
SELECT * FROM w
SELECT count(*) FROM t GROUP BY a UNION SELECT count(*) FROM u
SELECT DISTINCT a FROM t UNION ALL SELECT DISTINCT x FROM u
SELECT a FROM t UNION ALL SELECT b FROM t EXCEPT SELECT x FROM u
SELECT a FROM t EXCEPT SELECT x FROM u UNION ALL SELECT y FROM u UNION ALL SELECT 5
SELECT a FROM t EXCEPT SELECT x FROM u UNION ALL SELECT y FROM u INTERSECT SELECT b FROM t
SELECT a FROM t UNION SELECT 'x' ORDER BY a NULLS LAST
SELECT b FROM t UNION SELECT y FROM u
SELECT y FROM u UNION SELECT b FROM t
SELECT 'a' UNION SELECT b FROM t
SELECT t.a FROM t JOIN u ON t.a=u.x UNION SELECT 99 ORDER BY t.a
SELECT a FROM t GROUP BY 1 UNION SELECT 5
SELECT sum(a) FROM t UNION ALL SELECT avg(x) FROM u HAVING count(*)>0
SELECT 1 WHERE 0 UNION ALL SELECT 2
SELECT (SELECT 1 UNION ALL SELECT 2)
SELECT 1 AS a UNION ALL SELECT 2 ORDER BY a DESC
SELECT x FROM (SELECT 1 AS x UNION SELECT 2 UNION SELECT 3) AS s JOIN (SELECT 2 AS y UNION ALL SELECT 3) AS r ON s.x=r.y
SELECT a FROM t UNION SELECT x FROM u GROUP BY x HAVING x>1 ORDER BY 1 DESC
UPDATE w SET q=(SELECT max(q) FROM w)||'x'
SELECT * FROM w
DELETE FROM w WHERE p IN (SELECT 1 UNION SELECT 3)
SELECT * FROM w
SELECT a FROM t UNION ALL
SELECT a FROM t UNION (SELECT 1)
DROP VIEW v
DROP TABLE t
DROP TABLE u
DROP TABLE w
-- IN, aggregates, views and updates, in the manner of sqllogictest's evidence.
CREATE TABLE t1( x INTEGER, y VARCHAR(8) )
INSERT INTO t1 VALUES(1,'true')
INSERT INTO t1 VALUES(0,'false')
INSERT INTO t1 VALUES(NULL,'NULL')
CREATE INDEX t1i1 ON t1(x)
INSERT INTO t1 VALUES(2,'true')
INSERT INTO t1 VALUES(2,'true')
SELECT avg(x) FROM t1 WHERE y='null'
SELECT count(DISTINCT *) FROM t1 WHERE y='false'
SELECT x FROM t1 WHERE x NOT NULL ORDER BY x
SELECT DISTINCT x FROM t1 WHERE x NOT NULL ORDER BY x
INSERT INTO t1 VALUES(4.0,'true')
INSERT INTO t1 VALUES(1<<63,'true');
INSERT INTO t1 VALUES(1<<63,'true');
INSERT INTO t1 VALUES(-1,'true');
SELECT sum(x) FROM t1
SELECT total(x), total(DISTINCT x) FROM t1
UPDATE t1 SET x=3, x=4, x=5
SELECT count(*) FROM t1 WHERE x=5
UPDATE t1 SET z='foo'
UPDATE t1 SET x=x+2
SELECT x, count(*) FROM t1 GROUP BY x
CREATE VIEW view1 AS SELECT x FROM t1 WHERE x>0
CREATE VIEW view1 AS SELECT x FROM t1 WHERE x>0
DELETE FROM view1 WHERE x>0
INSERT INTO view1 VALUES(2,'unknown')
INSERT OR REPLACE INTO view1 VALUES(2,'unknown')
UPDATE view1 SET x=2
DROP VIEW view1
DROP VIEW view1
DROP VIEW viewX
DROP TABLE nothing
REINDEX t1i1
REINDEX tXiX
REINDEX t1
REINDEX
DROP INDEX t1i1
DROP INDEX t1i1
SELECT 1 FROM t1 WHERE 1 IN (SELECT 1,2)
SELECT 1 FROM t1 WHERE 1 IN (SELECT * FROM t1)
SELECT 1 FROM t1 WHERE 1 IN (SELECT min(x),max(x) FROM t1)
SELECT x'303132' NOT IN t1
CREATE TABLE t6n(c INTEGER)
INSERT INTO t6n VALUES(2),(3),(NULL)
SELECT 1 IN t6n, 2 IN t6n, null IN t6n, null NOT IN t6n, 6 NOT IN t6n, 'a' IN t6n, x'31' IN t6n, 2.0 IN t6n, '2' IN t6n
SELECT 1 IN (SELECT * FROM t6n), '2' IN (SELECT c FROM t6n), '2' IN (SELECT +c FROM t6n), 2 IN (SELECT '2'), '2' IN (SELECT 2)
CREATE TABLE t7n(c TEXT UNIQUE)
INSERT INTO t7n VALUES('2'),(3),(NULL)
SELECT 2 IN t7n, '3' IN t7n, 3 IN t7n, NULL IN t7n, 7 IN t7n, 2 IN (SELECT c FROM t7n), 2 IN (SELECT +c FROM t7n)
SELECT CAST ( NULL AS INTEGER ), CAST(1.9 AS INTEGER), CAST('12abc' AS REAL), - - 5, + - + 5, - ( - 3 )
SELECT COUNT ( * ), COUNT ( ALL - 21 ), SUM ( DISTINCT - 76 ), MAX ( ALL + 18 )
SELECT ALL + CAST ( NULL AS INTEGER ) / + + COUNT ( * ) * - 52 - + CAST ( NULL AS INTEGER ) AS col1
SELECT NULLIF ( - 77, + 58 + CASE WHEN NOT 40 IS NULL THEN 88 ELSE + COUNT ( * ) END ) * 32
SELECT 0 + COUNT ( * ) col1
SELECT DISTINCT * FROM t6n, t7n cor0 CROSS JOIN t6n AS cor1
SELECT t6n.c FROM t6n CROSS JOIN t7n ON t6n.c=t7n.c
SELECT + col0 FROM (SELECT c AS col0 FROM t6n) AS s GROUP BY col0 HAVING NOT NULL >= ( NULL )
CREATE TABLE r1(x INTEGER PRIMARY KEY, y VARCHAR(16))
REPLACE INTO r1 VALUES(2,'replace')
INSERT OR REPLACE INTO r1 VALUES(2,'again')
SELECT x, y FROM r1 WHERE x=2
SELECT * FROM t6n NOT INDEXED WHERE c=2
CREATE INDEX i6 ON t6n(c)
SELECT * FROM t6n INDEXED BY i6 WHERE c=2
DROP TABLE t1
-- Defaults of added columns, CHECKs beside RENAME, NOT INDEXED, LIMIT.
CREATE TABLE t1 (a TEXT)
INSERT INTO t1 VALUES('x')
ALTER TABLE t1 ADD COLUMN b VARCHAR DEFAULT 1.50
ALTER TABLE t1 ADD COLUMN c VARCHAR DEFAULT -1.50
ALTER TABLE t1 ADD COLUMN d TEXT DEFAULT 9223372036854775808
ALTER TABLE t1 ADD COLUMN e TEXT DEFAULT 12
ALTER TABLE t1 ADD COLUMN f INTEGER DEFAULT '7'
ALTER TABLE t1 ADD COLUMN g TEXT DEFAULT 5000000000
SELECT * FROM t1
CREATE INDEX i ON t1(b)
SELECT a FROM t1 WHERE b = '1.50'
INSERT INTO t1(a) VALUES('y')
SELECT * FROM t1
DROP TABLE t1
CREATE TABLE t1 (a INTEGER CHECK (a > 3), b, CHECK (a <> b))
CREATE INDEX i1 ON t1(b)
INSERT INTO t1 VALUES(5,6)
ALTER TABLE t1 RENAME TO "t 2"
SELECT name, tbl_name, sql FROM sqlite_schema
INSERT INTO "t 2" VALUES(1,2)
INSERT INTO "t 2" VALUES(10,2)
SELECT * FROM "t 2"
CREATE TABLE t1(x INTEGER, y)
CREATE INDEX i9 ON t1(x)
INSERT INTO t1 VALUES(5,1),(2,2),(9,3),(1,4)
SELECT group_concat(x) FROM t1 NOT INDEXED WHERE x > 0
SELECT group_concat(y) FROM t1 WHERE x > 0
SELECT group_concat(y) FROM t1 INDEXED BY i9 WHERE x > 0
SELECT group_concat(DISTINCT x) FROM t1 NOT INDEXED
UPDATE t1 NOT INDEXED SET y=y+1 WHERE x>2
DELETE FROM t1 NOT INDEXED WHERE x=5
SELECT * FROM t1
DROP TABLE t1
CREATE TABLE t(a INTEGER PRIMARY KEY, b)
INSERT INTO t VALUES(1,1),(2,NULL),(3,5)
SELECT a FROM t LIMIT b
SELECT a AS k FROM t LIMIT k
SELECT a FROM t LIMIT (SELECT max(a) FROM t) - 1 OFFSET 1
SELECT (SELECT b FROM t AS u LIMIT t.a) FROM t
SELECT a FROM t LIMIT 1+1
SELECT a FROM t LIMIT 1, 2
SELECT a FROM t LIMIT 1 OFFSET a
SELECT count(*) FROM t LIMIT 1
SELECT a FROM t UNION SELECT b FROM t LIMIT 2 OFFSET 1
DROP TABLE t
-- A LEFT JOIN of what a subquery sorts; a value out of a sorter.
CREATE TABLE t(a,b)
CREATE TABLE u(a,b)
INSERT INTO u VALUES(1,2)
SELECT u.a, x.a FROM u LEFT JOIN (SELECT * FROM t) AS x ON x.a=u.a
SELECT u.a, x.a FROM u LEFT JOIN (SELECT * FROM t UNION ALL SELECT * FROM t) AS x ON x.a=u.a
SELECT count(x.a), max(x.a) FROM u LEFT JOIN (SELECT * FROM t UNION SELECT * FROM t) AS x ON x.a=u.a
SELECT count(x.a), max(y.a) FROM u LEFT JOIN (SELECT * FROM t UNION SELECT * FROM t) AS x ON x.a=u.a CROSS JOIN t AS y ON u.a=y.a
SELECT count(x.a), max(y.a) FROM u LEFT JOIN (SELECT * FROM t ORDER BY 1) AS x ON x.a=u.a CROSS JOIN t AS y ON u.a=y.a
SELECT count(x.a), max(y.a) FROM u LEFT JOIN (SELECT * FROM t) AS x ON x.a=u.a CROSS JOIN t AS y ON u.a=y.a
SELECT y.a FROM u LEFT JOIN (SELECT * FROM t ORDER BY 1) AS x ON x.a=u.a CROSS JOIN t AS y ON u.a=y.a
SELECT y.a FROM u LEFT JOIN (SELECT * FROM t) AS x ON x.a=u.a CROSS JOIN t AS y ON u.a=y.a
SELECT (SELECT b FROM u ORDER BY 1 LIMIT 1), (SELECT x'41413941' UNION ALL SELECT NULL ORDER BY 1 DESC LIMIT 1), (SELECT total(a) FROM u)
-- A large integer is sought in an index of REAL as it is; the first collation written in a CASE is the collation of the whole.
CREATE TABLE sought(a REAL)
CREATE INDEX by_a ON sought(a DESC)
INSERT INTO sought VALUES('Abc'),(9223372036854775808),(5)
SELECT a FROM sought WHERE a > '9223372036854775807' ORDER BY rowid
SELECT a FROM sought WHERE a > 9223372036854775806 ORDER BY rowid
SELECT a FROM sought WHERE a = 9223372036854775807
SELECT a FROM sought WHERE a = 9223372036854775808.0
CREATE TABLE words(w)
INSERT INTO words VALUES('abc'),('Abc'),('B'),('a')
SELECT w, CASE WHEN 1 THEN w COLLATE NOCASE ELSE 1 END FROM words ORDER BY 2, rowid
SELECT w, CASE w COLLATE NOCASE WHEN 'ABC' THEN w ELSE w||'' END FROM words ORDER BY 2 DESC, rowid
SELECT w, CASE WHEN 0 THEN 1 ELSE w COLLATE NOCASE END = 'ABC' FROM words ORDER BY rowid
SELECT min(CASE WHEN 1 THEN w COLLATE NOCASE END) FROM words
-- Precedence: ESCAPE, OR in a BETWEEN, IS TRUE before an operator.
SELECT '_' LIKE '%x_' ESCAPE 'a' <= 5, 1 LIKE 2 ESCAPE 'a' < 'b', 1 LIKE NOT 'a' ESCAPE '%', 1 LIKE NOT 2 = 3 ESCAPE 'x'
SELECT 1 = 2 ESCAPE 'x'
SELECT 1 BETWEEN 2 OR 3 AND 4
SELECT 1 BETWEEN NOT 2 AND 4, 1 BETWEEN 0 = 0 AND 1 = 1, NOT 1 BETWEEN 0 AND NOT 3 AND 2
SELECT 3 IS TRUE, 3 IS TRUE + 2, 3 IS TRUE || '', 3 IS NOT TRUE < 2, 3 IS TRUE = 1, 3 IS FALSE & 1, 3 IS TRUE ISNULL, 3 IS TRUE IN (1)
-- What stands before an empty IN is not computed.
SELECT abs(-9223372036854775808) IN (), 1 + coalesce(NULL, abs(-9223372036854775808)) IN (), CASE 1 WHEN 1 THEN abs(-9223372036854775808) END NOT IN ()
SELECT 7, (SELECT abs(-9223372036854775808)) IN (), iif(1, abs(-9223372036854775808), 2) NOT IN ()
-- A member of a column of REAL is one.
CREATE TABLE member(x REAL, i INTEGER, t TEXT, n)
INSERT INTO member VALUES(9223372036854775807, 9223372036854775807, 9223372036854775807, 9223372036854775807),(9007199254740993,9007199254740993,9007199254740993,9007199254740993)
SELECT '9223372036854775807' IN (SELECT x FROM member), 9223372036854775806 IN (SELECT x FROM member), n IN (SELECT x FROM member), i IN (SELECT x FROM member), t IN (SELECT x FROM member) FROM member
SELECT x IN (SELECT n FROM member), x IN (SELECT i FROM member), x IN (SELECT +i FROM member), x IN (SELECT 9223372036854775806) FROM member
SELECT x IN (SELECT i+0 FROM member AS q WHERE q.rowid = member.rowid), i+0 IN (SELECT x FROM member AS q WHERE q.rowid=member.rowid) FROM member
-- How many rows a statement changed that failed.
CREATE TABLE failed(a UNIQUE, b)
INSERT INTO failed VALUES(1,1),(2,2),(3,3)
INSERT INTO failed VALUES(5,1),(1,2)
SELECT changes(), total_changes()
INSERT OR FAIL INTO failed VALUES(7,1),(8,1),(1,2)
SELECT changes(), total_changes()
INSERT INTO failed VALUES(11),(1,2)
SELECT changes(), total_changes()
BEGIN
UPDATE failed SET a=1
SELECT changes(), total_changes()
INSERT OR ROLLBACK INTO failed VALUES(16,1),(1,2)
SELECT changes(), total_changes()
-- REPLACE puts the whole default in the place of NULL.
CREATE TABLE computed(a, b NOT NULL DEFAULT (5+1), c NOT NULL DEFAULT abc, d NOT NULL DEFAULT true, e NOT NULL DEFAULT (-(-3)))
REPLACE INTO computed VALUES(1,NULL,NULL,NULL,NULL)
INSERT INTO computed VALUES(1,1,1,1,1)
UPDATE OR REPLACE computed SET b = NULL, e = NULL
SELECT * FROM computed
-- Conflicts: the newest index is asked first, those that replace last, and so is a rowid that replaces.
CREATE TABLE k(a INTEGER PRIMARY KEY ON CONFLICT REPLACE, b UNIQUE ON CONFLICT IGNORE, c UNIQUE)
INSERT INTO k VALUES(1,1,1),(2,2,2)
INSERT INTO k VALUES(1,2,5)
INSERT INTO k VALUES(1,5,2)
INSERT INTO k VALUES(1,7,7)
SELECT * FROM k
CREATE TABLE m(a INTEGER PRIMARY KEY ON CONFLICT IGNORE NOT NULL, b UNIQUE ON CONFLICT REPLACE, c UNIQUE ON CONFLICT FAIL)
INSERT INTO m VALUES(1,1,1),(2,2,2)
INSERT INTO m VALUES(5,2,1)
INSERT INTO m VALUES(1,2,1)
INSERT INTO m VALUES(6,2,8),(1,1,1),(7,7,1)
SELECT * FROM m
PRAGMA table_info(m)
CREATE TABLE n(a INTEGER, b, PRIMARY KEY(a) ON CONFLICT FAIL)
INSERT INTO n VALUES(1,1),(2,1),(1,1),(4,4)
SELECT * FROM n
CREATE TABLE o(a UNIQUE ON CONFLICT IGNORE, b)
CREATE UNIQUE INDEX newer ON o(a)
INSERT INTO o VALUES(1,1)
INSERT INTO o VALUES(1,2)
-- A subquery of many columns with long names in a FROM.
CREATE TABLE wide(aaaaaaaa, bbbbbbbb, cccccccc, dddddddd, eeeeeeee, ffffffff, gggggggg, hhhhhhhh, iiiiiiii, jjjjjjjj, kkkkkkkk)
INSERT INTO wide VALUES(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
SELECT count(*), sum(x.kkkkkkkk) FROM (SELECT * FROM wide) AS x, (SELECT * FROM wide) AS y
CREATE VIEW wider AS SELECT *, 12 AS twelve FROM wide
SELECT kkkkkkkk, twelve FROM (SELECT 1), wider WHERE aaaaaaaa = 1
-- The escape of a LIKE is looked at though there is NULL.
SELECT NULL LIKE 'a' ESCAPE 'bc'
SELECT 'a' LIKE NULL ESCAPE '', 1
SELECT NULL LIKE 'a' ESCAPE NULL, 'a' LIKE NULL ESCAPE 'x', like(NULL, 'a', 'x')
-- Behind the row of NULLs that stands for a subquery, its loops do not go on.
CREATE TABLE empty(a, b)
CREATE TABLE full(a, b)
INSERT INTO full VALUES(1, 1)
SELECT 1, 2 UNION ALL SELECT 1, x FROM full LEFT JOIN (SELECT y.b AS x FROM (SELECT * FROM full WHERE 0) LEFT JOIN full AS y)
SELECT 1 UNION ALL SELECT 1 FROM full LEFT JOIN (SELECT 1 FROM (SELECT * FROM empty) x0 LEFT JOIN full JOIN full x2 ON x0.b = x2.a)
SELECT count(*) FROM full LEFT JOIN (SELECT 1 FROM empty CROSS JOIN full) LEFT JOIN full
-- What UPDATE gathers it visits by rowid.
CREATE TABLE visited(e, a, d REAL UNIQUE)
INSERT INTO visited VALUES (1, '%', 'abc '), (2, 9, x'413939'), (3, 'x', NULL), (4, 4.0, 'xy'), (5, 'b', 5)
UPDATE OR REPLACE visited SET d = 0, e = 1 WHERE d >= 0
SELECT rowid, * FROM visited
CREATE TABLE declared(c UNIQUE ON CONFLICT REPLACE, d)
INSERT INTO declared VALUES (100, 1), (6, 2)
UPDATE declared SET c = 2 WHERE c >= 2
SELECT rowid, * FROM declared
-- A BETWEEN in a BETWEEN, as a term of ON and WHERE.
SELECT y.d FROM visited AS x JOIN visited AS y ON x.e NOT BETWEEN 1 BETWEEN 1 AND 1 AND NULL WHERE x.e < 1 OR x.e > 0
SELECT x.e, y.e FROM visited AS x JOIN visited AS y ON x.e NOT BETWEEN 3 BETWEEN 1 AND 1 AND NULL WHERE x.e >= 3 BETWEEN 1 BETWEEN 0 AND 5 AND NULL
ALTER TABLE visited ADD COLUMN f DEFAULT x'01ff'
SELECT f, typeof(f) FROM visited
-- Nor what stands before an empty IN in a group.
CREATE TABLE grouped(a, b, c DOUBLE)
INSERT INTO grouped VALUES(1,2,3),(4,5,6),(1,7,8)
SELECT c IN () + 0, iif(a,c,c), sum(b) FROM grouped GROUP BY c IN () + 0, iif(a,c,c)
SELECT c IN (), a, b IN () OR c, sum(b) IN (), max(c) FROM grouped GROUP BY a
-- Temporary views are not in sqlite_schema.
CREATE TABLE lasting(x, y)
INSERT INTO lasting VALUES(1, 2)
CREATE TEMP VIEW passing AS SELECT x FROM lasting WHERE x > 0
CREATE TEMPORARY VIEW IF NOT EXISTS passing2 AS SELECT y FROM lasting
SELECT * FROM passing, passing2
SELECT name FROM sqlite_schema WHERE name LIKE 'passing%'
CREATE TEMP VIEW passing AS SELECT 1
DROP VIEW passing
SELECT * FROM passing
BEGIN
CREATE TEMP VIEW undone AS SELECT 4
ROLLBACK
SELECT * FROM undone
SELECT * FROM passing2
SELECT 3 IS TRUE COLLATE NOCASE, 3 IS TRUE COLLATE NOCASE < 2, 3 IS NOT FALSE COLLATE BINARY COLLATE RTRIM + 1, 3 IS TRUE COLLATE NOCASE = 1
-- What stands behind a clause and belongs to none.
CREATE TABLE strict(a INT, b TEXT)
INSERT INTO strict VALUES(2, 'x'), (1, 'y'), (3, 'x')
DELETE FROM strict t
DELETE FROM strict WHERE a = 1 b
DELETE FROM strict WHERE a = 1, b
DELETE FROM strict WHERE a = 1 FROM strict
UPDATE strict t SET a = 1
SELECT * FROM strict
SELECT a FROM strict t u
SELECT a FROM strict 't' WHERE t.a = 1
SELECT a FROM strict OFFSET 1
SELECT a FROM strict ON a = 1
SELECT a FROM strict WHERE a = 1 b
SELECT a FROM strict WHERE a = 1, b
SELECT a FROM strict WHERE a = 1 JOIN strict
SELECT t.a FROM strict t JOIN strict u ON t.a = u.a b
SELECT t.a FROM strict t LEFT JOIN strict u ON t.a = u.a b
SELECT a FROM strict GROUP BY a b
SELECT a FROM strict GROUP BY a HAVING a > 1 b
SELECT a FROM strict UNION SELECT 1 ORDER BY 1 FROM
CREATE TABLE checked2(a CHECK(a > 1 b))
-- Numbers with a sign in ORDER BY and GROUP BY; aggregates there alone.
SELECT a FROM strict ORDER BY +1
SELECT a FROM strict ORDER BY -1
SELECT a FROM strict ORDER BY 2
SELECT b, count(*) FROM strict GROUP BY + 1
SELECT b FROM strict GROUP BY -1
SELECT a FROM strict UNION SELECT 9 ORDER BY +1 DESC
SELECT a FROM strict UNION SELECT 9 ORDER BY -1
SELECT a FROM strict ORDER BY count(*)
SELECT a FROM strict HAVING count(*) > 1
SELECT abs(DISTINCT a), max(ALL a, 2) FROM strict
-- Behind a match, an item of IN is not computed.
SELECT 5 IN (5, abs(-9223372036854775808))
SELECT 6 IN (5, abs(-9223372036854775808))
-- Of equal rows EXCEPT keeps the last, DISTINCT or not.
CREATE TABLE cases(b TEXT)
INSERT INTO cases VALUES('Abc'), ('abc'), ('ABC'), (NULL), (NULL)
SELECT DISTINCT b COLLATE NOCASE FROM cases EXCEPT SELECT 'q'
SELECT DISTINCT b FROM cases UNION ALL SELECT b FROM cases
-- A default is constant, and rows older than their column have it in an index too.
CREATE TABLE constant1(a DEFAULT (b), b)
CREATE TABLE constant2(a DEFAULT (1 + (SELECT 1)))
CREATE TABLE constant3(a DEFAULT (?))
CREATE TABLE constant4(a DEFAULT (CAST('5' AS DECIMAL(10) )), b DEFAULT ('a' COLLATE NOCASE), c DEFAULT (TRUE), d DEFAULT (abs(-5) + 1))
INSERT INTO constant4 DEFAULT VALUES
SELECT * FROM constant4
CREATE TABLE older(a INTEGER PRIMARY KEY)
INSERT INTO older VALUES(1), (2)
ALTER TABLE older ADD COLUMN b TEXT DEFAULT 4611686018427387904
ALTER TABLE older ADD COLUMN c TEXT DEFAULT -15
ALTER TABLE older ADD COLUMN d INT DEFAULT - 5
ALTER TABLE older ADD COLUMN e DEFAULT TRUE
CREATE INDEX older_b ON older(b)
CREATE INDEX older_c ON older(c)
CREATE INDEX older_d ON older(d)
CREATE INDEX older_e ON older(e)
INSERT INTO older(a) VALUES(3)
SELECT a, b, typeof(b) FROM older WHERE b = '4611686018427387904'
SELECT a, c, typeof(c) FROM older WHERE c = '-15'
SELECT a, d FROM older WHERE d = -5
SELECT a, e, typeof(e) FROM older WHERE e = 1
CREATE TABLE whole(a INTEGER PRIMARY KEY)
INSERT INTO whole VALUES(1), (-5)
ALTER TABLE whole ADD COLUMN b DEFAULT 2.0
ALTER TABLE whole ADD COLUMN c BLOB DEFAULT -3e2
ALTER TABLE whole ADD COLUMN d DEFAULT +4.0
ALTER TABLE whole ADD COLUMN e DEFAULT (-0.0)
ALTER TABLE whole ADD COLUMN f DEFAULT '5.0'
ALTER TABLE whole ADD COLUMN g DEFAULT 6.5
INSERT INTO whole(a) VALUES(7)
CREATE INDEX whole_b ON whole(b)
SELECT * FROM whole
SELECT b FROM whole WHERE b = 2
SELECT b, count(*) FROM whole GROUP BY typeof(b)
UPDATE whole SET g = a
SELECT * FROM whole
INSERT INTO whole(a) VALUES(-9223372036854775808), (9223372036854775807)
SELECT a FROM whole WHERE a > -9.22337203685478e18
SELECT a FROM whole WHERE a > '-9223372036854780000'
SELECT a FROM whole WHERE a > -9223372036854775808.0
SELECT a FROM whole WHERE a >= -9223372036854775808.0
SELECT a FROM whole WHERE a <= -9223372036854775808.0
SELECT a FROM whole WHERE a < -9.22337203685478e18
SELECT a FROM whole WHERE a >= 9223372036854775808.0
SELECT a FROM whole WHERE a < 9223372036854775808.0
SELECT f, typeof(f) FROM visited WHERE f = x'01ff'
SELECT ifnull(1, 2, 3)
SELECT ifnull(NULL, 2), coalesce(NULL, NULL, 3), iif(0, 1, 2)
SELECT count(* a) FROM strict
CREATE TABLE constant5(a DEFAULT (1 2))
CREATE TABLE constant6(a DEFAULT (-))
-- The ON of a LEFT JOIN names no table to its right; that of another join may.
SELECT x.a, y.a FROM strict x LEFT JOIN strict y ON x.a = z.a JOIN strict z ON z.a = 1
SELECT x.a, y.a, z.a FROM strict x JOIN strict y ON x.a = z.a JOIN strict z ON z.a = y.a ORDER BY 1
SELECT x.a, y.a, z.a FROM strict x JOIN (SELECT a FROM strict) y ON x.a = y.a LEFT JOIN strict z ON z.a = y.a AND y.a > 1 ORDER BY 1
-- A list of one is an `=`; a default that is NULL counts behind the other columns.
SELECT b IN ('X' COLLATE NOCASE), b IN ('X' COLLATE NOCASE, 'q'), b NOT IN ('X' COLLATE NOCASE), a IN (+1), a IN ('1') FROM strict
CREATE TABLE nulls(a NOT NULL ON CONFLICT REPLACE DEFAULT (NULL + 1), b NOT NULL ON CONFLICT IGNORE, c NOT NULL ON CONFLICT REPLACE DEFAULT 5)
INSERT INTO nulls VALUES(NULL, NULL, NULL)
INSERT INTO nulls VALUES(NULL, 1, NULL)
INSERT INTO nulls VALUES(1, 1, NULL)
INSERT OR REPLACE INTO nulls VALUES(NULL, 1, NULL)
SELECT * FROM nulls
PRAGMA user_version = 99999999999
PRAGMA user_version
-- Names of columns of subqueries and views: no two the same, and as they are written.
SELECT * FROM (SELECT a, b AS a, A FROM strict) ORDER BY 1
SELECT "a:1" FROM (SELECT a, a FROM strict) ORDER BY 1
SELECT * FROM (SELECT x.*, y.* FROM strict x JOIN strict y ON x.a = y.a) ORDER BY 1
CREATE VIEW twice AS SELECT A, a, a + 1 FROM strict
SELECT * FROM twice ORDER BY 1
SELECT v."a:1", A FROM twice v ORDER BY 1
-- A number means a result column behind signs and in parentheses too; not one of more than 31 bits.
CREATE TABLE numbered(a INTEGER PRIMARY KEY, b INT)
INSERT INTO numbered VALUES(1, 5), (2, 3), (3, 5), (4, NULL)
SELECT a, b FROM numbered ORDER BY (2), ((1)) DESC
SELECT a, b FROM numbered ORDER BY -(-2) DESC, +(1)
SELECT a, b FROM numbered ORDER BY 2, - - 1
SELECT a, b FROM numbered ORDER BY 99999999999, 1 + 1, ~2, 2.0, a
SELECT a, b FROM numbered ORDER BY (-1)
SELECT a, b FROM numbered ORDER BY ((3))
SELECT b, count(*) FROM numbered GROUP BY (1) ORDER BY ((2)), (1)
SELECT b, count(*) FROM numbered GROUP BY -(-2)
SELECT b AS z FROM numbered UNION SELECT a FROM numbered ORDER BY (z) DESC
SELECT b FROM numbered EXCEPT SELECT 3 ORDER BY -(-1)
SELECT a FROM numbered WHERE b IN (SELECT b FROM numbered ORDER BY (1) LIMIT 2)
-- The words of joins, and INDEXED, are aliases behind AS alone.
SELECT a LEFT FROM numbered
SELECT a OUTER FROM numbered
SELECT a INDEXED FROM numbered
SELECT a FROM numbered FULL
SELECT left.a AS outer FROM numbered AS left WHERE left.a = 1 ORDER BY outer
-- What is there already must be a statement, too, but nothing more.
CREATE INDEX numbered_b ON numbered(b)
CREATE TABLE IF NOT EXISTS numbered(a, a CHECK (nosuch > 1), PRIMARY KEY (c))
CREATE TABLE IF NOT EXISTS numbered(a CHECK (a +))
CREATE TABLE IF NOT EXISTS numbered(a
CREATE TABLE IF NOT EXISTS numbered AS SELECT 1
CREATE TABLE IF NOT EXISTS numbered_b(a)
CREATE INDEX IF NOT EXISTS numbered_b ON numbered(nosuch)
CREATE INDEX IF NOT EXISTS numbered_b ON nosuch(b)
CREATE INDEX IF NOT EXISTS numbered_b ON numbered
CREATE INDEX IF NOT EXISTS numbered ON numbered(b)
CREATE VIEW IF NOT EXISTS numbered AS SELECT nosuch
CREATE VIEW IF NOT EXISTS numbered AS SELECT 1 1
CREATE VIEW IF NOT EXISTS numbered_b AS SELECT 1
-- The SELECT of a view must be one; what it names is looked for when it is used.
CREATE VIEW unparsed AS SELECT a FROM numbered WHERE
CREATE VIEW unparsed AS SELECT a b c FROM numbered
CREATE VIEW unparsed AS SELECT a FROM numbered WHERE b IN (SELECT 1 WHERE)
CREATE VIEW unparsed AS SELECT nosuch(a) FROM numbered GROUP BY 5
SELECT * FROM unparsed
CREATE VIEW unparsed2 AS SELECT a FROM nosuch
-- Parentheses around the first tables of a FROM.
SELECT * FROM ( numbered AS x CROSS JOIN numbered y ) WHERE x.a > y.a ORDER BY 1, 3
SELECT - MIN ( x.a ) AS col0, COUNT ( * ) FROM ( numbered AS x CROSS JOIN numbered )
SELECT x.a, y.a, z.a FROM ((numbered x LEFT JOIN numbered y ON (y.a = x.a + 2)) JOIN numbered z ON z.a = y.a), (SELECT 1) ORDER BY 1
SELECT y.a FROM (numbered x) y WHERE y.a IN (SELECT z.a FROM ((numbered z))) ORDER BY 1
SELECT x.a FROM (numbered x) y
SELECT * FROM (((SELECT a FROM numbered)) AS x, numbered y) ORDER BY x.a, y.a LIMIT 2
SELECT 1 FROM (numbered x CROSS JOIN numbered y
SELECT 1 FROM (numbered x CROSS JOIN numbered y))
SELECT 1 FROM ()
INSERT INTO numbered SELECT x.a + 10, y.a FROM (numbered x CROSS JOIN numbered y) WHERE x.a = y.a
SELECT count(*), sum(a) FROM (numbered)
-- A column may be NOT NULL without a default while no row lacks it.
CREATE TABLE norows(a)
INSERT INTO norows VALUES(1)
ALTER TABLE norows ADD b NOT NULL
DELETE FROM norows
ALTER TABLE norows ADD b NOT NULL
INSERT INTO norows VALUES(1, NULL)
INSERT INTO norows VALUES(1, 2)
SELECT * FROM norows
-- Under NOCASE, only the length counts behind a NUL.
CREATE TABLE nul(x TEXT COLLATE NOCASE, y TEXT)
INSERT INTO nul VALUES('a' || char(0) || 'B', '1'), ('A' || char(0) || 'c', '2'), ('a' || char(0) || 'bc', '3'), ('A', '4'), ('a' || char(1), '5')
SELECT group_concat(y) FROM nul GROUP BY x
SELECT a.y, b.y, a.x = b.x, a.x < b.x FROM nul AS a, nul AS b ORDER BY 1, 2
CREATE INDEX nul_x ON nul(x DESC)
SELECT y FROM nul WHERE x = 'a' || char(0) || 'z' ORDER BY 1
SELECT y FROM nul WHERE x > 'A' || char(0) ORDER BY x, y
CREATE UNIQUE INDEX nul_u ON nul(x)
-- What an index is named for changes no answer.
UPDATE nul INDEXED BY nul_x SET y = 'six' WHERE x = 'a'
UPDATE nul AS n NOT INDEXED SET y = 'seven' WHERE x = 'a' || char(1)
DELETE FROM nul INDEXED BY nul_x WHERE y = '3'
DELETE FROM nul INDEXED BY nosuch WHERE y = '3'
UPDATE nul INDEXED BY numbered_b SET y = 1
SELECT y FROM nul ORDER BY y
REINDEX main.nul
REINDEX main.nul_x
REINDEX main.nosuch
-- Defaults of added columns that are not kept as they are written.
ALTER TABLE nul ADD COLUMN hex TEXT DEFAULT 0x1F
ALTER TABLE nul ADD minus TEXT DEFAULT - 5.50
ALTER TABLE nul ADD zeros TEXT DEFAULT 007
ALTER TABLE nul ADD negative TEXT DEFAULT -0x1F
ALTER TABLE nul ADD double DEFAULT "abc"
ALTER TABLE nul ADD inside INT DEFAULT (12)
ALTER TABLE nul ADD text_inside TEXT DEFAULT ( 'q' )
ALTER TABLE nul ADD nothing DEFAULT (NULL)
ALTER TABLE nul ADD computed DEFAULT (1+1)
ALTER TABLE nul ADD late NOT NULL DEFAULT (NULL)
INSERT INTO nul(y) VALUES('new')
SELECT y, quote(hex), quote(minus), quote(zeros), quote(negative), quote(double), quote(inside), quote(text_inside) FROM nul ORDER BY y
UPDATE nul SET hex = hex || minus WHERE y > 'new'
SELECT y, hex FROM nul WHERE hex >= '31' ORDER BY y
-- The columns of UNION and its like have the affinity of the first SELECT: beside other sources their values take it.
CREATE TABLE first(a REAL, b TEXT, c INTEGER, d NUMERIC)
CREATE TABLE second(a, b, c, d)
INSERT INTO first VALUES(1, 2, '3', '4.5')
INSERT INTO second VALUES('5', 4, '6', '7.5'), (9, x'31', 2.0, 'x'), (9223372036854775807, 1e20, 1e30, '1e2')
CREATE VIEW united AS SELECT * FROM first UNION ALL SELECT * FROM second
SELECT * FROM united ORDER BY 1, 2
SELECT v.* FROM united AS v, (SELECT 1) ORDER BY 1, 2
SELECT v.* FROM (SELECT 1) LEFT JOIN united AS v ORDER BY 1, 2
SELECT v.* FROM united AS v LEFT JOIN (SELECT 1) ORDER BY 1, 2
SELECT typeof(a), a, sum(c), max(b) FROM united GROUP BY a
SELECT a, c FROM (SELECT a, b, c FROM first EXCEPT SELECT 1, 2, 3 UNION SELECT 7, 8, 9)
SELECT v.* FROM (SELECT * FROM united) AS v, (SELECT 1) ORDER BY 1, 2
SELECT x.b, typeof(x.b) FROM (SELECT b FROM first UNION SELECT c FROM second) AS x JOIN (SELECT '6' AS z) ON x.b = z
