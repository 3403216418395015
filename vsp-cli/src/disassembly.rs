//! Disassembly of machine code.

use capstone::arch::{self, BuildsCapstone, BuildsCapstoneSyntax};
use capstone::{Capstone, Error};
use vsp_core::jit::{Arch, Target};

/// An error of the disassembler.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the disassembler: {0}")]
pub(crate) struct DisassemblyError(String);

impl From<Error> for DisassemblyError {
    fn from(error: Error) -> Self {
        DisassemblyError(error.to_string())
    }
}

/// A machine instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MachineInst {
    /// The offset of its first byte.
    pub(crate) offset: u32,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Mnemonic and operands, on x86_64 in Intel syntax. Targets of branches are offsets.
    pub(crate) text: String,
}

/// A disassembler of the machine code of an architecture.
#[derive(Debug)]
pub(crate) struct Disassembler {
    capstone: Capstone,
    arch: Arch,
}

impl Disassembler {
    /// Creates a disassembler.
    ///
    /// # Errors
    /// Memory is exhausted.
    pub(crate) fn new(target: &Target) -> Result<Disassembler, DisassemblyError> {
        Ok(Disassembler { capstone: capstone(target)?, arch: target.arch() })
    }

    /// Disassembles machine code that starts at `offset`, from its first byte to its last. Bytes that are not an
    /// instruction are shown as `.byte`; constants and jump tables between instructions may look like instructions.
    ///
    /// # Errors
    /// Memory is exhausted.
    pub(crate) fn disassemble(
        &self,
        bytes: &[u8],
        offset: u32,
    ) -> Result<Vec<MachineInst>, DisassemblyError> {
        let instructions = self.capstone.disasm_all(bytes, offset.into())?;
        let lines = instructions.iter().map(|inst| {
            let (mnemonic, operands) = (inst.mnemonic().unwrap_or("?"), inst.op_str().unwrap_or_default());
            let operands = match self.arch {
                Arch::Riscv64 => riscv_operands(mnemonic, operands, inst.address()),
                Arch::X86_64 | Arch::Aarch64 | Arch::S390x => operands.to_owned(),
            };
            let text = format!("{mnemonic} {operands}").trim_end().to_owned();
            MachineInst { offset: inst.address() as u32, bytes: inst.bytes().to_vec(), text }
        });
        Ok(lines.collect())
    }
}

fn capstone(target: &Target) -> Result<Capstone, Error> {
    let new = Capstone::new();
    let mut disassembler = match target.arch() {
        Arch::X86_64 => {
            new.x86().mode(arch::x86::ArchMode::Mode64).syntax(arch::x86::ArchSyntax::Intel).build()?
        }
        Arch::Aarch64 => new.arm64().mode(arch::arm64::ArchMode::Arm).build()?,
        Arch::Riscv64 => new.riscv().mode(arch::riscv::ArchMode::RiscV64).build()?,
        Arch::S390x => new.sysz().mode(arch::sysz::ArchMode::Default).build()?,
    };
    disassembler.set_skipdata(true)?;
    Ok(disassembler)
}

/// Replaces the targets of branches by offsets. For this architecture the disassembler gives distances.
fn riscv_operands(mnemonic: &str, operands: &str, address: u64) -> String {
    let plain = mnemonic.trim_start_matches("c.");
    let distance = || {
        let (first, last) = operands.rsplit_once(' ').map_or(("", operands), |(first, last)| (first, last));
        let digits = last.trim_start_matches('-');
        let distance = i64::from_str_radix(digits.strip_prefix("0x").unwrap_or(digits), 16).ok()?;
        Some((first, if last.starts_with('-') { -distance } else { distance }))
    };
    match distance().filter(|_| plain.starts_with('b') || matches!(plain, "j" | "jal")) {
        Some((first, distance)) => {
            let target = address.wrapping_add_signed(distance);
            format!("{first} {target:#x}").trim_start().to_owned()
        }
        None => operands.to_owned(),
    }
}
