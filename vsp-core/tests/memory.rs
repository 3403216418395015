//! Memories that grow, and passive segments: the container, the options of instances, snapshots.
#![cfg(feature = "text")]

use vsp_core::limits::Limits;
use vsp_core::program::{Program, ProgramBuilder, ReadError, ReadErrorKind};
use vsp_core::snapshot::{RestoreError, Snapshot};
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, InstantiateError, Options, Outcome, text};

const PAGE: u64 = 65_536;

/// Its memory has 2 to 4 pages.
const GROWS: &str = "\
.memory 131072, 262144
.export grow
.func grow (1) -> 2
    MEMGROW R0, R0
    YIELD R1
    MEMSIZE R1
    RET
.end
";

/// The same with a memory of 2 pages that cannot grow.
fn fixed() -> String {
    GROWS.replace(", 262144", "")
}

fn assembled(text: &str) -> Vec<u8> {
    text::assemble(text, "memory.sil").unwrap()
}

fn verified(bytes: &[u8]) -> Verified<'_> {
    Verified::new(Program::read(bytes).unwrap()).unwrap()
}

/// Returns the size and the maximum of the memory of an instance with these options, or its error.
fn sizes(text: &str, memory: Option<u64>, memory_maximum: Option<u64>) -> Result<(u64, u64), String> {
    let bytes = assembled(text);
    let program = verified(&bytes);
    let imports = Imports::<()>::new();
    let options = Options { memory, memory_maximum, ..Options::default() };
    let instance = Instance::new(&program, &imports, (), options).map_err(|error| error.to_string())?;
    Ok((instance.memory().len() as u64, instance.memory_maximum()))
}

#[test]
fn the_host_chooses_sizes_within_the_programs() {
    assert_eq!(sizes(GROWS, None, None), Ok((2 * PAGE, 4 * PAGE)));
    assert_eq!(sizes(GROWS, Some(3 * PAGE), None), Ok((3 * PAGE, 4 * PAGE)));
    assert_eq!(sizes(GROWS, Some(4 * PAGE), None), Ok((4 * PAGE, 4 * PAGE)));
    assert_eq!(sizes(GROWS, None, Some(3 * PAGE + 16)), Ok((2 * PAGE, 3 * PAGE + 16)));
    assert_eq!(sizes(GROWS, None, Some(9 * PAGE)), Ok((2 * PAGE, 4 * PAGE)));
    assert_eq!(sizes(GROWS, Some(3 * PAGE), Some(3 * PAGE)), Ok((3 * PAGE, 3 * PAGE)));
    let beyond = |chosen: u64| InstantiateError::MemoryAboveMaximum { chosen, maximum: 4 * PAGE }.to_string();
    assert_eq!(sizes(GROWS, Some(4 * PAGE + 16), None), Err(beyond(4 * PAGE + 16)));
    let below = |chosen: u64, size: u64| InstantiateError::MemoryMaximum { chosen, size }.to_string();
    assert_eq!(sizes(GROWS, None, Some(2 * PAGE - 16)), Err(below(2 * PAGE - 16, 2 * PAGE)));
    assert_eq!(sizes(GROWS, None, Some(2 * PAGE + 8)), Err(below(2 * PAGE + 8, 2 * PAGE)));
    assert_eq!(sizes(GROWS, Some(3 * PAGE), Some(2 * PAGE)), Err(below(2 * PAGE, 3 * PAGE)));
}

#[test]
fn a_memory_that_cannot_grow_has_any_size() {
    assert_eq!(sizes(&fixed(), None, None), Ok((2 * PAGE, 2 * PAGE)));
    assert_eq!(sizes(&fixed(), Some(9 * PAGE), None), Ok((9 * PAGE, 9 * PAGE)));
    assert_eq!(sizes(&fixed(), None, Some(9 * PAGE)), Ok((2 * PAGE, 2 * PAGE)));
    let error = InstantiateError::MemoryMaximum { chosen: PAGE, size: 2 * PAGE };
    assert_eq!(sizes(&fixed(), None, Some(PAGE)), Err(error.to_string()));
}

