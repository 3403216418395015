//! The builder of one function: instructions, labels, source lines, and branches that reach any label.

use alloc::vec::Vec;

use super::error::BuildError;
use super::sections::LineEntry;
use crate::func_type::FuncType;
use crate::isa::{Flow, Inst, Opcode, Operand, Role};

/// A branch target in a function. It belongs to the [`FunctionBuilder`] that made it; in another one it means the label
/// with the same number, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(u32);

/// Pairs of branches with opposite conditions.
const INVERSES: [(Opcode, Opcode); 8] = [
    (Opcode::JZ, Opcode::JNZ),
    (Opcode::JEQ, Opcode::JNE),
    (Opcode::JLT, Opcode::JGE),
    (Opcode::JLTU, Opcode::JGEU),
    (Opcode::JLTW, Opcode::JGEW),
    (Opcode::JEQI, Opcode::JNEI),
    (Opcode::JLTI, Opcode::JGEI),
    (Opcode::JLTUI, Opcode::JGEUI),
];

#[derive(Clone, Copy, Debug)]
enum Item {
    Inst(Inst),
    /// Any word, valid instruction or not.
    Word(u32),
    /// A branch to a label, whose displacement is not known yet.
    Branch {
        inst: Inst,
        label: Label,
        long: bool,
    },
    Bind(Label),
    Line {
        file: u32,
        line: u32,
    },
}

/// The code of one function under construction.
///
/// A branch that does not reach its label is replaced: by its inverse over a JMP; a LOOP by a LOOP over a JMP over a
/// JMP; a JN by a JGEI over a JMP. The choice of replaced branches depends only on the code.
#[derive(Clone, Debug)]
pub struct FunctionBuilder {
    pub(super) ty: FuncType,
    pub(super) locals: u16,
    items: Vec<Item>,
    labels: u32,
}

/// The words and source lines of a function. The entries' words count from the function's start.
#[derive(Clone, Debug, Default)]
pub(super) struct Assembled {
    pub(super) words: Vec<u32>,
    pub(super) lines: Vec<LineEntry>,
}

impl FunctionBuilder {
    /// Creates a function of this type without code and without locals.
    pub fn new(ty: FuncType) -> FunctionBuilder {
        FunctionBuilder { ty, locals: 0, items: Vec::new(), labels: 0 }
    }

    /// Sets the number of locals, 0–4,095.
    pub fn set_locals(&mut self, locals: u16) {
        self.locals = locals;
    }

    /// Creates a label that is not bound yet.
    pub fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }

    /// Binds a label to the next instruction.
    pub fn bind(&mut self, label: Label) {
        self.items.push(Item::Bind(label));
    }

    /// Creates a label and binds it to the next instruction.
    pub fn here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// Appends an instruction.
    pub fn push(&mut self, inst: Inst) {
        self.items.push(Item::Inst(inst));
    }

    /// Appends a word without checking it. (The verifier checks it.)
    pub fn word(&mut self, word: u32) {
        self.items.push(Item::Word(word));
    }

    /// Appends a branch to a label. The displacement in `inst` is ignored.
    pub fn branch(&mut self, inst: Inst, label: Label) {
        self.items.push(Item::Branch { inst, label, long: false });
    }

    /// Sets the source line (from 1; 0 for none) and source file of the instructions that follow.
    pub fn line(&mut self, file: u32, line: u32) {
        self.items.push(Item::Line { file, line });
    }

    /// Returns whether the function has no instruction yet.
    pub fn is_empty(&self) -> bool {
        self.items.iter().all(|item| item.words() == 0)
    }

    /// Returns the words and source lines of the function.
    pub(super) fn assemble(mut self) -> Result<Assembled, BuildError> {
        self.lengthen()?;
        let locations = self.locations(Item::words)?;
        let mut out = Assembled::default();
        let mut line = None;
        for item in &self.items {
            let word = out.words.len() as u32;
            match *item {
                Item::Bind(_) => {}
                Item::Line { file, line: number } => line = Some((file, number)),
                Item::Inst(inst) => out.words.push(inst.encode()),
                Item::Word(word) => out.words.push(word),
                Item::Branch { inst, label, long } => {
                    let target = i64::from(locations[label.0 as usize]);
                    emit_branch(&mut out.words, inst, target, long)?;
                }
            }
            let emitted = out.words.len() as u32 > word;
            let known = out.lines.last().map(|entry: &LineEntry| (entry.file, entry.line));
            if let Some((file, line)) = line
                && emitted
                && known != Some((file, line))
            {
                out.lines.push(LineEntry { word, file, line });
            }
        }
        Ok(out)
    }

    /// Makes branches long until all reach their labels. Code only grows, so this terminates. After `MAX_ROUNDS`
    /// rounds, it makes every branch long that would not reach if all were long, which bounds the number of further
    /// rounds.
    fn lengthen(&mut self) -> Result<(), BuildError> {
        const MAX_ROUNDS: u32 = 8;
        for round in 0..=MAX_ROUNDS {
            let size = if round < MAX_ROUNDS { Item::words } else { Item::max_words };
            let locations = self.locations(size)?;
            let (mut word, mut changed) = (0i64, false);
            for item in &mut self.items {
                let next = word + size(item);
                if let Item::Branch { inst, label, long: long @ false } = item
                    && inst.op().flow() == Flow::Branch
                {
                    let distance = i64::from(locations[label.0 as usize]) - next;
                    *long = !reaches(*inst, distance);
                    changed |= *long;
                }
                word = next;
            }
            if !changed {
                break;
            }
        }
        Ok(())
    }

    /// Returns the word index of every label, given the sizes of the items.
    fn locations(&self, size: fn(&Item) -> i64) -> Result<Vec<u32>, BuildError> {
        const UNBOUND: u32 = u32::MAX;
        let mut locations = alloc::vec![UNBOUND; self.labels as usize];
        let mut word = 0;
        for item in &self.items {
            if let Item::Bind(label) = item {
                let location = locations.get_mut(label.0 as usize).ok_or(BuildError::ForeignLabel)?;
                if *location != UNBOUND {
                    return Err(BuildError::LabelBoundTwice);
                }
                *location = word;
            }
            word += size(item) as u32;
        }
        let bound =
            |label: &Label| locations.get(label.0 as usize).is_some_and(|location| *location != UNBOUND);
        for item in &self.items {
            if let Item::Branch { label, .. } = item
                && !bound(label)
            {
                return Err(BuildError::LabelNotBound);
            }
        }
        Ok(locations)
    }
}

