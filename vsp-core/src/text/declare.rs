//! The first pass of the assembler: the directives. It collects the bodies of functions for the second pass.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::diagnostic::{Diagnostics, Problem};
use super::expression::{Number, Tokens, Values};
use super::items;
use super::lexer::{self, Kind, Line};
use super::names::{Names, Simple, Taken, Unused};
use crate::Excerpt;
use crate::index::{ConstIndex, FuncIndex, GlobalIndex, ImportIndex, PassiveIndex};
use crate::limits::{Limits, MAX_MEMORY, MEMORY_GRANULE};
use crate::program::{BuildError, FuncType, NameKind, ProgramBuilder};

/// The origin of the program's source lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineSource {
    /// This text, which is the source file with this index.
    Text(u32),
    /// None.
    None,
    /// The `.line` directives.
    Directives,
}

/// A function whose body has not been assembled yet.
#[derive(Debug)]
pub(super) struct Body<'t> {
    pub(super) function: FuncIndex,
    pub(super) ty: FuncType,
    /// The position of its `.func`, and its line number.
    pub(super) head: Range<usize>,
    pub(super) head_line: u32,
    pub(super) lines: Vec<Line<'t>>,
}

/// The result of the first pass: all items that have a name or index, and what is left to assemble.
#[derive(Debug)]
pub(super) struct Declared<'t> {
    pub(super) builder: ProgramBuilder,
    pub(super) values: Values,
    pub(super) functions: Simple<FuncIndex>,
    pub(super) globals: Simple<GlobalIndex>,
    pub(super) constants: Simple<ConstIndex>,
    pub(super) passive: Simple<PassiveIndex>,
    pub(super) imports: Names<(String, String), ImportIndex>,
    pub(super) bodies: Vec<Body<'t>>,
    pub(super) line_source: LineSource,
    /// Whether there are calls by a function's index.
    pub(super) calls_numbers: bool,
}

impl Declared<'_> {
    /// Returns the unused names. If there is an indirect call, any function may be called by its index.
    pub(super) fn unused(&self) -> impl Iterator<Item = Unused> {
        let functions = self.functions.unused(|function| Some(function.0)).filter(|_| !self.calls_numbers);
        functions
            .chain(self.imports.unused(|import| Some(import.0)))
            .chain(self.globals.unused(|global| Some(global.0)))
            .chain(self.constants.unused(|constant| Some(constant.0)))
            .chain(self.passive.unused(|segment| Some(segment.0)))
            .chain(self.values.unused(|_| None))
    }
}

struct Segment {
    name: Option<String>,
    address: u64,
    bytes: Vec<u8>,
    span: Range<usize>,
}

/// The section to which `.u8` and similar directives append.
#[derive(Clone, Copy)]
enum Sink {
    Nothing,
    Segment,
    Passive,
    Custom,
}

struct Export {
    name: String,
    target: Target,
    span: Range<usize>,
}

enum Target {
    Name(String),
    Index(u32),
}

struct Declarer<'t> {
    out: Declared<'t>,
    limits: Limits,
    segments: Vec<Segment>,
    passive: Vec<Vec<u8>>,
    customs: Vec<(String, Vec<u8>, Range<usize>)>,
    exports: Vec<Export>,
    sink: Sink,
    /// The address of the next data segment without an address.
    next_address: u64,
    /// The minimum of the memory, its maximum if it is given, and the position of the directive.
    memory: Option<(u64, Option<u64>, Range<usize>)>,
    /// Number of bytes of data and custom sections so far.
    content: u64,
    /// The targets of `.name`, and the number of globals.
    numbered: Vec<(NameKind, u32, Range<usize>)>,
    globals: usize,
    open: Option<Body<'t>>,
    /// The number of the current line.
    line: u32,
}