#[test]
fn the_container_has_minimum_and_maximum() {
    let mut program = ProgramBuilder::new();
    program.memory(64);
    program.memory_maximum(PAGE);
    program.global(7);
    let bytes = program.build().unwrap();
    let section = [64u64, PAGE, 7].map(u64::to_le_bytes).concat();
    assert_eq!(bytes[bytes.len() - 24..], section);
    let program = Program::read(&bytes[..]).unwrap();
    assert_eq!(program.format_version(), (2, 1));
    assert_eq!((program.memory_minimum(), program.memory_maximum()), (64, PAGE));
    assert_eq!(program.globals().collect::<Vec<_>>(), [7]);

    // A maximum that adds nothing changes nothing.
    for maximum in [0, 16, 64] {
        let mut program = ProgramBuilder::new();
        program.memory(64);
        program.memory_maximum(maximum);
        let bytes = program.build().unwrap();
        let program = Program::read(&bytes[..]).unwrap();
        assert_eq!(program.format_version(), (2, 0));
        assert_eq!((program.memory_minimum(), program.memory_maximum()), (64, 64));
    }
}

/// Writes the checksum of a program or a snapshot.
fn seal(bytes: &mut [u8]) {
    bytes[16..20].fill(0);
    let crc = bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    });
    bytes[16..20].copy_from_slice(&(!crc).to_le_bytes());
}

/// Returns the error of reading bytes in which some are replaced, with the right checksum.
fn replaced(bytes: &[u8], at: usize, new: &[u8]) -> ReadError {
    let mut bytes = bytes.to_vec();
    bytes[at..at + new.len()].copy_from_slice(new);
    seal(&mut bytes);
    Program::read(&bytes[..]).unwrap_err()
}

#[test]
fn sizes_in_the_container_are_checked() {
    let mut program = ProgramBuilder::new();
    program.memory(64);
    program.memory_maximum(PAGE);
    let bytes = program.build().unwrap();
    let at = bytes.len() - 8;
    let maximum = |value: u64| {
        let ReadError { offset, what, kind } = replaced(&bytes, at, &value.to_le_bytes());
        assert_eq!((offset, what), (at, "memory maximum"));
        kind
    };
    assert_eq!(maximum(48), ReadErrorKind::TooSmall { found: 48, least: 64 });
    assert_eq!(maximum(65), ReadErrorKind::Granule(65));
    assert_eq!(maximum(1 << 33), ReadErrorKind::TooLarge { found: 1 << 33, limit: 1 << 32 });
    // Without a reason for format 2.1, the program says 2.0.
    let error = replaced(&bytes, at, &64u64.to_le_bytes());
    assert_eq!(error.kind, ReadErrorKind::Minor { needed: 0, stated: 1 });
    let mut program = ProgramBuilder::new();
    program.memory(1 << 32);
    program.memory_maximum((1 << 32) + 16);
    assert!(program.build().is_err());
}

#[test]
fn passive_segments_are_found_by_their_numbers() {
    let mut program = ProgramBuilder::new();
    let indices = [&b"abc"[..], b"", b"defgh"].map(|bytes| program.passive(bytes.to_vec()));
    let bytes = program.build().unwrap();
    let mut section = [3u32, 0, 3, 3, 8].map(u32::to_le_bytes).concat();
    section.extend(b"abcdefgh");
    assert_eq!(bytes[bytes.len() - section.len()..], section);
    let read = Program::read(&bytes[..]).unwrap();
    assert_eq!(read.format_version(), (2, 1));
    assert_eq!(read.passive().collect::<Vec<_>>(), [&b"abc"[..], b"", b"defgh"]);
    assert_eq!(
        indices.map(|index| read.passive_segment(index)),
        [Some(&b"abc"[..]), Some(b""), Some(b"defgh")]
    );
    assert_eq!(read.passive_segment(vsp_core::index::PassiveIndex(3)), None);

    let limits = Limits { passive_segments: 2, ..Limits::DEFAULT };
    let error = Program::read_limited(&bytes[..], &limits).unwrap_err();
    assert_eq!(
        (error.what, error.kind),
        ("passive segment count", ReadErrorKind::TooLarge { found: 3, limit: 2 })
    );

    let start = bytes.len() - section.len();
    let ends = |at: usize, end: u32| replaced(&bytes, start + 8 + 4 * at, &end.to_le_bytes()).kind;
    assert_eq!(ends(1, 2), ReadErrorKind::TooSmall { found: 2, least: 3 });
    assert_eq!(ends(2, 7), ReadErrorKind::Expected { expected: 7, found: 8 });
    assert_eq!(ends(2, 9), ReadErrorKind::Expected { expected: 9, found: 8 });
    let count = |count: u32| replaced(&bytes, start, &count.to_le_bytes()).kind;
    assert_eq!(count(0), ReadErrorKind::Redundant);
    assert!(matches!(count(u32::MAX), ReadErrorKind::TooShort { .. }));
    assert_eq!(replaced(&bytes, start + 4, &[1]).kind, ReadErrorKind::Expected { expected: 0, found: 1 });
}

