//! Snapshots of compiler output: the intermediate representation (CLIF) of every instruction, of the examples and of
//! the programs in `programs`, in both tiers; and machine code of some of their functions.
//!
//! Everything is compiled for fixed processors, so it is the same on every machine. The test `objects` compares the
//! machine code on every architecture; this one runs where architectures are usually not emulated.

use std::fmt::Write;
use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use vsp_core::index::FuncIndex;
use vsp_core::isa::{CLASS_TITLES, Field, Flow, Inst, Opcode, Operand, Reg, Role};
use vsp_core::jit::{Arch, Target};
use vsp_core::program::{FuncType, FunctionBuilder, Program, ProgramBuilder};
use vsp_core::text;
use vsp_core::verify::Verified;
use vsp_host::native::{CompileOptions, Tier};
use vsp_snapshots::{EMULATED, Versions, function_text, listing, named_functions};

type Error = Box<dyn std::error::Error>;

const TIERS: [(&str, Tier); 2] = [("tier 1", Tier::One), ("tier 2", Tier::Two)];

/// The functions whose machine code is listed: the file, the function, the name of the options, and the options.
const MACHINE_CODE: [(&str, &str, &str, CompileOptions); 9] = [
    ("programs/sum.sil", "sum", "tier 2", FULL),
    ("programs/sum.sil", "sum", "tier 2 without fuel and interrupt", BARE),
    ("programs/sum.sil", "sum", "tier 1", FAST),
    ("../examples/sieve.sil", "mark_composites", "tier 2", FULL),
    ("../examples/fib.sil", "fib", "tier 2", FULL),
    ("../examples/mandelbrot.sil", "shade", "tier 2", FULL),
    ("programs/suspend.sil", "outer", "tier 2", FULL),
    ("programs/leaf.sil", "squares", "tier 2", FULL),
    ("programs/accesses.sil", "record", "tier 2 without fuel and interrupt", BARE),
];
const FULL: CompileOptions = CompileOptions { tier: Tier::Two, fuel: true, interrupt: true, check_ir: true };
const BARE: CompileOptions = CompileOptions { fuel: false, interrupt: false, ..FULL };
const FAST: CompileOptions = CompileOptions { tier: Tier::One, ..FULL };

