//! How deep the stack has been: cortex-m-rt paints it before the program starts, and the lowest word that lost its paint
//! is the high-water mark.

use cortex_m_rt::STACK_PAINT_VALUE;

unsafe extern "C" {
    static _stack_start: u32;
    static mut _stack_end: u32;
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

/// Paints what is free below a value in the frame of the caller, so that the mark says what comes after.
#[allow(dead_code)]
#[inline(never)]
pub fn repaint<T>(value: &T) {
    let mut word = &raw mut _stack_end;
    // This function's own frame, and a call within it, stand right below the caller's.
    let end = (core::ptr::from_ref(value) as usize).saturating_sub(512) as *mut u32;
    while word < end {
        // SAFETY: from `_stack_end` up to 512 bytes below a value on the stack is RAM that no living frame uses.
        unsafe { word.write_volatile(STACK_PAINT_VALUE) };
        word = word.wrapping_add(1);
    }
}

/// How deep in the stack a value stands: what the callers of its owner use.
#[allow(dead_code)]
pub fn depth_of<T>(value: &T) -> u32 {
    (&raw const _stack_start as usize - core::ptr::from_ref(value) as usize) as u32
}
