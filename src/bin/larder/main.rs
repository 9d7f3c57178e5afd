//! The host tool of larder: what a device writes, seen, checked and rewritten on a host.
//!
//! One file a subcommand. A command answers on standard output and leaves with 0; what is wrong with its input it says
//! on standard error, with the byte, and leaves with 1. Wrong usage leaves with 2, as everywhere.
//!
//! Memory is lent in proportion to a file: 4 slots of 4 bytes for each of its bytes, and for each container in a container
//! an entry of about 100 bytes while it is written. What wants more is an error.

mod batch;
mod canon;
mod input;
mod marshal;
mod norm;
mod pickle;
mod sql;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Python's storage formats, seen, checked and rewritten.
#[derive(Parser)]
#[command(name = "larder", version)]
struct Tool {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Pickles.
    #[command(subcommand)]
    Pickle(pickle::Command),
    /// Marshal streams and .pyc files.
    #[command(subcommand)]
    Marshal(marshal::Command),
    /// SQL on a flash image.
    Sql(sql::Sql),
    /// Answers `pickle canon FILE` and `marshal canon FILE` lines of standard input, a line each: `OK TEXT` or `ERROR message`.
    Batch,
}

fn main() -> ExitCode {
    let done = match Tool::parse().command {
        Command::Pickle(command) => command.run(),
        Command::Marshal(command) => command.run(),
        Command::Sql(sql) => sql.run(),
        Command::Batch => batch::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // A reader that has gone away (`larder ... | head`) wants no message.
            if !failure.is_quiet() {
                eprintln!("larder: {failure}");
            }
            ExitCode::FAILURE
        }
    }
}
