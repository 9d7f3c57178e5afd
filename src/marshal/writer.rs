//! The writer: what [`Emit`] gives as type codes of versions 0 to 6.
//!
//! Rules: `w_object` and `w_complex_object` of CPython's `Python/marshal.c`. Below version 3 the bytes are CPython's own;
//! from 3 on CPython's flags depend on its reference counts, so that here only what is referred to has a flag.

use super::atom::RULES_3;
use super::reader;
use super::typecode::*;
use crate::decimal;
use crate::object::{Container, Emit, Level, Long, Refused, Slot, Spelling, Text};

type Done = Result<(), Refused>;

/// What is known of a shared value: 0, or its index plus 1, with a bit more while it must not be referred to yet.
const INCOMPLETE: u32 = 1 << 31;

/// A container of unknown length; so many items are left that none is missed in counting back.
const UNKNOWN: u32 = u32::MAX;

/// [`Level::state`] of a code object's level: the field that comes may be a number.
const FIELD: u8 = 1;

/// Writes marshal data: what [`Marshaller::write`](super::Marshaller::write) lends. It is an [`Emit`], and takes values with
/// serde.
pub struct Writer<'o> {
    buf: &'o mut [u8],
    /// How much was written, past the buffer's end too, up to 4 GiB.
    at: u32,
    version: u8,
    allow_code: bool,
    /// Per shared value: its index plus 1, or 0; and [`INCOMPLETE`].
    shared: &'o mut [Slot],
    indices: u32,
    /// The shared value that comes, plus one; [`NAMED`] for a name.
    pending: u32,
    /// Where a value would be a field of a code object.
    field_at: u32,
    /// Nothing is pending, and no field of a code object comes.
    usual: bool,
    /// How versions 0 to 2 write what they write otherwise.
    old: Option<&'static Old>,
    depth: usize,
    names: Names,
}

/// What versions 0 to 2 have of their own. It is reached through the version that was asked for alone, so that who writes
/// newer ones links none of it.
pub(super) struct Old {
    /// A float's text behind its length.
    float: for<'w> fn(&mut Writer<'w>, f64),
    /// Sorts the items of a set: so many, from a place on.
    sort: for<'w> fn(&mut Writer<'w>, usize, u32),
}

pub(super) static OLD: Old =
    Old { float: |writer, value| writer.float_text(value), sort: |writer, at, count| writer.sort(at, count) };

/// What comes is a name that is to be referred to.
const NAMED: u32 = u32::MAX;

/// How many names are known at most.
const NAMES: usize = 8;

