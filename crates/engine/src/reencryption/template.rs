//! The callers' context, made again from a record: `orders/{id}` with the column `id` of its row.

use serde::{Deserialize, Serialize};

/// A text with names in braces. `{{` and `}}` stand for braces. Empty: callers give no context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContextTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The position among the names.
    Name(usize, String),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A brace without its other half.
    #[error("a brace is not closed: names stand in braces, and a brace itself is written twice")]
    Brace,
    /// `{}`
    #[error("a name between braces is empty")]
    Empty,
}

impl ContextTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// With the rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let mut parts = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut literal = String::new();
        let mut rest = text.chars().peekable();
        while let Some(character) = rest.next() {
            match character {
                '{' | '}' if rest.peek() == Some(&character) => {
                    rest.next();
                    literal.push(character);
                }
                '{' => {
                    let mut name = String::new();
                    loop {
                        match rest.next() {
                            Some('}') => break,
                            Some('{') | None => return Err(InvalidTemplate::Brace),
                            Some(other) => name.push(other),
                        }
                    }
                    if name.is_empty() {
                        return Err(InvalidTemplate::Empty);
                    }
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    let position = names.iter().position(|known| *known == name);
                    let position = position.unwrap_or_else(|| {
                        names.push(name.clone());
                        names.len() - 1
                    });
                    parts.push(Part::Name(position, name));
                }
                '}' => return Err(InvalidTemplate::Brace),
                other => literal.push(other),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names in it, each once, in the order of their first use: what a record's `fields` hold.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for part in &self.parts {
            if let Part::Name(position, name) = part
                && *position == names.len()
            {
                names.push(name.clone());
            }
        }
        names
    }

    /// The context of a record. A field that is missing counts as empty.
    pub fn fill(&self, fields: &[String]) -> Vec<u8> {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Name(position, _) => filled.push_str(fields.get(*position).map_or("", String::as_str)),
            }
        }
        filled.into_bytes()
    }

    /// The fields that fill it in to this context, in the order of [`ContextTemplate::names`]. Where several do, those
    /// whose first ones are shortest; None where none does.
    pub fn read(&self, context: &[u8]) -> Option<Vec<String>> {
        let context = std::str::from_utf8(context).ok()?;
        let mut fields: Vec<&str> = Vec::new();
        let mut rest = context;
        for (number, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => rest = rest.strip_prefix(text.as_str())?,
                Part::Name(position, _) => {
                    let field = match fields.get(*position) {
                        Some(known) => *known,
                        None => {
                            let end = match self.parts.get(number + 1) {
                                Some(Part::Text(text)) => rest.find(text.as_str())?,
                                Some(Part::Name(..)) => return None,
                                None => rest.len(),
                            };
                            fields.push(&rest[..end]);
                            &rest[..end]
                        }
                    };
                    rest = rest.strip_prefix(field)?;
                }
            }
        }
        rest.is_empty()
            .then(|| fields.into_iter().map(str::to_owned).collect())
    }
}

impl TryFrom<String> for ContextTemplate {
    type Error = InvalidTemplate;

    fn try_from(text: String) -> Result<Self, InvalidTemplate> {
        Self::parse(&text)
    }
}

impl From<ContextTemplate> for String {
    fn from(template: ContextTemplate) -> Self {
        template.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_read_back() {
        let read = |template: &str, context: &str| {
            ContextTemplate::parse(template)
                .unwrap()
                .read(context.as_bytes())
                .map(|fields| fields.join("|"))
        };
        assert_eq!(read("orders/{id}", "orders/7").as_deref(), Some("7"));
        assert_eq!(read("{tenant}/{id}/{tenant}", "a/7/a").as_deref(), Some("a|7"));
        assert_eq!(read("fixed", "fixed").as_deref(), Some(""));
        for (template, context) in [
            ("orders/{id}", "users/7"),
            ("{tenant}/{id}/{tenant}", "a/7/b"),
            ("{id}!", "7"),
            ("fixed", "fixed and more"),
            // Where one ends and the other begins nobody can tell.
            ("{tenant}{id}", "a7"),
        ] {
            assert_eq!(read(template, context), None, "{template} {context}");
        }
        assert_eq!(ContextTemplate::parse("{id}").unwrap().read(&[0xff]), None);
    }

    #[test]
    fn a_record_fills_it_in() {
        let template = ContextTemplate::parse("orders/{tenant}/{id}{{x}}{tenant}").unwrap();
        assert_eq!(template.names(), ["tenant", "id"]);
        let filled = template.fill(&["acme".to_owned(), "7".to_owned()]);
        assert_eq!(filled, b"orders/acme/7{x}acme");
        assert_eq!(ContextTemplate::parse("").unwrap().fill(&[]), b"");
        assert_eq!(ContextTemplate::parse("a{b"), Err(InvalidTemplate::Brace));
        assert_eq!(ContextTemplate::parse("a}b"), Err(InvalidTemplate::Brace));
        assert_eq!(ContextTemplate::parse("{}"), Err(InvalidTemplate::Empty));
        let text: String = template.clone().into();
        assert_eq!(ContextTemplate::try_from(text), Ok(template));
    }
}
