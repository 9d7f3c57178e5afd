//! [`Writer`]: CPython's opcodes and memo, value by value. Its [`Emit`](crate::object::Emit) stands in `emit`, containers in
//! `batches`, names in `interned`, older spellings in `old`, what is seldom needed in `rare` and `values`.
//!
//! Rules: Modules/_pickle.c of Python 3.8 to 3.13, which write the same bytes for plain data.
#![deny(clippy::panic)]

use super::names::{Name, Names};
use super::old::Old;
use super::opcode::code::*;
use super::out::Out;
use super::rare::{RARE, Rare};
use super::rename::Rename;
#[cfg(feature = "serde")]
use crate::copyreg::Ops;
use crate::copyreg::Registry;
use crate::object::{Atom, Container, Error, ErrorKind, Refused, Slot, Text};

type Done = Result<(), Refused>;

/// In [`Writer::shared`]: the entry was read.
pub(super) const READ: u32 = 1 << 31;

/// Writes a pickle: what [`Pickler::write`](super::Pickler::write) lends. It is an [`Emit`](crate::object::Emit), and takes values with serde.
pub struct Writer<'w> {
    pub(super) out: Out<'w>,
    pub(super) protocol: u8,
    /// Every value is remembered, as CPython does it; otherwise only what is read again.
    pub(super) memoizes: bool,
    /// The value that comes is no more than it says, is not remembered, and the protocol has the short forms.
    pub(super) usual: bool,
    /// The value that comes is shared, or the content of another container.
    pub(super) mark: Option<&'static Rare>,
    /// There was such a value.
    pub(super) rare: Option<&'static Rare>,
    /// MEMOIZE's next number.
    pub(super) memo: u32,
    pub(super) names: Names<'w>,
    /// How protocols 0 to 2 spell what they have no opcodes for.
    pub(super) old: Option<&'static Old>,
    /// Per shared value: 0 never remembered, 1 to be remembered, else its number plus 2, and [`READ`] once it was read.
    pub(super) shared: &'w mut [Slot],
    /// The shared value that comes, plus one.
    pub(super) pending: u32,
    /// What is opened next, whatever it says.
    pub(super) content: Option<Container>,
    pub(super) rename: Rename,
    /// A dot in a global's name stands for an attribute, and the protocol has calls for that.
    pub(super) dotted: bool,
    pub(super) registry: Registry<'w>,
    /// How instances of the registry's classes are written.
    #[cfg(feature = "serde")]
    pub(super) instances: Option<Ops<Writer<'w>>>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Writer<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Writer");
    }
}

impl core::fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl<'w> Writer<'w> {
    pub(super) fn new(out: Out<'w>, protocol: u8, memoizes: bool, names: &'w mut [Name]) -> Self {
        Writer {
            out,
            protocol,
            memoizes,
            usual: !memoizes && protocol >= 4,
            mark: None,
            rare: None,
            memo: 0,
            names: Names::new(names, protocol, memoizes),
            old: None,
            shared: &mut [],
            pending: 0,
            content: None,
            rename: Rename::No,
            dotted: false,
            registry: Registry::EMPTY,
            #[cfg(feature = "serde")]
            instances: None,
        }
    }

    /// With the spellings of an older protocol, or none.
    #[inline]
    pub(super) fn set_old(&mut self, old: Option<&'static Old>) {
        self.old = old;
        if old.is_some() {
            self.out.decline_values();
        }
    }

    /// The value that comes is more than it says, or is not.
    pub(super) fn set_mark(&mut self, marked: bool) {
        self.mark = marked.then_some(&RARE);
        self.rare = Some(&RARE);
        self.usual = !marked && !self.memoizes && self.protocol >= 4;
    }

