//! Calls as futures.
#![cfg(feature = "text")]

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use vsp_core::index::FuncIndex;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{
    CallError, Caller, FuelSlices, HostStop, Imports, Instance, Options, Outcome, Reason, Trap, Values, text,
};

const SOURCE: &str = "
.memory 16
.import net.ask (2) -> 1
.export ask
.export count
.export wait
.func ask (1) -> 1
    MOVI    R1, 5
    SYSCALL net.ask
    ADDI    R0, 1
    RET
.end
.func count (1) -> 1            ; 2 n + 2 units of fuel
next:
    ADDI    R1, 1
    LOOP    R0, next
    MOV     R0, R1
    RET
.end
.func wait (0) -> 1
    YIELD   R0
    MOVI    R1, 6
    SYSCALL net.ask
    RET
.end
";

#[derive(Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls a future until it is ready. Returns its output, the number of polls, and the number of times that it woke its
/// task.
fn block_on<T>(future: impl Future<Output = T>) -> (T, u32, u32) {
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let mut polls = 1;
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return (value, polls, wakes.0.load(Ordering::Relaxed)),
            Poll::Pending => polls += 1,
        }
    }
}

/// A future that is ready at the second poll.
async fn later<T: Copy>(value: T) -> T {
    let mut has_waited = false;
    poll_fn(move |context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(value);
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

fn program() -> Verified<'static> {
    let bytes = text::assemble(SOURCE, "async.sil").unwrap_or_else(|errors| panic!("{errors}"));
    Verified::new(Program::read(Arc::<[u8]>::from(bytes)).unwrap()).unwrap()
}

fn imports() -> Imports<u64> {
    let mut imports = Imports::new();
    let ask = |_: &mut Caller<'_, u64>, _: u64, _: u64| Err::<u64, _>(HostStop::Pending);
    imports.define("net", "ask", ask).unwrap();
    imports
}

fn function(program: &Verified<'_>, name: &str) -> FuncIndex {
    program.export(name).unwrap()
}

const SLICES: FuelSlices = FuelSlices::unlimited(10);

#[test]
fn a_pending_host_call_is_awaited() {
    let (program, imports) = (program(), imports());
    let mut instance = Instance::new(&program, &imports, 100, Options::default()).unwrap();
    let call = instance.call_async(function(&program, "ask"), &[20], SLICES, |request| {
        assert_eq!((request.call.module, request.call.name), ("net", "ask"));
        assert_eq!(request.call.arguments, [20, 5]);
        *request.state += 1;
        request.memory[0] = 7;
        let answer = request.call.arguments[0] * 2;
        async move { Ok(Values::new(&[later(answer).await])) }
    });
    let (outcome, polls, wakes) = block_on(call);
    assert_eq!(outcome, Ok(Outcome::Returned(Values::new(&[41]))));
    assert_eq!((polls, wakes), (2, 1));
    assert_eq!((*instance.state(), instance.memory()[0]), (101, 7));
}

#[test]
fn an_answer_can_be_an_error() {
    let (program, imports) = (program(), imports());
    let mut instance = Instance::new(&program, &imports, 0, Options::default()).unwrap();
    let ask = function(&program, "ask");
    let trap = |outcome| match outcome {
        Ok(Outcome::Trapped(trapped)) => trapped.trap,
        other => panic!("{other:?}"),
    };
    let call = instance.call_async(ask, &[1], SLICES, |_| async { Err("connection lost".into()) });
    assert_eq!(trap(block_on(call).0), Trap::Host(0));
    assert_eq!(instance.take_host_error().unwrap().to_string(), "connection lost");

    let call = instance.call_async(ask, &[1], SLICES, |_| async { Err(HostStop::Error(9)) });
    assert_eq!(trap(block_on(call).0), Trap::Host(9));

    let call = instance.call_async(ask, &[1], SLICES, |_| async { Ok(Values::new(&[])) });
    assert_eq!(block_on(call).0, Err(CallError::Values { expected: 1, given: 0 }));
    assert_eq!(instance.pending().unwrap().arguments, [1, 5]);
    instance.reset();

    let call = instance.call_async(ask, &[1], SLICES, |_| async { Err(HostStop::Pending) });
    assert!(
        matches!(block_on(call).0, Ok(Outcome::Suspended(it)) if matches!(it.reason, Reason::Pending(_)))
    );
    let resumed = instance.resume_async(&[3], SLICES, |_| async { Err(HostStop::Pending) });
    assert_eq!(block_on(resumed).0, Ok(Outcome::Returned(Values::new(&[4]))));
}

#[test]
fn a_fuel_slice_ends_in_a_yield() {
    let (program, imports) = (program(), imports());
    let options = Options { fuel: Some(10), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, 0, options).unwrap();
    let count = function(&program, "count");
    let nobody = |_: vsp_core::HostRequest<'_, u64>| async { Err(HostStop::Pending) };

    let (outcome, polls, wakes) = block_on(instance.call_async(count, &[100], SLICES, nobody));
    assert_eq!(outcome, Ok(Outcome::Returned(Values::new(&[100]))));
    // 202 units in slices of 10: the first slice is the initial fuel, and a loop can overdraw a slice by one iteration.
    assert!((18..=20).contains(&wakes) && polls == wakes + 1, "{polls} {wakes}");

    // Not more slices than there may be.
    instance.set_fuel(10);
    let few = FuelSlices { units: 10, count: 3 };
    let (outcome, polls, wakes) = block_on(instance.call_async(count, &[100], few, nobody));
    assert!(matches!(outcome, Ok(Outcome::Suspended(it)) if it.reason == Reason::Fuel));
    assert_eq!((polls, wakes), (4, 3));
    instance.add_fuel(1_000);
    assert_eq!(block_on(instance.resume_async(&[], few, nobody)).1, 1);

    // An instance that is not metered is not sliced.
    let mut instance = Instance::new(&program, &imports, 0, Options::default()).unwrap();
    assert_eq!(block_on(instance.call_async(count, &[100_000], SLICES, nobody)).1, 1);
}

#[test]
fn other_suspensions_end_the_future() {
    let (program, imports) = (program(), imports());
    let mut instance = Instance::new(&program, &imports, 0, Options::default()).unwrap();
    let wait = function(&program, "wait");
    let answer = |request: vsp_core::HostRequest<'_, u64>| {
        let sum = request.call.arguments.iter().sum();
        async move { Ok(Values::new(&[sum])) }
    };
    let (outcome, ..) = block_on(instance.call_async(wait, &[], SLICES, answer));
    assert!(matches!(outcome, Ok(Outcome::Suspended(it)) if it.reason == Reason::Yield(0)));
    let again = block_on(instance.call_async(wait, &[], SLICES, answer)).0;
    assert_eq!(again, Err(CallError::Suspended));
    let resumed = block_on(instance.resume_async(&[30], SLICES, answer)).0;
    assert_eq!(resumed, Ok(Outcome::Returned(Values::new(&[36]))));
}

#[test]
fn a_dropped_future_leaves_an_instance_that_can_be_resumed() {
    let (program, imports) = (program(), imports());
    let mut instance = Instance::new(&program, &imports, 0, Options::default()).unwrap();
    {
        let call = instance.call_async(function(&program, "ask"), &[1], SLICES, |_| async {
            Ok(Values::new(&[later(1).await]))
        });
        assert!(pin!(call).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(instance.pending().unwrap().arguments, [1, 5]);
    assert_eq!(instance.resume(&[8]), Ok(Outcome::Returned(Values::new(&[9]))));
}

#[test]
fn futures_can_be_sent_to_other_threads() {
    fn is_send<T: Send>(_: &T) {}
    let (program, imports) = (program(), imports());
    let mut instance = Instance::new(&program, &imports, 0, Options::default()).unwrap();
    let call =
        instance.call_async(FuncIndex(0), &[1], SLICES, |_| async { Ok(Values::new(&[later(1).await])) });
    let boxed: std::pin::Pin<Box<dyn Future<Output = _> + Send + '_>> = Box::pin(call);
    is_send(&boxed);
    assert_eq!(block_on(boxed).0, Ok(Outcome::Returned(Values::new(&[2]))));
}
