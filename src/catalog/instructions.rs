// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where instructions begin: a breakpoint anywhere else changes what a program does.

/// Whether an instruction begins `at` bytes into the code of a function: if not, where the one around it begins and the next
/// one. `Ok` as well where that cannot be known, after bytes that are no instruction.
#[cfg(target_arch = "x86_64")]
pub fn instruction_at(code: &[u8], at: usize) -> Result<(), (usize, usize)> {
    let mut decoder = iced_x86::Decoder::new(64, code, iced_x86::DecoderOptions::NONE);
    let mut instruction = iced_x86::Instruction::default();
    let mut before = 0;
    while decoder.position() < at && decoder.can_decode() {
        before = decoder.position();
        decoder.decode_out(&mut instruction);
        if instruction.is_invalid() {
            return Ok(());
        }
    }
    if decoder.position() > at { Err((before, decoder.position())) } else { Ok(()) }
}

/// Whether an instruction begins `at` bytes into the code of a function: if not, where the one around it begins and the next
/// one. All of them have four bytes.
#[cfg(target_arch = "aarch64")]
pub fn instruction_at(_: &[u8], at: usize) -> Result<(), (usize, usize)> {
    if at % 4 == 0 { Ok(()) } else { Err((at - at % 4, at - at % 4 + 4)) }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    /// Beginnings are told from middles; bytes that are no instruction tell nothing.
    #[test]
    fn beginnings_and_middles() {
        // push %rbp; mov %rsp,%rbp; sub $0x10,%rsp; call …; nopw 0x0(%rax,%rax,1)
        let code = b"\x55\x48\x89\xe5\x48\x83\xec\x10\xe8\0\0\0\0\x66\x0f\x1f\x44\0\0";
        let begins: Vec<usize> = (0..code.len()).filter(|at| instruction_at(code, *at).is_ok()).collect();
        assert_eq!(begins, [0, 1, 4, 8, 13]);
        assert_eq!(instruction_at(code, 10), Err((8, 13)));
        assert_eq!(instruction_at(&[0x06, 0x55, 0x48], 1), Ok(()));
        assert_eq!(instruction_at(&[], 3), Ok(()));
    }
}
