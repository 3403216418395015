//! The programs in `examples/`, each against an independent implementation.

use std::cell::RefCell;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use sha2::{Digest, Sha256};
use vsp_core::{Instance, Options, Outcome};
use vsp_host::load;
use vsp_host::sys::{self, Sys};

/// What is written here can be read while others hold it.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Run {
    output: Vec<u8>,
    errors: String,
    exit_code: u8,
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

fn run(name: &str, input: &[u8], args: &[&str]) -> Run {
    let program = load::load(&example(name)).unwrap().verify().unwrap();
    let imports = sys::imports().unwrap();
    let (output, errors) = (Shared::default(), Shared::default());
    let state = Sys {
        input: Box::new(Cursor::new(input.to_vec())),
        input_name: "input.bin".into(),
        output: Box::new(output.clone()),
        errors: Box::new(errors.clone()),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        exit_code: 0,
        failure: None,
    };
    let mut instance = Instance::new(&program, &imports, state, Options::default()).unwrap();
    let outcome = instance.call_export("main", &[]).unwrap();
    assert!(matches!(outcome, Outcome::Returned(_) | Outcome::Halted(_)), "{name} {args:?}: {outcome:?}");
    let exit_code = instance.state().exit_code;
    let errors = String::from_utf8(errors.0.take()).unwrap();
    Run { output: output.0.take(), errors, exit_code }
}

fn text(run: Run) -> String {
    assert_eq!((run.exit_code, run.errors.as_str()), (0, ""));
    String::from_utf8(run.output).unwrap()
}

/// Bytes that look random and are always the same.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
    .take(length)
    .collect()
}

/// Lengths around the block and buffer sizes of the programs.
const LENGTHS: [usize; 16] = [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 128, 4095, 65535, 65536, 200_001];

#[test]
fn sha256_prints_the_digest_of_its_input() {
    for length in LENGTHS {
        let input = noise(length);
        let digest: String = Sha256::digest(&input).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text(run("sha256.sil", &input, &[])), format!("{digest}  input.bin\n"), "length {length}");
    }
}

/// FIPS 180-4 examples.
#[test]
fn sha256_of_the_published_vectors() {
    let vectors: [(&[u8], &str); 3] = [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
    ];
    for (input, digest) in vectors {
        assert_eq!(text(run("sha256.sil", input, &[])), format!("{digest}  input.bin\n"));
    }
}

#[test]
fn crc32_prints_the_checksum_of_its_input() {
    assert_eq!(text(run("crc32.sil", b"123456789", &[])), "cbf43926  input.bin\n");
    for length in LENGTHS {
        let input = noise(length);
        let checksum = crc32fast::hash(&input);
        assert_eq!(
            text(run("crc32.sil", &input, &[])),
            format!("{checksum:08x}  input.bin\n"),
            "length {length}"
        );
    }
}

#[test]
fn fib_prints_fibonacci_numbers() {
    for (n, number) in [("0", 0), ("1", 1), ("2", 1), ("10", 55), ("20", 6765)] {
        assert_eq!(text(run("fib.sil", b"", &[n])).trim(), number.to_string(), "n = {n}");
    }
}

#[test]
fn sieve_counts_primes() {
    // π(n) by trial division.
    let is_prime = |n: u32| n >= 2 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
    for n in [0u32, 1, 2, 3, 4, 100, 101, 7919, 7920, 20_000] {
        let count = (0..=n).filter(|n| is_prime(*n)).count();
        assert_eq!(text(run("sieve.sil", b"", &[&n.to_string()])).trim(), count.to_string(), "up to {n}");
    }
    // OEIS A006880.
    assert_eq!(text(run("sieve.sil", b"", &["1000000"])).trim(), "78498");
}

#[test]
fn sieve_refuses_what_does_not_fit() {
    let run = run("sieve.sil", b"", &["99999999999"]);
    assert_ne!(run.exit_code, 0);
    assert!(!run.errors.is_empty());
}

/// The picture's formula in Rust, in the order of the program's operations.
fn mandelbrot(width: u64, iterations: u64) -> Vec<u8> {
    let height = width * 3 / 4;
    let half_step = 1.6 / width as f64;
    let mut picture = format!("P5\n{width} {height}\n255\n").into_bytes();
    for row in 0..height {
        let im = (2 * (height - row)).wrapping_sub(height + 1) as i64 as f64 * half_step;
        for column in 0..width {
            let re = (2 * column as i64 + 1 - width as i64) as f64 * half_step + -0.75;
            picture.push(shade(re, im, iterations));
        }
    }
    picture
}

fn shade(re: f64, im: f64, iterations: u64) -> u8 {
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

#[test]
fn mandelbrot_is_the_formula_to_the_last_bit() {
    for (width, iterations) in [("4", "1"), ("33", "50"), ("160", "200")] {
        let wanted = mandelbrot(width.parse().unwrap(), iterations.parse().unwrap());
        let run = run("mandelbrot.sil", b"", &[width, iterations]);
        assert!(run.exit_code == 0 && run.output == wanted, "width {width}");
    }
}
