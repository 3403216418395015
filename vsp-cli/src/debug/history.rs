//! The recorded past of a run: the log of its host calls, checkpoints, and the changes that the user made.
//!
//! A position in a run is the fuel used until there, which every instruction increases. A state of the past is restored
//! from the checkpoint before it, and the instructions since then are executed again with the log. Checkpoints share
//! the memory that did not change between them.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use vsp_core::Instance;
use vsp_core::index::GlobalIndex;
use vsp_core::isa::Reg;
use vsp_core::record::LogPosition;

use crate::state::State;

/// Maximum number of checkpoints, and of the bytes of all of them. (The first one is always kept.)
const MAX_CHECKPOINTS: usize = 1024;
const MAX_BYTES: usize = 64 << 20;

/// Maximum size of the log in bytes. A longer one is given up, and the recording starts again.
const MAX_LOG: usize = 256 << 20;

/// Least number of nanoseconds that a checkpoint is taken to cost.
const LEAST_COST: u64 = 175_000;

/// Distance of checkpoints of the live run in units of fuel, for each nanosecond that it takes to make one: at least a
/// million. An instruction takes 1.3 ns or more, so checkpoints take at most an eighth of the time.
const DISTANCE_PER_NANOSECOND: u64 = 6;

/// Checkpoints less than this before the present are about equally far from each other; older ones are the farther
/// apart the older they are.
const RECENT: u64 = 64 << 20;

/// The recorded past of a run.
pub(crate) struct History<'p> {
    /// In the order of their positions.
    checkpoints: Vec<Checkpoint<'p>>,
    /// A checkpoint near the part of the past that was looked at last.
    near: Option<Checkpoint<'p>>,
    /// The position from which on the next checkpoint of the live run is taken.
    pub(crate) next: u64,
    distance: u64,
    /// Nanoseconds that it takes to make a checkpoint. A measurement that another process disturbed changes little.
    cost: u64,
    log: Vec<u8>,
    /// The log, as the replayed program reads it.
    shared: Option<Arc<[u8]>>,
    /// The changes with their positions.
    pub(crate) edits: Vec<(u64, Edit)>,
}

/// A state of the past.
struct Checkpoint<'p> {
    position: u64,
    log: LogPosition,
    /// Number of changes before it.
    edits: usize,
    state: vsp_core::Checkpoint<'p>,
    /// The bytes that it does not share with the one before it.
    bytes: usize,
}

/// A change that the user made.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// Of a register of a frame.
    Register(usize, Reg, u64),
    /// Of a local of a frame.
    Local(usize, u32, u64),
    Global(GlobalIndex, u64),
    Memory(Range<usize>, Vec<u8>),
    /// Of the balance of fuel.
    Fuel(u64),
    /// The value that a YIELD waits for.
    Answer(u64),
}

/// The place to which an instance was restored.
pub(crate) struct Restored {
    pub(crate) position: u64,
    pub(crate) edits: usize,
}

impl<'p> History<'p> {
    /// Begins to record a program.
    pub(crate) fn begin(instance: &mut Instance<'p, State>, position: u64) -> Result<History<'p>, String> {
        instance.record().map_err(|error| error.to_string())?;
        History::with(None, instance, position)
    }

    /// Begins with a program that replays this log, of which nothing more is recorded.
    pub(crate) fn of_recording(
        log: Arc<[u8]>,
        instance: &mut Instance<'p, State>,
        position: u64,
    ) -> Result<History<'p>, String> {
        History::with(Some(log), instance, position)
    }

