//! The engines of `vsp run`, and the commands that show machine code.

mod command;

#[cfg(feature = "jit")]
use command::file;
use command::{root, run as vsp, stderr, stdout};
use serde_json::Value;

fn example(name: &str) -> String {
    root().join("examples").join(name).display().to_string()
}

/// Without machine code, commands that need it say so.
#[cfg(not(feature = "jit"))]
#[test]
fn a_build_without_machine_code_says_so() {
    let fib = example("fib.sil");
    for args in [&["run", "--engine", "tier1", &fib, "9"][..], &["ir", &fib], &["disasm-native", &fib]] {
        let output = vsp(args);
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""), "{args:?}");
        assert!(stderr(&output).contains("cargo install --path vsp-cli --features "), "{}", stderr(&output));
    }
    for engine in ["auto", "interp"] {
        let report = vsp(&["run", "--json", "--engine", engine, &fib, "9"]).stderr;
        assert_eq!(serde_json::from_slice::<Value>(&report).unwrap()["engine"], "interp");
    }
}

#[test]
fn an_unknown_engine_is_refused() {
    let output = vsp(&["run", "--engine", "tier7", &example("fib.sil")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("[possible values: auto, interp, tier1, tier2]"), "{}", stderr(&output));
}

#[cfg(feature = "jit")]
mod jit {
    use super::*;

    #[test]
    fn every_engine_gives_the_same() {
        let fib = example("fib.sil");
        let mut fuel = Vec::new();
        for (engine, runs) in [("auto", "auto"), ("interp", "interp"), ("tier1", "tier1"), ("tier2", "tier2")]
        {
            let output = vsp(&["run", "--json", "--engine", engine, &fib, "15"]);
            assert_eq!(stdout(&output), "610\n", "{engine}");
            let report: Value = serde_json::from_slice(&output.stderr).unwrap();
            assert_eq!(report["engine"], runs);
            fuel.push(report["fuel_used"].as_u64().unwrap());
        }
        assert!(fuel[0] > 10_000 && fuel.iter().all(|used| *used == fuel[0]), "{fuel:?}");
    }

    #[test]
    fn every_engine_stops_at_the_same_location() {
        let text = ".export main\n.func main (0) -> 0\n CALL inner\n RET\n.end\n\
            .func inner (0) -> 0\n MOVI R0, 1\n DIV R0, R1\n RET\n.end\n";
        let endless = ".export main\n.func main (0) -> 0\nagain: ADDI R0, 1\n JMP again\n.end\n";
        let (_folder, trapping) = file("trap.sil", text.as_bytes());
        let (_folder, endless) = file("endless.sil", endless.as_bytes());
        for (path, code) in [(&trapping, 3), (&endless, 4)] {
            let [first, second, third] = ["interp", "tier1", "tier2"].map(|engine| {
                let output = vsp(&["run", "--engine", engine, "--fuel", "1000", path]);
                assert_eq!(output.status.code(), Some(code), "{engine}");
                stderr(&output)
            });
            assert!(first == second && first == third, "{first}\n{second}\n{third}");
        }
        // Without a limit fuel is not counted.
        let output = vsp(&["run", "--engine", "tier2", &trapping]);
        assert!(stderr(&output).contains("at function inner, word 1"), "{}", stderr(&output));
    }

    #[test]
    fn statistics_name_the_engine() {
        let output = vsp(&["run", "--stats", "--engine", "tier1", &example("fib.sil"), "5"]);
        assert!(stderr(&output).contains("engine: tier1, ready after "), "{}", stderr(&output));
    }

    #[test]
    fn ir_names_the_words_that_instructions_come_from() {
        let fib = example("fib.sil");
        let output = vsp(&["ir", &fib, "--function", "fib", "--target", "aarch64"]);
        assert!(output.status.success(), "{}", stderr(&output));
        let text = stdout(&output);
        assert!(text.starts_with("; fib (1) -> 1: 9 words, tier 2 for aarch64\n"), "{text}");
        // Word 7 adds the two numbers, and 3 and 6 are calls.
        assert!(text.contains(";  @0007  ADD       R0, R0, R1\n"), "{text}");
        assert!(text.lines().any(|line| line.starts_with("@0007 ") && line.contains("= iadd")), "{text}");
        for word in ["@0003 ", "@0006 "] {
            assert!(
                text.lines().any(|line| line.starts_with(word) && line.contains("= call fn0(")),
                "{text}"
            );
        }
        assert!(!text.contains("@0009"));

        let interrupt = |text: &str| text.matches("atomic_load").count();
        assert!(interrupt(&text) > 0);
        let bare = ["ir", &fib, "--function", "fib", "--target", "aarch64", "--no-interrupt", "--no-fuel"];
        let bare = stdout(&vsp(&bare));
        assert!(interrupt(&bare) == 0 && bare.len() < text.len());
        assert_eq!(stdout(&vsp(&["ir", &fib, "--function", "$1", "--target", "aarch64"])), text);

        let all = stdout(&vsp(&["ir", &fib]));
        assert!(all.contains("; main (0) -> 0") && all.contains("; fib (1) -> 1"));
    }

    #[test]
    fn what_does_not_exist_is_refused_with_what_does() {
        let fib = example("fib.sil");
        for command in ["ir", "disasm-native"] {
            for (args, says) in [
                (&["--target", "mips"][..], &["there is no target \"mips\"", "x86_64, aarch64, riscv64"][..]),
                (&["--target", "aarch64", "--cpu", "sse41"], &["aarch64 has no feature \"sse41\"", "lse, "]),
                (
                    &["--target", "x86_64", "--cpu", "haswell,warp"],
                    &["x86_64 has no feature \"warp\"", "sse41, ", "processors ", "haswell, "],
                ),
                (&["--function", "fob"], &["fib.sil: there is no function `fob`; did you mean `fib`?"]),
                (&["--function", "$2"], &["there is no function `$2`; there are main, fib"]),
            ] {
                let output = vsp(&[&[command, &fib], args].concat());
                assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""), "{args:?}");
                for part in says {
                    assert!(stderr(&output).contains(part), "{args:?}: {}", stderr(&output));
                }
            }
        }
        let output = vsp(&["ir", "no-such-file.sil"]);
        assert!(output.status.code() == Some(1) && stderr(&output).contains("no-such-file.sil"));
        assert_eq!(vsp(&["ir", "--tier", "3", &fib]).status.code(), Some(2));
    }

    #[test]
    fn the_help_lists_the_targets_of_this_build() {
        for command in ["compile", "ir", "disasm-native"] {
            let help = stdout(&vsp(&[command, "--help"]));
            let line = help.lines().find(|line| line.contains("The architecture: ")).unwrap();
            let has = line.contains("s390x");
            assert_eq!(has, cfg!(any(feature = "s390x", target_arch = "s390x")), "{line}");
            assert!(line.contains("x86_64, aarch64, riscv64"), "{line}");
        }
    }

    #[test]
    fn tiers_and_engines_have_the_same_names() {
        let fib = example("fib.sil");
        let ir = |tier| stdout(&vsp(&["ir", &fib, "--target", "x86_64", "--tier", tier]));
        assert!(ir("1") == ir("tier1") && ir("2") == ir("tier2") && ir("1") != ir("2"));
        let engine = |name| {
            let report = vsp(&["run", "--json", "--engine", name, &fib, "5"]).stderr;
            serde_json::from_slice::<Value>(&report).unwrap()["engine"].clone()
        };
        assert!(engine("1") == "tier1" && engine("tier2") == "tier2" && engine("2") == "tier2");
    }

    #[cfg(not(feature = "s390x"))]
    #[cfg(not(target_arch = "s390x"))]
    #[test]
    fn a_target_that_is_left_out_is_named() {
        let output = vsp(&["ir", "--target", "s390x", &example("fib.sil")]);
        assert!(stderr(&output).contains("built without the feature `s390x`"), "{}", stderr(&output));
        assert!(stderr(&output).contains("--features s390x"), "{}", stderr(&output));
    }
}

