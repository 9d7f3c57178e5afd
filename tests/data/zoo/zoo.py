"""The zoo: what Python pickles, one object of every kind that matters and of every edge that we know.

Runs on Python 2.7 and on 3.6 and newer, as the module `zoo`: put this folder on sys.path. `python -c 'import zoo;
zoo.main()'` prints a line for each object and protocol: name, protocol, `plain` or `-`, the pickle in hexadecimal
(PYTHONHASHSEED=0 brings sets in one order). The same module lets a real Python load what larder writes.

`plain` marks trees and graphs of None, bool, int, float, str, bytes, bytearray, list, tuple, dict, set and frozenset.
"""
from __future__ import print_function

import array
import binascii
import collections
import datetime
import decimal
import fractions
import functools
import io
import operator
import pickle
import string
import sys
import time
import types
import uuid

PY2 = sys.version_info[0] == 2
if PY2:
    import cPickle
    import copy_reg as copyreg
    text, code_point = unicode, unichr  # noqa: F821
    byte = chr
else:
    import copyreg
    text, code_point = str, chr
    byte = lambda n: bytes([n])  # noqa: E731


def named(cls):
    """For classes that are made by a function, elsewhere."""
    cls.__module__ = __name__
    return cls


# --- classes -----------------------------------------------------------------------------------------------------------


class Old:
    """Old style on Python 2, an ordinary class on Python 3."""

    def __init__(self, *args):
        self.args = args


class OldArguments:
    def __init__(self, *args):
        self.args = args

    def __getinitargs__(self):
        return self.args


class OldState:
    def __getstate__(self):
        return [1, 2]

    def __setstate__(self, state):
        self.state = state


class Plain(object):
    def __init__(self, **fields):
        self.__dict__.update(fields)

    def __eq__(self, other):
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = object.__hash__


class Slots(object):
    __slots__ = ('x', 'y')


class SlotsAndDict(Slots):
    pass


class StateTuple(object):
    def __getstate__(self):
        return (1, 'two')

    def __setstate__(self, state):
        self.state = state


class StateFalse(object):
    def __getstate__(self):
        return False

    def __setstate__(self, state):
        raise AssertionError('a false state is not set')


class StateText(object):
    def __getstate__(self):
        return 'state'

    def __setstate__(self, state):
        self.state = state


class NewArguments(object):
    def __new__(cls, *args):
        self = object.__new__(cls)
        self.args = args
        return self

    def __getnewargs__(self):
        return self.args


class NewArgumentsEx(object):
    def __new__(cls, *args, **keywords):
        self = object.__new__(cls)
        self.args, self.keywords = args, keywords
        return self

    def __getnewargs_ex__(self):
        return self.args, self.keywords


class Keywords(object):
    """All that it is made of are keywords of __new__."""

    def __new__(cls, **keywords):
        self = object.__new__(cls)
        self.__dict__.update(keywords)
        return self

    def __getnewargs_ex__(self):
        return (), self.__dict__

    def __getstate__(self):
        return None


class ReduceName(object):
    def __reduce__(self):
        return 'SINGLETON'


SINGLETON = ReduceName()


def rebuild(*args):
    return Rebuilt(*args)


def set_state(rebuilt, state):
    rebuilt.state = ('set', state)


class Rebuilt(object):
    """Reduced in every form: a callable and its arguments, then state, list items, dict items, a setter of state."""

    def __init__(self, *args):
        self.args, self.state, self.list, self.dict = args, None, [], []
        self.form = (rebuild, args)

    def __reduce__(self):
        return self.form

    def __setstate__(self, state):
        self.state = state

    def append(self, item):
        self.list.append(item)

    def extend(self, items):
        self.list.extend(items)

    def __setitem__(self, key, value):
        self.dict.append((key, value))


def reduced(*form):
    made = Rebuilt()
    made.form = (rebuild,) + form
    return made


class MyList(list):
    pass


class MyTuple(tuple):
    pass


class MyDict(dict):
    pass


class MySet(set):
    pass


class MyFrozenSet(frozenset):
    pass


class MyInt(int):
    pass


