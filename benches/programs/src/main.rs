//! Prints the programs with their repetitions and their checksums on this computer.

fn main() {
    for program in programs::PROGRAMS {
        println!("{} {} {:#018x}", program.name, program.repetitions, (program.run)(program.repetitions));
    }
}
