//! Elements that only Teams has, as HTML that every reader knows.

use super::{MAX_INPUT, clip};
use lol_html::html_content::ContentType;
use lol_html::{RewriteStrSettings, element, rewrite_str};

/// The body of a Teams message for [`super::mail_html_to_markdown`]: mentions begin with `@`, emojis and pictures are
/// told, placeholders of cards are dropped. What cannot be read stays as it is.
pub(crate) fn teams_html(html: &str) -> String {
    let html = clip(html, MAX_INPUT).0;
    let told = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let settings = RewriteStrSettings::new()
        .append_element_content_handler(element!("at", |el| {
            el.before("@", ContentType::Text);
            Ok(())
        }))
        .append_element_content_handler(element!("emoji", move |el| {
            el.replace(&told(el.get_attribute("alt")).unwrap_or_default(), ContentType::Text);
            Ok(())
        }))
        .append_element_content_handler(element!("img[src*='hostedContents']", move |el| {
            let name = told(el.get_attribute("alt")).map(|name| format!(": {name}")).unwrap_or_default();
            el.replace(&format!("[picture{name}]"), ContentType::Text);
            Ok(())
        }))
        .append_element_content_handler(element!("codeblock", |el| {
            el.set_tag_name("pre")?;
            Ok(())
        }))
        .append_element_content_handler(element!("attachment, systemeventmessage", |el| {
            el.remove();
            Ok(())
        }));
    rewrite_str(html, settings).unwrap_or_else(|_| html.to_owned())
}
