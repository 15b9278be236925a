//! A typed client of HTTP v1.