/// Runs the first pass.
pub(super) fn declare<'t>(
    text: &'t str,
    file_name: &str,
    limits: &Limits,
    diagnostics: &mut Diagnostics<'_>,
) -> Declared<'t> {
    let mut builder = ProgramBuilder::new();
    let line_source = builder.source_file(file_name).map_or(LineSource::None, LineSource::Text);
    let out = Declared {
        builder,
        values: Values::new(),
        functions: Names::new(),
        globals: Names::new(),
        constants: Names::new(),
        passive: Names::new(),
        imports: Names::new(),
        bodies: Vec::new(),
        line_source,
        calls_numbers: false,
    };
    let mut declarer = Declarer {
        out,
        limits: *limits,
        segments: Vec::new(),
        passive: Vec::new(),
        customs: Vec::new(),
        exports: Vec::new(),
        sink: Sink::Nothing,
        next_address: 0,
        memory: None,
        content: 0,
        numbered: Vec::new(),
        globals: 0,
        open: None,
        line: 0,
    };
    for line in lexer::lines(text) {
        if diagnostics.is_full() {
            return declarer.out;
        }
        // A line with an error still defines its name, so that this name is not reported as missing.
        let problem = line.problem.clone();
        let result = declarer.line(line);
        if let Some(problem) = problem.or(result.err()) {
            diagnostics.report(problem);
        }
    }
    declarer.finish(diagnostics)
}

impl<'t> Declarer<'t> {
    fn line(&mut self, line: Line<'t>) -> Result<(), Problem> {
        let Some(first) = line.tokens.first() else { return Ok(()) };
        let span = first.span.clone();
        self.line = line.number;
        match (&first.kind, &mut self.open) {
            (Kind::Directive("end"), open) => match open.take() {
                Some(body) => {
                    self.out.bodies.push(body);
                    Tokens::new(&line.tokens[1..], line.end).finish()
                }
                None => Err(Problem::new(span, "`.end` without `.func`")),
            },
            (Kind::Directive("func"), Some(open)) => {
                let hint = format!("the function of line {} has no `.end`", open.head_line);
                self.out.bodies.extend(self.open.take());
                // Other errors in it are not reported now.
                let _ = self.func(span.clone(), &mut Tokens::new(&line.tokens[1..], line.end));
                Err(Problem::new(span, "functions cannot be nested").with_hint(hint))
            }
            (_, Some(open)) => {
                open.lines.push(line);
                Ok(())
            }
            // The error was already reported; lines that define nothing are skipped.
            (kind, None)
                if line.problem.is_some() && !matches!(kind, Kind::Directive("func" | "data" | "import")) =>
            {
                Ok(())
            }
            (Kind::Directive(name), None) => {
                let name = *name;
                let mut rest = Tokens::new(&line.tokens[1..], line.end);
                self.directive(name, span, &mut rest)?;
                rest.finish()
            }
            (_, None) => Err(Problem::new(
                span,
                "expected a directive: instructions belong between `.func` and `.end`",
            )),
        }
    }

    fn directive(
        &mut self,
        name: &str,
        span: Range<usize>,
        rest: &mut Tokens<'_, 't>,
    ) -> Result<(), Problem> {
        const DIRECTIVES: [&str; 25] = [
            "memory", "import", "global", "const", "equ", "data", "u8", "u16", "u32", "u64", "f32", "f64",
            "string", "zero", "space", "align", "export", "func", "end", "name", "lines", "file", "custom",
            "locals", "passive",
        ];
        match name {
            "memory" => self.memory(span, rest),
            "import" => self.import(rest),
            "global" => self.global(rest),
            "const" => self.constant(rest),
            "equ" => self.equ(rest),
            "data" => self.data(span, rest),
            "passive" => self.passive(&span, rest),
            kind if items::is_type(kind) => {
                self.append(&span, |bytes, context| items::append_values(kind, rest, bytes, context))
            }
            "string" => self.items(&span, rest),
            "space" => self.space(span, rest),
            "align" => self.align(rest),
            "export" => self.export(rest),
            "func" => self.func(span, rest),
            "name" => self.name(rest),
            "lines" => self.lines(rest),
            "file" => {
                let file = rest.name("the name of a source file in quotes")?.into_owned();
                self.out
                    .builder
                    .push_source_file(&file)
                    .map(drop)
                    .map_err(|error| build_problem(span, &error))
            }
            "custom" => self.custom(span, rest),
            "locals" | "line" | "word" => {
                Err(Problem::new(span, format!("`.{name}` belongs between `.func` and `.end`")))
            }
            _ => Err(Problem::new(span, format!("there is no directive `.{}`", Excerpt(name)))
                .did_you_mean(name, DIRECTIVES.into_iter())),
        }
    }

