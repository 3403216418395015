//! What compiles parts of programs: a thread, or whoever asks.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use vsp_core::index::{FuncIndex, Location};
use vsp_core::jit::Region;
use vsp_core::native::{CompileOptions, Target, Tier};
use vsp_core::verify::Verified;

use super::TierOptions;
use super::pieces::Pieces;
use crate::native::VspJit;

/// What wants machine code.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// A function, to be called.
    Function(FuncIndex),
    /// A loop that runs.
    Loop(Location),
}

/// What is to be compiled, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) what: What,
    pub(super) tier: Tier,
}

/// Does jobs at once, or has a thread that does them.
#[derive(Debug)]
pub(super) enum Worker {
    Here(Mutex<Compilers>),
    Thread { compilers: Mutex<Option<Compilers>>, jobs: OnceLock<Option<Sender<Parcel>>> },
}

/// A job with a program of its own, for the thread.
#[derive(Debug)]
pub(super) struct Parcel {
    job: Job,
    program: Arc<Verified<'static>>,
    pieces: Weak<Pieces>,
}

impl Worker {
    pub(super) fn new(target: Target, compile: CompileOptions, options: TierOptions) -> Worker {
        let compilers = Compilers { target, compile, max_words: options.max_words, tiers: [None, None] };
        match options.worker {
            true => Worker::Thread { compilers: Mutex::new(Some(compilers)), jobs: OnceLock::new() },
            false => Worker::Here(Mutex::new(compilers)),
        }
    }

    /// Has something compiled. What cannot be compiled stays in the interpreter.
    pub(super) fn request(&self, job: Job, program: &Verified<'_>, pieces: &Arc<Pieces>) {
        match self {
            Worker::Here(compilers) => lock(compilers).run(job, program, pieces),
            Worker::Thread { compilers, jobs } => {
                let Some(program) = pieces.copy_of(program) else { return };
                let jobs = jobs.get_or_init(|| start(lock(compilers).take()?));
                if let Some(jobs) = jobs {
                    let pieces = Arc::downgrade(pieces);
                    // It fails only if the thread has panicked.
                    let _ = jobs.send(Parcel { job, program, pieces });
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread, if there can be one. It ends when nobody can send it anything more.
fn start(mut compilers: Compilers) -> Option<Sender<Parcel>> {
    let (jobs, parcels): (_, Receiver<Parcel>) = mpsc::channel();
    let run = move || {
        for Parcel { job, program, pieces } in parcels {
            if let Some(pieces) = pieces.upgrade() {
                compilers.run(job, &program, &pieces);
            }
        }
    };
    let builder = std::thread::Builder::new().name("vsp compiler".into());
    builder.spawn(run).ok().map(|_| jobs)
}

/// The compilers of both tiers, once they are needed.
#[derive(Debug)]
pub(super) struct Compilers {
    target: Target,
    compile: CompileOptions,
    max_words: u32,
    tiers: [Option<VspJit>; Tier::ALL.len()],
}

impl Compilers {
    fn run(&mut self, Job { what, tier }: Job, program: &Verified<'_>, pieces: &Pieces) {
        let part = match what {
            What::Function(function) if pieces.has(function, tier) => return,
            What::Function(function) => Region::of_function(program, function, self.max_words),
            What::Loop(location) => Region::of_loop(program, location, self.max_words),
        };
        let (Ok(part), Some(jit)) = (part, self.tier(tier)) else { return };
        if part.words() == 0 || !pieces.spend(part.words()) {
            return;
        }
        match jit.part(program, &part) {
            // Without executable memory the interpreter goes on.
            Ok(code) => drop(pieces.publish(&part, code)),
            // It stays in the interpreter: it is not asked for again.
            Err(_) => pieces.unspend(part.words()),
        }
    }

    fn tier(&mut self, tier: Tier) -> Option<&mut VspJit> {
        let slot = &mut self.tiers[tier as usize];
        if slot.is_none() {
            // The program comes back from tier 1 when a slice of its fuel is used up.
            let fuel = self.compile.fuel || tier == Tier::One;
            let options = CompileOptions { tier, fuel, ..self.compile };
            *slot = VspJit::for_target(self.target.clone(), options).ok();
        }
        slot.as_mut()
    }
}
