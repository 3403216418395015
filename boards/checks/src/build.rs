//! Writing the table of checks, on the computer that builds the image.

#[path = "../../../snapshots/src/cases/parse.rs"]
#[allow(dead_code, unreachable_pub, reason = "the parser of vsp-snapshots, of which a part is used")]
mod parse;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use vsp_core::index::FuncIndex;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, text};

use crate::check::{Interpreter, Runner};
use crate::host::{self, Host};
use crate::wire::{self, Reader, Writer};
use parse::{Case, Expected};

/// The fuel of checks that set none themselves: the balance is compared after each of their calls.
const FUEL: u64 = 1 << 40;

/// What a board has room for.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Largest size of a program's memory in bytes, and of what it can grow to.
    pub memory: u64,
    /// The sizes of the stack in cells to try, if a check does not need a certain one; the last is the largest.
    pub cells: &'static [u32],
    /// Size of the table in bytes. What does not fit any more is left out.
    pub table: usize,
    /// Of how many case files one is taken: 1 for all.
    pub one_of: usize,
}

/// Programs of `examples/` with arguments and input: a file of the repository, or a text.
const EXAMPLES: &[(&str, &[&str], Input)] = &[
    ("fib", &["15"], Input::Text("")),
    ("sieve", &["20000"], Input::Text("")),
    ("sha256", &[], Input::File("LICENSE-MIT")),
    ("crc32", &[], Input::File("LICENSE-MIT")),
    ("fnv1a", &[], Input::File("LICENSE-MIT")),
    ("base64", &[], Input::File("LICENSE-MIT")),
    ("wc", &[], Input::File("LICENSE-MIT")),
    ("search", &["WARRANTY"], Input::File("LICENSE-MIT")),
    ("quicksort", &[], Input::Text("3\n-1\n4\n1\n-5\n9\n2\n6\n-9223372036854775808\n0\n")),
    ("matmul", &[], Input::Text("2 3\n1 2 3\n4 5 6\n3 2\n7 8\n9 10\n11 12\n")),
    ("life", &["8"], Input::Text("......\n..O...\n...O..\n.OOO..\n......\n......\n")),
    (
        "brainfuck",
        &[],
        Input::Text("++++++++[>++++[>++>+++>+++>+<<<<-]>+>+>->>+[<]<-]>>.>---.+++++++..+++.!"),
    ),
];

enum Input {
    File(&'static str),
    Text(&'static str),
}

/// Writes the checks for which a board has room to the file `checks` in the folder of a build script's output, and the
/// program that is measured to the file `kernels`.
///
/// # Panics
/// A file cannot be read or written, or the interpreter fails an example. (A build script ends so.)
pub fn write_table(room: Room) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("snapshots/cases");
    for path in ["snapshots/cases", "examples", "LICENSE-MIT"] {
        println!("cargo:rerun-if-changed={}", root.join(path).display());
    }
    let imports: &Imports<Host> = Box::leak(Box::new(host::imports().expect("names are defined once")));
    let builder = Builder { room, imports };
    let mut checks = Vec::new();
    for (name, arguments, input) in EXAMPLES {
        let name = format!("examples/{name}.sil");
        let input = match input {
            Input::File(path) => fs::read(root.join(path)).expect("the input is there"),
            Input::Text(text) => text.as_bytes().to_vec(),
        };
        let text = fs::read_to_string(root.join(&name)).expect("the example is there");
        checks.extend(builder.example(&text, arguments, &input).map(|made| (name, made)));
    }
    for path in sil_files(&folder).into_iter().step_by(room.one_of) {
        let text = fs::read_to_string(&path).expect("the case can be read");
        let case = parse::parse(&text).expect("the case is well-formed");
        let name = path.strip_prefix(&folder).expect("it is in the folder").display().to_string();
        checks.extend(builder.case(&text, &case).map(|made| (name, made)));
    }
    // Small ones first: more of them fit.
    checks.sort_by_key(|(_, (program, steps))| program.len() + steps.bytes().len());
    let mut table = Writer::default();
    for (name, (program, steps)) in checks {
        let mut check = Writer::default();
        check.check(&name, program, &steps);
        if table.bytes().len() + check.bytes().len() <= room.table {
            table.append(&check);
        }
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("build scripts have it"));
    fs::write(out.join("checks"), table.bytes()).expect("the table can be written");
    let kernels = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/kernels.sil");
    println!("cargo:rerun-if-changed={}", kernels.display());
    let text = fs::read_to_string(kernels).expect("the program is there");
    let kernels = text::assemble(&text, "kernels.sil").expect("the program is right");
    fs::write(out.join("kernels"), kernels).expect("the program can be written");
}

fn sil_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            files.extend(sil_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "sil") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[derive(Clone, Copy)]
struct Builder {
    room: Room,
    imports: &'static Imports<Host>,
}

impl Builder {
    /// Returns the program and the steps of a case file. `None` if the board does not have its instructions or no room,
    /// or if the assembler refuses the text.
    fn case(&self, text: &str, case: &Case) -> Option<(&'static [u8], Writer)> {
        let bytes: &'static [u8] = text::assemble(text, "case.sil").ok()?.leak();
        let program = Program::read(bytes).ok()?;
        let must_be_refused = case.steps.iter().any(|(_, step)| matches!(step, parse::Step::Rejected(..)));
        let Ok(verified) = Verified::new(program) else {
            let mut steps = Writer::default();
            steps.numbers(&[15]);
            return must_be_refused.then_some((bytes, steps));
        };
        let verified = Box::leak(Box::new(verified));
        let sizes = self.room.cells.iter();
        let steps = sizes.map(|&cells| {
            let mut recorder = Recorder::new(*self, verified, cells, case);
            case.steps.iter().try_for_each(|(_, step)| recorder.case_step(step)).map(|()| recorder.steps)
        });
        Some((bytes, steps.flatten().next()?))
    }

