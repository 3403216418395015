//! The contents of a program, as they are written to JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use vsp_core::analysis::{Graph, OutOfMemory, Signatures};
use vsp_core::index::FuncIndex;
use vsp_core::program::{FuncType, NameKind, Program};
use vsp_core::verify::{FRAME_CELLS, Verified, VerifyErrors};

use crate::functions;
use crate::load::{LoadError, Loaded};
use crate::value::Bits;

/// The debug names.
type Names<'p> = BTreeMap<(NameKind, u32), &'p str>;

#[derive(Serialize)]
pub(crate) struct Contents {
    pub(crate) file: String,
    pub(crate) format: String,
    /// Size of the whole file.
    pub(crate) bytes: usize,
    pub(crate) checksum: u32,
    /// The errors of the verifier; empty if the program is verified.
    pub(crate) errors: Vec<String>,
    pub(crate) sections: Vec<Section>,
    /// The minimum size of memory, in bytes.
    pub(crate) memory: u64,
    /// The size in bytes to which the memory can grow, if it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_maximum: Option<u64>,
    pub(crate) imports: Vec<Import>,
    pub(crate) globals: Vec<Global>,
    pub(crate) constants: Vec<Bits>,
    pub(crate) data: Vec<Data>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) passive: Vec<Passive>,
    pub(crate) customs: Vec<Custom>,
    pub(crate) source_files: Vec<String>,
    pub(crate) exports: Vec<Export>,
    pub(crate) functions: Vec<Function>,
}

#[derive(Serialize)]
pub(crate) struct Section {
    pub(crate) id: u32,
    pub(crate) name: &'static str,
    pub(crate) offset: u32,
    pub(crate) bytes: u32,
}

#[derive(Serialize)]
pub(crate) struct Import {
    pub(crate) module: String,
    pub(crate) name: String,
    pub(crate) params: usize,
    pub(crate) results: usize,
    /// The tag of its type, if it is not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tag: Option<u32>,
}

#[derive(Serialize)]
pub(crate) struct Passive {
    pub(crate) name: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Serialize)]
pub(crate) struct Global {
    pub(crate) name: Option<String>,
    pub(crate) initial: Bits,
}

#[derive(Serialize)]
pub(crate) struct Data {
    pub(crate) name: Option<String>,
    pub(crate) address: u32,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Serialize)]
pub(crate) struct Custom {
    pub(crate) name: String,
    /// Size of the section.
    pub(crate) bytes: usize,
}

#[derive(Serialize)]
pub(crate) struct Export {
    pub(crate) name: String,
    pub(crate) function: u32,
}

#[derive(Serialize)]
pub(crate) struct Function {
    pub(crate) index: u32,
    /// Its debug name, or a name that it is exported by.
    pub(crate) name: Option<String>,
    pub(crate) params: usize,
    pub(crate) results: usize,
    /// The tag of its type, if it is not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tag: Option<u32>,
    pub(crate) locals: u16,
    /// Its first word, counted from the start of the code.
    pub(crate) first_word: u32,
    pub(crate) words: u32,
    pub(crate) frame_cells: u32,
    /// Whether it is a short leaf, which is entered without a safepoint. `None` if the program is not verified.
    pub(crate) short_leaf: Option<bool>,
    /// The basic blocks, `None` if the program is not verified.
    pub(crate) blocks: Option<Vec<Block>>,
    /// The targets of backward branches.
    pub(crate) loop_heads: Vec<u32>,
    /// The source line of its first word.
    pub(crate) source: Option<Source>,
}

#[derive(Serialize)]
pub(crate) struct Block {
    /// Its first word, counted from the function's.
    pub(crate) first_word: u32,
    pub(crate) words: u32,
    pub(crate) successors: Vec<u32>,
    pub(crate) reachable: bool,
}

#[derive(Serialize)]
pub(crate) struct Source {
    pub(crate) file: String,
    pub(crate) line: u32,
}

