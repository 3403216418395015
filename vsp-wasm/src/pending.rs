//! Instructions of format 2.1 that vsp-core does not have yet.
use vsp_core::isa::Opcode;
use vsp_core::program::FuncType;

pub(crate) trait Pending {
    const F32WIDEN: Opcode = Opcode::COMPLEX_ADD;
    const F32NARROW: Opcode = Opcode::COMPLEX_SUB;
    const FADDS: Opcode = Opcode::COMPLEX_MUL;
    const FSUBS: Opcode = Opcode::COMPLEX_DIV;
    const FMULS: Opcode = Opcode::COMPLEX_POW;
    const FDIVS: Opcode = Opcode::COMPLEX_ROOT;
    const I2FS: Opcode = Opcode::COMPLEX_INV;
    const U2FS: Opcode = Opcode::COMPLEX_CONJ;
    const GETGX: Opcode = Opcode::COMPLEX_MAG;
    const SETGX: Opcode = Opcode::COMPLEX_PHASE;
}
impl Pending for Opcode {}

pub(crate) trait Tagged: Sized {
    fn with_tag(self, tag: u32) -> Option<FuncType>;
}
impl Tagged for FuncType {
    fn with_tag(self, _: u32) -> Option<FuncType> {
        Some(self)
    }
}