    /// Returns the program and the steps of an example. `None` if the board has no room for it.
    fn example(&self, text: &str, arguments: &[&str], input: &[u8]) -> Option<(&'static [u8], Writer)> {
        let bytes: &'static [u8] = text::assemble(text, "example.sil").expect("examples are right").leak();
        let program = Program::read(bytes).expect("the assembler makes programs");
        let verified = Box::leak(Box::new(Verified::new(program).ok()?));
        let cells = *self.room.cells.last()?;
        let mut recorder = Recorder::new(*self, verified, cells, &Case::default());
        for argument in arguments {
            recorder.record(&[16], Some(argument.as_bytes()), &[])?;
        }
        recorder.record(&[17], Some(input), &[])?;
        recorder.case_step(&parse::Step::Call(
            "main".into(),
            vec![],
            Expected::Returns(vec![], parse::Tolerance::default()),
        ))?;
        let host = recorder.runner.instance.as_ref()?.state().clone();
        recorder.record(&[18], Some(&host.output), &[host.exit_code.into()])?;
        Some((bytes, recorder.steps))
    }
}

/// Carries out steps while it writes them.
struct Recorder {
    room: Room,
    program: &'static Verified<'static>,
    runner: Runner<'static, 'static, Interpreter>,
    /// The size of the stack, unless the steps choose it.
    cells: Option<u32>,
    /// Whether fuel is set, and the balance recorded.
    counts: bool,
    steps: Writer,
}

impl Recorder {
    fn new(builder: Builder, program: &'static Verified<'static>, cells: u32, case: &Case) -> Recorder {
        use parse::Step;
        let has_fuel = case.steps.iter().any(|(_, step)| matches!(step, Step::Fuel(_) | Step::Balance(_)));
        let mut recorder = Recorder {
            room: builder.room,
            program,
            runner: Runner::new(program, &(), builder.imports),
            cells: Some(cells),
            counts: !has_fuel,
            steps: Writer::default(),
        };
        recorder.begin();
        recorder
    }

    /// Writes the settings of a new instance.
    fn begin(&mut self) {
        if self.counts {
            self.record(&[3, FUEL], None, &[]);
        }
        if let Some(cells) = self.cells {
            self.record(&[8, cells.into()], None, &[]);
        }
    }

    /// Appends and carries out a step: numbers, a byte string, and numbers. `None` if it fails, or needs more room.
    fn record(&mut self, numbers: &[u64], string: Option<&[u8]>, rest: &[u64]) -> Option<()> {
        let mut step = Writer::default();
        step.numbers(numbers);
        if let Some(string) = string {
            step.string(string);
        }
        step.numbers(rest);
        let start = self.steps.bytes().len();
        self.steps.append(&step);
        let bytes: &'static [u8] = self.steps.bytes()[start..].to_vec().leak();
        self.runner.step(Reader::new(bytes).step()?).ok()?;
        let fits = |size: u64| size <= self.room.memory;
        match &self.runner.instance {
            Some(it) => (fits(it.memory().len() as u64) && fits(it.memory_maximum())).then_some(()),
            None => Some(()),
        }
    }

