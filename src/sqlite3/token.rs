//! Tokens of SQL text.
//!
//! Contract: [`next`] reads the token at an offset and nothing before it, so that a token can be read again at any time:
//! the compiler keeps offsets, never tokens. It never fails; what is no token is [`Kind::Illegal`]. The rules are those
//! of SQLite's tokenizer (<https://sqlite.org/lang_keywords.html>): keywords in any case, `'text'`, `"name"`, `[name]`,
//! `` `name` ``, `x'00'`, `0x1f`, `1.5e3`, `?`, `?1`, `:name`, `@name`, `$name`, `-- comments` and `/* comments */`. A NUL
//! byte ends the text.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::words;

/// What a token is. Keywords up to [`Kind::Limit`] are reserved: they are never names. Words and signs that are treated alike
/// stand side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
#[rustfmt::skip]
pub(crate) enum Kind {
    // First, since memory that is all 0 reads as the end.
    End_,
    // Reserved words.
    Add, All, Alter, And, As, Autoincrement, Between, Case, Check, Collate, Commit, Constraint, Create, Default,
    Deferrable, Delete, Distinct, Drop, Else, Escape, Exists, Foreign, In, Index, Insert,
    Into, Is, Isnull, Not, Notnull, Null, On, Or, Primary, References, Select,
    Set, Table, Then, To, Transaction, Unique, Update, Using, Values, When,
    Join, Returning, Union, Except, Intersect, From, Where, Group, Having, Order, Limit,
    // Words that are names where no keyword is expected; the first of them are no alias without AS.
    Cross, Full, Indexed, Inner, Left, Natural, Outer, Right,
    Abort, Analyze, Asc, Attach, Begin, By, Cascade, Cast, Column, Conflict, CurrentDate, CurrentTime, CurrentTimestamp, Deferred, Desc, Detach, End, Exclusive,
    Explain, Fail, Filter, First, Generated, Glob, If, Ignore, Immediate, Key, Last, Like, Match,
    No, Nulls, Offset, Over, Plan, Pragma, Query, Raise, Regexp, Reindex, Release, Rename, Replace, Restrict,
    Rollback, Savepoint, Temp, Temporary, Trigger, Vacuum, View, Virtual, Window, With, Without,
    // Everything else.
    Name, Quoted, String, Blob, Integer, Hex, Real, Parameter,
    LeftParen, RightParen, Comma, Semicolon, Equal, NotEqual, Illegal,
    // What binds tighter than `=`.
    Dot, Star, Plus, Minus, Slash, Percent, Concat, Ampersand, Bar, Tilde, ShiftLeft, ShiftRight, Less, LessEqual,
    Greater, GreaterEqual, Arrow,
}

