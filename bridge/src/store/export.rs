//! Transcripts for people and programs: text, JSON lines, HTML. What visitors and staff wrote is never markup here.

use std::io::{self, Write};

use serde::Serialize;

use super::{Entry, Summary};
use crate::conversation::Author;
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

/// Writes one conversation's transcript.
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
    writeln!(out, "{}: {}, since {} UTC", summary.id.public(), summary.label, Stamp(summary.opened_at))?;
    for entry in entries {
        // Each line of a longer text is indented, so that none can pass for another entry.
        let body = entry.text.replace('\n', "\n    ");
        writeln!(out, "{} {}: {body}", Stamp(entry.at), who(summary, entry))?;
    }
    Ok(())
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
        };
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)?;
    }
    Ok(())
}

fn html(summary: &Summary, entries: &[Entry], out: &mut impl Write) -> io::Result<()> {
    let title = escaped(&summary.label);
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n\
         <style>body{{font:1rem/1.5 system-ui;max-width:45rem;margin:2rem auto;padding:0 1rem}}\
         dt{{font-weight:600;margin-top:.75rem}}dd{{margin:0;white-space:pre-wrap}}\
         time{{font-weight:400;opacity:.7}}</style>\n<h1>{title}</h1>\n<dl>"
    )?;
    for entry in entries {
        writeln!(
            out,
            "<dt>{} <time>{} UTC</time></dt><dd>{}</dd>",
            escaped(who(summary, entry)),
            Stamp(entry.at),
            escaped(&entry.text)
        )?;
    }
    writeln!(out, "</dl>\n</html>")
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
        let summary = Summary {
            id: ConversationId(7),
            label: "anna".into(),
            opened_at: Millis(0),
            last_at: Millis(60_000),
            open: true,
            entries: 2,
        };
        let entry = |number: u64, author: Author, text: &str| Entry {
            number,
            at: Millis(number * 60_000),
            author,
            text: text.into(),
            client_id: None,
            taken: true,
        };
        let entries = [
            entry(1, Author::Visitor, "<img src=x onerror=alert(1)>"),
            entry(2, Author::Staff("Staff One".into()), "one\n1970-01-01 00:00 anna: \"two\""),
        ];
        let mut out = Vec::new();
        export(&summary, &entries, format, &mut out).unwrap();
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
        assert!(text.contains("<dd>&lt;img src=x onerror=alert(1)&gt;</dd>"));
        assert!(!text.contains("<img"));
    }
}
