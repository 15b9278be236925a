//! The cache against a real Redis.

#[cfg(test)]
mod house;
#[cfg(test)]
mod life;
#[cfg(test)]
mod million;