#[cfg(feature = "disassembler")]
mod disassembler {
    use super::*;

    const TARGETS: &[&str] = if cfg!(feature = "s390x") {
        &["x86_64", "aarch64", "riscv64", "s390x"]
    } else {
        &["x86_64", "aarch64", "riscv64"]
    };

    /// A line of machine code.
    #[derive(Debug)]
    struct Row {
        /// The word that it comes from.
        word: Option<usize>,
        offset: usize,
        bytes: usize,
        text: String,
        callee: Option<String>,
    }

    /// Returns the rows of a function, its words that are shown, and the first line.
    fn parse(block: &str) -> (Vec<Row>, Vec<usize>, &str) {
        let mut lines = block.lines();
        let header = lines.next().unwrap();
        let (mut rows, mut words, mut word) = (Vec::new(), Vec::new(), None);
        for line in lines.filter(|line| !line.is_empty() && !line.ends_with(':')) {
            let split = line.char_indices().nth(40).map_or(line.len(), |(at, _)| at);
            let (mut left, mut right) = line.split_at(split);
            if left.trim().parse::<usize>().is_err() && !right.starts_with("  ") {
                // A long word has a line to itself.
                (left, right) = (line, "");
            }
            match left.split_whitespace().next() {
                Some("-") => word = None,
                Some(number) => {
                    word = Some(number.parse().unwrap());
                    words.extend(word);
                }
                None => {}
            }
            if right.trim().is_empty() {
                continue;
            }
            let (code, callee) = match right.split_once("  ; ") {
                Some((code, callee)) => (code, Some(callee.to_owned())),
                None => (right, None),
            };
            let mut parts = code.trim_start().splitn(3, "  ");
            let offset = usize::from_str_radix(parts.next().unwrap(), 16).unwrap();
            let hex = parts.next().unwrap().trim();
            assert!(
                hex.chars().all(|digit| digit.is_ascii_hexdigit()) && hex.len().is_multiple_of(2),
                "{hex}"
            );
            let bytes = hex.len() / 2;
            let text = parts.next().unwrap_or_default().trim().to_owned();
            rows.push(Row { word, offset, bytes, text, callee });
        }
        (rows, words, header)
    }

