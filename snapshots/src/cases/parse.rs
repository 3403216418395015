//! The `;!` lines of a case file, and their parser.

use vsp_core::Trap;

/// The permitted error of a floating result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tolerance {
    /// Permitted distance in units in the last place of a binary64.
    pub ulps: u64,
}

/// The expected end of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// It returns these results.
    Returns(Vec<u64>, Tolerance),
    /// It executes HLT with this value.
    Halts(u64),
    /// It traps at a location.
    Traps(Trap, String),
    /// It suspends at a location, for the reason `Fuel`, `Interrupted`, `Yield(5)` or `Pending(test.pending)`.
    Suspends(String, String),
}

/// A step of a case: one `;!` line.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Calls an export.
    Call(String, Vec<u64>, Expected),
    /// Resumes with values.
    Resume(Vec<u64>, Expected),
    /// Ends a pending host call with an error.
    Fail(u32, Expected),
    /// Sets the balance.
    Fuel(u64),
    /// Checks the balance.
    Balance(i64),
    /// Sets or clears the interrupt flag.
    Interrupt(bool),
    /// Sets the size of memory, in bytes.
    Memory(u64),
    /// Sets the size to which the memory can grow, in bytes.
    Maximum(u64),
    /// Sets the size of the stack, in cells.
    Stack(u32),
    /// Abandons a suspended call.
    Reset,
    /// Creates a new instance.
    New,
    /// Checks bytes of memory, from an address.
    Bytes(u64, Vec<u8>),
    /// Checks the value of a global.
    Global(u32, u64),
    /// Checks the call stack.
    Frames(Vec<String>),
    /// Expects the verifier to reject the program, with a message that contains the text, at a location.
    Rejected(String, String),
    /// Expects the assembler to reject the text at a line and column, with a message that contains the text.
    Error(usize, usize, String),
}

/// The steps of a case file, each with its line number.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// The steps, in file order.
    pub steps: Vec<(usize, Step)>,
}

/// Parses the steps of a case file.
///
/// # Errors
/// A line is not a step; the message gives its number and its text.
pub fn parse(text: &str) -> Result<Case, String> {
    let mut case = Case::default();
    for (index, line) in text.lines().enumerate() {
        if let Some(step) = line.trim_start().strip_prefix(";!") {
            let step =
                parse_step(step.trim()).ok_or_else(|| format!("line {}: not a step: {line}", index + 1))?;
            case.steps.push((index + 1, step));
        }
    }
    Ok(case)
}

fn parse_step(step: &str) -> Option<Step> {
    let (word, rest) = match step.find([' ', '(']) {
        Some(end) => (&step[..end], step[end..].trim()),
        None => (step, ""),
    };
    Some(match word {
        "call" => {
            let (name, rest) = rest.split_once('(')?;
            let (args, expected) = rest.split_once(')')?;
            Step::Call(name.trim().into(), values(args)?, parse_expected(expected.trim())?)
        }
        "resume" => {
            let (args, expected) = rest.strip_prefix('(')?.split_once(')')?;
            Step::Resume(values(args)?, parse_expected(expected.trim())?)
        }
        "fail" => {
            let (code, expected) = rest.strip_prefix('(')?.split_once(')')?;
            Step::Fail(u32::try_from(value(code)?).ok()?, parse_expected(expected.trim())?)
        }
        "fuel" => Step::Fuel(value(rest)?),
        "balance" => Step::Balance(value(rest)? as i64),
        "interrupt" => Step::Interrupt(match rest {
            "on" => true,
            "off" => false,
            _ => return None,
        }),
        "memory" => Step::Memory(value(rest)?),
        "maximum" => Step::Maximum(value(rest)?),
        "stack" => Step::Stack(u32::try_from(value(rest)?).ok()?),
        "reset" => Step::Reset,
        "new" => Step::New,
        "bytes" => {
            let (address, bytes) = rest.split_once('=')?;
            let bytes: Result<Vec<u8>, _> =
                bytes.split_whitespace().map(|it| u8::from_str_radix(it, 16)).collect();
            Step::Bytes(value(address)?, bytes.ok()?)
        }
        "global" => {
            let (global, expected) = rest.split_once('=')?;
            Step::Global(u32::try_from(value(global)?).ok()?, value(expected)?)
        }
        "frames" => Step::Frames(rest.split_whitespace().map(str::to_owned).collect()),
        "rejected" => {
            let (message, location) = quoted(rest)?;
            Step::Rejected(message, location.trim().strip_prefix("at ")?.trim().into())
        }
        "error" => {
            let (location, message) = rest.split_once(' ')?;
            let (line, column) = location.split_once(':')?;
            Step::Error(line.parse().ok()?, column.parse().ok()?, quoted(message.trim())?.0)
        }
        _ => return None,
    })
}

