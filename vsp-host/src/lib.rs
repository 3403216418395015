//! VSP on a computer with an operating system: loading programs from files, the `sys` module that lets them read and
//! write, and messages for people. The `vsp` command is made of these.

pub mod load;
pub mod message;
pub mod sys;
