//! Floats as text, against core's conversions, which are exact too, and against what Python and C are known to write.

use larder::decimal::{LONGEST, Style, parse, text};

fn repr(value: f64) -> String {
    text(value, Style::Repr, &mut [0; LONGEST]).to_string()
}

fn seventeen(value: f64) -> String {
    text(value, Style::Seventeen, &mut [0; LONGEST]).to_string()
}

/// The digits without point and zeros, and the power of ten of the first.
fn digits(text: &str) -> (String, i32) {
    let text = text.trim_start_matches('-');
    let (number, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap();
    let whole = number.find('.').unwrap_or(number.len()) as i32;
    let all = number.replace('.', "");
    let zeros = (all.len() - all.trim_start_matches('0').len()) as i32;
    (all.trim_matches('0').to_string(), exponent + whole - zeros - 1)
}

/// Numbers that look random, with the edges among them: powers of two, few bits, subnormal, large.
fn values(count: u32) -> impl Iterator<Item = f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let edges = (0..2047).flat_map(|exponent| [0, 1, (1 << 52) - 1].map(|fraction| exponent << 52 | fraction));
    let random = (0..count).map(move |i| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match i % 4 {
            0 => state >> 1,
            1 => 1000 << 52 | state >> 6 & 0x7f_ffff_ffff_ffff,
            2 => (state >> 44) << 43,
            _ => (state as u32 as f64 / 1000.0).to_bits(),
        }
    });
    edges.chain(random).map(f64::from_bits).filter(|value| value.is_finite())
}

#[test]
fn as_python_writes_them() {
    let known = [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (-1.5, "-1.5"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e15, "1000000000000000.0"),
        (123456789012345680.0, "1.2345678901234568e+17"),
        (1e16, "1e+16"),
        (9007199254740993.0, "9007199254740992.0"),
        (1e-4, "0.0001"),
        (0.00012345678901234567, "0.00012345678901234567"),
        (1e-5, "1e-05"),
        (1e22, "1e+22"),
        (1e23, "1e+23"),
        (5e-324, "5e-324"),
        (2.9802322387695312e-8, "2.9802322387695312e-08"), // exactly in the middle: the even digit
        (2.2250738585072014e-308, "2.2250738585072014e-308"),
        (f64::MAX, "1.7976931348623157e+308"),
        (5.684341886080802e-14, "5.684341886080802e-14"), // a power of two whose nearest 16 digits do not read back
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
        (-f64::NAN, "nan"),
    ];
    for (value, expected) in known {
        assert_eq!(repr(value), expected);
    }
}

#[test]
fn as_c_writes_them_with_17_digits() {
    let known = [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.1, "0.10000000000000001"),
        (1e16, "10000000000000000"),
        (1e17, "1e+17"),
        (123456789012345680.0, "1.2345678901234568e+17"),
        (0.5, "0.5"),
        (1e-4, "0.0001"),
        (1e-5, "1.0000000000000001e-05"),
        (1e23, "9.9999999999999992e+22"),
        (5e-324, "4.9406564584124654e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
        (0.99999999999999999, "1"),
        (f64::INFINITY, "inf"),
        (f64::NAN, "nan"),
    ];
    for (value, expected) in known {
        assert_eq!(seventeen(value), expected);
    }
}

#[test]
fn digits_are_the_shortest_and_the_nearest_and_read_back() {
    for value in values(12_000).filter(|value| *value != 0.0) {
        let short = repr(value);
        let (found, expected) = (digits(&short), digits(&format!("{value:e}")));
        if found != expected {
            // In the middle between two texts: Python takes the even digit, core the upper one.
            let exact = digits(&format!("{value:.1100e}")).0;
            assert_eq!(&exact[found.0.len()..], "5", "{value:e}");
            assert_eq!(found, (exact[..found.0.len()].to_string(), expected.1));
            assert!(found.0.ends_with(['2', '4', '6', '8']), "{short}");
        }
        assert_eq!(parse(short.as_bytes()).map(f64::to_bits), Some(value.to_bits()), "{short}");
        let long = seventeen(value);
        assert_eq!(digits(&long), digits(&format!("{value:.16e}")), "{value:e}");
        assert_eq!(parse(long.as_bytes()).map(f64::to_bits), Some(value.to_bits()), "{long}");
    }
}

