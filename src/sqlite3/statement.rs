//! One statement: from its text to a program in lent bytes.
//!
//! Contract: the front of the bytes holds the program; what the machine needs beside it is counted here, so that
//! the memory of a statement is known before it runs.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cell::Cell;

use super::compile::found::Found;
use super::compile::frame::f;
use super::compile::reading::Recent;
use super::compile::select::{Output, Resume};
use super::compile::{Compiler, Counts, Mode, NONE, Operand};
use super::error::{ErrorKind, Result};
use super::store::Store;
use super::token::{self, Kind};
use super::vm::Session;

/// A compiled statement: what is in its bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Program {
    /// Length of code and names.
    pub(crate) code: u16,
    /// Where the names of the result columns begin.
    pub(crate) names: u16,
    pub(crate) columns: u8,
    pub(crate) parameters: u8,
    pub(crate) most: Counts,
    pub(crate) writes: bool,
    /// Whether results of subqueries are kept.
    pub(crate) keeps: bool,
    /// 1 EXPLAIN, 2 EXPLAIN QUERY PLAN.
    pub(crate) explain: u8,
    /// The bytes that compiling took.
    pub(crate) compiled_in: u16,
    /// What kind of statement it is.
    pub(crate) verb: Verb,
}

/// What kind of statement it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Nothing: an empty text.
    #[default]
    Empty,
    Select,
    /// INSERT, UPDATE, DELETE, REPLACE.
    Change,
    Begin,
    Commit,
    Rollback,
    Savepoint,
    Release,
    RollbackTo,
    /// CREATE, DROP, ALTER, REINDEX.
    Schema,
    Pragma,
    /// Accepted, and nothing is done: ANALYZE, VACUUM.
    Nothing,
}

/// Compiles the statement at the front of `sql` into `arena`.
pub(crate) fn compile(sql: &[u8], arena: &mut [u8], store: &mut dyn Store, session: &Session) -> Result<Program> {
    if sql.len() > 0x7ff0 {
        return Err(ErrorKind::TooBig.at(0x7ff0));
    }
    // Offsets have 15 bits.
    let len = arena.len().min(0x7ff0);
    let arena = arena.get_mut(..len).unwrap_or_default();
    let mut compiler = Compiler::new(sql, arena, store);
    (compiler.functions, compiler.session) = (session.functions, session.number);
    let mut explain = 0;
    while compiler.accept(Kind::Semicolon) {}
    if super::EXPLAIN && compiler.accept(Kind::Explain) {
        explain = 1;
        if compiler.accept(Kind::Query) {
            compiler.expect(Kind::Plan);
            explain = 2;
            compiler.tells_plan = true;
        }
    }
    let verb = compiler.statement();
    compiler.ok()?;
    if matches!(verb, Verb::Select | Verb::Change) {
        compiler.run()?;
    }
    Ok(Program {
        code: compiler.code as u16,
        names: compiler.names,
        columns: compiler.columns,
        parameters: compiler.parameters,
        most: compiler.most,
        writes: compiler.writes,
        keeps: compiler.keeps,
        explain,
        compiled_in: (compiler.code + len - compiler.low) as u16,
        verb,
    })
}

/// LLVM passes what a small function reads of `&self` in the place of `&self`, here the arena's address and length in the
/// place of one register, which makes three hundred calls longer. It cannot where a function's address is taken: 3 KB.
#[cfg(not(fast))]
fn keep_whole() {
    type C = Compiler<'static>;
    core::hint::black_box(C::get as fn(&C, usize, u8) -> u16);
    core::hint::black_box(C::put as fn(&mut C, usize, u8, u16));
    core::hint::black_box(C::at as fn(&C, usize) -> u8);
    core::hint::black_box(C::set_at as fn(&mut C, usize, u8));
    core::hint::black_box(C::defined as for<'c> fn(&'c C, usize, usize) -> super::schema::Definition<'c>);
    type M = super::vm::Machine<'static>;
    core::hint::black_box(M::get8 as fn(&M, usize) -> u8);
    core::hint::black_box(M::put8 as fn(&mut M, usize, u8));
    core::hint::black_box(M::shift as fn(&mut M, usize, usize, usize));
    core::hint::black_box(M::bytes as for<'m> fn(&'m M, usize, usize) -> &'m [u8]);
    core::hint::black_box(M::field as fn(&M, usize) -> usize);
    core::hint::black_box(M::set_field as fn(&mut M, usize, usize));
}

