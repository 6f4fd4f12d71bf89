//! How the parts stand, for `/health/ready` and for refusing early. It must never say ready for
//! a part that has not shown itself to work.

use serde::Serialize;
use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use wire::RulebookInfo;

/// One part.
#[derive(Debug, Clone, Serialize)]
pub struct Component {
    /// Whether it works.
    pub ok: bool,
    /// In words.
    pub detail: Cow<'static, str>,
}

/// The parts that can fail on their own.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Link, boot and log.
    pub enclave: Component,
    /// The rulebook in force.
    pub rules: Component,
    /// The store.
    pub store: Component,
    /// Whether the enclave's evidence is accepted.
    pub policy: Component,
    /// The check that refused it last.
    pub refused_by: Option<&'static str>,
    /// What the enclave says is in force.
    pub rulebook: Option<RulebookInfo>,
}

/// The shared standing.
#[derive(Debug)]
pub struct Health {
    standing: Mutex<Standing>,
}

impl Component {
    /// Works.
    pub fn up(detail: impl Into<Cow<'static, str>>) -> Self {
        Self { ok: true, detail: detail.into() }
    }

    /// Does not work.
    pub fn down(detail: impl Into<Cow<'static, str>>) -> Self {
        Self { ok: false, detail: detail.into() }
    }
}

impl Default for Health {
    fn default() -> Self {
        let standing = Standing {
            enclave: Component::down("not connected yet"),
            rules: Component::down("not loaded yet"),
            store: Component::up("open"),
            policy: Component::down("no enclave was judged yet"),
            refused_by: None,
            rulebook: None,
        };
        Self { standing: Mutex::new(standing) }
    }
}

impl Health {
    /// How things stand now.
    pub fn standing(&self) -> Standing {
        self.lock().clone()
    }

    /// Whether the store works.
    pub fn store_ok(&self) -> bool {
        self.lock().store.ok
    }

    /// Tells of the enclave; a fault's own words stay until the enclave is up again.
    pub fn set_enclave(&self, component: Component) {
        self.lock().enclave = component;
    }

    /// Tells whether the enclave's evidence is accepted, and by which check it is not.
    pub fn set_policy(&self, component: Component, refused_by: Option<&'static str>) {
        let mut standing = self.lock();
        standing.policy = component;
        standing.refused_by = refused_by;
    }

    /// A connection ended: what was accepted is judged again, what was refused stays so.
    pub fn forget_policy(&self) {
        let policy = &mut self.lock().policy;
        if policy.ok {
            *policy = Component::down("the link broke; who connects next is judged again");
        }
    }

    /// Tells of the rules.
    pub fn set_rules(&self, component: Component, rulebook: Option<RulebookInfo>) {
        let mut standing = self.lock();
        standing.rules = component;
        standing.rulebook = rulebook;
    }

    /// Tells of a fault with newer rules; what is in force stays so.
    pub fn fault_rules(&self, detail: String) {
        self.lock().rules = Component::down(detail);
    }

    /// Tells of the store.
    pub fn set_store(&self, component: Component) {
        self.lock().store = component;
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
