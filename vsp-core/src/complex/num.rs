//! Conversions to and from the complex numbers of the `num-complex` crate.

use num_complex::Complex;

use super::ByteSil;

impl From<ByteSil> for Complex<f64> {
    /// Returns the real and the imaginary part, each as the nearest binary64.
    fn from(number: ByteSil) -> Complex<f64> {
        Complex::new(number.re(), number.im())
    }
}

impl From<Complex<f64>> for ByteSil {
    /// Returns the nearest number, as [`ByteSil::from_cartesian`].
    fn from(number: Complex<f64>) -> ByteSil {
        ByteSil::from_cartesian(number.re, number.im)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_a_round_trip() {
        for number in ByteSil::all() {
            assert_eq!(ByteSil::from(Complex::from(number)), number);
        }
        assert_eq!(Complex::from(ByteSil::I), Complex::I);
    }
}
