//! Random programs: the engines agree, differences are found, and failing programs become small case files.

use vsp_core::generate::Generated;
use vsp_core::program::Program;
use vsp_host::engine::EngineKind;
use vsp_host::native::Tier;
use vsp_snapshots::random::{
    End, Engine, Tally, VspEngine, case_file, check, minimise, program, seeds, short_program,
};
use vsp_snapshots::{Configuration, EMULATED};

fn vsp_engines(configurations: &[Configuration]) -> Vec<VspEngine> {
    configurations.iter().map(|configuration| VspEngine::new(*configuration).unwrap()).collect()
}

/// A generator of programs from seeds.
type Generator = fn(u64) -> Result<Generated, String>;

/// Compares engines on the programs of a range of seeds.
fn compare(configurations: &[Configuration], seeds: std::ops::Range<u64>, generator: Generator) -> Tally {
    let mut vsp_engines = vsp_engines(configurations);
    let mut all = Tally::default();
    for seed in seeds {
        let mut engines: Vec<&mut dyn Engine> =
            vsp_engines.iter_mut().map(|it| it as &mut dyn Engine).collect();
        let made = generator(seed).unwrap();
        match check(&made, &mut engines) {
            Ok(tally) => all.add(&tally),
            Err(difference) => {
                panic!("seed {seed}: {difference}\n\n{}", small_case(configurations, seed, &made))
            }
        }
    }
    all
}

/// Returns the case file, ready to be committed, of the smallest program found on which these configurations differ. It
/// expects the results of the first one. (What a host writes into frames is not in it: that is `Plan::changes`.)
fn small_case(configurations: &[Configuration], seed: u64, made: &Generated) -> String {
    let mut fails = |made: &Generated| {
        let mut vsp_engines = vsp_engines(configurations);
        let mut engines: Vec<&mut dyn Engine> =
            vsp_engines.iter_mut().map(|it| it as &mut dyn Engine).collect();
        check(made, &mut engines).is_err()
    };
    let small = minimise(made, 2_000, &mut fails);
    let mut first = VspEngine::new(configurations[0]).unwrap();
    case_file(&small, &mut first, &format!("Found with seed {seed}.")).unwrap_or_else(|error| error)
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "too slow where it is emulated")]
fn all_configurations_of_the_interpreter_agree() {
    let configurations = [
        Configuration::Run(EngineKind::Interpreter),
        Configuration::Step,
        Configuration::Save(EngineKind::Interpreter),
        Configuration::Scramble(EngineKind::Interpreter),
    ];
    let tally = compare(&configurations, 0..500, program);
    println!("{tally}");
    assert!(tally.share(End::Returned) > 0.5, "{tally}");
    assert!(tally.share(End::GivenUp) < 0.2, "{tally}");
    // Many programs try accesses just beyond the memory, since only these reveal missing checks.
    let share = tally.share(End::Trapped("MemoryOutOfBounds"));
    assert!(share > 0.1 && share < 0.3, "{tally}");
    for trap in ["DivideByZero", "StackOverflow", "BadIndirectCall", "GlobalOutOfBounds", "Explicit", "Host"]
    {
        let share = tally.share(End::Trapped(trap));
        assert!(share > 0.0005 && share < 0.1, "{trap}: {tally}");
    }
    for (reason, least) in [("Fuel", 500), ("Interrupted", 50), ("Yield", 200), ("Pending", 20)] {
        assert!(tally.suspensions.get(reason).is_some_and(|count| *count > least), "{reason}: {tally}");
    }
}

#[test]
fn machine_code_agrees_with_the_interpreter() {
    let configurations = [
        Configuration::Run(EngineKind::Interpreter),
        Configuration::Run(EngineKind::Tier1),
        Configuration::Run(EngineKind::Tier2),
        Configuration::Scramble(EngineKind::Tier1),
        Configuration::Save(EngineKind::Tier2),
        Configuration::Plain(EngineKind::Tier2),
        Configuration::Object(Tier::Two),
        Configuration::Run(EngineKind::Auto),
        Configuration::Save(EngineKind::Auto),
        Configuration::Frames,
    ];
    let seeds = seeds(if EMULATED { 8 } else { 40 });
    let started = std::time::Instant::now();
    let tally = compare(&configurations, seeds.clone(), program);
    println!("seeds {seeds:?}, {:.0?}: {tally}", started.elapsed());
    // Of a few programs it may be few.
    assert!(tally.unmetered > tally.programs / 5, "{tally}");
}

/// A host that writes into frames cannot make machine code differ from the interpreter.
#[test]
fn changed_frames_agree() {
    let configurations = [
        Configuration::Run(EngineKind::Interpreter),
        Configuration::Run(EngineKind::Auto),
        Configuration::Run(EngineKind::Tier2),
        Configuration::Save(EngineKind::Tier1),
        Configuration::Frames,
    ];
    let seeds = seeds(80);
    let started = std::time::Instant::now();
    let tally = compare(&configurations, seeds.clone(), |seed| short_program(seed, true));
    println!("seeds {seeds:?}, {:.0?}: {tally}", started.elapsed());
    // They are suspended, and seldom end before that.
    assert!(tally.suspensions.values().sum::<u64>() > 2 * tally.programs, "{tally}");
}

#[test]
fn random_programs_are_cases() {
    let mut interpreter = VspEngine::new(Configuration::Run(EngineKind::Interpreter)).unwrap();
    for seed in 0..60 {
        let text = case_file(&program(seed).unwrap(), &mut interpreter, "a random program").unwrap();
        let case = vsp_snapshots::parse(&text).unwrap();
        for configuration in [Configuration::Step, Configuration::Save(EngineKind::Interpreter)] {
            vsp_snapshots::run(&text, &case, configuration)
                .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        }
    }
}

/// Returns the number of words of the program.
fn words(made: &Generated) -> usize {
    Program::read(&made.bytes[..]).unwrap().code().len()
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "too slow where it is emulated")]
fn failing_programs_are_minimised() {
    // Treats division by zero as the failure.
    let mut interpreter = VspEngine::new(Configuration::Run(EngineKind::Interpreter)).unwrap();
    let mut divides = |made: &Generated| {
        check(made, &mut [&mut interpreter])
            .is_ok_and(|tally| tally.ends.contains_key(&End::Trapped("DivideByZero")))
    };
    let made =
        (0..).map(|seed| program(seed).unwrap()).find(|made| words(made) > 200 && divides(made)).unwrap();
    let small = minimise(&made, 20_000, &mut divides);
    assert!(divides(&small));
    let text = case_file(&small, &mut interpreter, "small").unwrap();
    assert!(words(&small) <= 6, "{text}");
    assert!(text.lines().count() <= 30, "{text}");
}