    fn memory(&mut self, span: Range<usize>, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let size = self.memory_size("size of the memory", MEMORY_GRANULE, rest)?;
        let maximum = match rest.accept(',') {
            true => Some(self.memory_size("maximum of the memory", size, rest)?),
            false => {
                rest.finish_part()?;
                None
            }
        };
        rest.finish()?;
        if self.memory.is_some() {
            return Err(Problem::new(span, "the memory is already declared"));
        }
        self.memory = Some((size, maximum, span));
        Ok(())
    }

    /// Reads a size of a memory that is at least `least`.
    fn memory_size(&self, what: &str, least: u64, rest: &mut Tokens<'_, 't>) -> Result<u64, Problem> {
        let at = rest.clone().until_comma().span();
        let range = i128::from(least)..=i128::from(MAX_MEMORY);
        let size = rest.integer(&self.out.values, range, what)? as u64;
        match size.is_multiple_of(MEMORY_GRANULE) {
            true => Ok(size),
            false => Err(Problem::new(at, format!("{size} is not a multiple of 16"))),
        }
    }

    fn import(&mut self, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let span = rest.span();
        let module = rest.name("the name of a module")?.into_owned();
        rest.expect('.')?;
        let full_name = span.start..rest.next_span().end;
        let name = rest.name("the name of an import")?.into_owned();
        let ty = rest.func_type();
        let imported = self.out.builder.import(&module, &name, ty.as_ref().copied().unwrap_or_default());
        let imported = imported.map_err(|error| build_problem(full_name.clone(), &error));
        // A duplicate can only be referred to by its index; an import with an error is not an error where it is called.
        let index = imported.as_ref().copied().unwrap_or(ImportIndex(0));
        let _ = self.out.imports.define((module, name), index, "import", full_name);
        imported?;
        ty.map(drop)
    }

    fn global(&mut self, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let (span, name_span) = (rest.span(), rest.next_span());
        let name = rest.accept_name().map(Cow::into_owned);
        let initial = if rest.accept('=') || !rest.is_empty() { self.bits(rest)? } else { 0 };
        let index = self.out.builder.global(initial);
        self.globals += 1;
        let most = self.limits.globals.min(Limits::DEFAULT.globals) as usize;
        // Report it only once.
        if self.globals == most + 1 {
            return Err(Problem::new(span, format!("a program has at most {most} globals")));
        }
        if let Some(name) = name {
            let named = self.debug_name(NameKind::Global, index.0, &name, &name_span);
            define(&mut self.out.globals, name, index, "global", name_span)?;
            named?;
        }
        Ok(())
    }

    fn constant(&mut self, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let span = rest.next_span();
        let name = rest.accept_name().map(Cow::into_owned);
        rest.accept('=');
        let value = self.bits(rest)?;
        let index = self.out.builder.new_constant(value);
        match name {
            Some(name) => define(&mut self.out.constants, name, index, "constant", span),
            None => Ok(()),
        }
    }

    fn equ(&mut self, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let span = rest.next_span();
        let name = rest.name("a name")?.into_owned();
        rest.accept('=');
        let value = rest.number(&self.out.values)?;
        define(&mut self.out.values, name, value, "number", span)
    }

    /// Reads a value that fits a register.
    fn bits(&self, rest: &mut Tokens<'_, 't>) -> Result<u64, Problem> {
        rest.register_value(&self.out.values).map(|(_, bits)| bits)
    }

    /// Reads `@ ADDRESS`; without it, returns the address after the data placed last.
    fn address(&mut self, rest: &mut Tokens<'_, 't>) -> Result<u64, Problem> {
        if !rest.accept('@') {
            return Ok(self.next_address);
        }
        let address = rest.integer(&self.out.values, 0..=i128::from(u32::MAX), "address of data")?;
        self.next_address = address as u64;
        Ok(self.next_address)
    }

