//! Tables on a store: every kind of statement, since the text is not known.
#![no_std]
#![no_main]

use sizes::steps::tables;

#[unsafe(no_mangle)]
extern "C" fn _start() {
    tables();
}
