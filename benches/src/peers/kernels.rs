//! The list of the kernels.

#[path = "../../kernels/kernels.rs"]
#[allow(unreachable_pub, reason = "in the WebAssembly module it is a module of its own")]
mod rust;

use std::sync::{Mutex, MutexGuard, PoisonError};

use rust::Memory;

use super::Call;

/// A computation that is written in VSP, in Rust, and in the languages of other virtual machines.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Its name.
    pub name: &'static str,
    /// The argument: the amount of work.
    pub argument: u64,
    /// The answer for this argument.
    pub answer: u64,
    /// The program in VSP: exports `run (1) -> 1`, and optionally `setup (1) -> 0`, which creates the data.
    pub text: &'static str,
    setup: Option<fn(&mut Memory, u64)>,
    run: fn(&mut Memory, u64) -> u64,
}

macro_rules! kernel {
    ($name:ident, $argument:expr, $answer:expr) => {
        kernel!($name, $argument, $answer, None)
    };
    ($name:ident, $setup:ident, $argument:expr, $answer:expr) => {
        kernel!($name, $argument, $answer, Some(rust::$setup))
    };
    ($name:ident, $argument:expr, $answer:expr, $setup:expr) => {
        Kernel {
            name: stringify!($name),
            argument: $argument,
            answer: $answer,
            text: include_str!(concat!("../../kernels/", stringify!($name), ".sil")),
            setup: $setup,
            run: rust::$name,
        }
    };
}

/// The kernels. Their answers are those of `benches/kernels/answers.py`, which computes them in Python, SHA-256 and
/// CRC-32 with its own libraries.
pub const KERNELS: [Kernel; 11] = [
    kernel!(sum_loop, 4_000_000, 0x482F_F93C_4203_5B00),
    kernel!(fib, 30, 832_040),
    kernel!(sieve, 1 << 20, 82_025),
    kernel!(matmul, matmul_setup, 128, 0xADF3_3D5A_A553_1CAB),
    kernel!(matmulf, matmulf_setup, 128, 0x91F7_5067_256E_D692),
    kernel!(mandelbrot, 160, 1_714_575),
    kernel!(fnv1a, fnv1a_setup, 1 << 20, 0x0CBD_9AD7_E6BD_7FF3),
    kernel!(sha256, sha256_setup, 1 << 16, 0x5A04_B314_F9B5_DF86),
    kernel!(crc32, crc32_setup, 1 << 20, 0x6653_10DF),
    kernel!(sort, 100_000, 0x1EBF_0F4D_C0D2_F737),
    kernel!(nbody, 40_000, 0xBFC5_BBED_B364_5487),
];

/// The memory of the kernels in Rust, as static as that of a program.
static MEMORY: Mutex<Memory> = Mutex::new(Memory::NEW);

fn memory() -> MutexGuard<'static, Memory> {
    MEMORY.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kernel {
    /// Returns whether data has to be created before it runs.
    pub fn has_setup(&self) -> bool {
        self.setup.is_some()
    }

    /// Returns the call of the kernel in the program of this kernel only, [`Self::text`].
    pub fn call(&self) -> Call {
        let setup = self.has_setup().then(|| "setup".into());
        Call { setup, run: "run".into(), argument: self.argument }
    }

    /// Returns the call of the kernel in a program of all kernels: [`all_text`], or the WebAssembly module.
    pub fn call_of_all(&self) -> Call {
        let setup = self.has_setup().then(|| format!("{}_setup", self.name));
        Call { setup, run: self.name.into(), argument: self.argument }
    }

    /// Creates the data of the computation in Rust.
    pub(crate) fn native_setup(&self) {
        if let Some(setup) = self.setup {
            setup(&mut memory(), self.argument);
        }
    }

    /// Runs the computation in Rust.
    pub(crate) fn native_run(&self) -> u64 {
        (self.run)(&mut memory(), std::hint::black_box(self.argument))
    }
}

/// Returns the data of fnv1a and crc32.
#[cfg(feature = "peers")]
pub(crate) fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rust::fill(&mut bytes);
    bytes
}

/// Returns the table of crc32.
#[cfg(feature = "peers")]
pub(crate) fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    rust::fill_crc_table(&mut table);
    table
}

/// Returns the text of a program of all kernels, without source lines, whose exports are called NAME and NAME_setup.
pub fn all_text() -> String {
    let kernels: String = KERNELS.iter().map(|kernel| rename_exports(kernel) + "\n").collect();
    ".lines none\n".to_owned() + &kernels
}

/// Returns the text of a kernel whose functions `run` and `setup` have unique names.
fn rename_exports(kernel: &Kernel) -> String {
    let mut text = String::new();
    for line in kernel.text.lines() {
        let (code, comment) = line.split_at(line.find(';').unwrap_or(line.len()));
        let mut rest = code;
        while let Some(start) = rest.find(|c: char| c.is_alphanumeric() || c == '_') {
            let word = &rest[start..];
            let end = word.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(word.len());
            text += &rest[..start];
            match &word[..end] {
                "run" => text += kernel.name,
                "setup" => text += &format!("{}_setup", kernel.name),
                other => text += other,
            }
            rest = &word[end..];
        }
        text += rest;
        text += comment;
        text.push('\n');
    }
    text
}