/// Names that were written, to be referred to from then on, as CPython refers to interned keys: one struct after another
/// has the same, in the same order.
struct Names {
    known: [Option<(&'static str, u32)>; NAMES],
    len: usize,
    /// The one that probably comes next.
    next: usize,
}

impl Names {
    /// The index of a name.
    #[inline]
    fn find(&mut self, name: &'static str) -> Option<u32> {
        match self.known.get(self.next) {
            Some(Some((known, index))) if core::ptr::eq(*known, name) => {
                let next = self.next.wrapping_add(1);
                self.next = if next < self.len { next } else { 0 };
                Some(*index)
            }
            _ => self.search(name),
        }
    }

    #[inline(never)]
    fn search(&mut self, name: &'static str) -> Option<u32> {
        for (i, known) in self.known.iter().enumerate() {
            let (known, index) = (*known)?;
            if core::ptr::eq(known, name) {
                let next = i.wrapping_add(1);
                self.next = if next < self.len { next } else { 0 };
                return Some(index);
            }
        }
        None
    }
}

impl<'o> Writer<'o> {
    pub(super) fn new(buf: &'o mut [u8], version: u8, allow_code: bool, old: Option<&'static Old>) -> Self {
        let names = Names { known: [None; NAMES], len: 0, next: 0 };
        Writer {
            buf,
            at: 0,
            version,
            allow_code,
            shared: &mut [],
            indices: 0,
            pending: 0,
            field_at: u32::MAX,
            usual: true,
            old,
            depth: 0,
            names,
        }
    }

    /// With memory for shared values.
    pub(super) fn set_shared(&mut self, shared: &'o mut [Slot]) {
        shared.fill(Slot::EMPTY);
        self.shared = shared;
    }

    /// Writes a value of any type with serde.
    #[cfg(feature = "serde")]
    pub fn value<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        crate::object::serde::serialize(value, self)
    }

    /// How many bytes there are so far.
    pub(super) fn position(&self) -> usize {
        self.at as usize
    }

    /// What can be written at the end: `N` bytes, if they are there.
    #[inline]
    fn end<const N: usize>(&mut self) -> Option<&mut [u8; N]> {
        // No sum of 32 bits is too large for 64.
        let at = self.at as usize;
        self.buf.get_mut(at..at.wrapping_add(N))?.first_chunk_mut::<N>()
    }

    #[inline]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        match self.end() {
            Some(to) => *to = bytes,
            None => return self.count(N),
        }
        self.at = self.at.wrapping_add(N as u32);
    }

    /// A type code and the first `used` of the 8 bytes of a word.
    #[inline]
    fn put_word(&mut self, code: u8, word: u64, used: u32) {
        match self.end::<9>() {
            Some([first, rest @ ..]) => (*first, *rest) = (code, word.to_le_bytes()),
            None => return self.word_slowly(code, word, used),
        }
        self.at = self.at.wrapping_add(used).wrapping_add(1);
    }

    #[cold]
    #[inline(never)]
    fn word_slowly(&mut self, code: u8, word: u64, used: u32) {
        let bytes = word.to_le_bytes();
        self.put_both([code], bytes.get(..used as usize).unwrap_or_default());
    }

    /// A few bytes and what they announce.
    #[inline]
    fn put_both<const N: usize>(&mut self, head: [u8; N], bytes: &[u8]) {
        let at = self.at as usize;
        if let Some((to, rest)) = self.buf.get_mut(at..).and_then(|to| to.split_first_chunk_mut::<N>())
            && let Some(rest) = rest.get_mut(..bytes.len())
        {
            *to = head;
            rest.copy_from_slice(bytes);
            self.at = self.at.wrapping_add(N as u32).wrapping_add(bytes.len() as u32);
        } else {
            self.count(N.saturating_add(bytes.len()));
        }
    }

    fn put_slice(&mut self, bytes: &[u8]) {
        self.put_both([], bytes);
    }

    /// Past the buffer's end bytes are only counted.
    #[cold]
    #[inline(never)]
    fn count(&mut self, len: usize) {
        self.at = self.at.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
    }

    fn put_u32(&mut self, number: u32) {
        self.put(number.to_le_bytes());
    }

    /// A size that fits 31 bits.
    fn size(len: usize) -> Result<u32, Refused> {
        i32::try_from(len).map(|len| len as u32).map_err(|_| Refused::TooLong)
    }

    /// The type code of a value that can have an index: with the flag, if it is shared.
    #[inline]
    fn flagged(&mut self, code: u8) -> u8 {
        if self.usual { code } else { self.flag(code) }
    }

    #[inline(never)]
    fn flag(&mut self, code: u8) -> u8 {
        (self.field_at, self.usual) = (u32::MAX, true);
        let id = core::mem::take(&mut self.pending);
        if id == 0 {
            return code;
        }
        self.indices = self.indices.wrapping_add(1);
        if let Some(place) = self.shared.get_mut(id.wrapping_sub(1) as usize) {
            *place = Slot::raw(self.indices);
        }
        code | FLAG_REF
    }

    /// The value that comes has an index.
    fn set_pending(&mut self, id: u32) {
        (self.pending, self.usual) = (id, false);
    }

    /// Says whether a shared value may be referred to.
    fn set_complete(&mut self, shared: u32, complete: bool) {
        if let Some(place) = shared.checked_sub(1).and_then(|id| self.shared.get_mut(id as usize)) {
            *place = Slot::raw(place.bits() & !INCOMPLETE | if complete { 0 } else { INCOMPLETE });
        }
    }

    /// A value that is its type code alone, and is never referred to.
    #[inline]
    fn alone(&mut self, code: u8) -> Done {
        if !self.usual {
            (self.pending, self.field_at, self.usual) = (0, u32::MAX, true);
        }
        self.put([code]);
        Ok(())
    }

    /// A type code, a size and bytes.
    fn sized(&mut self, code: u8, bytes: &[u8]) -> Done {
        let [a, b, c, d] = Self::size(bytes.len())?.to_le_bytes();
        let code = self.flagged(code);
        self.put_both([code, a, b, c, d], bytes);
        Ok(())
    }

    /// What stands at this index of the table of references.
    #[inline]
    fn reference(&mut self, index: u32) {
        self.put_word(REF, index.into(), 4);
    }

    /// A name that is not known yet, and now is, if there is room.
    #[inline(never)]
    fn new_name(&mut self, name: &'static str) -> Done {
        if self.version < 3 {
            return self.utf8(name.as_bytes(), true);
        }
        if let Some(place) = self.names.known.get_mut(self.names.len) {
            *place = Some((name, self.indices));
            self.names.len = self.names.len.wrapping_add(1);
            self.set_pending(NAMED);
        }
        self.utf8(name.as_bytes(), true)
    }

    /// A str in UTF-8, or WTF-8.
    fn utf8(&mut self, utf8: &[u8], interned: bool) -> Done {
        if self.version < 4 || !utf8.is_ascii() {
            return self.sized(if interned && self.version >= 3 { INTERNED } else { UNICODE }, utf8);
        }
        let Ok(len) = u8::try_from(utf8.len()) else {
            return self.sized(if interned { ASCII_INTERNED } else { ASCII }, utf8);
        };
        let code = self.flagged(if interned { SHORT_ASCII_INTERNED } else { SHORT_ASCII });
        self.put_both([code, len], utf8);
        Ok(())
    }

    /// A float's text behind its length.
    fn float_text(&mut self, value: f64) {
        let mut buf = [0; decimal::LONGEST];
        let text = decimal::text(value, decimal::Style::Seventeen, &mut buf).as_bytes();
        self.put([text.len() as u8]);
        self.put_slice(text);
    }

    /// The 15-bit digits of a number whose absolute value comes byte by byte, the lowest first.
    fn digits(&mut self, negative: bool, magnitude: impl Iterator<Item = u8>) -> Done {
        let code = self.flagged(LONG);
        self.put([code]);
        let count_at = self.at;
        self.put_u32(0);
        let (mut bits, mut held, mut zeros, mut count) = (0u32, 0u32, 0u32, 0u32);
        // One more byte of zeros brings the last bits out.
        for byte in magnitude.chain([0, 0]) {
            bits |= u32::from(byte) << held;
            held = held.wrapping_add(8);
            if held < 15 {
                continue;
            }
            let digit = bits & 0x7fff;
            (bits, held) = (bits >> 15, held.wrapping_sub(15));
            if digit == 0 {
                // No digit of 0 may be the last.
                zeros = zeros.wrapping_add(1);
                continue;
            }
            for _ in 0..zeros {
                self.put([0, 0]);
            }
            self.put((digit as u16).to_le_bytes());
            count = count.wrapping_add(zeros).wrapping_add(1);
            zeros = 0;
        }
        let count = i32::try_from(count).map_err(|_| Refused::TooLong)?;
        self.patch(count_at, if negative { count.wrapping_neg() } else { count } as u32);
        Ok(())
    }

    /// An int of more than 32 bits: 3 to 5 digits.
    #[inline(never)]
    fn wide_int(&mut self, value: i64) -> Done {
        let (mut digits, mut count, mut rest) = ([0; 10], 0u32, value.unsigned_abs());
        for place in digits.as_chunks_mut::<2>().0 {
            if rest == 0 {
                break;
            }
            *place = ((rest & 0x7fff) as u16).to_le_bytes();
            rest >>= 15;
            count = count.wrapping_add(1);
        }
        let [a, b, c, d] = if value < 0 { count.wrapping_neg() } else { count }.to_le_bytes();
        let code = self.flagged(LONG);
        let used = count.wrapping_mul(2) as usize;
        self.put_both([code, a, b, c, d], digits.get(..used).unwrap_or_default());
        Ok(())
    }

    /// Digits of a text: multiplied up where they are written.
    fn text_digits(&mut self, negative: bool, radix: u8, digits: &[u8]) -> Done {
        // Converting takes time by the square of the length: CPython's limit keeps it small.
        if digits.len() > crate::object::MAX_DECIMAL_DIGITS {
            return Err(Refused::TooLong);
        }
        let code = self.flagged(LONG);
        self.put([code]);
        let count_at = self.at;
        self.put_u32(0);
        let first = self.at as usize;
        for digit in digits.iter().filter_map(|d| char::from(*d).to_digit(16)) {
            let mut carry = digit;
            let mut at = first;
            while at < self.at as usize || carry > 0 {
                if at >= self.at as usize {
                    self.put([0, 0]);
                }
                if let Some(place) = self.buf.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<2>()) {
                    carry = u32::from(u16::from_le_bytes(*place)).wrapping_mul(u32::from(radix)).wrapping_add(carry);
                    *place = ((carry & 0x7fff) as u16).to_le_bytes();
                    carry >>= 15;
                } else {
                    // Past the buffer's end only the length counts: no digit of 15 bits is longer than one of the text's.
                    self.at = (first as u32).saturating_add((digits.len() as u32).saturating_mul(2));
                    return Ok(());
                }
                at = at.wrapping_add(2);
            }
        }
        let count = (self.at.wrapping_sub(first as u32) / 2) as i32;
        self.patch(count_at, if negative { count.wrapping_neg() } else { count } as u32);
        Ok(())
    }

    /// Writes a number over one that was left open.
    fn patch(&mut self, at: u32, number: u32) {
        if let Some(to) = self.buf.get_mut(at as usize..).and_then(|rest| rest.first_chunk_mut::<4>()) {
            *to = number.to_le_bytes();
        }
    }

    /// A container of this length begins: one that is not too deep.
    fn enter(&mut self, container: Container, len: Option<usize>) -> Result<Level, Refused> {
        let size = match len {
            Some(len) => Self::size(len)?,
            None => UNKNOWN,
        };
        self.depth = self.depth.wrapping_add(1);
        // What is inside of it is one deeper; a dict has its end inside of it.
        if self.depth >= MAX_DEPTH && (size > 0 || container == Container::Dict || self.depth > MAX_DEPTH) {
            return Err(Refused::TooDeep);
        }
        Ok(Level { left: size, len: size, container, state: 0, shared: self.pending, at: 0 })
    }

    /// Opens a list, dict or tuple.
    fn open_plain(&mut self, container: Container, len: Option<usize>) -> Result<Level, Refused> {
        let mut level = self.enter(container, len)?;
        let size = level.len;
        let (code, used) = match container {
            Container::List => (LIST, 4),
            Container::Dict => (DICT, 0),
            _ if self.version >= 4 && size < 256 => (SMALL_TUPLE, 1),
            _ => (TUPLE, 4),
        };
        let code = self.flagged(code);
        level.at = self.at.wrapping_add(1);
        self.put_word(code, if size == UNKNOWN { 0 } else { size.into() }, used);
        if level.shared != 0 && size != 0 {
            self.set_complete(level.shared, true);
        }
        Ok(level)
    }

    /// A container ends.
    fn leave(&mut self, level: &Level) -> Done {
        if level.len == UNKNOWN {
            if matches!(level.container, Container::List | Container::Tuple) {
                self.patch(level.at, UNKNOWN.wrapping_sub(level.left));
            }
        } else if level.left != 0 {
            return Err(Refused::Custom);
        }
        if level.shared != 0 {
            self.set_complete(level.shared, true);
        }
        Ok(())
    }

    /// A set ends.
    fn close_sized(&mut self, level: &Level) {
        let mut count = level.len;
        if count == UNKNOWN {
            count = UNKNOWN.wrapping_sub(level.left);
            self.patch(level.at, count);
        }
        if let Some(old) = self.old {
            (old.sort)(self, (level.at as usize).saturating_add(4), count);
        }
    }

    /// Sorts the items of a set, from `first` on, by their bytes, as CPython 3.11 and later write sets (bpo-37596).
    fn sort(&mut self, first: usize, count: u32) {
        let end = self.at as usize;
        let Some(items) = self.buf.get_mut(first..end) else { return };
        // Runs of 1, 2, 4 ... items are merged in place.
        let mut run = 1u32;
        while run < count {
            let mut at = 0;
            while at < items.len() {
                let middle = skip(items, at, run);
                let end = skip(items, middle, run);
                merge(items, at, middle, end);
                at = end;
            }
            run = run.saturating_mul(2);
        }
    }
}