/// The keywords in capitals.
#[rustfmt::skip]
const KEYWORDS: [(&str, Kind); 121] = [
    ("AS", Kind::As), ("ADD", Kind::Add), ("ALL", Kind::All), ("AND", Kind::And), ("ASC", Kind::Asc),
    ("ABORT", Kind::Abort), ("ALTER", Kind::Alter), ("ATTACH", Kind::Attach), ("ANALYZE", Kind::Analyze),
    ("AUTOINCREMENT", Kind::Autoincrement), ("BY", Kind::By), ("BEGIN", Kind::Begin), ("BETWEEN", Kind::Between),
    ("CASE", Kind::Case), ("CAST", Kind::Cast), ("CHECK", Kind::Check), ("CROSS", Kind::Cross),
    ("COLUMN", Kind::Column), ("COMMIT", Kind::Commit), ("CREATE", Kind::Create), ("CASCADE", Kind::Cascade),
    ("COLLATE", Kind::Collate), ("CONFLICT", Kind::Conflict),
    ("CONSTRAINT", Kind::Constraint), ("CURRENT_DATE", Kind::CurrentDate), ("CURRENT_TIME", Kind::CurrentTime),
    ("CURRENT_TIMESTAMP", Kind::CurrentTimestamp), ("DESC", Kind::Desc), ("DROP", Kind::Drop),
    ("DELETE", Kind::Delete), ("DETACH", Kind::Detach), ("DEFAULT", Kind::Default), ("DEFERRED", Kind::Deferred),
    ("DISTINCT", Kind::Distinct), ("DEFERRABLE", Kind::Deferrable), ("END", Kind::End), ("ELSE", Kind::Else),
    ("ESCAPE", Kind::Escape), ("EXCEPT", Kind::Except), ("EXISTS", Kind::Exists), ("EXPLAIN", Kind::Explain),
    ("EXCLUSIVE", Kind::Exclusive), ("FAIL", Kind::Fail), ("FROM", Kind::From),
    ("FULL", Kind::Full), ("FIRST", Kind::First), ("FILTER", Kind::Filter), ("FOREIGN", Kind::Foreign),
    ("GLOB", Kind::Glob), ("GROUP", Kind::Group), ("GENERATED", Kind::Generated), ("HAVING", Kind::Having),
    ("IF", Kind::If), ("IN", Kind::In), ("IS", Kind::Is), ("INTO", Kind::Into), ("INDEX", Kind::Index),
    ("INNER", Kind::Inner), ("IGNORE", Kind::Ignore), ("INSERT", Kind::Insert), ("ISNULL", Kind::Isnull),
    ("INDEXED", Kind::Indexed), ("IMMEDIATE", Kind::Immediate), ("INTERSECT", Kind::Intersect), ("JOIN", Kind::Join),
    ("KEY", Kind::Key), ("LAST", Kind::Last), ("LEFT", Kind::Left), ("LIKE", Kind::Like), ("LIMIT", Kind::Limit),
    ("MATCH", Kind::Match), ("NO", Kind::No), ("NOT", Kind::Not), ("NULL", Kind::Null), ("NULLS", Kind::Nulls),
    ("NATURAL", Kind::Natural), ("NOTNULL", Kind::Notnull), ("ON", Kind::On), ("OR", Kind::Or), ("OVER", Kind::Over),
    ("ORDER", Kind::Order), ("OUTER", Kind::Outer), ("OFFSET", Kind::Offset), ("PLAN", Kind::Plan),
    ("PRAGMA", Kind::Pragma), ("PRIMARY", Kind::Primary), ("QUERY", Kind::Query), ("RAISE", Kind::Raise),
    ("RIGHT", Kind::Right), ("REGEXP", Kind::Regexp), ("RENAME", Kind::Rename), ("REINDEX", Kind::Reindex),
    ("RELEASE", Kind::Release), ("REPLACE", Kind::Replace), ("RESTRICT", Kind::Restrict), ("ROLLBACK", Kind::Rollback),
    ("RETURNING", Kind::Returning), ("REFERENCES", Kind::References),
    ("SET", Kind::Set), ("SELECT", Kind::Select), ("SAVEPOINT", Kind::Savepoint), ("TO", Kind::To),
    ("TEMP", Kind::Temp), ("THEN", Kind::Then), ("TABLE", Kind::Table), ("TRIGGER", Kind::Trigger),
    ("TEMPORARY", Kind::Temporary), ("TRANSACTION", Kind::Transaction), ("UNION", Kind::Union), ("USING", Kind::Using),
    ("UNIQUE", Kind::Unique), ("UPDATE", Kind::Update), ("VIEW", Kind::View), ("VACUUM", Kind::Vacuum),
    ("VALUES", Kind::Values), ("VIRTUAL", Kind::Virtual), ("WHEN", Kind::When), ("WITH", Kind::With),
    ("WHERE", Kind::Where), ("WINDOW", Kind::Window), ("WITHOUT", Kind::Without),
];

/// What tokens do where the compiler looks ahead, a bit each.
pub(crate) mod class {
    /// An operator between two operands: see expression.rs.
    pub(crate) const BINARY: u8 = 1;
    /// Parentheses, and what CASE is between.
    pub(crate) const NESTS: u8 = 2;
    /// The end of everything.
    pub(crate) const END: u8 = 4;
    /// On the outermost level: ends a condition; a result column; a term of ORDER BY.
    pub(crate) const CONDITION: u8 = 8;
    pub(crate) const ITEM: u8 = 16;
    pub(crate) const TERM: u8 = 32;
    /// AND, OR, BETWEEN.
    pub(crate) const LOGIC: u8 = 64;
    /// A condition in which it stands finds no rows: see plan.rs.
    pub(crate) const NO_HELP: u8 = 128;
}

