//! Python's `repr`: of atoms, and of whole objects as their Display.
//!
//! What is called or made has no repr of its own; it is written as the Python that makes it: `module.name(arguments)`,
//! and what is done to it afterwards behind it: `.extend([..])`, `.update({..})`, `.__setstate__(..)`.

use super::Slot;
use super::emit::{Container, Emit, Level, Refused};
use super::error::{Error, ErrorKind};
use super::long::Long;
use super::text::Text;
use super::view::Object;
use super::walk;
use crate::decimal::{self, LONGEST, Style};
use core::fmt::{self, Display, Formatter, Write};

/// Containers in containers that Display shows; with a deeper one it ends in `...`.
const DEPTH: usize = 32;

/// Whether `str.isprintable` says so: everything but the categories of control, format, surrogate, private, unassigned
/// and separator.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // The standard library has the same table behind `escape_debug`; the letter before keeps combining marks whole.
    let mut text = [b'a', 0, 0, 0, 0];
    let len = c.encode_utf8(text.get_mut(1..).unwrap_or_default()).len();
    let text = text.get(..len.saturating_add(1)).and_then(|text| core::str::from_utf8(text).ok());
    text.is_some_and(|text| text.escape_debug().count() == 2)
}

/// The quotes of Python's choice: single ones, unless only single ones stand inside.
fn quote(chars: impl Iterator<Item = u32>) -> char {
    let (mut single, mut double) = (false, false);
    for c in chars {
        single |= c == u32::from(b'\'');
        double |= c == u32::from(b'"');
    }
    if single && !double { '"' } else { '\'' }
}

/// Characters as `repr` has them: those of a str, or those of bytes, where nothing beyond ASCII is printable.
fn quoted(out: &mut dyn Write, chars: impl Iterator<Item = u32> + Clone, bytes: bool) -> fmt::Result {
    let quote = quote(chars.clone());
    quoted_by(out, chars, bytes, &[quote], quote)
}

/// The same between these quotes, with a backslash before each of those in `escaped`.
fn quoted_by(
    out: &mut dyn Write,
    chars: impl Iterator<Item = u32>,
    bytes: bool,
    escaped: &[char],
    quote: char,
) -> fmt::Result {
    out.write_char(quote)?;
    for c in chars {
        match char::from_u32(c) {
            Some('\n') => out.write_str("\\n")?,
            Some('\r') => out.write_str("\\r")?,
            Some('\t') => out.write_str("\\t")?,
            Some('\\') => out.write_str("\\\\")?,
            Some(c) if escaped.contains(&c) => write!(out, "\\{c}")?,
            Some(c) if (c.is_ascii() || !bytes) && is_printable(c) => out.write_char(c)?,
            _ if c < 0x100 => write!(out, "\\x{c:02x}")?,
            _ if c < 0x1_0000 => write!(out, "\\u{c:04x}")?,
            _ => write!(out, "\\U{c:08x}")?,
        }
    }
    out.write_char(quote)
}

/// Two strs as one, with a space between them.
pub(crate) fn joined(out: &mut dyn Write, first: &Text<'_>, second: &Text<'_>) -> fmt::Result {
    quoted(out, first.chars().chain([32]).chain(second.chars()), false)
}

/// A str as Python's `repr` writes it.
pub fn text(out: &mut dyn Write, text: &Text<'_>) -> fmt::Result {
    quoted(out, text.chars(), false)
}

/// bytes as Python's `repr` writes them.
pub fn bytes(out: &mut dyn Write, bytes: &[u8]) -> fmt::Result {
    out.write_char('b')?;
    quoted(out, bytes.iter().map(|b| u32::from(*b)), true)
}

/// A bytearray as Python's `repr` writes it: a single quote has a backslash even between double ones.
pub fn byte_array(out: &mut dyn Write, bytes: &[u8]) -> fmt::Result {
    out.write_str("bytearray(b")?;
    let chars = bytes.iter().map(|b| u32::from(*b));
    let quote = quote(chars.clone());
    quoted_by(out, chars, true, &['\'', quote], quote)?;
    out.write_char(')')
}

/// A float as Python's `repr` writes it.
pub fn float(out: &mut dyn Write, value: f64) -> fmt::Result {
    out.write_str(decimal::text(value, Style::Repr, &mut [0; LONGEST]))
}

/// An int of any size in decimal; in hexadecimal if it is no text and longer than 255 bytes.
pub fn long(out: &mut dyn Write, long: &Long<'_>) -> fmt::Result {
    if let Some(value) = long.to_i128() {
        return write!(out, "{value}");
    }
    match long {
        Long::Digits { negative, radix: 10, digits } => {
            out.write_str(if *negative { "-" } else { "" })?;
            let digits = digits.iter().filter(|d| **d != b'_').skip_while(|d| **d == b'0');
            digits.map(|d| char::from(*d)).try_for_each(|d| out.write_char(d))
        }
        _ => decimal(out, long),
    }
}

