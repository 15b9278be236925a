//! Keys of rows as texts: one column's as it is, several columns' as a JSON array.

use engine::ports::{Bounds, ConnectorError, Cursor, Locator};
use engine::rotation::ErrorClass;

pub(crate) fn locator_of(keys: &[String]) -> Locator {
    match keys {
        [one] => Locator(one.clone()),
        several => Locator(serde_json::json!(several).to_string()),
    }
}

pub(crate) fn keys_of(locator: &Locator, length: usize) -> Result<Vec<String>, ConnectorError> {
    let keys = if length == 1 {
        vec![locator.0.clone()]
    } else {
        serde_json::from_str(&locator.0).map_err(|_| misread())?
    };
    if keys.len() == length {
        Ok(keys)
    } else {
        Err(misread())
    }
}

pub(crate) fn cursor_of(keys: &[String]) -> Cursor {
    Cursor(serde_json::json!(keys).to_string())
}

pub(crate) fn read_cursor(cursor: &Cursor, length: usize) -> Result<Vec<String>, ConnectorError> {
    let keys: Vec<String> = serde_json::from_str(&cursor.0).map_err(|_| misread())?;
    if keys.len() == length {
        Ok(keys)
    } else {
        Err(misread())
    }
}

/// Ranges between cuts, open at both ends.
pub(crate) fn between(cuts: Vec<Cursor>) -> Vec<Bounds> {
    let mut bounds = Vec::with_capacity(cuts.len() + 1);
    let mut after = None;
    for cut in cuts {
        bounds.push(Bounds {
            after: after.replace(cut.clone()),
            through: Some(cut),
        });
    }
    bounds.push(Bounds { after, through: None });
    bounds
}

pub(crate) fn misread() -> ConnectorError {
    ConnectorError::new(
        ErrorClass::Policy,
        "a stored place does not fit the table's key; was its primary key changed? Cancel the job and start another",
    )
}
