//! What an inline style says about whether text can be seen.
//!
//! Only what decides visibility is read. `font-size`, `visibility` and colours inherit and can be
//! taken back by a child (newsletters set `font-size:0` on wrappers), the others hide a subtree for good.

/// An sRGB colour.
pub(super) type Rgb = (u8, u8, u8);

/// The visibility state an element hands to its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The subtree is out of sight whatever its children say.
    pub(super) gone: bool,
    tiny: bool,
    invisible: bool,
    /// `None`: transparent.
    colour: Option<Rgb>,
    /// `None`: not known (an image), so colours are not judged.
    background: Option<Rgb>,
}

impl Seen {
    /// The page before any style: black on white.
    pub(super) const PAGE: Self = Self {
        gone: false,
        tiny: false,
        invisible: false,
        colour: Some((0, 0, 0)),
        background: Some((255, 255, 255)),
    };

    /// Whether text here can be read by a person.
    pub(super) fn is_visible(self) -> bool {
        !self.gone && !self.tiny && !self.invisible && !self.same_colours()
    }

    fn same_colours(self) -> bool {
        match (self.colour, self.background) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(text), Some(back)) => {
                text.0.abs_diff(back.0) <= 8 && text.1.abs_diff(back.1) <= 8 && text.2.abs_diff(back.2) <= 8
            }
        }
    }

    /// Applies a presentational attribute other than `style` (`hidden`, `bgcolor`, `color`).
    pub(super) fn attribute(&mut self, name: &str, value: &str) {
        match name {
            "hidden" => self.gone = true,
            "bgcolor" => self.set_background(value),
            "color" => self.set_colour(value),
            "background" => self.background = None,
            _ => {}
        }
    }

    /// Applies the declarations of a `style` attribute.
    pub(super) fn style(&mut self, style: &str) {
        let mut positioned = false;
        let mut off_screen = false;
        let mut not_displayed = false;
        for declaration in style.split(';').take(200) {
            let Some((name, value)) = declaration.split_once(':') else {
                continue;
            };
            let name = name.trim().to_ascii_lowercase();
            let value = value.to_ascii_lowercase();
            let value = value.trim().trim_end_matches("!important").trim();
            match name.as_str() {
                // The last declaration wins, so an element's own style can take back its class's.
                "display" => not_displayed = value == "none",
                "position" => positioned = matches!(value, "absolute" | "fixed"),
                "left" | "top" => off_screen |= far_away(value),
                _ => self.declare(&name, value),
            }
        }
        self.gone |= not_displayed || (positioned && off_screen);
    }

    fn declare(&mut self, name: &str, value: &str) {
        match name {
            "mso-hide" => self.gone |= value == "all",
            "opacity" => self.gone |= number(value).is_some_and(|(n, _)| n < 0.05),
            "max-height" | "max-width" => self.gone |= is_zero(value),
            "text-indent" => self.gone |= far_away(value),
            "visibility" => self.invisible = matches!(value, "hidden" | "collapse"),
            "font-size" => self.font_size(value),
            "font" => self.font(value),
            "color" => self.set_colour(value),
            "background" | "background-color" => self.set_background(value),
            "background-image" if value != "none" => self.background = None,
            _ => {}
        }
    }

    fn font(&mut self, shorthand: &str) {
        let size = shorthand
            .split_whitespace()
            .map(|word| word.split('/').next().unwrap_or(word))
            .find(|word| number(word).is_some_and(|(_, unit)| !unit.is_empty()) || *word == "0");
        if let Some(size) = size {
            self.font_size(size);
        }
    }

    fn font_size(&mut self, value: &str) {
        let Some((size, unit)) = number(value) else {
            // A keyword such as "small" or "inherit".
            self.tiny &= matches!(value, "inherit" | "smaller" | "larger");
            return;
        };
        match unit {
            // Relative sizes of nothing stay nothing.
            "em" | "%" => self.tiny |= size < if unit == "%" { 10.0 } else { 0.1 },
            "rem" => self.tiny = size < 0.1,
            _ => self.tiny = size <= 1.0,
        }
    }

    fn set_colour(&mut self, value: &str) {
        if value == "transparent" {
            self.colour = None;
        } else if let Some(parsed) = colour(value) {
            self.colour = parsed.solid();
        }
    }

    fn set_background(&mut self, value: &str) {
        if value.contains("url(") || value.contains("gradient") {
            self.background = None;
            return;
        }
        let parsed = colour(value).or_else(|| value.split_whitespace().find_map(colour));
        if let Some(Paint::Solid(rgb)) = parsed {
            self.background = Some(rgb);
        }
    }
}

