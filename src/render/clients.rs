//! The page about the clients: where their logs were searched for, how many were found, and what each log reveals.

use std::io::{self, Write};
use std::iter;

use owo_colors::Style;

use super::options::{Formats, NBSP, Options};
use super::{json, layout, task_text};
use crate::clients::Capability;
use crate::observe::inventory::{ClientInventory, Inventory, SearchedPath, Setting, State};
use crate::text;

type Form = fn(&Inventory, &Options, &mut dyn Write) -> io::Result<()>;

pub(crate) const FORMS: Formats<Form> =
    &[("table", table), ("lines", lines), ("json", |survey, _, out| json::write(survey, out))];

/// Before what is said of a client.
const INDENT: &str = "    ";
const GAP: &str = "  ";

/// A number that is told of every client: its title, and how it is told of one.
struct Column {
    title: String,
    cell: fn(&ClientInventory, &Inventory) -> String,
}

/// Those of which there is something to tell.
fn columns(survey: &Inventory) -> Vec<Column> {
    let column = |title: &str, cell| Column { title: title.to_owned(), cell };
    let mut columns = vec![column("SESSIONS", |client, _| client.sessions.all.to_string())];
    if survey.clients.iter().any(|client| client.sessions.recent.is_some()) && survey.since.is_some() {
        let title = format!("IN {}", span(survey).to_uppercase());
        columns.push(column(&title, |client, _| number(client.sessions.recent)));
    }
    if !survey.repositories.is_empty() {
        columns.push(column("HERE", |client, _| number(client.sessions.here)));
    }
    columns.push(column("RUNNING", |client, _| number(client.processes.map(|processes| processes.agents))));
    if survey.clients.iter().any(|client| client.newest.is_some()) {
        columns.push(column("NEWEST", |client, survey| {
            client.newest.map(|at| text::age(survey.taken_at.since(at))).unwrap_or_default()
        }));
    }
    columns
}

fn number(number: Option<usize>) -> String {
    number.map_or_else(|| "?".to_owned(), |number| number.to_string())
}

/// `24h`: the span that is recent.
fn span(survey: &Inventory) -> String {
    let span = survey.since.map(|since| survey.taken_at.since(since)).unwrap_or_default();
    let hours = span.as_secs() / 3600;
    if hours > 0 && span.as_secs().is_multiple_of(3600) { format!("{hours}h") } else { text::age(span) }
}

fn table(survey: &Inventory, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let columns = columns(survey);
    let rows: Vec<Vec<String>> = survey
        .clients
        .iter()
        .map(|client| columns.iter().map(|column| (column.cell)(client, survey)).collect())
        .collect();
    let widest = |at: usize| rows.iter().map(|row| row[at].len()).max().unwrap_or(0).max(columns[at].title.len());
    let widths: Vec<usize> = (0..columns.len()).map(widest).collect();
    let name = survey.clients.iter().map(|client| client.name.len()).max().unwrap_or(0).max("CLIENT".len());
    let needed = GAP.len() + name + widths.iter().map(|width| GAP.len() + width).sum::<usize>();
    let fits = needed <= options.width;
    if fits {
        let titles = columns.iter().zip(&widths).map(|(column, width)| format!("{GAP}{:>width$}", column.title));
        let titles = format!("{GAP}{:name$}{}", "CLIENT", titles.collect::<String>());
        writeln!(out, "{}", options.dim(&titles))?;
    }
    for (client, row) in survey.clients.iter().zip(&rows) {
        let mark = mark(client, options);
        if fits && client.is_there() {
            let numbers = row.iter().zip(&widths).map(|(cell, width)| format!("{GAP}{cell:>width$}"));
            let numbers: String = numbers.collect();
            let gap = " ".repeat(name - client.name.len());
            writeln!(out, "{mark} {}{gap}{}", options.bold(client.name), numbers.trim_end())?;
        } else {
            writeln!(out, "{mark} {}", options.bold(client.name))?;
        }
        if !fits && client.is_there() {
            write_wrapped(INDENT, INDENT, &sentence(client, survey), options, out)?;
        }
        write_details(client, options, out)?;
    }
    writeln!(out)?;
    if fits {
        write_unknown(survey, options, out)?;
    }
    problems(survey, options, out)?;
    write_wrapped("", "", &summary(survey, options), options, out)
}

/// What a `?` among the numbers means.
fn write_unknown(survey: &Inventory, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let found = || survey.clients.iter().filter(|client| client.is_there());
    if !survey.repositories.is_empty() && found().any(|client| client.sessions.here.is_none()) {
        write_wrapped(
            "",
            "",
            "HERE ?: log paths do not name the directory, and this page opens no logs",
            options,
            out,
        )?;
    }
    if found().any(|client| client.processes.is_none()) {
        write_wrapped("", "", "RUNNING ?: processes cannot be inspected from here", options, out)?;
    }
    Ok(())
}

/// One paragraph a client, uncut.
fn lines(survey: &Inventory, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let options = &Options { width: usize::MAX, ..options.clone() };
    for client in &survey.clients {
        let said = if client.is_there() { sentence(client, survey) } else { "not found".to_owned() };
        writeln!(out, "{}: {said}", options.bold(client.name))?;
        write_details(client, options, out)?;
    }
    problems(survey, options, out)?;
    writeln!(out, "{}", summary(survey, options))
}

