//! The canonical text: one line that says exactly what a stream holds, so that two decoders can be compared byte by byte.
//!
//! ```text
//! value   = None | True | False
//!         | decimal | [-]0xHEX                 an int of 64 bits, any other int
//!         | f:HEX16 | c:HEX16,HEX16            float, complex: the IEEE bits; a NaN is nan
//!         | "chars" | b"chars" | s"chars" | ba"chars"      str, bytes, Python 2 str, bytearray
//!         | [v,v] | (v,v) | (v,) | () | {k:v,k:v}
//!         | <set v,v> | <frozenset v,v> | <frozendict k:v,k:v> | <slice v v v>
//!         | <global "mod" "name"> | <ext N> | <buffer N> | <readonly v> | <persid v>
//!         | <reduce F ARGS extra*> | <newobj C ARGS extra*> | <newobj_ex C ARGS KWARGS extra*> | <inst C ARGS extra*>
//!         | <code name=v ...> | Ellipsis | StopIteration
//!         | &N=value | *N                      a container reached more than once: at its first visit, and later
//! extra   =  items=[v,..] |  adds=[v,..] |  pairs={k:v,..} |  state=v
//! chars   = printable ASCII, with \ before " and \; else \u{hex} in a str, \xHH in bytes
//! ```
//!
//! A text is written in two walks: the first finds what is reached more than once, the second writes. Both keep their
//! place on a list, not on the stack, and visit every container once, so that no nesting and no sharing costs more than
//! an entry of that list for each container that is open.

use crate::norm::{self, Plain};
use larder::marshal::Python;
use larder::marshal::code;
use larder::object::{Atom, Extra, Items, Kind, Long, Object, Text};
use larder::pickle::compat::new_name;
use std::io::{self, Write};

/// Where a stream comes from, and in what form it is wanted.
#[derive(Clone, Copy)]
pub(crate) enum Dialect {
    /// Marshal of this Python.
    Marshal(Python),
    /// Pickle, as the stream has it.
    Pickle,
    /// Pickle in the norm form; with Python 2's names in Python 3's.
    Norm {
        /// Whether names are Python 2's: protocol 2 and below.
        old_names: bool,
    },
}

/// A value that is to be written as canonical text.
pub(crate) struct Canon<'a> {
    root: Object<'a>,
    dialect: Dialect,
    /// For each shared value of the tree: what is known of it.
    shared: Vec<Shared>,
}

#[derive(Clone, Copy, PartialEq)]
enum Shared {
    Unseen,
    Once,
    Often,
    Labelled(usize),
}

