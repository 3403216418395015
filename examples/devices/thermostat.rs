//! A thermostat for a small device, without the standard library and without an allocator:
//!
//! ```sh
//! rustc --edition 2024 --target wasm32v1-none --crate-type cdylib -C opt-level=z -C lto -C panic=abort \
//!     -C strip=symbols -C link-arg=-zstack-size=256 thermostat.rs
//! vsp build thermostat.wasm --heap 0
//! ```
//!
//! The board measures a thermistor (10 kΩ at 25 °C, β = 3950, with 10 kΩ to the reference) and switches a heater. One
//! wrong sample among five does not count, the heater has a hysteresis, and it is off while the wire is broken.
#![no_std]
#![no_main]

/// The functions of the board.
mod board {
    #[link(wasm_import_module = "board")]
    unsafe extern "C" {
        /// Waits for the next sample: 0 to 4,095, or a negative number when the board is switched off.
        pub(crate) safe fn sample() -> i32;
        /// Sets a pin.
        pub(crate) safe fn set_pin(pin: u32, level: u32);
    }
}

/// The pin of the heater.
const HEATER: u32 = 5;

/// It heats below this temperature, in tenths of a degree Celsius.
const COLD: i32 = 205;

/// It does not heat above this one.
const WARM: i32 = 215;

/// Tenths of a degree Celsius at 256, 512, … 3,840 of 4,096 counts.
static TABLE: [i16; 15] = [1016, 763, 621, 520, 439, 370, 308, 250, 194, 139, 83, 22, -47, -132, -256];

/// Returns the temperature for a sample in tenths of a degree, or `None` if there is no thermistor.
fn temperature(sample: u32) -> Option<i32> {
    let at = (sample / 256).checked_sub(1)? as usize;
    let (low, high) = (i32::from(*TABLE.get(at)?), i32::from(*TABLE.get(at + 1)?));
    Some(low + (high - low) * (sample % 256) as i32 / 256)
}

/// Returns the third of five numbers in order.
fn median(mut numbers: [i32; 5]) -> i32 {
    for end in 1..numbers.len() {
        for at in (1..=end).rev() {
            if numbers[at - 1] > numbers[at] {
                numbers.swap(at - 1, at);
            }
        }
    }
    numbers[2]
}

/// Runs until the board is switched off. Returns how often the heater was switched.
#[unsafe(no_mangle)]
extern "C" fn run() -> u32 {
    let mut last = [0; 5];
    let mut next = 0;
    let mut samples = 0;
    let mut heats = false;
    let mut switched = 0;
    while let Ok(sample) = u32::try_from(board::sample()) {
        let wanted = match temperature(sample) {
            None => {
                samples = 0;
                false
            }
            Some(temperature) => {
                last[next] = temperature;
                next = (next + 1) % last.len();
                samples = last.len().min(samples + 1);
                match median(last) {
                    _ if samples < last.len() => heats,
                    median if median < COLD => true,
                    median if median > WARM => false,
                    _ => heats,
                }
            }
        };
        if wanted != heats {
            heats = wanted;
            switched += 1;
            board::set_pin(HEATER, u32::from(heats));
        }
    }
    switched
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
