// SPDX-License-Identifier: MIT OR Apache-2.0
//! A place in the tokens of an expression.

use std::ops::Range;

use super::error::{ExprError, error};
use super::token::{Tok, Token};

/// The text, its tokens, and how far the parser is.
pub(super) struct Cursor<'t> {
    pub(super) text: &'t str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'t> Cursor<'t> {
    /// At the first token. The last of them is the end.
    pub(super) fn new(text: &'t str, tokens: Vec<Token>) -> Self {
        Self { text, tokens, at: 0 }
    }

    /// The token here.
    pub(super) fn tok(&self) -> &Tok {
        self.ahead(0)
    }

    /// The token so many further on.
    pub(super) fn ahead(&self, count: usize) -> &Tok {
        self.tokens.get(self.at + count).map_or(&Tok::End, |token| &token.tok)
    }

    /// The bytes of the token here; empty at the end.
    pub(super) fn range(&self) -> Range<usize> {
        self.range_ahead(0)
    }

    /// The bytes of the token so many further on.
    pub(super) fn range_ahead(&self, count: usize) -> Range<usize> {
        let end = self.text.len()..self.text.len();
        self.tokens.get(self.at + count).map_or(end, |token| token.range.clone())
    }

    /// Where the token before this one ends.
    pub(super) fn end_before(&self) -> usize {
        self.at.checked_sub(1).and_then(|before| self.tokens.get(before)).map_or(0, |token| token.range.end)
    }

    /// The token before this one.
    pub(super) fn before(&self) -> &Tok {
        self.at.checked_sub(1).and_then(|before| self.tokens.get(before)).map_or(&Tok::End, |token| &token.tok)
    }

    /// The text of the token here.
    pub(super) fn found(&self) -> &'t str {
        &self.text[self.range()]
    }

    /// Goes on by one token.
    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    /// Goes on if the sign is here.
    pub(super) fn eat(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.at += usize::from(found);
        found
    }

    /// True if the sign is here.
    pub(super) fn is(&self, sign: &str) -> bool {
        matches!(self.tok(), Tok::Sign(found) if *found == sign)
    }

    /// True if the word is here.
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.tok(), Tok::Word(found) if found == word)
    }

    /// The word here and its place, if there is one.
    pub(super) fn word(&mut self) -> Option<(String, Range<usize>)> {
        let Tok::Word(word) = self.tok() else { return None };
        let found = (word.clone(), self.range());
        self.advance();
        Some(found)
    }

    /// Goes on behind the sign, or complains about what is here instead.
    pub(super) fn expect(&mut self, sign: &str, help: impl Into<String>) -> Result<(), ExprError> {
        if self.eat(sign) {
            return Ok(());
        }
        Err(self.bad().unwrap_or_else(|| error(self.range(), format!("`{sign}` is missing"), help)))
    }

    /// What is wrong with the token here itself.
    pub(super) fn bad(&self) -> Option<ExprError> {
        if let Tok::Bad(error) = self.tok() { Some(error.clone()) } else { None }
    }
}
