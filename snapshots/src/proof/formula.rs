//! The claims about a function, as a formula.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::mem::{offset_of, size_of};

use rustc_apfloat::Float;
use rustc_apfloat::ieee::Double;
use vsp_core::index::FuncIndex;
use vsp_core::jit::JoinRange;
use vsp_core::native::{Context, TableEntry};
use vsp_core::verify::{FRAME_CELLS, Verified};

use super::clif::{Access, Block, Function, Inst, Scalar, Type};
use super::graph::{Edge, Graph};

/// The values and edges of a function, and the claims about it.
pub(super) struct Formula<'t> {
    /// Declarations and assertions.
    pub(super) text: String,
    pub(super) claims: Vec<Claim<'t>>,
    function: &'t Function<'t>,
    /// The instruction that defines each value.
    definitions: HashMap<&'t str, &'t Inst<'t>>,
    frames: Vec<u32>,
    /// The context, and the value of the number of cells left after the frame.
    context: &'t str,
    remaining: &'t str,
    /// Sizes of the globals, of the function table and of all passive segments, in bytes.
    globals: usize,
    table: usize,
    passive: usize,
    /// The size of the memory that the program asks for, and whether the memory can grow.
    minimum: u64,
    grows: bool,
}

/// A claim about an access or a call.
pub(super) struct Claim<'t> {
    pub(super) line: &'t str,
    /// The fault that the line has if the claim is wrong.
    pub(super) fault: String,
    /// The formula that holds if the claim is wrong.
    pub(super) failure: String,
}

/// Fields of the context that do not change while code runs, and their names in the formula. SIZE is the number of
/// bytes that the memory can grow to.
const FIELDS: [(usize, &str); 9] = [
    (offset_of!(Context, memory), "MEMORY"),
    (offset_of!(Context, memory_maximum), "SIZE"),
    (offset_of!(Context, passive), "PASSIVE"),
    (offset_of!(Context, globals), "GLOBALS"),
    (offset_of!(Context, cells_end), "CELLS_END"),
    (offset_of!(Context, cells), "CELLS"),
    (offset_of!(Context, interrupt), "INTERRUPT"),
    (offset_of!(Context, code), "CODE"),
    (offset_of!(Context, functions), "FUNCTIONS"),
];

/// Offset of the memory's size. It is SIZE if the memory cannot grow.
const MEMORY_SIZE: usize = offset_of!(Context, memory_size);

/// Fields that code may write, with their sizes.
const WRITABLE: [(usize, usize); 6] = [
    (MEMORY_SIZE, 8),
    (offset_of!(Context, fuel), 8),
    (offset_of!(Context, values), 64),
    (offset_of!(Context, value), 8),
    (offset_of!(Context, site), 8),
    (offset_of!(Context, frame), 8),
];

/// A block with more incoming edges is described by its dominator only, like a loop header: solvers are slow at long
/// disjunctions.
const MAX_EDGES: usize = 64;

type Done = Result<(), String>;

