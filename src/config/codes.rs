// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every code that a problem can carry. A code keeps its meaning for ever; a retired one is not used again.

/// One code and what it stands for.
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
    FILE_MISSING = "E0001", "there is no such file or directory";
    FILE_UNREADABLE = "E0002", "a file or directory cannot be read";
    NOT_A_FILE = "E0003", "a path is not a regular file";
    NOT_TEXT = "E0004", "a file is not UTF-8 text";
    NO_FILES = "E0005", "a directory holds no configuration";
    UNTRUSTED = "E0006", "users other than root could change the configuration";

    SYNTAX = "E0101", "the file is not valid YAML";
    TAB = "E0102", "a tab is used for indentation";
    DUPLICATE_KEY = "E0103", "a key is given twice in one mapping";
    TOO_LARGE = "E0104", "the file is larger, deeper or fuller than anything a person writes";
    EMPTY = "E0105", "the file holds no configuration";
    SEVERAL_DOCUMENTS = "E0106", "the file holds several YAML documents";
    ANCHOR = "E0107", "an alias or merge key has nothing that it can stand for";
    TAG = "E0108", "YAML tags are not used";
    KEY_NOT_TEXT = "E0109", "a key is not text";
    INTEGER_RANGE = "E0110", "an integer does not fit 64 bits";
    ENV_FORM = "E0111", "a reference to the environment is not written as it must be";
    ENV_MISSING = "E0112", "an environment variable is not set";

    UNKNOWN_KEY = "E0201", "a key is not known here";
    MISSING_KEY = "E0202", "a required key is missing";
    WRONG_TYPE = "E0203", "a value has the wrong type";
    UNKNOWN_WORD = "E0204", "a value is not one of the words allowed here";
    WRONG_FORM = "E0205", "a text does not have the form that is needed here";
    OUT_OF_RANGE = "E0206", "a value is out of range";
    KEY_COUNT = "E0207", "a mapping that chooses one thing has none or several";
    VERSION = "E0208", "the version of the language is not one that this build understands";

    DUPLICATE_PROBE = "E0301", "two probes have one name";
    UNKNOWN_PROGRAM = "E0302", "no program has this name";
    PROGRAM_HOOK = "E0303", "the program cannot run at this hook";
    MISSING_HOOK = "E0304", "the probe does not say where it attaches";
    NEEDLESS_HOOK = "E0305", "the program brings its own hooks";
    UNKNOWN_PARAM = "E0306", "the program has no parameter of this name";
    PARAM_VALUE = "E0307", "a parameter does not take this value";
    NEEDLESS_CAPTURE = "E0308", "the program decides itself what it reports";
    FIELD_NAME = "E0309", "a capture or label cannot have this name";
    FIELD_CLASH = "E0310", "two fields of an event would have one name";
    EXPRESSION = "E0311", "a capture expression cannot be read";
    TOO_MANY_CAPTURES = "E0312", "a probe captures more than it can";
    UNKNOWN_SINK = "E0313", "no sink has this name";
    REPEATED_SINK = "E0314", "a probe names one sink twice";
    SINK_FORMATS = "E0315", "one file would be written or made in two ways";
    XDP_CLAIM = "E0316", "two XDP probes want one interface";
    BAD_TARGET = "E0317", "a hook names something that cannot exist";
    DURATION = "E0318", "an interval is too short or too long";
    BUFFER = "E0319", "a ring buffer cannot have this size";
    REPEATED_TARGET = "E0320", "a hook names one interface or function twice";
    NEEDLESS_KEY = "E0321", "the program has no use for a key";
    HOOK_CAPTURE = "E0322", "a capture names what its hook does not have";
    NEEDLESS_LIMITS = "E0330", "the program emits no events that could be limited";

    KERNEL_REFUSED = "E0401", "the kernel does not run the program";
    KERNEL_TARGET = "E0402", "this machine does not have what a hook names, or does not let us attach to it";
    KERNEL_CAPTURE = "E0403", "this kernel does not have what a capture names";
    SINK_FAILED = "E0404", "a sink cannot be opened";
    UNTRUSTED_BINARY = "E0405", "others than root could change the program or library that a hook is in";

    MOUNTED_FILE = "W0001", "a file is a mount of its own: what replaces its source does not arrive";
    NO_PROBES = "W0101", "the file asks for nothing";
    NOT_VERIFIED = "W0401", "it could not be found out whether this machine runs the probe";
    UNTRUSTED_BINARY_HERE = "W0402", "a daemon would refuse the program or library that a hook is in: others could change it";
    NOT_ALL_PROCESSES = "W0403", "the hook does not see all processes that this machine can run";
    UNWOUND_RETURN = "W0404", "an exception or panic that leaves the function would end its program";
}
