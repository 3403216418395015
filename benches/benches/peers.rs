//! The kernels of `benches/kernels` side by side: VSP, the same in Rust, and with `--features peers` other machines.
//!
//!     cargo bench -p vsp-benches --features peers --bench peers
//!
//! Every answer is compared before anything is timed.

use clap::Parser;
use vsp_benches::peers::measure::{self, Times};
use vsp_benches::peers::{Engine, Error, KERNELS, Kernel, engines, instructions};

#[derive(Parser)]
#[command(about = "The kernels side by side")]
struct Arguments {
    /// Times that each kernel runs in each engine
    #[arg(long, default_value_t = 21)]
    runs: usize,
    /// Only these kernels
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only engines whose names contain one of these (native code is always there)
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Only assert that the answers are right
    #[arg(long)]
    test: bool,
    /// What cargo says
    #[arg(long, hide = true)]
    bench: bool,
    /// Only kernels whose names contain one of these, as `peers/NAME`
    filter: Vec<String>,
}

impl Arguments {
    fn kernels(&self) -> Result<Vec<Kernel>, Error> {
        if let Some(unknown) =
            self.only.iter().find(|name| KERNELS.iter().all(|kernel| kernel.name != **name))
        {
            return Err(format!("there is no kernel {unknown}").into());
        }
        let wanted = |kernel: &Kernel| {
            let full = format!("peers/{}", kernel.name);
            (self.only.is_empty() || self.only.iter().any(|name| name == kernel.name))
                && (self.filter.is_empty() || self.filter.iter().any(|part| full.contains(part)))
        };
        Ok(KERNELS.into_iter().filter(wanted).collect())
    }

    fn engines(&self) -> Vec<Box<dyn Engine>> {
        let wanted = |name: &str| {
            name == "native" || self.engines.is_empty() || self.engines.iter().any(|part| name.contains(part))
        };
        engines().into_iter().filter(|engine| wanted(&engine.name())).collect()
    }
}

fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let kernels = arguments.kernels()?;
    let engines = arguments.engines();
    if arguments.test || !arguments.bench {
        for kernel in &kernels {
            measure::kernel(kernel, &engines, 0)?;
            println!("peers/{}: right", kernel.name);
        }
        return Ok(());
    }
    if kernels.is_empty() {
        return Ok(());
    }
    print_head(&engines);
    let mut ratios = vec![Vec::new(); engines.len()];
    for kernel in &kernels {
        let times = measure::kernel(kernel, &engines, arguments.runs)?;
        print_row(kernel, &times);
        let native = times[0].map_or(f64::NAN, |times| times.median);
        for (ratios, times) in ratios.iter_mut().zip(&times) {
            ratios.extend(times.map(|times| times.median / native));
        }
    }
    print!("{:12}", "geom. mean");
    for ratios in &ratios {
        let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
        print!(" {:>22}", format!("{mean:.2}x"));
    }
    println!("\n");
    for kernel in &kernels {
        println!("{:12} {:>12} instructions", kernel.name, instructions(kernel)?);
    }
    Ok(())
}

fn print_head(engines: &[Box<dyn Engine>]) {
    print!("{:12}", "");
    for engine in engines {
        print!(" {:>22}", engine.name());
    }
    println!();
}

fn print_row(kernel: &Kernel, times: &[Option<Times>]) {
    print!("{:12}", kernel.name);
    let native = times[0].map_or(f64::NAN, |times| times.median);
    for times in times {
        let cell = times.map_or("–".into(), |times| {
            let spread = times.spread() * 100.0;
            format!("{:.2} ms ±{spread:.0}% {:.2}x", times.median / 1e6, times.median / native)
        });
        print!(" {cell:>22}");
    }
    println!();
}
