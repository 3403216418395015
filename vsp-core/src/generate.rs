//! Random programs that verify, and plans of a host's actions on them: for comparing engines with each other.
//!
//! The generator follows the opcode table: an instruction that gets a row there is generated from then on. Its operands
//! are chosen by their roles, and its context by its flow. Some words of its meaning count as well: `N bits of M[` or
//! `binary32 at M[` give the width of an access, and an instruction that may `trap DivideByZero` mostly gets a divisor
//! other than zero.
//!
//! Programs have loops, calls, recursion and jumps to anywhere, so some of them never end: run them with fuel.
//!
//! ```
//! use vsp_core::generate::{Seed, Shape, generate};
//! use vsp_core::{program::Program, verify::Verified};
//!
//! let made = generate(&mut Seed::new(1), &Shape::default())?;
//! let program = Verified::new(Program::read(&made.bytes[..])?)?;
//! assert!(program.function(made.plan.calls[0].function).is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod body;
mod calls;
mod entropy;
mod flow;
mod mixed;
mod operands;
mod plan;
mod pointers;
mod probes;
mod reach;
mod spans;
mod values;
mod walks;

pub use entropy::{Bytes, Entropy, Seed};
pub use plan::{Call, Plan, Slice, Turn};

use alloc::format;
use alloc::vec::Vec;

use crate::index::FuncIndex;
use crate::isa::{Flow, Opcode};
use crate::limits::{MAX_PARAMS, MAX_RESULTS, MEMORY_PAGE, MIN_STACK_CELLS};
use crate::program::{BuildError, FuncType, ProgramBuilder};
use entropy::pick;

/// A host function that programs may call.
#[derive(Clone, Copy, Debug)]
pub struct HostImport<'a> {
    /// The module.
    pub module: &'a str,
    /// The name.
    pub name: &'a str,
    /// The type.
    pub ty: FuncType,
    /// Whether it is called rarely, because it ends the program.
    pub is_rare: bool,
}

/// The parameters of generation.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// The host functions that programs call.
    pub imports: &'a [HostImport<'a>],
    /// The largest number of functions, at least 1.
    pub functions: u32,
    /// About the largest number of statements of a function. (A statement is one to ten instructions, without nested
    /// statements.)
    pub statements: u32,
    /// Whether the host writes into frames of suspended programs. Then programs are suspended in loops, and have paths
    /// that only such a host opens.
    pub changed_frames: bool,
}

impl Default for Shape<'_> {
    fn default() -> Self {
        Shape { imports: &[], functions: 5, statements: 40, changed_frames: false }
    }
}

/// A program and a plan for it.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The bytes of the program, which verifies. Its functions are exported, as `f0`, `f1`, …
    pub bytes: Vec<u8>,
    /// The host's actions.
    pub plan: Plan,
}

/// Generates a program.
///
/// # Errors
/// The names of the imports are too long. (Everything else fits by construction.)
pub fn generate(entropy: &mut dyn Entropy, shape: &Shape<'_>) -> Result<Generated, BuildError> {
    let mut program = ProgramBuilder::new();
    for import in shape.imports {
        program.import(import.module, import.name, import.ty)?;
    }
    let memory = memory(entropy, &mut program)?;
    let (passive, maximum) = passive(entropy, &mut program, memory);
    let style = pick(entropy, STYLES).unwrap_or(Style::Mixed);
    let world = World {
        shape: *shape,
        opcodes: [
            Flow::Next,
            Flow::Branch,
            Flow::Stop,
            Flow::Call,
            Flow::TailCall,
            Flow::Suspend,
            Flow::Bulk,
        ]
        .map(with_flow),
        functions: match style {
            Style::Shots => functions(entropy, 2 + shape.functions, 2 * shape.functions),
            Style::Mixed | Style::Relays => functions(entropy, 1, shape.functions),
        },
        memory,
        maximum,
        passive,
        constants: 2 + entropy.below(10),
        globals: 2 + entropy.below(6),
        provokes_errors: style == Style::Shots || entropy.chance(1, 6),
        style,
        big: entropy.chance(1, 300),
    };
    for _ in 0..world.constants {
        let value = if entropy.bits(1) == 0 { values::integer(entropy) } else { values::float(entropy) };
        program.new_constant(value);
    }
    program.global(u64::from(entropy.below(40)));
    for _ in 1..world.globals {
        program.global(values::memory(entropy));
    }
    for ty in &world.functions {
        program.declare(*ty);
    }
    for (index, _) in world.functions.iter().enumerate() {
        let function = FuncIndex(index as u32);
        let body = body::body(entropy, &mut program, &world, function)?;
        program.define(function, body)?;
        let name = format!("f{index}");
        program.export(&name, function)?;
        program.name(crate::program::NameKind::Function, function.0, &name)?;
    }
    let plan = plan_for(entropy, &world);
    Ok(Generated { bytes: program.build()?, plan })
}