    fn with(
        shared: Option<Arc<[u8]>>,
        instance: &mut Instance<'p, State>,
        position: u64,
    ) -> Result<History<'p>, String> {
        let mut history = History {
            checkpoints: Vec::new(),
            near: None,
            next: position,
            distance: LEAST_COST * DISTANCE_PER_NANOSECOND,
            cost: LEAST_COST,
            log: Vec::new(),
            shared,
            edits: Vec::new(),
        };
        history.keep(instance, position)?;
        Ok(history)
    }

    /// Returns the position at which the recording starts.
    pub(crate) fn start(&self) -> u64 {
        self.checkpoints.first().map_or(0, |first| first.position)
    }

    /// Takes a checkpoint of the live run.
    pub(crate) fn keep(&mut self, instance: &mut Instance<'p, State>, position: u64) -> Result<(), String> {
        self.take_log(instance)?;
        if self.log.len() > MAX_LOG {
            instance.end_log().map_err(|error| error.to_string())?;
            *self = History::begin(instance, position)?;
            return Ok(());
        }
        let begun = Instant::now();
        let checkpoint = self.checkpoint(instance, position, self.edits.len())?;
        self.checkpoints.push(checkpoint);
        self.thin();
        let nanoseconds = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.cost = nanoseconds.clamp(LEAST_COST, self.cost.saturating_mul(8));
        self.distance = self.cost.saturating_mul(DISTANCE_PER_NANOSECOND);
        self.next = position.saturating_add(self.distance);
        Ok(())
    }

    /// Takes a checkpoint of a replayed program, if the one before it is far away. The next one replaces it.
    pub(crate) fn keep_near(
        &mut self,
        instance: &Instance<'p, State>,
        position: u64,
        edits: usize,
    ) -> Result<(), String> {
        if position.saturating_sub(self.before(position)) > self.distance / 16 {
            self.near = Some(self.checkpoint(instance, position, edits)?);
        }
        Ok(())
    }

    /// Takes the log that was written since the last time.
    pub(crate) fn take_log(&mut self, instance: &mut Instance<'p, State>) -> Result<(), String> {
        if instance.is_replaying() {
            return Ok(());
        }
        let more = instance.take_log().map_err(|error| error.to_string())?;
        if !more.is_empty() {
            self.log.extend(more);
            self.shared = None;
        }
        Ok(())
    }

    fn checkpoint(
        &self,
        instance: &Instance<'p, State>,
        position: u64,
        edits: usize,
    ) -> Result<Checkpoint<'p>, String> {
        let log = instance.log_position().ok_or("the run is not recorded")?;
        let before = self.checkpoints.iter().rfind(|it| it.position <= position).map(|it| &it.state);
        let state = instance.checkpoint(before).map_err(|error| error.to_string())?;
        let bytes = state.bytes_since(before);
        Ok(Checkpoint { position, log, edits, state, bytes })
    }

    /// Returns the position of the checkpoint from which this position is restored.
    pub(crate) fn before(&self, position: u64) -> u64 {
        self.nearest(position).map_or(0, |it| it.position)
    }

    fn nearest(&self, position: u64) -> Option<&Checkpoint<'p>> {
        let near = self.near.iter().filter(|it| it.position <= position);
        let after = self.checkpoints.partition_point(|it| it.position <= position);
        near.chain(self.checkpoints[..after].last()).max_by_key(|it| it.position)
    }

    /// Brings an instance to the last checkpoint that is not after this position, and begins to replay the log from
    /// there.
    pub(crate) fn restore(
        &mut self,
        position: u64,
        instance: &mut Instance<'p, State>,
    ) -> Result<Restored, String> {
        let log = self.shared.take().unwrap_or_else(|| Arc::from(&self.log[..]));
        self.shared = Some(Arc::clone(&log));
        let checkpoint = self.nearest(position).ok_or("the recording starts later")?;
        instance.end_replay();
        instance.rewind(&checkpoint.state).map_err(|error| error.to_string())?;
        instance.replay_from(log, checkpoint.log).map_err(|error| error.to_string())?;
        Ok(Restored { position: checkpoint.position, edits: checkpoint.edits })
    }

    /// Drops checkpoints until there are not too many: those without which the distance between their neighbours is
    /// small, compared with their age.
    fn thin(&mut self) {
        while self.checkpoints.len() > MAX_CHECKPOINTS || self.bytes() > MAX_BYTES {
            let Some(newest) = self.checkpoints.last().map(|it| it.position) else { return };
            let cost = |three: &[Checkpoint<'_>]| {
                let [before, it, after] = three else { return f64::MAX };
                let age = newest - it.position + RECENT;
                (after.position - before.position) as f64 / age as f64
            };
            let costs = self.checkpoints.windows(3).map(cost).enumerate();
            match costs.min_by(|(_, one), (_, other)| one.total_cmp(other)) {
                Some((before, _)) => self.drop_after(before),
                None if self.near.is_some() => self.near = None,
                None if self.checkpoints.len() > 1 => drop(self.checkpoints.pop()),
                None => return,
            }
        }
    }

    /// Drops the checkpoint after number `before`, which is not the last.
    fn drop_after(&mut self, before: usize) {
        self.checkpoints.remove(before + 1);
        if let [before, after, ..] = &mut self.checkpoints[before..] {
            after.bytes = after.state.bytes_since(Some(&before.state));
        }
    }

    /// Returns the size of all checkpoints.
    fn bytes(&self) -> usize {
        self.near.iter().chain(&self.checkpoints).map(|it| size_of::<Checkpoint<'_>>() + it.bytes).sum()
    }
}

impl Edit {
    /// Makes a change of a register, local or global, or of memory. (The others are made by the session.)
    pub(crate) fn apply(&self, instance: &mut Instance<'_, State>) -> Result<(), String> {
        let no_frame = || "there is no frame, so there are no registers".to_owned();
        match self {
            Edit::Register(frame, register, value) => {
                let frame = instance.frame_mut(*frame).ok_or_else(no_frame)?;
                frame.registers[register.index()] = *value;
            }
            Edit::Local(frame, number, value) => {
                let frame = instance.frame_mut(*frame).ok_or_else(no_frame)?;
                let local = frame.locals.get_mut(*number as usize);
                *local.ok_or_else(|| format!("there is no local ${number} here"))? = *value;
            }
            Edit::Global(global, value) => {
                let slot = instance.global_mut(*global);
                *slot.ok_or_else(|| format!("there is no global {global}"))? = *value;
            }
            Edit::Memory(range, bytes) => instance.memory_mut()[range.clone()].copy_from_slice(bytes),
            Edit::Fuel(_) | Edit::Answer(_) => {}
        }
        Ok(())
    }
}