/// The classes of the kinds. (An index out of bounds would not compile.)
#[allow(clippy::indexing_slicing)]
static CLASSES: [u8; Kind::Arrow as usize + 1] = {
    use Kind::*;
    use class::*;
    let lists: [(u8, &[Kind]); 8] = [
        (
            BINARY,
            &[
                Equal,
                NotEqual,
                Less,
                LessEqual,
                Greater,
                GreaterEqual,
                Or,
                Like,
                Glob,
                Plus,
                Minus,
                Star,
                Slash,
                Percent,
                Concat,
                Ampersand,
                Bar,
                ShiftLeft,
                ShiftRight,
            ],
        ),
        (NESTS, &[LeftParen, RightParen, Case, End]),
        (END, &[Semicolon, End_, Illegal]),
        (
            CONDITION,
            &[
                RightParen, Comma, Join, Left, Inner, Cross, Natural, Full, Right, Where, Group, Having, Order, Limit,
                Returning, Union, Except, Intersect,
            ],
        ),
        (ITEM, &[RightParen, Comma, From, Where, Group, Having, Order, Limit, Union, Except, Intersect]),
        (TERM, &[RightParen, Comma, Limit, Collate, Asc, Desc, Nulls]),
        (LOGIC, &[And, Or, Between]),
        (
            NO_HELP,
            &[
                Select, Collate, Cast, Case, Or, Not, In, Is, Isnull, Notnull, Like, Glob, NotEqual, Illegal, Match,
                Regexp,
            ],
        ),
    ];
    let mut classes = [0; Kind::Arrow as usize + 1];
    let mut list = 0;
    while list < lists.len() {
        let (bit, kinds) = lists[list];
        let mut at = 0;
        while at < kinds.len() {
            classes[kinds[at] as usize] |= bit;
            at += 1;
        }
        list += 1;
    }
    classes
};

impl Kind {
    /// Whether it is of one of these classes.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn is(self, classes: u8) -> bool {
        CLASSES.get(self as usize).is_some_and(|known| known & classes != 0)
    }
}

/// One token: its kind, and its bytes as offsets into the text. (Two numbers, so that it is passed and given back in registers.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// Where it begins; above that, where it ends.
    pub(super) place: u32,
}

impl Token {
    pub(crate) const fn new(kind: Kind, start: u16, end: u16) -> Self {
        Token { kind, place: start as u32 | (end as u32) << 16 }
    }

    #[inline(always)]
    pub(crate) fn start(self) -> u16 {
        self.place as u16
    }

    #[inline(always)]
    pub(crate) fn end(self) -> u16 {
        (self.place >> 16) as u16
    }

    /// The same token in the arena.
    pub(crate) fn in_arena(self) -> Self {
        Token { place: self.place | 0x8000_8000, ..self }
    }
}

/// The bytes of ASCII that can stand inside of a name, a bit each; all others can.
const IN_NAME: [u32; 4] = [0, 0x03ff_0010, 0x87ff_fffe, 0x07ff_fffe];

/// What may begin a parameter, a text or a comment, and NUL: `"$'-/:?@[` and the back quote.
const BEGINS: [u32; 4] = [1, 0x8400_a094, 0x0800_0001, 1];

/// Whether a byte can stand inside of a name.
#[inline]
fn in_name(byte: u8) -> bool {
    IN_NAME.get(usize::from(byte >> 5)).is_none_or(|bits| bits >> (byte & 31) & 1 != 0)
}

/// How many bytes from `at` on satisfy `test`.
#[inline]
fn run(text: &[u8], at: usize, test: impl Fn(u8) -> bool) -> usize {
    let mut end = at;
    while text.get(end).is_some_and(|&byte| test(byte)) {
        end += 1;
    }
    end
}

/// The first offset at or after `at` that is neither white space nor comment.
fn skip_space(text: &[u8], mut at: usize) -> usize {
    loop {
        match text.get(at) {
            Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0c) => at += 1,
            Some(b'-') if text.get(at + 1) == Some(&b'-') => at = run(text, at, |byte| byte != b'\n' && byte != 0),
            Some(b'/') if text.get(at + 1) == Some(&b'*') && text.get(at + 2).is_some_and(|&b| b != 0) => {
                at += 2;
                loop {
                    match (text.get(at), text.get(at + 1)) {
                        (Some(b'*'), Some(b'/')) => break at += 2,
                        (Some(0) | None, _) => break,
                        _ => at += 1,
                    }
                }
            }
            _ => return at,
        }
    }
}

/// The token at or after `at`. At the end, [`Kind::End_`] with nothing in it.
pub(crate) fn next(text: &[u8], at: usize) -> Token {
    let token = plain(text, at);
    if token.kind != Kind::Name {
        return token;
    }
    let word = text.get(usize::from(token.start())..usize::from(token.end())).unwrap_or_default();
    Token { kind: keyword(word), ..token }
}

/// Behind the words, numbers, spaces and signs at an offset that cannot begin a parameter, a text or a comment.
pub(crate) fn skip_plain(text: &[u8], mut at: usize) -> usize {
    let begin = at;
    while let Some(&byte) = text.get(at) {
        let begins = BEGINS.get(usize::from(byte >> 5)).is_some_and(|bits| bits >> (byte & 31) & 1 != 0);
        // A dollar inside of a name is a part of it.
        if begins && !(byte == b'$' && at > begin && text.get(at - 1).is_some_and(|&before| in_name(before))) {
            break;
        }
        at += 1;
    }
    at
}

