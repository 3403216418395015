//! Eight programs around published crates. Each is a function that repeats some work and returns a checksum; as
//! WebAssembly they are the exports of one module.

use std::fmt::Write;

use coremark::{list, matrix, state, types::CoreResults, util::crcu16};
use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec};
use regex_lite::Regex;
use serde_json::Value;
use sha2::{Digest, Sha256, Sha512};

/// A program and its amount of work.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The name of the export.
    pub name: &'static str,
    /// The number of repetitions that the bench asks for.
    pub repetitions: u64,
    /// The function.
    pub run: extern "C" fn(u64) -> u64,
}

macro_rules! programs {
    ($($name:ident $repetitions:literal)*) => {
        /// All programs.
        pub const PROGRAMS: &[Program] =
            &[$(Program { name: stringify!($name), repetitions: $repetitions, run: exports::$name }),*];

        mod exports {
            $(#[unsafe(no_mangle)]
            pub(super) extern "C" fn $name(repetitions: u64) -> u64 {
                super::$name(repetitions)
            })*
        }
    };
}

programs! {
    coremark_2k 40
    sha2_256 4
    sha2_512 6
    deflate 2
    inflate 20
    json 8
    regex 1
    dispatch 5000
}

/// Size of the text that is hashed, in bytes.
const HASHED: usize = 100_000;
/// Size of the text that is compressed, in bytes.
const COMPRESSED: usize = 30_000;
/// Size of the text that is searched, in bytes.
const SEARCHED: usize = 30_000;

/// Sixteen words of the text.
const WORDS: &str = "register machine of a branch loop memory the to is interpreter table 12 3.25 word code";

/// Returns pseudo-random words in lines, `length` bytes of ASCII.
fn text(length: usize, seed: u64) -> String {
    let words: Vec<&str> = WORDS.split(' ').collect();
    let mut random = 0x9E37_79B9_7F4A_7C15 ^ seed;
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        text += words[(random % 16) as usize];
        text.push(if random >> 8 & 15 == 0 { '\n' } else { ' ' });
    }
    text.truncate(length);
    text
}

fn mix(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(0x0000_0100_0000_01B3)
}

fn mix_bytes(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)))
}

/// CoreMark's three algorithms with the seeds and sizes of its performance run: the checksums of list, matrix, state,
/// and the final one. (`coremark::run` reads a clock, which a module without imports does not have.)
fn coremark_2k(repetitions: u64) -> u64 {
    let mut results = CoreResults { seed3: 0x66, size: 2000 / 3, execs: 7, ..CoreResults::default() };
    let mut list = list::core_list_init(results.size, results.seed1);
    matrix::core_init_matrix(results.size, 0, &mut results.mat);
    results.state_mem = state::core_init_state(results.size, results.seed1);
    for repetition in 0..repetitions {
        for finder in [1, -1] {
            results.crc = crcu16(list.bench(&mut results, finder), results.crc);
        }
        if repetition == 0 {
            results.crclist = results.crc;
        }
    }
    let CoreResults { crclist, crcmatrix, crcstate, crc, .. } = results;
    [crclist, crcmatrix, crcstate, crc].into_iter().fold(0, |all, crc| all << 16 | u64::from(crc))
}

/// SHA-256 of 100 KB.
fn sha2_256(repetitions: u64) -> u64 {
    hashed::<Sha256>(repetitions)
}

/// SHA-512 of 100 KB.
fn sha2_512(repetitions: u64) -> u64 {
    hashed::<Sha512>(repetitions)
}

fn hashed<D: Digest>(repetitions: u64) -> u64 {
    let text = text(HASHED, 1);
    (0..repetitions).fold(0, |hash, repetition| {
        let digest = D::new().chain_update(hash.to_le_bytes()).chain_update(&text).finalize();
        mix_bytes(mix(hash, repetition), &digest)
    })
}

