//! The cache of machine code: cached code is used, and damage to the directory does no harm.
#![cfg(feature = "jit")]

mod command;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use command::{example, run as vsp, stderr, stdout};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Options, Outcome, text};
use vsp_host::cache::{Cache, Statistics};
use vsp_host::engine::{Engine, EngineKind};
use vsp_host::native::{CompileOptions, Trusted};

type Shared = Arc<Verified<'static>>;

/// Returns a program whose function `f` returns a number.
fn program(number: u32) -> Shared {
    let text = format!(".export f\n.func f (0) -> 1\n MOVI R0, {number}\n RET\n.end");
    let bytes: Arc<[u8]> = text::assemble(&text, "test.sil").unwrap().into();
    Arc::new(Verified::new(Program::read(bytes).unwrap()).unwrap())
}

fn in_directory(path: &Path) -> Arc<Cache> {
    // SAFETY: the directory belongs to the test; damage by the tests is detected by the checksum.
    let directory = unsafe { Trusted::new(path.to_owned()) };
    Arc::new(Cache::new().with_directory(directory).unwrap())
}

/// Returns the result of `f` in machine code.
fn run(engine: &Engine, program: &Shared) -> u64 {
    let module = engine.load(program.clone()).unwrap();
    let mut instance = module.instantiate(Arc::new(Imports::new()), (), Options::default()).unwrap();
    assert!(instance.native_code().is_some());
    match instance.call_export("f", &[]).unwrap() {
        Outcome::Returned(results) => results[0],
        other => panic!("{other:?}"),
    }
}

/// Runs a program in a new engine.
fn run_with(cache: &Arc<Cache>, number: u32) {
    let engine = Engine::new(EngineKind::Tier2).unwrap().with_cache(cache.clone());
    assert_eq!(run(&engine, &program(number)), u64::from(number));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn what_was_compiled_is_kept_in_memory() {
    let cache = Arc::new(Cache::new());
    for number in [1, 2, 1, 1, 2] {
        run_with(&cache, number);
    }
    assert_eq!(cache.statistics(), Statistics { from_memory: 3, compiled: 2, ..Statistics::default() });
}

#[test]
fn what_was_not_used_for_long_goes_first() {
    let engine = Engine::new(EngineKind::Tier2).unwrap();
    let size = engine.load(program(1)).unwrap().compiled().unwrap().code().length();
    // Enough for two of these, but not for three.
    let cache = Arc::new(Cache::new().with_memory_limit(3 * size - 1));
    for number in [1, 2, 1, 3] {
        run_with(&cache, number);
    }
    let before = cache.statistics();
    assert_eq!((before.from_memory, before.compiled), (1, 3));
    run_with(&cache, 1);
    assert_eq!(cache.statistics().from_memory, 2);
    run_with(&cache, 2);
    assert_eq!(cache.statistics().compiled, 4);
    // Code that does not fit at all runs, and is not cached.
    let none = Arc::new(Cache::new().with_memory_limit(0));
    run_with(&none, 1);
    run_with(&none, 1);
    assert_eq!(none.statistics().compiled, 2);
}

#[test]
fn other_settings_are_other_code() {
    let cache = Arc::new(Cache::new());
    let options = CompileOptions::default();
    for options in
        [options, CompileOptions { fuel: false, ..options }, CompileOptions { interrupt: false, ..options }]
    {
        for kind in [EngineKind::Tier1, EngineKind::Tier2] {
            let engine = Engine::with_options(kind, options).unwrap().with_cache(cache.clone());
            let code = engine.load(program(1)).unwrap().compiled().unwrap().code().options();
            assert_eq!((code.fuel, code.interrupt), (options.fuel, options.interrupt));
        }
    }
    assert_eq!(cache.statistics(), Statistics { compiled: 6, ..Statistics::default() });
}

#[test]
fn the_directory_outlives_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/when needed");
    run_with(&in_directory(&path), 1);
    let cache = in_directory(&path);
    run_with(&cache, 1);
    run_with(&cache, 2);
    let expected = Statistics { from_directory: 1, compiled: 1, ..Statistics::default() };
    assert_eq!(cache.statistics(), expected);
    assert_eq!(files(&path).len(), 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn damaged_files_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    run_with(&in_directory(folder.path()), 1);
    let [file] = &files(folder.path())[..] else { panic!("one file") };
    let whole = fs::read(file).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 4;
    for damaged in [&[][..], &whole[..1], &whole[..whole.len() / 2], &whole[..whole.len() - 1], &flipped] {
        fs::write(file, damaged).unwrap();
        let cache = in_directory(folder.path());
        run_with(&cache, 1);
        let expected = Statistics { refused: 1, compiled: 1, ..Statistics::default() };
        assert_eq!(cache.statistics(), expected, "{} bytes", damaged.len());
        assert_eq!(fs::read(file).unwrap(), whole);
        assert_eq!(files(folder.path()).len(), 1);
    }
}

#[test]
fn a_file_for_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run_with(&in_directory(folder.path()), 1);
    let [first] = &files(folder.path())[..] else { panic!("one file") };
    let first = first.clone();
    run_with(&in_directory(folder.path()), 2);
    let second = files(folder.path()).into_iter().find(|path| *path != first).unwrap();
    fs::copy(&first, &second).unwrap();
    let cache = in_directory(folder.path());
    run_with(&cache, 2);
    assert_eq!(cache.statistics(), Statistics { refused: 1, compiled: 1, ..Statistics::default() });
}