class MyFloat(float):
    pass


class MyText(text):
    pass


class MyBytes(bytes):
    pass


class MyByteArray(bytearray):
    pass


class MyComplex(complex):
    pass


class MyError(Exception):
    pass


class Outer(object):
    class Inner(object):
        class Core(object):
            pass

    def method(self):
        return 1


class MyClass(object):
    """Registered by `copyreg.pickle`: reduced by a function outside the class."""

    def __init__(self, number, words):
        self.number, self.words = number, words


def pickle_my_class(it):
    return MyClass, (it.number, it.words)


copyreg.pickle(MyClass, pickle_my_class)


class Extended(object):
    """Named by an extension code instead of its name."""


class Extended16(Extended):
    pass


class Extended32(Extended):
    pass


copyreg.add_extension(__name__, 'Extended', 0xf0)
copyreg.add_extension(__name__, 'Extended16', 0xf1f2)
copyreg.add_extension(__name__, 'Extended32', 0x71727374)


class Persistent(object):
    def __init__(self, identity):
        self.identity = identity


Point = named(collections.namedtuple('Point', 'x y'))
Empty = named(collections.namedtuple('Empty', ''))


class Point3(Point):
    pass


def function():
    pass


if not PY2:
    import enum
    import ipaddress
    import pathlib

    class Color(enum.Enum):
        RED = 1
        BLUE = 'blue'

    class Number(enum.IntEnum):
        BIG = 70000

    class Access(enum.Flag):
        READ = 4
        WRITE = 2

    class Mode(enum.IntFlag):
        A = 1
        B = 2

    class Word(str, enum.Enum):
        HELLO = 'hello'

    class Method(enum.Enum):
        PAIR = (1, 2)

if sys.version_info >= (3, 7):
    import dataclasses

    def dataclass(name, *fields, **options):
        return named(dataclasses.make_dataclass(name, fields, **options))

    Data = dataclass('Data', ('a', int), ('b', str, 'x'), ('c', list, dataclasses.field(default_factory=list)))
    Frozen = dataclass('Frozen', ('a', int), ('b', float), frozen=True)

if sys.version_info >= (3, 10):
    SlottedData = dataclass('SlottedData', ('a', int), ('b', float), slots=True, frozen=True)


# --- objects -----------------------------------------------------------------------------------------------------------


def atoms():
    yield 'none', None
    yield 'true', True
    yield 'false', False
    edges = [0, 1, 2, 9, 10, 127, 128, 255, 256, 257, 32767, 32768, 65535, 65536, 65537, 2 ** 24, 2 ** 31 - 1, 2 ** 31]
    edges += [2 ** 32 - 1, 2 ** 32, 2 ** 39 - 1, 2 ** 39, 2 ** 47, 2 ** 53, 2 ** 55, 2 ** 62, 2 ** 63 - 1, 2 ** 63, 2 ** 64 - 1]
    edges += [2 ** 64, 2 ** 71, 2 ** 100, 2 ** 127 - 1, 2 ** 127, 2 ** 128, 10 ** 20, 10 ** 100, 2 ** 2031, 2 ** 2039 - 1, 2 ** 2039, 2 ** 2047]
    edges += [2 ** 2048, 10 ** 300]
    for n in edges:
        name = str(n) if n < 10 ** 25 else '%d.bits' % n.bit_length()
        yield 'int.' + name, n
        if n:
            yield 'int.-' + name, -n
    for f in [0.0, -0.0, 1.0, -1.0, 1.5, 0.1, -2.75, 100.0, 1e15, 1e16, 1e17, 123456789.125, 1e22, 1e23, 0.001, 1e-4, 1e-5, 1.5e-7, 5e-324, 1e100,
              2.2250738585072014e-308, 2.225073858507201e-308, 1.7976931348623157e308, 1 / 3.0, 3.141592653589793, 9007199254740993.0, 4.35, 1e300 * 1e10,
              -1e300 * 1e10]:
        yield 'float.%r' % f, f
    yield 'float.nan', float('nan')


