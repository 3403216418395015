//! The code generator's side of a target.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable, SettingKind};

use super::{CompileOptions, JitError, Tier};
use crate::native::{Arch, Target};

impl Arch {
    /// Returns whether this build has a code generator for the architecture.
    pub fn is_built(self) -> bool {
        Target::new(self).builder().is_ok()
    }

    /// Returns the bytes of a native frame that the code generator does not count: return address and frame pointer, or
    /// the area that the ABI reserves.
    pub(crate) const fn frame_overhead(self) -> u32 {
        match self {
            Arch::X86_64 | Arch::Aarch64 | Arch::Riscv64 => 16,
            Arch::S390x => 176,
        }
    }
}

impl Target {
    /// Adds a feature of the processor: a switch of Cranelift's (`has_sse41`), also without `has_`; or a processor that
    /// Cranelift knows (`haswell`), which implies all of its features.
    ///
    /// ```
    /// use vsp_core::jit::{Arch, Target};
    ///
    /// let old = Target::new(Arch::X86_64);
    /// let new = old.clone().with("sse3")?.with("popcnt")?;
    /// assert_eq!(new.to_string(), "x86_64+has_popcnt+has_sse3");
    /// assert!(old.runs_on(&new) && !new.runs_on(&old));
    /// assert!(Target::new(Arch::Aarch64).with("sse3").is_err());
    /// # Ok::<(), vsp_core::jit::JitError>(())
    /// ```
    ///
    /// # Errors
    /// The architecture has no such feature.
    pub fn with(mut self, feature: &str) -> Result<Target, JitError> {
        let unknown = || JitError::Feature { arch: self.arch, feature: feature.to_string() };
        let mut builder = isa::lookup_by_name(self.triple()).map_err(|_| JitError::Arch(self.arch))?;
        let known = |name: &str| builder.iter().any(|setting| setting.name == name);
        let name = match known(feature) {
            true => feature.to_string(),
            false => alloc::format!("has_{feature}"),
        };
        if unusable(self.arch, &name) {
            return Err(unknown());
        }
        builder.enable(&name).map_err(|_| unknown())?;
        let on = switches(&builder)?;
        let defaults = switches(&Target::new(self.arch).builder()?)?;
        for name in on {
            if !defaults.contains(&name) && !self.features.contains(&name) {
                self.features.push(name);
            }
        }
        self.features.sort_unstable();
        Ok(self)
    }

    /// Returns the features and processors that [`Self::with`] accepts for an architecture.
    ///
    /// # Errors
    /// This build has no code generator for it.
    pub fn known(arch: Arch) -> Result<KnownFeatures, JitError> {
        let mut known = KnownFeatures { features: Vec::new(), processors: Vec::new() };
        for setting in Target::new(arch).builder()?.iter() {
            if unusable(arch, setting.name) {
                continue;
            }
            let short = setting.name.strip_prefix("has_").unwrap_or(setting.name);
            match setting.kind {
                SettingKind::Bool => known.features.push(short),
                SettingKind::Preset => known.processors.push(setting.name),
                SettingKind::Enum | SettingKind::Num => {}
            }
        }
        Ok(known)
    }

    /// Creates the target that a code generator was set up for, as `cranelift-native` does for the computer that it
    /// runs on.
    ///
    /// # Errors
    /// The settings are inconsistent.
    pub fn of_builder(arch: Arch, builder: &isa::Builder) -> Result<Target, JitError> {
        let defaults = switches(&Target::new(arch).builder()?)?;
        let mut features = switches(builder)?;
        features.retain(|name| !defaults.contains(name) && !unusable(arch, name));
        features.sort_unstable();
        Ok(Target { arch, features })
    }

    fn triple(&self) -> &'static str {
        match self.arch {
            Arch::X86_64 => "x86_64-unknown-none",
            Arch::Aarch64 => "aarch64-unknown-none",
            Arch::Riscv64 => "riscv64gc-unknown-none",
            Arch::S390x => "s390x-unknown-linux",
        }
    }

    fn builder(&self) -> Result<isa::Builder, JitError> {
        let mut builder = isa::lookup_by_name(self.triple()).map_err(|_| JitError::Arch(self.arch))?;
        for feature in &self.features {
            let unknown = |_| JitError::Feature { arch: self.arch, feature: feature.clone() };
            builder.enable(feature).map_err(unknown)?;
        }
        Ok(builder)
    }

    /// Returns the code generator for this target. With the single-pass register allocator, every value has a location
    /// in the native frame.
    pub(super) fn isa(
        &self,
        options: CompileOptions,
        allocator: Allocator,
    ) -> Result<OwnedTargetIsa, JitError> {
        let opt_level = match options.tier {
            Tier::One => "none",
            Tier::Two => "speed",
        };
        let regalloc = match allocator {
            Allocator::SinglePass => "single_pass",
            Allocator::Backtracking => "backtracking",
        };
        let mut flags = settings::builder();
        for (name, value) in [
            ("opt_level", opt_level),
            ("regalloc_algorithm", regalloc),
            ("enable_verifier", if options.check_ir { "true" } else { "false" }),
            ("unwind_info", "false"),
            // Side channels are not a promise (and nothing here depends on memory permissions).
            ("enable_table_access_spectre_mitigation", "false"),
        ] {
            flags.set(name, value).map_err(|error| JitError::Settings(error.to_string()))?;
        }
        let isa = self.builder()?.finish(settings::Flags::new(flags));
        isa.map_err(|error| JitError::Settings(error.to_string()))
    }
}

/// A register allocation algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allocator {
    /// One pass.
    SinglePass,
    /// Live ranges that are split and moved.
    Backtracking,
}

/// The features and processors that are known of an architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFeatures {
    /// Features, without `has_`.
    pub features: Vec<&'static str>,
    /// Processors, each of which implies its features.
    pub processors: Vec<&'static str>,
}

/// Returns whether this switch must stay off.
///
/// These are the compressed instructions of riscv64: a compressed jump reaches 2 KiB. While more than 255 branches wait
/// for their targets, Cranelift 0.135 treats each jump around an island as one that may not reach its target, and
/// routes it through a veneer. The veneer overwrites `t6` and can be between any two instructions; but the epilogue of
/// a frame above 2 KiB keeps the size of the frame in `t6`.
fn unusable(arch: Arch, switch: &str) -> bool {
    arch == Arch::Riscv64 && (switch.starts_with("has_zc") || switch == "has_c")
}

/// Returns the names of all switches of the processor that are on.
fn switches(builder: &isa::Builder) -> Result<Vec<String>, JitError> {
    let isa = builder.finish(settings::Flags::new(settings::builder()));
    let isa = isa.map_err(|error| JitError::Settings(error.to_string()))?;
    let on = isa.isa_flags().into_iter().filter(|value| value.as_bool() == Some(true));
    Ok(on.map(|value| value.name.to_string()).collect())
}