/// As [`next`], with every keyword taken for a name.
#[cfg_attr(fast, inline(always))]
pub(crate) fn plain(text: &[u8], at: usize) -> Token {
    let start = skip_space(text, at);
    let byte = |ahead: usize| text.get(start + ahead).copied().unwrap_or(0);
    let (kind, end) = match byte(0) {
        b'x' | b'X' if byte(1) == b'\'' => blob(text, start),
        b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => {
            let end = run(text, start, in_name);
            (Kind::Name, end)
        }
        b'0'..=b'9' => number(text, start),
        b'.' if byte(1).is_ascii_digit() => number(text, start),
        b'\'' => quoted(text, start, b'\'', Kind::String),
        b'"' => quoted(text, start, b'"', Kind::Quoted),
        b'`' => quoted(text, start, b'`', Kind::Quoted),
        b'[' => match run(text, start, |b| b != b']' && b != 0) {
            end if text.get(end) == Some(&b']') => (Kind::Quoted, end + 1),
            end => (Kind::Illegal, end),
        },
        b'?' => (Kind::Parameter, run(text, start + 1, |b| b.is_ascii_digit())),
        b':' | b'@' | b'$' => match run(text, start + 1, in_name) {
            end if end > start + 1 => (Kind::Parameter, end),
            end => (Kind::Illegal, end),
        },
        first => sign(first, byte(1), start),
    };
    Token::new(kind, start as u16, end as u16)
}

/// Signs of one or two bytes; of those with the same first byte, the longer ones come first.
static SIGNS: [(u8, u8, Kind); 26] = [
    (b',', 0, Kind::Comma),
    (b'(', 0, Kind::LeftParen),
    (b')', 0, Kind::RightParen),
    (b'.', 0, Kind::Dot),
    (b'=', b'=', Kind::Equal),
    (b'=', 0, Kind::Equal),
    (b'*', 0, Kind::Star),
    (b'<', b'>', Kind::NotEqual),
    (b'<', b'=', Kind::LessEqual),
    (b'<', b'<', Kind::ShiftLeft),
    (b'<', 0, Kind::Less),
    (b'>', b'=', Kind::GreaterEqual),
    (b'>', b'>', Kind::ShiftRight),
    (b'>', 0, Kind::Greater),
    (b';', 0, Kind::Semicolon),
    (b'+', 0, Kind::Plus),
    (b'-', b'>', Kind::Arrow),
    (b'-', 0, Kind::Minus),
    (b'|', b'|', Kind::Concat),
    (b'|', 0, Kind::Bar),
    (b'/', 0, Kind::Slash),
    (b'%', 0, Kind::Percent),
    (b'&', 0, Kind::Ampersand),
    (b'~', 0, Kind::Tilde),
    (b'!', b'=', Kind::NotEqual),
    (0, 0, Kind::End_),
];

/// The sign that begins with these bytes.
fn sign(first: u8, second: u8, start: usize) -> (Kind, usize) {
    let known = SIGNS.iter().find(|sign| sign.0 == first && (sign.1 == 0 || sign.1 == second));
    match known {
        Some(&(0, ..)) => (Kind::End_, start),
        Some(&(_, second, kind)) => (kind, start + 1 + usize::from(second != 0)),
        None => (Kind::Illegal, start + 1),
    }
}

/// How many lists the keywords stand in: with more, fewer words are compared, and the table is larger.
const LISTS: usize = if cfg!(fast) { 256 } else { 16 };

/// In which list a word stands, by its length, its first byte and its last, whatever their case.
const fn list_of(len: usize, first: u8, last: u8) -> usize {
    (len * 8 + (first & 31) as usize * 21 + (last & 31) as usize * 13) % LISTS
}

/// A keyword, or a name.
fn keyword(word: &[u8]) -> Kind {
    let (Some(&first), Some(&last)) = (word.first(), word.last()) else { return Kind::Name };
    let list = list_of(word.len(), first, last);
    let (Some(&(mut at, kind)), Some(&(end, _))) = (STARTS.get(list), STARTS.get(list + 1)) else { return Kind::Name };
    let mut kind = usize::from(kind);
    while at < end {
        let begin = usize::from(at) + 1;
        let len = usize::from(PACKED.get(begin - 1).copied().unwrap_or(0));
        if len == word.len() && PACKED.get(begin..begin + len).is_some_and(|known| is_word(known, word)) {
            return KINDS.get(kind).copied().unwrap_or(Kind::Name);
        }
        (at, kind) = ((begin + len) as u16, kind + 1);
    }
    Kind::Name
}

