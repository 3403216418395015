//! The second pass of the assembler: the bodies of the functions.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::declare::{Body, Declared, LineSource};
use super::diagnostic::{Diagnostics, Problem};
use super::expression::{Number, Tokens, too_wide};
use super::lexer::{Kind, Line, Token};
use super::memory;
use super::names::{Simple, Unused};
use super::shorthand::{self, Change};
use crate::Excerpt;
use crate::isa::{EncodeError, Inst, MathFn, Opcode, Operand, Role, StateReg};
use crate::limits::Limits;
use crate::program::{FunctionBuilder, Label, ProgramBuilder};

/// Assembles the bodies of all functions.
pub(super) fn assemble(declared: Declared<'_>, diagnostics: &mut Diagnostics<'_>) -> ProgramBuilder {
    let mut declared = declared;
    for body in core::mem::take(&mut declared.bodies) {
        if diagnostics.is_full() {
            break;
        }
        let mut assembler = BodyAssembler {
            code: FunctionBuilder::new(body.ty),
            declared: &mut declared,
            labels: BTreeMap::new(),
            file: 0,
        };
        assembler.body(&body, diagnostics);
        let code = assembler.code;
        if let Err(error) = declared.builder.define(body.function, code) {
            diagnostics.report(Problem::new(body.head, format!("{error}")));
        }
    }
    diagnostics.report_unused(declared.unused());
    declared.builder
}

/// A label of the function: where it is bound, and its first use.
struct LabelUse {
    label: Label,
    bound: Option<Range<usize>>,
    first_use: Option<Range<usize>>,
}

struct BodyAssembler<'d, 't> {
    code: FunctionBuilder,
    declared: &'d mut Declared<'t>,
    labels: BTreeMap<String, LabelUse>,
    /// The source file of a `.line` directive that does not name one.
    file: u32,
}

impl BodyAssembler<'_, '_> {
    fn body(&mut self, body: &Body<'_>, diagnostics: &mut Diagnostics<'_>) {
        let mut failed = false;
        for line in &body.lines {
            if diagnostics.is_full() {
                return;
            }
            match self.line(line) {
                // The error that ended the tokens of this line was already reported.
                _ if line.problem.is_some() => failed = true,
                Ok(()) => {}
                Err(problem) => {
                    diagnostics.report(problem);
                    failed = true;
                }
            }
        }
        if self.code.is_empty() && !failed {
            diagnostics.report(Problem::new(body.head.clone(), "a function needs at least one instruction"));
        }
        self.report_missing_labels(diagnostics);
        let unused = self.labels.values().filter(|label| label.first_use.is_none());
        diagnostics.report_unused(
            unused.filter_map(|label| Some(Unused { what: "label", span: label.bound.clone()? })),
        );
    }

    fn report_missing_labels(&self, diagnostics: &mut Diagnostics<'_>) {
        let bound =
            || self.labels.iter().filter(|(_, label)| label.bound.is_some()).map(|(name, _)| name.as_str());
        let mut missing: Vec<(&Range<usize>, &str)> = self
            .labels
            .iter()
            .filter(|(_, label)| label.bound.is_none())
            .filter_map(|(name, label)| Some((label.first_use.as_ref()?, name.as_str())))
            .collect();
        missing.sort_by_key(|(span, _)| span.start);
        for (span, name) in missing {
            if diagnostics.is_full() {
                return;
            }
            let problem =
                Problem::new(span.clone(), format!("there is no label `{}` in this function", Excerpt(name)));
            diagnostics.report(problem.did_you_mean(name, bound()));
        }
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), Problem> {
        let mut rest = Tokens::new(&line.tokens, line.end);
        while let [name, colon, ..] = rest.ahead()
            && colon.is(':')
        {
            self.bind(name)?;
            rest.next();
            rest.next();
        }
        let Some(first) = rest.next() else { return Ok(()) };
        match &first.kind {
            Kind::Directive(name) => {
                self.directive(name, &first.span, &mut rest)?;
                rest.finish()
            }
            Kind::Word(mnemonic) => {
                if let LineSource::Text(file) = self.declared.line_source {
                    self.code.line(file, line.number);
                }
                self.instruction(mnemonic, &first.span, rest)
            }
            Kind::Mark('.') => Err(Problem::new(first.span.clone(), "a directive must be on its own line")),
            _ => Err(Problem::new(first.span.clone(), "expected an instruction, a label or a directive")),
        }
    }

