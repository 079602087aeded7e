// SPDX-License-Identifier: MIT OR Apache-2.0
//! A value of `aggregate`, before its names are known: `count() if retval < 0`.

use std::ops::Range;

use super::error::{ExprError, error};
use super::lex::lex;
use super::parse::parse_with;
use super::token::{Tok, Token};
use crate::spec::{Buckets, Expr, Statistic};
use crate::words;

/// What can be done with the values of events, how it is written, and what it gives.
pub const STATISTICS: &[(&str, &str, &str)] = &[
    ("count", "count()", "How many events there were."),
    ("sum", "sum(bytes)", "The sum of a number, in 64 bits: beyond them it wraps. 0 without any."),
    ("min", "min(duration)", "The least number; null without any."),
    ("max", "max(duration)", "The greatest number; null without any."),
    ("avg", "avg(duration)", "The mean, without its fraction; null without any."),
    (
        "histogram",
        "histogram(duration)",
        "How many numbers fell between which powers of two. `{ histogram: x, linear: [FROM, TO, STEP] }` and \
         `{ histogram: x, buckets: [1ms, 10ms] }` have other edges.",
    ),
];

/// A value, before its names are known.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueForm {
    /// What is done; a histogram with powers of two.
    pub statistic: Statistic,
    /// What it is about; `None` for a count.
    pub of: Option<Expr>,
    /// What must hold.
    pub condition: Option<Expr>,
}

/// Reads a value: a statistic, what it is about in parentheses, and perhaps a condition after `if`. `opaque` is as for
/// [`super::parse_with`].
pub fn parse_value(text: &str, opaque: &[Range<usize>]) -> Result<ValueForm, ExprError> {
    let tokens = lex(text, opaque);
    let (word, at) = match tokens.first() {
        Some(Token { tok: Tok::Word(word), range }) => (word.as_str(), range.clone()),
        Some(Token { range, .. }) => return Err(no_statistic(range.clone())),
        None => return Err(no_statistic(0..0)),
    };
    let statistic = statistic(word).ok_or_else(|| unknown(word, at.clone()))?;
    let behind = at.end..at.end;
    let open = tokens.get(1).filter(|token| token.tok == Tok::Sign("("));
    let open = open.ok_or_else(|| {
        let help = format!("write `{}`", example(word));
        error(behind, format!("`(` is missing after `{word}`"), help)
    })?;
    let close = closing(&tokens).ok_or_else(|| error(open.range.clone(), "this `(` is not closed", "add `)`"))?;
    let inside = open.range.end..tokens[close].range.start;
    let of = argument(text, opaque, (word, &statistic), inside)?;
    let condition = match tokens.get(close + 1) {
        None | Some(Token { tok: Tok::End, .. }) => None,
        Some(Token { tok: Tok::Word(word), range }) if word == "if" => Some(part(text, opaque, range.end..text.len())?),
        Some(Token { range, tok }) => {
            let (whole, form) = (&text[..tokens[close].range.end], &text[range.end..]);
            let help = match tok {
                Tok::Word(_) if form.trim().is_empty() => format!("a condition follows `if`: `{whole} if CONDITION`"),
                Tok::Word(_) => format!("a condition follows `if`: `{whole} if{form}`"),
                _sign if statistic == Statistic::Count => {
                    "a count cannot be calculated with; a condition follows `if`: `count() if retval < 0`".to_owned()
                }
                _sign => format!("calculate inside of the parentheses: `{word}(a * 2)`; a condition follows `if`"),
            };
            return Err(error(range.clone(), format!("only `if` can follow `{word}(…)`"), help));
        }
    };
    Ok(ValueForm { statistic, of, condition })
}

fn statistic(word: &str) -> Option<Statistic> {
    Some(match word {
        "count" => Statistic::Count,
        "sum" => Statistic::Sum,
        "min" => Statistic::Min,
        "max" => Statistic::Max,
        "avg" => Statistic::Average,
        "histogram" => Statistic::Histogram(Buckets::PowersOfTwo),
        _other => return None,
    })
}

fn example(word: &str) -> &'static str {
    STATISTICS.iter().find(|(known, ..)| *known == word).map_or("count()", |(_, form, _)| form)
}

