//! The Mandelbrot set, compared with the same formula in Rust.

use proptest::prelude::*;

use super::{Example, Expected, Invocation};

/// Computes the picture in the order of the program's operations: the same to the last bit.
pub(super) fn reference(invocation: &Invocation) -> Expected {
    let arg = |index: usize, default: i64| match invocation.args.get(index) {
        Some(arg) => arg.parse().unwrap_or(0),
        None => default,
    };
    let (width, iterations) = (arg(0, 640), arg(1, 200));
    if !(4..=16384).contains(&width) || iterations < 1 {
        let message = "mandelbrot: the width must be a number from 4 to 16384, the iterations at least 1\n";
        return Expected::refusal(2, message);
    }
    let height = width * 3 / 4;
    let half_step = 1.6 / width as f64;
    let mut picture = format!("P5\n{width} {height}\n255\n").into_bytes();
    for row in 0..height {
        let im = (2 * (height - row) - (height + 1)) as f64 * half_step;
        for column in 0..width {
            let re = (2 * column + 1 - width) as f64 * half_step + -0.75;
            picture.push(shade(re, im, iterations));
        }
    }
    Expected::output(picture)
}

fn shade(re: f64, im: f64, iterations: i64) -> u8 {
    let (mut x, mut y) = (0.0f64, 0.0f64);
    for iteration in 0..iterations {
        let (xx, yy) = (x * x, y * y);
        if xx + yy > 65536.0 {
            let log = (xx + yy).to_bits() as f64 / 2f64.powi(56);
            let t = iteration as f64 + 65.9375 - log;
            let squared = t * t;
            return (squared / (squared + 144.0) * 255.0) as u8;
        }
        (x, y) = (xx - yy + re, x * y + x * y + im);
    }
    0
}

pub(super) fn invocations() -> Vec<Invocation> {
    ["4 1", "33 50", "160 200", "3", "16385", "4 0", "-1 -1"].map(Invocation::args).into()
}

/// Returns the picture after one iteration, when nothing has escaped.
pub(super) fn published() -> Vec<Example> {
    vec![Example::with_args("4 1", *b"P5\n4 3\n255\n\0\0\0\0\0\0\0\0\0\0\0\0")]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    (4..20u64, 1..100u64)
        .prop_map(|(width, iterations)| Invocation::args(&format!("{width} {iterations}")))
        .boxed()
}
