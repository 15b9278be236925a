//! Quoting for statements that take no parameters (`alter role` and its kin).

/// An identifier. Names with NUL never get here: the configuration refuses them.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text literal, safe whatever `standard_conforming_strings` says.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') {
        format!(" E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// Splits the value of a list setting such as `search_path` the way the server does: commas, with quoted names.
pub(super) fn split_list(value: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut item = String::new();
    let mut quoted = false;
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                item.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => items.push(std::mem::take(&mut item)),
            character if !quoted && character.is_ascii_whitespace() => {}
            character => item.push(character),
        }
    }
    items.push(item);
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_be_left() {
        assert_eq!(identifier("a\"; drop role b; --"), "\"a\"\"; drop role b; --\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("\\'"), " E'\\\\'''");
    }

    #[test]
    fn lists_split_like_the_server_does() {
        assert_eq!(split_list("\"$user\", public"), ["$user", "public"]);
        assert_eq!(split_list("\"a, \"\"b\""), ["a, \"b"]);
        assert_eq!(split_list("\"\""), [""]);
    }
}
