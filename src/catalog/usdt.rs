// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the arguments of a USDT probe are, as the assembler wrote it: `-4@%edi 8@-16(%rbp) 4@$5`.
//!
//! Each is SIZE@PLACE; a size below 0 is a number with a sign. What stands after the sign is an operand of the machine:
//!
//! ```text
//! x86-64   %rdi   $5   -16(%rbp)   8(%rax,%rdx,4)
//! arm64    x0     5    [sp, 16]    [x0, x1]
//! ```
//!
//! A variable stands there by its symbol, `4@counter+8(%rip)`: it lies as far from the probe in memory as in the file.

/// Arguments that a probe can have (`STAP_PROBE12`).
pub const MOST_USDT_ARGUMENTS: usize = 12;

/// One argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsdtArgument<'t> {
    /// As the assembler wrote it: `-4@%edi`.
    pub text: &'t str,
    /// Bytes of it: 1, 2, 4 or 8.
    pub size: u8,
    /// Whether it can be negative.
    pub signed: bool,
    /// The variable that it is, where it is one: the only name that a note can have for it.
    pub variable: Option<&'t str>,
    /// Where it is, or why no program can read it.
    pub place: Result<UsdtPlace, UsdtUnreadable>,
}

/// Why an argument cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsdtUnreadable {
    /// It is a floating-point number, or in a register for those.
    Fraction,
    /// It is a variable that the symbols of the binary do not place.
    Variable,
    /// It is in no form that we know.
    Form,
}

/// Where an argument is. Registers are given by their place in `struct pt_regs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsdtPlace {
    /// It is this number.
    Constant(i64),
    /// In a register, from this bit on.
    Register {
        /// Bytes into the registers.
        register: u16,
        /// 8 for the second byte of one (`%ah`).
        shift: u8,
    },
    /// In memory.
    Memory {
        /// The register that has the address.
        base: Option<u16>,
        /// One that has what is added, and by how many bits it is shifted first.
        index: Option<(u16, u8)>,
        /// What is added.
        displacement: i64,
    },
}

/// Whose registers they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// x86-64.
    X86,
    /// arm64.
    Arm,
}

impl Machine {
    /// This one.
    pub const HERE: Self = if cfg!(target_arch = "aarch64") { Self::Arm } else { Self::X86 };
}

/// The arguments of a probe, in order. `distances`: how far from the probe the variables are that stand there by their symbols.
pub fn usdt_arguments<'t>(text: &'t str, machine: Machine, distances: &[(String, i64)]) -> Vec<UsdtArgument<'t>> {
    words(text).into_iter().take(MOST_USDT_ARGUMENTS).map(|word| argument(word, machine, distances)).collect()
}

/// The symbols that stand among the arguments of a probe: `counter` of `4@counter+8(%rip)`.
pub(super) fn symbols(text: &str) -> impl Iterator<Item = &str> {
    words(text).into_iter().filter_map(|word| Some(variable(split(word).1)?.0))
}

/// What is between spaces, of which there may be some within brackets.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut begin, mut depth) = (Vec::new(), None, 0_u32);
    for (at, sign) in text.char_indices() {
        match sign {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 => {
                words.extend(begin.take().map(|begin| &text[begin..at]));
                continue;
            }
            _ => {}
        }
        begin = begin.or(Some(at));
    }
    words.extend(begin.map(|begin| &text[begin..]));
    words
}

/// The size and the place of an argument.
fn split(word: &str) -> (&str, &str) {
    word.split_once('@').unwrap_or(("8", word))
}

fn argument<'t>(word: &'t str, machine: Machine, distances: &[(String, i64)]) -> UsdtArgument<'t> {
    let (size, place) = split(word);
    // `8f@%xmm0`
    let (size, is_fraction) = size.strip_suffix('f').map_or((size, false), |size| (size, true));
    let wide = size.parse::<i8>().unwrap_or(0);
    let size = wide.unsigned_abs();
    let is_known = matches!(size, 1 | 2 | 4 | 8);
    let symbol = variable(place).filter(|_| machine == Machine::X86);
    let found = match symbol {
        _ if is_fraction || is_fraction_register(place, machine) => Err(UsdtUnreadable::Fraction),
        _ if !is_known => Err(UsdtUnreadable::Form),
        Some((name, more)) => beside(name, more, distances).ok_or(UsdtUnreadable::Variable),
        None => parse(place, machine).ok_or(UsdtUnreadable::Form),
    };
    let variable = symbol.filter(|(_, more)| *more == 0).map(|(name, _)| name);
    UsdtArgument { text: word, size: if is_known { size } else { 8 }, signed: wide < 0, variable, place: found }
}

