//! What exactly is wrong with a word that breaks a rule: the word is decoded, operand by operand.

use super::Rule;
use super::words::WordRules;
use crate::func_type::FuncType;
use crate::index::FuncIndex;
use crate::isa::{Flow, Inst, Role};

impl WordRules<'_> {
    /// Reports the rules that a word breaks by itself, and whether execution runs off the end of the function because
    /// it is the last one.
    pub(super) fn explain(&self, bits: u32, is_last: bool, mut report: impl FnMut(Rule)) {
        let inst = match Inst::decode(bits) {
            Ok(inst) => inst,
            Err(error) => return report(error.into()),
        };
        if !inst.op().is_supported() {
            report(Rule::Unsupported(inst.op()));
        }
        for (operand, value) in inst.operands() {
            let (role, index) = (operand.role, value as u32);
            if let Some(count) = self.count(role)
                && index >= count
            {
                report(Rule::Index { role, index, count });
            }
        }
        let flow = inst.op().flow();
        if flow == Flow::TailCall
            && let Some(callee) = self.callee(inst)
            && callee.results() != self.decl.ty.results()
        {
            let (callee, function) = (callee.results() as u32, self.decl.ty.results() as u32);
            report(Rule::Results { callee, function });
        }
        if is_last && flow.continues() {
            report(Rule::FallsOff);
        }
    }

    /// Returns the number of items that an operand with this role can name, if it names one.
    fn count(&self, role: Role) -> Option<u32> {
        Some(match role {
            Role::Func => self.counts.functions,
            Role::Import => self.counts.imports,
            Role::Const => self.counts.constants,
            Role::Global => self.counts.globals,
            Role::Segment => self.counts.segments,
            Role::Local => self.decl.locals.into(),
            _ => return None,
        })
    }

    /// Returns the type of the function that a call names or gives the type of, if it exists.
    fn callee(&self, inst: Inst) -> Option<FuncType> {
        let direct =
            inst.value_of(Role::Func).and_then(|index| self.program.function(FuncIndex(index as u32)));
        let named = inst.value_of(Role::Type).and_then(|bits| FuncType::from_bits(bits as u32));
        direct.map(|decl| decl.ty).or(named)
    }
}

#[cfg(all(test, feature = "text"))]
mod tests {
    use alloc::vec::Vec;

    use super::super::words::Counts;
    use super::*;
    use crate::program::{FuncDecl, Program};

    /// A program with items of each kind, and no two numbers of them equal.
    const TEXT: &str = r#"
        .import host.a (0) -> 0
        .import host.b (0) -> 1
        .const A = 1
        .const B = 2
        .const C = 3
        .global g = 1
        .passive first "x"
        .passive second "yz"
        .func none (0) -> 0
         RET
        .end
        .func one (1) -> 1
        .locals 5
         CONST R0, A
         CONST R1, B
         CONST R2, C
         RET
        .end
        .func two (2) -> 2
         RET
        .end
        .func other (2) -> 1
         RET
        .end"#;

    /// Calls `check` with the rules for the words of the function `one`.
    fn with_rules(check: impl Fn(&WordRules<'_>)) {
        let bytes = crate::text::assemble(TEXT, "rules.sil").unwrap();
        let program = Program::read(&bytes[..]).unwrap();
        let decls: Vec<FuncDecl> = program.functions().collect();
        let counts = Counts::of(&program);
        let numbers = [counts.functions, counts.imports, counts.constants, counts.globals, counts.segments];
        assert_eq!((numbers, decls[1].locals), ([4, 2, 3, 1, 2], 5));
        check(&WordRules::new(&program, counts, decls[1]));
    }

    /// Checks that the properties and the operands of a word agree about the first rule that it breaks.
    fn compare(rules: &WordRules<'_>, bits: u32) {
        let mut first = None;
        rules.explain(bits, false, |rule| first = first.or(Some(rule.number())));
        assert_eq!(rules.broken(bits), first, "0x{bits:08X}");
    }

    /// Tests each opcode with all values of its upper and of its lower operands, and with many of both.
    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn properties_break_the_rules_that_operands_break() {
        with_rules(|rules| {
            let mut random = 7u32;
            for op in 0..=255 {
                for value in 0..1 << 12 {
                    for other in [0, 1, 2, 0x10, 0x80, 0xFFF] {
                        compare(rules, op | value << 8 | other << 20);
                        compare(rules, op | other << 8 | value << 20);
                    }
                    random ^= random << 13;
                    random ^= random >> 17;
                    random ^= random << 5;
                    compare(rules, op | random << 8);
                }
            }
        });
    }

    #[test]
    #[ignore = "takes minutes: all words"]
    fn properties_break_the_rules_that_operands_break_for_all_words() {
        with_rules(|rules| (0..=u32::MAX).for_each(|bits| compare(rules, bits)));
    }
}
