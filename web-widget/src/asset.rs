//! The table of files in `dist/`, made by the build of the widget.

/// One file to serve.
pub(crate) struct Asset {
    /// The file's name; where it has a hash in it the content never changes.
    pub(crate) name: &'static str,
    /// The name without the hash.
    pub(crate) stem: &'static str,
    pub(crate) content_type: &'static str,
    /// Of the content, with its quotation marks.
    pub(crate) etag: &'static str,
    pub(crate) bytes: &'static [u8],
    /// The same, compressed.
    pub(crate) gzip: &'static [u8],
}

impl Asset {
    pub(crate) fn is_page(&self) -> bool {
        self.content_type.starts_with("text/html")
    }

    pub(crate) fn has_hash(&self) -> bool {
        self.name != self.stem
    }
}

pub(crate) static ASSETS: &[Asset] = &include!("../dist/table.rs");

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};
    use std::fmt::Write as _;

    fn hash(bytes: &[u8]) -> String {
        Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    #[test]
    fn names_and_tags_are_those_of_the_content() {
        for asset in ASSETS {
            let hash = hash(asset.bytes);
            assert_eq!(asset.etag, format!("\"{}\"", &hash[..20]), "{}", asset.name);
            if asset.has_hash() {
                assert!(asset.name.contains(&format!("-{}.", &hash[..10])), "{}", asset.name);
            }
        }
    }

    #[test]
    fn what_one_file_asks_for_is_there() {
        for (asker, stems) in [
            ("widget.js", &["panel.js"][..]),
            ("staff.html", &["staff.js", "staff.css", "icon.svg"]),
            ("demo.html", &["demo.js", "demo.css", "icon.svg"]),
        ] {
            let find = |stem: &str| ASSETS.iter().find(|asset| asset.stem == stem).unwrap();
            let text = std::str::from_utf8(find(asker).bytes).unwrap();
            for stem in stems {
                let name = find(stem).name;
                assert!(text.contains(name), "{asker} does not name {name}");
            }
        }
    }
}