impl<'a> Compiler<'a> {
    /// A compiler at the front of a statement. `arena` has less than 32 KiB.
    pub(crate) fn new(sql: &'a [u8], arena: &'a mut [u8], store: &'a mut dyn Store) -> Self {
        let len = arena.len();
        let (first, recent) = (token::next(sql, 0), Recent::new());
        recent.note(first);
        #[cfg(not(fast))]
        keep_whole();
        Compiler {
            sql,
            code: 0,
            top: len,
            low: len,
            arena,
            store,
            token: first,
            recent,
            fields: [0; f::FIELDS as usize],
            first_parameter: Cell::new(NONE),
            mode: Mode::Step,
            frame: 0,
            now: Counts::default(),
            most: Counts::default(),
            parameters: 0,
            numbered: (NONE, 0),
            result: Operand::default(),
            columns: 0,
            names: NONE,
            writes: false,
            keeps: false,
            tells_plan: false,
            present: false,
            functions: &[],
            session: 0,
            lone: (0, Found::NOTHING),
            failed: None,
        }
    }

    /// What kind of statement stands here, if that is no error; SELECTs and those that write are begun.
    fn statement(&mut self) -> Verb {
        let token = self.token;
        match token.kind {
            Kind::End_ => return Verb::Empty,
            Kind::Select => {
                self.begin_select(Output::Rows, Resume::Statement, 0, 0, 0);
                return Verb::Select;
            }
            Kind::Create | Kind::Drop | Kind::Reindex => return Verb::Schema,
            Kind::Alter if super::ALTER => return Verb::Schema,
            _ => {}
        }
        self.advance();
        let verb = match token.kind {
            Kind::Insert | Kind::Replace => {
                self.insert(token.kind == Kind::Replace);
                return Verb::Change;
            }
            Kind::Update => {
                self.update();
                return Verb::Change;
            }
            Kind::Delete => {
                self.delete();
                return Verb::Change;
            }
            Kind::Pragma => return self.pragma(),
            Kind::Begin => {
                if matches!(self.token.kind, Kind::Deferred | Kind::Immediate | Kind::Exclusive) {
                    self.advance();
                }
                self.accept(Kind::Transaction);
                Verb::Begin
            }
            Kind::Commit | Kind::End => {
                self.accept(Kind::Transaction);
                Verb::Commit
            }
            Kind::Rollback => {
                self.accept(Kind::Transaction);
                if self.accept(Kind::To) { self.savepoint(Verb::RollbackTo) } else { Verb::Rollback }
            }
            Kind::Savepoint => {
                // (A second SAVEPOINT is its name.)
                self.names = self.name().start();
                Verb::Savepoint
            }
            Kind::Release => self.savepoint(Verb::Release),
            Kind::Analyze | Kind::Vacuum => {
                if self.token.kind != Kind::End_ && self.token.kind != Kind::Semicolon {
                    self.fail_here(ErrorKind::Unsupported);
                }
                Verb::Nothing
            }
            kind => {
                let known = matches!(kind, Kind::Alter | Kind::Values | Kind::With | Kind::Attach | Kind::Detach)
                    || kind == Kind::Explain && !super::EXPLAIN;
                self.fail_at(if known { ErrorKind::Unsupported } else { ErrorKind::Syntax }, token);
                Verb::Empty
            }
        };
        self.end_of_statement();
        verb
    }

    /// `[SAVEPOINT] name`: the name is kept in the program's field of names.
    fn savepoint(&mut self, verb: Verb) -> Verb {
        self.accept(Kind::Savepoint);
        self.names = self.name().start();
        verb
    }
}
