//! Every case file in every configuration, as one test each.

use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use vsp_snapshots::Configuration;

fn main() {
    let arguments = Arguments::from_args();
    let folder = vsp_snapshots::cases_folder();
    let files = match vsp_snapshots::sil_files(&folder) {
        Ok(files) if !files.is_empty() => files,
        Ok(_) => panic!("there are no cases in {}", folder.display()),
        Err(error) => panic!("{}: {error}", folder.display()),
    };
    let mut trials = Vec::new();
    for path in &files {
        let Ok(text) = std::fs::read_to_string(path) else { panic!("{} cannot be read", path.display()) };
        let text = Arc::new(text);
        for (name, configuration) in Configuration::ALL {
            if !configuration.is_for(&text) {
                continue;
            }
            let text = text.clone();
            let file = path.strip_prefix(&folder).unwrap_or(path).display();
            trials.push(Trial::test(format!("{name}::{file}"), move || {
                let case = vsp_snapshots::parse(&text).map_err(Failed::from)?;
                vsp_snapshots::run(&text, &case, configuration).map_err(Failed::from)
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}