def texts():
    strings = [('empty', u''), ('a', u'a'), ('word', u'pantry'), ('ascii', u''.join(map(code_point, range(128)))),
               ('latin', u''.join(map(code_point, range(128, 256)))), ('bmp', u'\u0100\u07ff\u0800\u20ac\u4e2d\uffff'),
               ('astral', u'\U00010000\U0001f600\U0010ffff'), ('mixed', u'a\u00e9\u20ac\U0001f600z'), ('high', u'\ud800'), ('low', u'\udfff'),
               ('middle', u'x\udc80y'), ('reversed', u'\udc00\ud800'), ('newline', u'a\nb'), ('return', u'a\rb'), ('nul', u'a\0b'), ('eof', u'a\x1ab'),
               ('backslash', u'a\\b'), ('backslashes', u'\\\\'), ('escape', u'\\u0041'), ('escape8', u'\\U00000041'), ('slash.u', u'\\\\u0041'),
               ('quotes', u'\'"'), ('tab', u'\t'), ('del', u'\x7f'), ('254', u'x' * 254), ('255', u'x' * 255), ('256', u'x' * 256),
               ('255.bytes', u'\u20ac' * 85), ('256.bytes', u'\u00e9' * 128), ('65535', u'y' * 65535), ('65536', u'y' * 65536)]
    for name, s in strings:
        yield 'str.' + name, s
    raw = [('empty', b''), ('a', b'a'), ('nul', b'\0'), ('all', b''.join(map(byte, range(256)))), ('high', b'\x80\xff'), ('newline', b'a\nb'),
           ('quote', b"'"), ('double', b'"'), ('both', b"'\""), ('backslash', b'\\n'), ('utf8', b'\xe2\x82\xac'), ('254', b'z' * 254), ('255', b'z' * 255),
           ('256', b'z' * 256), ('257.high', b'\xff' * 257), ('65535', b'z' * 65535), ('65536', b'z' * 65536)]
    for name, b in raw:
        yield 'bytes.' + name, b
        yield 'bytearray.' + name, bytearray(b)


def containers():
    for n in (0, 1, 2, 3, 4, 5, 999, 1000, 1001, 2000, 2001):
        yield 'list.%d' % n, [i % 9 for i in range(n)]
        yield 'tuple.%d' % n, tuple(i % 9 for i in range(n))
        if n in (999, 2001):
            continue
        yield 'dict.%d' % n, dict((i, i % 3) for i in range(n))
        yield 'set.%d' % n, set(range(n))
        yield 'frozenset.%d' % n, frozenset(range(n))
    for depth in (2, 3, 10, 60):
        yield 'nested.list.%d' % depth, functools.reduce(lambda inner, _: [inner], range(depth), [])
        yield 'nested.tuple.%d' % depth, functools.reduce(lambda inner, _: (inner,), range(depth), ())
        yield 'nested.dict.%d' % depth, functools.reduce(lambda inner, _: {u'k': inner}, range(depth), {})
    yield 'nested.frozenset', frozenset([frozenset([frozenset()])])
    yield 'nested.mixed', [(1, [2, {3: (4, [5])}]), {u'a': [{u'b': (None, True, 1.5)}]}]
    yield 'keys', {None: 1, True: 2, 3: 3, 4.5: 4, u'five': 5, (6, 7): 6, frozenset([8]): 7, b'nine': 8}
    yield 'reading', {u'id': 17, u'name': u'boiler', u'temps': [20.5, 21.0, 19.75], u'ok': True, u'note': None, u'raw': b'\0\1\2'}
    yield 'readings', [{u'id': i, u'name': u'r%d' % (i % 4), u'ok': i % 2 == 0} for i in range(12)]
    yield 'set.str', set([u'one'])
    yield 'set.tuple', set([(1, u'a')])
    yield 'frozenset.none', frozenset([None])
    yield 'numbers', [0, -1, 255, 256, 65536, -2147483649, 2 ** 70, 1.5]
    yield 'words', [u'alpha', u'beta', u'', u'gamma' * 60]
    yield 'bytes.list', [b'', b'a', b'b' * 300]
    yield 'bytearray.list', [bytearray(), bytearray(b'ab')]
    yield 'memo.300', [[] for _ in range(300)]
    yield 'memo.300.again', [[[] for _ in range(300)]] * 2
    yield 'memo.255', [[i] for i in range(3)] + [() for _ in range(5)] + [{} for _ in range(254)]


