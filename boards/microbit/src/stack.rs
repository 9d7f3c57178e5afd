//! How deep the stack has been: cortex-m-rt paints it before the program starts, and the lowest word that lost its paint
//! is the high-water mark.

use cortex_m_rt::STACK_PAINT_VALUE;

unsafe extern "C" {
    static _stack_start: u32;
    static _stack_end: u32;
}

/// Bytes of stack that have been in use at once since the start.
pub fn high_water() -> u32 {
    let (top, end) = (&raw const _stack_start, &raw const _stack_end);
    let mut word = end;
    // SAFETY: from `end` up to `top` is RAM that nothing but the stack uses; what is read above the stack pointer is
    // read as numbers, volatile, whatever it means to its owner.
    while word < top && unsafe { word.read_volatile() } == STACK_PAINT_VALUE {
        word = word.wrapping_add(1);
    }
    (top as usize - word as usize) as u32
}

/// How deep in the stack a value stands: what the callers of its owner use.
#[allow(dead_code)]
pub fn depth_of<T>(value: &T) -> u32 {
    (&raw const _stack_start as usize - core::ptr::from_ref(value) as usize) as u32
}
