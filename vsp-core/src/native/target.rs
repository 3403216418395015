//! The targets of machine code.

use alloc::string::String;
use alloc::vec::Vec;

/// An architecture for which code can be compiled.
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

    /// Returns the name, as in the first part of a target triple.
    pub const fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Aarch64 => "aarch64",
            Arch::Riscv64 => "riscv64",
            Arch::S390x => "s390x",
        }
    }

    /// Returns the architecture with this name.
    pub fn parse(name: &str) -> Option<Arch> {
        Arch::ALL.into_iter().find(|arch| arch.name() == name)
    }

    /// Returns the architecture that this crate is compiled for, if it is one of them.
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

    /// Returns the cache maintenance required before newly written code can run.
    pub const fn caches(self) -> Caches {
        match self {
            Arch::X86_64 | Arch::S390x => Caches::Coherent,
            Arch::Aarch64 => Caches::CleanAndInvalidate,
            Arch::Riscv64 => Caches::Fence,
        }
    }
}

/// The cache maintenance required between writing machine code and running it, if the processor may have cached these
/// addresses earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caches {
    /// None: the processor sees what was written.
    Coherent,
    /// On aarch64: for the code's lines, `DC CVAU`; `DSB ISH`; `IC IVAU`; `DSB ISH`. Then `ISB` on every core that will
    /// run it. (Arm Architecture Reference Manual for A-profile, B2.4.4; CTR_EL0 gives the line sizes and tells which
    /// steps can be left out.)
    CleanAndInvalidate,
    /// On riscv64: `FENCE.I` on every hart that will run it (RISC-V unprivileged specification, Zifencei).
    Fence,
}

impl core::fmt::Display for Arch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// An architecture, and the processor features used beyond its baseline.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    pub(crate) arch: Arch,
    /// The code generator's settings that are enabled beyond its defaults, sorted.
    pub(crate) features: Vec<String>,
}

impl Target {
    /// Creates the target of the baseline processor of an architecture.
    pub const fn new(arch: Arch) -> Target {
        Target { arch, features: Vec::new() }
    }

    /// Adds features of the processor by the code generator's names (`has_sse41`), for a computer without a code
    /// generator, whose host knows its processor. A name that no code object needs has no effect.
    #[must_use]
    pub fn declare<'n>(mut self, features: impl IntoIterator<Item = &'n str>) -> Target {
        self.features.extend(features.into_iter().map(String::from));
        self.features.sort_unstable();
        self.features.dedup();
        self
    }

    /// Returns the architecture.
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// Returns the features beyond the baseline, sorted.
    pub fn features(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(String::as_str)
    }

    /// Returns whether a computer with the target `computer` can run code for `self`.
    pub fn runs_on(&self, computer: &Target) -> bool {
        self.arch == computer.arch && self.missing_on(computer).next().is_none()
    }

    /// Returns the features of this target that the target `computer` lacks.
    pub(crate) fn missing_on(&self, computer: &Target) -> impl Iterator<Item = &str> {
        self.features().filter(|feature| !computer.has(feature))
    }

    /// Returns whether this processor feature can be used. The name is the code generator's (`has_sse41`).
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
