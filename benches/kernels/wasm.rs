//! The kernels as a WebAssembly module, whose exports are called NAME and NAME_setup.

use std::cell::UnsafeCell;

#[path = "kernels.rs"]
mod kernels;

struct Cell(UnsafeCell<kernels::Memory>);

// SAFETY: the module has one thread.
unsafe impl Sync for Cell {}

static MEMORY: Cell = Cell(UnsafeCell::new(kernels::Memory::NEW));

macro_rules! export {
    ($($name:ident $(-> $result:ty)?;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name(n: u64) $(-> $result)? {
            // SAFETY: no other reference exists: no export calls another one.
            kernels::$name(unsafe { &mut *MEMORY.0.get() }, n)
        }
    )*};
}

export! {
    sum_loop -> u64;
    fib -> u64;
    sieve -> u64;
    matmul_setup;
    matmul -> u64;
    matmulf_setup;
    matmulf -> u64;
    mandelbrot -> u64;
    fnv1a_setup;
    fnv1a -> u64;
    sha256_setup;
    sha256 -> u64;
    crc32_setup;
    crc32 -> u64;
    sort -> u64;
    nbody -> u64;
}