    fn data(&mut self, span: Range<usize>, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let (span, name_span) = (span.start..rest.span().end, rest.next_span());
        let name = match items::starts(rest) {
            true => None,
            false => rest.accept_name().map(Cow::into_owned),
        };
        let address = self.address(rest)?;
        if let Some(name) = &name {
            let value = Number::Int(i128::from(address));
            define(&mut self.out.values, name.clone(), value, "data", name_span)?;
        }
        self.segments.push(Segment { name, address, bytes: Vec::new(), span });
        self.sink = Sink::Segment;
        if rest.is_empty() { Ok(()) } else { self.items(&rest.span(), rest) }
    }

    fn passive(&mut self, span: &Range<usize>, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let name_span = rest.next_span();
        let name = match items::starts(rest) {
            true => None,
            false => rest.accept_name().map(Cow::into_owned),
        };
        let index = PassiveIndex(self.passive.len() as u32);
        let most = self.limits.within_format().passive_segments;
        if index.0 == most {
            return Err(Problem::new(span.clone(), format!("a program has at most {most} passive segments")));
        }
        self.passive.push(Vec::new());
        self.sink = Sink::Passive;
        if let Some(name) = name {
            let named = self.debug_name(NameKind::Passive, index.0, &name, &name_span);
            define(&mut self.out.passive, name, index, "passive segment", name_span)?;
            named?;
        }
        if rest.is_empty() { Ok(()) } else { self.items(&rest.span(), rest) }
    }

    fn space(&mut self, span: Range<usize>, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let (span, name_span) = (span.start..rest.span().end, rest.next_span());
        let name = rest.name("a name")?.into_owned();
        let address = self.address(rest)?;
        let most = i128::from(MAX_MEMORY.saturating_sub(address));
        let bytes = rest.integer(&self.out.values, 0..=most, "number of bytes")?;
        self.next_address = address + bytes as u64;
        self.sink = Sink::Nothing;
        define(&mut self.out.values, name, Number::Int(i128::from(address)), "space", name_span)?;
        self.segments.push(Segment { name: None, address: self.next_address, bytes: Vec::new(), span });
        Ok(())
    }

    fn align(&mut self, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let to = rest.integer(&self.out.values, 1..=1 << 31, "alignment")? as u64;
        self.next_address = self.next_address.next_multiple_of(to);
        self.sink = Sink::Nothing;
        Ok(())
    }

    fn custom(&mut self, span: Range<usize>, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let name = rest.name("a name")?.into_owned();
        self.customs.push((name, Vec::new(), span));
        self.sink = Sink::Custom;
        if rest.is_empty() { Ok(()) } else { self.items(&rest.span(), rest) }
    }

    /// Returns the bytes that items are appended to.
    fn sink(&mut self, span: &Range<usize>) -> Result<&mut Vec<u8>, Problem> {
        let bytes = match self.sink {
            Sink::Segment => self.segments.last_mut().map(|segment| &mut segment.bytes),
            Sink::Passive => self.passive.last_mut(),
            Sink::Custom => self.customs.last_mut().map(|(_, bytes, _)| bytes),
            Sink::Nothing => None,
        };
        bytes.ok_or_else(|| {
            Problem::new(span.clone(), "this needs a `.data`, `.passive` or `.custom` above to add to")
        })
    }

    fn give_back(&mut self, bytes: Vec<u8>) {
        if let Ok(slot) = self.sink(&(0..0)) {
            let length = bytes.len() as u64;
            *slot = bytes;
            if let (Sink::Segment, Some(segment)) = (self.sink, self.segments.last()) {
                self.next_address = segment.address + length;
            }
        }
    }

    /// Reads strings and typed lists of values, separated by commas.
    fn items(&mut self, span: &Range<usize>, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        self.append(span, |bytes, context| items::append(rest, bytes, context))
    }

