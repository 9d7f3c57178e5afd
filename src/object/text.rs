//! Text as streams spell it: UTF-8 with lone surrogates, Latin-1, Python 2's escapes, raw-unicode-escape.

/// How text is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Spelling {
    /// UTF-8; lone surrogates may stand in it, as three bytes each (WTF-8).
    Utf8,
    /// One byte a character, 0 to 255: Latin-1, and also the bytes of a Python 2 str.
    Latin1,
    /// The inside of a quoted string with Python 2's escapes; characters 0 to 255.
    Quoted,
    /// raw-unicode-escape: Latin-1, with `\u` and four, `\U` and eight hexadecimal digits for the rest.
    RawUnicode,
}

/// Text in the input, decoded only as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Text<'a> {
    raw: &'a [u8],
    spelling: Spelling,
}

impl<'a> Text<'a> {
    /// Text of these bytes in this spelling. Whoever makes it has seen that it is well-formed ([`Text::is_valid`]).
    pub const fn new(raw: &'a [u8], spelling: Spelling) -> Self {
        Text { raw, spelling }
    }

    /// Text of a Rust str.
    pub const fn from_str(text: &'a str) -> Self {
        Text { raw: text.as_bytes(), spelling: Spelling::Utf8 }
    }

    /// The bytes as they stand in the input.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// How they are spelled.
    pub const fn spelling(&self) -> Spelling {
        self.spelling
    }

    /// The characters, as numbers: code points, lone surrogates among them, or the bytes of a Python 2 str.
    pub fn chars(&self) -> Chars<'a> {
        Chars { rest: self.raw, spelling: self.spelling, valid: true, literal: false }
    }

    /// Whether the spelling is kept throughout: no bad UTF-8, no broken escape.
    pub fn is_valid(&self) -> bool {
        match self.spelling {
            Spelling::Latin1 => true,
            Spelling::Utf8 if self.raw.is_ascii() || core::str::from_utf8(self.raw).is_ok() => true,
            _ => {
                let mut chars = self.chars();
                while chars.next().is_some() {}
                chars.valid
            }
        }
    }

    /// The text where it stands, if it stands there as UTF-8 without lone surrogates.
    #[inline]
    pub fn as_str(&self) -> Option<&'a str> {
        match self.spelling {
            Spelling::Utf8 => core::str::from_utf8(self.raw).ok(),
            _ => self.plain().and_then(|raw| core::str::from_utf8(raw).ok()),
        }
    }

    /// The characters as bytes where they stand, if all of them are below 256 and none is escaped.
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        match self.spelling {
            Spelling::Utf8 => self.plain(),
            Spelling::Latin1 => Some(self.raw),
            _ => (!self.raw.contains(&b'\\')).then_some(self.raw),
        }
    }

    /// The raw bytes if every character is one byte, below 128, and stands for itself.
    fn plain(&self) -> Option<&'a [u8]> {
        let escapes = matches!(self.spelling, Spelling::Quoted | Spelling::RawUnicode);
        (self.raw.is_ascii() && !(escapes && self.raw.contains(&b'\\'))).then_some(self.raw)
    }

    /// Whether it is the same text as this str.
    #[inline(never)]
    pub fn is(&self, text: &str) -> bool {
        match self.spelling {
            Spelling::Utf8 => self.raw == text.as_bytes(),
            _ => self.chars().eq(text.chars().map(u32::from)),
        }
    }

    /// The length in UTF-8, lone surrogates as three bytes each.
    pub fn utf8_len(&self) -> usize {
        match self.spelling {
            Spelling::Utf8 => self.raw.len(),
            _ => self.chars().fold(0, |sum: usize, c| sum.saturating_add(encode_utf8(c, &mut [0; 4]).len())),
        }
    }

    /// Decodes into a buffer as UTF-8, lone surrogates as three bytes each (WTF-8); `None` when it is too small.
    pub fn to_wtf8<'b>(&self, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        let mut at: usize = 0;
        for c in self.chars() {
            let mut utf8 = [0; 4];
            let utf8 = encode_utf8(c, &mut utf8);
            let end = at.saturating_add(utf8.len());
            buf.get_mut(at..end)?.copy_from_slice(utf8);
            at = end;
        }
        buf.get(..at)
    }

    /// Decodes into a buffer as a str; `None` when the buffer is too small or a lone surrogate stands in the text.
    pub fn to_str<'b>(&self, buf: &'b mut [u8]) -> Option<&'b str> {
        core::str::from_utf8(self.to_wtf8(buf)?).ok()
    }

    /// Decodes characters below 256 into a buffer, one byte each; `None` when it is too small or one is above.
    pub fn to_bytes<'b>(&self, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        let mut at: usize = 0;
        for c in self.chars() {
            *buf.get_mut(at)? = u8::try_from(c).ok()?;
            at = at.wrapping_add(1);
        }
        buf.get(..at)
    }
}

