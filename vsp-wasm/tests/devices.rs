//! The programs of `examples/devices`, with memories that end where their data and stack do, on a board that answers as
//! a test tells it to.

use std::collections::VecDeque;
use std::path::Path;

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Caller, GuestSlice, HostResult, Imports, Instance, Options, Outcome};

/// The state of the board.
#[derive(Default)]
struct Board {
    samples: VecDeque<i32>,
    input: VecDeque<u8>,
    output: Vec<u8>,
    /// Pins and their levels, in order.
    set: Vec<(u32, u32)>,
}

/// Runs an example, and returns the size of its memory in bytes, its result and the board.
fn run(name: &str, board: Board) -> (u64, u64, Board) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/devices").join(name);
    let module = std::fs::read(path).unwrap();
    let bytes = vsp_wasm::translate(&module, &vsp_wasm::Options::default().heap_bytes(0)).unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let mut imports = Imports::<Board>::new();
    let sample = |caller: &mut Caller<'_, Board>| caller.state().samples.pop_front().unwrap_or(-1);
    imports.define("board", "sample", sample).unwrap();
    let set = |caller: &mut Caller<'_, Board>, pin: u32, level: u32| caller.state().set.push((pin, level));
    imports.define("board", "set_pin", set).unwrap();
    let read = |caller: &mut Caller<'_, Board>, to: GuestSlice| -> HostResult<u32> {
        let (board, memory) = caller.parts();
        let to = to.get_mut(memory)?;
        // Bytes come in pieces, as on a line.
        let count = to.len().min(board.input.len()).min(7);
        for (to, byte) in to.iter_mut().zip(board.input.drain(..count)) {
            *to = byte;
        }
        Ok(count as u32)
    };
    imports.define("sys", "read", read).unwrap();
    let write = |caller: &mut Caller<'_, Board>, from: GuestSlice| -> HostResult<u32> {
        let (board, memory) = caller.parts();
        let bytes = from.get(memory)?;
        board.output.extend_from_slice(bytes);
        Ok(bytes.len() as u32)
    };
    imports.define("sys", "write", write).unwrap();
    let memory = program.program().memory_minimum();
    assert_eq!(program.program().memory_maximum(), memory);
    // The stack of the image in `flash/`.
    let options = Options { stack_cells: Some(256), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, board, options).unwrap();
    let outcome = instance.call_export("run", &[]).unwrap();
    let Outcome::Returned(results) = outcome else { panic!("{name}: {outcome:?}") };
    (memory, results[0], instance.into_state())
}

#[test]
fn the_thermostat_heats_when_it_is_cold() {
    // Counts of the table: 19.4 °C, 25 °C and 101.6 °C; between the first two, 22.2 °C and 20.8 °C (194 + 56 · ¼).
    let (cold, warm, hot, between, just_warm) = (2304, 2048, 256, 2176, 2240);
    let levels = |samples: &[&[i32]]| {
        let board = Board { samples: samples.concat().into(), ..Board::default() };
        let (memory, result, board) = run("thermostat.wasm", board);
        assert_eq!(memory, 288);
        assert_eq!(result, board.set.len() as u64);
        assert!(board.set.iter().all(|(pin, _)| *pin == 5));
        board.set.iter().map(|(_, level)| *level).collect::<Vec<u32>>()
    };
    assert_eq!(levels(&[&[cold; 4]]), []);
    assert_eq!(levels(&[&[cold; 5]]), [1]);
    assert_eq!(levels(&[&[warm; 9]]), []);
    // Two wrong samples of five do not count, three do.
    assert_eq!(levels(&[&[cold; 5], &[hot; 2], &[cold; 5]]), [1]);
    assert_eq!(levels(&[&[cold; 5], &[hot; 3], &[cold; 5]]), [1, 0, 1]);
    // Between 20.5 and 21.5 °C everything stays; 22.2 °C is above.
    assert_eq!(levels(&[&[cold; 5], &[just_warm; 9]]), [1]);
    assert_eq!(levels(&[&[just_warm; 9]]), []);
    assert_eq!(levels(&[&[cold; 5], &[between; 5]]), [1, 0]);
    // A broken wire, at either end, switches off at once, and then five samples are needed again.
    for broken in [0, 255, 3840, 4095, i32::MAX] {
        assert_eq!(levels(&[&[cold; 5], &[broken], &[cold; 4]]), [1, 0], "{broken}");
        assert_eq!(levels(&[&[cold; 5], &[broken], &[cold; 5]]), [1, 0, 1], "{broken}");
    }
}

#[test]
fn the_console_executes_commands() {
    let console = |input: &str| {
        let board = Board { input: input.bytes().collect(), ..Board::default() };
        let (memory, result, board) = run("console.wasm", board);
        assert_eq!(memory, 688);
        (result, board.set, String::from_utf8(board.output).unwrap())
    };
    let (commands, set, output) = console("set 3 1\nget 3\nset 15 1\r\nset 3 0\n\nget 3\nall\nget 15");
    assert_eq!(commands, 7);
    assert_eq!(set, [(3, 1), (15, 1), (3, 0)]);
    assert_eq!(output, "3 on\n3 off\n15 on\n15 on\n");
    assert_eq!(console("help\n").2, "set PIN LEVEL\nget PIN\nall\n");
    for wrong in
        ["set", "set 16 1", "set 3", "set 3 2", "set 3 1 x", "get 99999999999", "settle 3 1", "get -1", "x"]
    {
        assert_eq!(console(wrong), (0, vec![], "?\n".into()), "{wrong}");
    }
    // A line that is too long is cut, and the next one is a line of its own.
    let long = format!("get 5{}1\nget 4\n", " ".repeat(200));
    assert_eq!(console(&long), (2, vec![], "5 off\n4 off\n".into()));
    assert_eq!(console(""), (0, vec![], String::new()));
}