    /// Calls `read` to append to the current data segment or custom section. `span` is the position to report if there
    /// is none.
    fn append(
        &mut self,
        span: &Range<usize>,
        read: impl FnOnce(&mut Vec<u8>, &mut items::Context<'_>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut bytes = core::mem::take(self.sink(span)?);
        let limit = u64::from(self.limits.file_bytes);
        let mut context = items::Context { values: &self.out.values, used: &mut self.content, limit };
        let result = read(&mut bytes, &mut context);
        self.give_back(bytes);
        result
    }

    fn export(&mut self, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let span = rest.span();
        let name = rest.name("the name of a function")?.into_owned();
        let target = match rest.accept('=') {
            false => Target::Name(name.clone()),
            true => match rest.peek().map(|token| &token.kind) {
                Some(Kind::Index(index)) => {
                    rest.next();
                    Target::Index(*index)
                }
                _ => Target::Name(rest.name("the name of a function")?.into_owned()),
            },
        };
        self.exports.push(Export { name, target, span });
        Ok(())
    }

    fn func(&mut self, span: Range<usize>, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let head = span.start..rest.span().end;
        // Despite other errors, the lines up to `.end` are its body.
        let function = self.out.builder.declare(FuncType::default());
        let ty = FuncType::default();
        self.open = Some(Body { function, ty, head: head.clone(), head_line: self.line, lines: Vec::new() });
        let name_span = rest.next_span();
        let name = match rest.peek() {
            Some(token) if token.is('(') => None,
            _ => Some(rest.name("the name of a function")?.into_owned()),
        };
        let ty = rest.func_type();
        if let Some(name) = name {
            // One that is too long is an error here, and not where it is called.
            let named = self.debug_name(NameKind::Function, function.0, &name, &name_span);
            define(&mut self.out.functions, name, function, "function", name_span)?;
            named?;
        }
        let ty = ty?;
        self.out.builder.redeclare(function, ty);
        if let Some(open) = &mut self.open {
            open.ty = ty;
        }
        Ok(())
    }

    fn debug_name(
        &mut self,
        kind: NameKind,
        index: u32,
        name: &str,
        span: &Range<usize>,
    ) -> Result<(), Problem> {
        self.out.builder.name(kind, index, name).map_err(|error| build_problem(span.clone(), &error))
    }

    /// Reads `.name function 3 "name"`.
    fn name(&mut self, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let span = rest.span();
        let what = "`function`, `global`, `data` or `passive`";
        let kind = match rest.peek().map(|token| &token.kind) {
            Some(Kind::Word("function")) => NameKind::Function,
            Some(Kind::Word("global")) => NameKind::Global,
            Some(Kind::Word("data")) => NameKind::Data,
            Some(Kind::Word("passive")) => NameKind::Passive,
            _ => return Err(rest.expected(what)),
        };
        rest.next();
        let index = rest.integer(&self.out.values, 0..=i128::from(u32::MAX), "number")? as u32;
        let name = rest.name("a name in quotes")?.into_owned();
        self.numbered.push((kind, index, span.clone()));
        self.debug_name(kind, index, &name, &span)
    }

    fn lines(&mut self, rest: &mut Tokens<'_, 't>) -> Result<(), Problem> {
        let source = match rest.peek().map(|token| &token.kind) {
            Some(Kind::Word("auto")) => self.out.line_source,
            Some(Kind::Word("none")) => LineSource::None,
            Some(Kind::Word("explicit")) => LineSource::Directives,
            _ => return Err(rest.expected("`auto`, `none` or `explicit`")),
        };
        if source == LineSource::Directives {
            self.out.builder.forget_source_files();
        }
        rest.next();
        self.out.line_source = source;
        Ok(())
    }

    fn finish(mut self, diagnostics: &mut Diagnostics<'_>) -> Declared<'t> {
        if let Some(open) = self.open.take() {
            diagnostics.report(Problem::new(open.head.clone(), "this function has no `.end`"));
            self.out.bodies.push(open);
        }
        for (kind, index, span) in core::mem::take(&mut self.numbered) {
            if let Err(problem) = self.check_numbered(kind, index, span) {
                diagnostics.report(problem);
            }
        }
        self.finish_memory(diagnostics);
        self.finish_segments(diagnostics);
        for bytes in core::mem::take(&mut self.passive) {
            self.out.builder.passive(bytes);
        }
        for (name, bytes, span) in core::mem::take(&mut self.customs) {
            if let Err(error) = self.out.builder.custom(&name, bytes) {
                diagnostics.report(build_problem(span, &error));
            }
        }
        for export in core::mem::take(&mut self.exports) {
            if diagnostics.is_full() {
                break;
            }
            if let Err(problem) = self.finish_export(export) {
                diagnostics.report(problem);
            }
        }
        self.out
    }

    /// Sets the sizes of the memory. Without `.memory` it is as large as data and spaces need.
    fn finish_memory(&mut self, diagnostics: &mut Diagnostics<'_>) {
        if let Some((_, Some(maximum), _)) = &self.memory {
            self.out.builder.memory_maximum(*maximum);
        }
        let ends = self.segments.iter().map(|it| (it.address + it.bytes.len() as u64, it));
        let Some((end, last)) = ends.max_by_key(|(end, _)| *end) else {
            self.out.builder.memory(self.memory.as_ref().map_or(MEMORY_GRANULE, |(size, ..)| *size));
            return;
        };
        let needed = end.next_multiple_of(MEMORY_GRANULE);
        let size = self.memory.as_ref().map_or(needed, |(size, ..)| *size);
        if end > size.min(MAX_MEMORY) {
            let message = format!("this ends at {end}, outside the memory of {} bytes", size.min(MAX_MEMORY));
            diagnostics.report(Problem::new(last.span.clone(), message));
        }
        self.out.builder.memory(size.min(MAX_MEMORY));
    }

    fn finish_segments(&mut self, diagnostics: &mut Diagnostics<'_>) {
        let mut segments = core::mem::take(&mut self.segments);
        segments.retain(|segment| !segment.bytes.is_empty());
        segments.sort_by_key(|segment| segment.address);
        let mut end = 0;
        for segment in segments {
            if segment.address < end {
                let message = format!("overlaps other data: address {} is taken", segment.address);
                diagnostics.report(Problem::new(segment.span, message));
                continue;
            }
            end = segment.address + segment.bytes.len() as u64;
            let added = self.out.builder.data(segment.address as u32, segment.bytes, segment.name.as_deref());
            if let Err(error) = added {
                diagnostics.report(build_problem(segment.span, &error));
            }
        }
    }

    /// Checks that there is an item of this kind with this index.
    fn check_numbered(&self, kind: NameKind, index: u32, span: Range<usize>) -> Result<(), Problem> {
        let (what, count) = match kind {
            NameKind::Function => ("function", self.out.bodies.len()),
            NameKind::Global => ("global", self.globals),
            NameKind::Passive => ("passive segment", self.passive.len()),
            NameKind::Data => ("data", self.segments.iter().filter(|it| !it.bytes.is_empty()).count()),
        };
        match index as usize >= count {
            true => {
                Err(Problem::new(span, format!("{what} ${index} does not exist: the program has {count}")))
            }
            false => Ok(()),
        }
    }

    fn finish_export(&mut self, export: Export) -> Result<(), Problem> {
        let span = export.span;
        let function = match export.target {
            Target::Index(index) => {
                self.check_numbered(NameKind::Function, index, span.clone())?;
                self.out.functions.use_number(index);
                FuncIndex(index)
            }
            Target::Name(name) => match self.out.functions.get(&name) {
                Some(function) => function,
                None => {
                    let problem = Problem::new(span, format!("there is no function `{}`", Excerpt(&name)));
                    return Err(
                        problem.did_you_mean(&name, self.out.functions.keys().map(|name| name.as_str()))
                    );
                }
            },
        };
        self.out.builder.export(&export.name, function).map_err(|error| build_problem(span, &error))
    }
}

fn build_problem(span: Range<usize>, error: &BuildError) -> Problem {
    Problem::new(span, format!("{error}"))
}

/// Defines a name for an item of a kind.
fn define<T: Copy>(
    names: &mut Simple<T>,
    name: String,
    value: T,
    what: &'static str,
    span: Range<usize>,
) -> Result<(), Problem> {
    let problem = Problem::new(span.clone(), format!("`{}` is already defined", Excerpt(&name)));
    names.define(name, value, what, span).map_err(|Taken| problem)
}