/// What is still to be written, the next at the end.
enum Work<'a> {
    Text(&'static str),
    Value(Object<'a>),
    /// Items with commas between; whether one was written; what stands behind the last.
    Items(Items<'a>, bool, &'static str),
    /// Keys and values in turn; how many were written; what stands behind the last.
    Pairs(Items<'a>, usize, &'static str),
    /// States, each behind ` state=`.
    States(Items<'a>),
    /// The fields of a code object behind ` name=`, from the field with this number on.
    Fields(Items<'a>, usize),
    /// The values of a slice, each behind a blank.
    Spaced(Items<'a>),
}

/// What is still to be counted.
enum Count<'a> {
    One(Object<'a>),
    Many(Items<'a>),
}

/// The extras in the order in which they are written.
pub(crate) const EXTRAS: [Extra; 4] = [Extra::Items, Extra::Adds, Extra::Pairs, Extra::States];

impl<'a> Canon<'a> {
    /// The text of this value.
    pub(crate) fn new(root: Object<'a>, dialect: Dialect) -> Self {
        let mut canon = Canon { root, dialect, shared: vec![Shared::Unseen; root.shared_count()] };
        canon.count();
        canon
    }

    /// The first walk: what is reached more than once.
    fn count(&mut self) {
        let mut stack = vec![Count::One(self.root)];
        while let Some(next) = stack.pop() {
            let object = match next {
                Count::One(object) => object,
                Count::Many(mut items) => {
                    let Some(object) = items.next() else { continue };
                    stack.push(Count::Many(items));
                    object
                }
            };
            if let Some(seen) = object.shared().and_then(|id| self.shared.get_mut(id)) {
                match seen {
                    Shared::Unseen => *seen = Shared::Once,
                    _ => {
                        *seen = Shared::Often;
                        continue;
                    }
                }
            }
            if object.atom().is_none() {
                self.count_inside(object, &mut stack);
            }
        }
    }

    /// What is inside of a container or object.
    fn count_inside(&self, object: Object<'a>, stack: &mut Vec<Count<'a>>) {
        let mut many = |items: Items<'a>| {
            if items.clone().next().is_some() {
                stack.push(Count::Many(items));
            }
        };
        match self.plain(&object) {
            Some(Plain::Set(items) | Plain::FrozenSet(items)) => many(items),
            Some(Plain::NewObj(class)) => {
                EXTRAS.into_iter().for_each(|extra| many(object.extras(extra)));
                stack.push(Count::One(class));
            }
            Some(_) => {}
            None => {
                many(object.items());
                EXTRAS.into_iter().for_each(|extra| many(object.extras(extra)));
                let parts = [object.callable(), object.args(), object.kwargs(), object.viewed()];
                stack.extend(parts.into_iter().flatten().map(Count::One));
                // A persistent id that is text is no object of its own.
                stack.extend(object.persistent_id().filter(|id| !id.is(&object)).map(Count::One));
            }
        }
    }

    /// The plain value that a call stands for in the norm form.
    fn plain(&self, object: &Object<'a>) -> Option<Plain<'a>> {
        match self.dialect {
            Dialect::Norm { old_names } => norm::plain(object, old_names),
            _ => None,
        }
    }

    /// The second walk: writes the text.
    pub(crate) fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut labels = 0;
        let mut work = vec![Work::Value(self.root)];
        while let Some(next) = work.pop() {
            match next {
                Work::Text(text) => out.write_all(text.as_bytes())?,
                Work::Value(object) => self.value(object, &mut labels, &mut work, out)?,
                Work::Items(mut items, comma, close) => match items.next() {
                    Some(item) => {
                        out.write_all(if comma { b"," } else { b"" })?;
                        work.push(Work::Items(items, true, close));
                        self.value(item, &mut labels, &mut work, out)?;
                    }
                    None => out.write_all(close.as_bytes())?,
                },
                Work::Pairs(mut items, written, close) => match items.next() {
                    Some(item) => {
                        let between = if written == 0 { "" } else { [",", ":"][written % 2] };
                        out.write_all(between.as_bytes())?;
                        work.push(Work::Pairs(items, written + 1, close));
                        self.value(item, &mut labels, &mut work, out)?;
                    }
                    None => out.write_all(close.as_bytes())?,
                },
                Work::States(mut items) => {
                    if let Some(item) = items.next() {
                        out.write_all(b" state=")?;
                        work.push(Work::States(items));
                        work.push(Work::Value(item));
                    }
                }
                Work::Fields(mut items, field) => {
                    if let Some(item) = items.next() {
                        write!(out, " {}=", self.field(field))?;
                        work.push(Work::Fields(items, field + 1));
                        work.push(Work::Value(item));
                    }
                }
                Work::Spaced(mut items) => {
                    if let Some(item) = items.next() {
                        out.write_all(b" ")?;
                        work.push(Work::Spaced(items));
                        work.push(Work::Value(item));
                    }
                }
            }
        }
        Ok(())
    }

    /// The name of a field of a code object.
    fn field(&self, number: usize) -> &'static str {
        match self.dialect {
            Dialect::Marshal(python) => code::layout(python).get(number).map_or("", |field| field.name),
            _ => "",
        }
    }

    fn value(
        &mut self,
        object: Object<'a>,
        labels: &mut usize,
        work: &mut Vec<Work<'a>>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let plain = self.plain(&object);
        if let Some(seen) = object.shared().and_then(|id| self.shared.get_mut(id)) {
            match *seen {
                Shared::Labelled(label) => return write!(out, "*{label}"),
                Shared::Often if is_labelled(&object, &plain) => {
                    *labels += 1;
                    *seen = Shared::Labelled(*labels);
                    write!(out, "&{labels}=")?;
                }
                _ => {}
            }
        }
        match plain {
            Some(plain) => self.plain_value(object, plain, work, out),
            None => self.raw_value(object, work, out),
        }
    }

    fn plain_value(
        &self,
        object: Object<'a>,
        plain: Plain<'a>,
        work: &mut Vec<Work<'a>>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match plain {
            Plain::Set(items) => members("<set", items, work, out),
            Plain::FrozenSet(items) => members("<frozenset", items, work, out),
            Plain::Bytes(bytes) => quoted("b", bytes.iter().map(|b| u32::from(*b)), true, out),
            Plain::ByteArray(bytes) => quoted("ba", bytes.iter().map(|b| u32::from(*b)), true, out),
            Plain::Complex(re, im) => complex(re, im, out),
            Plain::NewObj(class) => {
                work.push(Work::Text(">"));
                extras(&object, work);
                work.push(Work::Text(" ()"));
                work.push(Work::Value(class));
                out.write_all(b"<newobj ")
            }
        }
    }

    fn raw_value(&self, object: Object<'a>, work: &mut Vec<Work<'a>>, out: &mut dyn Write) -> io::Result<()> {
        // What comes last is pushed first.
        let mut items = |open: &str, close| {
            work.push(Work::Items(object.items(), false, close));
            out.write_all(open.as_bytes())
        };
        match object.kind() {
            Kind::List => items("[", "]"),
            Kind::Tuple => {
                let close = if object.items().nth(1).is_none() && object.items().next().is_some() { ",)" } else { ")" };
                items("(", close)
            }
            Kind::Dict => {
                work.push(Work::Pairs(object.items(), 0, "}"));
                out.write_all(b"{")
            }
            Kind::FrozenDict => {
                work.push(Work::Pairs(object.items(), 0, ">"));
                out.write_all(if object.items().next().is_some() { b"<frozendict " } else { b"<frozendict" })
            }
            Kind::Set => members("<set", object.items(), work, out),
            Kind::FrozenSet => members("<frozenset", object.items(), work, out),
            Kind::Slice => {
                work.push(Work::Text(">"));
                work.push(Work::Spaced(object.items()));
                out.write_all(b"<slice")
            }
            Kind::Code => {
                work.push(Work::Text(">"));
                work.push(Work::Fields(object.items(), 0));
                out.write_all(b"<code")
            }
            Kind::Buffer => write!(out, "<buffer {}>", object.buffer_number().unwrap_or(0)),
            Kind::ReadonlyBuffer => {
                work.push(Work::Text(">"));
                work.extend(object.viewed().map(Work::Value));
                out.write_all(b"<readonly ")
            }
            Kind::Global => self.global(&object, out),
            Kind::PersId => match object.atom() {
                Some(Atom::PersId(id)) => {
                    out.write_all(b"<persid ")?;
                    quoted("", id.chars(), false, out)?;
                    out.write_all(b">")
                }
                _ => {
                    work.push(Work::Text(">"));
                    work.extend(object.persistent_id().map(Work::Value));
                    out.write_all(b"<persid ")
                }
            },
            Kind::Reduce => called("<reduce ", object, work, out),
            Kind::NewObj => called("<newobj ", object, work, out),
            Kind::NewObjEx => called("<newobj_ex ", object, work, out),
            Kind::Inst => called("<inst ", object, work, out),
            _ => atom(object.atom().unwrap_or(Atom::None), out),
        }
    }

    fn global(&self, object: &Object<'a>, out: &mut dyn Write) -> io::Result<()> {
        let Some((module, name)) = object.global() else { return Ok(()) };
        let (module, name) = match self.dialect {
            Dialect::Norm { old_names: true } => new_name(module, name),
            _ => (module, name),
        };
        names(&module, &name, out)
    }
}

/// `<global "mod" "name">`.
pub(crate) fn names(module: &Text<'_>, name: &Text<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"<global ")?;
    quoted("", module.chars(), false, out)?;
    out.write_all(b" ")?;
    quoted("", name.chars(), false, out)?;
    out.write_all(b">")
}

/// Whether a value of this kind gets a label when it is reached more than once.
fn is_labelled(object: &Object<'_>, plain: &Option<Plain<'_>>) -> bool {
    match plain {
        Some(plain) => !matches!(plain, Plain::Bytes(_) | Plain::Complex(..)),
        None => match object.kind() {
            Kind::Tuple => object.items().next().is_some(),
            Kind::List
            | Kind::Dict
            | Kind::Set
            | Kind::FrozenSet
            | Kind::FrozenDict
            | Kind::ByteArray
            | Kind::Slice => true,
            Kind::Code | Kind::Reduce | Kind::NewObj | Kind::NewObjEx | Kind::Inst | Kind::PersId => true,
            Kind::Buffer | Kind::ReadonlyBuffer => true,
            _ => false,
        },
    }
}

/// `<set v,v>` or `<set>`.
fn members<'a>(open: &str, items: Items<'a>, work: &mut Vec<Work<'a>>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(open.as_bytes())?;
    if items.clone().next().is_some() {
        out.write_all(b" ")?;
    }
    work.push(Work::Items(items, false, ">"));
    Ok(())
}

/// What is called or made: callable, arguments, extras.
fn called<'a>(open: &str, object: Object<'a>, work: &mut Vec<Work<'a>>, out: &mut dyn Write) -> io::Result<()> {
    work.push(Work::Text(">"));
    extras(&object, work);
    let parts = [object.kwargs(), object.args(), object.callable()];
    for (i, part) in parts.into_iter().enumerate() {
        if let Some(part) = part {
            work.push(Work::Value(part));
            // The callable is the first word and comes right behind the bracket.
            work.push(Work::Text(if i == 2 { "" } else { " " }));
        }
    }
    out.write_all(open.as_bytes())
}

