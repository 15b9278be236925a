//! One style sheet out of many: plain files in the order of their layers, comments left out.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Reads `style/` in layer order: tokens, base, components, pages.
pub(crate) fn concatenate(style_dir: &Path) -> Result<String> {
    let mut sheet = String::new();
    for path in files_in_order(style_dir)? {
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        sheet.push_str(&without_comments(&text));
        sheet.push('\n');
    }
    Ok(sheet)
}

fn files_in_order(style_dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = ["tokens.css", "base.css"]
        .iter()
        .map(|name| style_dir.join(name))
        .filter(|path| path.is_file())
        .collect();
    for folder in ["components", "pages"] {
        let folder = style_dir.join(folder);
        if !folder.is_dir() {
            continue;
        }
        let mut inside = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "css") {
                inside.push(path);
            }
        }
        // The order of a folder is not that of its reading: names decide, on every machine alike.
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}

/// Drops comments and leading blanks of lines; text in quotes is left as it is.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    let mut quote: Option<char> = None;
    while let Some(character) = rest.chars().next() {
        match quote {
            None if rest.starts_with("/*") => {
                rest = rest.split_once("*/").map_or("", |(_, after)| after);
                continue;
            }
            None if character == '"' || character == '\'' => quote = Some(character),
            Some(open) if character == open => quote = None,
            Some(_) if character == '\\' => {
                kept.push(character);
                rest = &rest[1..];
                let Some(escaped) = rest.chars().next() else { break };
                kept.push(escaped);
                rest = &rest[escaped.len_utf8()..];
                continue;
            }
            _ => {}
        }
        kept.push(character);
        rest = &rest[character.len_utf8()..];
    }
    let lines: Vec<&str> = kept
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::without_comments;

    #[test]
    fn comments_go_and_rules_stay() {
        assert_eq!(
            without_comments("/* a */\n  p { color: red; } /* b\n */ q {}\n"),
            "p { color: red; }  q {}"
        );
    }

    #[test]
    fn a_comment_mark_inside_quotes_is_text() {
        let rule = r#"p::before { content: "/* \" not */"; }"#;
        assert_eq!(without_comments(rule), rule);
    }

    #[test]
    fn an_unclosed_comment_ends_the_sheet() {
        assert_eq!(without_comments("p {}\n/* open"), "p {}");
    }
}