    fn bind(&mut self, name: &Token<'_>) -> Result<(), Problem> {
        let text = Tokens::new(core::slice::from_ref(name), name.span.end).name("the name of a label")?;
        let entry = self.label(&text);
        if entry.bound.replace(name.span.clone()).is_some() {
            let message = format!("label `{}` is already defined in this function", Excerpt(&text));
            return Err(Problem::new(name.span.clone(), message));
        }
        let label = entry.label;
        self.code.bind(label);
        Ok(())
    }

    fn label(&mut self, name: &str) -> &mut LabelUse {
        let code = &mut self.code;
        self.labels.entry(name.into()).or_insert_with(|| LabelUse {
            label: code.label(),
            bound: None,
            first_use: None,
        })
    }

    fn directive(
        &mut self,
        name: &str,
        span: &Range<usize>,
        rest: &mut Tokens<'_, '_>,
    ) -> Result<(), Problem> {
        match name {
            "locals" => {
                let most = i128::from(Limits::DEFAULT.locals);
                let count = rest.integer(&self.declared.values, 0..=most, "number of locals")?;
                self.code.set_locals(count as u16);
                Ok(())
            }
            "word" => {
                let word = rest.integer(&self.declared.values, 0..=i128::from(u32::MAX), "word")?;
                self.code.word(word as u32);
                Ok(())
            }
            "line" => self.line_directive(rest),
            _ => {
                Err(Problem::new(span.clone(), format!("`.{}` is not allowed in a function", Excerpt(name)))
                    .with_hint(
                        "a function can contain .locals, .line, .word and .end; is an `.end` missing?",
                    ))
            }
        }
    }

    /// Reads `.line 12`, `.line "file" 12` or `.line $3 12`.
    fn line_directive(&mut self, rest: &mut Tokens<'_, '_>) -> Result<(), Problem> {
        let span = rest.span();
        if let Some(Kind::Index(file)) = rest.peek().map(|token| &token.kind) {
            self.file = *file;
            rest.next();
        } else if let Some(file) = rest.accept_name() {
            let known = self.declared.builder.source_file(&file);
            self.file = known.map_err(|error| Problem::new(span.clone(), format!("{error}")))?;
        }
        let line = rest.integer(&self.declared.values, 0..=i128::from(u32::MAX), "line")? as u32;
        if self.declared.line_source != LineSource::Directives {
            return Ok(());
        }
        let files = self.declared.builder.source_file_count();
        if self.file as usize >= files {
            let message = format!("source file ${} does not exist: there are {files}", self.file);
            return Err(Problem::new(span, message).with_hint("`.file \"NAME\"` defines the next one"));
        }
        self.code.line(self.file, line);
        Ok(())
    }

    fn instruction(
        &mut self,
        mnemonic: &str,
        span: &Range<usize>,
        rest: Tokens<'_, '_>,
    ) -> Result<(), Problem> {
        let Some((op, change)) = shorthand::resolve(mnemonic) else {
            let problem =
                Problem::new(span.clone(), format!("there is no instruction `{}`", Excerpt(mnemonic)));
            return Err(problem.did_you_mean(mnemonic, shorthand::mnemonics().map(|(name, _)| name)));
        };
        let at = rest.clone();
        let mut operands = split(rest)?;
        if let ([], Opcode::HLT) = (operands.as_slice(), op) {
            self.code.push(encoded(Inst::new(op, &[0]), span)?);
            return Ok(());
        }
        self.declared.calls_numbers |= op.operands().iter().any(|operand| operand.role == Role::Type);
        let op = self.widen(op, &operands)?;
        let groups = groups(op);
        if operands.len() + 1 == groups.len() && has_two_operand_form(op) {
            operands.insert(0, operands[0].clone());
        }
        if let (Change::Swap(first), true) = (change, operands.len() == groups.len()) {
            operands.swap(first, first + 1);
        }
        let least = groups.len() - usize::from(op == Opcode::FMATH);
        if operands.len() < least || operands.len() > groups.len() {
            return Err(wrong_count(op, mnemonic, &operands, at));
        }
        self.operands(op, &groups, operands, change, span)
    }

