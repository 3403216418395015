//! A parser of Cranelift's text format, as far as proofs need it.

use std::collections::HashMap;

/// A function.
#[derive(Debug, Default)]
pub(super) struct Function<'t> {
    pub(super) blocks: Vec<Block<'t>>,
    /// The result types of each signature.
    signatures: HashMap<&'t str, Vec<Type>>,
    /// The function number and the signature of each name that is called.
    callees: HashMap<&'t str, (u32, &'t str)>,
    pub(super) types: HashMap<&'t str, Type>,
    aliases: HashMap<&'t str, &'t str>,
}

/// The type of a value, if it is known.
pub(super) type Type = Option<Scalar>;

/// An integer, a float or a vector, with its size in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Int(u32),
    Float(u32),
    Vector(u32),
}

impl Scalar {
    fn bytes(self) -> u32 {
        let (Scalar::Int(bits) | Scalar::Float(bits) | Scalar::Vector(bits)) = self;
        bits / 8
    }
}

#[derive(Debug)]
pub(super) struct Block<'t> {
    pub(super) name: &'t str,
    pub(super) params: Vec<&'t str>,
    pub(super) insts: Vec<Inst<'t>>,
}

#[derive(Debug)]
pub(super) struct Inst<'t> {
    pub(super) results: Vec<&'t str>,
    /// The mnemonic, without the type suffix.
    pub(super) op: &'t str,
    /// The type suffix, after the dot.
    ty: Type,
    /// The operands.
    pub(super) rest: &'t str,
    pub(super) line: &'t str,
}

/// The target of a branch.
#[derive(Debug)]
pub(super) struct Target<'t> {
    pub(super) block: &'t str,
    pub(super) args: Vec<&'t str>,
}

/// An access to memory.
#[derive(Debug)]
pub(super) struct Access<'t> {
    /// The alias region, `region0` to `region3`, if the line has one.
    pub(super) region: Option<&'t str>,
    pub(super) stored: Option<&'t str>,
    pub(super) address: &'t str,
    pub(super) offset: i64,
    pub(super) bytes: u32,
}

pub(super) fn parse(text: &str) -> Result<Function<'_>, String> {
    let mut function = Function::default();
    for line in text.lines() {
        let line = line.split(';').next().unwrap_or_default().trim();
        let code = match line.strip_prefix('@') {
            Some(rest) => rest.split_once(' ').map_or("", |(_, code)| code.trim()),
            None => line,
        };
        match code.split_whitespace().next() {
            None | Some("function" | "}") => {}
            Some(word) if word.starts_with("region") => {}
            Some(word) if word.starts_with("sig") || word.starts_with("fn") => function.declaration(code)?,
            Some(word) if word.starts_with("block") => function.block(code)?,
            Some(_) if code.contains(" -> ") && !code.contains('=') => {
                let (alias, value) = code.split_once(" -> ").unwrap_or_default();
                function.aliases.insert(alias, value);
            }
            Some(_) => function.inst(code)?,
        }
    }
    function.complete_types();
    Ok(function)
}

fn type_of(name: &str) -> Type {
    let name = name.trim();
    if let Some((lane, lanes)) = name.split_once('x') {
        let lanes: u32 = lanes.parse().ok()?;
        return Some(Scalar::Vector(lanes * 8 * type_of(lane)?.bytes()));
    }
    let bits = name.get(1..)?.parse().ok()?;
    match name.as_bytes().first()? {
        b'i' => Some(Scalar::Int(bits)),
        b'f' => Some(Scalar::Float(bits)),
        _ => None,
    }
}

/// Parses an offset: `+16`, `-8`, `+0x8080`, `+0x0001_0000`.
fn offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("-", digits) => (-1, digits),
        (_, digits) => (1, digits),
    };
    let digits = digits.replace('_', "");
    let offset = match digits.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(sign * offset)
}

impl<'t> Function<'t> {
    /// Parses a declaration: `sig0 = (i64) -> i64 fast`, `fn0 = colocated u0:1 sig0`.
    fn declaration(&mut self, code: &'t str) -> Result<(), String> {
        let unknown = || format!("cannot read {code:?}");
        let (name, what) = code.split_once(" = ").ok_or_else(unknown)?;
        if name.starts_with("sig") {
            let results = what.split_once(" -> ").map_or("", |(_, results)| results);
            let types = results.split(", ").filter_map(|ty| ty.split_whitespace().next());
            self.signatures.insert(name, types.map(type_of).collect());
        } else {
            let mut words = what.split_whitespace().filter(|word| *word != "colocated");
            let number = words.next().and_then(|name| name.strip_prefix("u0:")?.parse().ok());
            let signature = words.next().ok_or_else(unknown)?;
            self.callees.insert(name, (number.ok_or_else(unknown)?, signature));
        }
        Ok(())
    }

