//! The builder's programs at their limits: the reach of branches, labels, names, source lines, the last cell of a
//! stack, the lowest balance of fuel. (`embedding.rs` tests the rest of the host's interface, `builder.rs` programs
//! with many branches.)
#![cfg(feature = "text")]

use vsp_core::index::{FuncIndex, Location};
use vsp_core::isa::{Flow, Inst, Opcode, Reg, Role};
use vsp_core::program::{BuildError, FuncType, FunctionBuilder, NameKind, Program, ProgramBuilder};
use vsp_core::verify::Verified;
use vsp_core::{Caller, HostStop, Imports, Instance, Options, Outcome, Reason, Suspension, Trap, Trapped};

fn ty(params: usize, results: usize) -> FuncType {
    FuncType::new(params, results).unwrap()
}

fn inst(op: Opcode, values: &[i32]) -> Inst {
    Inst::new(op, values).unwrap()
}

/// The bytes of a program whose only function is exported as `f`.
fn single(function: FunctionBuilder) -> Result<Vec<u8>, BuildError> {
    let mut program = ProgramBuilder::new();
    let function = program.function(function);
    program.export("f", function)?;
    program.build()
}

fn verified(bytes: &[u8]) -> Verified<'_> {
    Verified::new(Program::read(bytes).unwrap()).unwrap()
}

fn call(program: &Verified<'_>, args: &[u64]) -> Outcome {
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(program, &imports, (), Options::default()).unwrap();
    instance.call_export("f", args).unwrap()
}

fn returned(outcome: Outcome) -> Vec<u64> {
    match outcome {
        Outcome::Returned(values) => values.to_vec(),
        other => panic!("{other:?}"),
    }
}

/// A branch on R0, or on R0 and R1, with arguments for which it is taken and for which it is not.
struct Branch {
    op: Opcode,
    values: &'static [i32],
    taken: [u64; 2],
    not_taken: [u64; 2],
}

const MINUS_1: u64 = u64::MAX;

/// −1 in the low half, under a high half that is ignored.
const MINUS_1_LOW: u64 = 0x0000_0007_FFFF_FFFF;

#[rustfmt::skip]
const BRANCHES: &[Branch] = &[
    Branch { op: Opcode::JZ, values: &[0], taken: [0, 0], not_taken: [1 << 63, 0] },
    Branch { op: Opcode::JNZ, values: &[0], taken: [1 << 63, 0], not_taken: [0, 0] },
    Branch { op: Opcode::JN, values: &[0], taken: [1 << 63, 0], not_taken: [0, 0] },
    Branch { op: Opcode::JEQ, values: &[0, 1], taken: [7, 7], not_taken: [7, 8] },
    Branch { op: Opcode::JNE, values: &[0, 1], taken: [7, 8], not_taken: [7, 7] },
    Branch { op: Opcode::JLT, values: &[0, 1], taken: [MINUS_1, 0], not_taken: [0, MINUS_1] },
    Branch { op: Opcode::JGE, values: &[0, 1], taken: [5, 5], not_taken: [MINUS_1, 5] },
    Branch { op: Opcode::JLTU, values: &[0, 1], taken: [0, MINUS_1], not_taken: [MINUS_1, 0] },
    Branch { op: Opcode::JGEU, values: &[0, 1], taken: [5, 5], not_taken: [4, 5] },
    Branch { op: Opcode::LOOP, values: &[0], taken: [2, 0], not_taken: [1, 0] },
    Branch { op: Opcode::JLTW, values: &[0, 1], taken: [MINUS_1_LOW, 0], not_taken: [0, MINUS_1_LOW] },
    Branch { op: Opcode::JGEW, values: &[0, 1], taken: [0, MINUS_1_LOW], not_taken: [MINUS_1_LOW, 0] },
    Branch { op: Opcode::JEQI, values: &[0, -128], taken: [-128i64 as u64, 0], not_taken: [128, 0] },
    Branch { op: Opcode::JNEI, values: &[0, -128], taken: [128, 0], not_taken: [-128i64 as u64, 0] },
    Branch { op: Opcode::JLTI, values: &[0, -3], taken: [-4i64 as u64, 0], not_taken: [-3i64 as u64, 0] },
    Branch { op: Opcode::JGEI, values: &[0, -3], taken: [-3i64 as u64, 0], not_taken: [-4i64 as u64, 0] },
    Branch { op: Opcode::JLTUI, values: &[0, 255], taken: [254, 0], not_taken: [MINUS_1, 0] },
    Branch { op: Opcode::JGEUI, values: &[0, 255], taken: [MINUS_1, 0], not_taken: [254, 0] },
];

