//! Figures for docs/bytesil.md: `bytesil FOLDER` writes `points.svg` and `errors.svg` there, and prints the table of
//! errors.
//!
//! Everything is measured against binary64, on all numbers, all pairs and the input of the programs in `examples/`.

use std::fmt::Write;
use std::path::Path;

use vsp_core::complex::{ByteSil, State};

type Complex = (f64, f64);

fn main() -> Result<(), String> {
    let folder = std::env::args().nth(1).ok_or("usage: bytesil FOLDER")?;
    let write = |name: &str, text: String| {
        let path = Path::new(&folder).join(name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    write("points.svg", points())?;
    write("errors.svg", errors())?;
    print!("{}", table());
    println!(
        "\n{:.1} % of the points of `examples/bytebrot.sil 200 40` are in one of the two sets only.",
        wrong_points()
    );
    Ok(())
}

fn value(number: ByteSil) -> Complex {
    (number.re(), number.im())
}

fn add(b: Complex, c: Complex) -> Complex {
    (b.0 + c.0, b.1 + c.1)
}

fn mul(b: Complex, c: Complex) -> Complex {
    (b.0 * c.0 - b.1 * c.1, b.0 * c.1 + b.1 * c.0)
}

fn size(z: Complex) -> f64 {
    z.0.hypot(z.1)
}

/// Returns the distance of a number from the exact value, relative to the larger of the latter and `scale`.
fn error(found: ByteSil, exact: Complex, scale: f64) -> f64 {
    let found = value(found);
    size((found.0 - exact.0, found.1 - exact.1)) / size(exact).max(scale)
}

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 640\" font-family=\"sans-serif\" font-size=\"13\">\n\
    <rect width=\"640\" height=\"640\" fill=\"white\"/>\n";

/// Draws all 256 numbers in the plane; the distance from the centre is ρ.
fn points() -> String {
    let mut svg = String::from(SVG);
    let radius = |rho: i32| 40.0 + 17.0 * f64::from(rho + 8);
    for rho in -8..8 {
        let _ = writeln!(
            svg,
            "<circle cx=\"320\" cy=\"320\" r=\"{}\" fill=\"none\" stroke=\"{}\"/>",
            radius(rho),
            if rho == 0 { "#888" } else { "#ddd" }
        );
    }
    for number in ByteSil::all() {
        let angle = f64::from(number.theta()) * std::f64::consts::PI / 8.0;
        let (x, y) = match number.is_null() {
            true => (320.0, 320.0),
            false => (320.0 + radius(number.rho()) * angle.cos(), 320.0 - radius(number.rho()) * angle.sin()),
        };
        let (r, colour) = if number.is_null() { (6.0, "#c00") } else { (3.5, "#24a") };
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r}\" fill=\"{colour}\"><title>{number}, 0x{:02X}</title></circle>",
            number.to_bits()
        );
    }
    let names = [
        (ByteSil::ONE, "1"),
        (ByteSil::I, "i"),
        (ByteSil::NEG_ONE, "−1"),
        (ByteSil::NEG_I, "−i"),
        (ByteSil::MAX, "e⁷"),
    ];
    for (number, name) in names {
        let angle = f64::from(number.theta()) * std::f64::consts::PI / 8.0;
        let (x, y) = (326.0 + radius(number.rho()) * angle.cos(), 314.0 - radius(number.rho()) * angle.sin());
        let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\">{name}</text>");
    }
    svg + "<text x=\"320\" y=\"341\" fill=\"#c00\" text-anchor=\"middle\" font-size=\"11\">NULL</text>\n</svg>\n"
}

/// The largest error with a colour of its own.
const REDDEST: f64 = 0.7;

/// Returns the intensity of green and blue in the colour of an error.
fn shade(error: f64) -> u8 {
    if error.is_finite() { (255.0 * (1.0 - (error / REDDEST).min(1.0))) as u8 } else { 255 }
}

