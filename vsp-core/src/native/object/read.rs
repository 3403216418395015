//! The reader of code objects, which checks their structure.

use alloc::string::String;
use alloc::vec::Vec;

use super::{
    ABI_VERSION, COUNTS_FUEL, INTERRUPTIBLE, MAGIC, NO_FUNCTION, Object, ObjectError, ROW_BYTES, SITE_BYTES,
    VERSION,
};
use crate::index::{FuncIndex, Location};
use crate::limits::Limits;
use crate::native::code::{CODE_ALIGN, CodeInfo, CompileOptions, ExitKind, Fingerprint, Site, Stats, Tier};
use crate::native::context::TableEntry;
use crate::native::target::{Arch, Target};
use crate::program::{Cursor, FirstError, ReadErrorKind, checksum};

pub(super) fn object(bytes: &[u8]) -> Result<Object<'_>, ObjectError> {
    let errors = FirstError::default();
    let object = read(Cursor::new(bytes, 0).reporting(&errors), bytes);
    match (object, errors.take()) {
        (Some(object), None) => Ok(object),
        (_, Some(error)) => Err(error.into()),
        // Any other failure of the reader is reported as an error.
        (None, None) => Err(ObjectError::OutOfMemory),
    }
}

/// The fields of the header that are needed to read the rest.
struct Header {
    options: CompileOptions,
    arch: Arch,
    feature_bytes: u16,
    producer_bytes: u16,
    program: Fingerprint,
    bytes_per_cell: u32,
    sites: u32,
    length: u32,
    stats: Stats,
}

/// Reads an object. `None` without a reported error means that there is no memory.
fn read<'e, 'a: 'e>(mut at: Cursor<'e>, bytes: &'a [u8]) -> Option<Object<'a>> {
    let header = Header::read(&mut at, bytes)?;
    let mut entries = [CodeInfo::NO_ENTRY; CodeInfo::SHAPES];
    let entries_at = at;
    for entry in &mut entries {
        *entry = at.u32("entry")?;
    }
    let table = table(&mut at, &header)?;
    check_entries(&entries_at, &entries, &table, header.length)?;
    let sites = sites(&mut at, header.sites)?;
    let features_at = at;
    let features = features(&features_at, text(&mut at, header.feature_bytes, "features")?)?;
    let producer_at = at.position();
    text(&mut at, header.producer_bytes, "producer")?;
    let producer = core::str::from_utf8(&bytes[producer_at..at.position()]).unwrap_or_default();
    let padding = at.position().next_multiple_of(CODE_ALIGN) - at.position();
    at.section(padding, "padding before the code")?.expect_zeros("padding before the code")?;
    let offset = at.position();
    at.bytes(header.length as usize, "code")?;
    at.finish("end of the code")?;
    let info = CodeInfo {
        loop_entry: None,
        target: Target { arch: header.arch, features },
        options: header.options,
        program: header.program,
        length: header.length,
        table,
        entries,
        sites,
        bytes_per_cell: header.bytes_per_cell,
        stats: header.stats,
    };
    Some(Object { info, producer, offset, code: &bytes[offset..] })
}

impl Header {
    fn read(at: &mut Cursor<'_>, bytes: &[u8]) -> Option<Header> {
        let start = *at;
        if at.bytes(MAGIC.len(), "magic")? != MAGIC {
            return start.fail("magic", ReadErrorKind::ObjectMagic);
        }
        let version_at = *at;
        let version = at.u16("version")?;
        if version != VERSION {
            return version_at.fail("version", ReadErrorKind::ObjectVersion(version));
        }
        let flags_at = *at;
        let flags = at.u16("flags")?;
        flags_at.at_most(flags.into(), (COUNTS_FUEL | INTERRUPTIBLE).into(), "flags")?;
        at.expect_next(4, bytes.len() as u64, "total length")?;
        let abi_at = *at;
        let abi = at.u32("ABI version")?;
        if abi != ABI_VERSION {
            return abi_at.fail("ABI version", ReadErrorKind::ObjectAbi(abi));
        }
        at.expect_checksum("checksum", || checksum(bytes))?;
        let (arch, tier) = (one_of(at, Arch::ALL, "architecture")?, one_of(at, Tier::ALL, "tier")?);
        let options = CompileOptions {
            tier,
            fuel: flags & COUNTS_FUEL != 0,
            interrupt: flags & INTERRUPTIBLE != 0,
            check_ir: false,
        };
        let (feature_bytes, producer_bytes) =
            (at.u16("length of the features")?, at.u16("length of the producer")?);
        at.expect_next(2, 0, "header")?;
        let crc = at.u32("program's checksum")?;
        let length = at.u32("program's length")?;
        let counts_at = *at;
        let functions = at.u32("number of functions")?;
        counts_at.at_most(functions.into(), Limits::DEFAULT.functions.into(), "number of functions")?;
        let words = at.u32("number of words")?;
        let cell_at = *at;
        let bytes_per_cell = at.u32("native stack of a cell")?;
        if bytes_per_cell == 0 {
            return cell_at.fail("native stack of a cell", ReadErrorKind::TooSmall { found: 0, least: 1 });
        }
        let sites = at.u32("number of sites")?;
        let code_bytes = at.u32("length of the code")?;
        let mut count = || at.u32("statistics");
        let stats = Stats {
            functions,
            words: count()?,
            inlined: count()?,
            checks_removed: count()?,
            checks: count()?,
            ir_instructions: count()?,
        };
        Some(Header {
            options,
            arch,
            feature_bytes,
            producer_bytes,
            program: Fingerprint { crc, length, functions, words },
            bytes_per_cell,
            sites,
            length: code_bytes,
            stats,
        })
    }
}

