//! `larder sql`: SQL on a flash image, for people and, line by line, for test programs.

mod dot;
mod lacking;
mod protocol;
mod shell;
mod statement;
mod store;

use crate::input::{Failure, Result};
use clap::Args;
use std::path::PathBuf;

/// Runs SQL on a flash image.
#[derive(Args)]
pub(crate) struct Sql {
    /// The image of a part. A missing file is made, with 16 MiB.
    #[arg(required_unless_present = "protocol")]
    image: Option<PathBuf>,
    /// The statements, or a line of the shell such as `.dump` or `.help`; without them, a shell reads them from standard input.
    statement: Option<String>,
    /// Bytes of a sector, the least that the part erases: 1024 on an nRF51, 2048 on many an STM32, 4096 mostly.
    #[arg(long, value_name = "BYTES", default_value_t = 4096, conflicts_with = "protocol")]
    sector: usize,
    /// Bytes of a word, the least that the part programs.
    #[arg(long, value_name = "BYTES", default_value_t = 4, conflicts_with = "protocol")]
    word: usize,
    /// Answers requests of standard input, a line each, as a test program wants them.
    #[arg(long, conflicts_with_all = ["image", "statement"])]
    protocol: bool,
}

impl Sql {
    pub(crate) fn run(self) -> Result {
        match (self.protocol, self.image) {
            (true, _) => protocol::run(),
            (false, Some(image)) => shell::run(&image, (self.sector, self.word), self.statement),
            (false, None) => Err(Failure::Other("an image, or --protocol".into())),
        }
    }
}
