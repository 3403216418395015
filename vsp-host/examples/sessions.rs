//! Serves 100,000 sessions of one program, of which a hundred are instances and all others are bytes.
//!
//!     cargo run --release -p vsp-host --example sessions                  # random requests to 100,000 sessions
//!     cargo run --release -p vsp-host --example sessions 1000000          # to as many as that
//!     echo 7 42 | cargo run --release -p vsp-host --example sessions -    # requests of the input: key and number
//!
//! A session is a program that runs without an end: it waits for a request in a host call, computes, and waits again.
//! All sessions begin as copies of one that has done its preparations. One that was not used lately hibernates: it is
//! saved as the difference to that first state, and its instance is dropped. The next request wakes it.

use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vsp_core::snapshot::{Delta, Snapshot};
use vsp_core::{Caller, HostStop, Imports, Instance, Options, Outcome, Reason};
use vsp_core::{program::Program, text, verify::Verified};
use vsp_host::engine::{Engine, EngineKind, Module};

/// The program: its preparations fill a table of 16 KiB, and a session changes 4 KiB of its own.
const SOURCE: &str = "
.memory 65536
.import session.next (1) -> 1   ; the answer to the last request -> the next request
.import session.awake (0) -> 0  ; the program runs again
.export main
.equ WEIGHTS = 2048
.equ CELLS = 512
.space weights 8 * WEIGHTS
.space cells 8 * CELLS
.func main (0) -> 0
    MOVI    R1, weights
    MOVI    R2, WEIGHTS
    MOVI    R3, 1
prepare:
    MULI    R3, R3, 1103
    ADDI    R3, R3, 12345
    STORE   [R1], R3
    ADDI    R1, R1, 8
    LOOP    R2, prepare
    MOVI    R0, 0
request:
    SYSCALL session.next        ; days can pass here
    SYSCALL session.awake
    MOVI    R1, weights
    MOVI    R2, cells
    MOVI    R3, CELLS
cell:
    LOAD    R4, [R1]
    LOAD    R5, [R2]
    MUL     R4, R4, R0
    ADD     R5, R5, R4
    ROTLI   R5, R5, 7
    STORE   [R2], R5
    XOR     R0, R0, R5
    ADDI    R1, R1, 32
    ADDI    R2, R2, 8
    LOOP    R3, cell
    JMP     request
.end
";

/// The fuel of a request: about as many instructions.
const FUEL: u64 = 100_000;

/// The host's state of an instance.
#[derive(Default)]
struct Host {
    /// The time at which the program ran again.
    awake: Option<Instant>,
}

/// What a server keeps.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Number of sessions that are instances.
    pub(crate) awake: usize,
    /// Bytes of all sessions that hibernate. Beyond them no session is opened.
    pub(crate) bytes: usize,
}

/// The program, ready to run, with the state that all sessions begin with.
pub(crate) struct Service {
    module: Module<'static>,
    imports: Arc<Imports<Host>>,
    /// The snapshot of a session that waits for its first request.
    first: Vec<u8>,
}

impl Service {
    pub(crate) fn new() -> Result<Service, Box<dyn Error>> {
        let bytes: Arc<[u8]> = text::assemble(SOURCE, "session.sil")?.into();
        let program = Arc::new(Verified::new(Program::read(bytes)?)?);
        let module = Engine::new(EngineKind::Auto)?.load(program)?;
        let mut imports = Imports::new();
        imports
            .define("session", "next", |_: &mut Caller<'_, Host>, _: u64| Err::<u64, _>(HostStop::Pending))?;
        imports.define("session", "awake", |caller: &mut Caller<'_, Host>| {
            caller.state().awake = Some(Instant::now());
        })?;
        let imports = Arc::new(imports);
        let options = Options { fuel: Some(FUEL), stack_cells: Some(256), ..Options::default() };
        let mut instance = module.instantiate(imports.clone(), Host::default(), options)?;
        instance.call_export("main", &[])?;
        answer(&instance).ok_or("the program does not wait for a request")?;
        Ok(Service { first: instance.save()?, module, imports })
    }
}

/// Returns the answer that a session gives, if it waits for its next request.
fn answer(session: &Instance<'_, Host>) -> Option<u64> {
    let call = session.pending()?;
    (call.name == "next").then(|| call.arguments[0])
}

/// The sessions of a server, by their keys.
pub(crate) struct Sessions<'s> {
    service: &'s Service,
    first: Snapshot<'s>,
    limits: Limits,
    /// The sessions that are instances, the one that was used last at the end.
    awake: VecDeque<(u64, Instance<'static, Host>)>,
    /// The sessions that hibernate: what distinguishes each from the first state.
    asleep: HashMap<u64, Box<[u8]>>,
    /// Bytes of all sessions that hibernate.
    bytes: usize,
    /// The times from a request to the first instruction of a session that hibernated.
    pub(crate) wakings: Vec<Duration>,
}

