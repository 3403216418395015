//! Tests of the compiler, without running its code: every target from any host, the same bytes each time, errors with
//! their reasons.
#![cfg(feature = "jit")]

use cranelift_codegen::settings::Configurable;
use vsp_core::index::FuncIndex;
use vsp_core::jit::{Arch, Code, CompileOptions, Compiler, ExitKind, JitError, Target, Tier};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Trap, text};

fn targets() -> Vec<Target> {
    let arches = Arch::ALL.into_iter().filter(|arch| *arch != Arch::S390x || cfg!(feature = "s390x"));
    let mut targets: Vec<Target> = arches.map(Target::new).collect();
    targets.push(Target::new(Arch::X86_64).with("haswell").unwrap());
    targets.push(Target::new(Arch::Aarch64).with("lse").unwrap());
    targets.push(Target::new(Arch::Riscv64).with("zbb").unwrap());
    targets
}

fn options() -> impl Iterator<Item = CompileOptions> {
    [Tier::One, Tier::Two].into_iter().flat_map(|tier| {
        [(false, false), (false, true), (true, false), (true, true)].map(|(fuel, interrupt)| CompileOptions {
            tier,
            fuel,
            interrupt,
            check_ir: true,
        })
    })
}

fn with_program<R>(source: &str, run: impl FnOnce(&Verified<'_>) -> R) -> R {
    let bytes = text::assemble(source, "test.sil").unwrap();
    run(&Verified::new(Program::read(&bytes[..]).unwrap()).unwrap())
}

fn compile(source: &str, target: Target, options: CompileOptions) -> Code {
    with_program(source, |program| Compiler::new(target, options).unwrap().compile(program).unwrap())
}

const SHA: &str = include_str!("../../examples/sha256.sil");
const MANDELBROT: &str = include_str!("../../examples/mandelbrot.sil");

#[test]
fn every_target_and_option_compiles_the_same_way_twice() {
    for source in [SHA, MANDELBROT] {
        for target in targets() {
            for options in options() {
                let first = compile(source, target.clone(), options);
                // A compiler that has already compiled something else.
                let again = with_program(MANDELBROT, |other| {
                    let mut compiler = Compiler::new(target.clone(), options).unwrap();
                    compiler.compile(other).unwrap();
                    with_program(source, |program| compiler.compile(program).unwrap())
                });
                assert!(first == again, "{target} {options:?}");
                assert_eq!((first.target(), first.options()), (&target, options));
            }
        }
    }
}

#[test]
fn functions_tile_the_code_and_have_entries() {
    for target in targets() {
        let code = compile(SHA, target, CompileOptions::default());
        let count = code.table().len() as u32;
        let mut end = 0;
        for index in (0..count).map(FuncIndex) {
            let range = code.function(index).unwrap();
            assert_eq!(range.start, end);
            assert!(range.len() >= 4);
            end = range.end;
            let entry = code.entry(index).unwrap();
            assert!(entry >= code.function(FuncIndex(count - 1)).unwrap().end && entry < code.bytes().len());
        }
        assert_eq!(code.function(FuncIndex(count)), None);
        assert_eq!(code.entry(FuncIndex(count)), None);
    }
}

#[test]
fn features_are_named_with_and_without_their_prefix_and_unknown_ones_are_refused() {
    let named = |feature: &str| Target::new(Arch::X86_64).with(feature);
    assert_eq!(named("popcnt").unwrap(), named("has_popcnt").unwrap());
    assert!(named("haswell").unwrap().features().any(|feature| feature == "has_avx2"));
    for (arch, feature) in
        [(Arch::X86_64, "zbb"), (Arch::Aarch64, "avx2"), (Arch::Riscv64, ""), (Arch::X86_64, "é")]
    {
        let refused = Target::new(arch).with(feature).unwrap_err();
        assert_eq!(refused, JitError::Feature { arch, feature: feature.into() });
        assert!(refused.to_string().contains(arch.name()));
    }
}

#[test]
fn without_safepoints_there_are_sites_for_traps_only() {
    let source = ".func f (2) -> 1\nloop: DIV R0, R0, R1\n LOOP R1, loop\n CALL g\n RET\n.end\n\
                  .func g (1) -> 1\nx: LOOP R0, x\n RET\n.end";
    let plain = CompileOptions { fuel: false, interrupt: false, ..CompileOptions::default() };
    let kinds = |options| -> Vec<ExitKind> {
        compile(source, Target::new(Arch::X86_64), options).sites().iter().map(|site| site.kind).collect()
    };
    assert_eq!(kinds(plain), [ExitKind::Trap(Trap::DivideByZero), ExitKind::Trap(Trap::StackOverflow)]);
    let full = kinds(CompileOptions::default());
    assert!(full.contains(&ExitKind::Fuel) && full.contains(&ExitKind::Interrupted));
}

#[test]
fn tier_two_inlines_leaves_and_removes_covered_checks() {
    let source = ".memory 64\n.func f (1) -> 1\n LOAD R1, [R0]\n LOAD32U R2, [R0 + 4]\n STORE8 [R0 + 7], R2\n\
                  LOAD R3, [R0 + 1]\n CALL g\n ADD R0, R0, R3\n RET\n.end\n\
                  .func g (1) -> 1\n ADDI R0, R0, 1\n RET\n.end";
    let stats = |tier| {
        compile(source, Target::new(Arch::X86_64), CompileOptions { tier, ..CompileOptions::default() })
            .stats()
    };
    let (one, two) = (stats(Tier::One), stats(Tier::Two));
    assert_eq!((one.inlined, one.checks, one.checks_removed), (0, 4, 0));
    // The last load accesses one byte more than the first.
    assert_eq!((two.inlined, two.checks, two.checks_removed), (1, 2, 2));
}

#[test]
fn a_listing_shows_one_function() {
    with_program(SHA, |program| {
        for target in targets() {
            let mut compiler = Compiler::new(target, CompileOptions::default()).unwrap();
            let listing = compiler.listing(program, FuncIndex(0)).unwrap().unwrap();
            assert!(listing.clif.starts_with("function u0:0(i64, i64"), "{}", listing.clif);
            assert!(!listing.machine.is_empty() && !listing.bytes.is_empty());
            assert!(compiler.listing(program, FuncIndex(10_000)).unwrap().is_none());
        }
    });
}

#[test]
fn compressed_instructions_of_riscv64_stay_off() {
    for feature in ["zca", "has_zca", "zcb", "zcd", "has_c", "c"] {
        let refused = Target::new(Arch::Riscv64).with(feature).unwrap_err();
        assert_eq!(refused, JitError::Feature { arch: Arch::Riscv64, feature: feature.into() });
    }
    let known = Target::known(Arch::Riscv64).unwrap();
    assert!(known.features.contains(&"zbb") && !known.features.iter().any(|name| name.starts_with("zc")));
    // As detected by `cranelift-native` on a computer that has them.
    let mut builder = cranelift_codegen::isa::lookup_by_name("riscv64gc-unknown-none").unwrap();
    for feature in ["has_c", "has_zcb", "has_zbb"] {
        builder.enable(feature).unwrap();
    }
    let target = Target::of_builder(Arch::Riscv64, &builder).unwrap();
    assert_eq!(target, Target::new(Arch::Riscv64).with("zbb").unwrap());
}
