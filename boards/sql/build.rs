//! Tells the linker where the micro:bit's memory.x is.

fn main() {
    println!("cargo:rustc-link-search={}/../microbit", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=--nmagic");
    println!("cargo:rerun-if-changed=../microbit/memory.x");
}
