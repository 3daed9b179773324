//! Small drawings, inline: decoration that says nothing the words beside it do not say.

use maud::{Markup, html};

/// A drawing on a 24 by 24 grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Check,
    Cross,
    Warning,
    Arrow,
    Door,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Check => "M5 12.5l4.5 4.5L19 7.5",
            Self::Cross => "M7 7l10 10M17 7L7 17",
            Self::Warning => "M12 4l9 16H3zM12 10v4.5M12 17.4v.1",
            Self::Arrow => "M4 12h15M13.5 6.5L19 12l-5.5 5.5",
            Self::Door => "M6 21V4.5L15 3v18M6 21h13M15 5h3v16M12 12v.5",
        }
    }
}

/// Draws it; readers of the screen do not hear of it.
pub(crate) fn icon(icon: Icon) -> Markup {
    html! {
        svg.icon viewBox="0 0 24 24" aria-hidden="true" focusable="false" { path d=(icon.path()); }
    }
}
