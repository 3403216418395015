//! Executable memory: running code in it, refused input, and the access rights of its pages.

use std::fs;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use vsp_host::exec_memory::ExecMemory;

/// A function without parameters that returns `n`, at most 2,047, in machine code; in all four, 42 is 0x2a.
fn function_returning(n: u16) -> Vec<u8> {
    assert!(n < 2048);
    let wide = u32::from(n);
    if cfg!(target_arch = "x86_64") {
        // mov eax, n; ret
        [&[0xb8][..], &wide.to_le_bytes(), &[0xc3]].concat()
    } else if cfg!(target_arch = "aarch64") {
        // mov w0, n; ret
        [(0x5280_0000 | wide << 5).to_le_bytes(), 0xd65f_03c0_u32.to_le_bytes()].concat()
    } else if cfg!(target_arch = "riscv64") {
        // li a0, n; ret
        [(wide << 20 | 0x513).to_le_bytes(), 0x0000_8067_u32.to_le_bytes()].concat()
    } else if cfg!(target_arch = "s390x") {
        // lghi r2, n; br r14
        [&[0xa7, 0x29][..], &n.to_be_bytes(), &[0x07, 0xfe]].concat()
    } else {
        unreachable!("no machine code for {}", std::env::consts::ARCH)
    }
}

/// Calls the function at `offset`, which must be one that [`function_returning`] wrote.
fn call(memory: &ExecMemory, offset: usize) -> i32 {
    let entry = memory.entry(offset).expect("the offset is inside");
    // SAFETY: the callers have put a complete function there, which takes nothing, returns an int as the C calling
    // convention of this architecture says, and touches no memory; `memory` is borrowed until it has returned.
    unsafe { std::mem::transmute::<*const u8, extern "C" fn() -> i32>(entry)() }
}

/// Pseudo-random bytes (xorshift).
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(step).take(len).collect()
}

/// A lock that runs the tests one at a time, because some examine all mappings of the process.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns whether `/proc/self/maps` shows the permissions that this process sees. QEMU before 6 shows those of the
/// emulator's own pages, which are never executable: then this test's own code does not seem to be executable either.
#[cfg(target_os = "linux")]
fn maps_are_true() -> bool {
    let own = noise as fn(usize) -> Vec<u8> as usize;
    let is_true =
        Mapping::all().iter().any(|mapping| mapping.addresses.contains(&own) && mapping.executable());
    if !is_true {
        eprintln!("an old emulator shows its own page permissions: they are not compared");
    }
    is_true
}

/// A line of /proc/self/maps.
#[derive(Debug)]
struct Mapping {
    addresses: Range<usize>,
    /// Such as `r-xp`.
    protection: String,
}

impl Mapping {
    fn all() -> Vec<Self> {
        let text = fs::read_to_string("/proc/self/maps").expect("Linux has it");
        text.lines().map(Self::parse).collect()
    }

    fn parse(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let (start, end) = words.next().and_then(|range| range.split_once('-')).expect("a range");
        let number = |hex| usize::from_str_radix(hex, 16).expect("hexadecimal");
        Self {
            addresses: number(start)..number(end),
            protection: words.next().expect("a protection").to_owned(),
        }
    }

    fn executable(&self) -> bool {
        self.protection.contains('x')
    }

    fn writable(&self) -> bool {
        self.protection.contains('w')
    }

    fn overlaps(&self, range: &Range<usize>) -> bool {
        self.addresses.start < range.end && range.start < self.addresses.end
    }
}

fn assert_nothing_writable_and_executable() {
    for mapping in Mapping::all() {
        assert!(!(mapping.writable() && mapping.executable()), "{mapping:x?}");
    }
}

#[test]
fn runs_the_code() {
    let _turn = alone();
    let memory = ExecMemory::new(&function_returning(42)).unwrap();
    assert_eq!(call(&memory, 0), 42);
}

/// Linux gives out the same address again, where caches could still hold the code of before. (qemu-user takes another
/// one each time.)
#[test]
fn runs_new_code_at_the_address_of_old_code() {
    let _turn = alone();
    for n in 0..2000 {
        let memory = ExecMemory::new(&function_returning(n)).unwrap();
        assert_eq!(call(&memory, 0), i32::from(n));
    }
}

#[test]
fn no_code_is_fine() {
    let _turn = alone();
    let memory = ExecMemory::new(&[]).unwrap();
    assert_eq!(memory.as_bytes(), []);
    assert!(memory.address_range().is_empty());
    assert_eq!(memory.entry(0), None);
}