#[test]
fn a_snapshot_has_the_maximum_if_the_memory_can_grow() {
    let bytes = assembled(GROWS);
    let program = verified(&bytes);
    let imports = Imports::<()>::new();
    for (pages, version, header) in [(0u64, 1u8, 80), (1, 1, 80), (2, 0, 72)] {
        let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
        assert!(matches!(instance.call_export("grow", &[pages]).unwrap(), Outcome::Suspended(_)));
        instance.memory_mut()[5] = 5;
        *instance.memory_mut().last_mut().unwrap() = 7;
        let saved = instance.save().unwrap();
        assert_eq!(saved[4..6], [version, 1]);
        if version == 1 {
            assert_eq!(saved[72..80], (4 * PAGE).to_le_bytes());
        }
        // The frame of function 0.
        assert_eq!(saved[header..header + 8], [0, 0, 0, 0, 1, 0, 0, 0]);
        let snapshot = Snapshot::read(&saved).unwrap();
        assert_eq!((snapshot.memory_bytes(), snapshot.memory_maximum()), ((2 + pages) * PAGE, 4 * PAGE));
        let restore = |memory_maximum| {
            let options = Options { memory_maximum, ..Options::default() };
            Instance::restore(&program, &imports, (), options, &snapshot)
        };
        let mut again = restore(Some(4 * PAGE)).unwrap();
        assert_eq!(again.save().unwrap(), saved);
        assert_eq!((again.memory(), again.memory_maximum()), (instance.memory(), 4 * PAGE));
        assert_eq!(again.resume(&[0]), instance.resume(&[0]));
        let error = restore(Some(4 * PAGE - 16)).unwrap_err();
        assert_eq!(error, RestoreError::MemoryMaximum { saved: 4 * PAGE, chosen: 4 * PAGE - 16 });
    }
}

#[test]
fn a_forged_snapshot_cannot_raise_the_maximum() {
    let imports = Imports::<()>::new();
    for (text, limit) in [(GROWS.to_owned(), 4 * PAGE), (GROWS.replace("262144", "131088"), 2 * PAGE + 16)] {
        let bytes = assembled(&text);
        let program = verified(&bytes);
        let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
        instance.call_export("grow", &[0]).unwrap();
        let mut saved = instance.save().unwrap();
        for (maximum, message) in [
            (8 * PAGE, format!("a memory of {} bytes: the program's memory has at most {limit}", 8 * PAGE)),
            (2 * PAGE, format!("at offset 72, largest memory: {} is less than {}", 2 * PAGE, 2 * PAGE + 16)),
            (4 * PAGE + 8, format!("at offset 72, largest memory: {} is not a multiple of 16", 4 * PAGE + 8)),
        ] {
            saved[72..80].copy_from_slice(&u64::to_le_bytes(maximum));
            seal(&mut saved);
            let error = match Snapshot::read(&saved) {
                Err(error) => error.to_string(),
                Ok(snapshot) => Instance::restore(&program, &imports, (), Options::default(), &snapshot)
                    .map(drop)
                    .unwrap_err()
                    .to_string(),
            };
            assert_eq!(error, message);
        }
    }
}

#[test]
fn names_of_passive_segments_survive_a_round_trip() {
    let text = "\
.memory 16, 65552
.passive one \"one\", u8 7
.passive
.passive u8
    .u8 200, 201
.passive \"text, not a name\"
.passive one_more zero 3
.name passive 1 \"R1\"
.name passive 3 \"one\"
.func f (0) -> 0
    MEMINIT R0, R1, R2, one
    MEMINIT R0, R1, R2, $1
    MEMINIT R0, R1, R2, u8
    MEMINIT R0, R1, R2, one_more
    RET
.end
";
    let bytes = assembled(text);
    let program = Program::read(&bytes[..]).unwrap();
    let lengths: Vec<usize> = program.passive().map(<[u8]>::len).collect();
    assert_eq!(lengths, [4, 0, 2, 16, 3]);
    assert_eq!(assembled(&text::disassemble(&program)), bytes);
    let formatted = text::format(text).unwrap();
    assert_eq!(assembled(&formatted), bytes);
}