impl Branch {
    fn instruction(&self) -> Inst {
        inst(self.op, self.values)
    }

    /// The longest forward distance, in words.
    fn reach(&self) -> usize {
        let target = self.op.operands().iter().find(|operand| operand.role == Role::Target).unwrap();
        target.role.range(target.field).1 as usize
    }

    /// The results of the functions below: 1 or 2, and the final value of the first argument.
    fn result(&self, arg: u64, taken: bool) -> [u64; 2] {
        let left = if self.op == Opcode::LOOP { arg.wrapping_sub(1) } else { arg };
        [1 + u64::from(taken), left]
    }
}

/// Two parameters, two results: 1 if the branch was not taken and 2 if it was; and then R0.
fn far(branch: &Branch, filler: usize, backward: bool) -> FunctionBuilder {
    let mut code = FunctionBuilder::new(ty(2, 2));
    let (start, target, end) = (code.label(), code.label(), code.label());
    let not_taken = |code: &mut FunctionBuilder| {
        code.bind(start);
        code.branch(branch.instruction(), target);
        code.push(Inst::movi(Reg::R2, 1).unwrap());
        code.branch(Inst::jmp(0).unwrap(), end);
    };
    let fill = |code: &mut FunctionBuilder| (0..filler).for_each(|_| code.push(Inst::nop().unwrap()));
    let taken = |code: &mut FunctionBuilder| {
        code.bind(target);
        code.push(Inst::movi(Reg::R2, 2).unwrap());
        code.branch(Inst::jmp(0).unwrap(), end);
    };
    if backward {
        code.branch(Inst::jmp(0).unwrap(), start);
        taken(&mut code);
        fill(&mut code);
        not_taken(&mut code);
    } else {
        not_taken(&mut code);
        fill(&mut code);
        taken(&mut code);
    }
    code.bind(end);
    code.push(Inst::mov(Reg::R1, Reg::R0).unwrap());
    code.push(Inst::mov(Reg::R0, Reg::R2).unwrap());
    code.push(Inst::ret().unwrap());
    code
}

