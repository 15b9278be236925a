//! The agent's two faces, each against a real server and real programs.

#[cfg(test)]
mod library;
#[cfg(test)]
mod run;
#[cfg(test)]
mod support;