def shared():
    for name, it in [('str', u'again'), ('bytes', b'again'), ('bytearray', bytearray(b'again')), ('list', [1]), ('tuple', (1,)), ('dict', {1: 2}),
                     ('set', set([1])), ('frozenset', frozenset([1])), ('empty.list', []), ('empty.tuple', ()), ('empty.str', u''), ('empty.bytes', b''),
                     ('int', 70000), ('long', 2 ** 80), ('float', 1.5), ('object', Plain(a=1)), ('global', Plain), ('complex', 1j)]:
        yield 'shared.list.' + name, [it, it]
        yield 'shared.tuple.' + name, (it, it, it)
    key = u'key'
    yield 'shared.keys', [{key: 1}, {key: 2}, {key: key}]
    inner = [1]
    yield 'shared.deep', [inner, [inner, [inner, {1: inner}]], (inner,)]
    many = [[i % 3] for i in range(300)]
    yield 'shared.300', many + many[250:]


def cycles():
    a = []
    a.append(a)
    yield 'cycle.list', a
    a = [1, []]
    a[1].append(a)
    a.append(a)
    yield 'cycle.list.deep', a
    d = {}
    d[1] = d
    yield 'cycle.dict', d
    for n in (1, 2, 3, 4, 5):
        inner = []
        t = (inner,) + tuple(range(n - 1))
        inner.append(t)
        yield 'cycle.tuple.%d' % n, t
        inner = []
        t = (inner,) + tuple(range(n - 1))
        inner.append(t)
        yield 'cycle.list.tuple.%d' % n, inner
        yield 'cycle.tuple.twice.%d' % n, [t, t]
    d = {}
    t = (d,)
    d[u't'] = t
    yield 'cycle.tuple.dict', t
    p = Plain()
    p.self = p
    yield 'cycle.object', p
    p = Plain()
    p.list = [p]
    yield 'cycle.object.list', p.list
    p = Plain()
    p.tuple = (p,)
    yield 'cycle.object.tuple', p.tuple
    p = Plain()
    p.set = set([p])
    yield 'cycle.set', p.set
    p = Plain()
    p.set = frozenset([p])
    yield 'cycle.frozenset', p.set
    p = Plain()
    p.set = frozenset([p])
    yield 'cycle.frozenset.object', p
    p, q = Plain(), Plain()
    p.other, q.other = q, p
    yield 'cycle.two', [p, q]
    m = MyList()
    m.append(m)
    yield 'cycle.list.subclass', m
    m = MyDict()
    m[1] = m
    yield 'cycle.dict.subclass', m
    r = reduced((1,), None, None)
    r.form = (rebuild, (1,), [r])
    yield 'cycle.reduce.state', r
    r = reduced((1,), None, None)
    r.form = (rebuild, (1,), None, iter([r]))
    if sys.version_info >= (3,):
        yield 'cycle.reduce.items', Repeat(rebuild, (1,), None, 'self')


class Repeat(object):
    """Reduced again and again: its items come from a fresh iterator each time."""

    def __init__(self, *form):
        self.form = form

    def __reduce__(self):
        form = list(self.form)
        for at in (3, 4):
            if len(form) > at and form[at] is not None:
                form[at] = iter([self] if form[at] == 'self' else form[at])
        return tuple(form)


def frames():
    """Around the 64 KiB at which a frame is closed and a payload stands outside of frames: protocols 4 and 5 alone."""
    yield 'frame.small', [u'x' * 200] + list(range(10))
    for n in (65522, 65523, 65524, 65525, 65530, 65535, 65536, 65537):
        yield 'frame.str.%d' % n, [u'q' * n, 1, u'after']
    for n in (65523, 65535, 65536):
        yield 'frame.bytes.%d' % n, [b'q' * n, None, b'after']
        yield 'frame.bytearray.%d' % n, (bytearray(b'q' * n), None)
    yield 'frame.many', [u'q' * 1000 + u'%d' % (i % 7) for i in range(70)]
    yield 'frame.ints', [1000 + i % 5 for i in range(22000)]
    yield 'frame.two', [u'q' * 40000, u'r' * 40000, u's' * 10]
    yield 'frame.big.key', {u'q' * 66000: u'r' * 66000}


