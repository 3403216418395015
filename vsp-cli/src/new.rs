//! `vsp new`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::files;
use crate::message;
use crate::translate::{Result, print};

const NOTES: &str = "\
Examples:
  vsp new words
  vsp run words/main.sil Ada < README.md
  words/test.sh

It creates the folder, with a program that runs, a README and a test. Exit codes: 0, 1 if \
one of the files exists or cannot be written, 2 for a wrong command line.";

/// The placeholder of the title in the README.
const TITLE: &str = "# NAME\n";

/// The files of a project.
const FILES: [(&str, &str); 4] = [
    ("main.sil", include_str!("new/main.sil")),
    ("README.md", include_str!("new/README.md")),
    ("test.sh", include_str!("new/test.sh")),
    (".gitignore", "*.silc\n"),
];

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct NewArgs {
    /// The folder, whose name becomes the project's; it is created if it does not exist.
    folder: PathBuf,
}

pub(crate) fn new(args: &NewArgs) -> Result<ExitCode> {
    let folder = &args.folder;
    let refuse = |path: &Path, error: &dyn std::fmt::Display| {
        message::render_text(&format!("{}: {error}", path.display()))
    };
    // Nothing is written if one of the files exists.
    if files::is_standard(folder) {
        return Err(refuse(folder, &"a folder needs a name; `./-` is one"));
    }
    if folder.metadata().is_ok_and(|found| !found.is_dir()) {
        return Err(refuse(folder, &"this is not a folder"));
    }
    for path in FILES.map(|(name, _)| folder.join(name)) {
        if path.symlink_metadata().is_ok() {
            return Err(refuse(&path, &"the file exists already, and is not overwritten"));
        }
    }
    fs::create_dir_all(folder).map_err(|error| refuse(folder, &error))?;
    let absolute = std::path::absolute(folder).unwrap_or_default();
    let name = absolute.file_name().map_or_else(|| "main".into(), |name| name.to_string_lossy());
    let mut made = Vec::new();
    for (file, text) in FILES {
        let path = folder.join(file);
        let created = create(&path, &text.replace(TITLE, &format!("# {name}\n")), &mut made);
        if let Err(error) = created {
            // Allow another attempt.
            made.iter().for_each(|path| drop(fs::remove_file(path)));
            return Err(refuse(&path, &error));
        }
    }
    let main = folder.join("main.sil");
    print(&format!("{} is ready: vsp run {}\n", folder.display(), main.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Creates a file and records it; scripts are executable.
fn create(path: &Path, text: &str, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if text.starts_with("#!") {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o777);
    }
    let mut file = options.open(path)?;
    made.push(path.to_owned());
    file.write_all(text.as_bytes())
}