#[inline(never)]
fn decimal(out: &mut dyn Write, long: &Long<'_>) -> fmt::Result {
    let mut buf = [0; 1300];
    if let Some(digits) = long.to_decimal(&mut buf) {
        return out.write_str(digits);
    }
    let sign = if long.is_negative() { "-" } else { "" };
    let Some(magnitude) = long.magnitude(&mut buf) else { return out.write_str("<a very long int>") };
    write!(out, "{sign}0x")?;
    magnitude.iter().rev().try_for_each(|byte| write!(out, "{byte:02x}"))
}

/// A complex as Python's `repr` writes it.
fn complex(out: &mut dyn Write, re: f64, im: f64) -> fmt::Result {
    let whole = |value| decimal::text(value, Style::Repr, &mut [0; LONGEST]).trim_end_matches(".0").len();
    let part = |out: &mut dyn Write, value: f64| {
        let mut buf = [0; LONGEST];
        let text = decimal::text(value, Style::Repr, &mut buf);
        out.write_str(text.get(..whole(value)).unwrap_or(text))
    };
    if re == 0.0 && re.is_sign_positive() {
        part(out, im)?;
        return out.write_char('j');
    }
    out.write_char('(')?;
    part(out, re)?;
    out.write_str(if im.is_sign_negative() && !im.is_nan() { "" } else { "+" })?;
    part(out, im)?;
    out.write_str("j)")
}

impl Display for Object<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut repr =
            Repr { out: f, path: [0; DEPTH], open: [Container::State; DEPTH], turn: [0; DEPTH], depth: 0, pending: 0 };
        let mut stack = [Slot::EMPTY; DEPTH * walk::SLOTS_PER_LEVEL];
        let fuel = u32::try_from(self.tree().input_len().saturating_mul(16)).unwrap_or(u32::MAX);
        match walk::emit(self, &mut repr, &mut stack, fuel) {
            Ok(()) => Ok(()),
            Err(Error { kind: ErrorKind::Write, .. }) => Err(fmt::Error),
            // Deeper, or unfolding into more, than anyone wants to read.
            Err(_) => f.write_str("..."),
        }
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at byte {}", self.kind(), self.offset())
    }
}

/// Writes what it receives as Python would show it.
struct Repr<'f, 'g> {
    out: &'f mut Formatter<'g>,
    /// The shared values that are open, plus one; 0 for one that is not shared. And what is open.
    path: [u32; DEPTH],
    open: [Container; DEPTH],
    /// In a dict: 1 if its next value is a key, 2 if it belongs to one.
    turn: [u8; DEPTH],
    depth: usize,
    pending: u32,
}

type Done = Result<(), Refused>;

fn done(result: fmt::Result) -> Done {
    result.map_err(|_| Refused::Write)
}

impl Repr<'_, '_> {
    fn put(&mut self, text: &str) -> Done {
        done(self.out.write_str(text))
    }

    /// A value begins: behind a dict's key comes a colon.
    fn begin(&mut self) -> Done {
        self.pending = 0;
        let turn = self.depth.checked_sub(1).and_then(|at| self.turn.get_mut(at));
        match turn {
            Some(turn @ 1) => *turn = 2,
            Some(turn @ 2) => {
                *turn = 0;
                return self.put(": ");
            }
            _ => {}
        }
        Ok(())
    }

    /// What stands before the items, and behind them.
    fn around(container: Container, len: usize) -> (&'static str, &'static str) {
        match container {
            Container::List => ("[", "]"),
            Container::Tuple if len == 1 => ("(", ",)"),
            Container::Tuple => ("(", ")"),
            Container::Dict => ("{", "}"),
            Container::Set if len == 0 => ("set(", ")"),
            Container::Set => ("{", "}"),
            Container::FrozenSet if len == 0 => ("frozenset(", ")"),
            Container::FrozenSet => ("frozenset({", "})"),
            Container::FrozenDict => ("frozendict({", "})"),
            Container::Slice => ("slice(", ")"),
            Container::PersId => ("persistent_load(", ")"),
            Container::Readonly => ("memoryview(", ").toreadonly()"),
            Container::Code => ("code(", ")"),
            Container::Items => (".extend([", "])"),
            Container::Adds => (".update({", "})"),
            Container::Pairs => (".update({", "})"),
            Container::State => (".__setstate__(", ")"),
            Container::NewObj | Container::NewObjStar | Container::NewObjEx => ("", ""),
            Container::Inst => ("", ")"),
            Container::Reduce => ("", ""),
        }
    }

