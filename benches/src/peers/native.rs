//! The kernels in Rust.

use super::{Engine, Error, Kernel, Loaded};

/// The kernels compiled by rustc.
#[derive(Clone, Copy, Debug)]
pub struct Native;

impl Engine for Native {
    fn name(&self) -> String {
        "native".into()
    }

    fn load(&self, kernel: &Kernel) -> Result<Option<Box<dyn Loaded>>, Error> {
        kernel.native_setup();
        Ok(Some(Box::new(NativeKernel(*kernel))))
    }
}

struct NativeKernel(Kernel);

impl Loaded for NativeKernel {
    fn run(&mut self) -> Result<u64, Error> {
        Ok(self.0.native_run())
    }
}
