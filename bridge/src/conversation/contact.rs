//! A way to reach somebody, found in what they wrote: an e-mail address or a phone number.
//!
//! Only what is plainly one counts; a date, a price or an order number is none.

/// Digits of a phone number.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Longest address that is kept, in bytes.
const LONGEST: usize = 254;

/// The first e-mail address, else the first phone number.
pub fn find(text: &str) -> Option<&str> {
    text.split_whitespace().map(bare).find(|word| is_email(word)).or_else(|| phone(text))
}

/// Without what stands around an address in a sentence.
fn bare(word: &str) -> &str {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    word.rsplit_once(':').map_or(word, |(_, address)| address)
}

fn is_email(word: &str) -> bool {
    let Some((local, domain)) = word.split_once('@') else { return false };
    let good_local =
        !local.is_empty() && local.chars().all(|c| c.is_alphanumeric() || "._%+-'=&/".contains(c));
    let good_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let top = domain.rsplit('.').next().unwrap_or_default();
    word.len() <= LONGEST
        && good_local
        && domain.contains('.')
        && domain.split('.').all(good_label)
        && top.chars().count() >= 2
        && !top.chars().all(|c| c.is_ascii_digit())
}

/// Begins with `+`, `0` or `(`, or comes in three groups, not parted by dots, of ten digits or more together.
fn phone(text: &str) -> Option<&str> {
    let part_of_it = |c: char| c.is_ascii_digit() || "+()-/. \u{a0}".contains(c);
    let mut rest = text;
    while let Some(start) = rest.find(part_of_it) {
        let tail = rest.get(start..)?;
        let end = tail.find(|c| !part_of_it(c)).unwrap_or(tail.len());
        let (run, after) = tail.split_at(end);
        let before = rest.get(..start).and_then(|head| head.chars().next_back());
        let run_is_a_word = (run.starts_with(char::is_whitespace)
            || before.is_none_or(|c| !c.is_alphanumeric()))
            && (run.ends_with(char::is_whitespace)
                || after.chars().next().is_none_or(|c| !c.is_alphanumeric()));
        let number = run.trim_matches(|c: char| !c.is_ascii_digit() && !"+(".contains(c));
        if run_is_a_word && is_phone(number) {
            return Some(number);
        }
        rest = after;
    }
    None
}

fn is_phone(number: &str) -> bool {
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let groups = number.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).count();
    let plus_only_in_front = !number.get(1..).unwrap_or_default().contains('+');
    let said_to_be = number.starts_with(['+', '0', '(']);
    DIGITS.contains(&digits)
        && plus_only_in_front
        && (said_to_be || (groups >= 3 && digits >= 10 && !number.contains('.')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_and_numbers_are_found() {
        for (text, found) in [
            ("write to anna@example.org, please", "anna@example.org"),
            ("mailto:Anna.B+shop@mail.example.co.uk.", "Anna.B+shop@mail.example.co.uk"),
            ("(jörg@müller.example)", "jörg@müller.example"),
            ("call +49 30 901820 after six", "+49 30 901820"),
            ("030/901820", "030/901820"),
            ("my number is (555) 123-4567.", "(555) 123-4567"),
            ("555-123-4567", "555-123-4567"),
            ("0049 30 901820 or anna@example.org", "anna@example.org"),
        ] {
            assert_eq!(find(text), Some(found), "{text}");
        }
    }

    #[test]
    fn other_things_are_left_alone() {
        for text in [
            "order 20261122",
            "on 2026-11-22 at 10:30",
            "it costs 1.234.567 euro",
            "anna@home",
            "@anna look",
            "a@b@c.example",
            "IBAN DE89370400440532013000",
            "192.168.10.20",
            "version 0.1.2",
            "x@1.2",
            "",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_found_stands_in_the_text(text in "\\PC{0,80}") {
            if let Some(found) = find(&text) {
                prop_assert!(text.contains(found));
            }
        }
    }
}
