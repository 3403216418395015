//! Every case file, one test each.

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let folder = vsp_snapshots::cases_folder();
    let files = match vsp_snapshots::sil_files(&folder) {
        Ok(files) if !files.is_empty() => files,
        Ok(_) => panic!("there are no cases in {}", folder.display()),
        Err(error) => panic!("{}: {error}", folder.display()),
    };
    let trials = files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
            Trial::test(format!("interpreter::{name}"), move || {
                let text = std::fs::read_to_string(&path)?;
                let case = vsp_snapshots::parse(&text).map_err(Failed::from)?;
                vsp_snapshots::run(&text, &case).map_err(Failed::from)
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}
