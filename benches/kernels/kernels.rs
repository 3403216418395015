//! The kernels in Rust: compiled into this crate, and to WebAssembly by `build.rs`. `README.md` in this folder
//! describes how they differ from the `.sil` files.
//!
//! A kernel works in its part of [`Memory`]. It allocates nothing, and ignores arguments beyond the size of its memory.

/// Rows and columns of the matrices.
pub const ROWS: usize = 128;
/// Maximum number of bytes for FNV-1a and CRC-32, and limit of the primes.
pub const MEBIBYTE: usize = 1 << 20;
/// Maximum size of the message for SHA-256 in bytes, a multiple of 64.
pub const MESSAGE: usize = 1 << 16;
/// Maximum number of numbers to sort.
pub const NUMBERS: usize = 100_000;

/// Two matrices and their product.
#[derive(Debug)]
pub struct Matrices<T> {
    a: [[T; ROWS]; ROWS],
    b: [[T; ROWS]; ROWS],
    c: [[T; ROWS]; ROWS],
}

/// The memory of SHA-256.
#[derive(Debug)]
pub struct Sha256 {
    state: [u32; 8],
    schedule: [u32; 64],
    message: [u8; MESSAGE + 64],
}

/// A body: position, velocity and mass.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Body {
    position: [f64; 3],
    velocity: [f64; 3],
    mass: f64,
}

/// The memory of the kernels.
#[derive(Debug)]
pub struct Memory {
    composite: [u8; MEBIBYTE],
    integers: Matrices<u64>,
    floats: Matrices<f64>,
    hashed: [u8; MEBIBYTE],
    crc_table: [u32; 256],
    checked: [u8; MEBIBYTE],
    sha256: Sha256,
    numbers: [u64; NUMBERS],
    bodies: [Body; 5],
}

impl Memory {
    /// A memory of zeros.
    pub const NEW: Memory = Memory {
        composite: [0; MEBIBYTE],
        integers: Matrices { a: [[0; ROWS]; ROWS], b: [[0; ROWS]; ROWS], c: [[0; ROWS]; ROWS] },
        floats: Matrices { a: [[0.0; ROWS]; ROWS], b: [[0.0; ROWS]; ROWS], c: [[0.0; ROWS]; ROWS] },
        hashed: [0; MEBIBYTE],
        crc_table: [0; 256],
        checked: [0; MEBIBYTE],
        sha256: Sha256 { state: [0; 8], schedule: [0; 64], message: [0; MESSAGE + 64] },
        numbers: [0; NUMBERS],
        bodies: [Body { position: [0.0; 3], velocity: [0.0; 3], mass: 0.0 }; 5],
    };
}

/// Random numbers: xorshift64 with the shifts 13, 7 and 17.
struct Random(u64);