def standard():
    d = datetime
    yield 'datetime', d.datetime(2026, 1, 2)
    yield 'datetime.full', d.datetime(1999, 12, 31, 23, 59, 58, 999999)
    yield 'datetime.min', d.datetime.min
    yield 'datetime.max', d.datetime.max
    yield 'date', d.date(2026, 1, 2)
    yield 'date.min', d.date.min
    yield 'date.max', d.date.max
    yield 'time', d.time()
    yield 'time.full', d.time(1, 2, 3, 4)
    yield 'timedelta', d.timedelta(1)
    yield 'timedelta.zero', d.timedelta()
    yield 'timedelta.negative', d.timedelta(-1, 5, 7)
    yield 'timedelta.min', d.timedelta.min
    yield 'timedelta.max', d.timedelta.max
    for s in ('1.5', '0', '-0', '1E+100', '-123.4500', 'NaN', 'sNaN12', 'Infinity', '-Infinity', '0.1', '9' * 40):
        yield 'decimal.' + s[:12], decimal.Decimal(s)
    for n, m in ((1, 2), (-7, 3), (0, 1), (10 ** 30, 7)):
        yield 'fraction.%d.%d' % (n, m), fractions.Fraction(n, m)
    yield 'uuid', uuid.UUID(int=5)
    yield 'uuid.full', uuid.UUID('12345678-9abc-def0-1234-56789abcdef0')
    yield 'ordereddict.empty', collections.OrderedDict()
    yield 'ordereddict', collections.OrderedDict([(u'b', 1), (u'a', 2)])
    yield 'ordereddict.1', collections.OrderedDict([(u'b', 1)])
    yield 'ordereddict.1001', collections.OrderedDict((i, 0) for i in range(1001))
    ordered = collections.OrderedDict([(1, 2)])
    ordered.extra = 3
    yield 'ordereddict.state', ordered
    yield 'defaultdict.list', collections.defaultdict(list, {u'a': []})
    yield 'defaultdict.int', collections.defaultdict(int, {u'a': 1, u'b': 2})
    yield 'defaultdict.none', collections.defaultdict(None, {1: 2})
    yield 'defaultdict.empty', collections.defaultdict(dict)
    yield 'counter', collections.Counter({u'a': 3})
    yield 'counter.empty', collections.Counter()
    yield 'deque', collections.deque([1, 2, 3])
    yield 'deque.empty', collections.deque()
    yield 'deque.bounded', collections.deque([1], 3)
    yield 'deque.bounded.empty', collections.deque([], 3)
    yield 'deque.1001', collections.deque([0] * 1001)
    yield 'namedtuple', Point(1, 2)
    yield 'namedtuple.empty', Empty()
    yield 'namedtuple.sub', Point3(u'a', [1])
    for z in (1j, 0j, complex(-0.0, 1.5), complex(float('inf'), float('nan'))):
        yield 'complex.%r' % z, z
    yield 'range', (xrange if PY2 else range)(1, 5)  # noqa: F821
    yield 'range.step', (xrange if PY2 else range)(10, -10, -3)  # noqa: F821
    yield 'range.empty', (xrange if PY2 else range)(0)  # noqa: F821
    for code in 'bBhHiIlLfd':
        values = [0, 1, 100] if code in 'BHIL' else [0.0, 1.5, -2.5] if code in 'fd' else [0, 1, -100]
        yield 'array.' + code, array.array(code, values)
        yield 'array.empty.' + code, array.array(code)
    yield 'array.u', array.array('u', u'a\u20ac')
    yield 'error', ValueError('bad')
    yield 'error.none', KeyError()
    yield 'error.key', KeyError(u'k')
    yield 'error.os', OSError(2, 'No such file')
    yield 'error.os.file', OSError(2, 'No such file', 'f.txt')
    yield 'error.unicode', UnicodeDecodeError('ascii', b'\xff', 0, 1, 'ordinal')
    yield 'error.own', MyError(1, [2])
    error = MyError('with state')
    error.code = 5
    yield 'error.state', error
    yield 'error.stop', StopIteration(3)
    yield 'struct_time', time.gmtime(0)
    yield 'partial', functools.partial(int, base=2)
    yield 'itemgetter', operator.itemgetter(1)
    yield 'attrgetter', operator.attrgetter('a.b')
    yield 'slice', slice(1, 2) if not PY2 else None
    if not PY2:
        tz = d.timezone
        yield 'slice.full', slice(None, -1, 2)
        yield 'datetime.utc', d.datetime(2026, 1, 2, 3, 4, 5, 6, tz.utc)
        yield 'datetime.zone', d.datetime(2026, 1, 2, tzinfo=tz(d.timedelta(hours=5, minutes=30)))
        yield 'datetime.fold', d.datetime(2026, 10, 25, 1, 30, fold=1)
        yield 'time.utc', d.time(1, 2, tzinfo=tz.utc)
        yield 'time.fold', d.time(1, 2, fold=1)
        yield 'timezone.utc', tz.utc
        yield 'timezone', tz(d.timedelta(hours=-3))
        yield 'timezone.named', tz(d.timedelta(hours=1), u'CET')
        yield 'array.q', array.array('q', [-2 ** 63, 2 ** 63 - 1])
        yield 'array.Q', array.array('Q', [2 ** 64 - 1])
        yield 'namespace', types.SimpleNamespace(a=1, b=[2])
        yield 'namespace.empty', types.SimpleNamespace()
        yield 'path', pathlib.PurePosixPath('/a/b')
        yield 'path.relative', pathlib.PurePosixPath('a/../b.txt')
        yield 'path.dot', pathlib.PurePosixPath()
        yield 'path.windows', pathlib.PureWindowsPath('C:/a/b')
        yield 'path.concrete', pathlib.PosixPath('/etc/motd')
        yield 'enum', Color.RED
        yield 'enum.str', Color.BLUE
        yield 'enum.pair', Method.PAIR
        yield 'enum.list', [Color.RED, Color.RED, Color.BLUE]
        yield 'intenum', Number.BIG
        yield 'flag', Access.READ | Access.WRITE
        yield 'flag.one', Access.READ
        yield 'intflag', Mode.A | Mode.B
        yield 'strenum', Word.HELLO
        yield 'ipaddress', ipaddress.ip_address(u'192.0.2.1')
        yield 'chainmap', collections.ChainMap({u'a': 1}, {u'b': 2})
        yield 'userdict', collections.UserDict({u'a': 1})
        yield 'ellipsis', Ellipsis
        yield 'notimplemented', NotImplemented
        yield 'nonetype', type(None)
        yield 'dict_items', iter({u'a': 1})
    if sys.version_info >= (3, 7):
        yield 'dataclass', Data(1)
        yield 'dataclass.full', Data(70000, 'words', [1, 2])
        yield 'dataclass.frozen', Frozen(1, 2.5)
    if sys.version_info >= (3, 10):
        yield 'dataclass.slots', SlottedData(1, 2.5)
    yield 'iterator', iter([1, 2, 3]) if not PY2 else None
    yield 'template', string.Template('$x')