#[test]
fn every_branch_is_in_the_list() {
    let branches = Opcode::ALL.iter().filter(|op| op.flow() == Flow::Branch);
    let missing: Vec<_> = branches.filter(|op| BRANCHES.iter().all(|branch| branch.op != **op)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The largest distance of the short form, and the smallest that needs the long one.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn branches_reach_over_every_distance_in_both_directions() {
    for branch in BRANCHES {
        let longer = if branch.op == Opcode::LOOP { 2 } else { 1 };
        for (filler, extra) in [(branch.reach() - 2, 0), (branch.reach() - 1, longer)] {
            if extra == 0 && branch.reach() > 1 << 16 && branch.op != Opcode::JZ {
                // These functions are large: one of them is enough.
                continue;
            }
            for backward in [false, true] {
                let label = format!("{:?} over {filler} words, backward: {backward}", branch.op);
                let bytes = single(far(branch, filler, backward)).unwrap();
                if branch.reach() <= 1 << 16 {
                    assert_eq!(single(far(branch, filler, backward)).unwrap(), bytes, "{label}: made again");
                }
                let program = verified(&bytes);
                let around = 8 + usize::from(backward);
                assert_eq!(program.program().code().len(), filler + around + extra, "{label}");
                let taken = returned(call(&program, &branch.taken));
                assert_eq!(taken, branch.result(branch.taken[0], true), "{label}");
                let not_taken = returned(call(&program, &branch.not_taken));
                assert_eq!(not_taken, branch.result(branch.not_taken[0], false), "{label}");
            }
        }
    }
}

fn function(body: impl FnOnce(&mut FunctionBuilder)) -> FunctionBuilder {
    let mut code = FunctionBuilder::new(ty(0, 0));
    body(&mut code);
    code.push(Inst::ret().unwrap());
    code
}

#[test]
fn labels_are_bound_once_and_in_their_function() {
    let unbound = function(|code| {
        let label = code.label();
        code.branch(Inst::jmp(0).unwrap(), label);
    });
    assert_eq!(single(unbound), Err(BuildError::LabelNotBound));
    let unused = function(|code| {
        code.label();
    });
    assert!(single(unused).is_ok(), "a label that nothing goes to may be nowhere");
    let twice = function(|code| {
        let label = code.here();
        code.bind(label);
    });
    assert_eq!(single(twice), Err(BuildError::LabelBoundTwice));
    let foreign = FunctionBuilder::new(ty(0, 0)).label();
    assert_eq!(single(function(|code| code.bind(foreign))), Err(BuildError::ForeignLabel));
    let to_foreign = function(|code| code.branch(Inst::jmp(0).unwrap(), foreign));
    assert_eq!(single(to_foreign), Err(BuildError::LabelNotBound));
}

#[test]
fn only_branches_branch() {
    for op in [Opcode::ADD, Opcode::RET, Opcode::SWITCH, Opcode::CALL] {
        let values: Vec<i32> = op.operands().iter().map(|it| it.role.range(it.field).0.max(0)).collect();
        let wrong = function(|code| {
            let label = code.here();
            code.branch(inst(op, &values), label);
        });
        assert_eq!(single(wrong), Err(BuildError::NotABranch(op)));
    }
}

#[test]
fn a_branch_ignores_the_displacement_it_was_made_with() {
    let code = |displacement| {
        function(|code| {
            let end = code.label();
            code.branch(inst(Opcode::JEQI, &[0, 1, displacement]), end);
            code.bind(end);
        })
    };
    assert_eq!(single(code(-2048)), single(code(5)));
}

#[test]
fn functions_are_defined_once_and_with_their_type() {
    let ret = |params| {
        let mut code = FunctionBuilder::new(ty(params, 0));
        assert!(code.is_empty());
        code.push(Inst::ret().unwrap());
        assert!(!code.is_empty());
        code
    };
    let mut program = ProgramBuilder::new();
    let declared = program.declare(ty(1, 0));
    assert_eq!(program.clone().build(), Err(BuildError::NotDefined(declared)));
    assert_eq!(program.define(declared, ret(2)), Err(BuildError::Redefined(declared)));
    assert_eq!(program.define(FuncIndex(7), ret(1)), Err(BuildError::Redefined(FuncIndex(7))));
    assert_eq!(program.define(declared, ret(1)), Ok(()));
    assert_eq!(program.define(declared, ret(1)), Err(BuildError::Redefined(declared)));
    assert!(program.build().is_ok());
}

#[test]
fn names_are_short_and_taken_once() {
    let (longest, long) = ("é".repeat(32_767), "é".repeat(32_768));
    let too_long = || BuildError::NameTooLong(long.clone());
    let mut program = ProgramBuilder::new();
    program.function(function(|_| ()));
    assert_eq!(program.import(&long, "f", ty(0, 0)), Err(too_long()));
    assert_eq!(program.import("m", &long, ty(0, 0)), Err(too_long()));
    assert_eq!(program.data(0, vec![1], Some(&long)), Err(too_long()));
    assert_eq!(program.name(NameKind::Function, 0, &long), Err(too_long()));
    assert_eq!(program.source_file(&long), Err(too_long()));
    assert_eq!(program.export(&long, FuncIndex(0)), Err(too_long()));
    assert_eq!(program.custom(&long, vec![]), Err(too_long()));
    assert_eq!(program.export(&longest, FuncIndex(0)), Ok(()));
    assert_eq!(program.custom("", vec![]), Ok(()));
    let mut again = program.clone();
    assert_eq!(again.export(&longest, FuncIndex(0)), Err(BuildError::Duplicate(longest.clone())));
    assert_eq!(again.custom("", vec![]), Err(BuildError::Duplicate(String::new())));
    let bytes = program.build().unwrap();
    assert_eq!(Program::read(&bytes[..]).unwrap().export(&longest), Some(FuncIndex(0)));
}

#[test]
fn data_segments_are_sorted_and_do_not_overlap() {
    let mut program = ProgramBuilder::new();
    program.memory(32);
    program.data(16, vec![3; 16], Some("last")).unwrap();
    program.data(0, vec![1; 15], None).unwrap();
    program.data(3, vec![], Some("nothing")).unwrap();
    let mut overlapping = program.clone();
    overlapping.data(14, vec![2], None).unwrap();
    assert_eq!(overlapping.build(), Err(BuildError::OverlappingData(14)));
    let mut outside = program.clone();
    outside.memory(16);
    assert!(
        matches!(outside.build(), Err(BuildError::Format(error)) if error.what == "end of a data segment")
    );
    program.data(15, vec![2], None).unwrap();
    let bytes = program.build().unwrap();
    let program = Program::read(&bytes[..]).unwrap();
    assert_eq!(program.data().map(|it| it.address).collect::<Vec<_>>(), [0, 15, 16]);
    assert_eq!(program.name(NameKind::Data, 2), Some("last"));
}

#[test]
fn constants_of_one_value_are_one_constant() {
    let mut program = ProgramBuilder::new();
    let first = program.constant(5);
    assert_eq!(program.constant(5), first);
    assert_ne!(program.new_constant(5), first);
    assert_eq!(program.constant(5), first);
    let bytes = program.build().unwrap();
    assert_eq!(Program::read(&bytes[..]).unwrap().constants().len(), 2);
}

/// This holds even if the preceding function ends with a line.
#[test]
fn a_function_does_not_inherit_a_source_line() {
    let mut program = ProgramBuilder::new();
    let file = program.source_file("f.sil").unwrap();
    let lined = |line| function(move |code| code.line(file, line));
    let late = function(|code| {
        code.push(Inst::nop().unwrap());
        code.line(file, 7);
    });
    for code in [function(|_| ()), lined(7), function(|_| ()), function(|_| ()), lined(7), late, lined(7)] {
        program.function(code);
    }
    let bytes = program.build().unwrap();
    let program = Program::read(&bytes[..]).unwrap();
    let line_of = |function, word| program.source_line_of(Location { function: FuncIndex(function), word });
    let lines: Vec<_> = (0..7).map(|function| line_of(function, 0).map(|(_, line)| line)).collect();
    assert_eq!(lines, [None, Some(7), None, None, Some(7), None, Some(7)]);
    assert_eq!(line_of(5, 1), Some(("f.sil", 7)));
    let text = vsp_core::text::disassemble(&program);
    assert_eq!(vsp_core::text::assemble(&text, "again.sil").unwrap(), bytes, "{text}");
}

/// A frame takes 18 cells and its locals.
#[test]
fn a_frame_fits_to_the_last_cell() {
    let program = |locals| {
        let mut code = FunctionBuilder::new(ty(0, 1));
        code.set_locals(locals);
        code.push(Inst::movi(Reg::R0, 9).unwrap());
        code.push(Inst::setl(Reg::R0, u32::from(locals) - 1).unwrap());
        code.push(Inst::ret().unwrap());
        single(code).unwrap()
    };
    let call = |locals, cells| {
        let bytes = program(locals);
        let (program, imports) = (verified(&bytes), Imports::<()>::new());
        let options = Options { stack_cells: Some(cells), ..Options::default() };
        Instance::new(&program, &imports, (), options).unwrap().call_export("f", &[]).unwrap()
    };
    assert_eq!(returned(call(46, 64)), [9]);
    assert_eq!(returned(call(4095, 18 + 4095)), [9]);
    let location = Location { function: FuncIndex(0), word: 0 };
    let overflow = Outcome::Trapped(Trapped { trap: Trap::StackOverflow, location });
    assert_eq!([call(47, 64), call(4095, 18 + 4094)], [overflow; 2]);
}

/// `f` calls the host; `leaf` is a short leaf, which passes no safepoint.
fn with_host_call() -> Vec<u8> {
    let mut program = ProgramBuilder::new();
    let import = program.import("host", "f", ty(1, 1)).unwrap();
    let mut code = FunctionBuilder::new(ty(1, 1));
    code.push(Inst::syscall(import.0).unwrap());
    code.push(Inst::ret().unwrap());
    let caller = program.function(code);
    program.export("f", caller).unwrap();
    let leaf = program.function(function(|code| code.push(Inst::nop().unwrap())));
    program.export("leaf", leaf).unwrap();
    program.build().unwrap()
}

/// A balance of −2⁶³ does not change, even where no safepoint stops the program.
#[test]
fn the_balance_saturates_downwards() {
    let bytes = with_host_call();
    let program = verified(&bytes);
    let mut imports = Imports::<()>::new();
    let charge = |caller: &mut Caller<'_, ()>, value: u64| {
        caller.charge(u64::MAX);
        value
    };
    imports.define("host", "f", charge).unwrap();
    let options = Options { fuel: Some(100), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, (), options).unwrap();
    let location = Location { function: FuncIndex(0), word: 1 };
    let suspended = Outcome::Suspended(Suspension { reason: Reason::Fuel, location });
    assert_eq!(instance.call_export("f", &[1]), Ok(suspended));
    assert_eq!(instance.fuel(), Some(i64::MIN));
    assert_eq!(instance.resume(&[]), Ok(suspended), "nothing was added");
    instance.reset();
    assert!(returned(instance.call_export("leaf", &[]).unwrap()).is_empty());
    assert_eq!(instance.fuel(), Some(i64::MIN));
    instance.add_fuel(u64::MAX);
    assert_eq!(instance.fuel(), Some(i64::MAX));
}

#[test]
fn a_pending_host_call_is_resumed_or_failed() {
    let bytes = with_host_call();
    let program = verified(&bytes);
    let mut imports = Imports::<u32>::new();
    let pending = |caller: &mut Caller<'_, u32>, _: u64| -> Result<u64, HostStop> {
        *caller.state() += 1;
        Err(HostStop::Pending)
    };
    imports.define("host", "f", pending).unwrap();
    let mut instance = Instance::new(&program, &imports, 0, Options::default()).unwrap();
    let location = Location { function: FuncIndex(0), word: 0 };
    let reason = Reason::Pending(vsp_core::index::ImportIndex(0));
    let suspended = Outcome::Suspended(Suspension { reason, location });
    assert_eq!(instance.call_export("f", &[1]), Ok(suspended));
    assert!(instance.resume(&[1, 2]).is_err());
    assert_eq!(returned(instance.resume(&[44]).unwrap()), [44]);

    assert_eq!(instance.call_export("f", &[1]), Ok(suspended));
    let trapped = Trapped { trap: Trap::Host(6), location };
    assert_eq!(instance.fail(6), Ok(Outcome::Trapped(trapped)));
    assert_eq!(instance.call_stack().collect::<Vec<_>>(), [location], "the frames of a trap can be seen");
    assert!(instance.fail(6).is_err() && instance.resume(&[44]).is_err());
    instance.reset();
    assert_eq!(instance.call_stack().count(), 0);
    assert_eq!(*instance.state(), 2);
}
