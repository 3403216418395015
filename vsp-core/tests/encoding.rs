//! Every instruction has exactly one encoding.

use proptest::prelude::*;
use vsp_core::isa::{DecodeError, EncodeError, Field, Inst, Opcode, Operand, Role};

fn check(word: u32) {
    if let Ok(inst) = Inst::decode(word) {
        assert_eq!(inst.encode(), word, "{inst:?}");
        let values: Vec<i32> = inst.operands().map(|(_, value)| value).collect();
        assert_eq!(Inst::new(inst.op(), &values), Ok(inst), "0x{word:08X}");
    }
}

/// All opcodes, each with many different upper bits.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn words_decode_to_what_encodes_to_them() {
    let mut state = 7u32;
    for op in 0..=255u32 {
        check(op);
        check(op | 0xFFFF_FF00);
        for _ in 0..4000 {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            // With few bits set, many words are instructions.
            check(op | (state & state.rotate_left(9) & state.rotate_left(19)) << 8);
            check(op | state << 8);
        }
    }
}

/// All 2³² words: `cargo test --release -p vsp-core --test encoding -- --ignored` (five minutes).
#[test]
#[ignore = "takes five minutes in release"]
fn all_words() {
    let mut instructions = 0u64;
    for word in 0..=u32::MAX {
        check(word);
        instructions += u64::from(Inst::decode(word).is_ok());
    }
    println!("{instructions} of the 2^32 words are instructions");
}

#[test]
fn the_zero_word_is_no_instruction() {
    assert!(Inst::decode(0).is_err());
}

#[test]
fn reserved_opcodes_are_rejected() {
    for op in 0..=255u8 {
        assert_eq!(Inst::decode(u32::from(op)).is_ok(), is_instruction_with_zero_operands(op), "{op:02X}");
    }
}

/// The defined opcodes of docs/isa.md, except SWITCH (which has no table of 0 entries), SEXT and ZEXT (which have no
/// width 0).
fn is_instruction_with_zero_operands(op: u8) -> bool {
    let defined: [(u8, u8); 18] = [
        (0x01, 0x07),
        (0x10, 0x1E),
        (0x20, 0x2F),
        (0x30, 0x3F),
        (0x40, 0x4F),
        (0x50, 0x5F),
        (0x60, 0x6D),
        (0x70, 0x75),
        (0x78, 0x7F),
        (0x80, 0x8F),
        (0x90, 0x9F),
        (0xA0, 0xAF),
        (0xB0, 0xBE),
        (0xC0, 0xC5),
        (0xC8, 0xCC),
        (0xD0, 0xDD),
        (0xE0, 0xE5),
        (0xF0, 0xF5),
    ];
    defined.iter().any(|(first, last)| (*first..=*last).contains(&op)) && ![0x1B, 0x5E, 0x5F].contains(&op)
}

#[test]
fn operands_outside_their_ranges_are_refused() {
    let refused = |op, values: &[i32]| Inst::new(op, values).unwrap_err().to_string();
    assert!(refused(Opcode::ADDI, &[0, 0, 40_000]).contains("out of range for ADDI (-32768 to 32767)"));
    assert!(refused(Opcode::SHLI, &[0, 0, 64]).contains("(0 to 63)"));
    assert!(refused(Opcode::SHLWI, &[0, 0, 32]).contains("(0 to 31)"));
    assert!(refused(Opcode::SEXT, &[0, 0, 7]).contains("8, 16 or 32"));
    assert!(refused(Opcode::SWITCH, &[0, 1 << 20]).contains("(1 to 1048575)"));
    assert!(refused(Opcode::JEQI, &[0, 128, 0]).contains("out of range for JEQI (-128 to 127)"));
    assert!(refused(Opcode::CALLR, &[0, 0x59]).contains("function type"));
    assert!(refused(Opcode::ADD, &[16, 0, 0]).contains("register"));
    assert!(refused(Opcode::FMATH, &[0, 17, 0, 0]).contains("one of the functions"));
    assert!(Inst::new(Opcode::FMATH, &[0, 0, 1, 1]).is_err(), "sin takes one argument");
    assert!(Inst::new(Opcode::FMATH, &[0, 32, 1, 1]).is_ok(), "pow takes two");
}

