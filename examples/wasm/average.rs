//! How many steps numbers take until they are 1, by the rule of Collatz. The module needs no library and no host, and
//! has the lines of this text in its DWARF:
//!
//! ```sh
//! rustc --edition 2024 --target wasm32-unknown-unknown -C opt-level=s -C lto -C panic=abort \
//!     -C debuginfo=line-tables-only --remap-path-prefix "$PWD"=. average.rs
//! vsp run average.wasm --invoke average 1 10
//! ```

#![no_std]
#![no_main]

/// Returns the average number of steps of the numbers from `first` to the one before `last`.
#[unsafe(no_mangle)]
extern "C" fn average(first: u64, last: u64) -> u64 {
    let (mut number, mut sum) = (first, 0);
    while number < last {
        sum += steps(number);
        number += 1;
    }
    sum / (last - first)
}

#[inline(never)]
fn steps(mut number: u64) -> u64 {
    let mut steps = 0;
    while number != 1 {
        number = if number % 2 == 0 { number / 2 } else { 3 * number + 1 };
        steps += 1;
    }
    steps
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
