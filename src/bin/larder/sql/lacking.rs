//! Functions of SQLite that larder lacks: a call of one is unsupported, and not an error of the statement.

use larder::sqlite3::{Error, ErrorKind};

/// Their names, as of SQLite 3.40.
const NAMES: &str = "\
    acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh cume_dist degrees dense_rank exp first_value floor \
    json json_array json_array_length json_extract json_group_array json_group_object json_insert json_object \
    json_patch json_quote json_remove json_replace json_set json_type json_valid lag last_value lead ln \
    load_extension log log10 log2 mod nth_value ntile percent_rank pi pow power radians randomblob rank row_number \
    sin sinh soundex sqlite_compileoption_get sqlite_compileoption_used sqlite_offset sqlite_source_id \
    sqlite_version sqrt subtype tan tanh trunc";

/// The kind of an error of this statement: unsupported, where it calls a function of SQLite that is not there.
pub(super) fn kind(sql: &str, error: Error) -> ErrorKind {
    let text = sql.get(error.offset()..).unwrap_or("");
    let name = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or("");
    if error.is(ErrorKind::NoSuchFunction) && NAMES.split(' ').any(|known| known.eq_ignore_ascii_case(name)) {
        return ErrorKind::Unsupported;
    }
    error.kind()
}
