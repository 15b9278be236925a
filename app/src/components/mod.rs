//! Parts that more than one page uses: data and actions come as props, nothing is fetched here.

#![expect(clippy::needless_pass_by_value, reason = "components own their props")]

pub mod ask;
pub mod badge;
pub mod choice;
pub mod credential_table;
pub mod field;
pub mod finding_list;
pub mod fleet;
pub mod form_page;
pub mod frame;
pub mod icon;
pub mod lanes;
pub mod moment;
pub mod need_list;
pub mod notice;
pub mod pagination;
pub mod panel;
pub mod ring;
pub mod rotation_table;
pub mod sandbox_panel;
pub mod sentence;
pub mod shown_once;
pub mod stat_card;
pub mod states;
pub mod steps;
pub mod way_back;