/// What was done to an object once it was made.
fn extras<'a>(object: &Object<'a>, work: &mut Vec<Work<'a>>) {
    for extra in EXTRAS.into_iter().rev() {
        let items = object.extras(extra);
        if items.clone().next().is_none() {
            continue;
        }
        let (open, then) = match extra {
            Extra::Items => (" items=[", Work::Items(items, false, "]")),
            Extra::Adds => (" adds=[", Work::Items(items, false, "]")),
            Extra::Pairs => (" pairs={", Work::Pairs(items, 0, "}")),
            // Each state has its own word.
            _ => ("", Work::States(items)),
        };
        work.extend([then, Work::Text(open)]);
    }
}

fn atom(atom: Atom<'_>, out: &mut dyn Write) -> io::Result<()> {
    match atom {
        Atom::None => out.write_all(b"None"),
        Atom::Bool(value) => out.write_all(if value { b"True" } else { b"False" }),
        Atom::Int(value) => write!(out, "{value}"),
        Atom::Long(value) => long(&value, out),
        Atom::Float(value) => {
            out.write_all(b"f:")?;
            bits(value, out)
        }
        Atom::Complex(re, im) => complex(re, im, out),
        Atom::Str(text) => quoted("", text.chars(), false, out),
        Atom::Bytes(bytes) => quoted("b", bytes.iter().map(|b| u32::from(*b)), true, out),
        Atom::ByteString(text) => quoted("s", text.chars(), true, out),
        Atom::ByteArray(bytes) => quoted("ba", bytes.iter().map(|b| u32::from(*b)), true, out),
        Atom::EmptyTuple => out.write_all(b"()"),
        Atom::Global(module, name) => names(&module, &name, out),
        Atom::Ext(code) => write!(out, "<ext {code}>"),
        Atom::Ellipsis => out.write_all(b"Ellipsis"),
        Atom::StopIteration => out.write_all(b"StopIteration"),
        other => Err(io::Error::other(format!("no canonical text for {other:?}"))),
    }
}

