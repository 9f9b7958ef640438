//! The page for staff is true: its commands are those that there are, and its answers are what is said.

use std::collections::BTreeSet;
use std::path::Path;

use super::Bench;
use crate::conversation::commands::TABLE;
use crate::conversation::wording;
use crate::hub::desk::{Effect, Input};
use crate::store::Store as _;
use crate::web::event::HistoryRange;

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/staff-commands.md");
    std::fs::read_to_string(path).unwrap().replace("\\|", "¦")
}

/// The rows of the table below a heading, cell by cell.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let section = page.split_once(&format!("## {heading}\n")).unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().replace('¦', "|")).collect()
    })
    .collect()
}

/// What stands between backticks.
fn code(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// `anna `hi`, staff2 `x`` gives who and what.
fn by_name(cell: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = cell.split('`').collect();
    parts
        .chunks_exact(2)
        .map(|part| (part[0].trim_matches([',', ' ']).to_owned(), part[1].to_owned()))
        .collect()
}

/// The store's answers to `/history`.
fn answer_from_store(t: &mut Bench) {
    let asked = t.out.iter().position(|effect| matches!(effect, Effect::ReadForStaff { .. }));
    let Some(asked) = asked else { return };
    let Effect::ReadForStaff { to, conversation, label, entries } = t.out.remove(asked) else { return };
    let found = t.store.entries(conversation, &HistoryRange::Latest, entries).unwrap();
    let said = found.into_iter().map(crate::hub::for_staff);
    t.input(Input::Read { to, conversation, label, entries: Some(said.collect()) });
}

#[test]
fn each_command_is_on_the_page_and_no_other() {
    let listed: BTreeSet<String> = rows(&page(), "Commands")
        .iter()
        .filter_map(|row| {
            Some(code(&row[0])[0].split_whitespace().next()?.trim_start_matches('/').to_owned())
        })
        .collect();
    assert_eq!(listed, TABLE.iter().map(|spec| spec.name.to_owned()).collect());
    for spec in TABLE.iter().filter(|spec| spec.name != "canned") {
        assert!(page().contains(&format!("| `{}` |", spec.usage)), "{}", spec.usage);
        assert!(wording::help().contains(&format!("* {} - {}", spec.usage, spec.summary)));
    }
}

#[test]
fn the_answers_on_the_page_are_what_is_said() {
    let mut t = Bench::new();
    t.says("anna", "hello").says("bob", "hello").nothing_more();
    let rows = rows(&page(), "What the bridge answers");
    assert!(rows.len() > 30);
    let mut shown = BTreeSet::new();
    for row in rows {
        let typed = &code(&row[0])[0];
        shown.insert(typed.split_whitespace().next().unwrap_or_default().to_owned());
        t.types("staff1", typed);
        answer_from_store(&mut t);
        let expected = code(&row[1]).join("\n");
        if !expected.is_empty() {
            t.reads("staff1", &expected);
        }
        for (who, expected) in by_name(&row[2]) {
            if who == "staff2" {
                t.reads(&who, &expected);
            } else if let Some((_, notice)) = t.notice_to(&who) {
                assert_eq!(notice, expected, "{typed}");
            } else {
                t.hears(&who, &expected);
            }
        }
        let more = t.ims();
        assert!(more.is_empty(), "{typed}: {more:?}");
        assert!(t.said_to("anna").is_none() && t.said_to("bob").is_none(), "{typed}");
    }
    for spec in TABLE {
        assert!(shown.contains(&format!("/{}", spec.name)), "{} is not shown", spec.name);
    }
}

/// All sources below a folder of the workspace.
fn sources(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_tests_that_the_page_for_reviewers_names_are_there() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut all = String::new();
    for folder in [
        "bridge/src",
        "bridge/tests",
        "bridge/oscar/src",
        "bridge/oscar/tests",
        "ircd-lite/src",
        "ircd-lite/tests",
    ] {
        sources(&root.join(folder), &mut all);
    }
    let page = std::fs::read_to_string(root.join("docs/who-is-who.md")).unwrap();
    let named: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with("| "))
        .flat_map(|line| code(line.rsplit('|').nth(1).unwrap()))
        .collect();
    let tests: Vec<&String> = named.iter().filter(|name| !name.contains('-') && *name != "tests").collect();
    assert!(tests.len() > 60, "{}", tests.len());
    for test in tests {
        assert!(all.contains(&format!("fn {test}(")), "there is no test {test}");
    }
}
