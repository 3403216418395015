//! Traps and call stacks as text.
#![cfg(feature = "text")]

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Caller, HostResult, HostStop, Imports, Instance, Options, Outcome, Trapped, text};

const SOURCE: &str = "
.import store.get (1) -> 1
.export main
.export look
.export deep
.func divide (2) -> 1
    DIVU    R0, R0, R1
    RET
.end
.func main (2) -> 1
    CALL    divide
    RET
.end
.func look (1) -> 1
    SYSCALL store.get
    RET
.end
.func deep (0) -> 0
    CALL    deep
    RET
.end
";

fn verified() -> Verified<'static> {
    let bytes = text::assemble(SOURCE, "calc.sil").unwrap_or_else(|errors| panic!("{errors}"));
    Verified::new(Program::read(std::sync::Arc::<[u8]>::from(bytes)).unwrap()).unwrap()
}

fn imports() -> Imports<()> {
    let mut imports = Imports::new();
    let get = |_: &mut Caller<'_, ()>, key: u64| -> HostResult<u64> {
        if key == 0 { Err(format!("no key {key}").into()) } else { Err(HostStop::Error(404)) }
    };
    imports.define("store", "get", get).unwrap();
    imports
}

fn trapped<S>(instance: &mut Instance<'_, S>, export: &str, arguments: &[u64]) -> Trapped {
    match instance.call_export(export, arguments).unwrap() {
        Outcome::Trapped(trapped) => trapped,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_trap_is_shown_with_names_lines_and_calls() {
    let (program, imports) = (verified(), imports());
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    let trap = trapped(&mut instance, "main", &[1, 0]);
    let line = "division by zero at function divide, word 0 (calc.sil:7)";
    assert_eq!(trap.display(program.program()).to_string(), line);
    let stack =
        "  at function divide, word 0 (calc.sil:7)\n  called from function main, word 0 (calc.sil:11)";
    assert_eq!(instance.backtrace().to_string(), stack);
    assert_eq!(instance.trap_report(&trap).to_string(), format!("division by zero\n{stack}"));

    // After another call, the frames of the trap are gone.
    trapped(&mut instance, "look", &[1]);
    let without_callers = "division by zero\n  at function divide, word 0 (calc.sil:7)";
    assert_eq!(instance.trap_report(&trap).to_string(), without_callers);
}

#[test]
fn a_host_error_is_shown_with_its_import() {
    let (program, imports) = (verified(), imports());
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    let trap = trapped(&mut instance, "look", &[1]);
    let report = "host function store.get failed with error 404\n  at function look, word 0 (calc.sil:15)";
    assert_eq!(instance.trap_report(&trap).to_string(), report);
    let trap = trapped(&mut instance, "look", &[0]);
    let report = "host function store.get failed: no key 0\n  at function look, word 0 (calc.sil:15)";
    assert_eq!(instance.trap_report(&trap).to_string(), report);
}

#[test]
fn a_deep_stack_is_shown_in_part() {
    let (program, imports) = (verified(), imports());
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    let trap = trapped(&mut instance, "deep", &[]);
    let report = instance.trap_report(&trap).to_string();
    assert_eq!(report.lines().count(), 18, "{report}");
    let hidden = instance.call_stack().count() - 16;
    assert!(report.starts_with("stack overflow\n  at function deep, word 0 (calc.sil:19)\n"), "{report}");
    assert!(report.ends_with(&format!("\n  and {hidden} more")), "{report}");
}

#[test]
fn a_name_without_characters_is_visible() {
    let bytes = text::assemble(".export \"\" = $0\n.func (0) -> 0\n TRAP 7\n.end", "empty.sil").unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let imports = Imports::new();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    let Outcome::Trapped(trapped) = instance.call_export("", &[]).unwrap() else { panic!("it traps") };
    let report = instance.trap_report(&trapped).to_string();
    assert_eq!(report, "explicit trap 7\n  at function \"\", word 0 (empty.sil:3)");
}
