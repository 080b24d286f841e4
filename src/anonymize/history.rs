//! What the record knows of the past, under pseudonyms. Every field is named here, so that a new one is not forgotten.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Kind, Pseudonyms};
use crate::model::{ErrorSeen, Problem, ToolCounts};
use crate::record::Note;
use crate::record::history::{Resolved, Rollup};

impl Pseudonyms {
    /// Puts pseudonyms in place of everything that stretches name. All that belongs together comes at once: what is
    /// learnt from one may stand in the text of another.
    pub(crate) fn hide_stretches<'a>(&mut self, stretches: impl IntoIterator<Item = &'a mut Rollup>) {
        let stretches: Vec<&mut Rollup> = stretches.into_iter().collect();
        for stretch in &stretches {
            self.learn(Kind::Task, &stretch.task);
            for (kind, folder) in [(Kind::Repository, &stretch.repository), (Kind::Task, &stretch.worktree)] {
                if let Some(folder) = folder {
                    self.learn_folder(kind, Path::new(folder));
                }
            }
        }
        for stretch in stretches {
            self.hide_stretch(stretch);
        }
    }

    fn hide_stretch(&self, stretch: &mut Rollup) {
        stretch.task = self.name(Kind::Task, &stretch.task);
        for folder in [&mut stretch.worktree, &mut stretch.repository].into_iter().flatten() {
            *folder = self.path(&PathBuf::from(&*folder)).to_string_lossy().into_owned();
        }
        self.hide_tools(&mut stretch.used.by_tool);
        let types = stretch.agent_runs.iter_mut().map(|run| &mut run.agent_type).chain([&mut stretch.agent_type]);
        types.flatten().for_each(|name| *name = self.text(name));
        for (name, mut of_type) in std::mem::take(&mut stretch.by_type) {
            self.hide_tools(&mut of_type.used.by_tool);
            let errors = std::mem::take(&mut of_type.errors);
            of_type.errors = errors.into_iter().map(|(pattern, count)| (self.text(&pattern), count)).collect();
            stretch.by_type.insert(self.text(&name), of_type);
        }
        for error in &mut stretch.errors {
            self.hide_error(error);
        }
    }

    /// A model may make up the name of a tool.
    pub(super) fn hide_tools(&self, tools: &mut BTreeMap<String, ToolCounts>) {
        *tools = std::mem::take(tools).into_iter().map(|(name, counts)| (self.text(&name), counts)).collect();
    }

    pub(super) fn hide_error(&self, error: &mut ErrorSeen) {
        error.tool = error.tool.take().map(|tool| self.text(&tool));
        error.pattern = self.text(&error.pattern);
        error.example = self.text(&error.example);
    }

    /// What a person took for settled, as it was named.
    pub(crate) fn hide_resolved(&self, resolved: &mut Resolved) {
        if let Some(task) = &mut resolved.task {
            *task = self.name(Kind::Task, task);
        }
        if let Some(pattern) = &mut resolved.pattern {
            *pattern = self.text(pattern);
        }
    }

    /// The message may be any text of the user's, so nothing of it stays.
    pub(crate) fn hide_note(&mut self, note: &mut Note) {
        if let Some(worktree) = &mut note.worktree {
            self.learn_folder(Kind::Task, Path::new(worktree));
            *worktree = self.path(Path::new(worktree)).to_string_lossy().into_owned();
        }
        note.task = self.name(Kind::Task, &note.task);
        note.message = self.text(&note.message);
    }

    pub(crate) fn hide_problem(&self, problem: &mut Problem) {
        problem.path = self.path(&problem.path);
        problem.message = self.text(&problem.message);
    }
}
