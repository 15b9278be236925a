//! The crate from outside: its frozen bytes, its promises, its root key.

// `cfg(test)` always holds here; it is what clippy goes by when it allows `unwrap` in tests.
#[cfg(test)]
mod algorithm;
#[cfg(test)]
mod envelope;
#[cfg(test)]
mod format;
#[cfg(test)]
mod format_algorithms;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod life;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod memory;
#[cfg(test)]
mod nonces;
#[cfg(test)]
mod randomness;
#[cfg(test)]
mod root_key;
#[cfg(test)]
mod tags;
#[cfg(test)]
mod tampering;
#[cfg(test)]
mod transfer;
