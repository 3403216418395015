//! Moves, locals, globals and memory (classes 2x, 3x, Cx).

use vsp_core::Trap;

use super::float;
use super::machine::{Machine, Then};
use super::numbers::{low, power, register, signed_low, unsigned};
use super::word::Word;

/// The conversion between bytes in memory and a register.
#[derive(Clone, Copy, PartialEq)]
enum Conversion {
    Unsigned,
    Signed,
    Binary32,
}

/// An access to memory.
struct Access {
    store: bool,
    /// log₂ of its size in bytes.
    size: u32,
    conversion: Conversion,
    /// Whether it has an index register.
    indexed: bool,
}

fn access(op: u32) -> Option<Access> {
    let (store, indexed, number) = match op {
        0x30..=0x37 => (false, false, op - 0x30),
        0x38..=0x3F => (false, true, op - 0x38),
        0xC0..=0xC4 => (true, false, op - 0xC0),
        0xC8..=0xCC => (true, true, op - 0xC8),
        _ => return None,
    };
    let (size, conversion) = match (store, number) {
        (false, 6) => (3, Conversion::Unsigned),
        (false, 7) | (true, 4) => (2, Conversion::Binary32),
        (false, number) => {
            (number / 2, if number % 2 == 0 { Conversion::Unsigned } else { Conversion::Signed })
        }
        (true, number) => (number, Conversion::Unsigned),
    };
    Some(Access { store, size, conversion, indexed })
}

impl Machine {
    /// Executes an instruction of these classes. Returns `None` for others.
    pub(super) fn data(&mut self, word: Word) -> Option<Result<Then, Trap>> {
        if let Some(access) = access(word.op()) {
            return Some(self.access(word, &access).map(|()| Then::Next));
        }
        match word.op() {
            0x29 | 0x2A => return Some(self.bulk(word).map(|()| Then::NextAtSafepoint)),
            0x2D => {
                self.grow(word);
                return Some(Ok(Then::NextAtSafepoint));
            }
            0xC5 => return Some(self.copy_segment(word).map(|()| Then::NextAtSafepoint)),
            _ => {}
        }
        let (a, b, c) = (self.register(word.a()), self.register(word.b()), self.register(word.c()));
        match word.op() {
            0x20 => self.set_register(word.a(), b),
            0x21 => self.set_register(word.a(), register(word.s20())),
            0x22 => self.set_register(word.a(), self.constants[word.u20() as usize]),
            0x23 => {
                self.set_register(word.a(), b);
                self.set_register(word.b(), a);
            }
            0x24 => {
                let value = self.frame().local(word.u20());
                self.set_register(word.a(), value);
            }
            0x25 => self.frame().set_local(word.u20(), a),
            0x26 if c == 0 => self.set_register(word.a(), b),
            0x27 if c != 0 => self.set_register(word.a(), b),
            0x26 | 0x27 => {}
            0x28 => self.set_register(word.a(), self.memory.len() as u64),
            0x2B => self.set_register(word.a(), self.globals[&word.u20()]),
            0x2C => drop(self.globals.insert(word.u20(), a)),
            0x2E | 0x2F => return Some(self.numbered_global(word, a, b).map(|()| Then::Next)),
            _ => return None,
        }
        Some(Ok(Then::Next))
    }

    /// Executes GETGX or SETGX.
    fn numbered_global(&mut self, word: Word, a: u64, b: u64) -> Result<(), Trap> {
        let number = unsigned(b) + i128::from(word.u16());
        let known = u32::try_from(number).ok().and_then(|number| Some((number, *self.globals.get(&number)?)));
        let (number, value) = known.ok_or(Trap::GlobalOutOfBounds)?;
        match word.op() {
            0x2E => self.set_register(word.a(), value),
            _ => drop(self.globals.insert(number, a)),
        }
        Ok(())
    }

    /// Returns the range of `size` addresses from `address`, which is taken modulo 2⁶⁴.
    pub(super) fn range(&self, address: i128, size: i128) -> Result<std::ops::Range<usize>, Trap> {
        let (address, memory) = (low(address, 64), self.memory.len() as i128);
        if size > memory || address > memory - size {
            return Err(Trap::MemoryOutOfBounds);
        }
        Ok(address as usize..(address + size) as usize)
    }

    fn access(&mut self, word: Word, access: &Access) -> Result<(), Trap> {
        let base = unsigned(self.register(word.b()));
        let address = match access.indexed {
            true => base + unsigned(self.register(word.c())) * power(access.size) + word.s12(),
            false => base + word.s16(),
        };
        let range = self.range(address, power(access.size))?;
        if access.store {
            let value = self.register(word.a());
            let value = match access.conversion {
                Conversion::Binary32 => i128::from(float::store32(value)),
                Conversion::Unsigned | Conversion::Signed => unsigned(value),
            };
            for (index, byte) in (0..).zip(&mut self.memory[range]) {
                *byte = low(value.div_euclid(power(8 * index)), 8) as u8;
            }
        } else {
            let bytes = (0..).zip(&self.memory[range]);
            let value: i128 = bytes.map(|(index, byte)| i128::from(*byte) * power(8 * index)).sum();
            let value = match access.conversion {
                Conversion::Unsigned => register(value),
                Conversion::Signed => register(signed_low(value, 8 << access.size)),
                Conversion::Binary32 => float::load32(value as u32),
            };
            self.set_register(word.a(), value);
        }
        Ok(())
    }

    /// Executes MEMCOPY or MEMFILL.
    fn bulk(&mut self, word: Word) -> Result<(), Trap> {
        let (a, b, c) = (self.register(word.a()), self.register(word.b()), self.register(word.c()));
        let to = self.range(unsigned(a), unsigned(c))?;
        let bytes: Vec<u8> = match word.op() {
            0x29 => self.memory[self.range(unsigned(b), unsigned(c))?].to_vec(),
            _ => to.clone().map(|_| low(unsigned(b), 8) as u8).collect(),
        };
        self.charge(unsigned(c).div_euclid(64));
        for (address, byte) in to.zip(bytes) {
            self.memory[address] = byte;
        }
        Ok(())
    }

    /// Executes MEMGROW.
    fn grow(&mut self, word: Word) {
        let (size, more) = (self.memory.len() as i128, unsigned(self.register(word.b())) * power(16));
        let pages = size.div_euclid(power(16));
        if size + more > self.memory_maximum {
            self.set_register(word.a(), 0xFFFF_FFFF);
            return;
        }
        self.charge(more.div_euclid(power(16)) * 1024);
        self.memory.resize((size + more) as usize, 0);
        self.set_register(word.a(), register(pages));
    }

    /// Executes MEMINIT.
    fn copy_segment(&mut self, word: Word) -> Result<(), Trap> {
        let [a, b, c] = [word.a(), word.b(), word.c()].map(|number| unsigned(self.register(number)));
        let segment = &self.passive[word.u12() as usize];
        let to = self.range(a, c)?;
        if b + c > segment.len() as i128 {
            return Err(Trap::MemoryOutOfBounds);
        }
        let bytes = segment[b as usize..(b + c) as usize].to_vec();
        self.charge(c.div_euclid(64));
        for (address, byte) in to.zip(bytes) {
            self.memory[address] = byte;
        }
        Ok(())
    }
}