fn no_statistic(range: Range<usize>) -> ExprError {
    let forms = words::list(STATISTICS.iter().map(|(_, form, _)| *form), 8);
    error(range, "a value of `aggregate` begins with a statistic", format!("there are {forms}"))
}

/// What other tools call a statistic.
const FOREIGN: &[(&str, &str)] =
    &[("hist", "histogram"), ("lhist", "histogram"), ("quantize", "histogram"), ("mean", "avg"), ("average", "avg")];

fn unknown(word: &str, at: Range<usize>) -> ExprError {
    let known = STATISTICS.iter().map(|(known, ..)| *known);
    let foreign = FOREIGN.iter().find(|(other, _)| *other == word).map(|(_, ours)| *ours);
    if word == "lhist" {
        let help = "write `NAME: { histogram: value, linear: [0, 100, 10] }`: from, to and the width of a bucket";
        return error(at, format!("there is no statistic `{word}`"), help.to_owned());
    }
    let help = match foreign.or_else(|| words::nearest(word, known.clone())) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("there are {}", words::list(known, 8)),
    };
    error(at, format!("there is no statistic `{word}`"), help)
}

/// The token that closes the parenthesis which token 1 opens.
fn closing(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0usize;
    tokens.iter().enumerate().skip(1).find_map(|(index, token)| {
        match &token.tok {
            Tok::Sign("(" | "[") => depth += 1,
            Tok::Sign(")" | "]") => depth = depth.saturating_sub(1),
            _other => {}
        }
        (depth == 0).then_some(index)
    })
}

/// What a statistic is about; a count is about nothing.
fn argument(
    text: &str,
    opaque: &[Range<usize>],
    (word, statistic): (&str, &Statistic),
    inside: Range<usize>,
) -> Result<Option<Expr>, ExprError> {
    let is_empty = text[inside.clone()].trim().is_empty();
    match (statistic, is_empty) {
        (Statistic::Count, true) => Ok(None),
        (Statistic::Count, false) => {
            let help = "to count only some events, write `count() if CONDITION`";
            Err(error(inside, "`count()` counts events, and takes no value", help))
        }
        (_, true) => {
            let end = inside.end;
            Err(error(inside.start..end + 1, format!("`{word}` needs a value"), format!("write `{}`", example(word))))
        }
        (_, false) => part(text, opaque, inside).map(Some),
    }
}

/// The expression that some bytes of a text are; its places are those in the whole text.
fn part(text: &str, opaque: &[Range<usize>], range: Range<usize>) -> Result<Expr, ExprError> {
    let blank = |range: Range<usize>| " ".repeat(range.len());
    let alone = blank(0..range.start) + &text[range.clone()] + &blank(range.end..text.len());
    let opaque: Vec<Range<usize>> =
        opaque.iter().filter(|part| range.start <= part.start && part.end <= range.end).cloned().collect();
    parse_with(&alone, &opaque)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statistics, what they are about, and their conditions.
    #[test]
    fn values() {
        let value = parse_value("count() if retval < 0", &[]).unwrap();
        assert_eq!((value.statistic, value.of), (Statistic::Count, None));
        assert_eq!(value.condition.map(|expr| expr.to_string()).as_deref(), Some("retval < 0"));
        let value = parse_value("histogram((a + b) / size)", &[]).unwrap();
        assert_eq!(value.of.map(|expr| (expr.to_string(), expr.range)), Some(("(a + b) / size".to_owned(), 10..24)));
        assert_eq!(value.condition, None);
    }

    /// Each mistake is said where it is.
    #[test]
    fn mistakes() {
        for (text, at, message) in [
            ("retval", "retval", "there is no statistic `retval`"),
            ("hist(x)", "hist", "there is no statistic `hist`"),
            ("count", "", "`(` is missing after `count`"),
            ("sum()", ")", "`sum` needs a value"),
            ("count(x)", "x", "`count()` counts events, and takes no value"),
            ("sum(x", "(", "this `(` is not closed"),
            ("sum(x) / 2", "/", "only `if` can follow `sum(…)`"),
            ("sum(x) if", "", "the expression is empty"),
            ("1", "1", "a value of `aggregate` begins with a statistic"),
            ("", "", "a value of `aggregate` begins with a statistic"),
        ] {
            let error = parse_value(text, &[]).unwrap_err();
            assert_eq!((&text[error.range.clone()], error.message.as_str()), (at, message), "{text}");
        }
    }
}