    /// Returns the indexed form of a load or store, if its memory operand has an index.
    fn widen(&self, op: Opcode, operands: &[Tokens<'_, '_>]) -> Result<Opcode, Problem> {
        let roles = || op.operands().iter().map(|operand| operand.role);
        if !roles().any(|role| role == Role::Base) || roles().any(|role| role.index_scale().is_some()) {
            return Ok(op);
        }
        for operand in operands.iter().filter(|operand| operand.peek().is_some_and(|token| token.is('['))) {
            if memory::parse(operand.clone(), &self.declared.values)?.index.is_some() {
                let indexed = format!("{}X", op.mnemonic());
                return Ok(shorthand::resolve(&indexed).map_or(op, |(indexed, _)| indexed));
            }
        }
        Ok(op)
    }

    fn operands(
        &mut self,
        op: Opcode,
        groups: &[&'static [Operand]],
        operands: Vec<Tokens<'_, '_>>,
        change: Change,
        span: &Range<usize>,
    ) -> Result<(), Problem> {
        let mut values = Vec::new();
        let (mut target, mut constant) = (None, None);
        let last = operands.len().checked_sub(1);
        for (index, (group, mut operand)) in groups.iter().zip(operands).enumerate() {
            let at = operand.span();
            let role = group[0].role;
            if role == Role::Target {
                target = Some(self.target(&mut operand)?);
                values.push((0, at));
            } else if role == Role::Base {
                self.memory_values(op, group, &operand, &mut values)?;
                continue;
            } else if op == Opcode::MOVI && role == Role::S {
                match self.movable(&mut operand)? {
                    Movable::Immediate(value) => values.push((value, at)),
                    Movable::Constant(index) => constant = Some(index),
                }
            } else {
                let mut whole = operand.clone();
                let mut value = self.value(role, &mut operand).map_err(|problem| {
                    let is_number = change == Change::None && whole.number(&self.declared.values).is_ok();
                    match shorthand::immediate_form(op, index).filter(|_| is_number) {
                        Some(name) => problem.with_hint(format!("{name} takes a number here")),
                        None => problem,
                    }
                })?;
                if (change, Some(index)) == (Change::NegateLast, last) {
                    value = -value;
                }
                values.push((value, at));
            }
            operand.finish_part()?;
        }
        if let Some(constant) = constant {
            let inst = Inst::new(Opcode::CONST, &[values[0].0 as i32, constant as i32]);
            self.code.push(encoded(inst, span)?);
            return Ok(());
        }
        let inst = checked(op, &values, span).map_err(|problem| match change {
            Change::NegateLast => {
                problem.with_hint(format!("it is assembled as {} with the negated number", op.mnemonic()))
            }
            Change::None | Change::Swap(_) => problem,
        })?;
        if let (Opcode::GETGX | Opcode::SETGX, Some(first)) = (op, inst.value_of(Role::Global)) {
            self.declared.globals.use_from(first as u32);
        }
        match target {
            Some(label) => self.code.branch(inst, label),
            None => self.code.push(inst),
        }
        Ok(())
    }

    fn target(&mut self, operand: &mut Tokens<'_, '_>) -> Result<Label, Problem> {
        let span = operand.span();
        let name = operand.name("a label")?;
        let entry = self.label(&name);
        entry.first_use.get_or_insert(span);
        Ok(entry.label)
    }

    /// Reads the value of an operand that is neither a branch target nor part of a memory operand.
    fn value(&mut self, role: Role, operand: &mut Tokens<'_, '_>) -> Result<i128, Problem> {
        if role.register_access().is_some() {
            return match operand.peek().and_then(Token::register) {
                Some(reg) => {
                    operand.next();
                    Ok(reg.index() as i128)
                }
                None => Err(operand.expected("a register, R0 to RF")),
            };
        }
        if role.state_access().is_some() {
            let name = operand.clone().accept_name();
            return match name.and_then(|name| StateReg::parse(&name)) {
                Some(reg) => {
                    operand.next();
                    Ok(reg.index() as i128)
                }
                None => Err(operand.expected("a state register, S0 to SF")),
            };
        }
        let by_number = matches!(role, Role::Func | Role::Import | Role::Const | Role::Local | Role::Global)
            || role == Role::Segment;
        if let (true, Some(Token { kind: Kind::Index(index), .. })) = (by_number, operand.peek()) {
            operand.next();
            self.count_number(role, *index);
            return Ok(i128::from(*index));
        }
        match role {
            Role::Func => named(operand, &self.declared.functions, "function").map(|it| i128::from(it.0)),
            Role::Import => self.import(operand),
            Role::Const => self.constant(operand),
            Role::Global => named(operand, &self.declared.globals, "global").map(|it| i128::from(it.0)),
            Role::Segment => {
                named(operand, &self.declared.passive, "passive segment").map(|it| i128::from(it.0))
            }
            Role::Type if operand.peek().is_some_and(|token| token.is('(')) => {
                operand.func_type().map(|ty| i128::from(ty.bits()))
            }
            Role::Math => self.math(operand),
            _ => operand.integer(&self.declared.values, i128::MIN..=i128::MAX, role.describe()),
        }
    }

    /// Counts the item of this kind with this index as used.
    fn count_number(&mut self, role: Role, number: u32) {
        match role {
            Role::Func => self.declared.functions.use_number(number),
            Role::Import => self.declared.imports.use_number(number),
            Role::Const => self.declared.constants.use_number(number),
            Role::Global => self.declared.globals.use_number(number),
            Role::Segment => self.declared.passive.use_number(number),
            _ => {}
        }
    }

    fn import(&self, operand: &mut Tokens<'_, '_>) -> Result<i128, Problem> {
        let span = operand.span();
        let module = operand.name("an import, MODULE.NAME")?.into_owned();
        operand.expect('.')?;
        let name = operand.name("the name of an import")?.into_owned();
        let key = (module, name);
        match self.declared.imports.get(&key) {
            Some(import) => Ok(i128::from(import.0)),
            None => {
                let full = |(module, name): &(String, String)| format!("{module}.{name}");
                let known: Vec<String> = self.declared.imports.keys().map(full).collect();
                let name = full(&key);
                Err(Problem::new(span, format!("there is no import `{}`", Excerpt(&name)))
                    .did_you_mean(&name, known.iter().map(String::as_str)))
            }
        }
    }

    /// Reads a named constant, or adds a value to the constant pool.
    fn constant(&mut self, operand: &mut Tokens<'_, '_>) -> Result<i128, Problem> {
        if let Some(index) = self.named_constant(operand) {
            return Ok(i128::from(index));
        }
        let (_, bits) = operand.register_value(&self.declared.values)?;
        Ok(i128::from(self.declared.builder.constant(bits).0))
    }

    fn named_constant(&self, operand: &mut Tokens<'_, '_>) -> Option<u32> {
        let mut ahead = operand.clone();
        let name = ahead.accept_name()?;
        let index = self.declared.constants.get(&*name)?;
        *operand = ahead;
        Some(index.0)
    }

    /// Reads the value of a MOVI: an immediate if it fits, otherwise a constant.
    fn movable(&mut self, operand: &mut Tokens<'_, '_>) -> Result<Movable, Problem> {
        if let Some(index) = self.named_constant(operand) {
            return Ok(Movable::Constant(index));
        }
        let (value, bits) = operand.register_value(&self.declared.values)?;
        let fits = Opcode::MOVI.operands()[1].role.accepts(Opcode::MOVI.operands()[1].field, bits as i32)
            && i64::from(bits as i32) == bits as i64;
        Ok(match value {
            Number::Int(_) if fits => Movable::Immediate(i128::from(bits as i64)),
            _ => Movable::Constant(self.declared.builder.constant(bits).0),
        })
    }

    fn math(&self, operand: &mut Tokens<'_, '_>) -> Result<i128, Problem> {
        let span = operand.span();
        let name = operand.name("a function of FMATH")?;
        match MathFn::parse(&name) {
            Some(function) => Ok(function as i128),
            None => Err(Problem::new(span, format!("FMATH has no function `{}`", Excerpt(&name)))
                .did_you_mean(&name, MathFn::ALL.iter().map(|function| function.name()))),
        }
    }

    fn memory_values(
        &self,
        op: Opcode,
        group: &[Operand],
        operand: &Tokens<'_, '_>,
        values: &mut Vec<(i128, Range<usize>)>,
    ) -> Result<(), Problem> {
        let memory = memory::parse(operand.clone(), &self.declared.values)?;
        values.push((i128::from(memory.base), memory.span.clone()));
        let scale = group.iter().find_map(|operand| operand.role.index_scale());
        match (scale, memory.index) {
            (Some(scale), Some((register, given))) if given == 1 << scale => {
                values.push((i128::from(register), memory.span.clone()));
            }
            (Some(scale), Some(_)) => {
                let message = format!("{} scales its index by {}", op.mnemonic(), 1 << scale);
                return Err(Problem::new(memory.span, message));
            }
            (Some(_), None) => {
                let message = format!("{} needs an index register", op.mnemonic());
                return Err(Problem::new(memory.span, message));
            }
            (None, _) => {}
        }
        values.push((memory.displacement, memory.span));
        Ok(())
    }
}

/// Reads a name and returns the item that it refers to.
fn named<T: Copy>(operand: &mut Tokens<'_, '_>, names: &Simple<T>, what: &str) -> Result<T, Problem> {
    let span = operand.span();
    let name = operand.name(&format!("the name of a {what}"))?;
    names.get(&*name).ok_or_else(|| {
        Problem::new(span, format!("there is no {what} `{}`", Excerpt(&name)))
            .did_you_mean(&name, names.keys().map(|name| name.as_str()))
    })
}

enum Movable {
    Immediate(i128),
    Constant(u32),
}

/// Splits the operands at the commas.
fn split<'l, 't>(mut rest: Tokens<'l, 't>) -> Result<Vec<Tokens<'l, 't>>, Problem> {
    let mut operands = Vec::new();
    if rest.is_empty() {
        return Ok(operands);
    }
    loop {
        let operand = rest.until_comma();
        if operand.is_empty() {
            return Err(rest.expected("an operand"));
        }
        operands.push(operand);
        if !rest.accept(',') {
            return Ok(operands);
        }
    }
}

/// Counts the operands as written: the content of a pair of brackets is one.
fn groups(op: Opcode) -> Vec<&'static [Operand]> {
    op.operands().chunk_by(|_, next| next.role == Role::Disp || next.role.index_scale().is_some()).collect()
}

