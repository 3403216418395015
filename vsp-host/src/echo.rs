//! What a replayed program prints: the output half of the modules `sys` and WASI.
//!
//! A program that replays a log ([`vsp_core::record`]) calls no host function, and so nothing is printed. [`Echo`] sees
//! the calls that are replayed ([`Instance::observe_replay`](vsp_core::Instance::observe_replay)), and writes what the
//! recorded program wrote to its output and its error stream. Files are not written.

use std::io::{self, Write};

use vsp_core::program::Program;
use vsp_core::record::ReplayedCall;

/// The name of the module of WASI.
const WASI: &str = "wasi_snapshot_preview1";

/// The output of a replayed program, and the exit code that it chose.
pub struct Echo {
    /// The import functions that matter, by their numbers.
    functions: Vec<Option<Function>>,
    /// The descriptors of the streams of WASI.
    descriptors: Vec<(u32, Stream)>,
    output: Box<dyn Write>,
    errors: Box<dyn Write>,
    /// The exit code that the program has set with `sys.exit_code`.
    pub exit_code: u8,
    /// The status with which the program has called `proc_exit` of WASI.
    pub exit_status: Option<u32>,
    /// The first error of writing, after which nothing more is written.
    pub failure: Option<io::Error>,
}

/// A stream that a program writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Output,
    Errors,
}

/// A function whose calls matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    /// Writes bytes of the memory.
    Write(Stream),
    PrintSigned,
    PrintUnsigned(Stream),
    PrintFloat,
    ExitCode,
    FdWrite,
    FdClose,
    FdRenumber,
    ProcExit,
}

impl Function {
    /// Returns the function of an import, if its calls matter.
    fn of(module: &str, name: &str) -> Option<Function> {
        Some(match (module, name) {
            ("sys", "write") => Function::Write(Stream::Output),
            ("sys", "error") => Function::Write(Stream::Errors),
            ("sys", "print_int") => Function::PrintSigned,
            ("sys", "print_uint") => Function::PrintUnsigned(Stream::Output),
            ("sys", "error_uint") => Function::PrintUnsigned(Stream::Errors),
            ("sys", "print_float") => Function::PrintFloat,
            ("sys", "exit_code") => Function::ExitCode,
            (WASI, "fd_write") => Function::FdWrite,
            (WASI, "fd_close") => Function::FdClose,
            (WASI, "fd_renumber") => Function::FdRenumber,
            (WASI, "proc_exit") => Function::ProcExit,
            _ => return None,
        })
    }
}

impl std::fmt::Debug for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Echo").field("exit_code", &self.exit_code).finish_non_exhaustive()
    }
}

impl Echo {
    /// Creates the output of a program that replays its log from the beginning.
    pub fn new(program: &Program<'_>, output: Box<dyn Write>, errors: Box<dyn Write>) -> Echo {
        Echo {
            functions: program.imports().map(|import| Function::of(import.module, import.name)).collect(),
            descriptors: vec![(1, Stream::Output), (2, Stream::Errors)],
            output,
            errors,
            exit_code: 0,
            exit_status: None,
            failure: None,
        }
    }

    /// Takes note of a call, and writes what it wrote.
    pub fn call(&mut self, call: &ReplayedCall<'_>) {
        let Some(Some(function)) = self.functions.get(call.import.index()).copied() else { return };
        let (args, memory) = (call.args, call.memory);
        let arg = |index: usize| args.get(index).copied().unwrap_or_default();
        if function == Function::ProcExit {
            self.exit_status = Some(arg(0) as u32);
        }
        // A function that failed has written nothing that is known.
        let Some(results) = call.results else { return };
        let has_succeeded = results.first().is_none_or(|number| *number as u32 == 0);
        match function {
            Function::Write(stream) => self.write(stream, bytes(memory, arg(0), arg(1))),
            Function::PrintSigned => self.print(Stream::Output, format_args!("{}", arg(0) as i64)),
            Function::PrintUnsigned(stream) => self.print(stream, format_args!("{}", arg(0))),
            Function::PrintFloat => {
                self.print(Stream::Output, format_args!("{:?}", f64::from_bits(arg(0))));
            }
            Function::ExitCode => self.exit_code = arg(0) as u8,
            Function::FdWrite if has_succeeded => self.write_vectors(memory, arg(0), arg(1), arg(2)),
            Function::FdClose if has_succeeded => drop(self.take_descriptor(arg(0))),
            Function::FdRenumber if has_succeeded => {
                let moved = self.take_descriptor(arg(0));
                self.take_descriptor(arg(1));
                self.descriptors.extend(moved.map(|stream| (arg(1) as u32, stream)));
            }
            Function::FdWrite | Function::FdClose | Function::FdRenumber | Function::ProcExit => {}
        }
    }

    /// Writes out what is buffered. Nothing happens after an error.
    ///
    /// # Errors
    /// The error of writing, once.
    pub fn finish(&mut self) -> io::Result<()> {
        match self.failure.take() {
            Some(error) => Err(error),
            None => self.output.flush().and_then(|()| self.errors.flush()),
        }
    }

    fn take_descriptor(&mut self, descriptor: u64) -> Option<Stream> {
        let index = self.descriptors.iter().position(|(it, _)| *it == descriptor as u32)?;
        Some(self.descriptors.swap_remove(index).1)
    }