    fn blocks(args: &[&str]) -> Vec<String> {
        let output = vsp(&[&["disasm-native"], args].concat());
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        let mut blocks: Vec<String> = Vec::new();
        for line in stdout(&output).lines() {
            if line.contains(" for ") && line.ends_with(" bytes") {
                blocks.push(String::new());
            }
            *blocks.last_mut().unwrap() += &format!("{line}\n");
        }
        blocks
    }

    #[test]
    fn an_instruction_is_beside_the_word_it_was_made_of() {
        let text = ".func f (3) -> 1\n XOR R0, R0, R1\n MUL R0, R0, R2\n RET\n.end\n";
        let (_folder, path) = file("f.sil", text.as_bytes());
        for (target, xor, mul) in
            [("x86_64", "xor ", "imul "), ("aarch64", "eor ", "mul "), ("riscv64", "xor ", "mul ")]
        {
            for tier in ["1", "2"] {
                let blocks = blocks(&[&path, "--target", target, "--tier", tier]);
                let (rows, _, _) = parse(&blocks[0]);
                for (mnemonic, word) in [(xor, 0), (mul, 1)] {
                    let made =
                        rows.iter().any(|row| row.word == Some(word) && row.text.starts_with(mnemonic));
                    assert!(made, "{target}, tier {tier}: {}", blocks[0]);
                }
            }
        }
    }