/// The symbol of what is relative to the code, and what is added to it: `counter(%rip)`, `8+counter(%rip)`, `counter-4(%rip)`.
fn variable(place: &str) -> Option<(&str, i64)> {
    let inside = place.strip_suffix("(%rip)")?;
    if let Some((number, name)) = inside.split_once('+')
        && let Some(more) = integer(number)
    {
        return is_symbol(name).then_some((name, more));
    }
    let Some(sign) = inside.rfind(['+', '-']) else { return is_symbol(inside).then_some((inside, 0)) };
    let (name, more) = inside.split_at(sign);
    let more = integer(more.strip_prefix('+').unwrap_or(more))?;
    is_symbol(name).then_some((name, more))
}

fn is_symbol(name: &str) -> bool {
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '.' | '$');
    !name.is_empty() && name.chars().all(is_sign) && !name.starts_with(|sign: char| sign.is_ascii_digit())
}

/// Where a variable is: as far from the instruction at hand as in the file.
fn beside(name: &str, more: i64, distances: &[(String, i64)]) -> Option<UsdtPlace> {
    let (_, distance) = distances.iter().find(|(known, _)| known == name)?;
    Some(UsdtPlace::Memory { base: Some(X86_INSTRUCTION), index: None, displacement: distance.wrapping_add(more) })
}

fn is_fraction_register(place: &str, machine: Machine) -> bool {
    match machine {
        Machine::X86 => ["%xmm", "%ymm", "%zmm", "%st"].iter().any(|name| place.starts_with(name)),
        Machine::Arm => {
            place.strip_prefix(['d', 's', 'q', 'v', 'h']).is_some_and(|number| number.parse::<u8>().is_ok())
        }
    }
}

fn parse(place: &str, machine: Machine) -> Option<UsdtPlace> {
    match machine {
        Machine::X86 => x86(place),
        Machine::Arm => arm(place),
    }
}

/// Bytes into `struct pt_regs` of x86-64 where the address of the instruction is: at a probe, its own.
const X86_INSTRUCTION: u16 = 128;

fn x86(place: &str) -> Option<UsdtPlace> {
    if let Some(number) = place.strip_prefix('$') {
        return integer(number).map(UsdtPlace::Constant);
    }
    if let Some(name) = place.strip_prefix('%') {
        let (register, shift) = x86_register(name)?;
        return Some(UsdtPlace::Register { register, shift });
    }
    let (displacement, inside) = place.strip_suffix(')')?.split_once('(')?;
    let displacement = if displacement.is_empty() { 0 } else { integer(displacement)? };
    let mut parts = inside.split(',');
    let whole = |name: &str| match x86_register(name.trim().strip_prefix('%')?)? {
        (register, 0) => Some(register),
        _part => None,
    };
    let base = match parts.next()?.trim() {
        "" => None,
        name => Some(whole(name)?),
    };
    let index = match parts.next() {
        Some(name) => {
            let scale: u64 = parts.next().map_or(Some(1), |scale| scale.trim().parse().ok())?;
            Some((whole(name)?, scale.is_power_of_two().then(|| scale.trailing_zeros() as u8).filter(|by| *by < 4)?))
        }
        None => None,
    };
    (base.is_some() || index.is_some()).then_some(UsdtPlace::Memory { base, index, displacement })
}

