//! Times, taken in turns.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Engine, Error, Kernel, Loaded};

/// The middle of some times, and how far they spread, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// The median.
    pub median: f64,
    /// The quarter of the times that is shorter ends here.
    pub lower: f64,
    /// The quarter that is longer starts here.
    pub upper: f64,
    /// The shortest.
    pub least: f64,
    /// How many there were.
    pub runs: usize,
}

impl Times {
    /// Of at least one time.
    pub fn of(mut nanoseconds: Vec<f64>) -> Times {
        nanoseconds.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let location = part * (nanoseconds.len() - 1) as f64;
            let (low, high) = (nanoseconds[location.floor() as usize], nanoseconds[location.ceil() as usize]);
            low + (high - low) * location.fract()
        };
        Times {
            median: at(0.5),
            lower: at(0.25),
            upper: at(0.75),
            least: nanoseconds[0],
            runs: nanoseconds.len(),
        }
    }

    /// Half the distance of the quartiles, in parts of the median.
    pub fn spread(&self) -> f64 {
        (self.upper - self.lower) / (2.0 * self.median)
    }

    /// All of it divided, for times of many things together.
    #[must_use]
    pub fn per(self, count: f64) -> Times {
        Times {
            median: self.median / count,
            lower: self.lower / count,
            upper: self.upper / count,
            least: self.least / count,
            ..self
        }
    }
}

/// Something to time: it says itself what the time was, so that it can get ready first.
pub type Task<'a> = Box<dyn FnMut() -> Result<Duration, Error> + 'a>;

/// Times tasks `runs` times in turns, each time starting with another one, after one time that does not count. So what
/// disturbs the computer for a while disturbs all of them.
///
/// # Errors
/// Those of the tasks.
pub fn in_turns(tasks: &mut [Task<'_>], runs: usize) -> Result<Vec<Times>, Error> {
    let mut times = vec![Vec::new(); tasks.len()];
    for task in &mut *tasks {
        task()?;
    }
    for run in 0..runs.max(1) {
        for location in 0..tasks.len() {
            let location = (location + run) % tasks.len();
            times[location].push(tasks[location]()?.as_secs_f64() * 1e9);
        }
    }
    Ok(times.into_iter().map(Times::of).collect())
}

/// How long something takes, its result too, which is used.
///
/// # Errors
/// Its own.
pub fn timed<T>(what: impl FnOnce() -> Result<T, Error>) -> Result<(Duration, T), Error> {
    let started = Instant::now();
    let result = std::hint::black_box(what()?);
    Ok((started.elapsed(), result))
}

/// The times of a kernel in engines, `None` where it cannot be said. All answers are compared before anything is timed.
/// With no runs that is all that is done.
///
/// # Errors
/// An answer is wrong, or an engine fails.
pub fn kernel(
    kernel: &Kernel,
    engines: &[Box<dyn Engine>],
    runs: usize,
) -> Result<Vec<Option<Times>>, Error> {
    let mut found = vec![None; engines.len()];
    let mut loaded: Vec<(usize, Box<dyn Loaded>)> = Vec::new();
    for (location, engine) in engines.iter().enumerate() {
        let context = |error: Error| format!("{} in {}: {error}", kernel.name, engine.name());
        if let Some(mut ready) = engine.load(kernel).map_err(context)? {
            let answer = ready.run().map_err(context)?;
            if answer != kernel.answer {
                return Err(context(format!("{answer:#x} instead of {:#x}", kernel.answer).into()).into());
            }
            loaded.push((location, ready));
        }
    }
    if runs == 0 {
        return Ok(found);
    }
    let locations: Vec<usize> = loaded.iter().map(|(location, _)| *location).collect();
    let task = |(_, ready): &mut (usize, Box<dyn Loaded>)| timed(|| ready.run()).map(|(time, _)| time);
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for each in &mut loaded {
        tasks.push(Box::new(move || task(each)));
    }
    for (location, times) in locations.into_iter().zip(in_turns(&mut tasks, runs)?) {
        found[location] = Some(times);
    }
    Ok(found)
}
