//! CoreMark's five runs, with the seeds and sizes of EEMBC: prints the checksums instead of the time. The argument is
//! the number of iterations.

use coremark::Config;

const RUNS: [(&str, i16, i16, i16, usize); 5] = [
    ("6k performance", 0, 0, 0x66, 6000),
    ("6k validation", 0x3415, 0x3415, 0x66, 6000),
    ("profile generation", 8, 8, 8, 1200),
    ("2K performance", 0, 0, 0x66, 2000),
    ("2K validation", 0x3415, 0x3415, 0x66, 2000),
];

fn main() {
    let iterations = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    for (name, seed1, seed2, seed3, size) in RUNS {
        let run = coremark::run(&Config { seed1, seed2, seed3, iterations, execs: 0, size });
        println!(
            "{name}: seed {:04x} list {:04x} matrix {:04x} state {:04x} final {:04x}",
            run.seedcrc, run.crclist, run.crcmatrix, run.crcstate, run.crcfinal
        );
    }
}
