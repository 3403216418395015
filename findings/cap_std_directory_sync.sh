#!/usr/bin/env bash
# One would guess that a directory that cap-std opened can be synchronised like one that std opened: std::fs::File::open
# of a directory gives a file on which sync_all works on Linux, and is the usual way to make a rename durable.
# In fact cap_std::fs::Dir holds a descriptor that was opened with O_PATH on Linux, which stands for the name only:
# sync_all on the file that Dir::into_std_file gives fails with EBADF (9), "Bad file descriptor". The directory has to
# be opened again, as "." relative to itself, for a descriptor that can be synchronised; then it works.
# Seen with cap-std 4.0.3 on Linux. Source: fsync(2) and open(2), section O_PATH, of the Linux manual pages.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'T'
[package]
name = "finding"
version = "0.1.0"
edition = "2024"
[dependencies]
cap-std = "=4.0.3"
T
cat > src/main.rs <<'R'
use cap_std::{ambient_authority, fs::Dir, fs::OpenOptions};

fn say(what: &str, result: std::io::Result<()>) {
    println!("{what}: {:?}", result.map_err(|error| error.raw_os_error()));
}

fn main() -> std::io::Result<()> {
    say("std", std::fs::File::open(".")?.sync_all());
    let dir = Dir::open_ambient_dir(".", ambient_authority())?;
    say("cap-std", dir.try_clone()?.into_std_file().sync_all());
    say("cap-std, opened again", dir.open_with(".", OpenOptions::new().read(true))?.sync_all());
    Ok(())
}
R
found=$(cargo run --quiet)
expected='std: Ok(())
cap-std: Err(Some(9))
cap-std, opened again: Ok(())'
echo "cap-std 4.0.3: $found"
[ "$found" = "$expected" ] || { echo "changed; seen before: $expected" >&2; exit 1; }
