//! Modules that are made to take long: each is translated or refused in a time that is linear in its size. (The limits
//! of this test are far above what is needed; a quadratic step takes minutes.)
// The other architectures are usually emulated when these tests run, and times say little there.
#![cfg(target_arch = "x86_64")]

use std::time::{Duration, Instant};

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_wasm::{ErrorKind, Options};

fn leb(mut number: u32) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 127 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

fn section(id: u8, contents: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(contents.len() as u32), contents].concat()
}

/// Returns a module with one function, from an i32 to an i32, with locals of type i32.
fn module(locals: u32, code: &[u8]) -> Vec<u8> {
    let declared = [&[1][..], &leb(locals), &[0x7F]].concat();
    let body = [&declared[..], code, &[0x0B]].concat();
    let function = [&[1][..], &leb(body.len() as u32), &body].concat();
    let mut out = b"\0asm\x01\0\0\0".to_vec();
    out.extend(section(1, &[1, 0x60, 1, 0x7F, 1, 0x7F]));
    out.extend(section(3, &[1, 0]));
    out.extend(section(7, &[1, 1, b'f', 0, 0]));
    out.extend(section(10, &function));
    out
}

fn get(local: u32) -> Vec<u8> {
    [&[0x20][..], &leb(local)].concat()
}

fn set(local: u32) -> Vec<u8> {
    [&[0x21][..], &leb(local)].concat()
}

const BLOCK: [u8; 2] = [0x02, 0x40];
const LOOP: [u8; 2] = [0x03, 0x40];
const IF: [u8; 2] = [0x04, 0x40];
const ADD: u8 = 0x6A;
const MUL: u8 = 0x6C;
const END: u8 = 0x0B;

/// Translates and verifies a module in bounded time. Returns whether it was refused because of a limit.
fn is_refused(name: &str, module: &[u8]) -> bool {
    let begin = Instant::now();
    let refused = match vsp_wasm::translate(module, &Options::default()) {
        Ok(bytes) => {
            Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
            false
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Limit, "{name}: {error}");
            true
        }
    };
    let time = begin.elapsed();
    assert!(time < Duration::from_secs(60), "{name}: {time:?}");
    refused
}

#[test]
fn deep_nesting() {
    let end = get(0);
    let branch = [get(0), vec![0x0D], leb(10_000)].concat();
    let blocks = [BLOCK.repeat(40_000), branch.clone(), vec![END; 40_000], end.clone()].concat();
    assert!(!is_refused("blocks", &module(0, &blocks)));
    let loops = [LOOP.repeat(20_000), branch, vec![END; 20_000], end.clone()].concat();
    assert!(!is_refused("loops", &module(0, &loops)));
    let one = [&get(0)[..], &IF].concat();
    let ifs = [one.repeat(10_000), vec![END; 10_000], end.clone()].concat();
    assert!(!is_refused("ifs", &module(0, &ifs)));
    let one = [&LOOP[..], &get(0), &[0x0D, 0]].concat();
    let change = [&get(0)[..], &[0x41, 1, ADD], &set(0)].concat();
    let exits = [one.repeat(2_000), change, vec![END; 2_000], end].concat();
    assert!(!is_refused("loops with branches", &module(0, &exits)));
}

#[test]
fn large_tables_of_branches() {
    let targets: Vec<u8> = (0..100_000).flat_map(|at| leb(at % 1000)).collect();
    let code =
        [BLOCK.repeat(1000), get(0), vec![0x0E], leb(100_000), targets, leb(0), vec![END; 1000], get(0)];
    assert!(!is_refused("one table", &module(0, &code.concat())));
}

#[test]
fn many_locals() {
    let count = 49_999;
    let writes: Vec<u8> = (1..count).flat_map(|local| [get(0), set(local)].concat()).collect();
    let code = [writes, get(7)].concat();
    assert!(!is_refused("written", &module(count, &code)));
    // All of them live at once.
    let writes = (1..count).flat_map(|at| [get(0), vec![0x41], leb(at & 63), vec![MUL], set(at)].concat());
    let reads = (1..count).flat_map(|at| [get(at), vec![ADD]].concat());
    let code: Vec<u8> = writes.chain([get(0)].concat()).chain(reads).collect();
    assert!(is_refused("live", &module(count, &code)));
}

#[test]
fn values_meet_at_many_places() {
    let count = 10_000;
    let change = |local| [&get(local)[..], &[0x41, 1, ADD], &set(local), &get(0), &[0x0D, 0]].concat();
    let reads = (1..count).flat_map(|at| [get(at), vec![ADD]].concat());
    let code: Vec<u8> = BLOCK
        .into_iter()
        .chain((1..count).flat_map(change))
        .chain([END])
        .chain(get(0))
        .chain(reads)
        .collect();
    assert!(is_refused("one end of many branches", &module(count, &code)));
    let count = 1_000;
    let one = |at: u32| [&get(0)[..], &IF, &get(0), &set(at * 7 % (count - 1) + 1), &[END]].concat();
    let reads = (1..count).flat_map(|at| [get(at), vec![ADD]].concat());
    let code: Vec<u8> = (0..10_000).flat_map(one).chain(get(0)).chain(reads).collect();
    is_refused("many branches", &module(count, &code));
}

#[test]
fn long_functions() {
    let one = [get(0), vec![ADD]].concat();
    assert!(!is_refused("sum", &module(0, &[get(0), one.repeat(100_000)].concat())));
    let stack = [get(0).repeat(40_000), vec![ADD; 39_999]].concat();
    assert!(!is_refused("deep stack", &module(0, &stack)));
    let traps = [get(0), [get(0), vec![0x6D]].concat().repeat(30_000)].concat();
    assert!(!is_refused("divisions", &module(0, &traps)));
}
