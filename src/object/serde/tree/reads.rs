//! What serde asks a [`Walk`] for.

use super::{CONTENT, Walk};
use crate::copyreg::Fields;
use crate::object::serde::instance::Ops;
use crate::object::serde::source::{Content, Fail, Key, Level, Newtype, Source, What, Wide, float};
use crate::object::slot::*;
use crate::object::{Atom, ErrorKind};

impl<'a> Source<'a> for Walk<'a> {
    fn what(&mut self) -> Option<What> {
        let word = self.tree.resolve(self.now);
        self.what_else(word)
    }

    fn none(&mut self) -> bool {
        matches!(self.tree.any_atom(self.now), Some(Atom::None))
    }

    fn bool(&mut self) -> Option<bool> {
        match self.atom()? {
            Atom::Bool(value) => Some(value),
            _ => self.mistyped(),
        }
    }

    fn int(&mut self) -> Option<i64> {
        match self.atom()? {
            Atom::Int(value) => Some(value),
            Atom::Long(_) => self.fail(ErrorKind::OutOfRange),
            _ => self.mistyped(),
        }
    }

    fn uint(&mut self) -> Option<u64> {
        let value = match self.wide()? {
            Wide::I64(value) => u64::try_from(value).ok(),
            Wide::U64(value) => Some(value),
            _ => None,
        };
        if value.is_none() { self.fail(ErrorKind::OutOfRange) } else { value }
    }

    fn wide(&mut self) -> Option<Wide> {
        match self.atom()? {
            Atom::Int(value) => Some(Wide::I64(value)),
            Atom::Long(long) => {
                let mut buf = [0; 16];
                let fits = long.magnitude(&mut buf).is_some();
                let (magnitude, negative) = (u128::from_le_bytes(buf), long.is_negative());
                let signed = if negative { magnitude.wrapping_neg() } else { magnitude } as i128;
                match (fits, u64::try_from(magnitude)) {
                    (true, Ok(value)) if !negative => Some(Wide::U64(value)),
                    (true, _) if (signed < 0) == negative => Some(Wide::I128(signed)),
                    (true, _) if !negative => Some(Wide::U128(magnitude)),
                    _ => self.fail(ErrorKind::OutOfRange),
                }
            }
            _ => self.mistyped(),
        }
    }

    fn float(&mut self) -> Option<f64> {
        if let Atom::Float(value) = self.atom()? {
            return Some(value);
        }
        match self.wide()? {
            Wide::I64(value) => Some(float(value)),
            Wide::U64(value) => Some(value as f64),
            _ => self.fail(ErrorKind::OutOfRange),
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        self.any_text()?.as_str()
    }

    fn decode<'b>(&mut self, buf: &'b mut [u8]) -> Option<&'b str> {
        match self.any_text()?.to_str(buf) {
            None => self.fail(ErrorKind::NotBorrowable),
            text => text,
        }
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        match self.object()?.as_bytes() {
            Ok(bytes) => Some(bytes),
            Err(_) => self.odd_bytes()?.as_bytes(),
        }
    }

    fn decode_bytes<'b>(&mut self, buf: &'b mut [u8]) -> Option<Option<&'b [u8]>> {
        Some(self.odd_bytes()?.to_bytes(buf))
    }

    fn skip(&mut self) -> Option<()> {
        Some(())
    }

    fn seq(&mut self, _: usize, level: &mut Level<'_, 'a>) -> Option<()> {
        self.any(level, false)
    }

    fn more(&mut self, level: &mut Level<'_, 'a>) -> Option<bool> {
        let next = match &mut level.content {
            Content::Words(words, then) => match (words.next(&self.tree), then) {
                (None, then @ Some(_)) => {
                    if let Some(then) = then.take() {
                        *words = then;
                    }
                    words.next(&self.tree)
                }
                (next, _) => next,
            },
            Content::Elsewhere(words, ..) => words.next(&self.tree),
            Content::Bytes(chars) => match chars.next() {
                Some(c @ 0..=0xff) => Some(Slot::new(CONTENT, (c as usize).wrapping_add(1))),
                Some(_) => return self.fail(ErrorKind::BadText),
                None => None,
            },
            _ => None,
        };
        level.ended = next.is_none();
        self.now = next.unwrap_or(level.word);
        Some(!level.ended)
    }

    fn left(&self, level: &Level<'_, 'a>) -> Option<usize> {
        match &level.content {
            Content::Words(words, then) => {
                let then = then.as_ref().map_or(0, |then| then.left(&self.tree));
                Some(words.left(&self.tree).saturating_add(then))
            }
            Content::Elsewhere(words, ..) => Some(words.left(&self.tree)),
            _ => None,
        }
    }

    fn map(&mut self, level: &mut Level<'_, 'a>) -> Option<()> {
        self.any(level, true)
    }

    fn key(&mut self, level: &mut Level<'_, 'a>, fields: &'static [&'static str]) -> Option<Key> {
        let pair = match &mut level.content {
            Content::Words(words, _) | Content::Elsewhere(words, _) => {
                let (key, value) = (words.next(&self.tree), words.next(&self.tree));
                level.value = value.unwrap_or(Slot::EMPTY);
                key.filter(|_| value.is_some())
            }
            Content::Pairs(..) | Content::Fields(_) => {
                let key = self.ops.and_then(|ops| (ops.key)(self, level))?;
                if let Key::Name(_) = key {
                    return Some(key);
                }
                (!matches!(key, Key::End)).then_some(self.now)
            }
            _ => None,
        };
        level.field = None;
        level.ended = pair.is_none();
        self.now = pair.unwrap_or(level.word);
        if level.ended {
            return Some(Key::End);
        }
        if !fields.is_empty()
            && let Some(Atom::Str(text) | Atom::ByteString(text)) = self.tree.any_atom(self.now)
            && let Some(field) = fields.iter().find(|field| text.is(field))
        {
            level.field = Some(field);
            level.key = self.now;
            return Some(Key::Name(field));
        }
        Some(Key::Value)
    }

    fn value(&mut self, level: &mut Level<'_, 'a>) {
        self.now = level.value;
    }

    fn leave(&mut self, level: &mut Level<'_, 'a>) -> Option<()> {
        // What a tuple or an array has no place for is not thrown away.
        if !level.ended && self.more(level)? {
            return self.fail(ErrorKind::WrongLength);
        }
        self.exit(level);
        self.now = level.word;
        Some(())
    }

    fn blame(&mut self, level: &Level<'_, 'a>, fail: Fail) -> Fail {
        self.note(fail, level.ended);
        if let Some(field) = level.field {
            if self.error.kind == ErrorKind::UnexpectedType {
                self.error.kind = ErrorKind::FieldType(field);
            }
            // An empty container has no place: that of its key.
            if self.error.offset == 0 {
                self.error.offset = self.tree.offset(level.key);
            }
        }
        self.exit(level);
        Fail::TOLD
    }

    fn structure(&mut self) -> Option<What> {
        let word = self.tree.resolve(self.now);
        match word.tag() {
            OBJECT if self.ops.is_some() => Some(What::Instance),
            OBJECT => self.fail(ErrorKind::NotRegistered),
            DICT | FROZENDICT => Some(What::Map),
            CONTENT => self.what_else(word),
            FIXED | ATOM => Some(if self.persistent()?.is_some() { What::Map } else { What::Seq }),
            _ => Some(What::Seq),
        }
    }

    fn fields(
        &mut self,
        rust: &'static str,
        names: &'static [&'static str],
        fields: &mut Option<Fields<'a>>,
    ) -> Option<()> {
        match self.ops {
            Some(ops) => (ops.fields)(self, rust, names, fields),
            None => self.fail(ErrorKind::NotRegistered),
        }
    }

    fn places(&mut self, rust: &'static str, len: usize, level: &mut Level<'_, 'a>) -> Option<()> {
        match self.ops {
            Some(ops) if self.tree.resolve(self.now).tag() == OBJECT => (ops.places)(self, rust, level),
            _ => self.seq(len, level),
        }
    }

    fn unit(&mut self, rust: &'static str) -> Option<()> {
        if let Some(ops) = self.ops
            && !rust.is_empty()
            && (ops.unit)(self, rust)?
        {
            return Some(());
        }
        match self.atom()? {
            Atom::None => Some(()),
            _ => self.mistyped(),
        }
    }

    fn newtype(&mut self, rust: &'static str) -> Option<Newtype> {
        match self.ops {
            Some(ops) => (ops.newtype)(self, rust),
            None => Some(Newtype::Value),
        }
    }

    fn variant(
        &mut self,
        rust: &'static str,
        variants: &'static [&'static str],
        level: &mut Level<'_, 'a>,
    ) -> Option<Option<&'a str>> {
        let word = self.tree.resolve(self.now);
        if Self::words(&self.tree, word, true).is_some() {
            self.map(level)?;
            self.key(level, &[])?;
            return match self.left(level) {
                Some(0) if !level.ended => Some(None),
                _ => {
                    self.now = level.word;
                    self.fail(ErrorKind::WrongLength)
                }
            };
        }
        if let Some(ops) = self.ops
            && (crate::copyreg::is_own(rust) || self.tree.any_atom(word).is_none())
        {
            return (ops.variant)(self, rust, variants).map(Some);
        }
        if word.tag() == OBJECT {
            return self.fail(ErrorKind::NotRegistered);
        }
        let name = self.any_text()?;
        // A name that is not spelled as it is can be one that is known.
        match variants.iter().find(|variant| name.is(variant)).copied().or_else(|| name.as_str()) {
            None => self.fail(ErrorKind::UnknownVariant),
            name => Some(name),
        }
    }

    fn learn(&mut self, ops: &'static Ops) -> Option<()> {
        self.ops = Some(ops);
        Some(())
    }
}