/// Bytes into `struct pt_regs` of x86-64 (arch/x86/include/uapi/asm/ptrace.h), and the first bit.
fn x86_register(name: &str) -> Option<(u16, u8)> {
    /// With 64, 32, 16 and 8 bits.
    const NAMES: [(u16, [&str; 4]); 16] = [
        (0, ["r15", "r15d", "r15w", "r15b"]),
        (8, ["r14", "r14d", "r14w", "r14b"]),
        (16, ["r13", "r13d", "r13w", "r13b"]),
        (24, ["r12", "r12d", "r12w", "r12b"]),
        (32, ["rbp", "ebp", "bp", "bpl"]),
        (40, ["rbx", "ebx", "bx", "bl"]),
        (48, ["r11", "r11d", "r11w", "r11b"]),
        (56, ["r10", "r10d", "r10w", "r10b"]),
        (64, ["r9", "r9d", "r9w", "r9b"]),
        (72, ["r8", "r8d", "r8w", "r8b"]),
        (80, ["rax", "eax", "ax", "al"]),
        (88, ["rcx", "ecx", "cx", "cl"]),
        (96, ["rdx", "edx", "dx", "dl"]),
        (104, ["rsi", "esi", "si", "sil"]),
        (112, ["rdi", "edi", "di", "dil"]),
        (152, ["rsp", "esp", "sp", "spl"]),
    ];
    let second = match name {
        "ah" => Some(80),
        "bh" => Some(40),
        "ch" => Some(88),
        "dh" => Some(96),
        _other => None,
    };
    let first = || NAMES.iter().find(|(_, names)| names.contains(&name)).map(|(at, _)| (*at, 0));
    second.map(|at| (at, 8)).or_else(first)
}

fn arm(place: &str) -> Option<UsdtPlace> {
    let Some(inside) = place.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        let number = place.strip_prefix('#').unwrap_or(place);
        let register = || Some(UsdtPlace::Register { register: arm_register(place)?, shift: 0 });
        return integer(number).map(UsdtPlace::Constant).or_else(register);
    };
    let (base, rest) = inside.split_once(',').map_or((inside, ""), |(base, rest)| (base, rest.trim()));
    let base = Some(arm_register(base.trim())?);
    if rest.is_empty() {
        return Some(UsdtPlace::Memory { base, index: None, displacement: 0 });
    }
    if let Some(displacement) = integer(rest.strip_prefix('#').unwrap_or(rest)) {
        return Some(UsdtPlace::Memory { base, index: None, displacement });
    }
    // `x1`, `x1, lsl 3`, `x1, lsl #3`
    let (name, by) = rest.split_once(',').map_or((rest, "lsl 0"), |(name, by)| (name, by.trim()));
    let by: u8 = by.strip_prefix("lsl")?.trim().trim_start_matches('#').parse().ok()?;
    let index = Some((arm_register(name.trim()).filter(|_| !name.starts_with('w'))?, by)).filter(|_| by < 4);
    index.map(|_| UsdtPlace::Memory { base, index, displacement: 0 })
}

/// Bytes into `struct user_pt_regs` of arm64 (arch/arm64/include/uapi/asm/ptrace.h).
fn arm_register(name: &str) -> Option<u16> {
    if name == "sp" {
        return Some(31 * 8);
    }
    let number: u16 = name.strip_prefix(['x', 'w'])?.parse().ok()?;
    (number < 31).then_some(number * 8)
}

