//! What machine code runs on.

use alloc::string::String;
use alloc::vec::Vec;

/// An architecture that machine code can be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arch {
    /// x86-64; at least SSE2.
    X86_64,
    /// ARM64, little-endian.
    Aarch64,
    /// RISC-V, RV64GC.
    Riscv64,
    /// IBM z/Architecture, big-endian; at least z14. Needs the feature `s390x`.
    S390x,
}

impl Arch {
    /// All architectures.
    pub const ALL: [Arch; 4] = [Arch::X86_64, Arch::Aarch64, Arch::Riscv64, Arch::S390x];

    /// The name, as the first part of a target triple has it.
    pub const fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Aarch64 => "aarch64",
            Arch::Riscv64 => "riscv64",
            Arch::S390x => "s390x",
        }
    }

    /// The architecture of this name.
    pub fn parse(name: &str) -> Option<Arch> {
        Arch::ALL.into_iter().find(|arch| arch.name() == name)
    }

    /// The architecture that this crate is compiled for, if it is one of them.
    pub const fn host() -> Option<Arch> {
        if cfg!(target_arch = "x86_64") {
            Some(Arch::X86_64)
        } else if cfg!(target_arch = "aarch64") {
            Some(Arch::Aarch64)
        } else if cfg!(target_arch = "riscv64") {
            Some(Arch::Riscv64)
        } else if cfg!(target_arch = "s390x") {
            Some(Arch::S390x)
        } else {
            None
        }
    }

    /// What to do before code that was written can run.
    pub const fn caches(self) -> Caches {
        match self {
            Arch::X86_64 | Arch::S390x => Caches::Coherent,
            Arch::Aarch64 => Caches::CleanAndInvalidate,
            Arch::Riscv64 => Caches::Fence,
        }
    }
}

/// What to do between writing machine code and running it, where the processor could have been at these addresses before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caches {
    /// Nothing: the processor sees what was written.
    Coherent,
    /// On aarch64: for the code's lines, `DC CVAU`; `DSB ISH`; `IC IVAU`; `DSB ISH`. Then `ISB` on every core that will run
    /// it. (Arm Architecture Reference Manual for A-profile, B2.4.4; CTR_EL0 says how long lines are, and when a step
    /// can be left out.)
    CleanAndInvalidate,
    /// On riscv64: `FENCE.I` on every hart that will run it (RISC-V unprivileged specification, Zifencei).
    Fence,
}

impl core::fmt::Display for Arch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// An architecture, and what more than its least processor can be used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    pub(crate) arch: Arch,
    /// The code generator's switches that are on beyond its defaults, sorted.
    pub(crate) features: Vec<String>,
}

impl Target {
    /// The least processor of an architecture.
    pub const fn new(arch: Arch) -> Target {
        Target { arch, features: Vec::new() }
    }

    /// The architecture.
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// The features beyond the least processor's, sorted.
    pub fn features(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(String::as_str)
    }

    /// Can a computer that is this target run code for `self`?
    pub fn runs_on(&self, computer: &Target) -> bool {
        self.arch == computer.arch && self.missing_on(computer).next().is_none()
    }

    /// The features of this target that a computer, which is another, does not have.
    pub(crate) fn missing_on(&self, computer: &Target) -> impl Iterator<Item = &str> {
        self.features().filter(|feature| !computer.has(feature))
    }

    /// Can this feature of the processor be used? The name is the code generator's (`has_sse41`).
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|name| name == feature)
    }
}

impl core::fmt::Display for Target {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.arch)?;
        self.features.iter().try_for_each(|feature| write!(f, "+{feature}"))
    }
}
