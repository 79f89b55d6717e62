//! What mends a target that libpq cannot read, by libpq's own words for what it stumbles over.

/// What libpq says, and what mends it; the first that is said counts.
const HINTS: [(&[&str], &str); 7] = [
    (
        &["unterminated quoted string"],
        "end the value with ', and write \\' for a ' inside it",
    ),
    (
        &["missing \"=\""],
        "a target with a space or = in it is a list of key=value; a value with spaces stands \
         between '",
    ),
    (
        &["unexpected spaces"],
        "in a URI a space is %20, and @ : / in a user name or password are %40 %3A %2F",
    ),
    (
        &["percent-encoded", "forbidden value %00"],
        "in a URI % begins two hexadecimal digits; % itself is %25",
    ),
    (
        &["IPv6 host address", "\"]\""],
        "in a URI an IPv6 address stands in brackets, [2001:db8::1]:5432",
    ),
    (
        &["service file", "definition of service"],
        "the service file is PGSERVICEFILE or ~/.pg_service.conf; in it a line is [name], \
         key=value, or begins with #",
    ),
    (
        &["invalid connection option", "invalid URI query parameter"],
        "the keywords are those of libpq (\"Parameter Key Words\" in its documentation), in \
         lower case",
    ),
];

/// What to do about a target of which libpq says this.
pub(crate) fn hint(target: &str, message: &str) -> &'static str {
    if target.trim_start().starts_with("jdbc:") {
        return "leave out \"jdbc:\"; the rest is a URI as libpq reads it, but for pgjdbc's own \
                parameters";
    }
    let said = |(words, _): &&(&[&str], &str)| words.iter().any(|words| message.contains(words));
    HINTS.iter().find(said).map_or(
        "correct what the message names; \"pgprobe --help\" shows the forms of a target",
        |(_, hint)| hint,
    )
}