#[test]
fn a_directory_that_cannot_be_used_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"no directory").unwrap();
    let cache = in_directory(&file.join("below"));
    run_with(&cache, 1);
    let Statistics { compiled, not_written, .. } = cache.statistics();
    assert_eq!((compiled, not_written), (1, 1));
    assert_eq!(fs::read(&file).unwrap(), b"no directory");
}

#[test]
fn threads_share_a_cache() {
    let folder = tempfile::tempdir().unwrap();
    let cache = in_directory(folder.path());
    thread::scope(|scope| {
        for first in 0..4 {
            let cache = &cache;
            scope.spawn(move || (first..first + 4).for_each(|number| run_with(cache, number)));
        }
    });
    let Statistics { from_memory, from_directory, compiled, refused, not_written } = cache.statistics();
    assert_eq!((from_memory + from_directory + compiled, refused, not_written), (16, 0, 0));
    assert_eq!(files(folder.path()).len(), 7);
}

#[test]
fn processes_share_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().display().to_string();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let ran = vsp(&["run", "--cache", &directory, &example("fib"), "15"]);
                assert_eq!(stdout(&ran), "610\n", "{}", stderr(&ran));
            });
        }
    });
    let [object] = &files(folder.path())[..] else { panic!("one file") };
    let ran = vsp(&["run", "--code", &object.display().to_string(), &example("fib"), "15"]);
    assert_eq!(stdout(&ran), "610\n", "{}", stderr(&ran));
}

/// Any user who can write to the directory could have any machine code executed.
#[cfg(unix)]
#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    let folder = tempfile::tempdir().unwrap();
    let (directory, link) = (folder.path().join("cache"), folder.path().join("link"));
    fs::create_dir(&directory).unwrap();
    symlink(&directory, &link).unwrap();
    let set_mode = |mode| fs::set_permissions(&directory, PermissionsExt::from_mode(mode)).unwrap();
    let command = |path: &Path| vsp(&["run", "--cache", path.to_str().unwrap(), &example("fib"), "15"]);
    let (group, others, all) = ("its group", "all others", "its group and all others");
    for (mode, who) in [(0o777, all), (0o1777, all), (0o770, group), (0o702, others)] {
        set_mode(mode);
        for path in [&directory, &link] {
            let refused = command(path);
            assert_eq!(refused.status.code(), Some(1), "{mode:o}");
            let message = format!(
                "the cache directory {} has mode {mode:04o}, which lets {who} write to it: only its owner may",
                path.display()
            );
            assert!(stderr(&refused).contains(&message), "{}", stderr(&refused));
        }
    }
    // Read and search permissions of others do not matter.
    for mode in [0o711, 0o750, 0o755] {
        set_mode(mode);
        assert_eq!(command(&link).status.code(), Some(0), "{mode:o}");
        assert_eq!(files(&directory).len(), 1);
    }

    // A directory is no longer used after others have been given access to it.
    let cache = in_directory(&directory);
    set_mode(0o777);
    run_with(&cache, 5);
    let wanted = Statistics { compiled: 1, refused: 1, not_written: 1, ..Statistics::default() };
    assert_eq!(cache.statistics(), wanted);

    // A file that others could have written.
    set_mode(0o700);
    run_with(&in_directory(&directory), 5);
    files(&directory).iter().for_each(|file| {
        fs::set_permissions(file, PermissionsExt::from_mode(0o666)).unwrap();
    });
    let cache = in_directory(&directory);
    run_with(&cache, 5);
    assert_eq!(cache.statistics().refused, 1);

    // Only the superuser can change the owner.
    if chown(&directory, Some(12_345), None).is_ok() {
        let refused = command(&directory);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains("belongs to user 12345"), "{}", stderr(&refused));
    }
}
