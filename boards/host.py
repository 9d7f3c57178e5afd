#!/usr/bin/env python3
"""The host's side of the demo: a board with larder on a serial line, as a Python dict.

    from host import Board
    with Board("/dev/ttyACM0") as board:          # or "COM3", or "localhost:4321" for an emulator
        board["limits"] = {"low": 2.5, "high": 8}
        print(board["limits"], list(board))

    boards/host.py ADDRESS set KEY VALUE           VALUE is a Python literal, as {"low": 2.5}
    boards/host.py ADDRESS get KEY
    boards/host.py ADDRESS del KEY
    boards/host.py ADDRESS keys
    boards/host.py ADDRESS stat                    what the board says of itself

With tables (boards/run --sql) it takes SQL as Python's sqlite3 does, and gives its tables to an SQLite database:

        board.execute("INSERT INTO limits VALUES(:low, :high)", {"low": 2.5, "high": 8})
        print(board.execute("SELECT * FROM limits WHERE low < ?", (3,)).fetchall())
        board.backup(sqlite3.connect("board.db"))

    boards/host.py ADDRESS sql STATEMENT [PARAMETERS]
    boards/host.py ADDRESS backup FILE

Requests and answers are pickles: ("set", key, value), ("get", key), ("del", key), ("keys",), ("stat",) and ("sql",
statement, parameters) are answered by ("ok",), which the pickles asked for follow (the value; each key; the figures; the
columns' names or None, each row, and rowcount with lastrowid), or by ("error", message), where the message begins with
the name of a Python exception. Each request and each answer goes in one frame, as
demo/src/frame.rs describes it:  00 COBS(tag, pickles, CRC-32) 00.  Values are of Python's plain types
(None, bool, int, float, str, bytes, bytearray, tuple, list, dict, set, frozenset). A pickle that names anything else is
never loaded, whatever the board sends. A serial port needs pyserial; Python 3.8 is enough.
"""

import ast
import builtins
import collections.abc
import io
import pickle
import random
import socket
import sqlite3
import sys
import time
import zlib


class BoardError(Exception):
    """The board answered with an error, or not at all."""


class PlainUnpickler(pickle.Unpickler):
    """Loads plain data. Whatever names a class or a function is refused, so nothing is imported and nothing called."""

    def find_class(self, module, name):
        raise pickle.UnpicklingError("not plain data: it names %s.%s" % (module, name))

    def persistent_load(self, pid):
        raise pickle.UnpicklingError("not plain data: it has a persistent id")


def loads(data):
    """`pickle.loads` for plain data only."""
    return PlainUnpickler(io.BytesIO(data)).load()


def loads_all(data):
    """The objects of pickles one after another, plain data only."""
    file = io.BytesIO(data)
    found = []
    while file.tell() < len(data):
        found.append(PlainUnpickler(file).load())
    return found


def cobs(data):
    """`data` without zero bytes: each group of up to 254 others, then a zero, becomes its length plus one and the group."""
    out = bytearray()
    for part in data.split(b"\0"):
        while len(part) >= 254:
            out += b"\xff" + part[:254]
            part = part[254:]
        out.append(len(part) + 1)
        out += part
    return bytes(out)


def uncobs(data):
    """What `cobs` made `data` of; ValueError if it cannot have."""
    out = bytearray()
    at = 0
    while at < len(data):
        length = data[at]
        group = data[at + 1:at + length]
        if length == 0 or len(group) != length - 1:
            raise ValueError("no COBS")
        out += group
        at += length
        if length < 255 and at < len(data):
            out.append(0)
    return bytes(out)


def frame(tag, message):
    """The bytes on the line for a message."""
    message = bytes([tag]) + message
    return b"\0" + cobs(message + zlib.crc32(message).to_bytes(4, "little")) + b"\0"


def unframe(data):
    """(tag, message) of what stood between two zeros; ValueError if it came damaged."""
    message = uncobs(data)
    message, check = message[:-4], message[-4:]
    if not message or zlib.crc32(message) != int.from_bytes(check, "little"):
        raise ValueError("the check is wrong")
    return message[0], message[1:]


class Rows:
    """What a statement gave: as a `sqlite3.Cursor` behind `execute`."""

    def __init__(self, columns, rows, rowcount, lastrowid):
        self.description = columns and tuple((name,) + (None,) * 6 for name in columns)
        self.rows, self.rowcount, self.lastrowid = iter(rows), rowcount, lastrowid

    def __iter__(self):
        return self.rows

    def fetchone(self):
        """The next row, a tuple; None behind the last."""
        return next(self.rows, None)

    def fetchall(self):
        """The rows that are left."""
        return list(self.rows)


class TcpLine:
    """A serial line that an emulator or a terminal server offers at host:port."""

    def __init__(self, address, timeout):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host.strip("[]") or "localhost", int(port)), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, data):
        self.socket.sendall(data)

    def read(self, timeout):
        """What has come, waiting for the first of it; nothing if nothing came in time."""
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(4096)
        except socket.timeout:
            return b""
        if not data:
            raise BoardError("the line was closed")
        return data

    def close(self):
        self.socket.close()


class SerialLine:
    """A serial port of this machine, through pyserial."""

    def __init__(self, name, baud):
        try:
            import serial
        except ImportError:
            raise BoardError("a serial port needs pyserial: pip install pyserial") from None
        self.port = serial.Serial(name, baud)

    def write(self, data):
        self.port.write(data)
        self.port.flush()

    def read(self, timeout):
        self.port.timeout = timeout
        first = self.port.read(1)
        return first + self.port.read(self.port.in_waiting) if first else b""

    def close(self):
        self.port.close()