fn any_instruction() -> impl Strategy<Value = (Opcode, Vec<i32>)> {
    (0..Opcode::ALL.len(), proptest::collection::vec(any::<i32>(), 4)).prop_map(|(index, seeds)| {
        let op = Opcode::ALL[index];
        let fit = |(operand, seed): (&vsp_core::isa::Operand, &i32)| {
            let (low, high) = operand.role.range(operand.field);
            let width = i64::from(high) - i64::from(low) + 1;
            (i64::from(low) + i64::from(*seed).rem_euclid(width)) as i32
        };
        (op, op.operands().iter().zip(&seeds).map(fit).collect())
    })
}

proptest! {
    #[test]
    fn instructions_encode_to_what_decodes_to_them((op, values) in any_instruction()) {
        if let Ok(inst) = Inst::new(op, &values) {
            prop_assert_eq!(Inst::decode(inst.encode()), Ok(inst));
        }
    }

    #[test]
    fn fields_sign_extend_as_arithmetic_says(word in any::<u32>()) {
        for field in [Field::imm8, Field::rel12, Field::imm12, Field::imm16, Field::imm20, Field::imm24] {
            let unsigned = i64::from(field.unsigned(word));
            let half = 1i64 << (field.width() - 1);
            let signed = if unsigned >= half { unsigned - 2 * half } else { unsigned };
            prop_assert_eq!(i64::from(field.signed(word)), signed);
        }
    }
}

#[test]
fn registers_of_an_instruction_follow_from_its_roles() {
    use vsp_core::isa::{Access, Reg};
    let mac = Inst::mac(Reg::R1, Reg::R2, Reg::R3).unwrap();
    let all: Vec<_> = mac.registers().collect();
    assert_eq!(all, [(Reg::R1, Access::ReadWrite), (Reg::R2, Access::Read), (Reg::R3, Access::Read)]);
    let sine = Inst::fmath(Reg::R1, 0, Reg::R2, Reg::R0).unwrap();
    assert_eq!(sine.registers().count(), 2, "sin has no second argument");
    assert_eq!(mac.value_of(Role::Target), None);
}

/// Valid and invalid values of operands at the edges of their ranges (docs/isa.md, sections 2 and 3).
fn edges(operand: Operand) -> (Vec<i64>, Vec<i64>) {
    let width = operand.field.width();
    match operand.role {
        Role::Entries => (vec![1, 4096, 1_048_575], vec![-1, 0, 1_048_576]),
        Role::Sh64 => (vec![0, 63], vec![-1, 64]),
        Role::Sh32 => (vec![0, 31], vec![-1, 32]),
        Role::Layer => (vec![0, 15], vec![-1, 16]),
        Role::Bits => (vec![8, 16, 32], vec![-8, 0, 7, 9, 24, 31, 33, 64]),
        Role::Math => (vec![0, 16, 32, 35], vec![-1, 17, 31, 36]),
        Role::Type => (vec![0, 8, 0x40, 0x48, 0x100, 0xF_FF48], vec![-1, 9, 0x50, 0x80, 0x109, 0x10_0000]),
        Role::Disp | Role::S | Role::Target => {
            let half = 1 << (width - 1);
            (vec![-half, -1, 0, half - 1], vec![-half - 1, half])
        }
        _ => (vec![0, (1 << width) - 1], vec![-1, 1 << width]),
    }
}

/// Every operand of every instruction, alone at the edges of its range.
#[test]
fn ranges_hold_at_their_edges() {
    for &op in Opcode::ALL {
        let values: Vec<i32> = op.operands().iter().map(|it| edges(*it).0[0].max(0) as i32).collect();
        let mut least = Inst::new(op, &values).unwrap();
        if op.operands().iter().any(|operand| operand.role == Role::FSrc2) {
            // A function of two arguments, so that field c may be anything.
            least = least.with(1, 32).unwrap();
        }
        for (index, &operand) in op.operands().iter().enumerate() {
            let (allowed, refused) = edges(operand);
            for value in allowed {
                let inst = least.with(index, value).unwrap();
                assert_eq!(inst.operands().nth(index), Some((operand, value as i32)));
                assert_eq!(Inst::decode(inst.encode()), Ok(inst));
            }
            for value in refused.into_iter().chain([i64::MIN, i64::MAX, 1 << 32]) {
                assert_eq!(least.with(index, value), Err(EncodeError { op, operand, value }));
            }
        }
        let too_many = [values, vec![0]].concat();
        assert!(Inst::new(op, &too_many).is_err(), "{op:?} with an operand too many");
        assert!(least.with(op.operands().len(), 0).is_err(), "{op:?} has no such operand");
    }
}

