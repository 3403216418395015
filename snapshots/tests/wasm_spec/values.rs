//! Arguments and expected results of the specification's scripts.

use wast::core::{NanPattern, WastArgCore, WastRetCore};
use wast::{WastArg, WastRet};

/// Returns the bits of an argument, or the name of what is not supported.
pub(crate) fn argument(argument: &WastArg<'_>) -> Result<u64, &'static str> {
    match argument {
        WastArg::Core(WastArgCore::I32(value)) => Ok(u64::from(*value as u32)),
        WastArg::Core(WastArgCore::I64(value)) => Ok(*value as u64),
        WastArg::Core(WastArgCore::F32(value)) => Ok(value.bits.into()),
        WastArg::Core(WastArgCore::F64(value)) => Ok(value.bits),
        WastArg::Core(WastArgCore::RefNull(_)) => Ok(0),
        WastArg::Core(WastArgCore::RefExtern(number) | WastArgCore::RefHost(number)) => {
            Ok(reference(*number))
        }
        _ => Err("vector or component value"),
    }
}

/// The bits of the host's reference with this number. 0 is null.
fn reference(number: u32) -> u64 {
    u64::from(number) + 1
}

/// The two quiet NaNs of a width: the mask of the sign, and the bits of the canonical NaN.
const F32_CANONICAL: u64 = 0x7FC0_0000;
const F64_CANONICAL: u64 = 0x7FF8_0000_0000_0000;

/// Returns whether the bits of a result are as expected, or the name of what is not supported.
pub(crate) fn matches(expected: &WastRet<'_>, bits: u64) -> Result<bool, &'static str> {
    let WastRet::Core(expected) = expected else { return Err("component value") };
    core(expected, bits)
}

fn core(expected: &WastRetCore<'_>, bits: u64) -> Result<bool, &'static str> {
    Ok(match expected {
        WastRetCore::I32(value) => u64::from(*value as u32) == bits,
        WastRetCore::I64(value) => *value as u64 == bits,
        WastRetCore::F32(NanPattern::Value(value)) => u64::from(value.bits) == bits,
        // A canonical NaN has either sign.
        WastRetCore::F32(NanPattern::CanonicalNan) => bits & 0xFFFF_FFFF_7FFF_FFFF == F32_CANONICAL,
        WastRetCore::F32(NanPattern::ArithmeticNan) => {
            bits & !0xFFFF_FFFF == 0 && bits & F32_CANONICAL == F32_CANONICAL
        }
        WastRetCore::F64(NanPattern::Value(value)) => value.bits == bits,
        WastRetCore::F64(NanPattern::CanonicalNan) => bits & (u64::MAX >> 1) == F64_CANONICAL,
        WastRetCore::F64(NanPattern::ArithmeticNan) => bits & F64_CANONICAL == F64_CANONICAL,
        WastRetCore::RefNull(_) => bits == 0,
        WastRetCore::RefFunc(None) => bits != 0,
        WastRetCore::RefExtern(Some(number)) | WastRetCore::RefHost(number) => bits == reference(*number),
        WastRetCore::RefExtern(None) => bits != 0,
        WastRetCore::Either(all) => {
            for one in all {
                if core(one, bits)? {
                    return Ok(true);
                }
            }
            false
        }
        _ => return Err("vector or reference of a later proposal"),
    })
}
