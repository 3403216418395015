//! States of 16 ByteSil numbers (classes Bx and Fx).

use vsp_core::Trap;

use super::bytesil;
use super::machine::{Machine, Then};
use super::numbers::{low, power, unsigned};
use super::word::Word;

/// The layers of a state register, layer 0 first.
pub(super) type Layers = [u8; 16];

/// Returns whether an instruction has an operand that is a state register.
pub(super) fn names_state(word: Word) -> bool {
    matches!(word.op(), 0xB0..=0xBE | 0xF0..=0xF5)
}

/// Computes an instruction of class Ax on two numbers.
fn scalar(op: u32, b: u8, c: u8) -> u8 {
    match bytesil::computed(op, b.into(), c.into()) {
        Some(number) => number as u8,
        None => unreachable!("0x{op:02X} is in class Ax"),
    }
}

/// Computes an instruction on one or two states. Returns `None` for other instructions.
fn computed(word: Word, b: Layers, c: Layers) -> Option<Layers> {
    let in_layers = |f: &dyn Fn(u8, u8) -> u8| core::array::from_fn(|layer| f(b[layer], c[layer]));
    Some(match word.op() {
        0xB0 => b,
        0xB4..=0xB7 => in_layers(&|b, c| scalar(word.op() - 0x14, b, c)),
        0xB8 => in_layers(&|b, c| b ^ c),
        0xB9 => in_layers(&|b, c| b & c),
        0xBA => in_layers(&|b, c| b | c),
        0xBB => in_layers(&|b, _| 255 - b),
        0xBC => in_layers(&|b, _| scalar(0xA7, b, 0)),
        0xBD => in_layers(&|b, _| scalar(0xA6, b, 0)),
        0xBE => {
            let mut rotated = b;
            for (layer, number) in b.into_iter().enumerate() {
                rotated[(layer + word.u12() as usize) % 16] = number;
            }
            rotated
        }
        _ => return None,
    })
}

/// Returns the sum of all layers, by adding halves until one layer remains.
fn sum(layers: &[u8]) -> u8 {
    if let [number] = layers {
        return *number;
    }
    let (first, second) = layers.split_at(layers.len() / 2);
    let halves: Vec<u8> = first.iter().zip(second).map(|(b, c)| scalar(0xA0, *b, *c)).collect();
    sum(&halves)
}

impl Machine {
    /// Executes an instruction of these classes. Returns `None` for others.
    pub(super) fn states(&mut self, word: Word) -> Option<Result<Then, Trap>> {
        if !names_state(word) {
            return None;
        }
        let layer = word.u12() as usize;
        let number = low(unsigned(self.register(word.b())), 8) as u8;
        let (a, b, c) =
            (self.frame().state(word.a()), self.frame().state(word.b()), self.frame().state(word.c()));
        match word.op() {
            0xB1 => self.frame().set_state(word.a(), [number; 16]),
            0xB2 => self.set_register(word.a(), b[layer].into()),
            0xB3 => {
                let mut changed = a;
                changed[layer] = number;
                self.frame().set_state(word.a(), changed);
            }
            0xF0..=0xF3 => {
                let range = match self.state_range(word) {
                    Ok(range) => range,
                    Err(trap) => return Some(Err(trap)),
                };
                match word.op() {
                    0xF1 | 0xF3 => self.memory[range].copy_from_slice(&a),
                    _ => {
                        let mut layers = [0; 16];
                        layers.copy_from_slice(&self.memory[range]);
                        self.frame().set_state(word.a(), layers);
                    }
                }
            }
            0xF4 => self.set_register(word.a(), sum(&b).into()),
            0xF5 => self.set_register(word.a(), b.into_iter().fold(0, |all, number| all ^ number).into()),
            _ => self.frame().set_state(word.a(), computed(word, b, c)?),
        }
        Some(Ok(Then::Next))
    }

    fn state_range(&mut self, word: Word) -> Result<std::ops::Range<usize>, Trap> {
        let base = unsigned(self.register(word.b()));
        let address = match word.op() {
            0xF2 | 0xF3 => base + unsigned(self.register(word.c())) * power(4) + word.s12(),
            _ => base + word.s16(),
        };
        self.range(address, 16)
    }
}
