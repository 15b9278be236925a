//! Line icons on a 16-unit grid, always beside words and therefore hidden from readers of the screen.

use leptos::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Overview,
    Credential,
    Rotation,
    Key,
    Recovery,
    Calendar,
    Person,
    Issuer,
    Consumer,
    Audit,
    Settings,
    Search,
    More,
    Freeze,
    Back,
    Check,
    Cross,
    Theme,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Self::Overview => "M2 9.5a6 6 0 0 1 12 0M8 9.5l3-3.5M2 12.5h12",
            Self::Credential => "M8 2a6 6 0 1 0 6 6M8 5a3 3 0 1 0 3 3",
            Self::Rotation => "M13.5 6A6 6 0 0 0 3 5M2.5 2v3.3h3.3M2.5 10A6 6 0 0 0 13 11M13.5 14v-3.3h-3.3",
            Self::Key => {
                "M5.5 13a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M8 7l5.5-5.5M10.5 4.5l2.5 2.5M5.5 9.5h.01"
            }
            Self::Recovery => "M2.5 3h11v3h-11zM3.5 6v7.5h9V6M8 8v3.5M6 9.7 8 11.7l2-2",
            Self::Calendar => "M2.5 3.5h11v10h-11zM2.5 6.5h11M5.5 2v3M10.5 2v3",
            Self::Person => "M8 8a2.8 2.8 0 1 0 0-5.6A2.8 2.8 0 0 0 8 8M2.8 14a5.2 5.2 0 0 1 10.4 0",
            Self::Issuer => "M2.5 4c0-2 11-2 11 0v8c0 2-11 2-11 0zM2.5 4c0 2 11 2 11 0M2.5 8c0 2 11 2 11 0",
            Self::Consumer => "M2.5 2.5h4v4h-4zM9.5 2.5h4v4h-4zM2.5 9.5h4v4h-4zM9.5 9.5h4v4h-4z",
            Self::Audit => "M3.5 2h6l3 3v9h-9zM9.5 2v3h3M5.5 8h5M5.5 11h5",
            Self::Settings => "M2 4.5h7M12 4.5h2M9 3v3h3V3zM2 11.5h2M7 11.5h7M4 10v3h3v-3z",
            Self::Search => "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10M10.6 10.6 14 14",
            Self::More => "M3 8h.01M8 8h.01M13 8h.01",
            Self::Freeze => {
                "M8 1.5v13M2.4 4.75l11.2 6.5M13.6 4.75 2.4 11.25M6.2 2.6 8 4.4l1.8-1.8M6.2 13.4 8 11.6l1.8 1.8"
            }
            Self::Back => "M6 4 2.5 7.5 6 11M2.5 7.5H10a3.5 3.5 0 0 1 0 7H8",
            Self::Check => "M3 8.5 6.5 12 13 4.5",
            Self::Cross => "M4 4l8 8M12 4l-8 8",
            Self::Theme => "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
        }
    }

    pub fn draw(self) -> AnyView {
        view! {
            <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d=self.path() />
            </svg>
        }
        .into_any()
    }
}
