//! Smoke tests of the fuzz targets: on their seeds, on the inputs in `fuzz/corpus`, and on mutations of them.
//! `fuzz/run` runs them for longer.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use vsp_snapshots::fuzz::{Mutator, TARGETS, Target};

/// Running time of each target.
const TIME: Duration = Duration::from_secs(1);

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = fuzz_folder().join("corpus").join(target.name);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn smoke(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let mut inputs = corpus(target);
    assert!(!inputs.is_empty());
    inputs.extend((target.seeds)());
    inputs.iter().for_each(|input| (target.run)(input));
    (target.run)(&[]);
    let mut mutator = Mutator::new(0x5EED);
    let (started, mut runs) = (Instant::now(), 0);
    while started.elapsed() < TIME {
        let input = mutator.mutated(&inputs);
        // A target that dies of an endless recursion or worse prints nothing: `VSP_FUZZ_LOG` keeps the input.
        if let Some(path) = std::env::var_os("VSP_FUZZ_LOG") {
            std::fs::write(path, &input).unwrap();
        }
        (target.run)(&input);
        runs += 1;
    }
    println!("{name}: {} inputs, {runs} mutations", inputs.len());
}

macro_rules! smoke_tests {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            smoke(stringify!($name));
        }
    )*

    const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

smoke_tests! { container text verifier reference tiers object state }

/// Each target is tested here, and is a program of `fuzz/`.
#[test]
fn the_list_of_targets_is_the_same_everywhere() {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names, TESTED);
    let manifest = std::fs::read_to_string(fuzz_folder().join("Cargo.toml")).unwrap();
    for name in &names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let source = std::fs::read_to_string(fuzz_folder().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(source.contains(&format!("fuzz::run(\"{name}\"")), "{name}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), names.len());
}
