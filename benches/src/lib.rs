//! Loops in VSP and the same loops in Rust, for `cargo bench`.

#[cfg(feature = "jit")]
pub mod peers;

/// A program with one export `run (1) -> 1`, and the same computation in Rust.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// What it is called.
    pub name: &'static str,
    /// The program.
    pub text: &'static str,
    /// The argument.
    pub argument: u64,
    /// The computation in Rust.
    pub native: fn(u64) -> u64,
}

/// The kernels.
pub const KERNELS: [Kernel; 3] = [
    Kernel { name: "recurrence", text: RECURRENCE, argument: 100_000, native: recurrence },
    Kernel { name: "sieve", text: SIEVE, argument: 100_000, native: sieve },
    Kernel { name: "fib", text: FIB, argument: 20, native: fib },
];

/// x ← 6364136223846793005 (x xor i): the xor keeps compilers from splitting it into independent chains.
const RECURRENCE: &str = "
.export run
.func run (1) -> 1
    MOVI  R1, 6364136223846793005
    MOVI  R2, 0
next:
    XOR   R2, R2, R0
    MUL   R2, R2, R1
    LOOP  R0, next
    MOV   R0, R2
    RET
.end
";

fn recurrence(mut n: u64) -> u64 {
    let mut x = 0u64;
    while n != 0 {
        x = (x ^ n).wrapping_mul(6_364_136_223_846_793_005);
        n -= 1;
    }
    x
}

/// How many primes there are below the argument.
const SIEVE: &str = "
.memory 131072
.export run
.func run (1) -> 1
    MOVI  R1, 0
    MOV   R2, R0
    MOVI  R3, 0
    MEMFILL R1, R3, R2
    MOVI  R4, 1
    MOVI  R1, 2
candidate:
    JGEU  R1, R0, done
    LOAD8U R5, [R1 + 0]
    JNZ   R5, composite
    ADDI  R3, 1
    MUL   R2, R1, R1
mark:
    JGEU  R2, R0, composite
    STORE8 [R2], R4
    ADD   R2, R1
    JMP   mark
composite:
    ADDI  R1, 1
    JMP   candidate
done:
    MOV   R0, R3
    RET
.end
";

fn sieve(n: u64) -> u64 {
    let n = n as usize;
    let mut composite = vec![0u8; n];
    let mut count = 0;
    for candidate in 2..n {
        if composite[candidate] == 0 {
            count += 1;
            let mut multiple = candidate * candidate;
            while multiple < n {
                composite[multiple] = 1;
                multiple += candidate;
            }
        }
    }
    count
}

/// Fibonacci numbers by double recursion.
const FIB: &str = "
.export run
.func run (1) -> 1
    JLTUI R0, 2, done
    MOV   R8, R0
    ADDI  R0, R8, -1
    CALL  run
    MOV   R9, R0
    ADDI  R0, R8, -2
    CALL  run
    ADD   R0, R0, R9
done:
    RET
.end
";

fn fib(n: u64) -> u64 {
    // Through a pointer that the compiler cannot see through, so that it cannot turn one of the calls into a loop.
    let recur = core::hint::black_box(fib as fn(u64) -> u64);
    if n < 2 { n } else { recur(n - 1) + recur(n - 2) }
}
