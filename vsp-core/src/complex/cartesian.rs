//! Conversion to and from real and imaginary parts.

use super::ByteSil;

/// e^ρ times cos 0, cos π/8, cos π/4 and cos 3π/8, for ρ = −8 to 7: the nearest binary64s, as bits. (Computed with 60
/// digits.)
const PARTS: [[u64; 4]; 16] = [
    [0x3F35_FC21_0410_27AD, 0x3F34_4FB6_91A9_02D2, 0x3F2F_1760_565B_0625, 0x3F20_D395_5B31_1427],
    [0x3F4D_E16B_9C24_A98F, 0x3F4B_9B24_94F9_14FC, 0x3F45_20F4_FE1E_9452, 0x3F36_DE9C_E521_E342],
    [0x3F64_4E51_F113_D4D6, 0x3F62_C29F_1C93_864F, 0x3F5C_B788_E663_FB8A, 0x3F4F_153E_6F98_D441],
    [0x3F7B_993F_E00D_5376, 0x3F79_7F70_7D9C_D344, 0x3F73_83E2_C67B_05A7, 0x3F65_1F82_03A1_EFC1],
    [0x3F92_C155_B821_3CF4, 0x3F91_53DA_E081_97E1, 0x3F8A_861C_E3B3_21A1, 0x3F7C_B590_B01D_BE59],
    [0x3FA9_7DB0_CCCE_B0AF, 0x3FA7_8CF3_B689_73A7, 0x3FA2_065C_2F0D_142D, 0x3F93_828C_20B2_D9DF],
    [0x3FC1_52AA_A3BF_81CC, 0x3FC0_0119_00DB_1C69, 0x3FB8_7F90_CADA_9F4A, 0x3FAA_844B_2EDF_988F],
    [0x3FD7_8B56_362C_EF38, 0x3FD5_C088_7767_4F7C, 0x3FD0_A5F8_7FB1_306B, 0x3FC2_051F_B419_830C],
    [0x3FF0_0000_0000_0000, 0x3FED_906B_CF32_8D46, 0x3FE6_A09E_667F_3BCD, 0x3FD8_7DE2_A6AE_A963],
    [0x4005_BF0A_8B14_5769, 0x4004_1746_8115_B282, 0x3FFE_C0FC_3281_B1E5, 0x3FF0_A4D4_2FFE_B7DB],
    [0x401D_8E64_B8D4_DDAE, 0x401B_4E6F_A041_3D58, 0x4014_E63F_846B_36BF, 0x4006_9F11_1BAC_FC59],
    [0x4034_15E5_BF6F_B106, 0x4032_8E7E_6AA0_4839, 0x402C_67BD_B99C_0447, 0x401E_BEE0_389A_C492],
    [0x404B_4C90_2E27_3A58, 0x4049_3897_2B67_BC8B, 0x4043_4DA9_121A_3695, 0x4034_E4D0_90BE_27B3],
    [0x4062_8D38_9970_338F, 0x4061_23B5_4A14_3D61, 0x405A_3C69_B25F_6336, 0x404C_65CA_FC5A_30A0],
    [0x4079_36DC_5690_C08F, 0x4077_4B83_80AC_31B2, 0x4071_D446_98D7_62BD, 0x4063_4C56_2469_1001],
    [0x4091_2288_5AAE_DDAA, 0x408F_A941_6461_DD4C, 0x4088_3B7E_7302_2C59, 0x407A_3A9D_0B92_1728],
];

/// The binary64s nearest e^(j − ½), j = −7 to 7: the lower limits of the magnitudes for which ρ is j.
const LIMITS: [u64; 15] = [
    0x3F42_1F9B_A40F_31D5,
    0x3F58_A1E1_8A95_4FFA,
    0x3F70_BD4A_5ACA_7728,
    0x3F86_C050_4695_C417,
    0x3F9E_EC10_18E4_FF66,
    0x3FB5_0385_C094_F425,
    0x3FCC_8F87_724B_5C1D,
    0x3FE3_68B2_FC6F_960A,
    0x3FFA_6129_8E1E_069C,
    0x4011_ED3F_E64F_C541,
    0x4028_5D6F_D931_E0BB,
    0x4040_8EC7_2139_6BDB,
    0x4056_8118_ADE1_DEAA,
    0x406E_9624_4F21_BBF6,
    0x4084_C922_1081_6C89,
];

/// fl(e⁻⁸) · (1 − 2⁻⁵⁰): smaller magnitudes are NULL. The margin is for the error of hypot.
const LEAST: u64 = 0x3F35_FC21_0410_27A8;

impl ByteSil {
    /// Computes COMPLEX_RE: the binary64 nearest the real part; +0.0 on the imaginary axis and for NULL.
    pub const fn re(self) -> f64 {
        if self.is_null() {
            return 0.0;
        }
        let theta = self.theta();
        // The angle from the nearer half of the real axis, in eighths of a half turn.
        let (from_axis, sign) = match theta {
            0..4 => (theta, 0),
            4 | 12 => return 0.0,
            5..=8 => (8 - theta, 1),
            9..12 => (theta - 8, 1),
            _ => (16 - theta, 0),
        };
        f64::from_bits(PARTS[(self.0 >> 4) as usize][from_axis as usize] | sign << 63)
    }

    /// Computes COMPLEX_IM: the binary64 nearest the imaginary part; +0.0 on the real axis and for NULL.
    pub const fn im(self) -> f64 {
        if self.is_null() { 0.0 } else { ByteSil(self.0 & 0xF0 | self.0.wrapping_sub(4) & 15).turned_re() }
    }

    /// Returns the real part, where the byte 0x00 means e⁻⁸.
    const fn turned_re(self) -> f64 {
        if self.is_null() { f64::from_bits(PARTS[0][0]) } else { self.re() }
    }

    /// Computes COMPLEX_FROM: the number nearest re + i · im, within the accuracy of `libm`'s hypot and atan2. NULL if
    /// either is NaN.
    pub fn from_cartesian(re: f64, im: f64) -> ByteSil {
        if re.is_nan() || im.is_nan() {
            return ByteSil::NULL;
        }
        let magnitude = libm::hypot(re, im);
        if magnitude < f64::from_bits(LEAST) {
            return ByteSil::NULL;
        }
        let above = LIMITS.iter().filter(|limit| f64::from_bits(**limit) <= magnitude).count();
        let sixteenths = libm::atan2(im, re) * 8.0 / core::f64::consts::PI;
        ByteSil::polar(above as i32 - 8, libm::floor(sixteenths + 0.5) as i32)
    }

    /// Computes COMPLEX_LERP: interpolates between `self` at 0 and `to` at 4,095 in steps of 1/4,095; weights above
    /// 4,095 count as 4,095.
    pub fn lerp(self, to: ByteSil, weight: u16) -> ByteSil {
        match weight {
            0 => self,
            1..4095 => {
                let t = f64::from(weight) / 4095.0;
                let between = |from: f64, to: f64| from + (to - from) * t;
                ByteSil::from_cartesian(between(self.re(), to.re()), between(self.im(), to.im()))
            }
            _ => to,
        }
    }
}
