//! Products of integer matrices, compared with sums of 128-bit products.

use proptest::prelude::*;

use super::{Example, Expected, Invocation, inputs};

/// The smallest number of elements of both matrices that does not fit in the memory.
const TOO_LARGE: usize = 24_600;

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let mut reader = Reader { input: &invocation.input, tokens: inputs::tokens(&invocation.input), next: 0 };
    match reader.product() {
        Ok(output) => Expected::output(output),
        Err((line, message)) => Expected::refusal(1, format!("matmul: line {line}: {message}\n")),
    }
}

struct Reader<'a> {
    input: &'a [u8],
    tokens: Vec<(usize, &'a [u8])>,
    next: usize,
}

type Refusal = (usize, &'static str);

struct Matrix {
    rows: usize,
    columns: usize,
    elements: Vec<i64>,
}

impl Reader<'_> {
    fn product(&mut self) -> Result<String, Refusal> {
        let first = self.matrix(0)?;
        let second = self.matrix(first.elements.len())?;
        if first.columns != second.rows {
            return Err((self.line(), "the second matrix must have as many rows as the first has columns"));
        }
        if let Some((line, _)) = self.tokens.get(self.next) {
            return Err((*line, "expected nothing behind the second matrix"));
        }
        let rows = first.elements.chunks(first.columns).map(|row| {
            let elements = (0..second.columns).map(|column| {
                let column = second.elements.iter().skip(column).step_by(second.columns);
                row.iter().zip(column).fold(0i64, |sum, (a, b)| {
                    (i128::from(sum) + (i128::from(*a) * i128::from(*b)) % (1 << 64)) as i64
                })
            });
            elements.map(|element| element.to_string()).collect::<Vec<_>>().join(" ") + "\n"
        });
        Ok(rows.collect())
    }

    /// Returns the line of the last token that was read.
    fn line(&self) -> usize {
        self.tokens[self.next - 1].0
    }

    fn matrix(&mut self, before: usize) -> Result<Matrix, Refusal> {
        let (rows, columns) = (self.size()?, self.size()?);
        if before + rows * columns >= TOO_LARGE {
            let message = "not enough memory for the matrix: it takes 8 bytes for every element";
            return Err((self.line(), message));
        }
        let elements = (0..rows * columns).map(|_| self.number()).collect::<Result<_, _>>()?;
        Ok(Matrix { rows, columns, elements })
    }

    fn size(&mut self) -> Result<usize, Refusal> {
        match self.number()? {
            number @ 1..=65_536 => Ok(number as usize),
            _ => Err((self.line(), "rows and columns must be 1 to 65536")),
        }
    }

    fn number(&mut self) -> Result<i64, Refusal> {
        let Some((line, token)) = self.tokens.get(self.next) else {
            let line = self.input.iter().filter(|byte| **byte == b'\n').count() + 1;
            return Err((line, "the input ends before the matrix"));
        };
        self.next += 1;
        inputs::integer(token).ok_or((*line, "expected an integer from -2^63 to 2^63 - 1"))
    }
}

fn text(rows: usize, columns: usize, elements: &[i64]) -> String {
    let lines = elements.chunks(columns).map(|row| {
        let row: Vec<String> = row.iter().map(i64::to_string).collect();
        row.join(" ") + "\n"
    });
    format!("{rows} {columns}\n") + &lines.collect::<String>()
}

pub(super) fn invocations() -> Vec<Invocation> {
    let noise: Vec<i64> = inputs::noise(1600).into_iter().map(|byte| i64::from(byte) - 128).collect();
    let identity: Vec<i64> = (0..400).map(|n| i64::from(n % 21 == 0)).collect();
    let products = [
        text(20, 20, &noise[..400]) + &text(20, 20, &noise[400..800]),
        text(20, 20, &identity) + &text(20, 20, &noise[..400]),
        text(1, 300, &noise[..300]) + &text(300, 1, &noise[300..600]),
        text(40, 1, &noise[..40]) + &text(1, 40, &noise[40..80]),
        text(1, 2, &[i64::MIN, i64::MAX]) + &text(2, 2, &[-1, i64::MIN, i64::MAX, 2]),
        text(2, 3, &[1, 2, 3, 4, 5, 6]) + &text(2, 3, &[1, 2, 3, 4, 5, 6]),
    ];
    let texts = [
        "",
        "\n\n",
        "0 1",
        "1 0",
        "65537 1",
        "-1 1",
        "65536 65536\n1",
        "x",
        "1 1 x",
        "1 1 5\n1 1 5\n\n5",
        "1 1 5\n1 1",
        "1 1 5\n\n",
        "150 150 1",
        "1\r\n1\t-1 1 1 5",
    ];
    products.into_iter().chain(texts.map(str::to_owned)).map(Invocation::input).collect()
}

pub(super) fn published() -> Vec<Example> {
    vec![
        Example::new("2 3\n 1 2 3\n 4 5 6\n 3 1\n 1\n 10\n 100\n", "321\n654\n"),
        // Fibonacci numbers.
        Example::new("2 2 1 1 1 0 2 2 55 34 34 21", "89 55\n55 34\n"),
    ]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    let element = || prop_oneof![any::<i64>(), -9..10i64];
    let product = (1..7usize, 1..7usize, 1..7usize)
        .prop_flat_map(move |(rows, inner, columns)| {
            let first = proptest::collection::vec(element(), rows * inner);
            let second = proptest::collection::vec(element(), inner * columns);
            (first, second).prop_map(move |(a, b)| text(rows, inner, &a) + &text(inner, columns, &b))
        })
        .prop_map(String::into_bytes);
    prop_oneof![3 => product, 1 => inputs::random_text(b"111223 \n-", 40)].prop_map(Invocation::input).boxed()
}