    /// Every word is shown, every byte is shown once and in order, and branches lead to instructions.
    #[test]
    fn listings_are_complete() {
        let mut branches = 0;
        for name in ["fib.sil", "sieve.sil", "sha256.sil", "mandelbrot.sil"] {
            for target in TARGETS {
                for tier in ["1", "2"] {
                    for block in blocks(&[&example(name), "--target", target, "--tier", tier]) {
                        branches += complete(&block);
                    }
                }
            }
        }
        assert!(branches > 1_000, "{branches}");
    }

    /// Checks a block, and returns the number of its branches.
    fn complete(block: &str) -> usize {
        let (rows, mut words, header) = parse(block);
        let number = |behind: &str| -> usize {
            let text = header.split(behind).next().unwrap();
            text.rsplit(' ').next().unwrap().parse().unwrap()
        };
        words.sort_unstable();
        words.dedup();
        assert_eq!(words, (0..number(" word")).collect::<Vec<_>>(), "{block}");
        let mut end = 0;
        for row in &rows {
            assert!(row.offset == end && row.bytes > 0 && !row.text.is_empty(), "{row:?}\n{block}");
            end += row.bytes;
        }
        assert_eq!(end, number(" bytes"), "{block}");

        let is_branch = |mnemonic: &str| {
            let x86 = ["jmp", "je", "jne", "jl", "jge", "jb", "jae", "jle", "jg", "jbe", "ja"];
            let aarch64 = ["b", "cbz", "cbnz", "tbz", "tbnz"];
            let riscv = [
                "j", "beq", "bne", "blt", "bge", "bltu", "bgeu", "beqz", "bnez", "bltz", "bgez", "blez",
                "bgtz",
            ];
            [&x86[..], &aarch64, &riscv].concat().contains(&mnemonic) || mnemonic.starts_with("b.")
        };
        let mut branches = 0;
        // Constants may follow the last return, which look like anything.
        let code = rows.iter().rposition(|row| row.text == "ret").unwrap();
        for row in rows[..code].iter().filter(|row| row.callee.is_none()) {
            let (mnemonic, operands) = row.text.split_once(' ').unwrap_or((&row.text, ""));
            let Some(target) = operands.rsplit(' ').next().map(|last| last.trim_start_matches('#')) else {
                continue;
            };
            let Some(target) = target.strip_prefix("0x").filter(|_| is_branch(mnemonic)) else { continue };
            let target = usize::from_str_radix(target, 16).unwrap();
            assert!(rows.iter().any(|row| row.offset == target), "{row:?}\n{block}");
            branches += 1;
        }
        branches
    }

    #[test]
    fn calls_name_the_function() {
        for target in TARGETS {
            let blocks = blocks(&[&example("fib.sil"), "--function", "fib", "--target", target]);
            let (rows, _, _) = parse(&blocks[0]);
            let calls: Vec<_> = rows.iter().filter(|row| row.callee.is_some()).collect();
            assert_eq!(calls.iter().filter_map(|row| row.word).collect::<Vec<_>>(), [3, 6], "{calls:?}");
            assert!(calls.iter().all(|row| row.callee.as_deref() == Some("fib")), "{calls:?}");
        }
    }

    #[test]
    fn features_change_the_code() {
        let text = ".func f (1) -> 1\n POPCNT R0, R0\n RET\n.end\n";
        let (_folder, path) = file("f.sil", text.as_bytes());
        let old = blocks(&[&path, "--target", "x86_64"]);
        let new = blocks(&[&path, "--target", "x86_64", "--cpu", "sse42,popcnt"]);
        assert!(!old[0].contains("popcnt r") && new[0].contains("popcnt r"), "{}{}", old[0], new[0]);
        assert!(new[0].contains(" for x86_64+has_popcnt"));
    }

    #[test]
    fn triples_name_targets_too() {
        let fib = example("fib.sil");
        for (triple, arch) in
            [("aarch64-unknown-linux-gnu", "aarch64"), ("riscv64gc-unknown-none-elf", "riscv64")]
        {
            assert_eq!(blocks(&[&fib, "--target", triple]), blocks(&[&fib, "--target", arch]));
        }
    }
}
