//! The agent's own plan: steps that are made, numbered, moved and dropped.

use super::call_summary::keep;
use super::state::Session;
use super::{Step, StepState};
use crate::model::{Progress, ProgressSource};

pub(crate) const MOST_STEPS: usize = 500;

impl Session {
    /// The whole plan, anew.
    pub(crate) fn plan(&mut self, mut steps: Vec<Step>) {
        self.tell_plan();
        steps.truncate(MOST_STEPS);
        self.plan = steps;
    }

    /// One more step, made by the call `call`, which will tell its number.
    pub(crate) fn add_step(&mut self, call: &str, text: &str) {
        self.tell_plan();
        if self.plan.len() < MOST_STEPS {
            let call = Some(keep(call));
            self.plan.push(Step { id: None, call, text: keep(text), state: StepState::Pending, asked: None });
        }
    }

    pub(crate) fn number_step(&mut self, call: &str, id: &str) {
        let is_it = |step: &Step| step.id.is_none() && step.call.as_deref() == Some(call);
        if !self.plan.iter().any(is_it) {
            return;
        }
        // Numbers begin anew with a new list, once the old one is done.
        if self.plan.iter().any(|step| step.id.as_deref() == Some(id)) {
            self.plan.retain(|step| step.id.is_none());
        }
        if let Some(step) = self.plan.iter_mut().find(|step| is_it(step)) {
            step.id = Some(keep(id));
        }
    }

    /// The agent says that step `id` changes its state. The answer to that may be no.
    pub(crate) fn ask_step(&mut self, id: &str, state: StepState) {
        self.tell_plan();
        if let Some(step) = self.plan.iter_mut().find(|step| step.id.as_deref() == Some(id)) {
            step.asked.get_or_insert(step.state);
            step.state = state;
        }
    }

    /// The answer was no.
    pub(crate) fn refuse_step(&mut self, id: &str) {
        if let Some(step) = self.plan.iter_mut().find(|step| step.id.as_deref() == Some(id)) {
            step.state = step.asked.take().unwrap_or(step.state);
        }
    }

    /// Step `id` changes its state; with none, it is dropped.
    pub(crate) fn move_step(&mut self, id: &str, state: Option<StepState>) {
        match state {
            Some(state) => {
                if let Some(step) = self.plan.iter_mut().find(|step| step.id.as_deref() == Some(id)) {
                    (step.state, step.asked) = (state, None);
                }
            }
            None => self.plan.retain(|step| step.id.as_deref() != Some(id)),
        }
    }

    pub(super) fn count_steps(&self) -> Option<Progress> {
        progress_of(&self.plan)
    }
}

/// How far a plan has come; nothing for one without steps.
pub(super) fn progress_of(plan: &[Step]) -> Option<Progress> {
    let total = u32::try_from(plan.len()).ok().filter(|total| *total > 0)?;
    let in_state = |state| plan.iter().filter(move |step| step.state == state);
    let done = u32::try_from(in_state(StepState::Done).count()).unwrap_or(total);
    let step = in_state(StepState::Current).next().map(|step| step.text.clone());
    Some(Progress { done, total, step, percent: None, source: Some(ProgressSource::Plan) })
}
