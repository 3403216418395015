//! The ByteSil Mandelbrot set, compared with the same iteration computed number by number.

use proptest::prelude::*;

use super::complex::{add, from, mul};
use super::{Example, Expected, Invocation};

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let arg = |index: usize, default: i64| match invocation.args.get(index) {
        Some(arg) => arg.parse().unwrap_or(0),
        None => default,
    };
    let (width, iterations) = (arg(0, 200), arg(1, 40));
    if !(4..=4096).contains(&width) || !(1..=255).contains(&iterations) {
        let message = "bytebrot: the width must be a number from 4 to 4096, the iterations from 1 to 255\n";
        return Expected::refusal(2, message);
    }
    let mut picture = format!("P5\n{} {width}\n255\n", 2 * width).into_bytes();
    let half_step = 1.5 / width as f64;
    for row in (1..=width).rev() {
        let im = (2 * row - width - 1) as f64 * half_step;
        let points = (0..width).map(|column| ((2 * column + 1 - width) as f64 * half_step - 0.5, im));
        picture.extend(points.clone().map(|(re, im)| shade(bytesil(from(re, im), iterations))));
        picture.extend(points.map(|(re, im)| shade(binary64(re, im, iterations))));
    }
    Expected::output(picture)
}

fn shade(escaped: Option<i64>) -> u8 {
    escaped.map_or(0, |iteration| (60 + 12 * (iteration % 16)) as u8)
}

/// Returns the iteration in which z escapes.
fn bytesil(c: u8, iterations: i64) -> Option<i64> {
    let mut z = 0;
    (0..iterations).find(|_| {
        z = add(mul(z, z), c);
        z >= 0x90
    })
}

fn binary64(re: f64, im: f64, iterations: i64) -> Option<i64> {
    let (mut x, mut y) = (0.0f64, 0.0f64);
    (0..iterations).find(|_| {
        (x, y) = (x * x - y * y + re, x * y + x * y + im);
        x * x + y * y > 4.0
    })
}

pub(super) fn invocations() -> Vec<Invocation> {
    ["40 30", "5 1", "33 255", "3", "4097", "4 0", "4 256", "-1 -1"].map(Invocation::args).into()
}

/// After one iteration z is c. On the left the points in the first column escape, whose |c| is 1.67 and 1.98, because
/// magnitudes from √e = 1.65 on become e; on the right none escapes, because none is above 2.
pub(super) fn published() -> Vec<Example> {
    let rows = b"\x3c\0\0\0\0\0\0\0".repeat(4);
    vec![Example::with_args("4 1", [&b"P5\n8 4\n255\n"[..], &rows].concat())]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    (4..16u64, 1..60u64)
        .prop_map(|(width, iterations)| Invocation::args(&format!("{width} {iterations}")))
        .boxed()
}