/// Whether a word is this keyword. Letters differ from their capitals in one bit; no other byte of a word is a keyword's but for
/// that bit. The last letters are looked at first: most words differ there.
#[inline]
fn is_word(keyword: &[u8], word: &[u8]) -> bool {
    keyword.iter().zip(word).rev().all(|(known, letter)| (known ^ letter) & !0x20 == 0)
}

/// The keywords by their lists. An index out of bounds would not compile.
#[allow(clippy::indexing_slicing)]
const SORTED: [(&str, Kind); KEYWORDS.len()] = {
    let (mut sorted, mut end, mut list) = (KEYWORDS, 0, 0);
    while list < LISTS {
        let mut at = 0;
        while at < KEYWORDS.len() {
            if list == list_of_keyword(KEYWORDS[at].0) {
                sorted[end] = KEYWORDS[at];
                end += 1;
            }
            at += 1;
        }
        list += 1;
    }
    sorted
};

#[allow(clippy::indexing_slicing)]
const fn list_of_keyword(word: &str) -> usize {
    list_of(word.len(), word.as_bytes()[0], word.as_bytes()[word.len() - 1])
}

const WORDS: [&str; KEYWORDS.len()] = words::names(&SORTED);
static PACKED: [u8; words::size(&WORDS)] = words::packed(&WORDS);
static KINDS: [Kind; KEYWORDS.len()] = words::meanings(&SORTED);

/// Where each list begins: its place in the packed words, and how many words are before it.
#[allow(clippy::indexing_slicing)]
static STARTS: [(u16, u8); LISTS + 1] = {
    let mut starts = [(0, 0); LISTS + 1];
    let (mut list, mut at, mut place) = (0, 0, 0);
    while list <= LISTS {
        while at < WORDS.len() && list_of_keyword(WORDS[at]) < list {
            place += 1 + WORDS[at].len();
            at += 1;
        }
        starts[list] = (place as u16, at as u8);
        list += 1;
    }
    starts
};

/// `'...'` and its like, with the quote doubled inside.
fn quoted(text: &[u8], start: usize, quote: u8, kind: Kind) -> (Kind, usize) {
    let mut at = start + 1;
    loop {
        at = run(text, at, |byte| byte != quote && byte != 0);
        if text.get(at) != Some(&quote) {
            return (Kind::Illegal, at);
        }
        if text.get(at + 1) != Some(&quote) {
            return (kind, at + 1);
        }
        at += 2;
    }
}

/// `x'...'` with an even number of hexadecimal digits.
fn blob(text: &[u8], start: usize) -> (Kind, usize) {
    let end = run(text, start + 2, |byte| byte.is_ascii_hexdigit());
    if text.get(end) == Some(&b'\'') && (end - start).is_multiple_of(2) {
        (Kind::Blob, end + 1)
    } else {
        (Kind::Illegal, end)
    }
}

/// An integer or a real; with letters right behind it, nothing.
fn number(text: &[u8], start: usize) -> (Kind, usize) {
    let (mut kind, mut end) = (Kind::Integer, start);
    if text.get(start) == Some(&b'0')
        && matches!(text.get(start + 1), Some(b'x' | b'X'))
        && text.get(start + 2).is_some_and(u8::is_ascii_hexdigit)
    {
        kind = Kind::Hex;
        end = run(text, start + 2, |byte| byte.is_ascii_hexdigit());
    } else {
        end = run(text, end, |byte| byte.is_ascii_digit());
        if text.get(end) == Some(&b'.') {
            kind = Kind::Real;
            end = run(text, end + 1, |byte| byte.is_ascii_digit());
        }
        if matches!(text.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
            if text.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
                kind = Kind::Real;
                end = run(text, end + 1 + sign, |byte| byte.is_ascii_digit());
            }
        }
    }
    match run(text, end, in_name) {
        after if after > end => (Kind::Illegal, after),
        _ => (kind, end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_found() {
        for (word, kind) in KEYWORDS {
            let small = word.to_ascii_lowercase();
            assert_eq!((keyword(word.as_bytes()), keyword(small.as_bytes())), (kind, kind));
            assert_eq!(keyword(&[small.as_bytes(), b"0"].concat()), Kind::Name);
        }
    }

    #[test]
    fn bytes_of_names() {
        assert!((0..=255u8).all(|b| in_name(b) == (b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80)));
    }
}
