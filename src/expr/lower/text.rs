// SPDX-License-Identifier: MIT OR Apache-2.0
//! Texts, by their bytes.

use std::sync::Arc;

use super::graph::{Graph, Ways};
use super::kinds::{is_text_copy, no_text, text_of};
use super::unfit::Unfit;
use crate::expr::operand::Operand;
use crate::spec::{Fetch, FetchCopy, FieldType, Formula, Step, StepNext, StepTest, TextTest};

/// Longest text that the kernel looks for at the end, and in the middle.
const MAX_SUFFIX: usize = 32;
const MAX_CONTAINS: usize = 8;

impl<'o> Graph<'o> {
    /// `x == "a"`, `x.startsWith(["a", "b"])`: true where one fits.
    pub(super) fn texts(
        &mut self,
        how: TextTest,
        of: &Formula,
        texts: &[Arc<[u8]>],
        holds: bool,
        ways: Ways,
    ) -> Result<StepNext, Unfit> {
        let operand = self.read(of)?;
        if operand.kind == FieldType::Cgroup {
            return self.cgroups(how, operand, texts, holds, ways);
        }
        let Some(limit) = text_of(&operand.kind) else { return Err(no_text(&operand.kind)) };
        let Some(fetch) = Self::fetch(operand)? else { return Ok(ways.no) };
        let fault = ways.no;
        // If one fits, it is decided; if not, the next is asked.
        let (fits, fits_not) = if holds { (ways.yes, ways.no) } else { (ways.no, ways.yes) };
        let mut entry = fits_not;
        for text in texts.iter().rev() {
            for test in tests(how, text, operand, &fetch, limit)? {
                entry = self.push(operand, test.fetch, test.test, Ways { yes: fits, no: entry })?;
                self.fault_to(entry, operand, fault);
            }
        }
        Ok(entry)
    }
}

/// One question about a text, and how much of it must be read.
struct Test {
    fetch: Fetch,
    test: StepTest,
}

fn tests(how: TextTest, text: &[u8], operand: &Operand, fetch: &Fetch, limit: Option<u32>) -> Result<Vec<Test>, Unfit> {
    let ending = |bytes: &[u8], is_whole: bool| begins(bytes, is_whole, operand, fetch);
    match how {
        TextTest::Equal => Ok(vec![ending(text, true)?]),
        TextTest::StartsWith => Ok(vec![ending(text, false)?]),
        TextTest::Under => {
            let folder = text.strip_suffix(b"/").unwrap_or(text);
            let below = ending(&[folder, b"/"].concat(), false)?;
            Ok(if folder.is_empty() { vec![below] } else { vec![ending(folder, true)?, below] })
        }
        TextTest::EndsWith if text.len() <= MAX_SUFFIX => whole(operand, fetch, limit, StepTest::Suffix(text.into())),
        TextTest::EndsWith => {
            Err(Unfit::new(format!("the kernel compares at most {MAX_SUFFIX} bytes at the end of a text")))
        }
        TextTest::Contains if text.len() <= MAX_CONTAINS => {
            whole(operand, fetch, limit, StepTest::Contains(text.into()))
        }
        TextTest::Contains => {
            Err(Unfit::new(format!("the kernel looks for at most {MAX_CONTAINS} bytes inside a text")))
        }
        TextTest::Glob => Err(Unfit::new("the kernel compares no globs")),
    }
}

/// The text begins with these bytes, and ends with them if it is to be the whole.
fn begins(bytes: &[u8], is_whole: bool, operand: &Operand, fetch: &Fetch) -> Result<Test, Unfit> {
    let most = usize::from(Step::MAX_BYTES);
    // A text is cut by its NUL: one more must fit, so that a longer one can be told from it.
    let needed = bytes.len() + if is_text_copy(fetch.copy) { 1 + usize::from(is_whole) } else { 0 };
    if needed > most {
        return Err(Unfit::new(format!("the kernel compares at most {most} bytes, and this text has {}", bytes.len())));
    }
    let has_nul = !matches!(operand.kind, FieldType::Bytes | FieldType::Mac | FieldType::Uuid);
    let mut expected = bytes.to_vec();
    // Whole words are compared.
    let size =
        if is_text_copy(fetch.copy) { needed.next_multiple_of(8).min(most) } else { usize::from(fetch.size).min(most) };
    if is_whole && has_nul && (is_text_copy(fetch.copy) || expected.len() < usize::from(operand.size)) {
        expected.push(0);
    }
    if expected.len() > most || (!is_text_copy(fetch.copy) && fetch.size > Step::MAX_BYTES) {
        return Err(Unfit::new(format!("the kernel compares at most {most} bytes")));
    }
    let size = if fetch.copy == FetchCopy::Comm { usize::from(fetch.size) } else { size };
    let test = StepTest::Bytes { mask: vec![0xff; expected.len()].into(), bytes: expected.into() };
    Ok(Test { fetch: Fetch { size: size as u16, ..fetch.clone() }, test })
}

/// A question for which the whole text must be seen, as far as the language sees it.
fn whole(operand: &Operand, fetch: &Fetch, limit: Option<u32>, test: StepTest) -> Result<Vec<Test>, Unfit> {
    let room = u32::from(Step::MAX_BYTES) - 2;
    match limit {
        None if fetch.copy == FetchCopy::Comm => Ok(vec![Test { fetch: fetch.clone(), test }]),
        Some(limit) if limit <= room && is_text_copy(fetch.copy) => {
            Ok(vec![Test { fetch: Fetch { size: limit as u16 + 2, ..fetch.clone() }, test }])
        }
        Some(limit) if is_text_copy(fetch.copy) => Err(Unfit::new(format!(
            "the kernel sees {room} bytes of a text, and this one may have {limit}: `string({room})` lets it decide"
        ))),
        _other => Err(Unfit::new(format!("it is {} bytes without an end of its own", operand.size))),
    }
}