#[test]
fn constructors_take_operands_in_the_order_of_the_text() {
    use vsp_core::isa::Reg::*;
    let made = |op, values: &[i32]| Inst::new(op, values);
    assert_eq!(Inst::ret(), made(Opcode::RET, &[]));
    assert_eq!(Inst::yield_(RF), made(Opcode::YIELD, &[15]));
    assert_eq!(Inst::trap((1 << 24) - 1), made(Opcode::TRAP, &[(1 << 24) - 1]));
    assert_eq!(Inst::movi(R1, -5), made(Opcode::MOVI, &[1, -5]));
    assert_eq!(Inst::loadx(R1, R2, R3, -8), made(Opcode::LOADX, &[1, 2, 3, -8]));
    assert_eq!(Inst::storex(R2, R3, -8, R1), made(Opcode::STOREX, &[2, 3, -8, 1]));
    assert_eq!(Inst::jltui(R4, 255, -2048), made(Opcode::JLTUI, &[4, 255, -2048]));
    assert_eq!(Inst::fmath(R1, 32, R2, R3), made(Opcode::FMATH, &[1, 32, 2, 3]));

    assert!(
        Inst::trap(1 << 24).is_err() && Inst::movi(R1, 1 << 19).is_err() && Inst::sext(R1, R2, 24).is_err()
    );
    assert!(
        Inst::jltui(R4, 256, 0).is_err() && Inst::switch(R1, 0).is_err() && Inst::callr(R1, 0x59).is_err()
    );
}

/// An FMATH with one argument cannot be given a second one, which would have no encoding.
#[test]
fn a_function_of_one_argument_is_given_one() {
    use vsp_core::isa::Reg::*;
    let refused = Inst::fmath(R1, 0, R2, R3).unwrap_err();
    assert!(refused.to_string().contains("0 if the function takes one argument"), "{refused}");
    assert!(Inst::fmath(R1, 32, R2, R3).unwrap().with(1, 0).is_err());
    assert!(Inst::fmath(R1, 0, R2, R0).unwrap().with(3, 3).is_err());
    assert!(Inst::fmath(R1, 0, R2, R0).unwrap().with(1, 32).unwrap().with(3, 3).is_ok());
}

/// Every reason for which a word is not an instruction.
#[test]
fn words_that_are_no_instructions_say_why() {
    let op = Opcode::RET;
    let unused = DecodeError::UnusedBits { word: 0x8000_0102, op, unused: 0x8000_0100 };
    assert_eq!(Inst::decode(0x8000_0102), Err(unused));
    assert_eq!(Inst::decode(0x1234_56FB), Err(DecodeError::ReservedOpcode { word: 0x1234_56FB }));
    let op = Opcode::SHLI;
    let word = 0x0040_0065;
    let operand = op.operands()[2];
    assert_eq!(Inst::decode(word), Err(DecodeError::Operand { word, op, operand, value: 64 }));
    assert_eq!(
        Inst::decode(word).unwrap_err().to_string(),
        "0x00400065 is not an instruction: 64 is not a valid shift count of SHLI"
    );
}

/// The size of an access follows from the mnemonic: its digits are the bits, without digits 64, and 16 bytes for states.
#[test]
fn sizes_of_accesses_agree_with_the_mnemonics() {
    let mut accesses = 0;
    for op in Opcode::ALL {
        let is_access = op.operands().iter().any(|operand| operand.role == Role::Base);
        let is_state = op.operands().iter().any(|operand| operand.role.state_access().is_some());
        let digits: String = op.mnemonic().chars().filter(char::is_ascii_digit).collect();
        let bytes = if is_state { 16 } else { digits.parse().unwrap_or(64) / 8 };
        assert_eq!(op.access_bytes(), is_access.then_some(bytes), "{op:?}");
        accesses += u32::from(is_access);
    }
    assert_eq!(accesses, 30);
}