/// Returns a text in quotes, and the rest after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (inner, rest) = text.strip_prefix('"')?.split_once('"')?;
    Some((inner.into(), rest))
}

fn parse_expected(text: &str) -> Option<Expected> {
    if let Some(results) = text.strip_prefix('=') {
        if results.trim() == "()" {
            return Some(Expected::Returns(Vec::new(), Tolerance::default()));
        }
        let (results, ulps) = match results.split_once('~') {
            Some((results, ulps)) => (results, value(ulps)?),
            None => (results, 0),
        };
        return Some(Expected::Returns(values(results)?, Tolerance { ulps }));
    }
    let (verb, rest) = text.split_once(' ')?;
    if verb == "halts" {
        return Some(Expected::Halts(value(rest)?));
    }
    let (what, location) = rest.split_once(" at ")?;
    let location = location.trim().to_owned();
    match verb {
        "traps" => Some(Expected::Traps(trap(what.trim())?, location)),
        "suspends" => Some(Expected::Suspends(what.trim().into(), location)),
        _ => None,
    }
}

fn trap(text: &str) -> Option<Trap> {
    let (name, number) = match text.split_once('(') {
        Some((name, number)) => (name, u32::try_from(value(number.strip_suffix(')')?)?).ok()?),
        None => (text, 0),
    };
    let traps = [
        Trap::Explicit(number),
        Trap::MemoryOutOfBounds,
        Trap::DivideByZero,
        Trap::StackOverflow,
        Trap::BadIndirectCall,
        Trap::Host(number),
        Trap::GlobalOutOfBounds,
    ];
    traps.into_iter().find(|trap| trap.name() == name)
}

fn values(text: &str) -> Option<Vec<u64>> {
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    text.split(',').map(value).collect()
}

/// Parses an integer from −2⁶³ to 2⁶⁴ − 1, or a floating number, which becomes its bits.
fn value(text: &str) -> Option<u64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let integer = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    };
    match integer.map(i128::from) {
        Some(value) if negative => i64::try_from(-value).ok().map(|value| value as u64),
        Some(value) => u64::try_from(value).ok(),
        None if digits == "nan" => Some(0x7FF8_0000_0000_0000),
        None => text.parse::<f64>().ok().map(f64::to_bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read() {
        let text =
            "; comment\n;! fuel 7\n;! call f(1, -1, 0.5) traps Host(3) at f:2\n;! bytes 0x10 = 01 ff\n";
        let case = parse(text).unwrap();
        let args = vec![1, u64::MAX, 0.5f64.to_bits()];
        let expected = Expected::Traps(Trap::Host(3), "f:2".into());
        assert_eq!(case.steps[0], (2, Step::Fuel(7)));
        assert_eq!(case.steps[1], (3, Step::Call("f".into(), args, expected)));
        assert_eq!(case.steps[2], (4, Step::Bytes(16, vec![1, 255])));
    }

    #[test]
    fn an_invalid_step_is_an_error() {
        assert!(parse(";! cal f() = 1").unwrap_err().contains("line 1"));
        assert!(parse(";! call f() = one").is_err());
        assert!(parse(";! call f() traps Nothing at f:0").is_err());
    }
}
