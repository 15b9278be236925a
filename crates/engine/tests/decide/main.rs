//! What a rotation does next.

#[cfg(test)]
mod cases;