/// `120 sessions, 4 in the last 24h, 2 here, newest 12s ago, 1 running`.
fn sentence(client: &ClientInventory, survey: &Inventory) -> String {
    let sessions = &client.sessions;
    let mut parts = vec![text::count(sessions.all as u64, "session", "sessions")];
    if let (Some(recent), Some(_), 1..) = (sessions.recent, survey.since, sessions.all) {
        parts.push(format!("{recent} in the last {}", span(survey)));
    }
    if !survey.repositories.is_empty() && sessions.all > 0 {
        parts.push(sessions.here.map_or_else(|| "unknown number here".to_owned(), |here| format!("{here} here")));
    }
    parts.extend(client.newest.map(|at| format!("newest {} ago", text::age(survey.taken_at.since(at)))));
    parts.push(match client.processes {
        None => "processes cannot be inspected".to_owned(),
        Some(processes) => format!("{} running", processes.agents),
    });
    let helpers = client.processes.map_or(0, |processes| processes.helpers);
    if helpers > 0 {
        parts.push(text::count(helpers as u64, "helper", "helpers"));
    }
    parts.join(", ")
}

/// Where it was looked, and, if there is something, what can be known of it.
fn write_details(client: &ClientInventory, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    if client.places.is_empty() {
        write_labelled("not searched", "HOME is not set", options, out)?;
    }
    for place in &client.places {
        let label = match place.state {
            State::Found => "in",
            State::Missing => "not found",
            State::Unreadable => "unreadable",
        };
        let (path, more) = (options.text(&place.path.to_string_lossy()), remarks(place, options));
        let line = format!("{path} {more}");
        if INDENT.len() + label.len() + 2 + text::width(&line) <= options.width {
            write_labelled(label, line.trim_end(), options, out)?;
        } else {
            // A path is there to be copied.
            writeln!(out, "{INDENT}{} {path}", options.dim(&format!("{label}:")))?;
            write_wrapped(&INDENT.repeat(2), &INDENT.repeat(2), &more, options, out)?;
        }
    }
    if !client.is_there() && !options.verbose {
        return Ok(());
    }
    write_labelled("data", &known(client, options), options, out)?;
    if client.caveat.is_empty() { Ok(()) } else { write_labelled("limits", &options.text(client.caveat), options, out) }
}

/// Why a folder cannot be read, and the variables that name another.
fn remarks(place: &SearchedPath, options: &Options) -> String {
    let why = place.why.iter().map(|why| options.text(why));
    let set = place.variables.iter().filter_map(|variable| match variable.state {
        Setting::Unset => None,
        Setting::Set => Some(format!("{} is set", variable.name)),
        Setting::Ignored => Some(format!("{} is set but ignored", variable.name)),
    });
    let unset: Vec<_> = place.variables.iter().filter(|variable| variable.state == Setting::Unset).collect();
    let names = unset.iter().map(|variable| variable.name).collect::<Vec<_>>().join(", ");
    let overrides = (!unset.is_empty()).then(|| format!("override: {names}"));
    let all: Vec<String> = why.chain(set).chain(overrides).collect();
    if all.is_empty() { String::new() } else { format!("({})", all.join(", ")) }
}

/// `✓ state  ✓ tool  – plan`.
fn known(client: &ClientInventory, options: &Options) -> String {
    let mark = |fact: Capability| {
        let mark = marks(options)[usize::from(!client.knows.contains(&fact.word()))];
        format!("{mark}{NBSP}{}", fact.word())
    };
    Capability::ALL.map(mark).join(" ")
}

/// For what is known, and what is not.
fn marks(options: &Options) -> [&'static str; 2] {
    if options.unicode { ["✓", "–"] } else { ["+", "-"] }
}

/// Whether there is something of it.
fn mark(client: &ClientInventory, options: &Options) -> String {
    let (glyph, ascii) = if client.is_there() { ("●", "*") } else { ("○", "-") };
    let glyph = if options.unicode { glyph } else { ascii };
    let style = match (client.is_running(), client.is_there()) {
        (true, _) => Style::new().green(),
        (false, true) => Style::new(),
        (false, false) => Style::new().dimmed(),
    };
    options.paint(style, glyph)
}

fn problems(survey: &Inventory, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    for (label, text) in task_text::problems(&survey.problems, options) {
        let label = options.dim(&format!("{label}:"));
        writeln!(out, "{label} {text}")?;
    }
    Ok(())
}

/// `2 of 9 clients found · 151 sessions · 1 running · 2026-11-20 14:05:03 +01:00`.
fn summary(survey: &Inventory, options: &Options) -> String {
    let found = survey.clients.iter().filter(|client| client.is_there()).count();
    let sessions: usize = survey.clients.iter().map(|client| client.sessions.all).sum();
    let running: usize = survey.clients.iter().filter_map(|client| client.processes).map(|it| it.agents).sum();
    let parts = [
        format!("{found} of {} found", text::count(survey.clients.len() as u64, "client", "clients")),
        text::count(sessions as u64, "session", "sessions"),
        format!("{running} running"),
        options.moment(survey.taken_at),
    ];
    parts.join(options.dot())
}

fn write_labelled(label: &str, text: &str, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let first = format!("{INDENT}{} ", options.dim(&format!("{label}:")));
    let hang = " ".repeat(INDENT.len() + label.len() + ": ".len());
    write_wrapped(&first, &hang, text, options, out)
}

/// A text after `first`, its further lines after `hang`; what is held together comes apart again.
fn write_wrapped(first: &str, hang: &str, text: &str, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let room = options.width.saturating_sub(hang.len());
    let lines = layout::wrap(text, room, usize::MAX, options.ellipsis());
    let [yes, _] = marks(options);
    for (line, before) in lines.iter().zip(iter::once(first).chain(iter::repeat(hang))) {
        let painted = line.replace(&format!("{yes}{NBSP}"), &format!("{} ", options.paint(Style::new().green(), yes)));
        writeln!(out, "{before}{}", painted.replace(NBSP, " "))?;
    }
    Ok(())
}
