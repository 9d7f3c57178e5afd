//! Hands on what the compiler is told: at opt-level "s" and "z" the code is to be small, at every other one it is to be
//! fast, and `cfg(fast)` is set. Where the two differ, the same is done in the same order: a function is in line, or what
//! comes most often has a short way besides the general one. (The one exception: rows that no
//! ORDER BY puts in order may come in another one. See src/sqlite3/LANGUAGE.md.)

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(fast)");
    let level = std::env::var("OPT_LEVEL");
    if !matches!(level.as_deref(), Ok("s" | "z")) {
        println!("cargo::rustc-cfg=fast");
    }
}