fn main() {
    let arguments = Arguments::from_args();
    let trial = |name: String, check: Box<dyn FnOnce() -> Result<(), Error> + Send>| {
        Trial::test(name, move || check().map_err(|error| Failed::from(error.to_string())))
    };
    let mut trials = Vec::new();
    if EMULATED {
        libtest_mimic::run(&arguments, trials).exit();
    }
    for (class, title) in CLASS_TITLES.iter().enumerate().filter(|(_, title)| !title.is_empty()) {
        let check = move || compare(format!("clif_{class:x}x"), &instructions(class, title)?);
        trials.push(trial(format!("clif::{class:x}x"), Box::new(check)));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (kind, folder) in [("example", folder.join("../examples")), ("program", folder.join("programs"))] {
        for path in vsp_snapshots::sil_files(&folder).expect("the folder is there") {
            let name = format!("{kind}_{}", path.file_stem().unwrap_or_default().display());
            let snapshot = format!("clif_{name}");
            let check = move || compare(snapshot, &intermediate(&path)?);
            trials.push(trial(format!("clif::{name}"), Box::new(check)));
        }
    }
    for arch in [Arch::X86_64, Arch::Aarch64, Arch::Riscv64] {
        for (file, function, with, options) in MACHINE_CODE {
            let snapshot = format!("{arch}_{function}_{}", with.replace(' ', "_"));
            let path = folder.join(file);
            let check = move || compare(snapshot, &machine(&path, function, arch, options)?);
            trials.push(trial(format!("machine::{arch}::{function} {with}"), Box::new(check)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn compare(name: String, text: &str) -> Result<(), Error> {
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, text) });
    Ok(())
}

/// Lists all instructions of a class, each in a function of its own.
fn instructions(class: usize, title: &str) -> Result<String, Error> {
    let mut out = format!("{class:X}x {title}\n");
    for &op in Opcode::ALL.iter().filter(|op| usize::from(op.number() >> 4) == class) {
        let bytes = minimal(op)?;
        let _ = writeln!(out, "\n==== {:02X} {}: {}\n", op.number(), op.mnemonic(), op.meaning());
        let program = Verified::new(Program::read(&bytes[..])?)?;
        let disassembly = text::disassemble(program.program());
        let _ = writeln!(out, "{}", function_text(&disassembly, FuncIndex(0)));
        let is_fast_path = matches!(op.flow(), Flow::Next);
        let mut versions = Versions::default();
        for (arch, tier, configuration) in [
            (Arch::X86_64, Tier::One, "x86_64 tier 1"),
            (Arch::X86_64, Tier::Two, "x86_64 tier 2"),
            (Arch::Aarch64, Tier::One, "aarch64 tier 1"),
            (Arch::Aarch64, Tier::Two, "aarch64 tier 2"),
        ] {
            let options =
                CompileOptions { tier, fuel: !is_fast_path, interrupt: !is_fast_path, check_ir: true };
            let target = Target::new(arch);
            let listing = listing(&program, FuncIndex(0), &target, options)?;
            versions.add(configuration, without_common_parts(&listing.clif, &frame(&target, options)?));
        }
        out += &versions.text();
    }
    Ok(out)
}

/// Returns the CLIF of a function that does nothing.
fn frame(target: &Target, options: CompileOptions) -> Result<String, Error> {
    let bytes = minimal(Opcode::NOP)?;
    let program = Verified::new(Program::read(&bytes[..])?)?;
    Ok(listing(&program, FuncIndex(0), target, options)?.clif)
}

/// Removes the lines of the head and of the first block, and the blocks, that the function that does nothing has too.
fn without_common_parts(clif: &str, frame: &str) -> String {
    if clif == frame {
        return clif.to_owned();
    }
    let parts: Vec<&str> = frame.split("\n\n").collect();
    let mut out = String::new();
    for part in clif.split("\n\n") {
        if part.starts_with("function ") || part.starts_with("block_w0(block_w0.0") {
            let known =
                |line: &&str| parts.iter().take(2).any(|part| part.lines().any(|known| known == *line));
            let rest: Vec<&str> = part.lines().filter(|line| !known(line)).collect();
            if !rest.is_empty() {
                out += &format!("{}\n\n", rest.join("\n"));
            }
        } else if !parts.contains(&part) {
            out += &format!("{}\n\n", part.trim_end_matches(['}', '\n']));
        }
    }
    out
}

/// Returns a program whose function 0 has this instruction, and little else.
fn minimal(op: Opcode) -> Result<Vec<u8>, Error> {
    let ty = |params, results| FuncType::new(params, results).ok_or("no such type");
    let mut program = ProgramBuilder::new();
    program.import("test", "add", ty(2, 1)?)?;
    program.constant(0x0123_4567_89AB_CDEF);
    program.global(0);
    if op == Opcode::MEMGROW {
        program.memory_maximum(1 << 20);
    }
    if op.operands().iter().any(|operand| operand.role == Role::Segment) {
        program.passive(vec![0; 100]);
    }
    let mut function = FunctionBuilder::new(ty(3, 1)?);
    if op.operands().iter().any(|operand| operand.role == Role::Local) {
        function.set_locals(LOCAL as u16 + 1);
    }
    let values: Vec<i32> = op.operands().iter().map(|operand| example(*operand)).collect();
    let inst = Inst::new(op, &values)?;
    let (ret, mov) = (Inst::ret()?, Inst::movi(Reg::R0, 1)?);
    let around = match op.flow() {
        Flow::Next | Flow::Call | Flow::Suspend | Flow::Bulk => vec![inst, ret],
        Flow::Stop | Flow::TailCall => vec![inst],
        Flow::Branch | Flow::Jump => vec![inst, mov, ret],
        Flow::Switch => vec![inst, Inst::jmp(2)?, Inst::jmp(2)?, mov, Inst::addi(Reg::R0, Reg::R0, 2)?, ret],
    };
    // States are initialised before the instruction, and read after it.
    for (state, _) in inst.states().filter(|(_, access)| access.reads()) {
        function.push(Inst::ssplat(state, Reg::from_low_bits(state.index() as u32))?);
    }
    for inst in around {
        function.push(inst);
        for (state, _) in inst.states().filter(|(_, access)| access.writes()) {
            function.push(Inst::sfold(Reg::R0, state)?);
        }
    }
    program.function(function);
    // It is not a short leaf, so that it is called in both tiers.
    let mut callee = FunctionBuilder::new(ty(2, 1)?);
    callee.push(Inst::yield_(Reg::R0)?);
    callee.push(ret);
    program.function(callee);
    Ok(program.build()?)
}

/// A local that is kept in the frame's cells.
const LOCAL: i32 = 32;

/// Returns an example of an operand: registers R0, R1 and R2 for the fields a, b and c.
fn example(operand: Operand) -> i32 {
    match operand.role {
        Role::Dst | Role::Src | Role::Mod | Role::FDst | Role::FSrc | Role::FSrc2 => register(operand.field),
        Role::Base | Role::X1 | Role::X2 | Role::X4 | Role::X8 | Role::X16 => register(operand.field),
        Role::SDst | Role::SSrc | Role::SMod => register(operand.field),
        Role::Disp => 16,
        Role::S => -5,
        Role::U => 5,
        Role::Target => 1,
        Role::Func => 1,
        Role::Import | Role::Const | Role::Global | Role::Segment => 0,
        Role::Local => LOCAL,
        Role::Type => 0x12,
        Role::Entries => 2,
        Role::Sh64 | Role::Sh32 => 7,
        Role::Layer => 9,
        Role::Bits => 16,
        Role::Math => 32,
    }
}

fn register(field: Field) -> i32 {
    (field.shift() as i32 - Field::a.shift() as i32) / 4
}

/// Assembles a file.
fn assemble(path: &Path) -> Result<Vec<u8>, Error> {
    let source = std::fs::read_to_string(path)?;
    let bytes = text::assemble(&source, "program.sil")?;
    Ok(bytes)
}

/// Returns the CLIF of all functions of a file.
fn intermediate(path: &Path) -> Result<String, Error> {
    let bytes = assemble(path)?;
    let program = Verified::new(Program::read(&bytes[..])?)?;
    let disassembly = text::disassemble(program.program());
    let mut out = String::new();
    for (index, name) in named_functions(program.program()) {
        let _ = writeln!(out, "==== {name}\n\n{}", function_text(&disassembly, index));
        let mut versions = Versions::default();
        for (configuration, tier) in TIERS {
            let options = CompileOptions { tier, ..FULL };
            versions.add(configuration, listing(&program, index, &Target::new(Arch::Aarch64), options)?.clif);
        }
        let _ = writeln!(out, "{}", versions.text());
    }
    Ok(out)
}

/// Returns the machine code of a function of a file.
fn machine(path: &Path, function: &str, arch: Arch, options: CompileOptions) -> Result<String, Error> {
    let bytes = assemble(path)?;
    let program = Verified::new(Program::read(&bytes[..])?)?;
    let named = named_functions(program.program()).find(|(_, name)| *name == function);
    let (index, _) = named.ok_or_else(|| format!("there is no function {function}"))?;
    let disassembly = text::disassemble(program.program());
    let listing = listing(&program, index, &Target::new(arch), options)?;
    Ok(format!("{}\n{}", function_text(&disassembly, index), listing.machine))
}
