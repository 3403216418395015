//! Keeps the water of a tank between two levels.
#![no_std]

/// The functions of the board.
mod board {
    #[link(wasm_import_module = "board")]
    unsafe extern "C" {
        /// Waits for the next level of the water in millimetres; below 0 when the board is switched off.
        pub safe fn sample() -> i32;
        /// Switches a pin on (1) or off (0).
        pub safe fn set_pin(pin: u32, level: u32);
    }
}

const PUMP: u32 = 3;

/// Runs until the board is switched off. Returns how often the pump was switched.
#[unsafe(no_mangle)]
extern "C" fn run() -> u32 {
    let mut last = [500; 8]; // waves: the mean of eight levels counts
    let mut next = 0;
    let mut pumps = false;
    let mut switched = 0;
    loop {
        let level = board::sample();
        if level < 0 {
            return switched;
        }
        last[next] = level;
        next = (next + 1) % last.len();
        let mean = last.iter().sum::<i32>() / last.len() as i32;
        let wanted = if pumps { mean < 600 } else { mean < 400 };
        if wanted != pumps {
            pumps = wanted;
            switched += 1;
            board::set_pin(PUMP, u32::from(pumps));
        }
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
