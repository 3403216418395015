//! The names of source files.
//!
//! A file is named by its path below the directory in which the compiler ran, as in the messages of compilers:
//! `src/main.rs`. A library's begins at the library: with `library` for Rust's standard library, and with name and
//! version of a crate from a registry. Other paths are absolute, and so is one whose name another file has.

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use vsp_core::program::ProgramBuilder;

use crate::error::Error;

/// The largest length of a name in bytes; of a longer one the beginning is left out.
const MAX_NAME: usize = 255;

/// Largest number of bytes of paths that are read: for each byte of the line number programs, and in addition.
const WORK: usize = 8;
const FREE_WORK: usize = 1 << 16;

/// The folders of Rust's libraries: a part of the path, and the number of parts after it that are not in the name.
const LIBRARIES: [(&str, usize); 5] = [
    ("/rustc/", 1),
    ("/rust/deps/", 0),
    ("/lib/rustlib/src/rust/", 0),
    ("/registry/src/", 1),
    ("/git/checkouts/", 0),
];

/// The paths of source files.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// The paths, and their numbers in the program once they have one.
    all: Vec<(Rc<str>, Option<u32>)>,
    numbers: BTreeMap<Rc<str>, u32>,
    /// The directories in which compilers ran.
    directories: BTreeSet<String>,
    /// The names of the program's source files.
    names: BTreeSet<String>,
    /// Number of bytes that may still be read.
    work: usize,
}

impl Paths {
    /// Creates an empty list for line number programs of this size in bytes.
    pub(super) fn new(size: usize) -> Paths {
        Paths { work: FREE_WORK + WORK * size, ..Paths::default() }
    }

    /// Adds a directory in which a compiler ran.
    pub(super) fn add_directory(&mut self, directory: &[u8]) {
        if !directory.is_empty() && self.spend(directory.len()).is_some() {
            self.directories.insert(normalised(&String::from_utf8_lossy(directory)));
        }
    }

    /// Returns the number of the path that these parts make: the directory in which the compiler ran, one below it,
    /// and the name. An absolute part replaces those before it.
    pub(super) fn add(&mut self, parts: [&[u8]; 3]) -> Option<u32> {
        self.spend(parts.iter().map(|part| part.len()).sum())?;
        let mut path = String::new();
        for part in parts.map(String::from_utf8_lossy) {
            if is_absolute(&part) {
                path.clear();
            } else if !path.is_empty() {
                path.push('/');
            }
            path.push_str(&part);
        }
        let path = normalised(&path);
        if let Some(known) = self.numbers.get(&*path) {
            return Some(*known);
        }
        let (path, number) = (Rc::<str>::from(path), self.all.len() as u32);
        self.all.push((Rc::clone(&path), None));
        self.numbers.insert(path, number);
        Some(number)
    }

    /// Takes this many bytes from those that may be read.
    fn spend(&mut self, bytes: usize) -> Option<()> {
        self.work = self.work.checked_sub(bytes)?;
        Some(())
    }

    /// Returns the source file of the program for a path.
    pub(super) fn source_file(&mut self, path: u32, program: &mut ProgramBuilder) -> Result<u32, Error> {
        let (path, number) = self.all.get_mut(path as usize).ok_or_else(|| Error::internal("a path"))?;
        if let Some(number) = *number {
            return Ok(number);
        }
        let short = in_library(path).or_else(|| below(path, &self.directories)).unwrap_or(path);
        let name = match shortened(short) {
            name if self.names.contains(&*name) => shortened(path),
            name => name,
        };
        self.names.insert(name.clone().into_owned());
        let new = program.push_source_file(&name)?;
        *number = Some(new);
        Ok(new)
    }
}

/// Returns whether a path does not depend on a directory, on whatever system. A URL does not.
fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\']) || has_drive(path) || scheme(path) > 0
}

/// Returns whether a path begins with a drive of Windows.
fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}

/// Returns the length of the beginning of a URL, up to its slashes.
fn scheme(path: &str) -> usize {
    match path.split_once("://") {
        Some((name, _)) if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => name.len() + 3,
        _ => 0,
    }
}

/// Returns the path without `.`, `..`, repeated slashes and control characters.
fn normalised(path: &str) -> String {
    let is_windows = has_drive(path);
    let plain: String = path
        .chars()
        .map(|it| match it {
            '\\' if is_windows => '/',
            it if it.is_control() => char::REPLACEMENT_CHARACTER,
            it => it,
        })
        .collect();
    let root = match scheme(&plain) {
        0 => usize::from(plain.starts_with('/')),
        length => length,
    };
    let (root, rest) = plain.split_at(root);
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", None) if !root.is_empty() => {}
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("{root}{}", parts.join("/"))
}

/// Returns the path of a file of a library from the library on.
fn in_library(path: &str) -> Option<&str> {
    LIBRARIES.iter().find_map(|(place, parts)| {
        let (_, below) = path.split_once(place)?;
        below.splitn(parts + 1, '/').nth(*parts)
    })
}

/// Returns the path of a file from the innermost of these directories on.
fn below<'p>(path: &'p str, directories: &BTreeSet<String>) -> Option<&'p str> {
    let mut ends = path.rmatch_indices('/').map(|(at, _)| at);
    let end = ends.find(|at| directories.contains(&path[..*at]))?;
    path.get(end + 1..)
}

