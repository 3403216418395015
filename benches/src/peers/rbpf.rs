//! Kernels in eBPF, which has neither recursion nor memory of its own: three of them.

use rbpf::EbpfVmRaw;
use rbpf::assembler::assemble;

use super::{Engine, Error, Kernel, Loaded, crc_table, random_bytes};

/// rbpf, which interprets eBPF or compiles it. Compiled code checks no access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rbpf {
    /// Whether it is compiled.
    pub jit: bool,
}

impl Rbpf {
    /// The variants that are compared.
    pub const ALL: [Rbpf; 2] = [Rbpf { jit: false }, Rbpf { jit: true }];

    /// Loads a program with its memory. Its helper 1 adds 1.
    ///
    /// # Errors
    /// The text is not a program.
    pub fn program(self, text: &str, memory: Vec<u8>) -> Result<RbpfProgram, Error> {
        let text: String =
            text.lines().map(|line| line.split(';').next().unwrap_or("").to_owned() + "\n").collect();
        // It is small, and the virtual machine borrows it.
        let program: &'static [u8] = assemble(text.trim())?.leak();
        let mut vm = EbpfVmRaw::new(Some(program))?;
        vm.register_helper(1, |x, _, _, _, _| x + 1)?;
        if self.jit {
            vm.jit_compile()?;
        }
        Ok(RbpfProgram { vm, jit: self.jit, memory })
    }
}

impl Engine for Rbpf {
    fn name(&self) -> String {
        if self.jit { "rbpf jit".into() } else { "rbpf".into() }
    }

    fn load(&self, kernel: &Kernel) -> Result<Option<Box<dyn Loaded>>, Error> {
        let mut memory = kernel.argument.to_le_bytes().to_vec();
        let text = match kernel.name {
            "sum_loop" => include_str!("../../kernels/sum_loop.ebpf"),
            "fnv1a" => include_str!("../../kernels/fnv1a.ebpf"),
            "crc32" => {
                memory.extend(crc_table().iter().flat_map(|entry| entry.to_le_bytes()));
                include_str!("../../kernels/crc32.ebpf")
            }
            _ => return Ok(None),
        };
        if kernel.has_setup() {
            memory.extend(random_bytes(kernel.argument as usize));
        }
        Ok(Some(Box::new(self.program(text, memory)?)))
    }
}

/// An eBPF program with its memory.
pub struct RbpfProgram {
    vm: EbpfVmRaw<'static>,
    jit: bool,
    memory: Vec<u8>,
}

impl std::fmt::Debug for RbpfProgram {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RbpfProgram").field("jit", &self.jit).finish_non_exhaustive()
    }
}

impl RbpfProgram {
    /// Returns the memory.
    pub fn memory_mut(&mut self) -> &mut [u8] {
        &mut self.memory
    }
}

impl Loaded for RbpfProgram {
    fn run(&mut self) -> Result<u64, Error> {
        if self.jit {
            // SAFETY: the programs are those of this crate. They read their memory, whose length is in it, and write
            // nothing else.
            Ok(unsafe { self.vm.execute_program_jit(&mut self.memory) }?)
        } else {
            Ok(self.vm.execute_program(&mut self.memory)?)
        }
    }
}
