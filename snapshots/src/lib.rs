//! The cases that every engine has to pass
