//! Tests of every operation of a range against the numbers in it, one by one.

use std::vec::Vec;

use super::{Range, Test, compared, is_inside, widened};

/// The starts of ranges: at the ends of unsigned and signed numbers and of 32 bits, and between them.
const STARTS: [u64; 16] = [
    0,
    1,
    2,
    3,
    5,
    7,
    8,
    0x7FFF_FFFF,
    0xFFFF_FFFC,
    0xFFFF_FFFF,
    i64::MAX as u64 - 9,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 9,
    u64::MAX - 1,
    u64::MAX,
];

/// Returns ranges of up to five numbers, with strides up to seven.
fn ranges() -> Vec<Range> {
    let mut all = Vec::new();
    for low in STARTS {
        all.push(Range::one(low));
        for step in 1..=7 {
            for count in 2..=5 {
                if let Some(high) = low.checked_add(step * (count - 1)) {
                    all.push(Range { low, high, step });
                }
            }
        }
    }
    all
}

/// Returns few enough ranges that pairs of them can be tested.
fn some_ranges() -> Vec<Range> {
    ranges().into_iter().step_by(5).collect()
}

/// Returns all numbers of a range.
pub(in crate::jit) fn numbers(range: Range) -> Vec<u64> {
    let count = (range.high - range.low).checked_div(range.step).unwrap_or(0);
    (0..=count).map(|index| range.low + index * range.step).collect()
}

pub(in crate::jit) fn contains(range: Range, value: u64) -> bool {
    let Range { low, high, step } = range;
    low <= value && value <= high && (value - low).is_multiple_of(step.max(1))
}

/// Checks that the range is one number with step 0, or that its length is a multiple of its step.
fn assert_well_formed(range: Range) {
    let Range { low, high, step } = range;
    assert!(
        low <= high && (step == 0) == (low == high) && (high - low).is_multiple_of(step.max(1)),
        "{range:?}"
    );
}

fn unary(name: &str, of_range: impl Fn(Range) -> Range, of_number: impl Fn(u64) -> u64) {
    for range in ranges() {
        let result = of_range(range);
        assert_well_formed(result);
        for number in numbers(range) {
            let value = of_number(number);
            assert!(contains(result, value), "{name} of {range:?} is {result:?}, without {value}");
        }
    }
}

#[test]
fn operations_with_a_constant() {
    for value in STARTS {
        unary("subtract", |it| it.subtract(value), |it| it.wrapping_sub(value));
        unary("masked", |it| it.masked(value), |it| it & value);
    }
    for mask in 0..64 {
        unary("masked", |it| it.masked(mask), |it| it & mask);
    }
    for value in [i16::MIN.into(), -9, -8, -7, -2, -1, 0, 1, 2, 7, 8, i16::MAX.into(), i64::MIN, i64::MAX] {
        unary("add_signed", |it| it.add_signed(value), |it| it.wrapping_add_signed(value));
    }
    for count in 0..64 {
        unary("multiply", |it| it.multiply(1 << count), |it| it << count);
        unary("shifted_right", |it| it.shifted_right(count), |it| it >> count);
    }
    for bits in 1..=64 {
        let mask = u64::MAX >> (64 - bits);
        // A number that does not fit these bits becomes any number in them.
        unary("narrowed", |it| it.narrowed(bits), |it| it & mask);
    }
}

#[test]
fn operations_on_two_ranges() {
    let all = some_ranges();
    for &a in &all {
        for &b in &all {
            let (sum, join) = (a.add(b), a.join(b));
            assert_well_formed(sum);
            assert_well_formed(join);
            for x in numbers(a) {
                assert!(contains(join, x), "{a:?} with {b:?}: {join:?}");
                for y in numbers(b) {
                    assert!(contains(join, y), "{a:?} with {b:?}: {join:?}");
                    assert!(contains(sum, x.wrapping_add(y)), "{a:?} + {b:?}: {sum:?}");
                }
            }
        }
    }
}