/// Compresses 30 KB, and decompresses them.
fn deflate(repetitions: u64) -> u64 {
    (0..repetitions).fold(0, |hash, repetition| {
        let text = text(COMPRESSED, repetition);
        let compressed = compress_to_vec(text.as_bytes(), 6);
        let same = decompress_to_vec(&compressed).is_ok_and(|decompressed| decompressed == text.as_bytes());
        mix_bytes(mix(hash, u64::from(same)), &compressed)
    })
}

/// Compresses once, and decompresses repeatedly.
fn inflate(repetitions: u64) -> u64 {
    let compressed = compress_to_vec(text(COMPRESSED, 2).as_bytes(), 1);
    (0..repetitions).fold(0, |hash, _| {
        let decompressed = decompress_to_vec(&compressed).unwrap_or_default();
        let middle = decompressed.get(decompressed.len() / 2).copied().unwrap_or(0);
        mix(mix(hash, decompressed.len() as u64), u64::from(middle))
    })
}

/// Parses JSON, and prints it.
fn json(repetitions: u64) -> u64 {
    let mut source = String::from("[");
    for index in 0..100 {
        let separator = if index == 0 { "" } else { "," };
        let price = index * 7 % 1000;
        let _ = write!(
            source,
            r#"{separator}{{"id": {index}, "name": "caf\u00e9 no. {index}", "price": {price}.{index},
            "tags": ["new", "large", null, true, false], "size": {{"width": -1.5e3, "heights": [1, 2, 3.5]}}}}"#
        );
    }
    source.push(']');
    (0..repetitions).fold(0, |hash, _| {
        let Ok(value) = serde_json::from_str::<Value>(&source) else { return hash };
        let prices = value.as_array().into_iter().flatten().filter_map(|item| item["price"].as_f64());
        mix_bytes(mix(hash, prices.sum::<f64>().to_bits()), value.to_string().as_bytes())
    })
}

/// Searches text with a regular expression that captures three groups.
fn regex(repetitions: u64) -> u64 {
    let Ok(regex) = Regex::new(r"(\w+)\s+(machine|memory)\s+(\d+(\.\d+)?)") else { return 0 };
    let text = text(SEARCHED, 3);
    let mut hash = 0;
    for _ in 0..repetitions {
        for captures in regex.captures_iter(&text) {
            for group in captures.iter().flatten() {
                hash = mix(mix(hash, group.start() as u64), group.end() as u64);
            }
        }
    }
    hash
}

trait Shape {
    fn area(&self, scale: f64) -> f64;
    fn corners(&self) -> u64;
}

struct Circle(f64);
struct Rectangle(f64, f64);
struct Polygon(u32, f64);

impl Shape for Circle {
    fn area(&self, scale: f64) -> f64 {
        self.0 * self.0 * scale
    }

    fn corners(&self) -> u64 {
        0
    }
}

impl Shape for Rectangle {
    fn area(&self, scale: f64) -> f64 {
        self.0 * self.1 * scale
    }

    fn corners(&self) -> u64 {
        4
    }
}

impl Shape for Polygon {
    fn area(&self, scale: f64) -> f64 {
        f64::from(self.0) * self.1 * scale - 1.0
    }

    fn corners(&self) -> u64 {
        u64::from(self.0)
    }
}

/// Calls methods of values whose types are known only at run time.
fn dispatch(repetitions: u64) -> u64 {
    let shapes = (0..100).map(|index| -> Box<dyn Shape> {
        let size = f64::from(index);
        match index * 7 % 3 {
            0 => Box::new(Circle(size)),
            1 => Box::new(Rectangle(size, 2.0)),
            _ => Box::new(Polygon(index, size)),
        }
    });
    let shapes: Vec<_> = shapes.collect();
    let (mut area, mut hash) = (0.0, 0);
    for repetition in 0..repetitions {
        let scale = repetition as f64;
        for shape in &shapes {
            area += shape.area(scale);
            hash = mix(hash, shape.corners());
        }
    }
    mix(hash, area.to_bits())
}