    /// Parses the head of a block: `block1(v2: i64, v3: i64) cold:`.
    fn block(&mut self, code: &'t str) -> Result<(), String> {
        let end = code.find(['(', ' ', ':']).ok_or_else(|| format!("cannot read {code:?}"))?;
        let (name, rest) = code.split_at(end);
        let mut params = Vec::new();
        if let Some(list) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            for (param, ty) in list.0.split(", ").filter_map(|param| param.split_once(": ")) {
                params.push(param);
                self.types.insert(param, type_of(ty));
            }
        }
        self.blocks.push(Block { name, params, insts: Vec::new() });
        Ok(())
    }

    fn inst(&mut self, line: &'t str) -> Result<(), String> {
        let (results, code) = line.split_once(" = ").unwrap_or(("", line));
        let results: Vec<&str> = results.split(", ").filter(|name| !name.is_empty()).collect();
        let (name, rest) = code.split_once(' ').unwrap_or((code, ""));
        let (op, ty) = name.split_once('.').map_or((name, None), |(op, ty)| (op, type_of(ty)));
        let has_type = name.contains('.');
        let inst = Inst { results, op, ty, rest: rest.trim(), line };
        if op.starts_with("call") {
            let types = self.results_of(&inst).ok_or_else(|| format!("cannot read {line:?}"))?;
            for (result, ty) in inst.results.iter().zip(types) {
                self.types.insert(result, ty);
            }
        } else if let [result] = inst.results[..] {
            let ty = match op {
                "icmp" | "fcmp" => Some(Scalar::Int(8)),
                "f64const" => Some(Scalar::Float(64)),
                "f32const" => Some(Scalar::Float(32)),
                _ if has_type => ty,
                _ => self.type_of_operands(&inst),
            };
            self.types.insert(result, ty);
        }
        let Some(block) = self.blocks.last_mut() else {
            return Err(format!("{line:?} is outside of all blocks"));
        };
        block.insts.push(inst);
        Ok(())
    }

    /// Returns the type of a result that has that of its operands. The count of a shift and the condition of a select
    /// may have other types.
    fn type_of_operands(&self, inst: &Inst<'t>) -> Type {
        let (shift, select) =
            (matches!(inst.op, "ishl" | "ushr" | "sshr" | "rotl" | "rotr"), inst.op == "select");
        let values = self.values(inst.rest).skip(usize::from(select));
        values.take(if shift { 1 } else { usize::MAX }).find_map(|value| self.type_of(value))
    }

    /// Completes types that follow from those of values in later blocks.
    fn complete_types(&mut self) {
        let mut found = true;
        while std::mem::take(&mut found) {
            for inst in self.blocks.iter().flat_map(|block| &block.insts) {
                let [result] = inst.results[..] else { continue };
                if self.types.get(result).is_some_and(Option::is_some) {
                    continue;
                }
                if let Some(ty) = self.type_of_operands(inst) {
                    self.types.insert(result, Some(ty));
                    found = true;
                }
            }
        }
    }

    fn results_of(&self, inst: &Inst<'t>) -> Option<Vec<Type>> {
        let callee = inst.rest.split(['(', ',']).next()?;
        let signature = self.callees.get(callee).map_or(callee, |(_, signature)| signature);
        self.signatures.get(signature).cloned()
    }

    /// Returns the value of a name, following aliases.
    pub(super) fn value(&self, name: &'t str) -> &'t str {
        let mut name = name;
        while let Some(value) = self.aliases.get(name) {
            name = value;
        }
        name
    }

    pub(super) fn type_of(&self, name: &'t str) -> Type {
        self.types.get(self.value(name)).copied().flatten()
    }

    /// Returns the values named in a list of operands, in order.
    pub(super) fn values(&self, rest: &'t str) -> impl DoubleEndedIterator<Item = &'t str> {
        let names = rest
            .split(|it: char| !it.is_alphanumeric())
            .filter(|word| word.strip_prefix('v').is_some_and(|number| number.parse::<u32>().is_ok()));
        names.map(|name| self.value(name)).collect::<Vec<_>>().into_iter()
    }

    /// Returns the blocks that an instruction branches to.
    pub(super) fn targets(&self, inst: &Inst<'t>) -> Vec<Target<'t>> {
        let starts = inst.rest.match_indices("block").map(|(at, _)| &inst.rest[at..]);
        let target = |text: &'t str| {
            let end = text[5..].find(|it: char| !it.is_ascii_digit()).map_or(text.len(), |end| end + 5);
            let (block, rest) = text.split_at(end);
            let args = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
            Target { block, args: args.map_or(Vec::new(), |(args, _)| self.values(args).collect()) }
        };
        starts.map(target).collect()
    }

    /// Returns the function that is called by name.
    pub(super) fn callee(&self, inst: &Inst<'t>) -> Option<u32> {
        Some(self.callees.get(inst.rest.split('(').next()?)?.0)
    }

    /// Returns the access of a load or store, `None` for other instructions.
    pub(super) fn access(&self, inst: &Inst<'t>) -> Option<Access<'t>> {
        let is_store = inst.op.contains("store");
        if !is_store && !inst.op.contains("load") {
            return None;
        }
        let mut values: Vec<&str> = self.values(inst.rest).collect();
        let address = values.pop()?;
        let last = inst.rest.split_whitespace().next_back()?;
        let offset = last.find(['+', '-']).map_or(Some(0), |at| offset(&last[at..]))?;
        let moved = if is_store { *values.first()? } else { *inst.results.first()? };
        let narrow =
            inst.op.trim_start_matches(|it: char| !it.is_ascii_digit()).parse().ok().map(Scalar::Int);
        let bytes = narrow.or(inst.ty).or(self.type_of(moved))?.bytes();
        let region = inst.rest.split_whitespace().find(|word| word.starts_with("region"));
        Some(Access { region, stored: is_store.then_some(moved), address, offset, bytes })
    }
}