    /// Writes a value of any type with serde.
    #[cfg(feature = "serde")]
    pub fn value<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        crate::object::serde::serialize(value, self)
    }

    /// Ends the pickle; a value that comes now is another one behind it, which refers to what was written before: as several
    /// `dump`s of one Pickler of Python. One Unpickler reads them, here with [`load_all`](super::Unpickler::load_all).
    pub fn next_pickle(&mut self) {
        self.out.opcode(STOP);
        self.out.close_frame();
        self.start();
    }

    /// What comes first.
    pub(super) fn start(&mut self) {
        if self.protocol >= 2 {
            self.out.start([PROTO, self.protocol]);
        }
        self.start_frames();
    }

    /// From here on there are frames, if the protocol has them.
    pub(super) fn start_frames(&mut self) {
        if self.protocol >= 4 {
            self.out.start_frames();
        }
    }

    /// What comes last, if the value was written; answers how many bytes there are.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn stop(&mut self, written: Done) -> Result<usize, Error> {
        if let Err(refused) = written {
            return Err(Error::new(refused.into(), self.out.position()));
        }
        self.out.opcode(STOP);
        self.out.close_frame();
        self.out.flush();
        let at = self.out.needed();
        if self.out.failed() { Err(Error::new(ErrorKind::Write, at)) } else { Ok(at) }
    }

    /// A value that begins with this opcode.
    #[inline]
    pub(super) fn begin(&mut self, code: u8) {
        if !self.out.begin(code) {
            self.word_slowly(code, 0, 1);
        }
    }

    /// A value of an opcode and the first of the 8 bytes of a word, `used` bytes in all.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn begin_word(&mut self, code: u8, word: u64, used: u32) {
        if !self.out.begin_word(code, word, used) {
            self.word_slowly(code, word, used);
        }
    }

    /// Where the frame or the buffer ends, or an older protocol may have another spelling.
    #[cold]
    #[inline(never)]
    fn word_slowly(&mut self, code: u8, word: u64, used: u32) {
        self.out.value();
        match self.old {
            Some(old) => (old.word)(self, code, word, used),
            None => self.out.word(code, word, used),
        }
    }

    /// Refers to an entry of the memo.
    pub(super) fn get(&mut self, entry: u32) {
        self.out.value();
        self.entry(entry, BINGET, LONG_BINGET, GET);
    }

    /// The opcode that remembers the value just made under the next number.
    #[inline]
    pub(super) fn put_memo(&mut self) {
        let entry = self.memo;
        self.memo = entry.wrapping_add(1);
        self.names.last_memo = self.out.position();
        if self.protocol >= 4 {
            return self.out.opcode(MEMOIZE);
        }
        self.entry(entry, BINPUT, LONG_BINPUT, PUT);
    }

    /// An entry of the memo behind its opcode: the short one, the long one, or protocol 0's.
    fn entry(&mut self, entry: u32, short: u8, long: u8, text: u8) {
        match self.old {
            Some(old) if self.protocol == 0 => (old.entry)(self, text, entry),
            _ if entry < 256 => self.out.word(short, entry.into(), 2),
            _ => self.out.word(long, entry.into(), 5),
        }
    }

    /// A str in UTF-8 (or WTF-8), without remembering it.
    #[inline]
    pub(super) fn utf8(&mut self, utf8: &[u8]) -> Done {
        match u8::try_from(utf8.len()) {
            Ok(len) if self.protocol >= 4 => {
                self.out.short_payload(SHORT_BINUNICODE, len, utf8);
                Ok(())
            }
            _ => self.long_utf8(utf8),
        }
    }

    #[inline(never)]
    pub(super) fn bytes_slowly(&mut self, value: &[u8]) -> Done {
        match (u8::try_from(value.len()), self.old) {
            (_, Some(old)) if self.protocol < 3 => (old.atom)(self, &Atom::Bytes(value))?,
            (Ok(len), _) => self.out.short_payload(SHORT_BINBYTES, len, value),
            _ => self.sized(BINBYTES, value)?,
        }
        self.remember_atom();
        Ok(())
    }

    #[inline(never)]
    pub(super) fn str_slowly(&mut self, value: &str) -> Done {
        self.utf8(value.as_bytes())?;
        self.remember_atom();
        Ok(())
    }

    #[inline(never)]
    fn long_utf8(&mut self, utf8: &[u8]) -> Done {
        if self.protocol == 0
            && let Some(old) = self.old
        {
            return (old.atom)(self, &Atom::Str(Text::new(utf8, crate::object::Spelling::Utf8)));
        }
        self.sized(BINUNICODE, utf8)
    }

    /// Bytes behind an opcode and a length of four bytes.
    fn sized(&mut self, code: u8, bytes: &[u8]) -> Done {
        let [a, b, c, d] = u32::try_from(bytes.len()).map_err(|_| Refused::TooLong)?.to_le_bytes();
        self.out.payload([code, a, b, c, d], bytes);
        Ok(())
    }

    /// The module that has what is built in.
    pub(super) fn builtins(&self) -> &'static str {
        if self.protocol < 3 { "__builtin__" } else { "builtins" }
    }

    #[inline]
    pub(super) fn write_int(&mut self, value: i64) {
        let word = value as u64;
        let (code, word, used) = match value {
            0..=0xff => (BININT1, word, 2),
            0x100..=0xffff => (BININT2, word, 3),
            -0x8000_0000..=0x7fff_ffff => (BININT, word, 5),
            _ => {
                // The fewest bytes that keep the sign.
                let bits = 64u32.wrapping_sub((value ^ (value >> 63)).leading_zeros());
                let used = (bits / 8).wrapping_add(1);
                if used > 7 {
                    return self.longest_int(word);
                }
                (LONG1, word << 8 | u64::from(used), used.wrapping_add(2))
            }
        };
        self.begin_word(code, word, used);
    }

    /// An int that takes all of 8 bytes.
    #[inline(never)]
    fn longest_int(&mut self, word: u64) {
        match self.old {
            Some(old) if self.protocol < 2 => (old.word)(self, LONG, word, 0),
            _ => self.out.short_payload(LONG1, 8, &word.to_le_bytes()),
        }
    }

    /// The value just made is one that CPython remembers. Not for values that may be shared.
    #[inline]
    pub(super) fn remember(&mut self) {
        if self.memoizes {
            self.put_memo();
        }
    }

    /// The str or bytes just made are remembered as CPython does it, or because they are shared.
    #[inline]
    pub(super) fn remember_atom(&mut self) {
        if !self.usual {
            self.remember_unusual();
        }
    }

    #[inline(never)]
    fn remember_unusual(&mut self) {
        match self.mark {
            Some(rare) => (rare.memoize)(self),
            None => self.remember(),
        }
    }
}
