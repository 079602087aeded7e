// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values of tables: which number is counted, and how what it comes to is shown.

use super::calculations::{Calculations, Number, is_lacking, nothing, refusal};
use super::keys::kind_of;
use crate::expr::check::{Checker, Type, Values};
use crate::expr::operand::Operand;
use crate::spec::{AggregateValue, ComputedType, Expr, ExprNode, FieldType, Formula, NameTable, Statistic, Wide};
use crate::words::{Refusal, in_quotes};

/// What a value is about, and how its result is shown.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) number: Option<Number>,
    pub(super) kind: FieldType,
    /// The numbers are nanoseconds.
    pub(super) of_durations: bool,
    /// Only other targets of the probe have it.
    pub(super) elsewhere: bool,
}

/// Resolves what a value is about.
pub(super) fn counted<V: Values>(
    value: &AggregateValue,
    names: &V,
    (operands, calculations): (&mut Vec<Operand>, &mut Calculations),
) -> Result<Counted, Refusal> {
    let Some(expr) = &value.of else {
        return Ok(Counted { number: None, kind: FieldType::Unsigned, of_durations: false, elsewhere: false });
    };
    let mut checker = Checker::new(names, std::mem::take(operands));
    let typed = checker.calculated(expr);
    *operands = checker.operands;
    let typed = typed?;
    if is_lacking(&typed.formula, operands) {
        let kind = if let Statistic::Histogram(buckets) = &value.statistic {
            FieldType::Histogram(buckets.clone().into())
        } else {
            FieldType::Unsigned
        };
        let number = Number { fetch: nothing(8), wide: Wide::NONE, signed: false };
        return Ok(Counted { number: Some(number), kind, of_durations: false, elsewhere: true });
    }
    let computed = countable(&value.statistic, expr, &typed.ty)?;
    measured(value.of_times, expr, computed == ComputedType::Duration)?;
    let number = calculations.number(&typed.formula, operands).map_err(|why| {
        let refusal = refusal(&why, format!("the kernel cannot count with `{expr}`: {}", why.0));
        let help = help_for(&typed.formula, operands);
        Refusal { help: refusal.help.or(Some(help.to_owned())), ..refusal }.at(expr.range.clone())
    })?;
    let of_durations = computed == ComputedType::Duration;
    let kind = match (&value.statistic, computed) {
        (Statistic::Min | Statistic::Max, computed) => kind_of(computed).unwrap_or(FieldType::Unsigned),
        (Statistic::Histogram(buckets), _) => FieldType::Histogram(buckets.clone().into()),
        (_, ComputedType::Duration) => FieldType::Duration,
        (_, _) if number.signed => FieldType::Signed,
        (_, _) => FieldType::Unsigned,
    };
    Ok(Counted { number: Some(number), kind, of_durations, elsewhere: false })
}

/// Whether the edges of a histogram are of what it is about.
fn measured(of_times: Option<bool>, expr: &Expr, is_time: bool) -> Result<(), Refusal> {
    let (message, help) = match of_times {
        Some(false) if is_time => (
            format!("`{expr}` is a time, and the edges of its histogram are not"),
            "write edges with a unit: `10us`, `1ms`".to_owned(),
        ),
        Some(true) if !is_time => (
            format!("`{expr}` is no time, and the edges of its histogram are"),
            format!("write edges without a unit; nanoseconds are a time as `{expr} as duration`"),
        ),
        _fits => return Ok(()),
    };
    Err(Refusal::new(message).help(help).at(expr.range.clone()))
}

/// What can be counted with instead.
fn help_for(formula: &Formula, operands: &[Operand]) -> &'static str {
    match formula {
        Formula::Operand(index) if operands.get(*index).is_some_and(|of| of.kind == FieldType::Timespec) => {
            "count with its members: `x->tv_sec`, `x->tv_nsec`, `x->tv_sec * 1000000000 + x->tv_nsec`"
        }
        Formula::Size(_) => "the length of a text is known in user space only: leave out `aggregate` to see it",
        _other => "count with an integer, or with what is calculated from integers",
    }
}

/// How the number is shown, where a statistic can be about it.
fn countable(statistic: &Statistic, expr: &Expr, ty: &Type) -> Result<ComputedType, Refusal> {
    let word = match statistic {
        Statistic::Count => "count",
        Statistic::Sum => "sum",
        Statistic::Min => "min",
        Statistic::Max => "max",
        Statistic::Average => "avg",
        Statistic::Histogram(_) => "histogram",
    };
    let is_order = matches!(statistic, Statistic::Min | Statistic::Max);
    let computed = ty.computed();
    let fits = match &computed {
        Some(ComputedType::Signed | ComputedType::Unsigned | ComputedType::Duration) => true,
        Some(ComputedType::Ktime | ComputedType::Hex) => is_order,
        Some(ComputedType::Bool | ComputedType::Named(_) | ComputedType::Enum(_)) | None => false,
    };
    match computed.filter(|_| fits) {
        Some(computed) => Ok(computed),
        None => Err(Refusal::new(format!("`{word}` needs a number, and `{expr}` is {}", what(ty)))
            .help(instead(expr, ty))
            .at(expr.range.clone())),
    }
}

/// What it is, in words.
fn what(ty: &Type) -> String {
    match ty {
        Type::Number(range) if range.hex => "an address or a mask".to_owned(),
        ty => ty.words(),
    }
}

/// What to write instead.
fn instead(expr: &Expr, ty: &Type) -> String {
    match ty {
        // What has a type gets no other one.
        Type::Number(_) if matches!(expr.node, ExprNode::Cast { .. }) => {
            format!("if its value counts, write `({expr}) as u64`")
        }
        Type::Number(_) => format!("if its value counts, write `{expr} as u64`"),
        Type::Bool => format!("write `count() if {expr}`"),
        Type::Named(NameTable::Errno, _) => format!("make it a key: `by: {{ error: {} }}`", in_braces(expr)),
        Type::Named(_, range) | Type::Enum(_, range) => match &expr.node {
            // What it is read from has the number.
            ExprNode::Cast { of, .. } => format!("make it a key; if its number counts, write `{of}`"),
            _other => match range.words() {
                word if word.contains(' ') => "make it a key: `by: […]`".to_owned(),
                word => format!("make it a key; if its number counts, write `{expr} as {word}`"),
            },
        },
        Type::Text(_) if matches!(expr.node, ExprNode::Text(_)) => "to count events write `count()`".to_owned(),
        Type::Text(_) => format!("make it a key, and count events: `by: {{ text: {} }}`, `count()`", in_braces(expr)),
        Type::Ktime => "subtract a time from it: that is a duration".to_owned(),
        Type::Duration | Type::Label(_) | Type::Grouped { .. } | Type::Address | Type::Whole(_) | Type::Null => {
            "make it a key: `by: […]`".to_owned()
        }
    }
}

/// As it is written between the brackets of YAML, where some characters need quotes.
fn in_braces(expr: &Expr) -> String {
    let text = expr.to_string();
    match text.contains([',', '[', ']', '{', '}', '"', '#']) {
        true => in_quotes(&text),
        false => text,
    }
}
