//! The writer of `.silc` files. A program has exactly one encoding.

use alloc::vec::Vec;

use super::contents::Contents;
use super::header::{CHECKSUM_AT, HEADER_BYTES, MAGIC, SECTION_ALIGNMENT, SECTION_ENTRY_BYTES, checksum};
use super::sections::Section;
use super::version::{Minor, needed_by};
use crate::limits::MEMORY_GRANULE;

/// Returns the bytes of a program's file. Names must be at most 65,535 bytes long.
pub(super) fn write(contents: &Contents) -> Vec<u8> {
    let minor = needed_by(contents);
    let sections: Vec<(Section, Vec<u8>)> = Section::ALL
        .iter()
        .map(|&section| (section, section_bytes(section, contents, minor)))
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();

    let mut file = Vec::new();
    file.extend(MAGIC);
    file.extend(minor.version().to_le_bytes());
    file.resize(HEADER_BYTES, 0);
    let mut offset = HEADER_BYTES + SECTION_ENTRY_BYTES * sections.len();
    for (section, bytes) in &sections {
        offset = offset.next_multiple_of(SECTION_ALIGNMENT);
        for number in [*section as u32, offset as u32, bytes.len() as u32, 0] {
            put(&mut file, number);
        }
        offset += bytes.len();
    }
    for (_, bytes) in &sections {
        file.resize(file.len().next_multiple_of(SECTION_ALIGNMENT), 0);
        file.extend(bytes);
    }
    let (count, length) = (sections.len() as u32, file.len() as u32);
    file[8..12].copy_from_slice(&count.to_le_bytes());
    file[12..16].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(&file);
    file[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&checksum.to_le_bytes());
    file
}

fn put(out: &mut Vec<u8>, number: u32) {
    out.extend(number.to_le_bytes());
}

/// Writes the length of a name: one byte in format 2.0, then two.
fn put_length(out: &mut Vec<u8>, name: &str, minor: Minor) {
    match minor {
        Minor::Zero => out.push(name.len() as u8),
        Minor::One => out.extend((name.len() as u16).to_le_bytes()),
    }
}

/// Returns the bytes of a section. A section without bytes is omitted from the file.
fn section_bytes(section: Section, contents: &Contents, minor: Minor) -> Vec<u8> {
    match section {
        Section::Imports => counted(&contents.imports, |out, import| {
            match minor {
                Minor::Zero => out.extend((import.ty.bits() as u16).to_le_bytes()),
                Minor::One => put(out, import.ty.bits()),
            }
            put_length(out, &import.module, minor);
            put_length(out, &import.name, minor);
            out.extend(import.module.bytes().chain(import.name.bytes()));
        }),
        Section::Functions => functions(contents, minor),
        Section::Code => {
            let words = contents.functions.iter().flat_map(|function| &function.words);
            words.flat_map(|word| word.to_le_bytes()).collect()
        }
        Section::Constants => contents.constants.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Section::Memory => memory(contents, minor),
        Section::Data => data(contents),
        Section::Exports => counted(&contents.exports, |out, (name, function)| {
            put(out, function.0);
            put_length(out, name, minor);
            out.extend(name.bytes());
        }),
        Section::Names => counted(&contents.names, |out, ((kind, index), name)| {
            out.push(*kind as u8);
            put_length(out, name, minor);
            put(out, *index);
            out.extend(name.bytes());
        }),
        Section::Lines => lines(contents, minor),
        Section::Custom => counted(&contents.customs, |out, (name, bytes)| {
            put_length(out, name, minor);
            put(out, bytes.len() as u32);
            out.extend(name.bytes());
            out.extend(bytes);
        }),
        Section::Passive => passive(contents),
    }
}

/// Returns an encoded entry count followed by the encoded entries, or no bytes if there are no entries.
fn counted<I>(entries: I, write: impl Fn(&mut Vec<u8>, I::Item)) -> Vec<u8>
where
    I: IntoIterator<IntoIter: ExactSizeIterator>,
{
    let entries = entries.into_iter();
    let mut out = Vec::new();
    if entries.len() > 0 {
        put(&mut out, entries.len() as u32);
    }
    for entry in entries {
        write(&mut out, entry);
    }
    out
}

fn functions(contents: &Contents, minor: Minor) -> Vec<u8> {
    let type_bits = match minor {
        Minor::Zero => 16,
        Minor::One => 20,
    };
    let mut out = Vec::new();
    for function in &contents.functions {
        put(&mut out, function.ty.bits() | u32::from(function.locals) << type_bits);
        put(&mut out, function.words.len() as u32);
    }
    out
}

fn memory(contents: &Contents, minor: Minor) -> Vec<u8> {
    let (minimum, maximum) = contents.memory_range();
    if maximum == MEMORY_GRANULE && contents.globals.is_empty() {
        return Vec::new();
    }
    let maximum = (minor >= Minor::One).then_some(&maximum);
    let values = core::iter::once(&minimum).chain(maximum).chain(&contents.globals);
    values.flat_map(|value| value.to_le_bytes()).collect()
}

fn data(contents: &Contents) -> Vec<u8> {
    let mut out = Vec::new();
    if contents.data.is_empty() {
        return out;
    }
    put(&mut out, contents.data.len() as u32);
    put(&mut out, 0);
    for segment in &contents.data {
        put(&mut out, segment.address);
        put(&mut out, segment.bytes.len() as u32);
    }
    out.extend(contents.data.iter().flat_map(|segment| &segment.bytes));
    out
}

fn passive(contents: &Contents) -> Vec<u8> {
    let mut out = Vec::new();
    if contents.passive.is_empty() {
        return out;
    }
    put(&mut out, contents.passive.len() as u32);
    put(&mut out, 0);
    let mut end = 0;
    for bytes in &contents.passive {
        end += bytes.len();
        put(&mut out, end as u32);
    }
    out.extend(contents.passive.iter().flatten());
    out
}

fn lines(contents: &Contents, minor: Minor) -> Vec<u8> {
    let mut out = Vec::new();
    if contents.lines.is_empty() {
        return out;
    }
    put(&mut out, contents.source_files.len() as u32);
    put(&mut out, contents.lines.len() as u32);
    for file in &contents.source_files {
        put_length(&mut out, file, minor);
        out.extend(file.bytes());
    }
    for entry in &contents.lines {
        for number in [entry.word, entry.file, entry.line] {
            put(&mut out, number);
        }
    }
    out
}
