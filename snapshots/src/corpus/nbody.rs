//! The n-body simulation, compared with the same mechanics with vectors, in another order, and with published energies.

use proptest::prelude::*;

use super::{Example, Expected, Invocation};

type Vector = [f64; 3];

#[derive(Clone, Copy)]
struct Body {
    mass: f64,
    position: Vector,
    velocity: Vector,
}

/// The data of the benchmark: masses in solar masses, astronomical units, days.
#[expect(clippy::excessive_precision, reason = "the digits are those of the benchmark")]
const PLANETS: [Body; 4] = [
    Body {
        mass: 9.54791938424326609e-04,
        position: [4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01],
        velocity: [1.66007664274403694e-03, 7.69901118419740425e-03, -6.90460016972063023e-05],
    },
    Body {
        mass: 2.85885980666130812e-04,
        position: [8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01],
        velocity: [-2.76742510726411899e-03, 4.99852801234917238e-03, 2.30417297573763929e-05],
    },
    Body {
        mass: 4.36624404335156298e-05,
        position: [1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01],
        velocity: [2.96460137564761618e-03, 2.37847173959480950e-03, -2.96589568540237556e-05],
    },
    Body {
        mass: 5.15138902046611451e-05,
        position: [1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01],
        velocity: [2.68067772490389322e-03, 1.62824170038242295e-03, -9.51592254519715870e-05],
    },
];

fn sub(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn add_scaled(a: Vector, b: Vector, factor: f64) -> Vector {
    [a[0] + b[0] * factor, a[1] + b[1] * factor, a[2] + b[2] * factor]
}

fn squared(a: Vector) -> f64 {
    a[0] * a[0] + a[1] * a[1] + a[2] * a[2]
}

fn system() -> Vec<Body> {
    let solar_mass = 4.0 * std::f64::consts::PI * std::f64::consts::PI;
    let planets = PLANETS.map(|planet| Body {
        mass: planet.mass * solar_mass,
        velocity: planet.velocity.map(|velocity| velocity * 365.24),
        ..planet
    });
    let momentum = planets.iter().fold([0.0; 3], |sum, body| add_scaled(sum, body.velocity, body.mass));
    let sun = Body { mass: solar_mass, position: [0.0; 3], velocity: momentum.map(|m| -m / solar_mass) };
    [sun].into_iter().chain(planets).collect()
}

fn step(bodies: &mut [Body], time: f64) {
    let before = bodies.to_vec();
    for (index, body) in bodies.iter_mut().enumerate() {
        for (_, other) in before.iter().enumerate().filter(|(other, _)| *other != index) {
            let towards = sub(other.position, before[index].position);
            let factor = time * other.mass / squared(towards).powf(1.5);
            body.velocity = add_scaled(body.velocity, towards, factor);
        }
    }
    for body in bodies {
        body.position = add_scaled(body.position, body.velocity, time);
    }
}

fn energy(bodies: &[Body]) -> f64 {
    let motion: f64 = bodies.iter().map(|body| body.mass * squared(body.velocity) / 2.0).sum();
    let pairs = bodies.iter().enumerate().flat_map(|(index, one)| {
        let others = bodies[index + 1..].iter();
        others.map(|other| one.mass * other.mass / squared(sub(one.position, other.position)).sqrt())
    });
    motion - pairs.sum::<f64>()
}

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let steps = invocation.args.first().map_or(Ok(1000), |arg| arg.parse::<i64>());
    let Ok(steps @ 0..) = steps else {
        return Expected::refusal(2, "nbody: the argument must be a number, 0 or more\n");
    };
    let mut bodies = system();
    let before = energy(&bodies);
    (0..steps).for_each(|_| step(&mut bodies, 0.01));
    Expected::output(format!("{before:.9}\n{:.9}\n", energy(&bodies)))
}

pub(super) fn invocations() -> Vec<Invocation> {
    ["", "0", "1", "2", "10", "100", "-1"].map(Invocation::args).into()
}

/// Returns the output of the benchmark for 1,000 steps.
pub(super) fn published() -> Vec<Example> {
    vec![Example::with_args("1000", "-0.169075164\n-0.169087605\n")]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    (0..300u32).prop_map(|steps| Invocation::args(&steps.to_string())).boxed()
}
