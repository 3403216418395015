//! The entries of a log, and their numbers: one byte for small ones, otherwise the number of bytes and the bytes.

use alloc::vec::Vec;

use super::tag;
use crate::index::{FuncIndex, ImportIndex};
use crate::limits::{MAX_PARAMS, MAX_RESULTS};
use crate::outcome::Values;
use crate::program::FuncType;

/// An entry of a log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry<'l> {
    End { end: End, checksum: u32 },
    Call { function: FuncIndex, args: Args, writes: Writes<'l> },
    Yield { value: u64, answer: u64, writes: Writes<'l> },
    Answer { values: Values, writes: Writes<'l> },
    Fail { code: u32, text: Option<&'l str>, writes: Writes<'l> },
    Reset,
    Host(HostEntry<'l>),
}

/// The state at the end of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The program was being stepped, or stopped without counting fuel.
    Unknown,
    /// The digest of the state.
    Digest(u32),
    /// The program was suspended with Fuel or Interrupted.
    Stopped {
        /// The fuel that it had used since the log began.
        fuel: u64,
        /// The digest of the state.
        digest: u32,
    },
}

/// The arguments of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args {
    values: [u64; MAX_PARAMS],
    count: usize,
}

impl core::ops::Deref for Args {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.values[..self.count]
    }
}

/// A call of a host function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostEntry<'l> {
    pub(crate) import: ImportIndex,
    pub(crate) args: Args,
    pub(crate) answer: Answer<'l>,
    pub(crate) charged: u64,
    pub(crate) writes: Writes<'l>,
}

/// The end of a call of a host function.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer<'l> {
    Results([u64; MAX_RESULTS]),
    Error(u32, Option<&'l str>),
    Pending,
}

/// The bytes that the host wrote to the memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Writes<'l> {
    count: u64,
    bytes: &'l [u8],
}

impl<'l> Writes<'l> {
    /// Returns the addresses and the bytes.
    fn iter(self) -> impl Iterator<Item = (u64, &'l [u8])> {
        let mut at = Reader::new(self.bytes, 0);
        (0..self.count).map_while(move |_| at.write())
    }

    /// Writes them to the memory. Returns `None` if they are not all inside; then some may have been written.
    pub(crate) fn apply(self, memory: &mut [u8]) -> Option<()> {
        for (address, bytes) in self.iter() {
            let start = usize::try_from(address).ok()?;
            memory.get_mut(start..start.checked_add(bytes.len())?)?.copy_from_slice(bytes);
        }
        Some(())
    }
}

/// A reader of entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'l> {
    pub(super) bytes: &'l [u8],
    pub(super) offset: usize,
    /// Whether an entry goes on after the last byte.
    pub(super) is_cut: bool,
}