impl Contents {
    pub(crate) fn of(loaded: &Loaded) -> Result<Contents, OutOfMemory> {
        let program = &loaded.program;
        let verified = loaded.verify();
        let (major, minor) = program.format_version();
        let errors = verified.as_ref().err().map(verifier_errors).unwrap_or_default();
        let names: Names<'_> = program.names().map(|name| ((name.kind, name.index), name.name)).collect();
        let debug_name = |kind, index| names.get(&(kind, index)).map(|name| (*name).to_owned());
        let mut functions = functions(program, &names);
        if let Ok(verified) = &verified {
            add_blocks(&mut functions, verified)?;
        }
        Ok(Contents {
            file: loaded.path.display().to_string(),
            format: format!("{major}.{minor}"),
            bytes: program.bytes().len(),
            checksum: program.checksum(),
            errors,
            sections: program
                .sections()
                .map(|it| Section { id: it.id, name: it.name, offset: it.offset, bytes: it.length })
                .collect(),
            memory: program.memory_minimum(),
            memory_maximum: Some(program.memory_maximum()).filter(|it| *it > program.memory_minimum()),
            imports: program
                .imports()
                .map(|it| Import {
                    module: it.module.to_owned(),
                    name: it.name.to_owned(),
                    params: it.ty.params(),
                    results: it.ty.results(),
                    tag: tag(it.ty),
                })
                .collect(),
            globals: (0..)
                .zip(program.globals())
                .map(|(index, initial)| Global {
                    name: debug_name(NameKind::Global, index),
                    initial: Bits(initial),
                })
                .collect(),
            constants: program.constants().iter().map(|bytes| Bits(u64::from_le_bytes(*bytes))).collect(),
            data: (0..)
                .zip(program.data())
                .map(|(index, data)| Data {
                    name: debug_name(NameKind::Data, index),
                    address: data.address,
                    bytes: data.bytes.to_vec(),
                })
                .collect(),
            passive: (0..)
                .zip(program.passive())
                .map(|(index, bytes)| Passive {
                    name: debug_name(NameKind::Passive, index),
                    bytes: bytes.to_vec(),
                })
                .collect(),
            customs: program
                .customs()
                .map(|custom| Custom { name: custom.name.to_owned(), bytes: custom.bytes.len() })
                .collect(),
            source_files: program.source_files().map(str::to_owned).collect(),
            exports: program
                .exports()
                .map(|export| Export { name: export.name.to_owned(), function: export.function.0 })
                .collect(),
            functions,
        })
    }

    /// Keeps only the functions with these names, or numbers after a `$`.
    pub(crate) fn keep_functions(&mut self, wanted: &[String]) -> Result<(), String> {
        let is = |function: &Function, wanted: &String| {
            function.name.as_ref() == Some(wanted) || format!("${}", function.index) == *wanted
        };
        for name in wanted {
            if !self.functions.iter().any(|function| is(function, name)) {
                let names = self.functions.iter().filter_map(|function| function.name.as_deref());
                return Err(functions::missing(name, self.functions.len() as u32, names));
            }
        }
        self.functions.retain(|function| wanted.iter().any(|wanted| is(function, wanted)));
        Ok(())
    }
}

impl Function {
    pub(crate) fn shown_name(&self) -> String {
        self.name.as_deref().map_or_else(|| "-".to_owned(), super::quoted)
    }
}

fn verifier_errors(error: &LoadError) -> Vec<String> {
    match error {
        LoadError::Verify { errors: VerifyErrors::Rules { errors, more }, .. } => {
            let more = more.then(|| "and more".to_owned());
            errors.iter().map(|error| error.to_string()).chain(more).collect()
        }
        other => vec![other.to_string()],
    }
}

/// Returns the functions, without their blocks.
fn functions(program: &Program<'_>, names: &Names<'_>) -> Vec<Function> {
    let mut exported: BTreeMap<u32, &str> = BTreeMap::new();
    for export in program.exports() {
        exported.entry(export.function.0).or_insert(export.name);
    }
    let name = |index| {
        let name = names.get(&(NameKind::Function, index)).or_else(|| exported.get(&index));
        name.map(|name| (*name).to_owned())
    };
    let lines: Vec<_> = program.lines().collect();
    let files: Vec<&str> = program.source_files().collect();
    let source = |word: u32| {
        let entry = lines.get(lines.partition_point(|entry| entry.word <= word).checked_sub(1)?)?;
        let file = (entry.line != 0).then(|| files.get(entry.file as usize)).flatten()?;
        Some(Source { file: (*file).to_owned(), line: entry.line })
    };
    let mut first_word = 0;
    let described = (0..).zip(program.functions()).map(|(index, decl)| {
        let start = first_word;
        first_word += decl.words;
        Function {
            index,
            name: name(index),
            params: decl.ty.params(),
            results: decl.ty.results(),
            tag: tag(decl.ty),
            locals: decl.locals,
            first_word: start,
            words: decl.words,
            frame_cells: FRAME_CELLS + u32::from(decl.locals),
            short_leaf: None,
            blocks: None,
            loop_heads: Vec::new(),
            source: source(start),
        }
    });
    described.collect()
}

fn add_blocks(functions: &mut [Function], verified: &Verified<'_>) -> Result<(), OutOfMemory> {
    let signatures = Signatures::new(verified)?;
    for function in functions {
        let graph = Graph::new(&signatures, FuncIndex(function.index))?;
        let block = |(index, reachable): (u32, bool)| {
            let words = graph.words(index);
            let successors = graph.successors(index).collect();
            Block { first_word: words.start, words: words.len() as u32, successors, reachable }
        };
        function.blocks = Some((0..).zip(graph.reachable()?).map(block).collect());
        function.loop_heads = (0..function.words).filter(|word| graph.is_loop_head(*word)).collect();
        if let Some(facts) = verified.function(FuncIndex(function.index)) {
            function.short_leaf = Some(facts.short_leaf);
            function.frame_cells = facts.frame_cells();
        }
    }
    Ok(())
}

/// Returns the tag of a type, if it is not 0.
fn tag(ty: FuncType) -> Option<u32> {
    Some(ty.tag()).filter(|tag| *tag != 0)
}