/// Draws the relative error of 1 + x, for all x, with a legend of the colours.
fn errors() -> String {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 670\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"760\" height=\"670\" fill=\"white\"/>\n",
    );
    for number in ByteSil::all() {
        let exact = add((1.0, 0.0), value(number));
        let error = error(ByteSil::ONE + number, exact, 0.0);
        let shade = shade(error);
        let (x, y) = (60 + 35 * number.theta(), 40 + 35 * (7 - number.rho()));
        let sum = ByteSil::ONE + number;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"34\" height=\"34\" fill=\"rgb(255,{shade},{shade})\">\
             <title>1 + {number} = {sum}: {:.0} %</title></rect>",
            if error.is_finite() { 100.0 * error } else { 0.0 }
        );
    }
    for step in 0..16 {
        let _ =
            writeln!(svg, "<text x=\"{}\" y=\"620\" text-anchor=\"middle\">{step}</text>", 77 + 35 * step);
        let _ =
            writeln!(svg, "<text x=\"50\" y=\"{}\" text-anchor=\"end\">{}</text>", 62 + 35 * step, 7 - step);
    }
    for step in 0..=7 {
        let (y, shade) = (320 - 35 * step, shade(f64::from(step) / 10.0));
        let least = if step == 7 { "≥ " } else { "" };
        let _ = writeln!(
            svg,
            "<rect x=\"650\" y=\"{y}\" width=\"26\" height=\"35\" fill=\"rgb(255,{shade},{shade})\" stroke=\"#ccc\"/>\
             <text x=\"682\" y=\"{}\">{least}{} %</text>",
            y + 22,
            10 * step
        );
    }
    svg + "<text x=\"340\" y=\"24\" text-anchor=\"middle\" font-size=\"15\">relative error of 1 + x, for every x</text>\n\
        <text x=\"340\" y=\"648\" text-anchor=\"middle\">direction θ of x, in sixteenths of a turn</text>\n\
        <text x=\"18\" y=\"320\" text-anchor=\"middle\" transform=\"rotate(-90 18 320)\">ρ of x, the logarithm of its magnitude</text>\n\
        <text x=\"650\" y=\"60\">error</text>\n</svg>\n"
}

/// Formats the average and the largest of some errors, in per cent.
fn row(name: &str, errors: impl Iterator<Item = f64>) -> String {
    let (mut sum, mut largest, mut count) = (0.0, 0.0f64, 0.0);
    for error in errors.filter(|error| error.is_finite()) {
        (sum, largest, count) = (sum + error, largest.max(error), count + 1.0);
    }
    format!("| {name} | {:.1} % | {:.1} % |\n", 100.0 * sum / count, 100.0 * largest)
}

fn table() -> String {
    let numbers = || ByteSil::all().filter(|number| !number.is_null());
    let pairs = || numbers().flat_map(|b| numbers().map(move |c| (b, c)));
    let inside = |z: Complex| (-7.5..7.5).contains(&size(z).ln());
    let sums = pairs().map(|(b, c)| (b + c, add(value(b), value(c)))).filter(|(_, exact)| inside(*exact));
    let near = pairs().filter(|(b, c)| (b.rho() - c.rho()).abs() < 2);
    let near = near.map(|(b, c)| (b + c, add(value(b), value(c)))).filter(|(_, exact)| inside(*exact));
    let products = pairs().filter(|(b, c)| (-7..=7).contains(&(b.rho() + c.rho())));
    let products = products.map(|(b, c)| error(b * c, mul(value(b), value(c)), 0.0));
    let points = (0..10_000).map(|n| {
        let (size, angle) =
            ((f64::from(n % 100) / 8.0 - 6.0).exp(), f64::from(n / 100) / 100.0 * std::f64::consts::TAU);
        (size * angle.cos(), size * angle.sin())
    });
    let mut table = String::from("| what | average | largest |\n|---|---|---|\n");
    table += &row(
        "a number, from a point of the plane",
        points.map(|z| error(ByteSil::from_cartesian(z.0, z.1), z, 0.0)),
    );
    table += &row("a product", products);
    table += &row("a sum", sums.map(|(found, exact)| error(found, exact, 0.0)));
    table += &row("a sum whose ρ differ by at most one", near.map(|(found, exact)| error(found, exact, 0.0)));
    table += &row("a beam of `examples/beams.sil`, of the strongest one", beams());
    table += &row("a frequency of a frame of `examples/tones.sil`, of the strongest one", tones());
    table
}

