//! The writer of code objects.

use alloc::string::String;
use alloc::vec::Vec;

use crate::analysis::OutOfMemory;
use crate::bytes::Writer;
use crate::index::{ImportIndex, Location};
use crate::native::object::{ABI_VERSION, COUNTS_FUEL, INTERRUPTIBLE, KINDS, MAGIC, NO_FUNCTION, VERSION};
use crate::native::{Arch, CODE_ALIGN, Code, CodeInfo, ExitKind, Site, Tier};
use crate::program::{CHECKSUM_AT, checksum};
use crate::trap::Trap;

/// The offset of the file's length in the header.
pub(crate) const LENGTH_AT: usize = 8;

/// The offsets of the lengths of the two texts in the header.
const FEATURES_AT: usize = 22;
const PRODUCER_AT: usize = 24;

/// The parts of the name and version of this compiler and its code generator.
const PRODUCER: [&str; 4] = ["vsp ", env!("CARGO_PKG_VERSION"), ", cranelift ", cranelift_codegen::VERSION];

/// Returns the names and versions of this compiler and its code generator. Another version may generate other code.
pub fn producer() -> String {
    PRODUCER.concat()
}

impl Code {
    /// Returns the code as a file. The same code has the same bytes, wherever it was compiled.
    ///
    /// # Errors
    /// Memory runs out, or the file would be longer than 2³² − 1 bytes.
    pub fn to_object(&self) -> Result<Vec<u8>, OutOfMemory> {
        let info = self.info();
        let mut out = Writer::default();
        header(&mut out, info)?;
        info.entries.iter().try_for_each(|entry| out.u32(*entry))?;
        for row in &info.table {
            out.u32(row.offset)?;
            out.u16(row.ty)?;
            out.u16(row.cells)?;
        }
        info.sites.iter().try_for_each(|info| site(&mut out, info))?;
        let start = out.0.len();
        for (number, feature) in info.target().features().enumerate() {
            out.put(if number == 0 { b"" } else { b"," })?;
            out.put(feature.as_bytes())?;
        }
        let features = out.0.len() - start;
        PRODUCER.iter().try_for_each(|part| out.put(part.as_bytes()))?;
        let producer = out.0.len() - start - features;
        let padding = out.0.len().next_multiple_of(CODE_ALIGN) - out.0.len();
        out.put(&[0; CODE_ALIGN][..padding])?;
        out.put(self.bytes())?;
        let mut bytes = out.0;
        let length = u32::try_from(bytes.len()).map_err(|_| OutOfMemory)?;
        bytes[LENGTH_AT..][..4].copy_from_slice(&length.to_le_bytes());
        for (at, length) in [(FEATURES_AT, features), (PRODUCER_AT, producer)] {
            bytes[at..][..2].copy_from_slice(&(length as u16).to_le_bytes());
        }
        let checksum = checksum(&bytes);
        bytes[CHECKSUM_AT..][..4].copy_from_slice(&checksum.to_le_bytes());
        Ok(bytes)
    }
}

/// Writes the header, with zeros for lengths and checksum.
fn header(out: &mut Writer, info: &CodeInfo) -> Result<(), OutOfMemory> {
    let options = info.options();
    let fuel = if options.fuel { COUNTS_FUEL } else { 0 };
    let interrupt = if options.interrupt { INTERRUPTIBLE } else { 0 };
    out.put(&MAGIC)?;
    out.u16(VERSION)?;
    out.u16(fuel | interrupt)?;
    out.u32(0)?;
    out.u32(ABI_VERSION)?;
    out.u32(0)?;
    let arch = Arch::ALL.into_iter().position(|arch| arch == info.target().arch()).unwrap_or_default();
    let tier = Tier::ALL.into_iter().position(|tier| tier == options.tier).unwrap_or_default();
    out.put(&[arch as u8 + 1, tier as u8 + 1])?;
    out.put(&[0; 6])?;
    let (program, stats) = (info.program(), info.stats());
    for number in [
        program.crc,
        program.length,
        program.functions,
        program.words,
        info.bytes_per_cell,
        info.sites.len() as u32,
        info.length,
        stats.words,
        stats.inlined,
        stats.checks_removed,
        stats.checks,
        stats.ir_instructions,
    ] {
        out.u32(number)?;
    }
    Ok(())
}

fn site(out: &mut Writer, site: &Site) -> Result<(), OutOfMemory> {
    let (kind, argument) = numbers(site.kind);
    let (function, word) =
        site.inlined_at.map_or((NO_FUNCTION, 0), |Location { function, word }| (function.0, word));
    let numbers =
        [site.location.function.0, site.location.word, function, word, site.charged, kind, argument];
    numbers.into_iter().try_for_each(|number| out.u32(number))
}

/// Returns the number of a kind of exit, and its argument. (No site has [`Trap::Host`]: that is
/// [`ExitKind::HostError`].)
fn numbers(kind: ExitKind) -> (u32, u32) {
    let argument = match kind {
        ExitKind::Trap(Trap::Explicit(code)) => code,
        ExitKind::Pending(ImportIndex(import)) => import,
        _ => 0,
    };
    let same = |known: &ExitKind| known.with(argument) == Some(kind);
    (KINDS.iter().position(same).map_or(0, |index| index as u32 + 1), argument)
}
