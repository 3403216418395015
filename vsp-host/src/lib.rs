//! VSP on a computer with an operating system: the vsp command and the sys module