/// An int of any size: decimal if it fits 64 bits, else hexadecimal.
fn long(value: &Long<'_>, out: &mut dyn Write) -> io::Result<()> {
    if let Some(value) = value.to_i64() {
        return write!(out, "{value}");
    }
    let digits = match value {
        Long::Twos(bytes) => bytes.len(),
        // A decimal digit is less than half a byte, a digit of 15 bits less than two bytes.
        Long::Digits { digits, .. } | Long::Base15 { digits, .. } => digits.len(),
        _ => 0,
    };
    let mut buf = vec![0; digits + 8];
    let magnitude = value.magnitude(&mut buf).ok_or_else(|| io::Error::other("an int too long"))?;
    out.write_all(if value.is_negative() { b"-0x" } else { b"0x" })?;
    for (i, byte) in magnitude.iter().rev().enumerate() {
        if i == 0 { write!(out, "{byte:x}")? } else { write!(out, "{byte:02x}")? }
    }
    Ok(())
}

fn complex(re: f64, im: f64, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"c:")?;
    bits(re, out)?;
    out.write_all(b",")?;
    bits(im, out)
}

/// A float's bits; every NaN is nan.
fn bits(value: f64, out: &mut dyn Write) -> io::Result<()> {
    if value.is_nan() { out.write_all(b"nan") } else { write!(out, "{:016x}", value.to_bits()) }
}

/// Characters in quotes: others than printable ASCII as \xHH in bytes, as \u{hex} in text.
fn quoted(prefix: &str, chars: impl Iterator<Item = u32>, bytes: bool, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{prefix}\"")?;
    for c in chars {
        match u8::try_from(c) {
            Ok(b @ (b'"' | b'\\')) => out.write_all(&[b'\\', b])?,
            Ok(b @ b' '..=b'~') => out.write_all(&[b])?,
            _ if bytes => write!(out, "\\x{c:02x}")?,
            _ => write!(out, "\\u{{{c:x}}}")?,
        }
    }
    out.write_all(b"\"")
}
