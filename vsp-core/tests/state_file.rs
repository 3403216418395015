//! State files: their bytes, refused ones, and host modules that live side by side.
#![cfg(feature = "text")]

#[path = "snapshot/common.rs"]
mod common;

use common::SHOWN;
use vsp_core::program::{Program, ReadErrorKind};
use vsp_core::snapshot::Snapshot;
use vsp_core::state_file::{
    HostState, HostStateError, SavedProgram, SectionReader, SectionWriter, StateFile, StateFileError,
};
use vsp_core::text::assemble;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options};

/// A module with one number.
struct Module {
    name: &'static str,
    number: u64,
}

impl HostState for Module {
    fn name(&self) -> &str {
        self.name
    }

    fn version(&self) -> u16 {
        2
    }

    fn save(&mut self, out: &mut SectionWriter<'_>) -> Result<(), HostStateError> {
        match self.number {
            u64::MAX => Err(HostStateError::cannot("the number", "it is too large")),
            number => out.u64(number),
        }
    }

    fn restore(&mut self, version: u16, mut from: SectionReader<'_>) -> Result<(), HostStateError> {
        HostStateError::check_version(version, self.version())?;
        self.number = from.u64("number")?;
        from.finish()
    }
}

fn program() -> Vec<u8> {
    assemble(SHOWN, "shown.sil").unwrap()
}

fn snapshot() -> Vec<u8> {
    let bytes = program();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let imports = Imports::<()>::new();
    let options = Options { stack_cells: Some(64), fuel: Some(100), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, (), options).unwrap();
    instance.call_export("f", &[3]).unwrap();
    instance.save().unwrap()
}

fn dice(number: u64) -> Module {
    Module { name: "dice", number }
}

/// Returns a state file with two modules and the program.
fn file() -> Vec<u8> {
    let (program, snapshot) = (program(), snapshot());
    let saved = SavedProgram { path: "f.silc", bytes: Some(&program) };
    let (mut one, mut other) = (dice(2), Module { name: "clock", number: 7 });
    StateFile::write(saved, &snapshot, &mut [&mut one, &mut other]).unwrap()
}

/// Returns these bytes with the right length and checksum.
fn repaired(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= 20 {
        let length = bytes.len() as u64;
        bytes[8..16].copy_from_slice(&length.to_le_bytes());
    }
    common::repaired(bytes)
}

/// The annotated dump in docs/format.md is the state file of that program. A line with `…` stands for the snapshot.
#[test]
fn the_dump_in_the_document_is_right() {
    let snapshot = snapshot();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/format.md")).unwrap();
    let dump = page.split("```text\n").find(|block| block.starts_with("0000  53 49 4C 48")).unwrap();
    let mut bytes = Vec::new();
    for line in dump.split("```").next().unwrap().lines() {
        assert_eq!(usize::from_str_radix(&line[..4], 16), Ok(bytes.len()), "{line}");
        match line[6..].split("  ").next().unwrap() {
            "…" => bytes.extend(&snapshot),
            digits => {
                bytes.extend(digits.split(' ').map(|digits| u8::from_str_radix(digits, 16).unwrap()));
            }
        }
    }
    let saved = SavedProgram { path: "f.silc", bytes: None };
    let mut module = dice(2);
    let written = StateFile::write(saved, &snapshot, &mut [&mut module]).unwrap();
    assert_eq!(written, bytes, "{written:02X?}");

    let read = StateFile::read(&bytes).unwrap();
    assert_eq!((read.program_path(), read.program_bytes()), ("f.silc", None));
    assert_eq!(read.snapshot_bytes(), snapshot);
    let sections: Vec<_> =
        read.sections().map(|section| (section.name, section.version, section.bytes)).collect();
    assert_eq!(sections, [("dice", 2, &[2, 0, 0, 0, 0, 0, 0, 0][..])]);
}

#[test]
fn modules_live_side_by_side_in_any_order() {
    let bytes = file();
    let read = StateFile::read(&bytes).unwrap();
    assert_eq!(read.program_bytes(), Some(&program()[..]));
    assert_eq!(read.sections().map(|section| section.name).collect::<Vec<_>>(), ["clock", "dice"]);
    let (mut one, mut other) = (Module { name: "clock", number: 0 }, dice(0));
    read.restore(&mut [&mut one, &mut other]).unwrap();
    assert_eq!((one.number, other.number), (7, 2));
    read.restore(&mut [&mut other, &mut one]).unwrap();

    let saved = SavedProgram { path: "f.silc", bytes: read.program_bytes() };
    assert_eq!(StateFile::write(saved, read.snapshot_bytes(), &mut [&mut other, &mut one]).unwrap(), bytes);
}

#[test]
fn errors_say_which_module_and_why() {
    let bytes = file();
    let read = StateFile::read(&bytes).unwrap();
    let restore = |modules: &mut [&mut dyn HostState]| read.restore(modules).unwrap_err().to_string();
    assert_eq!(
        restore(&mut [&mut dice(0)]),
        "the state has a section of the host module \"clock\", which this host does not have"
    );
    let mut modules = ["clock", "dice", "sound"].map(|name| Module { name, number: 0 });
    let [one, two, three] = &mut modules;
    assert_eq!(restore(&mut [one, two, three]), "the state has nothing of the host module \"sound\"");

    let saved = SavedProgram { path: "", bytes: None };
    let write = |modules: &mut [&mut dyn HostState]| {
        StateFile::write(saved, &snapshot(), modules).unwrap_err().to_string()
    };
    assert_eq!(write(&mut [&mut dice(u64::MAX)]), "dice: the number: it is too large");
    assert_eq!(write(&mut [&mut dice(1), &mut dice(2)]), "two host modules have the name \"dice\"");
    let mut nameless = Module { name: "", number: 0 };
    assert_eq!(write(&mut [&mut nameless]), "bytes of the name of a host module: 0 is not between 1 and 255");
    let long = "x".repeat(4_097);
    let error =
        StateFile::write(SavedProgram { path: &long, bytes: None }, &snapshot(), &mut []).unwrap_err();
    assert_eq!(error.to_string(), "bytes of the program's path: 4097 is not between 0 and 4096");
    let error = StateFile::write(saved, b"SILS", &mut []).unwrap_err();
    assert!(matches!(error, StateFileError::Read(_)), "{error}");
}

