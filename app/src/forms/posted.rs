//! A body of `application/x-www-form-urlencoded`, read into a form.

use std::fmt;

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// Names and values as they were posted. Values may be secret, so it prints names only.
pub struct Posted(Vec<(String, Vec<String>)>);

impl Posted {
    /// Takes a body apart. Every body is one; what a form does not know is left out when it is read.
    pub fn parse(body: &[u8]) -> Self {
        let mut fields: Vec<(String, Vec<String>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            // Browsers end lines with CR LF, whatever was typed.
            let value = if value.contains('\r') {
                value.replace("\r\n", "\n")
            } else {
                value.into_owned()
            };
            match fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => fields.push((name.into_owned(), vec![value])),
            }
        }
        Self(fields)
    }

    /// The last value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, values) = self.0.iter().find(|(known, _)| known == name)?;
        values.last().map(String::as_str)
    }

    /// Which of a page's forms this is.
    pub fn action(&self) -> &str {
        self.get("action").unwrap_or_default()
    }

    /// Reads it as a form. Values are moved, not copied, so that secrets end up in their own types alone.
    ///
    /// # Errors
    /// Never for the forms of this crate, whose fields are all texts with defaults.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        let fields = self.0.into_iter().map(|(name, values)| (name, Given(values)));
        T::deserialize(MapDeserializer::new(fields))
    }
}

impl fmt::Debug for Posted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_set()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// The values of one field: a text takes the last, a list takes all.
struct Given(Vec<String>);

impl<'de> IntoDeserializer<'de, Error> for Given {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Given {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.0.pop().unwrap_or_default())
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(self.0.into_iter()))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct tuple tuple_struct map struct enum identifier ignored_any
    }
}