    fn case_step(&mut self, step: &parse::Step) -> Option<()> {
        use parse::Step;
        let largest = *self.room.cells.last()?;
        match step {
            Step::Call(name, args, expected) => {
                let rest = [&[args.len() as u64][..], args, &self.expected(expected)?].concat();
                self.record(&[0], Some(name.as_bytes()), &rest)?;
                self.balance()
            }
            Step::Resume(values, expected) => {
                let rest = [&[values.len() as u64][..], values, &self.expected(expected)?].concat();
                self.record(&[1], None, &rest)?;
                self.balance()
            }
            Step::Fail(code, expected) => {
                let rest = [&[u64::from(*code)][..], &self.expected(expected)?].concat();
                self.record(&[2], None, &rest)?;
                self.balance()
            }
            Step::Fuel(fuel) => self.record(&[3, *fuel], None, &[]),
            Step::Balance(balance) => self.record(&[4, *balance as u64], None, &[]),
            Step::Interrupt(on) => self.record(&[5, (*on).into()], None, &[]),
            Step::Memory(size) => self.record(&[6, *size], None, &[]),
            Step::Maximum(size) => self.record(&[7, *size], None, &[]),
            Step::Stack(cells) if *cells > largest => None,
            Step::Stack(cells) => self.record(&[8, (*cells).into()], None, &[]),
            Step::Reset => self.record(&[9], None, &[]),
            Step::New => {
                self.record(&[10], None, &[])?;
                self.begin();
                Some(())
            }
            Step::Bytes(address, bytes) => self.record(&[11, *address], Some(bytes), &[]),
            Step::Global(index, value) => self.record(&[12, (*index).into(), *value], None, &[]),
            Step::Frames(frames) => {
                for (depth, name) in frames.iter().enumerate() {
                    let [function, word] = self.location(name)?;
                    self.record(&[13, depth as u64, function, word], None, &[])?;
                }
                self.record(&[14, frames.len() as u64], None, &[])
            }
            Step::Rejected(..) | Step::Error(..) => None,
        }
    }

    /// Records the balance after a call.
    fn balance(&mut self) -> Option<()> {
        if !self.counts {
            return Some(());
        }
        let balance = self.runner.instance.as_ref()?.fuel()?;
        self.record(&[4, balance as u64], None, &[])
    }

    fn expected(&self, expected: &Expected) -> Option<Vec<u64>> {
        Some(match expected {
            Expected::Returns(values, tolerance) => {
                [&[0, values.len() as u64][..], values, &[tolerance.ulps]].concat()
            }
            Expected::Halts(value) => vec![1, *value],
            Expected::Traps(trap, at) => {
                let (code, number) = wire::trap(*trap);
                [&[2, code, number][..], &self.location(at)?].concat()
            }
            Expected::Suspends(reason, at) => {
                let (code, value) = self.reason(reason)?;
                [&[3, code, value][..], &self.location(at)?].concat()
            }
        })
    }

    /// Returns the function and the word of a location, as `f:2`.
    fn location(&self, text: &str) -> Option<[u64; 2]> {
        let program = self.program.program();
        let (name, word) = text.split_once(':')?;
        let mut functions = (0..program.function_count() as u32).map(FuncIndex);
        let is_it = |it: &FuncIndex| match program.function_name(*it) {
            Some(other) => other == name,
            None => name.strip_prefix('$') == Some(&*it.to_string()),
        };
        Some([functions.find(is_it)?.0.into(), word.parse().ok()?])
    }

    /// Returns the numbers of a reason, as `Yield(5)`.
    fn reason(&self, text: &str) -> Option<(u64, u64)> {
        let (name, value) = text.split_once('(').unwrap_or((text, ")"));
        let value = value.strip_suffix(')')?;
        let import = |it: &vsp_core::program::Import<'_>| format!("{}.{}", it.module, it.name) == value;
        Some(match name {
            "Fuel" => (0, 0),
            "Interrupted" => (1, 0),
            "Yield" => (2, value.parse().ok()?),
            "Pending" => (3, self.program.program().imports().position(|it| import(&it))? as u64),
            _ => return None,
        })
    }
}
