// SPDX-License-Identifier: MIT OR Apache-2.0
//! The guesses, in the order in which they are asked: the first that has an answer gives it.

use super::key::UnknownKey;
use super::syntax::Stumble;
use super::value::Misfit;
use super::{foreign, form, key, limits, look, mapping, syntax, value};
use crate::config::pattern::Pattern;
use crate::config::problem::Problem;

/// One guess.
pub(super) struct Guess {
    about: About,
    /// The stem of the file in `tests/config/bad` whose messages are others without it, and its text.
    #[cfg(test)]
    pub(super) shown_by: (&'static str, &'static str),
}

/// What a guess is about, and how it is asked.
enum About {
    /// A place where the parser stopped: the problem in a person's words.
    Syntax(fn(&Stumble<'_>) -> Option<Problem>),
    /// A key that its mapping does not have: what to write.
    Key(fn(&UnknownKey<'_>) -> Option<String>),
    /// A word that a key does not know, after the key: the word that it knows.
    Word(fn(&str, &str) -> Option<&'static str>),
    /// A value of the wrong type: what to write.
    Value(fn(&Misfit<'_>) -> Option<String>),
    /// A text that is not of its form: what to write.
    Form(fn(&Pattern, &str) -> Option<String>),
    /// The text that a message is about, whatever the message says: a note on how it looks.
    Look(fn(&str) -> Option<String>),
}

use About::{Form, Key, Look, Syntax, Value, Word};

macro_rules! at {
    ($stem:literal, $about:expr) => {
        Guess {
            about: $about,
            #[cfg(test)]
            shown_by: ($stem, include_str!(concat!("../../../tests/config/bad/", $stem, ".yaml"))),
        }
    };
}

/// Every guess.
pub(super) static GUESSES: &[Guess] = &[
    at!("merge_conflict", Syntax(foreign::conflict)),
    at!("template_helm", Syntax(foreign::template)),
    at!("comment_of_c", Syntax(foreign::comment)),
    at!("space_no_break", Syntax(foreign::space)),
    at!("yaml_tab", Syntax(syntax::tab)),
    at!("env_in_braces", Syntax(syntax::reference_in_brackets)),
    at!("flow_bracket", Syntax(syntax::bracket_in_text)),
    at!("expression_tag", Syntax(syntax::tag_first)),
    at!("yaml_nul", Syntax(syntax::nul)),
    at!("yaml_escape_of_json", Syntax(syntax::half_a_character)),
    at!("json_without_comma", Syntax(syntax::missing_comma)),
    at!("yaml_bracket_not_closed", Syntax(syntax::bracket_not_closed)),
    at!("yaml_no_space_after_dash", Syntax(syntax::dash_without_space)),
    at!("yaml_indentation", Syntax(syntax::indented_too_far)),
    at!("yaml_star_alone", Syntax(syntax::nameless_anchor)),
    at!("yaml_at_sign", Syntax(syntax::sign_first)),
    at!("yaml_no_space_after_colon", Syntax(syntax::colon_without_space)),
    at!("yaml_single_quote_not_closed", Syntax(syntax::quote_not_closed)),
    at!("yaml_on", Key(key::boolean_elsewhere)),
    at!("sink_format_inside", Key(key::format_of_the_sink)),
    at!("key_kubernetes", Key(key::done_otherwise)),
    at!("yaml_no_space_before_brace", Key(key::without_space)),
    at!("key_probe", Key(key::hook_as_text)),
    at!("comma_between_brackets", Key(key::several_values)),
    at!("unknown_key_other_tool", Key(key::of_another_tool)),
    at!("key_belongs_to_the_probe", Key(key::further_out)),
    at!("key_beside_the_hook", Key(key::of_the_hook_beside)),
    at!("key_belongs_into_the_hook", Key(key::further_in)),
    at!("unknown_key", Key(key::misspelt)),
    at!("mode_of_ip_link", Word(key::word_of_another_tool)),
    at!("version_quoted", Value(value::version)),
    at!("not_a_mapping", Value(value::whole_file)),
    at!("forgotten_forms", Value(value::empty_entry)),
    at!("sink_without_braces", Value(value::empty_braces)),
    at!("value_missing", Value(value::missing)),
    at!("enabled_yes", Value(value::yes_and_no)),
    at!("enabled_quoted", Value(value::quoted_boolean)),
    at!("env_number_for_text", Value(value::text_of_environment)),
    at!("env_is_never_structure", Value(value::structure_of_environment)),
    at!("env_quoted_number", Value(value::number_of_environment)),
    at!("hook_as_text", Value(mapping::hook_as_text)),
    at!("sink_typed_in_probe", Value(mapping::sink_in_a_probe)),
    at!("types_that_say_what_is_meant", Value(value::quoted_integer)),
    at!("hook_list", Value(mapping::several_hooks)),
    at!("capture_list", Value(mapping::list_of_entries)),
    at!("labels_as_list", Value(mapping::list_of_pairs)),
    at!("entry_without_space", Value(mapping::without_space)),
    at!("sinks_as_text", Value(value::one_for_a_list)),
    at!("probes_as_mapping", Value(mapping::mapping_for_a_list)),
    at!("xdp_as_text", Value(mapping::only_its_key)),
    at!("xdp_as_list", Value(mapping::only_its_list)),
    at!("sink_modes", Value(value::mode)),
    at!("limits_sample", Value(value::sample)),
    at!("interval_number", Value(value::unit)),
    at!("capture_number", Value(value::expression)),
    at!("name_number", Value(value::quotes)),
    at!("name_shell_variable", Form(form::variable_of_a_shell)),
    at!("name_with_spaces", Form(form::name)),
    at!("sink_modes", Form(form::mode)),
    at!("buffer_unit", Form(form::size)),
    at!("limits_rate", Form(limits::rate)),
    at!("limits_sample", Form(limits::sample)),
    at!("interval_forms", Form(form::duration_of_nothing)),
    at!("interval_forms", Form(form::duration_without_unit)),
    at!("interval_two_units", Form(form::several_units)),
    at!("interval_forms", Form(form::fraction)),
    at!("interval_forms", Form(form::word_for_a_unit)),
    at!("quotes_curly", Look(look::curly_quote)),
    at!("space_not_seen", Look(look::unseen)),
    at!("comma_at_the_end", Look(look::comma)),
];

/// The problem at a place where the parser stopped.
pub(in crate::config) fn for_syntax(stumble: &Stumble<'_>) -> Option<Problem> {
    guesses().find_map(|about| if let Syntax(guess) = about { guess(stumble) } else { None })
}

/// What to write instead of a key that its mapping does not have.
pub(in crate::config) fn for_key(key: &UnknownKey<'_>) -> Option<String> {
    guesses().find_map(|about| if let Key(guess) = about { guess(key) } else { None })
}

/// What `key` calls what somebody called `word`.
pub(in crate::config) fn for_word(key: &str, word: &str) -> Option<&'static str> {
    guesses().find_map(|about| if let Word(guess) = about { guess(key, word) } else { None })
}

/// What to write instead of a value of the wrong type.
pub(in crate::config) fn for_value(misfit: &Misfit<'_>) -> Option<String> {
    guesses().find_map(|about| if let Value(guess) = about { guess(misfit) } else { None })
}

/// What to write instead of a text that is not of its form.
pub(in crate::config) fn for_form(form: &Pattern, text: &str) -> Option<String> {
    guesses().find_map(|about| if let Form(guess) = about { guess(form, text) } else { None })
}

/// What to know about how a text looks.
pub(in crate::config) fn notes(text: &str) -> impl Iterator<Item = String> {
    guesses().filter_map(move |about| if let Look(guess) = about { guess(text) } else { None })
}

fn guesses() -> impl Iterator<Item = &'static About> {
    GUESSES.iter().filter(|guess| !is_left_out(guess)).map(|guess| &guess.about)
}

#[cfg(not(test))]
fn is_left_out(_: &Guess) -> bool {
    false
}

#[cfg(test)]
thread_local! {
    /// The one that a test leaves out.
    pub(super) static LEFT_OUT: std::cell::Cell<Option<&'static Guess>> = const { std::cell::Cell::new(None) };
}

#[cfg(test)]
fn is_left_out(guess: &Guess) -> bool {
    LEFT_OUT.get().is_some_and(|left_out| std::ptr::eq(left_out, guess))
}
