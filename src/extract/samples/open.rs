//! Documents that are XML in a zip archive: Hangul's and OpenDocument's.

use super::zip;

/// A Hangul document in XML; character shape 1 is white.
pub(in crate::extract) fn hwpx(body: &str) -> Vec<u8> {
    let header = r##"<hh:head xmlns:hh="h"><hh:charPr id="0" textColor="#000000" shadeColor="none"/><hh:charPr id="1" textColor="#FFFFFF" shadeColor="none"/></hh:head>"##;
    let section = |body: &str| format!(r#"<hs:sec xmlns:hs="s" xmlns:hp="p">{body}</hs:sec>"#);
    zip(&[
        ("mimetype", b"application/hwp+zip"),
        ("Contents/header.xml", header.as_bytes()),
        // Written out of order, as archives are.
        ("Contents/section10.xml", section("<hp:p><hp:run><hp:t>끝</hp:t></hp:run></hp:p>").as_bytes()),
        ("Contents/section0.xml", section(body).as_bytes()),
    ])
}

/// An OpenDocument file of a kind such as `text`.
pub(in crate::extract) fn opendocument(kind: &str, styles: &str, body: &str) -> Vec<u8> {
    let content = format!(
        r#"<office:document-content xmlns:office="o" xmlns:text="t" xmlns:table="a" xmlns:draw="d" xmlns:style="s" xmlns:fo="f" xmlns:presentation="p"><office:automatic-styles>{styles}</office:automatic-styles><office:body>{body}</office:body></office:document-content>"#
    );
    zip(&[
        ("mimetype", format!("application/vnd.oasis.opendocument.{kind}").as_bytes()),
        ("content.xml", content.as_bytes()),
        ("META-INF/manifest.xml", b"<manifest:manifest xmlns:manifest=\"m\"/>"),
    ])
}
