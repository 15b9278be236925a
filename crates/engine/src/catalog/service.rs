//! What people and programs may do with the catalog.