/// Leading number and its unit.
fn number(value: &str) -> Option<(f32, &str)> {
    let end =
        value.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(value.len());
    let (digits, unit) = value.split_at(end);
    digits.parse().ok().map(|n| (n, unit.trim()))
}

fn is_zero(value: &str) -> bool {
    number(value).is_some_and(|(n, _)| n.abs() < f32::EPSILON)
}

fn far_away(value: &str) -> bool {
    number(value).is_some_and(|(n, _)| n <= -500.0)
}

/// How text or paper is coloured.
#[derive(Clone, Copy)]
enum Paint {
    Solid(Rgb),
    Transparent,
}

impl Paint {
    fn solid(self) -> Option<Rgb> {
        match self {
            Self::Solid(rgb) => Some(rgb),
            Self::Transparent => None,
        }
    }

    fn with_alpha(rgb: Rgb, alpha: f32) -> Self {
        if alpha < 0.05 { Self::Transparent } else { Self::Solid(rgb) }
    }
}

/// A colour as CSS writes it; `None` when it is not understood.
fn colour(value: &str) -> Option<Paint> {
    let value = value.trim();
    if let Some(hex) = value.strip_prefix('#') {
        return hex_colour(hex);
    }
    if let Some(inner) = value.strip_prefix("rgb") {
        let inner = inner.trim_start_matches('a').trim().strip_prefix('(')?;
        let mut parts = inner
            .trim_end_matches(')')
            .split([',', ' ', '/'])
            .filter(|part| !part.is_empty())
            .map(|part| number(part).map(|(n, _)| n));
        let rgb = (parts.next()??, parts.next()??, parts.next()??);
        let alpha = parts.next().flatten().unwrap_or(1.0);
        return Some(Paint::with_alpha((rgb.0 as u8, rgb.1 as u8, rgb.2 as u8), alpha));
    }
    let named = match value.to_ascii_lowercase().as_str() {
        "white" => (255, 255, 255),
        "black" => (0, 0, 0),
        "snow" | "ghostwhite" | "whitesmoke" => (250, 250, 250),
        "red" => (255, 0, 0),
        "blue" => (0, 0, 255),
        "green" => (0, 128, 0),
        "yellow" => (255, 255, 0),
        "gray" | "grey" => (128, 128, 128),
        "navy" => (0, 0, 128),
        _ => return None,
    };
    Some(Paint::Solid(named))
}

fn hex_colour(hex: &str) -> Option<Paint> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    match digits.as_slice() {
        [r, g, b] => Some(Paint::Solid((r * 17, g * 17, b * 17))),
        [r1, r2, g1, g2, b1, b2] => Some(Paint::Solid((r1 * 16 + r2, g1 * 16 + g2, b1 * 16 + b2))),
        [r1, r2, g1, g2, b1, b2, a1, a2] => {
            let rgb = (r1 * 16 + r2, g1 * 16 + g2, b1 * 16 + b2);
            Some(Paint::with_alpha(rgb, f32::from(a1 * 16 + a2) / 255.0))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visible(style: &str) -> bool {
        let mut seen = Seen::PAGE;
        seen.style(style);
        seen.is_visible()
    }

    #[test]
    fn hiding_declarations_are_recognised() {
        for style in [
            "display:none",
            "DISPLAY : NONE !important",
            "visibility:hidden",
            "font-size:0",
            "font-size: 1px; color:#333",
            "opacity:0",
            "opacity:.01",
            "mso-hide:all",
            "max-height:0px;overflow:hidden",
            "color:#ffffff",
            "color:#FEFEFE;background-color:white",
            "background:#123456;color:rgb(18, 52, 86)",
            "color:transparent",
            "color:rgba(0,0,0,0)",
            "position:absolute;left:-9999px",
            "text-indent:-9999px",
            "font:0/0 a",
        ] {
            assert!(!visible(style), "{style}");
        }
    }

    #[test]
    fn honest_declarations_stay_visible() {
        for style in [
            "",
            "display:block",
            "font-size:0.9em",
            "font-size:12px",
            "font: bold 14px/1.5 Arial",
            "color:#fff;background:#000",
            "color:white;background:url(banner.png)",
            "opacity:0.6",
            "max-height:600px",
            "position:relative;left:-600px",
            "font-size:90%",
            ":::;;;",
        ] {
            assert!(visible(style), "{style}");
        }
    }

    #[test]
    fn a_child_can_take_back_size_but_not_display() {
        let mut seen = Seen::PAGE;
        seen.style("font-size:0");
        seen.style("font-size:13px");
        assert!(seen.is_visible());
        let mut seen = Seen::PAGE;
        seen.style("display:none");
        seen.style("display:block");
        assert!(!seen.is_visible());
    }
}
