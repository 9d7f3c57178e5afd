//! `larder batch`: many canonical texts from one process.

use crate::input::{Failure, Result, unread};
use crate::{marshal, pickle};
use clap::Parser;
use std::io::{self, BufRead, BufWriter, Write};

// No doc line: it would be the answer to an empty line.
#[derive(Parser)]
#[command(name = "", no_binary_name = true, disable_help_flag = true)]
enum Line {
    #[command(subcommand)]
    Pickle(pickle::Command),
    #[command(subcommand)]
    Marshal(marshal::Command),
}

pub(crate) fn run() -> Result {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().split(b'\n') {
        answer(&line.map_err(unread)?, &mut out)?;
        out.flush()?;
    }
    Ok(())
}

/// One line's answer.
fn answer(line: &[u8], out: &mut dyn Write) -> Result {
    let done = words(line).and_then(|words| match Line::try_parse_from(words) {
        Ok(Line::Pickle(pickle::Command::Canon(stream))) => stream.canon("OK ", out),
        Ok(Line::Marshal(marshal::Command::Canon(stream))) => stream.canon("OK ", out),
        Ok(_) => Err(Failure::Other("batch answers canon only".into())),
        Err(error) => Err(Failure::Other(complaint(&error))),
    });
    match done {
        Err(Failure::Output(error)) => Err(Failure::Output(error)),
        Err(failure) => {
            let message = failure.to_string();
            writeln!(out, "ERROR {}", message.split_whitespace().collect::<Vec<_>>().join(" "))?;
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// What is wrong with a line, without the usage that stands behind it.
fn complaint(error: &clap::Error) -> String {
    let text = error.to_string();
    match text.strip_prefix("error: ") {
        Some(text) => text.split("\n\n").next().unwrap_or(text).into(),
        None => "a line is `pickle canon FILE` or `marshal canon FILE`".into(),
    }
}

/// The words of a line: two of the command, its options, and the rest, which is the file, blanks and all.
fn words(line: &[u8]) -> Result<Vec<String>> {
    let line = std::str::from_utf8(line).map_err(|_| Failure::Other("the line is not UTF-8".into()))?;
    let mut rest = line.trim_end_matches('\r').trim_start();
    let mut words = Vec::new();
    loop {
        let options = words.len() >= 2 && !rest.starts_with('-');
        let value = matches!(words.last().map(String::as_str), Some("--python" | "--skip"));
        if rest.is_empty() || (options && !value) {
            break;
        }
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        words.push(word.to_string());
        rest = after.trim_start();
    }
    if !rest.is_empty() {
        words.push(rest.to_string());
    }
    if words.last().is_some_and(|file| file == "-") {
        return Err(Failure::Other("-: standard input is where the lines come from".into()));
    }
    Ok(words)
}
