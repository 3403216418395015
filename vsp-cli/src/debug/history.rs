//! The recorded past of a run: the log of its host calls, checkpoints, and the changes that the user made.
//!
//! A position in a run is the fuel used until there, which every instruction increases. A state of the past is restored
//! from the checkpoint before it, and the instructions since then are executed again with the log.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use vsp_core::Instance;
use vsp_core::index::GlobalIndex;
use vsp_core::isa::Reg;
use vsp_core::record::LogPosition;
use vsp_core::snapshot::{Delta, Snapshot};

use super::setup::Setup;
use crate::state::State;

/// Maximum number of checkpoints, and of the bytes of all of them. (The first one is always kept.)
const MAX_CHECKPOINTS: usize = 1024;
const MAX_BYTES: usize = 64 << 20;

/// Maximum size of the log in bytes. A longer one is given up, and the recording starts again.
const MAX_LOG: usize = 256 << 20;

/// Least number of nanoseconds that a checkpoint is taken to cost.
const LEAST_COST: u64 = 175_000;

/// Distance of checkpoints of the live run in units of fuel, for each nanosecond that it takes to save one: at least a
/// million. An instruction takes about 6 ns, so saving takes less than a thirtieth of the time.
const DISTANCE_PER_NANOSECOND: u64 = 6;

/// Checkpoints less than this before the present are about equally far from each other; older ones are the farther
/// apart the older they are.
const RECENT: u64 = 64 << 20;

/// Size in bytes above which a delta is replaced by a full snapshot, if it also is more than a quarter of its base.
const LARGE_DELTA: usize = 256 << 10;

/// Number of innermost frames whose registers are kept that the program does not read any more.
const EXACT_FRAMES: usize = 1000;

/// The recorded past of a run.
pub(crate) struct History {
    /// In the order of their positions.
    checkpoints: Vec<Checkpoint>,
    /// A checkpoint near the part of the past that was looked at last.
    near: Option<Checkpoint>,
    /// The position from which on the next checkpoint of the live run is taken.
    pub(crate) next: u64,
    distance: u64,
    /// Nanoseconds that it takes to save a checkpoint. A measurement that another process disturbed changes little.
    cost: u64,
    log: Vec<u8>,
    /// The log, as the replayed program reads it.
    shared: Option<Arc<[u8]>>,
    /// The changes with their positions.
    pub(crate) edits: Vec<(u64, Edit)>,
}

/// A saved state.
struct Checkpoint {
    position: u64,
    log: LogPosition,
    /// Number of changes before it.
    edits: usize,
    /// The snapshot, or the delta if there is a base.
    bytes: Rc<Vec<u8>>,
    base: Option<Rc<Vec<u8>>>,
    /// Registers, locals and state registers of the innermost frames. A snapshot has only those that the program still
    /// reads.
    cells: Vec<u64>,
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

/// An instance that was restored.
pub(crate) struct Restored<'p> {
    pub(crate) instance: Instance<'p, State>,
    pub(crate) position: u64,
    pub(crate) edits: usize,
}