#[test]
fn any_decimal_is_read_as_core_reads_it() {
    let mut seed = 7_u32;
    let mut random = move |limit: u32| {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed % limit
    };
    for _ in 0..10_000 {
        let length = [3, 17, 25, 60][random(4) as usize];
        let mut text: String = (0..=random(length)).map(|_| char::from(b'0' + random(10) as u8)).collect();
        if random(2) == 0 {
            text.insert(random(text.len() as u32 + 1) as usize, '.');
        }
        if random(2) == 0 {
            text += &format!("e{}", random(700) as i32 - 350);
        }
        let expected = text.parse::<f64>().ok().map(f64::to_bits);
        assert_eq!(parse(text.as_bytes()).map(f64::to_bits), expected, "{text}");
    }
}

#[test]
fn the_middle_between_two_floats_goes_to_the_even_one_and_a_trace_more_does_not() {
    for value in values(400).filter(|value| *value < f64::MAX) {
        // The middle to the next float, in full: at most 768 digits.
        let bits = value.to_bits();
        let next = f64::from_bits(bits + 1);
        let middle = if value >= f64::MIN_POSITIVE * 4.0 {
            exact_middle(value, next)
        } else {
            continue;
        };
        let even = if bits.is_multiple_of(2) { value } else { next };
        assert_eq!(parse(middle.as_bytes()), Some(even), "{middle}");
        let (number, exponent) = middle.split_once('e').unwrap();
        for zeros in [0, 30, 800] {
            let more = format!("{number}{}1e{exponent}", "0".repeat(zeros));
            assert_eq!(parse(more.as_bytes()), Some(next), "{more}");
        }
    }
}

/// (a + b) / 2 in full, as core prints it: with one bit more than a double has, as the sum of two printed halves.
fn exact_middle(a: f64, b: f64) -> String {
    let (a, b) = (format!("{:.1100e}", a / 2.0), format!("{:.1100e}", b / 2.0));
    let split = |text: &str| {
        let (number, exponent) = text.split_once('e').unwrap();
        (number.replace('.', "").bytes().map(|b| b - b'0').collect::<Vec<_>>(), exponent.parse::<i32>().unwrap())
    };
    let ((mut x, mut xe), (mut y, ye)) = (split(&a), split(&b));
    if xe < ye {
        x.insert(0, 0);
        y.push(0);
        xe = ye;
    }
    let mut carry = 0;
    for (x, y) in x.iter_mut().zip(&y).rev() {
        let sum = *x + y + carry;
        *x = sum % 10;
        carry = sum / 10;
    }
    let digits: String = x.iter().map(|d| char::from(b'0' + d)).collect();
    format!("{carry}{}.{}e{xe}", &digits[..1], digits[1..].trim_end_matches('0'))
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "", "-", "+", ".", "e1", ".e1", "1e", "1e+", "1e1.0", "1.2.3", "--1", "1 ", " 1", "1_0", "0x10", "infin",
        "nans", "1f",
    ] {
        assert_eq!(parse(text.as_bytes()), None, "{text}");
    }
    for (text, value) in [
        ("1", 1.0),
        ("+1.", 1.0),
        (".5", 0.5),
        ("-0", -0.0),
        ("1e400", f64::INFINITY),
        ("-1e99999999999", f64::NEG_INFINITY),
        ("1e-99999999999", 0.0),
        ("0e99999999999", 0.0),
        ("1.7976931348623158e308", f64::MAX),
        ("1.7976931348623159e308", f64::INFINITY),
        ("2.4703282292062327e-324", 0.0),
        ("2.4703282292062328e-324", 5e-324),
        ("INF", f64::INFINITY),
        ("-Infinity", f64::NEG_INFINITY),
    ] {
        assert_eq!(parse(text.as_bytes()).map(f64::to_bits), Some(value.to_bits()), "{text}");
    }
    assert!(parse(b"nan").unwrap().is_nan() && parse(b"-NaN").unwrap().is_sign_negative());
}