impl<'l> Reader<'l> {
    /// Creates a reader that starts at an offset.
    pub(super) fn new(bytes: &'l [u8], offset: usize) -> Reader<'l> {
        Reader { bytes, offset, is_cut: false }
    }

    fn byte(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }

    fn bytes(&mut self, count: u64) -> Option<&'l [u8]> {
        let end = usize::try_from(count).ok().and_then(|count| self.offset.checked_add(count));
        let Some(bytes) = end.and_then(|end| self.bytes.get(self.offset..end)) else {
            self.is_cut = true;
            return None;
        };
        self.offset += bytes.len();
        Some(bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.bytes(4)?.first_chunk()?))
    }

    /// Reads a number of up to 64 bits.
    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        if first <= LARGEST_BYTE {
            return Some(first.into());
        }
        let bytes = self.bytes(u64::from(first - LARGEST_BYTE))?;
        let number = bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        // A number has one form only.
        (number > LARGEST_BYTE.into() && bytes.last() != Some(&0)).then_some(number)
    }

    fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    /// Reads a number for each of the first `count` values.
    fn values<const N: usize>(&mut self, count: usize) -> Option<[u64; N]> {
        let mut values = [0; N];
        for value in values.get_mut(..count)? {
            *value = self.number()?;
        }
        Some(values)
    }

    fn counted<const N: usize>(&mut self) -> Option<([u64; N], usize)> {
        let count = usize::from(self.byte()?);
        Some((self.values(count)?, count))
    }

    fn text(&mut self) -> Option<&'l str> {
        let length = self.number()?;
        core::str::from_utf8(self.bytes(length)?).ok()
    }

    fn write(&mut self) -> Option<(u64, &'l [u8])> {
        let (address, length) = (self.number()?, self.number()?);
        Some((address, self.bytes(length)?))
    }

    fn writes(&mut self) -> Option<Writes<'l>> {
        let count = self.number()?;
        let start = self.offset;
        for _ in 0..count {
            self.write()?;
        }
        Some(Writes { count, bytes: &self.bytes[start..self.offset] })
    }

    /// Reads an entry. `types` are the types of the program's imports.
    pub(super) fn entry(&mut self, types: &[FuncType]) -> Option<Entry<'l>> {
        Some(match self.byte()? {
            tag::END => Entry::End { end: End::Unknown, checksum: self.u32()? },
            tag::END_WITH_DIGEST => Entry::End { end: End::Digest(self.u32()?), checksum: self.u32()? },
            tag::END_STOPPED => {
                let (fuel, digest) = (self.number()?, self.u32()?);
                Entry::End { end: End::Stopped { fuel, digest }, checksum: self.u32()? }
            }
            tag::CALL => {
                let function = FuncIndex(self.small()?);
                let (values, count) = self.counted()?;
                Entry::Call { function, args: Args { values, count }, writes: self.writes()? }
            }
            tag::YIELD => {
                let (value, answer) = (self.number()?, self.number()?);
                Entry::Yield { value, answer, writes: self.writes()? }
            }
            tag::ANSWER => {
                let (values, count) = self.counted::<MAX_RESULTS>()?;
                Entry::Answer { values: Values::new(&values[..count]), writes: self.writes()? }
            }
            tag::FAIL => {
                let code = self.small()?;
                let text = match self.byte()? {
                    0 => None,
                    1 => Some(self.text()?),
                    _ => return None,
                };
                Entry::Fail { code, text, writes: self.writes()? }
            }
            tag::RESET => Entry::Reset,
            host if host & 0xF0 == tag::HOST => Entry::Host(self.host(host, types)?),
            _ => return None,
        })
    }

    fn host(&mut self, tag: u8, types: &[FuncType]) -> Option<HostEntry<'l>> {
        let import = ImportIndex(self.small()?);
        let ty = types.get(import.index())?;
        let args = Args { values: self.values(ty.params())?, count: ty.params() };
        let answer = match tag & tag::HOST_END {
            tag::RESULTS => Answer::Results(self.values(ty.results())?),
            tag::ERROR => Answer::Error(self.small()?, None),
            tag::ERROR_WITH_TEXT => Answer::Error(self.small()?, Some(self.text()?)),
            _ => Answer::Pending,
        };
        let charged = if tag & tag::CHARGED != 0 { self.number()? } else { 0 };
        let writes = if tag & tag::WROTE != 0 { self.writes()? } else { Writes::default() };
        Some(HostEntry { import, args, answer, charged, writes })
    }
}

/// The largest number that is one byte. A larger first byte is this, plus the number of bytes that follow, 1 to 8.
const LARGEST_BYTE: u8 = 247;

/// The most bytes of a number.
pub(super) const MAX_NUMBER: usize = 9;

/// Appends a number.
pub(super) fn put_number(out: &mut Vec<u8>, number: u64) {
    let mut bytes = [0; MAX_NUMBER];
    let length = encode(number, &mut bytes);
    out.extend_from_slice(&bytes[..length]);
}

/// Writes a number to the first bytes of a place, of which others can change. Returns how many bytes it has.
#[inline]
pub(super) fn encode(number: u64, place: &mut [u8; MAX_NUMBER]) -> usize {
    let [first, rest @ ..] = place;
    if number <= LARGEST_BYTE.into() {
        *first = number as u8;
        return 1;
    }
    let length = 8 - number.leading_zeros() as usize / 8;
    *first = LARGEST_BYTE + length as u8;
    *rest = number.to_le_bytes();
    1 + length
}
