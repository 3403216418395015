//! FMATH gives the same bits on every machine: a digest of many results of each function is compared with the recorded
//! one. (The case file of FMATH tests that they are close to the true values.)

use std::fmt::Write;

use vsp_core::isa::MathFn;
use vsp_core::isa::ops::float::fmath;

/// Returns arguments of all magnitudes and signs, most of them where the functions vary, and the special ones.
fn arguments() -> Vec<u64> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state
    };
    let special =
        [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MAX, 5e-324];
    let mut all: Vec<u64> = special.map(f64::to_bits).to_vec();
    for index in 0..2000 {
        let bits = next() ^ (next() >> 32);
        let exponent = 1023 - 20 + next() % 40;
        all.push(if index % 4 == 0 { bits } else { bits & !(0x7FF << 52) | exponent << 52 });
    }
    all
}

/// Returns the FNV-1a hash of the results.
fn digest(function: MathFn) -> u64 {
    let arguments = arguments();
    let second = arguments.iter().rev();
    arguments.iter().zip(second).fold(0xCBF2_9CE4_8422_2325, |digest, (&b, &c)| {
        let c = if function.is_binary() { c } else { 0 };
        let bytes = fmath(function, b, c).to_le_bytes();
        bytes.iter().fold(digest, |digest, byte| (digest ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3))
    })
}

#[test]
fn fmath_gives_the_recorded_bits() {
    let mut digests = String::new();
    for function in MathFn::ALL {
        let _ = writeln!(digests, "{:6} {:016x}", function.name(), digest(*function));
    }
    insta::assert_snapshot!(digests);
}