impl Item {
    fn words(&self) -> i64 {
        match self {
            Item::Bind(_) | Item::Line { .. } => 0,
            Item::Inst(_) | Item::Word(_) | Item::Branch { long: false, .. } => 1,
            Item::Branch { inst, long: true, .. } if inst.op() == Opcode::LOOP => 3,
            Item::Branch { long: true, .. } => 2,
        }
    }

    /// Returns the size of the item in words when its branch is long.
    fn max_words(&self) -> i64 {
        match *self {
            Item::Branch { inst, label, .. } => {
                Item::Branch { inst, label, long: inst.op().flow() == Flow::Branch }.words()
            }
            _ => self.words(),
        }
    }
}

fn target_operand(inst: Inst) -> Option<(usize, Operand)> {
    inst.op().operands().iter().copied().enumerate().find(|(_, operand)| operand.role == Role::Target)
}

fn reaches(inst: Inst, displacement: i64) -> bool {
    target_operand(inst).is_some_and(|(_, operand)| {
        i32::try_from(displacement).is_ok_and(|it| operand.role.accepts(operand.field, it))
    })
}

fn with_target(inst: Inst, displacement: i64) -> Result<u32, BuildError> {
    let (index, _) = target_operand(inst).ok_or(BuildError::NotABranch(inst.op()))?;
    Ok(inst.with(index, displacement)?.encode())
}

fn emit_branch(words: &mut Vec<u32>, inst: Inst, target: i64, long: bool) -> Result<(), BuildError> {
    if long {
        if inst.op() == Opcode::LOOP {
            words.push(with_target(inst, 1)?);
            words.push(Inst::jmp(1)?.encode());
        } else {
            words.push(with_target(inverse(inst)?, 1)?);
        }
        let displacement = target - (words.len() as i64 + 1);
        words.push(with_target(Inst::jmp(0)?, displacement)?);
    } else {
        let displacement = target - (words.len() as i64 + 1);
        words.push(with_target(inst, displacement)?);
    }
    Ok(())
}

/// Returns the branch with the opposite condition.
fn inverse(inst: Inst) -> Result<Inst, BuildError> {
    let values: Vec<i32> = inst.operands().map(|(_, value)| value).collect();
    if inst.op() == Opcode::JN {
        return Ok(Inst::new(Opcode::JGEI, &[values[0], 0, 0])?);
    }
    let op = INVERSES
        .iter()
        .find_map(|&(one, other)| match inst.op() {
            op if op == one => Some(other),
            op if op == other => Some(one),
            _ => None,
        })
        .ok_or(BuildError::NotABranch(inst.op()))?;
    Ok(Inst::new(op, &values)?)
}
