//! Interleaved timing.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Engine, Error, Kernel, Loaded};

/// The median and the spread of some times, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// The median.
    pub median: f64,
    /// The lower quartile.
    pub lower: f64,
    /// The upper quartile.
    pub upper: f64,
    /// The minimum.
    pub least: f64,
    /// Number of times.
    pub runs: usize,
}

impl Times {
    /// Computes the statistics of at least one time.
    pub fn of(mut nanoseconds: Vec<f64>) -> Times {
        nanoseconds.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let index = part * (nanoseconds.len() - 1) as f64;
            let (low, high) = (nanoseconds[index.floor() as usize], nanoseconds[index.ceil() as usize]);
            low + (high - low) * index.fract()
        };
        Times {
            median: at(0.5),
            lower: at(0.25),
            upper: at(0.75),
            least: nanoseconds[0],
            runs: nanoseconds.len(),
        }
    }

    /// Returns half the distance between the quartiles, as a fraction of the median.
    pub fn spread(&self) -> f64 {
        (self.upper - self.lower) / (2.0 * self.median)
    }

    /// Returns all values divided by `count`, for times of many operations together.
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

/// Something to time. It measures itself, so that preparations can be excluded.
pub type Task<'a> = Box<dyn FnMut() -> Result<Duration, Error> + 'a>;

/// Times tasks `runs` times in rotation, each round starting with another one, after one round that does not count. A
/// disturbance of the computer then affects all of them.
///
/// # Errors
/// The errors of the tasks.
pub fn interleaved(tasks: &mut [Task<'_>], runs: usize) -> Result<Vec<Times>, Error> {
    let mut times = vec![Vec::new(); tasks.len()];
    for task in &mut *tasks {
        task()?;
    }
    for run in 0..runs.max(1) {
        for index in 0..tasks.len() {
            let index = (index + run) % tasks.len();
            times[index].push(tasks[index]()?.as_secs_f64() * 1e9);
        }
    }
    Ok(times.into_iter().map(Times::of).collect())
}

/// Runs a function, and returns its duration and its result, which the optimiser cannot discard.
///
/// # Errors
/// The errors of the function.
pub fn timed<T>(what: impl FnOnce() -> Result<T, Error>) -> Result<(Duration, T), Error> {
    let started = Instant::now();
    let result = std::hint::black_box(what()?);
    Ok((started.elapsed(), result))
}

/// Measures a kernel in engines; `None` where it does not exist. All answers are compared before anything is timed.
/// With no runs only the answers are compared.
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
    for (index, engine) in engines.iter().enumerate() {
        let context = |error: Error| format!("{} in {}: {error}", kernel.name, engine.name());
        if let Some(mut ready) = engine.load(kernel).map_err(context)? {
            check(&mut *ready, kernel.answer).map_err(context)?;
            loaded.push((index, ready));
        }
    }
    if runs == 0 {
        return Ok(found);
    }
    let (indices, mut loaded): (Vec<usize>, Vec<_>) = loaded.into_iter().unzip();
    for (index, times) in indices.into_iter().zip(alternately(&mut loaded, runs)?) {
        found[index] = Some(times);
    }
    Ok(found)
}

/// Runs something once, and compares its answer.
///
/// # Errors
/// The answer is wrong, or the engine fails.
pub fn check(ready: &mut dyn Loaded, expected: u64) -> Result<(), Error> {
    ready.prepare()?;
    match ready.run()? {
        answer if answer == expected => Ok(()),
        answer => Err(format!("the answer is {answer:#x}, expected {expected:#x}").into()),
    }
}

/// Times the same work in several engines, [`interleaved`].
///
/// # Errors
/// An engine fails.
pub fn alternately(loaded: &mut [Box<dyn Loaded>], runs: usize) -> Result<Vec<Times>, Error> {
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for ready in loaded {
        tasks.push(Box::new(move || {
            ready.prepare()?;
            timed(|| ready.run()).map(|(time, _)| time)
        }));
    }
    interleaved(&mut tasks, runs)
}