    fn write_vectors(&mut self, memory: &[u8], descriptor: u64, vectors: u64, count: u64) {
        let Some((_, stream)) = self.descriptors.iter().find(|(it, _)| *it == descriptor as u32).copied()
        else {
            return;
        };
        let count = u64::from(count as u32);
        let vectors = bytes(memory, u64::from(vectors as u32), count.saturating_mul(8));
        for [a, b, c, d, e, f, g, h] in vectors.as_chunks().0 {
            let (address, length) =
                (u32::from_le_bytes([*a, *b, *c, *d]), u32::from_le_bytes([*e, *f, *g, *h]));
            self.write(stream, bytes(memory, address.into(), length.into()));
        }
    }

    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        self.with(stream, |writer| writer.write_all(bytes));
    }

    fn print(&mut self, stream: Stream, text: std::fmt::Arguments<'_>) {
        self.with(stream, |writer| writer.write_fmt(text));
    }

    fn with(&mut self, stream: Stream, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.failure.is_some() {
            return;
        }
        let writer = match stream {
            Stream::Output => &mut self.output,
            Stream::Errors => &mut self.errors,
        };
        self.failure = write(writer.as_mut()).err();
    }
}

/// Returns bytes of the memory, or none if they are not all inside.
fn bytes(memory: &[u8], address: u64, length: u64) -> &[u8] {
    let start = usize::try_from(address).unwrap_or(usize::MAX);
    let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
    memory.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use vsp_core::index::ImportIndex;

    use super::*;

    /// A stream whose bytes the test sees.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A call: the import, the arguments and the results.
    type Call<'c> = (u32, &'c [u64], Option<&'c [u64]>);

    /// Returns the output and the errors after calls of imports (of 4 parameters).
    fn echoed(imports: &[&str], calls: &[Call<'_>], memory: &[u8]) -> (Echo, Kept, Kept) {
        let source: String = imports.iter().map(|import| format!(".import {import} (4) -> 1\n")).collect();
        let source = source + ".func f (0) -> 0\n RET\n.end\n";
        let bytes = vsp_core::text::assemble(&source, "f.sil").unwrap();
        let (output, errors) = (Kept::default(), Kept::default());
        let program = Program::read(&bytes[..]).unwrap();
        let mut echo = Echo::new(&program, Box::new(output.clone()), Box::new(errors.clone()));
        for (import, args, results) in calls {
            echo.call(&ReplayedCall { import: ImportIndex(*import), args, results: *results, memory });
        }
        (echo, output, errors)
    }

    #[test]
    fn sys_prints() {
        let imports = ["sys.print_int", "sys.print_uint", "sys.print_float", "sys.write", "sys.error"];
        let imports = [&imports[..], &["sys.error_uint", "sys.exit_code", "sys.read", "os.write"]].concat();
        let done: Option<&[u64]> = Some(&[0]);
        let minus = [-5_i64 as u64];
        let tenth = [0.1_f64.to_bits()];
        let calls: [Call<'_>; 11] = [
            (0, &minus, done),
            (1, &minus, done),
            (2, &tenth, done),
            (3, &[1, 2], Some(&[2])),
            (3, &[1, 2], None),
            (3, &[1, 200], done),
            (4, &[0, 1], done),
            (5, &[7], done),
            (6, &[9], done),
            (7, &[0, 4], done),
            (8, &[0, 4], done),
        ];
        let (echo, output, errors) = echoed(&imports, &calls, b"abcd");
        assert_eq!((output.text(), errors.text()), ("-5184467440737095516110.1bc".into(), "a7".into()));
        assert_eq!((echo.exit_code, echo.exit_status), (9, None));
    }

    #[test]
    fn wasi_prints_to_the_descriptors_of_the_streams() {
        let imports = ["fd_write", "fd_close", "fd_renumber", "proc_exit"]
            .map(|name| format!("wasi_snapshot_preview1.{name}"));
        let imports: Vec<&str> = imports.iter().map(String::as_str).collect();
        let mut memory = vec![0; 32];
        memory[..4].copy_from_slice(b"abcd");
        for (at, number) in [(8, 0_u32), (12, 1), (16, 2), (20, 2), (24, 0), (28, 99)] {
            memory[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        let done: Option<&[u64]> = Some(&[0]);
        let calls: [Call<'_>; 11] = [
            (0, &[1, 8, 2, 0], done),
            (0, &[1, 8, 2, 0], Some(&[8])),
            (0, &[2, 16, 1, 0], done),
            (0, &[5, 8, 2, 0], done),
            // The error stream becomes descriptor 1, and 2 is closed.
            (2, &[2, 1], done),
            (0, &[1, 8, 1, 0], done),
            (0, &[2, 8, 1, 0], done),
            (1, &[1], Some(&[8])),
            (1, &[1], done),
            (0, &[1, 8, 1, 0], done),
            (3, &[300], None),
        ];
        let (mut echo, output, errors) = echoed(&imports, &calls, &memory);
        assert_eq!((output.text(), errors.text()), ("acd".into(), "cda".into()));
        assert_eq!(echo.exit_status, Some(300));
        assert!(echo.finish().is_ok());
    }

    #[test]
    fn an_error_of_writing_is_reported_once() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (mut echo, ..) = echoed(&["sys.print_int"], &[], &[]);
        echo.output = Box::new(Full);
        let call = ReplayedCall { import: ImportIndex(0), args: &[1], results: Some(&[]), memory: &[] };
        echo.call(&call);
        echo.call(&call);
        assert_eq!(echo.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(echo.finish().is_ok());
    }
}
