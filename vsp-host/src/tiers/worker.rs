//! The compiler of regions: a background thread, or the thread that requests them.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use vsp_core::index::{FuncIndex, Location};
use vsp_core::jit::Region;
use vsp_core::native::{CompileOptions, Target, Tier};
use vsp_core::verify::Verified;

use super::TierOptions;
use super::code_table::CodeTable;
use crate::native::VspJit;

/// The unit of compilation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    /// A function, with an entry for calls.
    Function(FuncIndex),
    /// A running loop, with an entry at its header (on-stack replacement).
    Loop(Location),
}

/// A request to compile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) unit: Unit,
    pub(super) tier: Tier,
}

/// A compiler that does jobs on the requesting thread or on a background thread.
#[derive(Debug)]
pub(super) enum Worker {
    Here(Mutex<Compilers>),
    Thread { compilers: Mutex<Option<Compilers>>, jobs: OnceLock<Option<Sender<Parcel>>> },
}

/// A job with its own copy of the program, for the thread.
#[derive(Debug)]
pub(super) struct Parcel {
    job: Job,
    program: Arc<Verified<'static>>,
    table: Weak<CodeTable>,
}

impl Worker {
    pub(super) fn new(target: Target, compile: CompileOptions, options: TierOptions) -> Worker {
        let TierOptions { max_words, keep_frames, .. } = options;
        let compilers = Compilers { target, compile, max_words, keep_frames, tiers: [None, None] };
        match options.worker {
            true => Worker::Thread { compilers: Mutex::new(Some(compilers)), jobs: OnceLock::new() },
            false => Worker::Here(Mutex::new(compilers)),
        }
    }

    /// Compiles a unit, now or on the thread. A unit that cannot be compiled is interpreted.
    pub(super) fn request(&self, job: Job, program: &Verified<'_>, table: &Arc<CodeTable>) {
        match self {
            Worker::Here(compilers) => lock(compilers).run(job, program, table),
            Worker::Thread { compilers, jobs } => {
                let Some(program) = table.copy_of(program) else { return };
                let jobs = jobs.get_or_init(|| start(lock(compilers).take()?));
                if let Some(jobs) = jobs {
                    let table = Arc::downgrade(table);
                    // Sending fails only if the thread has panicked.
                    let _ = jobs.send(Parcel { job, program, table });
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread, if the system allows it. The thread ends when all senders are dropped.
fn start(mut compilers: Compilers) -> Option<Sender<Parcel>> {
    let (jobs, parcels): (_, Receiver<Parcel>) = mpsc::channel();
    let run = move || {
        for Parcel { job, program, table } in parcels {
            if let Some(table) = table.upgrade() {
                compilers.run(job, &program, &table);
            }
        }
    };
    let builder = std::thread::Builder::new().name("vsp compiler".into());
    builder.spawn(run).ok().map(|_| jobs)
}

/// The compilers of both tiers, which are created when they are first used.
#[derive(Debug)]
pub(super) struct Compilers {
    target: Target,
    compile: CompileOptions,
    max_words: u32,
    keep_frames: bool,
    tiers: [Option<VspJit>; Tier::ALL.len()],
}

impl Compilers {
    fn run(&mut self, Job { unit, tier }: Job, program: &Verified<'_>, table: &CodeTable) {
        let region = match unit {
            Unit::Function(function) if table.has(function, tier) => return,
            Unit::Function(function) => Region::of_function(program, function, self.max_words),
            Unit::Loop(location) => Region::of_loop(program, location, self.max_words),
        };
        let region = if self.keep_frames { region.map(Region::keeping_frames) } else { region };
        let (Ok(region), Some(jit)) = (region, self.tier(tier)) else { return };
        if region.words() == 0 || !table.spend(region.words()) {
            return;
        }
        match jit.region(program, &region) {
            // Without executable memory the interpreter continues.
            Ok(code) => drop(table.install(&region, code)),
            // The unit stays in the interpreter and is not requested again.
            Err(_) => table.refund(region.words()),
        }
    }

    fn tier(&mut self, tier: Tier) -> Option<&mut VspJit> {
        let slot = &mut self.tiers[tier as usize];
        if slot.is_none() {
            // Tier 1 needs fuel to return when a slice expires.
            let fuel = self.compile.fuel || tier == Tier::One;
            let options = CompileOptions { tier, fuel, ..self.compile };
            *slot = VspJit::for_target(self.target.clone(), options).ok();
        }
        slot.as_mut()
    }
}
