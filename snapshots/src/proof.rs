//! A proof that machine code stays inside the memory that it is given, from the intermediate representation that the
//! compiler makes of a program. Two properties are proved of every function, for all values of registers, memory and
//! context:
//!
//! - *Bounds*: every access to the program's memory, including MEMCOPY, MEMFILL and MEMINIT, is inside it (if it can
//!   grow, inside what is reserved for it, and its size stays inside too); every access to globals is inside the
//!   globals, and every row read from the function table is inside the table.
//! - *Frame arithmetic*: the cells that a function stores are between the start of its frame and the end of the stack,
//!   and a callee gets a frame that fits after its caller's.
//!
//! Both are proved of the code that calls enter, and in tier 2 of the code for each loop where the interpreter can
//! enter: there the cells of the frame may hold any values. (Tier 1 relies on no values.)
//!
//! A function assumes what its callers prove: that its own frame fits. The entry assumes what the host guarantees about
//! the context ([`Context`](vsp_core::native::Context)): memory, globals, function table and cells of the sizes
//! recorded there.
//!
//! Each function becomes a formula over bit vectors (SMT-LIB 2.6, logic QF_BV). A block is reached only if one of its
//! predecessors is, and its branch is taken; a loop header only if its dominator is. The solver has to find that no
//! values make an access go wrong: `unsat`. Values that the formula does not model (products, loads, results of calls,
//! changes by loops) are unconstrained.
//!
//! Where several edges meet, the compiler gives ranges of some values ([`JoinRange`](vsp_core::jit::JoinRange)). The
//! formula assumes them there, and proves of every incoming edge that its values are in range, which for loops is
//! induction.

mod clif;
mod formula;
mod graph;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use vsp_core::analysis::{Graph, Signatures};
use vsp_core::index::{FuncIndex, Location};
use vsp_core::jit::{Arch, CompileOptions, Compiler, Listing, Region, Target, Tier};
use vsp_core::verify::Verified;

use formula::Formula;

/// The tactic: it substitutes definitions for values, eliminates those that nothing depends on, and then bit-blasts. It
/// gives up after a minute.
const TACTIC: &str =
    "(try-for (then simplify propagate-values solve-eqs elim-uncnstr simplify bit-blast sat) 60000)";

/// The size of the proof of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proved {
    /// Number of functions, entered by a call.
    pub functions: usize,
    /// Number of loop headers where a function is entered.
    pub loops: usize,
    /// Number of accesses and calls.
    pub claims: usize,
}

/// A running solver.
#[derive(Debug)]
pub struct Solver {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Solver {
    /// Starts z3, which has to be installed.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start() -> Result<Solver, String> {
        let started = Command::new("z3").arg("-in").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = started.map_err(|error| format!("z3 cannot be started: {error}"))?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("z3 has no pipes".into());
        };
        Ok(Solver { process, input, output: BufReader::new(output) })
    }

    /// Returns whether the formula and the assertion can hold together.
    fn is_satisfiable(&mut self, formula: &Formula<'_>, assertion: &str) -> Result<bool, String> {
        let broken = |error: std::io::Error| format!("the connection to z3 is broken: {error}");
        let text = format!("(reset)\n{}(assert {assertion})\n(check-sat-using {TACTIC})", formula.text);
        writeln!(self.input, "{text}").and_then(|()| self.input.flush()).map_err(broken)?;
        let mut answer = String::new();
        self.output.read_line(&mut answer).map_err(broken)?;
        match answer.trim() {
            "sat" => Ok(true),
            "unsat" => Ok(false),
            other => Err(format!("z3 says {other:?}")),
        }
    }

    /// Proves all functions of a program.
    ///
    /// # Errors
    /// The first claim that cannot be proved, with the function's name and the line of its representation.
    pub fn prove(&mut self, program: &Verified<'_>, options: CompileOptions) -> Result<Proved, String> {
        let mut compiler =
            Compiler::new(Target::new(Arch::X86_64), options).map_err(|error| error.to_string())?;
        let mut proved = Proved::default();
        for index in (0..program.functions().len() as u32).map(FuncIndex) {
            let listing = compiler.listing(program, index).map_err(|error| error.to_string())?;
            let Some(listing) = listing else { return Err(format!("there is no function {index}")) };
            proved.claims += self
                .prove_listing(program, index, &listing)
                .map_err(|error| format!("function {index}: {error}"))?;
            proved.functions += 1;
            let loops = match options.tier {
                Tier::One => Vec::new(),
                Tier::Two => loops(program, index)?,
            };
            for location in loops {
                let region =
                    Region::of_loop(program, location, u32::MAX).map_err(|error| error.to_string())?;
                let listing = compiler.loop_listing(program, &region).map_err(|error| error.to_string())?;
                let Some(listing) = listing else {
                    return Err(format!("{location} is not an entry of the region"));
                };
                proved.claims += self
                    .prove_listing(program, index, &listing)
                    .map_err(|error| format!("{location}, entered there: {error}"))?;
                proved.loops += 1;
            }
        }
        Ok(proved)
    }

    /// Proves the claims of one listing, and returns their number.
    fn prove_listing(
        &mut self,
        program: &Verified<'_>,
        index: FuncIndex,
        listing: &Listing,
    ) -> Result<usize, String> {
        let function = clif::parse(&listing.clif)?;
        let formula = Formula::new(&function, program, index, &listing.ranges)?;
        self.check(&formula)?;
        Ok(formula.claims.len())
    }

    fn check(&mut self, formula: &Formula<'_>) -> Result<(), String> {
        if formula.claims.is_empty() {
            return Ok(());
        }
        // If the function could not run at all, everything would be proved of it.
        if !self.is_satisfiable(formula, "true")? {
            return Err("the assumptions contradict each other".into());
        }
        let failures: String = formula.claims.iter().map(|claim| claim.failure.as_str()).collect();
        let all = self.is_satisfiable(formula, &format!("(or {failures})"));
        if all == Ok(false) {
            return Ok(());
        }
        for claim in &formula.claims {
            if self.is_satisfiable(formula, &claim.failure)? {
                return Err(format!("{}: {}", claim.fault, claim.line));
            }
        }
        match all {
            Ok(_) => Err("the claims fail together, but none fails alone".into()),
            // The solver gave up on the conjunction, but each claim is proved.
            Err(_) => Ok(()),
        }
    }
}

/// Returns the reachable loop headers of a function.
fn loops(program: &Verified<'_>, function: FuncIndex) -> Result<Vec<Location>, String> {
    let signatures = Signatures::new(program).map_err(|error| error.to_string())?;
    let graph = Graph::new(&signatures, function).map_err(|error| error.to_string())?;
    let order = graph.reverse_postorder().map_err(|error| error.to_string())?;
    let starts = order.into_iter().map(|block| graph.words(block).start);
    Ok(starts.filter(|word| graph.is_loop_head(*word)).map(|word| graph.location(word)).collect())
}

impl Drop for Solver {
    fn drop(&mut self) {
        // A process that is gone cannot be stopped.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
