#![cfg_attr(not(any(test, feature = "std")), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// What floors share inside, some features alone do not use; with all modules in, dead code is an error.
#![cfg_attr(
    not(all(feature = "serde", feature = "pickle", feature = "marshal", feature = "shelve", feature = "sqlite3")),
    allow(dead_code, unused_imports)
)]
//! Python's pickle, copyreg, marshal, dbm, shelve and sqlite3 for microcontrollers: `no_std`, no allocator, no unsafe,
//! all memory lent by the caller.
//!
//! # Three flows
//!
//! ```text
//! bytes ⇄ pickle | marshal ⇄ object ⇄ your types (serde; copyreg for classes)
//! key, value ⇄ shelve ⇄ dbm ⇄ flash (any embedded_storage NorFlash)
//! SQL text → token → program → vm → rows ⇄ dbm
//! ```
//!
//! # Floors
//!
//! A module uses only modules of lower floors. `tests/layers.rs` reads this table and the sources, and fails on an
//! import that points up.
//!
//! ```text
//! floor 4: shelve sqlite3
//! floor 3: pickle marshal
//! floor 2: copyreg object dbm
//! floor 1: bytes crc decimal flash message
//! ```
//!
//! More strictly: `dbm` never names `object`, the codecs never name `flash`, and `shelve` and `sqlite3` do not know each
//! other.
//!
//! # Features
//!
//! All that is `no_std` and wants nothing of its environment is there by default; without default features, each module
//! can be had alone.
//!
//! ```text
//! pickle marshal dbm shelve     the modules; copyreg comes with the codecs
//! serde                         typed values: Serialize and Deserialize
//! fix_imports                   Python 2's names of modules and classes in pickles
//! classes                       datetime, Decimal, OrderedDict and their kin as Rust types
//! sqlite3                       statements over one table
//! sqlite3-full                  joins, groups, subqueries, views, UNION
//! sqlite3-alter, -date, -explain, -printf
//!
//! not by default:
//! postcard                      a codec of shelves that Rust alone knows
//! embedded-io                   pickles to any embedded_io::Write, long values of a dbm from and to one
//! defmt                         Format on every public type
//! std                           files as flash
//! cli                           the host tool
//! ```

pub mod bytes;
#[cfg(any(feature = "pickle", feature = "marshal"))]
pub mod copyreg;
#[cfg(feature = "dbm")]
pub mod crc;
#[cfg(feature = "dbm")]
pub mod dbm;
pub mod decimal;
pub mod flash;
#[cfg(feature = "marshal")]
pub mod marshal;
mod message;
#[cfg(any(feature = "pickle", feature = "marshal"))]
pub mod object;
#[cfg(feature = "pickle")]
pub mod pickle;
#[cfg(feature = "shelve")]
pub mod shelve;
#[cfg(feature = "sqlite3")]
pub mod sqlite3;

/// README's program is a test.
#[cfg(all(doctest, feature = "serde", feature = "shelve"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