def is_tcp(address):
    """host:port, and not a port name of any system."""
    host, colon, port = address.rpartition(":")
    return bool(colon) and port.isdigit() and "/" not in host


class Board(collections.abc.MutableMapping):
    """A board as a dict of strings to plain values. `address` is a serial port's name or host:port."""

    def __init__(self, address, baud=115200, timeout=10):
        self.timeout = timeout
        self.line = TcpLine(address, timeout) if is_tcp(address) else SerialLine(address, baud)
        self.received = bytearray()
        # Not always the same, lest a late answer to an earlier program be taken for one to this.
        self.tag = random.randrange(256)

    # The line

    def send(self, data):
        """Puts bytes on the line as they are."""
        self.line.write(data)

    def receive(self, timeout=None):
        """(tag, objects) of the next frame that comes through whole."""
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            data, zero, rest = self.received.partition(b"\0")
            if not zero:
                left = end - time.monotonic()
                if left <= 0:
                    raise BoardError("no answer")
                self.received += self.line.read(left)
                continue
            self.received = bytearray(rest)
            if data:
                try:
                    tag, message = unframe(bytes(data))
                except ValueError:
                    continue  # noise, or an answer that noise hit: the time will tell
                return tag, loads_all(message)

    def ask(self, *request):
        """Sends a request; returns the list of what came with "ok", or raises what came with "error"."""
        self.tag = self.tag % 255 + 1
        self.send(frame(self.tag, pickle.dumps(request, protocol=5)))
        refused = None
        end = time.monotonic() + self.timeout
        while True:
            try:
                # Once the board has seen a damaged frame, it was most likely this one; but it may have been noise.
                tag, answer = self.receive(end - time.monotonic() if refused is None else self.timeout / 5)
            except BoardError:
                if refused is None:
                    raise
                raise BoardError(refused) from None
            if tag == self.tag:
                break
            if tag == 0:
                refused = answer[0][1]
        if answer[0] == ("ok",):
            return answer[1:]
        _, text = answer[0]
        name, _, message = text.partition(": ")
        if name == "KeyError":
            raise KeyError(request[1])
        kind = next((getattr(module, name) for module in (builtins, pickle, sqlite3) if hasattr(module, name)), None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            raise kind(message)
        raise BoardError(text)

    def close(self):
        """Closes the line; the board keeps what it has."""
        self.line.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # The dict

    def __getitem__(self, key):
        value, = self.ask("get", key)
        return value

    def __setitem__(self, key, value):
        try:
            loads(pickle.dumps(value, protocol=5))
        except pickle.UnpicklingError as error:
            raise TypeError(str(error)) from None
        self.ask("set", key, value)

    def __delitem__(self, key):
        self.ask("del", key)

    def __iter__(self):
        return iter(self.ask("keys"))

    def __len__(self):
        return len(self.ask("keys"))

    def __contains__(self, key):
        try:
            self[key]
        except KeyError:
            return False
        return True

    def keys(self):
        """A list, as the board gave it: a view would ask the board again and again."""
        return self.ask("keys")

    def set(self, key, value):
        """board[key] = value"""
        self[key] = value

    def delete(self, key):
        """del board[key]"""
        del self[key]

    def stat(self):
        """What the board says of itself: a dict."""
        figures, = self.ask("stat")
        return figures

    # The tables

    def execute(self, statement, parameters=()):
        """Runs a statement, which is a transaction of its own unless it stands between BEGIN and COMMIT; returns `Rows`."""
        columns, *rows, (rowcount, lastrowid) = self.ask("sql", statement, parameters)
        return Rows(columns, rows, rowcount, lastrowid)

    def executemany(self, statement, parameters):
        """Runs a statement once for each of the parameters; how many rows were changed."""
        return sum(self.execute(statement, given).rowcount for given in parameters)

    def backup(self, target):
        """Copies all tables, indexes and views into an empty database, a `sqlite3.Connection`."""
        schema = self.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
        tables = [name for kind, name, _ in schema if kind == "table"]
        with target:
            for kind in "table", "index", "view":
                for _, _, sql in (entry for entry in schema if entry[0] == kind):
                    target.execute(sql)
                for name in tables if kind == "table" else ():
                    quoted = '"%s"' % name.replace('"', '""')
                    rows = self.execute("SELECT * FROM %s" % quoted)
                    marks = ", ".join("?" * len(rows.description))
                    target.executemany("INSERT INTO %s VALUES(%s)" % (quoted, marks), rows)


def main(arguments):
    verbs = {"set": [2], "get": [1], "del": [1], "keys": [0], "stat": [0], "sql": [1, 2], "backup": [1]}
    if len(arguments) < 2 or len(arguments) - 2 not in verbs.get(arguments[1], ()):
        sys.exit(__doc__.split("Requests")[0].rstrip())
    address, verb, rest = arguments[0], arguments[1], arguments[2:]
    try:
        with Board(address) as board:
            if verb == "set":
                board[rest[0]] = ast.literal_eval(rest[1])
            elif verb == "get":
                print(repr(board[rest[0]]))
            elif verb == "del":
                del board[rest[0]]
            elif verb == "keys":
                for key in board.keys():
                    print(key)
            elif verb == "sql":
                for row in board.execute(rest[0], *map(ast.literal_eval, rest[1:])):
                    print(row)
            elif verb == "backup":
                board.backup(sqlite3.connect(rest[0]))
            else:
                for name, value in board.stat().items():
                    print("%s: %s" % (name, value))
    except Exception as error:  # one line is all that a person at the command line wants to know
        sys.exit("%s: %s" % (type(error).__name__, error))


if __name__ == "__main__":
    main(sys.argv[1:])