impl<'t> Formula<'t> {
    pub(super) fn new(
        function: &'t Function<'t>,
        program: &Verified<'_>,
        index: FuncIndex,
        ranges: &[JoinRange],
    ) -> Result<Formula<'t>, String> {
        let Some([context, remaining, ..]) = function.blocks.first().map(|block| &block.params[..]) else {
            return Err("the function has no context".into());
        };
        let insts = || function.blocks.iter().flat_map(|block| &block.insts);
        let made = |inst: &'t Inst<'t>| inst.results.iter().map(move |result| (*result, inst));
        let mut formula = Formula {
            text: String::new(),
            claims: Vec::new(),
            function,
            definitions: insts().flat_map(made).collect(),
            frames: program.functions().iter().map(|function| function.frame_cells()).collect(),
            context,
            remaining,
            globals: 8 * program.program().globals().len(),
            table: size_of::<TableEntry>() * program.functions().len(),
            passive: program.program().passive().map(<[u8]>::len).sum(),
            minimum: program.program().memory_minimum(),
            grows: program.program().memory_maximum() > program.program().memory_minimum(),
        };
        formula.assumptions(index)?;
        formula.edges(ranges);
        for block in &function.blocks {
            for inst in &block.insts {
                formula.inst(block.name, inst).map_err(|error| format!("{error}: {}", inst.line))?;
            }
        }
        Ok(formula)
    }

    fn push_line(&mut self, line: impl std::fmt::Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    /// Asserts what the host guarantees, and what callers have proved.
    fn assumptions(&mut self, index: FuncIndex) -> Done {
        for (value, ty) in &self.function.types {
            if let Some(bits) = width(*ty) {
                let _ = writeln!(self.text, "(declare-const {value} (_ BitVec {bits}))");
            }
        }
        for (_, name) in FIELDS {
            self.push_line(format_args!("(declare-const {name} (_ BitVec 64))"));
        }
        for block in &self.function.blocks {
            let _ = writeln!(self.text, "(declare-const {} Bool)", block.name);
        }
        let own = *self.frames.get(index.index()).ok_or("the program has no such function")?;
        let remaining = self.remaining;
        self.push_line(format_args!(
            "(assert (bvule {} SIZE))\n(assert (bvule SIZE {}))",
            number(self.minimum),
            number(1 << 32)
        ));
        self.push_line(format_args!("(assert (= (bvand SIZE {}) {}))", number(15), number(0)));
        self.push_line(format_args!("(assert (bvule CELLS {}))", number(1 << 28)));
        self.push_line(format_args!("(assert (bvsge {remaining} {}))", number(0)));
        self.push_line(format_args!(
            "(define-const OWN (_ BitVec 64) (bvadd {remaining} {}))",
            number(own.into())
        ));
        self.push_line("(assert (bvule OWN CELLS))");
        // From the frame's first cell to the end of the stack.
        self.push_line(format_args!("(define-const ROOM (_ BitVec 64) (bvshl OWN {}))", number(3)));
        self.push_line("(define-const FRAME (_ BitVec 64) (bvsub CELLS_END ROOM))");
        Ok(())
    }

    /// Asserts which blocks are reachable, along which edges, and with which arguments.
    fn edges(&mut self, ranges: &[JoinRange]) {
        let function = self.function;
        let graph = Graph::new(function);
        for range in ranges {
            self.induction(&graph, range);
        }
        self.sizes(&graph);
        for (position, &block) in graph.order.iter().enumerate() {
            let edges = &graph.edges[block];
            if position == 0 {
                continue;
            }
            let name = function.blocks[block].name;
            if edges.len() > MAX_EDGES || edges.iter().any(|edge| graph.position[edge.from] >= Some(position))
            {
                let dominator = function.blocks[graph.dominator[block]].name;
                self.push_line(format_args!("(assert (=> {name} {dominator}))"));
                continue;
            }
            let edges: Vec<String> = edges.iter().map(|edge| self.edge(edge, block)).collect();
            self.push_line(format_args!("(assert (=> {name} (or {})))", edges.join(" ")));
        }
        for (block, position) in graph.position.iter().enumerate() {
            if position.is_none() {
                self.push_line(format_args!("(assert (not {}))", function.blocks[block].name));
            }
        }
    }

    /// Asserts that values are sizes of the memory: those that were loaded from the context, because only sizes are
    /// stored there; and by induction parameters of blocks to which every edge brings a size.
    fn sizes(&mut self, graph: &Graph<'t>) {
        let function = self.function;
        let (mut sizes, mut loaded) = (HashSet::new(), Vec::new());
        for inst in function.blocks.iter().flat_map(|block| &block.insts) {
            let Some(access) = function.access(inst).filter(|access| self.is_memory_size(access)) else {
                continue;
            };
            match access.stored {
                Some(stored) => drop(sizes.insert(stored)),
                None => loaded.extend(&inst.results),
            }
        }
        sizes.extend(&loaded);
        let blocks = || function.blocks.iter().zip(&graph.edges).filter(|(_, edges)| !edges.is_empty());
        let mut params: HashSet<&str> = if self.grows {
            blocks().flat_map(|(block, _)| block.params.iter().copied()).collect()
        } else {
            HashSet::new()
        };
        loop {
            let is_size = |value: &str| sizes.contains(value) || params.contains(value);
            let others: HashSet<&str> = blocks()
                .flat_map(|(block, edges)| block.params.iter().enumerate().map(move |param| (param, edges)))
                .filter(|((index, param), edges)| {
                    params.contains(*param) && !edges.iter().all(|edge| is_size(edge.args[*index]))
                })
                .map(|((_, param), _)| *param)
                .collect();
            if others.is_empty() {
                break;
            }
            params.retain(|param| !others.contains(param));
        }
        for size in loaded.into_iter().chain(params) {
            let is_size = self.is_size(size);
            self.push_line(format_args!("(assert {is_size})"));
        }
    }

    /// Returns whether this is an access to the size of the memory in the context.
    fn is_memory_size(&self, access: &Access<'_>) -> bool {
        access.address == self.context && access.offset as usize == MEMORY_SIZE
    }

    /// Returns the condition that a value is a size that the memory can have.
    fn is_size(&self, value: &str) -> String {
        if !self.grows {
            return format!("(= {value} SIZE)");
        }
        let (minimum, low, zero) = (number(self.minimum), number(15), number(0));
        format!("(and (bvule {minimum} {value}) (bvule {value} SIZE) (= (bvand {value} {low}) {zero}))")
    }

    /// Asserts that a parameter of a block is in its range there, and claims that every edge brings a value in range.
    fn induction(&mut self, graph: &Graph<'t>, range: &JoinRange) {
        let function = self.function;
        let parameter = |block: &Block<'t>| {
            let index = block.params.iter().position(|param| *param == range.value)?;
            (block.name == range.block).then_some((index, block.params[index]))
        };
        let found = function.blocks.iter().enumerate();
        let Some((block, (index, param))) = found.filter_map(|(at, it)| Some((at, parameter(it)?))).next()
        else {
            // The value is the same on all edges, and is not a parameter.
            return;
        };
        let name = function.blocks[block].name;
        self.push_line(format_args!("(assert (=> {name} {}))", within(range, param)));
        for edge in &graph.edges[block] {
            let taken = self.taken(edge);
            let failure = format!("(and {taken} (not {}))", within(range, edge.args[index]));
            let last = function.blocks[edge.from].insts.last();
            let JoinRange { low, high, step, .. } = range;
            let fault = format!("{} may be outside of {low} to {high} by {step}", edge.args[index]);
            self.claims.push(Claim { line: last.map_or("", |inst| inst.line), fault, failure });
        }
    }

    /// Returns the condition that an edge is taken.
    fn taken(&self, edge: &Edge<'t>) -> String {
        let function = self.function;
        let mut all = function.blocks[edge.from].name.to_owned();
        if let Some((condition, taken)) = edge.condition
            && let Some(Scalar::Int(bits)) = function.type_of(condition)
        {
            let zero = format!("(= {condition} (_ bv0 {bits}))");
            all += &if taken { format!(" (not {zero})") } else { format!(" {zero}") };
        }
        format!("(and {all})")
    }

    fn edge(&self, edge: &Edge<'t>, to: usize) -> String {
        let function = self.function;
        let mut all = format!("(and {}", self.taken(edge));
        for (param, arg) in function.blocks[to].params.iter().zip(&edge.args) {
            if width(function.type_of(param)).is_some() {
                all += &format!(" (= {param} {arg})");
            }
        }
        all + ")"
    }

    fn inst(&mut self, block: &'t str, inst: &'t Inst<'t>) -> Done {
        if let Some(access) = self.function.access(inst) {
            return self.access(block, inst, &access);
        }
        match inst.op {
            op if op.contains("load") || op.contains("store") => Err("an access of unknown size".into()),
            "call" => self.call(block, inst),
            "call_indirect" => self.indirect(block, inst),
            _ => {
                if let ([result], Some(term)) = (&inst.results[..], self.term(inst)) {
                    self.push_line(format_args!("(assert (= {result} {term}))"));
                }
                self.division(inst);
                Ok(())
            }
        }
    }

    /// Asserts that quotients and remainders are at most the dividend, and that remainders are below a divisor that is
    /// not 0.
    fn division(&mut self, inst: &Inst<'t>) {
        let values: Vec<&str> = self.function.values(inst.rest).collect();
        if let ("urem" | "udiv", [result], [of, by]) = (inst.op, &inst.results[..], &values[..]) {
            self.push_line(format_args!("(assert (bvule {result} {of}))"));
            if inst.op == "urem" {
                self.push_line(format_args!(
                    "(assert (=> (distinct {by} (bvsub {by} {by})) (bvult {result} {by})))"
                ));
            }
        }
    }

    /// Returns the term that a pure instruction computes, or `None` if the result is unconstrained.
    fn term(&self, inst: &Inst<'t>) -> Option<String> {
        let bits_of = |value| width(self.function.type_of(value));
        let bits = bits_of(inst.results.first()?)?;
        let values: Vec<&str> = self.function.values(inst.rest).collect();
        let widths = values.iter().map(|value| bits_of(value)).collect::<Option<Vec<u32>>>()?;
        let binary = |name: &str| Some(format!("({name} {} {})", values.first()?, values.get(1)?));
        let shift = |name: &str| {
            let same = widths.get(1)? == &bits;
            same.then(|| format!("({name} {} (bvand {} (_ bv{} {bits})))", values[0], values[1], bits - 1))
        };
        match inst.op {
            "iconst" => Some(format!("(_ bv{} {bits})", constant(inst.rest)? & (u64::MAX >> (64 - bits)))),
            "f64const" => binary64(inst.rest).map(number),
            "bitcast" if widths.first()? == &bits => values.first().map(|value| (*value).to_owned()),
            // A test for NaN.
            "fcmp"
                if inst.rest.starts_with("uno") && values.first()? == values.get(1)? && widths[0] == 64 =>
            {
                let magnitude = format!("(bvand {} {})", values[0], number(u64::MAX >> 1));
                let infinity = number(f64::INFINITY.to_bits());
                Some(format!("(ite (bvugt {magnitude} {infinity}) (_ bv1 8) (_ bv0 8))"))
            }
            "iadd" => binary("bvadd"),
            "isub" => binary("bvsub"),
            "umin" => Some(format!("(ite (bvult {0} {1}) {0} {1})", values.first()?, values.get(1)?)),
            "umax" => Some(format!("(ite (bvult {0} {1}) {1} {0})", values.first()?, values.get(1)?)),
            "band" => binary("bvand"),
            "bor" => binary("bvor"),
            "bxor" => binary("bvxor"),
            "urem" if self.is_at_entry(inst) => {
                let divisor = self.constant(values.get(1)?).filter(|divisor| *divisor != 0)?;
                Some(remainder(values[0], divisor))
            }
            "ishl" => shift("bvshl"),
            "ushr" => shift("bvlshr"),
            "uextend" => Some(format!("((_ zero_extend {}) {})", bits - widths.first()?, values[0])),
            "sextend" => Some(format!("((_ sign_extend {}) {})", bits - widths.first()?, values[0])),
            "ireduce" => Some(format!("((_ extract {} 0) {})", bits - 1, values.first()?)),
            "select" => Some(format!(
                "(ite (= {} (_ bv0 {})) {} {})",
                values.first()?,
                widths.first()?,
                values.get(2)?,
                values.get(1)?
            )),
            "icmp" => {
                let holds = match inst.rest.split_whitespace().next()? {
                    "eq" => binary("="),
                    "ne" => binary("distinct"),
                    "ult" => binary("bvult"),
                    "ule" => binary("bvule"),
                    "ugt" => binary("bvugt"),
                    "uge" => binary("bvuge"),
                    "slt" => binary("bvslt"),
                    "sle" => binary("bvsle"),
                    "sgt" => binary("bvsgt"),
                    "sge" => binary("bvsge"),
                    _ => None,
                }?;
                Some(format!("(ite {holds} (_ bv1 8) (_ bv0 8))"))
            }
            _ => None,
        }
    }

    /// Returns whether an instruction is in the first block, where loop entries compare the frame with ranges.
    /// Elsewhere solvers take long for remainders, and nothing depends on them.
    fn is_at_entry(&self, inst: &Inst<'_>) -> bool {
        self.function.blocks.first().is_some_and(|block| block.insts.iter().any(|it| it.line == inst.line))
    }

    /// Returns the constant that a value is.
    fn constant(&self, value: &str) -> Option<u64> {
        let inst = self.definitions.get(value).filter(|inst| inst.op == "iconst")?;
        constant(inst.rest)
    }

    fn claim(&mut self, block: &str, inst: &'t Inst<'t>, holds: &str) {
        let failure = format!("(and {block} (not {holds}))");
        self.claims.push(Claim { line: inst.line, fault: "this may be outside".into(), failure });
    }

    fn access(&mut self, block: &str, inst: &'t Inst<'t>, access: &Access<'t>) -> Done {
        let Access { region, stored, address, offset, bytes } = *access;
        let bytes = u64::from(bytes);
        if address == self.context {
            return self.context_access(block, inst, access);
        }
        let at = format!("(bvadd {address} {})", number(offset as u64));
        let inside = |start: &str, room: String| {
            format!("(bvule (bvsub {at} {start}) (bvsub {room} {}))", number(bytes))
        };
        let globals = self.globals as u64;
        let holds = match region {
            Some("region0") => inside("MEMORY", "SIZE".into()),
            Some("region1") if bytes <= globals => inside("GLOBALS", number(globals)),
            Some("region2") if stored.is_none() => {
                self.table_row(inst, offset);
                inside("FUNCTIONS", number(self.table as u64))
            }
            Some("region3") => inside("FRAME", "ROOM".into()),
            None if inst.op == "atomic_load" => format!("(= {at} INTERRUPT)"),
            _ => return Err("an access to memory that is not given".into()),
        };
        self.claim(block, inst, &holds);
        if let (true, [result]) = (inst.op.starts_with("uload"), &inst.results[..]) {
            // The result is zero-extended.
            self.push_line(format_args!("(assert (bvule {result} {}))", number((1 << (8 * bytes)) - 1)));
        }
        Ok(())
    }

    fn context_access(&mut self, block: &str, inst: &'t Inst<'t>, access: &Access<'t>) -> Done {
        let (offset, bytes) = (access.offset as usize, access.bytes as usize);
        let is_in = |(start, size): &(usize, usize)| offset >= *start && offset + bytes <= start + size;
        let fits = match access.stored {
            Some(_) => WRITABLE.iter().any(is_in),
            None => is_in(&(0, size_of::<Context>())),
        };
        if !fits {
            return Err("an access outside the context".into());
        }
        if let Some(stored) = access.stored.filter(|_| offset == MEMORY_SIZE) {
            let holds = self.is_size(stored);
            self.claim(block, inst, &holds);
        }
        if let (None, Some((_, name))) = (access.stored, FIELDS.iter().find(|field| field.0 == offset)) {
            if bytes != 8 {
                return Err("a partial access to a field".into());
            }
            self.push_line(format_args!("(assert (= {} {name}))", inst.results[0]));
        }
        Ok(())
    }

    /// Asserts the invariants of a row of the function table.
    fn table_row(&mut self, inst: &Inst<'t>, offset: i64) {
        if offset == offset_of!(TableEntry, cells) as i64 {
            let (cells, least) = (inst.results[0], u64::from(FRAME_CELLS));
            let frame = frame_of_row(cells);
            self.push_line(format_args!("(assert (bvule {} {frame}))", number(least)));
            self.push_line(format_args!("(assert (bvule {cells} {}))", number(0xFFFF)));
        }
    }

    fn call(&mut self, block: &str, inst: &'t Inst<'t>) -> Done {
        let args: Vec<&str> = self.function.values(inst.rest).collect();
        let callee = self.function.callee(inst).and_then(|number| self.frames.get(number as usize));
        let (Some(&frame), [context, remaining, ..]) = (callee, &args[..]) else {
            return Err("a call of an unknown function".into());
        };
        self.frame_fits(block, inst, (context, remaining), &number(frame.into()))
    }

    /// Claims that a callee's frame fits after that of the function.
    fn frame_fits(
        &mut self,
        block: &str,
        inst: &'t Inst<'t>,
        (context, remaining): (&str, &str),
        frame: &str,
    ) -> Done {
        if context != self.context {
            return Err("a call with another context".into());
        }
        let holds = format!(
            "(and (bvsge {remaining} {}) (bvule (bvadd {remaining} {frame}) {}))",
            number(0),
            self.remaining
        );
        self.claim(block, inst, &holds);
        Ok(())
    }

    fn indirect(&mut self, block: &str, inst: &'t Inst<'t>) -> Done {
        let values: Vec<&str> = self.function.values(inst.rest).collect();
        let Some((callee, args)) = values.split_first() else { return Err("a call without a callee".into()) };
        let Some(field) = self.field(callee) else { return self.through_table(block, inst, callee, args) };
        if field == offset_of!(Context, host_call) {
            return if args.first() == Some(&self.context) {
                Ok(())
            } else {
                Err("a call with another context".into())
            };
        }
        let range = |at: &str, length: &str, start: &str, room: &str| {
            format!("(and (bvule {length} {room}) (bvule (bvsub {at} {start}) (bvsub {room} {length})))")
        };
        let holds = match *args {
            [to, from, length] if field == offset_of!(Context, copy) => {
                let [to, from_memory] = [to, from].map(|at| range(at, length, "MEMORY", "SIZE"));
                let from_passive = range(from, length, "PASSIVE", &number(self.passive as u64));
                format!("(and {to} (or {from_memory} {from_passive}))")
            }
            [to, _, length] if field == offset_of!(Context, fill) => {
                let (memory, frame) =
                    (range(to, length, "MEMORY", "SIZE"), range(to, length, "FRAME", "ROOM"));
                format!("(or {memory} {frame})")
            }
            _ if field == offset_of!(Context, math) => return Ok(()),
            _ => return Err("a call through an unknown field".into()),
        };
        self.claim(block, inst, &holds);
        Ok(())
    }

    /// Returns the field of the context that a value was loaded from.
    fn field(&self, value: &str) -> Option<usize> {
        let inst = self.definitions.get(value)?;
        let access = self.function.access(inst)?;
        (access.address == self.context && access.stored.is_none()).then_some(access.offset as usize)
    }

    /// Checks a call of the code's address plus the offset in a row of the table, whose frame has the cells of that
    /// row.
    fn through_table(&mut self, block: &str, inst: &'t Inst<'t>, callee: &str, args: &[&'t str]) -> Done {
        let made = |value: &str, op: &str| self.definitions.get(value).filter(|inst| inst.op == op).copied();
        let (Some(sum), [context, remaining, ..]) = (made(callee, "iadd"), args) else {
            return Err("a call of an unknown address".into());
        };
        let parts: Vec<&str> = self.function.values(sum.rest).collect();
        let [code, offset] = parts[..] else { return Err("a sum of one operand".into()) };
        let row = made(offset, "uload32").and_then(|load| self.function.access(load));
        let Some(row) = row.filter(|_| self.field(code) == Some(offset_of!(Context, code))) else {
            return Err("a call of an address that is not in the table".into());
        };
        let is_cells = |access: &Access<'_>| {
            access.address == row.address && access.offset == offset_of!(TableEntry, cells) as i64
        };
        let cells = self.definitions.iter().find_map(|(value, inst)| {
            self.function.access(inst).filter(|access| access.stored.is_none() && is_cells(access))?;
            Some((*value).to_owned())
        });
        let Some(cells) = cells else {
            return Err("a call that does not check the size of the frame".into());
        };
        self.frame_fits(block, inst, (context, remaining), &frame_of_row(&cells))
    }
}