/// The global that holds the budget of constructs that would never end: recursion, and jumps to anywhere.
const BUDGET: u32 = 0;

/// Stack sizes in cells that overflow early, some in the first calls.
const STACKS: &[u32] = &[1 << 12, 1 << 13, 1_000, 90, 130, MIN_STACK_CELLS];

/// The style of the functions of a program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Mixed,
    /// Short functions that call others.
    Relays,
    /// Short functions that each try something that may be an error. The host calls many of them.
    Shots,
}

const STYLES: &[Style] = &[
    Style::Mixed,
    Style::Mixed,
    Style::Shots,
    Style::Mixed,
    Style::Mixed,
    Style::Shots,
    Style::Mixed,
    Style::Mixed,
    Style::Shots,
    Style::Relays,
    Style::Shots,
];

/// The entities that the instructions of a program can name.
struct World<'a> {
    shape: Shape<'a>,
    /// The opcodes that are generated in the same way.
    opcodes: [Vec<Opcode>; 7],
    functions: Vec<FuncType>,
    /// Bytes of memory.
    memory: u64,
    /// Bytes to which the memory can grow, if it can.
    maximum: Option<u64>,
    /// Number of passive segments. Without any, the memory cannot grow either.
    passive: u32,
    constants: u32,
    globals: u32,
    style: Style,
    /// Whether accesses beyond the edges of the memory, and other errors, are frequent.
    provokes_errors: bool,
    /// Whether the first function has very many blocks.
    big: bool,
}

impl World<'_> {
    /// Returns the supported opcodes of a flow. (A JMP, and a SWITCH with its JMPs, are parts of other constructs.)
    fn opcodes(&self, flow: Flow) -> &[Opcode] {
        let all = self.opcodes.iter().find(|all| all.first().is_some_and(|op| op.flow() == flow));
        all.map_or(&[], Vec::as_slice)
    }
}

fn with_flow(flow: Flow) -> Vec<Opcode> {
    Opcode::ALL.iter().copied().filter(|op| op.flow() == flow && op.is_supported()).collect()
}

/// Creates a memory with data in it, mostly at its beginning and its end. Returns its size.
fn memory(entropy: &mut dyn Entropy, program: &mut ProgramBuilder) -> Result<u64, BuildError> {
    let granules = pick(entropy, &[4, 16, 32, 1, 64, 17, 3, 300, 16, 8, 257, 4097]).unwrap_or(1);
    let size = granules * 16;
    program.memory(size);
    let (middle, end) = (size / 2, size - 16);
    for (address, room) in [(0, size / 4), (middle, (size / 4).min(end - middle.min(end))), (end, 16)] {
        let words = u64::from(entropy.below(12)).min(room / 8);
        let bytes: Vec<u8> = (0..words).flat_map(|_| values::memory(entropy).to_le_bytes()).collect();
        program.data(address as u32, bytes, None)?;
    }
    Ok(size)
}

