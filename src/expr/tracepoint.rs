// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fields of a tracepoint, as `events/CATEGORY/NAME/format` in tracefs gives them.
//!
//! ```text
//! field:__data_loc char[] filename;  offset:8;  size:4;  signed:0;
//! field:unsigned long args[6];  offset:16;  size:48;  signed:0;
//! ```

use super::symbols::printed;

/// One field of a tracepoint's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceField {
    /// Its name.
    pub name: String,
    /// Its C type without array brackets: `const char *`.
    pub c_type: String,
    /// Offset in the record, in bytes.
    pub offset: u32,
    /// Bytes that it occupies there.
    pub size: u32,
    /// Whether it can be negative, as the kernel says.
    pub signed: bool,
    /// How the value is found.
    pub shape: TraceShape,
    /// What the tracer prints for certain values, where it prints names: each as C writes it, and its name.
    pub printed: Vec<(String, String)>,
}

/// How the value of a field is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceShape {
    /// It is in the record.
    Scalar,
    /// So many elements are in the record.
    Array(u32),
    /// A dynamic array: the record holds its location, counted from the beginning of the record.
    DataLoc,
    /// A dynamic array: its location is counted from the end of the field (Linux 5.16).
    RelLoc,
}

/// The fields of a format file, without those that all tracepoints share (`common_…`).
pub fn parse_format(text: &str) -> Vec<TraceField> {
    let (declarations, format) = text.split_once("print fmt:").unwrap_or((text, ""));
    let fields = declarations.lines().filter_map(field).filter(|field| !field.name.starts_with("common_"));
    fields.map(|field| TraceField { printed: printed(format, &field.name), ..field }).collect()
}

fn field(line: &str) -> Option<TraceField> {
    let mut parts = line.trim().strip_prefix("field:")?.split(';');
    let declaration = parts.next()?.trim();
    let mut number = |key: &str| parts.next()?.trim().strip_prefix(key)?.parse::<u32>().ok();
    let (offset, size, signed) = (number("offset:")?, number("size:")?, number("signed:").unwrap_or(0));
    let (declaration, location) = match declaration.split_once(' ') {
        Some(("__data_loc", rest)) => (rest, Some(TraceShape::DataLoc)),
        Some(("__rel_loc", rest)) => (rest, Some(TraceShape::RelLoc)),
        _ => (declaration, None),
    };
    // The brackets of a dynamic array follow its type (`char[] name`), those of a fixed one its name (`char name[16]`).
    let (declaration, count) = match declaration.split_once('[') {
        Some((before, rest)) => {
            let (count, after) = rest.split_once(']')?;
            (format!("{before}{after}"), Some(count))
        }
        None => (declaration.to_owned(), None),
    };
    let at = declaration.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let (c_type, name) = declaration.split_at(at + 1);
    let c_type = c_type.trim().to_owned();
    let shape = match (location, count) {
        (Some(shape), _) => shape,
        // The kernel writes some lengths as the name of a constant: the size tells then.
        (None, Some(count)) => {
            TraceShape::Array(count.trim().parse().unwrap_or(size / c_size(&c_type).unwrap_or(1).max(1)))
        }
        (None, None) => TraceShape::Scalar,
    };
    Some(TraceField { name: name.to_owned(), c_type, offset, size, signed: signed != 0, shape, printed: Vec::new() })
}

/// Bytes of a C integer type of the kernel on 64-bit machines; `None` for other types.
pub(super) fn c_size(c_type: &str) -> Option<u32> {
    integer_type(c_type).map(|(size, _)| size)
}

/// Size and signedness of a C integer type of the kernel on 64-bit machines.
///
/// Tracepoints of system calls hold every argument in eight bytes and call all of them unsigned; the declared type says
/// what the value is (`int dfd` is -100 in the low four bytes).
pub(super) fn integer_type(c_type: &str) -> Option<(u32, bool)> {
    let words: Vec<&str> = c_type.split_whitespace().filter(|word| !matches!(*word, "const" | "volatile")).collect();
    Some(match words.join(" ").as_str() {
        "char" | "signed char" | "s8" | "__s8" | "int8_t" => (1, true),
        "unsigned char" | "u8" | "__u8" | "uint8_t" | "bool" | "_Bool" => (1, false),
        "short" | "short int" | "s16" | "__s16" | "int16_t" => (2, true),
        "unsigned short" | "short unsigned int" | "u16" | "__u16" | "uint16_t" | "umode_t" | "__be16" => (2, false),
        "int" | "s32" | "__s32" | "int32_t" | "pid_t" | "key_serial_t" | "timer_t" | "clockid_t" | "mqd_t" => (4, true),
        "unsigned" | "unsigned int" | "u32" | "__u32" | "uint32_t" | "uid_t" | "gid_t" | "dev_t" | "gfp_t"
        | "qid_t" | "__be32" => (4, false),
        "long" | "long int" | "long long" | "long long int" | "s64" | "__s64" | "int64_t" | "loff_t" | "off_t"
        | "ssize_t" => (8, true),
        "unsigned long"
        | "long unsigned int"
        | "unsigned long long"
        | "long long unsigned int"
        | "u64"
        | "__u64"
        | "uint64_t"
        | "size_t"
        | "sector_t"
        | "aio_context_t"
        | "ino_t"
        | "__be64" => (8, false),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The forms of a declaration that the kernel writes are all understood.
    #[test]
    fn declarations() {
        let text = "format:\n\
            \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
            \tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n\
            \tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;\n\
            \tfield:char comm[16];\toffset:32;\tsize:16;\tsigned:0;\n\
            \tfield:char prev_comm[TASK_COMM_LEN];\toffset:48;\tsize:16;\tsigned:0;\n\
            \tfield:__data_loc char[] name;\toffset:64;\tsize:4;\tsigned:0;\n\
            \tfield:unsigned long args[6];\toffset:72;\tsize:48;\tsigned:0;\n";
        let fields = parse_format(text);
        let brief: Vec<_> = fields.iter().map(|f| (f.name.as_str(), f.c_type.as_str(), f.offset, f.shape)).collect();
        let expected = [
            ("__syscall_nr", "int", 8, TraceShape::Scalar),
            ("filename", "const char *", 24, TraceShape::Scalar),
            ("comm", "char", 32, TraceShape::Array(16)),
            ("prev_comm", "char", 48, TraceShape::Array(16)),
            ("name", "char", 64, TraceShape::DataLoc),
            ("args", "unsigned long", 72, TraceShape::Array(6)),
        ];
        assert_eq!(brief, expected);
    }
}
