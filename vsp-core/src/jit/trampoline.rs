//! Entries: what the host calls to enter a function of some shape.

use cranelift_codegen::ir::{
    AbiParam, Function, InstBuilder, MemFlagsData, Signature, UserFuncName, types::I64,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use super::offsets::VALUES;
use crate::program::FuncType;

/// The signature of the machine code of a function: context, remaining cells, parameters; status, first result. It is one
/// that a host can call.
pub(super) fn signature(ty: FuncType) -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.resize(2 + ty.params(), AbiParam::new(I64));
    signature.returns.resize(1 + ty.results().min(1), AbiParam::new(I64));
    signature
}

/// The entry for functions of a type: `extern "C" fn(context, remaining, function) -> status`.
pub(super) fn build(
    function: &mut Function,
    frontend: &mut FunctionBuilderContext,
    isa: &dyn TargetIsa,
    ty: FuncType,
) {
    function.name = UserFuncName::user(1, ty.bits().into());
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
    for param in 0..ty.params() as i32 {
        args.push(b.ins().load(I64, flags, context, VALUES + 8 * param));
    }
    let signature = b.import_signature(signature(ty));
    let call = b.ins().call_indirect(signature, callee, &args);
    let results = b.inst_results(call).to_vec();
    if let Some(&result) = results.get(1) {
        b.ins().store(flags, result, context, VALUES);
    }
    b.ins().return_(&results[..1]);
    b.finalize(isa.frontend_config());
}
