//! Prints how many words a file has, and how long they are.

use std::process::ExitCode;

#[derive(Default)]
struct Counts {
    words: usize,
    letters: usize,
}

impl Counts {
    #[inline(never)]
    fn add(&mut self, word: &str) {
        self.words += 1;
        self.letters += word.len();
    }
}

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: words FILE");
        return ExitCode::from(2);
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut counts = Counts::default();
    for word in text.split_ascii_whitespace() {
        counts.add(word);
    }
    println!("{} words of {} letters", counts.words, counts.letters / counts.words);
    ExitCode::SUCCESS
}