/// The UTF-8 of a code point, also of a lone surrogate.
pub(crate) fn encode_utf8(c: u32, buf: &mut [u8; 4]) -> &[u8] {
    match char::from_u32(c) {
        Some(c) => c.encode_utf8(buf).as_bytes(),
        None => {
            *buf = [0xe0 | (c >> 12) as u8 & 0x0f, 0x80 | (c >> 6) as u8 & 0x3f, 0x80 | c as u8 & 0x3f, 0];
            buf.split_last().map_or(&[], |(_, three)| three)
        }
    }
}

/// The characters of a [`Text`].
#[derive(Debug, Clone)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Chars<'a> {
    rest: &'a [u8],
    spelling: Spelling,
    valid: bool,
    /// The next character stands for itself: a backslash that is no escape came before it.
    literal: bool,
}

impl<'a> Chars<'a> {
    /// What was not read yet.
    #[cfg(feature = "serde")]
    pub(crate) fn text(&self) -> Text<'a> {
        Text { raw: self.rest, spelling: self.spelling }
    }

    /// Drops `n` bytes.
    fn skip(&mut self, n: usize) {
        self.rest = self.rest.get(n..).unwrap_or_default();
    }

    /// Marks the text as broken and ends it.
    fn broken(&mut self) -> Option<u32> {
        (self.valid, self.rest) = (false, &[]);
        None
    }

    /// The number spelled by at most `max` digits of this radix at the beginning, and how many there are.
    fn number(&self, skip: usize, max: usize, radix: u32) -> (u32, usize) {
        let digits = self.rest.get(skip..).unwrap_or_default().iter().take(max);
        let digits = digits.map_while(|b| char::from(*b).to_digit(radix));
        digits.fold((0, 0), |(sum, n), d| (sum.wrapping_mul(radix).wrapping_add(d), n.wrapping_add(1)))
    }

    /// UTF-8, surrogates allowed. The bounds on the second byte are those of Unicode's table 3-7 without the one that
    /// forbids surrogates.
    fn utf8(&mut self, first: u8) -> Option<u32> {
        let (len, low, high) = match first {
            0..=0x7f => (1, 0, 0),
            0xc2..=0xdf => (2, 0x80, 0xbf),
            0xe0 => (3, 0xa0, 0xbf),
            0xe1..=0xef => (3, 0x80, 0xbf),
            0xf0 => (4, 0x90, 0xbf),
            0xf1..=0xf3 => (4, 0x80, 0xbf),
            0xf4 => (4, 0x80, 0x8f),
            _ => return self.broken(),
        };
        let mut c = u32::from(first) & (0x7f >> if len == 1 { 0 } else { len });
        for i in 1..len {
            match self.rest.get(i).copied() {
                Some(b) if b & 0xc0 == 0x80 && (i > 1 || (low..=high).contains(&b)) => c = c << 6 | u32::from(b & 0x3f),
                _ => return self.broken(),
            }
        }
        self.skip(len);
        Some(c)
    }

    /// What a backslash in a quoted string stands for.
    fn escape(&mut self) -> Option<u32> {
        let Some(code) = self.rest.get(1).copied() else { return self.broken() };
        let (c, len) = match code {
            b'\\' | b'\'' | b'"' => (u32::from(code), 2),
            b'b' => (8, 2),
            b'f' => (12, 2),
            b't' => (9, 2),
            b'n' => (10, 2),
            b'r' => (13, 2),
            b'v' => (11, 2),
            b'a' => (7, 2),
            b'0'..=b'7' => {
                let (c, n) = self.number(1, 3, 8);
                (c & 0xff, n.wrapping_add(1))
            }
            b'x' => match self.number(2, 2, 16) {
                (c, 2) => (c, 4),
                _ => return self.broken(),
            },
            // An unknown escape stands for itself, backslash and all.
            _ => (u32::from(b'\\'), 1),
        };
        self.skip(len);
        Some(c)
    }

    /// A backslash in raw-unicode-escape: with `u` or `U` an escape, else it and what follows stand for themselves.
    fn raw_escape(&mut self) -> Option<u32> {
        let digits = match self.rest.get(1) {
            Some(b'u') => 4,
            Some(b'U') => 8,
            _ => {
                self.literal = true;
                self.skip(1);
                return Some(u32::from(b'\\'));
            }
        };
        match self.number(2, digits, 16) {
            (c, n) if n == digits && c <= 0x10_ffff => {
                self.skip(digits.wrapping_add(2));
                Some(c)
            }
            _ => self.broken(),
        }
    }
}

impl Iterator for Chars<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let first = *self.rest.first()?;
        match (self.spelling, first) {
            (Spelling::Utf8, _) => self.utf8(first),
            (Spelling::Quoted, b'\\') => self.escape(),
            (Spelling::RawUnicode, b'\\') if !self.literal => self.raw_escape(),
            _ => {
                self.literal = false;
                self.skip(1);
                Some(u32::from(first))
            }
        }
    }
}