impl<'s> Sessions<'s> {
    pub(crate) fn new(service: &'s Service, limits: Limits) -> Result<Sessions<'s>, Box<dyn Error>> {
        let first = Snapshot::read(&service.first)?;
        let (awake, asleep) = (VecDeque::new(), HashMap::new());
        Ok(Sessions { service, first, limits, awake, asleep, bytes: 0, wakings: Vec::new() })
    }

    /// Gives a request to a session, and returns its answer. A session that does not exist is opened.
    ///
    /// # Errors
    /// The session would be one too many, or the program failed: that ends the session.
    pub(crate) fn request(&mut self, key: u64, number: u64) -> Result<u64, Box<dyn Error>> {
        let start = Instant::now();
        let (mut session, slept) = match self.awake.iter().position(|(of, _)| *of == key) {
            Some(index) => (self.awake.remove(index).ok_or("it was found")?.1, false),
            None => match self.asleep.remove(&key) {
                Some(state) => (self.wake(&state)?, true),
                None => (self.open()?, false),
            },
        };
        session.set_fuel(FUEL);
        match session.resume(&[number])? {
            Outcome::Suspended(it) if it.reason == Reason::Fuel => Err("the request takes too long")?,
            Outcome::Trapped(trapped) => Err(session.trap_report(&trapped).to_string())?,
            _ => {}
        }
        let answer = answer(&session).ok_or("the program does not wait for a request")?;
        if let Some(awake) = session.state_mut().awake.take().filter(|_| slept) {
            self.wakings.push(awake - start);
        }
        self.awake.push_back((key, session));
        self.hibernate(self.limits.awake)?;
        Ok(answer)
    }

    /// Creates a session in the first state.
    fn open(&self) -> Result<Instance<'static, Host>, Box<dyn Error>> {
        if self.bytes >= self.limits.bytes {
            return Err("there are too many sessions".into());
        }
        self.restore(&self.first)
    }

    /// Creates the instance of a session that hibernated.
    fn wake(&mut self, state: &[u8]) -> Result<Instance<'static, Host>, Box<dyn Error>> {
        self.bytes -= state.len();
        let delta = [Delta::read(state)?];
        self.restore(&self.first.with(&delta)?)
    }

    fn restore(&self, state: &Snapshot<'_>) -> Result<Instance<'static, Host>, Box<dyn Error>> {
        let Service { module, imports, .. } = self.service;
        Ok(module.restore(imports.clone(), Host::default(), Options::default(), state)?)
    }

    /// Lets sessions hibernate until `awake` are left, first those that were not used for the longest time.
    pub(crate) fn hibernate(&mut self, awake: usize) -> Result<(), Box<dyn Error>> {
        while self.awake.len() > awake
            && let Some((key, session)) = self.awake.pop_front()
        {
            let state = session.save_since(&self.first)?.into_boxed_slice();
            self.bytes += state.len();
            self.asleep.insert(key, state);
        }
        Ok(())
    }

    /// Returns the number of sessions that hibernate, and their bytes without those of the map.
    pub(crate) fn asleep(&self) -> (usize, usize) {
        (self.asleep.len(), self.bytes)
    }
}

/// Returns the memory of this process in bytes as the system counts it, where that is known.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Opens this many sessions, lets all of them hibernate, and wakes random ones. Prints the memory and the times.
pub(crate) fn measure(count: u64) -> Result<(), Box<dyn Error>> {
    let service = Service::new()?;
    let mut sessions = Sessions::new(&service, Limits { awake: 100, bytes: 1 << 30 })?;
    let before = resident();
    for key in 0..count {
        sessions.request(key, key + 1)?;
    }
    sessions.hibernate(0)?;
    let (asleep, bytes) = sessions.asleep();
    println!("{asleep} sessions hibernate in {} bytes each", bytes / asleep.max(1));
    if let (Some(before), Some(after)) = (before, resident()) {
        println!("the process has grown by {} bytes for each", after.saturating_sub(before) / count.max(1));
    }
    let mut random = 1_u64;
    let start = Instant::now();
    for _ in 0..count {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        sessions.request((random >> 33) % count, random)?;
    }
    let requests = count as f64 / start.elapsed().as_secs_f64();
    sessions.wakings.sort_unstable();
    let at = |share: usize| sessions.wakings.get(sessions.wakings.len() * share / 100).copied();
    println!(
        "{requests:.0} requests in a second, {} of {count} to sessions that slept",
        sessions.wakings.len()
    );
    if let (Some(median), Some(most)) = (at(50), at(99)) {
        println!("from the request to the first instruction: median {median:.1?}, 99 % at most {most:.1?}");
    }
    Ok(())
}

/// Answers the requests of a text: in each line the key of a session and a number.
pub(crate) fn serve(requests: impl BufRead, mut answers: impl Write) -> Result<(), Box<dyn Error>> {
    let service = Service::new()?;
    let mut sessions = Sessions::new(&service, Limits { awake: 100, bytes: 1 << 30 })?;
    for line in requests.lines() {
        let line = line?;
        let (key, number) = line.split_once(' ').ok_or("a line is a key and a number")?;
        match sessions.request(key.parse()?, number.parse()?) {
            Ok(answer) => writeln!(answers, "{answer}")?,
            Err(error) => writeln!(answers, "error: {error}")?,
        }
    }
    Ok(())
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("-") => serve(std::io::stdin().lock(), std::io::stdout()),
        Some(count) => measure(count.parse()?),
        None => measure(100_000),
    }
}