/// Returns the size of the frame in a row of the function table. The upper three bits belong to the type.
fn frame_of_row(cells: &str) -> String {
    format!("(bvand {cells} {})", number(0x1FFF))
}

/// Returns the width of a value that is a bit vector in the formula: an integer, or a binary64.
fn width(ty: Type) -> Option<u32> {
    match ty? {
        Scalar::Int(bits) | Scalar::Float(bits @ 64) => Some(bits),
        Scalar::Float(_) | Scalar::Vector(_) => None,
    }
}

/// Parses a binary64 constant as Cranelift writes it: a NaN with a payload is `-NaN:0x1`, or `+sNaN:0x1`.
fn binary64(text: &str) -> Option<u64> {
    let text = text.split_whitespace().next()?;
    if let Some((kind, payload)) = text.split_once(":0x") {
        let payload = u64::from_str_radix(payload, 16).ok()?;
        let (sign, quiet) = (u64::from(kind.starts_with('-')) << 63, u64::from(kind.ends_with("sNaN")) ^ 1);
        return Some(sign | 0x7FF << 52 | quiet << 51 | payload);
    }
    let parsed: Double = text.strip_prefix('+').unwrap_or(text).parse().ok()?;
    u64::try_from(parsed.to_bits()).ok()
}

/// A range of at most this many numbers is asserted by listing them, at which solvers are better than at remainders.
const MAX_LISTED: u64 = 64;

