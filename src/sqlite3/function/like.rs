//! LIKE and GLOB. (<https://sqlite.org/lang_expr.html#the_like_glob_regexp_match_and_extract_operators>)
//!
//! Contract: no recursion. A failed match goes back to the last `%` (or `*`) only, which is enough: what an earlier one could
//! take in addition, the last one can take too. The time is at most the product of both lengths.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::Call;
use super::string::{before_nul, next_character};
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::value::Value;

/// The longest pattern, in bytes, as SQLite has it.
const LONGEST: usize = 50_000;

/// The characters that mean something in a pattern; 0 where there is none.
#[derive(Clone, Copy)]
struct Wildcards {
    all: u32,
    one: u32,
    escape: u32,
    /// GLOB: `[` opens a set of characters, and case matters.
    glob: bool,
}

/// `text LIKE pattern ESCAPE escape`.
pub(crate) fn like<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    matched(c, Wildcards { all: '%'.into(), one: '_'.into(), escape: 0, glob: false })
}

/// `text GLOB pattern`.
pub(crate) fn glob<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    matched(c, Wildcards { all: '*'.into(), one: '?'.into(), escape: 0, glob: true })
}

fn matched<'a>(c: &mut Call<'a, '_>, mut wildcards: Wildcards) -> Value<'a> {
    // A blob is like nothing, not even like NULL.
    if (0..2).any(|at| matches!(c.argument(at), Value::Blob(_))) {
        return Value::Integer(0);
    }
    let unknown = c.argument(0).is_null() || c.argument(1).is_null();
    // The escape is looked at before NULL in the place of a text.
    if unknown && wildcards.glob || c.count > 2 && c.argument(2).is_null() {
        return Value::Null;
    }
    let pattern = c.text(0);
    if pattern.len() > LONGEST {
        return c.fail(ErrorKind::WrongArguments);
    }
    if c.count > 2 {
        let mut bytes = before_nul(c.text(2));
        let character = next_character(&mut bytes);
        if character == 0 || !bytes.is_empty() {
            return c.fail(ErrorKind::WrongArguments);
        }
        wildcards.escape = character;
        // The escape character loses any other meaning.
        for wildcard in [&mut wildcards.all, &mut wildcards.one] {
            if *wildcard == character {
                *wildcard = 0;
            }
        }
    }
    if unknown {
        return Value::Null;
    }
    let text = before_nul(c.text(1));
    Value::of_truth(Some(matches(before_nul(pattern), text, wildcards)))
}

fn matches(mut pattern: &[u8], mut text: &[u8], wildcards: Wildcards) -> bool {
    // Behind the last `%`: the pattern, and the text it was tried on.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        let mut rest = pattern;
        let next = next_character(&mut rest);
        if next != 0 && next == wildcards.all {
            pattern = rest;
            retry = Some((pattern, text));
            continue;
        }
        let matched = if pattern.is_empty() { text.is_empty() } else { step(&mut pattern, &mut text, wildcards) };
        if matched {
            if pattern.is_empty() && text.is_empty() {
                return true;
            }
            continue;
        }
        // Let the last `%` take one character more.
        let Some((behind, tried)) = &mut retry else { return false };
        if next_character(tried) == 0 {
            return false;
        }
        (pattern, text) = (behind, tried);
    }
}

/// Matches one element of the pattern that is not `%` with one character of the text.
fn step(pattern: &mut &[u8], text: &mut &[u8], wildcards: Wildcards) -> bool {
    let mut wanted = next_character(pattern);
    let character = next_character(text);
    if character == 0 {
        return false;
    }
    if wildcards.glob && wanted == '['.into() {
        return in_set(pattern, character);
    }
    if wanted == wildcards.one && wanted != 0 {
        return true;
    }
    if wanted == wildcards.escape && wanted != 0 {
        wanted = next_character(pattern);
    }
    wanted == character || (!wildcards.glob && fold(wanted).is_some() && fold(wanted) == fold(character))
}

/// ASCII without case; other characters are only equal to themselves.
fn fold(character: u32) -> Option<u8> {
    u8::try_from(character).ok().filter(u8::is_ascii).map(|byte| byte.to_ascii_lowercase())
}

/// Whether a character is in the set that follows `[`; the set is skipped. Without `]` nothing matches.
fn in_set(pattern: &mut &[u8], character: u32) -> bool {
    let (minus, close) = (u32::from(b'-'), u32::from(b']'));
    let mut next = next_character(pattern);
    let invert = next == '^'.into();
    if invert {
        next = next_character(pattern);
    }
    let mut seen = false;
    if next == close {
        seen = character == close;
        next = next_character(pattern);
    }
    let mut before = 0;
    while next != 0 && next != close {
        if next == minus && before != 0 && !matches!(pattern.first(), None | Some(b']')) {
            let last = next_character(pattern);
            seen |= (before..=last).contains(&character);
            before = 0;
        } else {
            seen |= next == character;
            before = next;
        }
        next = next_character(pattern);
    }
    next == close && seen != invert
}
