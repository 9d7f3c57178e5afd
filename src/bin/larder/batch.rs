//! `larder batch`: many canonical texts from one process.

use crate::input::{Failure, Result};
use crate::{marshal, pickle};
use clap::Parser;
use std::io::{self, BufRead, BufWriter, Write};

/// What a line may ask for.
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
        let line = line.map_err(|error| Failure::Other(format!("standard input: {error}")))?;
        answer(&line, &mut out)?;
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
        Err(error) => Err(Failure::Other(error.to_string())),
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
    Ok(words)
}
