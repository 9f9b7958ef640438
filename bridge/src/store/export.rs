//! Transcripts for people and programs: text, JSON lines, HTML. What visitors and staff wrote is never markup here, and in
//! what people read it moves no cursor and turns nothing around, whatever a restored database holds.

use std::io::{self, Write};

use serde::Serialize;

use super::{Entry, Summary};
use crate::conversation::Author;
use crate::conversation::text::{clean_line, clean_lines};
use crate::conversation::wording::Stamp;

/// What a transcript is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For reading.
    Text,
    /// One JSON object a line.
    JsonLines,
    /// A page that stands alone.
    Html,
}

/// Writes what stands before the first conversation.
///
/// # Errors
/// When `out` can't be written.
pub fn begin(format: Format, title: &str, out: &mut impl Write) -> io::Result<()> {
    if format != Format::Html {
        return Ok(());
    }
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n\
         <style>body{{font:1rem/1.5 system-ui;max-width:45rem;margin:2rem auto;padding:0 1rem}}\
         dt{{font-weight:600;margin-top:.75rem}}dd{{margin:0;white-space:pre-wrap}}\
         time{{font-weight:400;opacity:.7}}</style>",
        escaped(title)
    )
}

/// Writes what stands behind the last conversation.
///
/// # Errors
/// When `out` can't be written.
pub fn end(format: Format, out: &mut impl Write) -> io::Result<()> {
    if format == Format::Html { writeln!(out, "</html>") } else { Ok(()) }
}

/// Writes one conversation's transcript, between [`begin`] and [`end`].
///
/// # Errors
/// When `out` can't be written.
pub fn export(summary: &Summary, entries: &[Entry], format: Format, out: &mut impl Write) -> io::Result<()> {
    match format {
        Format::Text => text(summary, entries, out),
        Format::JsonLines => json_lines(summary, entries, out),
        Format::Html => html(summary, entries, out),
    }
}

fn text(summary: &Summary, entries: &[Entry], out: &mut impl Write) -> io::Result<()> {
    write!(out, "{}: {}, since {} UTC", summary.id.public(), summary.label, Stamp(summary.opened_at))?;
    facts(summary).try_for_each(|fact| write!(out, ", {}", clean_line(&fact)))?;
    writeln!(out)?;
    for entry in entries {
        // Each line of a longer text is indented, so that none can pass for another entry.
        let body = clean_lines(&entry.text).replace('\n', "\n    ");
        writeln!(out, "{} {}: {body}", Stamp(entry.at), who(summary, entry))?;
    }
    Ok(())
}

/// What is kept of the visitor beside what was said.
fn facts(summary: &Summary) -> impl Iterator<Item = String> {
    let page = summary.page.as_ref().map(|page| format!("writes from {page}"));
    let language = summary.language.as_ref().map(|language| format!("language {language}"));
    let contact = summary.contact.as_ref().map(|contact| format!("can be reached at {contact}"));
    [page, language, contact].into_iter().flatten()
}

#[derive(Serialize)]
struct Line<'a> {
    conversation: String,
    label: &'a str,
    entry: u64,
    /// Milliseconds since 1970.
    at: u64,
    from: &'static str,
    name: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a str>,
}

fn json_lines(summary: &Summary, entries: &[Entry], out: &mut impl Write) -> io::Result<()> {
    for entry in entries {
        let is_visitor = entry.author == Author::Visitor;
        let line = Line {
            conversation: summary.id.public(),
            label: &summary.label,
            entry: entry.number,
            at: entry.at.0,
            from: if is_visitor { "visitor" } else { "staff" },
            name: who(summary, entry),
            text: &entry.text,
            taken: is_visitor.then_some(entry.taken),
            page: summary.page.as_deref().filter(|_| is_visitor),
            language: summary.language.as_deref().filter(|_| is_visitor),
            contact: summary.contact.as_deref().filter(|_| is_visitor),
        };
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)?;
    }
    Ok(())
}

fn html(summary: &Summary, entries: &[Entry], out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "<section>\n<h1>{}: {}</h1>", summary.id.public(), escaped(&summary.label))?;
    for fact in facts(summary) {
        writeln!(out, "<p>{}</p>", escaped(&clean_line(&fact)))?;
    }
    writeln!(out, "<dl>")?;
    for entry in entries {
        writeln!(
            out,
            "<dt><bdi>{}</bdi> <time>{} UTC</time></dt><dd dir=\"auto\">{}</dd>",
            escaped(who(summary, entry)),
            Stamp(entry.at),
            escaped(&clean_lines(&entry.text))
        )?;
    }
    writeln!(out, "</dl>\n</section>")
}