/// Returns the condition that a value is one of the numbers of a range.
fn within(range: &JoinRange, value: &str) -> String {
    let JoinRange { low, high, step, .. } = *range;
    let apart = step.max(1);
    if (high - low) / apart < MAX_LISTED {
        let listed = (low..=high).step_by(apart as usize).map(|it| format!(" (= {value} {})", number(it)));
        return format!("(or{})", listed.collect::<String>());
    }
    let (low, high) = (number(low), number(high));
    let mut all = format!("(bvule {low} {value}) (bvule {value} {high})");
    if apart > 1 {
        let rest = remainder(&format!("(bvsub {value} {low})"), apart);
        all += &format!(" (= {rest} {})", number(0));
    }
    format!("(and {all})")
}

/// Returns the remainder of a division by a constant other than 0. Solvers are better at masks.
fn remainder(value: &str, divisor: u64) -> String {
    match divisor.is_power_of_two() {
        true => format!("(bvand {value} {})", number(divisor - 1)),
        false => format!("(bvurem {value} {})", number(divisor)),
    }
}

/// Returns a number of 64 bits.
fn number(value: u64) -> String {
    format!("(_ bv{value} 64)")
}

/// Parses a constant as Cranelift writes it: `-1`, `0x0003_0000_0001`.
fn constant(text: &str) -> Option<u64> {
    let digits = text.split_whitespace().next()?.replace('_', "");
    match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => digits.parse::<i64>().map(|value| value as u64).or_else(|_| digits.parse()).ok(),
    }
}
