//! VSP on a computer with an operating system: loading programs from files, the `sys` module that lets them read and
//! write, and messages for people. The `vsp` command is made of these.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod load;
pub mod message;
pub mod sys;