#[test]
fn comparisons() {
    let all = some_ranges();
    for &a in &all {
        for &b in &all {
            for test in [Test::Equal, Test::Below, Test::Less] {
                for holds in [true, false] {
                    let known = compared(a, b, test, holds);
                    if let Some((a, b)) = known {
                        assert_well_formed(a);
                        assert_well_formed(b);
                    }
                    for x in numbers(a) {
                        for y in numbers(b).into_iter().filter(|y| is_true(test, x, *y) == holds) {
                            let is_in = known.is_some_and(|(a, b)| contains(a, x) && contains(b, y));
                            assert!(is_in, "{a:?} {test:?} {b:?} {holds}: {known:?}, without {x} and {y}");
                        }
                    }
                }
            }
        }
    }
}

fn is_true(test: Test, x: u64, y: u64) -> bool {
    match test {
        Test::Equal => x == y,
        Test::Below => x < y,
        Test::Less => (x as i64) < y as i64,
    }
}

/// Comparisons of intervals are exact.
#[test]
fn comparisons_are_exact_for_intervals() {
    for (a, b) in [(0, 9), (3, 4), (5, 12), (7, 7)].into_iter().flat_map(|a| [(a, (2, 7)), (a, (4, 4))]) {
        let (a, b) = (Range::between(a.0, a.1), Range::between(b.0, b.1));
        for test in [Test::Equal, Test::Below] {
            let pairs = numbers(a).into_iter().flat_map(|x| numbers(b).into_iter().map(move |y| (x, y)));
            let pairs: Vec<(u64, u64)> = pairs.filter(|(x, y)| is_true(test, *x, *y)).collect();
            let ends = |of: fn(&(u64, u64)) -> u64| {
                let values = pairs.iter().map(of);
                Some(Range::between(values.clone().min()?, values.max()?))
            };
            let expected = ends(|pair| pair.0).zip(ends(|pair| pair.1));
            assert_eq!(compared(a, b, test, true), expected, "{a:?} {test:?} {b:?}");
        }
    }
}

#[test]
fn widening() {
    let thresholds = [0, 4, 9, 64, i64::MAX as u64, u64::MAX];
    let all = some_ranges();
    for &old in &all {
        for &new in &all {
            let joined = old.join(new);
            let result = widened(old, joined, &thresholds);
            assert_well_formed(result);
            let is_kept = [old, new].into_iter().flat_map(numbers).all(|it| contains(result, it));
            assert!(is_kept, "{old:?} to {joined:?}: {result:?}");
        }
    }
    // A walk upwards in steps of 8 stops before the end that it is compared with.
    let walk = Range { low: 64, high: 72, step: 8 };
    assert_eq!(
        widened(Range::one(64), walk, &[0, 128]),
        Range { low: 64, high: 120, step: 8 },
        "just before the next constant"
    );
    assert_eq!(widened(Range::one(64), walk, &[0, 72]).high, u64::MAX - 7);
}

#[test]
fn accesses() {
    let bases = [Range::one(0), Range::one(8), Range { low: 8, high: 32, step: 8 }, Range::between(3, 9)];
    let beyond = [Range::between(u64::MAX - 40, u64::MAX), Range::one(u64::MAX - 63)];
    let bases: Vec<Range> = bases.into_iter().chain(beyond).collect();
    let (memory, mut inside) = (64, 0);
    for &base in &bases {
        let indices = bases.iter().flat_map(|index| (0..4).map(|scale| Some((*index, scale))));
        for index in indices.chain([None]) {
            for displacement in -48..64 {
                for size in [1, 2, 4, 8, 16] {
                    if !is_inside(base, index, displacement, size, memory) {
                        continue;
                    }
                    inside += 1;
                    let scaled = index.map_or_else(|| Vec::from([0]), |(index, scale)| scaled(index, scale));
                    for at in numbers(base)
                        .into_iter()
                        .flat_map(|base| scaled.iter().map(move |it| base.wrapping_add(*it)))
                    {
                        let at = at.wrapping_add_signed(displacement.into());
                        assert!(at <= memory - u64::from(size), "{base:?} {index:?} {displacement} {size}");
                    }
                }
            }
        }
    }
    assert!(inside > 1_000, "{inside} are inside, so the others say nothing");
}

fn scaled(index: Range, scale: u32) -> Vec<u64> {
    numbers(index).into_iter().map(|it| it << scale).collect()
}
