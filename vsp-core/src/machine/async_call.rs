//! Calls as futures, for any executor.

use core::pin::Pin;
use core::task::{Context, Poll};

use crate::host::{HostResult, HostStop};
use crate::index::FuncIndex;
use crate::instance::{Instance, PendingCall};
use crate::outcome::{CallError, Outcome, Reason, Suspension, Values};

/// The fuel of a call that is a future. An instance without metering ignores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuelSlices {
    /// Units of fuel that are added when the fuel is used up, after other tasks have had their turn. More than 0.
    pub units: u64,
    /// Number of times that fuel is added, at most. Afterwards the call is suspended.
    pub count: u64,
}

impl FuelSlices {
    /// Creates slices without a limit to their number.
    pub const fn unlimited(units: u64) -> FuelSlices {
        FuelSlices { units, count: u64::MAX }
    }
}

/// A pending host call that a future has to answer.
#[derive(Debug)]
pub struct HostRequest<'i, S> {
    /// The import and the arguments.
    pub call: PendingCall<'i>,
    /// The state of the host.
    pub state: &'i mut S,
    /// The memory of the program.
    pub memory: &'i mut [u8],
}

impl<'a, S> Instance<'a, S> {
    /// Calls a function as [`Self::call`] does, as a future for any executor. It needs no runtime of its own.
    ///
    /// - A pending host call is an await point: `answer` gets the call and returns the future of its results. The
    ///   future cannot borrow from the request, so it copies the values that it needs.
    /// - Whenever the fuel is used up, the future wakes itself, yields to other tasks, and then continues
    ///   with the next of `slices`.
    ///
    /// All other suspensions end the future, as do the last slice and an answer of [`HostStop::Pending`];
    /// [`Self::resume_async`] continues. If the future is dropped before its end, the instance is suspended, and can be
    /// resumed or reset.
    ///
    /// ```
    /// # #[cfg(feature = "text")] {
    /// use core::pin::pin;
    /// use core::task::{Context, Poll, Waker};
    /// use vsp_core::{Caller, FuelSlices, HostStop, Imports, Instance, Options, Outcome, Values};
    /// use vsp_core::{program::Program, text, verify::Verified};
    ///
    /// let source = ".import net.ask (1) -> 1\n.export f\n.func f (1) -> 1\n SYSCALL net.ask\n RET\n.end";
    /// let program_bytes = text::assemble(source, "ask.sil")?;
    /// let program = Verified::new(Program::read(&program_bytes[..])?)?;
    /// let mut imports = Imports::<()>::new();
    /// imports.define("net", "ask", |_: &mut Caller<'_, ()>, _: u64| Err::<u64, _>(HostStop::Pending))?;
    /// let mut instance = Instance::new(&program, &imports, (), Options::default())?;
    ///
    /// let function = program.export("f").ok_or("f is exported")?;
    /// let call = instance.call_async(function, &[20], FuelSlices::unlimited(10_000), |request| {
    ///     let question = request.call.arguments[0];
    ///     async move { Ok(Values::new(&[question + 1])) }
    /// });
    /// // An executor does this:
    /// let polled = pin!(call).poll(&mut Context::from_waker(Waker::noop()));
    /// assert_eq!(polled, Poll::Ready(Ok(Outcome::Returned(Values::new(&[21])))));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::call`], or an answer has another number of results than the import.
    pub async fn call_async<F>(
        &mut self,
        function: FuncIndex,
        args: &[u64],
        slices: FuelSlices,
        answer: impl FnMut(HostRequest<'_, S>) -> F,
    ) -> Result<Outcome, CallError>
    where
        F: Future<Output = HostResult<Values>>,
    {
        let outcome = self.call(function, args)?;
        self.drive(outcome, slices, answer).await
    }

    /// Resumes a suspended program as [`Self::resume`] does, as a future. See [`Self::call_async`].
    ///
    /// # Errors
    /// As [`Self::resume`], or an answer has another number of results than the import.
    pub async fn resume_async<F>(
        &mut self,
        values: &[u64],
        slices: FuelSlices,
        answer: impl FnMut(HostRequest<'_, S>) -> F,
    ) -> Result<Outcome, CallError>
    where
        F: Future<Output = HostResult<Values>>,
    {
        let outcome = self.resume(values)?;
        self.drive(outcome, slices, answer).await
    }

    async fn drive<F>(
        &mut self,
        mut outcome: Outcome,
        slices: FuelSlices,
        mut answer: impl FnMut(HostRequest<'_, S>) -> F,
    ) -> Result<Outcome, CallError>
    where
        F: Future<Output = HostResult<Values>>,
    {
        let mut left = slices.count;
        loop {
            outcome = match outcome {
                Outcome::Suspended(Suspension { reason: Reason::Fuel, .. }) if left > 0 => {
                    left -= 1;
                    YieldNow { has_yielded: false }.await;
                    self.add_fuel(slices.units);
                    self.resume(&[])?
                }
                Outcome::Suspended(Suspension { reason: Reason::Pending(_), .. }) => {
                    let Some(request) = self.request() else { return Ok(outcome) };
                    let answer = answer(request);
                    match answer.await {
                        Ok(values) => self.resume(&values)?,
                        Err(HostStop::Error(code)) => self.fail(code)?,
                        Err(HostStop::Failed { code, error }) => self.end_pending(code, Some(error))?,
                        Err(HostStop::Pending) => return Ok(outcome),
                    }
                }
                ended => return Ok(ended),
            };
        }
    }

    /// Returns the pending host call with what its answer may use.
    fn request(&mut self) -> Option<HostRequest<'_, S>> {
        #[cfg(feature = "record")]
        self.host.watch_all(&self.memory);
        let own = &mut self.host.own;
        let call = PendingCall::of(self.status, &self.program, &own.pending)?;
        Some(HostRequest { call, state: &mut own.state, memory: &mut self.memory })
    }
}

/// A future that is ready when it is polled for the second time.
struct YieldNow {
    has_yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.has_yielded {
            return Poll::Ready(());
        }
        self.has_yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