fn shortened(name: &str) -> Cow<'_, str> {
    const DOTS: &str = "…";
    let Some(mut from) = (name.len() + DOTS.len()).checked_sub(MAX_NAME).filter(|_| name.len() > MAX_NAME)
    else {
        return name.into();
    };
    while !name.is_char_boundary(from) {
        from += 1;
    }
    format!("{DOTS}{}", &name[from..]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the names of files that get numbers in this order; the compiler ran in these directories.
    fn names(directories: &[&str], files: &[[&str; 3]]) -> Vec<String> {
        let mut paths = Paths::new(0);
        directories.iter().for_each(|directory| paths.add_directory(directory.as_bytes()));
        let mut program = ProgramBuilder::new();
        let numbers: Vec<_> =
            files.iter().map(|parts| paths.add(parts.map(str::as_bytes)).unwrap()).collect();
        for (number, path) in (0..).zip(&numbers) {
            assert_eq!(paths.source_file(*path, &mut program).unwrap(), number);
            assert_eq!(paths.source_file(*path, &mut program).unwrap(), number);
        }
        let mut code = vsp_core::program::FunctionBuilder::new(vsp_core::program::FuncType::default());
        code.line(0, 1);
        code.push(vsp_core::isa::Inst::ret().unwrap());
        program.function(code);
        let bytes = program.build().unwrap();
        let program = vsp_core::program::Program::read(&bytes[..]).unwrap();
        program.source_files().map(String::from).collect()
    }

    #[test]
    fn paths_are_relative_to_the_directory_of_the_compiler() {
        let files = [
            ["/home/a/project", "src", "main.rs"],
            ["/home/a/project", "", "./build/../lib.c"],
            ["/home/a/project", "/usr/include", "stdio.h"],
            // Inlined into a unit of another directory.
            ["/rustc/0123abcd", "/home/a/project/src", "deep/er.rs"],
            ["C:\\project", "src\\bin", "tool.rs"],
            ["sdk://v30/build", "sdk://v30/src/libc", "malloc.c"],
            ["", "", "a.wat"],
            ["", "..", "b.wat"],
            ["", "", "\x1b[31m.wat\n"],
        ];
        let expected = [
            "src/main.rs",
            "lib.c",
            "/usr/include/stdio.h",
            "src/deep/er.rs",
            "src/bin/tool.rs",
            "sdk://v30/src/libc/malloc.c",
            "a.wat",
            "../b.wat",
            "\u{FFFD}[31m.wat\u{FFFD}",
        ];
        assert_eq!(names(&["/home/a/project", "/rustc/0123abcd", "C:\\project"], &files), expected);
    }

    #[test]
    fn paths_of_libraries_begin_with_the_library() {
        let files = [
            ["/rustc/0123abcd", "library/core/src/num", "mod.rs"],
            [
                "/home/a",
                "/rustc/0123abcd",
                "library/core/src/../../stdarch/crates/core_arch/src/wasm32/mod.rs",
            ],
            ["/home/a/.cargo/registry/src/index.crates.io-6f17d22bba15001f/regex-1.10.0", "src", "lib.rs"],
            ["/home/a", "/rust/deps/hashbrown-0.15.2/src", "map.rs"],
            [
                "/home/a",
                "/home/a/.rustup/toolchains/stable/lib/rustlib/src/rust/library/std/src",
                "io/mod.rs",
            ],
            ["/home/a/.cargo/git/checkouts/tool-d5/ab12", "src", "lib.rs"],
        ];
        let expected = [
            "library/core/src/num/mod.rs",
            "library/stdarch/crates/core_arch/src/wasm32/mod.rs",
            "regex-1.10.0/src/lib.rs",
            "hashbrown-0.15.2/src/map.rs",
            "library/std/src/io/mod.rs",
            "tool-d5/ab12/src/lib.rs",
        ];
        let directories =
            ["/home/a", "/home/a/.cargo/registry/src/index.crates.io-6f17d22bba15001f/regex-1.10.0"];
        assert_eq!(names(&directories, &files), expected);
    }

    #[test]
    fn different_files_have_different_names() {
        let files = [["/one", "src", "lib.rs"], ["/two", "src", "lib.rs"]];
        assert_eq!(names(&["/one", "/two"], &files), ["src/lib.rs", "/two/src/lib.rs"]);
        // The same file has one number.
        let mut paths = Paths::new(0);
        assert_eq!(paths.add([b"/one", b"src", b"lib.rs"]), paths.add([b"/two", b"/one", b"src/lib.rs"]));
    }

    #[test]
    fn long_names_lose_their_beginning() {
        let long = format!("{}/main.rs", "ä".repeat(200));
        let [name] = &names(&[], &[["", "", &long]])[..] else { panic!() };
        assert!(name.starts_with("…ä") && name.ends_with("ä/main.rs"), "{name}");
        assert!((250..=MAX_NAME).contains(&name.len()), "{}", name.len());
        let exact = "a".repeat(MAX_NAME);
        assert_eq!(names(&[], &[["", "", &exact]]), [exact]);
    }

    #[test]
    fn the_work_is_limited() {
        let mut paths = Paths::new(0);
        let part = [b'a'; 4096];
        let added = (0..).take_while(|_| paths.add([&[], &part, b"b"]).is_some()).count();
        assert_eq!(added, FREE_WORK / 4097);
    }
}
