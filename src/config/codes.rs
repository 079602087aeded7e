// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every code that a problem can carry. A code keeps its meaning for ever; a retired one is not used again.

/// One code and its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// `E0103`; warnings begin with `W`.
    pub code: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// More about it in Markdown, with a wrong and a right example: `explain/CODE.md`.
    pub explanation: &'static str,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $title:literal;)*) => {
        $(#[doc = $title] pub const $name: &str = $code;)*
        /// All codes, in order.
        pub const CODES: &[Code] = &[$(Code {
            code: $code,
            title: $title,
            explanation: include_str!(concat!("explain/", $code, ".md")),
        }),*];
    };
}

codes! {
    FILE_MISSING = "E0001", "no such file or directory";
    FILE_UNREADABLE = "E0002", "a file or directory cannot be read";
    NOT_A_FILE = "E0003", "a path is not a regular file";
    NOT_TEXT = "E0004", "a file is not UTF-8 text";
    NO_FILES = "E0005", "a directory has no probe files";
    UNTRUSTED = "E0006", "users other than root could change a probe file";

    SYNTAX = "E0101", "the file is not valid YAML";
    TAB = "E0102", "a tab is used for indentation";
    DUPLICATE_KEY = "E0103", "a key occurs twice in one mapping";
    TOO_LARGE = "E0104", "the file is too large or too deeply nested";
    EMPTY = "E0105", "the file has no content";
    SEVERAL_DOCUMENTS = "E0106", "the file has several YAML documents";
    ANCHOR = "E0107", "an alias or merge key is invalid";
    TAG = "E0108", "YAML tags are not supported";
    KEY_NOT_TEXT = "E0109", "a key is not a string";
    INTEGER_RANGE = "E0110", "an integer does not fit 64 bits";
    ENV_FORM = "E0111", "a reference to an environment variable is malformed";
    ENV_MISSING = "E0112", "an environment variable is not set";
    UNKNOWN_VAR = "E0113", "unknown variable";
    VAR_FORM = "E0114", "a reference to a variable is malformed";
    VAR_IN_VAR = "E0115", "the value of a variable refers to a variable";

    UNKNOWN_KEY = "E0201", "unknown key";
    MISSING_KEY = "E0202", "a required key is missing";
    WRONG_TYPE = "E0203", "a value has the wrong type";
    UNKNOWN_WORD = "E0204", "a value is not one of those allowed";
    WRONG_FORM = "E0205", "a string is malformed";
    OUT_OF_RANGE = "E0206", "a value is out of range";
    KEY_COUNT = "E0207", "a mapping has too few or too many keys";
    VERSION = "E0208", "this build does not understand the version of the language";

    DUPLICATE_PROBE = "E0301", "two probes have the same name";
    UNKNOWN_PROGRAM = "E0302", "unknown program";
    PROGRAM_HOOK = "E0303", "the program does not support this kind of hook";
    MISSING_HOOK = "E0304", "the probe has no hook";
    NEEDLESS_HOOK = "E0305", "the program has hooks of its own";
    UNKNOWN_PARAM = "E0306", "unknown parameter";
    PARAM_VALUE = "E0307", "the value does not fit the parameter";
    NEEDLESS_CAPTURE = "E0308", "the program does not use `capture`";
    FIELD_NAME = "E0309", "invalid or reserved name of a capture or label";
    FIELD_CLASH = "E0310", "two fields of an event have the same name";
    EXPRESSION = "E0311", "an expression is invalid";
    TOO_MANY_CAPTURES = "E0312", "too many captures";
    UNKNOWN_SINK = "E0313", "unknown sink";
    REPEATED_SINK = "E0314", "a probe lists the same sink twice";
    SINK_FORMATS = "E0315", "two sinks write one file differently";
    XDP_CLAIM = "E0316", "two XDP probes use the same interface";
    BAD_TARGET = "E0317", "the target of a hook cannot exist";
    DURATION = "E0318", "the interval is out of range";
    BUFFER = "E0319", "the size of the ring buffer is invalid";
    REPEATED_TARGET = "E0320", "a hook lists an interface or function twice";
    NEEDLESS_KEY = "E0321", "the program does not use this key";
    HOOK_CAPTURE = "E0322", "a capture is not available at this hook";
    UNKNOWN_SET = "E0323", "unknown set";
    SET_ENTRY = "E0324", "an entry of a set is invalid";
    TOO_MANY_CLAUSES = "E0325", "`where` has too many comparisons";
    NO_STACK = "E0329", "a sink is for stacks, and the probe has none";
    NEEDLESS_LIMITS = "E0330", "the program has no events to limit";

    KERNEL_REFUSED = "E0401", "the kernel refused the program";
    KERNEL_TARGET = "E0402", "the target of a hook does not exist or cannot be attached to";
    KERNEL_CAPTURE = "E0403", "a name does not exist on this kernel, or does not fit";
    SINK_FAILED = "E0404", "a sink cannot be opened";
    UNTRUSTED_BINARY = "E0405", "users other than root could change the hooked program or library";

    MOUNTED_FILE = "W0001", "a file is mounted by itself, so replacing it has no effect";
    NO_PROBES = "W0101", "the file has no probes";
    UNUSED_VAR = "W0102", "a variable is not used";
    UNUSED_SET = "W0103", "a set is not used";
    REPEATED_ENTRY = "W0104", "a set lists an entry twice";
    NOT_VERIFIED = "W0401", "whether this machine can run the probe is unknown";
    UNTRUSTED_BINARY_HERE = "W0402", "a daemon would refuse the hooked program or library";
    NOT_ALL_PROCESSES = "W0403", "the hook does not see all processes";
    UNWOUND_RETURN = "W0404", "an exception or panic that leaves the function would end its program";
    SET_FILE = "W0405", "the file of a set cannot be used";
    SET_LINE = "W0406", "a line of the file of a set is not an entry";
}