/// Returns the percentage of points that are in the Mandelbrot set of one number type only.
fn wrong_points() -> f64 {
    let coordinate = |n: i32| f64::from(2 * n - 199) * 1.5 / 200.0;
    let points =
        || (0..200).flat_map(|row| (0..200).map(move |column| (coordinate(column) - 0.5, coordinate(row))));
    let differs = |c: &Complex| stays_bounded_bytesil(*c) != stays_bounded(*c);
    100.0 * points().filter(differs).count() as f64 / points().count() as f64
}

fn stays_bounded(c: Complex) -> bool {
    let mut z = (0.0, 0.0);
    (0..40).all(|_| {
        z = add(mul(z, z), c);
        size(z) <= 2.0
    })
}

fn stays_bounded_bytesil(c: Complex) -> bool {
    let (c, mut z) = (ByteSil::from_cartesian(c.0, c.1), ByteSil::NULL);
    (0..40).all(|_| {
        z = z * z + c;
        z.rho() < 1
    })
}

/// Returns the errors of the beams of all snapshots.
fn beams() -> impl Iterator<Item = f64> {
    let (snapshots, _) = include_bytes!("../../examples/beams.bin").as_chunks::<16>();
    snapshots.iter().flat_map(|snapshot| {
        let beams: Vec<(ByteSil, Complex)> =
            (0..16).map(|to| beam(State::from_bytes(*snapshot), to)).collect();
        relative(&beams)
    })
}

/// Computes a beam with ByteSil numbers and in binary64.
fn beam(snapshot: State, to: i32) -> (ByteSil, Complex) {
    let weights = State::from(std::array::from_fn(|antenna| ByteSil::polar(0, -to * antenna as i32)));
    let exact = snapshot.layers().zip(weights.layers()).map(|(b, c)| mul(value(b), value(c)));
    ((snapshot * weights).sum(), exact.fold((0.0, 0.0), add))
}

/// Returns errors relative to the largest of the exact values.
fn relative(results: &[(ByteSil, Complex)]) -> Vec<f64> {
    let largest = results.iter().map(|(_, exact)| size(*exact)).fold(0.0, f64::max);
    results.iter().map(|(found, exact)| error(*found, *exact, largest)).collect()
}

/// Returns the errors of the frequencies of all frames, compared with a Fourier transform of the samples.
fn tones() -> impl Iterator<Item = f64> {
    let (samples, _) = include_bytes!("../../examples/tones.wav")[44..].as_chunks::<2>();
    let samples: Vec<f64> =
        samples.iter().map(|bytes| f64::from(i16::from_le_bytes(*bytes)) / 8192.0).collect();
    let frames: Vec<Vec<f64>> = samples.chunks_exact(256).map(<[f64]>::to_vec).collect();
    frames.into_iter().flat_map(|frame| {
        let results: Vec<(ByteSil, Complex)> = (1..128).map(|k| frequency(&frame, k)).collect();
        relative(&results)
    })
}

fn frequency(frame: &[f64], k: i32) -> (ByteSil, Complex) {
    let weights = State::from(std::array::from_fn(|j| ByteSil::polar(0, -((k * j as i32 + 8) / 16))));
    let row = |(row, samples): (i32, &[f64])| {
        let numbers = State::from(std::array::from_fn(|j| ByteSil::from_cartesian(samples[j], 0.0)));
        (numbers * weights).sum() * ByteSil::polar(0, -k * row)
    };
    let rows: Vec<ByteSil> = (0..).zip(frame.chunks(16)).map(row).collect();
    let sum = State::from(std::array::from_fn(|row| rows[row])).sum();
    let turn = |n: usize| -std::f64::consts::TAU * f64::from(k) * n as f64 / 256.0;
    let exact = frame.iter().enumerate().map(|(n, sample)| (sample * turn(n).cos(), sample * turn(n).sin()));
    (sum, exact.fold((0.0, 0.0), add))
}
