//! Trampolines: the entries through which the host calls functions of a shape.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, Function, InstBuilder, MemFlagsData, Signature, UserFuncName, types::I64,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use super::offsets::{FUEL, SITE, VALUES};
use crate::native::entry::MIN_BALANCE;
use crate::native::{EXITED, NO_SITE};
use crate::program::FuncType;

/// [`EXITED`] is rarely a balance: code is entered with no less than [`MIN_BALANCE`], and only very deep calls of very
/// long functions charge as much on the way back, where there are no safepoints.
const _: () = assert!(EXITED < MIN_BALANCE - (1 << 28));

/// Returns the signature of a function's machine code. Its parameters are context, remaining cells, fuel if it is
/// counted, and the function's parameters. It returns the fuel, or [`EXITED`]; if fuel is not counted, 0, or 1 after an
/// exit; then the first result. A host can call it.
pub(super) fn signature(ty: FuncType, counts_fuel: bool) -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.resize(2 + usize::from(counts_fuel) + ty.params(), AbiParam::new(I64));
    signature.returns.resize(1 + ty.results().min(1), AbiParam::new(I64));
    signature
}

/// Builds the entry for functions of a type: `extern "C" fn(context, remaining, function) -> status`.
pub(super) fn build(
    function: &mut Function,
    frontend: &mut FunctionBuilderContext,
    isa: &dyn TargetIsa,
    ty: FuncType,
    counts_fuel: bool,
) {
    function.name = UserFuncName::user(1, ty.bits());
    function.signature = Signature::new(CallConv::SystemV);
    function.signature.params.resize(3, AbiParam::new(I64));
    function.signature.returns.push(AbiParam::new(I64));
    let mut b = FunctionBuilder::new(function, frontend);
    let block = b.create_block();
    b.append_block_params_for_function_params(block);
    b.switch_to_block(block);
    b.seal_block(block);
    let &[context, remaining, callee] = b.block_params(block) else {
        unreachable!("the signature has three parameters")
    };
    let flags = MemFlagsData::trusted();
    let mut args = alloc::vec![context, remaining];
    if counts_fuel {
        args.push(b.ins().load(I64, flags, context, FUEL));
    }
    for param in 0..ty.params() as i32 {
        args.push(b.ins().load(I64, flags, context, VALUES + 8 * param));
    }
    let signature = b.import_signature(signature(ty, counts_fuel));
    let call = b.ins().call_indirect(signature, callee, &args);
    let results = b.inst_results(call).to_vec();
    if let Some(&result) = results.get(1) {
        b.ins().store(flags, result, context, VALUES);
    }
    let mut status = results[0];
    if counts_fuel {
        // After an exit, the fuel is in the context.
        let is_left = b.ins().icmp_imm_s(IntCC::Equal, status, EXITED);
        let site = b.ins().load(I64, flags, context, SITE);
        let has_site = b.ins().icmp_imm_s(IntCC::NotEqual, site, NO_SITE as i64);
        let left = b.ins().band(is_left, has_site);
        let kept = b.ins().load(I64, flags, context, FUEL);
        let fuel = b.ins().select(left, kept, status);
        b.ins().store(flags, fuel, context, FUEL);
        status = b.ins().uextend(I64, left);
    }
    b.ins().return_(&[status]);
    b.finalize(isa.frontend_config());
}
