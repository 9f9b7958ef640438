//! `bridgebot conversations`: transcripts for whoever operates the bridge, read from the store beside a running bridge.
//!
//! What is to be deleted while a bridge runs, the bridge deletes: it holds it in memory.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use program::Failure;

use crate::config::{self, Config};
use crate::conversation::ConversationId;
use crate::conversation::wording::Stamp;
use crate::store::export::{self, Format};
use crate::store::sqlite::Durability;
use crate::store::{Chores, Entry, SqliteStore, Store, StoreError, Summary};
use crate::web::event::HistoryRange;

/// Entries read from the store at once.
const PAGE: usize = 500;
/// The running bridge looks once a second for what it is to do.
const TRIES: usize = 50;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
    /// The bridge's configuration (TOML); it names the store
    #[arg(long, global = true, value_name = "FILE", default_value = "bridgebot.toml")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// All conversations, newest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// One conversation, for reading
    Show {
        /// Its number (c12, or 12) or its label (the newest that has it)
        conversation: String,
    },
    /// One conversation, or all, on standard output
    Export {
        /// Its number or label; all where none is given
        conversation: Option<String>,
        /// What it is written as
        #[arg(long, value_enum, default_value = "text")]
        format: FormatOption,
    },
    /// Deletes one conversation with all that was said in it, in the IRC daemon's memory too; a running bridge is asked to
    Delete {
        /// Its number (c12, or 12) or its label (the newest that has it)
        conversation: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatOption {
    Text,
    Jsonl,
    Html,
}

/// Does what is asked.
pub(super) fn run(options: Options) -> Result<(), Failure> {
    let config = config::load(&options.config)?;
    let out = &mut io::stdout().lock();
    match options.action {
        Action::List { limit } => list(&mut open(&config)?, limit, out),
        Action::Show { conversation } => {
            let store = &mut open(&config)?;
            let found = find(store, &conversation)?;
            write(store, &found, Format::Text, out)
        }
        Action::Export { conversation, format } => {
            let store = &mut open(&config)?;
            let format = match format {
                FormatOption::Text => Format::Text,
                FormatOption::Jsonl => Format::JsonLines,
                FormatOption::Html => Format::Html,
            };
            let chosen = match conversation {
                Some(name) => vec![find(store, &name)?],
                None => store.conversations(usize::MAX).map_err(Failure::runtime)?,
            };
            let title = if let [only] = &*chosen { only.label.as_str() } else { "Conversations" };
            said(export::begin(format, title, out))?;
            chosen.iter().try_for_each(|summary| write(store, summary, format, out))?;
            said(export::end(format, out))
        }
        Action::Delete { conversation } => delete(&config, &conversation, out),
    }
}

/// Deletes by itself, or has the running bridge do it, which holds the conversation in memory.
fn delete(config: &Config, name: &str, out: &mut impl Write) -> Result<(), Failure> {
    let (mut store, found) = match SqliteStore::open(config.store.file()?, Durability::Full) {
        Ok(mut store) => {
            let found = find(&mut store, name)?;
            store.delete(found.id).map_err(Failure::runtime)?;
            // Nobody waits for this database, however long it takes.
            store.close_gaps().map_err(Failure::runtime)?;
            (store, found)
        }
        Err(StoreError::InUse { .. }) => {
            let mut store = open(config)?;
            let found = find(&mut store, name)?;
            store.request_deletion(found.id).map_err(Failure::runtime)?;
            let is_asked = |chores: &Chores| chores.deletions.contains(&found.id);
            if !wait_until(&mut store, |chores| !is_asked(chores))? {
                return Err(Failure::runtime(format!(
                    "the bridge that is running has not deleted {} yet; it does as soon as it can write to its database",
                    found.id.public()
                )));
            }
            // The daemon's memory takes no longer where the bridge is signed on.
            wait_until(&mut store, |chores| chores.redactions.is_empty())?;
            (store, found)
        }
        Err(error) => return Err(Failure::runtime(error)),
    };
    said(writeln!(out, "deleted {} ({})", found.id.public(), found.label))?;
    let left = store.chores().map_err(Failure::runtime)?.redactions.len();
    if left > 0 {
        said(writeln!(
            out,
            "the IRC daemon may keep {left} deleted lines in its channels' history; the bridge has it forget them when it is signed on"
        ))?;
    }
    Ok(())
}

/// Whether it came true before patience ended.
fn wait_until(store: &mut SqliteStore, is_so: impl Fn(&Chores) -> bool) -> Result<bool, Failure> {
    for _ in 0..TRIES {
        if is_so(&store.chores().map_err(Failure::runtime)?) {
            return Ok(true);
        }
        std::thread::sleep(BETWEEN_TRIES);
    }
    Ok(false)
}

fn open(config: &Config) -> Result<SqliteStore, Failure> {
    SqliteStore::open_to_read(config.store.file()?).map_err(Failure::runtime)
}

fn list(store: &mut impl Store, limit: usize, out: &mut impl Write) -> Result<(), Failure> {
    for summary in store.conversations(limit).map_err(Failure::runtime)? {
        let state = if summary.open { "open" } else { "closed" };
        let number = summary.id.public();
        said(writeln!(
            out,
            "{number:<8} {:<24} {state:<6} {} UTC  {} entries",
            summary.label,
            Stamp(summary.last_at),
            summary.entries
        ))?;
    }
    Ok(())
}

fn find(store: &mut impl Store, name: &str) -> Result<Summary, Failure> {
    let number = name.strip_prefix('c').unwrap_or(name).parse().ok().map(ConversationId);
    let all = store.conversations(usize::MAX).map_err(Failure::runtime)?;
    let by_number = all.iter().position(|summary| Some(summary.id) == number);
    let by_label = || all.iter().position(|summary| summary.label.eq_ignore_ascii_case(name));
    by_number.or_else(by_label).and_then(|at| all.into_iter().nth(at)).ok_or_else(|| {
        Failure::runtime(format!(
            "there is no conversation `{name}`; `bridgebot conversations list` shows them"
        ))
    })
}

fn write(
    store: &mut impl Store,
    summary: &Summary,
    format: Format,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let entries = entries(store, summary.id).map_err(Failure::runtime)?;
    said(export::export(summary, &entries, format, out))
}

fn entries(store: &mut impl Store, id: ConversationId) -> Result<Vec<Entry>, StoreError> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let after = all.last().map_or(0, |entry| entry.number);
        let page = store.entries(id, &HistoryRange::After(after), PAGE)?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// A reader that stopped reading (`| head`) is no failure.
fn said(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::runtime(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
