//! `vsp compile`, and the code objects of `vsp run` and `vsp dump`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::compile::{self, Settings};
use crate::translate::Result;

const EXAMPLES: &str = "\
Examples:
  vsp compile examples/fib.sil -o fib.vsc
  vsp run examples/fib.sil --code fib.vsc 30
  vsp compile examples/fib.sil --target aarch64 --cpu lse -o fib.vsc
  vsp compile examples/fib.sil --verify fib.vsc

A code object is a file of machine code for one program, one architecture and at least the \
features that it was compiled for. The same program, settings and version of vsp give the same \
bytes on every computer. --verify compiles the program again, with the object's settings, and \
compares.

Exit codes: 0, 1 if a file is rejected or the code differs, 2 for a wrong command line.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", compile::NOTES))]
pub(crate) struct ObjectArgs {
    /// The program: a .sil text or a .silc program; `-` is the standard input.
    file: PathBuf,
    /// The output file; `-` is the standard output [default: the program's name with .vsc, or `-` if that is `-`].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write nothing, but check that this code object is what the program compiles to.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "tier", "target", "cpu", "no_fuel", "no_interrupt"])]
    verify: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

#[cfg(not(feature = "jit"))]
pub(crate) fn object(_: &ObjectArgs) -> Result<ExitCode> {
    Err(crate::feature::missing("compile", "jit"))
}

/// Loads a program with the machine code of a code object.
#[cfg(not(feature = "jit"))]
pub(crate) fn load<'p>(
    _: &std::path::Path,
    _: &'p vsp_core::verify::Verified<'p>,
) -> Result<vsp_host::engine::Module<'p>> {
    Err(crate::feature::missing("run --code", "jit"))
}

/// Returns the engine with a cache of machine code in a directory.
#[cfg(not(feature = "jit"))]
pub(crate) fn with_cache(
    _: vsp_host::engine::Engine,
    _: &std::path::Path,
) -> Result<vsp_host::engine::Engine> {
    Err(crate::feature::missing("run --cache", "jit"))
}

#[cfg(feature = "jit")]
pub(crate) use with_jit::{load, object, with_cache};

#[cfg(feature = "jit")]
mod with_jit {
    use std::fmt::Display;
    use std::path::Path;
    use std::sync::Arc;

    use crate::message;
    use vsp_core::jit::{Compiler, producer};
    use vsp_core::native::Object;
    use vsp_core::verify::Verified;
    use vsp_host::cache::Cache;
    use vsp_host::engine::{Engine, Module};

    use super::{ExitCode, ObjectArgs, Result};
    use crate::compile::refuse;
    use crate::files::{self, Files};
    use crate::translate::{load_verified, output_beside, print};
    use crate::vouch;

    pub(crate) fn object(args: &ObjectArgs) -> Result<ExitCode> {
        let (_, program) = load_verified(&args.file)?;
        if let Some(object) = &args.verify {
            return verify(&args.file, &program, object);
        }
        let file = compiled(&mut args.settings.compiler()?, &program)?;
        let output = args.output.clone().unwrap_or_else(|| output_beside(&args.file, "vsc"));
        Files::default().reading(&args.file, "the program").write(&output, &file)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Compiles the program to a code object.
    fn compiled(compiler: &mut Compiler, program: &Verified<'_>) -> Result<Vec<u8>> {
        let code = compiler.compile(program).map_err(|error| refuse(&error))?;
        code.to_object().map_err(|error| refuse(&error))
    }

    /// Renders an error about the file of a code object.
    fn about(path: &Path, error: &dyn Display) -> String {
        files::refuse(path, error)
    }

    fn verify(file: &Path, program: &Verified<'_>, path: &Path) -> Result<ExitCode> {
        let about = |error: &dyn Display| about(path, error);
        let bytes = files::read(path).map_err(|error| about(&error))?;
        let object = Object::read(&bytes).map_err(|error| about(&error))?;
        object.info().check_program(program).map_err(|error| about(&error))?;
        let (made_by, this) = (object.producer(), producer());
        if made_by != this {
            let error = format!(
                "it was compiled by {made_by}, and this is {this}, which may generate different code"
            );
            return Err(message::render_help(
                &about(&error),
                &["compare with the version that compiled it".into()],
            ));
        }
        let info = object.info();
        let mut compiler =
            Compiler::new(info.target().clone(), info.options()).map_err(|error| about(&error))?;
        let expected = compiled(&mut compiler, program)?;
        if bytes != expected {
            let at = bytes.iter().zip(&expected).position(|(one, other)| one != other);
            let at = at.unwrap_or(bytes.len().min(expected.len()));
            return Err(about(&format!(
                "this is not what {} compiles to: byte {at} is the first that differs",
                files::name(file).display()
            )));
        }
        print(&format!(
            "{}: what {} compiles to, for {}, {} bytes\n",
            files::name(path).display(),
            files::name(file).display(),
            info.target(),
            bytes.len()
        ))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Returns the engine with a cache of machine code in a directory.
    pub(crate) fn with_cache(engine: Engine, directory: &Path) -> Result<Engine> {
        let cache = Cache::new().with_directory(vouch::by_user(directory.to_owned()));
        let cache = cache.map_err(|error| message::render_text(&error.to_string()))?;
        Ok(engine.with_cache(Arc::new(cache)))
    }

    /// Loads a program with the machine code of a code object.
    pub(crate) fn load<'p>(path: &Path, program: &'p Verified<'p>) -> Result<Module<'p>> {
        let about = |error: &dyn Display| about(path, error);
        let bytes = files::read(path).map_err(|error| about(&error))?;
        let object = Object::read(&bytes).map_err(|error| about(&error))?;
        Module::from_object(vouch::by_user(object), program).map_err(|error| about(&error))
    }
}