#[test]
fn a_module_reads_its_section_to_the_last_byte() {
    let section = |bytes: &[u8]| dice(0).restore(2, SectionReader::new(bytes)).unwrap_err().to_string();
    assert_eq!(
        section(&[1; 7]),
        "the section is damaged: at offset 0, number: needs 8 bytes, but only 7 are left"
    );
    assert_eq!(
        section(&[1; 9]),
        "the section is damaged: at offset 8, end of the section: 1 bytes are left over"
    );
    let error = dice(0).restore(3, SectionReader::new(&[0; 8])).unwrap_err();
    assert_eq!(error.to_string(), "version 3 of its state is unknown, expected 2");

    let mut from = SectionReader::new(&[2, 3, 0, 0, 0, 9, 0xFF]);
    assert!(from.clone().flag("flag").unwrap_err().to_string().ends_with("at offset 0, flag: 2 is unknown"));
    assert_eq!(from.choice(3, "choice"), Ok(2));
    let error = from.clone().bytes("bytes").unwrap_err().to_string();
    assert!(error.ends_with("at offset 1, bytes: 3 is more than the limit of 2"), "{error}");
    assert!(SectionReader::new(&[1, 0, 0, 0, 0xFF]).text("text").unwrap_err().to_string().contains("UTF-8"));
    // A number of items that could not be there is refused before memory is taken for them.
    assert!(SectionReader::new(&[0xFF; 64]).texts("texts").is_err());
}

#[test]
fn what_breaks_a_rule_is_refused() {
    let bytes = file();
    let kind = |bytes: &[u8]| StateFile::read(bytes).unwrap_err().kind;
    assert_eq!(kind(b""), ReadErrorKind::StateFileMagic);
    assert_eq!(kind(&snapshot()), ReadErrorKind::StateFileMagic);
    assert_eq!(
        kind(b"SILH\x01\x01"),
        ReadErrorKind::StateFileVersion(0x0101),
        "the version is looked at first"
    );
    for length in 0..bytes.len() {
        assert!(StateFile::read(&bytes[..length]).is_err(), "{length}");
    }
    let path_at = 40;
    let program_at = path_at + 6;
    let snapshot_at = program_at + program().len();
    let sections_at = snapshot_at + snapshot().len();
    let changed = |at: usize, values: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + values.len()].copy_from_slice(values);
        bytes
    };
    assert!(matches!(kind(&changed(path_at, b"g")), ReadErrorKind::Checksum { .. }));
    for (at, values, offset, what, expected) in [
        (6, &[1][..], 6, "flags", "expected 0, found 1"),
        (20, &[1, 1], 20, "number of sections", "257 is more than the limit of 256"),
        (20, &[1], sections_at + 25, "end of the sections", "24 bytes are left over"),
        (20, &[3], sections_at + 49, "section", "needs 12 bytes, but only 0 are left"),
        (24, &[1, 16], 24, "length of the program's path", "4097 is more than the limit of 4096"),
        (31, &[0xFF], program_at, "program", "needs 4278190298 bytes"),
        (39, &[0xFF], snapshot_at, "snapshot", "needs"),
        (path_at, &[0xFF], path_at, "path of the program", "the name is not UTF-8"),
        (snapshot_at, b"X", snapshot_at, "magic", "expected \"SILS\""),
        (sections_at + 1, &[1], sections_at, "length of the name of a section", "261 is more than"),
        (sections_at + 4, &[0xFF; 8], sections_at + 17, "section", "needs"),
        (sections_at + 12, b"\xFF", sections_at + 12, "name of a section", "the name is not UTF-8"),
        (sections_at + 12, b"f", sections_at + 25, "name of a section", "out of order"),
    ] {
        let error = StateFile::read(&repaired(changed(at, values))).unwrap_err();
        assert_eq!((error.offset, error.what), (offset, what), "{at} {values:?}: {error}");
        assert!(error.to_string().contains(expected), "{at} {values:?}: {error}");
    }
    // A program of another length than the snapshot's, although all lengths fit.
    let mut shorter = bytes.clone();
    shorter.remove(program_at);
    let length = program().len() as u32 - 1;
    shorter[28..32].copy_from_slice(&length.to_le_bytes());
    let error = StateFile::read(&repaired(shorter)).unwrap_err();
    assert_eq!((error.offset, error.what), (program_at, "length of the program"), "{error}");
}

#[test]
fn changed_bytes_are_refused_or_read() {
    let bytes = file();
    let mut accepted = 0;
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7F, 0x80, 0xFF] {
            let mut changed = bytes.clone();
            changed[at] = value;
            let changed = repaired(changed);
            let Ok(read) = StateFile::read(&changed) else { continue };
            accepted += 1;
            assert!(Snapshot::read(read.snapshot_bytes()).is_ok());
            let _ = read.restore(&mut [&mut dice(0), &mut Module { name: "clock", number: 0 }]);
        }
    }
    assert!(accepted > bytes.len(), "{accepted}");
}