def instances():
    yield 'old', Old(1, u'a')
    yield 'old.empty', Old()
    yield 'old.arguments', OldArguments(1, u'a')
    yield 'old.arguments.none', OldArguments()
    yield 'old.state', OldState()
    yield 'old.list', [Old(), Old(1)]
    yield 'plain', Plain(a=1)
    yield 'plain.none', Plain()
    yield 'plain.fields', Plain(name=u'n', value=1.5)
    yield 'plain.list', [Plain(a=1), Plain(a=2), Plain()]
    slots = Slots()
    slots.x = 1
    yield 'slots', slots
    slots = Slots()
    slots.x, slots.y = 1, [2]
    yield 'slots.two', slots
    yield 'slots.none', Slots()
    both = SlotsAndDict()
    both.x, both.z = 1, 3
    yield 'slots.dict', both
    yield 'state.tuple', StateTuple()
    yield 'state.false', StateFalse()
    yield 'state.text', StateText()
    yield 'newargs', NewArguments(1, u'a')
    yield 'newargs.none', NewArguments()
    new = NewArguments(1)
    new.more = [new.args]
    yield 'newargs.state', new
    yield 'newargs_ex', NewArgumentsEx(1, k=2)
    yield 'newargs_ex.args', NewArgumentsEx(1)
    yield 'newargs_ex.keywords', NewArgumentsEx(k=2)
    yield 'reduce.name', SINGLETON
    yield 'reduce.2', reduced((1, 2))
    yield 'reduce.2.none', reduced(())
    yield 'reduce.3', reduced((1,), {u'a': 1})
    yield 'reduce.3.list', reduced((1,), [1, 2])
    yield 'reduce.3.int', reduced((1,), 5)
    for n in (0, 1, 2, 3, 1000, 1001):
        yield 'reduce.4.%d' % n, Repeat(rebuild, (), None, [0] * n)
        yield 'reduce.5.%d' % n, Repeat(rebuild, (), None, None, [(0, 0)] * n)
    yield 'reduce.all', Repeat(rebuild, (1,), {u'a': 1}, [1, 2], [(3, 4)])
    if sys.version_info >= (3, 8):
        yield 'reduce.setter', Repeat(rebuild, (1,), {u'a': 1}, None, None, set_state)
    yield 'sub.list', MyList([1, 2])
    yield 'sub.list.1', MyList([1])
    yield 'sub.list.none', MyList()
    yield 'sub.list.1001', MyList([0] * 1001)
    yield 'sub.tuple', MyTuple((1, 2))
    yield 'sub.dict', MyDict(a=1)
    yield 'sub.dict.1001', MyDict((i, 0) for i in range(1001))
    yield 'sub.set', MySet([1, 2])
    yield 'sub.frozenset', MyFrozenSet([1])
    yield 'sub.int', MyInt(5)
    yield 'sub.float', MyFloat(1.5)
    yield 'sub.str', MyText(u'text')
    yield 'sub.bytes', MyBytes(b'bytes')
    yield 'sub.bytearray', MyByteArray(b'bytes')
    yield 'sub.complex', MyComplex(1, 2)
    sub = MyDict(a=1)
    sub.extra = u'state'
    yield 'sub.dict.state', sub
    sub = MyList([1])
    sub.extra = u'state'
    yield 'sub.list.state', sub
    yield 'copyreg', MyClass(17, [u'a', u'b'])
    yield 'copyreg.list', [MyClass(1, []), MyClass(2, [u'x'])]
    yield 'extension.8', Extended()
    yield 'extension.16', Extended16()
    yield 'extension.32', Extended32()
    yield 'extension.list', [Extended(), Extended(), Extended]
    yield 'persistent.str', [Persistent(u'id7'), 1]
    yield 'persistent.list', [Persistent(u'a'), Persistent(u'a'), Persistent(u'b')]
    yield 'class.int', int
    yield 'class.own', Plain
    yield 'class.list', [int, str, dict, list, object, type]
    yield 'class.error', [ValueError, OSError, KeyError]
    yield 'function', function
    yield 'function.builtin', len
    yield 'function.module', operator.add
    if not PY2:
        yield 'keywords', Keywords(width=2, height=3)
        yield 'nested.class', Outer.Inner
        yield 'nested.class.deep', Outer.Inner.Core
        yield 'nested.instance', Outer.Inner()
        yield 'method.unbound', Outer.method
        yield 'method.bound', Outer().method
        yield 'method.str', u'abc'.upper
        yield 'method.class', dict.fromkeys