    /// How many items of the innermost container came before, told by its level.
    fn separate(&mut self, level: &mut Level) -> Done {
        let before = level.at;
        let pairs = matches!(level.container, Container::Dict | Container::FrozenDict | Container::Pairs);
        if let Some(turn) = self.depth.checked_sub(1).and_then(|at| self.turn.get_mut(at)) {
            *turn = u8::from(pairs);
        }
        level.at = before.wrapping_add(1);
        match (level.container, before) {
            (Container::NewObj | Container::NewObjEx, 1) => self.put(".__new__"),
            (Container::NewObjEx, 2) => self.put(", **"),
            (Container::Inst, 1) => self.put("("),
            (Container::Reduce, _) | (_, 0) => Ok(()),
            _ => self.put(", "),
        }
    }
}

impl Emit for Repr<'_, '_> {
    fn none(&mut self) -> Done {
        self.begin()?;
        self.put("None")
    }
    fn bool(&mut self, value: bool) -> Done {
        self.begin()?;
        self.put(if value { "True" } else { "False" })
    }
    fn int(&mut self, value: i64) -> Done {
        self.begin()?;
        done(write!(self.out, "{value}"))
    }
    fn long(&mut self, value: &Long<'_>) -> Done {
        self.begin()?;
        done(long(self.out, value))
    }
    fn float(&mut self, value: f64) -> Done {
        self.begin()?;
        done(float(self.out, value))
    }
    fn complex(&mut self, re: f64, im: f64) -> Done {
        self.begin()?;
        done(complex(self.out, re, im))
    }
    fn str(&mut self, value: &str) -> Done {
        self.begin()?;
        done(text(self.out, &Text::from_str(value)))
    }
    fn text(&mut self, value: &Text<'_>) -> Done {
        self.begin()?;
        done(text(self.out, value))
    }
    fn bytes(&mut self, value: &[u8]) -> Done {
        self.begin()?;
        done(bytes(self.out, value))
    }
    fn byte_string(&mut self, value: &Text<'_>) -> Done {
        self.begin()?;
        done(quoted(self.out, value.chars(), true))
    }
    fn byte_array(&mut self, value: &[u8]) -> Done {
        self.begin()?;
        done(byte_array(self.out, value))
    }
    fn global(&mut self, module: &Text<'_>, name: &Text<'_>) -> Done {
        self.begin()?;
        for (part, end) in [(module, "."), (name, "")] {
            for c in part.chars() {
                done(self.out.write_char(char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER)))?;
            }
            self.put(end)?;
        }
        Ok(())
    }
    fn ext(&mut self, code: u32) -> Done {
        self.begin()?;
        done(write!(self.out, "extension({code})"))
    }
    fn buffer(&mut self, number: usize) -> Done {
        self.begin()?;
        done(write!(self.out, "buffers[{number}]"))
    }
    fn pers_id(&mut self, id: &Text<'_>) -> Done {
        self.begin()?;
        self.put("persistent_load(")?;
        done(text(self.out, id))?;
        self.put(")")
    }
    fn ellipsis(&mut self) -> Done {
        self.begin()?;
        self.put("Ellipsis")
    }
    fn stop_iteration(&mut self) -> Done {
        self.begin()?;
        self.put("StopIteration")
    }

    fn open(&mut self, container: Container, len: Option<usize>) -> Result<Level, Refused> {
        let shared = self.pending;
        self.begin()?;
        let len = len.unwrap_or(usize::MAX);
        // The arguments of a call have no comma behind a single one.
        let around = self.depth.checked_sub(1).and_then(|at| self.open.get(at).copied());
        let call = matches!(around, Some(Container::Reduce | Container::NewObj | Container::NewObjEx));
        let (before, _) = Self::around(container, len);
        self.put(before)?;
        if let (Some(path), Some(open)) = (self.path.get_mut(self.depth), self.open.get_mut(self.depth)) {
            (*path, *open) = (shared, container);
        }
        if let Some(turn) = self.turn.get_mut(self.depth) {
            *turn = 0;
        }
        self.depth = self.depth.saturating_add(1);
        let len = if call && len == 1 { 2 } else { u32::try_from(len).unwrap_or(u32::MAX) };
        Ok(Level { left: 0, len, container, state: 0, shared, at: 0 })
    }

    fn more(&mut self, level: &mut Level) -> Done {
        level.left = 0;
        self.separate(level)
    }

    fn close(&mut self, level: Level) -> Done {
        self.depth = self.depth.saturating_sub(1);
        if level.container == Container::Inst && level.at == 1 {
            self.put("(")?;
        }
        self.put(Self::around(level.container, level.len as usize).1)
    }

    fn shared(&mut self, id: usize) -> Result<bool, Refused> {
        let id = (id as u32).wrapping_add(1);
        self.pending = id;
        let place = self.path.get(..self.depth).unwrap_or_default().iter().position(|open| *open == id);
        let Some(place) = place else { return Ok(false) };
        self.pending = 0;
        self.begin()?;
        self.put(match self.open.get(place) {
            Some(Container::List) => "[...]",
            Some(Container::Tuple) => "(...)",
            Some(Container::Dict) => "{...}",
            _ => "...",
        })?;
        Ok(true)
    }
}
