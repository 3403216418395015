//! WASI preview 1, called by programs. The numbers are those of the interface's description (snapshot_preview1, in its
//! `.witx` files), and of POSIX where that leaves an error open.

mod attributes;
mod directories;
mod files;
mod list;
mod memory;
mod paths;
mod poll;
mod process;
mod sandbox;
mod streams;
mod support;
mod time;