fn who<'a>(summary: &'a Summary, entry: &'a Entry) -> &'a str {
    match &entry.author {
        Author::Visitor => &summary.label,
        Author::Staff(name) => name.as_str(),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{ConversationId, Millis};

    fn exported(format: Format) -> String {
        let texts = [
            entry(1, Author::Visitor, "<img src=x onerror=alert(1)>"),
            entry(2, staff(), "one\n1970-01-01 00:00 anna: \"two\""),
        ];
        export_all(format, &texts)
    }

    fn exported_of(format: Format, text: &str) -> String {
        export_all(format, &[entry(1, Author::Visitor, text)])
    }

    fn staff() -> Author {
        Author::Staff("Staff One".into())
    }

    fn entry(number: u64, author: Author, text: &str) -> Entry {
        Entry { number, at: Millis(number * 60_000), author, text: text.into(), client_id: None, taken: true }
    }

    fn export_all(format: Format, entries: &[Entry]) -> String {
        export_of(&summary(), format, entries)
    }

    fn summary() -> Summary {
        Summary {
            id: ConversationId(7),
            label: "anna".into(),
            opened_at: Millis(0),
            last_at: Millis(60_000),
            open: true,
            entries: 2,
            page: None,
            language: None,
            contact: None,
        }
    }

    fn export_of(summary: &Summary, format: Format, entries: &[Entry]) -> String {
        let mut out = Vec::new();
        export(summary, entries, format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_keeps_entries_apart() {
        assert_eq!(
            exported(Format::Text),
            "c7: anna, since 1970-01-01 00:00 UTC\n\
             1970-01-01 00:01 anna: <img src=x onerror=alert(1)>\n\
             1970-01-01 00:02 Staff One: one\n    1970-01-01 00:00 anna: \"two\"\n"
        );
    }

    #[test]
    fn what_is_kept_of_the_visitor_is_exported_too() {
        let summary = Summary {
            page: Some("https://a.example/<cart>".into()),
            language: Some("de".into()),
            contact: Some("anna@example.org".into()),
            ..summary()
        };
        let entries = [entry(1, Author::Visitor, "hi"), entry(2, staff(), "hello")];
        let text = export_of(&summary, Format::Text, &entries);
        let first = "c7: anna, since 1970-01-01 00:00 UTC, writes from https://a.example/<cart>, language de, can be \
                     reached at anna@example.org";
        assert_eq!(text.lines().next(), Some(first));
        let html = export_of(&summary, Format::Html, &entries);
        assert!(html.contains("<p>writes from https://a.example/&lt;cart&gt;</p>"), "{html}");
        assert!(html.contains("<p>can be reached at anna@example.org</p>"), "{html}");
        let json = export_of(&summary, Format::JsonLines, &entries);
        let lines: Vec<serde_json::Value> =
            json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["page"], "https://a.example/<cart>");
        assert_eq!(lines[0]["contact"], "anna@example.org");
        assert_eq!(lines[1].get("contact"), None);
    }

    #[test]
    fn json_is_one_object_a_line() {
        let text = exported(Format::JsonLines);
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["from"], "visitor");
        assert_eq!(lines[0]["taken"], true);
        assert_eq!(lines[1]["name"], "Staff One");
        assert_eq!(lines[1].get("taken"), None);
    }

    #[test]
    fn html_holds_no_markup_of_others() {
        let text = exported(Format::Html);
        assert!(text.contains("<dd dir=\"auto\">&lt;img src=x onerror=alert(1)&gt;</dd>"));
        assert!(!text.contains("<img"));
    }

    /// What people write, and what the store has from elsewhere.
    const ODD: &str =
        "שלום \u{202e}drow\u{202c} \u{1b}[2J\u{7}\0\r\n\u{2028}</dd><script>x()</script> \"'&amp; 👩‍👩‍👧\u{feff}";

    #[test]
    fn odd_texts_come_back_from_json_as_they_were_and_break_no_line() {
        let text = exported_of(Format::JsonLines, ODD);
        assert_eq!(text.lines().count(), 1);
        assert!(!text.trim_end().chars().any(char::is_control));
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["text"], ODD);
    }

    #[test]
    fn odd_texts_are_no_markup_and_no_control_codes_in_html() {
        let text = exported_of(Format::Html, ODD);
        assert_eq!(text.matches("<script").count() + text.matches("</dd>").count(), 1);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }

    #[test]
    fn odd_texts_move_nothing_on_a_terminal() {
        let text = exported_of(Format::Text, ODD);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert!(!text.contains('\u{202e}'));
        assert!(text.lines().skip(2).all(|line| line.starts_with("    ")), "{text}");
    }
}
