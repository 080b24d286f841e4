//! A snapshot under pseudonyms. Every field is named here, so that a new one is not forgotten.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use super::{Kind, Pseudonyms};
use crate::model::{
    Alert, Considered, Everywhere, Evidence, PastEvent, Problem, Progress, Recent, RecentTask, Reported, SessionReport,
    Snapshot, TaskReport, ToolReport,
};
use crate::observe::inventory::{Inventory, SearchedPath};

impl Pseudonyms {
    /// Learns whatever a report names.
    pub(crate) fn learn_from(&mut self, snapshot: &Snapshot) {
        for task in &snapshot.tasks {
            for name in [&task.id, &task.name, &task.known_as] {
                self.learn(Kind::Task, name);
            }
            if let Some(branch) = &task.branch {
                self.learn(Kind::Branch, branch);
            }
            for session in &task.sessions {
                self.learn(Kind::Session, &session.id);
            }
        }
        // The parts of a path come before the path.
        let repositories = snapshot.tasks.iter().filter_map(|task| task.repository.as_ref());
        repositories.chain(&snapshot.roots).for_each(|folder| self.learn_folder(Kind::Repository, folder));
        let worktrees = snapshot.tasks.iter().filter_map(|task| task.worktree.as_ref());
        worktrees.chain(&snapshot.idle).for_each(|folder| self.learn_folder(Kind::Task, folder));
    }

    /// Puts pseudonyms in place of everything that a report names.
    pub(crate) fn hide(&mut self, snapshot: &mut Snapshot) {
        let Snapshot {
            schema: _,
            taken_at: _,
            roots,
            tasks,
            summary: _,
            machine: _,
            problems,
            idle,
            everywhere,
            recent,
            took: _,
        } = snapshot;
        if let Some(recent) = recent {
            self.hide_recent(recent);
        }
        roots.iter_mut().chain(idle).for_each(|path| self.hide_path(path));
        for Problem { path, line: _, offset: _, message, unread: _ } in &mut *problems {
            self.hide_path(path);
            self.hide_text(message);
        }
        if let Some(Everywhere { gone, unopened: _ }) = everywhere {
            for path in gone {
                self.hide_path(path);
            }
        }
        // A task whose names cannot be hidden is left out: its names must not be shown, and the others are.
        tasks.retain_mut(|task| {
            let name = PathBuf::from(self.name(Kind::Task, &task.id));
            let hidden = catch_unwind(AssertUnwindSafe(|| self.hide_task(task)));
            if hidden.is_err() {
                problems
                    .push(Problem::new(name, "left out: its names could not be hidden; that is a fault of agentmon"));
            }
            hidden.is_ok()
        });
    }

    /// The same for the page of the clients.
    pub(crate) fn hide_survey(&mut self, survey: &mut Inventory) {
        let Inventory { schema: _, taken_at: _, since: _, repositories, clients, sight: _, problems } = survey;
        for folder in repositories.iter() {
            self.learn_folder(Kind::Repository, folder);
        }
        for path in repositories.iter_mut() {
            self.hide_path(path);
        }
        for SearchedPath { path, state: _, why, variables: _ } in
            clients.iter_mut().flat_map(|client| &mut client.places)
        {
            self.hide_path(path);
            if let Some(why) = why {
                self.hide_text(why);
            }
        }
        for Problem { path, line: _, offset: _, message, unread: _ } in problems {
            self.hide_path(path);
            self.hide_text(message);
        }
    }

    /// All rows are learnt from first: what one names may stand in the text of another.
    fn hide_recent(&mut self, recent: &mut Recent) {
        let Recent { cores: _, events, tasks, every: _ } = recent;
        let of_tasks = tasks.iter_mut().flat_map(|task| &mut task.events);
        let mut rows: Vec<_> = events.iter_mut().chain(of_tasks).map(|PastEvent { at: _, row }| row).collect();
        for row in &rows {
            self.row(&mut (**row).clone());
        }
        for row in &mut rows {
            self.row(row);
        }
        for RecentTask { task, worktree, events: _, measures: _ } in tasks {
            *task = self.name(Kind::Task, task);
            if let Some(path) = worktree {
                self.hide_path(path);
            }
        }
    }

    fn hide_task(&self, task: &mut TaskReport) {
        let TaskReport { id, known_as, name, repository, worktree, branch, detail, status, progress, .. } = task;
        for name in [id, known_as, name] {
            *name = self.name(Kind::Task, name);
        }
        repository.iter_mut().chain(worktree).for_each(|path| self.hide_path(path));
        if let Some(branch) = branch {
            *branch = self.name(Kind::Branch, branch);
        }
        self.hide_text(detail);
        if let Some(status) = status {
            self.hide_text(status);
        }
        if let Some(Progress { done: _, total: _, step: Some(step), percent: _, source: _ }) = progress {
            self.hide_text(step);
        }
        let TaskReport { notes, next, question, .. } = task;
        notes.iter_mut().chain(next).chain(question).for_each(|text| self.hide_text(text));
        let TaskReport { title, activity, last_message, reported, .. } = task;
        if let Some(Reported { path, id: _, at: _, text }) = reported.as_deref_mut() {
            self.hide_path(path);
            self.hide_text(text);
        }
        [title, activity, last_message].into_iter().flatten().for_each(|text| self.hide_text(text));
        let TaskReport { alerts, sessions, evidence, considered, .. } = task;
        for Alert { kind: _, detail, value: _, limit: _, pids: _ } in alerts {
            self.hide_text(detail);
        }
        for session in sessions {
            self.hide_session(session);
        }
        for Evidence { path, line: _, offset: _, pid: _, start_time: _, what } in evidence {
            if let Some(path) = path {
                self.hide_path(path);
            }
            *what = self.text(what).into();
        }
        for Considered { rule: _, decided: _, detail } in considered {
            self.hide_text(detail);
        }
    }

    fn hide_session(&self, session: &mut SessionReport) {
        session.id = self.name(Kind::Session, &session.id);
        if let Some(parent) = &mut session.parent {
            *parent = self.name(Kind::Session, parent);
        }
        let types = session.sub_agents.iter_mut().map(|agent| &mut agent.agent_type);
        types.chain([&mut session.agent_type]).flatten().for_each(|agent_type| self.hide_text(agent_type));
        self.hide_text(&mut session.detail);
        if let Some(activity) = &mut session.activity {
            self.hide_text(activity);
        }
        if let Some(model) = &mut session.model {
            // Of a model's name, who made it stands before a slash.
            *model = match model.split_once('/') {
                Some((maker, name)) if !model.contains(' ') => [self.text(maker), self.text(name)].join("/"),
                _ => self.text(model),
            };
        }
        if let Some(ToolReport { name, summary, since: _ }) = &mut session.tool {
            self.hide_text(name);
            self.hide_text(summary);
        }
        if !session.tools.by_name.is_empty() {
            self.hide_tools(session.tools.by_name.get_mut());
            session.tools.by_name.encode();
        }
        if !session.errors.is_empty() {
            session.errors.get_mut().iter_mut().for_each(|error| self.hide_error(error));
            session.errors.encode();
        }
        self.hide_path(&mut session.log);
        for path in &mut session.also_worked_in {
            self.hide_path(path);
        }
    }

    fn hide_path(&self, path: &mut PathBuf) {
        *path = self.path(path);
    }

    fn hide_text(&self, text: &mut String) {
        *text = self.text(text);
    }
}