impl Random {
    const fn new() -> Random {
        Random(0x9E37_79B9_7F4A_7C15)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Fills bytes with random numbers, little-endian.
pub fn fill(bytes: &mut [u8]) {
    let mut random = Random::new();
    for eight in bytes.chunks_exact_mut(8) {
        eight.copy_from_slice(&random.next().to_le_bytes());
    }
}

/// Computes x ← 6364136223846793005 (x xor i), for i from n down to 1. The xor keeps compilers from splitting it into
/// independent chains.
#[inline(never)]
pub fn sum_loop(_: &mut Memory, mut n: u64) -> u64 {
    let mut x = 0u64;
    while n != 0 {
        x = (x ^ n).wrapping_mul(6_364_136_223_846_793_005);
        n -= 1;
    }
    x
}

/// Computes Fibonacci numbers by double recursion. There are two functions that call each other, because a compiler
/// would turn one of the calls of a function to itself into a loop.
#[inline(never)]
pub fn fib(_: &mut Memory, n: u64) -> u64 {
    fib_even(n)
}

#[inline(never)]
fn fib_even(n: u64) -> u64 {
    if n < 2 { n } else { fib_odd(n - 1).wrapping_add(fib_odd(n - 2)) }
}

#[inline(never)]
fn fib_odd(n: u64) -> u64 {
    if n < 2 { n } else { fib_even(n - 1).wrapping_add(fib_even(n - 2)) }
}

/// Counts the primes below n.
#[inline(never)]
pub fn sieve(memory: &mut Memory, n: u64) -> u64 {
    let n = (n as usize).min(MEBIBYTE);
    let composite = &mut memory.composite[..n];
    composite.fill(0);
    let mut count = 0;
    for candidate in 2..n {
        if composite[candidate] == 0 {
            count += 1;
            let mut multiple = candidate.saturating_mul(candidate);
            while multiple < n {
                composite[multiple] = 1;
                multiple += candidate;
            }
        }
    }
    count
}

/// Fills two matrices of integers.
pub fn matmul_setup(memory: &mut Memory, _: u64) {
    let mut random = Random::new();
    for row in memory.integers.a.iter_mut().chain(&mut memory.integers.b) {
        row.fill_with(|| random.next());
    }
}

/// Computes their product, modulo 2⁶⁴, and returns a checksum of it.
#[inline(never)]
pub fn matmul(memory: &mut Memory, _: u64) -> u64 {
    let Matrices { a, b, c } = &mut memory.integers;
    let mut check = 0u64;
    for (a, c) in a.iter().zip(c) {
        for (column, c) in c.iter_mut().enumerate() {
            let mut sum = 0u64;
            for (a, b) in a.iter().zip(&*b).rev() {
                sum = sum.wrapping_add(a.wrapping_mul(b[column]));
            }
            *c = sum;
            check = check.rotate_left(1) ^ sum;
        }
    }
    check
}

/// Fills two matrices of numbers from 0 to 1.
pub fn matmulf_setup(memory: &mut Memory, _: u64) {
    let mut random = Random::new();
    for row in memory.floats.a.iter_mut().chain(&mut memory.floats.b) {
        row.fill_with(|| (random.next() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0));
    }
}

/// Computes their product, and returns a checksum of its bits.
#[inline(never)]
pub fn matmulf(memory: &mut Memory, _: u64) -> u64 {
    let Matrices { a, b, c } = &mut memory.floats;
    let mut check = 0u64;
    for (a, c) in a.iter().zip(c) {
        for (column, c) in c.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (a, b) in a.iter().zip(&*b).rev() {
                sum += a * b[column];
            }
            *c = sum;
            check = check.rotate_left(1) ^ sum.to_bits();
        }
    }
    check
}

/// Sums, over n × n numbers c, the iterations of z ← z² + c before z is farther than 2 from zero, at most 256 each.
#[inline(never)]
pub fn mandelbrot(_: &mut Memory, n: u64) -> u64 {
    let step = 2.5 / f64::from(n as u32);
    let mut total = 0;
    for row in 0..n {
        let im = f64::from(row as u32) * step - 1.25;
        for column in 0..n {
            let re = f64::from(column as u32) * step - 2.0;
            let (mut x, mut y) = (0.0, 0.0);
            let (mut xx, mut yy) = (0.0, 0.0);
            let mut left = 256u64;
            loop {
                let xy = x * y;
                y = xy + xy + im;
                x = xx - yy + re;
                xx = x * x;
                yy = y * y;
                if xx + yy > 4.0 {
                    break;
                }
                left -= 1;
                if left == 0 {
                    break;
                }
            }
            total += 256 - left;
        }
    }
    total
}

/// Fills n bytes.
pub fn fnv1a_setup(memory: &mut Memory, n: u64) {
    fill(&mut memory.hashed[..(n as usize).min(MEBIBYTE)]);
}

/// Computes the 64-bit hash FNV-1a of n bytes.
#[inline(never)]
pub fn fnv1a(memory: &mut Memory, n: u64) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325u64;
    for &byte in &memory.hashed[..(n as usize).min(MEBIBYTE)] {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    hash
}

/// Fills n bytes, a multiple of 64, and appends the padding.
pub fn sha256_setup(memory: &mut Memory, n: u64) {
    let (message, padding) = memory.sha256.message.split_at_mut((n as usize).min(MESSAGE));
    fill(message);
    padding[0] = 0x80;
    padding[1..56].fill(0);
    padding[56..64].copy_from_slice(&(n * 8).to_be_bytes());
}

const SHA256_START: [u32; 8] =
    [0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19];

#[rustfmt::skip]
static SHA256_ROUND: [u32; 64] = [
    0x428A_2F98, 0x7137_4491, 0xB5C0_FBCF, 0xE9B5_DBA5, 0x3956_C25B, 0x59F1_11F1, 0x923F_82A4, 0xAB1C_5ED5,
    0xD807_AA98, 0x1283_5B01, 0x2431_85BE, 0x550C_7DC3, 0x72BE_5D74, 0x80DE_B1FE, 0x9BDC_06A7, 0xC19B_F174,
    0xE49B_69C1, 0xEFBE_4786, 0x0FC1_9DC6, 0x240C_A1CC, 0x2DE9_2C6F, 0x4A74_84AA, 0x5CB0_A9DC, 0x76F9_88DA,
    0x983E_5152, 0xA831_C66D, 0xB003_27C8, 0xBF59_7FC7, 0xC6E0_0BF3, 0xD5A7_9147, 0x06CA_6351, 0x1429_2967,
    0x27B7_0A85, 0x2E1B_2138, 0x4D2C_6DFC, 0x5338_0D13, 0x650A_7354, 0x766A_0ABB, 0x81C2_C92E, 0x9272_2C85,
    0xA2BF_E8A1, 0xA81A_664B, 0xC24B_8B70, 0xC76C_51A3, 0xD192_E819, 0xD699_0624, 0xF40E_3585, 0x106A_A070,
    0x19A4_C116, 0x1E37_6C08, 0x2748_774C, 0x34B0_BCB5, 0x391C_0CB3, 0x4ED8_AA4A, 0x5B9C_CA4F, 0x682E_6FF3,
    0x748F_82EE, 0x78A5_636F, 0x84C8_7814, 0x8CC7_0208, 0x90BE_FFFA, 0xA450_6CEB, 0xBEF9_A3F7, 0xC671_78F2,
];

/// Computes SHA-256 of n bytes, a multiple of 64. Returns the exclusive or of the digest's four big-endian 64-bit
/// numbers.
#[inline(never)]
pub fn sha256(memory: &mut Memory, n: u64) -> u64 {
    let Sha256 { state, schedule, message } = &mut memory.sha256;
    *state = SHA256_START;
    for block in message[..(n as usize).min(MESSAGE) + 64].as_chunks::<64>().0 {
        sha256_block(state, schedule, block);
    }
    let pair = |i: usize| u64::from(state[i]) << 32 | u64::from(state[i + 1]);
    pair(0) ^ pair(2) ^ pair(4) ^ pair(6)
}

/// One round. The variables are renamed from one to the next, which is why eight are written out.
macro_rules! round {
    ($constant:expr, $word:expr, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        let sum1 = $e.rotate_right(6) ^ $e.rotate_right(11) ^ $e.rotate_right(25);
        let choice = ($f ^ $g) & $e ^ $g;
        $h = $h.wrapping_add($constant).wrapping_add($word).wrapping_add(sum1).wrapping_add(choice);
        $d = $d.wrapping_add($h);
        let sum0 = $a.rotate_right(2) ^ $a.rotate_right(13) ^ $a.rotate_right(22);
        let majority = ($b ^ $c) & ($a ^ $b) ^ $b;
        $h = $h.wrapping_add(sum0).wrapping_add(majority);
    };
}

#[inline(never)]
fn sha256_block(state: &mut [u32; 8], schedule: &mut [u32; 64], block: &[u8; 64]) {
    for (word, bytes) in schedule.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let small0 = |x: u32| x.rotate_right(7) ^ x.rotate_right(18) ^ x >> 3;
    let small1 = |x: u32| x.rotate_right(17) ^ x.rotate_right(19) ^ x >> 10;
    let (mut w0, mut w14, mut w15) = (schedule[0], schedule[14], schedule[15]);
    for i in 0..24 {
        let w = &mut schedule[2 * i..2 * i + 18];
        let (w1, w2) = (w[1], w[2]);
        w14 = w0.wrapping_add(small0(w1)).wrapping_add(w[9]).wrapping_add(small1(w14));
        w[16] = w14;
        w15 = w1.wrapping_add(small0(w2)).wrapping_add(w[10]).wrapping_add(small1(w15));
        w[17] = w15;
        w0 = w2;
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (k, w) in SHA256_ROUND.as_chunks::<8>().0.iter().zip(schedule.as_chunks::<8>().0) {
        round!(k[0], w[0], a b c d e f g h);
        round!(k[1], w[1], h a b c d e f g);
        round!(k[2], w[2], g h a b c d e f);
        round!(k[3], w[3], f g h a b c d e);
        round!(k[4], w[4], e f g h a b c d);
        round!(k[5], w[5], d e f g h a b c);
        round!(k[6], w[6], c d e f g h a b);
        round!(k[7], w[7], b c d e f g h a);
    }
    for (state, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *state = state.wrapping_add(new);
    }
}

/// Computes the remainder of each byte.
pub fn fill_crc_table(table: &mut [u32; 256]) {
    for (entry, index) in table.iter_mut().zip(0u32..) {
        let mut value = index;
        for _ in 0..8 {
            value = if value & 1 == 1 { value >> 1 ^ 0xEDB8_8320 } else { value >> 1 };
        }
        *entry = value;
    }
}

/// Computes the table, and fills n bytes.
pub fn crc32_setup(memory: &mut Memory, n: u64) {
    fill_crc_table(&mut memory.crc_table);
    fill(&mut memory.checked[..(n as usize).min(MEBIBYTE)]);
}

/// Computes CRC-32 of n bytes, one byte at a time through the table.
#[inline(never)]
pub fn crc32(memory: &mut Memory, n: u64) -> u64 {
    let mut crc = 0xFFFF_FFFFu32;
    for &byte in &memory.checked[..(n as usize).min(MEBIBYTE)] {
        crc = memory.crc_table[((crc ^ u32::from(byte)) & 0xFF) as usize] ^ crc >> 8;
    }
    u64::from(!crc)
}

/// Fills n numbers, sorts them with heapsort, and returns a checksum.
#[inline(never)]
pub fn sort(memory: &mut Memory, n: u64) -> u64 {
    let numbers = &mut memory.numbers[..(n as usize).min(NUMBERS)];
    let mut random = Random::new();
    numbers.fill_with(|| random.next());
    for root in (0..numbers.len() / 2).rev() {
        sift(numbers, root);
    }
    let mut rest = &mut *numbers;
    while let Some((last, others)) = rest.split_last_mut() {
        let Some(first) = others.first_mut() else { break };
        core::mem::swap(first, last);
        sift(others, 0);
        rest = others;
    }
    numbers.iter().fold(0, |check: u64, number| (check ^ number).wrapping_mul(0x0000_0100_0000_01B3))
}

/// Sifts the number at `root` down in the heap, whose other numbers are in order.
#[inline(never)]
fn sift(heap: &mut [u64], mut root: usize) {
    let Some(&value) = heap.get(root) else { return };
    let last = heap.len() - 1;
    let mut child = 2 * root + 1;
    while child < last {
        let (left, right) = (heap[child], heap[child + 1]);
        child += usize::from(left < right);
        let larger = left.max(right);
        if value >= larger {
            break;
        }
        let Some(free) = heap.get_mut(root) else { return };
        *free = larger;
        root = child;
        child = 2 * root + 1;
    }
    // There is at most one child without a sibling. (It is no larger if the loop ended early.)
    if child == last && heap[child] > value {
        let only = heap[child];
        if let Some(free) = heap.get_mut(root) {
            *free = only;
        }
        root = child;
    }
    if let Some(free) = heap.get_mut(root) {
        *free = value;
    }
}

/// The Sun, Jupiter, Saturn, Uranus and Neptune, roughly, in astronomical units, years, and masses for which the
/// constant of gravity is one.
const BODIES: [Body; 5] = [
    Body { position: [0.0, 0.0, 0.0], velocity: [0.0, 0.0, 0.0], mass: 39.5 },
    Body { position: [4.84, -1.16, -0.104], velocity: [0.606, 2.81, -0.0252], mass: 0.0377 },
    Body { position: [8.34, 4.12, -0.404], velocity: [-1.01, 1.83, 0.00842], mass: 0.0113 },
    Body { position: [12.9, -15.1, -0.223], velocity: [1.08, 0.869, -0.0108], mass: 0.00172 },
    Body { position: [15.4, -25.9, 0.179], velocity: [0.979, 0.594, -0.0348], mass: 0.00203 },
];

/// Simulates n steps of five bodies that attract each other, and returns the bits of their energy.
#[inline(never)]
pub fn nbody(memory: &mut Memory, n: u64) -> u64 {
    memory.bodies = BODIES;
    // The compiler must not know the number of bodies: it would unroll the loops over them completely.
    let bodies: &mut [Body] = core::hint::black_box(&mut memory.bodies);
    for _ in 0..n {
        attract(bodies);
        for Body { position, velocity, .. } in &mut *bodies {
            position[0] += 0.01 * velocity[0];
            position[1] += 0.01 * velocity[1];
            position[2] += 0.01 * velocity[2];
        }
    }
    energy(bodies).to_bits()
}

#[inline(never)]
fn attract(bodies: &mut [Body]) {
    let mut rest = bodies;
    while let Some((body, others)) = rest.split_first_mut() {
        let Body { position: [x, y, z], velocity: [mut vx, mut vy, mut vz], mass } = *body;
        for other in &mut *others {
            let (dx, dy, dz) = (x - other.position[0], y - other.position[1], z - other.position[2]);
            let square = dx * dx + dy * dy + dz * dz;
            let pull = 0.01 / (square * square.sqrt());
            let other_pull = other.mass * pull;
            let own_pull = mass * pull;
            vx -= dx * other_pull;
            vy -= dy * other_pull;
            vz -= dz * other_pull;
            other.velocity[0] += dx * own_pull;
            other.velocity[1] += dy * own_pull;
            other.velocity[2] += dz * own_pull;
        }
        body.velocity = [vx, vy, vz];
        rest = others;
    }
}

#[inline(never)]
fn energy(bodies: &[Body]) -> f64 {
    let mut energy = 0.0;
    let mut rest = bodies;
    while let Some((body, others)) = rest.split_first() {
        let Body { position: [x, y, z], velocity: [vx, vy, vz], mass } = *body;
        energy += 0.5 * mass * (vx * vx + vy * vy + vz * vz);
        for other in others {
            let (dx, dy, dz) = (x - other.position[0], y - other.position[1], z - other.position[2]);
            energy -= mass * other.mass / (dx * dx + dy * dy + dz * dz).sqrt();
        }
        rest = others;
    }
    energy
}
