//! What an OSCAR server does, asked of a server by its address.
//!
//! The suite speaks only the network and knows nothing of the double's code, not even its codec ([`wire`] says why). Each
//! check states a fact, where it is known from, what is done and what is expected. Facts are from captures of real clients
//! with open-oscar-server (`bridge/testkit/fixtures/oscar`), and where it is named from its source or from a client's.
//!
//! The subject is `oscar-mock`, started by the test, unless the environment names another:
//!
//! | variable | meaning |
//! | --- | --- |
//! | `OSCAR_SUBJECT` | its address; it must let in any name with the password `pass1word` |
//! | `OSCAR_SUBJECT_IS` | its name, by which its list in [`differences`] is found, such as `open-oscar-server` |
//! | `OSCAR_SUBJECT_SIGN_ONS` | sign-ons in a minute from one address, if that is limited: the suite waits, or comes from several addresses of loopback |
//! | `OSCAR_CHECKS` | only checks whose name contains this |
//!
//! What a subject does otherwise is listed with its reason. A difference that isn't listed fails the run, and so does a
//! listed one that no longer differs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may"
)]
#![allow(clippy::disallowed_methods, reason = "the deadlines are real time: the subject is another program")]
#![allow(clippy::print_stdout, reason = "the results are for the reader")]

mod checks;
mod client;
mod differences;
mod hostile;
mod subject;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use checks::Check;
use client::{Client, How, USUAL};
use subject::{PASSWORD, Subject};
use testkit::child::Daemon;
use wire::Outcome;

/// Who may occur in a check.
const PEOPLE: [&str; 3] = ["anna", "bert", "carl"];
/// Checks under way at once; some mostly wait.
const AT_ONCE: usize = 12;

/// One check in one run: the subject, and names that no other check has.
pub(crate) struct Scene<'a> {
    pub(crate) subject: &'a Subject,
    number: usize,
}

impl Scene<'_> {
    /// The screen name of somebody: `anna`, `bert` or `carl`.
    pub(crate) fn name(&self, who: &str) -> String {
        self.subject.screen_name(self.number, who)
    }

    pub(crate) fn sign_on(&self, who: &str) -> Outcome<Client> {
        self.sign_on_as(who, USUAL)
    }

    pub(crate) fn sign_on_as(&self, who: &str, how: How) -> Outcome<Client> {
        Client::sign_on(self.subject, &self.name(who), how)
            .map_err(|error| format!("{who} signs on: {error}"))
    }
}

#[test]
fn the_subject_does_what_is_known_of_servers() {
    let all = checks::all();
    let chosen = std::env::var("OSCAR_CHECKS").unwrap_or_default();
    let (subject, _daemon) = subject(all.len());
    let failures = Mutex::new(BTreeMap::new());
    let run = |number: usize, check: &Check| {
        if !check.name.contains(&chosen) {
            return;
        }
        if let Err(why) = (check.run)(&Scene { subject: &subject, number }) {
            failures.lock().unwrap().insert(check.name, why);
        }
    };
    let alone = |check: &Check| checks::ALONE.contains(&check.name);
    all.iter().enumerate().filter(|(_, check)| alone(check)).for_each(|(number, check)| run(number, check));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(check) = all.get(number) else { return };
                    if !alone(check) {
                        run(number, check);
                    }
                }
            });
        }
    });
    judge(&subject, &all, &chosen, &failures.into_inner().unwrap());
}

/// Holds what failed against what is listed.
fn judge(subject: &Subject, all: &[Check], chosen: &str, failures: &BTreeMap<&str, String>) {
    let listed = differences::of(&subject.name);
    let mut faults = String::new();
    let mut fault = |text: String| faults.push_str(&text);
    let run: Vec<&Check> = all.iter().filter(|check| check.name.contains(chosen)).collect();
    for check in &run {
        let reason = listed.iter().find(|(name, _)| *name == check.name).map(|(_, because)| because);
        match (failures.get(check.name), reason) {
            (None, None) => println!("same    {}", check.name),
            (Some(why), Some(because)) => println!("differs {}: {because}\n        {why}", check.name),
            (Some(why), None) => fault(format!(
                "\n{}\n  known:    {}\n  steps:    {}\n  expected: {}\n  came:     {why}\n",
                check.name, check.fact, check.steps, check.expected
            )),
            (None, Some(_)) => {
                fault(format!("\n{}: listed as a difference, but there is none\n", check.name));
            }
        }
    }
    for (name, _) in listed.iter().filter(|(name, _)| !all.iter().any(|check| check.name == *name)) {
        fault(format!("\n{name}: listed as a difference, but no check has this name\n"));
    }
    println!("{} checks on {}, {} differ", run.len(), subject.name, failures.len());
    assert!(faults.is_empty(), "{} is not as expected:\n{faults}", subject.name);
}

/// The server that the environment names, or a double of our own.
fn subject(checks: usize) -> (Subject, Option<Daemon>) {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    // Servers that remember must not mistake the people of this run for those of the last.
    let run = format!("r{}", std::process::id() % 10_000);
    let pace =
        variable("OSCAR_SUBJECT_SIGN_ONS").map(|number| number.parse().expect("OSCAR_SUBJECT_SIGN_ONS"));
    if let Some(address) = variable("OSCAR_SUBJECT") {
        let name = variable("OSCAR_SUBJECT_IS").unwrap_or_else(|| "a server without a list".to_owned());
        return (Subject::new(address.parse().expect("OSCAR_SUBJECT"), &name, &run, pace), None);
    }
    let folder = tempfile::tempdir().unwrap();
    let accounts = folder.path().join("accounts.txt");
    let placeholder = Subject::new(([127, 0, 0, 1], 0).into(), "", &run, None);
    let mut lines = String::new();
    for name in (0..checks).flat_map(|check| PEOPLE.map(|who| placeholder.screen_name(check, who))) {
        lines.extend([&name, ":", PASSWORD, "\n"]);
    }
    std::fs::write(&accounts, lines).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_oscar-mock"));
    let mut command = std::process::Command::new(program);
    command.args(["--listen", "127.0.0.1:0", "--accounts-file"]).arg(&accounts).env("RUST_LOG", "warn");
    let daemon = Daemon::spawn(command);
    (Subject::new(daemon.address("oscar"), "oscar-mock", &run, pace), Some(daemon))
}
