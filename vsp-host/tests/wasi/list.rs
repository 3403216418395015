//! The functions of the interface as its description has them, and their registers.

use vsp_host::wasi::FUNCTIONS;

/// The functions of snapshot_preview1 with the core WebAssembly types of their parameters: `i` is i32, `I` is i64.
pub(crate) const INTERFACE: &[(&str, &str)] = &[
    ("args_get", "ii"),
    ("args_sizes_get", "ii"),
    ("environ_get", "ii"),
    ("environ_sizes_get", "ii"),
    ("clock_res_get", "ii"),
    ("clock_time_get", "iIi"),
    ("fd_advise", "iIIi"),
    ("fd_allocate", "iII"),
    ("fd_close", "i"),
    ("fd_datasync", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_fdstat_set_rights", "iII"),
    ("fd_filestat_get", "ii"),
    ("fd_filestat_set_size", "iI"),
    ("fd_filestat_set_times", "iIIi"),
    ("fd_pread", "iiiIi"),
    ("fd_prestat_get", "ii"),
    ("fd_prestat_dir_name", "iii"),
    ("fd_pwrite", "iiiIi"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiiIi"),
    ("fd_renumber", "ii"),
    ("fd_seek", "iIii"),
    ("fd_sync", "i"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiiIIi"),
    ("path_link", "iiiiiii"),
    ("path_open", "iiiiiIIii"),
    ("path_readlink", "iiiiii"),
    ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),
    ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),
    ("poll_oneoff", "iiii"),
    ("proc_exit", "i"),
    ("proc_raise", "i"),
    ("sched_yield", ""),
    ("random_get", "ii"),
    ("sock_accept", "iii"),
    ("sock_recv", "iiiiii"),
    ("sock_send", "iiiii"),
    ("sock_shutdown", "ii"),
];

/// Returns the types of the registers of an import: from the left, two neighbouring i32 share one until eight are left.
pub(crate) fn registers(params: &str) -> Vec<&str> {
    let (mut registers, mut rest) = (Vec::new(), params);
    while !rest.is_empty() {
        let packs = registers.len() + rest.len() > 8 && rest.starts_with("ii");
        let (register, later) = rest.split_at(if packs { 2 } else { 1 });
        registers.push(register);
        rest = later;
    }
    registers
}

#[test]
fn the_list_has_the_functions_of_the_interface() {
    assert_eq!(FUNCTIONS.len(), INTERFACE.len());
    for (name, params) in INTERFACE {
        let function = FUNCTIONS.iter().find(|function| function.name == *name).unwrap();
        let registers = registers(params);
        let wide = registers.iter().map(|register| *register != "i");
        let listed = function.params.iter().map(|(_, ty)| *ty == "u64");
        assert!(wide.eq(listed), "{name}: {}", function.signature());
    }
}

#[test]
fn only_path_open_is_packed() {
    let packed = |params: &str| registers(params).len() != params.len();
    let names: Vec<&str> = INTERFACE.iter().filter(|(_, it)| packed(it)).map(|(name, _)| *name).collect();
    assert_eq!(names, ["path_open"]);
    assert_eq!(registers("iiiiiIIii"), ["ii", "i", "i", "i", "I", "I", "i", "i"]);
}