def objects():
    """(name, object) of all; a value that this Python cannot make is left out by name."""
    for group in (atoms, texts, containers, shared, cycles, frames, standard, instances):
        for name, made in group():
            if made is not None or name == 'none':
                yield name, made


# --- pickles -----------------------------------------------------------------------------------------------------------


def is_plain(it, seen=None):
    """A tree of plain data, which every Python spells alike; on 2.7 without what it spells in a way of its own:
    longs, ints beyond 32 bits, sets, bytearrays, and text whose escapes 3.x writes in protocol 0."""
    seen = seen if seen is not None else set()
    if id(it) in seen:
        return True
    seen.add(id(it))
    kind = type(it)
    if PY2:
        if kind is int:
            return -2 ** 31 <= it < 2 ** 31
        if kind is text:
            return not set(it) & set(u'\0\r\x1a')
        if kind in (long, set, frozenset, bytearray):  # noqa: F821
            return kind is long and not -2 ** 31 <= it < 2 ** 31  # noqa: F821
    if kind in (list, tuple, set, frozenset):
        return all(is_plain(item, seen) for item in it)
    if kind is dict:
        return all(is_plain(key, seen) and is_plain(value, seen) for key, value in it.items())
    return kind in (type(None), bool, int, float, text, bytes, bytearray)


