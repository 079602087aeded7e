// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random conditions and numbers, with types, as trees and as text.

/// Random numbers that a seed decides: splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A number that is interesting now and then: small, at the edge of a type, or anything.
    pub(crate) fn number(&mut self) -> i128 {
        match self.below(8) {
            0..3 => self.below(10) as i128,
            3 => -(self.below(10) as i128),
            4 => self.one(&[127, 128, 255, 256, 32767, 32768, 65535, 65536]),
            5 => self.one(&[i32::MAX as i128, i32::MIN as i128, u32::MAX as i128, 1 << 32]),
            6 => self.one(&[i64::MAX as i128, i64::MIN as i128, u64::MAX as i128, u64::MAX as i128 - 1]),
            _any => self.next() as i64 as i128 >> self.below(60),
        }
    }
}

/// What a name holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// Bytes, and whether it has a sign.
    Number(u8, bool),
    Flag,
    /// At most so many bytes are seen.
    Text(usize),
    Ipv4,
    Ipv6,
    /// A number that is null outside of −4095 to −1.
    Errno,
    /// A number that is null at 0.
    Signal,
    /// A number that is null at 2^32 − 1.
    Uid,
}

/// A name of the language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name {
    pub(crate) text: &'static str,
    pub(crate) kind: Kind,
    /// Its number among the values of an event: several names may read one.
    pub(crate) value: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Num {
    Name(Name),
    Constant(i128),
    Minus(Box<Num>),
    Complement(Box<Num>),
    /// One of `+ - * / % & ^ | << >>`.
    Two(&'static str, Box<Num>, Box<Num>),
    Size(Name),
}

#[derive(Debug, Clone)]
pub(crate) enum Cond {
    Compare(&'static str, Num, Num),
    InNumbers(Num, Vec<i128>, bool),
    Flag(Name),
    /// `startsWith` and so on, or `==`.
    Text(&'static str, Name, Vec<String>),
    Networks(Name, Vec<(u128, u8)>, bool),
    Null(Name, bool),
    Has(bool, Num, u64),
    Not(Box<Cond>),
    And(Vec<Cond>),
    Or(Vec<Cond>),
}

/// What can occur.
pub(crate) struct Grammar {
    pub(crate) names: Vec<Name>,
    /// False: only what the kernel's tests can decide.
    pub(crate) calculates: bool,
}

const PIECES: [&str; 8] = ["/etc", "/", "pass", "x", ".so", "aa", "/usr/lib", "b"];

impl Grammar {
    fn name(&self, random: &mut Random, fits: fn(Kind) -> bool) -> Option<Name> {
        let fitting: Vec<Name> = self.names.iter().copied().filter(|name| fits(name.kind)).collect();
        if fitting.is_empty() { None } else { Some(random.one(&fitting)) }
    }

    fn number_name(&self, random: &mut Random) -> Name {
        let is_number = |kind| matches!(kind, Kind::Number(..) | Kind::Errno | Kind::Signal | Kind::Uid);
        self.name(random, is_number).unwrap_or(self.names[0])
    }

    pub(crate) fn num(&self, random: &mut Random, depth: usize) -> Num {
        let name = Num::Name(self.number_name(random));
        if depth == 0 || !self.calculates {
            // Of a number without a sign some bits.
            let Num::Name(Name { kind: Kind::Number(_, false), .. }) = name else { return name };
            return match random.below(4) {
                0 => Num::Two("&", name.into(), Num::Constant(random.next() as u32 as i128 >> random.below(30)).into()),
                _whole => name,
            };
        }
        match random.below(10) {
            0..3 => name,
            3 => Num::Minus(self.num(random, depth - 1).into()),
            4 => Num::Complement(self.num(random, depth - 1).into()),
            5 => {
                let by = Num::Constant(random.below(64) as i128);
                Num::Two(random.one(&["<<", ">>"]), self.num(random, depth - 1).into(), by.into())
            }
            6 => self.name(random, |kind| matches!(kind, Kind::Text(_))).map_or(name, Num::Size),
            _two => {
                let op = random.one(&["+", "-", "*", "/", "%", "&", "^", "|"]);
                let right =
                    if random.below(2) == 0 { Num::Constant(random.number()) } else { self.num(random, depth - 1) };
                Num::Two(op, self.num(random, depth - 1).into(), right.into())
            }
        }
    }

    pub(crate) fn cond(&self, random: &mut Random, depth: usize) -> Cond {
        let inner = |random: &mut Random| self.cond(random, depth.saturating_sub(1));
        match random.below(if depth == 0 { 9 } else { 14 }) {
            0..3 => self.compare(random, depth),
            3 => {
                let numbers = (0..=random.below(5)).map(|_| random.number()).collect();
                Cond::InNumbers(Num::Name(self.number_name(random)), numbers, random.below(2) == 0)
            }
            4 => match self.name(random, |kind| kind == Kind::Flag) {
                Some(name) => Cond::Flag(name),
                None => self.compare(random, depth),
            },
            5 | 6 => self.text(random),
            7 => match self.name(random, |kind| matches!(kind, Kind::Ipv4 | Kind::Ipv6)) {
                Some(name) => networks(random, name),
                None => self.text(random),
            },
            8 if random.below(2) == 0 => {
                let name = random.one(&self.names);
                Cond::Null(name, random.below(2) == 0)
            }
            8 => {
                let Some(name) = self.name(random, |kind| matches!(kind, Kind::Number(_, false))) else {
                    return self.text(random);
                };
                Cond::Has(random.below(2) == 0, Num::Name(name), 1 << random.below(8) | 1 << random.below(8))
            }
            9 | 10 => Cond::Not(inner(random).into()),
            11 | 12 => Cond::And((0..2 + random.below(2)).map(|_| inner(random)).collect()),
            _or => Cond::Or((0..2 + random.below(2)).map(|_| inner(random)).collect()),
        }
    }

    fn compare(&self, random: &mut Random, depth: usize) -> Cond {
        let op = random.one(&["==", "!=", "<", "<=", ">", ">="]);
        let left = self.num(random, depth.min(2));
        let two_reads = self.calculates && random.below(4) == 0;
        let right = if two_reads { self.num(random, 1) } else { Num::Constant(random.number()) };
        if random.below(4) == 0 { Cond::Compare(op, right, left) } else { Cond::Compare(op, left, right) }
    }

    fn text(&self, random: &mut Random) -> Cond {
        let Some(name) = self.name(random, |kind| matches!(kind, Kind::Text(_))) else {
            return self.compare(random, 0);
        };
        let mut hows = vec!["==", "!=", "in", "startsWith", "endsWith", "contains", "under"];
        if self.calculates {
            hows.push("glob");
        }
        let how = random.one(&hows);
        let many = !matches!(how, "==" | "!=") && random.below(2) == 0;
        let texts = (0..if many { 2 } else { 1 }).map(|_| {
            let mut text = text(random, 3);
            if how == "glob" {
                text = text.replace('a', "*").replace('b', "?");
            }
            if how == "contains" && !self.calculates {
                text.truncate(8);
            }
            text
        });
        Cond::Text(how, name, texts.collect())
    }
}

/// A text of 1 to `most` pieces.
pub(crate) fn text(random: &mut Random, most: usize) -> String {
    (0..=random.below(most)).map(|_| random.one(&PIECES)).collect()
}

fn networks(random: &mut Random, name: Name) -> Cond {
    let mut networks = Vec::new();
    for _ in 0..=random.below(3) {
        let (base, offset) = if random.below(3) > 0 { (0xffff_u128 << 32, 96) } else { (0xfd_u128 << 120, 0) };
        let prefix = offset + random.one(&[0, 1, 8, 9, 24, 31, 32, 32]) as u8;
        let bits = base | u128::from(random.one(&[0x0a00_0001_u32, 0x0a80_0001, 0x7f00_0001, 0xffff_ffff]));
        let mask = if prefix == 0 { 0 } else { u128::MAX << (128 - prefix) };
        networks.push((bits & mask, prefix));
    }
    Cond::Networks(name, networks, random.below(2) == 0)
}

impl Num {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Name(name) => name.text.to_owned(),
            Self::Constant(number) => number.to_string(),
            Self::Minus(of) => format!("-({})", of.text()),
            Self::Complement(of) => format!("~({})", of.text()),
            Self::Two(op, left, right) => format!("({} {op} {})", left.text(), right.text()),
            Self::Size(name) => format!("size({})", name.text),
        }
    }
}

impl Cond {
    pub(crate) fn text(&self) -> String {
        let joined =
            |parts: &[Self], sign: &str| format!("({})", parts.iter().map(Self::text).collect::<Vec<_>>().join(sign));
        match self {
            Self::Compare(op, left, right) => format!("{} {op} {}", left.text(), right.text()),
            Self::InNumbers(of, numbers, negated) => {
                let numbers: Vec<String> = numbers.iter().map(i128::to_string).collect();
                format!("{} {}in [{}]", of.text(), if *negated { "not " } else { "" }, numbers.join(", "))
            }
            Self::Flag(name) => name.text.to_owned(),
            Self::Text(how, name, texts) => {
                let texts: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
                match (*how, texts.as_slice()) {
                    ("==" | "!=", [text]) => format!("{} {how} {text}", name.text),
                    ("in", _) => format!("{} in [{}]", name.text, texts.join(", ")),
                    (_, [text]) => format!("{}.{how}({text})", name.text),
                    (_, _) => format!("{}.{how}([{}])", name.text, texts.join(", ")),
                }
            }
            Self::Networks(name, networks, negated) => {
                let networks: Vec<String> =
                    networks.iter().map(|network| format!("{:?}", network_text(*network))).collect();
                format!("{} {}in [{}]", name.text, if *negated { "not " } else { "" }, networks.join(", "))
            }
            Self::Null(name, negated) => format!("{} {} null", name.text, if *negated { "!=" } else { "==" }),
            Self::Has(all, of, bits) => {
                format!("{}({}, {bits:#x})", if *all { "has_all" } else { "has_any" }, of.text())
            }
            Self::Not(of) => format!("!({})", of.text()),
            Self::And(parts) => joined(parts, " && "),
            Self::Or(parts) => joined(parts, " || "),
        }
    }
}

fn network_text((bits, prefix): (u128, u8)) -> String {
    let address = std::net::Ipv6Addr::from_bits(bits);
    match address.to_ipv4_mapped() {
        Some(address) if prefix >= 96 => format!("{address}/{}", prefix - 96),
        _v6 => format!("{address}/{prefix}"),
    }
}
