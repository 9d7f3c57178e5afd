//! Python 2's names of modules, classes and functions, and Python 3's: what `fix_imports` does with pickles of protocol 2
//! and below. Source: `Lib/_compat_pickle.py`.
//!
//! A line of the table is a direction, Python 2's module, Python 3's module, and names: `old=new`, or one word where both
//! are the same. A line without names is about all other names of the module. `=` holds both ways, `>` from Python 2 to
//! 3 only, `<` from 3 to 2 only.

use crate::object::Text;

static TABLE: &str = "\
<CGIHTTPServer http.server CGIHTTPRequestHandler\n\
<DocXMLRPCServer xmlrpc.server ServerHTMLDoc XMLRPCDocGenerator DocXMLRPCRequestHandler DocXMLRPCServer \
     DocCGIXMLRPCRequestHandler\n\
<FileDialog tkinter.filedialog FileDialog LoadFileDialog SaveFileDialog\n\
<SimpleDialog tkinter.simpledialog SimpleDialog\n\
<SimpleHTTPServer http.server SimpleHTTPRequestHandler\n\
=UserDict collections IterableUserDict=UserDict\n\
>UserDict collections UserDict\n\
=UserList collections UserList\n\
=UserString collections UserString\n\
<__builtin__ _functools reduce\n\
=__builtin__ builtins xrange=range unichr=chr unicode=str long=int\n\
>__builtin__ builtins basestring=str\n\
=__builtin__ functools reduce\n\
=__builtin__ sys intern\n\
=_multiprocessing multiprocessing.connection Connection\n\
=_socket socket fromfd\n\
<exceptions builtins OSError=BrokenPipeError OSError=ChildProcessError OSError=ConnectionAbortedError \
     OSError=ConnectionError OSError=ConnectionRefusedError OSError=ConnectionResetError \
     OSError=FileExistsError OSError=FileNotFoundError OSError=InterruptedError OSError=IsADirectoryError \
     OSError=NotADirectoryError OSError=PermissionError OSError=ProcessLookupError OSError=TimeoutError \
     ImportError=ModuleNotFoundError\n\
=exceptions builtins ArithmeticError AssertionError AttributeError BaseException BufferError \
     BytesWarning DeprecationWarning EOFError EnvironmentError Exception FloatingPointError FutureWarning \
     GeneratorExit IOError ImportError ImportWarning IndentationError IndexError KeyError KeyboardInterrupt \
     LookupError MemoryError NameError NotImplementedError OSError OverflowError PendingDeprecationWarning \
     ReferenceError RuntimeError RuntimeWarning StopIteration SyntaxError SyntaxWarning SystemError \
     SystemExit TabError TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError \
     UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning ZeroDivisionError\n\
>exceptions builtins StandardError=Exception\n\
=itertools builtins izip=zip imap=map ifilter=filter\n\
=itertools itertools ifilterfalse=filterfalse izip_longest=zip_longest\n\
=multiprocessing multiprocessing.context AuthenticationError BufferTooShort ProcessError TimeoutError\n\
=multiprocessing.forking multiprocessing.popen_fork Popen\n\
=multiprocessing.process multiprocessing.context Process\n\
<socket _socket _socketobject=socket\n\
>socket socket _socketobject=SocketType\n\
=urllib urllib.error ContentTooShortError\n\
=urllib urllib.parse quote_plus quote unquote_plus unquote urlencode\n\
=urllib urllib.request getproxies pathname2url url2pathname urlcleanup urlopen urlretrieve\n\
=urllib2 urllib.error HTTPError URLError\n\
=whichdb dbm whichdb\n\
=__builtin__ builtins\n\
=copy_reg copyreg\n\
=Queue queue\n\
=SocketServer socketserver\n\
=ConfigParser configparser\n\
=repr reprlib\n\
=tkFileDialog tkinter.filedialog\n\
=tkSimpleDialog tkinter.simpledialog\n\
=tkColorChooser tkinter.colorchooser\n\
=tkCommonDialog tkinter.commondialog\n\
=Dialog tkinter.dialog\n\
=Tkdnd tkinter.dnd\n\
=tkFont tkinter.font\n\
=tkMessageBox tkinter.messagebox\n\
=ScrolledText tkinter.scrolledtext\n\
=Tkconstants tkinter.constants\n\
=ttk tkinter.ttk\n\
=Tkinter tkinter\n\
=markupbase _markupbase\n\
=_winreg winreg\n\
=thread _thread\n\
=dummy_thread _dummy_thread\n\
=dbhash dbm.bsd\n\
=dumbdbm dbm.dumb\n\
=dbm dbm.ndbm\n\
=gdbm dbm.gnu\n\
=xmlrpclib xmlrpc.client\n\
=SimpleXMLRPCServer xmlrpc.server\n\
=httplib http.client\n\
=htmlentitydefs html.entities\n\
=HTMLParser html.parser\n\
=Cookie http.cookies\n\
=cookielib http.cookiejar\n\
=BaseHTTPServer http.server\n\
=test.test_support test.support\n\
=commands subprocess\n\
=urlparse urllib.parse\n\
=robotparser urllib.robotparser\n\
=urllib2 urllib.request\n\
=anydbm dbm\n\
=_abcoll collections.abc\n\
>cPickle pickle\n\
>_elementtree xml.etree.ElementTree\n\
>FileDialog tkinter.filedialog\n\
>SimpleDialog tkinter.simpledialog\n\
>DocXMLRPCServer xmlrpc.server\n\
>SimpleHTTPServer http.server\n\
>CGIHTTPServer http.server\n\
>UserDict collections\n\
>UserList collections\n\
>UserString collections\n\
>whichdb dbm\n\
>StringIO io\n\
>cStringIO io\n\
<bz2 _bz2\n\
<dbm _dbm\n\
<functools _functools\n\
<gdbm _gdbm\n\
<pickle _pickle";

/// Module and name in Python 3's words, of Python 2's: what loading a pickle of protocol 2 or below looks for.
pub fn new_name<'a>(module: Text<'a>, name: Text<'a>) -> (Text<'a>, Text<'a>) {
    renamed(module, name, '<', false)
}

/// Module and name in Python 2's words, of Python 3's: what a pickle of protocol 2 or below says.
pub fn old_name<'a>(module: Text<'a>, name: Text<'a>) -> (Text<'a>, Text<'a>) {
    renamed(module, name, '>', true)
}

/// Looks through the lines of the table that do not hold for the other direction only.
fn renamed<'a>(module: Text<'a>, name: Text<'a>, other: char, swap: bool) -> (Text<'a>, Text<'a>) {
    let sorted = |a: &'static str, b: &'static str| if swap { (b, a) } else { (a, b) };
    let mut whole = None;
    for line in TABLE.lines().filter(|line| !line.starts_with(other)) {
        let mut words = line.get(1..).unwrap_or_default().split(' ');
        let (Some(old), Some(new)) = (words.next(), words.next()) else { continue };
        let (from, to) = sorted(old, new);
        if !module.is(from) {
            continue;
        }
        let mut names = words.map(|word| {
            let (old, new) = word.split_once('=').unwrap_or((word, word));
            sorted(old, new)
        });
        if line.matches(' ').nth(1).is_none() {
            whole = Some(to);
        } else if let Some((_, found)) = names.find(|(from, _)| name.is(from)) {
            return (Text::from_str(to), Text::from_str(found));
        }
    }
    (whole.map_or(module, Text::from_str), name)
}