impl History {
    /// Begins to record a program.
    pub(crate) fn begin(instance: &mut Instance<'_, State>, position: u64) -> Result<History, String> {
        instance.record().map_err(|error| error.to_string())?;
        let mut history = History {
            checkpoints: Vec::new(),
            near: None,
            next: position,
            distance: LEAST_COST * DISTANCE_PER_NANOSECOND,
            cost: LEAST_COST,
            log: Vec::new(),
            shared: None,
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
    pub(crate) fn keep(&mut self, instance: &mut Instance<'_, State>, position: u64) -> Result<(), String> {
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
        instance: &Instance<'_, State>,
        position: u64,
        edits: usize,
    ) -> Result<(), String> {
        if position.saturating_sub(self.before(position)) > self.distance / 16 {
            self.near = Some(self.checkpoint(instance, position, edits)?);
        }
        Ok(())
    }

    /// Takes the log that was written since the last time.
    pub(crate) fn take_log(&mut self, instance: &mut Instance<'_, State>) -> Result<(), String> {
        let more = instance.take_log().map_err(|error| error.to_string())?;
        if !more.is_empty() {
            self.log.extend(more);
            self.shared = None;
        }
        Ok(())
    }

    fn checkpoint(
        &self,
        instance: &Instance<'_, State>,
        position: u64,
        edits: usize,
    ) -> Result<Checkpoint, String> {
        let log = instance.log_position().ok_or("the run is not recorded")?;
        let before = self.checkpoints.iter().rfind(|it| it.position <= position);
        let base = before.map(|it| it.base.as_ref().unwrap_or(&it.bytes));
        let delta = base.map(|base| delta(instance, base)).transpose()?;
        let is_small = |base: &Rc<Vec<u8>>, delta: &Vec<u8>| delta.len() <= LARGE_DELTA.max(base.len() / 4);
        let (bytes, base) = match (delta, base) {
            (Some(delta), Some(base)) if is_small(base, &delta) => (delta, Some(Rc::clone(base))),
            _ => (instance.save().map_err(|error| error.to_string())?, None),
        };
        let frames = instance.frames().take(EXACT_FRAMES);
        let cells = frames.flat_map(|frame| {
            let states = frame.states.as_flattened();
            frame.registers.iter().chain(frame.locals).chain(states).copied().collect::<Vec<u64>>()
        });
        Ok(Checkpoint { position, log, edits, bytes: Rc::new(bytes), base, cells: cells.collect() })
    }

    /// Returns the position of the checkpoint from which this position is restored.
    pub(crate) fn before(&self, position: u64) -> u64 {
        self.nearest(position).map_or(0, |it| it.position)
    }

    fn nearest(&self, position: u64) -> Option<&Checkpoint> {
        let near = self.near.iter().filter(|it| it.position <= position);
        let after = self.checkpoints.partition_point(|it| it.position <= position);
        near.chain(self.checkpoints[..after].last()).max_by_key(|it| it.position)
    }

    /// Restores the last checkpoint that is not after this position, and begins to replay the log from there.
    pub(crate) fn restore<'p>(&mut self, position: u64, setup: &Setup<'p>) -> Result<Restored<'p>, String> {
        let log = self.shared.take().unwrap_or_else(|| Arc::from(&self.log[..]));
        self.shared = Some(Arc::clone(&log));
        let checkpoint = self.nearest(position).ok_or("the recording starts later")?;
        let full = checkpoint.base.as_ref().unwrap_or(&checkpoint.bytes);
        let full = Snapshot::read(full).map_err(|error| error.to_string())?;
        let mut instance = match checkpoint.base {
            None => setup.restore(&full)?,
            Some(_) => {
                let delta = [Delta::read(&checkpoint.bytes).map_err(|error| error.to_string())?];
                setup.restore(&full.with(&delta).map_err(|error| error.to_string())?)?
            }
        };
        let mut cells = checkpoint.cells.iter();
        for depth in 0..EXACT_FRAMES {
            let Some(frame) = instance.frame_mut(depth) else { break };
            let states = frame.states.as_flattened_mut();
            let slots = frame.registers.iter_mut().chain(frame.locals).chain(states);
            slots.zip(&mut cells).for_each(|(slot, cell)| *slot = *cell);
        }
        instance.replay_from(log, checkpoint.log).map_err(|error| error.to_string())?;
        Ok(Restored { instance, position: checkpoint.position, edits: checkpoint.edits })
    }

    /// Drops checkpoints until there are not too many: those without which the distance between their neighbours is
    /// small, compared with their age.
    fn thin(&mut self) {
        while self.checkpoints.len() > MAX_CHECKPOINTS || self.bytes() > MAX_BYTES {
            let Some(newest) = self.checkpoints.last().map(|it| it.position) else { return };
            let cost = |three: &[Checkpoint]| {
                let [before, it, after] = three else { return f64::MAX };
                let age = newest - it.position + RECENT;
                (after.position - before.position) as f64 / age as f64
            };
            let costs = self.checkpoints.windows(3).map(cost).enumerate();
            match costs.min_by(|(_, one), (_, other)| one.total_cmp(other)) {
                Some((before, _)) => drop(self.checkpoints.remove(before + 1)),
                None if self.checkpoints.len() > 1 => drop(self.checkpoints.pop()),
                None => return,
            }
        }
    }

    /// Returns the size of all checkpoints.
    fn bytes(&self) -> usize {
        let mut bytes = 0;
        let mut counted = None;
        for it in self.near.iter().chain(&self.checkpoints) {
            bytes += size_of::<Checkpoint>() + it.cells.len() * size_of::<u64>() + it.bytes.len();
            match &it.base {
                None => counted = Some(Rc::as_ptr(&it.bytes)),
                Some(base) if counted != Some(Rc::as_ptr(base)) => {
                    counted = Some(Rc::as_ptr(base));
                    bytes += base.len();
                }
                Some(_) => {}
            }
        }
        bytes
    }
}

/// Saves what differs from a full snapshot.
fn delta(instance: &Instance<'_, State>, base: &[u8]) -> Result<Vec<u8>, String> {
    let base = Snapshot::read(base).map_err(|error| error.to_string())?;
    instance.save_since(&base).map_err(|error| error.to_string())
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
