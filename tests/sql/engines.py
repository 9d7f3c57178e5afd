"""Two engines that answer alike: `larder sql --protocol`, and the SQLite that Python was built with.

run(sql, parameters) gives ("rows", names, rows), ("ok", changes, lastrowid) or ("error", code, message). Values are
None, int, float, str and bytes; text that is not UTF-8 is a Text of bytes.
"""

import os
import sqlite3
import subprocess

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Text(bytes):
    """Text whose bytes are no UTF-8."""

    def __repr__(self):
        return "Text" + super().__repr__()

    def __eq__(self, other):
        return isinstance(other, Text) and bytes(self) == bytes(other)

    __hash__ = bytes.__hash__


def text_of(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        return Text(data)


def escape(text):
    return "".join(_ESCAPES.get(c, c) for c in text)


def unescape(data):
    out, at = bytearray(), 0
    while at < len(data):
        if data[at] == 0x5C:
            out += {0x5C: b"\\", 0x6E: b"\n", 0x72: b"\r", 0x74: b"\t"}[data[at + 1]]
            at += 2
        else:
            out.append(data[at])
            at += 1
    return bytes(out)


def encode(value):
    if value is None:
        return "n"
    if isinstance(value, int):
        return "i%d" % value
    if isinstance(value, float):
        return "f" + repr(value)
    if isinstance(value, bytes):
        return "b" + value.hex()
    return "t" + escape(value)


def decode(field):
    kind, rest = field[:1], field[1:]
    if kind == b"n":
        return None
    if kind == b"i":
        return int(rest)
    if kind == b"f":
        return float(rest)
    if kind == b"b":
        return bytes.fromhex(rest.decode())
    if kind == b"t":
        return text_of(unescape(rest))
    raise ValueError("not a value: %r" % field)


class Larder:
    """The host tool, in a process of its own."""

    def __init__(self, tool):
        self.process = subprocess.Popen([tool, "sql", "--protocol"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _ask(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        names, rows = None, []
        while True:
            reply = self.process.stdout.readline()
            if not reply:
                raise RuntimeError("larder ended (%s) at: %s" % (self.process.wait(), line))
            fields = reply[:-1].split(b"\t")
            if fields[0] == b"cols":
                names = [text_of(unescape(name)) for name in fields[1:]]
            elif fields[0] == b"row":
                rows.append(tuple(decode(field) for field in fields[1:]))
            elif fields[0] == b"error":
                return "error", fields[1].decode(), unescape(fields[2]).decode()
            elif fields[0] == b"ok":
                if names is not None:
                    return "rows", names, rows
                return "ok", int(fields[1]), int(fields[2])
            else:
                raise RuntimeError("not a reply: %r" % reply)

    def run(self, sql, parameters=()):
        if isinstance(parameters, dict):
            self._ask(".named " + "\t".join("%s=%s" % (name, encode(value)) for name, value in parameters.items()))
        elif parameters:
            self._ask(".bind " + "\t".join(map(encode, parameters)))
        return self._ask(escape(sql))

    def reset(self):
        self._ask(".reset")

    def reopen(self):
        self._ask(".reopen")

    def close(self):
        if self.process.poll() is None:
            self._ask(".quit")
            self.process.wait()


class SQLite:
    """Python's sqlite3 on a file, so that it can be closed and opened."""

    def __init__(self, path):
        self.path, self.connection = path, None
        self.reset()

    def _open(self):
        self.connection = sqlite3.connect(self.path, isolation_level=None)
        self.connection.text_factory = text_of
        self.connection.execute("PRAGMA synchronous=OFF")

    def run(self, sql, parameters=()):
        try:
            cursor = self.connection.execute(sql, parameters)
            rows = cursor.fetchall()
        except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError) as error:
            return "error", type(error).__name__, str(error)
        if cursor.description is not None:
            return "rows", [column[0] for column in cursor.description], rows
        changes, rowid = self.connection.execute("SELECT changes(), last_insert_rowid()").fetchone()
        return "ok", changes, rowid

    def reset(self):
        self.close()
        for suffix in ("", "-journal"):
            if os.path.exists(self.path + suffix):
                os.remove(self.path + suffix)
        self._open()

    def reopen(self):
        self.connection.close()
        self._open()

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None