/// Returns whether `OP a, b, c` with a = b can be written `OP a, c`.
fn has_two_operand_form(op: Opcode) -> bool {
    let roles: Vec<Role> = op.operands().iter().map(|operand| operand.role).collect();
    matches!(roles.as_slice(), [Role::Dst | Role::FDst, Role::Src | Role::FSrc, third] if *third != Role::Disp)
}

fn encoded(inst: Result<Inst, EncodeError>, span: &Range<usize>) -> Result<Inst, Problem> {
    inst.map_err(|error| Problem::new(span.clone(), format!("{error}")))
}

/// Creates the instruction with these values, or returns an error about one of them.
fn checked(op: Opcode, values: &[(i128, Range<usize>)], span: &Range<usize>) -> Result<Inst, Problem> {
    let mut inst = encoded(Inst::new(op, &least_values(op)), span)?;
    for (index, (value, at)) in values.iter().enumerate() {
        let value = i64::try_from(*value).map_err(|_| too_wide(at.clone()))?;
        inst = inst.with(index, value).map_err(|error| shorthand::out_of_range(&error, index, at.clone()))?;
        if op.operands()[index].role == Role::Math {
            check_arity(inst, values.len() == op.operands().len(), span)?;
        }
    }
    Ok(inst)
}

/// Checks that the function of an FMATH gets one argument or two, as it takes.
fn check_arity(inst: Inst, second_given: bool, span: &Range<usize>) -> Result<(), Problem> {
    let message = match (inst.math().map(MathFn::is_binary), second_given) {
        (Some(true), false) => "this function of FMATH takes two arguments",
        (Some(false), true) => "this function of FMATH takes one argument",
        _ => return Ok(()),
    };
    Err(Problem::new(span.clone(), message))
}

/// Stores a value for every operand that it can have.
fn least_values(op: Opcode) -> Vec<i32> {
    op.operands().iter().map(|operand| operand.role.range(operand.field).0.max(0)).collect()
}

fn wrong_count(op: Opcode, mnemonic: &str, operands: &[Tokens<'_, '_>], at: Tokens<'_, '_>) -> Problem {
    let span = at.span();
    let wanted = match (op, groups(op).len()) {
        (Opcode::FMATH, _) => "3 or 4 operands".into(),
        (_, 1) => "1 operand".into(),
        (_, count) => format!("{count} operands"),
    };
    let verb = if operands.len() == 1 { "is" } else { "are" };
    let problem =
        Problem::new(span, format!("{mnemonic} takes {wanted}, but {} {verb} given", operands.len()));
    problem.with_hint(format!("{}: {}", op.mnemonic(), op.meaning()))
}
