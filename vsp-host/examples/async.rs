//! Runs programs as futures: a host call is awaited, and fuel slices let other tasks run.
//!
//!     cargo run --example async
//!
//! The executor is a few lines here. Any other executor works too.

use std::cell::RefCell;
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use vsp_core::{Caller, FuelSlices, HostRequest, HostStop, Imports, Instance, Options, Outcome, Values};
use vsp_core::{program::Program, text, verify::Verified};

const SOURCE: &str = "
.import store.get (1) -> 1
.export total
.func total (1) -> 1            ; the sum of what is stored under n, n - 1, ... 1
    MOV     R1, R0
    JZ      R1, done
next:
    MOV     R0, R1
    SYSCALL store.get
    ADD     R2, R0
    LOOP    R1, next
done:
    MOV     R0, R2
    RET
.end
";

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    for line in run()? {
        println!("{line}");
    }
    Ok(())
}

/// Runs two calls on one thread and returns the events in their order.
pub(crate) fn run() -> Result<Vec<String>, Box<dyn Error>> {
    let bytes = text::assemble(SOURCE, "total.sil")?;
    let program = Verified::new(Program::read(&bytes[..])?)?;
    // The function never returns its result immediately: it is answered below.
    let mut imports = Imports::new();
    imports.define("store", "get", |_: &mut Caller<'_, ()>, _: u64| Err::<u64, _>(HostStop::Pending))?;

    let events = RefCell::new(Vec::new());
    let tasks = ["A", "B"].map(|name| {
        let (program, imports, events) = (&program, &imports, &events);
        Box::pin(async move {
            let total = total(program, imports, 3, |key| {
                events.borrow_mut().push(format!("{name} asks for {key}"));
                lookup(key)
            });
            let event = match total.await {
                Ok(total) => format!("{name} has the total {total}"),
                Err(error) => format!("{name} failed: {error}"),
            };
            events.borrow_mut().push(event);
        }) as Task<'_>
    });
    block_on_all(tasks.into());
    Ok(events.into_inner())
}

/// Calls `total` in an instance of its own; `lookup` is what `store.get` does.
async fn total<F: Future<Output = u64>>(
    program: &Verified<'_>,
    imports: &Imports<()>,
    n: u64,
    lookup: impl Fn(u64) -> F,
) -> Result<u64, Box<dyn Error>> {
    let options = Options { fuel: Some(1_000), ..Options::default() };
    let mut instance = Instance::new(program, imports, (), options)?;
    let function = program.export("total").ok_or("total is exported")?;
    let slices = FuelSlices { units: 1_000, count: 100 };
    let answer = |request: HostRequest<'_, ()>| {
        let answer = lookup(request.call.arguments[0]);
        async move { Ok(Values::new(&[answer.await])) }
    };
    match instance.call_async(function, &[n], slices, answer).await? {
        Outcome::Returned(results) => Ok(results[0]),
        Outcome::Trapped(trapped) => Err(instance.trap_report(&trapped).to_string().into()),
        other => Err(format!("the program did not return: {other:?}").into()),
    }
}

/// Returns ten times the key, after one turn of waiting. A server asks a database here.
async fn lookup(key: u64) -> u64 {
    let mut has_waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(10 * key);
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

type Task<'t> = Pin<Box<dyn Future<Output = ()> + 't>>;

/// Polls the tasks in turn until all are done.
fn block_on_all(mut tasks: Vec<Task<'_>>) {
    let mut context = Context::from_waker(Waker::noop());
    while !tasks.is_empty() {
        tasks.retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
    }
}