/// The place behind `n` values.
fn skip(items: &[u8], at: usize, n: u32) -> usize {
    let mut at = at;
    for _ in 0..n {
        if at >= items.len() {
            break;
        }
        at = reader::end(RULES_3, items, at).unwrap_or(items.len());
    }
    at
}

/// Merges two sorted runs of values that lie side by side.
fn merge(items: &mut [u8], first: usize, middle: usize, end: usize) {
    let (mut left, mut right) = (first, middle);
    while left < right && right < end {
        let left_end = skip(items, left, 1);
        // How many of the right run come before the first of the left.
        let mut stop = right;
        while stop < end {
            let next = skip(items, stop, 1);
            if items.get(stop..next) >= items.get(left..left_end) {
                break;
            }
            stop = next;
        }
        if let Some(both) = items.get_mut(left..stop) {
            both.rotate_left(right.wrapping_sub(left));
        }
        let moved = stop.wrapping_sub(right);
        left = left_end.wrapping_add(moved);
        right = stop;
    }
}

impl core::fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Writer<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Writer");
    }
}

#[cfg(feature = "serde")]
impl crate::object::serde::Encoder for Writer<'_> {}

impl Emit for Writer<'_> {
    fn none(&mut self) -> Done {
        self.alone(NONE)
    }

    fn bool(&mut self, value: bool) -> Done {
        self.alone(if value { TRUE } else { FALSE })
    }

    #[inline]
    fn int(&mut self, value: i64) -> Done {
        let Ok(short) = i32::try_from(value) else { return self.wide_int(value) };
        if !self.usual && self.field_at == self.at {
            // A number among the fields of a code object has no type code.
            (self.pending, self.field_at, self.usual) = (0, u32::MAX, true);
            self.put(short.to_le_bytes());
            return Ok(());
        }
        let code = self.flagged(INT);
        self.put_word(code, short as u32 as u64, 4);
        Ok(())
    }

    fn long(&mut self, value: &Long<'_>) -> Done {
        let negative = value.is_negative();
        match value {
            _ if let Some(short) = value.to_i64() => self.int(short),
            Long::Twos(bytes) => {
                let mut carry = negative;
                self.digits(
                    negative,
                    bytes.iter().map(move |byte| {
                        if !negative {
                            return *byte;
                        }
                        let (sum, over) = (!*byte).overflowing_add(u8::from(carry));
                        carry = over;
                        sum
                    }),
                )
            }
            Long::Base15 { digits, .. } => {
                let code = self.flagged(LONG);
                self.put([code]);
                let count = i32::try_from(digits.len() / 2).map_err(|_| Refused::TooLong)?;
                self.put_u32(if negative { count.wrapping_neg() } else { count } as u32);
                self.put_slice(digits);
                Ok(())
            }
            Long::Digits { radix, digits, .. } => self.text_digits(negative, *radix, digits),
        }
    }

    #[inline]
    fn float(&mut self, value: f64) -> Done {
        let binary = self.version >= 2;
        let code = self.flagged(if binary { BINARY_FLOAT } else { FLOAT });
        match self.old {
            Some(old) if !binary => {
                self.put([code]);
                (old.float)(self, value);
            }
            _ => self.put_word(code, value.to_bits(), 8),
        }
        Ok(())
    }

    fn complex(&mut self, re: f64, im: f64) -> Done {
        let binary = self.version >= 2;
        let code = self.flagged(if binary { BINARY_COMPLEX } else { COMPLEX });
        self.put([code]);
        for part in [re, im] {
            if binary {
                self.put(part.to_bits().to_le_bytes());
            } else {
                self.float_text(part);
            }
        }
        Ok(())
    }

    fn str(&mut self, value: &str) -> Done {
        self.utf8(value.as_bytes(), false)
    }

    #[inline]
    fn name(&mut self, value: &'static str) -> Done {
        match self.names.find(value) {
            Some(index) => {
                self.reference(index);
                Ok(())
            }
            None => self.new_name(value),
        }
    }

    fn text(&mut self, value: &Text<'_>) -> Done {
        if value.spelling() == Spelling::Utf8 {
            return self.utf8(value.raw(), false);
        }
        if let Some(utf8) = value.as_str() {
            return self.utf8(utf8.as_bytes(), false);
        }
        // Another spelling, and either not ASCII or with escapes in it: decoded where it is written.
        let ascii = self.version >= 4 && value.chars().all(|c| c < 0x80);
        let len = value.utf8_len();
        let size = Self::size(len)?;
        match u8::try_from(len) {
            Ok(short) if ascii => {
                let code = self.flagged(SHORT_ASCII);
                self.put([code, short]);
            }
            _ => {
                let code = self.flagged(if ascii { ASCII } else { UNICODE });
                self.put([code]);
                self.put_u32(size);
            }
        }
        let at = self.at as usize;
        if let Some(to) = self.buf.get_mut(at..at.saturating_add(len)) {
            value.to_wtf8(to);
        }
        self.at = self.at.saturating_add(size);
        Ok(())
    }

    fn bytes(&mut self, value: &[u8]) -> Done {
        self.sized(STRING, value)
    }

    fn byte_string(&mut self, value: &Text<'_>) -> Done {
        if let Some(bytes) = value.as_bytes() {
            return self.sized(STRING, bytes);
        }
        let len = value.chars().count();
        let size = Self::size(len)?;
        let code = self.flagged(STRING);
        self.put([code]);
        self.put_u32(size);
        let at = self.at as usize;
        if let Some(to) = self.buf.get_mut(at..at.saturating_add(len)) {
            value.to_bytes(to);
        }
        self.at = self.at.saturating_add(size);
        Ok(())
    }

    fn byte_array(&mut self, value: &[u8]) -> Done {
        self.sized(STRING, value)
    }

    fn global(&mut self, _: &Text<'_>, _: &Text<'_>) -> Done {
        Err(Refused::Unsupported)
    }

    fn ext(&mut self, _: u32) -> Done {
        Err(Refused::Unsupported)
    }

    fn buffer(&mut self, _: usize) -> Done {
        Err(Refused::Unsupported)
    }

    fn pers_id(&mut self, _: &Text<'_>) -> Done {
        Err(Refused::Unsupported)
    }

    fn ellipsis(&mut self) -> Done {
        self.alone(ELLIPSIS)
    }

    fn stop_iteration(&mut self) -> Done {
        self.alone(STOP_ITERATION)
    }

    fn open(&mut self, container: Container, len: Option<usize>) -> Result<Level, Refused> {
        let (code, sized) = match container {
            Container::List | Container::Dict | Container::Tuple => return self.open_plain(container, len),
            Container::Set => (SET, true),
            Container::FrozenSet => (FROZENSET, true),
            Container::Slice if self.version >= 5 => (SLICE, false),
            Container::FrozenDict if self.version >= 6 => (FROZENDICT, false),
            Container::Code if self.allow_code => (CODE, false),
            _ => return Err(Refused::Unsupported),
        };
        let mut level = self.enter(container, len)?;
        let code = self.flagged(code);
        if container == Container::Code {
            // Each field is announced.
            (level.left, level.state) = (0, FIELD);
        }
        self.put([code]);
        if sized {
            level.at = self.at;
            self.put_u32(if level.len == UNKNOWN { 0 } else { level.len });
        }
        if level.shared != 0 && level.len != 0 {
            self.set_complete(level.shared, container == Container::Set);
        }
        Ok(level)
    }

    fn open_list(&mut self, len: Option<usize>) -> Result<Level, Refused> {
        self.open_plain(Container::List, len)
    }

    fn open_dict(&mut self, len: Option<usize>) -> Result<Level, Refused> {
        self.open_plain(Container::Dict, len)
    }

    fn open_tuple(&mut self, len: usize) -> Result<Level, Refused> {
        self.open_plain(Container::Tuple, Some(len))
    }

    fn close_plain(&mut self, level: Level) -> Done {
        self.depth = self.depth.wrapping_sub(1);
        if level.container == Container::Dict {
            self.put([NULL]);
        }
        self.leave(&level)
    }

    fn more(&mut self, level: &mut Level) -> Done {
        // More than was said, but for a code object's fields.
        if level.state != FIELD {
            return Err(Refused::Custom);
        }
        (self.field_at, self.usual) = (self.at, false);
        Ok(())
    }

    fn close(&mut self, level: Level) -> Done {
        match level.container {
            Container::List | Container::Tuple | Container::Dict => return self.close_plain(level),
            Container::FrozenDict => self.put([NULL]),
            Container::Set | Container::FrozenSet => self.close_sized(&level),
            _ => {}
        }
        self.depth = self.depth.wrapping_sub(1);
        self.leave(&level)
    }

    fn shared(&mut self, id: usize) -> Result<bool, Refused> {
        if self.version < 3 {
            return Ok(false);
        }
        let Some(place) = self.shared.get(id) else { return Err(Refused::OutOfSlots) };
        let known = place.bits();
        if known & INCOMPLETE != 0 {
            // CPython writes a reference here that it cannot read.
            return Err(Refused::Unsupported);
        }
        match known.checked_sub(1) {
            Some(index) => {
                self.reference(index);
                Ok(true)
            }
            None => {
                self.set_pending((id as u32).wrapping_add(1));
                Ok(false)
            }
        }
    }
}