/// Adds passive segments, and a maximum of the memory, in some programs. Returns their number and the maximum.
fn passive(entropy: &mut dyn Entropy, program: &mut ProgramBuilder, memory: u64) -> (u32, Option<u64>) {
    let count = pick(entropy, &[0, 1, 0, 2, 0, 3]).unwrap_or(0);
    for _ in 0..count {
        let words = entropy.below(12);
        program.passive((0..words).flat_map(|_| values::memory(entropy).to_le_bytes()).collect());
    }
    let room = pick(entropy, &[2, 1, 3, 0, 40]).filter(|_| count > 0).unwrap_or(0) * MEMORY_PAGE;
    let maximum = (room > 0).then(|| memory + room + 16 * u64::from(entropy.below(3)));
    if let Some(maximum) = maximum {
        program.memory_maximum(maximum);
    }
    (count, maximum)
}

/// Returns the types of the functions. Some are the same, so that an indirect call can choose.
fn functions(entropy: &mut dyn Entropy, least: u32, most: u32) -> Vec<FuncType> {
    let mut types: Vec<FuncType> = Vec::new();
    for _ in 0..least + entropy.below((most + 1).saturating_sub(least)) {
        let (params, results) = (entropy.below(1 + MAX_PARAMS as u32), entropy.below(1 + MAX_RESULTS as u32));
        let new = FuncType::new(params as usize, results as usize);
        let old = pick(entropy, &types).filter(|_| entropy.bits(1) == 1);
        // The same type, or one that differs in its results.
        let like = old.and_then(|old| FuncType::new(old.params(), results as usize));
        let like = if entropy.chance(1, 3) { like } else { old };
        let mut ty = like.or(new);
        let has_tag = ty.is_some_and(|ty| ty.tag() != 0);
        if entropy.chance(if has_tag { 4 } else { 1 }, 8) {
            // Tags in both parts of a row of the function table, of which two differ in one part only.
            let tag = pick(entropy, &[1, 511, 512, 4095]).map(|tag| match ty.map(FuncType::tag) {
                Some(511) => 4095,
                Some(4095) => 511,
                _ => tag,
            });
            ty = tag.and_then(|tag| ty?.with_tag(tag));
        }
        types.extend(ty);
    }
    types
}

fn plan_for(entropy: &mut dyn Entropy, world: &World<'_>) -> Plan {
    let mut calls = Vec::new();
    let count = match world.style {
        Style::Shots => world.functions.len() as u32 + 2,
        Style::Mixed | Style::Relays => pick(entropy, &[1, 1, 2, 3]).unwrap_or(1),
    };
    for number in 0..count {
        let count = world.functions.len() as u32;
        let function = match world.style {
            _ if number == 0 => 0,
            Style::Shots => number % count,
            Style::Mixed | Style::Relays => entropy.below(count),
        };
        let params = world.functions[function as usize].params();
        let argument = |_| match entropy.below(3) {
            0 => values::integer(entropy),
            1 => values::float(entropy),
            _ => entropy.bits(8),
        };
        calls.push(Call { function: FuncIndex(function), arguments: (0..params).map(argument).collect() });
    }
    let bigger = [world.memory + 16, world.memory * 2];
    let slices = match world.shape.changed_frames {
        true => &[Slice::Mixed, Slice::Mixed, Slice::Mixed, Slice::Small][..],
        false => &[Slice::Plenty, Slice::Small, Slice::Tiny, Slice::Large],
    };
    let seed = entropy.bits(64);
    // Enough different sizes that frames sometimes fit exactly.
    let stack_cells =
        pick(entropy, STACKS).filter(|_| entropy.chance(1, 2)).map(|cells| cells + (seed % 32) as u32);
    Plan {
        memory: pick(entropy, &bigger)
            .filter(|_| entropy.chance(1, 4))
            .filter(|size| world.maximum.is_none_or(|maximum| *size <= maximum)),
        stack_cells,
        calls,
        slice: pick(entropy, slices).unwrap_or(Slice::Plenty),
        interrupts: entropy.chance(1, 3),
        changed_frames: world.shape.changed_frames,
        seed,
        turns: 40,
    }
}