def persistent_id(o):
    return o.identity if isinstance(o, Persistent) else None


def dumps(it, protocol):
    """By the pickler that everybody uses: pickle.py on 2.7, the one in C since."""
    out = io.BytesIO()
    if PY2:
        pickler = pickle.Pickler(out, protocol)
        pickler.persistent_id = persistent_id
    else:
        pickler = type('Pickler', (pickle.Pickler,), {'persistent_id': staticmethod(persistent_id)})(out, protocol)
    pickler.dump(it)
    return out.getvalue()


def dumps_otherwise(it, protocol):
    """By the other one: cPickle on 2.7, pickle.py since."""
    out = io.BytesIO()
    pickler = cPickle.Pickler(out, protocol) if PY2 else pickle._Pickler(out, protocol)
    pickler.persistent_id = persistent_id
    try:
        pickler.dump(it)
    except Exception:  # cPickle gives up on some cycles, and on persistent ids of protocol 0 that are unicode
        return None
    return out.getvalue()


def buffers():
    """(name, pickle) of protocol 5 with its buffers out of band."""
    whole = [pickle.PickleBuffer(b'read only'), pickle.PickleBuffer(bytearray(b'may be written')), pickle.PickleBuffer(b'third')]
    for name, it in [('one', whole[0]), ('writable', whole[1]), ('three', whole), ('again', [whole[0], whole[0]]), ('deep', {u'a': (whole[1], 1)})]:
        yield 'buffer.out.' + name, pickle.dumps(it, 5, buffer_callback=lambda b: None)
        yield 'buffer.in.' + name, pickle.dumps(it, 5)


def wanted(name, protocol):
    """Frames matter in protocol 4, and their bytearrays in 5. Of what is long, one protocol of each spelling is enough."""
    if name.startswith('frame.'):
        return protocol == 4 + ('bytearray' in name)
    return protocol in (2, 4) or not name.endswith(('.65535', '.65536', '.1000', '.1001', '.2000'))


def main():
    def show(name, protocol, plain, stream):
        print(name.replace(' ', '_'), protocol, 'plain' if plain else '-', binascii.hexlify(stream).decode('ascii'))

    sys.setrecursionlimit(10000)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        for name, it in objects():
            if not wanted(name, protocol):
                continue
            try:
                stream = dumps(it, protocol)
            except Exception as error:
                # Protocols 0 and 1 have no slots, 2.7 no persistent ids that are text in protocol 0, and so on.
                print('left out:', name, protocol, error, file=sys.stderr)
                continue
            show(name, protocol, is_plain(it), stream)
            if not name.startswith(('int', 'float', 'str', 'bytes')):
                other = dumps_otherwise(it, protocol)
                if other not in (None, stream):
                    show(name + '.other', protocol, False, other)
    if sys.version_info >= (3, 8):
        for name, stream in buffers():
            show(name, 5, False, stream)
