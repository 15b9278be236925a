//! What goes wrong, at which act.

use std::sync::{Mutex, MutexGuard};

use engine::ports::ConnectorError;
use engine::rotation::ErrorClass;
use tokio::sync::Notify;

/// What happens at the chosen act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The act is done twice; the second result counts.
    Repeat,
    /// The network fails before the act.
    FailOnce,
    /// The act is done, and nobody hears of it.
    FailAfter,
    /// From here on the administrator may not do this any more.
    FailForGood,
    /// The process dies after the intent was recorded, before the act.
    DieBefore,
    /// The process dies after the act, before its outcome was recorded.
    DieAfter,
    /// The process dies between two looks of the driver, with nothing in flight.
    DieBetween,
    /// The process is held up before the act until it is let go.
    PauseBefore,
    /// The process is held up after the act until it is let go.
    PauseAfter,
}

#[derive(Default)]
struct Plan {
    armed: Option<(Fault, usize)>,
    acts: Vec<String>,
    looks: usize,
    /// Which act met the fault.
    met: Option<String>,
    /// The method that fails for good.
    failing: Option<&'static str>,
}

/// The plan of one case, shared by the connectors and the one who drives.
#[derive(Default)]
pub(crate) struct Faults {
    plan: Mutex<Plan>,
    pub(crate) death: Notify,
    pub(crate) paused: Notify,
    pub(crate) go_on: Notify,
}

impl Faults {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap()
    }

    /// The `act`th act from now (from 1) meets `fault`.
    pub(crate) fn arm(&self, fault: Fault, act: usize) {
        *self.plan() = Plan {
            armed: Some((fault, act)),
            ..Plan::default()
        };
    }

    /// Everything works again.
    pub(crate) fn heal(&self) {
        let mut plan = self.plan();
        plan.armed = None;
        plan.failing = None;
    }

    /// The act that met the fault, if the rotation reached it.
    pub(crate) fn met(&self) -> Option<String> {
        self.plan().met.clone()
    }

    /// The acts since it was armed.
    pub(crate) fn acts(&self) -> Vec<String> {
        self.plan().acts.clone()
    }

    /// The driver recorded something and let go; true when the process dies there.
    pub(crate) fn look_ended(&self) -> bool {
        let mut plan = self.plan();
        plan.looks += 1;
        let dies = plan.armed == Some((Fault::DieBetween, plan.looks));
        if dies {
            plan.met = Some(format!("after look {}", plan.looks));
        }
        dies
    }

    /// Says what happens to this act; an error is its answer.
    pub(crate) fn begin(
        &self,
        method: &'static str,
        version: Option<u32>,
    ) -> Result<Option<Fault>, ConnectorError> {
        let mut plan = self.plan();
        let act = match version {
            Some(version) => format!("{method} version {version}"),
            None => method.to_owned(),
        };
        plan.acts.push(act.clone());
        if plan.failing == Some(method) {
            return Err(forbidden(method));
        }
        let Some((fault, _)) = plan.armed.filter(|(_, act)| *act == plan.acts.len()) else {
            return Ok(None);
        };
        match fault {
            Fault::DieBetween => return Ok(None),
            Fault::FailOnce => {
                plan.met = Some(act);
                return Err(ConnectorError::new(ErrorClass::Network, "the cable was pulled"));
            }
            Fault::FailForGood => {
                plan.met = Some(act);
                plan.failing = Some(method);
                return Err(forbidden(method));
            }
            _ => plan.met = Some(act),
        }
        Ok(Some(fault))
    }
}

fn forbidden(method: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorClass::Permission,
        format!("`{method}` is not allowed any more"),
    )
}