/// Reads a number, counted from 1, and returns the element of `all` that it selects.
fn one_of<T: Copy, const N: usize>(at: &mut Cursor<'_>, all: [T; N], what: &'static str) -> Option<T> {
    let start = *at;
    let number = at.u8(what)?;
    let found = usize::from(number).checked_sub(1).and_then(|index| all.get(index));
    found.copied().or_else(|| start.fail(what, ReadErrorKind::Unknown(number.into())))
}

fn table(at: &mut Cursor<'_>, header: &Header) -> Option<Vec<TableEntry>> {
    let mut rows = at.section(header.program.functions as usize * ROW_BYTES, "function table")?;
    let mut table = with_room(header.program.functions)?;
    let mut least = 0;
    while !rows.is_empty() {
        let row = rows;
        let entry = TableEntry {
            offset: rows.u32("offset of a function")?,
            ty: rows.u16("type")?,
            cells: rows.u16("frame")?,
        };
        within(&row, entry.offset, least, header.length, "offset of a function")?;
        if entry.func_type().is_none() {
            return row.fail("type", ReadErrorKind::FuncType(entry.ty.into()));
        }
        least = entry.offset + 1;
        table.push(entry);
    }
    Some(table)
}

/// Checks that an offset is at least `least` and below `length`.
fn within(at: &Cursor<'_>, offset: u32, least: u32, length: u32, what: &'static str) -> Option<()> {
    if offset < least {
        return at.fail(what, ReadErrorKind::TooSmall { found: offset.into(), least: least.into() });
    }
    if offset >= length {
        return at.fail(what, ReadErrorKind::TooLarge { found: offset.into(), limit: length.into() });
    }
    Some(())
}

/// Checks that there are entries for exactly the types of the functions, and that they come after the functions.
fn check_entries(
    at: &Cursor<'_>,
    entries: &[u32; CodeInfo::SHAPES],
    table: &[TableEntry],
    length: u32,
) -> Option<()> {
    let mut needed = [false; CodeInfo::SHAPES];
    for ty in table.iter().filter_map(TableEntry::func_type) {
        needed[CodeInfo::shape(ty)] = true;
    }
    let after_functions = table.last().map_or(0, |row| row.offset + 1);
    for (entry, needed) in entries.iter().zip(needed) {
        match needed {
            true => within(at, *entry, after_functions, length, "entry")?,
            false => at.expect((*entry).into(), CodeInfo::NO_ENTRY.into(), "entry")?,
        }
    }
    Some(())
}

fn sites(at: &mut Cursor<'_>, count: u32) -> Option<Vec<Site>> {
    let mut rows = at.section(count as usize * SITE_BYTES, "sites")?;
    let mut sites = with_room(count)?;
    while !rows.is_empty() {
        let location = location(&mut rows)?;
        let inlined_at = location_or_none(&mut rows)?;
        let charged = rows.u32("words")?;
        let kind_at = rows;
        let (number, argument) = (rows.u32("kind of exit")?, rows.u32("argument of an exit")?);
        let Some(kind) = ExitKind::from_numbers(number, argument) else {
            return kind_at.fail("kind of exit", ReadErrorKind::Unknown(number));
        };
        sites.push(Site { location, inlined_at, charged, kind });
    }
    Some(sites)
}

fn location(at: &mut Cursor<'_>) -> Option<Location> {
    Some(Location { function: FuncIndex(at.u32("function of a site")?), word: at.u32("word of a site")? })
}

fn location_or_none(at: &mut Cursor<'_>) -> Option<Option<Location>> {
    let start = *at;
    let found = location(at)?;
    if found.function.0 != NO_FUNCTION {
        return Some(Some(found));
    }
    start.expect(found.word.into(), 0, "word of a site")?;
    Some(None)
}

/// Parses names in ascending order, separated by commas.
fn features(at: &Cursor<'_>, text: &str) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for name in text.split(',').filter(|_| !text.is_empty()) {
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if !is_name(name) || names.last().is_some_and(|last| &**last >= name) {
            return at.fail("features", ReadErrorKind::Order);
        }
        names.try_reserve(1).ok()?;
        names.push(owned(name)?);
    }
    Some(names)
}

fn text<'a>(at: &mut Cursor<'a>, length: u16, what: &'static str) -> Option<&'a str> {
    let start = *at;
    let bytes = at.bytes(length.into(), what)?;
    core::str::from_utf8(bytes).ok().or_else(|| start.fail(what, ReadErrorKind::Utf8))
}

/// Copies a text. Returns `None` if there is no memory for it.
fn owned(text: &str) -> Option<String> {
    let mut owned = String::new();
    owned.try_reserve_exact(text.len()).ok()?;
    owned.push_str(text);
    Some(owned)
}

/// Returns an empty vector with room for `count` elements, or `None` if there is no memory.
fn with_room<T>(count: u32) -> Option<Vec<T>> {
    let mut list = Vec::new();
    list.try_reserve_exact(count as usize).ok()?;
    Some(list)
}