#[test]
fn entries_end_with_the_code_and_not_with_the_page() {
    let _turn = alone();
    let code = function_returning(1);
    let memory = ExecMemory::new(&code).unwrap();
    let range = memory.address_range();
    assert_eq!(range.len(), code.len());
    assert_eq!(range.start % 4096, 0);
    assert_eq!(memory.entry(0).map(<*const u8>::addr), Some(range.start));
    assert_eq!(memory.entry(code.len() - 1).map(<*const u8>::addr), Some(range.end - 1));
    assert_eq!(memory.entry(code.len()), None);
    assert_eq!(memory.entry(usize::MAX), None);
    assert_eq!(
        format!("{memory:?}"),
        format!("ExecMemory {{ address_range: {:#x}..{:#x} }}", range.start, range.end)
    );
}

#[test]
fn ten_megabytes() {
    let _turn = alone();
    let mut code = noise(10_000_000);
    let last = code.len();
    code.extend(function_returning(42));
    let memory = ExecMemory::new(&code).unwrap();
    assert!(memory.as_bytes() == code);
    assert_eq!(call(&memory, last), 42);
    assert_eq!(memory.entry(code.len()), None);
}

#[test]
fn usable_from_several_threads_and_dropped_in_another() {
    let _turn = alone();
    let memory = ExecMemory::new(&function_returning(42)).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(call(&memory, 0), 42));
        }
    });
    thread::spawn(move || drop(memory)).join().unwrap();
}

#[test]
fn created_in_several_threads() {
    let _turn = alone();
    thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || {
                for turn in 0..100 {
                    let n = worker * 500 + turn;
                    let memory = ExecMemory::new(&function_returning(n)).unwrap();
                    assert_eq!(call(&memory, 0), i32::from(n));
                }
            });
        }
    });
}

#[test]
#[cfg(target_os = "linux")]
fn pages_can_be_read_and_run_but_not_written() {
    let _turn = alone();
    let memories: Vec<_> = (0..200).map(|n| ExecMemory::new(&function_returning(n)).unwrap()).collect();
    assert_nothing_writable_and_executable();
    let mappings = Mapping::all();
    let maps_are_true = maps_are_true();
    for (memory, n) in memories.iter().zip(0..) {
        let range = memory.address_range();
        let found = mappings.iter().find(|mapping| mapping.overlaps(&range));
        let found = found.unwrap_or_else(|| panic!("{memory:?} is mapped nowhere"));
        assert!(!maps_are_true || found.protection == "r-xp", "{memory:?}: {found:?}");
        assert!(range.end <= found.addresses.end);
        assert_eq!(call(memory, 0), n);
    }
}

/// A thread checks the mappings continuously while others create and drop code.
#[test]
#[cfg(target_os = "linux")]
fn never_writable_and_executable_at_once() {
    let _turn = alone();
    let code = noise(100_000);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut looks = 0;
            while !done.load(Ordering::Relaxed) || looks == 0 {
                assert_nothing_writable_and_executable();
                looks += 1;
            }
            looks
        });
        let workers = [(); 2].map(|()| {
            scope.spawn(|| {
                for _ in 0..20 {
                    let memories: Vec<_> = (0..10).map(|_| ExecMemory::new(&code).unwrap()).collect();
                    assert!(memories.iter().all(|memory| memory.as_bytes() == code));
                }
            })
        });
        let outcomes = workers.map(thread::ScopedJoinHandle::join);
        done.store(true, Ordering::Relaxed);
        assert!(outcomes.iter().all(Result::is_ok));
        assert!(watcher.join().unwrap() > 0);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn dropping_unmaps() {
    let _turn = alone();
    if !maps_are_true() {
        return;
    }
    let executable_bytes = || -> usize {
        Mapping::all()
            .iter()
            .filter(|mapping| mapping.executable())
            .map(|mapping| mapping.addresses.len())
            .sum()
    };
    let before = executable_bytes();
    let memory = ExecMemory::new(&noise(1_000_000)).unwrap();
    let range = memory.address_range();
    assert!(executable_bytes() >= before + 1_000_000);
    drop(memory);
    assert_eq!(executable_bytes(), before);
    // Other mappings may use the addresses now, but not for code.
    let there: Vec<_> = Mapping::all().into_iter().filter(|mapping| mapping.overlaps(&range)).collect();
    assert!(!there.iter().any(Mapping::executable), "{there:x?}");
}