fn integer(text: &str) -> Option<i64> {
    let (minus, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let value = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?.cast_signed(),
        // A number without a sign may fill all 64 bits.
        None => digits.parse::<u64>().ok()?.cast_signed(),
    };
    let starts = digits.starts_with(|sign: char| sign.is_ascii_digit());
    starts.then(|| if minus { value.wrapping_neg() } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(base: u16, index: Option<(u16, u8)>, displacement: i64) -> UsdtPlace {
        UsdtPlace::Memory { base: Some(base), index, displacement }
    }

    fn register(register: u16, shift: u8) -> UsdtPlace {
        UsdtPlace::Register { register, shift }
    }

    /// Every form that compilers write is understood, and what no program can read is told from it.
    #[test]
    fn operands() {
        for (machine, text, size, signed, place) in [
            (Machine::X86, "-4@%edi", 4, true, Ok(register(112, 0))),
            (Machine::X86, "1@%ah", 1, false, Ok(register(80, 8))),
            (Machine::X86, "8@%r10", 8, false, Ok(register(56, 0))),
            (Machine::X86, "4@$5", 4, false, Ok(UsdtPlace::Constant(5))),
            (Machine::X86, "-8@$-1", 8, true, Ok(UsdtPlace::Constant(-1))),
            (Machine::X86, "8@$18446744073709551615", 8, false, Ok(UsdtPlace::Constant(-1))),
            (Machine::X86, "-4@-20(%rbp)", 4, true, Ok(memory(32, None, -20))),
            (Machine::X86, "8@(%rax)", 8, false, Ok(memory(80, None, 0))),
            (Machine::X86, "2@0x10(%rax,%rdx,8)", 2, false, Ok(memory(80, Some((96, 3)), 16))),
            (Machine::X86, "2@(%rax,%rdx)", 2, false, Ok(memory(80, Some((96, 0)), 0))),
            (
                Machine::X86,
                "8@64(,%rdx,4)",
                8,
                false,
                Ok(UsdtPlace::Memory { base: None, index: Some((96, 2)), displacement: 64 }),
            ),
            (Machine::X86, "%rsi", 8, false, Ok(register(104, 0))),
            (Machine::X86, "-8f@%xmm0", 8, true, Err(UsdtUnreadable::Fraction)),
            (Machine::X86, "4f@-16(%rbp)", 4, false, Err(UsdtUnreadable::Fraction)),
            (Machine::X86, "8@%xmm0", 8, false, Err(UsdtUnreadable::Fraction)),
            (Machine::X86, "4@other(%rip)", 4, false, Err(UsdtUnreadable::Variable)),
            (Machine::X86, "4@8(%rip)", 4, false, Err(UsdtUnreadable::Form)),
            (Machine::X86, "4@(%rax,%rdx,3)", 4, false, Err(UsdtUnreadable::Form)),
            (Machine::X86, "4@", 4, false, Err(UsdtUnreadable::Form)),
            (Machine::X86, "16@%rax", 8, false, Err(UsdtUnreadable::Form)),
            (Machine::X86, "4@name(%rip)", 4, false, Ok(memory(128, None, 100))),
            (Machine::X86, "4@name+8(%rip)", 4, false, Ok(memory(128, None, 108))),
            (Machine::X86, "-4@8+name(%rip)", 4, true, Ok(memory(128, None, 108))),
            (Machine::X86, "4@name-0x8(%rip)", 4, false, Ok(memory(128, None, 92))),
            (Machine::X86, "4@-8+name(%rip)", 4, false, Ok(memory(128, None, 92))),
            (Machine::Arm, "8@x0", 8, false, Ok(register(0, 0))),
            (Machine::Arm, "-4@w30", 4, true, Ok(register(240, 0))),
            (Machine::Arm, "-4@7", 4, true, Ok(UsdtPlace::Constant(7))),
            (Machine::Arm, "8@[sp, 16]", 8, false, Ok(memory(248, None, 16))),
            (Machine::Arm, "4@[x19]", 4, false, Ok(memory(152, None, 0))),
            (Machine::Arm, "8@[x0, x1]", 8, false, Ok(memory(0, Some((8, 0)), 0))),
            (Machine::Arm, "8@[x0, x1, lsl 3]", 8, false, Ok(memory(0, Some((8, 3)), 0))),
            (Machine::Arm, "8@x31", 8, false, Err(UsdtUnreadable::Form)),
            (Machine::Arm, "8@%rdi", 8, false, Err(UsdtUnreadable::Form)),
            (Machine::Arm, "8f@d0", 8, false, Err(UsdtUnreadable::Fraction)),
        ] {
            let known = [("name".to_owned(), 100)];
            let found = usdt_arguments(text, machine, &known);
            let [UsdtArgument { size: a, signed: b, place: c, .. }] = found.as_slice() else { panic!("{text}") };
            assert_eq!((*a, *b, *c), (size, signed, place), "{text}");
        }
    }

    /// A variable is the only argument that has a name.
    #[test]
    fn names() {
        let name = |text| usdt_arguments(text, Machine::X86, &[])[0].variable;
        assert_eq!(name("4@counter(%rip)"), Some("counter"));
        assert_eq!(name("4@counter+4(%rip)"), None);
        assert_eq!(name("4@%eax"), None);
        assert_eq!(symbols("4@a(%rip) -4@%eax 8@16+b.1(%rip)").collect::<Vec<_>>(), ["a", "b.1"]);
    }

    /// Spaces within brackets are of one argument; there are twelve at most.
    #[test]
    fn several() {
        let sizes =
            |text: &str, machine| usdt_arguments(text, machine, &[]).iter().map(|one| one.size).collect::<Vec<_>>();
        assert_eq!(sizes("-4@%edi 8@-8(%rbp)", Machine::X86), [4, 8]);
        assert_eq!(sizes(" 4@w1 8@[sp, 8]  2@w3 ", Machine::Arm), [4, 8, 2]);
        assert_eq!(sizes("", Machine::X86), Vec::<u8>::new());
        assert_eq!(sizes(&"1@%al ".repeat(20), Machine::X86).len(), MOST_USDT_ARGUMENTS);
    }
}
